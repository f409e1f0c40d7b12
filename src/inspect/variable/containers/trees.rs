//! Containers in the order of their keys: Rust's B-trees, C++'s red-black trees.

use super::{Layout, Seen, found_along, in_memory, pointer, too_few};
use crate::inspect::variable::place::Unavailable;
use crate::inspect::variable::value::{Item, Look, Walk};
use crate::source::EntryId;
use std::ops::Range;

/// Deeper than any tree in 64 bits of address.
const DEEPEST: u64 = 128;

/// libc++'s tree: nodes of left, right and parent, in this order.
#[derive(Debug)]
pub(in crate::inspect) struct RedBlackTree {
    pub(in crate::inspect) first: u64,
    /// The node after the last, whose left child is the root.
    pub(in crate::inspect) end: u64,
    pub(in crate::inspect) pointer_size: u64,
    pub(in crate::inspect) layout: Layout,
}

impl RedBlackTree {
    fn left(&self, look: &Look<'_>, node: u64) -> Result<u64, Unavailable> {
        pointer(look, node, self.pointer_size)
    }

    fn right(&self, look: &Look<'_>, node: u64) -> Result<u64, Unavailable> {
        let at = node.wrapping_add(self.pointer_size);
        pointer(look, at, self.pointer_size)
    }

    fn parent(&self, look: &Look<'_>, node: u64) -> Result<u64, Unavailable> {
        let at = node.wrapping_add(self.pointer_size.wrapping_mul(2));
        pointer(look, at, self.pointer_size)
    }

    fn next(&self, look: &Look<'_>, node: u64) -> Result<u64, Unavailable> {
        let right = self.right(look, node)?;
        let mut node = if right == 0 { node } else { right };
        for _ in 0..DEEPEST {
            look.spend(1)?;
            if right == 0 {
                let parent = self.parent(look, node)?;
                if self.left(look, parent)? == node {
                    return Ok(parent);
                }
                node = parent;
            } else {
                match self.left(look, node)? {
                    0 => return Ok(node),
                    left => node = left,
                }
            }
        }
        Err(Unavailable::Damaged("the tree is too deep"))
    }
}

impl Walk for RedBlackTree {
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

/// Keys or values of a B-tree's node, one after the other.
#[derive(Debug, Clone, Copy)]
pub(in crate::inspect) struct Column {
    pub(in crate::inspect) of: EntryId,
    pub(in crate::inspect) offset: u64,
    pub(in crate::inspect) stride: u64,
}

/// Rust's `BTreeMap`.
#[derive(Debug)]
pub(in crate::inspect) struct BTree {
    pub(in crate::inspect) root: u64,
    /// 0 where the root is a leaf.
    pub(in crate::inspect) height: u64,
    pub(in crate::inspect) length_offset: u64,
    pub(in crate::inspect) edges_offset: u64,
    pub(in crate::inspect) pointer_size: u64,
    /// The most keys in a node.
    pub(in crate::inspect) capacity: u64,
    pub(in crate::inspect) keys: Column,
    /// `None` in a set.
    pub(in crate::inspect) values: Option<Column>,
}

/// A node on the way, with the number of the key that comes next there.
struct NodeOnWay {
    node: u64,
    height: u64,
    at: u64,
    length: u64,
}

impl BTree {
    /// Goes down along the first edges and notes the way.
    fn descend(
        &self,
        look: &Look<'_>,
        seen: &mut Seen,
        way: &mut Vec<NodeOnWay>,
        mut node: u64,
        height: u64,
    ) -> Result<(), Unavailable> {
        if height > DEEPEST {
            return Err(Unavailable::Damaged("the tree is too deep"));
        }
        for height in (0..=height).rev() {
            seen.take(look, node)?;
            let length = pointer(look, node.wrapping_add(self.length_offset), 2)?;
            if length > self.capacity {
                return Err(Unavailable::Damaged("a node has more keys than fit"));
            }
            way.push(NodeOnWay {
                node,
                height,
                at: 0,
                length,
            });
            if height > 0 {
                node = self.edge(look, node, 0)?;
            }
        }
        Ok(())
    }

    fn edge(&self, look: &Look<'_>, node: u64, at: u64) -> Result<u64, Unavailable> {
        let offset = self
            .edges_offset
            .wrapping_add(at.wrapping_mul(self.pointer_size));
        pointer(look, node.wrapping_add(offset), self.pointer_size)
    }

    fn item(&self, node: u64, at: u64) -> Item {
        let cell = |column: Column| {
            let offset = column.offset.wrapping_add(at.wrapping_mul(column.stride));
            in_memory(column.of, node.wrapping_add(offset))
        };
        match self.values {
            Some(values) => Item {
                key: Some(cell(self.keys)),
                value: cell(values),
            },
            None => Item {
                key: None,
                value: cell(self.keys),
            },
        }
    }
}

impl Walk for BTree {
    fn walk(
        &self,
        look: &Look<'_>,
        range: Range<u64>,
        found: &mut Vec<Item>,
    ) -> Result<(), Unavailable> {
        let mut seen = Seen::default();
        let mut way = Vec::new();
        self.descend(look, &mut seen, &mut way, self.root, self.height)?;
        let mut number = 0;
        while number < range.end {
            look.spend(1)?;
            let Some(step) = way.last_mut() else {
                return Err(too_few());
            };
            if step.at >= step.length {
                way.pop();
                continue;
            }
            let (node, at, height) = (step.node, step.at, step.height);
            step.at += 1;
            if range.contains(&number) {
                found.push(self.item(node, at));
            }
            number += 1;
            if let Some(below) = height.checked_sub(1)
                && number < range.end
            {
                let edge = self.edge(look, node, at + 1)?;
                self.descend(look, &mut seen, &mut way, edge, below)?;
            }
        }
        Ok(())
    }
}
