//! The entries of a handle table, and what an index may be taken for.

use std::sync::Arc;

use super::handle_meaning::Meaning;
use super::lifted::HandleKind;
use crate::component::types::{Resource, ValueType};

/// The event at which something happened to a handle, and the crossing it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    pub event: u64,
    /// `wasi:io/streams@0.2.6#[method]output-stream.write`
    pub crossing: Arc<str>,
}

/// What an entry of the table is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    Own(Arc<Resource>),
    /// Lent to the call of an exported function, which must drop it before it
    /// returns.
    Borrow(Arc<Resource>),
    Stream {
        element: Option<Arc<ValueType>>,
        end: End,
    },
    Future {
        element: Option<Arc<ValueType>>,
        end: End,
    },
    Subtask,
    WaitableSet,
    ErrorContext,
}

/// One of the two ends of a stream or future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Readable,
    Writable,
}

/// What a crossing takes an index for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It takes the resource away, so only an `own` will do.
    Own(Arc<Resource>),
    /// An `own` or a `borrow`.
    Resource(Arc<Resource>),
    Stream,
    Future,
    Subtask,
    WaitableSet,
    ErrorContext,
    /// A stream, a future or a subtask.
    Waitable,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub index: u32,
    pub kind: EntryKind,
    /// What the guest gave to `resource.new`, often the address of the object.
    pub rep: Option<u32>,
    pub created: Moment,
    pub uses: u64,
    pub last_use: Option<Moment>,
    /// How many calls under way it is lent to.
    pub lent: u32,
    /// What it stands for, where that can be known.
    pub meaning: Option<Meaning>,
}

impl Entry {
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
    Dropped,
    /// Passed on, as an argument or a result.
    Transferred,
    /// Its index was seen given out again although nothing was seen to end it.
    Displaced,
}

/// An entry that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub entry: Entry,
    pub ending: Ending,
    pub ended: Moment,
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
