//! Types of Rust's standard library around one value: shown as their `Debug` shows
//! them, as far as that says what they hold.

use super::first_pointer;
use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::summary::of_value;
use crate::inspect::variable::value::{Field, Look, Of, Value, View};
use crate::source::{Composite, Type};
use std::time::Duration;

/// What a value shows; `None` for what is shown field by field.
pub(super) fn view(
    look: &Look<'_>,
    kind: &str,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let part = |name: &str| look.member(composite, place, name);
    match kind {
        "Cell" => Ok(part("value").map(|value| named(kind, vec![held(look, "value", value)]))),
        "RefCell" => Ok(ref_cell(look, composite, place)),
        "Mutex" | "RwLock" | "ReentrantLock" => Ok(lock(look, kind, composite, place)),
        "UnsafeCell" | "SyncUnsafeCell" | "ManuallyDrop" | "MaybeDangling" | "Pin" => {
            let parts = look.parts(composite, place);
            match parts.as_slice() {
                [only] => inside(look, only),
                _ => Ok(None),
            }
        }
        name if is_number(name) => scalar(look, composite, place),
        "MaybeUninit" => part("value").map(|value| look.view(&value)).transpose(),
        "MutexGuard" | "RwLockWriteGuard" | "RwLockReadGuard" => guard(look, composite, place),
        "Ref" | "RefMut" | "NonNull" | "Unique" => {
            let pointer = part("value").or_else(|| part("pointer"));
            target(look, pointer, kind.starts_with("Ref"))
        }
        "Range" | "RangeInclusive" | "RangeFrom" | "RangeTo" | "RangeToInclusive" => {
            Ok(Some(range(look, composite, place)))
        }
        "Duration" => Ok(duration(look, composite, place)),
        _ => Ok(None),
    }
}

fn named(name: &str, fields: Vec<Field>) -> View {
    View::Fields {
        name: Some(name.to_owned()),
        fields,
        is_tuple: false,
    }
}

/// A field without the cells around its value.
fn held(look: &Look<'_>, name: &str, value: Value) -> Field {
    let mut value = value;
    // Cells within cells: no more than this.
    for _ in 0..4 {
        let Ok(Some(body)) = look.composite(&value) else {
            break;
        };
        let is_cell = body
            .name
            .as_deref()
            .is_some_and(|n| n.starts_with("UnsafeCell<"));
        match look.member(&body, &value.place, "value") {
            Some(inside) if is_cell => value = inside,
            _ => break,
        }
    }
    Field {
        name: name.to_owned(),
        value,
    }
}

fn ref_cell(look: &Look<'_>, composite: &Composite, place: &Place) -> Option<View> {
    let value = look.member(composite, place, "value")?;
    let borrow = look.member(composite, place, "borrow")?;
    let mut fields = vec![held(look, "value", value)];
    let borrow = held(look, "borrow", look.find_inside(&borrow, "value")?);
    let said = match look.number(&borrow.value) {
        Some(0) => None,
        Some(-1) => Some("mutably borrowed".to_owned()),
        Some(times) if times > 0 => Some(format!("borrowed {times} times")),
        _ => Some("borrowed mutably more than once".to_owned()),
    };
    fields.extend(said.map(|said| Field {
        name: "borrow".to_owned(),
        value: Value::said(said),
    }));
    Some(named("RefCell", fields))
}

fn lock(look: &Look<'_>, kind: &str, composite: &Composite, place: &Place) -> Option<View> {
    let data = look.member(composite, place, "data")?;
    let mut fields = vec![held(look, "data", data)];
    let poison = look.member(composite, place, "poison");
    let failed = poison.and_then(|poison| look.find_inside(&poison, "failed"));
    fields.extend(failed.map(|failed| Field {
        name: "poisoned".to_owned(),
        value: failed,
    }));
    Some(named(kind, fields))
}

fn inside(look: &Look<'_>, value: &Value) -> Result<Option<View>, Unavailable> {
    look.view(value).map(Some)
}

/// Whether a type is a number or a character in a wrapper.
pub(super) fn is_number(kind: &str) -> bool {
    matches!(kind, "NonZero" | "Wrapping" | "Saturating") || kind.starts_with("Atomic")
}

