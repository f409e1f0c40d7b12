//! The process that records a launched program ends with what it has recorded, whoever
//! ends it.

use crate::support::client::Client;
use crate::support::processes::Marked;
use crate::support::{cache_dir, fixture};
use rr_dap::trace::{Event, EventKind, Outcome, Trace};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A program that prints byte after byte, and does not end while a test waits.
fn endless(directory: &Path) -> PathBuf {
    let chatty = std::fs::read_to_string(fixture("wat/chatty.wat")).expect("the fixture");
    let rounds = "(i32.const 5000)";
    assert_eq!(chatty.matches(rounds).count(), 1);
    let program = directory.join("endless.wat");
    let text = chatty.replace(rounds, "(i32.const 2000000000)");
    std::fs::write(&program, text).expect("is written");
    program
}

/// A server that is recording the program, which has printed something.
struct Recording {
    child: Child,
    marked: Marked,
    client: Client,
    /// The number of the request.
    launching: i64,
    trace: PathBuf,
    _directory: tempfile::TempDir,
}

impl Recording {
    fn begin(name: &str) -> Recording {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        let marked = Marked::new(name, &mut command);
        let mut child = command
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdout = child.stdout.take().expect("piped");
        let stdin = child.stdin.take().expect("piped");
        let mut client = Client::new(Box::new(stdout), Box::new(stdin));
        client.initialize();
        let trace = directory.path().join("endless.rrtrace");
        let program = endless(directory.path());
        let launch = json!({
            "program": program, "recordTo": trace, "stopAt": "entry", "pauseEnds": true,
        });
        let launching = client.send("launch", launch);
        let printed = client.event("output");
        assert_eq!(printed["category"], "stdout", "{printed}");
        Recording {
            child,
            marked,
            client,
            launching,
            trace,
            _directory: directory,
        }
    }

    /// Ends the session, and waits until nothing of it is left.
    fn disconnect(mut self) {
        self.client.ask("disconnect", json!({}));
        drop(self.client);
        self.child.wait().expect("ends");
        self.marked.wait_for_the_end(&[]);
    }

    /// What was recorded of a run that did not end by itself.
    fn interrupted(&self) -> Trace {
        let trace = Trace::open(&self.trace).expect("a recording");
        assert_eq!(*trace.outcome(), Outcome::Interrupted);
        trace
    }
}

/// The calls that print, of those in a recording.
fn writes(trace: &Trace) -> usize {
    let component = trace.component();
    let mut cursor = trace.events_from(0).expect("events");
    let mut count = 0;
    while let Some(Event { crossing, kind, .. }) = cursor.next().expect("sound events") {
        let name = component.crossing(crossing).map(|c| c.name.to_string());
        let is_write = name.is_some_and(|name| name.contains("blocking-write-and-flush"));
        count += usize::from(is_write && matches!(kind, EventKind::Call(_)));
    }
    count
}

#[test]
fn a_paused_launch_is_debugged_with_every_hostcall_so_far() {
    let mut recording = Recording::begin("paused");
    let (client, launching) = (&mut recording.client, recording.launching);
    client.ask("pause", json!({ "threadId": 1 }));
    assert_eq!(client.response(launching)["success"], true);
    let outputs = client.kept_events("output");
    let stdout = outputs.iter().filter(|o| o["category"] == "stdout");
    let length = |output: &Value| output["output"].as_str().map_or(0, str::len);
    // The first one was waited for, and holds a byte at least.
    let printed = 1 + stdout.map(length).sum::<usize>();
    let written = writes(&recording.interrupted());
    let client = &mut recording.client;
    assert!(
        written >= printed,
        "{printed} were seen, {written} recorded"
    );
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    recording.disconnect();
}

