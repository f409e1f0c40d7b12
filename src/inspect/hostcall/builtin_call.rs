//! Calls of canonical built-ins as values: what they were given, what they answered.

use super::lift::{Handle, HandleKind, Lifted, Lifter};
use crate::component::status::{BLOCKED, CopyAnswer, CopyResult, EventCode, SubtaskState};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, Transmit};
use std::sync::Arc;

/// The number of a core value that is an index, an address or a length.
pub fn number(value: Option<&CoreValue>) -> Option<u64> {
    match value? {
        CoreValue::I32(value) => Some(u64::from(value.cast_unsigned())),
        CoreValue::I64(value) => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// The arguments of a built-in by name.
pub fn arguments(
    lifter: &Lifter<'_>,
    builtin: &Builtin,
    args: &[CoreValue],
) -> Vec<(String, Lifted)> {
    if let Builtin::TaskReturn(ty) = builtin {
        let result = lifter.task_return(ty.as_deref(), args);
        return result.into_iter().map(|v| ("result".into(), v)).collect();
    }
    if *builtin == Builtin::ErrorContextNew {
        return vec![("message".into(), lifter.flat(&ValueType::String, args))];
    }
    let numbers = names(builtin).iter().zip(args).filter_map(|(name, value)| {
        let number = number(Some(value))?;
        Some(((*name).to_owned(), Lifted::Unsigned(number)))
    });
    let mut arguments: Vec<_> = numbers.collect();
    match (builtin, args) {
        (Builtin::Stream(Transmit::Write, Some(element)), [_, buffer @ ..]) => {
            let elements = lifter.flat(&ValueType::List(element.clone()), buffer);
            arguments.push(("elements".into(), elements));
        }
        (Builtin::Future(Transmit::Write, Some(value)), [_, address]) => {
            if let Some(address) = number(Some(address)) {
                arguments.push(("value".into(), lifter.stored(value, address)));
            }
        }
        _ => {}
    }
    arguments
}

/// The names of a built-in's core arguments.
pub fn flat_names(builtin: &Builtin) -> Vec<String> {
    let own: &[&str] = match builtin {
        Builtin::ErrorContextNew => &["message (address)", "message (length)"],
        Builtin::ErrorContextDebugMessage => &["handle", "return area (address)"],
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll => &["set", "event (address)"],
        Builtin::Stream(Transmit::Write, _) => &["handle", "elements (address)", "length"],
        Builtin::Stream(Transmit::Read, _) => &["handle", "buffer (address)", "length"],
        Builtin::Future(Transmit::Read | Transmit::Write, _) => &["handle", "value (address)"],
        other => names(other),
    };
    own.iter().map(|name| (*name).to_owned()).collect()
}

/// What the core parameters are. What kind of handle an index is for the handle
/// table to say.
fn names(builtin: &Builtin) -> &'static [&'static str] {
    match builtin {
        Builtin::ResourceNew(_) => &["rep"],
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll | Builtin::WaitableSetDrop => &["set"],
        Builtin::SubtaskCancel | Builtin::SubtaskDrop => &["subtask"],
        Builtin::WaitableJoin => &["waitable", "set"],
        Builtin::ContextSet(_) => &["value"],
        Builtin::ThreadNewIndirect(_) => &["function", "context"],
        Builtin::ThreadResumeLater
        | Builtin::ThreadSuspendThenResume
        | Builtin::ThreadYieldThenResume
        | Builtin::ThreadSuspendThenPromote
        | Builtin::ThreadYieldThenPromote => &["thread"],
        Builtin::Stream(Transmit::Read, _) => &["handle", "address", "length"],
        Builtin::Future(Transmit::Read, _) => &["handle", "address"],
        _ => &["handle"],
    }
}

/// What a built-in answered; `None` if it answers nothing.
pub fn result(
    lifter: &Lifter<'_>,
    builtin: &Builtin,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<Lifted> {
    if *builtin == Builtin::ErrorContextDebugMessage {
        let address = number(args.get(1))?;
        return Some(lifter.stored(&ValueType::String, address));
    }
    let answer = number(results.first())?;
    let code = answer as u32;
    Some(match builtin {
        Builtin::ResourceNew(resource) => handle(HandleKind::Own(resource.clone()), code),
        Builtin::ErrorContextNew => handle(HandleKind::ErrorContext, code),
        Builtin::Stream(Transmit::New, _) | Builtin::Future(Transmit::New, _) => {
            Lifted::Record(vec![
                ("readable".into(), Lifted::Unsigned(answer & 0xffff_ffff)),
                ("writable".into(), Lifted::Unsigned(answer >> 32)),
            ])
        }
        Builtin::Stream(transmit, element) => {
            let read = element.as_ref().filter(|_| *transmit == Transmit::Read);
            copied(code, |count| match (read, args.get(1)) {
                (Some(element), Some(address)) => elements(lifter, element, *address, count),
                _ => Lifted::Unsigned(u64::from(count)),
            })
        }
        Builtin::Future(transmit, value) => match (transmit, value, number(args.get(1))) {
            (Transmit::Read, Some(value), Some(address))
                if code == CopyResult::Completed.code() =>
            {
                let value = lifter.stored(value, address);
                Lifted::Variant(CopyResult::Completed.name().into(), Some(Box::new(value)))
            }
            _ => Lifted::Enum(CopyAnswer::of(code).name().into()),
        },
        Builtin::SubtaskCancel => Lifted::Enum(subtask_state(code).into()),
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll => {
            event(code, told_in_memory(lifter, args)?)
        }
        _ => Lifted::Unsigned(answer),
    })
}

fn handle(kind: HandleKind, index: u32) -> Lifted {
    Lifted::Handle(Handle { kind, index })
}

/// Elements in the buffer of a stream.
pub fn elements(
    lifter: &Lifter<'_>,
    element: &Arc<ValueType>,
    address: CoreValue,
    count: u32,
) -> Lifted {
    let count = match address {
        CoreValue::I64(_) => CoreValue::I64(i64::from(count)),
        _ => CoreValue::I32(count.cast_signed()),
    };
    lifter.flat(&ValueType::List(element.clone()), &[address, count])
}

/// How a copy of a stream ended, and how many elements it got to.
fn copied(code: u32, copied: impl FnOnce(u32) -> Lifted) -> Lifted {
    let copy = CopyAnswer::of(code);
    match copy {
        CopyAnswer::Blocked => Lifted::Enum(copy.name().into()),
        CopyAnswer::Ended { count, .. } => {
            Lifted::Variant(copy.name().into(), Some(Box::new(copied(count))))
        }
    }
}

/// The state of a subtask by name, or that a cancellation blocks.
fn subtask_state(code: u32) -> &'static str {
    match SubtaskState::of(code) {
        Some(state) => state.name(),
        None if code == BLOCKED => "blocked",
        None => "unknown",
    }
}

/// The index and the code that an event has brought into memory.
pub fn told_in_memory(lifter: &Lifter<'_>, args: &[CoreValue]) -> Option<(u32, u32)> {
    let address = number(args.get(1))?;
    let word = |address| match lifter.stored(&ValueType::U32, address) {
        Lifted::Unsigned(word) => u32::try_from(word).ok(),
        _ => None,
    };
    Some((word(address)?, word(address.checked_add(4)?)?))
}

/// An event as a value: what happened to which waitable, and how it is with it now.
pub fn event(event: u32, (waitable, code): (u32, u32)) -> Lifted {
    let event = EventCode::of(event);
    let state = match event {
        Some(event @ (EventCode::None | EventCode::TaskCancelled)) => {
            return Lifted::Enum(event.name().into());
        }
        Some(EventCode::Subtask) => Lifted::Enum(subtask_state(code).into()),
        Some(EventCode::StreamRead | EventCode::StreamWrite) => {
            copied(code, |n| Lifted::Unsigned(n.into()))
        }
        Some(EventCode::FutureRead | EventCode::FutureWrite) => {
            Lifted::Enum(CopyAnswer::of(code).name().into())
        }
        None => Lifted::Unsigned(code.into()),
    };
    let name = event.map_or("unknown", EventCode::name);
    let parts = vec![
        ("waitable".into(), Lifted::Unsigned(waitable.into())),
        ("state".into(), state),
    ];
    Lifted::Variant(name.into(), Some(Box::new(Lifted::Record(parts))))
}
