//! Several recordings are debugged as one: through the debug adapter, with real runs that talked to
//! each other.

use crate::support::client::Client;
use crate::support::server::{Server, recordings};
use crate::support::session::{connect, frames};
use crate::support::{fixture, record, rr_dap, text};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A client that posts, one that gets, and the service that answered both: recorded by three
/// processes.
pub fn shop() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a directory");
    let served = dir.path().join("served");
    let server = Server::start(&served, &["-S", "cli"], "answer.wasm");
    let address = server.address.to_string();
    let mut traces = Vec::new();
    for (name, args) in [
        ("poster", &[&*address, "/echo", "hello there"][..]),
        ("getter", &[&*address, "/status/503"]),
    ] {
        let trace = dir.path().join(format!("{name}.rrtrace"));
        let ran = record(&fixture("fetch.wasm"), &["-S", "http"], args, "", &trace);
        assert!(ran.status.success(), "{ran:?}");
        traces.push(trace);
    }
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    traces.extend(recordings(&served));
    assert_eq!(traces.len(), 4, "{said}");
    (dir, traces)
}

fn messages(traces: &[PathBuf]) -> Vec<Value> {
    let paths = traces.iter().map(|path| path.to_str().expect("a name"));
    let args: Vec<&str> = ["trace", "messages", "--json"]
        .into_iter()
        .chain(paths)
        .collect();
    let listed = rr_dap(&args, "");
    assert!(listed.status.success(), "{listed:?}");
    let lines = text(&listed.stdout);
    let read = |line: &str| serde_json::from_str(line).expect("JSON");
    lines.lines().map(read).collect()
}

#[test]
fn messages_are_told_with_both_ends() {
    let (_dir, traces) = shop();
    let found = messages(&traces);
    let ways: Vec<(String, String, String)> = found
        .iter()
        .map(|message| {
            let name = |end: &str| message[end]["node"].as_str().expect("a name").to_owned();
            let said = message["said"].as_str().expect("words").to_owned();
            (name("from"), name("to"), said)
        })
        .collect();
    let way = |from: &str, to: &str, said: &str| (from.into(), to.into(), said.into());
    let expected: [(String, String, String); 6] = [
        way("poster", "answer-1", "POST /echo"),
        way("poster", "answer-1", "\"hello there\""),
        way("answer-1", "poster", "200"),
        way("answer-1", "poster", "\"hello there\""),
        way("getter", "answer-2", "GET /status/503"),
        way("answer-2", "getter", "503"),
    ];
    for way in &expected {
        assert!(ways.contains(way), "{way:?} in {ways:?}");
    }
    for message in &found {
        assert_eq!(message["kind"], "message", "{message}");
        assert_eq!(message["evidence"], "address-and-bytes", "{message}");
        assert!(message["tookNs"].is_i64(), "{message}");
    }
}

#[test]
fn without_one_of_the_ends_the_others_are_told_as_before() {
    let (_dir, traces) = shop();
    let all = messages(&traces);
    for left_out in 0..traces.len() {
        let mut some = traces.clone();
        some.remove(left_out);
        let found = messages(&some);
        let is_message = |found: &&Value| found["kind"] == "message";
        let said: Vec<&Value> = found
            .iter()
            .filter(is_message)
            .map(|m| &m["said"])
            .collect();
        // Each recording has one conversation.
        let outside = found.iter().filter(|found| found["other"] == "outside");
        assert_eq!(outside.count(), 1, "{found:#?}");
        assert!(said.len() < all.len());
        for said in said {
            assert!(all.iter().any(|message| message["said"] == *said));
        }
    }
}

