//! The blocks of a heap, followed by what its allocator is asked for.

use crate::instrument::probe::context::{Allocates, Note};
use crate::replay::position::{InstanceId, Tick};
use std::collections::HashMap;

/// A place that allocates: a node, and where in that the slot of the call is.
pub(super) type From = (u32, u32);

/// So many blocks are followed at once at most.
const MOST_BLOCKS: usize = 1 << 22;

/// A block that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) size: u64,
    pub(super) made: Tick,
    pub(super) from: Option<From>,
}

/// What was allocated from a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Made {
    pub(super) blocks: u64,
    pub(super) bytes: u64,
}

/// The heaps of a store.
#[derive(Debug)]
pub(super) struct Heap {
    until: Option<Tick>,
    pub(super) blocks: HashMap<(InstanceId, u32), Block>,
    pub(super) made: HashMap<Option<From>, Made>,
    pub(super) bytes: u64,
    /// The most bytes that were in use at once, and when first.
    pub(super) peak: (u64, Tick),
    /// Calls of allocators.
    pub(super) calls: u64,
    /// Allocations that failed.
    pub(super) failed: u64,
    /// Blocks that were freed, and that nobody is known to have made.
    pub(super) strange: u64,
    /// Blocks that there was no room to follow.
    pub(super) left_out: u64,
}

impl Heap {
    pub(super) fn new(until: Option<Tick>) -> Heap {
        Heap {
            until,
            blocks: HashMap::new(),
            made: HashMap::new(),
            bytes: 0,
            peak: (0, Tick(0)),
            calls: 0,
            failed: 0,
            strange: 0,
            left_out: 0,
        }
    }

    /// An allocator of an instance was called from there.
    pub(super) fn note(
        &mut self,
        instance: InstanceId,
        from: Option<From>,
        note: &Note,
        now: Tick,
    ) {
        if self.until.is_some_and(|until| now > until) {
            return;
        }
        self.calls += 1;
        let has_failed = note.result == 0 && note.size > 0;
        match note.does {
            Allocates::Free => return self.free(instance, note.block),
            // Where there is no room, the old block stays.
            Allocates::Again if has_failed => {}
            Allocates::Again => self.free(instance, note.block),
            Allocates::New => {}
        }
        if note.result == 0 {
            self.failed += u64::from(has_failed);
            return;
        }
        let made = self.made.entry(from).or_default();
        made.blocks += 1;
        made.bytes += note.size;
        let key = (instance, note.result);
        if self.blocks.len() >= MOST_BLOCKS && !self.blocks.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let block = Block {
            size: note.size,
            made: now,
            from,
        };
        if let Some(before) = self.blocks.insert(key, block) {
            self.bytes -= before.size;
        }
        self.bytes += note.size;
        if self.bytes > self.peak.0 {
            self.peak = (self.bytes, now);
        }
    }

    fn free(&mut self, instance: InstanceId, block: u32) {
        if block == 0 {
            return;
        }
        match self.blocks.remove(&(instance, block)) {
            Some(block) => self.bytes -= block.size,
            None if self.left_out == 0 => self.strange += 1,
            None => {}
        }
    }
}
