//! Tasks whose turns come in between one another: conditions know whose it is, and steps stay in one.

use crate::support::client::Client;
use crate::support::file::Numbers;
use crate::support::session::{frames, start};
use crate::support::{fixture, record, task_history, unpacked};
use rr_dap::inspect::tasks::TaskState;
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The sections of a component that are components.
const COMPONENT: u8 = 4;

/// A number as sections have it.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// `turns.wat` with the program in place of its first component.
pub fn turns_component() -> Vec<u8> {
    let whole = wat::parse_file(fixture("turns.wat")).unwrap();
    let part = std::fs::read(fixture("turns.wasm")).unwrap();
    let (header, rest) = whole.split_at(8);
    assert!(rest[0] == COMPONENT && rest[1] < 128, "the first is short");
    let after = &rest[2 + usize::from(rest[1])..];
    let mut bytes = [header, &[COMPONENT], &leb(part.len()), &part].concat();
    bytes.extend_from_slice(after);
    bytes
}

fn recorded(app: &Path, options: &[&str], dir: &Path) -> PathBuf {
    let trace = dir.join("t.rrtrace");
    let options = [&["--quiet"], options].concat();
    let recorded = record(app, &options, &[], "", &trace);
    assert!(trace.exists(), "{recorded:?}");
    trace
}

fn launch(trace: &Path) -> Value {
    let map = json!({ "/rr-dap/fixtures": fixture("") });
    json!({ "trace": trace, "stopAt": "start", "sourceMap": map })
}

/// A session with a recording of `turns.wat` that stops where a function begins, in one task.
fn turns_session(function: &str, task: u64) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("turns.wasm");
    std::fs::write(&app, turns_component()).unwrap();
    let trace = recorded(&app, &["--invoke", "run()"], dir.path());
    let condition = format!("$task == {task}");
    let named = json!([{ "name": function, "condition": condition }]);
    let mut client = start(launch(&trace), |client| {
        client.ask("setFunctionBreakpoints", json!({ "breakpoints": named }));
    });
    client.go("continue");
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    (dir, client)
}

