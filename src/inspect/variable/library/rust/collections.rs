//! Rust's collections.

use super::{DEEPEST_POINTER, argument, count, first_pointer, inner};
use crate::inspect::variable::containers::{BTree, Column, HashTable, Layout, LinkedList, Ring};
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Items, ItemsKind, Look, Value, View};
use crate::source::{Composite, EntryId, Type};

/// What a collection shows; `None` where its layout is another.
pub(super) fn view(
    look: &Look<'_>,
    kind: &str,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let items = match kind {
        "HashMap" => hash_table(look, composite, place, ItemsKind::Map)?,
        "HashSet" => hash_table(look, composite, place, ItemsKind::Set)?,
        "BTreeMap" => b_tree(look, composite, place, ItemsKind::Map)?,
        "BTreeSet" => match inner(look, composite, place, "map")? {
            Some((map, body)) => b_tree(look, &body, &map.place, ItemsKind::Set)?,
            None => None,
        },
        "VecDeque" => ring(look, composite, place)?,
        "LinkedList" => linked_list(look, composite, place)?,
        _ => {
            let Some(data) = look.member(composite, place, "data") else {
                return Ok(None);
            };
            return look.view(&data).map(Some);
        }
    };
    Ok(items.map(View::Items))
}

/// hashbrown, within one or two layers of std.
fn hash_table(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
    kind: ItemsKind,
) -> Result<Option<Items>, Unavailable> {
    let parts = look.parts(composite, place);
    let table = |part: &Value| {
        let table = look.member(&look.composite(part).ok()??, &part.place, "table");
        table.or_else(|| look.find_inside(part, "table"))
    };
    let own = look.member(composite, place, "table");
    let Some(table) = own.or_else(|| parts.iter().find_map(table)) else {
        return Ok(None);
    };
    let entry = look.composite(&table)?;
    let entry = entry.and_then(|body| argument(&body, "T"));
    let part = |name: &str| look.find_inside(&table, name);
    let (Some(mask), Some(control), Some(items), Some(entry)) =
        (part("bucket_mask"), part("ctrl"), part("items"), entry)
    else {
        return Ok(None);
    };
    let Some((control, _)) = first_pointer(look, &control, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    let Some(layout) = pair(look, entry, kind)? else {
        return Ok(None);
    };
    let walk = HashTable {
        control,
        buckets: count(look, &mask)?.saturating_add(1),
        stride: look.source.size_of(entry)?,
        layout,
    };
    Ok(Some(Items::new(kind, count(look, &items)?, walk)))
}

/// Where key and value are in a tuple of both.
fn pair(look: &Look<'_>, entry: EntryId, kind: ItemsKind) -> Result<Option<Layout>, Unavailable> {
    let (_, Type::Composite(tuple)) = look.source.resolved(entry)? else {
        return Ok(None);
    };
    let member = |name: &str| {
        let member = tuple
            .members
            .iter()
            .find(|m| m.name.as_deref() == Some(name))?;
        Some((member.type_id?, member.offset))
    };
    let (Some(key), Some(value)) = (member("__0"), member("__1")) else {
        return Ok(None);
    };
    Ok(Some(match kind {
        ItemsKind::Map => Layout {
            key: Some(key),
            value,
        },
        ItemsKind::List | ItemsKind::Set => Layout {
            key: None,
            value: key,
        },
    }))
}

fn b_tree(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
    kind: ItemsKind,
) -> Result<Option<Items>, Unavailable> {
    let (root, length) = (
        look.member(composite, place, "root"),
        look.member(composite, place, "length"),
    );
    let (key, value) = (argument(composite, "K"), argument(composite, "V"));
    let (Some(root), Some(length), Some(key), Some(value)) = (root, length, key, value) else {
        return Ok(None);
    };
    let entries = count(look, &length)?;
    // Where there is no root, the pointer to it is null.
    let Some((root_node, leaf)) = first_pointer(look, &root, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    let height = some(look, &root)?.and_then(|some| look.find_inside(&some, "height"));
    let height = match &height {
        Some(height) => count(look, height)?,
        None => 0,
    };
    let Some(walk) = b_tree_layout(look, leaf, key, (kind == ItemsKind::Map).then_some(value))?
    else {
        return Ok(None);
    };
    let walk = BTree {
        root: root_node,
        height,
        pointer_size: look.size(&length.of),
        ..walk
    };
    let entries = if root_node == 0 { 0 } else { entries };
    Ok(Some(Items::new(kind, entries, walk)))
}

/// What an `Option` holds.
fn some(look: &Look<'_>, option: &Value) -> Result<Option<Value>, Unavailable> {
    Ok(match look.view(option)? {
        View::Fields { fields, .. } => fields.into_iter().next().map(|field| field.value),
        _ => None,
    })
}

/// Where things are in the nodes of a tree.
fn b_tree_layout(
    look: &Look<'_>,
    leaf: EntryId,
    key: EntryId,
    value: Option<EntryId>,
) -> Result<Option<BTree>, Unavailable> {
    let (leaf, Type::Composite(body)) = look.source.resolved(leaf)? else {
        return Ok(None);
    };
    let member = |name: &str| {
        body.members
            .iter()
            .find(|m| m.name.as_deref() == Some(name))
    };
    let (Some(keys), Some(values), Some(length)) = (member("keys"), member("vals"), member("len"))
    else {
        return Ok(None);
    };
    let column = |of: EntryId, offset: u64| -> Result<Column, Unavailable> {
        Ok(Column {
            of,
            offset,
            stride: look.source.size_of(of)?,
        })
    };
    let keys_size = match keys.type_id {
        Some(keys) => look.source.size_of(keys)?,
        None => 0,
    };
    let keys = column(key, keys.offset)?;
    let values = match value {
        Some(value) => Some(column(value, values.offset)?),
        None => None,
    };
    // Nodes that are not leaves are a leaf and the edges after it. A key without a size
    // tells no capacity: Rust's is 11.
    let edges_offset = look.source.size_of(leaf)?.next_multiple_of(4);
    Ok(Some(BTree {
        root: 0,
        height: 0,
        length_offset: length.offset,
        edges_offset,
        pointer_size: 4,
        capacity: keys_size.checked_div(keys.stride).unwrap_or(11),
        keys,
        values,
    }))
}

fn ring(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Items>, Unavailable> {
    let part = |name: &str| look.member(composite, place, name);
    let (Some(head), Some(length), Some(buffer), Some(element)) = (
        part("head"),
        part("len"),
        part("buf"),
        argument(composite, "T"),
    ) else {
        return Ok(None);
    };
    let Some((address, _)) = first_pointer(look, &buffer, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    let Some(capacity) = look.find_inside(&buffer, "cap") else {
        return Ok(None);
    };
    let walk = Ring {
        buffer: address,
        capacity: count(look, &capacity)?,
        head: count(look, &head)?,
        stride: look.source.size_of(element)?,
        element,
    };
    Ok(Some(Items::new(
        ItemsKind::List,
        count(look, &length)?,
        walk,
    )))
}

fn linked_list(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Items>, Unavailable> {
    let part = |name: &str| look.member(composite, place, name);
    let (Some(head), Some(length)) = (part("head"), part("len")) else {
        return Ok(None);
    };
    let Some((first, node)) = first_pointer(look, &head, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    let (_, Type::Composite(node)) = look.source.resolved(node)? else {
        return Ok(None);
    };
    let member = |name: &str| {
        node.members
            .iter()
            .find(|m| m.name.as_deref() == Some(name))
    };
    let (Some(next), Some(element)) = (member("next"), member("element")) else {
        return Ok(None);
    };
    let Some(element_type) = element.type_id else {
        return Ok(None);
    };
    let walk = LinkedList {
        first,
        end: 0,
        next_offset: next.offset,
        pointer_size: look.size(&head.of),
        layout: Layout::alone(element_type, element.offset),
    };
    Ok(Some(Items::new(
        ItemsKind::List,
        count(look, &length)?,
        walk,
    )))
}
