//! The protocol as a client sees it: every message here is checked against the
//! official schema (see `support::client`).

mod doors;
mod refusals;
mod spelling;

use crate::support::client::Client;
use crate::support::scripted::Scripted;
use crate::support::session::connect_to;
use crate::support::transcript;
use rr_dap::dap::outbox::MessageLog;
use rr_dap::dap::transport::Server;
use serde_json::{Value, json};
use std::sync::Arc;

fn server(log: Option<MessageLog>) -> Server {
    Server {
        log,
        ..Server::new(Arc::new(Scripted::default()))
    }
}

/// A client whose server runs on a thread of its own.
fn connect() -> Client {
    connect_to(server(None))
}

fn launch(program: &str) -> Value {
    json!({ "program": program, "sourceMap": { "/guest": "/home/me" } })
}

/// A tour of everything, to be compared word for word.
fn tour(client: &mut Client) {
    client.start(launch("demo.wasm"), &[4, 9]);
    client.ask("threads", Value::Null);
    let trace = client.ask(
        "stackTrace",
        json!({ "threadId": 1, "startFrame": 0, "levels": 20 }),
    );
    let frame = trace["stackFrames"][0]["id"].clone();
    let scopes = client.ask("scopes", json!({ "frameId": frame }));
    let locals = scopes["scopes"][0]["variablesReference"].clone();
    let format = json!({ "hex": true });
    let variables = client.ask(
        "variables",
        json!({ "variablesReference": locals, "format": format }),
    );
    let point = &variables["variables"][1];
    client.ask(
        "variables",
        json!({ "variablesReference": point["variablesReference"] }),
    );
    let location = point["declarationLocationReference"].clone();
    client.ask("locations", json!({ "locationReference": location }));
    client.ask(
        "evaluate",
        json!({ "expression": "at", "context": "hover", "frameId": frame }),
    );
    client.refused(
        "evaluate",
        json!({ "expression": "no", "context": "watch" }),
    );
    client.refused(
        "setVariable",
        json!({ "variablesReference": 1, "name": "at", "value": "1" }),
    );
    let source = trace["stackFrames"][1]["source"].clone();
    let number = source["sourceReference"].clone();
    client.ask(
        "source",
        json!({ "source": source, "sourceReference": number }),
    );
    client.ask("loadedSources", Value::Null);
    client.ask("modules", json!({}));
    let place = json!({ "source": { "path": "/home/me/demo.c" }, "line": 2, "endLine": 3 });
    client.ask("breakpointLocations", place);
    client.ask(
        "readMemory",
        json!({ "memoryReference": "0:0x400", "offset": 4, "count": 5 }),
    );
    let some =
        json!({ "memoryReference": "0:0x104", "instructionOffset": -1, "instructionCount": 2 });
    client.ask("disassemble", some);
    client.go("next");
    client.go("stepBack");
    client.go("reverseContinue");
    client.ask(
        "evaluate",
        json!({ "expression": "rr goto event 3", "context": "repl" }),
    );
    client.event("stopped");
    client.ask(
        "evaluate",
        json!({ "expression": "rr where", "context": "repl" }),
    );
    client.ask(
        "evaluate",
        json!({ "expression": "rr handles", "context": "repl" }),
    );
    client.ask("completions", json!({ "text": "rr go", "column": 6 }));
    client.ask(
        "setFunctionBreakpoints",
        json!({ "breakpoints": [{ "name": "main" }] }),
    );
    client.ask(
        "setInstructionBreakpoints",
        json!({ "breakpoints": [{ "instructionReference": "0:0x1" }] }),
    );
    let filter = json!({ "filterId": "hostcall", "condition": "write" });
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": [], "filterOptions": [filter] }),
    );
    client.set_lines(&[]);
    client.go("continue");
    client.refused("exceptionInfo", json!({ "threadId": 1 }));
    client.go("reverseContinue");
    client.ask("restart", json!({}));
    client.event("stopped");
    client.ask("terminate", json!({ "restart": false }));
    client.event("terminated");
    client.ask("disconnect", Value::Null);
}

