//! Calls that wait while others go on: tasks with stacks of their own.

use crate::support::concurrent::{self, plain};
use crate::support::oracle::state_here;
use crate::support::walk::{
    Dice, Guest, Walk, each, hostcalls_both_ways, instruction, record, run, timeline,
};
use crate::support::{check_handles, fixture, parse, replay_here};
use rr_dap::replay::Ended;
use rr_dap::timeline::travel::motion::{Direction, HostcallFilter, Motion, Reason, Step};
use rr_dap::timeline::{Interrupt, Timeline};
use rr_dap::trace::{Event, EventKind, Trace};
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
    let calls = events(&trace);
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
