//! Every instruction of a recording, forward and backward, is the one that runs.

mod support;

use rr_dap::timeline::motion::{Direction, Motion};
use support::walk::{Guest, Walk, command, run};

use Direction::{Backward, Forward};

/// Guests that are stepped through from end to end, both ways.
const WHOLE: &[Guest] = &[
    run("motion/exceptions.wat"),
    run("motion/tail-calls.wat"),
    run("motion/twins.wat"),
    run("motion/realloc.wat"),
    run("motion/unreachable.wat"),
    run("wat/trap.wat"),
    run("wat/nested.wat"),
    Guest {
        fixture: "wat/greeter.wat",
        options: &["--invoke", r#"run("Ada")"#],
        args: &[],
    },
    Guest {
        fixture: "wat/callback.wat",
        options: &["--invoke", r#"run("hello")"#],
        args: &[],
    },
    command("wat/leave.wat"),
];

#[test]
fn steps_forward_and_backward_visit_every_instruction_in_order() {
    for guest in WHOLE {
        let mut walk = Walk::of(guest);
        eprintln!("{}: {} moments", guest.fixture, walk.oracle.moments.len());
        walk.learn_states(0..walk.oracle.moments.len());
        walk.check_state();
        while walk.here() != walk.oracle.last() {
            walk.go(Motion::Instruction(Forward));
            walk.check_state();
        }
        while walk.here() != 0 {
            walk.go(Motion::Instruction(Backward));
            walk.check_state();
        }
    }
}
