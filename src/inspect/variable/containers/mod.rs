//! Values that a container holds apart from each other: in trees, tables, lists and
//! rings. How to get from one to the next is read from the guest's memory, which may be
//! damaged: every walk is bounded, and what stops it takes the place of one value.

mod lists;
mod trees;

pub(in crate::inspect) use lists::{BitList, BlockList, HashTable, LinkedList, Ring, Row};
pub(super) use trees::{BTree, Column, RedBlackTree};

use super::place::{Place, Unavailable};
use super::value::{Item, Look, Of, Value};
use crate::source::EntryId;
use std::collections::HashSet;
use std::ops::Range;

/// Where key and value are, from where an item is.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Layout {
    pub(in crate::inspect) key: Option<(EntryId, u64)>,
    pub(in crate::inspect) value: (EntryId, u64),
}

impl Layout {
    pub(super) fn alone(value: EntryId, offset: u64) -> Layout {
        Layout {
            key: None,
            value: (value, offset),
        }
    }

    fn at(&self, address: u64) -> Item {
        let at = |(of, offset): (EntryId, u64)| in_memory(of, address.wrapping_add(offset));
        Item {
            key: self.key.map(at),
            value: at(self.value),
        }
    }
}

pub(super) fn in_memory(of: EntryId, address: u64) -> Value {
    Value {
        of: Of::Type(of),
        place: Place::Memory(address),
    }
}

/// The nodes that a walk has seen: one seen again is a circle, not a container.
#[derive(Debug, Default)]
struct Seen(HashSet<u64>);

impl Seen {
    fn take(&mut self, look: &Look<'_>, node: u64) -> Result<(), Unavailable> {
        look.spend(1)?;
        match self.0.insert(node) {
            true => Ok(()),
            false => Err(Unavailable::Damaged("these nodes lead back to themselves")),
        }
    }
}

/// Goes from node to node, and takes those with numbers in a range.
fn found_along(
    look: &Look<'_>,
    first: u64,
    end: u64,
    range: Range<u64>,
    next: impl Fn(u64) -> Result<u64, Unavailable>,
    mut take: impl FnMut(u64),
) -> Result<(), Unavailable> {
    let mut seen = Seen::default();
    let mut node = first;
    for number in 0..range.end {
        if node == end || node == 0 {
            return Err(too_few());
        }
        seen.take(look, node)?;
        if range.contains(&number) {
            take(node);
        }
        if number + 1 < range.end {
            node = next(node)?;
        }
    }
    Ok(())
}

fn pointer(look: &Look<'_>, address: u64, size: u64) -> Result<u64, Unavailable> {
    Place::Memory(address).read_number(size, look.state)
}

/// What a container that ends before its count says has at its end.
fn too_few() -> Unavailable {
    Unavailable::Damaged("the container has fewer values than it says")
}
