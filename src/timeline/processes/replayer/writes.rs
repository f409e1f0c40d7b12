//! The instructions that write to memory.

use super::here::Here;
use crate::instrument::probe::Written;
use crate::replay::{Code, frames};
use crate::timeline::travel::predicates::Stopped;
use std::ops::Range;
use wasmtime::Memory;

/// The instructions of a function that may write to memory, and where it goes on after each:
/// what an instruction does not do itself, but what it calls, is not of it.
pub(super) fn writes_around<'a>(
    module: &'a [u8],
    code: &Code,
    pc: u32,
) -> impl Iterator<Item = (u32, u32)> + use<'a> {
    let instructions = code.instructions_around(pc);
    let instructions: Vec<u32> = instructions.map_or_else(Vec::new, |all| all.to_vec());
    let next = instructions.clone().into_iter().skip(1);
    let pairs = instructions.into_iter().zip(next);
    pairs.filter_map(|(pc, next)| {
        let bytes = module.get(pc as usize..next as usize)?;
        may_write(bytes).then_some((pc, next))
    })
}

/// Before an instruction that writes to memory: to which, and to which bytes of it.
pub(super) fn about_to_write(here: &mut Here<'_, '_>) -> Option<(Memory, Range<u64>)> {
    let frame = here.frame(0)?;
    let code = here.modules.get(frame.module.0 as usize)?.code.clone();
    let next = {
        let instructions = code.instructions_around(frame.pc)?;
        let index = instructions.binary_search(&frame.pc).ok()?;
        *instructions.get(index + 1)?
    };
    let component = here.component();
    let module = component.module(frame.module)?;
    let instruction = module.get(frame.pc as usize..next as usize)?;
    if !may_write(instruction) {
        return None;
    }
    let operands = frames::innermost_operands(here.store);
    let written = Written::of(instruction, &operands)?;
    let found = frames::memory_of(here.store, here.modules, frame.instance, written.memory);
    let memory = found.ok().flatten()?;
    let bytes = written.bytes();
    if let Some(expected) = written.only_over {
        let length = usize::try_from(written.length).ok()?;
        let there = frames::slice(memory.data(&*here.store), bytes.start, length);
        let mut wide = [0; 8];
        wide.get_mut(..there.len())?.copy_from_slice(there);
        if u64::from_le_bytes(wide) != expected {
            return None;
        }
    }
    Some((memory, bytes))
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
