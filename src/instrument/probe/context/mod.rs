//! Calling contexts: which function was called from where, all the way down from the entry
//! into the guest, with the ticks of each ([`Probe::Context`](super::Probe::Context)).
//!
//! All instances of a store share one memory with a tree in it. A node is a function in its
//! calling context, and holds counters, and *slots*, one for each place that calls: a list of
//! the nodes of what was called there, the last one first. Before a call, the caller puts the
//! address of its slot into a fixed cell ([`SLOT`]). The callee takes the first node of the
//! slot if it is its own, and asks the host for it if not; it keeps it in a local. So nothing
//! has to be undone where a function is left, by whichever way, and nothing but the cell is
//! shared.
//!
//! A tail call passes on the slot that the caller was called by: what it calls stands in its
//! place. Leaf functions that leave their tick to their callers
//! ([`ClockStyle::Lazy`](crate::instrument::clock::ClockStyle::Lazy)) have no nodes: their
//! callers count them.

mod heap;
mod sites;

pub use heap::{ALLOCATING, Allocates, Allocator, FIRST_NOTE, IMPORT_NOTED, NOTE, NOTED, Note};
pub(in crate::instrument) use heap::{HEAP_LOCALS, Noting};
pub use sites::{Call, Callee, Loop, Sites};
pub(in crate::instrument) use sites::{Known, read};

use wasm_encoder::{BlockType, Instruction, MemArg};

/// The imported memory of the tree.
pub const IMPORT_CONTEXTS: &str = "contexts";
/// The imported function `(id: i32, bytes: i32) -> i32`: the node of the function of that
/// number in the slot that [`SLOT`] names, made with so many bytes if it is not there.
pub const IMPORT_ENTER: &str = "enter";
/// The imported `i32` global: what is added to the index of a function that others than its
/// own module may call, so that no two have the same number.
pub const IMPORT_FUNCTIONS: &str = "functions";

/// The cell that holds the address of the slot of the call that is being made.
pub const SLOT: u32 = 8;
/// The cell that holds the node of the function that calls the clock's hook.
pub const PRESENT: u32 = 12;
/// Where nodes begin, behind a buffer for notes. What is at zero looks like a node of no
/// function.
pub const FIRST_NODE: u32 = 1 << 16;
/// Numbers of functions that only their own module calls are below, those of others are not.
/// A module has fewer functions.
pub const NUMBERS: u32 = 1 << 20;

/// Where in a node is the number of its function; zero if the host wants to hear when it is
/// entered next.
pub const NODE_ID: u32 = 0;
/// Where in a node is the number of its function, always.
pub const NODE_OWN_ID: u32 = 4;
/// Where in a node is the address of the slot that it is in.
pub const NODE_SLOT: u32 = 8;
/// Where in a node is the next one in that slot.
pub const NODE_NEXT: u32 = 12;
/// Where in a node is its number on the host's side.
pub const NODE_INDEX: u32 = 16;
/// Where in a node its counters begin.
pub const NODE_COUNTERS: u32 = 24;

/// How instructions that count find the tree.
#[derive(Debug, Clone, Copy)]
pub(in crate::instrument) struct Tree {
    /// The memory's index.
    pub(in crate::instrument) memory: u32,
    /// The index of the function [`IMPORT_ENTER`].
    pub(in crate::instrument) enter: u32,
    /// The index of the global [`IMPORT_FUNCTIONS`].
    pub(in crate::instrument) functions: u32,
    /// The local that holds the function's node.
    pub(in crate::instrument) node: u32,
}

/// The branch hint is for the last `br_if` of this.
pub(in crate::instrument) struct Entry {
    /// Up to the branch that is nearly always taken.
    pub(in crate::instrument) before: Vec<Instruction<'static>>,
    pub(in crate::instrument) after: Vec<Instruction<'static>>,
}

impl Tree {
    fn at(self, offset: u32, align: u32) -> MemArg {
        MemArg {
            offset: u64::from(offset),
            align,
            memory_index: self.memory,
        }
    }

    fn id(self, sites: &Sites) -> Vec<Instruction<'static>> {
        let index = Instruction::I32Const(sites.function.cast_signed());
        match sites.is_shared {
            true => vec![
                Instruction::GlobalGet(self.functions),
                index,
                Instruction::I32Add,
            ],
            // Zero is no number.
            false => vec![Instruction::I32Const(sites.function.cast_signed() + 1)],
        }
    }

    /// Finds the function's node, and counts the call.
    pub(in crate::instrument) fn entry(self, sites: &Sites) -> Entry {
        let mut before = vec![
            Instruction::Block(BlockType::Empty),
            Instruction::I32Const(0),
            Instruction::I32Load(self.at(SLOT, 2)),
            Instruction::I32Load(self.at(0, 2)),
            Instruction::LocalTee(self.node),
            Instruction::I32Load(self.at(NODE_ID, 2)),
        ];
        before.extend(self.id(sites));
        before.push(Instruction::I32Eq);
        let mut after = vec![Instruction::BrIf(0)];
        after.extend(self.id(sites));
        after.extend([
            Instruction::I32Const(sites.bytes().cast_signed()),
            Instruction::Call(self.enter),
            Instruction::LocalSet(self.node),
            Instruction::End,
        ]);
        after.extend(self.count(sites.entry_counter()));
        Entry { before, after }
    }

    /// Adds one to a counter of the node.
    pub(in crate::instrument) fn count(self, counter: u32) -> [Instruction<'static>; 6] {
        let at = self.at(NODE_COUNTERS + 8 * counter, 3);
        [
            Instruction::LocalGet(self.node),
            Instruction::LocalGet(self.node),
            Instruction::I64Load(at),
            Instruction::I64Const(1),
            Instruction::I64Add,
            Instruction::I64Store(at),
        ]
    }

    /// Adds to a counter of the node what the countdown, which `remaining` gives, has become
    /// less by since it was kept in the local `since`, and keeps it anew.
    pub(in crate::instrument) fn count_since(
        self,
        counter: u32,
        since: u32,
        remaining: Instruction<'static>,
    ) -> [Instruction<'static>; 10] {
        let at = self.at(NODE_COUNTERS + 8 * counter, 3);
        [
            Instruction::LocalGet(self.node),
            Instruction::LocalGet(self.node),
            Instruction::I64Load(at),
            Instruction::LocalGet(since),
            Instruction::I64Add,
            remaining.clone(),
            Instruction::I64Sub,
            Instruction::I64Store(at),
            remaining,
            Instruction::LocalSet(since),
        ]
    }

    /// Says from where what is called next is called.
    pub(in crate::instrument) fn before_call(
        self,
        sites: &Sites,
        call: &Call,
    ) -> Vec<Instruction<'static>> {
        let mut all = Vec::new();
        if let Some(counter) = call.counter {
            all.extend(self.count(counter));
        }
        let Some(slot) = call.slot else {
            return all;
        };
        all.extend([Instruction::I32Const(0), Instruction::LocalGet(self.node)]);
        all.extend(match call.is_tail {
            true => vec![Instruction::I32Load(self.at(NODE_SLOT, 2))],
            false => vec![
                Instruction::I32Const(sites.slot_offset(slot).cast_signed()),
                Instruction::I32Add,
            ],
        });
        all.push(Instruction::I32Store(self.at(SLOT, 2)));
        all
    }

    /// Says which function calls the hook.
    pub(in crate::instrument) fn before_hook(self) -> [Instruction<'static>; 3] {
        [
            Instruction::I32Const(0),
            Instruction::LocalGet(self.node),
            Instruction::I32Store(self.at(PRESENT, 2)),
        ]
    }
}
