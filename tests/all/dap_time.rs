//! Travelling in a recording as a client does it: jumps, marks, visits of a line, changes
//! of bytes, filters; and what the program printed, told once.

use crate::support::client::Client;
use crate::support::fixture;
use crate::support::ledger::own_ledger;
use crate::support::session::{frames, start};
use serde_json::{Value, json};

/// A session with a recording of the ledger; 12 transfers are reported, then it traps.
fn ledger(begin: &str) -> (tempfile::TempDir, Client) {
    let (dir, trace) = own_ledger();
    let launch = json!({ "trace": trace, "stopAt": begin });
    (dir, start(launch, |_| {}))
}

fn console(client: &mut Client, line: &str) -> String {
    let arguments = json!({ "expression": line, "context": "repl" });
    let answer = client.ask("evaluate", arguments);
    answer["result"].as_str().expect("a result").to_owned()
}

/// Travels by a line of the console.
fn go(client: &mut Client, line: &str) -> Value {
    console(client, line);
    client.event("stopped")
}

fn motion(client: &mut Client, command: &str) -> Value {
    client.ask(command, json!({ "threadId": 1 }));
    client.event("stopped")
}

/// The source of `ledger.c`, and the line of it that holds this text.
fn line(client: &mut Client, text: &str) -> (Value, i64) {
    let code = std::fs::read_to_string(fixture("ledger.c")).expect("the source");
    let line = code.lines().position(|line| line.contains(text));
    let sources = client.ask("loadedSources", json!({}))["sources"].take();
    let sources = sources.as_array().expect("sources").clone();
    let is_ledger = |source: &Value| source["name"] == "ledger.c";
    let source = sources.into_iter().find(is_ledger).expect("ledger.c");
    (source, line.expect("such a line") as i64 + 1)
}

const REPORT: &str = "printf(\"%2d. %s pays";

#[test]
fn every_visit_of_a_line_is_a_place_to_go_to() {
    let (_dir, mut client) = ledger("entry");
    let (source, line) = line(&mut client, REPORT);
    let arguments = json!({ "source": source, "line": line });
    let visits = |client: &mut Client| {
        let targets = client.ask("gotoTargets", arguments.clone())["targets"].take();
        targets.as_array().expect("targets").clone()
    };
    let targets = visits(&mut client);
    assert_eq!(targets.len(), 12);
    for (nth, target) in targets.iter().enumerate() {
        let label = target["label"].as_str().expect("a label");
        assert!(
            label.starts_with(&format!("visit {}, event ", nth + 1)),
            "{label}"
        );
        assert!(label.ends_with("ahead"), "{label}");
    }
    client.ask(
        "goto",
        json!({ "threadId": 1, "targetId": targets[6]["id"] }),
    );
    assert_eq!(client.event("stopped")["reason"], "goto");
    assert_eq!(frames(&mut client)[0]["line"], json!(line));
    let number = client.ask(
        "evaluate",
        json!({ "expression": "number", "context": "watch" }),
    );
    assert_eq!(number["result"], "7");
    let times: Vec<_> = visits(&mut client)
        .iter()
        .map(|target| {
            target["label"]
                .as_str()
                .expect("a label")
                .rsplit(' ')
                .next()
                .map(str::to_owned)
        })
        .map(Option::unwrap_or_default)
        .collect();
    let mut expected = vec!["before"; 6];
    expected.push("here");
    expected.extend(vec!["ahead"; 5]);
    assert_eq!(times, expected);
    // What was offered at another stop means nothing here.
    let stale = json!({ "threadId": 1, "targetId": 99 });
    assert!(
        client
            .refusal("goto", stale)
            .contains("has not been offered")
    );
}

/// Goes to the line that reports; answers the frame there.
fn go_to_the_report(client: &mut Client) -> Value {
    let (source, line) = line(client, REPORT);
    let arguments = json!({ "source": source, "line": line });
    let targets = client.ask("gotoTargets", arguments)["targets"].take();
    client.ask(
        "goto",
        json!({ "threadId": 1, "targetId": targets[0]["id"] }),
    );
    client.event("stopped");
    frames(client)[0]["id"].clone()
}

