//! Addresses as a client sees them: opaque texts, but numbers, since editors
//! compare and sort them.

use crate::component::ModuleId;
use crate::replay::InstanceId;

/// A place in the code of a core module: the module's number above the offset.
pub(super) fn code(module: ModuleId, pc: u32) -> String {
    format!("{:#012x}", u64::from(module.0) << 32 | u64::from(pc))
}

/// The place that a client means, moved by so many bytes.
pub(super) fn parse_code(text: &str, offset: i64) -> Option<(ModuleId, u32)> {
    let number = parse_number(text)?.checked_add_signed(offset)?;
    Some((ModuleId((number >> 32) as u32), number as u32))
}

/// A place in a core instance's first memory.
pub(super) fn memory(instance: InstanceId, address: u64) -> String {
    memory_of(instance, 0, address)
}

/// A place in one of a core instance's memories: the memory's number above the
/// instance's, above the address.
pub(super) fn memory_of(instance: InstanceId, memory: u32, address: u64) -> String {
    let space = u64::from(memory & 0xff) << 16 | u64::from(instance.0 & 0xffff);
    format!("{:#x}", space << ADDRESS_BITS | address)
}

/// Addresses of a terabyte.
const ADDRESS_BITS: u32 = 40;

/// The instance, the number of its memory and the address there.
pub(super) fn parse_memory(text: &str, offset: i64) -> Option<(InstanceId, u32, u64)> {
    let number = parse_number(text)?;
    let address = (number & ((1 << ADDRESS_BITS) - 1)).checked_add_signed(offset)?;
    let space = number >> ADDRESS_BITS;
    Some((
        InstanceId(space as u32 & 0xffff),
        (space >> 16) as u32,
        address,
    ))
}

fn parse_number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
