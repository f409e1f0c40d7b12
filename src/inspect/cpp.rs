//! Types of C++'s standard library (libc++), shown as what they hold. Recognised
//! by their fields: another layout is shown field by field.

use super::place::{Place, Unavailable};
use super::value::{Elements, Look, Of, Value, View};
use crate::source::{Composite, EntryId, Type};

/// What a value of the standard library shows; `None` for any other.
pub(super) fn view(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let name = composite.name.as_deref().unwrap_or_default();
    if name.starts_with("basic_string<char,") {
        return string(look, composite, place);
    }
    if name.starts_with("vector<") {
        return vector(look, composite, place);
    }
    if name.starts_with("unique_ptr<") || name.starts_with("shared_ptr<") {
        return smart_pointer(look, composite, place);
    }
    Ok(None)
}

/// The elements between two pointers.
fn vector(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let begin = look.member(composite, place, "__begin_");
    let end = look.member(composite, place, "__end_");
    let (Some(begin), Some(end)) = (begin, end) else {
        return Ok(None);
    };
    let (Some((begin, element)), Some((end, _))) = (look.pointer(&begin)?, look.pointer(&end)?)
    else {
        return Ok(None);
    };
    let stride = look.source.size_of(element)?;
    let length = end.saturating_sub(begin);
    Ok(Some(View::Elements(Elements {
        of: Of::Type(element),
        first: Place::Memory(begin),
        stride,
        count: length.checked_div(stride).unwrap_or(0),
    })))
}

fn smart_pointer(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(held) = look.member(composite, place, "__ptr_") else {
        return Ok(None);
    };
    // Older versions keep the pointer in a compressed pair.
    let held = look.find_inside(&held, "__value_").unwrap_or(held);
    let Some((address, target)) = look.pointer(&held)? else {
        return Ok(None);
    };
    Ok(Some(View::Pointer {
        text: format!("{address:#x}"),
        is_transparent: address != 0,
        target: (address != 0).then_some(Value {
            of: Of::Type(target),
            place: Place::Memory(address),
        }),
    }))
}

/// A string is short, kept in place, or long, kept elsewhere: a bit says which.
fn string(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let find = |outer: &Value, name| look.find_inside(outer, name);
    let parts = look.parts(composite, place);
    let representation = parts.iter().find_map(|part| {
        let short = find(part, "__s")?;
        let long = find(part, "__l")?;
        Some((short, long))
    });
    let Some((short, long)) = representation else {
        return Ok(None);
    };
    let Some(is_long) = find(&short, "__is_long_") else {
        return Ok(None);
    };
    if look.number(&is_long) == Some(0) {
        return short_string(look, &short);
    }
    long_string(look, &long)
}

fn short_string(look: &Look<'_>, short: &Value) -> Result<Option<View>, Unavailable> {
    let size = look.find_inside(short, "__size_");
    let data = look.find_inside(short, "__data_");
    let (Some(size), Some(data)) = (size, data) else {
        return Ok(None);
    };
    let Some(element) = element_of(look, &data)? else {
        return Ok(None);
    };
    text(look, element, data.place, look.number(&size))
}

fn long_string(look: &Look<'_>, long: &Value) -> Result<Option<View>, Unavailable> {
    let size = look.find_inside(long, "__size_");
    let data = look.find_inside(long, "__data_");
    let (Some(size), Some(data)) = (size, data) else {
        return Ok(None);
    };
    let Some((address, element)) = look.pointer(&data)? else {
        return Ok(None);
    };
    text(look, element, Place::Memory(address), look.number(&size))
}

fn text(
    look: &Look<'_>,
    element: EntryId,
    first: Place,
    length: Option<i128>,
) -> Result<Option<View>, Unavailable> {
    let elements = Elements {
        of: Of::Type(element),
        first,
        stride: 1,
        count: length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
    };
    look.view_text(elements, false).map(Some)
}

fn element_of(look: &Look<'_>, array: &Value) -> Result<Option<EntryId>, Unavailable> {
    let Of::Type(id) = array.of else {
        return Ok(None);
    };
    match look.source.resolved(id)?.1 {
        Type::Array { element, .. } => Ok(element),
        _ => Ok(None),
    }
}
