//! Line steps lead where the line tables and the frames say, forward and backward.

use crate::support::walk::{Dice, Guest, Walk, command, each, run, with_fixtures};
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};

use Direction::{Backward, Forward};

const STEPS: [Step; 3] = [Step::Over, Step::Into, Step::Out];

/// Every line step from moments here and there, and from where it leads.
fn steps_from_samples(guest: Guest, count: usize) {
    let mut walk = Walk::of(&guest);
    let mut dice = Dice::new(11);
    let last = walk.oracle.last();
    for _ in 0..count {
        let sample = dice.below(last + 1);
        for direction in [Forward, Backward] {
            for step in STEPS {
                walk.seek(sample);
                walk.go(Motion::Line(direction, step));
                let opposite = match direction {
                    Forward => Backward,
                    Backward => Forward,
                };
                walk.go(Motion::Line(opposite, *dice.pick(&STEPS)));
            }
        }
    }
    walk.finish();
}

/// From the first line to the end with one kind of step, and back with another.
fn there_and_back(guest: &Guest, there: Step, back: Step, most: usize) {
    let mut walk = Walk::of(guest);
    for (direction, step) in [(Forward, there), (Backward, back)] {
        for _ in 0..most {
            if matches!(direction, Forward) && walk.here() == walk.oracle.last() {
                break;
            }
            walk.go(Motion::Line(direction, step));
            if walk.here() == 0 {
                break;
            }
        }
    }
    walk.finish();
}

each! {
    unoptimised_c: steps_from_samples(command("motion/steps-O0.wasm"), 120);
    optimised_c: steps_from_samples(command("motion/steps-O2.wasm"), 120);
    unoptimised_rust: steps_from_samples(command("motion/closures-O0.wasm"), 80);
    optimised_rust: steps_from_samples(command("motion/closures-O2.wasm"), 60);
    a_c_program: steps_from_samples(command("hello-c-O0.wasm"), 25);
    an_optimised_c_program: steps_from_samples(command("hello-c-O2.wasm"), 25);
    a_trap: steps_from_samples(with_fixtures("ledger.wasm"), 25);
    no_lines: steps_from_samples(run("motion/twins.wat"), 40);
    asynchronous_rust: steps_from_samples(command("sleepers.wasm"), 20);
}

#[test]
fn line_by_line_through_calls_and_back_over_them() {
    for step in [Step::Over, Step::Into] {
        for back in [Step::Over, Step::Into] {
            there_and_back(&command("motion/steps-O0.wasm"), step, back, 400);
        }
    }
}
