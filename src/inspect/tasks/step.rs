//! The steps by which tasks come to be as they are: what of a crossing they need, and no more.

use super::state::{ChannelKind, Side, TaskId};
use crate::component::CrossingId;
use crate::component::status::{CopyAnswer, SubtaskState};
use crate::component::types::ValueType;
use crate::trace::Instance;
use std::sync::{Arc, OnceLock};

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    /// Of a call out and its return, the number of that call; else how many have been made.
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) what: What,
}

/// A stream or future in a value.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) index: u32,
    pub(super) kind: ChannelKind,
    pub(super) element: Option<Arc<ValueType>>,
}

/// The task whose callback it is, once something has told. Who takes the step anew knows it from the
/// beginning.
pub(super) type Whose = Arc<OnceLock<TaskId>>;

/// What a crossing does.
#[derive(Debug)]
pub(super) enum What {
    /// A thread that a task has made begins to run.
    Starts { function: u32, context: u32 },
    /// It is over.
    Stops,
    /// An exported function is called.
    Begins {
        arguments: Arc<str>,
        passed: Box<[Passed]>,
    },
    /// The callback of one is called, with this event: whose it is may be told later only.
    CallsBack(Told, Whose),
    /// An exported function, or its callback, answers what it does next.
    Answers(u32),
    /// An exported function returns and has ended, with this result.
    Ends {
        result: Option<Arc<str>>,
        passed: Box<[Passed]>,
    },
    /// A hostcall is made.
    Calls {
        arguments: Arc<str>,
        lent: Box<[u32]>,
        passed: Box<[Passed]>,
    },
    /// It has its result.
    Returns { passed: Box<[Passed]> },
    /// It has become a subtask.
    Pends {
        subtask: u32,
        state: Option<SubtaskState>,
    },
    /// A built-in does something when it is called, and
    Asks(Asked),
    /// when it returns.
    Answered(Option<Answer>),
}

/// What a callback, or a built-in, tells.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// Nothing has happened.
    Nothing,
    Subtask {
        index: u32,
        state: Option<SubtaskState>,
        result: Option<Arc<str>>,
        passed: Box<[Passed]>,
    },
    Copied {
        index: u32,
        answer: CopyAnswer,
        values: Option<Arc<str>>,
    },
    /// The caller asks the task to end.
    Cancelled,
    /// What there is no event for.
    Unknown,
}

/// What a built-in does when it is called.
#[derive(Debug)]
pub(super) enum Asked {
    Nothing,
    TaskReturn {
        value: Option<Arc<str>>,
        passed: Box<[Passed]>,
    },
    TaskCancel,
    ContextSet(u32, u64),
    /// A thread that is to run this function of a table, with this.
    NewThread {
        function: u32,
        context: u32,
    },
    Join {
        waitable: u32,
        set: u32,
    },
    Backpressure(bool),
    /// To wait or to poll.
    UsesSet(u32),
    DropsSet(u32),
    DropsSubtask(u32),
    CancelsSubtask(u32),
    Copies {
        index: u32,
        side: Side,
        length: u64,
        values: Option<Arc<str>>,
    },
    CancelsCopy(u32),
    DropsEnd(u32, Side),
}

/// What a built-in answers that changes something.
#[derive(Debug)]
pub(super) enum Answer {
    Context(u32, u64),
    NewSet(u32),
    NewChannel {
        kind: ChannelKind,
        element: Option<Arc<ValueType>>,
        readable: u32,
        writable: u32,
    },
    Told(Told),
}

impl What {
    /// What keeping it weighs, in values of about a hundred bytes.
    pub(super) fn weight(&self) -> usize {
        let text = |text: &Arc<str>| text.len() / 100;
        match self {
            What::Begins { arguments, passed } => 2 + text(arguments) + passed.len(),
            What::Calls {
                arguments,
                lent,
                passed,
            } => 2 + text(arguments) + passed.len() + lent.len() / 20,
            What::Returns { passed } | What::Ends { passed, .. } => 2 + passed.len(),
            _ => 2,
        }
    }
}
