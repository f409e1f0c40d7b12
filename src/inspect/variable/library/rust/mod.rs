//! Types of Rust's standard library, shown as what they hold. Recognised by
//! their fields as much as by their names: another layout is shown field by field.

mod cells;
mod collections;
pub(in crate::inspect) mod coroutines;
mod crates;

use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Field, Look, Of, Value, View};
use crate::source::{Composite, EntryId, Member};

/// How deep a pointer may be inside `Vec` and `Rc` (`RawVec`, `Unique`, `NonNull`).
const DEEPEST_POINTER: usize = 8;

/// What a value of the standard library shows; `None` for any other.
pub(in crate::inspect) fn view(
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
    let Some(kind) = name.split('<').next() else {
        return Ok(None);
    };
    match kind {
        "String" => string(look, composite, place),
        "Vec" => {
            let elements = vec(look, composite, place)?;
            Ok(elements.map(View::Elements))
        }
        "Rc" | "Arc" | "Weak" => counted(look, composite, place),
        "OsString" | "PathBuf" | "CString" => inner_text(look, composite, place),
        "HashMap" | "HashSet" | "BTreeMap" | "BTreeSet" | "VecDeque" | "BinaryHeap"
        | "LinkedList" => collections::view(look, kind, composite, place),
        "PhantomData" => Ok(Some(View::Scalar("PhantomData".to_owned()))),
        _ => match cells::view(look, kind, composite, place)? {
            Some(view) => Ok(Some(view)),
            None => crates::view(look, kind, composite, place),
        },
    }
}

