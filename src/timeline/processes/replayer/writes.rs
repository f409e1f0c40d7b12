//! The instructions that write to memory.

use crate::replay::Code;

/// Where a function goes on after an instruction that may have written to memory: what
/// the instruction does not do itself, but what it calls, is not of it.
pub(super) fn places_after_writes<'a>(
    module: &'a [u8],
    code: &Code,
    pc: u32,
) -> impl Iterator<Item = u32> + use<'a> {
    let instructions = code.instructions_around(pc);
    let instructions: Vec<u32> = instructions.map_or_else(Vec::new, |all| all.to_vec());
    let next = instructions.clone().into_iter().skip(1);
    let pairs = instructions.into_iter().zip(next);
    pairs.filter_map(|(pc, next)| {
        let bytes = module.get(pc as usize..next as usize)?;
        may_write(bytes).then_some(next)
    })
}

/// The instruction before this one of the same function, if it may have written to memory.
pub(in crate::timeline) fn write_before(module: &[u8], code: &Code, pc: u32) -> Option<u32> {
    let instructions = code.instructions_around(pc)?;
    let index = instructions.binary_search(&pc).ok()?;
    let before = *instructions.get(index.checked_sub(1)?)?;
    let bytes = module.get(before as usize..pc as usize)?;
    may_write(bytes).then_some(before)
}

/// Whether an instruction may write to memory, by its opcode.
fn may_write(instruction: &[u8]) -> bool {
    let Some((prefix, rest)) = instruction.split_first() else {
        return false;
    };
    match prefix {
        // Stores of numbers.
        0x36..=0x3e => true,
        // memory.init, memory.copy, memory.fill
        0xfc => matches!(number(rest), 8 | 10 | 11),
        // v128.store, and those of a lane
        0xfd => matches!(number(rest), 11 | 88..=91),
        // Atomic ones: all but notifications, waits, the fence and loads.
        0xfe => number(rest) >= 0x17,
        _ => false,
    }
}

/// A number in LEB128.
fn number(bytes: &[u8]) -> u32 {
    let mut number = 0u32;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        number |= u32::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}
