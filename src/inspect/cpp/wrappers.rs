//! C++'s pairs, tuples, optional and alternative values, smart pointers.

use super::Library;
use crate::inspect::place::{Place, Unavailable};
use crate::inspect::scalar;
use crate::inspect::value::{Field, Of, Value, View};
use crate::source::Type;

/// What a value shows; `None` where its layout is another.
pub(super) fn view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    match value.kind {
        "pair" => Ok(pair(value)),
        "tuple" => tuple(value),
        "optional" => optional(value),
        "variant" => variant(value),
        "atomic" => {
            let inside = value.part("__a_value").or_else(|| value.part("__a_"));
            inside.map(|inside| value.look.view(&inside)).transpose()
        }
        "reference_wrapper" => smart_pointer(value, "__f_"),
        _ => smart_pointer(value, "__ptr_"),
    }
}

fn in_parentheses(fields: Vec<Field>) -> View {
    View::Fields {
        name: None,
        fields,
        is_tuple: true,
    }
}

fn pair(value: &Library<'_>) -> Option<View> {
    let field = |name: &str| {
        Some(Field {
            name: name.to_owned(),
            value: value.part(name)?,
        })
    };
    Some(in_parentheses(vec![field("first")?, field("second")?]))
}

/// A tuple is made of one base class for each value.
fn tuple(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let Some(base) = value.part("__base_") else {
        return Ok(None);
    };
    let Some(body) = value.look.composite(&base)? else {
        return Ok(None);
    };
    let leaves = value.look.parts(&body, &base.place).into_iter().enumerate();
    let fields = leaves.map(|(at, leaf)| Field {
        name: at.to_string(),
        // What has no size is a base class of its leaf.
        value: value.within(&leaf, "__value_").unwrap_or(leaf),
    });
    Ok(Some(in_parentheses(fields.collect())))
}

fn optional(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let (Some(engaged), Some(held)) = (value.part("__engaged_"), value.part("__val_")) else {
        return Ok(None);
    };
    match value.number(&engaged) {
        Some(0) => Ok(Some(View::Scalar("nullopt".to_owned()))),
        Some(_) => value.look.view(&held).map(Some),
        None => Ok(None),
    }
}

/// The alternatives are unions within unions, each with one and the rest.
fn variant(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    // More than a program has in one variant.
    const MOST: u64 = 256;
    let (Some(index), Some(mut union)) = (value.part("__index"), value.part("__data")) else {
        return Ok(None);
    };
    let Some(index) = value.number(&index).filter(|index| *index < MOST) else {
        return Ok(Some(View::Scalar("valueless".to_owned())));
    };
    let member = |of: &Value, name: &str| {
        let body = value.look.composite(of).ok()??;
        value.look.member(&body, &of.place, name)
    };
    for _ in 0..index {
        match member(&union, "__tail") {
            Some(tail) => union = tail,
            None => return Ok(Some(View::Scalar("valueless".to_owned()))),
        }
    }
    let held = member(&union, "__head").and_then(|head| member(&head, "__value"));
    Ok(held.map(|held| View::Fields {
        name: Some(alternative_name(value, &held)),
        fields: vec![Field {
            name: "value".to_owned(),
            value: held,
        }],
        is_tuple: true,
    }))
}

/// The name of an alternative's type, as the program has it: not the library's own.
fn alternative_name(value: &Library<'_>, held: &Value) -> String {
    let Of::Type(mut id) = held.of else {
        return String::new();
    };
    for _ in 0..4 {
        match value.look.source.type_at(id) {
            Ok(Type::Alias {
                name,
                target: Some(target),
            }) if name.starts_with("__") => id = target,
            _ => break,
        }
    }
    value.look.type_name(&Of::Type(id))
}

fn smart_pointer(value: &Library<'_>, name: &str) -> Result<Option<View>, Unavailable> {
    let Some(held) = value.part(name) else {
        return Ok(None);
    };
    let Some((address, target)) = value.address(&held)? else {
        return Ok(None);
    };
    let beside = counts(value)?;
    let is_gone = beside.as_ref().is_some_and(|(strong, _)| *strong == 0);
    if address == 0 || is_gone {
        let text = if address == 0 { "nullptr" } else { "(expired)" };
        return Ok(Some(View::Scalar(text.to_owned())));
    }
    let field = |name: &str, count: u64| Field {
        name: name.to_owned(),
        value: Value::said(count.to_string()),
    };
    let beside =
        beside.map(|(strong, weak)| vec![field("[strong]", strong), field("[weak]", weak)]);
    Ok(Some(View::Pointer {
        text: format!("{address:#x}"),
        is_transparent: true,
        target: Some(Value {
            of: Of::Type(target),
            place: Place::Memory(address),
        }),
        beside: beside.unwrap_or_default(),
    }))
}

/// How many share the value, and how many only watch it. The library counts the owners
/// from zero, and all of them together as one of those who watch, from zero too.
fn counts(value: &Library<'_>) -> Result<Option<(u64, u64)>, Unavailable> {
    let Some(control) = value.part("__cntrl_") else {
        return Ok(None);
    };
    let Some((address, _)) = value.address(&control)? else {
        return Ok(None);
    };
    if address == 0 {
        return Ok(None);
    }
    // Programs only see the declaration of this class: after the pointer to its table of
    // functions it has two numbers of the size of a pointer.
    let size = value.look.size(&control.of);
    let count = |at: u64| {
        let bytes = Place::Memory(address.wrapping_add(size.wrapping_mul(at)));
        let number = scalar::signed(&bytes.read(size, value.look.state)?);
        Ok::<_, Unavailable>(u64::try_from(number.saturating_add(1)).unwrap_or(0))
    };
    Ok(Some((count(1)?, count(2)?.saturating_sub(1))))
}
