//! Threads of stacks that wait, as clients see them: listed, looked at, stepped, in sessions and at
//! the prompt.

use crate::support::client::Client;
use crate::support::prompt::shown;
use crate::support::session::start;
use crate::support::{fixture, record, woven};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A session with the threads of C, where one of them and the first one wait in the middle.
fn woven_session() -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("woven.rrtrace");
    let guest = woven::woven(dir.path());
    record(&guest, &["--invoke", "run()"], &[], "", &path);
    let client = start(json!({ "trace": path, "stopAt": "entry" }), |client| {
        let source = fixture("motion/woven.c");
        client.ask(
            "setFunctionBreakpoints",
            json!({ "breakpoints": [{ "name": "scaled", "hitCondition": "3" }] }),
        );
        assert!(source.is_file());
    });
    (dir, client)
}

fn frames(client: &mut Client, thread: i64) -> Vec<Value> {
    let told = client.ask("stackTrace", json!({ "threadId": thread }));
    told["stackFrames"].as_array().expect("frames").clone()
}

fn value(client: &mut Client, frame: &Value, name: &str) -> i64 {
    let told = client.ask(
        "evaluate",
        json!({ "expression": name, "frameId": frame["id"], "context": "watch" }),
    );
    let text = told["result"].as_str().expect("a result");
    text.parse().unwrap_or_else(|_| panic!("{name} = {text}"))
}

#[test]
fn threads_are_listed_looked_at_and_stepped() {
    let (_dir, mut client) = woven_session();
    client.ask("continue", json!({ "threadId": 1 }));
    let stopped = client.event("stopped");
    let present = stopped["threadId"].as_i64().expect("a thread");
    let threads = client.ask("threads", Value::Null);
    let threads = threads["threads"].as_array().expect("threads").clone();
    let ids: Vec<i64> = threads.iter().map(|t| t["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{threads:#?}");
    assert_eq!(ids[0], present, "that which runs is the first");
    let name = |index: usize| threads[index]["name"].as_str().unwrap().to_owned();
    assert!(
        name(0).starts_with("thread 1 of task 1, event "),
        "{threads:#?}"
    );
    assert!(name(1).starts_with("task 1: run"), "{threads:#?}");
    assert!(
        name(2).starts_with("thread 2 of task 1, waits in thread.yield"),
        "{threads:#?}"
    );

    // Its frames, with their lines and variables.
    let other = ids[2];
    let stack = frames(&mut client, other);
    let names: Vec<&str> = stack.iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(
        names[1..5],
        ["yield", "take_turn", "work", "begin"],
        "{names:?}"
    );
    let turn = &stack[2];
    assert_eq!(turn["line"], json!(line_of("  yield();")));
    assert_eq!(value(&mut client, turn, "who"), 1);
    let own = frames(&mut client, present);
    assert_eq!(value(&mut client, &own[1], "who"), 0);
    // What is in memory is what is there now.
    let turns = value(&mut client, turn, "turns");
    assert_eq!(turns, value(&mut client, &own[1], "turns"));
    assert!(turns > value(&mut client, turn, "before"));
    let scopes = client.ask("scopes", json!({ "frameId": turn["id"] }));
    let locals = scopes["scopes"].as_array().unwrap().iter();
    let locals = locals.clone().find(|scope| scope["name"] == "Arguments");
    let reference = &locals.expect("arguments")["variablesReference"];
    let arguments = client.ask("variables", json!({ "variablesReference": reference }));
    assert_eq!(arguments["variables"][0]["name"], "who");
    assert_eq!(arguments["variables"][0]["value"], "1");

    // Questions are about the recording, whichever of its stacks runs.
    let waits = |client: &mut Client| {
        let told = client.ask("rr/ask", json!({ "question": "waits" }));
        let nodes = told["answer"]["nodes"].as_array().expect("nodes").clone();
        assert!(!nodes.is_empty(), "{told:#?}");
    };
    waits(&mut client);

    // A step on it leads to where it goes on, and is of it.
    client.ask("next", json!({ "threadId": other }));
    let stopped = client.event("stopped");
    assert_eq!(stopped["threadId"], json!(other), "{stopped:#?}");
    let stack = frames(&mut client, other);
    assert_eq!(stack[0]["name"], "yield");
    waits(&mut client);
    // Out of it, in the same thread; and back to where it waited, though another one runs there.
    client.ask("stepOut", json!({ "threadId": other }));
    let stopped = client.event("stopped");
    assert_eq!(stopped["threadId"], json!(other), "{stopped:#?}");
    let stack = frames(&mut client, other);
    assert_eq!(stack[0]["name"], "take_turn");
    assert_eq!(value(&mut client, &stack[0], "who"), 1);
    client.ask("stepBack", json!({ "threadId": present }));
    let stopped = client.event("stopped");
    assert_eq!(stopped["threadId"], json!(present), "{stopped:#?}");
    let stack = frames(&mut client, present);
    let outer = stack.iter().find(|frame| frame["name"] == "take_turn");
    assert_eq!(value(&mut client, outer.expect("its frame"), "who"), 0);
    let refused = client.refusal("stackTrace", json!({ "threadId": 4711 }));
    assert!(refused.contains("there is no thread 4711"), "{refused}");
}

fn line_of(text: &str) -> usize {
    let source = std::fs::read_to_string(fixture("motion/woven.c")).expect("the source");
    let line = source.lines().position(|line| line == text);
    line.expect("a line like that") + 1
}

/// Where all stacks wait at the end, the stop is of the one that ran last.
#[test]
fn where_nothing_runs_at_the_end_the_stacks_are_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("lingering.rrtrace");
    let app = fixture("motion/lingering.wat");
    record(&app, &["--invoke", "run()"], &[], "", &path);
    let mut client = start(json!({ "trace": path, "stopAt": "end" }), |_| {});
    let threads = client.ask("threads", Value::Null);
    let threads = threads["threads"].as_array().expect("threads").clone();
    assert_eq!(threads.len(), 2, "{threads:#?}");
    for thread in &threads {
        let id = thread["id"].as_i64().unwrap();
        let name = thread["name"].as_str().unwrap();
        let stack = frames(&mut client, id);
        assert_eq!(stack[0]["name"], "wait-for", "{name}: {stack:#?}");
    }
    let told = client.ask(
        "evaluate",
        json!({ "expression": "threads", "context": "repl" }),
    );
    let told = told["result"].as_str().unwrap();
    assert!(
        told.contains("task 1: run") && told.contains("task 2: answer"),
        "{told}"
    );
    assert!(told.contains("waits in wait-for, hostcall "), "{told}");
}

