//! The handle tables of a recording's component instances over time.
//!
//! One replay of the whole recording tells every step that the tables take. The
//! steps are kept, with the tables as they were here and there, so that the tables
//! of any moment are a few steps away.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::{EndedEntry, Ending, EntryKind, HandleEntry};
use super::pending::{Crossed, Pending};
use super::problem::{Finding, Mismatch};
use super::roles::{Role, Roles};
use super::stored_step::{StoredStep, What, When};
use super::table::{Change, HandleTable};
use crate::component::types::{CoreValue, Resource};
use crate::component::{BodyId, Builtin, Component, CrossingKind};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, ReplayError, State};
use crate::trace::{Instance, Outcome, Trace};
use parking_lot::Mutex;
use wasmtime::StoreContextMut;

/// The tables of all instances.
type Tables = BTreeMap<Instance, HandleTable>;

/// Steps between two snapshots, at least: taking so many takes a millisecond or
/// two.
const SNAPSHOT_EVERY: usize = 1000;
/// What an entry of a table takes, in bytes, with its part of the tree that it is in.
const ENTRY: usize = size_of::<EndedEntry>() * 3 / 2;
/// Findings kept: where a handle was missed, every later step that has it is one.
const MAX_FINDINGS: usize = 1000;

/// What happens to a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleChange {
    /// It comes into a table: the guest makes it or receives it.
    Created,
    /// The guest drops it; to pass it on does not count.
    Dropped,
}

/// The handle tables of a recording's component instances over time.
#[derive(Debug)]
pub struct HandleHistory {
    roles: Roles,
    /// The tables before the first step: one for each instance that takes any.
    empty: Tables,
    steps: Vec<StoredStep>,
    /// The tables after so many steps, in order.
    snapshots: Vec<(usize, Tables)>,
    end: Tables,
    findings: Vec<InstanceFinding>,
    findings_left_off: u64,
    events: u64,
}

/// A handle that does not fit the table of its instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFinding {
    /// The instance whose table it is.
    pub instance: Instance,
    /// Which handle, when, and what is wrong with it.
    pub finding: Finding,
}

impl HandleHistory {
    /// Replays a recording, compiled in the fast variant, and keeps what happens to
    /// its handles. Where replay fails, as the recording is damaged, what happened up to
    /// there is kept.
    pub fn build(
        trace: Arc<Trace>,
        compiled: &Compiled,
    ) -> (HandleHistory, Result<(), HistoryError>) {
        let component = trace.component().clone();
        let building = Building::new(component.clone());
        let building = Arc::new(Mutex::new(building));
        let room = room(&trace);
        let observer = Box::new(Watching {
            building: building.clone(),
            room,
        });
        let replay = Replay::new(trace, compiled, observer);
        let ended = replay.and_then(|mut replay| replay.run());
        let building = std::mem::replace(&mut *building.lock(), Building::new(component));
        let ended = match building.taken() <= room {
            true => ended.map(drop).map_err(HistoryError::Replay),
            false => Err(TooLarge { room }.into()),
        };
        (building.finish(), ended)
    }

    /// The tables as they are at the call out with this number: while it is in
    /// progress, its arguments passed but not answered, or before it.
    pub fn at(&self, event: u64, in_call: bool) -> Vec<(Instance, HandleTable)> {
        let until = match in_call {
            true => When::at_call(event),
            false => When::after(event),
        };
        let count = self.steps.partition_point(|step| step.when <= until);
        let snapshot = self.snapshots.partition_point(|(steps, _)| *steps <= count);
        let mut tables = self.empty.clone();
        let mut done = 0;
        if let Some((steps, snapshot)) = snapshot
            .checked_sub(1)
            .and_then(|last| self.snapshots.get(last))
        {
            done = *steps;
            tables.extend(
                snapshot
                    .iter()
                    .map(|(instance, table)| (*instance, table.clone())),
            );
        }
        for step in self.steps.get(done..count).unwrap_or_default() {
            if let Some(table) = tables.get_mut(&step.instance) {
                self.roles.apply(step, table);
            }
        }
        tables.into_iter().collect()
    }

    /// The tables at the end of the recording: what is in them was never dropped.
    pub fn end(&self) -> Vec<(Instance, HandleTable)> {
        let tables = self.end.iter();
        tables
            .map(|(instance, table)| (*instance, table.clone()))
            .collect()
    }

    /// Calls `visit` with every entry that ended in the course of the recording, in
    /// the order in which they did.
    pub fn each_ended(&self, mut visit: impl FnMut(Instance, &EndedEntry)) {
        let mut tables = self.empty.clone();
        for step in &self.steps {
            let Some(table) = tables.get_mut(&step.instance) else {
                continue;
            };
            for change in self.roles.apply(step, table) {
                if let Change::Ended(past) = change {
                    visit(step.instance, &past);
                }
            }
        }
    }

    /// The numbers of the calls out at which handles came or went, ascending: those
    /// whose resource type has this in its name, or all. What came with a call into
    /// the guest counts for the last call out before that.
    pub fn changes(&self, change: HandleChange, resource: Option<&str>) -> Vec<u64> {
        let is_wanted = |entry: &HandleEntry| match (&entry.kind, resource) {
            (_, None) => true,
            (EntryKind::Own(of) | EntryKind::Borrow(of), Some(wanted)) => {
                let name = of.name.as_ref().map(ToString::to_string);
                name.is_some_and(|name| name.contains(wanted))
            }
            (_, Some(_)) => false,
        };
        let mut events = Vec::new();
        self.each_ended(|_, past| match change {
            _ if !is_wanted(&past.entry) => {}
            HandleChange::Created => events.push(past.entry.created.event),
            HandleChange::Dropped if past.ending == Ending::Dropped => {
                events.push(past.ended.event);
            }
            HandleChange::Dropped => {}
        });
        if change == HandleChange::Created {
            let left = self.end.values().flat_map(HandleTable::entries);
            events.extend(left.filter(|e| is_wanted(e)).map(|e| e.created.event));
        }
        events.sort_unstable();
        events.dedup();
        events
    }

