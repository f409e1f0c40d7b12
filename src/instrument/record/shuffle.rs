//! What crossings do to the handle table of their instance, where its indices are shuffled.
//!
//! A runtime gives a new handle the index that became free last. So the instance makes
//! *dummies*, handles of a type that nothing else has, and drops them in a random order
//! before any guest code runs: the indices that are free then are a random permutation.
//! Where the guest gives a handle away or drops one, a dummy takes its index and keeps it
//! for a long time, so that whoever uses that index meets the dummy, and traps. All of it
//! is the instance's own doing and crosses nothing: the recording has the indices that the
//! guest saw, and replay needs no more.

use crate::component::types::ValueType;
use crate::component::{Builtin, Crossing, CrossingKind, Transmit};

/// What a crossing does to handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Handles {
    /// How many the guest gives away or drops, at most. One too many costs an index.
    pub(super) given: u32,
    /// Whether any may come to the guest.
    pub(super) brings: bool,
}

/// How many handles a list is taken to hold.
const IN_LIST: u32 = 4;

pub(super) fn handles(crossing: &Crossing) -> Handles {
    let function = crossing.function.as_deref();
    let params = || {
        let params = function.into_iter().flat_map(|f| &f.params);
        params.map(|(_, ty)| ty)
    };
    let result = || function.and_then(|f| f.result.as_ref());
    match &crossing.kind {
        CrossingKind::Lower => Handles {
            given: sum(params().map(given)),
            // Of an asynchronous call, the subtask.
            brings: crossing.is_async || result().is_some_and(ValueType::holds_handles),
        },
        CrossingKind::Lift => Handles {
            given: match crossing.is_async {
                // `task.return` gives them away.
                true => 0,
                false => sum(result().map(given)),
            },
            brings: params().any(ValueType::holds_handles),
        },
        // What was waited for may have brought some.
        CrossingKind::Callback => Handles {
            given: 0,
            brings: true,
        },
        CrossingKind::Builtin(builtin) => of_builtin(builtin),
        CrossingKind::PostReturn
        | CrossingKind::Realloc
        | CrossingKind::Destructor
        | CrossingKind::ThreadStart(_) => Handles::default(),
    }
}

fn of_builtin(builtin: &Builtin) -> Handles {
    use Builtin as B;
    let gone = Handles {
        given: 1,
        brings: false,
    };
    let come = Handles {
        given: 0,
        brings: true,
    };
    match builtin {
        B::ResourceDrop(_) | B::SubtaskDrop | B::WaitableSetDrop | B::ErrorContextDrop => gone,
        B::ResourceNew(_)
        | B::WaitableSetNew
        | B::WaitableSetWait
        | B::WaitableSetPoll
        | B::ErrorContextNew => come,
        B::TaskReturn(ty) => Handles {
            given: sum(ty.as_deref().map(given)),
            brings: false,
        },
        B::Stream(transmit, element) | B::Future(transmit, element) => match transmit {
            Transmit::New => come,
            Transmit::Read => Handles {
                given: 0,
                brings: element.as_deref().is_some_and(ValueType::holds_handles),
            },
            Transmit::Write => Handles {
                given: sum(element.as_deref().map(given)),
                brings: false,
            },
            Transmit::DropReadable | Transmit::DropWritable => gone,
            Transmit::CancelRead | Transmit::CancelWrite => Handles::default(),
        },
        B::ResourceRep(_)
        | B::TaskCancel
        | B::SubtaskCancel
        | B::WaitableJoin
        | B::ContextGet(_)
        | B::ContextSet(_)
        | B::BackpressureInc
        | B::BackpressureDec
        | B::ThreadYield
        | B::ThreadIndex
        | B::ThreadNewIndirect(_)
        | B::ThreadResumeLater
        | B::ThreadSuspend
        | B::ThreadSuspendThenResume
        | B::ThreadYieldThenResume
        | B::ThreadSuspendThenPromote
        | B::ThreadYieldThenPromote
        | B::ErrorContextDebugMessage => Handles::default(),
    }
}

fn sum(counts: impl IntoIterator<Item = u32>) -> u32 {
    counts.into_iter().fold(0, u32::saturating_add)
}

/// How many handles go with a value of a type, at most; `borrow`s and error contexts stay.
fn given(ty: &ValueType) -> u32 {
    use ValueType as V;
    match ty {
        V::Own(_) | V::Stream(_) | V::Future(_) => 1,
        V::List(element) => given(element).saturating_mul(IN_LIST),
        V::Map(key, value) => sum([given(key), given(value)]).saturating_mul(IN_LIST),
        V::FixedList(element, count) => given(element).saturating_mul((*count).min(IN_LIST)),
        V::Option(element) => given(element),
        V::Tuple(types) => sum(types.iter().map(given)),
        V::Result(ok, err) => most(ok.iter().chain(err).map(|ty| given(ty))),
        V::Record(record) => sum(record.fields.iter().map(|(_, ty)| given(ty))),
        V::Variant(variant) => {
            let payloads = variant.cases.iter().filter_map(|(_, ty)| ty.as_ref());
            most(payloads.map(given))
        }
        _ => 0,
    }
}

fn most(counts: impl Iterator<Item = u32>) -> u32 {
    counts.max().unwrap_or(0)
}
