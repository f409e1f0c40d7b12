//! The steps of handle tables as a history stores them: what of a crossing the
//! tables need, and no more.

use crate::component::CrossingId;
use crate::inspect::hostcall::lift::Lifted;
use crate::trace::Instance;

/// When a step was taken, in the order of steps: before, at or after the call out
/// with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct When(u64);

impl When {
    /// At the call out with this number.
    pub(super) fn at_call(event: u64) -> When {
        When(event.saturating_mul(2).saturating_add(1))
    }

    /// Between two calls out, after so many.
    pub(super) fn after(events: u64) -> When {
        When(events.saturating_mul(2))
    }
}

/// One step.
#[derive(Debug)]
pub(super) struct StoredStep {
    pub(super) when: When,
    /// The call out that the step belongs to; for a call into the guest, the last
    /// before it.
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) what: What,
}

impl StoredStep {
    /// About how much memory it takes, in bytes.
    pub(super) fn taken(&self) -> usize {
        let values: usize = match &self.what {
            What::Calls(values) | What::Enters(values) => {
                let values = values.iter();
                values
                    .map(|(name, value)| name.len() + 24 + value.taken())
                    .sum()
            }
            What::Returns(value) | What::Leaves(value) | What::Resolves { result: value, .. } => {
                value.as_ref().map_or(0, |value| value.taken())
            }
            What::TaskReturns(value) => value.taken(),
            What::Copies { elements, .. } => elements.taken(),
            What::CallsMethod(_)
            | What::New { .. }
            | What::Takes(_)
            | What::Pends { .. }
            | What::Joins { .. }
            | What::Makes(_)
            | What::MakesPair { .. }
            | What::Blocks(_) => 0,
        };
        values + size_of::<StoredStep>()
    }
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
