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
    /// At every outgoing crossing whose WIT path contains this text, or, where it
    /// has a `*` (any text), is like it.
    Hostcall { path: String },
    /// At those of them that will answer an error: their type is a `result`, and
    /// the recorded one is `err`.
    FailedHostcall { path: String },
    /// At the outgoing crossings with these numbers, ascending: where something
    /// happens that is known from the recording, as handles come and go.
    Events(Vec<u64>),
    /// At the end of the recording, if it ends in a trap or an error of the host.
    /// The reason to stop there is the end's own; [`Timeline::hit_here`] has the
    /// breakpoint.
    ///
    /// [`Timeline::hit_here`]: super::Timeline::hit_here
    Trap,
}

/// A breakpoint: one identity, any number of places (a line may have several).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakpoint {
    pub id: BreakpointId,
    pub places: Vec<Place>,
    /// Only visits count at which this holds. Where it cannot be evaluated it does
    /// hold, and [`Timeline::take_log`](super::Timeline::take_log) says why: better a
    /// stop too many than one too few.
    pub condition: Option<String>,
    /// Which of the visits that count are hits.
    pub hits: Option<HitCondition>,
    /// Logged at a hit, instead of stopping; expressions stand in braces.
    pub log: Option<String>,
}

impl Breakpoint {
    /// One that stops always.
    pub fn new(id: BreakpointId, places: Vec<Place>) -> Breakpoint {
        Breakpoint {
            id,
            places,
            condition: None,
            hits: None,
            log: None,
        }
    }
}

/// Which visits of a breakpoint are hits, by their ordinal: they are counted from
/// the start of the recording, from 1, and only those with the condition holding.
/// So the same visits are hits whichever way one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HitCondition {
    /// `5`, `== 5`
    Exactly(u64),
    /// `>= 5`, and `> 4`
    From(u64),
    /// `< 5`, and `<= 4`
    Before(u64),
    /// `% 5`
    Every(u64),
}

/// Text is no condition on hits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no hit condition; write `5`, `>= 5`, `> 5`, `< 5`, `<= 5` or `% 5`")]
pub struct HitConditionError(String);

impl std::str::FromStr for HitCondition {
    type Err = HitConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || HitConditionError(text.to_owned());
        let text = text.trim();
        let digits = text.find(|c: char| c.is_ascii_digit()).ok_or_else(error)?;
        let (operator, count) = text.split_at(digits);
        let count: u64 = count.trim().parse().map_err(|_| error())?;
        let next = count.saturating_add(1);
        Ok(match operator.trim() {
            "" | "=" | "==" => HitCondition::Exactly(count),
            ">=" => HitCondition::From(count),
            ">" => HitCondition::From(next),
            "<" => HitCondition::Before(count),
            "<=" => HitCondition::Before(next),
            "%" if count > 0 => HitCondition::Every(count),
            _ => return Err(error()),
        })
    }
}

/// What a breakpoint has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub position: Position,
    pub event: u64,
    pub breakpoint: BreakpointId,
    pub text: LogText,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogText {
    /// A log point's message.
    Message(String),
    /// Why a condition cannot be evaluated.
    Problem(String),
    /// So many entries were left out here, as there were too many.
    LeftOut(u64),
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
