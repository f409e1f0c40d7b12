//! Calls that wait while others go on: tasks with stacks of their own.

use crate::support::concurrent::{self, plain};
use crate::support::oracle::state_here;
use crate::support::walk::{
    Dice, Guest, Walk, each, hostcalls_both_ways, instruction, record, run, timeline,
};
use crate::support::{check_handles, file, fixture, parse, replay_here, rr_dap, text};
use rr_dap::inspect::ending;
use rr_dap::replay::{Compared, Ended};
use rr_dap::timeline::travel::motion::{Direction, HostcallFilter, Motion, Reason, Step};
use rr_dap::timeline::{Interrupt, Timeline};
use rr_dap::trace::{Event, EventKind, Outcome, Trace};
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::Val;

fn events(trace: &Trace) -> Vec<Event> {
    let mut cursor = trace.events();
    std::iter::from_fn(|| cursor.next().expect("sound events")).collect()
}

fn switches(trace: &Trace) -> usize {
    let events = events(trace);
    let resumes = events.iter();
    resumes
        .filter(|event| matches!(event.kind, EventKind::Resume(_)))
        .count()
}

fn replays(trace: &Arc<Trace>) {
    let (ended, _) = replay_here(trace.clone()).expect("replays");
    assert_eq!(ended, Ended::Returned);
    check_handles(trace);
}

#[test]
fn a_task_that_waits_on_its_own_stack_replays() {
    let (_dir, trace) = record(&run("motion/stackful.wat"));
    // Nothing else goes on meanwhile.
    assert_eq!(switches(&trace), 0);
    replays(&trace);
}

#[test]
fn tasks_that_overtake_each_other_replay() {
    let (_dir, trace) = record(&run("motion/overtaking.wat"));
    // Each of seven naps ends when its task is not the last that ran, and the first call goes on
    // while its callee naps.
    assert!(switches(&trace) >= 7, "{:#?}", events(&trace));
    replays(&trace);
}

#[test]
fn a_call_that_waits_while_its_caller_goes_on_replays() {
    let component = parse(&fixture("wat/not-nested.wat"));
    assert_eq!(plain(&component).result, Ok(Some(Val::U32(10))));
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = concurrent::record(&component, &path);
    recorded.expect("records");
    assert_eq!(ran.result, Ok(Some(Val::U32(10))));
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    assert!(switches(&trace) >= 2);
    replays(&trace);
}

#[test]
fn cooperative_threads_replay() {
    let (_dir, trace) = record(&run("motion/threads.wat"));
    // Each thread yields twice, and the first one twice.
    assert!(switches(&trace) >= 6, "{:#?}", events(&trace));
    replays(&trace);
}

#[test]
fn what_a_call_that_waited_answers_is_found_from_where_it_was_made() {
    let (_dir, trace) = record(&run("motion/overtaking.wat"));
    let all = events(&trace);
    let calls = all
        .iter()
        .filter(|e| matches!(e.kind, EventKind::Call(_)))
        .count();
    for event in 0..calls as u64 {
        let answer = trace.answer_to(event).expect("a sound recording");
        assert!(
            matches!(answer, rr_dap::trace::Recorded::Answered(_)),
            "{event}: {answer:?}"
        );
    }
}

/// Random moments one after the other, each reached from the one before.
fn seek_about(guest: Guest, count: usize) {
    let mut walk = Walk::of(&guest);
    let mut dice = Dice::new(3);
    let mut wanted: Vec<usize> = (0..count)
        .map(|_| dice.below(walk.oracle.moments.len()))
        .collect();
    wanted.push(walk.oracle.last());
    wanted.push(0);
    walk.learn_states(wanted.iter().copied());
    for _ in 0..2 * count {
        let next = *dice.pick(&wanted);
        walk.seek(next);
        walk.check_state();
    }
    walk.finish();
}

/// Instruction by instruction to the end, and all the way back.
fn each_instruction(guest: Guest) {
    let (_dir, trace) = record(&guest);
    each_instruction_of(trace);
}

