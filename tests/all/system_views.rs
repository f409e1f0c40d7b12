//! What editors show of several recordings that are debugged as one: nodes, messages, and the ways
//! along those.

use crate::support::client::Client;
use crate::support::{rr_dap, text};
use crate::system_session::{command, innermost, open, sends, shop, threads};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The whole list.
fn listed(client: &mut Client) -> Vec<Value> {
    let told = client.ask("rr/messages", json!({ "count": 10_000 }));
    told["messages"].as_array().expect("messages").clone()
}

fn go(client: &mut Client, request: &str, arguments: Value) -> Value {
    client.ask(request, arguments);
    client.event("stopped")
}

/// Where a node stands, as `rr/system` tells.
fn node(client: &mut Client, name: &str) -> Value {
    let told = client.ask("rr/system", Value::Null);
    let nodes = told["nodes"].as_array().expect("nodes");
    let found = nodes.iter().find(|node| node["name"] == name);
    found.unwrap_or_else(|| panic!("{told}")).clone()
}

#[test]
fn nodes_are_told_with_where_they_stand() {
    let (_dir, traces) = shop();
    let mut alone = open(&traces[..1]);
    let told = alone.ask("rr/system", Value::Null);
    assert_eq!(told["nodes"], json!([]));
    let why = alone.refusal("rr/messages", Value::Null);
    assert!(why.contains("one recording alone"), "{why}");
    let why = alone.refusal("rr/follow", json!({ "direction": "forward" }));
    assert!(why.contains("one recording alone"), "{why}");

    let mut client = open(&traces);
    // It is known from then on who spoke with whom.
    let all = listed(&mut client);
    let parts = 7;
    let told = client.ask("rr/system", json!({ "buckets": parts }));
    assert_eq!(told["messages"], all.len());
    let nodes = told["nodes"].as_array().expect("nodes").clone();
    let threads = threads(&mut client);
    assert_eq!(nodes.len(), threads.len());
    let mut made = 0;
    for told in &nodes {
        let name = told["name"].as_str().expect("a name");
        let (id, moment) = &threads[name];
        assert_eq!(
            (&told["threadId"], &told["moment"]),
            (&json!(id), &json!(moment))
        );
        assert_eq!(told["open"], name == "poster", "{told}");
        let part = told["part"].as_f64().expect("a part");
        assert!((0.0..=1.0).contains(&part), "{told}");
        let activity = told["activity"].as_array().expect("parts");
        assert_eq!(activity.len(), parts);
        let steps: u64 = activity.iter().filter_map(Value::as_u64).sum();
        // Into each hostcall, and out of it.
        assert_eq!(steps, 2 * told["events"].as_u64().expect("events"));
        made += steps;
    }
    assert_eq!(told["steps"], made);
    // Together they fill each part of the order.
    for part in 0..parts {
        let of_part = |told: &Value| told["activity"][part].as_u64().expect("a number");
        let together: u64 = nodes.iter().map(of_part).sum();
        assert!(together.abs_diff(made / parts as u64) <= 1, "{nodes:?}");
    }
    // At the end of all, each is at the end.
    command(&mut client, "seek 100%");
    for (name, _) in threads {
        assert_eq!(
            node(&mut client, &name)["part"].as_f64().map(|p| p > 0.3),
            Some(true)
        );
    }
}

