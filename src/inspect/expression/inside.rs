//! What is inside of values of the program: fields, elements, what pointers lead to.

use super::error::Fault;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Elements, Items, Look, Of, Value, View};

/// References to references: no more than this.
const MOST_REFERENCES: usize = 4;

/// What is wrong with following a value, if that is a pointer to nothing. Pointers to what
/// has no type are none of those.
pub(super) fn null(look: &Look<'_>, value: &Value) -> Option<Fault> {
    let is_null = match look.pointer(value) {
        Ok(Some((address, _))) => address == 0,
        _ => {
            let is_smart = look.is_smart_pointer(value).unwrap_or(false);
            is_smart && matches!(look.view(value), Ok(View::Scalar(text)) if text == "nullptr")
        }
    };
    is_null.then(|| Fault::Null(look.type_name(&value.of)))
}

/// The container that a value is, or points to.
pub(super) fn items_of(look: &Look<'_>, value: &Value) -> Result<Option<Items>, Unavailable> {
    look.seen_through(value, |view| match view {
        View::Items(items) => Some(items),
        _ => None,
    })
}

/// A field by name, through pointers, in anonymous members and base classes; else the
/// value that has no such field.
pub(super) fn field_of(
    look: &Look<'_>,
    of: &Value,
    name: &str,
) -> Result<Result<Value, Value>, Unavailable> {
    let mut value = of.clone();
    // References to references to a pointer, cells in a shared pointer: no more than this.
    for _ in 0..6 {
        match look.view(&value)? {
            View::Pointer {
                target: Some(target),
                ..
            } => {
                // What the program itself would find comes before what the whole object has.
                if let Some(found) = declared_field(look, &value, name)? {
                    return Ok(Ok(found));
                }
                value = target;
            }
            View::Fields { fields, .. } => {
                let found = fields.into_iter().find(|field| field.name == name);
                if let Some(found) = found {
                    return Ok(Ok(found.value));
                }
                match look.held(&value)? {
                    Some(held) => value = held,
                    None => break,
                }
            }
            _ => break,
        }
    }
    Ok(look.find_inside(&value, name).ok_or(value))
}

/// A field of the class that a pointer of C++ is declared to point to.
fn declared_field(
    look: &Look<'_>,
    pointer: &Value,
    name: &str,
) -> Result<Option<Value>, Unavailable> {
    let Some((address, of)) = look.pointer(pointer)? else {
        return Ok(None);
    };
    let declared = pointed(address, Of::Type(of));
    let is_class = look
        .composite(&declared)?
        .is_some_and(|of| look.has_table(&of));
    Ok(match is_class {
        true => look.find_inside(&declared, name),
        false => None,
    })
}

pub(super) fn element_of(look: &Look<'_>, of: &Value, index: i128) -> Result<Value, Fault> {
    match look.view(of)? {
        View::Elements(elements) | View::Text(_, elements) => within(&elements, index),
        View::Pointer {
            target: Some(target),
            is_transparent: true,
            ..
        } => match element_of(look, &target, index) {
            // A smart pointer to an array is a pointer as any other.
            Err(Fault::NotIndexable(_)) if look.is_smart_pointer(of)? => {
                further_on(look, &target, index)
            }
            found => found,
        },
        View::Pointer {
            target: Some(target),
            ..
        } => match look.is_array_pointer_of_c(of) {
            // Rows of a grid, as in C.
            true => further_on(look, &target, index),
            false => element_behind(look, &target, index),
        },
        _ => match look.held(of)? {
            Some(held) => element_of(look, &held, index),
            None => Err(null(look, of)
                .unwrap_or_else(|| Fault::NotIndexable(format!("`{}`", look.type_name(&of.of))))),
        },
    }
}

/// An element of the array that is pointed to; else the value so many further on, as in C.
pub(super) fn element_behind(look: &Look<'_>, target: &Value, index: i128) -> Result<Value, Fault> {
    match look.view(target) {
        Ok(View::Elements(elements)) => within(&elements, index),
        _ => further_on(look, target, index),
    }
}

fn further_on(look: &Look<'_>, target: &Value, index: i128) -> Result<Value, Fault> {
    let stride = i128::from(look.size(&target.of));
    let offset = index.checked_mul(stride);
    let offset = offset.and_then(|offset| i64::try_from(offset).ok());
    let offset = offset.ok_or(Fault::OutOfRange { index, count: 0 })?;
    Ok(Value {
        of: target.of.clone(),
        place: target.place.after(offset.cast_unsigned()),
    })
}

pub(super) fn within(elements: &Elements, index: i128) -> Result<Value, Fault> {
    let count = elements.count;
    match u64::try_from(index) {
        Ok(at) if at < count => Ok(elements.at(at)),
        _ => Err(Fault::OutOfRange { index, count }),
    }
}

/// The address that a pointer, a smart pointer of C++ or an array is; that of what a
/// reference refers to, or `Rc` and the like, if that is such a thing.
pub(super) fn pointer_in(look: &Look<'_>, value: &Value) -> Result<Option<(u64, Of)>, Unavailable> {
    pointer_within(look, value, MOST_REFERENCES)
}

fn pointer_within(
    look: &Look<'_>,
    value: &Value,
    depth: usize,
) -> Result<Option<(u64, Of)>, Unavailable> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Ok(None);
    };
    let declared = look.pointer(value)?;
    Ok(match (look.view(value)?, declared) {
        (
            View::Pointer {
                target: Some(target),
                is_transparent: true,
                ..
            },
            Some(_),
        ) => pointer_within(look, &target, deeper)?,
        (_, Some((address, target))) => Some((address, Of::Type(target))),
        (
            View::Pointer {
                target: Some(target),
                ..
            },
            None,
        ) => match look.is_smart_pointer(value)? {
            true => target.place.address().map(|address| (address, target.of)),
            false => pointer_within(look, &target, deeper)?,
        },
        (View::Elements(elements), None) => {
            let address = elements.first.address();
            address.map(|address| (address, elements.of))
        }
        _ => None,
    })
}

pub(super) fn pointed(address: u64, of: Of) -> Value {
    Value {
        of,
        place: Place::Memory(address),
    }
}

pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.take(20).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
