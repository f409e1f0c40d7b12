//! What ran and what was written, stretch by stretch, over the whole recording.

mod granules;

use super::compiled::Compiled;
use super::error::ReplayError;
use super::instances::CoreInstance;
use super::position::{InstanceId, Tick};
use super::probes::{self, Received, probe_memory};
use super::run::Replay;
use super::state::{Observer, State};
use crate::component::ModuleId;
use crate::instrument::probe::{Layout, Probe, Segments};
use crate::trace::Trace;
use granules::{Granules, push_runs};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{AsContextMut, Memory, StoreContextMut};

/// At most so many stretches are kept; when they are full, neighbours become one.
const MAX_STRETCHES: usize = 1 << 11;
/// Ticks in a stretch at first: so many are searched in milliseconds, and take longer to run
/// than what is noted of them to gather.
pub const FIRST_LENGTH: u64 = 1 << 16;
/// What is kept takes so much memory at most, in bytes: the stretches are longer then.
const MOST_BYTES: usize = 128 << 20;
/// Bytes of memory that one mark stands for, and marks that are kept in one word.
const MARKS_TOGETHER: usize = 64;
/// A stretch has at least its first length for each so many marks that there are. For them to
/// be gathered takes about a hundredth of what it takes to replay that then.
const MARKS_IN_FIRST_LENGTH: usize = 1 << 19;
/// A store may begin so many bytes before what it writes of a granule.
const LONGEST_STORE: u64 = 15;

/// What ran and what was written in each stretch of a recording.
///
/// Never too little: what is not said to have run or been written in a stretch, was not.
/// Granules of 64 bytes are told apart, and instances of a module are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    stretches: Vec<Stretch>,
    /// Which memory an instance's memory is: the same number for the same memory.
    memories: Memories,
    /// By number, where stores to each are marked.
    slots: Slots,
    /// Of each module.
    segments: Vec<Segments>,
    end: Tick,
    /// The recording has no end yet: a run that goes on may have added to it since, and then
    /// replayers come farther than this.
    may_go_on: bool,
}

/// A number for each memory that an instance has under an index.
type Memories = BTreeMap<(InstanceId, u32), u32>;
/// By the number of a memory.
type Slots = Vec<BTreeSet<u32>>;

/// Part of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stretch {
    /// The tick behind its last one.
    end: Tick,
    /// For each module, a bit for each segment, in words.
    ran: Vec<Vec<u64>>,
    /// For each slot.
    written: BTreeMap<u32, Granules>,
}

/// Stretches as one list: ascending, none touches the next.
pub fn joined(mut stretches: Vec<Range<Tick>>) -> Vec<Range<Tick>> {
    stretches.sort_unstable_by_key(|stretch| stretch.start);
    let mut joined: Vec<Range<Tick>> = Vec::new();
    for stretch in stretches {
        match joined.last_mut().filter(|last| last.end >= stretch.start) {
            Some(last) => last.end = last.end.max(stretch.end),
            None => joined.push(stretch),
        }
    }
    joined
}

impl Survey {
    /// Replays the whole recording, compiled to be surveyed. Stretches have `first_length`
    /// ticks, and more if there are many: see [`FIRST_LENGTH`]. Setting `cancelled` ends it
    /// soon.
    ///
    /// # Errors
    ///
    /// If cancelled, if the recording is compiled in another variant, or if replay fails.
    pub fn make(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        cancelled: &Arc<AtomicBool>,
        first_length: u64,
    ) -> Result<Survey, ReplayError> {
        if compiled.variant.probe() != Some(Probe::Survey) {
            return Err(ReplayError::NotForSurvey);
        }
        let modules = compiled.modules.iter();
        let segments: Vec<Segments> = modules.map(|m| (*m.segments).clone()).collect();
        let surveying = Surveying {
            length: first_length,
            first_length,
            sights: Vec::new(),
            segments: segments.iter().map(Segments::count).collect(),
            stretches: Vec::new(),
            bytes: 0,
            cancelled: cancelled.clone(),
        };
        let mut replay = Replay::new(trace.clone(), compiled, Box::new(surveying))?;
        State::arm(replay.store(), Tick(first_length));
        replay.run()?;
        let store = replay.store();
        let end = State::now(&mut *store);
        let observer: Option<Box<dyn Any>> = store.data_mut().take_observer().map(|o| o as _);
        let surveyed = observer.and_then(|observer| observer.downcast::<Surveying>().ok());
        let mut surveyed = *surveyed.ok_or(ReplayError::NotForSurvey)?;
        let mut store = store.as_context_mut();
        surveyed.end_stretch(&mut store, Tick(u64::MAX));
        let (memories, slots) = surveyed.memories(&mut store);
        Ok(Survey {
            stretches: surveyed.stretches,
            memories,
            slots,
            segments,
            end,
            may_go_on: !trace.has_end(),
        })
    }

