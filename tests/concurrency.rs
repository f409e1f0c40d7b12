//! Asynchronous functions, streams and futures: recorded and replayed.

mod support;

use rr_dap::inspect::handle_history::HandleHistory;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Ended};
use rr_dap::timeline::motion::Direction::{Backward, Forward};
use rr_dap::timeline::motion::{Motion, Reason, Stop};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::{Outcome, Trace};
use std::sync::Arc;
use support::concurrent::{Ran, plain, record};
use support::{cache_dir, fixture, parse, replay_here};
use wasmtime::component::Val;

/// Runs a fixture plain and recorded, and replays the recording; answers what it
/// did.
fn recorded_and_replayed(name: &str) -> Ran {
    let component = parse(&fixture(name));
    let expected = plain(&component);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = record(&component, &path);
    recorded.unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(ran, expected, "{name}");
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let (ended, _) = replay_here(trace.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
    match ran.result {
        Ok(_) => assert_eq!(ended, Ended::Returned),
        Err(_) => assert_ne!(ended, Ended::Returned),
    }
    handles_fit(&trace);
    ran
}

/// The handle tables that we derive are those that Wasmtime kept: every index that a
/// crossing has is there, of the kind that is wanted, and the one that was next.
fn handles_fit(trace: &Arc<Trace>) {
    let history = history(trace);
    let findings: Vec<String> = history
        .findings()
        .iter()
        .map(|found| format!("{:?}: {}", found.instance, found.finding))
        .collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

fn history(trace: &Arc<Trace>) -> HandleHistory {
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(trace, &cache, Variant::Fast, &|_, _| {}).expect("compiles");
    HandleHistory::build(trace.clone(), &compiled).expect("replays")
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
fn a_recording_ends_where_calls_do_not_nest() {
    let component = parse(&fixture("wat/not-nested.wat"));
    assert_eq!(plain(&component).result, Ok(Some(Val::U32(10))));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (_, recorded) = record(&component, &path);
    let error = recorded.expect_err("does not nest").to_string();
    assert!(
        error.contains("twice of instance 1 returned while later of instance 0"),
        "{error}"
    );
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    assert_eq!(*trace.outcome(), Outcome::CutOff);
    let (ended, _) = replay_here(trace).expect("replays");
    assert_eq!(ended, Ended::InCall);
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
        let history = history(&trace);
        let mut ended = Vec::new();
        history.each_ended(|_, past| ended.push(past.entry.kind.to_string()));
        for kind in kinds {
            assert!(
                ended.iter().any(|e| e == kind),
                "{name}: no {kind} in {ended:?}"
            );
        }
        let left: Vec<String> = history
            .end()
            .iter()
            .flat_map(|(_, table)| table.entries().map(ToString::to_string))
            .collect();
        // What is left is what the guest has not dropped.
        let expected = if name == "wat/futures.wat" { 1 } else { 0 };
        assert_eq!(left.len(), expected, "{name}: {left:?}");
    }
}

/// Records a fixture.
fn recording(name: &str) -> (tempfile::TempDir, Arc<Trace>) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (_, recorded) = record(&parse(&fixture(name)), &path);
    recorded.unwrap_or_else(|e| panic!("{name}: {e}"));
    (dir, Arc::new(Trace::open(&path).expect("opens")))
}

fn timeline(trace: Arc<Trace>) -> Timeline {
    let options = Options {
        program: env!("CARGO_BIN_EXE_rr-dap").into(),
        cache: CacheDir::open(&cache_dir()).expect("a cache"),
        sweep: true,
    };
    Timeline::open(trace, &options, &|_, _| {}).expect("a timeline")
}

fn go(timeline: &mut Timeline, motion: Motion) -> Stop {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
}

#[test]
fn hostcalls_of_several_tasks_are_walked_both_ways() {
    for name in ["wat/callback.wat", "wat/streams.wat", "wat/futures.wat"] {
        let (_dir, trace) = recording(name);
        let mut timeline = timeline(trace);
        let mut forward = Vec::new();
        loop {
            let stop = go(&mut timeline, Motion::Hostcall(Forward));
            if matches!(stop.reason, Reason::End(_)) {
                break;
            }
            let crossing = timeline.crossing().expect("asks").expect("in a hostcall");
            assert_eq!(crossing.calling.event, forward.len() as u64, "{name}");
            forward.push((stop.position, crossing));
        }
        assert!(forward.len() > 5, "{name}: {}", forward.len());
        assert!(
            forward.is_sorted_by_key(|(position, _)| *position),
            "{name}"
        );
        for (position, crossing) in forward.iter().rev() {
            let stop = go(&mut timeline, Motion::Hostcall(Backward));
            assert_eq!(stop.position, *position, "{name}");
            assert_eq!(timeline.crossing().expect("asks").as_ref(), Some(crossing));
        }
        let stop = go(&mut timeline, Motion::Hostcall(Backward));
        assert_eq!(stop.reason, Reason::Start, "{name}");
    }
}

#[test]
fn instructions_of_several_tasks_are_walked_both_ways() {
    let (_dir, trace) = recording("wat/callback.wat");
    let mut timeline = timeline(trace);
    go(&mut timeline, Motion::Entry);
    let mut forward = vec![timeline.here().position];
    loop {
        let stop = go(&mut timeline, Motion::Instruction(Forward));
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        forward.push(stop.position);
    }
    assert!(forward.len() > 50, "{}", forward.len());
    assert!(forward.is_sorted());
    for position in forward.iter().rev() {
        let stop = go(&mut timeline, Motion::Instruction(Backward));
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
