//! What people see of tasks and of hostcalls that wait: which hostcall a task is in and for what, what became
//! of calls without an answer, and whose callback it may be.

use crate::support::prompt::shown;
use crate::support::session::{frames, start, variables};
use crate::support::{fixture, record, recorded, rr_dap, rr_dap_with, text, told, unpacked};
use crate::trace_ending::as_records;
use serde_json::{Value, json};
use std::path::Path;

fn calls(trace: &Path) -> Vec<Value> {
    let listed = told(&["trace", "events", "--builtins", "--json"], trace);
    let lines = listed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The name of a call's function, without its interface.
fn short(call: &Value) -> &str {
    let name = call["name"].as_str().unwrap();
    match name.rsplit_once('#') {
        Some((_, short)) => short,
        None => name.split(' ').next().unwrap(),
    }
}

#[test]
fn a_task_says_which_hostcall_it_is_in_where_nothing_is_asynchronous() {
    let hello = recorded("hello-c-O2.wasm", &[]);
    let nested = recorded("wat/nested.wat", &["--invoke", "run()"]);
    for (_dir, path) in [&hello, &nested] {
        let calls = calls(path);
        assert!(!calls.is_empty());
        for call in &calls {
            let event = &call["event"];
            let at = event.to_string();
            let shown = told(&["trace", "tasks", "--at", &at], path);
            let is_in = format!("is in hostcall {event} ({})\n", short(call));
            assert!(shown.contains(&is_in), "{is_in}\n{shown}");
            // Whoever called the one that calls waits for it.
            let others = shown.matches("waits in hostcall ").count();
            assert_eq!(json!(others), call["depth"], "{shown}");
            let object = told(&["trace", "tasks", "--json", "--at", &at], path);
            let object: Value = serde_json::from_str(&object).unwrap();
            let tasks = object["tasks"].as_array().unwrap();
            let is_it = |task: &&Value| task["hostcall"] == *event && task["state"] == "calling";
            assert_eq!(tasks.iter().filter(is_it).count(), 1, "{object}");
        }
    }
    // The same where a run is debugged.
    let mut client = start(json!({ "trace": hello.1, "stopAt": "start" }), |_| {});
    client.ask("rr/ask", json!({ "question": "why" }));
    client.ask("rr/seek", json!({ "event": 1 }));
    client.event("stopped");
    let tasks = client.ask("rr/tasks", json!({}));
    let words = tasks["tasks"][0]["words"].as_str().unwrap();
    let call = &calls(&hello.1)[1];
    assert_eq!(words, format!("is in hostcall 1 ({})", short(call)));
}

#[test]
fn a_task_that_blocks_says_at_what() {
    let (_dir, path) = recorded("motion/lingering.wat", &["--invoke", "run()"]);
    let shown = told(&["trace", "tasks"], &path);
    assert!(shown.contains(" (wait-for)\n"), "{shown}");
    let waits = told(&["trace", "tasks", "--waits"], &path);
    assert_eq!(waits.matches("  the host (").count(), 2, "{waits}");
}

#[test]
fn calls_that_wait_when_the_run_ends_say_so() {
    let (dir, path) = recorded("motion/lingering.wat", &["--invoke", "run()"]);
    let unanswered = |path: &Path| -> Vec<(u64, String)> {
        let calls = calls(path).into_iter();
        let without = calls.filter(|call| call["answered"] == false);
        without
            .map(|call| {
                let why = call["unanswered"].as_str().unwrap().to_owned();
                (call["event"].as_u64().unwrap(), why)
            })
            .collect()
    };
    let waits = "waits when the run ends";
    let left = unanswered(&path);
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|(_, why)| why == waits), "{left:?}");
    let listed = told(&["trace", "events"], &path);
    assert_eq!(
        listed.matches(&format!(" ({waits})")).count(),
        2,
        "{listed}"
    );

    // The same in a session: in lists, and in the frame of the call.
    let mut client = start(json!({ "trace": path, "stopAt": "end" }), |_| {});
    let (last, _) = left.last().unwrap();
    client.ask("rr/seek", json!({ "event": last }));
    client.event("stopped");
    let frame = frames(&mut client).remove(0);
    let shown = variables(&mut client, &frame).to_string();
    assert!(
        shown.contains("Result (none: waits when the run ends)"),
        "{shown}"
    );

    // Without its end, nobody knows whether it has ended there.
    let cut = dir.path().join("cut.rrtrace");
    as_records(&path, &cut);
    for (_, why) in unanswered(&cut) {
        assert!(why.contains("the run was ended here, or went on"), "{why}");
    }
    let replayed = rr_dap(&["replay", cut.to_str().unwrap()], "");
    let said = text(&replayed.stderr);
    assert!(said.contains("the recording was cut off"), "{said}");

    // A run that has ended in a call waits for nothing.
    let (_dir, path) = recorded("wat/deadlock.wat", &["--invoke", "run()"]);
    assert_eq!(unanswered(&path), []);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("exit.rrtrace");
    record(&fixture("kitchen.wasm"), &[], &["exit", "3"], "", &path);
    let left = unanswered(&path);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].1, "in progress when the run ends");
}

