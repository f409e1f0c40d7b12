//! What the crossings of a component may do to handle tables: which steps are stored of
//! them, and what a table is told of a stored step.

use std::sync::Arc;

use super::builtin;
use super::effect::{Change, Effect, TableStep};
use super::entry::Occasion;
use super::stored_step::{StoredStep, What};
use super::table::HandleTable;
use crate::component::layout::Lift;
use crate::component::status::LoweredAnswer;
use crate::component::types::{CoreValue, FunctionType, Resource, ValueType};
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind};
use crate::inspect::hostcall::hostcalls::with_lifter;
use crate::inspect::hostcall::lift::{Boundary, Handle, HandleKind, Lifted, Limits, holds_handles};
use crate::replay::State;
use crate::trace::Instance;
use wasmtime::StoreContextMut;

/// Room for the largest lists of handles and for the beginning of a path: what
/// else is in the values, tables do not ask.
pub(super) const LIMITS: Limits = Limits {
    elements: 1 << 16,
    bytes: 1 << 10,
    values: 1 << 18,
    depth: 64,
};

/// What a crossing may do to the table of its instance.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// No value of it holds a handle.
    None,
    /// A lowered function.
    Lower(Moves),
    /// A function lowered with `async`: it may return before it has its result.
    AsyncLower(Moves),
    /// A lifted function.
    Lift(Moves),
    /// A function lifted with `async`: its result goes by `task.return`.
    AsyncLift(Moves),
    /// It is told events.
    Callback,
    TaskReturn(Arc<ValueType>),
    New(Arc<Resource>),
    Rep(Arc<Resource>),
    Drop(Arc<Resource>),
    /// One of the asynchronous ABI.
    Builtin(Builtin),
}

/// Where the handles are in the values of a function.
#[derive(Debug, Clone)]
pub(super) struct Moves {
    params: bool,
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
                .map(|crossing| (Role::of(crossing), crossing.name.clone()))
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
    pub(super) fn apply(&self, stored: &StoredStep, table: &mut HandleTable) -> Vec<Change> {
        let Some((role, name)) = self.roles.get(stored.crossing.0 as usize) else {
            return Vec::new();
        };
        let method;
        let effects = match (&stored.what, role) {
            (
                What::CallsMethod(index),
                Role::Lower(Moves {
                    method: Some(kind), ..
                }),
            ) => {
                let handle = Lifted::Handle(kind.handle(*index));
                method = [("self".to_owned(), handle)];
                vec![Effect::Calls(&method)]
            }
            (What::Calls(args), _) => vec![Effect::Calls(args)],
            (What::Returns(result), _) => vec![Effect::Returns(result.as_deref())],
            (What::Pends { subtask }, Role::AsyncLower(moves)) => vec![Effect::Pends {
                subtask: *subtask,
                moves_handles: moves.params || moves.result,
            }],
            (What::Enters(args), Role::AsyncLift(_)) => vec![Effect::Starts(args)],
            (What::Enters(args), _) => vec![Effect::Enters(args)],
            (What::Leaves(result), _) => vec![Effect::Leaves(result.as_deref())],
            (What::TaskReturns(result), _) => vec![Effect::TaskReturns(Some(result))],
            (What::Resolves { subtask, result }, _) => vec![Effect::Resolves {
                subtask: *subtask,
                result: result.as_deref(),
            }],
            (What::Blocks(waitable), _) => vec![Effect::Blocks(*waitable)],
            (
                What::Copies {
                    waitable,
                    elements,
                    is_read,
                },
                _,
            ) => vec![Effect::Copies {
                waitable: *waitable,
                elements,
                is_read: *is_read,
            }],
            (What::New { rep, index }, Role::New(resource)) => vec![Effect::New {
                resource: resource.clone(),
                rep: *rep,
                index: *index,
            }],
            (What::Takes(index), Role::Rep(resource)) => vec![Effect::Rep {
                resource: resource.clone(),
                index: *index,
            }],
            (What::Takes(index), Role::Drop(resource)) => vec![Effect::DropResource {
                resource: resource.clone(),
                index: *index,
            }],
            (what, Role::Builtin(builtin)) => builtin::effects(what, builtin),
            _ => Vec::new(),
        };
        let occasion = Occasion {
            event: stored.event,
            crossing: name.clone(),
        };
        let mut changes = Vec::new();
        for effect in effects {
            changes.extend(table.apply(&TableStep {
                occasion: occasion.clone(),
                effect,
            }));
        }
        changes
    }
}

impl Role {
    fn of(crossing: &Crossing) -> Role {
        let moves = crossing.function.as_deref().and_then(Moves::of);
        match (&crossing.kind, moves) {
            // Such a call makes a subtask whatever it moves.
            (CrossingKind::Lower, moves) if crossing.is_async => {
                Role::AsyncLower(moves.unwrap_or(Moves::NONE))
            }
            (CrossingKind::Lower, Some(moves)) => Role::Lower(moves),
            (CrossingKind::Lift, Some(moves)) if crossing.is_async => Role::AsyncLift(moves),
            (CrossingKind::Lift, Some(moves)) => Role::Lift(moves),
            (CrossingKind::Callback, _) => Role::Callback,
            (CrossingKind::Builtin(builtin), _) => match builtin {
                Builtin::ResourceNew(resource) => Role::New(resource.clone()),
                Builtin::ResourceRep(resource) => Role::Rep(resource.clone()),
                Builtin::ResourceDrop(resource) => Role::Drop(resource.clone()),
                Builtin::TaskReturn(Some(ty)) if holds_handles(ty) => Role::TaskReturn(ty.clone()),
                Builtin::TaskReturn(_) => Role::None,
                builtin => Role::Builtin(builtin.clone()),
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
            (Role::AsyncLower(moves), _) => {
                let boundary = Boundary::Lowered { is_async: true };
                let args = moves.arguments(store, instance, crossing, boundary, args);
                Some(What::Calls(args))
            }
            (Role::TaskReturn(ty), _) => {
                with_lifter(store, instance, crossing, LIMITS, |lifter, _| {
                    lifter.task_return(Some(ty), args)
                })
                .flatten()
                .map(|result| What::TaskReturns(Box::new(result)))
            }
            (Role::Builtin(builtin), _) => builtin::calling(builtin, args),
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
            (Role::AsyncLower(moves), _, Some(CoreValue::I32(status))) => {
                if let LoweredAnswer::Pending { subtask, .. } =
                    LoweredAnswer::of(status.cast_unsigned())
                {
                    return Some(What::Pends { subtask });
                }
                let boundary = Boundary::Lowered { is_async: true };
                Some(What::Returns(
                    moves.result(store, instance, crossing, boundary, args, results),
                ))
            }
            (Role::Builtin(builtin), ..) => builtin::returning(builtin, results),
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
        let (moves, lift) = match self {
            Role::Lift(moves) => (moves, Lift::Sync),
            Role::AsyncLift(moves) => (moves, Lift::AsyncCallback),
            _ => return None,
        };
        let boundary = Boundary::Lifted(lift);
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
    const NONE: Moves = Moves {
        params: false,
        result: false,
        method: None,
    };

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
            params: others || first.is_some_and(holds_handles),
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
        if !self.params && !self.result {
            return Box::default();
        }
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
