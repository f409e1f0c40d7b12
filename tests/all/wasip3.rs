//! A command of WASI 0.3, compiled from Rust: recorded and replayed.

use crate::support::{check_handles, events, fixture, record, replay_here, rewrite, text};
use rr_dap::replay::Ended;
use rr_dap::trace::{EventKind, Trace};
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
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[0], "3 arguments");
    // The host's timers are 20 ms apart, so a busy machine may have them in another order.
    let mut slept = lines[1..4].to_vec();
    slept.sort_unstable();
    let expected = [
        "first slept 60 ms",
        "second slept 20 ms",
        "third slept 40 ms",
    ];
    assert_eq!(slept, expected);
    assert_eq!(lines[4..], ["slept 120 ms", "read 1000 bytes"]);
    assert_eq!(text(&recorded.stderr), "done\n");

    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, replayed) = replay_here(trace.clone()).expect("replays");
    assert_eq!(ended, Ended::Returned);
    assert_eq!(text(&replayed), printed);
    check_handles(&trace);
}

/// A callback tells that its task is done, so memory is compared there, and before that where
/// nothing is owed to the guest.
#[test]
fn the_memory_of_a_command_of_concurrent_tasks_is_compared() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let app = fixture("sleepers.wasm");
    record(&app, &["--quiet"], &["one"], "", &path);
    let trace = Trace::open(&path).expect("opens");
    let all = events(&path);
    let is_hash = |kind: &EventKind| matches!(kind, EventKind::Hash(_));
    let hashes: Vec<usize> = (0..all.len()).filter(|i| is_hash(&all[*i].kind)).collect();
    assert!(hashes.len() > 2, "{} hashes", hashes.len());
    assert_eq!(hashes.last(), Some(&(all.len() - 1)), "at the end");
    let forged_path = dir.path().join("forged.rrtrace");
    let replayed = |events: &[_]| {
        let component = trace.component().clone();
        rewrite::write(component, events, trace.outcome(), 1000, &forged_path);
        replay_here(Arc::new(Trace::open(&forged_path).expect("opens")))
    };
    for at in hashes {
        let mut forged = all.clone();
        if let EventKind::Hash(hash) = &mut forged[at].kind {
            *hash ^= 1;
        }
        let error = replayed(&forged).expect_err("a divergence").to_string();
        assert!(error.contains("guest memory has hash"), "{error}");
    }
    // As recordings were before.
    let mut without = all;
    without.retain(|event| !is_hash(&event.kind));
    assert!(replayed(&without).is_ok());
}
