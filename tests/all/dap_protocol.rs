//! The protocol as a client sees it: every message here is checked against the
//! official schema (see `support::client`).

use crate::support::client::{Client, HangsUp, validate};
use crate::support::scripted::Scripted;
use crate::support::session::connect_to;
use crate::support::transcript;
use rr_dap::dap::outbox::MessageLog;
use rr_dap::dap::transport::{Address, Listener, Server};
use serde_json::{Value, json};
use std::net::TcpStream;
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
fn requests_out_of_place_are_refused_with_a_reason() {
    let mut client = connect();
    assert!(
        client
            .refusal("stackTrace", json!({ "threadId": 1 }))
            .contains("initialize")
    );
    client.initialize();
    assert!(
        client
            .refusal("initialize", json!({ "adapterID": "x" }))
            .contains("already")
    );
    assert!(
        client
            .refusal("next", json!({ "threadId": 1 }))
            .contains("launch")
    );
    assert!(
        client
            .refusal("launch", json!({}))
            .contains("nothing to debug")
    );
    assert!(
        client
            .refusal("launch", json!({ "program": "a", "args": "b" }))
            .contains("`args`")
    );
    assert_eq!(
        client.refusal("launch", launch("missing.wasm")),
        "missing.wasm is not there"
    );
    assert!(
        client
            .refusal("launch", launch("panics.wasm"))
            .contains("scripted")
    );
    client.ask("launch", launch("demo.wasm"));
    assert!(
        client
            .refusal("launch", launch("demo.wasm"))
            .contains("already")
    );
    assert_eq!(
        client.refused("scopes", json!({ "frameId": 1 }))["message"],
        "notStopped"
    );
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    assert!(client.refusal("scopes", json!({})).contains("frameId"));
    assert!(
        client
            .refusal("scopes", json!({ "frameId": 9 }))
            .contains("no such frame")
    );
    assert!(
        client
            .refusal("scopes", json!({ "frameId": 0 }))
            .contains("no frame 0")
    );
    assert!(
        client
            .refusal("variables", json!({ "variablesReference": 77 }))
            .contains("77")
    );
    let too_many = json!({ "memoryReference": "0", "count": i64::MAX });
    assert!(client.refusal("readMemory", too_many).contains("bytes"));
    let nowhere = json!({ "source": { "path": "/x" }, "breakpoints": [{ "line": i64::MIN }] });
    assert!(
        client
            .refusal("setBreakpoints", nowhere)
            .contains("no line")
    );
    for writing in [
        (
            "setVariable",
            json!({ "variablesReference": 1, "name": "x", "value": "1" }),
        ),
        ("setExpression", json!({ "expression": "x", "value": "1" })),
        ("writeMemory", json!({ "memoryReference": "0", "data": "" })),
    ] {
        assert!(
            client
                .refusal(writing.0, writing.1)
                .contains("past cannot be changed")
        );
    }
    for line in [
        "rr nonsense",
        "rr goto event 5",
        "rr goto position 1:2",
        "rr where to",
    ] {
        client.refusal("evaluate", json!({ "expression": line, "context": "repl" }));
    }
    assert_eq!(
        client.ask("evaluate", json!({ "expression": "at", "context": "repl" }))["result"],
        "10"
    );
}

#[test]
fn what_is_not_understood_is_one_error_and_the_session_goes_on() {
    let mut client = connect();
    client.initialize();
    for garbage in [
        "",
        "{",
        "[1]",
        "3",
        "\u{0}",
        "{\"seq\":1}x",
        &"[".repeat(100_000),
    ] {
        client.framed(garbage);
        let said = client.event("output");
        assert_eq!(said["category"], "important");
        assert!(
            said["output"].as_str().unwrap().contains("not understood"),
            "{said}"
        );
    }
    for (wrong, says) in [
        (json!({ "seq": 70, "type": "request" }), "`command`"),
        (
            json!({ "seq": 71, "type": "hello", "command": "next" }),
            "`type`",
        ),
    ] {
        client.framed(&wrong.to_string());
        let response = client.response(wrong["seq"].as_i64().unwrap());
        assert!(
            response["message"].as_str().unwrap().contains(says),
            "{response}"
        );
    }
    client.framed(
        &json!({ "seq": 1, "type": "response", "request_seq": 1, "success": true, "command": "x" })
            .to_string(),
    );
    client.framed(
        &json!({ "seq": 90, "type": "request", "command": "fly", "arguments": 3 }).to_string(),
    );
    assert!(
        client.response(90)["message"]
            .as_str()
            .unwrap()
            .contains("`fly`")
    );
    client.framed(
        &json!({ "seq": 91, "type": "request", "command": "threads", "arguments": {} }).to_string(),
    );
    assert_eq!(client.response(91)["success"], true);

    let too_long = 17 << 20;
    client.raw(format!("Content-Length: {too_long}\r\n\r\n").as_bytes());
    client.raw(&vec![b'x'; too_long]);
    assert!(
        client.event("output")["output"]
            .as_str()
            .unwrap()
            .contains("left out")
    );
    client.ask("launch", launch("demo.wasm"));
}

