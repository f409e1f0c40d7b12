//! Types that have several futures wait at once.

use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Look, Of, Value, View};
use crate::source::{Composite, Type};

/// So many elements of one list are looked at.
const MOST_ELEMENTS: u64 = 1000;
/// How deep a pointer may be within an atomic.
const DEEPEST_POINTER: usize = 6;

/// How a type is called in short: `Select` for `futures_util::future::select::Select<A, B>`.
pub(super) fn head(name: &str) -> &str {
    let path = name.split('<').next().unwrap_or(name);
    path.rsplit("::").next().unwrap_or(path)
}

/// Whether what is inside a type is a future, whatever it is.
pub(super) fn is_slot(head: &str) -> bool {
    matches!(head, "MaybeDone" | "TryMaybeDone")
}

/// The futures of a list that futures-util keeps: each is in a node that knows the next.
pub(super) fn unordered(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Vec<Value>>, Unavailable> {
    if !has_head(composite, "FuturesUnordered") {
        return Ok(None);
    }
    let Some(first) = look.member(composite, place, "head_all") else {
        return Ok(None);
    };
    let mut found = Vec::new();
    let mut next = pointed_to(look, &first)?;
    while let Some(node) = next.take() {
        if found.len() as u64 >= MOST_ELEMENTS {
            break;
        }
        let Some(body) = look.composite(&node)? else {
            break;
        };
        let part = |name| look.member(&body, &node.place, name);
        let (Some(future), Some(following)) = (part("future"), part("next_all")) else {
            break;
        };
        found.push(future);
        next = pointed_to(look, &following)?;
        // A list that goes in a circle is none.
        let again = next.as_ref().and_then(|next| next.place.address());
        if again.is_some() && again == node.place.address() {
            break;
        }
    }
    // The last one to come is the first of the list.
    found.reverse();
    Ok(Some(found))
}

/// What an atomic pointer points to; `None` if it is null.
fn pointed_to(look: &Look<'_>, value: &Value) -> Result<Option<Value>, Unavailable> {
    let mut value = value.clone();
    for _ in 0..DEEPEST_POINTER {
        if let Some((address, target)) = look.pointer(&value)? {
            return Ok((address != 0).then_some(Value {
                of: Of::Type(target),
                place: Place::Memory(address),
            }));
        }
        let Some(body) = look.composite(&value)? else {
            return Ok(None);
        };
        let Some(inner) = look.parts(&body, &value.place).into_iter().next() else {
            return Ok(None);
        };
        value = inner;
    }
    Ok(None)
}

/// What futures-util keeps for several who wait for one future, of which each has a share; a share
/// that has had its result has none.
pub(super) fn shared(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Value>, Unavailable> {
    if !has_head(composite, "Shared") {
        return Ok(None);
    }
    let Some(inner) = look.member(composite, place, "inner") else {
        return Ok(None);
    };
    let Some(counted) = held(look, &inner)? else {
        return Ok(None);
    };
    let Some(counted) = pointed_to(look, &counted)? else {
        return Ok(None);
    };
    let part = |of: &Value, name: &str| -> Result<Option<Value>, Unavailable> {
        let body = look.composite(of)?;
        Ok(body.and_then(|body| look.member(&body, &of.place, name)))
    };
    match part(&counted, "data")? {
        Some(data) => part(&data, "future_or_output"),
        None => Ok(None),
    }
}

/// What an optional value holds, if it holds something.
fn held(look: &Look<'_>, value: &Value) -> Result<Option<Value>, Unavailable> {
    let Some(body) = look.composite(value)? else {
        return Ok(None);
    };
    let Some(variants) = &body.variants else {
        return Ok(Some(value.clone()));
    };
    let Ok(case) = look.active_case(variants, &value.place)? else {
        return Ok(None);
    };
    let Some(of) = case.member.type_id else {
        return Ok(None);
    };
    let case = Value {
        of: Of::Type(of),
        place: value.place.after(case.member.offset),
    };
    let Some(body) = look.composite(&case)? else {
        return Ok(None);
    };
    Ok(look.parts(&body, &case.place).into_iter().next())
}

/// The index by which what wit-bindgen's runtime waits with is known to the component's instance; of
/// other types, and while it waits for nothing: `None`.
pub(super) fn waitable(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<u32>, Unavailable> {
    if !has_head(composite, WAITABLE) {
        return Ok(None);
    }
    let Some(task) = look.member(composite, place, "task") else {
        return Ok(None);
    };
    let Some(task) = held(look, &task)? else {
        return Ok(None);
    };
    let Some(body) = look.composite(&task)? else {
        return Ok(None);
    };
    let Some(registered) = look.member(&body, &task.place, "registered") else {
        return Ok(None);
    };
    let Some(index) = held(look, &registered)? else {
        return Ok(None);
    };
    let number = index.place.read_number(look.size(&index.of), look.state)?;
    Ok(u32::try_from(number).ok().filter(|index| *index != 0))
}

/// What wit-bindgen's runtime for Rust waits with for everything.
pub(super) const WAITABLE: &str = "WaitableOperation";

/// The elements of a vector or a slice in a box.
pub(super) fn elements(
    look: &Look<'_>,
    composite: &Composite,
    value: &Value,
) -> Result<Option<Vec<Value>>, Unavailable> {
    let is_list = has_head(composite, "Vec")
        || composite
            .members
            .iter()
            .any(|member| member.name.as_deref() == Some("data_ptr"));
    if !is_list {
        return Ok(None);
    }
    Ok(match look.view(value)? {
        View::Elements(elements) if elements.stride > 0 => {
            let count = elements.count.min(MOST_ELEMENTS);
            Some((0..count).map(|index| elements.at(index)).collect())
        }
        _ => None,
    })
}

/// What a pointer to a trait's object is: where the object is, and of which type, if the
/// debug information tells; of other traits than those of futures: nothing.
pub(super) fn object(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Object>, Unavailable> {
    let (Some(data), Some(vtable)) = (
        look.member(composite, place, "pointer"),
        look.member(composite, place, "vtable"),
    ) else {
        return Ok(None);
    };
    let name = composite.name.as_deref().unwrap_or_default();
    let of_futures = ["::Future<", "::Future", "::Stream<", "Future "];
    if !name.contains("dyn ") || !of_futures.iter().any(|of| name.contains(of)) {
        return Ok(None);
    }
    let address = data.place.read_number(look.size(&data.of), look.state)?;
    let vtable = vtable
        .place
        .read_number(look.size(&vtable.of), look.state)?;
    Ok(Some(Object {
        value: look.source.vtable_type(vtable).map(|of| Value {
            of: Of::Type(of),
            place: Place::Memory(address),
        }),
    }))
}

/// A future behind a pointer to a trait's object.
pub(super) struct Object {
    /// `None` where its type is not known.
    pub(super) value: Option<Value>,
}

/// What an exclusive reference or a box refers to.
pub(super) fn owned(look: &Look<'_>, value: &Value) -> Result<Option<Value>, Unavailable> {
    let Of::Type(id) = value.of else {
        return Ok(None);
    };
    let Type::Pointer {
        name: Some(name),
        target: Some(target),
        size,
        ..
    } = look.source.resolved(id)?.1
    else {
        return Ok(None);
    };
    if !name.starts_with("&mut ") && head(&name) != "Box" {
        return Ok(None);
    }
    let address = value.place.read_number(size, look.state)?;
    Ok((address != 0).then_some(Value {
        of: Of::Type(target),
        place: Place::Memory(address),
    }))
}

fn has_head(composite: &Composite, wanted: &str) -> bool {
    composite
        .name
        .as_deref()
        .is_some_and(|name| head(name) == wanted)
}