fn each_instruction_of(trace: Arc<Trace>) {
    let mut timeline = timeline(trace, true);
    let go = |timeline: &mut Timeline, direction| {
        let stop = timeline.travel(&instruction(direction), &Interrupt::new());
        stop.unwrap_or_else(|e| panic!("{e}"))
    };
    let mut seen = Vec::new();
    loop {
        let stop = go(&mut timeline, Direction::Forward);
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        seen.push((stop.position, state_here(&mut timeline)));
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0));
    for (position, state) in seen.iter().rev() {
        let stop = go(&mut timeline, Direction::Backward);
        assert_eq!(stop.position, *position);
        assert_eq!(state_here(&mut timeline), *state);
    }
    assert_eq!(go(&mut timeline, Direction::Backward).reason, Reason::Start);
}

fn hostcalls(guest: Guest) {
    let (_dir, trace) = record(&guest);
    hostcalls_of(&trace);
}

fn hostcalls_of(trace: &Arc<Trace>) {
    let calls = events(trace);
    let calls = calls
        .iter()
        .filter(|e| matches!(e.kind, EventKind::Call(_)));
    let mut timeline = timeline(trace.clone(), true);
    assert_eq!(hostcalls_both_ways(&mut timeline), calls.count());
}

each! {
    seeking_in_one_stack: seek_about(run("motion/stackful.wat"), 40);
    seeking_in_stacks_that_overtake: seek_about(run("motion/overtaking.wat"), 100);
    instructions_of_one_stack: each_instruction(run("motion/stackful.wat"));
    instructions_of_stacks_that_overtake: each_instruction(run("motion/overtaking.wat"));
    seeking_in_threads: seek_about(run("motion/threads.wat"), 60);
    instructions_of_threads: each_instruction(run("motion/threads.wat"));
    hostcalls_of_threads: hostcalls(run("motion/threads.wat"));
    hostcalls_of_one_stack: hostcalls(run("motion/stackful.wat"));
    seeking_in_tasks_that_linger: seek_about(run("motion/lingering.wat"), 40);
    hostcalls_of_stacks_that_overtake: hostcalls(run("motion/overtaking.wat"));
}

#[test]
fn over_a_call_that_waits_is_where_it_has_answered() {
    let (_dir, trace) = record(&run("motion/overtaking.wat"));
    let mut timeline = timeline(trace, true);
    let mut waited = 0;
    loop {
        let next = Motion::Hostcall(Direction::Forward, HostcallFilter::ANY);
        let at = timeline.travel(&next, &Interrupt::new()).expect("travels");
        if matches!(at.reason, Reason::End(_)) {
            break;
        }
        let frames = timeline.frames().expect("frames");
        let over = timeline.travel(
            &Motion::OverHostcall(Direction::Forward, HostcallFilter::ANY),
            &Interrupt::new(),
        );
        let over = over.expect("travels");
        let after = timeline.frames().expect("frames");
        // The caller is at the same place; frames below it may have gone on without it.
        assert_eq!(after[0], frames[0], "{at:?} {over:?}");
        waited += usize::from(over.event > at.event + 1);
        timeline
            .travel(&Motion::Position(at.position), &Interrupt::new())
            .expect("travels");
    }
    assert!(waited > 3);
}

