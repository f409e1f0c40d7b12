//! One function body with the clock in it.
//!
//! Instructions are copied byte for byte; only function and global indices are
//! written anew, in as many bytes as they had where that is possible, so that the
//! offset map has few stretches.

use super::{ClockError, ClockStyle, Original};
use crate::instrument::offsets::OffsetMapBuilder;
use wasm_encoder::{BlockType, Encode, Instruction, ValType};
use wasmparser::{FuncType, FunctionBody, Operator};

/// The most locals that a function may have, parameters included.
const MAX_LOCALS: u32 = 50_000;

/// A rewritten function body.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Relative to the start of `bytes`.
    pub(super) offsets: OffsetMapBuilder,
    /// The `br_if`s that pass by the hook, by their offset in `bytes`.
    pub(super) likely_branches: Vec<u32>,
}

/// Rewrites one function. `results` is the index of a type `() -> results` where
/// there are several.
pub(super) fn rewrite(
    original: &Original<'_>,
    module: &[u8],
    function: &FunctionBody<'_>,
    style: ClockStyle,
    ty: &FuncType,
    results: Option<u32>,
) -> Result<Body, ClockError> {
    let locals = Locals::read(function, ty)?;
    let keeping = match style {
        ClockStyle::Cached if locals.count < MAX_LOCALS && caching_pays(function)? => {
            Keeping::Local(locals.count)
        }
        _ => Keeping::Global,
    };
    let mut writer = BodyWriter {
        original,
        module,
        keeping,
        bytes: Vec::with_capacity(function.range().len() * 3 / 2),
        offsets: OffsetMapBuilder::default(),
        likely_branches: Vec::new(),
    };
    writer.locals(&locals);
    writer.entry(ty, results)?;
    writer.operators(function)?;
    Ok(Body {
        bytes: writer.bytes,
        offsets: writer.offsets,
        likely_branches: writer.likely_branches,
    })
}

/// Where one function keeps the clock.
#[derive(Clone, Copy)]
enum Keeping {
    Global,
    /// In the local of this index.
    Local(u32),
}

/// Whether a local is cheaper than the global in a function, and exact.
///
/// Without a loop there is one tick, at entry: writing the global once is the
/// least that can be done. Where exceptions are caught, a handler's code is
/// reached both from a call, with the global up to date, and by falling into it,
/// with the local up to date; such functions use the global throughout.
fn caching_pays(function: &FunctionBody<'_>) -> Result<bool, ClockError> {
    let mut operators = function.get_operators_reader()?;
    let mut has_loop = false;
    while !operators.eof() {
        match operators.read()? {
            Operator::Loop { .. } => has_loop = true,
            Operator::TryTable { .. } | Operator::Try { .. } => return Ok(false),
            _ => {}
        }
    }
    Ok(has_loop)
}

/// The local declarations of a function.
struct Locals<'a> {
    declarations: u32,
    /// The declarations as they are in the binary, without their number.
    bytes: &'a [u8],
    /// Parameters included.
    count: u32,
}

impl<'a> Locals<'a> {
    fn read(function: &FunctionBody<'a>, ty: &FuncType) -> Result<Self, ClockError> {
        let mut reader = function.get_locals_reader()?;
        let declarations = reader.get_count();
        let start = reader.original_position();
        let mut count = ty.params().len() as u32;
        for _ in 0..declarations {
            count = count.saturating_add(reader.read()?.0);
        }
        let body_start = function.range().start;
        let bytes = function
            .as_bytes()
            .get(start - body_start..reader.original_position() - body_start)
            .unwrap_or_default();
        Ok(Locals {
            declarations,
            bytes,
            count,
        })
    }
}

struct BodyWriter<'a> {
    original: &'a Original<'a>,
    module: &'a [u8],
    keeping: Keeping,
    bytes: Vec<u8>,
    offsets: OffsetMapBuilder,
    likely_branches: Vec<u32>,
}

