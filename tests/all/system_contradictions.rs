//! A recording that was edited, so that an answer came before it was asked for: that is told, and
//! nothing is hidden for it.

use crate::support::client::Client;
use crate::support::rewrite;
use crate::support::server::{Server, recordings};
use crate::support::session::connect;
use crate::support::several::told;
use crate::support::{events, rr_dap, text};
use rr_dap::trace::{EventKind, Trace};
use serde_json::{Value, json};
use std::path::Path;

fn seek(client: &mut Client, line: &str) {
    client.ask("evaluate", json!({ "expression": line, "context": "repl" }));
    client.event("stopped");
}

/// Exchanges what two answers said in the recording of who asked: it was told the later one first.
fn exchanged(from: &Path, to: &Path, (one, other): (&[u8], &[u8])) -> usize {
    let trace = Trace::open(from).expect("opens");
    let mut count = 0;
    let mut all = events(from);
    for event in &mut all {
        if let EventKind::Write { bytes, .. } = &mut event.kind {
            let instead = match &**bytes {
                said if said == one => other,
                said if said == other => one,
                _ => continue,
            };
            *bytes = instead.into();
            count += 1;
        }
    }
    // What they leave in memory is another thing now.
    all.retain(|event| !matches!(event.kind, EventKind::Hash(_)));
    rewrite::write(trace.component().clone(), &all, trace.outcome(), 100, to);
    count
}

#[test]
fn an_answer_that_came_before_it_was_asked_for_is_a_contradiction() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let service = Server::start(&path("services"), &["-S", "cli"], "answers.wasm");
    let gateway = Server::start(&path("gateways"), &[], "gateway.wasm");
    let target = format!(
        "/many?authority={}&path=/count&count=12&ahead=1",
        service.address
    );
    let (status, answer) = gateway.get(&target);
    assert_eq!(status, 200);
    assert!(answer.ends_with("200  11\n200  12\n"), "{answer}");
    for server in [gateway, service] {
        assert!(server.end().0.success());
    }
    let (gateway, service) = (
        recordings(&path("gateways")).remove(0),
        recordings(&path("services")).remove(0),
    );
    let sound = told(&[("gateway", &gateway), ("service", &service)]);
    assert!(sound.contradictions().is_empty(), "{:#?}", sound.all);
    let forged = path("forged.rrtrace");
    assert_eq!(exchanged(&gateway, &forged, (b"11", b"12")), 2);

    let nodes: [(&str, &Path); 2] = [("gateway", &forged), ("service", &service)];
    let found = told(&nodes);
    let contradictions = found.contradictions();
    assert!(!contradictions.is_empty(), "{:#?}", found.all);
    for contradiction in &contradictions {
        let cycle = contradiction["cycle"].as_array().expect("messages");
        assert!(cycle.len() > 1, "{contradiction:#}");
        assert!(
            cycle.contains(&contradiction["message"]),
            "{contradiction:#}"
        );
        // Each is received before the next is sent, in the same node.
        for (at, message) in cycle.iter().enumerate() {
            let next = &cycle[(at + 1) % cycle.len()];
            assert_eq!(
                message["to"]["node"], next["from"]["node"],
                "{contradiction:#}"
            );
            let step = |site: &Value| (site["events"].as_u64(), site["inCall"].as_bool());
            assert!(
                step(&message["to"]) <= step(&next["from"]),
                "{contradiction:#}"
            );
        }
    }
    // Nothing is hidden: all that was said is listed.
    assert_eq!(
        found.messages().len(),
        sound.messages().len(),
        "{:#?}",
        found.all
    );
    let listed = rr_dap(
        &[
            "trace",
            "messages",
            forged.to_str().expect("a name"),
            service.to_str().expect("a name"),
        ],
        "",
    );
    let listed = text(&listed.stdout);
    let line = listed
        .lines()
        .find(|line| line.starts_with("contradiction: "));
    let line = line.unwrap_or_else(|| panic!("{listed}"));
    let first = &contradictions[0]["message"];
    for site in [&first["from"], &first["to"]] {
        let event = site["event"]
            .as_u64()
            .or(site["events"].as_u64())
            .expect("a number");
        assert!(line.contains(&format!("event {event}")), "{line}");
    }

    // A session with them opens, moves, and says so.
    let mut client = connect();
    client.initialize();
    client.ask(
        "launch",
        json!({ "traces": [forged, service], "stopAt": "entry" }),
    );
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    seek(&mut client, "seek end");
    seek(&mut client, "seek 50%");
    let said = client.ask(
        "evaluate",
        json!({ "expression": "messages", "context": "repl" }),
    );
    let said = said["result"].as_str().expect("text");
    let count = format!(
        "{} would have been received before sent",
        contradictions.len()
    );
    assert!(said.contains(&count), "{said}");
    let said = client.ask(
        "evaluate",
        json!({ "expression": "messages contradiction", "context": "repl" }),
    );
    let said = said["result"].as_str().expect("text");
    assert!(said.contains("contradiction: "), "{said}");
}
