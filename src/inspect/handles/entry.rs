//! The entries of a handle table, and what an index may be taken for.

use std::sync::Arc;

use super::meaning::Meaning;
use crate::component::types::{Resource, ValueType};
use crate::inspect::hostcall::lifted::HandleKind;

/// The event at which something happened to a handle, and the crossing it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The number of the call out; for a call into the guest, of the last one before it.
    pub event: u64,
    /// `wasi:io/streams@0.2.6#[method]output-stream.write`
    pub crossing: Arc<str>,
}

/// What an entry of the table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A resource of this type that the guest owns.
    Own(Arc<Resource>),
    /// Lent to the call of an exported function, which must drop it before it
    /// returns.
    Borrow(Arc<Resource>),
    /// An end of a `stream<T>`.
    Stream {
        /// `T`; `None` for a stream that carries no values.
        element: Option<Arc<ValueType>>,
        /// Which of the two.
        end: End,
    },
    /// An end of a `future<T>`.
    Future {
        /// `T`; `None` for a future that carries no value.
        element: Option<Arc<ValueType>>,
        /// Which of the two.
        end: End,
    },
    /// An asynchronous call by the guest that did not return at once.
    Subtask,
    /// What `waitable-set.new` makes.
    WaitableSet,
    /// What `error-context.new` makes; it stays when it is passed on.
    ErrorContext,
}

/// One of the two ends of a stream or future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// For reading; values of type `stream` and `future` are these ends.
    Readable,
    /// For writing.
    Writable,
}

/// What a crossing takes an index for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It takes the resource away, so only an `own` will do.
    Own(Arc<Resource>),
    /// An `own` or a `borrow`.
    Resource(Arc<Resource>),
    /// Either end of a stream.
    Stream,
    /// Either end of a future.
    Future,
    /// For `subtask.cancel` and `subtask.drop`.
    Subtask,
    /// To wait for, to poll, to join or to drop.
    WaitableSet,
    /// To pass on, to drop, or for its debug message.
    ErrorContext,
    /// A stream, a future or a subtask.
    Waitable,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleEntry {
    /// Its place in the table of its instance, from 1.
    pub index: u32,
    /// What the index stands for, with its type.
    pub kind: EntryKind,
    /// What the guest gave to `resource.new`, often the address of the object.
    pub rep: Option<u32>,
    /// When the guest made it or received it.
    pub created: Occasion,
    /// How often crossings took it without ending it.
    pub uses: u64,
    /// The last of those; `None` if there was none.
    pub last_use: Option<Occasion>,
    /// How many calls under way it is lent to.
    pub lent: u32,
    /// What it stands for, where that can be known.
    pub meaning: Option<Meaning>,
}

impl HandleEntry {
    /// The whole name of its resource type, if it is of one and that has a name.
    pub fn resource_name(&self) -> Option<String> {
        match &self.kind {
            EntryKind::Own(resource) | EntryKind::Borrow(resource) => {
                resource.name.as_ref().map(ToString::to_string)
            }
            _ => None,
        }
    }
}

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By `resource.drop` or the like of its kind, such as `stream.drop-readable`.
    Dropped,
    /// Passed on, as an argument or a result.
    Transferred,
    /// Its index was seen given out again although nothing was seen to end it.
    Displaced,
}

/// An entry that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedEntry {
    /// As it was at its end.
    pub entry: HandleEntry,
    /// What became of it.
    pub ending: Ending,
    /// When, and in which crossing; of a displaced one, when that was seen.
    pub ended: Occasion,
}

impl From<&HandleKind> for EntryKind {
    /// What a handle of this type becomes in the table of who receives it.
    fn from(kind: &HandleKind) -> Self {
        let end = End::Readable;
        match kind {
            HandleKind::Own(resource) => EntryKind::Own(resource.clone()),
            HandleKind::Borrow(resource) => EntryKind::Borrow(resource.clone()),
            HandleKind::Stream(element) => EntryKind::Stream {
                element: element.clone(),
                end,
            },
            HandleKind::Future(element) => EntryKind::Future {
                element: element.clone(),
                end,
            },
            HandleKind::ErrorContext => EntryKind::ErrorContext,
        }
    }
}

impl From<&HandleKind> for Wanted {
    /// What an argument or a result of this type takes an index for.
    fn from(kind: &HandleKind) -> Self {
        match kind {
            HandleKind::Own(resource) => Self::Own(resource.clone()),
            HandleKind::Borrow(resource) => Self::Resource(resource.clone()),
            HandleKind::Stream(_) => Self::Stream,
            HandleKind::Future(_) => Self::Future,
            HandleKind::ErrorContext => Self::ErrorContext,
        }
    }
}

impl Wanted {
    pub(super) fn accepts(&self, kind: &EntryKind) -> bool {
        use EntryKind as K;
        match (self, kind) {
            (Self::Own(wanted), K::Own(found)) => is_same_type(wanted, found),
            (Self::Resource(wanted), K::Own(found) | K::Borrow(found)) => {
                is_same_type(wanted, found)
            }
            (Self::Stream | Self::Waitable, K::Stream { .. })
            | (Self::Future | Self::Waitable, K::Future { .. })
            | (Self::Subtask | Self::Waitable, K::Subtask)
            | (Self::WaitableSet, K::WaitableSet)
            | (Self::ErrorContext, K::ErrorContext) => true,
            _ => false,
        }
    }
}

/// Whether two uses are of one resource type. Where a component exports a type of its
/// own, the type has a name in one use and none in the other.
pub(super) fn is_same_type(a: &Resource, b: &Resource) -> bool {
    a.id == b.id
}
