//! Tasks at any moment: what they wait for, who holds the other end, who waits for ever.

use crate::support::server::{Server, recordings};
use crate::support::session::start;
use crate::support::{cache_dir, check_tasks, recorded, rr_dap, task_history, text, told};
use rr_dap::inspect::tasks::{Caller, Item, Side, TaskId, TaskState, Tasks, anew};
use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn two_components_that_wait_for_each_other_are_shown() {
    let (_dir, path) = recorded("wat/deadlock.wat", &["--invoke", "run()"]);
    let shown = told(&["trace", "tasks"], &path);
    for line in [
        "at the end: 2 tasks in progress, 2 begun so far",
        "waits at set 3, since event 6: subtask 1 (order, started)",
        "waits at set 2, since event 5: future 1 (read since hostcall 3)",
        "called by task 1 in hostcall 2, begun before event 3",
        "order(item: 7, payment: future<u32> 1), started; called by task 1 in hostcall 2; it is task 2; in set 3",
        "future<u32>, writable end; other end: index 1 of instance 0, used last by task 2",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    let waits = told(&["trace", "tasks", "--waits"], &path);
    let cycle = "deadlock: task 1 → set 3 → subtask 1 (order, started) → task 2 → set 2 → \
                 future 1 (read since hostcall 3) → its other end, index 2 of instance 1 → task 1";
    assert!(waits.ends_with(&format!("{cycle}\n")), "{waits}");
    let dot = told(&["trace", "tasks", "--waits=dot"], &path);
    assert!(dot.starts_with("digraph waits {"), "{dot}");
    let edges = dot.lines().filter(|line| line.contains(" -> ")).count();
    assert_eq!(edges, 7, "{dot}");

    // The same where the run is debugged.
    let launch = json!({ "trace": path, "stopAt": "end" });
    let mut client = start(launch, |_| {});
    let why = client.ask("exceptionInfo", json!({ "threadId": 1 }));
    let why = why["description"].as_str().unwrap();
    for part in [
        "every task waits",
        "task 2, order(item: 7, payment: future<u32> 1), waits at set 2",
        "they wait for each other: task 1 → set 3",
    ] {
        assert!(why.contains(part), "{part}\n{why}");
    }
    let tasks = client.ask("rr/tasks", json!({}));
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 2, "{tasks}");
    let cycles = tasks["waits"]["cycles"].as_array().unwrap();
    assert_eq!((cycles.len(), cycles[0].as_array().unwrap().len()), (1, 7));
    // Before the order, there is one task.
    client.ask("rr/seek", json!({ "event": 1 }));
    client.event("stopped");
    let tasks = client.ask("rr/tasks", json!({}));
    assert_eq!(tasks["tasks"].as_array().unwrap().len(), 1, "{tasks}");
    assert_eq!(tasks["waits"]["cycles"], json!([]));

    let file = path.to_str().unwrap();
    let answer = rr_dap(&["ask", "--json", file, "why", "waits"], "");
    let answers: Vec<Value> = text(&answer.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        answers[0]["answer"]["cause"], "deadlock: order, run",
        "{answers:?}"
    );
    assert_eq!(
        answers[1]["answer"]["cycles"][0].as_array().unwrap().len(),
        7
    );
}

#[test]
fn who_has_the_ends_of_a_stream_that_goes_through_three_components() {
    let (_dir, path) = recorded("wat/relay.wat", &["--invoke", "run()"]);
    let trace = Arc::new(Trace::open(&path).unwrap());
    check_tasks(&trace);
    let history = task_history(&trace);
    let other = |tasks: &Tasks| {
        let ends = tasks
            .all_items()
            .filter_map(|(instance, index, item)| match item {
                Item::End(end) if end.side == Side::Writable => {
                    Some((instance, index, end.clone()))
                }
                _ => None,
            });
        let (_, _, end) = ends.last().expect("the writable end");
        tasks.channel(end.channel).unwrap().readable
    };
    let component = trace.component();
    let of = |event| {
        let tasks = history.at(event, true).unwrap();
        let words = rr_dap::inspect::tasks::Words {
            component,
            tasks: &tasks,
        };
        words.holder(other(&tasks))
    };
    // Made, returned, received by the relay, by the sink, dropped.
    assert_eq!(of(3), "given away in hostcall 3 with task.return");
    assert_eq!(of(7), "given away in hostcall 7 with task.return");
    assert_eq!(of(8), "index 1 of instance 2, used last by task 1");
    assert_eq!(of(9), "dropped by instance 2 in hostcall 9");
    // Each was called by the one before.
    let tasks = history.at(4, true).unwrap();
    let callers: Vec<Option<u64>> = tasks
        .tasks()
        .map(|task| match task.caller {
            Caller::Host => None,
            Caller::Call { task, .. } => task.map(|task| task.0),
        })
        .collect();
    assert_eq!(callers, [None, Some(1), Some(2)]);
    let written = told(&["trace", "tasks", "--at", "8"], &path);
    assert!(
        written.contains("write of 2 since hostcall 4 [5, 7]"),
        "{written}"
    );
}