#[test]
fn a_launch_that_takes_long_is_answered_and_is_debugged_from_where_it_is_paused() {
    let mut recording = Recording::begin("long");
    let (client, launching) = (&mut recording.client, recording.launching);
    assert_eq!(client.response(launching)["success"], true);
    assert_eq!(client.event("thread")["reason"], "started");
    let threads = client.ask("threads", Value::Null);
    assert_eq!(
        threads["threads"],
        json!([{ "id": 1, "name": "recording endless.wat" }])
    );
    client.refusal("stackTrace", json!({ "threadId": 1 }));
    assert!(!client.heard_event("initialized"));
    client.ask("pause", json!({ "threadId": 1 }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    let stopped = client.event("stopped");
    assert_eq!(
        stopped["description"],
        "End of the recording: the run was stopped"
    );
    let trace = client.ask("stackTrace", json!({ "threadId": 1 }));
    assert_ne!(
        trace["stackFrames"][0]["presentationHint"], "label",
        "{trace}"
    );
    // A second `terminate` is the session's end.
    client.ask("terminate", json!({}));
    client.event("terminated");
    recording.disconnect();
}

#[test]
fn terminate_ends_the_run_first_and_then_the_session() {
    let mut recording = Recording::begin("stop");
    let (client, launching) = (&mut recording.client, recording.launching);
    client.ask("terminate", json!({}));
    assert_eq!(client.response(launching)["success"], true);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    assert_eq!(client.event("stopped")["reason"], "end");
    recording.interrupted();
    let client = &mut recording.client;
    client.ask("terminate", json!({}));
    client.event("terminated");
    recording.disconnect();
}

/// As the button does that editors show beside the progress.
#[test]
fn who_cancels_the_progress_of_a_run_debugs_what_it_has_done() {
    let mut recording = Recording::begin("progress");
    let (client, launching) = (&mut recording.client, recording.launching);
    client.ask("cancel", json!({ "progressId": "opening" }));
    assert_eq!(client.response(launching)["success"], true);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    assert_eq!(client.event("stopped")["reason"], "end");
    recording.interrupted();
    recording.disconnect();
}

#[test]
fn a_cancelled_launch_is_given_up() {
    let mut recording = Recording::begin("cancelled");
    let (client, launching) = (&mut recording.client, recording.launching);
    client.ask("cancel", json!({ "requestId": launching }));
    let response = client.response(launching);
    // It may have been answered before, as it takes long.
    match response["success"] == true {
        true => drop(client.event("terminated")),
        false => assert_eq!(response["message"], "cancelled"),
    }
    recording.disconnect();
}

#[test]
fn a_killed_server_leaves_a_recording_and_no_process() {
    let mut recording = Recording::begin("killed");
    recording.child.kill().expect("is killed");
    recording.child.wait().expect("ends");
    recording.marked.wait_for_the_end(&[]);
    assert!(writes(&recording.interrupted()) > 0);
}

/// Two pipes have no order; what a program gives up for comes after what it had printed.
#[test]
fn what_a_launched_program_says_of_its_end_comes_last_and_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::copy(fixture("ledger.csv"), dir.path().join("ledger.csv")).expect("a copy");
    let (mut child, mut client) = Client::spawn();
    client.initialize();
    let to = format!("{}::/work", dir.path().display());
    let launch = json!({ "program": fixture("ledger.wasm"), "dirs": [to], "stopAt": "end" });
    client.ask("launch", launch);
    client.event("initialized");
    let said: Vec<(String, String)> = client
        .kept_events("output")
        .into_iter()
        .map(|event| {
            let text = |key: &str| event[key].as_str().expect("a text").to_owned();
            (text("category"), text("output"))
        })
        .filter(|(category, _)| category != "console")
        .collect();
    let (last, before) = said.split_last().expect("output");
    assert_eq!(last.0, "stderr", "{said:?}");
    assert_eq!(last.1, "ledger: bob is overdrawn\n");
    assert!(
        before.iter().all(|(category, _)| category == "stdout"),
        "{said:?}"
    );
    let printed: String = before.iter().map(|(_, text)| text.as_str()).collect();
    assert!(
        printed.ends_with("bob    -15686 cents after 6 transfers\n"),
        "{printed}"
    );
    client.ask("disconnect", json!({}));
    drop(client);
    child.wait().expect("ends");
}

#[test]
fn what_is_not_a_recording_is_not_recorded_over() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("notes.txt");
    std::fs::write(&file, "notes").expect("written");
    let launch = |overwrite: bool| {
        let mut client = crate::support::session::connect();
        client.initialize();
        let program = crate::support::fixture("library.wasm");
        let launching = client.send(
            "launch",
            json!({
                "program": program, "invoke": "sum([4, 5])", "recordTo": file,
                "overwrite": overwrite, "stopAt": "end",
            }),
        );
        client.response(launching)
    };
    let refused = launch(false);
    assert_eq!(refused["success"], false, "{refused}");
    assert!(refused.to_string().contains("not a recording"), "{refused}");
    assert_eq!(std::fs::read(&file).expect("there"), b"notes");
    assert_eq!(launch(true)["success"], true);
    // A recording makes room for the next one.
    assert_eq!(launch(false)["success"], true);
    assert_eq!(
        *Trace::open(&file).expect("a recording").outcome(),
        Outcome::Returned {
            success: true,
            result: Some("9".into())
        }
    );
}
