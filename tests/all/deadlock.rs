//! A run in which everything waits for ever ends, and what waits is shown.

use crate::support::session::{frames, start};
use crate::support::{record, replay, text};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A component of one module with these imports, whose `run` waits for a future that nobody
/// writes: in its callback, or in the middle of a call.
fn waiting(lift: &str, body: &str, dir: &Path) -> PathBuf {
    let app = dir.join("waiting.wat");
    let component = format!(
        r#"(component
          (core module $libc (memory (export "memory") 1))
          (core instance $libc (instantiate $libc))
          (type $f (future u8))
          (core func $new (canon future.new $f))
          (core func $read (canon future.read $f async (memory $libc "memory")))
          (core func $set (canon waitable-set.new))
          (core func $join (canon waitable.join))
          (core func $wait (canon waitable-set.wait (memory $libc "memory")))
          (core module $m
            (import "abi" "new" (func $new (result i64)))
            (import "abi" "read" (func $read (param i32 i32) (result i32)))
            (import "abi" "set" (func $set (result i32)))
            (import "abi" "join" (func $join (param i32 i32)))
            (import "abi" "wait" (func $wait (param i32 i32) (result i32)))
            (func $begin (result i32) (local $future i32) (local $set i32)
              (local.set $future (i32.wrap_i64 (call $new)))
              (drop (call $read (local.get $future) (i32.const 8)))
              (local.set $set (call $set))
              (call $join (local.get $future) (local.get $set))
              (local.get $set))
            (func $run (export "run") (result i32) {body})
            (func (export "callback") (param i32 i32 i32) (result i32) unreachable))
          (core instance $i (instantiate $m (with "abi" (instance
            (export "new" (func $new)) (export "read" (func $read)) (export "set" (func $set))
            (export "join" (func $join)) (export "wait" (func $wait))))))
          (func (export "run") async (result u32) (canon lift (core func $i "run") {lift})))"#
    );
    std::fs::write(&app, component).unwrap();
    app
}

#[test]
fn a_run_that_waits_for_ever_ends_and_says_for_what() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("t.rrtrace");
    let in_callback = "(i32.or (i32.const 2) (i32.shl (call $begin) (i32.const 4)))";
    let in_call = "(call $wait (call $begin) (i32.const 16))";
    for (lift, body, stack) in [
        ("async (callback (func $i \"callback\"))", in_callback, ""),
        ("", in_call, "waitable-set.wait"),
    ] {
        let app = waiting(lift, body, dir.path());
        let recorded = record(&app, &["--invoke", "run()"], &[], "", &trace);
        assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
        let told = text(&recorded.stderr);
        assert!(told.contains("deadlock detected"), "{told}");
        let where_to_look = format!("`rr-dap debug --at end {}` shows", trace.display());
        assert!(told.contains(&where_to_look), "{told}");
        let replayed = replay(&trace);
        assert_eq!(replayed.status.code(), Some(134));
        let launch = json!({ "trace": trace, "stopAt": "end" });
        let mut client = start(launch, |_| {});
        let why = client.ask("exceptionInfo", json!({ "threadId": 1 }));
        let why = why["description"].as_str().unwrap();
        assert!(why.contains("every task waits"), "{why}");
        for part in [
            "future 1 (read since hostcall 1)",
            "it waits for itself: task 1 → ",
            "its other end, index 2 of instance 0 → task 1",
        ] {
            assert!(why.contains(part), "{part}: {why}");
        }
        if !stack.is_empty() {
            let frames = frames(&mut client);
            assert_eq!(frames[0]["name"], stack, "{frames:?}");
            assert_eq!(frames[1]["name"], "run", "{frames:?}");
        }
    }
}
