//! What follows the program on the command line is the program's.

use crate::support::{fixture, record, rr_dap, text};

#[test]
fn options_behind_the_program_are_its_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("hello.rrtrace");
    let trace = trace.to_str().expect("a path");
    let hello = fixture("hello-c-O0.wasm");
    let hello = hello.to_str().expect("a path");
    for separator in [None, Some("--")] {
        let mut line = vec!["record", "--quiet", "--force", "-o", trace];
        line.extend(separator);
        line.extend([hello, "-q", "--force", "-o", "x"]);
        let recorded = rr_dap(&line, "");
        assert_eq!(text(&recorded.stderr), "");
        // Its name and the four.
        assert!(
            text(&recorded.stdout).contains("argc 5"),
            "{}",
            text(&recorded.stdout)
        );
    }
    let unknown = rr_dap(&["record", "--no-such-option", hello], "");
    assert!(
        text(&unknown.stderr).contains("--no-such-option"),
        "{}",
        text(&unknown.stderr)
    );
    assert!(!unknown.status.success());
}

/// What is refused is where the message says in the file that was given.
#[test]
fn offsets_in_messages_are_those_of_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    // Exceptions as they were before they were standardised.
    let old = r#"(component
      (core module $first (func (export "f")))
      (core instance $f (instantiate $first))
      (func (export "run") (canon lift (core func $f "f")))
      (core module (func try catch_all end)))"#;
    let old = wat::parse_str(old).expect("a component");
    let engine = wasmtime::Engine::default();
    let refused = wasmtime::component::Component::new(&engine, &old).err();
    let refused = format!("{:#}", refused.expect("Wasmtime does not take it"));
    let offset = refused.rfind("at offset").map(|at| &refused[at..]);
    let offset = offset.expect("says where").trim_end_matches(')');
    let app = dir.path().join("old.wasm");
    std::fs::write(&app, old).expect("is written");
    let trace = dir.path().join("old.rrtrace");
    let recorded = record(&app, &["--invoke", "run()"], &[], "", &trace);
    let message = text(&recorded.stderr);
    assert!(message.contains(offset), "{message}: {offset}");
    assert!(!trace.exists());
}
