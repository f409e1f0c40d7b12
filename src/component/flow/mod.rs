//! How values flow through a function's body: which instruction has put what another one takes
//! on the operand stack, and which locals it went through. Static: where a branch decides, all
//! the ways are told.

mod bytes;
mod does;
mod globals;
mod pass;
mod types;

pub use does::{Does, Stores};
pub use globals::{Global, global_of};
pub use types::FunctionTypes;

use crate::component::types::CoreValue;
use std::collections::HashMap;
use std::ops::Range;

/// Where a value on the operand stack comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The instruction at this offset has put it there.
    By {
        /// Offset in the module.
        pc: u32,
        /// Which of its results, from 0 for the one that lies deepest.
        result: u32,
    },
    /// It has come out of a block, or into a loop, on one of several ways.
    Joined(Join),
    /// Nothing comes here, or it was thrown.
    Unknown,
}

/// Where ways join: which of them was taken, the one that was passed last tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Join(u32);

/// A way into a join: a branch, or the `end` that is fallen into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Offset of that instruction.
    pub pc: u32,
    /// Where the value comes from that is taken along.
    pub source: Source,
}

/// An instruction with what it takes from the operand stack.
#[derive(Debug, Clone)]
struct Instruction {
    pc: u32,
    next: u32,
    /// How many values there are below and with those that it takes.
    height: u32,
    /// The deepest first.
    takes: Box<[Source]>,
    does: Does,
    /// What it adds to an address, if it stores a value.
    offset: Option<u64>,
}

/// The flow of values through one function.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Ascending.
    instructions: Vec<Instruction>,
    joins: Vec<Vec<Way>>,
    /// Offsets of what sets a local, ascending, by the local.
    sets: HashMap<u32, Vec<u32>>,
    /// Of instructions that may leave the function: what they return, the deepest first.
    returns: HashMap<u32, Box<[Source]>>,
    /// Where execution may arrive from elsewhere, or later than right after the instruction
    /// before; ascending.
    bounds: Vec<u32>,
    /// The shifts to the right that fill up with zeros, ascending.
    unsigned_shifts: Vec<u32>,
    params: u32,
}

impl Flow {
    /// Of the function whose body has these offsets in its module.
    ///
    /// `None` if it has instructions that are not understood.
    pub fn read(module: &[u8], types: &FunctionTypes, body: Range<u32>) -> Option<Flow> {
        pass::run(module, types, body)
    }

    fn instruction(&self, pc: u32) -> Option<&Instruction> {
        let index = self.instructions.binary_search_by_key(&pc, |i| i.pc);
        self.instructions.get(index.ok()?)
    }

    /// What an instruction does with values.
    pub fn does(&self, pc: u32) -> Option<&Does> {
        Some(&self.instruction(pc)?.does)
    }

    /// The first instruction that stores the value that a local has had from the beginning.
    pub fn store_of(&self, local: u32) -> Option<u32> {
        let stores = |i: &&Instruction| {
            let value = i.takes.last().copied();
            let by = match value {
                Some(Source::By { pc, .. }) => self.does(pc),
                _ => None,
            };
            matches!(i.does, Does::Store(Stores::Value)) && by == Some(&Does::LocalGet(local))
        };
        self.instructions.iter().find(stores).map(|i| i.pc)
    }

    /// What an instruction that stores a value adds to the address.
    pub fn offset_of(&self, pc: u32) -> Option<u64> {
        self.instruction(pc)?.offset
    }

    /// The bytes of an instruction.
    pub fn bytes_of(&self, pc: u32) -> Option<Range<u32>> {
        self.instruction(pc).map(|i| i.pc..i.next)
    }

    /// The instruction before one, in the order of the code.
    pub fn before(&self, pc: u32) -> Option<u32> {
        let index = self.instructions.partition_point(|i| i.pc < pc);
        Some(self.instructions.get(index.checked_sub(1)?)?.pc)
    }

    /// Where the values come from that an instruction takes, the deepest first.
    pub fn takes(&self, pc: u32) -> &[Source] {
        self.instruction(pc).map_or(&[], |i| &i.takes)
    }

    /// The index on the operand stack, from the bottom, of the first value that an instruction
    /// takes.
    pub fn first_taken(&self, pc: u32) -> Option<u32> {
        let instruction = self.instruction(pc)?;
        let taken = instruction.takes.len() as u32;
        instruction.height.checked_sub(taken)
    }

