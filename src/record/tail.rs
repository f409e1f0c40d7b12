//! The tail of the recording being made: what recorders hold and what they have
//! committed, in memory shared with a file. `trace::tail` tells what is where, and
//! why each step ends with one store.

use super::clock::Clock;
use super::shared::{self, Mapping};
use crate::component::Component;
use crate::instrument::record::BUFFER_LENGTH;
use crate::trace::Instance;
use crate::trace::tail::{
    self, BACKLOG, ENTRY, FILLER, HEADER, IDENTITY, MAGIC, MAX_BUFFERS, RECORDS_START, STOPPED,
    VERSION, at, entry_size, in_order,
};
use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// No more buffers get their room in advance.
const RESERVED: u64 = 64;

/// The recorder buffer of one instance.
enum Buffer {
    /// The recorder's memory is the file's, or lent.
    Shared {
        base: usize,
        mapping: Arc<Mapping>,
        /// Bytes of records in it that are in the backlog already.
        taken: usize,
    },
    /// It could not be: what it holds is seen when it is committed.
    Apart,
}

/// The linear memory of an instance's recorder, whose records begin where `trace::tail` says.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecorderMemory {
    pub(super) base: *mut u8,
    pub(super) length: usize,
    pub(super) terms: Terms,
}

/// Records that an instance holds back.
pub(super) struct HeldRecords {
    pub(super) instance: Instance,
    /// Where in its buffer they begin: bytes of records before.
    pub(super) from: usize,
    pub(super) bytes: Vec<u8>,
}

