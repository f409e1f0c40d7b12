//! Sessions over asynchronous recordings, word for word: a deadlock of two components, and a Rust
//! program whose tasks and futures wait.

use crate::support::client::Client;
use crate::support::session::{connect_logged, frames, start, variables};
use crate::support::{events, fixture, record, transcript, unpacked};
use rr_dap::dap::outbox::MessageLog;
use rr_dap::trace::EventKind;
use serde_json::{Value, json};
use std::path::Path;

/// What the server says of its own accord, whenever it knows it.
const UNASKED: [&str; 5] = [
    "invalidated",
    "progressStart",
    "progressUpdate",
    "progressEnd",
    "memory",
];

/// `let began = units * 2;`: behind that comes the await.
const NAPS: i64 = 34;
/// Hostcalls and built-ins of the run where each timer is told of by itself.
const CALLS: usize = 258;
/// A line may have several places.
const MOST_STEPS: usize = 5;

/// The line without how many hostcalls there are: timers that are over late are told of together.
fn without_totals(line: &str) -> String {
    let mut told = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(" of ") {
        told.push_str(before);
        let digits = after
            .find(|c: char| !c.is_ascii_digit() && c != ',')
            .unwrap_or(0);
        let is_total = digits > 0 && after[digits..].starts_with(" (");
        let end = after.find(" %)").filter(|_| is_total);
        rest = match end {
            Some(end) => &after[end + " %)".len()..],
            None => {
                told.push_str(" of ");
                after
            }
        };
    }
    told + rest
}

/// Compares the session of a tour with what is in `tests/dap/`.
fn compare(directory: &Path, name: &str, tour: impl FnOnce(&mut Client)) {
    let log = directory.join("traffic.jsonl");
    let mut client = connect_logged(Some(MessageLog::create(&log).unwrap()));
    client.ask(
        "initialize",
        json!({ "adapterID": "rr-dap", "supportsVariableType": true }),
    );
    tour(&mut client);
    client.ask("disconnect", Value::Null);
    client.rest();
    let directory = directory.to_str().unwrap();
    let fixtures = fixture("").to_str().unwrap().to_owned();
    transcript::compare(&log, name, |line| {
        let stable = without_totals(line).replace(directory, "DIRECTORY");
        let stable = stable.replace(fixtures.trim_end_matches('/'), "/rr-dap/fixtures");
        let mut line: Value = serde_json::from_str(&stable).unwrap();
        let message = &mut line["msg"];
        // What the server can do is in another transcript.
        let is_greeting = message["command"] == "initialize";
        let is_unasked = UNASKED.iter().any(|event| message["event"] == *event);
        if line["dir"] == "out" {
            // Others come in between.
            line["msg"]["seq"] = 1.into();
        }
        (!is_greeting && !is_unasked).then(|| line.to_string())
    });
}

/// Has everything compiled: that is kept.
fn warm(launch: Value) {
    let mut client = start(launch, |_| {});
    client.go("stepIn");
}

/// The frames with what the topmost ones hold.
fn look_around(client: &mut Client, levels: usize) {
    client.ask("threads", Value::Null);
    for frame in frames(client).iter().take(levels) {
        variables(client, frame);
    }
}

/// What is in the tasks of the scope of that name.
fn tasks_in_scope(client: &mut Client) {
    let frame = frames(client).remove(0);
    let shown = variables(client, &frame);
    let scopes = shown.as_array().unwrap().iter();
    let tasks = scopes.filter(|scope| scope["scope"] == "Tasks");
    let rows = tasks.flat_map(|scope| scope["variables"].as_array().unwrap());
    for row in rows {
        let reference = &row["variablesReference"];
        if *reference != json!(0) {
            client.ask("variables", json!({ "variablesReference": reference }));
        }
    }
}

fn seek(client: &mut Client, to: Value) {
    client.ask("rr/seek", to);
    client.event("stopped");
}