/// A session with all of them, at the entry of the first.
pub fn open(traces: &[PathBuf]) -> Client {
    let mut client = connect();
    client.initialize();
    client.ask("launch", json!({ "traces": traces, "stopAt": "entry" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    client
}

/// The threads by name, with their numbers and moments.
pub fn threads(client: &mut Client) -> HashMap<String, (i64, String)> {
    let told = client.ask("threads", Value::Null);
    let threads = told["threads"].as_array().expect("threads");
    threads
        .iter()
        .map(|thread| {
            let name = thread["name"].as_str().expect("a name");
            let (name, moment) = name.split_once(", ").expect("a moment");
            let id = thread["id"].as_i64().expect("a number");
            (name.to_owned(), (id, moment.to_owned()))
        })
        .collect()
}

/// That nothing is received where the nodes stand that was not sent.
fn is_consistent(client: &mut Client, said: &[Value]) {
    let places: HashMap<String, (i64, bool)> = threads(client)
        .into_iter()
        .map(|(name, (id, moment))| {
            let event = moment.strip_prefix("event ").and_then(|rest| {
                let end = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                rest[..end].parse().ok()
            });
            let stack = client.ask("stackTrace", json!({ "threadId": id }));
            let innermost = stack["stackFrames"][0]["name"].as_str().unwrap_or_default();
            let in_call = innermost.starts_with("wasi:") && !innermost.contains("(export)");
            (name, (event.unwrap_or(0), in_call))
        })
        .collect();
    for message in said.iter().filter(|said| said["kind"] == "message") {
        let is_past = |end: &str| {
            let name = message[end]["node"].as_str().expect("a name");
            let event = message[end]["events"].as_i64().expect("a number");
            let in_call = message[end]["inCall"].as_bool().expect("a truth");
            // At the very beginning nothing is received yet.
            places[name] >= (event, in_call) && places[name] > (0, false)
        };
        assert!(
            !is_past("to") || is_past("from"),
            "{message} with {places:?}"
        );
    }
}

pub fn command(client: &mut Client, line: &str) -> Value {
    client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
    client.event("stopped")
}

/// The hostcall that a thread stands in.
pub fn innermost(client: &mut Client, thread: &Value) -> String {
    let stack = client.ask("stackTrace", json!({ "threadId": thread }));
    let name = stack["stackFrames"][0]["name"].as_str();
    name.expect("a frame").to_owned()
}

/// The number of the hostcall that sends what has this in its line.
pub fn sends(traces: &[PathBuf], said: &str) -> i64 {
    let all = messages(traces);
    let message = all.iter().find(|message| message["said"] == said);
    let event = &message.expect("such a message")["from"]["event"];
    event.as_i64().expect("a hostcall")
}

#[test]
fn a_message_is_followed_to_where_it_is_received_and_back() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let before = threads(&mut client);
    assert_eq!(before.len(), 4, "{before:?}");
    assert_eq!(before["answer-1"].1, "not looked at yet");
    let event = sends(&traces, "POST /echo");
    let stop = command(&mut client, &format!("seek {event}"));
    assert_eq!(stop["threadId"], before["poster"].0);
    assert!(innermost(&mut client, &stop["threadId"]).contains("outgoing-handler"));

    let arrived = command(&mut client, "follow");
    assert_eq!(arrived["threadId"], before["answer-1"].0, "{arrived}");
    let stack = client.ask("stackTrace", json!({ "threadId": arrived["threadId"] }));
    assert!(stack.to_string().contains("incoming_handler"), "{stack}");

    // The body, by a step into the call that writes it; and back.
    let event = sends(&traces, "\"hello there\"");
    command(&mut client, &format!("seek poster:{event}"));
    let here = innermost(&mut client, &json!(before["poster"].0));
    client.ask("stepIn", json!({ "threadId": before["poster"].0 }));
    let arrived = client.event("stopped");
    assert_eq!(arrived["threadId"], before["answer-1"].0, "{arrived}");
    assert!(innermost(&mut client, &arrived["threadId"]).contains("read"));
    let back = command(&mut client, "follow back");
    assert_eq!(back["threadId"], before["poster"].0);
    assert_eq!(innermost(&mut client, &back["threadId"]), here);
    let moment = &threads(&mut client)["poster"].1;
    assert!(moment.starts_with(&format!("event {event} ")), "{moment}");

    // The answer comes from the service.
    command(&mut client, "seek poster:end");
    let nothing = client.refusal(
        "evaluate",
        json!({ "expression": "follow", "context": "repl" }),
    );
    assert!(nothing.contains("nothing is sent here"), "{nothing}");
}

#[test]
fn nothing_is_received_that_was_not_sent() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    // The service has answered: the client must have asked.
    let stop = command(&mut client, "seek answer-1:end");
    assert_eq!(stop["threadId"], ids["answer-1"].0);
    assert!(
        stop["text"]
            .as_str()
            .is_some_and(|text| text.contains("poster")),
        "{stop}"
    );
    let asked = sends(&traces, "\"hello there\"");
    let moved = threads(&mut client);
    assert!(
        moved["poster"].1.starts_with(&format!("event {asked} ")),
        "{moved:?}"
    );
    // The getter is concurrent with that, and stays where nobody has looked.
    assert_eq!(moved["getter"].1, "not looked at yet");
    // Back before the request, the service has not been asked.
    command(&mut client, "seek poster:start");
    let moved = threads(&mut client);
    assert!(moved["answer-1"].1.starts_with("event 0 "), "{moved:?}");
}

#[test]
fn a_run_of_all_stops_at_the_first_hit_in_the_order_of_the_system() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let hostcall = json!([{ "name": "*outgoing-response.set-status-code" }, { "name": "*outgoing-handler#handle" }]);
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": hostcall }));
    let mut order = Vec::new();
    let said = messages(&traces);
    for _ in 0..4 {
        client.ask("continue", json!({ "threadId": 1 }));
        let stop = client.event("stopped");
        order.push((stop["threadId"].as_i64().expect("a thread"), stop));
        is_consistent(&mut client, &said);
    }
    let threads: Vec<i64> = order.iter().map(|(thread, _)| *thread).collect();
    let place = |name: &str| {
        let at = threads.iter().position(|thread| *thread == ids[name].0);
        at.unwrap_or_else(|| panic!("{name} is not in {order:#?}"))
    };
    // Each is asked before it answers, and the getter ran after the poster.
    assert!(place("poster") < place("answer-1"), "{threads:?}");
    assert!(place("getter") < place("answer-2"), "{threads:?}");
    assert!(place("poster") < place("getter"), "{threads:?}");
    // And back through the same, the other way round.
    let mut reversed = vec![*threads.last().expect("four")];
    for _ in 0..3 {
        client.ask("reverseContinue", json!({ "threadId": 1 }));
        let stop = client.event("stopped");
        is_consistent(&mut client, &said);
        reversed.push(stop["threadId"].as_i64().expect("a thread"));
    }
    reversed.reverse();
    assert_eq!(reversed, threads);
    assert!(!frames(&mut client).is_empty());
}

