//! Random walks, a thousand motions each: every one leads where the oracle says.
//!
//! A failure tells the seed and the step; the same seed makes the same walk.

use crate::support::walk::{
    Dice, Guest, Walk, call, command, each, hostcall, instruction, run, with_fixtures,
};
use rr_dap::replay::Tick;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Fraction, HostcallFilter, Motion, Place, Step,
};

const MOTIONS: usize = 1000;

fn direction(dice: &mut Dice) -> Direction {
    *dice.pick(&[Direction::Forward, Direction::Backward])
}

/// A place that is reached, now and then several times.
fn place(walk: &Walk, dice: &mut Dice) -> Place {
    let oracle = &walk.oracle;
    if dice.below(5) == 0 {
        let names: Vec<&str> = oracle
            .trace
            .component()
            .crossings()
            .iter()
            .map(|crossing| &*crossing.name)
            .collect();
        let path = match names.is_empty() {
            true => "none".to_owned(),
            false => (*dice.pick(&names)).to_owned(),
        };
        return Place::Hostcall(HostcallFilter::named(path));
    }
    loop {
        let moment = &oracle.moments[dice.below(oracle.moments.len())];
        if let (Some(frame), true) = (moment.frame, moment.position.pc != u32::MAX) {
            return Place::Code {
                module: oracle.activations[frame].module,
                pc: moment.position.pc,
            };
        }
    }
}

/// Up to six breakpoints with one or two places each, two of them at one place.
fn breakpoints(walk: &Walk, dice: &mut Dice) -> Vec<Breakpoint> {
    let count = dice.below(6);
    let mut all: Vec<Breakpoint> = (0..count as u32)
        .map(|id| {
            let places = (0..=dice.below(2)).map(|_| place(walk, dice)).collect();
            Breakpoint::new(BreakpointId(id), places)
        })
        .collect();
    if let Some(first) = all.first().cloned() {
        all.push(Breakpoint {
            id: BreakpointId(100),
            ..first
        });
    }
    all
}

fn motion(walk: &Walk, dice: &mut Dice) -> Motion {
    let moments = &walk.oracle.moments;
    match dice.below(100) {
        0..20 => instruction(direction(dice)),
        20..28 => Motion::Instruction(direction(dice), Step::Over),
        28..29 => {
            let end = moments.last().map_or(0, |end| end.position.tick.0);
            Motion::Tick(Tick(dice.roll() % (end + 1)))
        }
        29..30 => {
            let percent = (dice.roll() % 101) as f64;
            Motion::Fraction(Fraction::percent(percent).expect("a percentage"))
        }
        30..60 => {
            let step = *dice.pick(&[Step::Over, Step::Into, Step::Out]);
            Motion::Line(direction(dice), step)
        }
        60..70 => hostcall(direction(dice)),
        70..85 => Motion::Continue(direction(dice)),
        85..92 => Motion::Position(dice.pick(moments).position),
        92..97 => {
            let events = moments.last().map_or(0, |end| end.event);
            Motion::Event(dice.roll() % (events + 2))
        }
        97..98 => Motion::Start,
        _ => Motion::End,
    }
}

fn walk(guest: Guest, seed: u64) {
    let mut walk = Walk::of(&guest);
    let mut dice = Dice::new(seed);
    let checked: Vec<usize> = (0..200)
        .map(|_| dice.below(walk.oracle.moments.len()))
        .collect();
    walk.learn_states(checked);
    for step in 0..MOTIONS {
        walk.doing = format!(" (seed {seed}, step {step})");
        if step % 40 == 0 {
            let breakpoints = breakpoints(&walk, &mut dice);
            walk.set_breakpoints(breakpoints);
        }
        let motion = motion(&walk, &mut dice);
        walk.go(motion);
        walk.check_state();
    }
    walk.finish();
}

each! {
    exceptions: walk(run("motion/exceptions.wat"), 1);
    exceptions_thrown_again: walk(run("motion/rethrown.wat"), 15);
    an_uncaught_exception: walk(call("wat/thrown-across.wat", "dropped()"), 16);
    tail_calls: walk(run("motion/tail-calls.wat"), 2);
    two_instances_of_a_module: walk(run("motion/twins.wat"), 3);
    realloc_and_post_return: walk(run("motion/realloc.wat"), 4);
    a_trap: walk(run("motion/unreachable.wat"), 5);
    recursion: walk(run("wat/recursion.wat"), 6);
    destructors_and_transcoding: walk(call("wat/greeter.wat", r#"run("Ada")"#), 7);
    callbacks: walk(call("wat/callback.wat", r#"run("hello")"#), 8);
    an_exit_in_a_nested_call: walk(command("wat/leave.wat"), 9);
    unoptimised_c: walk(command("motion/steps-O0.wasm"), 10);
    optimised_c: walk(command("motion/steps-O2.wasm"), 11);
    unoptimised_rust: walk(command("motion/closures-O0.wasm"), 12);
    optimised_rust: walk(command("motion/closures-O2.wasm"), 13);
    a_c_program: walk(with_fixtures("ledger.wasm"), 14);
}