/// Steps over calls, and out of functions, that wait while other tasks run the same code: they
/// stay with the task that they began in, which its local tells.
#[test]
fn steps_stay_on_their_stack() {
    let (_dir, trace) = record(&run("motion/overtaking.wat"));
    let mut timeline = timeline(trace, true);
    let go = |timeline: &mut Timeline, motion: Motion| {
        let stop = timeline.travel(&motion, &Interrupt::new());
        stop.unwrap_or_else(|e| panic!("{motion:?}: {e}"))
    };
    let next = Motion::Hostcall(Direction::Forward, HostcallFilter::ANY);
    let over = |direction| Motion::Instruction(direction, Step::Over);
    let mut left = 0;
    loop {
        let at = go(&mut timeline, next.clone());
        if matches!(at.reason, Reason::End(_)) {
            break;
        }
        let crossing = timeline.crossing().expect("asks").expect("in a hostcall");
        let name = timeline
            .trace()
            .component()
            .crossing(crossing.calling.crossing);
        if !name.is_some_and(|crossing| crossing.name.contains("wait-for")) {
            continue;
        }
        let frames = timeline.frames().expect("frames");
        let who = timeline.locals(1).expect("locals");
        let [nap, work] = frames[..] else {
            // The one that waits in a callback has no function within.
            continue;
        };
        // Out of the function that waits: behind the call of it, in the same task.
        let out = Motion::OutOf {
            direction: Direction::Forward,
            frame: 0,
            body: 0,
        };
        let stop = go(&mut timeline, out);
        let there = timeline.frames().expect("frames");
        assert_eq!(there.len(), 1, "{stop:?} {there:?}");
        assert_eq!((there[0].function, there[0].pc), (work.function, work.next));
        assert_eq!(timeline.locals(0).expect("locals")[0], who[0]);
        // Back over the call of it, and on over it.
        let back = go(&mut timeline, over(Direction::Backward));
        assert!(back.position < at.position);
        let there = timeline.frames().expect("frames");
        assert_eq!((there.len(), there[0].pc), (1, work.pc));
        assert_eq!(timeline.locals(0).expect("locals")[0], who[0]);
        let on = go(&mut timeline, over(Direction::Forward));
        assert_eq!(on.position, stop.position);
        // Over the call that waits, in the function that does.
        go(&mut timeline, Motion::Position(at.position));
        go(&mut timeline, over(Direction::Forward));
        let there = timeline.frames().expect("frames");
        assert_eq!((there.len(), there[0].pc), (2, nap.next));
        assert_eq!(timeline.locals(1).expect("locals")[0], who[0]);
        go(&mut timeline, Motion::Position(at.position));
        left += 1;
    }
    assert_eq!(left, 7);
}

/// A component whose `run` returns 7, and does this after that.
fn lingering(with_callback: bool, then: &str) -> String {
    let (result, done, lift, callback) = match with_callback {
        true => (
            "(result i32)",
            "(i32.const 0)",
            "async (callback (func $m \"callback\"))",
            "(func (export \"callback\") (param i32 i32 i32) (result i32) unreachable)",
        ),
        false => ("", "", "async", ""),
    };
    format!(
        r#"(component
          (import "wasi:clocks/monotonic-clock@0.3.0" (instance $clock
            (export "wait-for" (func async (param "how-long" u64)))))
          (core module $libc (memory (export "memory") 1) (table (export "table") 1 funcref))
          (core instance $l (instantiate $libc))
          (alias export $clock "wait-for" (func $wait-for))
          (core type $start (func (param i32)))
          (type $stream (stream u8))
          (core func $nap (canon lower (func $wait-for)))
          (core func $begin (canon lower (func $wait-for) async))
          (core func $return (canon task.return (result u32)))
          (core func $new (canon thread.new-indirect $start (table $l "table")))
          (core func $resume-later (canon thread.resume-later))
          (core func $suspend (canon thread.suspend))
          (core func $yield (canon thread.yield))
          (core func $set-new (canon waitable-set.new))
          (core func $wait (canon waitable-set.wait (memory $l "memory")))
          (core func $join (canon waitable.join))
          (core func $stream-new (canon stream.new $stream))
          (core func $read (canon stream.read $stream (memory $l "memory")))
          (core module $code
            (import "l" "table" (table 1 funcref))
            (import "abi" "nap" (func $nap (param i64)))
            (import "abi" "begin" (func $begin (param i64) (result i32)))
            (import "abi" "return" (func $return (param i32)))
            (import "abi" "new" (func $new (param i32 i32) (result i32)))
            (import "abi" "resume-later" (func $resume-later (param i32)))
            (import "abi" "suspend" (func $suspend (result i32)))
            (import "abi" "yield" (func $yield (result i32)))
            (import "abi" "set-new" (func $set-new (result i32)))
            (import "abi" "wait" (func $wait (param i32 i32) (result i32)))
            (import "abi" "join" (func $join (param i32 i32)))
            (import "abi" "stream-new" (func $stream-new (result i64)))
            (import "abi" "read" (func $read (param i32 i32 i32) (result i32)))
            (elem (i32.const 0) func $thread)
            (func $thread (param i32) (loop $more (drop (call $yield)) (br $more)))
            {callback}
            (func (export "run") {result}
              (local $set i32)
              (call $return (i32.const 7))
              {then}
              {done}))
          (core instance $m (instantiate $code (with "l" (instance $l)) (with "abi" (instance
            (export "nap" (func $nap)) (export "begin" (func $begin)) (export "return" (func $return))
            (export "new" (func $new)) (export "resume-later" (func $resume-later))
            (export "suspend" (func $suspend)) (export "yield" (func $yield))
            (export "set-new" (func $set-new)) (export "wait" (func $wait)) (export "join" (func $join))
            (export "stream-new" (func $stream-new)) (export "read" (func $read))))))
          (func (export "run") async (result u32) (canon lift (core func $m "run") {lift})))"#
    )
}

