//! The pass over a function's body that follows the operand stack.

use super::does;
use super::{Does, Flow, FunctionTypes, Instruction, Join, Source, Way};
use std::collections::HashMap;
use std::ops::Range;
use wasmparser::{self as wp, BlockType, FrameKind, Operator};

/// A block that is open.
struct Block {
    ty: BlockType,
    kind: FrameKind,
    /// Values below it.
    height: usize,
    /// What branches to it take along.
    label: Vec<Join>,
    /// What comes out at its end: of a loop that is another thing.
    results: Vec<Join>,
    /// Nothing comes to where the pass is.
    unreachable: bool,
    /// The `if` that it is, and what that was entered with.
    condition: (u32, Vec<Source>),
}

struct Pass<'a> {
    types: &'a FunctionTypes,
    blocks: Vec<Block>,
    stack: Vec<Source>,
    flow: Flow,
    /// Where the whole stack is wanted.
    wanted: Option<u32>,
    found: Option<Vec<Source>>,
}

impl wp::ModuleArity for Pass<'_> {
    fn sub_type_at(&self, index: u32) -> Option<&wp::SubType> {
        self.types.sub_type(index)
    }

    fn tag_type_arity(&self, at: u32) -> Option<(u32, u32)> {
        self.sub_type_arity(self.types.sub_type(self.types.tag(at)?)?)
    }

    fn type_index_of_function(&self, function: u32) -> Option<u32> {
        self.types.type_of_function(function)
    }

    fn func_type_of_cont_type(&self, _: &wp::ContType) -> Option<&wp::FuncType> {
        None
    }

    fn sub_type_of_ref_type(&self, _: &wp::RefType) -> Option<&wp::SubType> {
        None
    }

    fn control_stack_height(&self) -> u32 {
        self.blocks.len() as u32
    }

    fn label_block(&self, depth: u32) -> Option<(BlockType, FrameKind)> {
        let index = self.blocks.len().checked_sub(depth as usize + 1)?;
        let block = self.blocks.get(index)?;
        Some((block.ty, block.kind))
    }
}

pub(super) fn run(module: &[u8], types: &FunctionTypes, body: Range<u32>) -> Option<Flow> {
    Some(go(module, types, body, None)?.0)
}

pub(super) fn run_with_stack(
    module: &[u8],
    types: &FunctionTypes,
    body: Range<u32>,
    pc: u32,
) -> Option<(Flow, Vec<Source>)> {
    let (flow, stack) = go(module, types, body, Some(pc))?;
    Some((flow, stack?))
}

fn go(
    module: &[u8],
    types: &FunctionTypes,
    body: Range<u32>,
    wanted: Option<u32>,
) -> Option<(Flow, Option<Vec<Source>>)> {
    let ty = types.type_of_body(&body)?;
    let bytes = module.get(body.start as usize..body.end as usize)?;
    let reader = wp::BinaryReader::new(bytes, body.start as usize);
    let mut operators = wp::FunctionBody::new(reader).get_operators_reader().ok()?;
    let mut pass = Pass {
        types,
        blocks: Vec::new(),
        stack: Vec::new(),
        flow: Flow {
            instructions: Vec::new(),
            joins: Vec::new(),
            sets: HashMap::new(),
            returns: HashMap::new(),
            bounds: Vec::new(),
            unsigned_shifts: Vec::new(),
            params: 0,
        },
        wanted,
        found: None,
    };
    let (params, results) = {
        use wp::ModuleArity as _;
        pass.block_type_arity(BlockType::FuncType(ty))?
    };
    pass.flow.params = params;
    pass.open(BlockType::FuncType(ty), FrameKind::Block, 0, results);
    while !operators.eof() {
        let pc = operators.original_position() as u32;
        let operator = operators.read().ok()?;
        let next = operators.original_position() as u32;
        pass.step(pc, next, &operator)?;
    }
    pass.flow.bounds.sort_unstable();
    pass.flow.bounds.dedup();
    Some((pass.flow, pass.found))
}

