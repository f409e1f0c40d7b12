//! Handles that come and go between two crossings: with the result of a call that
//! returned later, with elements of a stream that were copied later. They are seen
//! when the guest is told.

use super::roles::{LIMITS, Role};
use super::stored_step::What;
use crate::component::status::{
    BLOCKED, CopyAnswer, CopyResult, EventCode, LoweredAnswer, SubtaskState,
};
use crate::component::types::{CoreValue, ValueType};
use crate::component::{Builtin, CrossingId, Transmit};
use crate::inspect::hostcall::builtin_call::{self, number, told_in_memory};
use crate::inspect::hostcall::hostcalls::with_lifter;
use crate::inspect::hostcall::lift::{Lifted, holds_handles};
use crate::replay::State;
use crate::trace::Instance;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// What is under way in all instances, by waitable.
#[derive(Debug, Default)]
pub(super) struct Pending {
    under_way: BTreeMap<(Instance, u32), Operation>,
}

/// A call or a copy under way.
#[derive(Debug)]
struct Operation {
    crossing: CrossingId,
    args: Vec<CoreValue>,
}

/// A crossing with what it was given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossed<'a> {
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) args: &'a [CoreValue],
}

impl Pending {
    /// What a call out that returns has done, besides what its role tells: it may
    /// have completed something, or begun it.
    pub(super) fn returning(
        &mut self,
        store: &StoreContextMut<'_, State>,
        role: &Role,
        crossed: Crossed<'_>,
        results: &[CoreValue],
    ) -> Option<What> {
        let answer = number(results.first())? as u32;
        let first = number(crossed.args.first()).unwrap_or(0) as u32;
        match role {
            Role::AsyncLower(_) => {
                if let LoweredAnswer::Pending { subtask, .. } = LoweredAnswer::of(answer) {
                    self.begin(crossed, subtask);
                }
                None
            }
            Role::Builtin(builtin) => match builtin {
                Builtin::WaitableSetWait | Builtin::WaitableSetPoll => {
                    let told = with_lifter(
                        store,
                        crossed.instance,
                        crossed.crossing,
                        LIMITS,
                        |lifter, _| told_in_memory(lifter, crossed.args),
                    );
                    let (waitable, code) = told??;
                    self.told(store, crossed.instance, answer, waitable, code)
                }
                Builtin::SubtaskCancel if answer != BLOCKED => self.told(
                    store,
                    crossed.instance,
                    EventCode::Subtask.code(),
                    first,
                    answer,
                ),
                Builtin::Stream(Transmit::Read | Transmit::Write, _)
                | Builtin::Future(Transmit::Read | Transmit::Write, _) => {
                    moves_handles(builtin)?;
                    if answer == BLOCKED {
                        self.begin(crossed, first);
                        return Some(What::Blocks(first));
                    }
                    let operation = Operation {
                        crossing: crossed.crossing,
                        args: crossed.args.to_vec(),
                    };
                    copied(store, crossed.instance, &operation, first, answer)
                }
                Builtin::Stream(Transmit::CancelRead | Transmit::CancelWrite, _)
                | Builtin::Future(Transmit::CancelRead | Transmit::CancelWrite, _)
                    if answer != BLOCKED =>
                {
                    let operation = self.under_way.remove(&(crossed.instance, first))?;
                    copied(store, crossed.instance, &operation, first, answer)
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn begin(&mut self, crossed: Crossed<'_>, waitable: u32) {
        let operation = Operation {
            crossing: crossed.crossing,
            args: crossed.args.to_vec(),
        };
        self.under_way
            .insert((crossed.instance, waitable), operation);
    }

    /// The guest is told an event of a waitable.
    pub(super) fn told(
        &mut self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        event: u32,
        waitable: u32,
        code: u32,
    ) -> Option<What> {
        let is_subtask = event == EventCode::Subtask.code();
        let state = SubtaskState::of(code);
        if is_subtask && state.is_some_and(|state| !state.is_resolved()) {
            return None;
        }
        let operation = self.under_way.remove(&(instance, waitable))?;
        if !is_subtask {
            return copied(store, instance, &operation, waitable, code);
        }
        let result = match state {
            Some(SubtaskState::Returned) => result(store, instance, &operation),
            _ => None,
        };
        Some(What::Resolves {
            subtask: waitable,
            result,
        })
    }
}

/// The result of a call that has returned, if there are handles in it.
fn result(
    store: &StoreContextMut<'_, State>,
    instance: Instance,
    operation: &Operation,
) -> Option<Box<Lifted>> {
    let lifted = with_lifter(
        store,
        instance,
        operation.crossing,
        LIMITS,
        |lifter, crossing| {
            let ty = crossing.function.as_ref()?.result.as_ref()?;
            let area = number(operation.args.last())?;
            holds_handles(ty).then(|| lifter.stored(ty, area))
        },
    );
    lifted.flatten().map(Box::new)
}

/// What a copy has moved that has ended with this code.
fn copied(
    store: &StoreContextMut<'_, State>,
    instance: Instance,
    operation: &Operation,
    waitable: u32,
    code: u32,
) -> Option<What> {
    let component = store.data().component().clone();
    let builtin = component.crossing(operation.crossing)?.builtin()?;
    let element = moves_handles(builtin)?;
    let CopyAnswer::Ended { result, count } = CopyAnswer::of(code) else {
        return None;
    };
    let count = match builtin {
        Builtin::Stream(..) => count,
        _ => u32::from(result == Some(CopyResult::Completed)),
    };
    let address = *operation.args.get(1)?;
    let elements = with_lifter(store, instance, operation.crossing, LIMITS, |lifter, _| {
        builtin_call::elements(lifter, element, address, count)
    })?;
    let elements = Box::new(elements);
    let is_read = matches!(
        builtin,
        Builtin::Stream(Transmit::Read, _) | Builtin::Future(Transmit::Read, _)
    );
    Some(What::Copies {
        waitable,
        elements,
        is_read,
    })
}

/// The type of the elements that a built-in copies, if they hold handles.
fn moves_handles(builtin: &Builtin) -> Option<&Arc<ValueType>> {
    match builtin {
        Builtin::Stream(Transmit::Read | Transmit::Write, Some(element))
        | Builtin::Future(Transmit::Read | Transmit::Write, Some(element))
            if holds_handles(element) =>
        {
            Some(element)
        }
        _ => None,
    }
}
