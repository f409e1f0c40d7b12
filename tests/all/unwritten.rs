//! What cannot be written or read on: a standard output that takes nothing more, and a
//! recording that changes while it is open.

use crate::support::session::start;
use crate::support::{cache_dir, events, fixture, record, rewrite, rr_dap, text};
use rr_dap::trace::{Event, EventKind, Trace, TraceError};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn kitchen(dir: &Path) -> PathBuf {
    let trace = dir.join("t.rrtrace");
    record(
        &fixture("kitchen.wasm"),
        &["--quiet"],
        &["args"],
        "",
        &trace,
    );
    trace
}

fn printing_to(out: impl Into<Stdio>, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
    command.args(args).env("RR_DAP_CACHE", cache_dir());
    command.stdin(Stdio::null()).stdout(out);
    command.stderr(Stdio::piped());
    command.spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn a_full_disk_fails_whatever_prints() {
    let dir = tempfile::tempdir().unwrap();
    let trace = kitchen(dir.path());
    let trace = trace.to_str().unwrap();
    let answer = fixture("wat/leave.wat");
    let again = dir.path().join("again.rrtrace");
    let (answer, again) = (answer.to_str().unwrap(), again.to_str().unwrap());
    let invoked = [
        "record", "--invoke", "run()", "--force", "-o", again, answer,
    ];
    for args in [
        &["replay", trace][..],
        &["replay", "--verify", trace],
        &["replay", "--verify", "--json", trace],
        &["trace", "info", trace],
        &["trace", "info", "--json", trace],
        &["trace", "events", trace],
        &["trace", "events", "--json", trace],
        &["trace", "output", trace],
        &["trace", "resources", "--json", trace],
        &["debug", "--batch", "--command", "bt", trace],
        &["completions", "bash"],
        &["record", "-S", "help"],
        &["--help"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = printing_to(full, args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        let expected = "rr-dap: cannot write to standard output: No space left on device";
        assert!(told.starts_with(expected), "{args:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
        // Whoever has read enough has not failed.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = printing_to(writer, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
    // Of a run that exits by itself nothing is left to print.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(text(&printing_to(full, &invoked).stderr), "");
}

#[test]
fn a_motion_that_fails_fails_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let trace = kitchen(dir.path());
    let opened = Trace::open(&trace).unwrap();
    let mut forged = events(&trace);
    let returns = |event: &Event| matches!(event.kind, EventKind::Call(_));
    let last = forged.iter().rposition(returns).unwrap();
    // A call that the guest does not make.
    forged[last] = forged.iter().find(|event| returns(event)).unwrap().clone();
    let path = dir.path().join("forged.rrtrace");
    let component = opened.component().clone();
    rewrite::write(component, &forged, opened.outcome(), 1000, &path);
    let line = [
        "debug",
        "--batch",
        "--at",
        "start",
        "-x",
        "seek end",
        "-x",
        "print 6 * 7",
    ];
    let line = [&line[..], &[path.to_str().unwrap()]].concat();
    let session = rr_dap(&line, "");
    let shown = text(&session.stdout);
    assert!(shown.contains("replay diverged at event"), "{shown}");
    // The rest is done all the same.
    assert!(shown.ends_with("6 * 7 = 42\n"), "{shown}");
    assert_eq!(session.status.code(), Some(1), "{session:?}");
}

fn chatty(dir: &Path) -> PathBuf {
    let trace = dir.join("chatty.rrtrace");
    record(&fixture("wat/chatty.wat"), &["--quiet"], &[], "", &trace);
    trace
}

#[test]
fn a_recording_that_is_cut_while_it_is_open_is_called_that() {
    let dir = tempfile::tempdir().unwrap();
    let path = chatty(dir.path());
    let trace = Trace::open(&path).unwrap();
    let was = trace.length();
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    for now in [was * 3 / 4, 2000, 0] {
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(now).unwrap();
        let expected = format!("was cut off while it was open, from {was} to {now} bytes");
        let mut cursor = trace.events();
        let error = loop {
            match cursor.next() {
                Ok(event) => assert!(event.is_some(), "all is there"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains(&expected), "{error}");
        let error = Trace::open_again(&path, &trace.identity()).unwrap_err();
        assert!(matches!(error, TraceError::Cut { .. }), "{error}");
        client.ask("rr/seek", json!({ "to": "end" }));
        let stopped = client.event("stopped");
        let told = stopped["text"].as_str().unwrap_or_default();
        assert!(told.contains(&expected), "{stopped}");
    }
}

#[test]
fn a_recording_made_anew_under_the_same_name_is_not_taken_for_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = chatty(dir.path());
    let trace = Trace::open(&path).unwrap();
    assert!(Trace::open_again(&path, &trace.identity()).is_ok());
    std::fs::copy(kitchen(dir.path()), &path).unwrap();
    let error = Trace::open_again(&path, &trace.identity()).unwrap_err();
    assert!(
        matches!(
            error,
            TraceError::Overwritten { .. } | TraceError::Cut { .. }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("while it was open"), "{error}");
}
