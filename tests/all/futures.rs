//! Futures of a Rust program: what is suspended below the stack, and steps that stay in one.

use crate::support::client::Client;
use crate::support::file::Numbers;
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
    let map = json!({ "/rr-dap/fixtures": fixture("") });
    let launch = json!({ "trace": trace, "stopAt": "start", "sourceMap": map });
    let client = start(launch, |client| {
        let named: Vec<Value> = functions
            .iter()
            .map(|name| json!({ "name": name }))
            .collect();
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
    client.ask("evaluate", asked)["result"]
        .as_str()
        .unwrap()
        .to_owned()
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
    rows.map(|row| (text(row, "name"), text(row, "value")))
        .collect()
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

/// The value of an expression in a frame, without quotes.
fn value(client: &mut Client, frame: usize, expression: &str) -> String {
    let frame = frames(client)[frame].clone();
    let asked = json!({ "expression": expression, "frameId": frame["id"] });
    let found = client.ask("evaluate", asked)["result"]
        .as_str()
        .unwrap()
        .to_owned();
    found.trim_matches('"').to_owned()
}

/// A session with breakpoints where each nap begins, and where it has slept.
fn with_naps() -> (tempfile::TempDir, Client) {
    let (dir, mut client) = session("O0", &["awaits::trace"]);
    stop_where_naps_begin(&mut client, true);
    (dir, client)
}

fn stop_where_naps_begin(client: &mut Client, stops: bool) {
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let line = json!({ "line": line_of("let began = units * 2;") });
    let lines = if stops { vec![line] } else { Vec::new() };
    client.ask(
        "setBreakpoints",
        json!({ "source": source, "breakpoints": lines }),
    );
}

/// When each nap begins and ends is seen on the stack; so it is known which are suspended.
#[test]
fn what_is_suspended_is_below_the_stack() {
    let (_dir, mut client) = with_naps();
    let began = line_of("let began = units * 2;");
    let (mut naps, mut seen) = (Vec::new(), BTreeSet::new());
    while goes_on(&mut client) {
        let innermost = frames(&mut client)[0].clone();
        let begins = innermost["line"] == began;
        let nap = match begins {
            true => (
                value(&mut client, 0, "name"),
                value(&mut client, 0, "units"),
            ),
            false => {
                let twice: u64 = value(&mut client, 1, "began").parse().unwrap();
                (value(&mut client, 0, "what"), (twice / 2).to_string())
            }
        };
        if nap.0 == "boxed" {
            // The races are over; who lost them was dropped.
            naps.retain(|(name, _): &(String, String)| !name.starts_with("slow"));
        }
        // The line has several places.
        naps.retain(|known| *known != nap);
        let mut expected: Vec<&str> = naps.iter().map(|(name, _)| name.as_str()).collect();
        expected.sort_unstable();
        let suspended = napping(&mut client);
        let suspended: Vec<&str> = suspended
            .iter()
            .map(|name| name.trim_matches('"'))
            .collect();
        // In the second race the loser of the first is not there any more.
        let second = ["slower", "quicker"];
        if second
            .iter()
            .any(|name| nap.0 == *name || expected.contains(name))
        {
            expected.retain(|name| *name != "slow");
        }
        assert_eq!(suspended, expected, "at {nap:?}");
        seen.extend(suspended.iter().map(|name| (*name).to_owned()));
        if begins {
            naps.push(nap);
        }
    }
    let all = [
        "all",
        "left",
        "lower",
        "slow",
        "slower",
        "spawned",
        "unordered",
        "upper",
    ];
    for name in all {
        assert!(seen.contains(name), "{name} in {seen:?}");
    }
}

/// There is less to know of what runs; what is suspended is in memory all the same.
#[test]
fn what_is_suspended_in_optimised_code_is_below_the_stack() {
    let (_dir, mut client) = session("Os", &["awaits::trace"]);
    let mut seen = BTreeSet::new();
    while goes_on(&mut client) {
        seen.extend(napping(&mut client));
    }
    for name in ["all", "lower", "slow", "slower", "spawned", "upper"] {
        assert!(seen.contains(&format!("{name:?}")), "{name} in {seen:?}");
    }
}

#[test]
fn branches_have_titles_and_the_tree_has_the_same_futures() {
    let (_dir, mut client) = session("O0", &["awaits::trace"]);
    // Both of the inner ones are still to come when the first has slept, but for a busy machine.
    let branches = |client: &mut Client| {
        let all = frames(client);
        let labels = all
            .iter()
            .filter(|frame| frame["presentationHint"] == "label");
        let labels: Vec<String> = labels.map(|frame| frame["name"].to_string()).collect();
        assert!(
            labels
                .iter()
                .all(|label| label.contains("task 1 of wasi:cli/run@") || !label.contains("task"))
        );
        let has_branches = labels
            .iter()
            .any(|label| label.contains("branch 2 of 2 of PollFn"));
        (all, has_branches)
    };
    let all = loop {
        assert!(goes_on(&mut client), "nothing has branches");
        let (all, true) = branches(&mut client) else {
            continue;
        };
        break all;
    };
    let tree = console(&mut client, "rr futures");
    let lines: Vec<&str> = tree.lines().collect();
    assert!(lines[0].starts_with("task 1 of wasi:cli/run@"), "{tree}");
    let twice = format!(
        "async fn awaits::twice at lib.rs:{}",
        line_of("// await: twice first")
    );
    let depth = |what: &str| {
        let line = lines.iter().find(|line| line.contains(what));
        let line = line.unwrap_or_else(|| panic!("{what} in {tree}"));
        line.len() - line.trim_start().len()
    };
    // One waits for the other.
    assert!(
        depth(&twice) > depth("async fn awaits::nested, which runs"),
        "{tree}"
    );
    assert!(
        depth("async fn awaits::nested, which runs") > depth("async fn awaits::run"),
        "{tree}"
    );
    // What a macro of futures-util waits for is waited for where the program uses it.
    let inner = format!(
        "async block in awaits::nested at lib.rs:{}",
        line_of("// await: inner")
    );
    assert!(tree.contains(&inner), "{inner} in {tree}");
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
        client.ask("rr/seek", json!({ "event": event }));
        client.event("stopped");
        let tree = console(&mut client, "rr futures");
        assert!(
            tree.contains("async fn awaits::nap"),
            "at event {event}: {tree}"
        );
    }
}

/// Where the session is: function, line, and position.
fn here(client: &mut Client) -> (String, i64, String) {
    let innermost = frames(client).remove(0);
    let name = innermost["name"].as_str().unwrap().to_owned();
    let told = console(client, "rr when");
    let position = told.split("position ").nth(1).unwrap();
    let position = position.split([' ', ';']).next().unwrap().to_owned();
    (name, innermost["line"].as_i64().unwrap(), position)
}

#[test]
fn next_over_an_await_stays_in_its_future_and_back_again() {
    let (_dir, mut client) = with_naps();
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    let began = line_of("let began = units * 2;");
    let (mut behind, mut done) = (0, BTreeSet::new());
    while goes_on(&mut client) {
        let nap = (
            value(&mut client, 0, "name"),
            value(&mut client, 0, "units"),
        );
        // The line has several places, of which the first is its start.
        if !done.insert(nap.clone()) {
            continue;
        }
        // Others come here meanwhile; they are not what is asked for.
        stop_where_naps_begin(&mut client, false);
        let mut stops = vec![here(&mut client)];
        while stops.last().unwrap().1 == began {
            client.go("next");
            stops.push(here(&mut client));
        }
        assert_eq!(
            stops.last().unwrap().1,
            line_of("// await: nap"),
            "{stops:?}"
        );
        client.go("next");
        if nap.0.contains("slow") {
            // It never goes on: the step leads to who has asked it.
            assert_ne!(here(&mut client).1, began + 2, "{nap:?}");
        } else {
            assert_eq!(here(&mut client).1, began + 2, "{nap:?}: {stops:?}");
            assert_eq!(value(&mut client, 0, "name"), nap.0);
            let twice: u64 = value(&mut client, 0, "began").parse().unwrap();
            assert_eq!((twice / 2).to_string(), nap.1);
            for stop in stops.iter().rev() {
                client.go("stepBack");
                assert_eq!(here(&mut client), *stop, "{nap:?}, back: {stops:?}");
            }
            behind += 1;
        }
        // On from where it began.
        client.ask("rr/seek", json!({ "position": stops[0].2 }));
        client.event("stopped");
        stop_where_naps_begin(&mut client, true);
    }
    assert!(behind >= 12, "{behind} of {done:?}");
}

#[test]
fn out_of_a_future_is_to_who_waits_for_it() {
    let (_dir, mut client) = with_naps();
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    while goes_on(&mut client) {
        if value(&mut client, 0, "name") == "lower" {
            break;
        }
    }
    stop_where_naps_begin(&mut client, false);
    client.go("stepOut");
    let (name, line, _) = here(&mut client);
    assert!(name.starts_with("awaits::twice"), "{name}:{line}");
    assert_eq!(line, line_of("// await: twice first"));
    assert_eq!(value(&mut client, 0, "$return"), "Ready(15)");
    client.go("next");
    assert_eq!(here(&mut client).1, line_of("// await: twice second"));
}

/// A session at the first line behind an `await` in a function.
fn session_at(comment: &str) -> (tempfile::TempDir, Client) {
    let (dir, mut client) = session("O0", &[]);
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let line = json!({ "line": line_of(comment) });
    let set = json!({ "source": source, "breakpoints": [line] });
    client.ask("setBreakpoints", set);
    assert!(goes_on(&mut client));
    client.ask(
        "setBreakpoints",
        json!({ "source": source, "breakpoints": [] }),
    );
    (dir, client)
}

/// What a walk forward in a future comes to is what any walk in it comes to: steps back are
/// the steps forward reversed.
fn check_walks(comment: &str, steps: usize) -> Vec<i64> {
    let (_dir, mut client) = session_at(comment);
    let mut way = vec![here(&mut client)];
    for _ in 0..steps {
        client.go("next");
        way.push(here(&mut client));
    }
    let functions: BTreeSet<&str> = way.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(functions.len(), 1, "all of it is in one function: {way:?}");
    let mut numbers = Numbers(0x5eed);
    let mut at = steps;
    for _ in 0..4 * steps {
        let is_back = at == steps || at > 0 && numbers.below(3) > 0;
        client.go(if is_back { "stepBack" } else { "next" });
        at = if is_back { at - 1 } else { at + 1 };
        assert_eq!(here(&mut client), way[at], "at {at} of {way:?}");
    }
    way.iter().map(|(_, line, _)| *line).collect()
}

#[test]
fn walks_in_a_future_over_one_that_waits_for_others() {
    let first = line_of("// await: twice first");
    let lines = check_walks("// await: twice first", 2);
    assert_eq!(lines, [first, first + 1, first + 2]);
}

#[test]
fn walks_in_a_future_over_joins_races_and_lists() {
    let first = line_of("let mut sum = nested().await;");
    let lines = check_walks("let mut sum = nested().await;", 6);
    assert_eq!(lines, (first..=first + 6).collect::<Vec<_>>());
}

#[test]
fn walks_in_a_future_around_a_loop_that_waits() {
    let first = line_of("// await: listed");
    let lines = check_walks("// await: listed", 8);
    assert!(
        lines.iter().all(|line| (first..=first + 2).contains(line)),
        "{lines:?}"
    );
    assert!(
        lines.iter().filter(|line| **line == first + 1).count() >= 2,
        "{lines:?}"
    );
}

/// A call that makes a future has returned before that begins: the step out of it, and the one
/// behind that, stay with who waits.
#[test]
fn next_at_the_end_of_what_makes_a_future_stays_with_who_waits_for_it() {
    let (_dir, mut client) = session("O0", &["awaits::raced"]);
    assert!(goes_on(&mut client));
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));
    let after = line_of("sum += raced().await;") + 1;
    for _ in 0..6 {
        client.go("next");
        let (name, line, _) = here(&mut client);
        assert!(name.contains("awaits::"), "{name}:{line}");
        if line == after {
            return;
        }
    }
    panic!("line {after} is not come to");
}