const NAP: &str = "(call $nap (i64.const 20000000)) unreachable";
const NAP_IN_SET: &str = "(local.set $set (call $set-new)) \
    (call $join (i32.shr_u (call $begin (i64.const 20000000)) (i32.const 4)) (local.get $set)) \
    (drop (call $wait (local.get $set) (i32.const 16))) unreachable";
const READ: &str = "(drop (call $read (i32.wrap_i64 (call $stream-new)) (i32.const 16) (i32.const 1))) unreachable";
const SUSPEND: &str = "(drop (call $suspend)) unreachable";
const YIELD: &str = "(loop $more (drop (call $yield)) (br $more))";
const THREADS: &str = "(call $resume-later (call $new (i32.const 0) (i32.const 0))) \
    (loop $more (drop (call $yield)) (br $more))";
const ONE_THREAD: &str = "(call $resume-later (call $new (i32.const 0) (i32.const 0)))";
const ONE_THREAD_AND_YIELD: &str = "(call $resume-later (call $new (i32.const 0) (i32.const 0))) \
    (drop (call $yield))";

/// What has returned goes on, and waits: the run does not wait for that, and ends.
fn ends_while_it_waits(with_callback: bool, then: &str, waits_in: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let (app, path) = (dir.path().join("app.wat"), dir.path().join("run.rrtrace"));
    std::fs::write(&app, lingering(with_callback, then)).expect("writes");
    let recorded = crate::support::record(&app, &["--invoke", "run()"], &[], "", &path);
    assert_eq!(text(&recorded.stdout), "7\n", "{recorded:?}");
    check_ending(&path, waits_in);
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    each_instruction_of(trace.clone());
    hostcalls_of(&trace);
}

fn check_ending(path: &Path, waits_in: &str) {
    let trace = Arc::new(Trace::open(path).expect("opens"));
    let (ended, _) = replay_here(trace.clone()).expect("replays");
    assert!(
        matches!(&ended, Ended::Waiting(name) if name.contains(waits_in)),
        "{ended:?}"
    );
    check_handles(&trace);
    let verified = ending::verify(&trace).expect("verifies");
    assert_eq!(
        (verified.compared, &verified.ended),
        (Compared::Same, &ended)
    );
    for line in [
        &["replay", "--verify"][..],
        &["trace", "events"],
        &["trace", "tasks"],
    ] {
        let mut line = line.to_vec();
        line.push(path.to_str().expect("a path"));
        let output = rr_dap(&line, "");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(text(&output.stderr), "");
    }
    let why = rr_dap(&["ask", path.to_str().expect("a path"), "why"], "");
    let why = text(&why.stdout);
    assert!(
        why.contains("Nothing failed at the end: the run returned 7"),
        "{why}"
    );
    assert!(why.contains("\nIt returned while task 1, run(), "), "{why}");
    // It did not answer anything else, nor fail.
    let returned = |result: &str| Outcome::Returned {
        success: true,
        result: Some(result.to_owned()),
    };
    for (outcome, is_true) in [
        (returned("7"), true),
        (returned("8"), false),
        (
            Outcome::Trapped("wasm trap: integer overflow".to_owned()),
            false,
        ),
        (Outcome::Exited(0), false),
    ] {
        let mut parts = file::sections(&std::fs::read(path).expect("reads"));
        parts.retain(|part| part.id != file::INDEX);
        let end = parts.iter_mut().find(|part| part.id == file::END);
        end.expect("an ending").plain = serde_json::to_vec(&outcome).expect("JSON");
        let forged = path.with_extension("forged");
        std::fs::write(&forged, file::build(&parts)).expect("writes");
        let forged = Arc::new(Trace::open(&forged).expect("opens"));
        assert_eq!(ending::verify(&forged).is_ok(), is_true, "{outcome}");
    }
}

