//! Which functions were called from where, all the way down, and how many ticks each took in
//! each calling context: exactly, and when.
//!
//! A function that is on the stack [`MOST_TIMES_ON_STACK`] times is not put on top of it once
//! more: what it does then is counted where it is on top of it last.

mod heap;
mod measuring;
mod slices;
mod tree;

pub use slices::{Sample, Slice};
pub use tree::MOST_TIMES_ON_STACK;
pub(super) use tree::{
    Tree, calling_out, enter, entering, import, place_of_call, returning, switch, take_notes,
};

use super::compiled::Compiled;
use super::error::ReplayError;
use super::position::{InstanceId, Tick};
use crate::component::{CrossingId, ModuleId};
use crate::instrument::probe::context::{Call, Callee, Sites};
use crate::trace::{Instance, Trace};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The number of a calling context; the first is the root, which is no function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub u32);

/// The root: what is called from outside is called from there.
pub const ROOT: ContextId = ContextId(0);

/// A function in the context that it was called in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// What called it; `None` for the root, and where nobody kept it ([`Contexts::is_full`]).
    pub caller: Option<ContextId>,
    /// The instruction that called it, as an offset in the caller's module; `None` if it was
    /// called from outside, with no guest code on the stack.
    pub call: Option<u32>,
    /// The hostcall that was made there, if the function was called in one.
    pub through: Option<CrossingId>,
    /// The instance that it is a function of.
    pub instance: InstanceId,
    /// That instance's module.
    pub module: ModuleId,
    /// Its index in the module.
    pub function: u32,
}

/// What was counted at a place in a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The function was called so often.
    Entry,
    /// The header of the loop at this offset was passed so often.
    Loop(u32),
    /// A leaf function was called so often from here.
    Leaf {
        /// The instruction that calls, as an offset in the module.
        call: u32,
        /// The index of the leaf function.
        function: u32,
        /// Whether it takes the place of the function that calls.
        is_tail: bool,
    },
    /// The memory was to grow at this offset so often: no ticks.
    Growth(u32),
}

impl Counted {
    /// Whether each is a tick.
    pub fn is_ticks(self) -> bool {
        !matches!(self, Counted::Growth(_))
    }
}

/// A block of a heap that is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapBlock {
    /// The instance whose allocator made it.
    pub instance: InstanceId,
    /// Where it is in that one's memory.
    pub address: u32,
    /// Bytes that were asked for.
    pub size: u64,
    /// When it was made.
    pub made: Tick,
    /// Which of [`HeapTold::places`] made it.
    pub place: usize,
}

/// A place that allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapPlace {
    /// The context that called the allocator, and the instruction that did; `None` if it was
    /// called from outside, or its callers were not kept.
    pub from: Option<(ContextId, u32)>,
    /// How many blocks it made.
    pub blocks: u64,
    /// Of so many bytes together.
    pub bytes: u64,
}

/// What is told of heaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeapTold {
    /// Modules whose allocators are known by the names of their functions.
    pub modules: Vec<ModuleId>,
    /// The blocks that are in use in the end, the oldest first.
    pub blocks: Vec<HeapBlock>,
    /// Where blocks were made.
    pub places: Vec<HeapPlace>,
    /// Bytes in use in the end.
    pub bytes: u64,
    /// The most bytes that were in use at once, and when first.
    pub peak: (u64, Tick),
    /// Calls of allocators.
    pub calls: u64,
    /// Allocations that failed.
    pub failed: u64,
    /// Blocks that were freed, and that nobody is known to have made.
    pub strange: u64,
    /// Blocks that there was no room to follow.
    pub left_out: u64,
}

/// A place that hostcalls were made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hostcalls {
    /// The context that made them.
    pub caller: ContextId,
    /// The instruction that calls, as an offset in the module.
    pub call: u32,
    /// Which of the component's crossings they are.
    pub crossing: CrossingId,
    /// How many there were.
    pub count: u64,
}

/// A call out of the guest, or into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossed {
    /// When it began.
    pub begin: Tick,
    /// When it ended; `None` if it had not at the end.
    pub end: Option<Tick>,
    /// Hostcalls made before it: of a hostcall, its number.
    pub event: u64,
    /// The same at its end.
    pub last_event: u64,
    /// The component instance on the guest's side.
    pub instance: Instance,
    /// Which of the component's crossings it is.
    pub crossing: CrossingId,
}

/// The calling contexts of a recording.
#[derive(Debug, Clone)]
pub struct Contexts {
    contexts: Vec<Context>,
    /// Where the counters of each context begin, and where those of the last end.
    first: Vec<u32>,
    counts: Vec<u64>,
    /// By module, of each defined function.
    sites: Vec<Arc<[Sites]>>,
    slices: Vec<Slice>,
    samples: Vec<Sample>,
    hostcalls: Vec<Crossed>,
    hostcalls_from: Vec<Hostcalls>,
    entries: Vec<Crossed>,
    is_full: bool,
    heap: Option<HeapTold>,
    first_memory: u64,
    end: Tick,
}

