//! The tail of the recording being made: what recorders hold and what they have
//! committed, in memory shared with a file. `trace::tail` tells what is where, and
//! why each step ends with one store.

mod buffers;

pub(super) use buffers::{HeldRecords, RecorderMemory, Terms};

use super::clock::Clock;
use super::shared::{self, Mapping};
use crate::instrument::record::BUFFER_LENGTH;
use crate::trace::Instance;
use crate::trace::tail::{
    self, BACKLOG, ENTRY, FILLER, HEADER, IDENTITY, MAGIC, RECORDS_START, VERSION, at, entry_size,
};
use buffers::Buffer;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// No more buffers get their room in advance.
const RESERVED: u64 = 64;

/// Whether records could be put into the backlog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Push {
    Done,
    /// There is no room until something has been written out.
    Full,
    /// There never is room for so much.
    TooLarge,
}

/// The tail: header, backlog, buffers.
pub(super) struct Tail {
    file: Arc<File>,
    header: Mapping,
    backlog: Arc<Mapping>,
    clock: Arc<Clock>,
    buffers: Vec<Buffer>,
    /// Bytes of the file that are in use.
    length: u64,
    /// Bytes that it has.
    allocated: u64,
    /// Bytes put into the backlog since the beginning, and written out of it.
    end: u64,
    start: u64,
    /// Which of the two states is in use.
    state: usize,
}

impl Tail {
    /// A tail in an empty file, with room for the buffers of so many instances: if
    /// there is none, that is better known before anything runs.
    pub(super) fn new(file: File, instances: u64) -> io::Result<Tail> {
        let length = (HEADER + BACKLOG) as u64;
        let buffers = instances.min(RESERVED) * u64::from(BUFFER_LENGTH);
        shared::allocate(&file, 0, length + buffers)?;
        tail::hold(&file);
        Ok(Tail {
            header: Mapping::new(&file, 0, HEADER)?,
            backlog: Arc::new(Mapping::new(&file, HEADER as u64, BACKLOG)?),
            file: Arc::new(file),
            clock: Clock::start(),
            buffers: Vec::new(),
            length,
            allocated: length + buffers,
            end: 0,
            start: 0,
            state: 0,
        })
    }

    /// Takes the tail away for another recording. What is left has no room for anything.
    pub(super) fn take(&mut self) -> Tail {
        self.clock.fall_silent();
        let gone = Tail {
            file: self.file.clone(),
            header: Mapping::none(),
            backlog: Arc::new(Mapping::none()),
            clock: self.clock.clone(),
            buffers: Vec::new(),
            length: 0,
            allocated: 0,
            end: 0,
            start: 0,
            state: 0,
        };
        std::mem::replace(self, gone)
    }

    /// The file belongs to no recording any more, and holds none. No guest may have a part of
    /// it for its memory any more.
    pub(super) fn clear(&mut self) {
        self.header.store_u64(0, 0);
        self.header.write(at::IDENTITY, &[0; IDENTITY]);
        for place in [at::BUFFERS, at::STATE] {
            self.header.store_u32(place, 0);
        }
        for place in [at::BACKLOG_END, at::INTENT_END] {
            self.header.store_u64(place, 0);
        }
        for state in at::STATES {
            self.header.store_u64(state + at::STATE_LENGTH, 0);
            self.header.store_u64(state + at::STATE_START, 0);
            self.header.store_u32(state + at::STATE_INSTANCE, 0);
        }
        self.clock.fall_silent();
        self.buffers.clear();
        self.length = (HEADER + BACKLOG) as u64;
        (self.end, self.start, self.state) = (0, 0, 0);
    }

    /// From here on the file is the tail of the trace that begins with `identity`
    /// and has this length.
    pub(super) fn begin(&mut self, identity: &[u8; IDENTITY], trace_length: u64) {
        self.write_out(0, trace_length, None);
        self.header.write(at::IDENTITY, identity);
        self.header.store_u32(at::VERSION, VERSION);
        self.header.write(0, &MAGIC);
    }

    /// A recording begins now.
    pub(super) fn start_clock(&mut self) {
        self.clock = Clock::start();
    }

    /// What tells the recorders of this run the time.
    pub(super) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// When the recording began: seconds since the Unix epoch, and nanoseconds of the next.
    pub(super) fn started(&self) -> (u64, u32) {
        self.clock.started()
    }

    /// How many instances have been registered.
    pub(super) fn instances(&self) -> u32 {
        self.buffers.len() as u32
    }

