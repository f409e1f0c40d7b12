//! The recording tells when hostcalls were made and how long they took.

use crate::support::command::{Call, command};
use crate::support::{events, fixture, record, replay_here, rewrite, rr_dap, text};
use rr_dap::component::CrossingId;
use rr_dap::trace::raw::{Kind, header};
use rr_dap::trace::{HostTimes, Instance, Metadata, Outcome, Trace, Writer};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn listed(trace: &Path, options: &[&str]) -> Vec<Value> {
    let mut line = vec!["trace", "events", "--json", trace.to_str().unwrap()];
    line.extend(options);
    let out = rr_dap(&line, "");
    assert!(out.status.success(), "{out:?}");
    let lines = text(&out.stdout);
    lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[test]
fn a_hostcall_that_sleeps_takes_as_long_as_it_slept() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("sleeps.rrtrace");
    let before = seconds_now();
    let recorded = record(&fixture("kitchen.wasm"), &[], &["sleep", "50"], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    let after = seconds_now();

    for options in [&["--slow", "50ms"][..], &["--slow", "50ms", "--lowered"]] {
        let slow = listed(&trace, options);
        // On a busy machine others may take long, too.
        let is_poll = |call: &&Value| call["name"].as_str().unwrap().ends_with("#poll");
        let sleep = slow.iter().find(is_poll).expect("the sleep");
        let took = sleep["durationNs"].as_u64().unwrap();
        assert!((50_000_000..10_000_000_000).contains(&took), "{took}");
        assert!(sleep["time"].as_str().unwrap().ends_with('Z'), "{sleep}");
    }
    assert!(listed(&trace, &["--slow", "1h"]).is_empty());

    // In text: the time of day first, how long it took last.
    let file = trace.to_str().unwrap();
    let out = rr_dap(
        &["trace", "events", "--time", "--filter", "*#poll", file],
        "",
    );
    let out = text(&out.stdout);
    assert!(
        out.trim_end().ends_with("ms)") || out.trim_end().ends_with("s)"),
        "{out}"
    );
    let (time, _) = out.split_once(' ').unwrap();
    assert_eq!(time.len(), "18:45:12.345".len(), "{out}");

    let info = rr_dap(&["trace", "info", "--json", file], "");
    let info: Value = serde_json::from_str(&text(&info.stdout)).unwrap();
    let started = info["metadata"]["started"].as_u64().unwrap();
    assert!((before..=after).contains(&started), "{info}");
    let times = info["timeInHost"].as_array().unwrap();
    let mut times = times.iter();
    let of_poll = times
        .find(|time| time["interface"] == "wasi:io/poll")
        .unwrap();
    let in_host = of_poll["nanoseconds"].as_u64().unwrap();
    assert!((50_000_000..10_000_000_000).contains(&in_host), "{info}");
    assert!(info["nanoseconds"].as_u64().unwrap() >= in_host, "{info}");
    let info = rr_dap(&["trace", "info", file], "");
    assert!(text(&info.stdout).contains("time in host\n"), "{info:?}");

    // At the prompt.
    let script = "absolute-time\nhostcalls slow 50ms\nhostcalls slow soon\nseek end\nwhen\n";
    let said = rr_dap(&["debug", file], script);
    let (said, complained) = (text(&said.stdout), text(&said.stderr));
    assert!(said.contains("UTC, "), "{said}");
    assert!(said.contains("#poll("), "{said}");
    assert!(said.contains("after the recording began"), "{said}");
    assert!(complained.contains("no duration"), "{complained}");
}

#[test]
fn times_never_go_back_and_disturb_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let work = format!("--dir={}::/work", dir.path().display());
    let greeter = command("greeter", Call::Greeting, dir.path());
    let nested = command("nested", Call::Number("run", 222), dir.path());
    let runs: [(&Path, &[&str]); 5] = [
        (&fixture("kitchen.wasm"), &["all", "/work"]),
        (&greeter, &[]),
        (&nested, &[]),
        (&fixture("sleepers.wasm"), &[]),
        (&fixture("wat/chatty.wat"), &[]),
    ];
    for (app, args) in runs {
        let path = dir.path().join("run.rrtrace");
        let recorded = record(app, &[&work], args, "", &path);
        assert!(recorded.status.success(), "{recorded:?}");
        let trace = Arc::new(Trace::open(&path).unwrap());
        let times = HostTimes::of(&trace);
        let mut cursor = trace.events();
        let mut last = None;
        while cursor.next().unwrap().is_some() {
            let time = cursor.time().map(|time| time.elapsed());
            assert!(time >= last && time.is_some(), "{last:?} {time:?}");
            last = time;
        }
        let all = trace.hostcalls().unwrap();
        for event in (0..all).step_by(1 + all as usize / 50) {
            // One section is enough to know it.
            assert_eq!(times.at(event), trace.time_at(event), "{event}");
            let before = trace.time_before(event).unwrap().elapsed();
            assert!(before <= times.at(event).unwrap().elapsed(), "{event}");
            assert!(times.duration(event).is_none_or(|took| Some(took) <= last));
        }
        replay_here(trace).unwrap();
    }
}

