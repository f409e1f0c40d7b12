//! Core values in the flat form of the canonical ABI.

use crate::component::types::{CoreType, CoreValue};

/// The core values of a flat form, taken one by one.
pub(super) struct Flat<'v> {
    values: &'v [CoreValue],
}

impl<'v> Flat<'v> {
    pub(in crate::inspect) fn new(values: &'v [CoreValue]) -> Self {
        Self { values }
    }

    /// The next value as the type it was before cases of a variant joined it
    /// with others into a wider slot.
    pub(in crate::inspect) fn take(&mut self, want: CoreType) -> Result<u64, &'static str> {
        let (value, rest) = self.values.split_first().ok_or("a core value is missing")?;
        self.values = rest;
        let low_half = u64::from(u32::MAX);
        match (*value, want) {
            (CoreValue::I32(bits), CoreType::I32 | CoreType::F32) => {
                Ok(u64::from(bits.cast_unsigned()))
            }
            (CoreValue::I64(bits), CoreType::I32 | CoreType::F32) => {
                Ok(bits.cast_unsigned() & low_half)
            }
            (CoreValue::I64(bits), CoreType::I64 | CoreType::F64) => Ok(bits.cast_unsigned()),
            (CoreValue::F32(bits), CoreType::F32) => Ok(u64::from(bits)),
            (CoreValue::F64(bits), CoreType::F64) => Ok(bits),
            _ => Err("a core value is of the wrong type"),
        }
    }

    /// The next value as an address or a length, of whichever width it is.
    pub(in crate::inspect) fn pointer(&mut self) -> Result<u64, &'static str> {
        match self.values.first() {
            Some(CoreValue::I64(_)) => self.take(CoreType::I64),
            _ => self.take(CoreType::I32),
        }
    }

    /// How many values are left.
    pub(super) fn remaining(&self) -> usize {
        self.values.len()
    }

    /// Skips values until so many are left.
    pub(super) fn skip_to(&mut self, remaining: usize) {
        let surplus = self.values.len().saturating_sub(remaining);
        self.values = self.values.get(surplus..).unwrap_or(&[]);
    }
}
