//! What built-ins of the asynchronous ABI do to the handle table of the instance that
//! calls them: waitable sets, subtasks, streams, futures and error contexts live in
//! one table with resources.

use super::effect::Effect;
use super::entry::{End, EntryKind, Wanted};
use super::stored_step::What;
use crate::component::types::CoreValue;
use crate::component::{Builtin, Transmit};
use crate::inspect::hostcall::builtin_call::number;

/// What a call of a built-in takes when it is made.
pub(super) fn calling(builtin: &Builtin, args: &[CoreValue]) -> Option<What> {
    use Transmit as T;
    let first = u32::try_from(number(args.first())?).ok()?;
    match builtin {
        Builtin::WaitableJoin => Some(What::Joins {
            waitable: first,
            set: u32::try_from(number(args.get(1))?).ok()?,
        }),
        Builtin::WaitableSetWait
        | Builtin::WaitableSetPoll
        | Builtin::WaitableSetDrop
        | Builtin::SubtaskDrop
        | Builtin::SubtaskCancel
        | Builtin::ErrorContextDrop
        | Builtin::ErrorContextDebugMessage => Some(What::Takes(first)),
        Builtin::Stream(transmit, _) | Builtin::Future(transmit, _) if *transmit != T::New => {
            Some(What::Takes(first))
        }
        _ => None,
    }
}

/// What a built-in has made when it returns.
pub(super) fn returning(builtin: &Builtin, results: &[CoreValue]) -> Option<What> {
    let answer = number(results.first())?;
    match builtin {
        Builtin::WaitableSetNew | Builtin::ErrorContextNew => {
            Some(What::Makes(u32::try_from(answer).ok()?))
        }
        Builtin::Stream(Transmit::New, _) | Builtin::Future(Transmit::New, _) => {
            Some(What::MakesPair {
                readable: answer as u32,
                writable: (answer >> 32) as u32,
            })
        }
        _ => None,
    }
}

/// A stored step of a built-in as the table takes it.
pub(super) fn effects<'a>(what: &'a What, builtin: &Builtin) -> Vec<Effect<'a>> {
    match what {
        What::Takes(index) => match wanted(builtin) {
            Some(wanted) => vec![taking(builtin, *index, wanted)],
            None => Vec::new(),
        },
        What::Joins { waitable, set } => {
            let mut effects = vec![Effect::Uses {
                index: *waitable,
                wanted: Wanted::Waitable,
            }];
            // Joining none leaves the set it is in.
            if *set != 0 {
                effects.push(Effect::Uses {
                    index: *set,
                    wanted: Wanted::WaitableSet,
                });
            }
            effects
        }
        What::Makes(index) => {
            let kind = match builtin {
                Builtin::WaitableSetNew => EntryKind::WaitableSet,
                _ => EntryKind::ErrorContext,
            };
            vec![Effect::Creates {
                kind,
                index: *index,
            }]
        }
        // The readable end comes first.
        What::MakesPair { readable, writable } => {
            let end = |index, end| {
                Some(Effect::Creates {
                    kind: end_of(builtin, end)?,
                    index,
                })
            };
            [end(*readable, End::Readable), end(*writable, End::Writable)]
                .into_iter()
                .flatten()
                .collect()
        }
        _ => Vec::new(),
    }
}

fn taking<'a>(builtin: &Builtin, index: u32, wanted: Wanted) -> Effect<'a> {
    use Transmit as T;
    match builtin {
        Builtin::WaitableSetDrop
        | Builtin::SubtaskDrop
        | Builtin::ErrorContextDrop
        | Builtin::Stream(T::DropReadable | T::DropWritable, _)
        | Builtin::Future(T::DropReadable | T::DropWritable, _) => Effect::Drops { index, wanted },
        _ => Effect::Uses { index, wanted },
    }
}

fn wanted(builtin: &Builtin) -> Option<Wanted> {
    match builtin {
        Builtin::WaitableSetWait | Builtin::WaitableSetPoll | Builtin::WaitableSetDrop => {
            Some(Wanted::WaitableSet)
        }
        Builtin::SubtaskDrop | Builtin::SubtaskCancel => Some(Wanted::Subtask),
        Builtin::ErrorContextDrop | Builtin::ErrorContextDebugMessage => Some(Wanted::ErrorContext),
        Builtin::Stream(..) => Some(Wanted::Stream),
        Builtin::Future(..) => Some(Wanted::Future),
        _ => None,
    }
}

fn end_of(builtin: &Builtin, end: End) -> Option<EntryKind> {
    match builtin {
        Builtin::Stream(_, element) => Some(EntryKind::Stream {
            element: element.clone(),
            end,
        }),
        Builtin::Future(_, element) => Some(EntryKind::Future {
            element: element.clone(),
            end,
        }),
        _ => None,
    }
}