impl BodyWriter<'_> {
    fn locals(&mut self, locals: &Locals<'_>) {
        match self.keeping {
            Keeping::Global => {
                locals.declarations.encode(&mut self.bytes);
                self.bytes.extend_from_slice(locals.bytes);
            }
            Keeping::Local(_) => {
                (locals.declarations + 1).encode(&mut self.bytes);
                self.bytes.extend_from_slice(locals.bytes);
                1u32.encode(&mut self.bytes);
                ValType::I32.encode(&mut self.bytes);
            }
        }
    }

    /// The tick of the function's entry, always counted in the global: a local
    /// that the hook's branch may change before any loop costs a spill in every
    /// iteration (measured: a tight loop took about twice as long as it does this
    /// way).
    ///
    /// Where a local keeps the clock from here on, the body becomes a block, so
    /// that a branch out of the body passes the code that writes the clock back, as
    /// falling out of it does.
    fn entry(&mut self, ty: &FuncType, results: Option<u32>) -> Result<(), ClockError> {
        self.tick(Keeping::Global);
        if let Keeping::Global = self.keeping {
            return Ok(());
        }
        self.read_again();
        let block_type = match (results, ty.results()) {
            (Some(results), _) => BlockType::FunctionType(results),
            (None, []) => BlockType::Empty,
            (None, [result, ..]) => BlockType::Result(ValType::try_from(*result)?),
        };
        self.insert(&[Instruction::Block(block_type)]);
        Ok(())
    }

    fn operators(&mut self, function: &FunctionBody<'_>) -> Result<(), ClockError> {
        let mut operators = function.get_operators_reader()?;
        while !operators.eof() {
            let start = operators.original_position();
            let operator = operators.read()?;
            let end = operators.original_position();
            if operators.eof() {
                self.end(start, end)?;
            } else {
                self.operator(&operator, start, end)?;
            }
        }
        Ok(())
    }

    fn operator(
        &mut self,
        operator: &Operator<'_>,
        start: usize,
        end: usize,
    ) -> Result<(), ClockError> {
        let calls = matches!(
            operator,
            Operator::Call { .. } | Operator::CallIndirect { .. } | Operator::CallRef { .. }
        );
        if calls || leaves(operator) {
            self.write_back();
        }
        self.copy(operator, start, end)?;
        if calls {
            self.read_again();
        }
        if matches!(operator, Operator::Loop { .. }) {
            self.tick(self.keeping);
        }
        Ok(())
    }

    /// The last `end`, which stays the last instruction of the function.
    fn end(&mut self, start: usize, end: usize) -> Result<(), ClockError> {
        if let Keeping::Local(_) = self.keeping {
            self.insert(&[Instruction::End]);
        }
        self.write_back();
        self.copy(&Operator::End, start, end)
    }

    fn copy(
        &mut self,
        operator: &Operator<'_>,
        start: usize,
        end: usize,
    ) -> Result<(), ClockError> {
        let bytes = self.module.get(start..end).unwrap_or_default();
        let (Ok(original), Ok(rewritten)) = (u32::try_from(start), u32::try_from(self.bytes.len()))
        else {
            return Err(ClockError::TooLarge {
                bytes: self.module.len(),
            });
        };
        self.offsets.copied(original, rewritten, bytes.len() as u32);
        match (self.mapped_index(operator), bytes) {
            (Some(index), [opcode, padded @ ..]) => {
                self.bytes.push(*opcode);
                write_padded(&mut self.bytes, index, padded.len());
            }
            _ => self.bytes.extend_from_slice(bytes),
        }
        Ok(())
    }

    /// The new index of an instruction that is one byte of opcode and an index
    /// that the clock's imports shift. There are no others: atomic access to
    /// globals belongs to a proposal that is refused.
    fn mapped_index(&self, operator: &Operator<'_>) -> Option<u32> {
        match *operator {
            Operator::Call { function_index }
            | Operator::ReturnCall { function_index }
            | Operator::RefFunc { function_index } => {
                Some(self.original.map_function(function_index))
            }
            Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                Some(self.original.map_global(global_index))
            }
            _ => None,
        }
    }

    /// Counts a tick, and calls the hook if none remains.
    ///
    /// The hook's path is hinted to be cold, which keeps what it saves and reloads out
    /// of loops.
    fn tick(&mut self, keeping: Keeping) {
        let remaining = self.remaining();
        let hook = Instruction::Call(self.original.imported_functions);
        self.insert(&[Instruction::Block(BlockType::Empty)]);
        match keeping {
            Keeping::Global => self.insert(&[
                Instruction::GlobalGet(remaining),
                Instruction::I32Const(-1),
                Instruction::I32Add,
                Instruction::GlobalSet(remaining),
                Instruction::GlobalGet(remaining),
            ]),
            Keeping::Local(local) => self.insert(&[
                Instruction::LocalGet(local),
                Instruction::I32Const(-1),
                Instruction::I32Add,
                Instruction::LocalTee(local),
            ]),
        }
        self.likely_branches.push(self.bytes.len() as u32);
        self.insert(&[Instruction::BrIf(0)]);
        match keeping {
            Keeping::Global => self.insert(&[hook]),
            Keeping::Local(local) => self.insert(&[
                Instruction::I32Const(0),
                Instruction::GlobalSet(remaining),
                hook,
                Instruction::GlobalGet(remaining),
                Instruction::LocalSet(local),
            ]),
        }
        self.insert(&[Instruction::End]);
    }

    fn write_back(&mut self) {
        if let Keeping::Local(local) = self.keeping {
            self.insert(&[
                Instruction::LocalGet(local),
                Instruction::GlobalSet(self.remaining()),
            ]);
        }
    }

    fn read_again(&mut self) {
        if let Keeping::Local(local) = self.keeping {
            self.insert(&[
                Instruction::GlobalGet(self.remaining()),
                Instruction::LocalSet(local),
            ]);
        }
    }

    fn remaining(&self) -> u32 {
        self.original.imported_globals
    }

    fn insert(&mut self, instructions: &[Instruction<'_>]) {
        for instruction in instructions {
            instruction.encode(&mut self.bytes);
        }
    }
}

/// Whether an instruction leaves the function otherwise than by a branch. A
/// trap of other instructions is left out: writing back before each of those
/// would cost what the local saves.
fn leaves(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Return
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::Unreachable
    )
}

/// LEB128 of at least `width` bytes: linkers pad indices to five.
fn write_padded(bytes: &mut Vec<u8>, mut value: u32, width: usize) {
    let mut written = 1;
    while value >= 0x80 || written < width {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
        written += 1;
    }
    bytes.push(value as u8);
}
