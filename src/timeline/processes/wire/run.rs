//! What a replayer is told to look for on its way, and when it is to stop.

use super::breaks::Breaks;
use super::greeting::ReplayerId;
use crate::component::ModuleId;
use crate::replay::{Position, Tick};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Go on from where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) watch: Watch,
    pub(crate) stop: StopAt,
    pub(crate) leave: Leave,
}

/// The checkpoints that a run leaves on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leave {
    /// At these ticks, ascending.
    pub(crate) at: Vec<Tick>,
    /// At intervals of replay time: about so many.
    pub(crate) every: Option<u32>,
    /// They connect with the ids from this one on.
    pub(crate) first_id: ReplayerId,
}

impl Leave {
    /// None at all.
    pub(crate) const NOTHING: Leave = Leave {
        at: Vec::new(),
        every: None,
        first_id: ReplayerId(0),
    };
}

/// When a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopAt {
    /// At the first moment that qualifies, or the end.
    First,
    /// The same, but not later than at the first moment of this tick.
    FirstBefore(Tick),
    /// At the first moment that qualifies, if that is this position or one before it; else
    /// somewhere after it.
    FirstUntil(Position),
    /// Before this position: the last moment that qualified is reported.
    LastBefore(Position),
    /// Exactly there.
    Position(Position),
    /// At this outgoing crossing.
    Event(u64),
    /// Where this outgoing crossing, or the next one to return, has been answered.
    Answered(u64),
    /// At the first moment of this tick, or later.
    Tick(Tick),
    End,
}

/// What qualifies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Watch {
    Nothing,
    /// Breakpoints with all that they want.
    Breaks(Breaks),
    /// Line starts in these functions.
    Lines(LineWatch),
    /// Every instruction of the functions on the stack near the innermost frame.
    Instructions,
    /// The instructions of the function that holds `pc`, with at most so many frames.
    InstructionsWithin {
        depth: u32,
        module: ModuleId,
        pc: u32,
    },
    /// The return to the frame at this depth.
    Return {
        depth: u32,
    },
    /// The entry of the function that runs at this depth.
    Entry {
        depth: u32,
        module: ModuleId,
        pc: u32,
    },
}

/// A watch for line starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LineWatch {
    /// Frames deeper than this do not count.
    pub(crate) depth: u32,
    pub(crate) functions: Vec<FunctionRows>,
    /// Also stop where a function with lines is entered.
    pub(crate) into: Option<StepInto>,
    /// Also stop before this instruction of the frame at this depth, while it is there.
    pub(crate) call: Option<(u32, ModuleId, u32)>,
}

/// A watch for functions that are entered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StepInto {
    /// Nothing in these modules is of interest.
    pub(crate) foreign: BTreeSet<ModuleId>,
    /// A file with the places where a step into a function stops, ascending, for each
    /// core module.
    pub(crate) body_starts: PathBuf,
}

/// The rows of a function's line table where a line may start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FunctionRows {
    pub(crate) module: ModuleId,
    /// The first instruction.
    pub(crate) entry: u32,
    /// One past the last byte.
    pub(crate) end: u32,
    /// Offset and a number that stands for the line, ascending by offset.
    pub(crate) rows: Vec<(u32, u64)>,
    /// Where the function may come to another line without passing a row: branches
    /// lead into the middle of it.
    pub(crate) landings: Vec<u32>,
}

impl FunctionRows {
    /// The line that the code at this offset belongs to.
    pub(crate) fn line_at(&self, pc: u32) -> Option<u64> {
        if pc < self.entry || pc >= self.end {
            return None;
        }
        let after = self.rows.partition_point(|(row, _)| *row <= pc);
        Some(self.rows.get(after.checked_sub(1)?)?.1)
    }
}
