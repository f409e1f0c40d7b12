//! A recording that is damaged somewhere: what comes before is there, and what is not says
//! why.

use crate::support::client::Client;
use crate::support::file::{EVENTS, sections};
use crate::support::session::{frames, start};
use crate::support::{events, fixture, record, rewrite, rr_dap, text};
use rr_dap::trace::{Event, EventKind, Trace};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// A recording with many hostcalls in sections of so many events, of which one is damaged.
fn damaged(per_section: usize, which: impl Fn(&Trace, &[Event]) -> usize) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound.rrtrace");
    record(&fixture("wat/chatty.wat"), &[], &[], "", &sound);
    let trace = Trace::open(&sound).unwrap();
    let all = events(&sound);
    let path = dir.path().join("damaged.rrtrace");
    let component = trace.component().clone();
    rewrite::write(component, &all, trace.outcome(), per_section, &path);
    let mut file = std::fs::read(&path).unwrap();
    let parts = sections(&file);
    let of_events: Vec<_> = parts.iter().filter(|part| part.id == EVENTS).collect();
    let damaged = of_events[which(&trace, &all) / per_section];
    file[damaged.at + 4] ^= 1;
    std::fs::write(&path, &file).unwrap();
    (dir, path)
}

fn last(_: &Trace, all: &[Event]) -> usize {
    all.len() - 1
}

fn middle(_: &Trace, all: &[Event]) -> usize {
    all.len() / 2
}

fn console(client: &mut Client, line: &str) -> String {
    let arguments = json!({ "expression": line, "context": "repl" });
    let answer = client.ask("evaluate", arguments);
    answer["result"].as_str().unwrap().to_owned()
}

fn travel(client: &mut Client, line: &str) -> Value {
    console(client, line);
    client.event("stopped")
}

fn said(client: &mut Client) -> String {
    let said = client.kept_events("output").into_iter();
    said.map(|body| body["output"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn hostcalls_before_the_damage_are_counted_and_gone_to() {
    let (_dir, trace) = damaged(1000, last);
    let (known, damage) = Trace::open(&trace).unwrap().readable_hostcalls();
    assert!(known > 1000 && damage.is_some());
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    let told = said(&mut client);
    assert!(told.contains("is damaged at byte"), "{told}");
    travel(&mut client, &format!("seek {}", known - 10));
    let when = client.ask("rr/when", Value::Null);
    assert_eq!(when["moment"]["event"], known - 10);
    let at = when["text"].as_str().unwrap();
    assert!(at.contains("of at least "), "{at}");
    let refusal = client.refusal("rr/seek", json!({ "event": known }));
    assert!(refusal.contains("is damaged at byte"), "{refusal}");
    // It is told once.
    assert!(!said(&mut client).contains("is damaged"));
}

#[test]
fn handles_and_hostcalls_are_known_up_to_the_damage() {
    let (_dir, trace) = damaged(1000, middle);
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    travel(&mut client, "seek 100");
    let tables = console(&mut client, "handles");
    assert!(tables.contains("stdout"), "{tables}");
    let refusal = client.refusal("rr/resources", json!({ "at": "end" }));
    assert!(refusal.contains("what happened after event"), "{refusal}");
    assert!(refusal.contains("is damaged at byte"), "{refusal}");
    let hostcalls = client.ask("rr/hostcalls", json!({ "from": 100, "count": 1 }));
    assert_eq!(hostcalls["hostcalls"][0]["event"], 100);
    let damage = hostcalls["damage"].as_str().unwrap();
    assert!(damage.contains("is damaged at byte"), "{damage}");
    // What stops at handles stops at those that are known.
    let filters = json!([{ "filterId": "handleCreated" }]);
    client.ask(
        "setExceptionBreakpoints",
        json!({ "filters": [], "filterOptions": filters }),
    );
    said(&mut client);
    let stopped = client.go("reverseContinue");
    assert!(stopped["text"].as_str().unwrap().contains("get-stdout"));
    assert!(said(&mut client).contains("is damaged at byte"));
}

#[test]
fn commands_list_what_comes_before_the_damage() {
    let (_dir, trace) = damaged(1000, middle);
    let trace = trace.to_str().unwrap();
    for line in [
        &["trace", "resources", "--at", "100", trace][..],
        &["trace", "output", trace],
    ] {
        let listed = rr_dap(line, "");
        assert!(!listed.status.success());
        assert!(text(&listed.stdout).contains("stdout"), "{line:?}");
        let error = text(&listed.stderr);
        assert!(error.contains("is damaged at byte"), "{line:?}: {error}");
    }
}

/// A call whose answer is damaged: no name of it can be told, and that is the reason, not
/// that there is no such variable.
#[test]
fn a_call_that_cannot_be_seen_says_why() {
    // The third call to write.
    const CALL: usize = 3;
    let answer = |trace: &Trace, all: &[Event]| {
        let component = trace.component();
        let is_write = |event: &Event| {
            let crossing = component.crossing(event.crossing).unwrap();
            matches!(event.kind, EventKind::Call(_)) && crossing.name.contains("write")
        };
        let mut writes = (0..all.len()).filter(|at| is_write(&all[*at]));
        writes.nth(CALL - 1).unwrap() + 1
    };
    let (_dir, trace) = damaged(1, answer);
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    for _ in 0..CALL {
        travel(&mut client, "next hostcall *write*");
    }
    let frame = frames(&mut client)[0]["id"].clone();
    for expression in ["self", "$arg.self", "$arg.self == 1", "contents[0] == 1"] {
        let watch = json!({ "expression": expression, "context": "watch", "frameId": frame });
        let refusal = client.refusal("evaluate", watch);
        assert!(
            refusal.contains("is damaged at byte"),
            "{expression}: {refusal}"
        );
    }
}
