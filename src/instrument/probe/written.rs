//! Which bytes an instruction is going to write, by its operands.

use super::store::{Kind, Operands, Store};
use crate::component::types::CoreValue;
use std::ops::Range;

/// What an instruction is going to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The memory, as the module numbers it.
    pub memory: u32,
    /// Of the first byte.
    pub address: u64,
    /// In bytes.
    pub length: u64,
    /// It writes only if the bytes hold this number, as atomic exchanges do that compare.
    pub only_over: Option<u64>,
}

impl Written {
    /// Of an instruction, and the operand stack before it, bottom first. `None` if it does not
    /// write to memory.
    pub fn of(instruction: &[u8], operands: &[CoreValue]) -> Option<Written> {
        let reader = wasmparser::BinaryReader::new(instruction, 0);
        let operator = wasmparser::OperatorsReader::new(reader).read().ok()?;
        let store = Store::of(&operator)?;
        let from_top = |nth: usize| {
            let index = operands.len().checked_sub(nth + 1)?;
            number(operands.get(index)?)
        };
        let (address, length, only_over) = match store.kind {
            Kind::Fixed {
                offset,
                bytes,
                operands,
            } => {
                let (above, only_over) = match operands {
                    Operands::One(_) => (1, None),
                    Operands::Two(_) => (2, Some(from_top(1)?)),
                };
                (from_top(above)?.checked_add(offset)?, bytes, only_over)
            }
            Kind::Bulk(_) => (from_top(2)?, from_top(0)?, None),
        };
        Some(Written {
            memory: store.memory,
            address,
            length,
            only_over,
        })
    }

    /// The addresses of the bytes.
    pub fn bytes(&self) -> Range<u64> {
        self.address..self.address.saturating_add(self.length)
    }
}

fn number(value: &CoreValue) -> Option<u64> {
    match value {
        CoreValue::I32(number) => Some(u64::from(number.cast_unsigned())),
        CoreValue::I64(number) => Some(number.cast_unsigned()),
        _ => None,
    }
}
