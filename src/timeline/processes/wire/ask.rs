//! What can be asked of a replayer, and the type of each answer.

use super::breaks::Breaks;
use super::found::{Ahead, ChangedTicks, Counted, Reached, RunEnd, Visited};
use super::greeting::{Refusal, ReplayerId};
use super::run::{Leave, Run};
use super::told::ToldVisits;
use crate::component::types::CoreValue;
use crate::component::{CrossingId, ModuleId};
use crate::replay::boundary::Open;
use crate::replay::frames::Frame;
use crate::replay::tables::Element;
use crate::replay::{Answer, Calling, GuestStack, InstanceId, Position, Split, Tick};
use crate::timeline::travel::motion::{LogEntry, MemoryRange};
use crate::trace::{CallEnd, Instance};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A message to a replayer that stands still, and what it answers.
pub(crate) trait Ask: Into<Request> {
    type Answer: Serialize + DeserializeOwned;
}

/// A question, which is answered at once: the replayer stands still before and after.
pub(crate) trait Question: Ask {}

/// An errand, for which the guest runs. When it is over, the replayer stands still
/// again. What it says meanwhile is a [`Saying`].
pub(crate) trait Errand: Ask {}

/// The answer to a question.
pub(crate) type Answered<Q> = Result<<Q as Ask>::Answer, Refusal>;

/// What a replayer says that is on an errand.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Saying<A> {
    Meanwhile(Meanwhile),
    /// The errand is over, and the replayer stands still.
    Over(Result<A, Refusal>),
    /// It has been told to halt, and stands still here; the errand is given up.
    Halted(Reached),
}

/// What it says before that.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Meanwhile {
    Log(Vec<LogEntry>),
    /// Now and then: how far it has come.
    Passed(Tick),
}

/// The table of requests: whether each is a question or an errand, and the type of its
/// answer.
macro_rules! requests {
    ($($kind:ident $request:ident => $answer:ty;)*) => {
        /// What a replayer can be told.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) enum Request {
            $($request(Box<$request>),)*
            /// To one on an errand: halt where the guest is. One that stands still has been
            /// quicker than this, and passes it over.
            Halt,
            /// To one that stands still, and is not answered: nobody needs its memory now.
            Pack,
        }

        $(
            impl Ask for $request {
                type Answer = $answer;
            }

            impl $kind for $request {}

            impl From<$request> for Request {
                fn from(request: $request) -> Request {
                    Request::$request(Box::new(request))
                }
            }
        )*
    };
}

requests! {
    Question Fork => u32;
    Question Grow => Reached;
    Question MoveTo => ();
    Question Frames => Vec<Frame>;
    Question OnStack => Vec<CallOnStack>;
    Question Splits => Vec<Split>;
    Question Waits => bool;
    Question Stacks => Vec<GuestStack>;
    Question Locals => Vec<CoreValue>;
    Question Operands => Vec<CoreValue>;
    Question Globals => Vec<CoreValue>;
    Question Memories => Vec<u64>;
    Question Memory => Vec<u8>;
    Question Tables => Vec<u64>;
    Question Table => Vec<Element>;
    Question Crossing => Option<CrossingInProgress>;
    Question CrossingMemory => Vec<u8>;
    Question Boundary => Vec<Open>;
    Question MemoryOf => Option<(InstanceId, u32)>;
    Question Leaving => CallEnd;
    Question Instances => Vec<(ModuleId, u32)>;
    Errand Run => RunEnd;
    Errand RunAhead => Ahead;
    Errand CountVisits => Vec<Counted>;
    Errand ListVisits => Visited;
    Errand TellVisits => ToldVisits;
    Errand FindChanges => Vec<ChangedTicks>;
    Errand ListEntered => Vec<(ModuleId, u32)>;
}

/// Leave a copy of this process, which connects with this id: the copy's process id.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Fork(pub(crate) ReplayerId);

/// There is more of the recording now: where the replayer stands, which is not the end any more
/// if it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grow {
    /// How often it has grown.
    pub(crate) number: u32,
    /// A file that says how far it goes.
    pub(crate) extent: PathBuf,
}

