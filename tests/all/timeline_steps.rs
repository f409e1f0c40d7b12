//! Every instruction of a recording, forward and backward, is the one that runs, and the
//! guest has what it then had.

use crate::support::walk::{Dice, Guest, Walk, call, command, each, instruction, run};
use rr_dap::timeline::travel::motion::Direction;

use Direction::{Backward, Forward};

/// Goes from the start to the end and back, one instruction at a time.
fn step_through(guest: Guest) {
    let mut walk = Walk::of(&guest);
    walk.learn_states(0..walk.oracle.moments.len());
    walk.check_state();
    while walk.here() != walk.oracle.last() {
        walk.go(instruction(Forward));
        walk.check_state();
    }
    while walk.here() != 0 {
        walk.go(instruction(Backward));
        walk.check_state();
    }
    walk.finish();
}

/// Steps forward and backward from moments here and there, the end among them.
fn step_from_samples(guest: Guest, count: usize) {
    let mut walk = Walk::of(&guest);
    let mut dice = Dice::new(7);
    let last = walk.oracle.last();
    let mut samples: Vec<usize> = (1..count).map(|_| dice.below(last)).collect();
    samples.push(last);
    let around = samples
        .iter()
        .flat_map(|i| [*i, i + 1, i.saturating_sub(1)]);
    walk.learn_states(around);
    for sample in samples {
        for direction in [Forward, Backward] {
            walk.seek(sample);
            walk.check_state();
            walk.go(instruction(direction));
            walk.check_state();
        }
    }
    walk.finish();
}

each! {
    exceptions: step_through(run("motion/exceptions.wat"));
    exceptions_thrown_again: step_through(run("motion/rethrown.wat"));
    an_uncaught_exception: step_through(call("motion/rethrown.wat", "fails()"));
    an_exception_of_a_destructor: step_through(call("wat/thrown-across.wat", "dropped()"));
    an_exception_of_a_callback: step_through(call("wat/thrown-across.wat", "called-back()"));
    exceptions_on_both_sides: step_through(call("wat/thrown-across.wat", "within()"));
    tail_calls: step_through(run("motion/tail-calls.wat"));
    two_instances_of_a_module: step_through(run("motion/twins.wat"));
    a_start_function_of_another_module: step_through(run("motion/started.wat"));
    realloc_and_post_return: step_through(run("motion/realloc.wat"));
    an_unreachable_trap: step_through(run("motion/unreachable.wat"));
    an_access_out_of_bounds: step_through(run("wat/trap.wat"));
    nested_components: step_through(run("wat/nested.wat"));
    destructors_and_transcoding: step_through(call("wat/greeter.wat", r#"run("Ada")"#));
    callbacks: step_through(call("wat/callback.wat", r#"run("hello")"#));
    an_exit_in_a_nested_call: step_through(command("wat/leave.wat"));
    optimised_c: step_through(command("motion/steps-O2.wasm"));
    recursion: step_from_samples(run("wat/recursion.wat"), 200);
    deep_recursion: step_from_samples(run("motion/deep.wat"), 40);
    unoptimised_c: step_from_samples(command("motion/steps-O0.wasm"), 200);
    unoptimised_rust: step_from_samples(command("motion/closures-O0.wasm"), 100);
    a_c_program: step_from_samples(command("hello-c-O0.wasm"), 60);
    asynchronous_c: step_from_samples(command("later.wasm"), 60);
    asynchronous_rust: step_from_samples(command("sleepers.wasm"), 60);
}
