//! A replayer that is killed takes nothing with it.

use crate::support::cache_dir;
use crate::support::ledger::own_ledger;
use crate::support::processes::PATIENCE;
use crate::support::replayers::{Replayers, kill};
use crate::support::session::{connect_to, frames};
use rr_dap::dap::transport::Server;
use rr_dap::debuggee::recording::RecordingLauncher;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::{EventKind, Trace};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of the first call that writes to a stream.
fn first_write(trace: &Path) -> u64 {
    let trace = Trace::open(trace).expect("opens");
    let mut cursor = trace.events();
    loop {
        let number = cursor.event();
        let event = cursor.next().expect("sound").expect("the guest writes");
        let crossing = trace.component().crossing(event.crossing).expect("known");
        if matches!(event.kind, EventKind::Call(_)) && crossing.name.ends_with("write-and-flush") {
            return number;
        }
    }
}

#[test]
fn killing_replayers_loses_nothing() {
    let (_dir, trace) = own_ledger();
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let replayers = Replayers::apart();
    let options = Options::new(replayers.program(), cache);
    let trace = Arc::new(Trace::open(&trace).expect("opens"));
    let mut timeline =
        Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline");
    let go = |motion: Motion, timeline: &mut Timeline| {
        timeline
            .travel(&motion, &Interrupt::new())
            .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
            .position
    };
    go(Motion::Entry, &mut timeline);
    let step = Motion::Line(Direction::Forward, Step::Over);
    let mut forward = vec![timeline.here().position];
    for _ in 0..12 {
        forward.push(go(step.clone(), &mut timeline));
    }
    let frames = timeline.frames().expect("frames");

    // Every one of them: all checkpoints, and the one that stands here.
    let pids = replayers.pids();
    assert!(pids.len() > 3, "checkpoints: {}", pids.len());
    kill(pids);
    assert_eq!(timeline.frames().expect("another replayer"), frames);

    // Some of them, between steps back.
    for (i, position) in forward.iter().rev().skip(1).enumerate() {
        if i % 4 == 1 {
            let some: Vec<u32> = replayers.pids().into_iter().step_by(2).collect();
            kill(some);
        }
        let back = Motion::Line(Direction::Backward, Step::Over);
        assert_eq!(go(back, &mut timeline), *position);
    }
    drop(timeline);
    // Nothing stays behind: the processes see the end of their sockets.
    let until = Instant::now() + PATIENCE;
    while !replayers.pids().is_empty() {
        let left = replayers.pids();
        assert!(
            Instant::now() < until,
            "they outlive their timeline: {left:?}"
        );
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn memory_that_nobody_can_read_is_not_said_to_be_out_of_bounds() {
    let (_dir, trace) = own_ledger();
    let replayers = Replayers::apart();
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let options = Options {
        sweep: false,
        ..Options::new(replayers.program(), cache)
    };
    let mut client = connect_to(Server::new(Arc::new(RecordingLauncher::new(options, None))));
    client.initialize();
    client.ask("launch", json!({ "trace": trace, "stopOnEntry": true }));
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    let there = format!("rr goto event {}", first_write(&trace));
    client.ask(
        "evaluate",
        json!({ "expression": there, "context": "repl" }),
    );
    client.event("stopped");
    let frame = frames(&mut client)[0]["id"].clone();
    let scopes = client.ask("scopes", json!({ "frameId": frame }));
    let scopes = scopes["scopes"].as_array().expect("scopes");
    let lowered = scopes.iter().find(|scope| scope["name"] == "Lowered");
    let lowered = &lowered.expect("a hostcall")["variablesReference"];
    let lowered = json!({ "variablesReference": lowered });
    let rows = client.ask("variables", lowered.clone());
    let is_block = |row: &&Value| row["type"].as_str().is_some_and(|ty| ty.ends_with("bytes"));
    let rows = rows["variables"].as_array().expect("rows").clone();
    let block = rows.iter().find(is_block).expect("what is written");
    assert!(!block["value"].to_string().contains("outside"), "{block}");

    std::fs::remove_file(replayers.program()).expect("the link");
    kill(replayers.pids());
    let refused = client.refused("variables", lowered);
    assert!(refused.to_string().contains("replayer"), "{refused}");
}
