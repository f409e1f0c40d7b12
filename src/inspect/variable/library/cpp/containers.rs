//! C++'s containers.

use super::Library;
use crate::inspect::variable::containers::{BitList, BlockList, Layout, LinkedList, RedBlackTree};
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Items, ItemsKind, Of, Value, View, Walk};
use crate::source::EntryId;

/// What a container shows; `None` for any other value.
pub(super) fn view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let items = match value.kind {
        "vector" => return vector(value),
        "array" => match value.part("__elems_") {
            Some(elements) => return value.look.view(&elements).map(Some),
            None => None,
        },
        "span" | "initializer_list" => return span(value),
        "map" | "multimap" => tree(value, ItemsKind::Map)?,
        "set" | "multiset" => tree(value, ItemsKind::Set)?,
        "unordered_map" | "unordered_multimap" => hash_table(value, ItemsKind::Map)?,
        "unordered_set" | "unordered_multiset" => hash_table(value, ItemsKind::Set)?,
        "list" => list(value)?,
        "forward_list" => forward_list(value)?,
        "deque" => deque(value)?,
        _ => None,
    };
    Ok(items.map(View::Items))
}

fn elements(
    value: &Library<'_>,
    of: EntryId,
    first: u64,
    count: u64,
) -> Result<Option<View>, Unavailable> {
    Ok(Some(View::Elements(Elements {
        of: Of::Type(of),
        first: Place::Memory(first),
        stride: value.look.source.size_of(of)?,
        count,
    })))
}

/// The elements between two pointers, or the bits from one on.
fn vector(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let Some(begin) = value.part("__begin_") else {
        return Ok(None);
    };
    let Some((begin, element)) = value.address(&begin)? else {
        return Ok(None);
    };
    let Some(end) = value.part("__end_") else {
        let Some(count) = value.number_of(&["__size_"]) else {
            return Ok(None);
        };
        let bits = BitList { storage: begin };
        return Ok(Some(View::Items(Items::new(ItemsKind::List, count, bits))));
    };
    let Some((end, _)) = value.address(&end)? else {
        return Ok(None);
    };
    let stride = value.look.source.size_of(element)?;
    let count = end.saturating_sub(begin).checked_div(stride).unwrap_or(0);
    elements(value, element, begin, count)
}

