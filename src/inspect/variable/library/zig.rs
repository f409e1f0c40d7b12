//! Zig's types that DWARF describes as structs: slices, optionals, error unions, tagged
//! unions. Recognised by their names, which no other language writes so, and their
//! fields.

use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Field, Look, Of, Value, View};
use crate::source::{Composite, Type};

/// What a value of Zig shows; `None` for any other.
pub(in crate::inspect) fn view(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(name) = composite.name.as_deref() else {
        return Ok(None);
    };
    let part = |name: &str| look.member(composite, place, name);
    if name.starts_with('[') {
        return slice(look, name, composite, place);
    }
    if name.starts_with('?') {
        let data = part("payload").or_else(|| part("data"));
        let (Some(data), Some(some)) = (data, part("some")) else {
            return Ok(None);
        };
        return match look.number(&some) {
            Some(0) => Ok(Some(View::Scalar("null".to_owned()))),
            _ => look.view(&data).map(Some),
        };
    }
    if let (Some(payload), Some(tag)) = (part("payload"), part("tag"))
        && composite.members.len() == 2
    {
        return tagged(look, &payload, &tag);
    }
    if name.contains('!') {
        let error = part("tag")
            .or_else(|| part("error"))
            .or_else(|| part("error_set"));
        let (Some(error), Some(value)) = (error, part("value").or_else(|| part("payload"))) else {
            return Ok(None);
        };
        let code = error.place.read_number(look.size(&error.of), look.state)?;
        return match code {
            0 => look.view(&value).map(Some),
            _ => Ok(Some(match look.view(&error)? {
                View::Scalar(name) => {
                    View::Scalar(format!("error.{}", name.trim_start_matches("error.")))
                }
                other => other,
            })),
        };
    }
    Ok(None)
}

/// `[]T`, `[:0]const u8`: a pointer and a length.
fn slice(
    look: &Look<'_>,
    name: &str,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let pointer = look.member(composite, place, "ptr");
    let length = look.member(composite, place, "len");
    let (Some(pointer), Some(length)) = (pointer, length) else {
        return Ok(None);
    };
    let Some((address, element)) = look.pointer(&pointer)? else {
        return Ok(None);
    };
    // An optional slice is one that may have no address.
    if address == 0 {
        return Ok(Some(View::Scalar("null".to_owned())));
    }
    let elements = Elements {
        of: Of::Type(element),
        first: Place::Memory(address),
        stride: look.source.size_of(element)?,
        count: length
            .place
            .read_number(look.size(&length.of), look.state)?,
    };
    // Text, by Zig's convention.
    if name.ends_with("const u8") || name.ends_with("]u8") {
        return look.view_text(elements, false).map(Some);
    }
    Ok(Some(View::Elements(elements)))
}

/// A union with the name of its active member beside it.
fn tagged(look: &Look<'_>, payload: &Value, tag: &Value) -> Result<Option<View>, Unavailable> {
    let Of::Type(id) = tag.of else {
        return Ok(None);
    };
    let (Type::Enumeration { .. }, Some(body)) =
        (look.source.resolved(id)?.1, look.composite(payload)?)
    else {
        return Ok(None);
    };
    let View::Scalar(name) = look.view(tag)? else {
        return Ok(None);
    };
    let active = look.member(&body, &payload.place, &name);
    let fields = active
        .filter(|value| look.size(&value.of) > 0)
        .map(|value| Field {
            name: name.clone(),
            value,
        });
    Ok(Some(View::Fields {
        name: Some(format!(".{name}")),
        fields: fields.into_iter().collect(),
        is_tuple: true,
    }))
}