/// What a guard of a lock gives access to: a lock's reference, or the value's.
fn guard(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    if let Some(data) = look.member(composite, place, "data") {
        return target(look, Some(data), true);
    }
    let lock = look.member(composite, place, "lock");
    let Some((address, lock)) = lock.map_or(Ok(None), |lock| look.pointer(&lock))? else {
        return Ok(None);
    };
    let lock = Value {
        of: Of::Type(lock),
        place: Place::Memory(address),
    };
    let body = look.composite(&lock)?;
    let data = body.and_then(|body| look.member(&body, &lock.place, "data"));
    Ok(data.map(|data| View::Pointer {
        text: format!("{address:#x}"),
        target: Some(held(look, "data", data).value),
        is_transparent: true,
        beside: Vec::new(),
    }))
}

/// What is a number or a character inside.
fn scalar(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(number) = only_number(look, composite, place)? else {
        return Ok(None);
    };
    let is_flag = composite
        .name
        .as_deref()
        .is_some_and(|name| name == "AtomicBool" || name == "Atomic<bool>");
    if is_flag {
        let number = number.place.read_number(1, look.state)?;
        return Ok(Some(View::Scalar((number != 0).to_string())));
    }
    inside(look, &number)
}

/// The one part that has a size, however deep.
pub(super) fn only_number(
    look: &Look<'_>,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Value>, Unavailable> {
    let mut parts = look.parts(composite, place);
    for _ in 0..6 {
        parts.retain(|part| look.size(&part.of) > 0);
        let [only] = parts.as_slice() else {
            return Ok(None);
        };
        match look.composite(only)? {
            Some(body) if body.variants.is_none() => parts = look.parts(&body, &only.place),
            Some(_) => return Ok(None),
            None => return Ok(Some(only.clone())),
        }
    }
    Ok(None)
}

fn target(
    look: &Look<'_>,
    pointer: Option<Value>,
    is_transparent: bool,
) -> Result<Option<View>, Unavailable> {
    let Some(pointer) = pointer else {
        return Ok(None);
    };
    let Some((address, target)) = first_pointer(look, &pointer, 4)? else {
        return Ok(None);
    };
    // What is behind a fat pointer needs its other half too.
    if look.find_inside(&pointer, "length").is_some()
        || look.find_inside(&pointer, "vtable").is_some()
    {
        return Ok(None);
    }
    let has_value = !matches!(
        look.source.resolved(target)?.1,
        Type::Function { .. } | Type::Unspecified { .. }
    );
    Ok(Some(View::Pointer {
        text: format!("{address:#x}"),
        is_transparent: is_transparent && has_value,
        target: (has_value && address != 0).then_some(Value {
            of: Of::Type(target),
            place: Place::Memory(address),
        }),
        beside: Vec::new(),
    }))
}

fn range(look: &Look<'_>, composite: &Composite, place: &Place) -> View {
    let member = |name: &str| {
        Some(Field {
            name: name.to_owned(),
            value: look.member(composite, place, name)?,
        })
    };
    let (start, end) = (member("start"), member("end"));
    let said = |field: &Option<Field>| {
        let field = field.as_ref();
        field.map_or(String::new(), |field| of_value(look, &field.value))
    };
    let is_inclusive = composite
        .name
        .as_deref()
        .is_some_and(|name| name.contains("Inclusive"));
    let dots = if is_inclusive { "..=" } else { ".." };
    View::Told {
        text: format!("{}{dots}{}", said(&start), said(&end)),
        fields: start.into_iter().chain(end).collect(),
    }
}

fn duration(look: &Look<'_>, composite: &Composite, place: &Place) -> Option<View> {
    let seconds = look.member(composite, place, "secs")?;
    let nanos = look.member(composite, place, "nanos")?;
    let read = |value: &Value| value.place.read_number(look.size(&value.of), look.state);
    let (whole, rest) = (read(&seconds).ok()?, read(&nanos).ok()?);
    let rest = u32::try_from(rest)
        .ok()
        .filter(|rest| *rest < 1_000_000_000)?;
    let fields = [("secs", seconds), ("nanos", nanos)].map(|(name, value)| Field {
        name: name.to_owned(),
        value,
    });
    Some(View::Told {
        text: format!("{:?}", Duration::new(whole, rest)),
        fields: fields.into(),
    })
}
