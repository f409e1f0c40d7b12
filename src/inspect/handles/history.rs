//! The handle tables of a recording's component instances over time.
//!
//! One replay of the whole recording tells every step that the tables take. The last
//! of the steps are kept, with the tables as they were here and there, so that the
//! tables of any moment among them are a few steps away. Those of moments before that
//! are told by another replay: see [`anew`](super::anew).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::building::Building;
use super::entry::{EndedEntry, Ending, EntryKind, HandleEntry};
use super::problem::{Finding, Mismatch, Overfull, Problem};
use super::roles::Roles;
use super::stored_step::StoredStep;
use super::table::{Change, HandleTable};
use crate::inspect::past::steps::{Steps, When};
use crate::replay::{Compiled, Replay, ReplayError};
use crate::trace::{Instance, Outcome, Trace};
use parking_lot::Mutex;

/// The tables of all instances.
pub(super) type Tables = BTreeMap<Instance, HandleTable>;

/// The tables of all instances, for those who ask.
pub type TableList = Vec<(Instance, HandleTable)>;

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
    pub(super) roles: Roles,
    /// The tables before the first step: one for each instance that takes any.
    pub(super) empty: Tables,
    pub(super) steps: Steps<StoredStep, Tables>,
    pub(super) end: Tables,
    pub(super) findings: Vec<InstanceFinding>,
    pub(super) findings_left_off: u64,
    pub(super) events: u64,
    /// Where the tables became too large to be kept.
    pub(super) overfull: Option<Overfull>,
    /// The seed by which the indices were shuffled.
    pub(super) shuffled: Option<u32>,
}

/// Why a history does not tell what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// The steps are not kept: a replay tells, see [`anew`](super::anew).
    #[error("the handle tables of so long ago are not kept")]
    Forgotten,
    /// No replay tells.
    #[error(transparent)]
    Overfull(#[from] Overfull),
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
    ) -> (HandleHistory, Result<(), ReplayError>) {
        let empty = Building::new(&trace);
        let building = Arc::new(Mutex::new(Building::new(&trace)));
        let replay = Replay::new(trace, compiled, Box::new(building.clone()));
        let ended = replay.and_then(|mut replay| replay.run());
        let history = std::mem::replace(&mut *building.lock(), empty).history;
        (history, ended.map(drop))
    }

    /// The tables as they are at the call out with this number: while it is in
    /// progress, its arguments passed but not answered, or before it.
    ///
    /// # Errors
    ///
    /// If that is not kept.
    pub fn at(&self, event: u64, in_call: bool) -> Result<TableList, Untold> {
        let until = When::asked(event, in_call);
        if let Some(overfull) = self.overfull.filter(|from| from.event <= event) {
            return Err(overfull.into());
        }
        let (snapshot, steps) = self.steps.until(until).ok_or(Untold::Forgotten)?;
        let mut tables = self.empty.clone();
        if let Some(snapshot) = snapshot {
            let known = snapshot.iter();
            tables.extend(known.map(|(instance, table)| (*instance, table.clone())));
        }
        for step in steps {
            if let Some(table) = tables.get_mut(&step.instance) {
                self.roles.apply(step, table);
            }
        }
        Ok(tables.into_iter().collect())
    }

    /// The tables at the end of the recording: what is in them was never dropped.
    ///
    /// # Errors
    ///
    /// If they were too large to be kept.
    pub fn end(&self) -> Result<TableList, Overfull> {
        if let Some(overfull) = self.overfull {
            return Err(overfull);
        }
        let tables = self.end.iter();
        Ok(tables
            .map(|(instance, table)| (*instance, table.clone()))
            .collect())
    }

    /// Calls `visit` with every entry that ended in the course of the recording, in
    /// the order in which they did.
    ///
    /// # Errors
    ///
    /// If not all steps are kept; then it is called with none.
    pub fn each_ended(&self, mut visit: impl FnMut(Instance, &EndedEntry)) -> Result<(), Untold> {
        let steps = self.steps.all().ok_or(Untold::Forgotten)?;
        let mut tables = self.empty.clone();
        for step in steps {
            let Some(table) = tables.get_mut(&step.instance) else {
                continue;
            };
            for change in self.roles.apply(step, table) {
                if let Change::Ended(past) = change {
                    visit(step.instance, &past);
                }
            }
        }
        Ok(())
    }

    /// The numbers of the calls out at which handles came or went, ascending: those
    /// whose resource type has this in its name, or all. What came with a call into
    /// the guest counts for the last call out before that.
    ///
    /// # Errors
    ///
    /// If not all steps are kept.
    pub fn changes(
        &self,
        change: HandleChange,
        resource: Option<&str>,
    ) -> Result<Vec<u64>, Untold> {
        let mut moments = Moments::new(change, resource);
        self.each_ended(|_, past| moments.ended(past))?;
        Ok(moments.finish(self))
    }

    /// The handles that did not fit their table, the first thousand of them.
    pub fn findings(&self) -> &[InstanceFinding] {
        &self.findings
    }

    /// What is wrong with a handle, in words; where indices are shuffled, with whose it is, as
    /// then no two instances have the same by chance.
    pub fn explained(&self, found: &InstanceFinding) -> String {
        let finding = &found.finding;
        let mut words = finding.to_string();
        let Some(seed) = self.shuffled else {
            return words;
        };
        if finding.problem == Problem::Unknown {
            let others = self.end.iter().filter(|(of, _)| **of != found.instance);
            for (of, table) in others {
                let is = table.get(finding.index).map(ToString::to_string);
                let was = || {
                    let past = table.past(finding.index)?;
                    Some(format!("{past}, and gone"))
                };
                if let Some(entry) = is.or_else(was) {
                    words.push_str(&format!("; to instance {} it was: {entry}", of.0));
                }
            }
        }
        words.push_str(&format!("; indices of handles were shuffled (seed {seed})"));
        words
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

/// The moments at which handles came or went, as they are found.
pub(super) struct Moments {
    change: HandleChange,
    resource: Option<String>,
    events: Vec<u64>,
}

impl Moments {
    pub(super) fn new(change: HandleChange, resource: Option<&str>) -> Moments {
        Moments {
            change,
            resource: resource.map(str::to_owned),
            events: Vec::new(),
        }
    }

    fn is_wanted(&self, entry: &HandleEntry) -> bool {
        match (&entry.kind, &self.resource) {
            (_, None) => true,
            (EntryKind::Own(of) | EntryKind::Borrow(of), Some(wanted)) => {
                let name = of.name.as_ref().map(ToString::to_string);
                name.is_some_and(|name| name.contains(wanted))
            }
            (_, Some(_)) => false,
        }
    }

    pub(super) fn ended(&mut self, past: &EndedEntry) {
        if !self.is_wanted(&past.entry) {
            return;
        }
        match self.change {
            HandleChange::Created => self.events.push(past.entry.created.event),
            HandleChange::Dropped if past.ending == Ending::Dropped => {
                self.events.push(past.ended.event);
            }
            HandleChange::Dropped => {}
        }
    }

    /// With what is left at the end.
    pub(super) fn finish(mut self, history: &HandleHistory) -> Vec<u64> {
        if self.change == HandleChange::Created {
            let left = history.end.values().flat_map(HandleTable::entries);
            let left = left.filter(|entry| self.is_wanted(entry));
            let created: Vec<u64> = left.map(|entry| entry.created.event).collect();
            self.events.extend(created);
        }
        self.events.sort_unstable();
        self.events.dedup();
        self.events
    }
}