impl Pass<'_> {
    fn join(&mut self) -> Join {
        let join = Join(self.flow.joins.len() as u32);
        self.flow.joins.push(Vec::new());
        join
    }

    fn joins(&mut self, count: u32) -> Vec<Join> {
        (0..count).map(|_| self.join()).collect()
    }

    /// Opens a block above these values; `results` come out of it.
    fn open(&mut self, ty: BlockType, kind: FrameKind, params: u32, results: u32) {
        let height = self.stack.len().saturating_sub(params as usize);
        let results = self.joins(results);
        let label = match kind {
            FrameKind::Loop => self.joins(params),
            _ => results.clone(),
        };
        self.blocks.push(Block {
            ty,
            kind,
            height,
            label,
            results,
            unreachable: false,
            condition: (0, Vec::new()),
        });
    }

    fn is_unreachable(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.unreachable)
    }

    fn pop(&mut self) -> Source {
        let height = self.blocks.last().map_or(0, |block| block.height);
        match self.stack.len() > height {
            true => self.stack.pop().unwrap_or(Source::Unknown),
            false => Source::Unknown,
        }
    }

    fn pop_all(&mut self, count: u32) -> Vec<Source> {
        let mut popped: Vec<Source> = (0..count).map(|_| self.pop()).collect();
        popped.reverse();
        popped
    }

    /// The values on top, which stay.
    fn top(&self, count: usize) -> Vec<Source> {
        let height = self.blocks.last().map_or(0, |block| block.height);
        let there = self.stack.get(height..).unwrap_or_default();
        let missing = count.saturating_sub(there.len());
        let known = there.get(there.len().saturating_sub(count)..);
        let known = known.unwrap_or_default().iter().copied();
        std::iter::repeat_n(Source::Unknown, missing)
            .chain(known)
            .collect()
    }

    fn way(&mut self, joins: &[Join], pc: u32, values: &[Source]) {
        if self.is_unreachable() {
            return;
        }
        for (join, source) in joins.iter().zip(values) {
            if let Some(ways) = self.flow.joins.get_mut(join.0 as usize) {
                ways.push(Way {
                    pc,
                    source: *source,
                });
            }
        }
    }

    /// A branch takes the values on top along.
    fn branch(&mut self, depth: u32, pc: u32) -> Option<()> {
        let index = self.blocks.len().checked_sub(depth as usize + 1)?;
        let label = self.blocks.get(index)?.label.clone();
        let values = self.top(label.len());
        if index == 0 && !self.is_unreachable() {
            self.flow.returns.insert(pc, values.clone().into());
        }
        self.way(&label, pc, &values);
        Some(())
    }

    fn never_goes_on(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            block.unreachable = true;
            self.stack.truncate(block.height);
        }
    }

    fn note(&mut self, (pc, next): (u32, u32), takes: Vec<Source>, does: Does) {
        if self.is_unreachable() {
            return;
        }
        if let Does::LocalSet(local) = does {
            self.flow.sets.entry(local).or_default().push(pc);
        }
        self.flow.instructions.push(Instruction {
            pc,
            next,
            height: (self.stack.len() + takes.len()) as u32,
            takes: takes.into(),
            does,
            offset: None,
        });
    }

    fn step(&mut self, pc: u32, next: u32, operator: &Operator<'_>) -> Option<()> {
        use wp::ModuleArity as _;
        if self.wanted == Some(pc) {
            self.found = Some(self.stack.clone());
        }
        let at = (pc, next);
        match operator {
            Operator::Block { blockty }
            | Operator::TryTable {
                try_table: wp::TryTable { ty: blockty, .. },
            } => {
                let (params, results) = self.block_type_arity(*blockty)?;
                self.note(at, Vec::new(), Does::Computes("block"));
                self.open(*blockty, FrameKind::Block, params, results);
                self.catch(operator);
            }
            Operator::Loop { blockty } => {
                let (params, results) = self.block_type_arity(*blockty)?;
                self.note(at, Vec::new(), Does::Computes("loop"));
                let values = self.pop_all(params);
                self.stack.extend(&values);
                self.open(*blockty, FrameKind::Loop, params, results);
                let label = self.blocks.last()?.label.clone();
                self.way(&label, pc, &values);
                let height = self.blocks.last()?.height;
                self.stack.truncate(height);
                self.stack.extend(label.into_iter().map(Source::Joined));
                self.flow.bounds.push(next);
            }
            Operator::If { blockty } => {
                let condition = self.pop();
                let (params, results) = self.block_type_arity(*blockty)?;
                self.note(at, vec![condition], Does::Computes("if"));
                let values = self.pop_all(params);
                self.stack.extend(&values);
                self.open(*blockty, FrameKind::If, params, results);
                self.blocks.last_mut()?.condition = (pc, values);
            }
            Operator::Else => {
                let results = self.blocks.last()?.results.clone();
                let values = self.top(results.len());
                self.way(&results, pc, &values);
                self.note(at, Vec::new(), Does::Computes("else"));
                let block = self.blocks.last_mut()?;
                block.kind = FrameKind::Else;
                block.unreachable = false;
                let params = std::mem::take(&mut block.condition.1);
                let height = block.height;
                self.stack.truncate(height);
                self.stack.extend(params);
                self.flow.bounds.push(next);
            }
            Operator::End => self.end(pc, next)?,
            Operator::Br { relative_depth } => {
                self.note(at, Vec::new(), Does::Computes("br"));
                self.branch(*relative_depth, pc)?;
                self.never_goes_on();
            }
            Operator::BrIf { relative_depth } => {
                let condition = self.pop();
                self.note(at, vec![condition], Does::Computes("br_if"));
                self.branch(*relative_depth, pc)?;
            }
            Operator::BrTable { targets } => {
                let index = self.pop();
                self.note(at, vec![index], Does::Computes("br_table"));
                let mut depths: Vec<u32> = targets.targets().map_while(Result::ok).collect();
                depths.push(targets.default());
                depths.sort_unstable();
                depths.dedup();
                for depth in depths {
                    self.branch(depth, pc)?;
                }
                self.never_goes_on();
            }
            Operator::Return => {
                self.note(at, Vec::new(), Does::Computes("return"));
                let outermost = self.blocks.len().checked_sub(1)? as u32;
                self.branch(outermost, pc)?;
                self.never_goes_on();
            }
            other => self.plain(at, other)?,
        }
        Some(())
    }

    /// What a `try_table` catches comes from nobody knows where.
    fn catch(&mut self, operator: &Operator<'_>) {
        let Operator::TryTable { try_table } = operator else {
            return;
        };
        for clause in &try_table.catches {
            let (wp::Catch::One { label, .. }
            | wp::Catch::OneRef { label, .. }
            | wp::Catch::All { label }
            | wp::Catch::AllRef { label }) = clause;
            // Its own block does not count.
            let depth = *label as usize + 2;
            let block = self.blocks.len().checked_sub(depth);
            let Some(block) = block.and_then(|index| self.blocks.get(index)) else {
                continue;
            };
            for join in &block.label {
                if let Some(ways) = self.flow.joins.get_mut(join.0 as usize) {
                    ways.push(Way {
                        pc: u32::MAX,
                        source: Source::Unknown,
                    });
                }
            }
        }
    }

    fn end(&mut self, pc: u32, next: u32) -> Option<()> {
        let (results, kind) = {
            let block = self.blocks.last()?;
            (block.results.clone(), block.kind)
        };
        let values = self.top(results.len());
        self.way(&results, pc, &values);
        if self.blocks.len() == 1 && !self.is_unreachable() {
            self.flow.returns.insert(pc, values.into());
        }
        self.note((pc, next), Vec::new(), Does::Computes("end"));
        let block = self.blocks.pop()?;
        if kind == FrameKind::If {
            // Without an `else`, what it was entered with comes out.
            let (pc, params) = &block.condition;
            for (join, source) in results.iter().zip(params) {
                if let Some(ways) = self.flow.joins.get_mut(join.0 as usize) {
                    ways.push(Way {
                        pc: *pc,
                        source: *source,
                    });
                }
            }
        }
        self.stack.truncate(block.height);
        self.stack.extend(results.into_iter().map(Source::Joined));
        self.flow.bounds.push(next);
        Some(())
    }

    fn plain(&mut self, at: (u32, u32), operator: &Operator<'_>) -> Option<()> {
        let (takes, gives) = operator.operator_arity(self)?;
        let taken = self.pop_all(takes);
        let does = Does::of(operator);
        if matches!(does, Does::Call(_)) {
            self.flow.bounds.push(at.1);
        }
        if matches!(operator, Operator::I32ShrU | Operator::I64ShrU) {
            self.flow.unsigned_shifts.push(at.0);
        }
        let passes = matches!(operator, Operator::LocalTee { .. });
        self.note(at, taken.clone(), does);
        if let Some(noted) = self.flow.instructions.last_mut().filter(|i| i.pc == at.0) {
            noted.offset = does::offset_of(operator);
        }
        match operator {
            Operator::Unreachable
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => {
                self.never_goes_on();
                return Some(());
            }
            Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth }
            | Operator::BrOnCast { relative_depth, .. }
            | Operator::BrOnCastFail { relative_depth, .. } => {
                self.stack.extend(&taken);
                self.branch(*relative_depth, at.0)?;
                self.pop_all(takes);
            }
            _ => {}
        }
        match (passes, taken.first()) {
            (true, Some(value)) => self.stack.push(*value),
            _ => {
                let given = (0..gives).map(|result| Source::By { pc: at.0, result });
                self.stack.extend(given);
            }
        }
        Some(())
    }
}