#[test]
fn a_session_is_as_its_golden_transcript() {
    let directory = tempfile::tempdir().unwrap();
    let written = directory.path().join("traffic.jsonl");
    let log = MessageLog::create(&written).unwrap();
    let mut client = connect_to(server(Some(log)));
    tour(&mut client);
    assert_eq!(
        client.rest().last().map(|last| &last["type"]),
        Some(&json!("event"))
    );

    transcript::compare(&written, "session.golden.jsonl", |line| {
        Some(line.to_owned())
    });
}

#[test]
fn a_session_moves_both_ways_and_survives_both_ends() {
    let mut client = connect();
    let stopped = client.start(launch("demo.wasm"), &[4]);
    assert_eq!(stopped["reason"], "breakpoint");
    assert_eq!(stopped["hitBreakpointIds"], json!([104]));
    assert_eq!(stopped["threadId"], 1);
    assert_eq!(stopped["allThreadsStopped"], true);
    assert_eq!(client.event("output")["output"], "hellö\n");
    for line in [3, 4] {
        assert_eq!(client.go("next")["reason"], "step");
        assert_eq!(client.top_line(), line);
    }
    assert_eq!(
        client.go("reverseContinue")["hitBreakpointIds"],
        json!([104])
    );
    assert_eq!(client.top_line(), 4);
    client.set_lines(&[]);
    for _ in 0..2 {
        let end = client.go("continue");
        assert_eq!(end["reason"], "end");
        assert_eq!(
            end["description"],
            "End of the recording: the program exited with status 3"
        );
        assert_eq!(client.go("stepBack")["reason"], "step");
        assert_eq!(client.top_line(), 6);
    }
    let start = client.go("reverseContinue");
    assert_eq!(
        (&start["reason"], &start["description"]),
        (&json!("start"), &json!("Start of the recording"))
    );
    assert_eq!(client.top_line(), 1);
    assert!(!client.heard_event("terminated"));
}

#[test]
fn variables_keep_their_number_from_stop_to_stop() {
    let mut client = connect();
    client.start(launch("demo.wasm"), &[4]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let scopes = client.ask("scopes", json!({ "frameId": 2 }));
        let locals = scopes["scopes"][0]["variablesReference"].clone();
        let variables = client.ask("variables", json!({ "variablesReference": locals }));
        let variables = variables["variables"].clone();
        seen.push((
            locals,
            variables[1]["variablesReference"].clone(),
            variables[0]["value"].clone(),
        ));
        client.go("continue");
    }
    assert_eq!(
        seen.iter().map(|(.., at)| at).collect::<Vec<_>>(),
        ["3", "5", "7"]
    );
    assert!(
        seen.iter()
            .all(|(locals, point, _)| (locals, point) == (&seen[0].0, &seen[0].1))
    );
}

#[test]
fn a_trap_is_an_exception_to_go_back_from() {
    let mut client = connect();
    let stopped = client.start(json!({ "trace": "traps.wasm", "stopAt": "end" }), &[]);
    assert_eq!(stopped["reason"], "exception");
    assert!(stopped["text"].as_str().unwrap().contains("unreachable"));
    let info = client.ask("exceptionInfo", json!({ "threadId": 1 }));
    assert_eq!(
        (&info["exceptionId"], &info["breakMode"]),
        (&json!("trap"), &json!("unhandled"))
    );
    assert_eq!(client.go("stepBack")["reason"], "step");
}

#[test]
fn sessions_begin_where_they_are_told() {
    for (more, reason) in [
        (json!({ "stopOnEntry": true }), "entry"),
        (json!({ "stopAt": "start" }), "entry"),
        (json!({ "stopAt": "end" }), "end"),
        (json!({}), "end"),
    ] {
        let mut arguments = launch("demo.wasm");
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(connect().start(arguments, &[])["reason"], reason);
    }
}

#[test]
fn the_order_that_clients_begin_in_does_not_matter() {
    // All at once, as DebugClient does, and `configurationDone` before the
    // program is open.
    let mut client = connect();
    client.initialize();
    let launching = client.send(
        "launch",
        json!({ "program": "demo.wasm", "stopOnEntry": true }),
    );
    let done = client.send("configurationDone", Value::Null);
    assert_eq!(client.response(launching)["success"], true);
    assert_eq!(client.response(done)["success"], true);
    client.event("initialized");
    assert_eq!(client.event("stopped")["reason"], "entry");

    let mut client = connect();
    client.initialize();
    client.ask("attach", json!({ "stopOnEntry": true }));
    client.event("initialized");
    assert_eq!(client.event("process")["startMethod"], "attach");
    client.ask("configurationDone", json!({}));
    assert_eq!(client.event("stopped")["reason"], "entry");
}