#[test]
fn what_a_task_of_rust_waits_for() {
    let (_dir, path) = recorded("sleepers.wasm", &["--quiet"]);
    let trace = Arc::new(Trace::open(&path).unwrap());
    check_tasks(&trace);
    let history = task_history(&trace);
    let mut sleeping = 0;
    let mut longest = BTreeSet::new();
    for event in 0..history.events() {
        let tasks = history.at(event, false).unwrap();
        let running = tasks.running().expect("the code of `run` runs");
        assert_eq!(running, TaskId(1));
        let state = tasks.task(running).unwrap().state;
        assert!(matches!(state, TaskState::Running), "{state:?}");
        let subtasks: Vec<u32> = tasks
            .subtasks_of(running)
            .map(|(_, index, _)| index)
            .collect();
        sleeping = sleeping.max(subtasks.len());
        longest.extend(subtasks);
    }
    // Three sleeps at the same time.
    assert_eq!((sleeping, longest.len()), (3, 3));
    // Told anew, each moment is the same.
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
    for event in (0..history.events()).step_by(7) {
        let anew = anew::tasks_at(&trace, &compiled, (event, true), || true).unwrap();
        assert_eq!(
            anew,
            history.at(event, true).unwrap(),
            "at hostcall {event}"
        );
    }
    assert_eq!(history.ended(u64::MAX).count(), 1);
    let missing = ["trace", "tasks", "--at", "999999", path.to_str().unwrap()];
    let missing = rr_dap(&missing, "");
    let said = text(&missing.stderr);
    assert!(
        said.contains("there is no hostcall 999999; the last of this recording is"),
        "{said}"
    );
}

#[test]
fn requests_in_one_instance_are_tasks_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let one = [
        "--max-instance-reuse-count",
        "1000",
        "--idle-instance-timeout",
        "30s",
    ];
    let server = Server::start(dir.path(), &one, "answers.wasm");
    // Then there is an instance that takes the others.
    server.get("/hello");
    std::thread::scope(|scope| {
        // The first ones wait until the last one has come, however slow the machine.
        for (before, ms) in [2400, 1600, 200].into_iter().enumerate() {
            let server = &server;
            scope.spawn(move || assert_eq!(server.get(&format!("/slow?ms={ms}")).0, 200));
            server.wait_until_called(before + 2);
        }
    });
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let mut most = 0;
    for path in recordings(dir.path()) {
        let trace = Arc::new(Trace::open(&path).unwrap());
        check_tasks(&trace);
        let history = task_history(&trace);
        for event in 0..history.events() {
            let tasks = history.at(event, true).unwrap();
            most = most.max(tasks.tasks().count());
            // Whoever runs is known, and in this hostcall.
            let running = tasks
                .running()
                .unwrap_or_else(|| panic!("nobody runs at {event}"));
            assert_eq!(
                tasks.task(running).unwrap().state,
                TaskState::Calling(event)
            );
        }
        // All have ended, and each had its answer.
        assert_eq!(history.end().unwrap().tasks().count(), 0);
        for ended in history.ended(u64::MAX) {
            assert!(ended.task.returned.is_some(), "{ended:?}");
            assert!(ended.task.callbacks > 0, "{ended:?}");
        }
    }
    assert!(most > 1, "no two requests were under way in one instance");
}

#[test]
fn a_call_that_never_begins_is_held_back_by_somebody() {
    let (_dir, path) = recorded("wat/held-back.wat", &["--invoke", "run()"]);
    let waits = told(&["trace", "tasks", "--waits"], &path);
    let lines = [
        "task 1, run(), waits at set 1, since event 4: waits for ever",
        "  set 1",
        "    subtask 2 (order, starting)",
        "      instance 0, which takes no new calls since hostcall 1 of task 2 (backpressure)",
        "        nobody in progress can do it",
    ];
    assert_eq!(waits.lines().collect::<Vec<_>>(), lines);
    let why = rr_dap(&["ask", path.to_str().unwrap(), "why"], "");
    let why = text(&why.stdout);
    assert!(why.contains("Cause: deadlock: run"), "{why}");
    assert!(why.contains("subtask 2 (order, starting)"), "{why}");
}

#[test]
fn what_has_come_is_pending_until_it_is_told() {
    // The read takes what the write offers: the writer is still to be told.
    let (_dir, path) = recorded("wat/relay.wat", &["--invoke", "run()"]);
    let after = told(&["trace", "tasks", "--at", "9"], &path);
    let pending = "write of 2 since hostcall 4, 2 taken, which is still to be told [5, 7]";
    assert!(after.contains(pending), "{after}");
    let before = told(&["trace", "tasks", "--at", "8"], &path);
    assert!(
        before.contains("write of 2 since hostcall 4 [5, 7]"),
        "{before}"
    );
}

#[test]
fn what_is_never_read_or_ended_is_a_leak() {
    let (_dir, path) = recorded("wat/relay.wat", &["--invoke", "run()"]);
    let answer = rr_dap(&["ask", path.to_str().unwrap(), "leaks"], "");
    let said = text(&answer.stdout);
    for part in [
        "never ended, read or written:",
        "task 3, numbers(), has returned and goes on",
        "waitable-set, made by waitable-set.new (hostcall 5)",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}
