//! Probes: what a core module notes of itself while it runs, besides the time.
//!
//! A probed module keeps the clock and has one memory more, its *probe memory*, which it
//! exports. What it has there, one byte or one number for each thing, is a matter of the
//! [`Probe`]; where, is one of the [`Layout`]. The host reads and writes it between ticks.
//! Nothing that the guest can see changes: its own memories keep their indices, as the
//! probe memory comes after them.

pub mod context;
mod segment;
mod store;
mod written;

pub use segment::Segments;
pub(super) use segment::read as read_segments;
pub(super) use store::{Place, Store, Temporaries, note_segment};
pub use written::Written;

use serde::{Deserialize, Serialize};

/// The export of the probe memory.
pub const EXPORT_PROBE: &str = "rr:probe";
/// Under these names, with the index behind them, a probed module exports its other
/// memories: the host has to look into those that the module keeps to itself.
pub const EXPORT_MEMORY: &str = "rr:memory:";
/// The imported function `(memory: i32, pc: i32, address: i64, length: i64)` that a module
/// calls after a store to a granule that is watched ([`Probe::Watch`]). `pc` is the
/// instruction's offset in the original module, `length` in bytes.
pub const IMPORT_STORED: &str = "stored";

/// What is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Probe {
    /// After each store, if its granule's byte is not zero, the host is called. Granules
    /// are of 8 bytes.
    Watch,
    /// A byte for each granule of 64 bytes, and one for each segment of code: made one by
    /// each store, and by each run through the segment.
    Survey,
    /// A 64-bit number for each segment of code: how often it ran.
    Count,
    /// A tree of calling contexts with the ticks of each: see [`context`]. There is no probe
    /// memory of the module's own.
    Context,
    /// The same, and calls of allocators are noted: see [`context::Allocator`].
    Heap,
}

impl Probe {
    pub(super) fn is_of_stores(self) -> bool {
        matches!(self, Probe::Watch | Probe::Survey)
    }

    /// Whether calling contexts are kept.
    pub fn has_contexts(self) -> bool {
        matches!(self, Probe::Context | Probe::Heap)
    }

    /// How many functions a module with this imports more than the original.
    pub fn added_functions(self) -> u32 {
        match self {
            Probe::Watch | Probe::Context => 2,
            Probe::Heap => 3,
            Probe::Survey | Probe::Count => 1,
        }
    }

    /// Whether something is noted of segments.
    pub fn is_of_segments(self) -> bool {
        matches!(self, Probe::Survey | Probe::Count)
    }
}

/// Bytes of a page of WebAssembly memory.
const PAGE: u64 = 1 << 16;
/// More memories than this share their granules with others: what is noted of one is then
/// noted of those, too.
const MOST_MEMORIES: u32 = 4;

/// Where things are in the probe memory of a module.
///
/// First come the granules of each memory, as for a memory of 4 GiB; those of larger ones
/// are taken modulo that. Then comes what is noted of segments; in [`Probe::Watch`] instead
/// two 64-bit numbers, the least and the greatest address (exclusive) that is watched in
/// any memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    probe: Probe,
    memories: u32,
    segments: u32,
    is_wide: bool,
}

impl Layout {
    /// Of a module with so many memories, imported ones included, and segments of code;
    /// `is_wide` if one of the memories may be larger than 4 GiB.
    pub fn new(probe: Probe, memories: u32, segments: u32, is_wide: bool) -> Layout {
        Layout {
            probe,
            memories,
            segments,
            is_wide,
        }
    }

    /// An address shifted by so many bits is a granule's number.
    pub fn granule_bits(self) -> u32 {
        match self.probe {
            Probe::Watch => 3,
            Probe::Survey | Probe::Count | Probe::Context | Probe::Heap => 6,
        }
    }

    /// How many granules each memory has room for.
    pub fn granules(self) -> u64 {
        match self.probe.is_of_stores() {
            true => (1 << 32) >> self.granule_bits(),
            false => 0,
        }
    }

    /// Where the granules of a memory begin.
    pub fn of_memory(self, memory: u32) -> u64 {
        self.granules() * u64::from(memory % MOST_MEMORIES)
    }

    /// Where the byte of the granule is that holds an address.
    pub fn of_address(self, memory: u32, address: u64) -> u64 {
        let granule = (address >> self.granule_bits()) & (self.granules().max(1) - 1);
        self.of_memory(memory) + granule
    }

    /// Where the bounds of what is watched are, or else what is noted of segments.
    pub fn behind_granules(self) -> u64 {
        self.granules() * u64::from(self.memories.min(MOST_MEMORIES))
    }

    /// Where it is noted of a segment.
    pub fn of_segment(self, segment: u32) -> u64 {
        self.behind_granules() + u64::from(segment) * self.bytes_of_segment()
    }

    fn bytes_of_segment(self) -> u64 {
        match self.probe {
            Probe::Watch | Probe::Context | Probe::Heap => 0,
            Probe::Survey => 1,
            Probe::Count => 8,
        }
    }

    /// The size of the probe memory, in pages.
    pub fn pages(self) -> u64 {
        let bounds = 16;
        // What is written at once may reach beyond what its granules are taken modulo.
        let beyond = if self.is_wide { self.granules() } else { 0 };
        (self.of_segment(self.segments) + bounds + beyond).div_ceil(PAGE)
    }
}
