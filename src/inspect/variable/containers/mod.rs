//! Values that a container holds apart from each other: in trees, tables, lists and
//! rings. How to get from one to the next is read from the guest's memory, which may be
//! damaged: every walk is bounded, and what stops it takes the place of one value.

mod lists;
mod trees;

pub(in crate::inspect) use lists::{BitList, BlockList, HashTable, LinkedList, Ring, Row};
pub(super) use trees::{BTree, Column, RedBlackTree};

use super::place::{Place, Unavailable};
use super::value::{Field, Look, Of, Value};
use crate::source::EntryId;
use std::collections::HashSet;
use std::ops::Range;
use std::rc::Rc;

/// What the values of a container are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect) enum Kind {
    /// In an order, named by their number.
    List,
    /// Without a key apart from themselves.
    Set,
    /// Named by their keys.
    Map,
}

/// The values of a container.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Items {
    pub(in crate::inspect) kind: Kind,
    /// As many as the container says it has.
    pub(in crate::inspect) count: u64,
    pub(in crate::inspect) walk: Rc<dyn Walk>,
}

/// One value, with its key in a map.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Item {
    pub(in crate::inspect) key: Option<Value>,
    pub(in crate::inspect) value: Value,
}

/// A way through a container's values in the guest's memory.
pub(in crate::inspect) trait Walk: std::fmt::Debug {
    /// Adds the values with these numbers, as far as they can be reached.
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable>;
}

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

impl Items {
    pub(in crate::inspect) fn new(kind: Kind, count: u64, walk: impl Walk + 'static) -> Items {
        Items {
            kind,
            count,
            walk: Rc::new(walk),
        }
    }

    /// The items with these numbers. Where they cannot be reached, the last one says
    /// why.
    pub(in crate::inspect) fn page(&self, look: &Look<'_>, range: Range<u64>) -> Vec<Item> {
        let range = range.start..range.end.min(self.count);
        let mut found = Vec::new();
        if range.is_empty() {
            return found;
        }
        if let Err(why) = self.walk.walk(look, range, &mut found) {
            found.push(Item {
                key: None,
                value: Value::lost(why),
            });
        }
        found
    }

    /// The same, named: by their keys in a map, by their numbers elsewhere.
    pub(in crate::inspect) fn fields(&self, look: &Look<'_>, range: Range<u64>) -> Vec<Field> {
        let first = range.start;
        let items = self.page(look, range).into_iter().zip(first..);
        let named = items.map(|(item, number)| Field {
            name: match &item.key {
                Some(key) => format!("[{}]", super::summary::of_value(look, key)),
                None => format!("[{number}]"),
            },
            value: item.value,
        });
        named.collect()
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