each! {
    ends_in_a_call_of_the_host: ends_while_it_waits(false, NAP, "wait-for");
    ends_in_a_wait: ends_while_it_waits(false, NAP_IN_SET, "waitable-set.wait");
    ends_in_a_read: ends_while_it_waits(false, READ, "stream.read");
    ends_suspended: ends_while_it_waits(false, SUSPEND, "thread.suspend");
    ends_yielding: ends_while_it_waits(false, YIELD, "thread.yield");
    ends_among_threads: ends_while_it_waits(false, THREADS, "thread.yield");
    ends_in_a_thread: ends_while_it_waits(false, ONE_THREAD_AND_YIELD, "thread.yield");
    ends_in_a_call_of_the_host_with_a_callback: ends_while_it_waits(true, NAP, "wait-for");
    ends_in_a_wait_with_a_callback: ends_while_it_waits(true, NAP_IN_SET, "waitable-set.wait");
}

#[test]
fn a_run_that_ends_before_a_thread_begins_replays() {
    let dir = tempfile::tempdir().expect("a directory");
    let (app, path) = (dir.path().join("app.wat"), dir.path().join("run.rrtrace"));
    std::fs::write(&app, lingering(false, ONE_THREAD)).expect("writes");
    let recorded = crate::support::record(&app, &["--invoke", "run()"], &[], "", &path);
    assert_eq!(text(&recorded.stdout), "7\n", "{recorded:?}");
    replays(&Arc::new(Trace::open(&path).expect("opens")));
}

#[test]
fn a_run_that_ends_while_several_tasks_wait_replays() {
    let (dir, trace) = record(&run("motion/lingering.wat"));
    assert!(switches(&trace) >= 3, "{:#?}", events(&trace));
    check_ending(&dir.path().join("walk.rrtrace"), "wait-for");
}

/// A call that waits before anything has returned is no ending of a run that returns.
#[test]
fn what_has_not_returned_does_not_end_in_a_wait() {
    let dir = tempfile::tempdir().expect("a directory");
    let (app, path) = (dir.path().join("app.wat"), dir.path().join("run.rrtrace"));
    let text = lingering(false, "").replace("(call $return (i32.const 7))", SUSPEND);
    std::fs::write(&app, text).expect("writes");
    let recorded = crate::support::record(&app, &["--invoke", "run()"], &[], "", &path);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    let trace = Arc::new(Trace::open(&path).expect("opens"));
    let verified = ending::verify(&trace).expect("verifies");
    assert_eq!(verified.ended, Ended::InCall);
    let mut parts = file::sections(&std::fs::read(&path).expect("reads"));
    parts.retain(|part| part.id != file::INDEX);
    let end = parts.iter_mut().find(|part| part.id == file::END);
    let returned = Outcome::Returned {
        success: true,
        result: None,
    };
    end.expect("an ending").plain = serde_json::to_vec(&returned).expect("JSON");
    std::fs::write(&path, file::build(&parts)).expect("writes");
    let forged = Arc::new(Trace::open(&path).expect("opens"));
    assert!(ending::verify(&forged).is_err());
}
