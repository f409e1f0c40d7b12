//! What a replay in the background has still to tell: stops and views do not wait for it,
//! requests that do are answered when it is known or given up, and clients hear of it.

use crate::support::client::Client;
use crate::support::command::{Call, command};
use crate::support::gate::{Gate, HeldBack};
use crate::support::scripted::{Scripted, WHY};
use crate::support::session::{connect_to, frames};
use crate::support::{fixture, record};
use rr_dap::dap::transport::Server;
use rr_dap::debuggee::recording::RecordingLauncher;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::timeline::{First, Options};
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

fn begin(client: &mut Client, launch: Value, hears_of_changes: bool) -> Value {
    let jumps = launch["stopAt"] == "end";
    client.ask(
        "initialize",
        json!({ "adapterID": "rr-dap", "supportsInvalidatedEvent": hears_of_changes }),
    );
    client.ask("launch", launch);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    let stopped = client.event("stopped");
    if jumps && hears_of_changes {
        // Nothing that was shown before holds.
        assert_eq!(client.event("invalidated")["areas"], json!(["all"]));
    }
    stopped
}

/// A session at the trap of a program whose past is not known before the gate is open.
fn scripted(hears_of_changes: bool) -> (Client, Gate) {
    let past = Gate::default();
    let launcher = Scripted {
        past: Some(past.clone()),
    };
    let mut client = connect_to(Server::new(Arc::new(launcher)));
    let stopped = begin(
        &mut client,
        json!({ "trace": "traps.wasm", "stopAt": "end" }),
        hears_of_changes,
    );
    assert_eq!(stopped["reason"], "exception");
    assert!(!stopped["text"].as_str().unwrap().contains(WHY));
    (client, past)
}

fn handle(client: &mut Client) -> Value {
    let scopes = client.ask("scopes", json!({ "frameId": 2 }))["scopes"].take();
    let reference = json!({ "variablesReference": scopes[0]["variablesReference"] });
    client.ask("variables", reference)["variables"][0]["value"].take()
}

fn in_console(client: &mut Client, line: &str) -> i64 {
    client.send("evaluate", json!({ "expression": line, "context": "repl" }))
}

/// Whether a request that waits has been answered when one that does not has.
fn is_answered(client: &mut Client, seq: i64) -> bool {
    client.ask("threads", Value::Null);
    client.heard_response(seq)
}

