//! Bytes of guest memory that are compared with what they were.

use crate::replay::State;
use crate::replay::frames::{self, ModuleCode};
use crate::timeline::processes::wire::found::Change;
use crate::timeline::travel::motion::MemoryRange;
use std::ops::Range;
use wasmtime::{Memory, StoreContextMut};

/// Some bytes, and what they were when they were last looked at. Those that there are
/// not count as zeros: memory begins, and grows, as zeros.
pub(super) struct Watched {
    range: MemoryRange,
    /// Once there is one.
    memory: Option<Memory>,
    last: Vec<u8>,
}

impl Watched {
    pub(super) fn new(range: MemoryRange) -> Watched {
        Watched {
            range,
            memory: None,
            last: vec![0; range.length as usize],
        }
    }

    fn memory(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> Option<Memory> {
        if self.memory.is_none() {
            let (instance, memory) = (self.range.instance, self.range.memory);
            let found = frames::memory_of(store, modules, instance, memory);
            self.memory = found.ok().flatten();
        }
        self.memory
    }

    /// Whether they are bytes of this memory: it has the same place, whoever sees it.
    pub(super) fn are_in(
        &mut self,
        memory: Memory,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> bool {
        let own = self.memory(store, modules);
        own.is_some_and(|own| own.data_ptr(&*store) == memory.data_ptr(&*store))
    }

    /// Whether some of these addresses are theirs.
    pub(super) fn meet(&self, written: &Range<u64>) -> bool {
        let (from, length) = (self.range.address, u64::from(self.range.length));
        let until = from.saturating_add(length);
        !written.is_empty() && written.start < until && from < written.end
    }

    fn now<'s>(
        &mut self,
        store: &'s mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> &'s [u8] {
        let memory = self.memory(store, modules);
        let data = memory.map_or(&[][..], |memory| memory.data(&*store));
        frames::slice(data, self.range.address, self.last.len())
    }

    /// Whether they are others than when they were last looked at.
    pub(super) fn differs(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> bool {
        let now = self.now(store, modules);
        let (there, missing) = self.last.split_at(now.len().min(self.last.len()));
        there != now || missing.iter().any(|byte| *byte != 0)
    }

    /// Takes in what there is now at these addresses, which have been written: whether it is
    /// other than it was.
    pub(super) fn take_in(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
        written: &Range<u64>,
    ) -> bool {
        let address = self.range.address;
        let within = |at: u64| {
            let within = usize::try_from(at.saturating_sub(address)).unwrap_or(usize::MAX);
            within.min(self.last.len())
        };
        let (from, until) = (within(written.start), within(written.end));
        let now = self.now(store, modules);
        let now = now.get(from..until.min(now.len())).unwrap_or_default();
        let now = now.to_vec();
        let known = self.last.get_mut(from..from + now.len());
        let Some(known) = known.filter(|known| **known != now[..]) else {
            return false;
        };
        known.copy_from_slice(&now);
        true
    }

    /// They have been written, and hold what they held.
    pub(super) fn unchanged(&self) -> Change {
        Change {
            range: self.range,
            old: self.last.clone(),
            new: self.last.clone(),
        }
    }

    /// Looks at them; tells of a change.
    pub(super) fn look(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        modules: &[ModuleCode],
    ) -> Option<Change> {
        if !self.differs(store, modules) {
            return None;
        }
        let mut new = self.now(store, modules).to_vec();
        new.resize(self.last.len(), 0);
        let old = std::mem::replace(&mut self.last, new.clone());
        let range = self.range;
        Some(Change { range, old, new })
    }
}