#[test]
fn a_lost_frame_boundary_ends_the_session_with_one_error() {
    for garbage in [
        "Content-Length: many\r\n\r\n{}",
        "GET / HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
    ] {
        let mut client = connect();
        client.initialize();
        client.raw(garbage.as_bytes());
        let rest = client.rest();
        assert_eq!(rest.len(), 1, "{rest:#?}");
        assert_eq!(rest[0]["event"], "output");
    }
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

#[test]
fn who_is_not_let_in_has_some_time() {
    let impatient = |token: Option<&str>| Server {
        token: token.map(|token| token.parse().unwrap()),
        knocking: std::time::Duration::from_millis(300),
        ..server(None)
    };
    // The conversation is over whatever else is said.
    let mut silent = connect_to(impatient(Some("open sesame")));
    silent.initialize();
    let rest = silent.rest();
    assert_eq!(rest.len(), 1, "{rest:#?}");
    let told = rest[0]["body"]["output"].as_str().unwrap();
    assert!(told.contains("none was given in time"), "{told}");
    // Who is in, or needs no token, has all the time.
    let launched = json!({ "program": "demo.wasm", "token": "open sesame" });
    for token in [Some("open sesame"), None] {
        let mut client = connect_to(impatient(token));
        client.initialize();
        client.ask("launch", launched.clone());
        std::thread::sleep(std::time::Duration::from_millis(600));
        client.ask("threads", Value::Null);
    }
}

#[test]
fn sessions_on_one_listener_do_not_meet() {
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".into())).unwrap();
    let mut announced = Vec::new();
    listener.announce(&mut announced).unwrap();
    let announced = String::from_utf8(announced).unwrap();
    let port = announced
        .strip_prefix("LISTENING ")
        .unwrap()
        .trim_end()
        .to_owned();
    std::thread::spawn(move || listener.serve(&server(None)));
    let connect = || {
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let reader = stream.try_clone().unwrap();
        Client::new(Box::new(reader), Box::new(HangsUp(stream)))
    };
    let (mut one, mut other, mut vanishing) = (connect(), connect(), connect());
    one.start(launch("slow.wasm"), &[4]);
    other.start(launch("demo.wasm"), &[5]);
    vanishing.start(json!({ "program": "slow.wasm", "stopOnEntry": true }), &[]);
    vanishing.ask("continue", json!({ "threadId": 1 }));
    drop(vanishing);
    one.set_lines(&[]);
    one.ask("continue", json!({ "threadId": 1 }));
    assert_eq!(other.top_line(), 5);
    assert_eq!(other.go("stepBack")["reason"], "step");
    assert_eq!(other.top_line(), 4);
    assert_eq!(one.go("pause")["reason"], "pause");
    assert_eq!(one.top_line(), 4);
    other.ask("disconnect", Value::Null);
    assert!(other.next().is_none());
    assert_eq!(one.go("next")["reason"], "step");
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_for_its_owner_only_and_leaves_no_trace() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let address = Address::Unix(path.clone());
    let listener = Listener::bind(&address).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let stream = UnixStream::connect(&path).unwrap();
    let taken = Listener::bind(&address).unwrap_err().to_string();
    assert!(taken.contains("another server"), "{taken}");
    drop((stream, listener));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);

    std::fs::write(&path, "mine").unwrap();
    let in_the_way = Listener::bind(&address).unwrap_err().to_string();
    assert!(in_the_way.contains("not a socket"), "{in_the_way}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");

    std::fs::remove_file(&path).unwrap();
    let listener = Listener::bind(&address).unwrap();
    std::thread::spawn(move || listener.serve(&server(None)));
    let stream = UnixStream::connect(&path).unwrap();
    let mut client = Client::new(Box::new(stream.try_clone().unwrap()), Box::new(stream));
    client.start(launch("demo.wasm"), &[4]);
}

/// What is in our messages, as the protocol spells it.
mod spelling {
    use super::*;
    use rr_dap::dap::protocol::command::{self, Arguments, Command};
    use rr_dap::dap::protocol::custom::DeclaredCapabilities;
    use rr_dap::dap::protocol::*;

    fn arguments<C: Command>(arguments: Value) -> C::Arguments {
        C::Arguments::read(C::NAME, &arguments).unwrap()
    }

    /// What is sent, as JSON.
    fn sent(event: &Event) -> Value {
        codec::event(event).unwrap()["body"].take()
    }

