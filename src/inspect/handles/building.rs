//! A history of handle tables while the recording is replayed.

use super::history::{HandleHistory, InstanceFinding, Tables};
use super::pending::{Crossed, Pending};
use super::problem::{MOST_ENTRIES, Overfull};
use super::roles::{Role, Roles};
use super::stored_step::{StoredStep, What};
use super::table::{Change, HandleTable};
use crate::component::types::{CoreValue, Resource};
use crate::component::{BodyId, Builtin, Component, CrossingKind};
use crate::inspect::past::steps::{Steps, When};
use crate::inspect::past::wanted::unwanted;
use crate::replay::{Calling, Entering, Observer, State};
use crate::trace::{Instance, Trace};
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// Findings kept: where a handle was missed, every later step that has it is one.
const MAX_FINDINGS: usize = 1000;
/// Who is told of each change, and of the instance in whose table it is.
pub(super) type Telling = Box<dyn FnMut(Instance, &Change) + Send>;

/// A history while the recording is replayed.
pub(in crate::inspect) struct Building {
    component: Arc<Component>,
    pub(in crate::inspect) history: HandleHistory,
    pending: Pending,
    /// Only the tables are wanted, and up to that moment.
    pub(super) until: Option<When>,
    /// Everything that changes is told, and no step is kept.
    pub(super) told: Option<Telling>,
    /// Nothing that comes is of interest any more.
    pub(super) is_done: bool,
}

impl Building {
    /// Of a recording whose metadata say whether its indices are shuffled.
    pub(in crate::inspect) fn new(trace: &Trace) -> Building {
        let component = trace.component().clone();
        let shuffled = trace.metadata().handles;
        Building {
            history: HandleHistory {
                roles: Roles::of(&component),
                empty: Tables::new(),
                steps: Steps::default(),
                end: Tables::new(),
                findings: Vec::new(),
                findings_left_off: 0,
                events: 0,
                overfull: None,
                shuffled,
            },
            component,
            pending: Pending::default(),
            until: None,
            told: None,
            is_done: false,
        }
    }

    fn step(&mut self, when: When, step: StoredStep) {
        if self.is_done || self.history.overfull.is_some() {
            return;
        }
        if self.until.is_some_and(|until| when > until) {
            self.is_done = true;
            return;
        }
        let (instance, crossing) = (step.instance, step.crossing);
        let component = &self.component;
        let history = &mut self.history;
        let table = history.end.entry(instance).or_insert_with(|| {
            let body = component.crossing(crossing).map(|crossing| crossing.body);
            let defined = body.map_or_else(Vec::new, |id| defined(component, id));
            let table = match history.shuffled {
                None => HandleTable::new(defined),
                Some(_) => HandleTable::shuffled(defined),
            };
            history.empty.insert(instance, table.clone());
            table
        });
        let changes = history.roles.apply(&step, table);
        if let Some(told) = &mut self.told {
            changes.iter().for_each(|change| told(instance, change));
        }
        for change in changes {
            let Change::Wrong(finding) = change else {
                continue;
            };
            if history.findings.len() < MAX_FINDINGS {
                history.findings.push(InstanceFinding { instance, finding });
            } else {
                history.findings_left_off += 1;
            }
        }
        let kept: usize = history.end.values().map(HandleTable::kept).sum();
        if kept > MOST_ENTRIES {
            history.overfull = Some(Overfull { event: step.event });
        }
        if self.until.is_none() && self.told.is_none() {
            let weight = step.what.weight();
            history.steps.push(when, step, weight, (&history.end, kept));
        }
    }

    fn step_of_entry(&mut self, events: u64, entry: &Entering<'_>, what: What) {
        let step = StoredStep {
            event: events.saturating_sub(1),
            instance: entry.instance,
            crossing: entry.crossing,
            what,
        };
        self.step(When::after(events), step);
    }
}

impl Observer for Building {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.history.events = store.data().events();
        let role = self.history.roles.get(call.crossing);
        let what =
            role.and_then(|role| role.calling(store, call.instance, call.crossing, &call.args));
        if let Some(what) = what {
            let step = StoredStep {
                event: call.event,
                instance: call.instance,
                crossing: call.crossing,
                what,
            };
            self.step(When::at_call(call.event), step);
        }
        match self.is_done {
            true => Err(unwanted()),
            false => Ok(()),
        }
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let role = self.history.roles.get(call.crossing);
        let Some(role) = role.cloned() else {
            return Ok(());
        };
        let (instance, crossing) = (call.instance, call.crossing);
        let made = role.returning(store, instance, crossing, &call.args, results);
        let crossed = Crossed {
            instance,
            crossing,
            args: &call.args,
        };
        let completed = self.pending.returning(store, &role, crossed, results);
        for what in [made, completed].into_iter().flatten() {
            let step = StoredStep {
                event: call.event,
                instance,
                crossing,
                what,
            };
            self.step(When::after(store.data().events()), step);
        }
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        let role = self.history.roles.get(entry.crossing);
        let what = match (role, entry.args) {
            (
                Some(Role::Callback),
                &[
                    CoreValue::I32(event),
                    CoreValue::I32(waitable),
                    CoreValue::I32(code),
                ],
            ) => self.pending.told(
                store,
                entry.instance,
                event.cast_unsigned(),
                waitable.cast_unsigned(),
                code.cast_unsigned(),
            ),
            (role, args) => {
                role.and_then(|role| role.entering(store, entry.instance, entry.crossing, args))
            }
        };
        if let Some(what) = what {
            self.step_of_entry(store.data().events(), entry, what);
        }
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let role = self.history.roles.get(entry.crossing);
        let what = role.and_then(|role| {
            role.leaving(store, entry.instance, entry.crossing, entry.args, results)
        });
        if let Some(what) = what {
            self.step_of_entry(store.data().events(), entry, what);
        }
        Ok(())
    }
}

/// The resource types that a component body defines and makes resources of: no
/// handle of another of its own can exist.
fn defined(component: &Component, body: BodyId) -> Vec<Arc<Resource>> {
    let crossings = component.crossings().iter();
    let of_body = crossings.filter(|crossing| crossing.body == body);
    of_body
        .filter_map(|crossing| match &crossing.kind {
            CrossingKind::Builtin(Builtin::ResourceNew(resource)) => Some(resource.clone()),
            _ => None,
        })
        .collect()
}