/// The number or character that a type around one is: `NonZero`, `AtomicU32`.
pub(in crate::inspect) fn number_in(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Value>, Unavailable> {
    let name = composite.name.as_deref().unwrap_or_default();
    match cells::is_number(name.split('<').next().unwrap_or(name)) {
        true => cells::only_number(look, composite, place),
        false => Ok(None),
    }
}

/// A named part of a value, with what is inside it.
fn inner(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
    name: &str,
) -> Result<Option<(Value, Composite)>, Unavailable> {
    let Some(value) = look.member(composite, place, name) else {
        return Ok(None);
    };
    Ok(look.composite(&value)?.map(|body| (value, body)))
}

/// The type argument with a name.
fn argument(composite: &Composite, name: &str) -> Option<EntryId> {
    let mut arguments = composite.arguments.iter();
    arguments.find(|(known, _)| known == name)?.1
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
    let mut elements = Elements {
        of: Of::Type(element),
        first: Place::Memory(address),
        stride: look.source.size_of(element)?,
        count: count(look, &length)?,
    };
    let name = composite.name.as_deref().unwrap_or_default();
    if name.contains("CStr") {
        // Its length has the zero at its end.
        elements.count = elements.count.saturating_sub(1);
    } else if !is_text(name) {
        return Ok(Some(match name.contains('[') {
            true => View::Elements(elements),
            // A struct whose last field has no size of its own; the length is that field's.
            false => View::Pointer {
                text: format!("{address:#x}"),
                target: Some(elements.at(0)),
                is_transparent: true,
                beside: Vec::new(),
            },
        }));
    }
    if elements.stride == 1 {
        return look.view_text(elements, false).map(Some);
    }
    // What a path is made of has no size of its own, and no type for its bytes.
    let bytes = Elements {
        stride: 1,
        ..elements
    };
    Ok(Some(match look.view_text(bytes, false)? {
        View::Text(text, _) => View::Scalar(text),
        other => other,
    }))
}

fn is_text(whole: &str) -> bool {
    let texts = ["str", "std::path::Path", "std::ffi::os_str::OsStr"];
    let name = whole.strip_prefix("&mut ").or(whole.strip_prefix('&'));
    let boxed = || whole.split_once('<')?.1.split([',', '>']).next();
    name.or_else(boxed)
        .is_some_and(|name| texts.contains(&name))
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
        beside: Vec::new(),
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

/// Text of the operating system: bytes within wrappers.
fn inner_text(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let (mut body, mut place) = (composite.clone(), place.clone());
    // `PathBuf`, `OsString`, its buffer, the bytes.
    for _ in 0..4 {
        let Some((value, next)) = inner(look, &body, &place, "inner")? else {
            break;
        };
        (body, place) = (next, value.place);
    }
    if let Some(View::Elements(mut elements)) = slice(look, &body, &place)? {
        // A `CString` ends with a zero.
        elements.count = elements.count.saturating_sub(1);
        return look.view_text(elements, false).map(Some);
    }
    match vec(look, &body, &place)? {
        Some(elements) => look.view_text(elements, false).map(Some),
        None => Ok(None),
    }
}

/// `Rc`, `Arc` and their `Weak`: a pointer to two counts and the value. A pointer to
/// values of unknown length has the length with it.
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
    // The `Weak` that never had a value has all bits set.
    if address >= u64::from(u32::MAX) {
        return Ok(Some(View::Scalar("(dropped)".to_owned())));
    }
    let inner = Value {
        of: Of::Type(inner),
        place: Place::Memory(address),
    };
    let Some(body) = look.composite(&inner)? else {
        return Ok(None);
    };
    let part = |name| look.member(&body, &inner.place, name);
    let (Some(held), Some(strong), Some(weak)) = (
        part("value").or_else(|| part("data")),
        part("strong"),
        part("weak"),
    ) else {
        return Ok(None);
    };
    let (strong, weak) = (count(look, &strong)?, count(look, &weak)?);
    if strong == 0 {
        return Ok(Some(View::Scalar("(dropped)".to_owned())));
    }
    let beside = counts(strong, weak.saturating_sub(1));
    if let Some(length) = look.find_within(&pointer, "length", DEEPEST_POINTER) {
        return unsized_target(look, composite, held, &length).map(Some);
    }
    let held = match dynamic_target(look, &pointer, &held)? {
        Some(held) => held,
        None => held,
    };
    Ok(Some(View::Pointer {
        text: format!("{address:#x}"),
        target: Some(held),
        is_transparent: true,
        beside,
    }))
}

/// The counts of a shared pointer, without the weak one that all strong ones have
/// together.
fn counts(strong: u64, weak: u64) -> Vec<Field> {
    let field = |name: &str, count: u64| Field {
        name: name.to_owned(),
        value: Value::said(count.to_string()),
    };
    vec![field("[strong]", strong), field("[weak]", weak)]
}

/// The number in a cell or an atomic.
fn count(look: &Look<'_>, value: &Value) -> Result<u64, Unavailable> {
    value.place.read_number(look.size(&value.of), look.state)
}

/// `Rc<str>`, `Arc<[T]>`: the first value and how many there are.
fn unsized_target(
    look: &Look<'_>,
    composite: &Composite,
    first: Value,
    length: &Value,
) -> Result<View, Unavailable> {
    let elements = Elements {
        stride: look.size(&first.of),
        of: first.of,
        first: first.place,
        count: count(look, length)?,
    };
    match composite.name.as_deref().is_some_and(is_text) {
        true => look.view_text(elements, false),
        false => Ok(View::Elements(elements)),
    }
}

/// `Rc<dyn Trait>`: the value as what its vtable was made for, where that is known.
fn dynamic_target(
    look: &Look<'_>,
    pointer: &Value,
    held: &Value,
) -> Result<Option<Value>, Unavailable> {
    let Some(vtable) = look.find_within(pointer, "vtable", DEEPEST_POINTER) else {
        return Ok(None);
    };
    let concrete = look.source.vtable_type(count(look, &vtable)?);
    Ok(concrete.map(|id| Value {
        of: Of::Type(id),
        place: held.place.clone(),
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
    let cases = body.variants.iter().flat_map(|variants| &variants.cases);
    let members: Vec<&Member> = body
        .members
        .iter()
        .chain(cases.map(|c| &c.member))
        .collect();
    // Wrappers have few fields; a hostile type could have many at each depth.
    for member in members.into_iter().take(4) {
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