fn span(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let begin = value.part("__data_").or_else(|| value.part("__data"));
    let Some(begin) = begin.or_else(|| value.part("__begin_")) else {
        return Ok(None);
    };
    let Some((begin, element)) = value.address(&begin)? else {
        return Ok(None);
    };
    // A span of fixed length has it in its type only.
    let count = value.number_of(&["__size_", "__size"]).or_else(|| {
        let name = value.composite.name.as_deref()?;
        let last = name.rsplit(',').next()?;
        let digits: String = last.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    match count {
        Some(count) => elements(value, element, begin, count),
        None => Ok(None),
    }
}

/// Where a node's key and value are, after so many bytes of the node's own.
fn layout(
    value: &Library<'_>,
    header: u64,
    kind: ItemsKind,
) -> Result<Option<Layout>, Unavailable> {
    let Some(first) = value.argument(0) else {
        return Ok(None);
    };
    if kind != ItemsKind::Map {
        let offset = header.next_multiple_of(value.look.alignment(first)?);
        return Ok(Some(Layout::alone(first, offset)));
    }
    let Some(second) = value.argument(1) else {
        return Ok(None);
    };
    let (one, two) = (value.look.alignment(first)?, value.look.alignment(second)?);
    let start = header.next_multiple_of(one.max(two));
    let after = value.look.source.size_of(first)?.next_multiple_of(two);
    Ok(Some(Layout {
        key: Some((first, start)),
        value: (second, start.saturating_add(after)),
    }))
}

fn items(kind: ItemsKind, count: u64, walk: impl Walk + 'static) -> Option<Items> {
    Some(Items::new(kind, count, walk))
}

/// A red-black tree.
fn tree(value: &Library<'_>, kind: ItemsKind) -> Result<Option<Items>, Unavailable> {
    let Some(first) = value.part("__begin_node_") else {
        return Ok(None);
    };
    let end = value.part("__pair1_").or_else(|| value.part("__end_node_"));
    let count = value.number_of(&["__pair3_", "__size_"]);
    let pointer_size = value.look.size(&first.of);
    // Left, right and parent, then the colour.
    let layout = layout(
        value,
        pointer_size.saturating_mul(3).saturating_add(1),
        kind,
    )?;
    let (Some((first, _)), Some(end), Some(count), Some(layout)) =
        (value.address(&first)?, end, count, layout)
    else {
        return Ok(None);
    };
    let Some(end) = end.place.address() else {
        return Ok(None);
    };
    let walk = RedBlackTree {
        first,
        end,
        pointer_size,
        layout,
    };
    Ok(items(kind, count, walk))
}

/// All nodes of a hash table are one list.
fn hash_table(value: &Library<'_>, kind: ItemsKind) -> Result<Option<Items>, Unavailable> {
    let before = value.part("__p1_").or_else(|| value.part("__first_node_"));
    let first = before.and_then(|before| value.within(&before, "__next_"));
    let count = value.number_of(&["__p2_", "__size_"]);
    let (Some(first), Some(count)) = (first, count) else {
        return Ok(None);
    };
    // The next node, and the hash.
    let walk = chain(value, &first, 2, kind)?;
    Ok(walk.and_then(|walk| items(kind, count, walk)))
}

/// A ring of nodes that the list itself is part of.
fn list(value: &Library<'_>) -> Result<Option<Items>, Unavailable> {
    let end = value.part("__end_");
    let next = end.as_ref().and_then(|end| value.within(end, "__next_"));
    let count = value.number_of(&["__size_alloc_", "__size_"]);
    let (Some(end), Some(next), Some(count)) = (end, next, count) else {
        return Ok(None);
    };
    let pointer_size = value.look.size(&next.of);
    let layout = layout(value, pointer_size.saturating_mul(2), ItemsKind::List)?;
    let (Some((first, _)), Some(end), Some(layout)) =
        (value.address(&next)?, end.place.address(), layout)
    else {
        return Ok(None);
    };
    let walk = LinkedList {
        first,
        end,
        next_offset: pointer_size,
        pointer_size,
        layout,
    };
    Ok(items(ItemsKind::List, count, walk))
}

fn forward_list(value: &Library<'_>) -> Result<Option<Items>, Unavailable> {
    let before = value.part("__before_begin_");
    let Some(first) = before.and_then(|before| value.within(&before, "__next_")) else {
        return Ok(None);
    };
    let Some(walk) = chain(value, &first, 1, ItemsKind::List)? else {
        return Ok(None);
    };
    Ok(items(ItemsKind::List, walk.length(value.look), walk))
}

/// Nodes that begin with a pointer to the next one, null in the last; `words` of the size of
/// a pointer stand before what a node holds.
fn chain(
    value: &Library<'_>,
    first: &Value,
    words: u64,
    kind: ItemsKind,
) -> Result<Option<LinkedList>, Unavailable> {
    let pointer_size = value.look.size(&first.of);
    let layout = layout(value, pointer_size.saturating_mul(words), kind)?;
    let (Some((first, _)), Some(layout)) = (value.address(first)?, layout) else {
        return Ok(None);
    };
    Ok(Some(LinkedList {
        first,
        end: 0,
        next_offset: 0,
        pointer_size,
        layout,
    }))
}

fn deque(value: &Library<'_>) -> Result<Option<Items>, Unavailable> {
    let map = value.part("__map_");
    let blocks = map.and_then(|map| value.within(&map, "__begin_"));
    let (Some(blocks), Some(start), Some(count), Some(element)) = (
        blocks,
        value.number_of(&["__start_"]),
        value.number_of(&["__size_"]),
        value.argument(0),
    ) else {
        return Ok(None);
    };
    let pointer_size = value.look.size(&blocks.of);
    let Some((blocks, _)) = value.address(&blocks)? else {
        return Ok(None);
    };
    // As many as fit into a page, or a few if they are large.
    let stride = value.look.source.size_of(element)?;
    let per_block = match stride {
        0..256 => 4096_u64.checked_div(stride).unwrap_or(4096),
        _ => 16,
    };
    let walk = BlockList {
        blocks,
        pointer_size,
        per_block,
        start,
        stride,
        element,
    };
    Ok(items(ItemsKind::List, count, walk))
}