    /// Where the values come from that an instruction leaves the function with, if it does.
    pub fn returns(&self, pc: u32) -> Option<&[Source]> {
        self.returns.get(&pc).map(|sources| &**sources)
    }

    /// The ways into a join.
    pub fn ways(&self, join: Join) -> &[Way] {
        self.joins.get(join.0 as usize).map_or(&[], Vec::as_slice)
    }

    /// The instructions that go on here or there as a value says, ascending.
    pub fn branches(&self) -> Vec<u32> {
        let branching =
            |i: &&Instruction| matches!(i.does, Does::Computes("if" | "br_if" | "br_table"));
        self.instructions
            .iter()
            .filter(branching)
            .map(|i| i.pc)
            .collect()
    }

    /// The instructions that set a local, ascending.
    pub fn sets(&self, local: u32) -> &[u32] {
        self.sets.get(&local).map_or(&[], Vec::as_slice)
    }

    /// How many parameters the function has: the first of its locals.
    pub fn params(&self) -> u32 {
        self.params
    }

    /// Where a value comes from that went through locals on its way, as far as the code alone
    /// tells: an instruction that has made it.
    pub fn settled(&self, source: Source) -> Source {
        // Compilers that do not optimise keep each value in a few locals at most.
        const MOST: usize = 16;
        let mut source = source;
        for _ in 0..MOST {
            let Source::By { pc, .. } = source else {
                return source;
            };
            let Some(Does::LocalGet(local)) = self.does(pc) else {
                return source;
            };
            let sets = self.sets(*local);
            let nearest = sets.partition_point(|set| *set < pc).checked_sub(1);
            let set = nearest.and_then(|index| sets.get(index));
            let set = set.filter(|set| self.is_straight(**set, pc));
            match set.and_then(|set| self.takes(*set).first()) {
                Some(taken) => source = *taken,
                None => return source,
            }
        }
        source
    }

    /// Whether a value may be no more than true or false: a comparison has made it, or a call, or
    /// it is a byte of memory.
    pub fn is_truth(&self, source: Source) -> bool {
        let Source::By { pc, .. } = self.settled(source) else {
            return false;
        };
        match self.does(pc) {
            Some(Does::Computes(name)) => match (*name, self.takes(pc)) {
                ("==" | "!=" | "<" | ">" | "<=" | ">=" | "== 0", _) => true,
                ("&", [_, by]) => self.constant(*by) == Some(CoreValue::I32(1)),
                _ => false,
            },
            Some(Does::Call(_) | Does::Load { bytes: 1, .. }) => true,
            _ => false,
        }
    }

    /// The number that a value is, where the program says it.
    pub fn constant(&self, source: Source) -> Option<CoreValue> {
        match self.settled(source) {
            Source::By { pc, .. } => match self.does(pc)? {
                Does::Constant(value) => Some(*value),
                _ => None,
            },
            Source::Joined(_) | Source::Unknown => None,
        }
    }

    /// The value that an instruction makes narrower and as wide again, as compilers write it with
    /// shifts or a mask: that value, and how many of its bytes are kept.
    pub fn narrows(&self, pc: u32) -> Option<(Source, u32)> {
        let Does::Computes(operation) = self.does(pc)? else {
            return None;
        };
        let [value, by] = self.takes(pc) else {
            return None;
        };
        let number = |source: &Source| match self.constant(*source)? {
            CoreValue::I32(value) => Some((u64::from(value.cast_unsigned()), 4)),
            CoreValue::I64(value) => Some((value.cast_unsigned(), 8)),
            _ => None,
        };
        match (*operation, number(by)?) {
            ("&", (0xff, _)) => Some((*value, 1)),
            ("&", (0xffff, _)) => Some((*value, 2)),
            ("&", (0xffff_ffff, _)) => Some((*value, 4)),
            (">>", (shift, width)) if shift.is_multiple_of(8) => {
                let Source::By { pc: left, .. } = self.settled(*value) else {
                    return None;
                };
                let (Does::Computes("<<"), [value, by]) = (self.does(left)?, self.takes(left))
                else {
                    return None;
                };
                let left = u32::checked_sub(width, u32::try_from(shift).ok()? / 8)?;
                (number(by)?.0 == shift && left > 0).then_some((*value, left))
            }
            _ => None,
        }
    }

