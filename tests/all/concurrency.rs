//! Asynchronous functions, streams and futures: recorded and replayed.

use crate::support::concurrent::{Ran, plain, record};
use crate::support::walk::hostcalls_both_ways;
use crate::support::{
    cache_dir, check_handles, fixture, handle_history, parse, replay_here, rr_dap, text as out_text,
};
use rr_dap::component::types::CoreValue;
use rr_dap::component::{Component, CrossingId, CrossingKind};
use rr_dap::inspect::hostcall::arrivals::{Arrivals, Told};
use rr_dap::inspect::hostcall::delivery;
use rr_dap::replay::Ended;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::Direction::{Backward, Forward};
use rr_dap::timeline::travel::motion::{Motion, Reason, Step, Stop};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::{Event, EventKind, Instance, Trace};
use std::sync::Arc;
use wasmtime::component::Val;

/// Runs a fixture plain and recorded, and replays the recording; answers what it
/// did.
fn recorded_and_replayed(name: &str) -> Ran {
    recorded_and_replayed_component(name, parse(&fixture(name)))
}

fn recorded_and_replayed_component(name: &str, component: Arc<Component>) -> Ran {
    let expected = plain(&component);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = record(&component, &path);
    recorded.unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(ran, expected, "{name}");
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, _) = replay_here(trace.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    if ran.result.is_ok() {
        assert_eq!(ended, Ended::Returned);
    }
    check_handles(&trace);
    ran
}

fn text(text: &str) -> Result<Option<Val>, String> {
    Ok(Some(Val::String(text.to_owned())))
}

#[test]
fn a_callee_that_returns_from_its_callback() {
    assert_eq!(
        recorded_and_replayed("wat/callback.wat").result,
        text("*ello")
    );
}

#[test]
fn calls_that_return_at_once_and_later() {
    let ran = recorded_and_replayed("wat/subtasks.wat");
    assert_eq!(ran.result, text("after 30 ms"));
    assert_eq!(ran.printed, ["after 5 ms", "after 30 ms"]);
}

#[test]
fn calls_that_are_waited_for_polled_and_cancelled() {
    let ran = recorded_and_replayed("wat/waiting.wat");
    assert_eq!(ran.result, Ok(Some(Val::U32(4426))));
}

#[test]
fn who_tells_that_a_call_was_cancelled() {
    let (_dir, trace) = recording("wat/waiting.wat");
    let component = trace.component();
    let mut cursor = trace.events_from(0).expect("events");
    let mut told = Vec::new();
    let mut called = None;
    loop {
        let number = cursor.event();
        let Some(Event {
            instance,
            crossing,
            kind,
        }) = cursor.next().expect("sound events")
        else {
            break;
        };
        let name = |id| component.crossing(id).map(|crossing| crossing.name.clone());
        match kind {
            EventKind::Call(_) if name(crossing).is_some_and(|n| n.contains("never")) => {
                called = Some(number);
            }
            EventKind::Return(results) if name(crossing).is_some_and(|n| n.contains("never")) => {
                let [CoreValue::I32(state)] = results[..] else {
                    panic!("{results:?}");
                };
                let (event, subtask) = (called.expect("was called"), state as u32 >> 4);
                let found = delivery::delivery(&trace, event, crossing, instance, subtask);
                let found = found.expect("sound events").expect("is told");
                assert!(!found.resolution.has_returned());
                assert!(found.event > event);
                told.push(name(found.told_by).expect("a crossing").to_string());
            }
            _ => {}
        }
    }
    // The second cancellation did not wait.
    assert_eq!(told, ["subtask.cancel", "waitable-set.wait"]);
}

#[test]
fn streams_between_components_and_with_the_host() {
    let ran = recorded_and_replayed("wat/streams.wat");
    assert_eq!(ran.result, Ok(Some(Val::U32(5071))));
    let printed = ["one", "two", "three", "swa", "swallowed swallow this"];
    assert_eq!(sorted(&ran.printed), sorted(&printed));
}

/// When the host drops its end of a stream is its own matter.
fn sorted(printed: &[impl ToString]) -> Vec<String> {
    let mut printed: Vec<String> = printed.iter().map(ToString::to_string).collect();
    printed.sort();
    printed
}

#[test]
fn futures_and_error_contexts() {
    let ran = recorded_and_replayed("wat/futures.wat");
    assert_eq!(ran.result, Ok(Some(Val::U32(7))));
    assert_eq!(ran.printed, ["out of ink", "promised 5 ms ago"]);
}

#[test]
fn two_memories() {
    let ran = recorded_and_replayed("wat/two-memories.wat");
    assert_eq!(ran.result, text("after 20 ms"));
    assert_eq!(ran.printed, ["after 1 ms", "after 3 ms"]);
}

#[test]
fn memories_of_64_bits() {
    let ran = recorded_and_replayed("wat/memory64.wat");
    assert_eq!(ran.result, Ok(Some(Val::U32(9))));
}

