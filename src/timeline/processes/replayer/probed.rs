//! A memory whose stores are told of: which instances see it, and where each of them is
//! told which bytes are watched.

use super::here::Here;
use crate::instrument::probe::{Layout, Probe};
use crate::replay::probes::probe_memory;
use crate::replay::{InstanceId, Sort, frames};
use crate::timeline::travel::motion::MemoryRange;
use std::ops::Range;
use wasmtime::Memory;

/// A store that begins so many bytes before what is watched may meet it: those of 16 bytes
/// look at two granules of 8.
const LONGEST: u64 = 7;
/// Where the bounds are that longer writes are compared with.
const BOUNDS: usize = 16;

/// An instance that sees the memory, and under which index.
struct Sight {
    instance: InstanceId,
    memory: u32,
    probe: Memory,
    layout: Layout,
}

/// The memory of a range, as the instances see it.
pub(super) struct ProbedMemory {
    range: MemoryRange,
    sights: Vec<Sight>,
}

impl ProbedMemory {
    pub(super) fn new(range: MemoryRange) -> ProbedMemory {
        ProbedMemory {
            range,
            sights: Vec::new(),
        }
    }

    fn bytes(&self) -> Range<u64> {
        let from = self.range.address;
        from..from.saturating_add(u64::from(self.range.length))
    }

    /// Whether some bytes of the memory are among those that are watched.
    pub(super) fn meets(&self, bytes: &Range<u64>) -> bool {
        let own = self.bytes();
        !bytes.is_empty() && bytes.start < own.end && own.start < bytes.end
    }

    /// Whether an instance sees the memory under this index.
    pub(super) fn is_seen_by(&self, instance: InstanceId, memory: u32) -> bool {
        let mut sights = self.sights.iter();
        sights.any(|sight| (sight.instance, sight.memory) == (instance, memory))
    }

    /// Has all instances that there are tell of stores to the bytes.
    pub(super) fn watch(&mut self, here: &mut Here<'_, '_>) {
        let Some(own) = memory_at(here, self.range.instance, self.range.memory) else {
            return;
        };
        let instances = here.store.data().instances().to_vec();
        for instance in instances {
            let code = here.modules.get(instance.module.0 as usize);
            let Some(code) = code.map(|module| module.code.clone()) else {
                continue;
            };
            let memories = code.count(Sort::Memory);
            // Segments and wide memories come behind what is looked at here.
            let layout = Layout::new(Probe::Watch, memories, 0, false);
            for memory in 0..memories {
                let is_known = self.is_seen_by(instance.id, memory);
                if is_known || memory_at(here, instance.id, memory) != Some(own) {
                    continue;
                }
                if let Some(probe) = probe_memory(&mut *here.store, instance) {
                    self.sights.push(Sight {
                        instance: instance.id,
                        memory,
                        probe,
                        layout,
                    });
                    self.mark(here, 1);
                }
            }
        }
    }

    /// They are not to tell any more.
    pub(super) fn forget(&mut self, here: &mut Here<'_, '_>) {
        self.mark(here, 0);
        self.sights.clear();
    }

    fn mark(&self, here: &mut Here<'_, '_>, mark: u8) {
        let own = self.bytes();
        let Some(last) = own.end.checked_sub(1).filter(|last| *last >= own.start) else {
            return;
        };
        for sight in &self.sights {
            let layout = sight.layout;
            let first = layout.of_address(sight.memory, own.start.saturating_sub(LONGEST));
            let last = layout.of_address(sight.memory, last);
            let data = sight.probe.data_mut(&mut *here.store);
            let (first, last) = (first as usize, last as usize);
            if let Some(granules) = data.get_mut(first..=last.max(first)) {
                granules.fill(mark);
            }
            let at = layout.behind_granules() as usize;
            if let Some(bounds) = data.get_mut(at..at + BOUNDS) {
                widen(bounds, &own, mark);
            }
        }
    }
}

/// Makes bounds such that all of these bytes lie within, or nothing, if nothing is watched
/// any more.
fn widen(bounds: &mut [u8], bytes: &Range<u64>, mark: u8) {
    let Some((first, last)) = bounds.split_first_chunk_mut::<8>() else {
        return;
    };
    let Some(last) = last.first_chunk_mut::<8>() else {
        return;
    };
    let known = u64::from_le_bytes(*first)..u64::from_le_bytes(*last);
    let wanted = match (mark, known.is_empty()) {
        (0, _) => 0..0,
        (_, true) => bytes.clone(),
        (_, false) => known.start.min(bytes.start)..known.end.max(bytes.end),
    };
    *first = wanted.start.to_le_bytes();
    *last = wanted.end.to_le_bytes();
}

/// Where a memory's bytes are: the same memory has the same place, whoever sees it.
fn memory_at(here: &mut Here<'_, '_>, instance: InstanceId, memory: u32) -> Option<usize> {
    let found = frames::memory_of(here.store, here.modules, instance, memory);
    let memory = found.ok().flatten()?;
    Some(memory.data_ptr(&*here.store) as usize)
}