/// On which terms a recorder's memory is looked at while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terms {
    /// It is mapped for this instance and unmapped with it, and becomes memory of the file: it
    /// outlives the process.
    Shared,
    /// It is a pool's, and stays where it is. Until the store goes, it may be read there.
    Lent,
}

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

    /// The next instance's recorder keeps its buffer apart.
    pub(super) fn add_apart(&mut self) {
        self.buffers.push(Buffer::Apart);
    }

    /// Has a part in the memory of the next instance's recorder.
    ///
    /// # Safety
    ///
    /// It is a linear memory that holds nothing but the word with the end of no records. Where
    /// it is shared, see [`Mapping::put_at`]; where it is lent, [`Mapping::lent`] until
    /// [`Tail::part_from_guests`].
    pub(super) unsafe fn add(&mut self, memory: RecorderMemory) -> io::Result<()> {
        // SAFETY: as the caller says.
        let buffer = unsafe { self.share(self.buffers.len(), memory) }?;
        self.buffers.push(buffer);
        Ok(())
    }

    /// # Safety
    ///
    /// See [`Tail::add`].
    unsafe fn share(&mut self, instance: usize, memory: RecorderMemory) -> io::Result<Buffer> {
        let RecorderMemory {
            base,
            length,
            terms,
        } = memory;
        let aligned = (base as usize).is_multiple_of(shared::page_size());
        if length == 0 || !length.is_multiple_of(HEADER) || !aligned || instance >= MAX_BUFFERS {
            return Ok(Buffer::Apart);
        }
        let mapping = match (terms, NonNull::new(base)) {
            (Terms::Lent, None) => return Ok(Buffer::Apart),
            // SAFETY: as the caller says.
            (Terms::Lent, Some(base)) => Arc::new(unsafe { Mapping::lent(base, length) }),
            (Terms::Shared, _) => {
                // SAFETY: as the caller says.
                unsafe { self.map(instance, base, length) }?
            }
        };
        self.clock.tell(instance, mapping.clone());
        Ok(Buffer::Shared {
            base: base as usize,
            mapping,
            taken: 0,
        })
    }

    /// Puts memory of the file in place of a recorder's.
    ///
    /// # Safety
    ///
    /// See [`Mapping::put_at`].
    unsafe fn map(
        &mut self,
        instance: usize,
        base: *mut u8,
        length: usize,
    ) -> io::Result<Arc<Mapping>> {
        let offset = self.length;
        if offset + length as u64 > self.allocated {
            shared::allocate(&self.file, offset, length as u64)?;
            self.allocated = offset + length as u64;
        }
        let mapping = Arc::new(Mapping::new(&self.file, offset, length)?);
        mapping.store_u32(0, RECORDS_START as u32);
        // SAFETY: as the caller says.
        unsafe { mapping.put_at(base, &self.file, offset) }?;
        self.length += length as u64;
        // The buffer is empty, in its old place and in its new one.
        let entry = at::TABLE + instance * 16;
        self.header.store_u64(entry, offset);
        self.header.store_u64(entry + 8, length as u64);
        if self.header.load_u32(at::BUFFERS) <= instance as u32 {
            self.header.store_u32(at::BUFFERS, instance as u32 + 1);
        }
        Ok(mapping)
    }

    /// Has a part in a recorder's memory anew if it has grown past what is known of it, or
    /// moved. The buffer must have been committed.
    ///
    /// # Safety
    ///
    /// The linear memory has at least so many bytes from its base; see [`Tail::add`].
    pub(super) unsafe fn follow(
        &mut self,
        instance: u32,
        memory: RecorderMemory,
    ) -> io::Result<()> {
        let Some(Buffer::Shared {
            base: old, mapping, ..
        }) = self.buffers.get(instance as usize)
        else {
            return Ok(());
        };
        // Rounded down: what lies past the records may not be the memory's.
        let length = memory.length / HEADER * HEADER;
        if *old == memory.base as usize && length <= mapping.length() {
            return Ok(());
        }
        // SAFETY: as the caller says.
        let buffer = unsafe { self.share(instance as usize, RecorderMemory { length, ..memory }) }?;
        if let Some(place) = self.buffers.get_mut(instance as usize) {
            *place = buffer;
        }
        Ok(())
    }

    /// Gives back what recorders have lent; what they hold must have been taken.
    pub(super) fn part_from_guests(&mut self) {
        // The clock stores times there.
        self.clock.fall_silent();
        for buffer in &mut self.buffers {
            *buffer = Buffer::Apart;
        }
    }

    /// Instances other than this one that hold records back.
    pub(super) fn others(&self, than: u32) -> bool {
        let others = |(instance, buffer): (usize, &Buffer)| {
            instance != than as usize && self.held_in(buffer) > 0
        };
        self.buffers.iter().enumerate().any(others)
    }

    /// Bytes that a buffer holds back.
    fn held_in(&self, buffer: &Buffer) -> usize {
        match buffer {
            Buffer::Shared { mapping, taken, .. } => {
                held(mapping.load_u32(0), mapping).saturating_sub(*taken)
            }
            Buffer::Apart => 0,
        }
    }

    /// What instances hold back, in the order in which it happened. The guest must
    /// not be running.
    pub(super) fn held(&self, component: &Component) -> Vec<HeldRecords> {
        let ends: Vec<usize> = self.buffers.iter().map(|b| self.held_in(b)).collect();
        self.read_held(component, &ends)
    }

    /// The same of a guest that may be running on another thread: what it has recorded by
    /// now. Where one instance calls another it commits, so none has recorded what follows upon
    /// something that is not seen in another.
    pub(super) fn held_while_running(&self, component: &Component) -> Vec<HeldRecords> {
        let ends: Vec<usize> = self.buffers.iter().map(|b| self.held_in(b)).collect();
        if ends.iter().all(|end| *end == 0) {
            return Vec::new();
        }
        if !cfg!(target_arch = "x86_64") {
            shared::see_other_threads();
        }
        self.read_held(component, &ends)
    }

    /// The same, and stops the guest, which may be running on another thread: where
    /// it would record anything more, it traps.
    pub(super) fn stop(&self, component: &Component) -> Vec<HeldRecords> {
        let stop = |buffer: &Buffer| match buffer {
            Buffer::Shared { mapping, taken, .. } => stop(mapping).saturating_sub(*taken),
            Buffer::Apart => 0,
        };
        let ends: Vec<usize> = self.buffers.iter().map(stop).collect();
        shared::see_other_threads();
        self.read_held(component, &ends)
    }

    fn read_held(&self, component: &Component, ends: &[usize]) -> Vec<HeldRecords> {
        let records = |(instance, (buffer, length)): (usize, (&Buffer, &usize))| {
            let (from, bytes) = match buffer {
                Buffer::Shared { mapping, taken, .. } => {
                    let mut bytes = mapping.read(RECORDS_START + taken, *length);
                    bytes.truncate(crate::trace::raw::whole(component, &bytes));
                    (*taken, bytes)
                }
                Buffer::Apart => (0, Vec::new()),
            };
            HeldRecords {
                instance: Instance(instance as u32),
                from,
                bytes,
            }
        };
        let mut held: Vec<_> = self
            .buffers
            .iter()
            .zip(ends)
            .enumerate()
            .map(records)
            .collect();
        let mut bytes: Vec<_> = held
            .iter_mut()
            .map(|held| (held.instance, std::mem::take(&mut held.bytes)))
            .collect();
        in_order(component, &mut bytes);
        let from = |instance: Instance| held.get(instance.0 as usize).map_or(0, |held| held.from);
        let in_order = bytes.into_iter().map(|(instance, bytes)| HeldRecords {
            instance,
            from: from(instance),
            bytes,
        });
        in_order.filter(|held| !held.bytes.is_empty()).collect()
    }

    /// The part of records, which begin so far into an instance's buffer, that has not been
    /// taken while it ran.
    fn not_taken<'a>(&self, instance: Instance, from: usize, records: &'a [u8]) -> &'a [u8] {
        let taken = match self.buffers.get(instance.0 as usize) {
            Some(Buffer::Shared { taken, .. }) => *taken,
            Some(Buffer::Apart) | None => 0,
        };
        let skipped = taken.saturating_sub(from).min(records.len());
        records.get(skipped..).unwrap_or_default()
    }

    /// The same, of records that are too many for the backlog; from here on they are taken.
    pub(super) fn take_at_once<'a>(
        &mut self,
        instance: Instance,
        from: usize,
        records: &'a [u8],
    ) -> &'a [u8] {
        let rest = self.not_taken(instance, from, records);
        self.has_taken(instance, from + records.len());
        rest
    }

    fn has_taken(&mut self, instance: Instance, until: usize) {
        if let Some(Buffer::Shared { taken, .. }) = self.buffers.get_mut(instance.0 as usize) {
            *taken = until;
        }
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

/// Puts an end to a buffer; answers how many bytes of records it has. Whoever reads the tail
/// finds as many.
fn stop(mapping: &Mapping) -> usize {
    let mut end = mapping.set_bits_u32(0, STOPPED);
    // A record whose end was being stored meanwhile still counts.
    for _ in 0..3 {
        shared::see_other_threads();
        match mapping.set_bits_u32(0, STOPPED) {
            stopped if stopped & STOPPED != 0 => break,
            later => end = later,
        }
    }
    held(end, mapping)
}

/// Bytes of records in a buffer with this end.
fn held(end: u32, mapping: &Mapping) -> usize {
    match end & STOPPED {
        0 => (end as usize)
            .min(mapping.length())
            .saturating_sub(RECORDS_START),
        // What it has was taken when it was stopped.
        _ => 0,
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
