//! Going to a position brings the guest that was there then, wherever one comes from.

use crate::support::oracle::state_here;
use crate::support::walk::{
    Dice, Guest, Walk, command, each, instruction, record, run, timeline, with_fixtures,
};
use rr_dap::timeline::travel::motion::{Direction, Ending, Motion, Reason};

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

each! {
    deep_recursion: seek_about(run("motion/deep.wat"), 40);
    exceptions: seek_about(run("motion/exceptions.wat"), 100);
    two_instances_of_a_module: seek_about(run("motion/twins.wat"), 100);
    a_start_function_of_another_module: seek_about(run("motion/started.wat"), 100);
    c: seek_about(command("hello-c-O0.wasm"), 60);
    optimised_c: seek_about(command("hello-c-O2.wasm"), 60);
    a_c_program_that_traps: seek_about(with_fixtures("ledger.wasm"), 60);
    files_and_clocks: seek_about(command("kitchen-O2.wasm"), 40);
    asynchronous_c: seek_about(command("later.wasm"), 60);
    asynchronous_rust: seek_about(command("sleepers.wasm"), 60);
}

/// Thousands of frames: too many to note every moment.
#[test]
fn a_stack_overflow_is_left_backward_and_met_again() {
    let (_dir, trace) = record(&run("motion/overflow.wat"));
    let mut timeline = timeline(trace, true);
    let go = |timeline: &mut rr_dap::timeline::Timeline, motion: Motion| {
        let interrupt = rr_dap::timeline::Interrupt::new();
        timeline
            .travel(&motion, &interrupt)
            .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
    };
    let end = go(&mut timeline, Motion::End);
    let Reason::End(Ending::Trapped(message)) = &end.reason else {
        panic!("{end:?}");
    };
    assert!(message.contains("call stack exhausted"), "{message}");
    assert!(timeline.frames().expect("frames").len() > 500);
    let mut seen = vec![(end.position, state_here(&mut timeline))];
    for _ in 0..12 {
        let stop = go(&mut timeline, instruction(Direction::Backward));
        seen.push((stop.position, state_here(&mut timeline)));
    }
    seen.reverse();
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0));
    for (position, state) in &seen[1..] {
        let stop = go(&mut timeline, instruction(Direction::Forward));
        assert_eq!(stop.position, *position);
        assert_eq!(state_here(&mut timeline), *state);
    }
    assert_eq!(*timeline.here(), end);
}
