//! A crossing in progress, either way, at component level and at core level.
//!
//! Memory is read through a lifter as it is now; what the crossing will return is read
//! through another one, over memory as it will be then.

use super::blocks::{self, Block};
use super::builtin_call;
use super::flat_names;
use super::hostcalls;
use super::lift::{Boundary, Lifted, Lifter};
use super::part::Part;
use crate::component::layout::Lift;
use crate::component::status::CallbackAnswer;
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind, Transmit};

/// The arguments of a crossing by name, at its beginning.
pub fn arguments(
    component: &Component,
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
) -> Vec<Part> {
    let unsigned = |name: &str, value: &CoreValue| {
        let number = builtin_call::number(Some(value)).unwrap_or(0);
        Part::new(name, Lifted::Unsigned(number), Some(ValueType::U32))
    };
    let named = |names: &[&str]| -> Vec<Part> {
        let parts = names.iter().zip(args);
        parts.map(|(name, value)| unsigned(name, value)).collect()
    };
    match (&crossing.kind, &crossing.function, args) {
        (CrossingKind::Lower | CrossingKind::Builtin(_), _, _) => {
            let values = hostcalls::arguments(lifter, crossing, args).into_iter();
            let types = argument_types(crossing);
            let type_of = |name: &str| {
                let found = types.iter().find(|(n, _)| n == name);
                found.map(|(_, ty)| ty.clone())
            };
            values
                .map(|(name, value)| {
                    let ty = type_of(&name);
                    Part::new(name, value, ty)
                })
                .collect()
        }
        (CrossingKind::Lift, Some(function), _) => {
            let boundary = Boundary::Lifted(crossing.lift());
            let values = lifter.params(function, boundary, args).into_iter();
            let types = function.params.iter().map(|(_, ty)| Some(ty.clone()));
            values
                .zip(types)
                .map(|((name, value), ty)| Part::new(name, value, ty))
                .collect()
        }
        (CrossingKind::Callback, _, [CoreValue::I32(event), waitable, code]) => {
            let word = |value| builtin_call::number(Some(value)).unwrap_or(0) as u32;
            let told = (word(waitable), word(code));
            let event = builtin_call::event(event.cast_unsigned(), told);
            vec![Part::new("event", event, None)]
        }
        (CrossingKind::PostReturn, _, _) => {
            let lifted = lift_of(component, crossing.id);
            let function = lifted.and_then(|lifted| lifted.function.as_ref());
            let returned = function.and_then(|function| {
                let boundary = Boundary::Lifted(Lift::Sync);
                let value = lifter.result(function, boundary, &[], args)?;
                Some(Part::new("returned", value, function.result.clone()))
            });
            returned.into_iter().collect()
        }
        (CrossingKind::Realloc, _, _) => named(&["old-pointer", "old-size", "align", "new-size"]),
        (CrossingKind::Destructor, _, _) => named(&["rep"]),
        (CrossingKind::ThreadStart(_), _, _) => named(&["function", "context"]),
        _ => Vec::new(),
    }
}

/// What a call out answers, over memory as it is when it returns; `None` if it answers
/// nothing.
pub fn answer(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<Part> {
    let value = hostcalls::result(lifter, crossing, args, results)?;
    let ty = crossing.function.as_ref().and_then(|f| f.result.clone());
    Some(Part::new("result", value, ty))
}

/// What a call into the guest returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Leaves {
    /// No value, as for a post-return, a destructor or a function without a result.
    Nothing,
    /// The result; the status that an asynchronous function or a callback answers; the
    /// pointer that a `realloc` answers.
    Value(Part),
    /// The result will be in memory at this address, where the guest has yet to write
    /// it.
    Unwritten {
        /// In the memory of the crossing.
        address: u64,
        /// The component-level type of the result.
        ty: ValueType,
    },
}

/// What a call into the guest returns, from its flat results.
pub fn leaves(lifter: &Lifter<'_>, crossing: &Crossing, results: &[CoreValue]) -> Leaves {
    let address = || builtin_call::number(results.first());
    match (&crossing.kind, &crossing.function) {
        (CrossingKind::Lift | CrossingKind::Callback, _) if crossing.is_async => {
            let status = address().map(|code| callback_status(code as u32));
            status.map_or(Leaves::Nothing, |status| {
                Leaves::Value(Part::new("status", status, None))
            })
        }
        (CrossingKind::Callback, _) => address().map_or(Leaves::Nothing, |code| {
            Leaves::Value(Part::new("status", callback_status(code as u32), None))
        }),
        (CrossingKind::Lift, Some(function)) => {
            let Some(ty) = &function.result else {
                return Leaves::Nothing;
            };
            let boundary = Boundary::Lifted(crossing.lift());
            let shape = boundary.shape(function, crossing.pointer);
            match (shape.returned, address()) {
                (crate::component::layout::Returned::Area(_), Some(address)) => Leaves::Unwritten {
                    address,
                    ty: ty.clone(),
                },
                _ => match lifter.result(function, boundary, &[], results) {
                    Some(value) => Leaves::Value(Part::new("result", value, Some(ty.clone()))),
                    None => Leaves::Nothing,
                },
            }
        }
        (CrossingKind::Realloc, _) => address().map_or(Leaves::Nothing, |address| {
            let pointer = Lifted::Unsigned(address);
            Leaves::Value(Part::new("pointer", pointer, Some(ValueType::U32)))
        }),
        _ => Leaves::Nothing,
    }
}

