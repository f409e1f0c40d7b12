//! Futures of a Rust program: what is suspended below the stack, and steps that stay in one.

use crate::support::client::Client;
use crate::support::session::{frames, start};
use crate::support::{fixture, record, unpacked};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The line of the guest's source with this comment.
fn line_of(comment: &str) -> i64 {
    let source = std::fs::read_to_string(fixture("awaits/src/lib.rs")).unwrap();
    let with = |line: &str| line.ends_with(comment);
    let at = source.lines().position(with);
    at.unwrap_or_else(|| panic!("no line ends with {comment}")) as i64 + 1
}

/// A session with a recording of the guest, built so, with breakpoints at functions.
fn session(level: &str, functions: &[&str]) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let app = dir.path().join("awaits.wasm");
    std::fs::write(&app, unpacked(&format!("awaits/awaits-{level}.wasm.zst"))).unwrap();
    let trace = dir.path().join("t.rrtrace");
    let recorded = record(&app, &["--quiet"], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let map = json!([{ "from": "/rr-dap/fixtures", "to": fixture("") }]);
    let launch = json!({ "trace": trace, "stopAt": "start", "sourceMap": map });
    let client = start(launch, |client| {
        let named: Vec<Value> = functions.iter().map(|name| json!({ "name": name })).collect();
        let set = client.ask("setFunctionBreakpoints", json!({ "breakpoints": named }));
        for set in set["breakpoints"].as_array().unwrap() {
            assert_eq!(set["verified"], true, "{set}");
        }
    });
    (dir, client)
}

/// Goes on to the next breakpoint; false at the end.
fn goes_on(client: &mut Client) -> bool {
    client.go("continue");
    let all = frames(client);
    all[0]["name"].as_str().unwrap().contains("awaits::")
}

fn console(client: &mut Client, line: &str) -> String {
    let asked = json!({ "expression": line, "context": "repl" });
    client.ask("evaluate", asked)["result"].as_str().unwrap().to_owned()
}

/// The variables of a frame's scope with this hint.
fn locals(client: &mut Client, frame: &Value) -> Vec<(String, String)> {
    let scopes = client.ask("scopes", json!({ "frameId": frame["id"] }));
    let scopes = scopes["scopes"].as_array().unwrap().clone();
    let hinted = |scope: &&Value| scope["presentationHint"] == "locals";
    let Some(scope) = scopes.iter().find(hinted) else {
        return Vec::new();
    };
    let of = json!({ "variablesReference": scope["variablesReference"] });
    let found = client.ask("variables", of);
    let rows = found["variables"].as_array().unwrap().iter();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.map(|row| (text(row, "name"), text(row, "value"))).collect()
}

fn local(client: &mut Client, frame: &Value, name: &str) -> Option<String> {
    let mut all = locals(client, frame).into_iter();
    all.find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The names with which the naps that are suspended have been called, and the lines.
fn napping(client: &mut Client) -> Vec<String> {
    let nap = line_of("// await: nap");
    let mut names = Vec::new();
    for frame in frames(client) {
        if frame["name"] == "async fn awaits::nap" {
            assert_eq!(frame["line"], nap, "{frame}");
            assert_eq!(frame["presentationHint"], "normal");
            names.extend(local(client, &frame, "name"));
        }
    }
    names.sort_unstable();
    names
}

fn check_what_waits(level: &str) {
    let (_dir, mut client) = session(level, &["awaits::trace"]);
    let mut seen = Vec::new();
    while goes_on(&mut client) {
        let scopes = frames(&mut client)[0].clone();
        let asked = json!({ "expression": "what", "frameId": scopes["id"] });
        let what = client.ask("evaluate", asked)["result"].to_string();
        let what = what.trim_matches(['"', '\\']).to_owned();
        let suspended = napping(&mut client);
        seen.push((what, suspended));
    }
    let of = |name: &str| {
        let mut all = seen.iter().filter(|(what, _)| what == name);
        let (_, suspended) = all.next().unwrap_or_else(|| panic!("{name} in {seen:?}"));
        suspended.iter().map(|name| name.trim_matches('"')).collect::<Vec<_>>()
    };
    // What runs is on the stack; the others are not.
    assert_eq!(of("left"), ["lower", "spawned", "upper"]);
    assert_eq!(of("upper"), ["lower", "spawned"]);
    assert_eq!(of("quick"), ["slow", "spawned"]);
    assert_eq!(of("quicker"), ["slower", "spawned"]);
    assert_eq!(of("boxed"), ["spawned"]);
    // The list has let go of the one that it runs.
    assert_eq!(of("unordered").iter().filter(|name| **name == "unordered").count(), 2);
    assert_eq!(of("all").iter().filter(|name| **name == "all").count(), 1);
}

#[test]
fn what_is_suspended_is_below_the_stack() {
    check_what_waits("O0");
}

#[test]
fn what_is_suspended_in_optimised_code_is_below_the_stack() {
    check_what_waits("Os");
}

#[test]
fn branches_have_titles_and_the_tree_has_the_same_futures() {
    let (_dir, mut client) = session("O0", &["awaits::trace"]);
    assert!(goes_on(&mut client));
    let all = frames(&mut client);
    let labels = all.iter().filter(|frame| frame["presentationHint"] == "label");
    let labels: Vec<&str> = labels.map(|frame| frame["name"].as_str().unwrap()).collect();
    assert!(labels[0].starts_with("also suspended in task 1 of wasi:cli/run@"), "{labels:?}");
    assert!(labels.iter().any(|label| label.starts_with("branch 2 of 2")), "{labels:?}");
    let tree = console(&mut client, "rr futures");
    let lines: Vec<&str> = tree.lines().collect();
    assert!(lines[0].starts_with("task 1 of wasi:cli/run@"), "{tree}");
    let twice = format!("async fn awaits::twice at lib.rs:{}", line_of("// await: twice first"));
    let depth = |what: &str| {
        let line = lines.iter().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what} in {tree}"));
        line.len() - line.trim_start().len()
    };
    // One waits for the other.
    assert!(depth(&twice) > depth("async fn awaits::nested, which runs"), "{tree}");
    assert!(depth("async fn awaits::nested, which runs") > depth("async fn awaits::run"), "{tree}");
    let told: BTreeSet<&str> = all
        .iter()
        .filter(|frame| frame["name"].as_str().unwrap().starts_with("async "))
        .map(|frame| frame["name"].as_str().unwrap())
        .collect();
    for name in told {
        assert!(tree.contains(name), "{name} in {tree}");
    }
}

