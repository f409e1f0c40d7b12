//! The steps of handle tables as a history stores them: what of a crossing the
//! tables need, and no more.

use crate::component::CrossingId;
use crate::inspect::hostcall::lift::Lifted;
use crate::trace::Instance;

/// One step.
#[derive(Debug)]
pub(super) struct StoredStep {
    /// The call out that the step belongs to; for a call into the guest, the last
    /// before it.
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) what: What,
}

/// What a step does, without what its crossing tells.
#[derive(Debug)]
pub(super) enum What {
    /// A function whose first argument is its only handle is called.
    CallsMethod(u32),
    Calls(Box<[(String, Lifted)]>),
    Returns(Option<Box<Lifted>>),
    Enters(Box<[(String, Lifted)]>),
    Leaves(Option<Box<Lifted>>),
    New {
        rep: u32,
        index: u32,
    },
    /// `resource.rep`, `resource.drop` and others that take one index.
    Takes(u32),
    /// A call has not returned: it is a subtask now.
    Pends {
        subtask: u32,
    },
    /// The guest is told of the end of a subtask.
    Resolves {
        subtask: u32,
        result: Option<Box<Lifted>>,
    },
    TaskReturns(Box<Lifted>),
    Joins {
        waitable: u32,
        set: u32,
    },
    Makes(u32),
    MakesPair {
        readable: u32,
        writable: u32,
    },
    /// A copy of elements that hold handles has begun.
    Blocks(u32),
    /// Elements that hold handles have been copied.
    Copies {
        waitable: u32,
        elements: Box<Lifted>,
        is_read: bool,
    },
}

impl What {
    /// How many values of about a hundred bytes it takes.
    pub(super) fn weight(&self) -> usize {
        match self {
            What::Calls(values) | What::Enters(values) => {
                values.iter().map(|(_, value)| weight(value)).sum::<usize>() + 1
            }
            What::Returns(Some(value))
            | What::Leaves(Some(value))
            | What::Resolves {
                result: Some(value),
                ..
            }
            | What::TaskReturns(value)
            | What::Copies {
                elements: value, ..
            } => weight(value) + 1,
            _ => 1,
        }
    }
}

fn weight(value: &Lifted) -> usize {
    let own = match value {
        Lifted::String(text) => 1 + text.text.len() / 100,
        Lifted::Bytes(bytes) => 1 + bytes.head.len() / 100,
        Lifted::Flags(labels) => 1 + labels.len(),
        _ => 1,
    };
    let inside = value.children();
    own + inside.iter().map(|(_, value)| weight(value)).sum::<usize>()
}
