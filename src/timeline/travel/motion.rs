//! What can be asked of a timeline, and what it answers.

use crate::replay::{InstanceId, ModuleId, Position, Tick};
use crate::source::{FileId, SourceLine};
use crate::timeline::Module;
use crate::trace::Entered;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The two ways through a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Toward the end.
    Forward,
    /// Toward the start.
    Backward,
}

/// How a step treats calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// To the next (or previous) line or instruction, calls stepped over.
    Over,
    /// To the next (or previous) one, into calls (those that have lines, if it is a
    /// line step).
    Into,
    /// Out to the caller: just after the call, or just before it.
    Out,
}

/// How line steps treat code that is not of interest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stepping {
    /// What a step does in code that has no lines.
    pub without_lines: WithoutLines,
    /// Modules that are someone else's: their lines do not count.
    pub foreign: BTreeSet<ModuleId>,
    /// Sources that are someone else's, in modules that are not: functions declared there are
    /// passed as if they had no lines.
    pub foreign_sources: Arc<BTreeMap<ModuleId, HashSet<FileId>>>,
}

impl Stepping {
    /// Whether a line, by the number that stands for it in a module, is someone else's. Where
    /// anything is, what is of no line is, too.
    pub(in crate::timeline) fn is_foreign_line(&self, id: ModuleId, key: Option<u64>) -> bool {
        let sources = self.foreign_sources.get(&id);
        let sources = sources.filter(|sources| !sources.is_empty());
        sources.is_some_and(|sources| {
            let file = key.and_then(SourceLine::file_of_key);
            file.is_none_or(|file| sources.contains(&file))
        })
    }

    /// Whether the function that contains a place is someone else's.
    pub(in crate::timeline) fn is_foreign(&self, id: ModuleId, module: &Module, pc: u32) -> bool {
        if self.foreign.contains(&id) {
            return true;
        }
        let sources = self.foreign_sources.get(&id);
        let sources = sources.filter(|sources| !sources.is_empty());
        sources.is_some_and(|sources| {
            let declared = module.source.function_at(pc).and_then(|f| f.declared);
            let line = declared.or_else(|| module.source.line_at(pc));
            line.is_some_and(|line| sources.contains(&line.file))
        })
    }
}

/// Where a line step goes from code that has no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutLines {
    /// Out of it, to the nearest caller with lines.
    #[default]
    Leave,
    /// To the next instruction, or the previous one.
    Instructions,
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
    /// Where the guest's own code begins in this call of it.
    Entered(Entered),
    /// The first moment of a tick.
    Tick(Tick),
    /// Some part of the way through the recording.
    Fraction(Fraction),
    /// A place visited before.
    Position(Position),
    /// A place that was given this name.
    Mark(String),
    /// To the next or previous breakpoint, or that end of the recording.
    Continue(Direction),
    /// A step to an instruction.
    Instruction(Direction, Step),
    /// A step to a line start, of lines that count by the [`Stepping`].
    Line(Direction, Step),
    /// Out of a frame: just after the call of it, or just before.
    OutOf {
        /// Which way.
        direction: Direction,
        /// So many frames are inside of it; 0 for the innermost one.
        frame: u32,
        /// Out of an inlined body in it, inside of which so many are; of as many as there
        /// are, out of the frame itself.
        body: u32,
    },
    /// To the next or previous hostcall that the filter lets through: just before
    /// it is answered.
    Hostcall(Direction, HostcallFilter),
    /// To where outgoing crossing `n` has just been answered.
    Answered(u64),
    /// Over one hostcall: to where the one being made here, or the next one that the filter
    /// lets through, has just been answered; or back to just before the last such one was.
    OverHostcall(Direction, HostcallFilter),
    /// Back to where these bytes were last written: right after that, see
    /// [`Place::Change`].
    LastChange(MemoryRange),
    /// On to where they are written next.
    NextChange(MemoryRange),
    /// Back to where these bytes were last written, be it with what they held: see
    /// [`Place::Write`].
    LastWrite(MemoryRange),
    /// On to where they are written next, be it with what they hold.
    NextWrite(MemoryRange),
    /// Into what the innermost frame calls at this instruction: to its first statement;
    /// or to its first instruction, if it has no lines, or to the hostcall that it makes.
    /// If this frame does not make that call before its line ends, to where a step over
    /// the line leads.
    IntoCall {
        /// The core module of the innermost frame.
        module: ModuleId,
        /// Offset of the call instruction in the original module.
        pc: u32,
    },
}