    /// The handles that did not fit their table, the first thousand of them.
    pub fn findings(&self) -> &[InstanceFinding] {
        &self.findings
    }

    /// The first handle that did not fit and yet did not end the run with this outcome:
    /// the tables of its instance are not those of the runtime from there on.
    pub fn mismatch(&self, outcome: &Outcome) -> Option<Mismatch> {
        let is_well = matches!(outcome, Outcome::Returned { .. } | Outcome::Exited(_));
        let went_on = |found: &&InstanceFinding| {
            is_well || found.finding.occasion.event.saturating_add(1) < self.events
        };
        let found = self.findings.iter().find(went_on)?;
        Some(Mismatch(found.finding.clone()))
    }

    /// How many findings there are besides.
    pub fn findings_left_off(&self) -> u64 {
        self.findings_left_off
    }

    /// How many calls out the recording has.
    pub fn events(&self) -> u64 {
        self.events
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

/// A history while the recording is replayed.
pub(in crate::inspect) struct Building {
    component: Arc<Component>,
    pub(in crate::inspect) history: HandleHistory,
    next_snapshot: usize,
    pending: Pending,
    /// What steps and snapshots take, about, in bytes.
    taken: usize,
    /// What the tables take.
    tables_taken: usize,
}

/// What may be kept of what happened in a recording, in bytes: a few bytes can repeat what
/// they say a million times.
pub(in crate::inspect) fn room(trace: &Trace) -> usize {
    const LEAST: usize = 384 << 20;
    const FOR_EACH_BYTE: usize = 64;
    let length = usize::try_from(trace.length()).unwrap_or(usize::MAX);
    length.saturating_mul(FOR_EACH_BYTE).saturating_add(LEAST)
}

/// More happened than is kept.
#[derive(Debug, thiserror::Error)]
#[error(
    "what happened to handles and what was printed up to there takes more than {} MiB of memory, \
     which is too large for a recording of this size", room >> 20
)]
pub struct TooLarge {
    /// What may be kept, in bytes.
    pub(in crate::inspect) room: usize,
}

/// Why a history ends before the recording does.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The recording cannot be replayed further.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// No more is kept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl Building {
    pub(in crate::inspect) fn new(component: Arc<Component>) -> Building {
        Building {
            history: HandleHistory {
                roles: Roles::of(&component),
                empty: Tables::new(),
                steps: Vec::new(),
                snapshots: Vec::new(),
                end: Tables::new(),
                findings: Vec::new(),
                findings_left_off: 0,
                events: 0,
            },
            component,
            next_snapshot: SNAPSHOT_EVERY,
            pending: Pending::default(),
            taken: 0,
            tables_taken: 0,
        }
    }

    /// About how much memory it takes, in bytes.
    pub(in crate::inspect) fn taken(&self) -> usize {
        self.taken.saturating_add(self.tables_taken)
    }

    fn finish(self) -> HandleHistory {
        let mut history = self.history;
        history.steps.shrink_to_fit();
        history
    }

    fn step(&mut self, step: StoredStep) {
        let (instance, crossing) = (step.instance, step.crossing);
        let component = &self.component;
        let history = &mut self.history;
        let table = history.end.entry(instance).or_insert_with(|| {
            let body = component.crossing(crossing).map(|crossing| crossing.body);
            let table = HandleTable::new(body.map_or_else(Vec::new, |id| defined(component, id)));
            history.empty.insert(instance, table.clone());
            table
        });
        for change in history.roles.apply(&step, table) {
            let Change::Wrong(finding) = change else {
                continue;
            };
            if history.findings.len() < MAX_FINDINGS {
                history.findings.push(InstanceFinding { instance, finding });
            } else {
                history.findings_left_off += 1;
            }
        }
        self.taken += step.taken();
        history.steps.push(step);
        // Counting the tables' entries at each step would take longer than the step.
        const COUNT_EVERY: usize = 1024;
        if history.steps.len().is_multiple_of(COUNT_EVERY) {
            let kept: usize = history.end.values().map(HandleTable::kept).sum();
            self.tables_taken = kept.saturating_mul(ENTRY);
        }
        self.snapshot_if_due();
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
    fn snapshot_if_due(&mut self) {
        let history = &mut self.history;
        let steps = history.steps.len();
        if steps < self.next_snapshot {
            return;
        }
        history.snapshots.push((steps, history.end.clone()));
        let kept: usize = history.end.values().map(HandleTable::kept).sum();
        self.taken += kept.saturating_mul(ENTRY);
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

/// The observer that collects steps. It shares them with its maker, as the replay
/// keeps observers to itself.
struct Watching {
    building: Arc<Mutex<Building>>,
    room: usize,
}

impl Observer for Watching {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let mut building = self.building.lock();
        building.calling(store, call);
        let room = self.room;
        match building.taken() <= room {
            true => Ok(()),
            false => Err(wasmtime::Error::new(TooLarge { room })),
        }
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.building.lock().returning(store, call, results);
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.building.lock().entering(store, entry);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.building.lock().leaving(store, entry, results);
        Ok(())
    }
}
