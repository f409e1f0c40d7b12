//! Segments: stretches of code that run from the first instruction to the last, or to a
//! trap.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError, FunctionBody, Operator};

/// The segments of a module's code.
///
/// A segment ends with a branch, a call, or where a branch leads to. So how often a
/// segment has begun is how often each of its instructions has run, but for those behind
/// one that has trapped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    /// The first instruction of each, as an offset in the module; ascending.
    starts: Vec<u32>,
    /// Instructions that do nothing but to open a block, or to end one. Ascending.
    structure: Vec<u32>,
}

impl Segments {
    /// Reads the segments of all functions of a module.
    ///
    /// # Errors
    ///
    /// If the module is malformed.
    pub fn of_module(module: &[u8]) -> Result<Segments, BinaryReaderError> {
        let mut segments = Segments::default();
        for payload in wasmparser::Parser::new(0).parse_all(module) {
            if let wasmparser::Payload::CodeSectionEntry(function) = payload? {
                segments.read(&function)?;
            }
        }
        Ok(segments)
    }

    fn read(&mut self, function: &FunctionBody<'_>) -> Result<(), BinaryReaderError> {
        let mut reading = Reading::default();
        let mut operators = function.get_operators_reader()?;
        while !operators.eof() {
            let pc = operators.original_position() as u32;
            let operator = operators.read()?;
            if reading.begins(&operator) {
                self.starts.push(pc);
            }
            if is_structure(&operator) {
                self.structure.push(pc);
            }
        }
        Ok(())
    }

    /// The stored form: how many there are, and the gap before each, twice, in LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * (self.starts.len() + self.structure.len()));
        for offsets in [&self.starts, &self.structure] {
            (offsets.len() as u32).encode(&mut bytes);
            let mut previous = 0;
            for offset in offsets {
                (offset - previous).encode(&mut bytes);
                previous = *offset;
            }
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// If the bytes are not what [`Segments::to_bytes`] makes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Segments, BinaryReaderError> {
        let mut reader = BinaryReader::new(bytes, 0);
        let mut read = || {
            let count = reader.read_var_u32()?;
            let mut previous = 0u32;
            let offsets = (0..count).map(|_| {
                previous = previous.saturating_add(reader.read_var_u32()?);
                Ok(previous)
            });
            offsets.collect::<Result<Vec<u32>, BinaryReaderError>>()
        };
        Ok(Segments {
            starts: read()?,
            structure: read()?,
        })
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The first instruction of one.
    pub fn start(&self, segment: u32) -> Option<u32> {
        self.starts.get(segment as usize).copied()
    }

    /// The segments that may have run if one stops at `pc`: the one that the instruction
    /// is in, and, if it does nothing, the next. Empty if there is none.
    pub fn around(&self, pc: u32) -> Range<u32> {
        let after = self.starts.partition_point(|start| *start <= pc) as u32;
        let end = after + u32::from(self.is_structure(pc));
        after.saturating_sub(1)..end.min(self.count())
    }

    /// Whether the instruction at `pc` does nothing but to open a block, or to end one.
    pub fn is_structure(&self, pc: u32) -> bool {
        self.structure.binary_search(&pc).is_ok()
    }
}

/// Where the segments of a function begin.
pub(in crate::instrument) fn read(
    function: &FunctionBody<'_>,
) -> Result<Vec<u32>, BinaryReaderError> {
    let mut segments = Segments::default();
    segments.read(function)?;
    Ok(segments.starts)
}

/// A block that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Loop,
    /// Whether something branches to its end.
    Block(bool),
}

struct Reading {
    open: Vec<Open>,
    /// The next instruction that does something begins a segment.
    is_due: bool,
    /// Blocks that are left by exceptions: nobody tells where to.
    catches: bool,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading {
            open: Vec::new(),
            is_due: true,
            catches: false,
        }
    }
}

impl Reading {
    /// Whether an instruction is the first of a segment.
    fn begins(&mut self, operator: &Operator<'_>) -> bool {
        let begins = std::mem::take(&mut self.is_due);
        match operator {
            Operator::Block { .. } => self.open.push(Open::Block(self.catches)),
            Operator::Loop { .. } => {
                self.open.push(Open::Loop);
                self.is_due = true;
            }
            Operator::TryTable { .. } | Operator::Try { .. } => {
                // Whatever is open may be where a handler is.
                self.catches = true;
                for open in &mut self.open {
                    if let Open::Block(is_target) = open {
                        *is_target = true;
                    }
                }
                self.open.push(Open::Block(true));
            }
            Operator::If { .. } => {
                self.open.push(Open::Block(true));
                self.is_due = true;
            }
            Operator::End | Operator::Delegate { .. } => {
                self.is_due = self.open.pop() == Some(Open::Block(true));
            }
            Operator::Br { relative_depth }
            | Operator::BrIf { relative_depth }
            | Operator::BrOnNull { relative_depth }
            | Operator::BrOnNonNull { relative_depth }
            | Operator::BrOnCast { relative_depth, .. }
            | Operator::BrOnCastFail { relative_depth, .. } => self.branches(*relative_depth),
            Operator::BrTable { targets } => {
                let all = targets.targets().filter_map(Result::ok);
                for target in all.chain([targets.default()]).collect::<Vec<u32>>() {
                    self.branches(target);
                }
            }
            operator => self.is_due = ends_segment(operator),
        }
        begins
    }

    fn branches(&mut self, depth: u32) {
        self.is_due = true;
        let target = self.open.iter_mut().rev().nth(depth as usize);
        if let Some(Open::Block(is_target)) = target {
            *is_target = true;
        }
    }
}

/// Whether what comes behind an instruction, other than a branch, may not run when it does,
/// or run without it.
fn ends_segment(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Else
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::CallRef { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::Return
            | Operator::Unreachable
            | Operator::Throw { .. }
            | Operator::ThrowRef
            | Operator::Rethrow { .. }
    )
}

/// Whether an instruction does nothing but to open a block, or to end one.
fn is_structure(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. }
            | Operator::Else
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::End
            | Operator::Delegate { .. }
            | Operator::Nop
    )
}
