//! Collections of widely used crates, recognised by their fields as those of the standard
//! library are.

use super::{argument, count, vec};
use crate::inspect::variable::containers::{Layout, Row};
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Items, ItemsKind, Look, Of, Value, View};
use crate::source::{Composite, EntryId, Type};

/// What a collection shows; `None` for any other value, and where its layout is another.
pub(super) fn view(
    look: &Look<'_>,
    kind: &str,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    match kind {
        "IndexMap" => index_map(look, composite, place, ItemsKind::Map),
        "IndexSet" => {
            let Some(map) = look.member(composite, place, "map") else {
                return Ok(None);
            };
            match look.composite(&map)? {
                Some(body) => index_map(look, &body, &map.place, ItemsKind::Set),
                None => Ok(None),
            }
        }
        "SmallVec" => small_vec(look, composite, place),
        "ArrayVec" => array_vec(look, composite, place),
        _ => Ok(None),
    }
}

/// `indexmap`: the entries in their order, each with its hash.
fn index_map(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
    kind: ItemsKind,
) -> Result<Option<View>, Unavailable> {
    let core = look.member(composite, place, "core");
    let Some(entries) = core.and_then(|core| look.find_inside(&core, "entries")) else {
        return Ok(None);
    };
    let Some(body) = look.composite(&entries)? else {
        return Ok(None);
    };
    let Some(rows) = vec(look, &body, &entries.place)? else {
        return Ok(None);
    };
    let (Of::Type(bucket), Some(first)) = (&rows.of, rows.first.address()) else {
        return Ok(None);
    };
    let (_, Type::Composite(bucket)) = look.source.resolved(*bucket)? else {
        return Ok(None);
    };
    let member = |name: &str| {
        let mut members = bucket.members.iter();
        let member = members.find(|m| m.name.as_deref() == Some(name))?;
        Some((member.type_id?, member.offset))
    };
    let (Some(key), Some(value)) = (member("key"), member("value")) else {
        return Ok(None);
    };
    let layout = match kind {
        ItemsKind::Map => Layout {
            key: Some(key),
            value,
        },
        ItemsKind::List | ItemsKind::Set => Layout::alone(key.0, key.1),
    };
    let row = Row {
        first,
        stride: rows.stride,
        layout,
    };
    Ok(Some(View::Items(Items::new(kind, rows.count, row))))
}

/// `smallvec`: in place while it is short, which its capacity tells, else elsewhere.
fn small_vec(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let part = |name: &str| look.member(composite, place, name);
    let (Some(capacity), Some(data), Some(array)) =
        (part("capacity"), part("data"), argument(composite, "A"))
    else {
        return Ok(None);
    };
    let Type::Array {
        element: Some(element),
        counts,
    } = look.source.resolved(array)?.1
    else {
        return Ok(None);
    };
    let in_place = counts.first().and_then(|count| count.known()).unwrap_or(0);
    let capacity = count(look, &capacity)?;
    let (first, count) = match capacity <= in_place {
        true => (inline_start(look, &data, array)?, Some(capacity)),
        false => heap(look, &data)?,
    };
    let (Some(first), Some(count)) = (first, count) else {
        return Ok(None);
    };
    elements(look, element, first, count)
}

/// Where the array is that is kept in place.
fn inline_start(
    look: &Look<'_>,
    data: &Value,
    array: EntryId,
) -> Result<Option<Place>, Unavailable> {
    let held = match look.view(data)? {
        View::Fields { fields, .. } => fields.into_iter().next().map(|field| field.value),
        _ => None,
    };
    // `MaybeUninit` around it adds nothing.
    let fits = |value: &Value| look.size(&value.of) >= look.size(&Of::Type(array));
    Ok(held.filter(fits).map(|value| value.place))
}

fn heap(look: &Look<'_>, data: &Value) -> Result<(Option<Place>, Option<u64>), Unavailable> {
    let View::Fields { fields, .. } = look.view(data)? else {
        return Ok((None, None));
    };
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    let (Some(pointer), Some(length)) = (field("ptr"), field("len")) else {
        return Ok((None, None));
    };
    let pointer = super::first_pointer(look, &pointer.value, super::DEEPEST_POINTER)?;
    let length = count(look, &length.value)?;
    Ok((pointer.map(|(at, _)| Place::Memory(at)), Some(length)))
}

/// `arrayvec`: an array with a length.
fn array_vec(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let part = |name: &str| look.member(composite, place, name);
    let (Some(array), Some(length), Some(element)) =
        (part("xs"), part("len"), argument(composite, "T"))
    else {
        return Ok(None);
    };
    elements(look, element, array.place, count(look, &length)?)
}

fn elements(
    look: &Look<'_>,
    element: EntryId,
    first: Place,
    count: u64,
) -> Result<Option<View>, Unavailable> {
    Ok(Some(View::Elements(Elements {
        of: Of::Type(element),
        first,
        stride: look.source.size_of(element)?,
        count,
    })))
}
