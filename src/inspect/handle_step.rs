//! The steps of handle tables as a history stores them: what of a crossing the
//! tables need, and no more.

use std::sync::Arc;

use super::handle_entry::Moment;
use super::handles::{Change, Effect, HandleTable, Step};
use super::hostcalls::with_lifter;
use super::lift::{Boundary, Handle, HandleKind, Lifted, Limits, holds_handles};
use crate::component::layout::Lift;
use crate::component::types::{CoreValue, FunctionType, Resource, ValueType};
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind};
use crate::replay::State;
use crate::trace::Instance;
use wasmtime::StoreContextMut;

/// Room for the largest lists of handles and for the beginning of a path: what
/// else is in the values, tables do not ask.
const LIMITS: Limits = Limits {
    elements: 1 << 16,
    bytes: 1 << 10,
    values: 1 << 18,
    depth: 64,
};

/// When a step was taken, in the order of steps: before, at or after the call out
/// with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct When(u64);

impl When {
    /// At the call out with this number.
    pub(super) fn at_call(event: u64) -> When {
        When(event.saturating_mul(2).saturating_add(1))
    }

    /// Between two calls out, after so many.
    pub(super) fn after(events: u64) -> When {
        When(events.saturating_mul(2))
    }
}

/// What a crossing may do to the table of its instance.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// No value of it holds a handle.
    None,
    /// A lowered function.
    Lower(Moves),
    /// A lifted function.
    Lift(Moves),
    New(Arc<Resource>),
    Rep(Arc<Resource>),
    Drop(Arc<Resource>),
}

/// Where the handles are in the values of a function.
#[derive(Debug, Clone)]
pub(super) struct Moves {
    result: bool,
    /// The first argument is a handle and nothing else holds one: most calls are
    /// such methods, and are stored as an index.
    method: Option<HandleType>,
}

#[derive(Debug, Clone)]
enum HandleType {
    Own(Arc<Resource>),
    Borrow(Arc<Resource>),
}

impl HandleType {
    fn of(ty: &ValueType) -> Option<HandleType> {
        match ty {
            ValueType::Own(resource) => Some(HandleType::Own(resource.clone())),
            ValueType::Borrow(resource) => Some(HandleType::Borrow(resource.clone())),
            _ => None,
        }
    }

    fn handle(&self, index: u32) -> Handle {
        let kind = match self {
            HandleType::Own(resource) => HandleKind::Own(resource.clone()),
            HandleType::Borrow(resource) => HandleKind::Borrow(resource.clone()),
        };
        Handle { kind, index }
    }
}

/// A component's crossings, as handle tables see them.
#[derive(Debug)]
pub(super) struct Roles {
    /// By [`CrossingId`].
    roles: Vec<(Role, Arc<str>)>,
}

impl Roles {
    pub(super) fn of(component: &Component) -> Roles {
        let roles = component.crossings().iter();
        Roles {
            roles: roles
                .map(|crossing| (Role::of(crossing), crossing.name.as_str().into()))
                .collect(),
        }
    }

    pub(super) fn get(&self, crossing: CrossingId) -> Option<&Role> {
        self.roles
            .get(crossing.0 as usize)
            .map(|(role, _)| role)
            .filter(|role| !matches!(role, Role::None))
    }

    /// Takes a stored step in the table of its instance.
    pub(super) fn apply(&self, stored: &Stored, table: &mut HandleTable) -> Vec<Change> {
        let Some((role, name)) = self.roles.get(stored.crossing.0 as usize) else {
            return Vec::new();
        };
        let method;
        let effect = match (&stored.what, role) {
            (
                What::CallsMethod(index),
                Role::Lower(Moves {
                    method: Some(kind), ..
                }),
            ) => {
                let handle = Lifted::Handle(kind.handle(*index));
                method = [("self".to_owned(), handle)];
                Effect::Calls(&method)
            }
            (What::Calls(args), _) => Effect::Calls(args),
            (What::Returns(result), _) => Effect::Returns(result.as_deref()),
            (What::Enters(args), _) => Effect::Enters(args),
            (What::Leaves(result), _) => Effect::Leaves(result.as_deref()),
            (What::New { rep, index }, Role::New(resource)) => Effect::New {
                resource: resource.clone(),
                rep: *rep,
                index: *index,
            },
            (What::Takes(index), Role::Rep(resource)) => Effect::Rep {
                resource: resource.clone(),
                index: *index,
            },
            (What::Takes(index), Role::Drop(resource)) => Effect::DropResource {
                resource: resource.clone(),
                index: *index,
            },
            _ => return Vec::new(),
        };
        table.apply(&Step {
            moment: Moment {
                event: stored.event,
                crossing: name.clone(),
            },
            effect,
        })
    }
}

