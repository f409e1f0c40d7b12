//! Containers without an order of their own making: hash tables, linked lists, rings,
//! blocks, bits.

use super::{Layout, Seen, found_along, in_memory, pointer, too_few};
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Item, Look, Of, Value, Walk};
use crate::source::EntryId;
use std::ops::Range;

/// hashbrown's table: one byte of control for each bucket, the buckets before them in
/// reverse.
#[derive(Debug)]
pub(in crate::inspect) struct HashTable {
    pub(in crate::inspect) control: u64,
    pub(in crate::inspect) buckets: u64,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) layout: Layout,
}

impl Walk for HashTable {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        const CHUNK: u64 = 1024;
        let mut number = 0;
        let mut start = 0;
        while start < self.buckets {
            let length = CHUNK.min(self.buckets - start);
            look.spend(1 + length as usize / 16)?;
            let control = Place::Memory(self.control.wrapping_add(start));
            let control = control.read(length, look.state)?;
            // The highest bit is set in empty and deleted buckets.
            let full = (start..).zip(control).filter(|(_, byte)| byte & 0x80 == 0);
            for (bucket, _) in full {
                if range.contains(&number) {
                    let back = (bucket + 1).wrapping_mul(self.stride);
                    found.push(self.layout.at(self.control.wrapping_sub(back)));
                }
                number += 1;
                if number >= range.end {
                    return Ok(());
                }
            }
            start += length;
        }
        Err(too_few())
    }
}

/// Entries one after the other, each with a key and a value.
#[derive(Debug)]
pub(in crate::inspect) struct Row {
    pub(in crate::inspect) first: u64,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) layout: Layout,
}

impl Walk for Row {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        for number in range {
            look.spend(1)?;
            let offset = number.wrapping_mul(self.stride);
            found.push(self.layout.at(self.first.wrapping_add(offset)));
        }
        Ok(())
    }
}

/// Nodes that each know the next one.
#[derive(Debug)]
pub(in crate::inspect) struct LinkedList {
    pub(in crate::inspect) first: u64,
    /// What the last one has as next: null, or the list itself.
    pub(in crate::inspect) end: u64,
    pub(in crate::inspect) next_offset: u64,
    pub(in crate::inspect) pointer_size: u64,
    pub(in crate::inspect) layout: Layout,
}

impl LinkedList {
    fn next(&self, look: &Look<'_>, node: u64) -> Result<u64, Unavailable> {
        pointer(look, node.wrapping_add(self.next_offset), self.pointer_size)
    }

    /// The number of nodes, where the container does not keep it. A circle counts once,
    /// and one more for saying so.
    pub(in crate::inspect) fn length(&self, look: &Look<'_>) -> u64 {
        const LONGEST: u64 = 50_000;
        let mut seen = Seen::default();
        let (mut node, mut length) = (self.first, 0);
        while node != self.end && length < LONGEST {
            length += 1;
            if seen.take(look, node).is_err() {
                break;
            }
            match self.next(look, node) {
                Ok(next) => node = next,
                Err(_) => return length + 1,
            }
        }
        length
    }
}

impl Walk for LinkedList {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        let next = |node| self.next(look, node);
        found_along(look, self.first, self.end, range, next, |node| {
            found.push(self.layout.at(node));
        })
    }
}

/// A buffer whose first value may be in its middle.
#[derive(Debug)]
pub(in crate::inspect) struct Ring {
    pub(in crate::inspect) buffer: u64,
    pub(in crate::inspect) capacity: u64,
    pub(in crate::inspect) head: u64,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) element: EntryId,
}

impl Walk for Ring {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        for number in range {
            look.spend(1)?;
            let at = self.head.wrapping_add(number);
            let at = at.checked_rem(self.capacity).unwrap_or(at);
            let address = self.buffer.wrapping_add(at.wrapping_mul(self.stride));
            found.push(Layout::alone(self.element, 0).at(address));
        }
        Ok(())
    }
}

/// Blocks of values, found through a list of pointers: `std::deque`.
#[derive(Debug)]
pub(in crate::inspect) struct BlockList {
    /// The first block's pointer.
    pub(in crate::inspect) blocks: u64,
    pub(in crate::inspect) pointer_size: u64,
    /// Values in a block.
    pub(in crate::inspect) per_block: u64,
    /// Places before the first value.
    pub(in crate::inspect) start: u64,
    pub(in crate::inspect) stride: u64,
    pub(in crate::inspect) element: EntryId,
}

impl Walk for BlockList {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        for number in range {
            look.spend(1)?;
            let at = self.start.wrapping_add(number);
            let per_block = self.per_block.max(1);
            let block = (at / per_block).wrapping_mul(self.pointer_size);
            let block = pointer(look, self.blocks.wrapping_add(block), self.pointer_size)?;
            let inside = (at % per_block).wrapping_mul(self.stride);
            found.push(Item {
                key: None,
                value: in_memory(self.element, block.wrapping_add(inside)),
            });
        }
        Ok(())
    }
}

/// Values of one bit: `std::vector<bool>`.
#[derive(Debug)]
pub(in crate::inspect) struct BitList {
    pub(in crate::inspect) storage: u64,
}

impl Walk for BitList {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        for number in range {
            look.spend(1)?;
            let byte = pointer(look, self.storage.wrapping_add(number / 8), 1)?;
            let is_set = byte >> (number % 8) & 1 == 1;
            found.push(Item {
                key: None,
                value: Value {
                    of: Of::Said(is_set.to_string()),
                    place: Place::copied(Vec::new()),
                },
            });
        }
        Ok(())
    }
}