impl Motion {
    /// Whether it goes on until it meets something, as a step does: then breakpoints on the
    /// way end it. The others go to a place, whatever is on the way there.
    pub fn is_step(&self) -> bool {
        match self {
            Motion::Line(..)
            | Motion::Instruction(..)
            | Motion::OutOf { .. }
            | Motion::Hostcall(..)
            | Motion::OverHostcall(..)
            | Motion::IntoCall { .. } => true,
            Motion::Start
            | Motion::Entry
            | Motion::End
            | Motion::Event(_)
            | Motion::Answered(_)
            | Motion::Entered(_)
            | Motion::Tick(_)
            | Motion::Fraction(_)
            | Motion::Position(_)
            | Motion::Mark(_)
            | Motion::Continue(_)
            | Motion::LastChange(_)
            | Motion::NextChange(_)
            | Motion::LastWrite(_)
            | Motion::NextWrite(_) => false,
        }
    }

    /// Whether it ends where it has come to when it is paused: who goes to a place has not
    /// asked for any before it.
    pub fn may_end_anywhere(&self) -> bool {
        self.is_step() || matches!(self, Motion::Continue(_))
    }
}

/// Which writes to some bytes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Writes {
    /// Those that change them.
    Changing,
    /// Those, too, that store what was there already.
    All,
}

impl Writes {
    /// The place of a breakpoint for them.
    pub fn place(self, range: MemoryRange) -> Place {
        match self {
            Writes::Changing => Place::Change(range),
            Writes::All => Place::Write(range),
        }
    }
}

/// Bytes of a memory of a core instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemoryRange {
    /// The core instance that sees the memory.
    pub instance: InstanceId,
    /// The memory's index in the instance's module.
    pub memory: u32,
    /// Of the first byte.
    pub address: u64,
    /// In bytes.
    pub length: u32,
}

impl std::fmt::Display for MemoryRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = if self.length == 1 { "byte" } else { "bytes" };
        write!(f, "{} {bytes} at {:#x}", self.length, self.address)
    }
}

/// A part of a whole, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fraction(u32);

impl Fraction {
    /// Nothing of the recording is passed.
    pub const START: Fraction = Fraction(0);
    /// All of the recording is passed.
    pub const END: Fraction = Fraction(1_000_000);

    /// So many percent; `None` if that is less than nothing or more than all.
    pub fn percent(percent: f64) -> Option<Fraction> {
        (0.0..=100.0)
            .contains(&percent)
            .then(|| Fraction((percent * 10_000.0).round() as u32))
    }

    /// This part of the ticks of a recording that ends in tick `end`.
    pub fn of(self, end: Tick) -> Tick {
        let part = u128::from(end.0) * u128::from(self.0) / u128::from(Fraction::END.0);
        // No more than the whole.
        Tick(part as u64)
    }
}

/// Which hostcalls are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostcallFilter {
    /// Those whose WIT path contains this text, or, where it has a `*` (any text), is
    /// like it.
    pub path: String,
    /// Those only that will answer an error: their type is a `result`, and the
    /// recorded one is `err`.
    pub failed: bool,
    /// Without a path, the canonical ABI's own [plumbing], too. A path
    /// says itself what is meant.
    ///
    /// [plumbing]: crate::component::Builtin::is_plumbing
    pub builtins: bool,
    /// With `failed`, those that are not done when they return and fail then, by their numbers,
    /// ascending: whoever can look into what came later knows them.
    pub late: Vec<u64>,
}

impl HostcallFilter {
    /// All of them.
    pub const ANY: HostcallFilter = HostcallFilter {
        path: String::new(),
        failed: false,
        builtins: true,
        late: Vec::new(),
    };

    /// Those that people mean where they say nothing else: without plumbing.
    pub const MEANT: HostcallFilter = HostcallFilter {
        path: String::new(),
        failed: false,
        builtins: false,
        late: Vec::new(),
    };

    /// Those with a path like this, whatever they answer.
    pub fn named(path: impl Into<String>) -> HostcallFilter {
        HostcallFilter {
            path: path.into(),
            ..HostcallFilter::MEANT
        }
    }