    fn body<C: Command>(body: &C::Response) -> Value {
        let request = Request {
            seq: 1,
            command: C::NAME.into(),
            arguments: Value::Null,
        };
        let mut response = codec::response(&request, codec::body(body));
        response["seq"] = json!(1);
        validate(&response);
        response["body"].take()
    }

    #[test]
    fn sources_come_in_and_go_out_in_camel_case() {
        let wire = json!({
            "name": "a", "sourceReference": 7, "presentationHint": "deemphasize",
            "adapterData": { "source_reference": 1, "sourceReference": 2, "nothing": null },
            "sources": [{ "sourceReference": 8 }],
        });
        let read = arguments::<command::SetBreakpoints>(json!({ "source": wire }));
        assert_eq!(read.source.source_reference, Some(7));
        assert_eq!(
            read.source.presentation_hint,
            Some(SourcePresentationHint::Deemphasize)
        );
        let inner = read.source.sources.as_ref().unwrap();
        assert_eq!(inner[0].source_reference, Some(8));

        let sources = vec![read.source.clone()];
        assert_eq!(
            body::<command::LoadedSources>(&LoadedSourcesResponse { sources })["sources"][0],
            wire
        );
        let output = Event::Output(Box::new(OutputEventBody {
            source: Some(read.source.clone()),
            ..OutputEventBody::default()
        }));
        assert_eq!(sent(&output)["source"], wire);
        let instructions = vec![DisassembledInstruction {
            location: Some(read.source),
            ..DisassembledInstruction::default()
        }];
        let sent = body::<command::Disassemble>(&DisassembleResponse { instructions });
        assert_eq!(sent["instructions"][0]["location"], wire);
    }

    #[test]
    fn breakpoints_come_in_and_go_out_in_camel_case() {
        let wanted = json!({ "line": 1, "hitCondition": "> 2", "logMessage": "{x}" });
        let read =
            arguments::<command::SetBreakpoints>(json!({ "source": {}, "breakpoints": [wanted] }));
        let read = &read.breakpoints.unwrap()[0];
        assert_eq!(read.hit_condition.as_deref(), Some("> 2"));
        assert_eq!(read.log_message.as_deref(), Some("{x}"));

        let breakpoint = Breakpoint {
            end_line: Some(2),
            end_column: Some(3),
            instruction_reference: Some("0x1".into()),
            source: Some(Source {
                source_reference: Some(4),
                ..Source::default()
            }),
            ..Breakpoint::default()
        };
        let wire = json!({
            "verified": false, "endLine": 2, "endColumn": 3, "instructionReference": "0x1",
            "source": { "sourceReference": 4 },
        });
        let response = SetBreakpointsResponse {
            breakpoints: vec![breakpoint],
        };
        for sent in [
            body::<command::SetBreakpoints>(&response),
            body::<command::SetFunctionBreakpoints>(&response),
            body::<command::SetInstructionBreakpoints>(&response),
        ] {
            assert_eq!(sent["breakpoints"][0], wire);
        }
    }

    #[test]
    fn filters_and_continuing_go_out_in_camel_case() {
        let filter = ExceptionBreakpointsFilter {
            filter: "f".into(),
            label: "l".into(),
            supports_condition: Some(true),
            condition_description: Some("d".into()),
            ..ExceptionBreakpointsFilter::default()
        };
        let capabilities = DeclaredCapabilities {
            known: Capabilities {
                exception_breakpoint_filters: Some(vec![filter]),
                ..Capabilities::default()
            },
            ..DeclaredCapabilities::default()
        };
        assert_eq!(
            body::<command::Initialize>(&capabilities)["exceptionBreakpointFilters"][0],
            json!({
                "filter": "f", "label": "l", "supportsCondition": true,
                "conditionDescription": "d",
            })
        );
        let response = ContinueResponse {
            all_threads_continued: Some(true),
        };
        assert_eq!(
            body::<command::Continue>(&response),
            json!({ "allThreadsContinued": true })
        );
    }

    #[test]
    fn a_stop_has_no_nulls_and_the_reasons_of_the_protocol() {
        for (reason, name) in [
            (
                StoppedEventReason::FunctionBreakpoint,
                "function breakpoint",
            ),
            (StoppedEventReason::DataBreakpoint, "data breakpoint"),
            (
                StoppedEventReason::InstructionBreakpoint,
                "instruction breakpoint",
            ),
            (StoppedEventReason::Step, "step"),
        ] {
            let event = Event::Stopped(StoppedEventBody {
                reason,
                description: None,
                thread_id: Some(1),
                preserve_focus_hint: None,
                text: None,
                all_threads_stopped: None,
                hit_breakpoint_ids: None,
            });
            assert_eq!(sent(&event), json!({ "reason": name, "threadId": 1 }));
        }
    }
}
