//! The pass that measures calling contexts.

use super::slices::{Sample, Slices};
use super::tree::{Node, Tree, take_notes};
use super::{
    Context, ContextId, Contexts, Crossed, HeapBlock, HeapPlace, HeapTold, Hostcalls,
    function_sites,
};
use crate::component::{CrossingKind, ModuleId};
use crate::instrument::clock::{self, ClockStyle};
use crate::instrument::probe::Probe;
use crate::instrument::probe::context::Sites;
use crate::replay::calls::{Calling, Entering};
use crate::replay::compiled::Compiled;
use crate::replay::error::ReplayError;
use crate::replay::position::{InstanceId, Tick};
use crate::replay::probes;
use crate::replay::run::Replay;
use crate::replay::state::{Observer, State};
use crate::replay::variant::VariantError;
use crate::trace::Trace;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{AsContextMut, Memory, StoreContextMut};

/// Ticks in a slice at first.
const FIRST_LENGTH: u64 = 1 << 10;
/// A slice has so many ticks at least for each context that it takes to look at: looking takes
/// about a tenth of what it takes to replay that then.
const TICKS_FOR_LOOK: u64 = 128;
/// A slice is this long at most, so that a pass that is called off ends soon.
const LONGEST: u64 = 1 << 24;
/// At most so many calls out of the guest are noted.
pub const MOST_HOSTCALLS: usize = 1 << 18;

pub(super) fn measure(
    trace: &Arc<Trace>,
    compiled: &Compiled,
    cancelled: &Arc<AtomicBool>,
    until: Option<Tick>,
) -> Result<Contexts, ReplayError> {
    let probe = compiled.variant.probe();
    let probe = probe.filter(|probe| probe.has_contexts());
    let probe = probe.ok_or(ReplayError::NotForContexts)?;
    if cancelled.load(Ordering::Relaxed) {
        return Err(ReplayError::Cancelled);
    }
    let style = compiled.variant.clock_style().unwrap_or(ClockStyle::Lazy);
    let sites = sites(trace, style, probe)?;
    let measuring = Measuring {
        length: FIRST_LENGTH,
        sites,
        first: Vec::new(),
        counts: Vec::new(),
        slices: Slices::default(),
        standing: Vec::new(),
        memories: Vec::new(),
        first_memory: 0,
        hostcalls: Vec::new(),
        open_hostcalls: Vec::new(),
        entries: Vec::new(),
        open_entries: Vec::new(),
        looked: Vec::new(),
        look: 0,
        cancelled: cancelled.clone(),
    };
    let mut replay = Replay::new(trace.clone(), compiled, Box::new(measuring))?;
    if until.is_some() {
        let tree = Tree::new(replay.store(), until)?;
        replay.store().data_mut().contexts = Some(tree);
    }
    State::arm(replay.store(), Tick(FIRST_LENGTH));
    replay.run()?;
    let store = replay.store();
    let end = State::now(&mut *store);
    let observer: Option<Box<dyn Any>> = store.data_mut().take_observer().map(|o| o as _);
    let measured = observer.and_then(|observer| observer.downcast::<Measuring>().ok());
    let mut measured = *measured.ok_or(ReplayError::NotForContexts)?;
    measured.finish(&mut store.as_context_mut(), end);
    let tree = store.data().contexts.as_ref();
    let tree = tree.ok_or(ReplayError::NotForContexts)?;
    let contexts = tree.nodes().iter();
    let contexts = contexts.map(|node| measured.context(tree, node)).collect();
    let hostcalls_from = tree.hostcalls().filter_map(|(slot, crossing, count)| {
        Some(Hostcalls {
            caller: ContextId(slot.0),
            call: measured.call_at(tree, slot)?,
            crossing,
            count,
        })
    });
    let hostcalls_from = hostcalls_from.collect();
    let heap = (probe == Probe::Heap).then(|| measured.heap(tree));
    Ok(Contexts {
        contexts,
        hostcalls_from,
        first: measured.first,
        counts: measured.counts,
        sites: measured.sites,
        slices: measured.slices.slices,
        samples: measured.slices.samples,
        hostcalls: measured.hostcalls,
        entries: measured.entries,
        is_full: tree.is_full(),
        heap,
        first_memory: measured.first_memory,
        end,
    })
}

/// The places of all functions of a recording's modules.
fn sites(trace: &Trace, style: ClockStyle, probe: Probe) -> Result<Vec<Arc<[Sites]>>, ReplayError> {
    let modules = trace.component().modules().enumerate();
    let sites = modules.map(|(module, bytes)| match clock::sites(bytes, style, probe) {
        Ok(sites) => Ok(sites.into()),
        Err(source) => Err(VariantError::Clock { module, source }.into()),
    });
    sites.collect()
}

