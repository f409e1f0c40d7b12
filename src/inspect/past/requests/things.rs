//! What the handles of a service stand for that have to do with its requests.

use super::Body;
use crate::trace::Instance;
use std::collections::HashMap;

/// So many are remembered at the same time: of those beyond, nothing is known.
const MOST: usize = 1 << 20;

/// What a handle stands for. Requests are named by their places in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Request(u32),
    Headers(u32),
    /// Headers that the guest has made, by their place in the list of those.
    Fields(u32),
    /// Of a request; of WASI 0.2.
    Body(u32),
    Input(u32),
    Outparam(u32),
    /// An answer: its status, whose it is as far as that is known, and, of WASI 0.3, the
    /// writable end of its body.
    Response {
        status: u16,
        /// Its headers, by their place in the list of those that the guest has made.
        fields: Option<u32>,
        of: Option<u32>,
        body: Option<u32>,
    },
    /// Of an answer; of WASI 0.2.
    OutgoingBody(u32),
    Output(u32),
}

/// A stream of WASI 0.3, by one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The guest reads the body of a request.
    Body(u32),
    /// The end that the guest hands out; the other one has this index.
    Readable(u32),
    /// The guest writes into the body of this request's answer.
    Writable { of: Option<u32> },
}

/// A copy that goes on until an event tells of its end.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) address: u64,
    pub(super) room: u64,
    pub(super) bytes: Vec<u8>,
}

/// The handles of all instances: resources, and streams.
#[derive(Debug, Default)]
pub(super) struct Things {
    things: HashMap<(Instance, u32), Thing>,
    ends: HashMap<(Instance, u32), End>,
    pub(super) reads: HashMap<(Instance, u32), Pending>,
    /// What was written where nobody knows yet whose answer it is.
    pub(super) unsent: HashMap<(Instance, u32), Body>,
    /// The calls that writes began with that go on, by the writable end.
    pub(super) writes: HashMap<(Instance, u32), u64>,
}

impl Things {
    pub(super) fn put(&mut self, instance: Instance, handle: u32, thing: Thing) {
        if self.things.len() < MOST {
            self.things.insert((instance, handle), thing);
        }
    }

    pub(super) fn get(&self, instance: Instance, handle: u32) -> Option<Thing> {
        self.things.get(&(instance, handle)).copied()
    }

    pub(super) fn get_mut(&mut self, instance: Instance, handle: u32) -> Option<&mut Thing> {
        self.things.get_mut(&(instance, handle))
    }

    /// It is dropped, or handed on.
    pub(super) fn take(&mut self, instance: Instance, handle: u32) -> Option<Thing> {
        self.things.remove(&(instance, handle))
    }

    pub(super) fn put_end(&mut self, instance: Instance, handle: u32, end: End) {
        if self.ends.len() < MOST {
            self.ends.insert((instance, handle), end);
        }
    }

    pub(super) fn end(&self, instance: Instance, handle: u32) -> Option<End> {
        self.ends.get(&(instance, handle)).copied()
    }

    pub(super) fn end_mut(&mut self, instance: Instance, handle: u32) -> Option<&mut End> {
        self.ends.get_mut(&(instance, handle))
    }

    pub(super) fn take_end(&mut self, instance: Instance, handle: u32) -> Option<End> {
        self.reads.remove(&(instance, handle));
        self.writes.remove(&(instance, handle));
        self.unsent.remove(&(instance, handle));
        self.ends.remove(&(instance, handle))
    }
}