#[test]
fn handles_of_all_kinds_are_followed_to_their_end() {
    for (name, kinds) in [
        ("wat/waiting.wat", &["subtask", "waitable-set"][..]),
        (
            "wat/streams.wat",
            &[
                "readable end of stream<u8>",
                "writable end of stream<u8>",
                "readable end of stream<u32>",
                "readable end of stream<string>",
                "waitable-set",
            ],
        ),
        (
            "wat/futures.wat",
            &[
                "readable end of future<u32>",
                "writable end of future<u32>",
                "readable end of future<string>",
                "error-context",
            ],
        ),
        ("wat/handles-later.wat", &["own<jar>", "subtask"]),
    ] {
        let (_dir, trace) = recording(name);
        let history = handle_history(&trace);
        let mut ended = Vec::new();
        history
            .each_ended(|_, past| ended.push(past.entry.kind.to_string()))
            .unwrap();
        for kind in kinds {
            assert!(
                ended.iter().any(|e| e == kind),
                "{name}: no {kind} in {ended:?}"
            );
        }
        let left: Vec<String> = history
            .end()
            .unwrap()
            .iter()
            .flat_map(|(_, table)| table.entries().map(ToString::to_string))
            .collect();
        // What is left is what the guest has not dropped.
        let expected = if name == "wat/futures.wat" { 1 } else { 0 };
        assert_eq!(left.len(), expected, "{name}: {left:?}");
    }
}

/// Records a fixture.
pub fn recording(name: &str) -> (tempfile::TempDir, Arc<Trace>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (_, recorded) = record(&parse(&fixture(name)), &path);
    recorded.unwrap_or_else(|e| panic!("{name}: {e}"));
    (dir, Arc::new(Trace::open(&path).expect("opens")))
}

pub fn timeline(trace: Arc<Trace>) -> Timeline {
    let options = Options::new(
        env!("CARGO_BIN_EXE_rr-dap").into(),
        CacheDir::open(&cache_dir()).expect("a cache"),
    );
    Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline")
}

pub fn go(timeline: &mut Timeline, motion: Motion) -> Stop {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
}

#[test]
fn hostcalls_of_several_tasks_are_walked_both_ways() {
    for name in ["wat/callback.wat", "wat/streams.wat", "wat/futures.wat"] {
        let (_dir, trace) = recording(name);
        let mut timeline = timeline(trace);
        let hostcalls = hostcalls_both_ways(&mut timeline);
        assert!(hostcalls > 5, "{name}: {hostcalls}");
    }
}

#[test]
fn instructions_of_several_tasks_are_walked_both_ways() {
    let (_dir, trace) = recording("wat/callback.wat");
    let mut timeline = timeline(trace);
    let mut forward = vec![timeline.here().position];
    loop {
        let stop = go(&mut timeline, Motion::Instruction(Forward, Step::Into));
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        forward.push(stop.position);
    }
    assert!(forward.len() > 50, "{}", forward.len());
    assert!(forward.is_sorted());
    for position in forward.iter().rev() {
        let stop = go(&mut timeline, Motion::Instruction(Backward, Step::Into));
        assert_eq!(stop.position, *position);
    }
}

#[test]
fn resources_that_come_later() {
    let ran = recorded_and_replayed("wat/handles-later.wat");
    assert_eq!(ran.result, Ok(Some(Val::U32(4321))));
}

#[test]
fn what_goes_to_standard_output_as_a_stream_is_printed_again() {
    let ran = recorded_and_replayed("wat/stdout-stream.wat");
    assert_eq!(ran.printed, ["swallowed hello, world"]);
    let (_dir, trace) = recording("wat/stdout-stream.wat");
    let (_, printed) = replay_here(trace).expect("replays");
    assert_eq!(String::from_utf8_lossy(&printed), "hello, world");
}

