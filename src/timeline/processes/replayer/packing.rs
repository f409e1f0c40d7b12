//! The guest's memory in a checkpoint that nobody needs now, compressed.
//!
//! What a checkpoint takes are the pages that were written after it was left: it alone has
//! them as they were. Packed, those of a compressor take a sixth. Pages that it has in common with other processes stay as they
//! are: to let go of those would free nothing.

use crate::replay::frames::{self, ModuleCode};
use crate::replay::{InstanceId, State};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use wasmtime::StoreContextMut;
use zstd::bulk::{Compressor, Decompressor};

/// So many pages are packed together, at most.
const PAGES_TOGETHER: usize = 64;
/// Fewer are not worth it.
const FEWEST_PAGES: usize = 256;
const LEVEL: i32 = 1;

/// In the kernel's words for a page of a process: it is in memory; it is of a file, or
/// memory that is shared on purpose; no other process has it.
const PRESENT: u64 = 1 << 63;
const OF_A_FILE: u64 = 1 << 61;
const EXCLUSIVE: u64 = 1 << 56;

/// Pages that are packed. Their addresses hold zeros, or what the memory began with.
#[derive(Default)]
pub(super) struct Packed(Vec<Run>);

/// Some pages in a row.
struct Run {
    address: usize,
    length: usize,
    bytes: Vec<u8>,
}

impl Packed {
    /// Packs those pages of the guest's memories that no other process has.
    ///
    /// # Errors
    ///
    /// If the system does not tell which, or has no memory left to pack them into. What is
    /// packed by then is.
    pub(super) fn pack(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> io::Result<()> {
        let page_map = File::open("/proc/self/pagemap")?;
        let page = page_size();
        let mut compressor = Compressor::new(LEVEL)?;
        for (address, length) in memories(store, modules) {
            let pages = exclusive_pages(&page_map, address / page, length / page)?;
            if pages.iter().map(Range::len).sum::<usize>() < FEWEST_PAGES {
                continue;
            }
            for run in pages {
                let (address, length) = (run.start * page, run.len() * page);
                // SAFETY: the run is within one of the guest's memories, which stays where it
                // is while the guest stands still; nothing else runs in this process.
                let plain = unsafe { std::slice::from_raw_parts(address as *const u8, length) };
                let bytes = compressor.compress(plain)?;
                if bytes.len() > length / 2 {
                    continue;
                }
                // SAFETY: whole pages of a mapping that the guest's memory lies in, in which
                // no reference of ours points. What they held is kept, and comes back before
                // anybody looks (`unpack`).
                let let_go =
                    unsafe { libc::madvise(address as *mut _, length, libc::MADV_DONTNEED) };
                if let_go != 0 {
                    return Err(io::Error::last_os_error());
                }
                self.0.push(Run {
                    address,
                    length,
                    bytes,
                });
            }
        }
        Ok(())
    }

    /// Puts all of it back.
    ///
    /// # Errors
    ///
    /// If there is no memory for it: the guest's is not whole then.
    pub(super) fn unpack(&mut self) -> io::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut decompressor = Decompressor::new()?;
        for run in std::mem::take(&mut self.0) {
            // SAFETY: as in `pack`: the guest has not run since, so its memories are where
            // they were, and no other reference points into them.
            let plain =
                unsafe { std::slice::from_raw_parts_mut(run.address as *mut u8, run.length) };
            if decompressor.decompress_to_buffer(&run.bytes, plain)? != run.length {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(())
    }
}

/// Where the guest's memories are, and how long: each once, whoever imports it.
fn memories(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
) -> BTreeMap<usize, usize> {
    let instances = store.data().instances();
    let instances: Vec<usize> = instances.iter().map(|i| i.module.0 as usize).collect();
    let mut found = BTreeMap::new();
    for (number, module) in (0..).zip(instances) {
        let count = modules.get(module).map_or(0, ModuleCode::memories);
        for memory in 0..count {
            let memory = frames::memory_of(store, modules, InstanceId(number), memory);
            if let Ok(Some(memory)) = memory {
                let length = memory.data_size(&*store);
                found.insert(memory.data_ptr(&*store) as usize, length);
            }
        }
    }
    found
}

/// Those of some pages that are in memory and that no other process has, in runs.
fn exclusive_pages(map: &File, first: usize, count: usize) -> io::Result<Vec<Range<usize>>> {
    let mut words = vec![0; count * 8];
    map.read_exact_at(&mut words, first as u64 * 8)?;
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (page, word) in (first..).zip(words.chunks_exact(8)) {
        let word = word.try_into().map_or(0, u64::from_ne_bytes);
        if word & (PRESENT | EXCLUSIVE | OF_A_FILE) != PRESENT | EXCLUSIVE {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == page && run.len() < PAGES_TOGETHER => run.end += 1,
            _ => runs.push(page..page + 1),
        }
    }
    Ok(runs)
}

fn page_size() -> usize {
    // SAFETY: asks for a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|size| *size > 0)
        .unwrap_or(4096)
}