    /// How far (in ticks) it reaches: the last tick of the recording. After a trap, the
    /// ticks since the trapping function last called or was called are missing.
    pub fn end(&self) -> Tick {
        self.end
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.stretches.len()
    }

    /// Whether there is none, as in no recording.
    pub fn is_empty(&self) -> bool {
        self.stretches.is_empty()
    }

    /// The ticks in which any of these instructions may have run, half open and ascending;
    /// the last may end later than the recording. Each is a module's original offset.
    pub fn ran(&self, places: &[(ModuleId, u32)]) -> Vec<Range<Tick>> {
        let mut wanted: Vec<(usize, u32)> = Vec::new();
        for (module, pc) in places {
            let module = module.0 as usize;
            let segments = self.segments.get(module);
            let around = segments.map_or(0..0, |segments| segments.around(*pc));
            if around.is_empty() {
                return self.everything();
            }
            wanted.extend(around.map(|segment| (module, segment)));
        }
        self.those(|stretch| {
            let mut wanted = wanted.iter();
            wanted.any(|(module, segment)| {
                let words = stretch.ran.get(*module).map_or(&[][..], Vec::as_slice);
                let word = words.get(*segment as usize / MARKS_TOGETHER);
                word.is_some_and(|word| word >> (segment % MARKS_TOGETHER as u32) & 1 == 1)
            })
        })
    }

    /// The ticks in which bytes of an instance's memory may have been written.
    pub fn written(
        &self,
        instance: InstanceId,
        memory: u32,
        bytes: Range<u64>,
    ) -> Vec<Range<Tick>> {
        let layout = Layout::new(Probe::Survey, 1, 0, false);
        let granule = |address| layout.of_address(0, address);
        let slots = self.memories.get(&(instance, memory));
        let slots = slots.and_then(|number| self.slots.get(*number as usize));
        let Some(slots) = slots.filter(|_| !bytes.is_empty()) else {
            return self.everything();
        };
        let first = granule(bytes.start.saturating_sub(LONGEST_STORE));
        let last = granule(bytes.end - 1);
        if last < first {
            return self.everything();
        }
        self.those(|stretch| {
            let mut of_slots = slots.iter().filter_map(|slot| stretch.written.get(slot));
            of_slots.any(|granules| granules.any_between(first, last))
        })
    }

    fn everything(&self) -> Vec<Range<Tick>> {
        vec![Tick(0)..Tick(u64::MAX)]
    }

    fn those(&self, fits: impl Fn(&Stretch) -> bool) -> Vec<Range<Tick>> {
        let mut begin = Tick(0);
        let mut ranges = Vec::new();
        for stretch in &self.stretches {
            if fits(stretch) {
                ranges.push(begin..stretch.end);
            }
            begin = stretch.end;
        }
        if self.may_go_on {
            ranges.push(self.end..Tick(u64::MAX));
        }
        joined(ranges)
    }
}

/// An instance that is surveyed.
struct Sight {
    instance: CoreInstance,
    layout: Layout,
    probe: Memory,
    memories: Vec<Memory>,
    /// Where its marks of stores are kept: of each of its first memories.
    first_slot: u32,
}

/// More memories than this share their marks.
const SLOTS: u32 = 4;

/// A survey in the making.
struct Surveying {
    /// Ticks in a stretch from now on.
    length: u64,
    first_length: u64,
    sights: Vec<Sight>,
    /// How many segments each module has.
    segments: Vec<u32>,
    stretches: Vec<Stretch>,
    /// What they take.
    bytes: usize,
    cancelled: Arc<AtomicBool>,
}