    /// Where it lets the program stop.
    pub fn places(&self) -> Vec<Place> {
        let late = self.late.clone();
        let late = Some(late).filter(|late| self.failed && !late.is_empty());
        let mut places = vec![Place::Hostcall(self.clone())];
        places.extend(late.map(Place::Events));
        places
    }

    /// Whether plumbing is passed by.
    pub fn is_without_plumbing(&self) -> bool {
        !self.builtins && self.path.is_empty()
    }
}

/// Tells one breakpoint from another; chosen by who sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BreakpointId(pub u32);

/// Where a breakpoint stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// Before the instruction at this offset of the original core module, in
    /// every instance of it.
    Code {
        /// The core module.
        module: ModuleId,
        /// The offset, in bytes.
        pc: u32,
    },
    /// The same, where inlined calls begin: the bodies of some are still ahead.
    Call {
        /// The core module.
        module: ModuleId,
        /// The offset, in bytes.
        pc: u32,
        /// How many inlined bodies around the place have begun.
        inside: u32,
    },
    /// At the outgoing crossings that the filter lets through.
    Hostcall(HostcallFilter),
    /// At the outgoing crossings with these numbers, ascending: where something
    /// happens that is known from the recording, as handles come and go.
    Events(Vec<u64>),
    /// At the end of the recording, if it ends in a trap or an error of the host.
    /// The reason to stop there is the end's own; [`Timeline::hit_here`] has the
    /// breakpoint.
    ///
    /// [`Timeline::hit_here`]: crate::timeline::Timeline::hit_here
    Trap,
    /// Right after these bytes have changed: before the instruction that follows the one
    /// that wrote them, where a hostcall that wrote them has answered, or at the first
    /// instruction after somebody else wrote them, as instantiation does. Bytes that there
    /// are not (yet) count as zeros. See [`Timeline::changes`] for what is not a change.
    ///
    /// [`Timeline::changes`]: crate::timeline::Timeline::changes
    Change(MemoryRange),
    /// The same, and right after these bytes have been written with what they held. An atomic
    /// exchange that fails has not written; what instantiation writes counts only where it
    /// changes something.
    Write(MemoryRange),
}

impl Place {
    /// The bytes that it watches, and which writes to them count.
    pub fn watched(&self) -> Option<(MemoryRange, Writes)> {
        match self {
            Place::Change(range) => Some((*range, Writes::Changing)),
            Place::Write(range) => Some((*range, Writes::All)),
            _ => None,
        }
    }
}

/// A breakpoint: one identity, any number of places (a line may have several).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breakpoint {
    /// What stops and log entries name it by.
    pub id: BreakpointId,
    /// Each of them stops.
    pub places: Vec<Place>,
    /// Only visits count at which this holds. Where it cannot be evaluated it does
    /// hold, and [`Timeline::take_log`](crate::timeline::Timeline::take_log) says why: better a
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

    /// Whether code for debugging is needed to stop at it: at places in code, and
    /// where expressions may speak of variables.
    pub fn needs_debug(&self) -> bool {
        let in_code = |place: &Place| {
            matches!(
                place,
                Place::Code { .. } | Place::Call { .. } | Place::Change(_) | Place::Write(_)
            )
        };
        let evaluates = self.condition.is_some() || self.log.is_some();
        (evaluates && !self.places.is_empty()) || self.places.iter().any(in_code)
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

/// A text is not a condition on hits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a hit condition; write `5`, `>= 5`, `> 5`, `< 5`, `<= 5` or `% 5`")]
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
    /// The moment of the visit.
    pub position: Position,
    /// As [`Stop::event`] has it, at that moment.
    pub event: u64,
    /// Whose visit it was.
    pub breakpoint: BreakpointId,
    /// The message, or what stands in its place.
    pub text: LogText,
}

/// What a log entry says.
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
    /// Somebody has paused the motion, and it had come to here.
    Paused,
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
    /// The recording stops here, and nothing says how the run ended: the recorder was killed, maybe with
    /// the run, or could write no more.
    CutOff,
    /// It is still being written, and there is no more of it yet.
    SoFar,
}

/// Where the session stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The moment.
    pub position: Position,
    /// How many outgoing crossings have been made before this moment. At a
    /// hostcall stop: this hostcall's own number.
    pub event: u64,
    /// What ended the motion that led here.
    pub reason: Reason,
}
