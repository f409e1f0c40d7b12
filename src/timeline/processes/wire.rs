//! What the timeline and its replayers say to each other, over a Unix socket:
//! messages in postcard encoding, each after its length (`u32`, little-endian).

use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::replay::boundary::Open;
use crate::replay::frames::Frame;
use crate::replay::tables::Element;
use crate::replay::variant::Variant;
use crate::replay::{Answer, Calling, InstanceId, ModuleId, Position, Tick};
use crate::timeline::passes::changes::Change;
use crate::timeline::passes::visits::Visit;
use crate::timeline::travel::motion::{BreakpointId, HitCondition, LogEntry, MemoryRange};
use crate::trace::CallEnd;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// No message is larger: memory is read in pieces.
const MAX_MESSAGE: usize = 256 << 20;

/// Tells replayer processes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ReplayerId(pub(crate) u64);

/// The first message on a replayer's socket: who it is and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) id: ReplayerId,
    /// Its process id.
    pub(crate) pid: u32,
    pub(crate) at: Moment,
}

/// What a fresh replayer is to load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) trace: PathBuf,
    /// A file with the component given in the recorded one's stead.
    pub(crate) component: Option<PathBuf>,
    pub(crate) variant: Variant,
    /// For each core module: its compiled code and its offset map.
    pub(crate) modules: Vec<(PathBuf, Vec<u8>)>,
}

/// Where a replayer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) position: Position,
    /// Outgoing crossings made before this moment (at a hostcall: its number).
    pub(crate) event: u64,
    pub(crate) is_end: bool,
}

/// Asked of a replayer that stands still.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Request {
    Load(Box<Load>),
    /// Leave a copy of this process, which connects as `id`.
    Fork {
        id: ReplayerId,
    },
    Run(Box<Run>),
    Frames,
    Locals {
        frame: u32,
    },
    Operands {
        frame: u32,
    },
    Globals {
        instance: InstanceId,
    },
    Memory {
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: u32,
    },
    Crossing,
    /// The crossings in progress.
    Boundary,
    /// What a call into the guest will return, by its number among those in progress.
    Leaving {
        entered: u32,
    },
    /// The sizes of the memories of an instance, in bytes.
    Memories {
        instance: InstanceId,
    },
    /// The sizes of the tables of an instance.
    Tables {
        instance: InstanceId,
    },
    /// Elements of one.
    Table {
        instance: InstanceId,
        table: u32,
        from: u64,
        count: u32,
    },
    /// Of the memory that the crossing in progress reads and writes.
    CrossingMemory {
        address: u64,
        length: u32,
    },
    Instances,
}

/// Asked to go on from where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) watch: Watch,
    pub(crate) stop: StopAt,
    /// Leave checkpoints at these ticks, ascending; they connect with the ids
    /// from `first_id` on.
    pub(crate) leave_at: Vec<Tick>,
    /// Leave checkpoints at intervals of replay time: about so many.
    pub(crate) leave_every: Option<u32>,
    pub(crate) first_id: ReplayerId,
}

/// When a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopAt {
    /// At the first moment that qualifies, or the end.
    First,
    /// The same, but not later than at the first moment of this tick.
    FirstBefore(Tick),
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
    /// Where breakpoints have the visits that their hit conditions speak of.
    Count(Breaks),
    /// Where breakpoints have their visits: so many before this moment, and after it.
    Visits {
        breaks: Breaks,
        present: Position,
        limit: usize,
    },
    /// The ticks in which these bytes change.
    Changes(Vec<MemoryRange>),
    /// Line starts in these functions.
    Lines(LineWatch),
    /// The functions that are entered.
    Entered,
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

/// Breakpoints, and where they are: places name a breakpoint by its index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaks {
    pub(crate) breakpoints: Vec<Break>,
    pub(crate) code: Vec<(usize, ModuleId, u32)>,
    pub(crate) crossings: Vec<(usize, CrossingId, Answers)>,
    /// Numbers of outgoing crossings, ascending.
    pub(crate) events: Vec<(usize, Vec<u64>)>,
    pub(crate) changes: Vec<ChangeWatch>,
}

