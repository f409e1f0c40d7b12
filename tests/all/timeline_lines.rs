//! Line steps lead where the line tables and the frames say, forward and backward.

use crate::support::lined::{lined, lined_text};
use crate::support::walk::{Dice, Guest, Walk, call, command, each, run, with_fixtures};
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
    inlined_c: steps_from_samples(command("motion/inlined-O0.wasm"), 60);
    optimised_inlined_c: steps_from_samples(command("motion/inlined-O1.wasm"), 120);
    unoptimised_rust: steps_from_samples(command("motion/closures-O0.wasm"), 80);
    optimised_rust: steps_from_samples(command("motion/closures-O2.wasm"), 60);
    a_c_program: steps_from_samples(command("hello-c-O0.wasm"), 25);
    an_optimised_c_program: steps_from_samples(command("hello-c-O2.wasm"), 25);
    a_trap: steps_from_samples(with_fixtures("ledger.wasm"), 25);
    exceptions: steps_from_samples(run(lined("motion/rethrown.wat")), 60);
    an_uncaught_exception: steps_from_samples(call(lined("motion/rethrown.wat"), "fails()"), 40);
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

#[test]
fn line_by_line_through_exceptions_and_back_over_them() {
    for step in [Step::Over, Step::Into, Step::Out] {
        for back in [Step::Over, Step::Into] {
            there_and_back(&run(lined("motion/rethrown.wat")), step, back, 400);
            there_and_back(
                &call(lined("motion/rethrown.wat"), "fails()"),
                step,
                back,
                400,
            );
        }
    }
}

/// Twenty functions, each of which calls the next, and the last throws to the first; the
/// frame that catches is the last of many, and the caller goes on at once.
#[test]
fn exceptions_pass_many_frames_in_one_step() {
    let between = |n: u32| {
        format!(
            "(func $f{n} (param $n i32) (result i32)
               (local.set $n (i32.add (local.get $n) (i32.const {n})))
               (call $f{} (local.get $n)))",
            n + 1
        )
    };
    let functions: String = (0..20).map(between).collect();
    let guest = format!(
        "(component
           (core module $code
             (tag $e (param i32))
             {functions}
             (func $f20 (param $n i32) (result i32)
               (local.set $n (i32.mul (local.get $n) (i32.const 2)))
               (throw $e (local.get $n)))
             (func $first (result i32)
               (try_table (result i32) (catch $e 0) (call $f0 (i32.const 1))))
             (func (export \"run\") (result i32) (local $sum i32)
               (local.set $sum (call $first))
               (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
               (local.get $sum)))
           (core instance $m (instantiate $code))
           (func (export \"run\") (result u32) (canon lift (core func $m \"run\"))))"
    );
    let guest = run(lined_text("many-frames.wat", &guest));
    for step in [Step::Over, Step::Into, Step::Out] {
        for back in [Step::Over, Step::Into] {
            there_and_back(&guest, step, back, 100);
        }
    }
    steps_from_samples(guest, 30);
}