/// What `trace messages` prints.
fn lines(traces: &[PathBuf]) -> Vec<String> {
    let paths = traces.iter().map(|path| path.to_str().expect("a name"));
    let args: Vec<&str> = ["trace", "messages"].into_iter().chain(paths).collect();
    let listed = rr_dap(&args, "");
    assert!(listed.status.success(), "{listed:?}");
    text(&listed.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn messages_are_listed_in_parts_as_they_are_printed() {
    let (_dir, mut traces) = shop();
    // One conversation has its other end nowhere.
    traces.pop();
    let mut client = open(&traces);
    let all = listed(&mut client);
    let mut told: Vec<&str> = all.iter().filter_map(|row| row["text"].as_str()).collect();
    let mut printed = lines(&traces);
    told.sort_unstable();
    printed.sort_unstable();
    assert_eq!(told, printed);
    let outside: Vec<&Value> = all.iter().filter(|row| row["kind"] == "outside").collect();
    assert_eq!(outside.len(), 1, "{all:#?}");
    assert_eq!(outside[0]["from"]["node"], "getter");
    assert!(outside[0].get("to").is_none());

    // Page by page, and only some of them.
    for filter in ["", "/echo", "answer-1 event"] {
        let fitting: Vec<&Value> = all
            .iter()
            .filter(|row| {
                row["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(filter))
            })
            .collect();
        let mut paged: Vec<Value> = Vec::new();
        loop {
            let from = paged
                .last()
                .map_or(0, |row| row["number"].as_u64().expect("a number") + 1);
            let asked = json!({ "filter": filter, "from": from, "count": 2 });
            let page = client.ask("rr/messages", asked);
            assert_eq!(page["total"], fitting.len());
            let rows = page["messages"].as_array().expect("messages");
            if rows.is_empty() {
                break;
            }
            assert_eq!(page["before"], paged.len());
            paged.extend(rows.iter().cloned());
        }
        assert_eq!(paged.iter().collect::<Vec<_>>(), fitting);
    }

    // Now is where the node stands that was moved last.
    let event = sends(&traces, "\"hello there\"");
    command(&mut client, &format!("seek poster:{event}"));
    let around = client.ask("rr/messages", json!({ "around": true, "count": 4 }));
    let now = around["now"].as_u64().expect("a number");
    let last = &listed(&mut client)[now as usize - 1];
    assert_eq!(last["said"], "\"hello there\"", "{last}");
    assert_eq!(
        (&last["from"]["past"], &last["to"]["past"]),
        (&json!(true), &json!(false))
    );
    let rows = around["messages"].as_array().expect("messages");
    assert!(rows.iter().any(|row| row["number"] == now), "{around}");
    assert!(rows.len() <= 4);
    // The console says the same.
    let console = client.ask(
        "evaluate",
        json!({ "expression": "messages", "context": "repl" }),
    );
    let console = console["result"].as_str().expect("lines");
    let here = console.lines().find(|line| line.starts_with("=>"));
    assert_eq!(
        here,
        Some(&*format!("=> {}", last["text"].as_str().expect("a line")))
    );
    assert_eq!(console.lines().count(), all.len(), "{console}");
}

#[test]
fn one_goes_to_both_ends_of_each_message_and_along_it() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    for row in listed(&mut client) {
        let number = &row["number"];
        let mut stopped = |end: &str, site: &Value| {
            let stop = go(
                &mut client,
                "rr/goMessage",
                json!({ "number": number, "end": end }),
            );
            assert_eq!(stop["threadId"], site["threadId"], "{row}");
            let when = client.ask("rr/when", Value::Null);
            assert_eq!(when["node"], site["node"]);
            assert_eq!(when["threadId"], site["threadId"]);
            if site["inCall"] == true {
                assert_eq!(when["moment"]["event"], site["event"], "{row}");
                assert!(when["hostcall"].is_string());
            }
            when["moment"].clone()
        };
        let received = stopped("received", &row["to"]);
        let sent = stopped("sent", &row["from"]);
        // From anywhere in the call.
        for unit in [None, Some("hostcall")] {
            if let Some(unit) = unit {
                let over = json!({ "direction": "forward", "unit": unit, "kind": "over" });
                go(&mut client, "rr/step", over);
            }
            let stop = go(&mut client, "rr/follow", json!({ "direction": "forward" }));
            assert_eq!(stop["threadId"], row["to"]["threadId"]);
            let there = client.ask("rr/when", Value::Null);
            assert_eq!(there["moment"], received, "{row}");
            go(&mut client, "rr/follow", json!({ "direction": "backward" }));
            let back = client.ask("rr/when", Value::Null);
            assert_eq!(back["moment"], sent, "{row}");
        }
    }
    let why = client.refusal("rr/goMessage", json!({ "number": 999, "end": "sent" }));
    assert!(why.contains("there is no message 999"), "{why}");
}

#[test]
fn each_node_is_sent_to_moments_of_its_own() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let ids = threads(&mut client);
    let [poster, answer] = ["poster", "answer-1"].map(|name| json!(ids[name].0));
    let stop = go(&mut client, "rr/seek", json!({ "moment": "answer-1:3" }));
    assert_eq!(stop["threadId"], answer);
    assert_eq!(node(&mut client, "answer-1")["event"], 3);
    let stop = go(
        &mut client,
        "rr/seek",
        json!({ "threadId": poster, "event": 2 }),
    );
    assert_eq!(stop["threadId"], poster);
    let stood = node(&mut client, "poster");
    assert_eq!(stood["event"], 2);
    // What cannot be is refused, and nobody has moved.
    for wrong in [
        json!({ "threadId": answer, "event": 9999 }),
        json!({ "threadId": answer, "moment": "nonsense" }),
        json!({ "threadId": 99, "event": 1 }),
        json!({ "moment": "answer-1:nonsense" }),
        json!({ "part": 2 }),
        json!({ "threadId": answer }),
    ] {
        client.refusal("rr/seek", wrong);
        assert_eq!(client.ask("rr/system", Value::Null)["threadId"], poster);
        assert_eq!(node(&mut client, "poster"), stood);
    }
    // Half of its own recording, and half of all.
    go(
        &mut client,
        "rr/seek",
        json!({ "threadId": answer, "percent": 100 }),
    );
    let getter = node(&mut client, "getter");
    assert_eq!(getter["open"], false, "{getter}");
    let ended = node(&mut client, "answer-1");
    assert_eq!(ended["event"], ended["events"], "{ended}");
    go(&mut client, "rr/seek", json!({ "part": 0.5 }));
    let at = |client: &mut Client, name: &str| node(client, name)["event"].as_u64();
    let half = at(&mut client, "poster");
    go(
        &mut client,
        "rr/seek",
        json!({ "threadId": poster, "to": "start" }),
    );
    assert_eq!(at(&mut client, "poster"), Some(0));
    // Alone to where it was when half of all was over.
    let stop = go(
        &mut client,
        "rr/seek",
        json!({ "threadId": poster, "part": 0.5 }),
    );
    assert_eq!(stop["threadId"], poster);
    assert_eq!(at(&mut client, "poster"), half);
    // A step of a thread that is not the one moved last.
    let before = at(&mut client, "answer-1");
    let step = json!({ "threadId": answer, "direction": "forward", "unit": "hostcall" });
    let stop = go(&mut client, "rr/step", step);
    assert_eq!(stop["threadId"], answer);
    assert!(at(&mut client, "answer-1") > before);
}

#[test]
fn a_message_is_a_target_to_step_into() {
    let (_dir, traces) = shop();
    let mut client = open(&traces);
    let all = listed(&mut client);
    let ids = threads(&mut client);
    let row = all
        .iter()
        .find(|row| row["said"] == "\"hello there\"")
        .expect("the body");
    command(
        &mut client,
        &format!("seek poster:{}", row["from"]["event"]),
    );
    let here = innermost(&mut client, &json!(ids["poster"].0));
    let stack = client.ask("stackTrace", json!({ "threadId": ids["poster"].0 }));
    let frames = stack["stackFrames"].as_array().expect("frames").clone();
    let mut target = Value::Null;
    for frame in &frames {
        let told = client.ask("stepInTargets", json!({ "frameId": frame["id"] }));
        let targets = told["targets"].as_array().expect("targets");
        let event = &row["to"]["event"];
        let label = format!("→ received in answer-1, event {event} (\"hello there\")");
        let found = targets.iter().find(|target| target["label"] == label);
        target = found.unwrap_or_else(|| panic!("{label} in {targets:?}"))["id"].clone();
    }
    let arguments = json!({ "threadId": ids["poster"].0, "targetId": target });
    client.ask("stepIn", arguments);
    let stop = client.event("stopped");
    assert_eq!(stop["threadId"], row["to"]["threadId"], "{stop}");
    let when = client.ask("rr/when", Value::Null);
    assert_eq!(when["moment"]["event"], row["to"]["event"]);
    // Where nothing is sent there is none: it stands in a call that reads.
    let stack = client.ask("stackTrace", json!({ "threadId": stop["threadId"] }));
    let frame = &stack["stackFrames"][0]["id"];
    let told = client.ask("stepInTargets", json!({ "frameId": frame }));
    assert_eq!(told["targets"], json!([]), "{told}");
    command(&mut client, "follow back");
    assert_eq!(innermost(&mut client, &json!(ids["poster"].0)), here);
}
