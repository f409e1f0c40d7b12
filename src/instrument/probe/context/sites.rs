//! The places of a function that count, and those that call.

use crate::instrument::clock::ClockError;
use wasmparser::{BlockType, FunctionBody, Operator};

use super::{Allocator, NODE_COUNTERS};

/// What a call leads to, as far as its instruction tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callee {
    /// A leaf function of the module, of this index, that has no nodes: it is called as often
    /// as the counter says, and has a tick for each call.
    Leaf(u32),
    /// An import of this index: a hostcall, or a function of another instance.
    Import(u32),
    /// Another function of the module, of this index.
    Own(u32),
    /// Whatever is in a table, or a reference.
    Reference,
}

/// An instruction that calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its offset in the module.
    pub pc: u32,
    /// What it calls.
    pub callee: Callee,
    /// Whether what it calls takes the place of the function that has it.
    pub is_tail: bool,
    /// The node's counter for it, if it has one.
    pub counter: Option<u32>,
    /// The node's slot for it, if it has one.
    pub slot: Option<u32>,
}

/// A loop, whose header counts ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loop {
    /// The offset in the module of its `loop` instruction.
    pub pc: u32,
    /// Whether its ticks are counted when it is left, all at once.
    pub is_bracketed: bool,
}

/// The places of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sites {
    /// The function's index in its module.
    pub function: u32,
    /// The offset in the module of its first instruction.
    pub entry: u32,
    /// Whether it has nodes; if not, its callers count it.
    pub has_nodes: bool,
    /// Whether others than its own module may call it.
    pub is_shared: bool,
    /// Its loops, in order.
    pub loops: Vec<Loop>,
    /// Its calls, in order.
    pub calls: Vec<Call>,
    /// What it does, if it is an allocator's and that is noted.
    pub allocator: Option<Allocator>,
    /// Its instructions that grow memories, each with its counter.
    pub growths: Vec<(u32, u32)>,
    /// How many counters a node has.
    pub counters: u32,
    /// How many slots a node has.
    pub slots: u32,
}

impl Sites {
    /// The counter of calls.
    pub fn entry_counter(&self) -> u32 {
        0
    }

    /// The counter of a loop's ticks.
    pub fn loop_counter(&self, nth: u32) -> u32 {
        1 + nth
    }

    /// Where in a node a slot is.
    pub fn slot_offset(&self, slot: u32) -> u32 {
        NODE_COUNTERS + 8 * self.counters + 4 * slot
    }

    /// The call whose slot is there in a node.
    pub fn call_of_slot(&self, offset: u32) -> Option<&Call> {
        let slot = offset.checked_sub(self.slot_offset(0))? / 4;
        self.calls.iter().find(|call| call.slot == Some(slot))
    }

    /// Bytes of a node.
    pub fn bytes(&self) -> u32 {
        self.slot_offset(self.slots).next_multiple_of(8)
    }
}

/// What is known of a function before its places are read.
pub(in crate::instrument) struct Known<'a> {
    pub(in crate::instrument) function: u32,
    pub(in crate::instrument) has_nodes: bool,
    pub(in crate::instrument) is_shared: bool,
    pub(in crate::instrument) allocator: Option<Allocator>,
    /// How many results it has.
    pub(in crate::instrument) results: usize,
    /// For each loop, whether its ticks may be counted when it is left.
    pub(in crate::instrument) tight_loops: &'a [bool],
    pub(in crate::instrument) imported_functions: u32,
    pub(in crate::instrument) is_leaf: &'a dyn Fn(u32) -> bool,
}

/// Reads the places of a function.
pub(in crate::instrument) fn read(
    body: &FunctionBody<'_>,
    known: &Known<'_>,
) -> Result<Sites, ClockError> {
    let mut reading = Reading {
        known,
        sites: Sites {
            function: known.function,
            entry: 0,
            has_nodes: known.has_nodes,
            is_shared: known.is_shared,
            loops: Vec::new(),
            calls: Vec::new(),
            allocator: known.allocator,
            growths: Vec::new(),
            counters: 0,
            slots: 0,
        },
        open: vec![Open {
            nth_loop: None,
            takes_values: known.results > 0,
        }],
    };
    let mut operators = body.get_operators_reader()?;
    reading.sites.entry = operators.original_position() as u32;
    while !operators.eof() {
        let pc = operators.original_position() as u32;
        let operator = operators.read()?;
        reading.blocks(&operator, pc);
        reading.branches(&operator);
        reading.call(&operator, pc);
        if matches!(operator, Operator::MemoryGrow { .. }) {
            reading.sites.growths.push((pc, 0));
        }
    }
    let mut sites = reading.sites;
    // Counters of calls come behind those of loops.
    sites.counters = 1 + sites.loops.len() as u32;
    for counter in sites
        .calls
        .iter_mut()
        .filter_map(|call| call.counter.as_mut())
    {
        *counter = sites.counters;
        sites.counters += 1;
    }
    for (_, counter) in &mut sites.growths {
        *counter = sites.counters;
        sites.counters += 1;
    }
    Ok(sites)
}