/// From now on copies of this process connect to this socket: it belongs to another pool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MoveTo(pub(crate) PathBuf);

/// The guest's frames, innermost first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Frames;

/// The calls into the guest on the stack that runs, outermost first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct OnStack;

/// Where stacks were split so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Splits;

/// A call into the guest on the stack that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallOnStack {
    /// Which it is, of all calls into the guest.
    pub(crate) serial: u64,
    /// How many frames are outside of it.
    pub(crate) outside: u32,
}

/// Whether the innermost of these calls into the guest that is in progress waits, while another
/// stack runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waits(pub(crate) Vec<u64>);

/// The stacks that the guest has, that which runs first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Stacks;

/// The locals of a frame, by its index among the frames.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Locals {
    pub(crate) frame: u32,
}

/// The operand stack of a frame, bottom first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Operands {
    pub(crate) frame: u32,
}

/// The globals of an instance.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Globals(pub(crate) InstanceId);

/// The sizes of the memories of an instance, in bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Memories(pub(crate) InstanceId);

/// Bytes of a memory: fewer where it ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Memory(pub(crate) MemoryRange);

/// The sizes of the tables of an instance.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Tables(pub(crate) InstanceId);

/// Elements of a table: fewer where it ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) instance: InstanceId,
    pub(crate) table: u32,
    pub(crate) from: u64,
    pub(crate) count: u32,
}

/// The outgoing crossing that the guest is in.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Crossing;

/// Bytes of the memory that this crossing reads and writes: fewer where it ends.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct CrossingMemory {
    pub(crate) address: u64,
    pub(crate) length: u32,
}

/// The crossings in progress, outermost first.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Boundary;

/// The memory that a crossing of a component instance reads and writes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct MemoryOf {
    pub(crate) instance: Instance,
    pub(crate) crossing: CrossingId,
}

/// What a call into the guest will return, by its number among those in progress.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Leaving {
    pub(crate) entered: u32,
}

/// The core instances made so far: module and component instance.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Instances;

/// To the end, in the background: what it leaves on its way, and what it notes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunAhead(pub(crate) Leave);

/// The visits of these breakpoints, for each of them, and those that its hit condition speaks
/// of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CountVisits {
    pub(crate) breaks: Breaks,
    /// Not farther than this moment; `None` for the end.
    pub(crate) last: Option<Position>,
    /// How many each had before; `None` if it is not known, and only their number is wanted.
    pub(crate) before: Option<Vec<u64>>,
}

/// To the end: the visits of places, so many before the present and after it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ListVisits {
    pub(crate) places: Breaks,
    pub(crate) present: Position,
    pub(crate) limit: usize,
    /// Not farther than this moment; `None` for the end.
    pub(crate) last: Option<Position>,
}

/// To the end: how many visits of one breakpoint there are, with what is to be told of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TellVisits {
    pub(crate) breaks: Breaks,
    /// With expressions in braces: evaluated at each visit.
    pub(crate) messages: Vec<String>,
    /// So many visits are told that come first.
    pub(crate) first: usize,
    /// And so many that come last.
    pub(crate) newest: usize,
    /// Of so many at the beginning nothing is told or evaluated: they only count.
    pub(crate) skipped: u64,
    /// After so many visits it is over; `None` if all count.
    pub(crate) enough: Option<usize>,
    /// Not farther than this moment; `None` for the end.
    pub(crate) last: Option<Position>,
}

/// To the end: the ticks in which these bytes change, for each of the ranges. For a
/// replayer of a variant that watches stores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FindChanges {
    pub(crate) ranges: Vec<MemoryRange>,
    /// Not farther than this tick, or a little.
    pub(crate) until: Option<Tick>,
    pub(crate) leave: Leave,
}

/// To this position: the functions that are entered, by their first instructions.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ListEntered {
    pub(crate) before: Position,
}

/// The outgoing crossing that the guest is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossingInProgress {
    /// Which crossing it is, who made it, and with which arguments.
    pub calling: Calling,
    /// What it will answer, where the recording tells.
    pub answer: Option<Answer>,
}
