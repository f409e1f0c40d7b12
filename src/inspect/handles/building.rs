//! A history of handle tables while the recording is replayed.

use super::history::{HandleHistory, InstanceFinding, Tables};
use super::pending::{Crossed, Pending};
use super::problem::{MOST_ENTRIES, Overfull};
use super::roles::{Role, Roles};
use super::stored_step::{StoredStep, What, When};
use super::table::{Change, HandleTable};
use crate::component::types::{CoreValue, Resource};
use crate::component::{BodyId, Builtin, Component, CrossingKind};
use crate::replay::{Calling, Entering, Observer, State};
use crate::trace::{Instance, Trace};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// Steps between two snapshots, at least: taking so many takes a millisecond or
/// two.
const SNAPSHOT_EVERY: usize = 1000;
/// Findings kept: where a handle was missed, every later step that has it is one.
const MAX_FINDINGS: usize = 1000;
/// The steps are kept in two halves, and the older one goes when the newer one weighs so
/// much, in values of about a hundred bytes: with their snapshots they take some 60 MB.
const HALF: usize = 1 << 17;

/// Who is told of each change, and of the instance in whose table it is.
pub(super) type Telling = Box<dyn FnMut(Instance, &Change) + Send>;

/// A history while the recording is replayed.
pub(in crate::inspect) struct Building {
    component: Arc<Component>,
    pub(in crate::inspect) history: HandleHistory,
    next_snapshot: usize,
    /// How many steps came before the newer half, and what that weighs.
    middle: usize,
    weight: usize,
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
                forgotten: (0, None),
                steps: VecDeque::new(),
                snapshots: Vec::new(),
                end: Tables::new(),
                findings: Vec::new(),
                findings_left_off: 0,
                events: 0,
                overfull: None,
                shuffled,
            },
            component,
            next_snapshot: SNAPSHOT_EVERY,
            middle: 0,
            weight: 0,
            pending: Pending::default(),
            until: None,
            told: None,
            is_done: false,
        }
    }

    fn step(&mut self, step: StoredStep) {
        if self.is_done || self.history.overfull.is_some() {
            return;
        }
        if self.until.is_some_and(|until| step.when > until) {
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
            self.weight += step.what.weight();
            history.steps.push_back(step);
            self.snapshot_if_due(kept);
        }
    }

    fn step_of_entry(&mut self, events: u64, entry: &Entering<'_>, what: What) {
        self.step(StoredStep {
            when: When::after(events),
            event: events.saturating_sub(1),
            instance: entry.instance,
            crossing: entry.crossing,
            what,
        });
    }

    /// Large tables are copied less often: all copies together take no more room
    /// than the steps do.
    fn snapshot_if_due(&mut self, kept: usize) {
        let history = &mut self.history;
        let steps = history.forgotten.0 + history.steps.len();
        let is_full = self.weight >= HALF;
        if !is_full && steps < self.next_snapshot {
            return;
        }
        if is_full {
            let older = self.middle - history.forgotten.0;
            if let Some(last) = older.checked_sub(1) {
                let last = history.steps.get(last).map(|step| step.when);
                history.forgotten = (self.middle, last);
                history.steps.drain(..older);
                history
                    .snapshots
                    .retain(|(before, _)| *before >= self.middle);
            }
            (self.middle, self.weight) = (steps, 0);
        }
        history.snapshots.push((steps, history.end.clone()));
        self.next_snapshot = steps.saturating_add(SNAPSHOT_EVERY.max(kept.saturating_mul(4)));
    }
}

impl Building {
    /// As [`Observer::calling`].
    pub(in crate::inspect) fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) {
        self.history.events = store.data().events();
        let role = self.history.roles.get(call.crossing);
        let what =
            role.and_then(|role| role.calling(store, call.instance, call.crossing, &call.args));
        if let Some(what) = what {
            self.step(StoredStep {
                when: When::at_call(call.event),
                event: call.event,
                instance: call.instance,
                crossing: call.crossing,
                what,
            });
        }
    }

    /// As [`Observer::returning`].
    pub(in crate::inspect) fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) {
        let role = self.history.roles.get(call.crossing);
        let Some(role) = role.cloned() else {
            return;
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
            self.step(StoredStep {
                when: When::after(store.data().events()),
                event: call.event,
                instance,
                crossing,
                what,
            });
        }
    }

    /// As [`Observer::entering`].
    pub(in crate::inspect) fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) {
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
    }

    /// As [`Observer::leaving`].
    pub(in crate::inspect) fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) {
        let role = self.history.roles.get(entry.crossing);
        let what = role.and_then(|role| {
            role.leaving(store, entry.instance, entry.crossing, entry.args, results)
        });
        if let Some(what) = what {
            self.step_of_entry(store.data().events(), entry, what);
        }
    }
}

/// The error by which an observer ends a replay whose answer nobody waits for any more.
pub(in crate::inspect) fn unwanted() -> wasmtime::Error {
    wasmtime::Error::msg("nobody wants to know any more")
}

/// The observer that collects steps. It shares them with its maker, as the replay
/// keeps observers to itself.
pub(super) struct Watching(pub(super) Arc<Mutex<Building>>);

impl Observer for Watching {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let mut building = self.0.lock();
        building.calling(store, call);
        match building.is_done {
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
        self.0.lock().returning(store, call, results);
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.0.lock().entering(store, entry);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.0.lock().leaving(store, entry, results);
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
