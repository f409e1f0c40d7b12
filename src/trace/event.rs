//! Events: what a trace is a sequence of.

use crate::component::CrossingId;
pub use crate::component::Instance;
use crate::component::types::CoreValue;

/// One thing that happened at the core boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Whose core code calls or is called.
    pub instance: Instance,
    /// The crossing that it is an event of.
    pub crossing: CrossingId,
    /// What happened, with the values and bytes that are recorded of it.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// The guest calls out, with these flat arguments.
    Call(Vec<CoreValue>),
    /// The call out returns these flat results.
    Return(Vec<CoreValue>),
    /// The guest is called with these flat arguments.
    Enter(Vec<CoreValue>),
    /// The guest returns these flat results.
    Leave(Vec<CoreValue>),
    /// The far side wrote these bytes into the memory of the crossing.
    Write {
        /// Where in that memory they begin, in bytes.
        address: u64,
        /// What it wrote; a long write may come as several.
        bytes: Vec<u8>,
    },
    /// The hash of the crossing's memory at this point; see
    /// [`raw::memory_hash`](super::raw::memory_hash).
    Hash(u64),
    /// A call out is about to return that is not the last one made, as calls that wait go on
    /// in any order: the guest goes on where it was made. It is a call of the event's crossing,
    /// and its instance made so many calls out after it.
    Resume(u32),
}