/// At the prompt, too, where a deadlock is of stacks: nobody resumes who has suspended itself.
#[test]
fn stacks_of_a_deadlock_are_shown_at_the_prompt() {
    let dir = tempfile::tempdir().expect("a directory");
    let (app, path) = (dir.path().join("app.wat"), dir.path().join("run.rrtrace"));
    let text = r#"(component
      (core module $libc (table (export "table") 1 funcref))
      (core instance $l (instantiate $libc))
      (core type $start (func (param i32)))
      (core func $new (canon thread.new-indirect $start (table $l "table")))
      (core func $resume-later (canon thread.resume-later))
      (core func $suspend (canon thread.suspend))
      (core module $code
        (import "l" "table" (table 1 funcref))
        (import "abi" "new" (func $new (param i32 i32) (result i32)))
        (import "abi" "resume-later" (func $resume-later (param i32)))
        (import "abi" "suspend" (func $suspend (result i32)))
        (elem (i32.const 0) func $helper)
        (func $forgets (param i32) (drop (call $suspend)))
        (func $helper (param i32) (call $forgets (local.get 0)))
        (func $waits (drop (call $suspend)))
        (func (export "run") (result i32)
          (call $resume-later (call $new (i32.const 0) (i32.const 5)))
          (call $waits)
          unreachable))
      (core instance $m (instantiate $code (with "l" (instance $l)) (with "abi" (instance
        (export "new" (func $new)) (export "resume-later" (func $resume-later))
        (export "suspend" (func $suspend))))))
      (func (export "run") async (result u32) (canon lift (core func $m "run") async)))"#;
    std::fs::write(
        &app,
        text.replace(
            "(func (export \"run\") (result i32)",
            "(func (export \"run\")",
        ),
    )
    .expect("writes");
    record(&app, &["--invoke", "run()"], &[], "", &path);
    let told = shown(
        &path,
        "end",
        &["threads", "bt", "thread 2", "bt", "thread 3", "bt"],
    );
    let parts: Vec<&str> = told.split("(rr-dap) ").collect();
    let [.., threads, _, _, one, _, two] = parts[..] else {
        panic!("{told}");
    };
    assert!(threads.contains("task 1: run"), "{told}");
    assert!(threads.contains("thread 1 of task 1"), "{told}");
    assert!(one.contains(" waits"), "{told}");
    assert!(
        two.contains(" forgets") && two.contains(" helper"),
        "{told}"
    );
    assert!(
        !one.contains(" forgets") && !two.contains(" waits\n"),
        "{told}"
    );
}

/// Of several recordings, each is a thread, and so are those of its stacks that wait.
#[test]
fn stacks_of_the_nodes_of_a_system_are_threads() {
    let dir = tempfile::tempdir().expect("a directory");
    let traces = ["one", "two"].map(|name| {
        let path = dir.path().join(format!("{name}.rrtrace"));
        let app = fixture("motion/threads.wat");
        record(&app, &["--invoke", "run()"], &[], "", &path);
        path
    });
    let mut client = start(json!({ "traces": traces }), |_| {});
    let seek = json!({ "event": 5, "threadId": 1 });
    client.ask("rr/seek", seek);
    let stopped = client.event("stopped");
    assert_eq!(stopped["threadId"], json!(1));
    let threads = client.ask("threads", Value::Null);
    let threads = threads["threads"].as_array().expect("threads").clone();
    let named: BTreeMap<i64, String> = threads
        .iter()
        .map(|t| {
            (
                t["id"].as_i64().unwrap(),
                t["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    assert_eq!(named.len(), 3, "{named:#?}");
    assert!(
        named.contains_key(&1) && named.contains_key(&2),
        "{named:#?}"
    );
    let (waiting, name) = named
        .iter()
        .find(|(_, name)| name.contains(": thread 1 of task 1, waits in thread.yield"))
        .expect("a thread of the first node");
    assert!(
        name.starts_with(named[&1].split(',').next().unwrap()),
        "{name}"
    );
    let stack = frames(&mut client, *waiting);
    let names: Vec<&str> = stack.iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["thread.yield", "turn", "work"], "{names:?}");
    let scopes = client.ask("scopes", json!({ "frameId": stack[1]["id"] }));
    assert!(!scopes["scopes"].as_array().unwrap().is_empty());
    // The other stacks are as they were.
    let stack = frames(&mut client, 1);
    let names: Vec<&str> = stack.iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_ne!(names[..3], ["thread.yield", "turn", "work"], "{names:?}");
    client.ask("next", json!({ "threadId": waiting }));
    let stopped = client.event("stopped");
    // It runs now: it is its node's thread.
    assert_eq!(stopped["threadId"], json!(1), "{stopped:#?}");
    let stack = frames(&mut client, 1);
    assert_eq!(stack[0]["name"], "turn", "{stack:#?}");
}
