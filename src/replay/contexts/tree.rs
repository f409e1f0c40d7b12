//! The tree of calling contexts that guest code grows: the host's side of it.

use super::heap::Heap;
use crate::component::{CrossingId, ModuleId};
use crate::instrument::probe::context::{
    FIRST_NODE, FIRST_NOTE, IMPORT_CONTEXTS, IMPORT_FUNCTIONS, NODE_COUNTERS, NODE_ID, NODE_INDEX,
    NODE_NEXT, NODE_OWN_ID, NODE_SLOT, NOTED, NUMBERS, Note, PRESENT, SLOT,
};
use crate::replay::clock::Clock;
use crate::replay::error::ReplayError;
use crate::replay::position::{InstanceId, Tick};
use crate::replay::state::State;
use std::collections::HashMap;
use wasmtime::{
    AsContext, AsContextMut, Caller, Extern, Global, GlobalType, Memory, MemoryType, Mutability,
    Val, ValType,
};

/// A tree takes so many bytes at most; what is called then is counted by function only.
const MOST_BYTES: u32 = 64 << 20;
/// A function that is on the stack so often is not put on top of it once more: its innermost
/// node there is taken. Else a function that calls itself twice would have as many contexts as
/// calls.
pub const MOST_TIMES_ON_STACK: usize = 8;
/// So many frames of a stack are looked at for that.
const DEEPEST: usize = 1 << 12;
/// Pages by which its memory grows.
const GROWTH: u64 = 16;
const PAGE: u64 = 1 << 16;
/// The root has no counters and one slot.
const ROOT_SLOT: u32 = FIRST_NODE + NODE_COUNTERS;
/// The root is no function.
const ROOT_BYTES: u32 = NODE_COUNTERS + 8;

/// A node, as the host knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where it is in the tree's memory.
    pub(super) at: u32,
    /// The node that it is called from, and where in that its slot is; `None` for the root and
    /// for functions that are counted without their callers.
    pub(super) caller: Option<(u32, u32)>,
    /// The hostcall that it is called in, if that was made from there.
    pub(super) through: Option<CrossingId>,
    pub(super) instance: InstanceId,
    pub(super) module: ModuleId,
    /// The index of its function in the module.
    pub(super) function: u32,
}

impl Node {
    /// Where its counters are.
    pub(super) fn counters_at(&self) -> u32 {
        self.at + NODE_COUNTERS
    }
}

/// The tree of a store.
pub(in crate::replay) struct Tree {
    memory: Memory,
    /// In the order of their addresses; the first is the root.
    nodes: Vec<Node>,
    free: u32,
    /// Nodes of functions that are counted without their callers.
    callerless: HashMap<(InstanceId, u32), u32>,
    /// Where the first of those is.
    full_at: Option<u32>,
    /// The calls out of the guest that are in progress, with the slots that they are made from.
    calling_out: Vec<(u32, CrossingId)>,
    /// The last call into the guest was made in this one.
    entered_in: Option<(u32, CrossingId)>,
    /// How often each hostcall was made from each slot.
    hostcalls: HashMap<(u32, CrossingId), u64>,
    /// What allocators did, where that is noted.
    heap: Heap,
    /// Nodes that were entered since this was last taken.
    entered: Vec<u32>,
}

impl Tree {
    /// `until`: what allocators do after that is not of interest.
    pub(in crate::replay) fn new(
        mut store: impl AsContextMut,
        until: Option<Tick>,
    ) -> wasmtime::Result<Tree> {
        let memory = Memory::new(&mut store, MemoryType::new(GROWTH as u32, None))?;
        let root = Node {
            at: FIRST_NODE,
            caller: None,
            through: None,
            instance: InstanceId(u32::MAX),
            module: ModuleId(u32::MAX),
            function: 0,
        };
        let tree = Tree {
            memory,
            nodes: vec![root],
            free: FIRST_NODE + ROOT_BYTES,
            callerless: HashMap::new(),
            full_at: None,
            calling_out: Vec::new(),
            entered_in: None,
            hostcalls: HashMap::new(),
            heap: Heap::new(until),
            entered: Vec::new(),
        };
        put(memory.data_mut(&mut store), SLOT, ROOT_SLOT);
        put(memory.data_mut(&mut store), NOTED, FIRST_NOTE);
        Ok(tree)
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory
    }

    pub(super) fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Takes what allocators have noted; `clock` is the one that they noted it by.
    fn take_notes(&mut self, data: &mut [u8], clock: Clock) {
        let noted = get(data, NOTED);
        put(data, NOTED, FIRST_NOTE);
        let notes = data.get(FIRST_NOTE as usize..noted as usize);
        let (notes, _) = notes.unwrap_or_default().as_chunks();
        for note in notes.iter().filter_map(Note::read) {
            let node = get(data, note.node + NODE_INDEX);
            let node = self.nodes.get(node as usize);
            let (instance, from) = match node {
                Some(node) => (node.instance, node.caller),
                None => continue,
            };
            self.heap
                .note(instance, from, &note, clock.tick_with(note.remaining));
        }
    }