#[test]
fn a_reverse_run_over_data_breakpoints_is_the_forward_run_reversed() {
    let (_dir, mut client) = ledger("end");
    let frame = go_to_the_report(&mut client);
    let meant = json!({ "name": "accounts[1].balance", "frameId": frame });
    let info = client.ask("dataBreakpointInfo", meant);
    let breakpoints =
        json!({ "breakpoints": [{ "dataId": info["dataId"], "accessType": "write" }] });
    client.ask("setDataBreakpoints", breakpoints);
    let mut walk = |command: &str, from: &str, end: &str| {
        go(&mut client, &format!("seek {from}"));
        let mut stops = Vec::new();
        loop {
            let stop = motion(&mut client, command);
            if stop["reason"] == end {
                return stops;
            }
            assert_eq!(stop["reason"], "data breakpoint");
            stops.push((stop["text"].clone(), console(&mut client, "when")));
        }
    };
    let forward = walk("continue", "start", "exception");
    let mut backward = walk("reverseContinue", "end", "start");
    backward.reverse();
    assert_eq!(forward, backward);
    // Its first value and six transfers, each with who wrote it.
    assert_eq!(forward.len(), 7);
    let texts: Vec<&str> = forward
        .iter()
        .filter_map(|(text, _)| text.as_str())
        .collect();
    assert_eq!(texts[0], "accounts[1].balance written: 0 -> 20000");
    assert_eq!(
        texts[1],
        "apply at ledger.c:50 wrote accounts[1].balance: 20000 -> 21200"
    );
    assert_eq!(
        texts[6],
        "apply at ledger.c:50 wrote accounts[1].balance: -18086 -> -15686"
    );
    // What wrote it last is the last of them.
    client.ask("setDataBreakpoints", json!({ "breakpoints": [] }));
    go(&mut client, "seek end");
    let told = console(&mut client, "wrote accounts[1].balance");
    client.event("stopped");
    assert!(told.starts_with("going to the last change of "), "{told}");
    let (_, last) = forward.last().expect("a change");
    assert_eq!(console(&mut client, "when"), *last);
    // The line that wrote is shown; the one behind it is a step away, and back.
    let shown = |client: &mut Client| frames(client)[0]["line"].clone();
    assert_eq!(shown(&mut client), 50);
    assert_eq!(motion(&mut client, "next")["reason"], "step");
    assert_eq!(shown(&mut client), 51);
    motion(&mut client, "stepBack");
    assert_eq!(shown(&mut client), 50);
    // A client's own request is told the same.
    go(&mut client, "seek end");
    client.kept_events("output");
    client.ask(
        "rr/whoWrote",
        json!({ "expression": "accounts[1].balance" }),
    );
    client.event("stopped");
    let said = client.kept_events("output");
    let said = said.iter().filter_map(|body| body["output"].as_str());
    assert!(said.map(str::trim_end).any(|text| text == told), "{told}");
    assert_eq!(console(&mut client, "when"), *last);
    let gone = client.ask(
        "dataBreakpointInfo",
        json!({ "name": "1 + 2", "frameId": frame }),
    );
    assert_eq!(gone["dataId"], Value::Null);
}

