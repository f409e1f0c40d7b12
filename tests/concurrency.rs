//! Asynchronous functions, streams and futures: recorded and replayed.

mod support;

use rr_dap::replay::Ended;
use rr_dap::trace::{Outcome, Trace};
use std::sync::Arc;
use support::concurrent::{Ran, plain, record};
use support::{fixture, parse, replay_here};
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
    let (ended, _) = replay_here(trace).unwrap_or_else(|e| panic!("{name}: {e}"));
    match ran.result {
        Ok(_) => assert_eq!(ended, Ended::Returned),
        Err(_) => assert_ne!(ended, Ended::Returned),
    }
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