impl Surveying {
    fn end_stretch(&mut self, store: &mut StoreContextMut<'_, State>, end: Tick) {
        let mut ran: Vec<Vec<u64>> = self
            .segments
            .iter()
            .map(|count| vec![0; (*count as usize).div_ceil(MARKS_TOGETHER)])
            .collect();
        let mut written: BTreeMap<u32, Granules> = BTreeMap::new();
        let mut marks = 0;
        for sight in &self.sights {
            let module = sight.instance.module.0 as usize;
            let sizes: Vec<usize> = sight
                .memories
                .iter()
                .map(|m| m.data_size(&*store))
                .collect();
            let data = sight.probe.data_mut(&mut *store);
            let (layout, count) = (sight.layout, self.segments.get(module).copied());
            marks += count.unwrap_or(0) as usize;
            if let Some(words) = ran.get_mut(module) {
                take_marks(
                    data,
                    layout.of_segment(0),
                    count.unwrap_or(0) as usize,
                    |at, mark| {
                        if let Some(word) = words.get_mut(at as usize) {
                            *word |= mark;
                        }
                    },
                );
            }
            for (memory, size) in (0..).zip(sizes) {
                let granules = (size >> layout.granule_bits()).min(layout.granules() as usize);
                let mut runs = Vec::new();
                marks += granules;
                take_marks(data, layout.of_memory(memory), granules, |at, word| {
                    push_runs(&mut runs, u64::from(at) * MARKS_TOGETHER as u64, word);
                });
                if !runs.is_empty() {
                    let granules = Granules::of(runs.into_iter());
                    match written.entry(sight.first_slot + memory % SLOTS) {
                        Entry::Vacant(slot) => _ = slot.insert(granules),
                        Entry::Occupied(mut slot) => {
                            let both = slot.get().and(&granules);
                            slot.insert(both);
                        }
                    }
                }
            }
        }
        let least = self.first_length * (1 + (marks / MARKS_IN_FIRST_LENGTH) as u64);
        self.length = self.length.max(least);
        let stretch = Stretch { end, ran, written };
        self.bytes += stretch.bytes();
        self.stretches.push(stretch);
        if self.stretches.len() >= MAX_STRETCHES || self.bytes > MOST_BYTES {
            let stretches = self.stretches.chunks(2).map(as_one);
            self.stretches = stretches.collect();
            self.length *= 2;
            self.bytes = self.stretches.iter().map(Stretch::bytes).sum();
        }
    }

    /// Which memories are the same, and where stores to each are marked.
    fn memories(&self, store: &mut StoreContextMut<'_, State>) -> (Memories, Slots) {
        let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
        let mut memories = BTreeMap::new();
        let mut slots = Slots::new();
        for sight in &self.sights {
            for (index, memory) in (0..).zip(&sight.memories) {
                let place = memory.data_ptr(&*store) as usize;
                let number = *numbers.entry(place).or_insert_with(|| {
                    slots.push(BTreeSet::new());
                    slots.len() as u32 - 1
                });
                memories.insert((sight.instance.id, index), number);
                if let Some(slots) = slots.get_mut(number as usize) {
                    slots.insert(sight.first_slot + index % SLOTS);
                }
            }
        }
        (memories, slots)
    }
}

/// Takes marks away, and tells of the words that are not zero.
fn take_marks(data: &mut [u8], from: u64, count: usize, mut tell: impl FnMut(u32, u64)) {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let until = from.saturating_add(count).min(data.len());
    let marks = data.get_mut(from..until).unwrap_or_default();
    let (whole, rest) = marks.as_chunks_mut::<MARKS_TOGETHER>();
    let mut at = 0;
    for chunk in whole {
        // The usual case, in as few instructions as there may be.
        let eights = chunk.as_chunks::<8>().0;
        let any = eights
            .iter()
            .fold(0, |any, eight| any | u64::from_ne_bytes(*eight));
        if any != 0 {
            tell(at, together(chunk));
            chunk.fill(0);
        }
        at += 1;
    }
    let mut last = [0; MARKS_TOGETHER];
    last.iter_mut()
        .zip(&*rest)
        .for_each(|(to, mark)| *to = *mark);
    rest.fill(0);
    if last != [0; MARKS_TOGETHER] {
        tell(at, together(&last));
    }
}

