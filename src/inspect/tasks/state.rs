//! What there is of tasks at a moment.

use super::step::Whose;
use crate::component::CrossingId;
use crate::component::status::{CopyAnswer, SubtaskState};
use crate::component::types::ValueType;
use crate::trace::Instance;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of a task: the calls of exported functions, counted from 1 in the order in which they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// The number of a stream or future, from 1 in the order in which they were first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u64);

/// Everything at one moment. What happens by a hostcall has its number; what happens between two has the
/// number of the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tasks {
    pub(super) begun: u64,
    pub(super) channels_seen: u64,
    pub(super) tasks: BTreeMap<TaskId, Task>,
    pub(super) holdings: BTreeMap<Instance, Holdings>,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    /// What is in progress, in the order in which it began.
    pub(super) frames: Vec<Frame>,
    /// The task whose code runs, or is in the hostcall that was made last.
    pub(super) current: Option<TaskId>,
    /// Tasks of which one has ended, when it did, and nothing has told which yet.
    pub(super) unclear: Vec<(Vec<TaskId>, u64)>,
    /// Threads that have not begun to run: the function and what it is given, and who made them.
    pub(super) threads: Vec<(Thread, Option<TaskId>)>,
}

/// A thread that has not begun: of which instance, the function in a table, and what it is given.
pub(super) type Thread = (Instance, u32, u32);

/// What one instance holds by index, as far as it is waited for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    pub(super) items: BTreeMap<u32, Item>,
    pub(super) backpressure: u32,
    /// The hostcall since which it takes no new calls, and the task that made it.
    pub(super) held_back: Option<(u64, Option<TaskId>)>,
}

/// A call of an exported function that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Whose function was called.
    pub instance: Instance,
    /// Which one.
    pub function: CrossingId,
    /// What it was given, as WAVE: `name: value, …`.
    pub arguments: Arc<str>,
    /// Who called it.
    pub caller: Caller,
    /// When it began.
    pub begun: u64,
    /// When its code ran last, or began to.
    pub ran: u64,
    /// How often its callback has been called.
    pub callbacks: u32,
    /// How it stands.
    pub state: TaskState,
    /// What it has handed to its caller, though it may go on.
    pub returned: Option<Returned>,
    /// When its caller asked it to end, as far as it has been told.
    pub cancelled: Option<u64>,
    /// What it has left in the slots of its task-local storage.
    pub context: [Option<u64>; 2],
}

/// Who called a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Whoever runs the component.
    Host,
    /// Another instance, by the hostcall with this number.
    Call {
        /// The instance that calls.
        instance: Instance,
        /// The number of its call.
        event: u64,
        /// The task that made it, if it is known.
        task: Option<TaskId>,
    },
}

/// How it stands with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Its code runs.
    Running,
    /// Its code is in this hostcall.
    Calling(u64),
    /// It has returned to the runtime, and goes on when a member of this waitable set has an event.
    Waiting {
        /// The set's index.
        set: u32,
        /// Since when.
        since: u64,
    },
    /// It has returned to the runtime, and goes on when it is its turn.
    Yielded {
        /// Since when.
        since: u64,
    },
}

/// What a task has handed to its caller by `task.return`, or that it has ended without: `task.cancel`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// When.
    pub event: u64,
    /// As WAVE; `None` if there is no value.
    pub value: Option<Arc<str>>,
    /// Whether it was `task.cancel`.
    pub is_cancelled: bool,
}

/// Something that an instance holds by an index and that tasks wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A call that has not returned at once.
    Subtask(Subtask),
    /// What tasks wait at.
    Set(WaitableSet),
    /// An end of a stream or future.
    End(End),
}

/// A call that an instance has made and that did not return at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtask {
    /// The number of the call.
    pub event: u64,
    /// What was called.
    pub function: CrossingId,
    /// What it was given, as WAVE: `name: value, …`.
    pub arguments: Arc<str>,
    /// The task that made the call, if it is known.
    pub caller: Option<TaskId>,
    /// The task that the call is in another instance of the recording; `None` if the host answers it, and
    /// before that instance takes it.
    pub callee: Option<TaskId>,
    /// How it stands.
    pub progress: SubtaskProgress,
    /// When the caller asked it to end.
    pub cancelled: Option<u64>,
    /// Indices of resources that it is lent until the caller is told of its end.
    pub lent: Vec<u32>,
    /// The set that it is a member of.
    pub set: Option<u32>,
    pub(super) carried: Carried,
}

/// Streams and futures that cross with a call between two instances of the recording, in order: who
/// receives them finds them here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) there: Vec<ChannelId>,
    pub(super) back: Vec<ChannelId>,
}

