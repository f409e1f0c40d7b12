//! The memory that a crossing is about: what its pointers point to.

use super::builtin_call::number;
use super::lift::{Bytes, Lifted, List};
use super::part::Part;
use crate::component::layout::{self, Params};
use crate::component::types::{CoreValue, StringEncoding};
use crate::component::{Crossing, CrossingKind};

/// A block of memory and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// `contents`, `return area`
    pub name: String,
    /// Where it starts in the memory of the crossing.
    pub address: u64,
    /// In bytes.
    pub length: u64,
}

/// So many blocks of one crossing are told.
const MOST: usize = 1000;

/// The blocks that the arguments of a crossing are in.
pub(super) fn of_arguments(
    crossing: &Crossing,
    args: &[CoreValue],
    arguments: &[Part],
) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend(spilled(crossing, args));
    for part in arguments {
        behind(&part.name, &part.value, crossing, &mut blocks);
    }
    blocks
}

/// All arguments of a function that has too many to pass them flat.
fn spilled(crossing: &Crossing, args: &[CoreValue]) -> Option<Block> {
    let function = crossing.function.as_ref()?;
    let shape = match crossing.kind {
        CrossingKind::Lower => layout::lowered(function, crossing.pointer, crossing.is_async),
        CrossingKind::Lift => layout::lifted(function, crossing.pointer, crossing.lift()),
        _ => return None,
    };
    match shape.params {
        Params::Flat(_) => None,
        Params::Spilled(sequence) => Some(Block {
            name: "arguments".into(),
            address: number(args.first())?,
            length: sequence.layout.size,
        }),
    }
}

pub(super) fn return_area(crossing: &Crossing, args: &[CoreValue]) -> Option<Block> {
    let area = crossing.return_area?;
    Some(Block {
        name: "return area".into(),
        address: number(args.last())?,
        length: area.size.into(),
    })
}

/// The blocks that strings and lists inside a value are in.
pub(in crate::inspect) fn behind(
    name: &str,
    value: &Lifted,
    crossing: &Crossing,
    blocks: &mut Vec<Block>,
) {
    if blocks.len() >= MOST {
        return;
    }
    let mut block = |address, length| {
        if length > 0 {
            blocks.push(Block {
                name: name.to_owned(),
                address,
                length,
            });
        }
    };
    match value {
        Lifted::String(text) => {
            let shown = string_bytes(&text.text, crossing.encoding);
            block(text.pointer, shown.saturating_add(text.more));
        }
        Lifted::Bytes(Bytes {
            length, pointer, ..
        }) => block(*pointer, *length),
        Lifted::List(List {
            element,
            length,
            pointer: Some(pointer),
            ..
        }) => {
            let size = layout::layout(element, crossing.pointer).size;
            block(*pointer, size.saturating_mul(*length));
        }
        _ => {}
    }
    for (part, value) in value.children() {
        let dot = if part.starts_with('[') { "" } else { "." };
        behind(&format!("{name}{dot}{part}"), value, crossing, blocks);
    }
}

/// How many bytes of memory a text takes.
fn string_bytes(text: &str, encoding: StringEncoding) -> u64 {
    let utf16 = || 2 * text.encode_utf16().count() as u64;
    match encoding {
        StringEncoding::Utf8 => text.len() as u64,
        StringEncoding::Utf16 => utf16(),
        StringEncoding::CompactUtf16 if text.chars().all(|c| u32::from(c) < 0x100) => {
            text.chars().count() as u64
        }
        StringEncoding::CompactUtf16 => utf16(),
    }
}