/// A block that is open, or the function.
struct Open {
    /// Of a loop: which one it is.
    nth_loop: Option<usize>,
    /// Whether a branch to it may take values along.
    takes_values: bool,
}

struct Reading<'a> {
    known: &'a Known<'a>,
    sites: Sites,
    open: Vec<Open>,
}

impl Reading<'_> {
    fn blocks(&mut self, operator: &Operator<'_>, pc: u32) {
        match *operator {
            Operator::Loop { blockty } => {
                let nth = self.sites.loops.len();
                let is_bracketed = self.known.tight_loops.get(nth).copied().unwrap_or(false);
                self.sites.loops.push(Loop { pc, is_bracketed });
                self.open.push(Open {
                    nth_loop: Some(nth),
                    takes_values: matches!(blockty, BlockType::FuncType(_)),
                });
            }
            Operator::Block { blockty } | Operator::If { blockty } | Operator::Try { blockty } => {
                self.open.push(Open {
                    nth_loop: None,
                    takes_values: !matches!(blockty, BlockType::Empty),
                });
            }
            Operator::TryTable { .. } => self.open.push(Open {
                nth_loop: None,
                takes_values: true,
            }),
            Operator::End | Operator::Delegate { .. } => _ = self.open.pop(),
            _ => {}
        }
    }

    /// A loop that is left in a way that nothing can be put into counts each tick by itself.
    fn branches(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::BrIf { relative_depth } => {
                let target = self.target(*relative_depth);
                if target
                    .and_then(|at| self.open.get(at))
                    .is_none_or(|open| open.takes_values)
                {
                    self.leaves_to(*relative_depth);
                }
            }
            Operator::BrTable { targets } => {
                let all = targets.targets().filter_map(Result::ok);
                for depth in all.chain([targets.default()]).collect::<Vec<u32>>() {
                    self.leaves_to(depth);
                }
            }
            Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth }
            | Operator::BrOnCast { relative_depth, .. }
            | Operator::BrOnCastFail { relative_depth, .. } => self.leaves_to(*relative_depth),
            _ => {}
        }
    }

    fn target(&self, depth: u32) -> Option<usize> {
        self.open.len().checked_sub(1 + depth as usize)
    }

    /// No loop that a branch of this depth leaves is counted when it is left.
    fn leaves_to(&mut self, depth: u32) {
        let inside = self.target(depth).map_or(0, |target| target + 1);
        let left = self.open.get(inside..).unwrap_or_default();
        for nth in left.iter().filter_map(|open| open.nth_loop) {
            if let Some(left) = self.sites.loops.get_mut(nth) {
                left.is_bracketed = false;
            }
        }
    }

    fn call(&mut self, operator: &Operator<'_>, pc: u32) {
        let (callee, is_tail) = match *operator {
            Operator::Call { function_index } => (self.callee(function_index), false),
            Operator::ReturnCall { function_index } => (self.callee(function_index), true),
            Operator::CallIndirect { .. } | Operator::CallRef { .. } => (Callee::Reference, false),
            Operator::ReturnCallIndirect { .. } | Operator::ReturnCallRef { .. } => {
                (Callee::Reference, true)
            }
            _ => return,
        };
        let is_counted = matches!(callee, Callee::Leaf(_));
        let has_slot = !is_counted;
        self.sites.calls.push(Call {
            pc,
            callee,
            is_tail,
            counter: is_counted.then_some(0),
            slot: has_slot.then_some(self.sites.slots),
        });
        self.sites.slots += u32::from(has_slot);
    }

    fn callee(&self, function: u32) -> Callee {
        if function < self.known.imported_functions {
            Callee::Import(function)
        } else if (self.known.is_leaf)(function) {
            Callee::Leaf(function)
        } else {
            Callee::Own(function)
        }
    }
}