/// How far a subtask has come, as its caller was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubtaskProgress {
    /// The state; `None` where the recording has a code that there is not.
    pub state: Option<SubtaskState>,
    /// When the caller was told.
    pub told: u64,
    /// What it has returned, as WAVE.
    pub result: Option<Arc<str>>,
}

/// A waitable set. Its members are the [`Item`]s that name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitableSet {
    /// When it was made.
    pub made: u64,
    /// The task that made it, if it is known.
    pub task: Option<TaskId>,
    /// When it was used last.
    pub used: u64,
}

/// An end of a stream or future, as who holds it knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which stream or future.
    pub channel: ChannelId,
    /// Which end.
    pub side: Side,
    /// What is being read or written.
    pub copying: Option<Copying>,
    /// The last read or write that has ended.
    pub moved: Option<Moved>,
    /// How many values have been read or written by this holder.
    pub count: u64,
    /// When the holder was told that the other end has been dropped.
    pub other_dropped: Option<u64>,
    /// When it came into the table of its holder.
    pub came: u64,
    /// The task that used it last, or received it.
    pub task: Option<TaskId>,
    /// When it was used last.
    pub used: u64,
    /// The set that it is a member of.
    pub set: Option<u32>,
}

/// An end that its holder never read or wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Whose it is, or was.
    pub instance: Instance,
    /// Its index.
    pub index: u32,
    /// `stream<u8>`
    pub channel: String,
    /// When it was dropped; `None` if it never was.
    pub dropped: Option<u64>,
    /// As it was then.
    pub end: End,
}

impl End {
    /// Whether nothing has ever been read from it or written to it.
    pub fn is_unused(&self) -> bool {
        self.count == 0 && self.moved.is_none() && self.copying.is_none()
    }
}

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// For reading.
    Readable,
    /// For writing.
    Writable,
}

/// A read or a write that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copying {
    /// The hostcall that began it.
    pub event: u64,
    /// For how many values there is room, or how many there are; one of a future.
    pub length: u64,
    /// What is written, as WAVE, as it was when the write began.
    pub values: Option<Arc<str>>,
    /// When the holder asked it to end.
    pub cancelled: Option<u64>,
    /// How many values the other end has taken or given by now, which the holder is still to be told.
    pub met: u64,
    /// The other end has been dropped, which the holder is still to be told.
    pub is_dropped: bool,
}

impl Copying {
    /// Whether its event is there, and the holder has only to be told.
    pub fn is_pending(&self) -> bool {
        self.met > 0 || self.is_dropped
    }
}

/// A read or a write that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// When the holder was told.
    pub event: u64,
    /// How it ended.
    pub answer: CopyAnswer,
    /// The values, as WAVE.
    pub values: Option<Arc<str>>,
}

/// A stream or a future.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Which of both.
    pub kind: ChannelKind,
    /// The type of its values; `None` if it carries none.
    pub element: Option<Arc<ValueType>>,
    /// When it was first seen.
    pub made: u64,
    /// The task that was running then.
    pub task: Option<TaskId>,
    /// Who has the end that is read.
    pub readable: Holder,
    /// Who has the end that is written.
    pub writable: Holder,
    /// Whether an instance of the recording is still to receive an end.
    pub(super) is_awaited: bool,
}

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// `stream<T>`
    Stream,
    /// `future<T>`
    Future,
}

/// Who has an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// An instance, at this index.
    Instance(Instance, u32),
    /// It was given away by a hostcall, or the result of a task, and has not been seen since.
    Given {
        /// When.
        event: u64,
        /// Which function's argument or result it was.
        by: CrossingId,
    },
    /// It has never been seen: who gave the other end has it.
    Outside {
        /// When the other end came.
        event: u64,
        /// What brought it.
        by: CrossingId,
    },
    /// It has been dropped.
    Dropped {
        /// When.
        event: u64,
        /// By whom.
        by: Instance,
    },
}

/// A callback of which it is not known yet whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unknown {
    /// Those that it may be of.
    pub(super) candidates: Vec<TaskId>,
    /// Where that is kept for who takes the step anew.
    pub(super) whose: Whose,
    /// When it was entered.
    pub(super) since: u64,
    /// It was entered with the wish that it ends.
    pub(super) is_cancelled: bool,
    /// What it has returned.
    pub(super) returned: Option<Returned>,
}

/// A call in progress, into the guest or out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// An exported function, its callback, or something else that is called of an instance.
    Entry {
        instance: Instance,
        crossing: CrossingId,
        /// Whose turn it is; `None` while that is not known, and for what is no task.
        task: Option<TaskId>,
        /// As long as that is not known of a callback.
        unknown: Option<Unknown>,
    },
    Call {
        instance: Instance,
        crossing: CrossingId,
        event: u64,
        /// The task that called.
        task: Option<TaskId>,
        arguments: Arc<str>,
        lent: Vec<u32>,
        carried: Carried,
        /// The task that it has become.
        callee: Option<TaskId>,
        /// The set, or the end of a stream or future, that it waits at.
        waits_at: Option<u32>,
    },
}