    /// Whether some functions are counted without their callers.
    pub(super) fn is_full(&self) -> bool {
        self.full_at.is_some()
    }

    /// The nodes that were entered since this was last asked, of those that are waited for.
    pub(super) fn take_entered(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.entered)
    }

    /// The node of a function of an instance in the slot of the call that is made, made with so
    /// many bytes if it is not there. `None` if memory has to grow first.
    fn enter(
        &mut self,
        data: &mut [u8],
        (instance, module): (InstanceId, ModuleId),
        id: u32,
        bytes: u32,
    ) -> Option<u32> {
        let slot = get(data, SLOT);
        let head = get(data, slot);
        let (mut previous, mut at) = (None, head);
        if head != 0 && get(data, head + NODE_OWN_ID) == id {
            self.awake(data, head, id);
            return Some(head);
        }
        // The first may be of another slot: no others are behind it then.
        while at != 0 && !self.is_callerless(at) && get(data, at + NODE_SLOT) == slot {
            let next = get(data, at + NODE_NEXT);
            if get(data, at + NODE_OWN_ID) != id {
                (previous, at) = (Some(at), next);
                continue;
            }
            if let Some(previous) = previous {
                put(data, previous + NODE_NEXT, next);
                put(data, at + NODE_NEXT, head);
                put(data, slot, at);
            }
            self.awake(data, at, id);
            return Some(at);
        }
        let function = if id < NUMBERS { id - 1 } else { id % NUMBERS };
        if let Some(at) = self.on_stack_too_often(slot, instance, function) {
            self.awake(data, at, id);
            if head == 0 {
                put(data, slot, at);
            }
            return Some(at);
        }
        let is_full = self.is_full() || self.free.saturating_add(bytes) > MOST_BYTES;
        if is_full && let Some(&at) = self.callerless.get(&(instance, function)) {
            self.awake(data, at, id);
            if head == 0 {
                put(data, slot, at);
            }
            return Some(at);
        }
        let at = self.free;
        let end = at.checked_add(bytes)?;
        if data.len() < end as usize {
            return None;
        }
        self.free = end;
        if is_full {
            self.full_at.get_or_insert(at);
            self.callerless.insert((instance, function), at);
        } else {
            put(data, at + NODE_NEXT, head);
            put(data, slot, at);
        }
        put(data, at + NODE_OWN_ID, id);
        put(data, at + NODE_SLOT, slot);
        put(data, at + NODE_INDEX, self.nodes.len() as u32);
        let through = self.entered_in.filter(|(from, _)| *from == slot);
        let caller = self.owner_of(slot);
        self.nodes.push(Node {
            at,
            caller: (!is_full).then_some(caller),
            through: through.map(|(_, crossing)| crossing),
            instance,
            module,
            function,
        });
        self.awake(data, at, id);
        Some(at)
    }

    /// The innermost node of a function among those that a call is made from, if there are
    /// enough of them.
    fn on_stack_too_often(&self, slot: u32, instance: InstanceId, function: u32) -> Option<u32> {
        let mut times = 0;
        let mut innermost = None;
        let mut next = Some(self.owner_of(slot).0);
        for _ in 0..DEEPEST {
            let node = next.and_then(|at| self.nodes.get(at as usize))?;
            if (node.instance, node.function) == (instance, function) {
                innermost.get_or_insert(node.at);
                times += 1;
                if times >= MOST_TIMES_ON_STACK {
                    return innermost;
                }
            }
            next = node.caller.map(|(caller, _)| caller);
        }
        None
    }

    /// The node that has a slot, and where in that it is.
    fn owner_of(&self, slot: u32) -> (u32, u32) {
        let after = self.nodes.partition_point(|node| node.at <= slot);
        let owner = after.saturating_sub(1);
        let at = self.nodes.get(owner).map_or(0, |node| node.at);
        (owner as u32, slot - at)
    }

    /// How often each hostcall was made from which node and where in that.
    pub(super) fn hostcalls(&self) -> impl Iterator<Item = ((u32, u32), CrossingId, u64)> + '_ {
        let all = self.hostcalls.iter();
        all.map(|((slot, crossing), count)| (self.owner_of(*slot), *crossing, *count))
    }

    fn is_callerless(&self, at: u32) -> bool {
        self.full_at.is_some_and(|full_at| at >= full_at)
    }

    /// A node is entered, and need not be told of again for a while.
    fn awake(&mut self, data: &mut [u8], at: u32, id: u32) {
        if get(data, at + NODE_ID) != id {
            put(data, at + NODE_ID, id);
            self.entered.push(get(data, at + NODE_INDEX));
        }
    }

    /// The host wants to hear when these nodes are entered next.
    pub(super) fn wait_for(&self, data: &mut [u8], nodes: &[u32]) {
        for node in nodes
            .iter()
            .filter_map(|node| self.nodes.get(*node as usize))
        {
            put(data, node.at + NODE_ID, 0);
        }
    }

    /// The node of the function that calls the clock's hook, and those that it is called from.
    pub(super) fn present(&self, data: &[u8]) -> impl Iterator<Item = u32> + '_ {
        let at = get(data, PRESENT);
        let innermost = match at {
            0 => None,
            at => Some(get(data, at + NODE_INDEX)),
        };
        std::iter::successors(innermost, |node| {
            let (caller, _) = self.nodes.get(*node as usize)?.caller?;
            Some(caller)
        })
    }
}

