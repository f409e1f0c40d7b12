//! Types of Rust's standard library, shown as what they hold. Recognised by
//! their fields as much as by their names: another layout is shown field by field.

use super::place::{Place, Unavailable};
use super::value::{Elements, Look, Of, Value, View};
use crate::source::{Composite, EntryId};

/// How deep a pointer may be inside `Vec` and `Rc` (`RawVec`, `Unique`, `NonNull`).
const DEEPEST_POINTER: usize = 8;

/// What a value of the standard library shows; `None` for any other.
pub(super) fn view(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(name) = composite.name.as_deref() else {
        return Ok(None);
    };
    if let Some(view) = slice(look, composite, place)? {
        return Ok(Some(view));
    }
    if let Some(view) = trait_object(look, composite, place)? {
        return Ok(Some(view));
    }
    if name == "String" {
        return string(look, composite, place);
    }
    if name.starts_with("Vec<") {
        let elements = vec(look, composite, place)?;
        return Ok(elements.map(View::Elements));
    }
    if name.starts_with("Rc<") || name.starts_with("Arc<") {
        return counted(look, composite, place);
    }
    Ok(None)
}

/// `&[T]`, `&str`, `Box<[T]>` and the like: a pointer and a length.
fn slice(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let [_, _] = composite.members.as_slice() else {
        return Ok(None);
    };
    let data = look.member(composite, place, "data_ptr");
    let length = look.member(composite, place, "length");
    let (Some(data), Some(length)) = (data, length) else {
        return Ok(None);
    };
    let Some((address, element)) = look.pointer(&data)? else {
        return Ok(None);
    };
    let elements = Elements {
        of: Of::Type(element),
        first: Place::Memory(address),
        stride: look.source.size_of(element)?,
        count: length
            .place
            .read_number(look.size(&length.of), look.state)?,
    };
    let is_text = composite.name.as_deref().is_some_and(is_text);
    if is_text {
        return look.view_text(elements, false).map(Some);
    }
    Ok(Some(View::Elements(elements)))
}

fn is_text(name: &str) -> bool {
    name == "&str" || name == "&mut str" || name.contains("<str")
}

/// `&dyn Trait`, `Box<dyn Trait>`: shown as the address of the data.
fn trait_object(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let data = look.member(composite, place, "pointer");
    let vtable = look.member(composite, place, "vtable");
    let (Some(data), Some(vtable)) = (data, vtable) else {
        return Ok(None);
    };
    let address = data.place.read_number(look.size(&data.of), look.state)?;
    let vtable = vtable
        .place
        .read_number(look.size(&vtable.of), look.state)?;
    let concrete = look.source.vtable_type(vtable);
    let text = match concrete {
        Some(id) => format!("{address:#x} {}", look.source.type_name(Some(id))),
        None => format!("{address:#x}"),
    };
    let target = concrete.map(|id| Value {
        of: Of::Type(id),
        place: Place::Memory(address),
    });
    Ok(Some(View::Pointer {
        text,
        is_transparent: target.is_some(),
        target,
    }))
}

fn string(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(bytes) = look.member(composite, place, "vec") else {
        return Ok(None);
    };
    let Some(body) = look.composite(&bytes)? else {
        return Ok(None);
    };
    match vec(look, &body, &bytes.place)? {
        Some(elements) => look.view_text(elements, false).map(Some),
        None => Ok(None),
    }
}

fn vec(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Elements>, Unavailable> {
    let buffer = look.member(composite, place, "buf");
    let length = look.member(composite, place, "len");
    let argument = composite.arguments.iter().find(|(name, _)| name == "T");
    let (Some(buffer), Some(length), Some((_, Some(element)))) = (buffer, length, argument) else {
        return Ok(None);
    };
    let Some((address, _)) = first_pointer(look, &buffer, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    Ok(Some(Elements {
        of: Of::Type(*element),
        first: Place::Memory(address),
        stride: look.source.size_of(*element)?,
        count: length
            .place
            .read_number(look.size(&length.of), look.state)?,
    }))
}

/// `Rc` and `Arc`: a pointer to two counts and the value.
fn counted(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(pointer) = look.member(composite, place, "ptr") else {
        return Ok(None);
    };
    let Some((address, inner)) = first_pointer(look, &pointer, DEEPEST_POINTER)? else {
        return Ok(None);
    };
    let inner = Value {
        of: Of::Type(inner),
        place: Place::Memory(address),
    };
    let Some(body) = look.composite(&inner)? else {
        return Ok(None);
    };
    let held = look
        .member(&body, &inner.place, "value")
        .or_else(|| look.member(&body, &inner.place, "data"));
    Ok(held.map(|held| View::Pointer {
        text: format!("{address:#x}"),
        target: Some(held),
        is_transparent: true,
    }))
}

/// The first pointer in a value, in the order of its fields.
fn first_pointer(
    look: &Look<'_>,
    value: &Value,
    depth: usize,
) -> Result<Option<(u64, EntryId)>, Unavailable> {
    if let Some(found) = look.pointer(value)? {
        return Ok(Some(found));
    }
    let (Some(deeper), Some(body)) = (depth.checked_sub(1), look.composite(value)?) else {
        return Ok(None);
    };
    // Wrappers have few fields; a hostile type could have many at each depth.
    for member in body.members.iter().take(4) {
        let Some(id) = member.type_id else { continue };
        let inside = Value {
            of: Of::Type(id),
            place: value.place.after(member.offset),
        };
        if let Some(found) = first_pointer(look, &inside, deeper)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