impl Tasks {
    /// The tasks, in the order in which they began.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    /// How many have begun so far.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// The task with this number, if it has not ended.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(&id)
    }

    /// The one whose code runs, or is in the innermost hostcall.
    pub fn running(&self) -> Option<TaskId> {
        self.current
    }

    /// The instances that hold something, or hold back calls.
    pub fn instances(&self) -> impl Iterator<Item = Instance> {
        self.holdings.keys().copied()
    }

    /// What an instance holds, by index.
    pub fn items(&self, instance: Instance) -> impl Iterator<Item = (u32, &Item)> {
        let holdings = self.holdings.get(&instance).into_iter();
        holdings.flat_map(|holdings| holdings.items.iter().map(|(index, item)| (*index, item)))
    }

    /// All that is held, by instance and index.
    pub fn all_items(&self) -> impl Iterator<Item = (Instance, u32, &Item)> {
        let holdings = self.holdings.iter();
        holdings.flat_map(|(instance, holdings)| {
            let items = holdings.items.iter();
            items.map(|(index, item)| (*instance, *index, item))
        })
    }

    /// What is at an index.
    pub fn item(&self, instance: Instance, index: u32) -> Option<&Item> {
        self.holdings.get(&instance)?.items.get(&index)
    }

    /// The members of a waitable set.
    pub fn members(&self, instance: Instance, set: u32) -> impl Iterator<Item = (u32, &Item)> {
        self.items(instance)
            .filter(move |(_, item)| item.set() == Some(set))
    }

    /// The calls that a task has made and that did not return at once.
    pub fn subtasks_of(&self, task: TaskId) -> impl Iterator<Item = (Instance, u32, &Subtask)> {
        self.all_items()
            .filter_map(move |(instance, index, item)| match item {
                Item::Subtask(subtask) if subtask.caller == Some(task) => {
                    Some((instance, index, subtask))
                }
                _ => None,
            })
    }

    /// Why an instance takes no new calls: how often it has said so without taking it back.
    pub fn backpressure(&self, instance: Instance) -> u32 {
        let holdings = self.holdings.get(&instance);
        holdings.map_or(0, |holdings| holdings.backpressure)
    }

    /// The hostcall since which an instance takes no new calls, and the task that made it.
    pub fn held_back(&self, instance: Instance) -> Option<(u64, Option<TaskId>)> {
        self.holdings.get(&instance)?.held_back
    }

    /// The hostcalls that a task is in, with what it waits at: more than one if it has threads.
    pub(super) fn calls_of(&self, id: TaskId) -> impl Iterator<Item = InCall> {
        self.frames.iter().filter_map(move |frame| match frame {
            Frame::Call {
                event,
                crossing,
                task,
                callee,
                waits_at,
                ..
            } if *task == Some(id) => Some(InCall {
                event: *event,
                crossing: *crossing,
                callee: *callee,
                waits_at: *waits_at,
            }),
            _ => None,
        })
    }

    /// The hostcall in progress that was made last, if nothing has been entered in it.
    pub(super) fn last_call(&self) -> Option<u64> {
        match self.frames.last()? {
            Frame::Call { event, .. } => Some(*event),
            Frame::Entry { .. } => None,
        }
    }

    /// A stream or future that somebody still has an end of.
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// So many parts it has: what copying it costs.
    pub(super) fn parts(&self) -> usize {
        let items = self.holdings.values().map(|holdings| holdings.items.len());
        self.tasks.len() + self.frames.len() + self.channels.len() + items.sum::<usize>()
    }
}

/// A hostcall that a task is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct InCall {
    pub(super) event: u64,
    pub(super) crossing: CrossingId,
    pub(super) callee: Option<TaskId>,
    pub(super) waits_at: Option<u32>,
}

impl Item {
    /// The set that it is a member of.
    pub fn set(&self) -> Option<u32> {
        match self {
            Item::Subtask(subtask) => subtask.set,
            Item::End(end) => end.set,
            Item::Set(_) => None,
        }
    }
}

impl Channel {
    /// Who has this end.
    pub fn holder(&self, side: Side) -> Holder {
        match side {
            Side::Readable => self.readable,
            Side::Writable => self.writable,
        }
    }

    pub(super) fn holder_mut(&mut self, side: Side) -> &mut Holder {
        match side {
            Side::Readable => &mut self.readable,
            Side::Writable => &mut self.writable,
        }
    }
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Readable => Side::Writable,
            Side::Writable => Side::Readable,
        }
    }
}