#[test]
fn where_nothing_runs_all_tasks_are_suspended() {
    let (_dir, mut client) = session("O0", &[]);
    // A task waits when its callback has returned: the next event is a callback's.
    for event in 20..30 {
        client.ask("rr/seek", json!({ "to": event.to_string() }));
        client.event("stopped");
        let tree = console(&mut client, "rr futures");
        assert!(tree.contains("async fn awaits::nap"), "at event {event}: {tree}");
    }
}

/// Where the session is: function, line, and position.
fn here(client: &mut Client) -> (String, i64, String) {
    let innermost = frames(client).remove(0);
    let name = innermost["name"].as_str().unwrap().to_owned();
    let position = console(client, "rr when");
    (name, innermost["line"].as_i64().unwrap(), position)
}

#[test]
fn next_over_an_await_stays_in_its_future_and_back_again() {
    let (_dir, mut client) = session("O0", &[]);
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let before = line_of("let began = ms * 2;");
    let lines = json!({ "source": source, "breakpoints": [{ "line": before }] });
    client.ask("setBreakpoints", lines);
    let mut naps = 0;
    while goes_on(&mut client) {
        // Others come here meanwhile; they are not what is asked for.
        client.ask("setBreakpoints", json!({ "source": source, "breakpoints": [] }));
        let frame = frames(&mut client)[0].clone();
        let name = local(&mut client, &frame, "name").unwrap();
        let mut stops = vec![here(&mut client)];
        client.go("next");
        stops.push(here(&mut client));
        assert_eq!(stops[1].1, line_of("// await: nap"), "{stops:?}");
        client.go("next");
        let is_dropped = name.contains("slow");
        let frame = frames(&mut client)[0].clone();
        if is_dropped {
            // It never goes on: the step leads to who has asked it.
            assert_ne!(frame["line"], before + 2, "{name}");
        } else {
            stops.push(here(&mut client));
            assert_eq!(stops[2].1, before + 2, "{name}: {stops:?}");
            assert_eq!(local(&mut client, &frame, "name").unwrap(), name);
            for stop in stops.iter().rev().skip(1) {
                client.go("stepBack");
                assert_eq!(here(&mut client), *stop, "{name}: back");
            }
        }
        // On from where it began.
        let begun = stops[0].2.clone();
        let position = begun.split_whitespace().last().unwrap().trim_matches(['(', ')']).to_owned();
        client.ask("rr/seek", json!({ "to": position }));
        client.event("stopped");
        let lines = json!({ "source": source, "breakpoints": [{ "line": before }] });
        client.ask("setBreakpoints", lines);
        naps += 1;
    }
    assert!(naps >= 15, "{naps} naps");
}

#[test]
fn out_of_a_future_is_to_who_waits_for_it() {
    let (_dir, mut client) = session("O0", &[]);
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let lines = json!({ "source": source, "breakpoints": [{ "line": line_of("let began = ms * 2;"), "condition": "ms == 15" }] });
    client.ask("setBreakpoints", lines);
    assert!(goes_on(&mut client));
    client.ask("setBreakpoints", json!({ "source": source, "breakpoints": [] }));
    client.go("stepOut");
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::twice"), "{name}:{line}");
    assert_eq!(line, line_of("// await: twice second"));
}
