//! Addresses that expressions of debug information are, where they are fixed.

use super::error::SourceError;
use super::globals::Globals;
use super::sections::Reader;
use super::units::Units;
use gimli::{Expression, Operation};

/// Whether an address is what linkers write for those of what they drop: all bits set, as
/// many as the memory's addresses have.
pub(crate) fn is_tombstone(address: u64) -> bool {
    matches!(address, 0xffff_ffff | u64::MAX)
}

/// The address that an expression begins with, and the global that it counts from:
/// code for any place in memory counts from `__memory_base`.
pub(super) fn parts(
    units: &Units,
    unit: u32,
    expression: &Expression<Reader>,
) -> Result<Option<(Option<u32>, u64)>, SourceError> {
    let encoding = units.encoding(unit).ok_or(SourceError::DanglingReference)?;
    let mut operations = expression.clone().operations(encoding);
    let (base, operation) = match operations.next()? {
        Some(Operation::WasmGlobal { index }) => (Some(index), operations.next()?),
        first => (None, first),
    };
    Ok(match operation {
        Some(Operation::Address { address }) => Some((base, address)),
        Some(Operation::AddressIndex { index }) => {
            Some((base, units.indexed_address(unit, index)?))
        }
        _ => None,
    })
}

/// Whether an expression is a fixed address.
pub(super) fn is_fixed(units: &Units, unit: u32, expression: &Expression<Reader>) -> bool {
    matches!(parts(units, unit, expression), Ok(Some(_)))
}

/// The address that an expression is, if it is a fixed one.
pub(super) fn fixed(
    units: &Units,
    globals: &Globals,
    unit: u32,
    expression: &Expression<Reader>,
) -> Result<Option<u64>, SourceError> {
    let Some((base, address)) = parts(units, unit, expression)? else {
        return Ok(None);
    };
    let base = match base {
        // The linker leaves out a base that is zero.
        None | Some(u32::MAX) => Some(0),
        Some(global) => globals.constant(global),
    };
    Ok(base.map(|base| base.wrapping_add(address)))
}