/// What a module imports for the instance of that number by a name.
pub(in crate::replay) fn import(
    mut store: impl AsContextMut<Data = State>,
    instance: InstanceId,
    name: &str,
) -> wasmtime::Result<Option<Extern>> {
    let mut store = store.as_context_mut();
    let Some(tree) = &store.data().contexts else {
        return Ok(None);
    };
    match name {
        IMPORT_CONTEXTS => Ok(Some(tree.memory.into())),
        IMPORT_FUNCTIONS => {
            let first = (instance.0 + 1).checked_mul(NUMBERS);
            let first = first.ok_or(ReplayError::Wiring("it has too many instances"))?;
            let ty = GlobalType::new(ValType::I32, Mutability::Const);
            let global = Global::new(&mut store, ty, Val::I32(first.cast_signed()))?;
            Ok(Some(global.into()))
        }
        _ => Ok(None),
    }
}

/// What code calls that does not find its node at once.
pub(in crate::replay) fn enter(
    caller: &mut Caller<'_, State>,
    function: (InstanceId, ModuleId),
    id: u32,
    bytes: u32,
) -> wasmtime::Result<u32> {
    let memory = caller.data().contexts.as_ref().map(Tree::memory);
    let memory = memory.ok_or(ReplayError::NotForContexts)?;
    loop {
        let (data, state) = memory.data_and_store_mut(&mut *caller);
        let tree = state.contexts.as_mut();
        let tree = tree.ok_or(ReplayError::NotForContexts)?;
        if let Some(node) = tree.enter(data, function, id, bytes) {
            return Ok(node);
        }
        let more = GROWTH.max(u64::from(bytes).div_ceil(PAGE));
        memory.grow(&mut *caller, more)?;
    }
}

/// Takes what allocators have noted until now.
pub(in crate::replay) fn take_notes(mut store: impl AsContextMut<Data = State>) {
    let mut store = store.as_context_mut();
    let Some(memory) = store.data().contexts.as_ref().map(Tree::memory) else {
        return;
    };
    let (data, state) = memory.data_and_store_mut(&mut store);
    if let (Some(tree), Some(clock)) = (&mut state.contexts, state.clock) {
        tree.take_notes(data, clock);
    }
}

/// The guest calls out: what is called meanwhile is called from there.
pub(in crate::replay) fn calling_out(
    mut store: impl AsContextMut<Data = State>,
    crossing: CrossingId,
) {
    let mut store = store.as_context_mut();
    if let Some(memory) = store.data().contexts.as_ref().map(Tree::memory) {
        let (data, state) = memory.data_and_store_mut(&mut store);
        if let Some(tree) = &mut state.contexts {
            let slot = get(data, SLOT);
            tree.calling_out.push((slot, crossing));
            *tree.hostcalls.entry((slot, crossing)).or_default() += 1;
        }
    }
}

/// Where the innermost call out is made, if contexts are kept.
pub(in crate::replay) fn place_of_call(store: impl AsContext<Data = State>) -> Option<u32> {
    let store = store.as_context();
    let tree = store.data().contexts.as_ref()?;
    tree.calling_out.last().map(|(slot, _)| *slot)
}

/// Another stack goes on, or begins: these are the calls out of it, outermost first.
pub(in crate::replay) fn switch(
    mut store: impl AsContextMut<Data = State>,
    calls: Vec<(u32, CrossingId)>,
) {
    if let Some(tree) = &mut store.as_context_mut().data_mut().contexts {
        tree.calling_out = calls;
    }
}

/// The innermost call out returns.
pub(in crate::replay) fn returning(mut store: impl AsContextMut<Data = State>) {
    if let Some(tree) = &mut store.as_context_mut().data_mut().contexts {
        tree.calling_out.pop();
    }
}

/// The guest is about to be called.
pub(in crate::replay) fn entering(mut store: impl AsContextMut<Data = State>) {
    let mut store = store.as_context_mut();
    if let Some(memory) = store.data().contexts.as_ref().map(Tree::memory) {
        let (data, state) = memory.data_and_store_mut(&mut store);
        let Some(tree) = &mut state.contexts else {
            return;
        };
        tree.entered_in = tree.calling_out.last().copied();
        put(
            data,
            SLOT,
            tree.entered_in.map_or(ROOT_SLOT, |(slot, _)| slot),
        );
    }
}

/// Addresses are those of nodes that this has made, so they are within.
fn get(data: &[u8], at: u32) -> u32 {
    let bytes = data.get(at as usize..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn put(data: &mut [u8], at: u32, value: u32) {
    let bytes = data.get_mut(at as usize..);
    if let Some(bytes) = bytes.and_then(<[u8]>::first_chunk_mut) {
        *bytes = value.to_le_bytes();
    }
}