impl Contexts {
    /// Replays the whole recording, compiled to keep contexts. Setting `cancelled` ends it
    /// soon.
    ///
    /// # Errors
    ///
    /// If cancelled, if the recording is compiled in another variant, or if replay fails.
    pub fn of(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Contexts, ReplayError> {
        measuring::measure(trace, compiled, cancelled, None)
    }

    /// The same, of heaps as they are at a tick; of other things all is told.
    ///
    /// # Errors
    ///
    /// As [`Contexts::of`].
    pub fn until(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        cancelled: &Arc<AtomicBool>,
        until: Tick,
    ) -> Result<Contexts, ReplayError> {
        measuring::measure(trace, compiled, cancelled, Some(until))
    }

    /// Bytes of all linear memories as they were made.
    pub fn first_memory(&self) -> u64 {
        self.first_memory
    }

    /// What is told of heaps, in a variant that notes that.
    pub fn heap(&self) -> Option<&HeapTold> {
        self.heap.as_ref()
    }

    /// All contexts; a context comes behind its caller.
    pub fn all(&self) -> impl Iterator<Item = (ContextId, &Context)> {
        (0..).map(ContextId).zip(&self.contexts).skip(1)
    }

    /// How many contexts there are, the root included.
    pub fn len(&self) -> usize {
        self.contexts.len()
    }

    /// Whether no function was called.
    pub fn is_empty(&self) -> bool {
        self.contexts.len() <= 1
    }

    /// One context; `None` for the root.
    pub fn get(&self, context: ContextId) -> Option<&Context> {
        self.contexts
            .get(context.0 as usize)
            .filter(|_| context != ROOT)
    }

    /// A context and those that it was called from, innermost first, without the root.
    pub fn stack(&self, context: ContextId) -> impl Iterator<Item = ContextId> + '_ {
        let first = self.get(context).map(|_| context);
        std::iter::successors(first, |at| {
            let caller = self.get(*at)?.caller?;
            (caller != ROOT).then_some(caller)
        })
    }

    /// Where things are counted in a context, with the number of each counter.
    pub fn counters(&self, context: ContextId) -> impl Iterator<Item = (u32, Counted)> + '_ {
        let sites = self.sites(context);
        let first = self.first.get(context.0 as usize).copied().unwrap_or(0);
        sites
            .into_iter()
            .flat_map(places)
            .map(move |(counter, counted)| (first + counter, counted))
    }

    /// What a counter has counted.
    pub fn count(&self, counter: u32) -> u64 {
        self.counts.get(counter as usize).copied().unwrap_or(0)
    }

    /// The context that has a counter.
    pub fn context_of(&self, counter: u32) -> ContextId {
        let after = self.first.partition_point(|first| *first <= counter) as u32;
        ContextId(after.saturating_sub(1))
    }

    fn sites(&self, context: ContextId) -> Option<&Sites> {
        let Context {
            module, function, ..
        } = self.get(context)?;
        function_sites(&self.sites, *module, *function)
    }

    /// The first instruction of a function, as an offset in its module.
    pub fn entry_of(&self, module: ModuleId, function: u32) -> Option<u32> {
        function_sites(&self.sites, module, function).map(|sites| sites.entry)
    }

    /// The stretches of time that samples are of, in order.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// What was counted in a slice, by counters ascending: of all slices together, all that was
    /// counted.
    pub fn samples(&self, slice: usize) -> &[Sample] {
        let end = self.slices.get(slice).map_or(0, |slice| slice.samples_end);
        let before = slice.checked_sub(1).and_then(|at| self.slices.get(at));
        let start = before.map_or(0, |slice| slice.samples_end);
        self.samples.get(start..end).unwrap_or_default()
    }

    /// The calls out of the guest, in order; those of long recordings not all
    /// ([`MOST_HOSTCALLS`](measuring::MOST_HOSTCALLS)).
    pub fn hostcalls(&self) -> &[Crossed] {
        &self.hostcalls
    }

    /// How often hostcalls were made from where: all of them.
    pub fn hostcalls_from(&self) -> &[Hostcalls] {
        &self.hostcalls_from
    }

    /// The calls into the guest of its exports, in order; not all of very many.
    pub fn entries(&self) -> &[Crossed] {
        &self.entries
    }

    /// Whether there were more contexts than are kept: functions that were called in others
    /// are counted without their callers.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// The last tick of the recording, as far as optimised code can tell.
    pub fn end(&self) -> Tick {
        self.end
    }
}

fn function_sites(all: &[Arc<[Sites]>], module: ModuleId, function: u32) -> Option<&Sites> {
    let sites = all.get(module.0 as usize)?;
    let imported = sites.first()?.function;
    sites.get(function.checked_sub(imported)? as usize)
}

/// The counters of a function's nodes.
fn places(sites: &Sites) -> impl Iterator<Item = (u32, Counted)> + '_ {
    let entry = [(sites.entry_counter(), Counted::Entry)];
    let loops = (0..).zip(&sites.loops);
    let loops = loops.map(|(nth, of)| (sites.loop_counter(nth), Counted::Loop(of.pc)));
    let calls = sites.calls.iter().filter_map(|call| {
        let Call { pc, is_tail, .. } = *call;
        let counted = match call.callee {
            Callee::Leaf(function) => Counted::Leaf {
                call: pc,
                function,
                is_tail,
            },
            Callee::Import(_) | Callee::Own(_) | Callee::Reference => return None,
        };
        Some((call.counter?, counted))
    });
    let growths = sites.growths.iter();
    let growths = growths.map(|(pc, counter)| (*counter, Counted::Growth(*pc)));
    entry.into_iter().chain(loops).chain(calls).chain(growths)
}
