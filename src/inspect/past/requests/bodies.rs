//! The bodies of requests and answers, as they come and go.

use super::reading::{MOST_OF_BODY, Reading};
use super::things::{End, Pending};
use super::values::word;
use crate::component::CrossingId;
use crate::component::status::{CopyAnswer, EventCode};
use crate::component::types::CoreValue;
use crate::inspect::hostcall::builtin_call::number;
use crate::trace::{Instance, Written};

/// Pieces of one body whose coming is kept.
const MOST_PIECES: usize = 1000;
/// Reads that go on at the same time.
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
            Some(End::Writable { sent, of }) => {
                *sent = sent.saturating_add(count);
                if let Some(of) = *of {
                    self.sent(of, count);
                }
            }
            Some(End::Readable(_)) | None => {}
        }
    }

    /// A piece of a request's body has come.
    pub(super) fn came(&mut self, of: u32, head: &[u8], length: u64, events: u64) {
        let left = self.bodies_left;
        let Some(request) = self.request(Some(of)) else {
            return;
        };
        let body = &mut request.body;
        // What follows a gap is not what comes next.
        let is_whole = request.received == body.head.len() as u64;
        request.received = request.received.saturating_add(length);
        let room = MOST_OF_BODY.saturating_sub(body.head.len()).min(left);
        let kept = head.get(..room.min(head.len())).unwrap_or_default();
        if is_whole {
            body.head.extend_from_slice(kept);
            self.bodies_left = left - kept.len();
        }
        let request = self.request(Some(of));
        if let Some(request) = request.filter(|request| request.body.came.len() < MOST_PIECES) {
            // Known to the call after the one that brought it.
            let known = events.saturating_add(1);
            request.body.came.push((known, request.received));
        }
    }

    pub(super) fn sent(&mut self, of: u32, bytes: u64) {
        if let Some(request) = self.request(Some(of)) {
            request.sent = request.sent.saturating_add(bytes);
        }
    }
}