/// The tasks in a hostcall that run, by what is said of them.
fn running(path: &Path, event: u64) -> Vec<u64> {
    let shown = told(
        &["trace", "tasks", "--json", "--at", &event.to_string()],
        path,
    );
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let tasks = shown["tasks"].as_array().unwrap().iter();
    let calling = tasks.filter(|task| task["hostcall"] == event);
    calling.map(|task| task["id"].as_u64().unwrap()).collect()
}

#[test]
fn what_a_callback_does_later_tells_whose_it_was_from_the_beginning() {
    let (_dir, path) = recorded("motion/shared-set.wat", &["--invoke", "run()"]);
    let calls = calls(&path);
    let mut told_apart = 0;
    for (at, call) in calls.iter().enumerate() {
        let event = call["event"].as_u64().unwrap();
        assert_eq!(running(&path, event).len(), 1, "hostcall {event}");
        // Before it asks for what it has kept, it has dropped the nap that woke it.
        if short(call) == "context.get" {
            let who = running(&path, event);
            assert_eq!(running(&path, event - 1), who);
            assert_eq!(running(&path, event + 1), who);
            // What it has kept is the argument of its call.
            let kept = call["result"].as_str().unwrap();
            let object = told(
                &["trace", "tasks", "--json", "--at", &event.to_string()],
                &path,
            );
            let object: Value = serde_json::from_str(&object).unwrap();
            let tasks = object["tasks"].as_array().unwrap();
            let task = tasks.iter().find(|task| task["id"] == who[0]).unwrap();
            assert_eq!(task["arguments"], format!("n: {kept}"), "hostcall {at}");
            told_apart += 1;
        }
    }
    assert_eq!(told_apart, 2);
}

#[test]
fn where_nothing_tells_whose_callback_it_is_it_is_one_of_them() {
    let (_dir, path) = recorded("motion/shared-set.wat", &["--invoke", "blind()"]);
    let calls = calls(&path);
    let event_of = |name: &str, nth: usize| {
        let mut found = calls.iter().filter(|call| short(call) == name);
        found.nth(nth).unwrap()["event"].as_u64().unwrap()
    };
    let shown = |event: u64| told(&["trace", "tasks", "--at", &event.to_string()], &path);
    // The first nap that is over, and the result that comes of it.
    let first = event_of("subtask.drop", 0);
    let one_of = "or it runs: the callback here is of one of tasks 2, 3\n";
    assert_eq!(shown(first).matches(one_of).count(), 2, "{}", shown(first));
    assert_eq!(shown(first + 1).matches(one_of).count(), 2);
    // Its caller is told which one it was, and so it is known who is left.
    let after = shown(event_of("subtask.drop", 1));
    assert!(!after.contains(one_of), "{after}");
    assert_eq!(after.matches("\ntask ").count(), 2, "{after}");
    let second = event_of("subtask.drop", 2);
    assert_eq!(running(&path, second).len(), 1, "{}", shown(second));
    // All of them have ended then.
    assert!(told(&["trace", "tasks"], &path).starts_with("at the end: 0 tasks in progress"));
}

