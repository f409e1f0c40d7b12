//! The bodies of requests and answers, as they come and go.

use super::reading::{MOST_OF_BODY, Reading};
use super::things::{End, Pending};
use super::values::word;
use crate::component::CrossingId;
use crate::component::status::{CopyAnswer, EventCode};
use crate::component::types::CoreValue;
use crate::inspect::hostcall::builtin_call::number;
use crate::trace::{Instance, Written};

/// Reads, and writes, that go on at the same time.
const MOST_READS: usize = 1024;
/// Pieces that are kept of what is written while one call is in progress.
const MOST_WRITES: usize = 10_000;

impl Reading<'_> {
    pub(super) fn begin_read(&mut self, instance: Instance, args: &[CoreValue]) {
        let handle = word(args, 0).unwrap_or(0);
        let is_body = matches!(self.things.end(instance, handle), Some(End::Body(_)));
        let (address, room) = (number(args.get(1)), number(args.get(2)));
        if let (true, Some(address), Some(room)) = (is_body, address, room)
            && self.things.reads.len() < MOST_READS
        {
            self.things.reads.insert(
                (instance, handle),
                Pending {
                    address,
                    room,
                    bytes: Vec::new(),
                },
            );
        }
    }

    pub(super) fn begin_write(&mut self, instance: Instance, args: &[CoreValue], event: u64) {
        let handle = word(args, 0).unwrap_or(0);
        let is_body = matches!(
            self.things.end(instance, handle),
            Some(End::Writable { .. })
        );
        if is_body && self.things.writes.len() < MOST_READS {
            self.things.writes.insert((instance, handle), event);
        }
    }

    pub(super) fn write(
        &mut self,
        instance: Instance,
        crossing: CrossingId,
        address: u64,
        bytes: Vec<u8>,
    ) {
        for ((of, _), read) in &mut self.things.reads {
            let offset = address.checked_sub(read.address);
            let inside = offset.filter(|offset| *offset < read.room && *of == instance);
            if let Some(offset) = inside.and_then(|offset| usize::try_from(offset).ok()) {
                let end = offset.saturating_add(bytes.len()).min(MOST_OF_BODY);
                if end > read.bytes.len() {
                    read.bytes.resize(end, 0);
                }
                let room = read.bytes.get_mut(offset..).unwrap_or_default();
                room.iter_mut()
                    .zip(&bytes)
                    .for_each(|(to, from)| *to = *from);
            }
        }
        let Some(answering) = self.written.last_mut() else {
            return;
        };
        let fits = answering.left >= bytes.len() && answering.writes.len() < MOST_WRITES;
        if answering.instance == instance && fits {
            answering.left -= bytes.len();
            answering.writes.push(Written {
                crossing,
                address,
                bytes,
            });
        }
    }

    /// An event tells of a waitable.
    pub(super) fn told(
        &mut self,
        instance: Instance,
        event: u32,
        (waitable, answer): (u32, u32),
        events: u64,
    ) {
        if let Some(EventCode::StreamRead | EventCode::StreamWrite) = EventCode::of(event) {
            // What a callback is told was there when the last call out was made.
            self.copied(instance, waitable, answer, events.saturating_sub(1));
        }
    }

    /// A copy to or from a stream has come so far.
    pub(super) fn copied(&mut self, instance: Instance, handle: u32, answer: u32, events: u64) {
        let CopyAnswer::Ended { count, .. } = CopyAnswer::of(answer) else {
            return;
        };
        let count = u64::from(count);
        let read = self.things.reads.remove(&(instance, handle));
        match self.things.end_mut(instance, handle) {
            Some(End::Body(of)) => {
                let of = *of;
                let mut bytes = read.map_or_else(Vec::new, |read| read.bytes);
                bytes.truncate(usize::try_from(count).unwrap_or(usize::MAX));
                if count > 0 {
                    self.came(of, &bytes, count, events);
                }
            }
            Some(End::Writable { of }) => {
                let of = *of;
                let began = self.things.writes.remove(&(instance, handle));
                let bytes = began.map_or_else(Vec::new, |event| self.said_bytes(event));
                if count == 0 {
                    return;
                }
                match of {
                    Some(of) => self.sent(of, &bytes, count, events),
                    None => {
                        let body = self.things.unsent.entry((instance, handle)).or_default();
                        let known = events.saturating_add(1);
                        body.add(&bytes, count, known, &mut self.bodies_left);
                    }
                }
            }
            Some(End::Readable(_)) | None => {}
        }
    }

    /// A piece of a request's body has come.
    pub(super) fn came(&mut self, of: u32, head: &[u8], length: u64, events: u64) {
        let mut left = self.bodies_left;
        if let Some(request) = self.request(Some(of)) {
            request.received = request.received.saturating_add(length);
            // Known to the call after the one that brought it.
            let known = events.saturating_add(1);
            request.body.add(head, length, known, &mut left);
        }
        self.bodies_left = left;
    }
}
