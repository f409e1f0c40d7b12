//! Instructions of the original, copied: byte for byte but for the indices that they name.

use super::BodyWriter;
use crate::instrument::clock::{ClockError, Original};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{Encode, Instruction};
use wasmparser::Operator;

impl BodyWriter<'_> {
    pub(super) fn copy(
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
        if self.is_encoded_anew(operator, bytes) {
            return self.encode_anew(operator, original, bytes);
        }
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

    /// Writes an instruction with other indices than it has, which may take another number
    /// of bytes.
    fn encode_anew(
        &mut self,
        operator: &Operator<'_>,
        original: u32,
        bytes: &[u8],
    ) -> Result<(), ClockError> {
        let rewritten = self.bytes.len();
        match (operator, self.context.as_ref()) {
            (Operator::BrIf { relative_depth }, Some(context)) if context.wraps(operator) => {
                Instruction::Br(relative_depth + 1).encode(&mut self.bytes);
            }
            _ => {
                let instruction = Renumbering(self.original).instruction(operator.clone())?;
                instruction.encode(&mut self.bytes);
            }
        }
        let length = (self.bytes.len() - rewritten).min(bytes.len());
        self.offsets
            .copied(original, rewritten as u32, length as u32);
        Ok(())
    }

    fn is_encoded_anew(&self, operator: &Operator<'_>, bytes: &[u8]) -> bool {
        let wrapped = self
            .context
            .as_ref()
            .is_some_and(|context| context.wraps(operator));
        wrapped || self.original.moves_memories() && may_name_memory(bytes)
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
}

/// Whether an instruction may be one that names a memory, by its first byte.
fn may_name_memory(bytes: &[u8]) -> bool {
    // Loads, stores, size and growth; bulk memory, vectors, atomics.
    matches!(bytes.first(), Some(0x28..=0x40 | 0xfc..=0xfe))
}

/// Gives what instructions name the indices that it has in the rewritten module.
struct Renumbering<'a>(&'a Original<'a>);

impl Reencode for Renumbering<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(self.0.map_function(index))
    }

    fn global_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(self.0.map_global(index))
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, reencode::Error> {
        Ok(self.0.map_memory(index))
    }
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