impl Role {
    fn of(crossing: &Crossing) -> Role {
        match (&crossing.kind, &crossing.function) {
            (CrossingKind::Lower, Some(function)) => {
                Moves::of(function).map_or(Role::None, Role::Lower)
            }
            (CrossingKind::Lift, Some(function)) => {
                Moves::of(function).map_or(Role::None, Role::Lift)
            }
            (CrossingKind::Builtin(builtin), _) => match builtin {
                Builtin::ResourceNew(resource) => Role::New(resource.clone()),
                Builtin::ResourceRep(resource) => Role::Rep(resource.clone()),
                Builtin::ResourceDrop(resource) => Role::Drop(resource.clone()),
                _ => Role::None,
            },
            _ => Role::None,
        }
    }

    /// What a call out does when it is made.
    pub(super) fn calling(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        args: &[CoreValue],
    ) -> Option<What> {
        match (self, args.first()) {
            (Role::Rep(_) | Role::Drop(_), Some(CoreValue::I32(index))) => {
                Some(What::Takes(index.cast_unsigned()))
            }
            (
                Role::Lower(Moves {
                    method: Some(_), ..
                }),
                Some(CoreValue::I32(index)),
            ) => Some(What::CallsMethod(index.cast_unsigned())),
            (Role::Lower(moves), _) => {
                let boundary = Boundary::Lowered { is_async: false };
                let args = moves.arguments(store, instance, crossing, boundary, args);
                Some(What::Calls(args))
            }
            _ => None,
        }
    }

    /// What a call out does when it returns.
    pub(super) fn returning(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        args: &[CoreValue],
        results: &[CoreValue],
    ) -> Option<What> {
        match (self, args.first(), results.first()) {
            (Role::New(_), Some(CoreValue::I32(rep)), Some(CoreValue::I32(index))) => {
                Some(What::New {
                    rep: rep.cast_unsigned(),
                    index: index.cast_unsigned(),
                })
            }
            (Role::Lower(moves), ..) => {
                let boundary = Boundary::Lowered { is_async: false };
                Some(What::Returns(
                    moves.result(store, instance, crossing, boundary, args, results),
                ))
            }
            _ => None,
        }
    }

    /// What a call into the guest does when it is made.
    pub(super) fn entering(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        args: &[CoreValue],
    ) -> Option<What> {
        let Role::Lift(moves) = self else { return None };
        let boundary = Boundary::Lifted(Lift::Sync);
        let args = moves.arguments(store, instance, crossing, boundary, args);
        Some(What::Enters(args))
    }

    /// What a call into the guest does when it returns.
    pub(super) fn leaving(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        args: &[CoreValue],
        results: &[CoreValue],
    ) -> Option<What> {
        let Role::Lift(moves) = self else { return None };
        let boundary = Boundary::Lifted(Lift::Sync);
        let result = moves.result(store, instance, crossing, boundary, args, results);
        Some(What::Leaves(result))
    }
}

impl Moves {
    /// `None` if no value of the function holds a handle.
    fn of(function: &FunctionType) -> Option<Moves> {
        let result = function.result.as_ref().is_some_and(holds_handles);
        let mut params = function.params.iter();
        let first = params.next().map(|(_, ty)| ty);
        let others = params.any(|(_, ty)| holds_handles(ty));
        if !result && !others && !first.is_some_and(holds_handles) {
            return None;
        }
        // What a handle in the result stands for is told from the other arguments.
        let is_method = !result && !others;
        Some(Moves {
            result,
            method: first.filter(|_| is_method).and_then(HandleType::of),
        })
    }

    fn arguments(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        boundary: Boundary,
        args: &[CoreValue],
    ) -> Box<[(String, Lifted)]> {
        let lifted = with_lifter(store, instance, crossing, LIMITS, |lifter, crossing| {
            let Some(function) = &crossing.function else {
                return Vec::new();
            };
            let mut lifted = lifter.params(function, boundary, args);
            let mut types = function.params.iter().map(|(_, ty)| ty);
            lifted.retain(|(_, value)| {
                let is_wanted = types.next().is_some_and(holds_handles);
                let is_clue = matches!(value, Lifted::String(_) | Lifted::Unsigned(_));
                is_wanted || (self.result && is_clue)
            });
            lifted
        });
        lifted.unwrap_or_default().into()
    }

    fn result(
        &self,
        store: &StoreContextMut<'_, State>,
        instance: Instance,
        crossing: CrossingId,
        boundary: Boundary,
        args: &[CoreValue],
        results: &[CoreValue],
    ) -> Option<Box<Lifted>> {
        if !self.result {
            return None;
        }
        with_lifter(store, instance, crossing, LIMITS, |lifter, crossing| {
            lifter.result(crossing.function.as_ref()?, boundary, args, results)
        })
        .flatten()
        .map(Box::new)
    }
}

/// One step.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) when: When,
    /// The call out that the step belongs to; for a call into the guest, the last
    /// before it.
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    pub(super) what: What,
}

/// What a step does, without what its crossing tells.
#[derive(Debug)]
pub(super) enum What {
    /// A function whose first argument is its only handle is called.
    CallsMethod(u32),
    Calls(Box<[(String, Lifted)]>),
    Returns(Option<Box<Lifted>>),
    Enters(Box<[(String, Lifted)]>),
    Leaves(Option<Box<Lifted>>),
    New {
        rep: u32,
        index: u32,
    },
    /// `resource.rep` and `resource.drop`.
    Takes(u32),
}
