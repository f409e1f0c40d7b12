//! What crossings carry, as the steps of tasks have it: arguments and results as text, the ends that
//! pass with them, what a built-in asks for.

use super::observing::{Operation, Store};
use super::state::{ChannelKind, Side};
use super::step::{Asked, Passed};
use crate::component::status::{CopyAnswer, CopyResult};
use crate::component::{Builtin, Crossing, CrossingId, Transmit};
use crate::inspect::hostcall::builtin_call::{self, number};
use crate::inspect::hostcall::hostcalls::with_lifter;
use crate::inspect::hostcall::lift::{Handle, HandleKind, Lifted, Limits};
use crate::inspect::hostcall::wave;
use crate::replay::Calling;
use crate::trace::Instance;
use std::sync::Arc;

/// The most bytes of a value as text.
const LONGEST: usize = 160;

/// What was read, as text.
pub(super) fn read(
    store: Store<'_, '_>,
    instance: Instance,
    operation: &Operation,
    answer: CopyAnswer,
) -> Option<Arc<str>> {
    let CopyAnswer::Ended { result, count } = answer else {
        return None;
    };
    let address = operation.args.get(1)?;
    lifted(
        store,
        instance,
        operation.crossing,
        |lifter, crossing| match crossing.builtin()? {
            Builtin::Stream(Transmit::Read, Some(element)) if count > 0 => {
                let elements = builtin_call::elements(lifter, element, *address, count);
                Some(text(&elements))
            }
            Builtin::Future(Transmit::Read, Some(value))
                if result == Some(CopyResult::Completed) =>
            {
                let address = number(Some(address))?;
                Some(text(&lifter.stored(value, address)))
            }
            _ => None,
        },
    )?
}

/// What is about to be written, as text.
pub(super) fn written(store: Store<'_, '_>, call: &Calling, builtin: &Builtin) -> Option<Arc<str>> {
    let arguments = lifted(store, call.instance, call.crossing, |lifter, _| {
        builtin_call::arguments(lifter, builtin, &call.args)
    })?;
    let is_it = |(name, _): &&(String, Lifted)| name == "elements" || name == "value";
    arguments.iter().find(is_it).map(|(_, value)| text(value))
}

/// The result of a call that has returned.
pub(super) fn returned(
    store: Store<'_, '_>,
    instance: Instance,
    operation: &Operation,
) -> Option<Lifted> {
    lifted(store, instance, operation.crossing, |lifter, crossing| {
        let ty = crossing.function.as_ref()?.result.as_ref()?;
        Some(lifter.stored(ty, number(operation.args.last())?))
    })?
}

/// What a built-in does when it is called.
pub(super) fn asked(
    store: Store<'_, '_>,
    call: &Calling,
    builtin: &Builtin,
    values: impl FnOnce() -> Option<Arc<str>>,
) -> Asked {
    let word = |index| number(call.args.get(index)).unwrap_or(0);
    let first = word(0) as u32;
    match builtin {
        Builtin::TaskReturn(ty) => {
            let value = lifted(store, call.instance, call.crossing, |lifter, _| {
                lifter.task_return(ty.as_deref(), &call.args)
            });
            let value = value.flatten();
            Asked::TaskReturn {
                passed: value.iter().flat_map(passed).collect(),
                value: value.as_ref().map(text),
            }
        }
        Builtin::TaskCancel => Asked::TaskCancel,
        Builtin::ContextSet(slot) => Asked::ContextSet(*slot, word(0)),
        Builtin::ThreadNewIndirect(_) => Asked::NewThread {
            function: first,
            context: word(1) as u32,
        },
        Builtin::WaitableJoin => Asked::Join {
            waitable: first,
            set: word(1) as u32,
        },
        Builtin::BackpressureInc => Asked::Backpressure(true),
        Builtin::BackpressureDec => Asked::Backpressure(false),
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll => Asked::UsesSet(first),
        Builtin::WaitableSetDrop => Asked::DropsSet(first),
        Builtin::SubtaskDrop => Asked::DropsSubtask(first),
        Builtin::SubtaskCancel => Asked::CancelsSubtask(first),
        Builtin::Stream(transmit, _) | Builtin::Future(transmit, _) => match transmit {
            Transmit::New => Asked::Nothing,
            Transmit::Read | Transmit::Write => Asked::Copies {
                index: first,
                side: match transmit {
                    Transmit::Read => Side::Readable,
                    _ => Side::Writable,
                },
                length: match builtin {
                    Builtin::Stream(..) => word(2),
                    _ => 1,
                },
                values: match transmit {
                    Transmit::Write => values(),
                    _ => None,
                },
            },
            Transmit::CancelRead | Transmit::CancelWrite => Asked::CancelsCopy(first),
            Transmit::DropReadable => Asked::DropsEnd(first, Side::Readable),
            Transmit::DropWritable => Asked::DropsEnd(first, Side::Writable),
        },
        _ => Asked::Nothing,
    }
}

pub(super) fn lifted<T>(
    store: Store<'_, '_>,
    instance: Instance,
    crossing: CrossingId,
    lift: impl FnOnce(&crate::inspect::hostcall::lift::Lifter<'_>, &Crossing) -> T,
) -> Option<T> {
    with_lifter(store, instance, crossing, Limits::default(), lift)
}

pub(super) fn text(value: &Lifted) -> Arc<str> {
    wave::text(value, LONGEST).into()
}

pub(super) fn named(arguments: &[(String, Lifted)]) -> Arc<str> {
    let mut words = String::new();
    for (name, value) in arguments {
        if words.len() > LONGEST {
            words.push_str(", …");
            break;
        }
        if !words.is_empty() {
            words.push_str(", ");
        }
        words.push_str(&format!("{name}: {}", wave::text(value, LONGEST)));
    }
    words.into()
}

/// The streams and futures in a value.
pub(super) fn passed(value: &Lifted) -> Vec<Passed> {
    let mut found = Vec::new();
    value.for_each_handle(&mut |Handle { kind, index }| {
        let (kind, element) = match kind {
            HandleKind::Stream(element) => (ChannelKind::Stream, element),
            HandleKind::Future(element) => (ChannelKind::Future, element),
            _ => return,
        };
        found.push(Passed {
            index: *index,
            kind,
            element: element.clone(),
        });
    });
    found
}

pub(super) fn kind_of(builtin: &Builtin) -> ChannelKind {
    match builtin {
        Builtin::Stream(..) => ChannelKind::Stream,
        _ => ChannelKind::Future,
    }
}