/// Bytes whose changes are places of a breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeWatch {
    /// Of the breakpoint.
    pub(crate) index: usize,
    pub(crate) range: MemoryRange,
    pub(crate) ticks: ChangedTicks,
}

/// The ticks in which some bytes change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangedTicks {
    /// Ascending. A change that is seen first at the first moment of the tick after is
    /// one of the tick before.
    pub(crate) listed: Vec<Tick>,
    /// From here on, any tick may be one.
    pub(crate) unlisted: Option<Tick>,
}

/// Which answers of a crossing count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answers {
    All,
    Errors,
}

/// One breakpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Break {
    pub(crate) id: BreakpointId,
    pub(crate) condition: Option<String>,
    pub(crate) hits: Hits,
    pub(crate) log: Option<String>,
}

/// Which visits of a breakpoint are hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Hits {
    All,
    None,
    From(Position),
    Before(Position),
    Among(Vec<Position>),
    /// Those, and all after the last of them: nobody counted on.
    AmongAndAfter(Vec<Position>),
    /// Not known yet: to be counted.
    Count(HitCondition),
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

/// What a replayer answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Reply {
    Done,
    /// The run is over; the process stands at `at`.
    Stopped {
        at: Moment,
        hit: Option<Hit>,
    },
    /// The same for line starts before a bound.
    Lines {
        at: Moment,
        hit: Option<Hit>,
        /// The deepest of the frames that count at the bound which were there when
        /// the run began.
        depth: u32,
    },
    /// The functions that were entered, by their first instructions.
    Entered {
        at: Moment,
        functions: Vec<(ModuleId, u32)>,
    },
    /// The same for a run that remembers the last hit, where that is in a tick
    /// that neither begins nor ends the run: where in it, was not worth finding out
    /// for each that may be the last.
    LastIn {
        at: Moment,
        tick: Tick,
    },
    /// The visits that hit conditions speak of, for each breakpoint, and whether
    /// there were too many to tell all.
    Counted {
        at: Moment,
        marks: Vec<(Vec<Position>, bool)>,
    },
    /// The visits before and after the present, and whether there were more.
    Visited {
        before: (Vec<Visit>, bool),
        after: (Vec<Visit>, bool),
    },
    /// For each of the ranges.
    Changed(Vec<ChangedTicks>),
    /// Said while running; the answer to the run is still to come.
    Log(Vec<LogEntry>),
    /// Said while running, now and then: how far it has come.
    Passed(Tick),
    Frames(Vec<Frame>),
    Values(Vec<CoreValue>),
    Bytes(Vec<u8>),
    /// Of memories or tables.
    Sizes(Vec<u64>),
    Elements(Vec<Element>),
    Crossing(Option<Box<CrossingInProgress>>),
    Boundary(Vec<Open>),
    Leaving(CallEnd),
    Instances(Vec<(ModuleId, u32)>),
    /// Only a replayer of the debug variant can tell, or go there.
    NeedsDebug,
    /// It cannot go on: the trace is damaged, or replay diverged.
    Failed(String),
}

/// A moment that qualified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) at: Moment,
    pub(crate) breakpoints: Vec<BreakpointId>,
    /// What has just changed there, of what is watched.
    pub(crate) changed: Vec<Change>,
}

impl Hit {
    /// Of a watch without breakpoints.
    pub(crate) fn plain(at: Moment) -> Hit {
        Hit {
            at,
            breakpoints: Vec::new(),
            changed: Vec::new(),
        }
    }
}

/// The outgoing crossing that the guest is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossingInProgress {
    /// Which crossing it is, who made it, and with which arguments.
    pub calling: Calling,
    /// What it will answer, where the recording tells.
    pub answer: Option<Answer>,
}

/// Sends a message.
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut framed = length.to_le_bytes().to_vec();
    framed.extend_from_slice(&bytes);
    to.write_all(&framed)
}

/// Receives a message.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(io::Error::other("a message between processes is too long"));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(io::Error::other)
}
