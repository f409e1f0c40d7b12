//! Bytes of a number that an instruction only moves: by shifts, and by putting together what does
//! not overlap, as code does that reads or copies bytes in words.

use super::{Does, Flow, Source};
use crate::component::types::CoreValue;

impl Flow {
    /// Where some bytes of what an instruction makes, by first and number from the lowest, are in
    /// one of the values that it takes; `None` if it makes them of more than that.
    pub fn moved(&self, pc: u32, (from, count): (u32, u32)) -> Option<(Source, (u32, u32))> {
        let Does::Computes(operation) = self.does(pc)? else {
            return None;
        };
        let [value, by] = self.takes(pc) else {
            return None;
        };
        match *operation {
            "<<" => {
                let (shift, width) = self.bytes_shifted(*by)?;
                let end = from.checked_add(count)?;
                let from = from.checked_sub(shift)?;
                (end <= width).then_some((*value, (from, count)))
            }
            ">>" => {
                let (shift, width) = self.bytes_shifted(*by)?;
                let from = from.checked_add(shift)?;
                let end = from.checked_add(count)?;
                (end <= width).then_some((*value, (from, count)))
            }
            "|" | "^" => {
                let bytes = (from, count);
                match (self.are_zero(*value, bytes), self.are_zero(*by, bytes)) {
                    (false, true) => Some((*value, bytes)),
                    (true, false) => Some((*by, bytes)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// By how many whole bytes something is shifted, and how many there are.
    fn bytes_shifted(&self, by: Source) -> Option<(u32, u32)> {
        let (bits, width) = match self.constant(by)? {
            CoreValue::I32(bits) => (u64::from(bits.cast_unsigned()), 4),
            CoreValue::I64(bits) => (bits.cast_unsigned(), 8),
            _ => return None,
        };
        let bytes = u32::try_from(bits / 8).ok()?;
        (bits.is_multiple_of(8) && bytes < width).then_some((bytes, width))
    }

    /// Whether the code alone tells that these bytes of a value are zero.
    fn are_zero(&self, source: Source, (from, count): (u32, u32)) -> bool {
        let end = from.saturating_add(count);
        let are_zero_in = |value: CoreValue| {
            let number = match value {
                CoreValue::I32(value) => u64::from(value.cast_unsigned()),
                CoreValue::I64(value) => value.cast_unsigned(),
                _ => return false,
            };
            let bytes = number.to_le_bytes();
            let meant = bytes.get(from as usize..(end as usize).min(bytes.len()));
            meant.is_some_and(|meant| meant.iter().all(|byte| *byte == 0))
        };
        if let Some(constant) = self.constant(source) {
            return are_zero_in(constant);
        }
        let Source::By { pc, .. } = self.settled(source) else {
            return false;
        };
        let (Some(Does::Computes(operation)), [_, by]) = (self.does(pc), self.takes(pc)) else {
            return false;
        };
        match (*operation, self.bytes_shifted(*by)) {
            ("<<", Some((shift, _))) => end <= shift,
            (">>", Some((shift, width))) => {
                let is_unsigned = self.unsigned_shifts.binary_search(&pc).is_ok();
                is_unsigned && from >= width - shift
            }
            ("&", _) => self.constant(*by).is_some_and(are_zero_in),
            _ => false,
        }
    }
}
