//! What can be asked of a timeline, and what it answers.

use crate::replay::{ModuleId, Position};
use serde::{Deserialize, Serialize};

/// The two ways through a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    Forward,
    Backward,
}

/// How a line step treats calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// To the next (or previous) line, calls stepped over.
    Over,
    /// To the next (or previous) line, into calls that have lines.
    Into,
    /// Out to the caller: just after the call, or just before it.
    Out,
}

/// Where to go from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Motion {
    /// The very beginning: no guest code has run.
    Start,
    /// The first place a person wants to see: `main`, or else the first line.
    Entry,
    /// The end of the recording: the trap, the exit call, or after the last return.
    End,
    /// Just before outgoing crossing `n` (the first one is 0) is answered.
    Event(u64),
    /// A place visited before.
    Position(Position),
    /// To the next or previous breakpoint, or that end of the recording.
    Continue(Direction),
    Instruction(Direction),
    Line(Direction, Step),
    /// To the next or previous hostcall.
    Hostcall(Direction),
}

/// Tells one breakpoint from another; chosen by who sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BreakpointId(pub u32);

/// Where a breakpoint stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Before the instruction at this offset of the original core module, in
    /// every instance of it.
    Code { module: ModuleId, pc: u32 },
    /// At every outgoing crossing whose WIT path contains this text.
    Hostcall { path: String },
}

/// A breakpoint: one identity, any number of places (a line may have several).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakpoint {
    pub id: BreakpointId,
    pub places: Vec<Place>,
}

/// Why a motion ended where it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The place that was asked for.
    Arrived,
    /// These breakpoints, at this place.
    Breakpoints(Vec<BreakpointId>),
    /// The recording begins here.
    Start,
    /// The recording ends here; [`Ending`] tells how.
    End(Ending),
}

/// How a recorded run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The last export returned.
    Returned,
    /// The guest called exit with this status.
    Exited(i32),
    /// A trap, with its message.
    Trapped(String),
    /// The host failed a crossing, with its message.
    HostError(String),
    /// The run was stopped from outside.
    Interrupted,
    /// The recording stops here although the run went on (crash, full disk).
    CutOff,
}

/// Where the session stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    pub position: Position,
    /// How many outgoing crossings have been made before this moment. At a
    /// hostcall stop: this hostcall's own number.
    pub event: u64,
    pub reason: Reason,
}
