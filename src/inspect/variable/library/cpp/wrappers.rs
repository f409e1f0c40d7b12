//! C++'s pairs, tuples, optional and alternative values, smart pointers.

use super::Library;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::scalar;
use crate::inspect::variable::summary::of_value;
use crate::inspect::variable::value::{Field, Of, Value, View};
use crate::source::{Type, demangle};

/// What a value shows; `None` where its layout is another.
pub(super) fn view(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    match value.kind {
        "pair" => Ok(in_parentheses_named(
            value,
            [("first", "first"), ("second", "second")],
        )),
        "tuple" => tuple(value),
        "optional" => optional(value),
        "expected" => expected(value),
        "variant" => variant(value),
        "atomic" => inside(value, atomic(value)),
        "queue" | "stack" | "priority_queue" => inside(value, value.part("c")),
        "complex" => Ok(in_parentheses_named(
            value,
            [("real", "__re_"), ("imag", "__im_")],
        )),
        "bitset" => bitset(value),
        "function" => function(value),
        // The iterator of a vector is a pointer in a class.
        "__wrap_iter" => inside(value, value.part("__i_")),
        "reference_wrapper" => smart_pointer(value, "__f_"),
        _ => smart_pointer(value, "__ptr_"),
    }
}

fn inside(value: &Library<'_>, part: Option<Value>) -> Result<Option<View>, Unavailable> {
    part.map(|part| value.look.view(&part)).transpose()
}

pub(super) fn atomic(value: &Library<'_>) -> Option<Value> {
    value.part("__a_value").or_else(|| value.part("__a_"))
}

fn in_parentheses(fields: Vec<Field>) -> View {
    View::Fields {
        name: None,
        fields,
        is_tuple: true,
    }
}

/// Two parts, by what people call them and by what the library does.
fn in_parentheses_named(value: &Library<'_>, names: [(&str, &str); 2]) -> Option<View> {
    let field = |(name, part): (&str, &str)| {
        Some(Field {
            name: name.to_owned(),
            value: value.part(part)?,
        })
    };
    let [one, two] = names.map(field);
    Some(in_parentheses(vec![one?, two?]))
}

/// Bits, the highest first, as the library prints them.
fn bitset(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    // As many as are worth a line.
    const SHOWN: u64 = 256;
    let name = value.composite.name.as_deref().unwrap_or_default();
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let Ok(count) = digits.parse::<u64>() else {
        return Ok(None);
    };
    let shown = count.min(SHOWN);
    let bytes = value.place.read(shown.div_ceil(8), value.look.state)?;
    let bit = |at: u64| {
        let byte = usize::try_from(at / 8)
            .ok()
            .and_then(|byte| bytes.get(byte));
        byte.is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    };
    let bits = (0..shown).rev().map(|at| if bit(at) { '1' } else { '0' });
    let cut = if count > shown { "…" } else { "" };
    let text = format!("{cut}{}", bits.collect::<String>());
    Ok(Some(View::Scalar(text)))
}

/// A function object says what it calls: the name of a lambda or a class, that run-time
/// type information has, else the function that calls it.
fn function(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let Some(policy) = value.part("__policy_") else {
        return Ok(None);
    };
    let Some((address, policy)) = value.look.pointer(&policy)? else {
        return Ok(None);
    };
    let policy = Value {
        of: Of::Type(policy),
        place: Place::Memory(address),
    };
    let is_null = value.within(&policy, "__is_null");
    if is_null.is_some_and(|is_null| value.look.number(&is_null) == Some(1)) {
        return Ok(Some(View::Scalar("empty".to_owned())));
    }
    let named = match value.within(&policy, "__type_info") {
        Some(info) => {
            let address = value.look.pointer(&info)?.map_or(0, |(address, _)| address);
            value.look.class_name(address, value.look.size(&info.of))
        }
        None => None,
    };
    let called = match named {
        Some(mangled) => demangle(&format!("_Z{mangled}")),
        None => match value.part("__call_") {
            Some(call) => of_value(value.look, &call),
            None => return Ok(None),
        },
    };
    Ok(Some(View::Scalar(called)))
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
    match engaged(value) {
        Some(held) => value.look.view(&held).map(Some),
        None => Ok(value
            .part("__engaged_")
            .map(|_| View::Scalar("nullopt".to_owned()))),
    }
}

/// What is in an optional value.
pub(super) fn engaged(value: &Library<'_>) -> Option<Value> {
    let engaged = value.part("__engaged_")?;
    let is_there = value.number(&engaged)? != 0;
    value.part("__val_").filter(|_| is_there)
}

/// A value, or what came in its place.
fn expected(value: &Library<'_>) -> Result<Option<View>, Unavailable> {
    let has_value = value.part("__has_val_").and_then(|has| value.number(&has));
    let error = || value.part("__unex_");
    Ok(match (has_value, as_expected(value), error()) {
        (Some(1), Some(held), _) => Some(value.look.view(&held)?),
        (Some(1), None, Some(_)) => Some(View::Scalar("void".to_owned())),
        (Some(0), _, Some(error)) => Some(View::Fields {
            name: Some("unexpected".to_owned()),
            fields: vec![Field {
                name: "error".to_owned(),
                value: error,
            }],
            is_tuple: true,
        }),
        _ => None,
    })
}

/// What is in an expected value.
pub(super) fn as_expected(value: &Library<'_>) -> Option<Value> {
    // Without a value's type, what is called so is inside of the error.
    value.argument(0)?;
    let has_value = value.part("__has_val_")?;
    let is_there = value.number(&has_value)? == 1;
    value.part("__val_").filter(|_| is_there)
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
        target: Some(value.look.object(Value {
            of: Of::Type(target),
            place: Place::Memory(address),
        })),
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