#[test]
fn what_views_ask_for_is_refused_without_a_window() {
    let (_dir, path) = recorded("wat/deadlock.wat", &["--invoke", "run()"]);
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    client.ask("terminate", Value::Null);
    client.event("terminated");
    for request in [
        "rr/tasks",
        "rr/hostcalls",
        "rr/when",
        "rr/timeline",
        "rr/resources",
    ] {
        let refused = client.refused(request, json!({}));
        let error = &refused["body"]["error"];
        assert_eq!(error["showUser"], false, "{refused}");
    }
    // What a person asks for says why it is not done.
    let refused = client.refused("rr/seek", json!({ "event": 1 }));
    assert_eq!(refused["body"]["error"]["showUser"], true, "{refused}");
}

#[test]
fn a_thread_that_cannot_begin_traps_where_it_is_to() {
    let (_dir, path) = recorded("motion/wrong-thread.wat", &["--invoke", "run()"]);
    let verified = rr_dap(&["replay", "--verify", path.to_str().unwrap()], "");
    let said = text(&verified.stdout);
    assert!(said.contains("verified: "), "{said}");
    assert!(
        said.contains("trapped: wasm trap: indirect call type mismatch"),
        "{said}"
    );
    // One comes there, and back.
    let mut client = start(json!({ "trace": path, "stopAt": "end" }), |_| {});
    let why = client.ask("exceptionInfo", json!({ "threadId": 1 }));
    let why = why["description"].as_str().unwrap();
    assert!(why.contains("indirect call type mismatch"), "{why}");
    client.ask("rr/seek", json!({ "event": 1 }));
    client.event("stopped");
    assert_eq!(frames(&mut client)[0]["name"], "thread.resume-later");
}

#[test]
fn a_built_in_is_named_with_its_type() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later.rrtrace");
    record(&fixture("later.wasm"), &[], &["hello"], "", &path);
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    let listed = client.ask("rr/hostcalls", json!({}));
    let listed = listed["hostcalls"].as_array().unwrap().iter();
    let reads = listed.filter(|call| call["interface"] == "future.read");
    let functions: Vec<&Value> = reads.map(|call| &call["function"]).collect();
    assert_eq!(functions, [&json!("result<_, error-code>")]);
}

#[test]
fn a_question_waits_for_what_is_still_being_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("awaits.wasm");
    std::fs::write(&app, unpacked("awaits/awaits-O0.wasm.zst")).unwrap();
    let path = dir.path().join("t.rrtrace");
    record(&app, &["--quiet"], &[], "", &path);
    let path = path.to_str().unwrap();
    let fresh = tempfile::tempdir().unwrap();
    let cache = [("RR_DAP_CACHE", fresh.path().to_str().unwrap())];
    for question in ["origin $local0", "leaks", "waits", "why"] {
        let asked = rr_dap_with(&["ask", path, "--at", "20", question], &cache, "");
        let said = text(&asked.stderr);
        assert!(!said.contains("ask again"), "{question}: {said}");
        assert!(asked.status.success(), "{question}: {said}");
    }
}

#[test]
fn a_source_named_as_those_of_libraries_are_is_ones_own() {
    let directory = tempfile::tempdir().unwrap();
    let app = directory.path().join("awaits.wasm");
    std::fs::write(&app, unpacked("awaits/awaits-O0.wasm.zst")).unwrap();
    let trace = directory.path().join("t.rrtrace");
    record(&app, &["--quiet"], &[], "", &trace);
    let sources = shown(&trace, "start", &["info sources"]);
    let named = sources.lines().filter(|line| line.contains("/lib.rs"));
    assert!(named.count() > 1, "{sources}");
    let set = shown(&trace, "start", &["break lib.rs:34", "continue"]);
    assert!(set.contains("awaits::nap"), "{set}");
    assert!(set.contains("at lib.rs:34"), "{set}");
    let asked = rr_dap(&["ask", trace.to_str().unwrap(), "visits lib.rs:34"], "");
    assert!(asked.status.success(), "{asked:?}");
}