/// What a future keeps can be calculated with, as variables of a frame of the stack can.
#[test]
fn expressions_in_a_future_that_waits() {
    let (_dir, mut client) = session("O0", &["awaits::trace"]);
    let mut seen = 0;
    while seen < 6 && goes_on(&mut client) {
        for frame in frames(&mut client) {
            if frame["name"] != "async fn awaits::nap" {
                continue;
            }
            let mut value = |expression: &str| {
                let asked = json!({ "expression": expression, "frameId": frame["id"] });
                let found = client.ask("evaluate", asked);
                found["result"].as_str().unwrap().to_owned()
            };
            let began: u64 = value("began").parse().unwrap();
            assert_eq!(value("began * 3 + 1"), (began * 3 + 1).to_string());
            assert_eq!(value("*&began"), began.to_string());
            assert_eq!(value("began as u8"), (began as u8).to_string());
            assert_eq!(value("began % 2 == 0 && began > 1"), "true");
            assert_eq!(value("if began > 1 { 5 } else { 6 }"), "5");
            let name = value("name");
            let name = name.trim_matches('"').to_owned();
            assert_eq!(value("name.len()"), name.len().to_string());
            assert_eq!(value("name[0]"), value(&format!("{}", name.as_bytes()[0])));
            assert_eq!(value(&format!("name == {name:?}")), "true");
            assert_eq!(value("$task"), "1");
            assert_eq!(value("$mem[&began; 8][0]"), value("began & 255"));
            let asked = json!({ "expression": "what", "frameId": frame["id"] });
            let refused = client.refused("evaluate", asked);
            assert!(
                refused.to_string().contains("does not keep `what`"),
                "{refused}"
            );
            let asked = json!({ "name": "began", "frameId": frame["id"] });
            let data = client.ask("dataBreakpointInfo", asked);
            assert!(data["dataId"].is_string(), "{data}");
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen}");
}

/// The leaf of each branch is what `tasks` has by the same index.
#[test]
fn what_futures_wait_for_at_last_is_what_the_tasks_tell() {
    let (_dir, mut client) = session("O0", &["awaits::trace"]);
    let mut found = BTreeSet::new();
    while goes_on(&mut client) {
        let tree = console(&mut client, "rr futures");
        let tasks = console(&mut client, "rr tasks");
        for leaf in tree.lines().map(str::trim) {
            let Some(rest) = leaf.strip_prefix("subtask ") else {
                continue;
            };
            // It is a member of the set that its task waits at, or its event is on its way.
            let (index, how) = rest.split_once(' ').unwrap();
            let known = |line: &str| {
                let line = line.trim_start();
                line.starts_with(&format!("{index} ")) && line.contains("wait-for")
            };
            assert!(tasks.lines().any(known), "{leaf} in {tasks}");
            assert!(how.starts_with("(wait-for, "), "{leaf}");
            found.insert(index.to_owned());
        }
        assert!(!tree.contains("WaitableOperation"), "{tree}");
    }
    assert!(found.len() >= 3, "{found:?}");
}

/// What holds a future for others is gone through.
#[test]
fn wrappers_are_gone_through() {
    let (_dir, mut client) = session("O0", &["awaits::trace"]);
    let mut seen = BTreeSet::new();
    let lines = [
        ("// await: shared", "awaits::nap"),
        ("// await: remote", "awaits::nap"),
        ("// await: local", "awaits::twice"),
        ("// await: either", "awaits::nap"),
    ];
    let source = json!({ "path": fixture("awaits/src/lib.rs") });
    let line = json!({ "line": line_of("let began = units * 2;") });
    client.ask(
        "setBreakpoints",
        json!({ "source": source, "breakpoints": [line] }),
    );
    while goes_on(&mut client) {
        let tree = console(&mut client, "rr futures");
        let all: Vec<&str> = tree.lines().collect();
        for (comment, awaited) in lines {
            let at = format!("lib.rs:{}", line_of(comment));
            let Some(outer) = all
                .iter()
                .position(|line| line.contains("async fn awaits::wrapped") && line.ends_with(&at))
            else {
                continue;
            };
            let depth = |line: &str| line.len() - line.trim_start().len();
            let inside = all[outer + 1..]
                .iter()
                .take_while(|line| depth(line) > depth(all[outer]));
            let futures: Vec<&&str> = inside.filter(|line| line.contains("async fn")).collect();
            if futures.iter().any(|line| line.contains(awaited)) {
                seen.insert(comment);
            }
        }
    }
    assert_eq!(seen.len(), lines.len(), "{seen:?}");
}
