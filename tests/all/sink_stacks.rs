//! Components whose calls wait while others go on, and that record themselves.

use crate::support::{check_handles, events, fixture, parse, plain, record, replay_here, text};
use rr_dap::instrument::record::Commit;
use rr_dap::instrument::sink::{Sink, instrument_into};
use rr_dap::replay::Ended;
use rr_dap::trace::{EventKind, Metadata, Trace};
use std::path::Path;
use std::sync::Arc;

fn count(trace: &Path, is_it: impl Fn(&EventKind) -> bool) -> usize {
    events(trace)
        .iter()
        .filter(|event| is_it(&event.kind))
        .count()
}

/// What it says and what it records is what it does where the host records.
fn records_itself(name: &str, commit: Commit, sink: &Sink) {
    let what = format!("{name} {commit:?} {sink:?}");
    let app = fixture(&format!("motion/{name}.wat"));
    let dir = tempfile::tempdir().unwrap();
    let by_host = dir.path().join("host.rrtrace");
    let recorded = record(&app, &["--invoke", "run()"], &[], "", &by_host);
    assert!(recorded.status.success(), "{what}: {recorded:?}");

    let metadata = Metadata {
        program: "run.wasm".into(),
        ..Metadata::default()
    };
    let component = parse(&app);
    let recording = instrument_into(&component, sink, commit, &metadata).unwrap();
    let ran = plain::call_in(&recording, "run()", dir.path());
    assert_eq!(ran.status, 0, "{what}: {}", text(&ran.stderr));
    // Which nap of several ends first is a matter of time, and to write takes some.
    let [said, expected] = [&ran.stdout, &recorded.stdout].map(|said| {
        let mut said: Vec<u8> = said.clone();
        said.sort_unstable();
        said
    });
    assert_eq!(text(&said), text(&expected), "{what}");
    let trace = dir.path().join("run.rrtrace");
    if *sink == Sink::Stderr {
        std::fs::write(&trace, &ran.stderr).unwrap();
    }
    let is_call = |kind: &EventKind| matches!(kind, EventKind::Call(_));
    let is_resume = |kind: &EventKind| matches!(kind, EventKind::Resume(_));
    assert_eq!(count(&trace, is_call), count(&by_host, is_call), "{what}");
    // It writes down each time that a call goes on, also where nothing else has meanwhile.
    assert!(count(&trace, is_resume) > 0, "{what}");
    let opened = Arc::new(Trace::open(&trace).unwrap());
    let (ended, _) = replay_here(opened.clone()).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(ended, Ended::Returned, "{what}");
    check_handles(&opened);
}

#[test]
fn tasks_that_wait_on_their_stacks_record_themselves() {
    for name in ["stackful", "overtaking", "threads"] {
        for commit in [Commit::EachHostcall, Commit::WhenFull] {
            for sink in [Sink::Stderr, Sink::File { path: None }] {
                records_itself(name, commit, &sink);
            }
        }
    }
}