/// Contexts in the making.
struct Measuring {
    length: u64,
    sites: Vec<Arc<[Sites]>>,
    /// Where the counters of each context begin.
    first: Vec<u32>,
    /// What has been read last.
    counts: Vec<u64>,
    slices: Slices,
    /// The contexts on the stack at the end of the last slice.
    standing: Vec<u32>,
    /// The memories of the guest.
    memories: Vec<Memory>,
    /// How many bytes they had when they were made.
    first_memory: u64,
    hostcalls: Vec<Crossed>,
    /// Those in progress, if they are noted.
    open_hostcalls: Vec<Option<usize>>,
    entries: Vec<Crossed>,
    open_entries: Vec<Option<usize>>,
    /// For each context, the number of the look that has seen it last.
    looked: Vec<u32>,
    look: u32,
    cancelled: Arc<AtomicBool>,
}

impl Measuring {
    /// Counters for the contexts that are new.
    fn make_room(&mut self, tree: &Tree) {
        for node in tree.nodes().iter().skip(self.first.len()) {
            self.first.push(self.counts.len() as u32);
            let sites = function_sites(&self.sites, node.module, node.function);
            let counters = sites.map_or(0, |sites| sites.counters);
            self.counts.resize(self.counts.len() + counters as usize, 0);
        }
        self.looked.resize(self.first.len(), 0);
    }

    /// Notes what the counters of a context have grown by.
    fn read(&mut self, data: &[u8], tree: &Tree, context: u32) {
        let at = context as usize;
        let (Some(node), Some(&first)) = (tree.nodes().get(at), self.first.get(at)) else {
            return;
        };
        let end = self
            .first
            .get(at + 1)
            .map_or(self.counts.len(), |next| *next as usize);
        let counts = self.counts.get_mut(first as usize..end).unwrap_or_default();
        let from = node.counters_at() as usize;
        let bytes = data.get(from..).unwrap_or_default();
        let now = bytes
            .as_chunks()
            .0
            .iter()
            .map(|bytes| u64::from_le_bytes(*bytes));
        for (counter, (before, now)) in (first..).zip(counts.iter_mut().zip(now)) {
            if now != *before {
                self.slices.samples.push(Sample {
                    counter,
                    count: now.wrapping_sub(*before),
                });
                *before = now;
            }
        }
    }

    /// Reads what has been counted since the last slice; how many contexts were looked at.
    fn look(&mut self, store: &mut StoreContextMut<'_, State>) -> u64 {
        take_notes(&mut *store);
        let Some(memory) = store.data().contexts.as_ref().map(Tree::memory) else {
            return 0;
        };
        let (data, state) = memory.data_and_store_mut(store);
        let Some(tree) = &mut state.contexts else {
            return 0;
        };
        let entered = tree.take_entered();
        self.make_room(tree);
        self.look += 1;
        let standing = std::mem::take(&mut self.standing);
        for context in entered.iter().chain(&standing) {
            let looked = self.looked.get_mut(*context as usize);
            if looked.is_some_and(|looked| std::mem::replace(looked, self.look) != self.look) {
                self.read(data, tree, *context);
            }
        }
        tree.wait_for(data, &entered);
        self.standing = tree.present(data).collect();
        (entered.len() + standing.len()) as u64
    }

    fn end_slice(&mut self, store: &mut StoreContextMut<'_, State>, now: Tick) {
        let events = store.data().events();
        let memories = self.memories.iter();
        let memory = memories
            .map(|memory| memory.data_size(&*store) as u64)
            .sum();
        if self.slices.end(now, events, memory) {
            self.length = (self.length * 2).min(LONGEST);
        }
    }

    /// Reads all counters at last.
    fn finish(&mut self, store: &mut StoreContextMut<'_, State>, end: Tick) {
        self.look(store);
        let Some(memory) = store.data().contexts.as_ref().map(Tree::memory) else {
            return;
        };
        let (data, state) = memory.data_and_store_mut(&mut *store);
        if let Some(tree) = &state.contexts {
            for context in 0..tree.nodes().len() as u32 {
                self.read(data, tree, context);
            }
        }
        self.end_slice(store, end);
    }

    fn context(&self, tree: &Tree, node: &Node) -> Context {
        Context {
            caller: node.caller.map(|(caller, _)| ContextId(caller)),
            call: node.caller.and_then(|slot| self.call_at(tree, slot)),
            through: node.through,
            instance: node.instance,
            module: node.module,
            function: node.function,
        }
    }

