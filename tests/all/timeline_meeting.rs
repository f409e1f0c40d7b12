//! A step ends at the first breakpoint on its way: wherever it begins, it leads to the nearer
//! one of where it leads without breakpoints and where a run to the next breakpoint leads.
//! What log points say is what such a run says, as far as the step goes.

use crate::support::walk::{Dice, Guest, call, command, each, record, run, timeline};
use rr_dap::component::ModuleId;
use rr_dap::replay::Position;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HitCondition, HostcallFilter, LogEntry, MemoryRange,
    Motion, Place, Reason, Step, Stop,
};
use rr_dap::timeline::{Interrupt, Timeline};

const STEPS: usize = 120;

fn go(timeline: &mut Timeline, motion: &Motion) -> (Stop, Vec<LogEntry>) {
    let stop = timeline.travel(motion, &Interrupt::new());
    let mut stop = stop.unwrap_or_else(|error| panic!("{motion:?}: {error}"));
    if let Reason::Breakpoints(ids) = &mut stop.reason {
        ids.sort_unstable();
    }
    (stop, timeline.take_log())
}

fn go_to(timeline: &mut Timeline, position: Position) {
    let (stop, _) = go(timeline, &Motion::Position(position));
    assert_eq!(stop.position, position);
}

/// Somewhere in the recording, in a function.
fn anywhere(timeline: &mut Timeline, dice: &mut Dice, end: Position) {
    loop {
        let tick = dice.below(end.tick.0 as usize) as u64;
        go(timeline, &Motion::Tick(rr_dap::replay::Tick(tick)));
        for _ in 0..dice.below(4) {
            go(
                timeline,
                &Motion::Instruction(Direction::Forward, Step::Into),
            );
        }
        if timeline.here().position.depth > 0 {
            return;
        }
    }
}

/// A place in code that runs, bytes of the stack that may change, or a hostcall.
fn place(timeline: &mut Timeline, dice: &mut Dice, end: Position) -> Place {
    anywhere(timeline, dice, end);
    let frame = timeline.frames().expect("frames")[0];
    match dice.below(6) {
        0 => {
            let globals = timeline.globals(frame.instance).expect("globals");
            let top = match globals.first() {
                Some(rr_dap::component::types::CoreValue::I32(top)) => top.cast_unsigned().into(),
                _ => 0x400,
            };
            Place::Change(MemoryRange {
                instance: frame.instance,
                memory: 0,
                address: u64::saturating_add(top, dice.below(64) as u64),
                length: 4,
            })
        }
        1 => Place::Hostcall(HostcallFilter::ANY),
        _ => Place::Code {
            module: ModuleId(frame.module.0),
            pc: frame.pc,
        },
    }
}

fn breakpoints(timeline: &mut Timeline, dice: &mut Dice, end: Position) -> Vec<Breakpoint> {
    let count = 1 + dice.below(5) as u32;
    let mut all = Vec::new();
    for id in 1..=count {
        let places = vec![place(timeline, dice, end)];
        let breakpoint = Breakpoint::new(BreakpointId(id), places);
        all.push(match dice.below(6) {
            0 => Breakpoint {
                log: Some(format!("{id} was here")),
                ..breakpoint
            },
            1 => Breakpoint {
                hits: Some(HitCondition::Every(3)),
                ..breakpoint
            },
            2 => Breakpoint {
                condition: Some("1 == 2".into()),
                ..breakpoint
            },
            _ => breakpoint,
        });
    }
    all
}

fn step(dice: &mut Dice) -> (Motion, Direction) {
    let direction = *dice.pick(&[Direction::Forward, Direction::Backward]);
    let how = *dice.pick(&[Step::Over, Step::Over, Step::Into, Step::Out]);
    let motion = match dice.below(8) {
        0 => Motion::OverHostcall(direction, HostcallFilter::ANY),
        1 => Motion::Hostcall(direction, HostcallFilter::ANY),
        2 | 3 => Motion::Instruction(direction, how),
        _ => Motion::Line(direction, how),
    };
    (motion, direction)
}

fn steps(guest: Guest, seed: u64) {
    let (_dir, trace) = record(&guest);
    let mut timeline = timeline(trace, true);
    let mut dice = Dice::new(seed);
    let end = go(&mut timeline, &Motion::End).0.position;
    let mut set = Vec::new();
    let mut met = 0;
    for number in 0..STEPS {
        if number % 10 == 0 {
            timeline.set_breakpoints(Vec::new());
            set = breakpoints(&mut timeline, &mut dice, end);
        }
        timeline.set_breakpoints(Vec::new());
        anywhere(&mut timeline, &mut dice, end);
        let begun = timeline.here().position;
        let (motion, direction) = step(&mut dice);
        let (alone, _) = go(&mut timeline, &motion);
        timeline.set_breakpoints(set.clone());
        go_to(&mut timeline, begun);
        let (next, log) = go(&mut timeline, &Motion::Continue(direction));
        go_to(&mut timeline, begun);
        let (stop, logged) = go(&mut timeline, &motion);
        let is_nearer = match direction {
            Direction::Forward => next.position <= alone.position,
            Direction::Backward => next.position >= alone.position,
        };
        let is_met = is_nearer && matches!(next.reason, Reason::Breakpoints(_));
        let expected = if is_met { next } else { alone };
        let told = format!("seed {seed}, {number}: {motion:?} from {begun} with {set:?}");
        assert_eq!(stop, expected, "{told}");
        let is_passed = |entry: &&LogEntry| match direction {
            Direction::Forward => entry.position <= expected.position,
            Direction::Backward => entry.position >= expected.position,
        };
        let log: Vec<LogEntry> = log.iter().filter(is_passed).cloned().collect();
        assert_eq!(logged, log, "{told}");
        met += usize::from(is_met);
    }
    assert!(met > 0, "no step has met anything");
}

each! {
    unoptimised_c: steps(command("motion/steps-O0.wasm"), 41);
    optimised_c: steps(command("motion/steps-O2.wasm"), 42);
    unoptimised_rust: steps(command("motion/closures-O0.wasm"), 43);
    recursion: steps(run("wat/recursion.wat"), 44);
    exceptions: steps(run("motion/exceptions.wat"), 45);
    callbacks: steps(call("wat/callback.wat", r#"run("hello")"#), 46);
}