fn said(client: &mut Client) -> Vec<String> {
    let said = client.kept_events("output").into_iter();
    said.map(|body| body["output"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_fault_is_told_before_its_reason_and_the_reason_when_it_is_known() {
    let (mut client, past) = scripted(true);
    let info = client.send("exceptionInfo", json!({ "threadId": 1 }));
    let handles = in_console(&mut client, "handles");
    // Others are answered meanwhile.
    assert_eq!(handle(&mut client), "1");
    assert!(!is_answered(&mut client, info) && !is_answered(&mut client, handles));
    assert!(!client.heard_event("invalidated"));
    said(&mut client);
    past.open();
    assert_eq!(client.event("invalidated")["areas"], json!(["variables"]));
    assert_eq!(handle(&mut client), "1 (stdout)");
    let info = client.response(info)["body"].take();
    let description = info["description"].as_str().unwrap();
    assert!(description.contains("unreachable") && description.contains(WHY));
    let handles = client.response(handles)["body"].take();
    assert!(handles["result"].as_str().unwrap().contains("handles"));
    assert!(said(&mut client).contains(&format!("{WHY}\n")));
    // Once.
    client.ask("threads", Value::Null);
    assert!(!client.heard_event("invalidated"));
    assert!(said(&mut client).is_empty());
    // From now on it is part of what is told.
    client.go("stepBack");
    let stopped = client.go("continue");
    assert!(stopped["text"].as_str().unwrap().ends_with(WHY));
}

#[test]
fn what_shows_in_no_value_changes_the_stack_at_most() {
    let (mut client, past) = scripted(true);
    past.open();
    assert_eq!(client.event("invalidated")["areas"], json!(["stacks"]));
}

#[test]
fn clients_that_do_not_know_the_event_do_not_get_it() {
    let (mut client, past) = scripted(false);
    assert_eq!(handle(&mut client), "1");
    let info = client.send("exceptionInfo", json!({ "threadId": 1 }));
    past.open();
    client.response(info);
    assert_eq!(handle(&mut client), "1 (stdout)");
    client.ask("disconnect", Value::Null);
    let rest = client.rest();
    let is_told = |message: &Value| message["event"] == "invalidated";
    assert!(!rest.iter().any(is_told), "{rest:#?}");
}

#[test]
fn who_waits_can_give_up() {
    let (mut client, past) = scripted(true);
    let outcome = |client: &mut Client, seq| client.response(seq)["message"].take();
    let ask = |client: &mut Client| {
        let seq = in_console(client, "handles");
        assert!(!is_answered(client, seq));
        seq
    };
    // By `cancel`, which means one request,
    let first = ask(&mut client);
    let second = ask(&mut client);
    client.ask("cancel", json!({ "requestId": first }));
    assert_eq!(outcome(&mut client, first), "cancelled");
    assert!(!is_answered(&mut client, second));
    // by `pause`,
    client.ask("pause", json!({ "threadId": 1 }));
    assert_eq!(outcome(&mut client, second), "cancelled");
    // by the next motion,
    let third = ask(&mut client);
    client.go("stepBack");
    assert_eq!(outcome(&mut client, third), "cancelled");
    // and by the end of the session.
    let fourth = ask(&mut client);
    client.ask("disconnect", Value::Null);
    assert_eq!(outcome(&mut client, fourth), "cancelled");
    past.open();
    let rest = client.rest();
    assert!(rest.iter().all(|message| message["type"] == "event"));
}

#[test]
fn a_bounded_number_of_requests_waits() {
    const MOST: usize = 256;
    let (mut client, past) = scripted(false);
    let asked: Vec<i64> = (0..MOST + 3)
        .map(|_| in_console(&mut client, "rr resources"))
        .collect();
    // Those that are too many are told at once, and one that does not wait is answered.
    for seq in &asked[MOST..] {
        let refused = client.response(*seq);
        assert_eq!(refused["success"], json!(false), "{refused}");
        let why = refused["message"].as_str().unwrap();
        assert!(why.contains("too many requests wait"), "{why}");
    }
    assert!(!is_answered(&mut client, asked[0]));
    // A few that are long are too many as well.
    let (mut other, _) = scripted(false);
    let long = format!("rr resources{}", " ".repeat(3 << 20));
    let asked_of_other = [&long, &long].map(|line| in_console(&mut other, line));
    let refused = other.response(asked_of_other[1]);
    assert_eq!(refused["success"], json!(false), "{refused}");
    assert!(!is_answered(&mut other, asked_of_other[0]));

    past.open();
    for seq in &asked[..MOST] {
        let answer = client.response(*seq);
        assert_eq!(answer["success"], json!(true), "{answer}");
    }
}

/// A session with a recording whose code for the replay in the background is being
/// compiled by somebody else.
fn held_back(trace: &Path, cache: &Path, launch: Value) -> (Client, HeldBack, Value) {
    let options = Options {
        sweep: false,
        first: First::Debug,
        ..Options::new(
            env!("CARGO_BIN_EXE_rr-dap").into(),
            CacheDir::open(cache).unwrap(),
        )
    };
    let recording = Trace::open(trace).unwrap();
    let held = HeldBack::variant(&recording, Variant::Fast, cache);
    let mut client = connect_to(Server::new(Arc::new(RecordingLauncher::new(options, None))));
    let stopped = begin(&mut client, launch, true);
    (client, held, stopped)
}

#[test]
fn a_trap_of_a_recording_is_told_before_the_handle_that_was_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let trace = dir.path().join("wrong.rrtrace");
    let app = command("handles", Call::Nothing("double-drop"), dir.path());
    record(&app, &[], &[], "", &trace);
    let launch = json!({ "trace": trace, "stopAt": "end" });
    let (mut client, held, stopped) = held_back(&trace, cache.path(), launch);
    assert_eq!(stopped["reason"], "exception");
    let text = stopped["text"].as_str().unwrap();
    assert!(!text.contains("handle 1"), "{text}");
    let frame = frames(&mut client)[0]["id"].clone();
    let scopes = client.ask("scopes", json!({ "frameId": frame }));
    assert!(!scopes["scopes"].as_array().unwrap().is_empty());
    let info = client.send("exceptionInfo", json!({ "threadId": 1 }));
    assert!(!is_answered(&mut client, info));
    assert!(!client.heard_event("invalidated"));
    drop(held);
    client.event("invalidated");
    let info = client.response(info)["body"].take();
    let description = info["description"].as_str().unwrap();
    assert!(
        description.contains("handle 1 is gone: it was own<"),
        "{description}"
    );
    let told = said(&mut client);
    assert!(
        told.iter().any(|line| line.contains("handle 1 is gone")),
        "{told:?}"
    );
}

/// The same at the start of a program that makes a handle, and writes to what it stands for.
fn chatty_held_back() -> (Client, HeldBack, [tempfile::TempDir; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let trace = dir.path().join("chatty.rrtrace");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &trace);
    let launch = json!({ "trace": trace, "stopAt": "start" });
    let (client, held, _) = held_back(&trace, cache.path(), launch);
    (client, held, [dir, cache])
}

#[test]
fn what_handles_stand_for_follows_their_numbers() {
    let (mut client, held, _directories) = chatty_held_back();
    let next = json!({ "expression": "next hostcall *write*", "context": "repl" });
    client.ask("evaluate", next);
    client.event("stopped");
    let itself = |client: &mut Client| {
        let frame = frames(client)[0]["id"].clone();
        let scopes = client.ask("scopes", json!({ "frameId": frame }))["scopes"].take();
        let reference = json!({ "variablesReference": scopes[0]["variablesReference"] });
        let of = client.ask("variables", reference)["variables"].take();
        let of_self = of
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == "self");
        of_self.unwrap()["value"].as_str().unwrap().to_owned()
    };
    let number = itself(&mut client);
    assert!(!number.contains("stdout"), "{number}");
    let watched = |client: &mut Client| {
        let watch = json!({ "expression": "$arg.self", "context": "watch" });
        client.ask("evaluate", watch)["result"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(watched(&mut client), number);
    assert!(!client.heard_event("invalidated"));
    drop(held);
    assert_eq!(client.event("invalidated")["areas"], json!(["variables"]));
    let meant = itself(&mut client);
    assert!(meant.contains("stdout"), "{meant}");
    assert_eq!(watched(&mut client), meant);
}

#[test]
fn a_run_to_a_handle_can_be_paused_and_begun_again() {
    let (mut client, held, _directories) = chatty_held_back();
    let filters = json!([{ "filterId": "handleCreated" }, { "filterId": "handleDropped" }]);
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": [], "filterOptions": filters }),
    );
    for _ in 0..2 {
        client.ask("continue", json!({ "threadId": 1 }));
        client.ask("pause", json!({ "threadId": 1 }));
        assert_eq!(client.event("stopped")["reason"], "pause");
    }
    drop(held);
    let stopped = client.go("continue");
    assert_eq!(stopped["reason"], "hostcall");
    assert!(stopped["text"].as_str().unwrap().contains("get-stdout"));
}
