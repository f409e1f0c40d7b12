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
    /// The clock at this moment.
    pub tick: Tick,
    /// The number of guest frames on the stack, over all activations.
    pub depth: u32,
    /// Byte offset of the instruction in the original core module of the
    /// innermost frame; `u32::MAX` where there is no frame.
    pub pc: u32,
    /// Where at that instruction.
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

/// Text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a position: copy one that the debugger has told, like 12:3:0x1f4")]
pub struct PositionError(String);

impl std::str::FromStr for Position {
    type Err = PositionError;

    /// Reads what [`Position`] displays.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.trim()).ok_or_else(|| PositionError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Position> {
    let (text, phase) = match text.split_once('+') {
        None => (text, Phase::Before),
        Some((text, "call")) => (text, Phase::Calling),
        Some((text, "answer")) => (text, Phase::Answered),
        Some((text, "end")) => (text, Phase::End),
        Some(_) => return None,
    };
    let mut parts = text.split(':');
    let (tick, depth, pc) = (parts.next()?, parts.next()?, parts.next()?);
    let position = Position {
        tick: Tick(tick.parse().ok()?),
        depth: depth.parse().ok()?,
        pc: u32::from_str_radix(pc.strip_prefix("0x")?, 16).ok()?,
        phase,
    };
    parts.next().is_none().then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_told() {
        for phase in [Phase::Before, Phase::Calling, Phase::Answered, Phase::End] {
            for (tick, depth, pc) in [(0, 0, 0), (u64::MAX, u32::MAX, u32::MAX), (7, 2, 500)] {
                let position = Position {
                    tick: Tick(tick),
                    depth,
                    pc,
                    phase,
                };
                assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
        for wrong in ["", "1", "1:2", "1:2:3", "1:2:0x3:4", "-1:2:0x3", "1:2:0x3+"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