/// What an asynchronous function or its callback answers: whether it is done, and if
/// not, what it waits for.
fn callback_status(code: u32) -> Lifted {
    match CallbackAnswer::of(code) {
        CallbackAnswer::Exit => Lifted::Enum("exit".into()),
        CallbackAnswer::Yield => Lifted::Enum("yield".into()),
        CallbackAnswer::Wait(set) => {
            let set = Lifted::Unsigned(u64::from(set));
            Lifted::Variant("wait".into(), Some(Box::new(set)))
        }
        CallbackAnswer::Unknown(code) => Lifted::Invalid {
            why: format!("there is no status {code}"),
        },
    }
}

/// The types of a call's arguments, as far as there are any, by name.
fn argument_types(crossing: &Crossing) -> Vec<(String, ValueType)> {
    if let Some(function) = &crossing.function {
        return function.params.clone();
    }
    let list = |ty: &std::sync::Arc<ValueType>| ValueType::List(ty.clone());
    match crossing.builtin() {
        Some(Builtin::TaskReturn(Some(ty))) => vec![("result".into(), ValueType::clone(ty))],
        Some(Builtin::ErrorContextNew) => vec![("message".into(), ValueType::String)],
        Some(Builtin::Stream(Transmit::Write, Some(element))) => {
            vec![("elements".into(), list(element))]
        }
        Some(Builtin::Future(Transmit::Write, Some(value))) => {
            vec![("value".into(), ValueType::clone(value))]
        }
        _ => Vec::new(),
    }
}

/// The lifted function that a post-return or a callback belongs to: it is numbered
/// right after it.
fn lift_of(component: &Component, id: CrossingId) -> Option<&Crossing> {
    let after = component.crossing(CrossingId(id.0.checked_add(1)?))?;
    (after.kind == CrossingKind::Lift).then_some(after)
}

/// What a crossing is called as a frame of the stack. `asked_for` is the crossing that
/// a `realloc` makes room for.
pub fn title(crossing: &Crossing, args: &[CoreValue], asked_for: Option<&AskedFor>) -> String {
    let name = &crossing.name;
    match crossing.kind {
        CrossingKind::Lower | CrossingKind::Builtin(_) => name.to_string(),
        CrossingKind::Lift => format!("{name} (export)"),
        CrossingKind::PostReturn
        | CrossingKind::Callback
        | CrossingKind::Destructor
        | CrossingKind::ThreadStart(_) => name.to_string(),
        CrossingKind::Realloc => {
            let names = ["old", "old_size", "align", "new_size"];
            let args: Vec<String> = names
                .iter()
                .zip(args)
                .filter_map(|(name, value)| {
                    let number = builtin_call::number(Some(value))?;
                    Some(format!("{name}={number}"))
                })
                .collect();
            let why = asked_for.map_or_else(String::new, |asked_for| match asked_for {
                AskedFor::ResultOf(name) => format!(" for the result of {name}"),
                AskedFor::ArgumentsOf(name) => format!(" for the arguments of {name}"),
            });
            format!("{name}({}){why}", args.join(", "))
        }
    }
}

/// What memory is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedFor {
    /// The result of this call out.
    ResultOf(String),
    /// The arguments of this call into the guest.
    ArgumentsOf(String),
}

/// A core value of a crossing.
#[derive(Debug, Clone, PartialEq)]
pub struct FlatValue {
    /// What it is of its WIT parameter or result, as in `path (length)`; `argument 3` where
    /// nothing tells.
    pub name: String,
    /// As the core function is given it or returns it.
    pub value: CoreValue,
}

/// The core arguments of a crossing and its core results, each by name.
pub fn flat(
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> (Vec<FlatValue>, Vec<FlatValue>) {
    let (params, returned) = flat_names::names(crossing);
    let named = |names: Vec<String>, values: &[CoreValue], what: &str| {
        let names = names.into_iter().map(Some).chain(std::iter::repeat(None));
        let rows = names.zip(values).enumerate();
        rows.map(|(i, (name, value))| FlatValue {
            name: name.unwrap_or_else(|| format!("{what} {i}")),
            value: *value,
        })
        .collect()
    };
    (
        named(params, args, "argument"),
        named(returned, results, "result"),
    )
}

/// The memory that a crossing reads: its arguments, where they are in memory, and
/// those behind pointers.
pub fn blocks_read(crossing: &Crossing, args: &[CoreValue], arguments: &[Part]) -> Vec<Block> {
    blocks::of_arguments(crossing, args, arguments)
}

/// The memory behind the pointers in a value.
pub fn blocks_of(crossing: &Crossing, part: &Part) -> Vec<Block> {
    let mut found = Vec::new();
    blocks::behind(&part.name, &part.value, crossing, &mut found);
    found
}

/// The return area that a call out is given.
pub fn return_area(crossing: &Crossing, args: &[CoreValue]) -> Option<Block> {
    blocks::return_area(crossing, args)
}
