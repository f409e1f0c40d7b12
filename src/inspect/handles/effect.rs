//! What crossings do to a handle table, and what comes of it.

use std::sync::Arc;

use super::entry::{EndedEntry, EntryKind, Occasion, Wanted};
use super::problem::Finding;
use crate::component::types::Resource;
use crate::inspect::hostcall::lift::Lifted;

/// One step of a crossing, as a handle table sees it.
#[derive(Debug, Clone)]
pub struct TableStep<'a> {
    /// When, and in which crossing.
    pub occasion: Occasion,
    /// What the table is told.
    pub effect: Effect<'a>,
}

/// What a crossing does to the handle table of the instance that makes it.
#[derive(Debug, Clone)]
pub enum Effect<'a> {
    /// The guest calls a lowered function, with these arguments.
    Calls(&'a [(String, Lifted)]),
    /// The lowered function called last returns.
    Returns(Option<&'a Lifted>),
    /// An exported function is called, with these arguments.
    Enters(&'a [(String, Lifted)]),
    /// The exported function called last returns. What it handed to `task.return`
    /// comes as [`Effect::TaskReturns`].
    Leaves(Option<&'a Lifted>),
    /// The guest hands its result, if any, to `task.return`.
    TaskReturns(Option<&'a Lifted>),
    /// An exported function that is asynchronous is called, with these arguments: it
    /// may return before it is done, and drop what it borrowed later.
    Starts(&'a [(String, Lifted)]),
    /// The asynchronous function called last has not returned: it is a subtask.
    Pends {
        /// The index that the runtime gave it.
        subtask: u32,
        /// Whether handles go with its arguments or come with its result: when, is
        /// not seen.
        moves_handles: bool,
    },
    /// A copy of elements that hold handles has begun.
    Blocks(u32),
    /// Elements that hold handles have been copied.
    Copies {
        /// The end of the stream or future.
        waitable: u32,
        /// Those that were copied, as a list.
        elements: &'a Lifted,
        /// Whether they came to the guest; otherwise they went from it.
        is_read: bool,
    },
    /// An asynchronous call that was pending has its result.
    Resolves {
        /// Its index.
        subtask: u32,
        /// `None` if it has no handles, or the call was cancelled.
        result: Option<&'a Lifted>,
    },
    /// `resource.new` answered this index.
    New {
        /// The type of the new resource.
        resource: Arc<Resource>,
        /// What the guest gave for it, often the address of an object.
        rep: u32,
        /// The new `own`.
        index: u32,
    },
    /// `resource.rep`
    Rep {
        /// The type that the built-in is for.
        resource: Arc<Resource>,
        /// The handle whose rep is asked for.
        index: u32,
    },
    /// `resource.drop`
    DropResource {
        /// The type that the built-in is for.
        resource: Arc<Resource>,
        /// The handle, an `own` or a `borrow`.
        index: u32,
    },
    /// A built-in made a stream, a future, a waitable set, …
    Creates {
        /// What it made.
        kind: EntryKind,
        /// The index that it answered.
        index: u32,
    },
    /// A built-in used one.
    Uses {
        /// The entry that it takes.
        index: u32,
        /// What it takes the index for.
        wanted: Wanted,
    },
    /// A built-in dropped one.
    Drops {
        /// The entry that goes.
        index: u32,
        /// What it takes the index for.
        wanted: Wanted,
    },
}

/// What a step changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An entry came into the table.
    Entered {
        /// Its index.
        index: u32,
    },
    /// An entry left the table.
    Ended(EndedEntry),
    /// The step does not fit the table: a mistake of the guest's, or something that
    /// crossed unseen.
    Wrong(Finding),
}
