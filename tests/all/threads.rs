//! A stack that waits is a thread: its frames, what they hold, and steps that stay on it.

use crate::support::lined::{lined, lined_text};
use crate::support::walk::{Dice, Guest, Walk, each, record, run, timeline};
use crate::support::{fixture, woven};
use rr_dap::component::types::CoreValue;
use rr_dap::replay::frames::Frame;
use rr_dap::replay::{GuestStack, Whose};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HostcallFilter, Motion, Place, Reason, Step, Stop,
};
use rr_dap::timeline::{Interrupt, Timeline};
use rr_dap::trace::Trace;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use Direction::{Backward, Forward};

fn travel(timeline: &mut Timeline, motion: Motion) -> Stop {
    let stop = timeline.travel(&motion, &Interrupt::new());
    stop.unwrap_or_else(|e| panic!("{motion:?}: {e}"))
}

/// The frames of a stack, and the locals and operands of each.
type Held = Vec<(Frame, Vec<CoreValue>, Vec<CoreValue>)>;

fn held(timeline: &mut Timeline) -> Held {
    let frames = timeline.frames().expect("frames");
    let held = frames.into_iter().enumerate().map(|(index, frame)| {
        let locals = timeline.locals(index).expect("locals");
        let operands = timeline.operands(index).expect("operands");
        (frame, locals, operands)
    });
    held.collect()
}

fn waiting(timeline: &mut Timeline) -> Vec<GuestStack> {
    let stacks = timeline.stacks().expect("stacks").into_iter();
    stacks.filter(|stack| !stack.runs).collect()
}

/// At every hostcall and at the end, each stack that waits holds what it held in the hostcall that it
/// waits in.
fn each_holds_what_it_held(trace: Arc<Trace>, most_waiting: usize) {
    let mut timeline = timeline(trace, true);
    let mut then: BTreeMap<u64, Held> = BTreeMap::new();
    let mut most = 0;
    let mut ids: BTreeMap<u64, Option<Whose>> = BTreeMap::new();
    loop {
        let stop = travel(
            &mut timeline,
            Motion::Hostcall(Forward, HostcallFilter::ANY),
        );
        let is_end = matches!(stop.reason, Reason::End(_));
        if !is_end {
            let here = held(&mut timeline);
            assert!(!here.is_empty());
            then.insert(stop.event, here);
        }
        let stacks = waiting(&mut timeline);
        most = most.max(stacks.len());
        for stack in stacks {
            // It is the same stack at every moment.
            assert_eq!(*ids.entry(stack.id).or_insert(stack.task), stack.task);
            let event = stack.calling.as_ref().expect("it waits in a call").event;
            timeline
                .look_at(Some(&stack), &Interrupt::new())
                .expect("looks");
            let found = held(&mut timeline);
            let open = timeline.boundary().expect("calls");
            timeline.look_at(None, &Interrupt::new()).expect("looks");
            assert!(!found.is_empty(), "{stack:?}");
            assert_eq!(found[..], then[&event][..found.len()], "{stack:?}");
            assert_eq!(open.len(), stack.open as usize);
            assert_eq!(open[0].outside, 0);
            let innermost = open.last().expect("a call");
            assert_eq!(innermost.event, event);
            assert_eq!(innermost.outside as usize, found.len());
        }
        if is_end {
            break;
        }
        // That which runs is not disturbed.
        assert_eq!(held(&mut timeline), then[&stop.event]);
    }
    assert!(most >= most_waiting, "{most}");
}

#[test]
fn what_waits_holds_what_it_held_when_it_ran_last() {
    for (guest, most) in [
        ("motion/overtaking.wat", 4),
        ("motion/threads.wat", 2),
        ("motion/lingering.wat", 1),
        ("motion/stackful.wat", 0),
    ] {
        let (_dir, trace) = record(&run(guest));
        each_holds_what_it_held(trace, most);
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (_dir, trace) = record(&woven::guest(dir.path()));
    each_holds_what_it_held(trace, 2);
}

#[test]
fn stacks_tell_whose_they_are() {
    let (_dir, trace) = record(&run("motion/threads.wat"));
    let mut timeline = timeline(trace, true);
    let mut whose = BTreeSet::new();
    loop {
        let stop = travel(
            &mut timeline,
            Motion::Hostcall(Forward, HostcallFilter::ANY),
        );
        let stacks = timeline.stacks().expect("stacks");
        whose.extend(
            stacks
                .iter()
                .map(|stack| (stack.id, format!("{:?}", stack.task))),
        );
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        assert!(stacks[0].runs);
    }
    let whose: Vec<&str> = whose.iter().map(|(_, whose)| whose.as_str()).collect();
    assert_eq!(
        whose,
        ["Some(Task(1))", "Some(Thread(1, 1))", "Some(Thread(2, 1))"]
    );
}

/// Line steps from random moments, each where the oracle says.
fn walk_by_line(guest: &Guest, count: usize, steps: &[Step]) {
    let mut walk = Walk::of(guest);
    let mut dice = Dice::new(5);
    let last = walk.oracle.last();
    for _ in 0..count {
        walk.seek(dice.below(last + 1));
        for _ in 0..3 {
            if walk.oracle.moments[walk.here()].stack.is_none() {
                // It is on none.
                break;
            }
            let direction = *dice.pick(&[Forward, Backward]);
            let step = *dice.pick(steps);
            walk.go(Motion::Line(direction, step));
        }
    }
    walk.finish();
}

/// In its text, aliases of core modules look as if they were some.
fn overtaking_with_lines() -> &'static str {
    let text = std::fs::read_to_string(fixture("motion/overtaking.wat")).expect("a fixture");
    let text = text.replace("(core module $libc))", "(core  module $libc))");
    let text = text.replace("(core module $libc (", "(core module $libc\n (");
    lined_text("motion-overtaking.wat", &text)
}

