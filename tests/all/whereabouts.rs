//! Where the text of a source is taken from: files where they are looked for, the recording,
//! and what stands for one that is nowhere.

use crate::support::session::{connect, frames};
use crate::support::{cache_dir, fixture, record, text};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINE: &str = "assert(number % 2 == 0);";
const COMPILED_AT: &str = "/rr-dap/fixtures/half.c";

fn recorded(dir: &Path, options: &[&str]) -> PathBuf {
    let trace = dir.join("half.rrtrace");
    let options = [&["--quiet"], options].concat();
    let recorded = record(&fixture("half.wasm"), &options, &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

/// What the prompt says, begun in a directory.
fn prompt(directory: &Path, trace: &Path, commands: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
    command
        .current_dir(directory)
        .env("RR_DAP_CACHE", cache_dir());
    command.args(["debug", "--batch"]);
    for line in commands {
        command.args(["-x", line]);
    }
    let ran = command.arg(trace).output().unwrap();
    text(&ran.stdout) + &text(&ran.stderr)
}

#[test]
fn a_source_is_found_at_an_end_of_its_path_if_it_is_what_was_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let trace = recorded(dir.path(), &["--no-sources"]);
    let shown = |cwd: &Path| prompt(cwd, &trace, &["break half", "continue", "list"]);
    let is_missing = |told: &str| {
        assert!(
            told.contains("/rr-dap/fixtures/half.c is not here; "),
            "{told}"
        );
        assert!(!told.contains(LINE), "{told}");
    };
    is_missing(&shown(elsewhere.path()));
    // Another text of that name is not it: the debug information has a digest.
    let beside = dir.path().join("half.c");
    let whole = fs::read_to_string(fixture("half.c")).unwrap();
    fs::write(&beside, whole.replace("3)", "5)")).unwrap();
    is_missing(&shown(elsewhere.path()));
    // A link out of the folder is not followed.
    fs::remove_file(&beside).unwrap();
    let secret = elsewhere.path().join("away/half.c");
    fs::create_dir(secret.parent().unwrap()).unwrap();
    fs::write(&secret, &whole).unwrap();
    symlink(&secret, &beside).unwrap();
    is_missing(&shown(&dir.path().join(".")));
    fs::remove_file(&beside).unwrap();
    fs::write(&beside, &whole).unwrap();
    let told = shown(elsewhere.path());
    assert!(
        told.contains("->    6    assert(number % 2 == 0);"),
        "{told}"
    );
    assert!(!told.contains("is not here"), "{told}");
    // And where who debugs is.
    fs::remove_file(&beside).unwrap();
    let folder = elsewhere.path().join("fixtures");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("half.c"), &whole).unwrap();
    assert!(shown(elsewhere.path()).contains(LINE));
}

#[test]
fn a_recording_carries_its_sources_along() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(dir.path(), &[]);
    let told = prompt(dir.path(), &trace, &["break half", "continue", "list"]);
    assert!(
        told.contains("->    6    assert(number % 2 == 0);"),
        "{told}"
    );
    assert!(!told.contains("is not here"), "{told}");
    let info = |trace: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        let ran = command.args(["trace", "info"]).arg(trace).output().unwrap();
        text(&ran.stdout)
    };
    let length = fs::read(fixture("half.c")).unwrap().len();
    let listed = format!("{COMPILED_AT} ({length} bytes, carried along)");
    assert!(info(&trace).contains(&listed), "{}", info(&trace));
    let bare = recorded(dir.path(), &["--no-sources"]);
    assert!(!info(&bare).contains(COMPILED_AT));
}

#[test]
fn a_client_is_given_text_instead_of_a_path_that_is_not_here() {
    let dir = tempfile::tempdir().unwrap();
    // The server of this test runs where half.c is found: a name that is nowhere is needed.
    let app = fs::read(fixture("half.wasm")).unwrap();
    let renamed = replaced(&app, b"/rr-dap/fixtures/half.c", b"/rr-dap/fixtures/hulf.c");
    let path = dir.path().join("hulf.wasm");
    fs::write(&path, replaced(&renamed, b"half.c\0", b"hulf.c\0")).unwrap();
    let trace = dir.path().join("t.rrtrace");
    record(&path, &["--quiet"], &[], "", &trace);
    let mut client = connect();
    client.initialize();
    client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
    client.event("initialized");
    let set = client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "half" }] }),
    );
    assert_eq!(
        set["breakpoints"][0]["message"], "half at hulf.c:6",
        "{set}"
    );
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    client.go("continue");
    let top = frames(&mut client).remove(0);
    assert_eq!(
        (&top["name"], &top["line"]),
        (&json!("half"), &json!(6)),
        "{top}"
    );
    let source = top["source"].clone();
    assert_eq!(
        (&source["name"], &source["path"]),
        (&json!("hulf.c"), &Value::Null),
        "{source}"
    );
    let arguments = json!({ "source": source, "sourceReference": source["sourceReference"] });
    let body = client.ask("source", arguments);
    let lines: Vec<&str> = body["content"].as_str().unwrap().lines().collect();
    assert!(
        lines[0].starts_with("// ") && lines[0].contains("hulf.c is not here; "),
        "{}",
        lines[0]
    );
    // It is in sight of who looks at the function.
    assert!(lines[3].contains("hulf.c is not here; "), "{}", lines[3]);
    assert!(
        lines[5].contains("local.get") && lines[5].contains("i32"),
        "{}",
        lines[5]
    );
    assert_eq!(lines[8], "", "that line has no code");
    // Breakpoints on its lines are as those in the source.
    let arguments = json!({ "source": source, "breakpoints": [{ "line": 7 }] });
    let set = client.ask("setBreakpoints", arguments);
    assert_eq!(set["breakpoints"][0]["verified"], true, "{set}");
    client.go("continue");
    assert_eq!(frames(&mut client)[0]["line"], 7);
    // The person's word counts, wherever the client is.
    let launch = json!({
        "trace": trace, "stopOnEntry": true, "sourceMap": { "/rr-dap": "/of/the/client" },
    });
    let mut client = crate::support::session::start(launch, |_| {});
    assert_eq!(
        frames(&mut client)[0]["source"]["path"],
        "/of/the/client/fixtures/hulf.c"
    );
}

#[test]
fn breakpoints_are_taken_at_the_path_where_a_source_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(dir.path(), &["--no-sources"]);
    // The longest end of the path counts first: where the tests run, it is this one, too.
    let beside = dir.path().join("fixtures/half.c");
    fs::create_dir(beside.parent().unwrap()).unwrap();
    fs::copy(fixture("half.c"), &beside).unwrap();
    let mut client = connect();
    client.initialize();
    client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
    client.event("initialized");
    for path in [beside.to_str().unwrap(), COMPILED_AT] {
        let arguments = json!({ "source": { "path": path }, "breakpoints": [{ "line": 7 }] });
        let set = client.ask("setBreakpoints", arguments);
        assert_eq!(set["breakpoints"][0]["verified"], true, "{path}: {set}");
    }
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    client.go("continue");
    let top = frames(&mut client).remove(0);
    assert_eq!(top["source"]["path"], beside.to_str().unwrap(), "{top}");
}

/// Bytes with another text of the same length in the place of each of these.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len()) {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }
    bytes
}
