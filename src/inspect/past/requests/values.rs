//! Values of requests and answers, out of what was lifted.

use super::roles::Role;
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, Component, Crossing};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::lift::Lifted;

/// A core value that is a handle or a code.
pub fn word(args: &[CoreValue], index: usize) -> Option<u32> {
    number(args.get(index)).and_then(|number| u32::try_from(number).ok())
}

/// Whether a result is a success.
pub fn is_ok(answer: &Lifted) -> bool {
    matches!(answer, Lifted::Result(Ok(_)))
}

/// The first handle in a value.
pub fn first_handle(answer: &Lifted) -> Option<u32> {
    let mut first = None;
    answer.for_each_handle(&mut |handle| {
        first.get_or_insert(handle.index);
    });
    first
}

/// The method of a request, in capitals.
pub fn method(answer: &Lifted) -> Option<String> {
    match answer {
        Lifted::Variant(name, Some(other)) if name == "other" => text(other),
        Lifted::Variant(name, _) => Some(name.to_uppercase()),
        Lifted::Enum(name) => Some(name.to_uppercase()),
        _ => None,
    }
}

/// A string, or an optional one that is there.
pub fn text(answer: &Lifted) -> Option<String> {
    match answer {
        Lifted::String(text) => Some(text.text.clone()),
        Lifted::Option(Some(inside)) => text(inside),
        _ => None,
    }
}

/// Names and values out of a list of pairs.
pub fn headers(answer: &Lifted) -> Vec<(String, String)> {
    let Lifted::List(list) = answer else {
        return Vec::new();
    };
    let entry = |entry: &Lifted| match entry {
        Lifted::Tuple(parts) => match parts.as_slice() {
            [Lifted::String(name), Lifted::Bytes(value)] => Some((
                name.text.clone(),
                String::from_utf8_lossy(&value.head).into_owned(),
            )),
            _ => None,
        },
        _ => None,
    };
    list.head.iter().filter_map(entry).collect()
}

/// The name of the error that is given in place of a response. What it carries is in the
/// guest's memory only.
pub fn error_code(component: &Component, answer: &[CoreValue]) -> String {
    let number = word(answer, 1);
    let code = |crossing: &Crossing| {
        let returned = match crossing.builtin() {
            Some(Builtin::TaskReturn(ty)) => ty.as_deref(),
            _ => None,
        };
        let params = crossing
            .function
            .iter()
            .flat_map(|function| &function.params);
        let mut types = params.map(|(_, ty)| ty).chain(returned);
        types.find_map(|ty| error_case(ty, number?))
    };
    let crossings = component.crossings().iter();
    let gives =
        |crossing: &&Crossing| matches!(Role::of(crossing), Role::Outparam | Role::TaskReturn);
    let name = crossings.filter(gives).find_map(code);
    name.unwrap_or_else(|| "an error in place of an answer".to_owned())
}

/// The name of a case of the error of a `result`, by its number.
fn error_case(ty: &ValueType, number: u32) -> Option<String> {
    let ValueType::Result(_, Some(error)) = ty else {
        return None;
    };
    match &**error {
        ValueType::Variant(variant) => {
            let case = variant.cases.get(number as usize)?;
            Some(case.0.to_string())
        }
        ValueType::Enum(labels) => Some(labels.labels.get(number as usize)?.to_string()),
        _ => None,
    }
}
