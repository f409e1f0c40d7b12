//! What the core values of a crossing are, each by name: an argument, a pointer, the
//! address of the return area.

use super::builtin_call;
use crate::component::layout::{self, Params, Pointer, Returned};
use crate::component::types::ValueType;
use crate::component::{Crossing, CrossingKind};

/// The names of a crossing's core arguments and of its core results. Values beyond
/// them have none.
pub(in crate::inspect) fn names(crossing: &Crossing) -> (Vec<String>, Vec<String>) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match (&crossing.kind, &crossing.function) {
        (CrossingKind::Lower | CrossingKind::Lift, Some(_)) => of_function(crossing),
        (CrossingKind::Builtin(builtin), _) => {
            (builtin_call::flat_names(builtin), owned(&["result"]))
        }
        (CrossingKind::Callback, _) => (owned(&["event", "waitable", "code"]), owned(&["status"])),
        (CrossingKind::Realloc, _) => (
            owned(&["old-pointer", "old-size", "align", "new-size"]),
            owned(&["pointer"]),
        ),
        (CrossingKind::Destructor, _) => (owned(&["rep"]), Vec::new()),
        (CrossingKind::ThreadStart(_), _) => (owned(&["function", "context"]), Vec::new()),
        (CrossingKind::PostReturn, _) => (owned(&["result"]), Vec::new()),
        (CrossingKind::Lower | CrossingKind::Lift, None) => Default::default(),
    }
}

fn of_function(crossing: &Crossing) -> (Vec<String>, Vec<String>) {
    let Some(function) = &crossing.function else {
        return Default::default();
    };
    let is_lowered = crossing.kind == CrossingKind::Lower;
    let shape = match is_lowered {
        true => layout::lowered(function, crossing.pointer, crossing.is_async),
        false => layout::lifted(function, crossing.pointer, crossing.lift()),
    };
    let mut params = Vec::new();
    match shape.params {
        Params::Flat(_) => {
            for (name, ty) in &function.params {
                of_value(name, ty, crossing.pointer, &mut params);
            }
        }
        Params::Spilled(_) => params.push("arguments (address)".to_owned()),
    }
    let area = matches!(shape.returned, Returned::Area(_));
    if is_lowered && area {
        params.push("return area (address)".to_owned());
    }
    let mut results = Vec::new();
    match &function.result {
        _ if crossing.is_async => results.push("status".to_owned()),
        Some(_) if area && !is_lowered => results.push("result (address)".to_owned()),
        Some(ty) if !area => of_value("result", ty, crossing.pointer, &mut results),
        _ => {}
    }
    (params, results)
}

/// The names of the core values that a value is passed as.
fn of_value(name: &str, ty: &ValueType, pointer: Pointer, names: &mut Vec<String>) {
    use ValueType as V;
    if names.len() > layout::MAX_FLAT_PARAMS {
        return;
    }
    match ty {
        V::String | V::List(_) | V::Map(..) => {
            names.push(format!("{name} (address)"));
            names.push(format!("{name} (length)"));
        }
        V::FixedList(element, count) => {
            for number in 0..(*count).min(layout::MAX_FLAT_PARAMS as u32) {
                of_value(&format!("{name}[{number}]"), element, pointer, names);
            }
        }
        V::Record(record) => {
            for (field, ty) in &record.fields {
                of_value(&format!("{name}.{field}"), ty, pointer, names);
            }
        }
        V::Tuple(types) => {
            for (number, ty) in types.iter().enumerate() {
                of_value(&format!("{name}.{number}"), ty, pointer, names);
            }
        }
        V::Flags(labels) => match layout::flag_words(labels.labels.len()) {
            1 => names.push(name.to_owned()),
            words => {
                let words = 0..words.min(layout::MAX_FLAT_PARAMS);
                names.extend(words.map(|word| format!("{name} (word {word})")));
            }
        },
        V::Option(_) | V::Result(..) | V::Variant(_) => {
            names.push(format!("{name} (case)"));
            of_payloads(name, ty, pointer, names);
        }
        _ => names.push(name.to_owned()),
    }
}

/// Cases share the core values of their payloads: one that only one of them uses has
/// the name that it has there.
fn of_payloads(name: &str, ty: &ValueType, pointer: Pointer, names: &mut Vec<String>) {
    let slots = layout::joined_payloads(ty, pointer).map_or(0, |slots| slots.len());
    let cases: Vec<Vec<String>> = layout::cases(ty)
        .into_iter()
        .map(|(case, payload)| {
            let mut names = Vec::new();
            of_value(&format!("{name}.{case}"), payload, pointer, &mut names);
            names
        })
        .collect();
    for slot in 0..slots {
        let mut users = cases.iter().filter_map(|names| names.get(slot));
        names.push(match (users.next(), users.next()) {
            (Some(only), None) => only.clone(),
            _ => format!("{name} (payload {slot})"),
        });
    }
}
