//! A command of WASI 0.3, compiled from Rust: recorded and replayed.

use crate::support::{check_handles, fixture, record, replay_here, text};
use rr_dap::replay::Ended;
use rr_dap::trace::Trace;
use std::sync::Arc;

#[test]
fn a_command_of_concurrent_tasks_records_and_replays() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let input = "x".repeat(1000);
    let app = fixture("sleepers.wasm");
    let recorded = record(&app, &[], &["one", "two"], &input, &path);
    assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
    let printed = text(&recorded.stdout);
    assert_eq!(
        printed,
        "3 arguments\nsecond slept 20 ms\nthird slept 40 ms\nfirst slept 60 ms\n\
         slept 120 ms\nread 1000 bytes\n"
    );
    assert_eq!(text(&recorded.stderr), "done\n");

    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, replayed) = replay_here(trace.clone()).expect("replays");
    assert_eq!(ended, Ended::Returned);
    assert_eq!(text(&replayed), printed);
    check_handles(&trace);
}