/// Where the condition says so, writes of the same value stop, too, and are told as such.
#[test]
fn writes_of_the_same_value_stop_on_request() {
    let (_dir, mut client) = ledger("end");
    let frame = go_to_the_report(&mut client);
    let meant = json!({ "name": "transfer.to", "frameId": frame });
    let info = client.ask("dataBreakpointInfo", meant);
    let stops = |client: &mut Client, condition: Value| {
        let breakpoint = json!({
            "dataId": info["dataId"], "accessType": "write", "condition": condition,
        });
        let set = client.ask("setDataBreakpoints", json!({ "breakpoints": [breakpoint] }));
        assert_eq!(set["breakpoints"][0]["verified"], true, "{set}");
        let mut walk = |command: &str, from: &str, end: &str| {
            go(client, &format!("seek {from}"));
            let mut stops = Vec::new();
            loop {
                let stop = motion(client, command);
                if stop["reason"] == end {
                    return stops;
                }
                assert_eq!(stop["reason"], "data breakpoint");
                stops.push((stop["text"].clone(), console(client, "when")));
            }
        };
        let forward = walk("continue", "start", "exception");
        let mut backward = walk("reverseContinue", "end", "start");
        backward.reverse();
        assert_eq!(forward, backward);
        forward
    };
    let is_same = |(text, _): &(Value, String)| {
        let text = text.as_str().expect("what was written");
        text.ends_with(" (the same value)")
    };
    let changes = stops(&mut client, Value::Null);
    let all = stops(&mut client, json!("$all"));
    assert!(!changes.iter().any(is_same));
    let (same, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(is_same);
    assert_eq!(others, changes);
    assert!(same.len() > 5, "{}", same.len());
    assert_eq!(stops(&mut client, json!("$all && 1 > 2")), Vec::new());
    assert_eq!(stops(&mut client, json!(" $all&&$event >= 0 ")), all);
    client.ask("setDataBreakpoints", json!({ "breakpoints": [] }));

    // The motions to them.
    let (_, last) = all.last().expect("a write");
    go(&mut client, "seek end");
    let bytes = info["dataId"].as_str().expect("an id").split(':').nth(2);
    let bytes = format!("$mem[{}; 12]", bytes.expect("an address"));
    let told = console(&mut client, &format!("wrote --all {bytes}"));
    client.event("stopped");
    assert!(told.starts_with("going to the last write of "), "{told}");
    assert_eq!(console(&mut client, "when"), *last);
    let told = console(&mut client, &format!("next write --all {bytes}"));
    assert!(told.starts_with("going to the next write of "), "{told}");
    client.event("stopped");
}

/// A breakpoint in what a step goes over ends the step, whichever way it goes.
#[test]
fn steps_end_at_breakpoints_on_their_way() {
    let (_dir, mut client) = ledger("entry");
    let (source, called) = line(&mut client, "to->balance += transfer->amount");
    let (_, calling) = line(&mut client, "!apply(&transfer)");
    let (_, after) = line(&mut client, "report(number, &transfer);");
    let breakpoints = |client: &mut Client, lines: &[i64]| {
        let wanted: Vec<Value> = lines.iter().map(|line| json!({ "line": line })).collect();
        let arguments = json!({ "source": source, "breakpoints": wanted });
        let set = client.ask("setBreakpoints", arguments)["breakpoints"].take();
        set.as_array()
            .expect("breakpoints")
            .last()
            .map(|b| b["id"].clone())
    };
    let shown = |client: &mut Client| frames(client)[0]["line"].clone();
    breakpoints(&mut client, &[calling]);
    motion(&mut client, "continue");
    // What else is told depends on whether the end is known by now.
    let position = |client: &mut Client| {
        let told = console(client, "when");
        let (_, position) = told.split_once("position ").expect("a position");
        position.split_whitespace().next().map(str::to_owned)
    };
    let begun = position(&mut client);
    let id = breakpoints(&mut client, &[called]);
    let id = id.expect("a breakpoint");
    // Forward, over and out.
    let met = motion(&mut client, "next");
    assert_eq!(met["reason"], "breakpoint");
    assert_eq!(met["hitBreakpointIds"], json!([id]));
    assert_eq!(shown(&mut client), called);
    assert_eq!(motion(&mut client, "stepOut")["reason"], "step");
    assert_eq!(motion(&mut client, "next")["reason"], "step");
    assert_eq!(shown(&mut client), after);
    // Back.
    let met = motion(&mut client, "stepBack");
    assert_eq!(met["reason"], "breakpoint");
    assert_eq!(met["hitBreakpointIds"], json!([id]));
    assert_eq!(shown(&mut client), called);
    // Where it begins is not on the way; where it ends is.
    let id = breakpoints(&mut client, &[calling, called]);
    assert!(id.is_some());
    go(&mut client, "back out");
    assert_eq!(shown(&mut client), calling);
    breakpoints(&mut client, &[after]);
    let met = motion(&mut client, "next");
    assert_eq!(
        (met["reason"].as_str(), shown(&mut client)),
        (Some("breakpoint"), json!(after))
    );
    motion(&mut client, "stepBack");
    breakpoints(&mut client, &[calling]);
    motion(&mut client, "next");
    let met = motion(&mut client, "stepBack");
    assert_eq!(met["reason"], "breakpoint");
    assert_eq!(position(&mut client), begun);
    // Nothing set: a run is a jump, and a step a step.
    breakpoints(&mut client, &[]);
    assert_eq!(motion(&mut client, "next")["reason"], "step");
    assert_eq!(motion(&mut client, "reverseContinue")["reason"], "start");
    assert_eq!(motion(&mut client, "continue")["reason"], "exception");
}

#[test]
fn output_is_told_once_as_the_motion_passes_it() {
    let (_dir, mut client) = ledger("start");
    let printed = |client: &mut Client| -> String {
        let events = client.kept_events("output");
        let guest = events.iter().filter(|body| body["category"] == "stdout");
        guest
            .map(|body| body["output"].as_str().unwrap_or_default())
            .collect()
    };
    // From here on it is known, and comes with the stops.
    console(&mut client, "output");
    let mut told = String::new();
    for line in [
        "seek 30%",
        "seek 60%",
        "seek 10%",
        "seek 50%",
        "seek 60%",
        "seek end",
        "seek start",
        "seek end",
    ] {
        go(&mut client, line);
        told.push_str(&printed(&mut client));
    }
    let whole = console(&mut client, "output");
    let lines = whole.lines().filter(|line| line.contains("stdout"));
    assert!(lines.count() > 20);
    assert!(told.starts_with(" 1. alice pays bob and has 88800 left\n 2. carol"));
    assert!(told.ends_with("transfers\n"));
    assert_eq!(told.matches("12. alice").count(), 1);
}

#[test]
fn output_leads_to_the_hostcall_that_wrote_it() {
    let (_dir, mut client) = ledger("start");
    go(&mut client, "seek end");
    // It comes with the stop, or after it.
    let piece = loop {
        let piece = client.event("output");
        if piece["output"] == " 1. alice pays bob and has 88800" {
            break piece;
        }
    };
    let reference = piece["locationReference"].clone();
    let place = client.ask("locations", json!({ "locationReference": reference }));
    let source = place["source"].clone();
    let reference = source["sourceReference"].clone();
    let text = client.ask(
        "source",
        json!({ "source": source, "sourceReference": reference }),
    );
    let text = text["content"].as_str().expect("a text");
    let line = place["line"].as_i64().expect("a line");
    let listed = text.lines().nth(line as usize - 1).expect("the line");
    assert!(listed.contains("alice pays bob and has 88800"), "{listed}");
    // The list of hostcalls is a source like others: one can go to a line of it, and stop there.
    let targets =
        client.ask("gotoTargets", json!({ "source": source, "line": line }))["targets"].take();
    client.ask(
        "goto",
        json!({ "threadId": 1, "targetId": targets[0]["id"] }),
    );
    let stop = client.event("stopped");
    assert!(
        stop["text"].as_str().expect("a text").contains("write"),
        "{stop}"
    );
    let breakpoints = json!({ "source": source, "breakpoints": [{ "line": line + 1 }] });
    client.ask("setBreakpoints", breakpoints);
    motion(&mut client, "continue");
    assert!(console(&mut client, "when").starts_with(&format!("event {line} of ")));
}

#[test]
fn filters_stop_at_what_they_name() {
    let (_dir, mut client) = ledger("start");
    let mut stops = |filter: &str, condition: &str| {
        let options = json!([{ "filterId": filter, "condition": condition }]);
        let arguments = json!({ "filters": [], "filterOptions": options });
        client.ask("setExceptionBreakpoints", arguments);
        go(&mut client, "seek start");
        let mut stops = Vec::new();
        loop {
            let stop = motion(&mut client, "continue");
            if stop["reason"] != "hostcall" {
                return stops;
            }
            stops.push(stop["text"].as_str().unwrap_or_default().to_owned());
        }
    };
    let failed = stops("failedHostcall", "");
    assert!(matches!(&failed[..], [one] if one.ends_with("input-stream.blocking-read")));
    assert_eq!(stops("failedHostcall", "filesystem").len(), 0);
    assert_eq!(stops("hostcall", "*.open-at").len(), 1);
    assert_eq!(
        stops("hostcall", "$event == 11 && $arg.path == \"ledger.csv\"").len(),
        1
    );
    let dropped = stops("handleDropped", "descriptor");
    assert!(!dropped.is_empty() && dropped.iter().all(|name| name.contains("descriptor")));
    assert!(stops("handleCreated", "input-stream").len() >= 2);
}

#[test]
fn marks_and_parts_are_places_in_time() {
    let (_dir, mut client) = ledger("end");
    // From here on it is known how much there is.
    go(&mut client, "seek entry");
    let at_entry = console(&mut client, "when");
    console(&mut client, "mark here");
    go(&mut client, "seek 50%");
    assert!(console(&mut client, "when").contains("(50 %)"));
    let threads = client.ask("threads", Value::Null);
    let name = threads["threads"][0]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    assert!(
        name.starts_with("main, event ") && name.ends_with("(50 %)"),
        "{name}"
    );
    go(&mut client, "seek here");
    assert_eq!(console(&mut client, "when"), at_entry);
    assert!(console(&mut client, "marks").starts_with("here  event"));
    console(&mut client, "unmark here");
    let wrong = json!({ "expression": "seek here", "context": "repl" });
    assert!(
        client
            .refusal("evaluate", wrong)
            .contains("is not a moment")
    );
    let calls = client.ask("completions", json!({ "text": "acc", "column": 4 }))["targets"].take();
    assert_eq!(calls[0]["label"], "accounts");
}