#[test]
fn a_file_names_the_recordings_of_a_system() {
    let (dir, traces) = shop();
    let name = |path: &Path| path.strip_prefix(dir.path()).expect("in it").to_owned();
    let file = dir.path().join("shop.rrsystem");
    let nodes = json!({ "traces": [
        name(&traces[0]),
        { "path": name(&traces[2]), "name": "the service" },
    ]});
    std::fs::write(&file, nodes.to_string()).expect("writes");
    let listed = rr_dap(&["trace", "messages", file.to_str().expect("a name")], "");
    let lines = text(&listed.stdout);
    assert!(lines.contains("fetch event"), "{lines}");
    assert!(
        lines.contains("-> the service before event 0  POST /echo"),
        "{lines}"
    );

    // Also a directory of them.
    std::fs::write(&file, r#"{ "traces": ["poster.rrtrace", "served"] }"#).expect("writes");
    let listed = rr_dap(&["trace", "messages", file.to_str().expect("a name")], "");
    let lines = text(&listed.stdout);
    assert!(
        lines.contains("-> answer-1 before event 0  POST /echo"),
        "{lines}"
    );

    std::fs::write(&file, "{\"traces\": 3}").expect("writes");
    let refused = rr_dap(&["trace", "messages", file.to_str().expect("a name")], "");
    assert!(!refused.status.success());
    let why = text(&refused.stderr);
    assert!(why.contains("does not name a system's recordings"), "{why}");
}

#[test]
fn a_condition_speaks_of_how_far_another_node_has_come() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    // The getter asks when the first answer is given, the poster before that.
    for (condition, expected) in [
        ("$node.answer-1.event > 0", vec!["getter"]),
        ("$node[\"answer-1\"].event == 0", vec!["poster"]),
        ("$node.getter.event >= 0", vec!["poster", "getter"]),
    ] {
        command(&mut client, "seek 0%");
        let asks = json!([{ "name": "*outgoing-handler#handle", "condition": condition }]);
        client.ask("setFunctionBreakpoints", json!({ "breakpoints": asks }));
        for name in expected {
            client.ask("continue", json!({ "threadId": 1 }));
            let stop = client.event("stopped");
            assert_eq!(stop["threadId"], ids[name].0, "{condition}: {stop}");
            assert_eq!(stop["reason"], "hostcall", "{condition}: {stop}");
        }
        client.ask("continue", json!({ "threadId": 1 }));
        let stop = client.event("stopped");
        assert_ne!(stop["reason"], "hostcall", "{condition}: {stop}");
    }
    let asked = sends(&traces, "\"hello there\"");
    command(&mut client, "seek answer-1:end");
    let value = |client: &mut Client, text: &str| {
        let told = client.ask(
            "evaluate",
            json!({ "expression": text, "context": "watch" }),
        );
        told["result"].as_str().expect("a value").to_owned()
    };
    let of_poster: i64 = value(&mut client, "$node.poster.event")
        .parse()
        .expect("a number");
    assert!(of_poster >= asked, "{of_poster} {asked}");
    let refused = client.refusal(
        "evaluate",
        json!({ "expression": "$node.nobody.event", "context": "watch" }),
    );
    assert!(
        refused.contains("no other node is named `nobody`"),
        "{refused}"
    );
    assert!(refused.contains("poster, getter, answer-2"), "{refused}");
}