    fn heap(&self, tree: &Tree) -> HeapTold {
        let heap = tree.heap();
        let modules = (0..).map(ModuleId).zip(&self.sites);
        let allocates = |sites: &Arc<[Sites]>| sites.iter().any(|of| of.allocator.is_some());
        let modules = modules.filter(|(_, sites)| allocates(sites));
        let mut made: Vec<_> = heap.made.iter().collect();
        made.sort_unstable_by_key(|(from, _)| **from);
        let places: Vec<HeapPlace> = made
            .iter()
            .map(|(from, made)| HeapPlace {
                from: from.and_then(|from| Some((ContextId(from.0), self.call_at(tree, from)?))),
                blocks: made.blocks,
                bytes: made.bytes,
            })
            .collect();
        let place_of = |from| {
            made.binary_search_by_key(&&from, |(of, _)| *of)
                .unwrap_or(0)
        };
        let blocks = heap.blocks.iter();
        let blocks = blocks.map(|((instance, address), block)| HeapBlock {
            instance: *instance,
            address: *address,
            size: block.size,
            made: block.made,
            place: place_of(block.from),
        });
        let mut blocks: Vec<HeapBlock> = blocks.collect();
        blocks.sort_unstable_by_key(|block| (block.made, block.instance, block.address));
        HeapTold {
            modules: modules.map(|(module, _)| module).collect(),
            blocks,
            places,
            bytes: heap.bytes,
            peak: heap.peak,
            calls: heap.calls,
            failed: heap.failed,
            strange: heap.strange,
            left_out: heap.left_out,
        }
    }

    /// The instruction whose slot is there in a node.
    fn call_at(&self, tree: &Tree, (node, offset): (u32, u32)) -> Option<u32> {
        let node = tree.nodes().get(node as usize)?;
        let sites = function_sites(&self.sites, node.module, node.function)?;
        Some(sites.call_of_slot(offset)?.pc)
    }

    fn crossed(store: &mut StoreContextMut<'_, State>) -> (Tick, u64) {
        (State::now(&mut *store), store.data().events())
    }
}

/// Ends what was noted last, if it was.
fn close(all: &mut [Crossed], open: Option<Option<usize>>, (now, event): (Tick, u64)) {
    if let Some(crossed) = open.flatten().and_then(|at| all.get_mut(at)) {
        crossed.end = Some(now);
        crossed.last_event = event;
    }
}

/// Notes what begins, unless there are too many.
fn note(all: &mut Vec<Crossed>, open: &mut Vec<Option<usize>>, crossed: Crossed) {
    let is_noted = all.len() < MOST_HOSTCALLS;
    open.push(is_noted.then_some(all.len()));
    if is_noted {
        all.push(crossed);
    }
}

impl Observer for Measuring {
    fn instantiated(&mut self, store: &mut StoreContextMut<'_, State>, instance: InstanceId) {
        let Some(&made) = store.data().instances().get(instance.0 as usize) else {
            return;
        };
        let memories = (0..).map_while(|index| probes::memory(&mut *store, made, index));
        for memory in memories.collect::<Vec<Memory>>() {
            let start = memory.data_ptr(&*store);
            let is_known = self
                .memories
                .iter()
                .any(|known| known.data_ptr(&*store) == start);
            if !is_known {
                self.first_memory += memory.data_size(&*store) as u64;
                self.memories.push(memory);
            }
        }
    }

    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::from(ReplayError::Cancelled));
        }
        let now = State::now(&mut *store);
        let looked = self.look(store);
        self.end_slice(store, now);
        if looked * TICKS_FOR_LOOK > self.length {
            self.length = (self.length * 2).min(LONGEST);
        }
        State::arm(store.as_context_mut(), Tick(now.0 + self.length));
        Ok(())
    }

    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let crossed = Crossed {
            begin: State::now(&mut *store),
            end: None,
            event: call.event,
            last_event: call.event,
            instance: call.instance,
            crossing: call.crossing,
        };
        note(&mut self.hostcalls, &mut self.open_hostcalls, crossed);
        Ok(())
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _: &Calling,
        _: &[crate::component::types::CoreValue],
    ) -> wasmtime::Result<()> {
        let now = Self::crossed(store);
        close(&mut self.hostcalls, self.open_hostcalls.pop(), now);
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        let component = store.data().component().clone();
        let kind = component
            .crossing(entry.crossing)
            .map(|crossing| &crossing.kind);
        let (begin, event) = Self::crossed(store);
        if !matches!(kind, Some(CrossingKind::Lift | CrossingKind::Callback)) {
            self.open_entries.push(None);
            return Ok(());
        }
        let crossed = Crossed {
            begin,
            end: None,
            event,
            last_event: event,
            instance: entry.instance,
            crossing: entry.crossing,
        };
        note(&mut self.entries, &mut self.open_entries, crossed);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _: &Entering<'_>,
        _: &[crate::component::types::CoreValue],
    ) -> wasmtime::Result<()> {
        let now = Self::crossed(store);
        close(&mut self.entries, self.open_entries.pop(), now);
        Ok(())
    }
}
