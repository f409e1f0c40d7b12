//! Where in a recording something is.

use serde::{Deserialize, Serialize};
use std::cmp::{Ordering, Reverse};

/// The clock: grows by one at each function entry and each loop header of guest
/// code. Zero before any guest code has run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Tick(pub u64);

/// One core instance of a replay, in the order of instantiation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstanceId(pub u32);

/// Where at its instruction a position stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Phase {
    /// Before the instruction runs.
    #[default]
    Before,
    /// The instruction called out of the guest, and the crossing has not
    /// answered yet.
    Calling,
    /// The crossing has answered; the next instruction has not begun.
    Answered,
    /// The recording ends here: in this instruction, or with no frame left.
    End,
}

/// A moment of a recording, the same in every variant that replay compiles.
///
/// Totally ordered: by tick ascending, then depth descending, then pc ascending.
/// Within one tick no call is entered and no loop repeats, so frames can only
/// return and code can only move forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    pub tick: Tick,
    /// The number of guest frames on the stack, over all activations.
    pub depth: u32,
    /// Byte offset of the instruction in the original core module of the
    /// innermost frame; `u32::MAX` where there is no frame.
    pub pc: u32,
    pub phase: Phase,
}

impl Position {
    /// Before anything has run.
    pub const START: Position = Position {
        tick: Tick(0),
        depth: 0,
        pc: 0,
        phase: Phase::Before,
    };

    /// Not after any moment of a tick, and after all of the ticks before it.
    pub const fn first_of(tick: Tick) -> Position {
        Position {
            tick,
            depth: u32::MAX,
            pc: 0,
            phase: Phase::Before,
        }
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |p: &Position| (p.tick, Reverse(p.depth), p.pc, p.phase);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{:#x}", self.tick.0, self.depth, self.pc)?;
        match self.phase {
            Phase::Before => Ok(()),
            Phase::Calling => f.write_str("+call"),
            Phase::Answered => f.write_str("+answer"),
            Phase::End => f.write_str("+end"),
        }
    }
}
