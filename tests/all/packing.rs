//! Checkpoints that are compressed, as there is little memory for them: what is found in them is
//! what replay from the start finds.

use crate::support::oracle::state_here;
use crate::support::processes::PATIENCE;
use crate::support::walk::{Dice, record, run};
use rr_dap::replay::variant::CacheDir;
use rr_dap::replay::{InstanceId, Tick};
use rr_dap::timeline::travel::motion::{Direction, Motion, Step};
use rr_dap::timeline::{Bytes, First, Interrupt, Limits, Options, Timeline};
use rr_dap::trace::Trace;
use std::sync::Arc;
use std::time::Instant;

/// All of what the guest fills.
const FILLED: u32 = 80 << 16;

fn timeline(trace: Arc<Trace>, memory: Option<Bytes>) -> Timeline {
    let cache = CacheDir::open(&crate::support::cache_dir()).expect("a cache");
    let program = env!("CARGO_BIN_EXE_rr-dap").into();
    let options = Options::new(program, cache);
    let limits = Limits {
        memory: memory.unwrap_or(options.limits.memory),
        ..options.limits
    };
    let options = Options {
        first: First::Debug,
        sweep: memory.is_some(),
        limits,
        ..options
    };
    Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline")
}

fn memory(timeline: &mut Timeline) -> Vec<u8> {
    let read = timeline.memory(InstanceId(0), 0, 0, FILLED);
    read.expect("memory")
}

#[test]
fn packed_checkpoints_are_as_they_were() {
    let (_dir, trace) = record(&run("motion/fills.wat"));
    // Room for about twenty, each with four megabytes of its own, until they are packed.
    let mut little = timeline(trace.clone(), Some(Bytes(96 << 20)));
    let mut plain = timeline(trace, None);
    let go = |timeline: &mut Timeline, motion: &Motion| {
        let went = timeline.travel(motion, &Interrupt::new());
        went.unwrap_or_else(|e| panic!("{motion:?}: {e}"))
    };
    let end = go(&mut plain, &Motion::End).position.tick.0;
    let mut dice = Dice::new(18);
    let began = Instant::now();
    // They are measured each second. Then a walk over packed ones.
    let (mut most, mut walked) = (0, 0);
    while walked < 25 {
        most = most.max(little.packed_checkpoints());
        let is_late = began.elapsed() > PATIENCE;
        assert!(most > 0 || !is_late, "no checkpoint has been packed");
        let to = Motion::Tick(Tick(1 + dice.roll() % end));
        let step = match dice.below(4) {
            0 => Motion::Instruction(Direction::Backward, Step::Into),
            1 => Motion::Instruction(Direction::Forward, Step::Over),
            2 => Motion::OutOf {
                direction: Direction::Backward,
                frame: 0,
                body: 0,
            },
            _ => Motion::Tick(Tick(1 + dice.roll() % end)),
        };
        go(&mut little, &to);
        let stop = go(&mut little, &step);
        if most == 0 {
            continue;
        }
        walked += 1;
        go(&mut plain, &to);
        assert_eq!(go(&mut plain, &step), stop, "{to:?}, {step:?}");
        assert_eq!(
            state_here(&mut little),
            state_here(&mut plain),
            "{to:?}, {step:?}"
        );
        assert!(
            memory(&mut little) == memory(&mut plain),
            "{to:?}, {step:?}"
        );
    }
}
