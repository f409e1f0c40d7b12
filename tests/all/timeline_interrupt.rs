//! A motion that takes long can be interrupted; then nothing has moved. If it is paused, it
//! stands where it had come to.

use crate::support::oracle::state_here;
use crate::support::walk::{hostcall, instruction, record, run, timeline};
use rr_dap::component::ModuleId;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Step,
};
use rr_dap::timeline::{Interrupt, Timeline, TimelineError};
use std::time::Duration;

use Direction::{Backward, Forward};

fn go(timeline: &mut Timeline, motion: &Motion) -> Reason {
    timeline
        .travel(motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
        .reason
}

/// Sets a breakpoint at the instruction where the timeline stands.
fn break_here(timeline: &mut Timeline) {
    let place = timeline.frames().expect("frames")[0];
    let code = Place::Code {
        module: ModuleId(place.module.0),
        pc: place.pc,
    };
    timeline.set_breakpoints(vec![Breakpoint::new(BreakpointId(1), vec![code])]);
}

/// Begins a motion that another thread interrupts: nothing may change.
fn interrupt(timeline: &mut Timeline, motion: &Motion) {
    let before = (timeline.here().clone(), state_here(timeline));
    let interrupt = Interrupt::new();
    let raiser = std::thread::spawn({
        let interrupt = interrupt.clone();
        move || {
            std::thread::sleep(Duration::from_millis(30));
            interrupt.raise();
        }
    });
    let stopped = timeline.travel(motion, &interrupt);
    assert!(
        matches!(stopped, Err(TimelineError::Interrupted)),
        "{motion:?}: {stopped:?}"
    );
    raiser.join().expect("the other thread");
    assert_eq!((timeline.here().clone(), state_here(timeline)), before);
}

#[test]
fn an_interrupted_motion_moves_nothing_and_the_next_one_works() {
    let (_dir, trace) = record(&run("motion/long.wat"));
    let mut timeline = timeline(trace, false);
    go(&mut timeline, &hostcall(Forward));
    let first = timeline.here().clone();
    let forward = [
        Motion::End,
        Motion::Event(1),
        Motion::Continue(Forward),
        hostcall(Forward),
    ];
    for motion in &forward {
        interrupt(&mut timeline, motion);
        // The next motions work, and lead back.
        go(&mut timeline, &instruction(Forward));
        go(&mut timeline, &instruction(Backward));
        go(&mut timeline, &Motion::Position(first.position));
        assert_eq!(timeline.here().position, first.position);
    }
    go(&mut timeline, &instruction(Forward));
    break_here(&mut timeline);
    let begun = timeline.here().position;

    let reason = go(&mut timeline, &Motion::End);
    assert!(matches!(reason, Reason::End(_)), "{reason:?}");
    let end = timeline.here().clone();
    interrupt(&mut timeline, &Motion::Continue(Backward));
    go(&mut timeline, &instruction(Backward));
    go(&mut timeline, &Motion::Line(Forward, Step::Over));
    assert_eq!(*timeline.here(), end);
    // One that was raised before it began.
    let raised = Interrupt::new();
    raised.raise();
    let stopped = timeline.travel(&Motion::Continue(Backward), &raised);
    assert!(
        matches!(stopped, Err(TimelineError::Interrupted)),
        "{stopped:?}"
    );
    assert_eq!(*timeline.here(), end);
    // Not interrupted, it leads there.
    let reason = go(&mut timeline, &Motion::Continue(Backward));
    assert_eq!(reason, Reason::Breakpoints(vec![BreakpointId(1)]));
    assert_eq!(timeline.here().position, begun);
}

/// Begins a motion that another thread pauses: it ends on its way. One that had not come
/// anywhere by then is begun anew.
fn pause(timeline: &mut Timeline, motion: &Motion) {
    let begun = timeline.here().clone();
    for wait in (0..10).map(|round| 30 << round) {
        let interrupt = Interrupt::new();
        let raiser = std::thread::spawn({
            let interrupt = interrupt.clone();
            move || {
                std::thread::sleep(Duration::from_millis(wait));
                interrupt.pause();
            }
        });
        let stopped = timeline.travel(motion, &interrupt);
        raiser.join().expect("the other thread");
        match stopped {
            Err(TimelineError::Interrupted) => assert_eq!(*timeline.here(), begun),
            Ok(stopped) => {
                assert_eq!(stopped.reason, Reason::Paused, "{motion:?}");
                assert_eq!(stopped, *timeline.here());
                return;
            }
            Err(error) => panic!("{motion:?}: {error}"),
        }
    }
    panic!("{motion:?} does not come anywhere");
}

#[test]
fn a_paused_motion_stands_where_it_had_come_to() {
    let (_dir, trace) = record(&run("motion/long.wat"));
    let mut timeline = timeline(trace, false);
    // It is reached once, at the beginning: a run from there does not meet it again.
    go(&mut timeline, &instruction(Forward));
    break_here(&mut timeline);
    let begun = timeline.here().position;
    pause(&mut timeline, &Motion::Continue(Forward));
    let first = timeline.here().position;
    assert!(first > begun);
    let state = state_here(&mut timeline);
    // It goes on from there.
    pause(&mut timeline, &Motion::Continue(Forward));
    let second = timeline.here().position;
    assert!(second > first);
    // A real moment: it can be gone to, and is the same then.
    go(&mut timeline, &Motion::Position(first));
    assert_eq!(state_here(&mut timeline), state);
    go(&mut timeline, &instruction(Forward));
    go(&mut timeline, &instruction(Backward));
    assert_eq!(timeline.here().position, first);
    let reason = go(&mut timeline, &Motion::Continue(Backward));
    assert_eq!(reason, Reason::Breakpoints(vec![BreakpointId(1)]));
    assert_eq!(timeline.here().position, begun);

    // Back from the end, it stands somewhere before that; what was passed is not met again.
    go(&mut timeline, &Motion::End);
    // Leaves checkpoints behind it: without any, the first stretch takes long to come to.
    go(&mut timeline, &instruction(Backward));
    let end = timeline.here().position;
    pause(&mut timeline, &Motion::Continue(Backward));
    let back = timeline.here().position;
    assert!(begun < back && back < end, "{back}");
    let reason = go(&mut timeline, &Motion::Continue(Forward));
    assert!(matches!(reason, Reason::End(_)), "{reason:?}");
}

#[test]
fn whoever_stops_waiting_for_the_sweep_does_not_stop_the_sweep() {
    let (_dir, trace) = record(&run("motion/long.wat"));
    let mut timeline = timeline(trace, true);
    let raised = Interrupt::new();
    raised.raise();
    for _ in 0..3 {
        let stopped = timeline.wait_for_sweep(&raised);
        assert!(
            matches!(stopped, Err(TimelineError::Interrupted)),
            "{stopped:?}"
        );
    }
    timeline
        .wait_for_sweep(&Interrupt::new())
        .expect("it goes on");
    assert!(timeline.known_end().is_some());
}
