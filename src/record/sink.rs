//! The host's end of the recorder: `rr:recorder/sink`.

use super::Recorded;
use crate::instrument::record::{RECORDS_START, SINK};
use crate::trace::{Instance, Outcome, RecordsError, Writer};
use std::fs::File;
use std::io::BufWriter;
use std::time::Instant;
use wasmtime::component::{Linker, WasmList};
use wasmtime::{Store, StoreContextMut};

/// The recorder buffer of one instance.
struct Buffer {
    /// Address of the buffer in this process: the base of the recorder's memory.
    base: usize,
    /// Bytes of uncommitted records that have been taken already, to keep the
    /// order of events between instances.
    taken: usize,
}

impl Buffer {
    /// The records in the buffer that have not been taken yet.
    ///
    /// # Safety
    ///
    /// The store that the recorder lives in must still exist, and no guest code
    /// may run while the slice is in use.
    unsafe fn uncommitted(&self) -> &[u8] {
        let start = RECORDS_START as usize;
        // SAFETY: `base` is the address of a linear memory that lives as long as
        // the store, never moves (`memory_may_move(false)`), and whose first word
        // is the end of the records, kept by the recorder within the memory. The
        // caller says that nobody writes meanwhile.
        let all = unsafe {
            let end = (self.base as *const u32).read_unaligned() as usize;
            let length = end.saturating_sub(start);
            std::slice::from_raw_parts((self.base + start) as *const u8, length)
        };
        all.get(self.taken..).unwrap_or_default()
    }
}

/// The data of a store in which an instrumented component records itself.
///
/// One recording belongs to one store: it reads memories of the store that holds it.
pub trait Records: 'static {
    /// The recording that the store's components write.
    fn recording(&mut self) -> &mut Recording;

    /// The recording, when the store is no more.
    fn into_recording(self) -> Recording;
}

/// A trace being written by recorders.
pub struct Recording {
    writer: Writer<BufWriter<File>>,
    buffers: Vec<Buffer>,
}

impl Recording {
    /// A recording of the one run that `writer` has been made for.
    pub fn new(writer: Writer<BufWriter<File>>) -> Recording {
        Recording {
            writer,
            buffers: Vec::new(),
        }
    }

    fn commit(&mut self, instance: u32, records: &[u8]) -> Result<(), RecordsError> {
        // What other instances hold back (they cannot commit from a realloc or a
        // post-return) happened before what this one commits now.
        for other in 0..self.buffers.len() {
            if other != instance as usize {
                self.take(other)?;
            }
        }
        let taken = self
            .buffers
            .get_mut(instance as usize)
            .map_or(0, |buffer| std::mem::take(&mut buffer.taken));
        let records = records.get(taken..).unwrap_or_default();
        self.writer.records(Instance(instance), records)
    }

    /// Takes what is in an instance's buffer without its help.
    fn take(&mut self, instance: usize) -> Result<(), RecordsError> {
        let Some(buffer) = self.buffers.get_mut(instance) else {
            return Ok(());
        };
        // SAFETY: called from the sink or after the run, while the store is
        // alive; guest code does not run meanwhile.
        let records = unsafe { buffer.uncommitted() };
        let length = records.len();
        self.writer.records(Instance(instance as u32), records)?;
        buffer.taken += length;
        Ok(())
    }

    /// Takes everything that has not been committed: what happened right before
    /// a trap or an exit. The store must still be alive.
    fn drain(&mut self) -> Result<(), RecordsError> {
        (0..self.buffers.len()).try_for_each(|instance| self.take(instance))
    }

    fn finish(self, outcome: Outcome, begun: Instant) -> Result<Recorded, RecordsError> {
        let events = self.writer.events();
        let out = self.writer.finish(&outcome)?;
        let bytes = out.get_ref().metadata().map_or(0, |m| m.len());
        Ok(Recorded {
            outcome,
            events,
            bytes,
            elapsed: begun.elapsed(),
        })
    }
}

/// Ends the recording of a store's run, which began at `begun`: takes what
/// happened right before the end, too.
///
/// # Errors
///
/// If the trace cannot be written, or ended before the run because calls did not
/// nest.
pub fn finish<T: Records>(
    mut store: Store<T>,
    outcome: Outcome,
    begun: Instant,
) -> Result<Recorded, RecordsError> {
    store.data_mut().recording().drain()?;
    store.into_data().into_recording().finish(outcome, begun)
}

/// Gives a linker the import that instrumented components have. The engine must not
/// move memories (`Config::memory_may_move(false)`).
///
/// # Errors
///
/// If the linker has it already.
pub fn add_to_linker<T: Records>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let mut sink = linker.instance(SINK)?;
    sink.func_wrap(
        "commit",
        |mut store: StoreContextMut<'_, T>, (instance, records): (u32, WasmList<u8>)| {
            // The list borrows the store whose data takes it, hence the copy; it
            // costs little beside decoding.
            let records = records.as_le_slice(&store).to_vec();
            store
                .data_mut()
                .recording()
                .commit(instance, &records)
                .map_err(wasmtime::Error::from)
        },
    )?;
    sink.func_wrap(
        "register",
        |mut store: StoreContextMut<'_, T>, (buffer,): (WasmList<u8>,)| {
            let base = buffer.as_le_slice(&store).as_ptr() as usize;
            let buffers = &mut store.data_mut().recording().buffers;
            buffers.push(Buffer { base, taken: 0 });
            Ok((buffers.len() as u32 - 1,))
        },
    )
}
