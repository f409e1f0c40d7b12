//! Programs of Go, which share their memory with the WASI adapter.

use crate::support::session::{frames, start};
use crate::support::{record, replay, rr_dap, text, unpacked};
use serde_json::json;
use std::path::{Path, PathBuf};

fn words(directory: &Path) -> PathBuf {
    let app = directory.join("words.wasm");
    std::fs::write(&app, unpacked("go/words.wasm.zst")).unwrap();
    app
}

#[test]
fn a_program_of_go_allocates_beside_the_adapter() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("words.rrtrace");
    // A quarter of a mebibyte for each word: far more than there is at first.
    let input = "time flies ".repeat(60);
    let recorded = record(&words(dir.path()), &[], &[], &input, &trace);
    assert!(recorded.status.success(), "{}", text(&recorded.stderr));
    let told = "120 words of 540 letters, 120 kept\n";
    assert_eq!(text(&recorded.stderr), told);
    let replayed = replay(&trace);
    assert!(replayed.status.success(), "{}", text(&replayed.stderr));
    assert_eq!(text(&replayed.stderr), told);
}

#[test]
fn a_panic_of_go_is_gone_back_from() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("words.rrtrace");
    let recorded = record(&words(dir.path()), &[], &["fail"], "one two", &trace);
    assert!(!recorded.status.success());
    let panic = "panic: runtime error: invalid memory address or nil pointer dereference";
    assert!(text(&recorded.stderr).contains(panic));
    let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |client| {
        let breakpoints = json!({ "breakpoints": [{ "name": "main.tally" }] });
        let set = client.ask("setFunctionBreakpoints", breakpoints);
        assert_eq!(set["breakpoints"][0]["verified"], true, "{set}");
    });
    client.ask("reverseContinue", json!({ "threadId": 1 }));
    assert_eq!(client.event("stopped")["reason"], "function breakpoint");
    assert_eq!(frames(&mut client)[0]["name"], "main.tally");
}

#[test]
fn a_layout_that_is_not_known_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("odd.wat");
    let module = r#"(module (@custom "go:buildid" "x")
        (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
        (memory (export "memory") 20) (func (export "_start")))"#;
    std::fs::write(&app, module).unwrap();
    let refused = rr_dap(&["record", app.to_str().unwrap()], "");
    assert!(!refused.status.success());
    let error = text(&refused.stderr);
    assert!(
        error.contains("TinyGo") && !error.contains("wasm-tools"),
        "{error}"
    );
}