/// The *Messages* of the innermost frame.
fn messages_here(client: &mut Client, thread: i64) -> Vec<Value> {
    let stack = client.ask("stackTrace", json!({ "threadId": thread }));
    let id = &stack["stackFrames"][0]["id"];
    let scopes = client.ask("scopes", json!({ "frameId": id }));
    let scopes = scopes["scopes"].as_array().expect("scopes");
    let Some(scope) = scopes.iter().find(|scope| scope["name"] == "Messages") else {
        return Vec::new();
    };
    let inside = json!({ "variablesReference": scope["variablesReference"] });
    let told = client.ask("variables", inside);
    told["variables"].as_array().expect("rows").clone()
}

#[test]
fn the_frame_of_a_message_shows_its_other_end() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let event = sends(&traces, "\"hello there\"");
    command(&mut client, &format!("seek {event}"));
    let rows = messages_here(&mut client, ids["poster"].0);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["name"], "sent to");
    let value = rows[0]["value"].as_str().expect("a value");
    assert!(value.starts_with("answer-1 event "), "{value}");
    assert!(value.ends_with("\"hello there\""), "{value}");
    let inside = json!({ "variablesReference": rows[0]["variablesReference"] });
    let details = client.ask("variables", inside);
    let details = details["variables"].as_array().expect("rows").clone();
    let detail = |name: &str| {
        let found = details.iter().find(|of| of["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {details:?}"))["value"].clone()
    };
    assert_eq!(detail("node"), "answer-1");
    assert_eq!(detail("evidence"), "address and bytes");
    assert_eq!(detail("bytes"), "11");

    // It leads to the line of the hostcall in the other node, which nobody has looked at yet.
    let reference = json!({ "locationReference": rows[0]["declarationLocationReference"] });
    let place = client.ask("locations", reference);
    let source =
        json!({ "source": place["source"], "sourceReference": place["source"]["sourceReference"] });
    let text = client.ask("source", source);
    let text = text["content"].as_str().expect("a text");
    let line = place["line"].as_u64().expect("a line") as usize;
    let line = text.lines().nth(line - 1).expect("that line");
    assert!(
        line.contains("read") && line.contains("hello there"),
        "{line}"
    );

    // In the service, the frame of the request has both directions.
    command(&mut client, "seek answer-1:end");
    command(&mut client, "seek answer-1:3");
    let stack = client.ask("stackTrace", json!({ "threadId": ids["answer-1"].0 }));
    let frames = stack["stackFrames"].as_array().expect("frames");
    let mut said = Vec::new();
    for frame in frames {
        let scopes = client.ask("scopes", json!({ "frameId": frame["id"] }));
        let scopes = scopes["scopes"].as_array().expect("scopes");
        if !scopes.iter().any(|scope| scope["name"] == "Request") {
            continue;
        }
        let scope = scopes.iter().find(|scope| scope["name"] == "Messages");
        let scope = scope.expect("messages of the request");
        let inside = json!({ "variablesReference": scope["variablesReference"] });
        let told = client.ask("variables", inside);
        let rows = told["variables"].as_array().expect("rows").clone();
        said.extend(
            rows.iter()
                .map(|row| row["name"].as_str().expect("a name").to_owned()),
        );
    }
    assert_eq!(
        said,
        ["received from", "received from", "sent to", "sent to"]
    );
    // Where nothing is said, there is nothing.
    command(&mut client, "seek poster:0");
    assert!(messages_here(&mut client, ids["poster"].0).is_empty());
}

#[test]
fn a_breakpoint_waits_for_the_node_that_has_its_place() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let names = json!([{ "name": "hand_on" }, { "name": "send_body" }, { "name": "nowhere" }]);
    let told = client.ask("setFunctionBreakpoints", json!({ "breakpoints": names }));
    let told = &told["breakpoints"];
    let verified = |at: usize| told[at]["verified"].as_bool().expect("a truth");
    assert_eq!(
        [verified(0), verified(1), verified(2)],
        [false, true, false]
    );
    let why = told[0]["message"].as_str().expect("words");
    assert!(
        why.contains("3 of the recordings are not looked at yet"),
        "{why}"
    );
    client.ask("continue", json!({ "threadId": 1 }));
    let changed = client.event("breakpoint");
    assert_eq!(changed["reason"], "changed");
    assert_eq!(changed["breakpoint"]["id"], told[0]["id"]);
    assert_eq!(changed["breakpoint"]["verified"], true);
    let mut stops = Vec::new();
    for _ in 0..3 {
        let stop = client.event("stopped");
        stops.push(stop["threadId"].as_i64().expect("a thread"));
        client.ask("continue", json!({ "threadId": 1 }));
    }
    // The service begins to read while the poster may still write.
    stops[..2].sort_unstable();
    let ids = ["poster", "answer-1", "getter"].map(|name| ids[name].0);
    assert_eq!(stops, ids);
}
