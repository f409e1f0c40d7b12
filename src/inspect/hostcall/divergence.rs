//! Both sides of a divergence in the terms of WIT.

use super::hostcalls::{arguments, result, with_lifter};
use super::lift::{Boundary, Lifted, Lifter, Limits};
use super::wave;
use crate::component::layout::Lift;
use crate::component::types::CoreValue;
use crate::component::{Crossing, CrossingKind};
use crate::replay::{Crossed, Passed, Side, State};
use wasmtime::StoreContextMut;

/// Most bytes of one value.
const LIMIT: usize = 400;

/// What a side did, lifted over the memory of the store in which replay diverged:
/// `wasi:random/random@0.2.6#get-random-bytes(len: 16)`. `None` where it crossed
/// nothing that has a type at the level of components.
pub fn lifted(store: &StoreContextMut<'_, State>, side: &Side) -> Option<String> {
    let Crossed {
        instance,
        crossing,
        passed,
    } = side.crossed.as_deref()?;
    // Where a result lies is an argument, known while the call is in progress.
    let calls = store.data().in_progress().iter().rev();
    let args = calls
        .filter(|call| (call.instance, call.crossing) == (*instance, *crossing))
        .map(|call| call.args.clone())
        .next()
        .unwrap_or_default();
    with_lifter(
        store,
        *instance,
        *crossing,
        Limits::default(),
        |lifter, crossing| match passed {
            Passed::Arguments(values) => asked(lifter, crossing, values),
            Passed::Results(values) => answered(lifter, crossing, &args, values),
        },
    )?
}

fn asked(lifter: &Lifter<'_>, crossing: &Crossing, args: &[CoreValue]) -> Option<String> {
    let values = match (&crossing.kind, &crossing.function) {
        (CrossingKind::Lower | CrossingKind::Builtin(_), _) => arguments(lifter, crossing, args),
        (CrossingKind::Lift, Some(function)) => {
            lifter.params(function, Boundary::Lifted(Lift::Sync), args)
        }
        _ => return None,
    };
    let values: Vec<String> = values
        .iter()
        .map(|(name, value)| format!("{name}: {}", wave::text(value, LIMIT)))
        .collect();
    Some(format!("{}({})", crossing.name, values.join(", ")))
}

fn answered(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<String> {
    let value: Option<Lifted> = match (&crossing.kind, &crossing.function) {
        (CrossingKind::Lower | CrossingKind::Builtin(_), _) => {
            result(lifter, crossing, args, results)
        }
        (CrossingKind::Lift, Some(function)) => {
            lifter.result(function, Boundary::Lifted(Lift::Sync), args, results)
        }
        _ => None,
    };
    Some(format!(
        "{} -> {}",
        crossing.name,
        wave::text(&value?, LIMIT)
    ))
}
