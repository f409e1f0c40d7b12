//! C++'s strings, of all kinds of characters.

use super::Library;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Of, Value, View};
use crate::source::EntryId;

/// A string is short, kept in place, or long, kept elsewhere: a bit says which.
pub(super) fn string(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let parts = value.look.parts(value.composite, value.place);
    let representation = parts.iter().find_map(|part| {
        let short = value.within(part, "__s")?;
        let long = value.within(part, "__l")?;
        Some((short, long))
    });
    let Some((short, long)) = representation else {
        return Ok(None);
    };
    let Some(is_long) = value.within(&short, "__is_long_") else {
        return Ok(None);
    };
    let chosen = match value.look.number(&is_long) {
        Some(0) => short,
        _ => long,
    };
    let size = value.within(&chosen, "__size_");
    let data = value.within(&chosen, "__data_");
    let (Some(size), Some(data)) = (size, data) else {
        return Ok(None);
    };
    characters(value, &data, value.number(&size))
}

pub(super) fn string_view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let data = value.part("__data_").or_else(|| value.part("__data"));
    let Some(data) = data else {
        return Ok(None);
    };
    characters(value, &data, value.number_of(&["__size_", "__size"]))
}

/// Text in an array or behind a pointer.
fn characters(
    value: &Library<'_>,
    data: &Value,
    length: Option<u64>,
) -> Result<Option<View>, Unavailable> {
    if let Some((address, element)) = value.look.pointer(data)? {
        return text(value, element, Place::Memory(address), length);
    }
    match value.element_of(data)? {
        Some(element) => text(value, element, data.place.clone(), length),
        None => Ok(None),
    }
}

fn text(
    value: &Library<'_>,
    element: EntryId,
    first: Place,
    length: Option<u64>,
) -> Result<Option<View>, Unavailable> {
    let elements = Elements {
        of: Of::Type(element),
        first,
        stride: value.look.source.size_of(element)?,
        count: length.unwrap_or(0),
    };
    value.look.view_text(elements, false).map(Some)
}