#[test]
fn the_wall_clock_may_be_set_while_a_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let original = dir.path().join("run.rrtrace");
    let app = command("greeter", Call::Greeting, dir.path());
    record(&app, &[], &[], "", &original);
    let opened = Trace::open(&original).unwrap();
    let all = events(&original);
    let metadata = Metadata {
        started: 1_709_251_199,
        started_nanos: 900_000_000,
        ..Metadata::default()
    };
    let time = |nanoseconds: u64, set_by: i64| {
        let mut record = header(Kind::Time, CrossingId(0)).to_le_bytes().to_vec();
        record.extend(nanoseconds.to_le_bytes());
        record.extend(set_by.to_le_bytes());
        record
    };
    let hour = 3_600_000_000_000;
    let component = opened.component().clone();
    let mut writer = Writer::new(Vec::new(), component, &metadata).unwrap();
    for (number, event) in all.iter().enumerate() {
        let clock = match number {
            0 => time(5_000_000, 0),
            // Of another instance, which has not looked at the clock since.
            1 => time(4_000_000, 0),
            2 => time(200_000_000, -hour),
            _ => Vec::new(),
        };
        writer.records(Instance(9), &clock).unwrap();
        writer
            .records(event.instance, &rewrite::raw(event))
            .unwrap();
        // Each section tells the time anew.
        writer.flush().unwrap();
    }
    let outcome = Outcome::Returned {
        success: true,
        result: None,
    };
    let path = dir.path().join("clocked.rrtrace");
    std::fs::write(&path, writer.finish(&outcome).unwrap()).unwrap();

    let trace = Arc::new(Trace::open(&path).unwrap());
    assert!(events(&path) == all);
    let mut cursor = trace.events();
    for number in 0..all.len() {
        cursor.next().unwrap();
        let time = cursor.time().unwrap();
        let (elapsed, wall) = match number {
            0 | 1 => (5, "2024-02-29T23:59:59.905Z"),
            _ => (200, "2024-02-29T23:00:00.100Z"),
        };
        assert_eq!(time.elapsed(), Duration::from_millis(elapsed), "{number}");
        assert_eq!(trace.wall_time(time).unwrap().rfc3339(), wall, "{number}");
    }
    let last = trace.hostcalls().unwrap() - 1;
    let at = trace.time_at(last).unwrap().elapsed();
    assert_eq!(at, Duration::from_millis(200));
    replay_here(trace).unwrap();
}

/// Recorded by rr-dap 0.1.0 before there were times.
#[test]
fn recordings_of_version_2_open_and_tell_no_time() {
    let path = fixture("recordings/version-2.rrtrace");
    assert_eq!(std::fs::read(&path).unwrap()[8], 2);
    let file = path.to_str().unwrap();
    let verified = rr_dap(&["replay", "--verify", file], "");
    assert!(verified.status.success(), "{verified:?}");
    for hostcall in listed(&path, &[]) {
        assert_eq!(hostcall.get("time"), None);
        assert_eq!(hostcall.get("durationNs"), None);
    }
    let slow = rr_dap(&["trace", "events", "--slow", "0s", file], "");
    assert!(slow.stdout.is_empty(), "{slow:?}");
    let told = text(&slow.stderr);
    assert!(told.contains("does not tell when"), "{told}");
    let said = rr_dap(&["debug", file], "absolute-time\nwhen\n");
    let said = text(&said.stdout);
    assert!(said.contains("does not tell what time it was"), "{said}");
    assert!(!said.contains("UTC"), "{said}");
}