/// A bit for each mark, the first one the lowest. Marks are zero or one.
fn together(marks: &[u8; MARKS_TOGETHER]) -> u64 {
    // Eight at a time: the factor moves the lowest bit of byte i to bit 56 + i.
    const FACTOR: u64 = 0x0102_0408_1020_4080;
    let eights = marks.as_chunks::<8>().0.iter().rev();
    eights.fold(0, |word, eight| {
        let bits = u64::from_le_bytes(*eight).wrapping_mul(FACTOR) >> 56;
        word << 8 | bits
    })
}

/// One or two neighbours as one.
fn as_one(stretches: &[Stretch]) -> Stretch {
    let (first, second) = match stretches {
        [first, second, ..] => (first, second),
        [only] => return only.clone(),
        [] => return Stretch::nothing(),
    };
    let mut both = first.clone();
    for (words, other) in both.ran.iter_mut().zip(&second.ran) {
        let pairs = words.iter_mut().zip(other);
        pairs.for_each(|(word, other)| *word |= other);
    }
    for (slot, granules) in &second.written {
        let known = both.written.entry(*slot).or_default();
        *known = known.and(granules);
    }
    both.end = second.end;
    both
}

impl Stretch {
    fn nothing() -> Stretch {
        Stretch {
            end: Tick(0),
            ran: Vec::new(),
            written: BTreeMap::new(),
        }
    }

    /// What it takes in memory, but for a few.
    fn bytes(&self) -> usize {
        let ran = self.ran.iter().map(|words| 8 * words.len());
        let written = self.written.values().map(|granules| granules.bytes());
        ran.chain(written).sum()
    }
}

/// Marks what a memory holds as written: data segments are not stores.
fn mark_contents(
    store: &mut StoreContextMut<'_, State>,
    (probe, layout): (Memory, Layout),
    index: u32,
    memory: Memory,
) {
    let granules = memory.data(&*store).chunks(1 << layout.granule_bits());
    let written = (0..).zip(granules);
    let written = written.filter(|(_, bytes)| bytes.iter().any(|byte| *byte != 0));
    let written: Vec<usize> = written.map(|(granule, _)| granule).collect();
    let from = layout.of_memory(index) as usize;
    let most = layout.granules() as usize;
    let marks = probe.data_mut(&mut *store);
    for granule in written {
        if let Some(mark) = marks.get_mut(from + granule % most) {
            *mark = 1;
        }
    }
}

impl Observer for Surveying {
    fn instantiated(&mut self, store: &mut StoreContextMut<'_, State>, instance: InstanceId) {
        let Some(instance) = store.data().instances().get(instance.0 as usize).copied() else {
            return;
        };
        let Some(probe) = probe_memory(&mut *store, instance) else {
            return;
        };
        let memories: Vec<Memory> = (0..)
            .map_while(|index| probes::memory(&mut *store, instance, index))
            .collect();
        let segments = self.segments.get(instance.module.0 as usize);
        let segments = segments.copied().unwrap_or(0);
        let layout = Layout::new(Probe::Survey, memories.len() as u32, segments, false);
        for (index, memory) in (0..).zip(&memories) {
            mark_contents(store, (probe, layout), index, *memory);
        }
        self.sights.push(Sight {
            instance,
            layout,
            probe,
            memories,
            first_slot: self.sights.len() as u32 * SLOTS,
        });
    }

    fn received(&mut self, store: &mut StoreContextMut<'_, State>, received: &Received) {
        let place = received.memory.data_ptr(&*store);
        let seen = self.sights.iter().find_map(|sight| {
            let mut memories = (0..).zip(&sight.memories);
            let (index, _) = memories.find(|(_, memory)| memory.data_ptr(&*store) == place)?;
            Some((sight, index))
        });
        let (Some((sight, memory)), Some(last)) = (seen, received.length.checked_sub(1)) else {
            return;
        };
        let layout = sight.layout;
        let first = layout.of_address(memory, received.address);
        let last = layout.of_address(memory, received.address.saturating_add(last));
        let data = sight.probe.data_mut(&mut *store);
        if let Some(marks) = data.get_mut(first as usize..=last.max(first) as usize) {
            marks.fill(1);
        }
    }

    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::from(ReplayError::Cancelled));
        }
        let now = State::now(&mut *store);
        self.end_stretch(store, now);
        State::arm(store.as_context_mut(), Tick(now.0 + self.length));
        Ok(())
    }
}
