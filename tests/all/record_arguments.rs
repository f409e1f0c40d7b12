//! What follows the program on the command line is the program's.

use crate::support::{fixture, rr_dap, text};

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