    /// Whether one instruction is run right before another, later in the code, in the same tick:
    /// with nothing in between but what stands in between.
    pub fn is_straight(&self, from: u32, to: u32) -> bool {
        let bound = self.bounds.partition_point(|bound| *bound <= from);
        from < to && self.bounds.get(bound).is_none_or(|bound| *bound > to)
    }

    /// Where the value comes from that lies so high on the operand stack before an instruction,
    /// from 0 at the bottom.
    pub fn on_stack(
        module: &[u8],
        types: &FunctionTypes,
        body: Range<u32>,
        pc: u32,
        index: u32,
    ) -> Option<(Flow, Source)> {
        pass::run_with_stack(module, types, body, pc)
            .and_then(|(flow, stack)| Some((flow, *stack.get(index as usize)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flow through the first function of a module, and its instructions by what they do.
    fn flow(text: &str) -> Flow {
        let module = wat::parse_str(text).unwrap();
        let types = FunctionTypes::read(&module);
        let body = types.body(0).unwrap();
        Flow::read(&module, &types, body).unwrap()
    }

    fn those_that(flow: &Flow, does: impl Fn(&Does) -> bool) -> Vec<u32> {
        let meant = flow.instructions.iter().filter(|i| does(&i.does));
        meant.map(|i| i.pc).collect()
    }

    fn one_that(flow: &Flow, does: impl Fn(&Does) -> bool) -> u32 {
        let found = those_that(flow, does);
        assert_eq!(found.len(), 1);
        found[0]
    }

    #[test]
    fn what_comes_out_of_a_block_has_come_one_of_its_ways() {
        let flow = flow(
            "(module (func (param i32) (result i32)
               (i32.add (i32.const 1)
                 (block (result i32)
                   (br_if 0 (i32.const 2) (local.get 0))
                   (drop) (i32.const 3)))))",
        );
        let add = one_that(&flow, |does| *does == Does::Computes("+"));
        let [one, Source::Joined(join)] = flow.takes(add) else {
            panic!("{:?}", flow.takes(add));
        };
        assert_eq!(flow.constant(*one), Some(CoreValue::I32(1)));
        let ways = flow.ways(*join).iter();
        let values: Vec<_> = ways.map(|way| flow.constant(way.source)).collect();
        assert_eq!(values, [Some(CoreValue::I32(2)), Some(CoreValue::I32(3))]);
        let branch = one_that(&flow, |does| *does == Does::Computes("br_if"));
        assert_eq!(flow.ways(*join)[0].pc, branch);
        assert_eq!(flow.branches(), [branch]);
    }

    #[test]
    fn what_is_between_two_instructions_is_straight_or_not() {
        let flow = flow(
            "(module (func (param i32) (local i32)
               (local.set 1 (i32.const 7))
               (drop (local.get 1))
               (loop (br_if 0 (local.get 0)))
               (drop (local.get 1))))",
        );
        let set = flow.sets(1)[0];
        let gets = those_that(&flow, |does| *does == Does::LocalGet(1));
        assert!(flow.is_straight(set, gets[0]));
        assert!(!flow.is_straight(set, gets[1]));
        let constant = |pc| flow.constant(Source::By { pc, result: 0 });
        assert_eq!(constant(gets[0]), Some(CoreValue::I32(7)));
        assert_eq!(constant(gets[1]), None);
    }

    #[test]
    fn bytes_that_are_shifted_and_put_together_are_where_they_were() {
        let flow = flow(
            "(module (func (param i32 i32) (result i32)
               (i32.or (i32.shr_u (local.get 0) (i32.const 8))
                       (i32.shl (local.get 1) (i32.const 24)))))",
        );
        let or = one_that(&flow, |does| *does == Does::Computes("|"));
        // The highest byte is the lowest of the second, the others are of the first.
        let (high, bytes) = flow.moved(or, (3, 1)).unwrap();
        let Source::By { pc, .. } = high else {
            panic!("{high:?}");
        };
        let (value, bytes) = flow.moved(pc, bytes).unwrap();
        let second = one_that(&flow, |does| *does == Does::LocalGet(1));
        assert_eq!(
            value,
            Source::By {
                pc: second,
                result: 0
            }
        );
        assert_eq!(bytes, (0, 1));
        let (low, bytes) = flow.moved(or, (0, 2)).unwrap();
        let Source::By { pc, .. } = low else {
            panic!("{low:?}");
        };
        assert_eq!(flow.moved(pc, bytes).unwrap().1, (1, 2));
        assert_eq!(flow.moved(or, (0, 4)), None);
    }
}
