//! The buffers of recorders: memory of theirs that the tail has a part in, and what they hold
//! back in it.

use super::Tail;
use crate::component::Component;
use crate::record::parking;
use crate::record::shared::{self, Mapping};
use crate::trace::Instance;
use crate::trace::tail::{HEADER, MAX_BUFFERS, RECORDS_START, STOPPED, at, in_order};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

/// The recorder buffer of one instance.
pub(super) enum Buffer {
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
pub(in crate::record) struct RecorderMemory {
    pub(in crate::record) base: *mut u8,
    pub(in crate::record) length: usize,
    pub(in crate::record) terms: Terms,
}

/// Records that an instance holds back.
pub(in crate::record) struct HeldRecords {
    pub(in crate::record) instance: Instance,
    /// Where in its buffer they begin: bytes of records before.
    pub(in crate::record) from: usize,
    pub(in crate::record) bytes: Vec<u8>,
}

/// On which terms a recorder's memory is looked at while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::record) enum Terms {
    /// It is mapped for this instance and unmapped with it, and becomes memory of the file: it
    /// outlives the process.
    Shared,
    /// It is a pool's, and stays where it is. Until the store goes, it may be read there.
    Lent,
}

impl Tail {
    /// The next instance's recorder keeps its buffer apart.
    pub(in crate::record) fn add_apart(&mut self) {
        self.buffers.push(Buffer::Apart);
    }

    /// Has a part in the memory of the next instance's recorder.
    ///
    /// # Safety
    ///
    /// It is a linear memory that holds nothing but the word with the end of no records. Where
    /// it is shared, see [`Mapping::put_at`]; where it is lent, [`Mapping::lent`] until
    /// [`Tail::part_from_guests`].
    pub(in crate::record) unsafe fn add(&mut self, memory: RecorderMemory) -> io::Result<()> {
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
    pub(in crate::record) unsafe fn follow(
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
    pub(in crate::record) fn part_from_guests(&mut self) {
        // The clock stores times there.
        self.clock.fall_silent();
        for buffer in &mut self.buffers {
            *buffer = Buffer::Apart;
        }
    }

    /// Instances other than this one that hold records back.
    pub(in crate::record) fn others(&self, than: u32) -> bool {
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
    pub(in crate::record) fn held(&self, component: &Component) -> Vec<HeldRecords> {
        let ends: Vec<usize> = self.buffers.iter().map(|b| self.held_in(b)).collect();
        self.read_held(component, &ends)
    }

    /// The same of a guest that may be running on another thread: what it has recorded by
    /// now. Where one instance calls another it commits, so none has recorded what follows upon
    /// something that is not seen in another.
    pub(in crate::record) fn held_while_running(&self, component: &Component) -> Vec<HeldRecords> {
        let ends: Vec<usize> = self.buffers.iter().map(|b| self.held_in(b)).collect();
        if ends.iter().all(|end| *end == 0) {
            return Vec::new();
        }
        if !cfg!(target_arch = "x86_64") {
            shared::see_other_threads();
        }
        self.read_held(component, &ends)
    }

    /// Whatever thread would record anything more waits until the process ends.
    ///
    /// # Safety
    ///
    /// The store of the instances has not gone.
    pub(in crate::record) unsafe fn park(&self) {
        let shared = |buffer: &Buffer| match buffer {
            Buffer::Shared { base, .. } => Some(*base),
            Buffer::Apart => None,
        };
        let bases: Vec<usize> = self.buffers.iter().filter_map(shared).collect();
        // SAFETY: a recorder's memory begins there, of at least a page (`share`), and the caller
        // says that it is there. Its stores are those of wasm code, which holds no locks.
        if !unsafe { parking::park(&bases) } {
            tracing::warn!("the guest could not be parked: it may do more than is recorded");
        }
    }

    /// The same, and stops the guest, which may be running on another thread: where
    /// it would record anything more, it traps.
    pub(in crate::record) fn stop(&self, component: &Component) -> Vec<HeldRecords> {
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
    pub(super) fn not_taken<'a>(
        &self,
        instance: Instance,
        from: usize,
        records: &'a [u8],
    ) -> &'a [u8] {
        let taken = match self.buffers.get(instance.0 as usize) {
            Some(Buffer::Shared { taken, .. }) => *taken,
            Some(Buffer::Apart) | None => 0,
        };
        let skipped = taken.saturating_sub(from).min(records.len());
        records.get(skipped..).unwrap_or_default()
    }

    /// The same, of records that are too many for the backlog; from here on they are taken.
    pub(in crate::record) fn take_at_once<'a>(
        &mut self,
        instance: Instance,
        from: usize,
        records: &'a [u8],
    ) -> &'a [u8] {
        let rest = self.not_taken(instance, from, records);
        self.has_taken(instance, from + records.len());
        rest
    }

    pub(super) fn has_taken(&mut self, instance: Instance, until: usize) {
        if let Some(Buffer::Shared { taken, .. }) = self.buffers.get_mut(instance.0 as usize) {
            *taken = until;
        }
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
