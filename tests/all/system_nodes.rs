//! Each recording of a system by itself: what it shows, fails at, and has sources of.

use crate::support::client::Client;
use crate::support::server::{Server, recordings};
use crate::support::session::{connect, variables};
use crate::support::{fixture, record, rr_dap, text};
use crate::system_session::{command, open, shop, threads};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Without numbers and addresses by which more is asked for.
fn without_references(told: Value) -> Value {
    match told {
        Value::Array(list) => list.into_iter().map(without_references).collect(),
        Value::Object(fields) => {
            let kept = fields
                .into_iter()
                .filter(|(key, _)| !key.ends_with("Reference"));
            kept.map(|(key, value)| (key, without_references(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        other => other,
    }
}

/// The stack of a thread with what its frames hold, but for references, once all of it is known.
fn shown(client: &mut Client, thread: i64) -> Vec<(Value, Value)> {
    loop {
        let shown = shown_now(client, thread);
        let is_known = |(_, held): &(Value, Value)| !held.to_string().contains("not known yet");
        if shown.iter().all(is_known) {
            return shown;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn shown_now(client: &mut Client, thread: i64) -> Vec<(Value, Value)> {
    let stack = client.ask("stackTrace", json!({ "threadId": thread }));
    let frames = stack["stackFrames"].as_array().expect("frames");
    let told = |client: &mut Client, frame: &Value| {
        let mut held = without_references(variables(client, frame));
        // What others have to do with it is the system's.
        if let Value::Array(scopes) = &mut held {
            scopes.retain(|scope| scope["scope"] != "Messages");
        }
        let place = json!([frame["name"], frame["line"], frame["source"]["name"]]);
        (place, held)
    };
    frames.iter().map(|frame| told(client, frame)).collect()
}

#[test]
fn a_node_shows_what_its_recording_shows_alone() {
    let (_dir, traces) = shop();
    let mut all = open(&traces);
    let ids = threads(&mut all);
    for (name, trace, event) in [("poster", 0, 11), ("answer-1", 2, 10)] {
        let mut alone = open(&traces[trace..=trace]);
        command(&mut alone, &format!("seek {event}"));
        command(&mut all, &format!("seek {name}:{event}"));
        let expected = shown(&mut alone, 1);
        assert!(expected.len() > 2, "{expected:?}");
        let found = shown(&mut all, ids[name].0);
        assert_eq!(found, expected, "{name}");
        // Also after another one has been looked at.
        command(&mut all, "node getter");
        assert_eq!(shown(&mut all, ids[name].0), expected, "{name}");
    }
    let listed = rr_dap(
        &[
            "debug",
            "--batch",
            "--no-init",
            "-x",
            "bt",
            traces[0].to_str().expect("a name"),
            traces[2].to_str().expect("a name"),
        ],
        "",
    );
    let listed = text(&listed.stdout);
    assert!(listed.contains("#0  main (count=4"), "{listed}");
}

#[test]
fn at_the_prompt_a_place_may_be_any_nodes() {
    let (_dir, traces) = shop();
    let paths = traces.iter().map(|path| path.to_str().expect("a name"));
    let commands = ["break hand_on", "break fixtures/answer.c:182", "c", "nodes"];
    let commands = commands.iter().flat_map(|command| ["-x", command]);
    let args: Vec<&str> = ["debug", "--batch", "--no-init"]
        .into_iter()
        .chain(commands)
        .chain(paths)
        .collect();
    let told = rr_dap(&args, "");
    let told = text(&told.stdout);
    assert!(told.contains("Breakpoint 1: hand_on"), "{told}");
    assert!(told.contains("Breakpoint 2: at answer.c:182"), "{told}");
    assert!(told.contains("[answer-1, event "), "{told}");
    assert!(told.contains("* 3 answer-1, "), "{told}");
}

#[test]
fn a_run_of_all_goes_on_where_one_has_ended() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let names = json!([{ "name": "*outgoing-response.set-status-code" }]);
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": names }));
    // The others are run from a node that has come to its end.
    command(&mut client, "seek getter:end");
    command(&mut client, "seek poster:0");
    command(&mut client, "seek getter:end");
    let mut run = |request: &str| {
        client.ask(request, json!({ "threadId": ids["getter"].0 }));
        let stop = client.event("stopped");
        (
            stop["threadId"].as_i64().expect("a thread"),
            stop["reason"].clone(),
        )
    };
    let first = run("continue");
    assert_eq!(first, (ids["answer-1"].0, json!("hostcall")));
    // And back again from where all have ended: what each has behind it.
    run("continue");
    run("continue");
    let mut stopped = vec![run("reverseContinue"), run("reverseContinue")];
    stopped.sort_by_key(|(thread, _)| *thread);
    let expected = ["answer-1", "answer-2"].map(|name| (ids[name].0, json!("hostcall")));
    assert_eq!(stopped, expected);
}

#[test]
fn a_node_that_fails_does_not_hold_the_others() {
    let dir = tempfile::tempdir().expect("a directory");
    let served = dir.path().join("served");
    let server = Server::start(&served, &["-S", "cli"], "answer.wasm");
    let address = server.address.to_string();
    let trace = dir.path().join("asker.rrtrace");
    let args = [&*address, "/trap?place=3"];
    record(&fixture("fetch.wasm"), &["-S", "http"], &args, "", &trace);
    server.end();
    let mut traces = vec![trace];
    traces.extend(recordings(&served));
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let names = json!([{ "name": "print_answer" }]);
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": names }));
    let mut stops = Vec::new();
    for _ in 0..3 {
        client.ask("continue", json!({ "threadId": 1 }));
        let stop = client.event("stopped");
        stops.push((
            stop["threadId"].as_i64().expect("a thread"),
            stop["reason"].clone(),
        ));
    }
    let asker = ids["fetch"].0;
    assert_eq!(stops[0], (ids["answer"].0, json!("exception")));
    assert_eq!(stops[1], (asker, json!("function breakpoint")));
    assert_eq!(stops[2], (asker, json!("end")));
}

#[test]
fn each_node_has_sources_of_its_own() {
    let (dir, traces) = shop();
    // Where the sources are is said of each node.
    let source = |name: &str| {
        let at = dir.path().join(name);
        std::fs::create_dir(&at).expect("makes");
        for file in ["fetch.c", "answer.c"] {
            std::fs::copy(fixture(file), at.join(file)).expect("copies");
        }
        at
    };
    let (one, two) = (source("one"), source("two"));
    let node = |trace: &Path, sources: &Path| json!({ "path": trace, "sourceMap": [["/rr-dap/fixtures", sources]] });
    let nodes = json!([node(&traces[0], &one), node(&traces[1], &two)]);
    let mut client = connect();
    client.initialize();
    client.ask("launch", json!({ "traces": nodes, "stopAt": "entry" }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    for (thread, sources) in [(1, &one), (2, &two)] {
        let file = sources.join("fetch.c");
        let stack = client.ask("stackTrace", json!({ "threadId": thread }));
        let shown = stack["stackFrames"].as_array().expect("frames");
        let is_there = |frame: &Value| frame["source"]["path"] == json!(file);
        assert!(thread == 2 || shown.iter().any(is_there), "{stack}");
        // A breakpoint is one of the node whose source it is.
        let breakpoints = json!({ "source": { "path": file }, "breakpoints": [{ "line": 86 }] });
        let told = client.ask("setBreakpoints", breakpoints);
        assert_eq!(told["breakpoints"][0]["verified"], true, "{told}");
        client.ask(
            "continue",
            json!({ "threadId": thread, "singleThread": true }),
        );
        let stop = client.event("stopped");
        assert_eq!(stop["threadId"], thread, "{stop}");
        let stack = client.ask("stackTrace", json!({ "threadId": thread }));
        let shown = &stack["stackFrames"][0];
        assert_eq!(
            (&shown["source"]["path"], &shown["line"]),
            (&json!(file), &json!(86))
        );
    }
}

#[test]
fn a_damaged_recording_in_a_directory_is_left_out_and_told() {
    let (dir, traces) = shop();
    let mixed = dir.path().join("mixed");
    std::fs::create_dir(&mixed).expect("makes");
    for trace in &traces {
        std::fs::copy(trace, mixed.join(trace.file_name().expect("a name"))).expect("copies");
    }
    std::fs::write(mixed.join("empty.rrtrace"), "").expect("writes");
    let mixed_name = mixed.to_str().expect("a name");
    let listed = rr_dap(&["trace", "messages", mixed_name], "");
    assert!(listed.status.success(), "{listed:?}");
    assert!(text(&listed.stdout).contains("POST /echo"), "{listed:?}");
    let told = text(&listed.stderr);
    assert!(
        told.contains("left out: ") && told.contains("empty.rrtrace"),
        "{told}"
    );
    // One that is named is wanted, and one named twice is one.
    let damaged = mixed.join("empty.rrtrace");
    let refused = rr_dap(
        &["trace", "messages", damaged.to_str().expect("a name")],
        "",
    );
    assert!(!refused.status.success());
    let poster = traces[0].to_str().expect("a name");
    let twice = rr_dap(
        &[
            "trace",
            "messages",
            poster,
            poster,
            traces[2].to_str().expect("a name"),
        ],
        "",
    );
    assert!(text(&twice.stdout).contains("POST /echo"), "{twice:?}");
}