#[test]
fn a_session_with_a_deadlock_is_as_its_golden_transcript() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("deadlock.rrtrace");
    let guest = fixture("wat/deadlock.wat");
    record(&guest, &["--invoke", "run()"], &[], "", &trace);
    // Compiled code is kept.
    warm(json!({ "trace": trace }));
    compare(directory.path(), "deadlock.golden.jsonl", |client| {
        client.ask("launch", json!({ "trace": trace, "stopAt": "end" }));
        for event in ["initialized", "process", "thread"] {
            client.event(event);
        }
        client.ask("configurationDone", Value::Null);
        client.event("stopped");
        for question in ["why", "waits"] {
            client.ask("rr/ask", json!({ "question": question }));
        }
        client.ask("exceptionInfo", json!({ "threadId": 1 }));
        // A step takes code for debugging, which what is looked at does not wait for.
        client.go("stepBack");
        seek(client, json!({ "to": "end" }));
        look_around(client, 1);
        client.ask("rr/tasks", json!({}));
        // The order, and the read of the payment in it.
        for event in [2, 3] {
            seek(client, json!({ "event": event }));
            look_around(client, 2);
            tasks_in_scope(client);
            client.ask("rr/tasks", json!({}));
        }
        client.go("stepBack");
        client.ask("rr/hostcalls", json!({ "builtins": true }));
    });
}

#[test]
fn a_session_with_futures_is_as_its_golden_transcript() {
    let directory = tempfile::tempdir().unwrap();
    let app = directory.path().join("awaits.wasm");
    std::fs::write(&app, unpacked("awaits/awaits-O0.wasm.zst")).unwrap();
    let trace = directory.path().join("t.rrtrace");
    // On a busy machine timers are over together, and told of together.
    let is_as_usual = (0..20).any(|_| {
        record(&app, &["--quiet"], &[], "", &trace);
        let events = events(&trace);
        let calls = events
            .iter()
            .filter(|e| matches!(e.kind, EventKind::Call(_)));
        calls.count() == CALLS
    });
    assert!(is_as_usual, "a machine on which timers keep their order");
    let map = json!({ "/rr-dap/fixtures": fixture("") });
    let launch = json!({ "trace": trace, "sourceMap": map, "stopAt": "start" });
    warm(launch.clone());
    compare(directory.path(), "awaits.golden.jsonl", |client| {
        client.ask("launch", launch);
        for event in ["initialized", "process", "thread"] {
            client.event(event);
        }
        // A nap of 50 ms, the shortest of those that are under way.
        let source = json!({ "path": "/rr-dap/fixtures/awaits/src/lib.rs" });
        let first = json!([{ "line": NAPS, "condition": "units == 10" }]);
        let breakpoints = json!({ "source": source, "breakpoints": first });
        client.ask("setBreakpoints", breakpoints);
        client.ask("configurationDone", Value::Null);
        client.event("stopped");
        client.ask("rr/ask", json!({ "question": "waits" }));
        client.go("continue");
        let breakpoints = json!({ "source": source, "breakpoints": [] });
        client.ask("setBreakpoints", breakpoints);
        client.ask("threads", Value::Null);
        // To its await, and over that.
        for _ in 0..MOST_STEPS {
            client.go("next");
            let frame = frames(client).remove(0);
            if frame["line"] == NAPS + 2 {
                break;
            }
        }
        let all = frames(client);
        // The nap, and one of those that are suspended below the stack.
        assert_eq!(all[0]["line"], NAPS + 2, "{all:?}");
        let suspended = all.iter().filter(|frame| {
            let name = frame["name"].as_str().unwrap();
            name.starts_with("async fn awaits::")
        });
        for frame in all.iter().take(1).chain(suspended.take(1)) {
            let scopes = client.ask("scopes", json!({ "frameId": frame["id"] }));
            for scope in scopes["scopes"].as_array().unwrap().iter().take(2) {
                let reference = &scope["variablesReference"];
                client.ask("variables", json!({ "variablesReference": reference }));
            }
        }
        tasks_in_scope(client);
        client.ask("rr/tasks", json!({}));
        for _ in 0..2 {
            client.go("stepBack");
            client.ask("stackTrace", json!({ "threadId": 1, "levels": 1 }));
        }
    });
}