const OVER_AND_INTO: [Step; 2] = [Step::Over, Step::Into];

each! {
    lines_of_stacks_that_overtake:
        walk_by_line(&run(overtaking_with_lines()), 60, &OVER_AND_INTO);
    lines_of_threads: walk_by_line(&run(lined("motion/threads.wat")), 60, &OVER_AND_INTO);
}

#[test]
fn lines_of_threads_of_c() {
    let dir = tempfile::tempdir().expect("a directory");
    walk_by_line(&woven::guest(dir.path()), 80, &OVER_AND_INTO);
}

/// Line breakpoints stop at the same moments both ways, whoever comes to them.
#[test]
fn breakpoints_stop_on_all_stacks_both_ways() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_dir, trace) = record(&woven::guest(dir.path()));
    let mut timeline = timeline(trace, true);
    let places: Vec<Place> = {
        let modules = timeline.modules().clone();
        let found = modules.iter().zip(0..).flat_map(|(module, id)| {
            let source = &module.source;
            let functions = source.functions().filter(|f| f.name.contains("scaled"));
            let pcs: Vec<u32> = functions.map(|f| source.body_start(f)).collect();
            pcs.into_iter().map(move |pc| Place::Code {
                module: rr_dap::component::ModuleId(id),
                pc,
            })
        });
        found.collect()
    };
    assert_eq!(places.len(), 1);
    timeline.set_breakpoints(vec![Breakpoint::new(BreakpointId(1), places)]);
    let mut stops = Vec::new();
    let mut stacks = BTreeSet::new();
    loop {
        let stop = travel(&mut timeline, Motion::Continue(Forward));
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        stacks.insert(timeline.stacks().expect("stacks")[0].id);
        stops.push(stop.position);
    }
    assert_eq!((stops.len(), stacks.len()), (6, 2));
    for position in stops.iter().rev() {
        let stop = travel(&mut timeline, Motion::Continue(Backward));
        assert_eq!(stop.position, *position);
    }
    let start = travel(&mut timeline, Motion::Continue(Backward));
    assert_eq!(start.reason, Reason::Start);
}

/// A callee that goes on without its caller, whose call it was made in, is at another depth from then
/// on. Steps stay in it all the same, and back.
#[test]
fn steps_over_the_end_of_the_caller_stay_in_the_callee() {
    let (_dir, trace) = record(&run(lined("motion/lingering.wat")));
    let mut timeline = timeline(trace, true);
    travel(&mut timeline, Motion::Event(1));
    let begun = timeline.frames().expect("frames");
    assert_eq!(begun.len(), 2, "the callee is on top of its caller");
    let mut stops = Vec::new();
    let mut depths = BTreeSet::new();
    loop {
        let stop = travel(&mut timeline, Motion::Line(Forward, Step::Over));
        if matches!(stop.reason, Reason::End(_)) {
            break;
        }
        let frames = timeline.frames().expect("frames");
        assert_eq!(
            (frames[0].module, frames[0].function),
            (begun[0].module, begun[0].function),
            "{stop:?}"
        );
        depths.insert(frames.len());
        stops.push(stop.position);
    }
    assert_eq!(depths, BTreeSet::from([1, 2]));
    assert!(stops.is_sorted());
    travel(
        &mut timeline,
        Motion::Position(*stops.last().expect("a stop")),
    );
    for position in stops.iter().rev().skip(1) {
        let stop = travel(&mut timeline, Motion::Line(Backward, Step::Over));
        assert_eq!(stop.position, *position);
    }
}