/// A function that waits for `later`, and whose callback then does this.
fn awaits_and_then(what: &str) -> Arc<Component> {
    let text = format!(
        r#"(component
  (import "host" (instance $host (export "later" (func async (param "ms" u32) (result u32)))))
  (core module $libc (memory (export "memory") 1))
  (core instance $l (instantiate $libc))
  (alias export $host "later" (func $later))
  (core func $later' (canon lower (func $later) async (memory $l "memory")))
  (core func $return (canon task.return (result u32)))
  (core func $set-new (canon waitable-set.new))
  (core func $set-drop (canon waitable-set.drop))
  (core func $join (canon waitable.join))
  (core module $code
    (import "libc" "memory" (memory 1))
    (import "" "later" (func $later (param i32 i32) (result i32)))
    (import "" "return" (func $return (param i32)))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "set-drop" (func $set-drop (param i32)))
    (import "" "join" (func $join (param i32 i32)))
    (global $set (mut i32) (i32.const 0))
    (func (export "run") (result i32)
      (global.set $set (call $set-new))
      (call $join (i32.shr_u (call $later (i32.const 3) (i32.const 32)) (i32.const 4)) (global.get $set))
      (i32.or (i32.const 2) (i32.shl (global.get $set) (i32.const 4))))
    (func (export "callback") (param $event i32) (param $subtask i32) (param $state i32) (result i32)
      {what}))
  (core instance $m (instantiate $code (with "libc" (instance $l)) (with "" (instance
    (export "later" (func $later')) (export "return" (func $return)) (export "join" (func $join))
    (export "set-new" (func $set-new)) (export "set-drop" (func $set-drop))))))
  (func (export "run") async (result u32)
    (canon lift (core func $m "run") async (callback (func $m "callback")))))"#
    );
    let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{e}"));
    Arc::new(Component::parse(bytes).expect("parses"))
}

#[test]
fn traps_in_a_callback_and_in_a_built_in() {
    for (what, why) in [
        // 6 is there: a division by zero.
        (
            "(i32.div_u (i32.const 1) (i32.sub (i32.load (i32.const 32)) (i32.const 6)))",
            "integer divide by zero",
        ),
        // The subtask is still in the set.
        (
            "(call $set-drop (global.get $set)) (i32.const 0)",
            "resource has children",
        ),
        // It ends without a result.
        ("(i32.const 0)", "failed to produce a result"),
    ] {
        let ran = recorded_and_replayed_component(what, awaits_and_then(what));
        let error = ran.result.expect_err(what);
        assert!(error.contains(why), "{what}: {error}");
    }
}

/// Where the one pass over a recording finds the end of each call is where a search of its own does.
#[test]
fn calls_arrive_where_each_is_told_of() {
    let (mut returned, mut others) = (0, 0);
    for name in [
        "callback",
        "subtasks",
        "waiting",
        "streams",
        "futures",
        "handles-later",
    ] {
        let (_dir, trace) = recording(&format!("wat/{name}.wat"));
        let component = trace.component();
        let arrivals = Arrivals::of_while(&trace, || true).expect("all of it");
        let mut cursor = trace.events_from(0).expect("events");
        let mut calls = Vec::new();
        loop {
            let number = cursor.event();
            let next = cursor.next().expect("sound events");
            let Some(Event {
                instance,
                crossing,
                kind,
            }) = next
            else {
                break;
            };
            match kind {
                EventKind::Call(_) => calls.push((instance, crossing, number)),
                EventKind::Return(results) => {
                    let is_it = |call: &(Instance, CrossingId, u64)| {
                        (call.0, call.1) == (instance, crossing)
                    };
                    let at = calls.iter().rposition(is_it).expect("was called");
                    let (.., event) = calls.remove(at);
                    let of = component.crossing(crossing).expect("a crossing");
                    let is_lowered = of.kind == CrossingKind::Lower && of.is_async;
                    let state = match results.first() {
                        Some(CoreValue::I32(state)) if is_lowered => *state as u32,
                        _ => continue,
                    };
                    let (state, subtask) = (state & 15, state >> 4);
                    if state >= 2 {
                        assert_eq!(arrivals.of(event), None, "{name} {event}");
                        continue;
                    }
                    let arrival = arrivals.of(event).expect("it was not done");
                    assert_eq!(arrival.subtask, Some(subtask), "{name} {event}");
                    let found = delivery::delivery(&trace, event, crossing, instance, subtask);
                    let found = found.expect("sound events");
                    let told = arrival.told;
                    assert_eq!(
                        told.map(|told| told.event),
                        found.as_ref().map(|found| found.event),
                        "{name} {event}"
                    );
                    let has_returned = |told: Told| told.resolution.has_returned();
                    assert_eq!(
                        told.map(has_returned),
                        found.map(|found| found.resolution.has_returned())
                    );
                    match told.is_some_and(has_returned) {
                        true => returned += 1,
                        false => others += 1,
                    }
                }
                _ => {}
            }
        }
    }
    assert!(returned >= 5 && others >= 2, "{returned} {others}");
}

#[test]
fn lists_tell_of_reads_and_writes_where_they_came_to_their_end() {
    let (_dir, trace) = recording("wat/futures.wat");
    let path = trace.path().to_str().expect("a name").to_owned();
    let listed = rr_dap(&["trace", "events", &path], "");
    let listed = out_text(&listed.stdout);
    let blocked: Vec<&str> = listed
        .lines()
        .filter(|line| line.contains("-> blocked"))
        .collect();
    assert!(!blocked.is_empty(), "{listed}");
    for line in blocked {
        let (_, later) = line.split_once(" → ").unwrap_or_else(|| panic!("{line}"));
        let known = [
            "completed",
            "dropped",
            "cancelled",
            "its end was never told",
        ];
        assert!(known.iter().any(|known| later.starts_with(known)), "{line}");
    }
    let listed = rr_dap(&["trace", "events", "--json", &path], "");
    let later = out_text(&listed.stdout)
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|call| !call["later"].is_null())
        .count();
    assert!(later > 0);
}