#[test]
fn pause_stops_a_motion_at_once_and_state_is_refused_until_then() {
    let mut client = connect();
    client.start(json!({ "program": "slow.wasm", "stopOnEntry": true }), &[]);
    for command in ["continue", "reverseContinue"] {
        client.ask(command, json!({ "threadId": 1 }));
        let refused = client.refused("stackTrace", json!({ "threadId": 1 }));
        assert_eq!(refused["message"], "notStopped");
        assert_eq!(
            client.refused("next", json!({ "threadId": 1 }))["message"],
            "notStopped"
        );
        assert_eq!(client.ask("threads", Value::Null)["threads"][0]["id"], 1);
        let progress = client.event("progressStart");
        assert_eq!(client.go("pause")["reason"], "pause");
        assert_eq!(
            client.event("progressEnd")["progressId"],
            progress["progressId"]
        );
        assert_eq!(client.top_line(), 1);
    }
    // A pause that comes too late stops nothing that begins after it.
    client.ask("pause", json!({ "threadId": 1 }));
    assert_eq!(client.go("next")["reason"], "step");
    // Sent in one go.
    client.send("continue", json!({ "threadId": 1 }));
    assert_eq!(client.go("pause")["reason"], "pause");
    // `cancel` by the progress that the client shows.
    client.ask("continue", json!({ "threadId": 1 }));
    let id = client.event("progressStart")["progressId"].clone();
    client.ask("cancel", json!({ "progressId": "another" }));
    client.ask("cancel", json!({ "progressId": id }));
    assert_eq!(client.event("stopped")["reason"], "pause");
}

#[test]
fn breakpoints_set_during_a_motion_count_for_it() {
    let mut client = connect();
    client.start(json!({ "program": "slow.wasm", "stopOnEntry": true }), &[]);
    client.ask("continue", json!({ "threadId": 1 }));
    let source = json!({ "path": "/guest/demo.c" });
    let set = client.ask(
        "setBreakpoints",
        json!({ "source": source, "breakpoints": [{ "line": 5 }] }),
    );
    assert_eq!(set["breakpoints"][0]["verified"], true);
    assert_eq!(client.event("stopped")["hitBreakpointIds"], json!([105]));
}

#[test]
fn opening_can_be_cancelled() {
    let mut client = connect();
    client.initialize();
    let launching = client.send("launch", launch("endless.wasm"));
    assert_eq!(client.event("progressStart")["requestId"], launching);
    client.ask("cancel", json!({ "requestId": launching }));
    assert_eq!(client.response(launching)["message"], "cancelled");
    client.ask("launch", launch("demo.wasm"));
}

#[test]
fn a_dead_replayer_is_told_and_the_session_goes_on() {
    let mut client = connect();
    client.start(launch("dies.wasm"), &[4]);
    client.event("output");
    let stopped = client.go("stepOut");
    assert_eq!(stopped["reason"], "pause");
    assert_eq!(stopped["text"], "the replayer died: signal 9");
    assert_eq!(client.event("output")["category"], "important");
    assert_eq!(client.top_line(), 4);

    let mut client = connect();
    client.start(launch("panics-later.wasm"), &[4]);
    client.ask("stepOut", json!({ "threadId": 1 }));
    client.event("terminated");
    assert!(
        client
            .refusal("stackTrace", json!({ "threadId": 1 }))
            .contains("ended")
    );
    client.ask("disconnect", Value::Null);
}

#[test]
fn ending_is_answered_first_even_while_moving() {
    for ending in ["terminate", "disconnect"] {
        let mut client = connect();
        client.start(json!({ "program": "slow.wasm", "stopOnEntry": true }), &[]);
        client.ask("continue", json!({ "threadId": 1 }));
        client.ask(ending, Value::Null);
        if ending == "terminate" {
            client.event("terminated");
            client.ask("terminate", Value::Null);
            assert!(!client.heard_event("terminated"));
            client.ask("disconnect", json!({}));
        }
        assert!(
            !client
                .rest()
                .iter()
                .any(|message| message["event"] == "stopped")
        );
    }
}