fn value(client: &mut Client, expression: &str) -> String {
    let frame = frames(client)[0].clone();
    let asked = json!({ "expression": expression, "frameId": frame["id"] });
    client.ask("evaluate", asked)["result"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn console(client: &mut Client, line: &str) -> String {
    let asked = json!({ "expression": line, "context": "repl" });
    client.ask("evaluate", asked)["result"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Where the session is: function, line, and position.
fn here(client: &mut Client) -> (String, i64, String) {
    let innermost = frames(client).remove(0);
    let name = innermost["name"].as_str().unwrap().to_owned();
    let told = console(client, "rr when");
    let position = told.split("position ").nth(1).unwrap();
    let position = position.split([' ', ';', ',']).next().unwrap().to_owned();
    (name, innermost["line"].as_i64().unwrap_or(0), position)
}

fn line_of(comment: &str) -> i64 {
    let source = std::fs::read_to_string(fixture("turns.c")).unwrap();
    let at = source.lines().position(|line| line.ends_with(comment));
    at.unwrap_or_else(|| panic!("no line ends with {comment}")) as i64 + 1
}

/// Who is in each hostcall, as the history of tasks tells, which comes of a replay.
fn in_hostcalls(trace: &Path) -> BTreeMap<u64, u64> {
    let trace = Arc::new(Trace::open(trace).unwrap());
    let history = task_history(&trace);
    let running = |event| history.at(event, true).unwrap().running();
    let events = 0..history.events();
    events
        .filter_map(|event| Some((event, running(event)?.0)))
        .collect()
}

/// The hostcalls at which a session stops from its start on, with a condition.
fn met(client: &mut Client, condition: Option<String>) -> Vec<u64> {
    client.ask("rr/seek", json!({ "to": "start" }));
    client.event("stopped");
    let mut all = json!({ "filterId": "hostcall" });
    if let Some(condition) = &condition {
        all["condition"] = json!(condition);
    }
    let set = json!({ "filters": [], "filterOptions": [all] });
    client.ask("setExceptionBreakpoints", set);
    let mut met = Vec::new();
    loop {
        client.go("continue");
        let told = console(client, "rr when");
        let (_, event) = told.split_once("event ").unwrap();
        let digits = event.split(|c: char| !c.is_ascii_digit()).next().unwrap();
        let event = digits.parse::<u64>().unwrap();
        if !told.contains(", in ") {
            return met;
        }
        met.push(event);
        if let Some(condition) = &condition {
            assert_eq!(value(client, condition), "true", "at {event}");
        }
    }
}

/// What reads the flat values of the recording alone agrees with what replays it.
fn check_tasks_of_hostcalls(app: &Path, options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let trace = recorded(app, options, dir.path());
    let told = in_hostcalls(&trace);
    let mut client = start(launch(&trace), |_| {});
    let all = met(&mut client, None);
    let tasks: BTreeSet<u64> = told.values().copied().collect();
    assert!(!tasks.is_empty());
    let mut found = BTreeMap::new();
    for task in tasks {
        let of_it = met(&mut client, Some(format!("$task == {task}")));
        found.extend(of_it.into_iter().map(|event| (event, task)));
    }
    let is_meant = |event: &u64| all.contains(event);
    let told: BTreeMap<u64, u64> = told
        .into_iter()
        .filter(|(event, _)| is_meant(event))
        .collect();
    assert!(!told.is_empty());
    assert_eq!(found, told, "of {all:?}");
}

#[test]
fn conditions_know_the_tasks_that_come_in_turns() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("turns.wasm");
    std::fs::write(&app, turns_component()).unwrap();
    check_tasks_of_hostcalls(&app, &["--invoke", "run()"]);
}

#[test]
fn conditions_know_the_tasks_of_several_components() {
    for name in ["relay", "held-back"] {
        let app = fixture(&format!("wat/{name}.wat"));
        check_tasks_of_hostcalls(&app, &["--invoke", "run()"]);
    }
    check_tasks_of_hostcalls(&fixture("sleepers.wasm"), &[]);
}

/// The lines of one job from its beginning on, as the source has them.
fn lines_of_job(rounds: usize) -> Vec<i64> {
    let begins = line_of("/* begins */");
    let called_back = line_of("/* called back */");
    let again = line_of("/* again */");
    let end = line_of("/* called back: end */");
    let mut lines: Vec<i64> = (begins - 4..=begins).collect();
    for _ in 2..rounds {
        lines.extend(called_back..=again);
        lines.push(end);
    }
    lines.extend(called_back..again);
    lines.extend(again + 2..=end);
    lines
}

/// `next` at the end of a callback leads to where the same task is called again, and back.
#[test]
fn steps_of_a_program_in_c_stay_in_its_task() {
    for (task, rounds) in [(2, 2), (3, 3), (4, 4)] {
        let (_dir, mut client) = turns_session("exports_turns_work", task);
        let mut way = vec![here(&mut client)];
        while way.len() < lines_of_job(rounds).len() {
            client.go("next");
            assert_eq!(value(&mut client, "$task"), task.to_string());
            way.push(here(&mut client));
        }
        let lines: Vec<i64> = way.iter().map(|(_, line, _)| *line).collect();
        assert_eq!(lines, lines_of_job(rounds), "task {task}: {way:?}");
        let mut numbers = Numbers(0x7a5c);
        let mut at = way.len() - 1;
        for _ in 0..3 * way.len() {
            let is_back = at == way.len() - 1 || at > 0 && numbers.below(3) > 0;
            client.go(if is_back { "stepBack" } else { "next" });
            at = if is_back { at - 1 } else { at + 1 };
            assert_eq!(
                here(&mut client),
                way[at],
                "task {task}, at {at} of {way:?}"
            );
        }
    }
}

/// `stepIn` goes into what is called, and where nothing is, on in the task.
#[test]
fn steps_into_and_out_of_a_program_in_c_stay_in_its_task() {
    let (_dir, mut client) = turns_session("exports_turns_work_callback", 3);
    let called_back = line_of("/* called back */");
    let again = line_of("/* again */");
    for expected in [3, 3] {
        assert_eq!(value(&mut client, "$task"), expected.to_string());
        assert_eq!(here(&mut client).1, called_back);
        client.go("stepOut");
    }
    // It was the last time.
    assert!(console(&mut client, "rr when").contains("end"));
    client.go("stepBack");
    assert_ne!(here(&mut client).1, 0);
    let (_dir, mut client) = turns_session("exports_turns_work_callback", 4);
    let mut waits = 0;
    for _ in 0..60 {
        client.go("stepIn");
        let (name, line, _) = here(&mut client);
        assert_eq!(value(&mut client, "$task"), "4", "{name}:{line}");
        if name == "wait" && line == line_of("/* waits */") {
            waits += 1;
        }
        if line == again + 3 {
            break;
        }
    }
    assert_eq!(waits, 2);
}

/// The line of the guest's source with this comment.
fn await_line(comment: &str) -> i64 {
    let source = std::fs::read_to_string(fixture("awaits/src/lib.rs")).unwrap();
    let at = source.lines().position(|line| line.ends_with(comment));
    at.unwrap_or_else(|| panic!("no line ends with {comment}")) as i64 + 1
}

fn awaits_at(comment: &str) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("awaits.wasm");
    std::fs::write(&app, unpacked("awaits/awaits-O0.wasm.zst")).unwrap();
    let trace = recorded(&app, &[], dir.path());
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let line = json!([{ "line": await_line(comment), "condition": "$task == 1" }]);
    let mut client = start(launch(&trace), |client| {
        let set = json!({ "source": source, "breakpoints": line });
        client.ask("setBreakpoints", set);
    });
    client.go("continue");
    let none = json!({ "source": source, "breakpoints": [] });
    client.ask("setBreakpoints", none);
    (dir, client)
}

#[test]
fn a_step_into_an_await_goes_into_the_body_of_what_is_awaited() {
    let (_dir, mut client) = awaits_at("// await: twice first");
    let begun = here(&mut client);
    client.go("stepIn");
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::nap::"), "{name}");
    assert_eq!(line, await_line("let began = units * 2;"));
    // The same way back.
    client.go("stepBack");
    assert_eq!(here(&mut client), begun);
    // Out of it is behind it, in who awaits it.
    client.go("stepIn");
    client.go("stepOut");
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::twice::"), "{name}");
    assert_eq!(line, begun.1);
    client.go("next");
    assert_eq!(here(&mut client).1, begun.1 + 1);
}

#[test]
fn a_step_into_a_branch_goes_into_the_branch_and_out_of_it_to_who_joins_it() {
    let (_dir, mut client) = awaits_at("let mut sum = nested().await;");
    client.go("stepIn");
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::nested::"), "{name}");
    client.go("stepIn");
    let (name, began, _) = here(&mut client);
    assert!(name.starts_with("awaits::nap::"), "{name}");
    assert_eq!(began, await_line("let began = units * 2;"));
    assert_eq!(value(&mut client, "name").trim_matches('"'), "left");
    client.go("stepOut");
    let (name, at, _) = here(&mut client);
    assert!(name.starts_with("awaits::nested::"), "{name}");
    assert_eq!(at, line);
    // All branches are waited for.
    client.go("next");
    let (name, at, _) = here(&mut client);
    assert!(name.starts_with("awaits::nested::"), "{name}");
    assert_eq!(at, await_line("one + two"));
}

#[test]
fn a_step_into_a_race_and_out_of_who_wins_is_to_who_races() {
    let (_dir, mut client) = awaits_at("// await: raced");
    client.go("stepIn");
    assert_eq!(value(&mut client, "name").trim_matches('"'), "slow");
    let (name, ..) = here(&mut client);
    assert!(name.starts_with("awaits::nap::"), "{name}");
}

/// What has begun is gone into where it goes on.
#[test]
fn a_step_into_what_has_begun_goes_to_where_it_goes_on() {
    let (_dir, mut client) = awaits_at("// await: listed");
    let loops = here(&mut client).1;
    for line in [loops + 1, loops] {
        // A line may begin in several places.
        client.go("next");
        while here(&mut client).1 != line {
            let (name, at, _) = here(&mut client);
            assert!(
                name.starts_with("awaits::listed::") && at >= loops,
                "{name}:{at}"
            );
            client.go("next");
        }
    }
    client.go("stepIn");
    while here(&mut client).1 == loops {
        client.go("stepIn");
    }
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::nap::"), "{name}:{line}");
    assert_eq!(line, await_line("// await: nap"));
    assert_eq!(value(&mut client, "name").trim_matches('"'), "unordered");
    assert_eq!(value(&mut client, "began"), "20");
}

/// Tasks that wait are below the stack, with what they are calls of, as the history tells.
#[test]
fn tasks_of_a_program_in_c_that_wait_are_below_the_stack() {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("turns.wasm");
    std::fs::write(&app, turns_component()).unwrap();
    let path = recorded(&app, &["--invoke", "run()"], dir.path());
    let trace = Arc::new(Trace::open(&path).unwrap());
    let history = task_history(&trace);
    let mut client = start(launch(&path), |_| {});
    let (mut waiting, mut called_back) = (0, 0);
    for event in 0..history.events() {
        client.ask("rr/seek", json!({ "event": event }));
        client.event("stopped");
        let tasks = history.at(event, true).unwrap();
        let frames = frames(&mut client);
        let names: Vec<&str> = frames
            .iter()
            .map(|frame| frame["name"].as_str().unwrap())
            .collect();
        let at = |name: &str| names.iter().position(|known| *known == name);
        for task in tasks.tasks() {
            let (id, arguments) = (task.id.0, &task.arguments);
            let label = at(&format!("task {id} is suspended at"));
            assert_eq!(label.is_some(), task.is_suspended(), "{event}: {names:#?}");
            let function = if arguments.is_empty() { "run" } else { "work" };
            let call = format!("{function}({arguments})");
            if let Some(label) = label {
                assert_eq!(frames[label]["presentationHint"], "label");
                let (returned, entry) = (&frames[label + 1], &frames[label + 2]);
                let TaskState::Waiting { set, .. } = task.state else {
                    panic!("{:?}", task.state);
                };
                let state = format!("waits at set {set}, since");
                assert!(names[label + 1].contains(&state), "{names:#?}");
                assert_eq!(entry["name"], call);
                if function == "work" {
                    let ran = match task.callbacks {
                        0 => "exports_turns_work waits",
                        _ => "exports_turns_work_callback waits",
                    };
                    assert!(names[label + 1].starts_with(ran), "{names:#?}");
                    assert_eq!(
                        entry["line"],
                        line_of("exports_turns_work(uint32_t rounds) {")
                    );
                    let last = match task.callbacks {
                        0 => line_of("/* begins */")..=line_of("/* begins */") + 1,
                        _ => line_of("/* called back: end */")..=line_of("/* called back: end */"),
                    };
                    let line = returned["line"].as_i64().unwrap();
                    assert!(last.contains(&line), "{returned}");
                }
                waiting += 1;
                // What is known of the task is in it.
                let scopes = client.ask("scopes", json!({ "frameId": entry["id"] }));
                let of = &scopes["scopes"][0]["variablesReference"];
                let rows = client.ask("variables", json!({ "variablesReference": of }));
                assert!(rows.to_string().contains(&**arguments), "{rows}");
                let asked = json!({ "expression": "$task", "frameId": entry["id"] });
                assert_eq!(client.ask("evaluate", asked)["result"], id.to_string());
            } else if task.callbacks > 0 && tasks.running() == Some(task.id) {
                assert!(names.contains(&call.as_str()), "{names:#?}");
                called_back += 1;
            }
        }
    }
    assert!(waiting > 20 && called_back > 20, "{waiting}, {called_back}");
}