    /// Moves records, which begin so far into an instance's buffer, into the backlog. The
    /// instance's memory is free for others then.
    pub(super) fn push(&mut self, instance: Instance, from: usize, records: &[u8]) -> Push {
        let pushed = self.copy(instance, from, records);
        if pushed == Push::Done {
            self.reset(instance);
            self.header.store_u64(at::INTENT_END, 0);
        }
        pushed
    }

    /// Copies records into the backlog, of an instance that may be running and keeps them.
    pub(super) fn copy_from_running(&mut self, held: &HeldRecords) -> Push {
        let copied = self.copy(held.instance, held.from, &held.bytes);
        if copied == Push::Done {
            self.has_taken(held.instance, held.from + held.bytes.len());
            self.header.store_u64(at::INTENT_END, 0);
        }
        copied
    }

    fn copy(&mut self, instance: Instance, from: usize, records: &[u8]) -> Push {
        let position = (RECORDS_START + from + records.len()) as u32;
        let records = self.not_taken(instance, from, records);
        let size = entry_size(records.len() as u64);
        if size > BACKLOG as u64 / 2 {
            return Push::TooLarge;
        }
        let place = self.end % BACKLOG as u64;
        let rest = BACKLOG as u64 - place;
        let filler = if size > rest { rest } else { 0 };
        let end = self.end + filler + size;
        if end - self.start > BACKLOG as u64 {
            return Push::Full;
        }
        if filler > 0 {
            self.entry(place, FILLER, (rest - ENTRY as u64) as u32);
        }
        let place = (self.end + filler) % BACKLOG as u64;
        self.entry(place, instance.0, records.len() as u32);
        self.backlog.write(place as usize + ENTRY, records);
        self.header.store_u32(at::INTENT_INSTANCE, instance.0);
        self.header.store_u32(at::INTENT_POSITION, position);
        self.header.store_u64(at::INTENT_END, end);
        self.header.store_u64(at::BACKLOG_END, end);
        self.end = end;
        Push::Done
    }

    fn entry(&self, place: u64, instance: u32, length: u32) {
        self.backlog.store_u32(place as usize, instance);
        self.backlog.store_u32(place as usize + 4, length);
    }

    fn reset(&mut self, instance: Instance) {
        let buffer = self.buffers.get_mut(instance.0 as usize);
        if let Some(Buffer::Shared { mapping, taken, .. }) = buffer {
            self.clock.store(mapping);
            mapping.store_u32(0, RECORDS_START as u32);
            *taken = 0;
        }
    }

    /// Bytes in the backlog.
    pub(super) fn backlog_length(&self) -> u64 {
        self.end - self.start
    }

    /// Where the backlog begins.
    pub(super) fn backlog_start(&self) -> u64 {
        self.start
    }

    /// What is in the backlog now. It stays there until it is written out.
    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            ring: self.backlog.clone(),
            at: self.start,
            end: self.end,
        }
    }

    /// The trace has this length, and everything up to `end` in it.
    pub(super) fn written_out(&mut self, end: u64, trace_length: u64) {
        self.write_out(end, trace_length, None);
        self.start = end;
    }

    /// The same, and these records of an instance's buffer are in the trace, too.
    pub(super) fn written_at_once(
        &mut self,
        instance: Instance,
        records: usize,
        trace_length: u64,
    ) {
        let position = (RECORDS_START + records) as u32;
        self.write_out(self.start, trace_length, Some((instance, position)));
        self.reset(instance);
        self.header
            .store_u32(at::STATES[self.state] + at::STATE_INSTANCE, 0);
    }

    fn write_out(&mut self, start: u64, trace_length: u64, at_once: Option<(Instance, u32)>) {
        let other = 1 - self.state;
        let state = at::STATES[other];
        let (instance, position) = at_once.map_or((0, 0), |(i, position)| (i.0 + 1, position));
        self.header
            .store_u64(state + at::STATE_LENGTH, trace_length);
        self.header.store_u64(state + at::STATE_START, start);
        self.header.store_u32(state + at::STATE_POSITION, position);
        self.header.store_u32(state + at::STATE_INSTANCE, instance);
        self.header.store_u32(at::STATE, other as u32);
        self.state = other;
    }
}

/// The entries of a backlog at one time, read one by one.
pub(super) struct Backlog {
    ring: Arc<Mapping>,
    at: u64,
    pub(super) end: u64,
}

impl Iterator for Backlog {
    type Item = (Instance, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.at < self.end {
            let place = (self.at % BACKLOG as u64) as usize;
            let instance = self.ring.load_u32(place);
            let length = self.ring.load_u32(place + 4) as usize;
            self.at += entry_size(length as u64);
            if instance != FILLER {
                return Some((Instance(instance), self.ring.read(place + ENTRY, length)));
            }
        }
        None
    }
}
