//! C++'s iterators of maps and sets: pointers to nodes, shown as what is in the node.

use super::Library;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Of, Value, View};
use crate::source::{EntryId, Type};

/// What an iterator shows; `None` where its layout is another.
pub(super) fn view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    match value.kind {
        // Those of maps are around those of the trees and tables that maps are made of.
        "__map_iterator"
        | "__map_const_iterator"
        | "__hash_map_iterator"
        | "__hash_map_const_iterator" => {
            let inside = value.part("__i_");
            inside.map(|inside| value.look.view(&inside)).transpose()
        }
        "__tree_iterator" | "__tree_const_iterator" => of_tree(value),
        _ => of_table(value),
    }
}

fn end() -> Option<View> {
    Some(View::Scalar("end()".to_owned()))
}

fn of_tree(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let (Some(pointer), Some(of)) = (value.part("__ptr_"), value.argument(0)) else {
        return Ok(None);
    };
    let size = value.look.size(&pointer.of);
    let Some((node, _)) = value.address(&pointer)? else {
        return Ok(None);
    };
    // Left, right and parent. The node after the last has a left one only.
    let link = |node: u64, at: u64| {
        let place = Place::Memory(node.wrapping_add(size.wrapping_mul(at)));
        place.read_number(size, value.look.state)
    };
    let is_linked = match link(node, 2) {
        Ok(0) | Err(_) => false,
        Ok(parent) => [0, 1].iter().any(|at| link(parent, *at) == Ok(node)),
    };
    match is_linked {
        true => inside(value, node, size.saturating_mul(3).saturating_add(1), of),
        false => Ok(end()),
    }
}

fn of_table(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let (Some(pointer), Some(to_node)) = (value.part("__node_"), value.argument(0)) else {
        return Ok(None);
    };
    let size = value.look.size(&pointer.of);
    let Some((node, _)) = value.address(&pointer)? else {
        return Ok(None);
    };
    if node == 0 {
        return Ok(end());
    }
    let target = match value.look.source.resolved(to_node)?.1 {
        Type::Pointer {
            target: Some(target),
            ..
        } => value.look.source.resolved(target)?.1,
        _ => return Ok(None),
    };
    let of = match target {
        Type::Composite(node) => node.arguments.first().and_then(|(_, of)| *of),
        _ => None,
    };
    match of {
        // The next node, and the hash.
        Some(of) => inside(value, node, size.saturating_mul(2), of),
        None => Ok(None),
    }
}

/// What a node holds after so many bytes of its own.
fn inside(
    value: &Library<'_>,
    node: u64,
    header: u64,
    of: EntryId,
) -> Result<Option<View>, Unavailable> {
    let offset = header.next_multiple_of(value.look.alignment(of)?.max(1));
    let held = Value {
        of: Of::Type(of),
        place: Place::Memory(node.wrapping_add(offset)),
    };
    // A key and a value are in a class of the library's.
    let pair = match value.look.composite(&held)? {
        Some(body) => value.look.member(&body, &held.place, "__cc_"),
        None => None,
    };
    Ok(Some(View::Pointer {
        text: format!("{node:#x}"),
        target: Some(pair.unwrap_or(held)),
        is_transparent: true,
        beside: Vec::new(),
    }))
}
