//! A run from breakpoint to breakpoint stops at all of them, in both directions, and
//! tells the ends of the recording from them.

use crate::support::walk::{Dice, Guest, Walk, command, each, run};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HostcallFilter, Motion, Place, Reason,
};

use Direction::{Backward, Forward};

/// Runs forward to the end and backward to the start; answers both lists of stops.
fn stops(walk: &mut Walk) -> (Vec<usize>, Vec<usize>) {
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    loop {
        let at = walk.go(Motion::Continue(Forward));
        if matches!(walk.timeline.here().reason, Reason::End(_)) {
            break;
        }
        forward.push(at);
    }
    loop {
        let at = walk.go(Motion::Continue(Backward));
        if walk.timeline.here().reason == Reason::Start {
            break;
        }
        backward.push(at);
    }
    (forward, backward)
}

fn runs(guest: Guest, seed: u64) {
    let mut walk = Walk::of(&guest);
    let mut dice = Dice::new(seed);
    for _ in 0..6 {
        let mut breakpoints = Vec::new();
        while breakpoints.len() < 4 {
            let moment = walk.oracle.moments[dice.below(walk.oracle.last())];
            let Some(frame) = moment.frame else { continue };
            let code = Place::Code {
                module: walk.oracle.activations[frame].module,
                pc: moment.position.pc,
            };
            // Each place twice.
            for _ in 0..2 {
                let id = BreakpointId(breakpoints.len() as u32);
                breakpoints.push(Breakpoint::new(id, vec![code.clone()]));
            }
        }
        let hostcall = Place::Hostcall(HostcallFilter::named("now"));
        breakpoints.push(Breakpoint::new(BreakpointId(9), vec![hostcall]));
        let expected: Vec<usize> = (1..walk.oracle.last())
            .filter(|i| !walk.oracle.breakpoints_at(*i, &breakpoints).is_empty())
            .collect();
        if expected.len() > 400 {
            continue;
        }
        walk.set_breakpoints(breakpoints);
        let (forward, mut backward) = stops(&mut walk);
        backward.reverse();
        walk.finish();
        assert_eq!(forward, expected);
        assert_eq!(backward, expected);
    }
}

each! {
    recursion: runs(run("wat/recursion.wat"), 21);
    exceptions: runs(run("motion/exceptions.wat"), 22);
    two_instances_of_a_module: runs(run("motion/twins.wat"), 23);
    tail_calls: runs(run("motion/tail-calls.wat"), 24);
    a_trap: runs(run("wat/trap.wat"), 25);
    c: runs(command("motion/steps-O0.wasm"), 26);
    a_c_program: runs(command("hello-c-O2.wasm"), 27);
}
