//! The tasks of a recording over time.
//!
//! A replay tells every step; the last of them are kept, as for handle tables. What is not kept
//! any more is told by another replay.

use super::apply::Became;
use super::observing::Observing;
use super::state::{Item, Task, TaskId, Tasks, Unused};
use super::step::Step;
use crate::component::types::CoreValue;
use crate::component::{Component, CrossingId};
use crate::inspect::past::steps::{Steps, When};
use crate::inspect::past::wanted::unwanted;
use crate::replay::{Calling, Entering, Observer, State};
use crate::trace::{Instance, Trace};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// Tasks that have ended, the last of which are remembered.
const MOST_ENDED: usize = 1 << 14;
/// So many tasks, subtasks, sets and ends may there be at one moment.
const MOST_PARTS: usize = 1 << 18;

/// The tasks of a recording over time.
#[derive(Debug)]
pub struct TaskHistory {
    component: Arc<Component>,
    steps: Steps<Step, Tasks>,
    end: Tasks,
    ended: VecDeque<EndedTask>,
    ended_left_off: u64,
    unused: Vec<Unused>,
    /// How many calls out have been made.
    events: u64,
    /// The last of them, while it has not returned: not all are steps.
    open: Option<(u64, Instance, CrossingId)>,
    /// Only the tasks of that moment are wanted.
    until: Option<When>,
    is_done: bool,
    /// The event from which on there were too many.
    overfull: Option<u64>,
}

/// A task that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedTask {
    /// As it was then.
    pub task: Task,
    /// When it ended.
    pub ended: u64,
}

/// Why the tasks of a moment are not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// Another replay tells.
    #[error("the tasks of so long ago are not kept")]
    Forgotten,
    /// No replay tells.
    #[error("from event {0} on there are too many tasks, streams and futures to be kept")]
    Overfull(u64),
}

impl TaskHistory {
    pub(in crate::inspect) fn new(component: Arc<Component>) -> TaskHistory {
        TaskHistory {
            component,
            steps: Steps::default(),
            end: Tasks::default(),
            ended: VecDeque::new(),
            ended_left_off: 0,
            unused: Vec::new(),
            events: 0,
            open: None,
            until: None,
            is_done: false,
            overfull: None,
        }
    }

    pub(super) fn step(&mut self, when: When, step: Step) {
        if self.is_done || self.overfull.is_some() {
            return;
        }
        if self.until.is_some_and(|until| when > until) {
            self.is_done = true;
            return;
        }
        let (ended, unused) = (&mut self.ended, &mut self.unused);
        let left_off = &mut self.ended_left_off;
        let mut became = |what: Became| match what {
            Became::Ended(task) => {
                if ended.len() >= MOST_ENDED {
                    ended.pop_front();
                    *left_off += 1;
                }
                ended.push_back(EndedTask {
                    task,
                    ended: step.event,
                });
            }
            Became::Unused(end) if unused.len() < MOST_ENDED => unused.push(end),
            Became::Unused(_) => {}
        };
        self.end.apply(&self.component, &step, &mut became);
        let parts = self.end.parts();
        if parts > MOST_PARTS {
            self.overfull = Some(step.event);
        }
        if self.until.is_none() {
            let weight = step.what.weight();
            self.steps.push(when, step, weight, (&self.end, parts));
        }
    }

    /// The tasks as they are at the call out of the recording with this number: while it is in
    /// progress, or before it. Who makes the call is told there, whatever it calls.
    ///
    /// # Errors
    ///
    /// If that is not kept.
    pub fn at_call(&self, trace: &Trace, event: u64, in_call: bool) -> Result<Tasks, Untold> {
        let mut tasks = self.at(event, in_call)?;
        if in_call && let Ok(Some((instance, crossing))) = trace.call_out(event) {
            tasks.is_in(&self.component, (event, instance, crossing));
        }
        Ok(tasks)
    }

    /// The same by the steps that are kept: in a program without anything asynchronous calls to the host
    /// are no steps.
    ///
    /// # Errors
    ///
    /// If that is not kept.
    pub fn at(&self, event: u64, in_call: bool) -> Result<Tasks, Untold> {
        if let Some(from) = self.overfull.filter(|from| *from <= event) {
            return Err(Untold::Overfull(from));
        }
        let until = When::asked(event, in_call);
        let (snapshot, steps) = self.steps.until(until).ok_or(Untold::Forgotten)?;
        let mut tasks = snapshot.cloned().unwrap_or_default();
        for step in steps {
            tasks.apply(&self.component, step, &mut |_| {});
        }
        Ok(tasks)
    }

    /// The tasks at the end of the recording, or as far as the replay has come.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub fn end(&self) -> Result<Tasks, Untold> {
        if let Some(from) = self.overfull {
            return Err(Untold::Overfull(from));
        }
        let mut end = self.end.clone();
        if let Some(open) = self.open {
            end.is_in(&self.component, open);
        }
        Ok(end)
    }

    /// The last tasks that ended before so many calls out were made, the last one first.
    pub fn ended(&self, before: u64) -> impl Iterator<Item = &EndedTask> {
        let ended = self.ended.iter().rev();
        ended.filter(move |ended| ended.ended <= before)
    }

    /// A task that has ended, if it is remembered.
    pub fn ended_task(&self, id: TaskId) -> Option<&EndedTask> {
        self.ended.iter().find(|ended| ended.task.id == id)
    }

    /// How many more have ended than are remembered.
    pub fn ended_left_off(&self) -> u64 {
        self.ended_left_off
    }

    /// Ends that were never read or written: those that were dropped so far, the first of them, and
    /// those that are left.
    pub fn unused(&self) -> Vec<Unused> {
        let left = self.end.all_items().filter_map(|(instance, index, item)| {
            let Item::End(end) = item else {
                return None;
            };
            let channel = self.end.channel(end.channel)?;
            end.is_unused().then(|| Unused {
                instance,
                index,
                channel: channel.text(),
                dropped: None,
                end: end.clone(),
            })
        });
        self.unused.iter().cloned().chain(left).collect()
    }

    /// How many calls out have been made.
    pub fn events(&self) -> u64 {
        self.events
    }
}

/// A history while the recording is replayed.
pub(in crate::inspect) struct Building {
    observing: Observing,
    pub(in crate::inspect) history: TaskHistory,
}

impl Building {
    pub(in crate::inspect) fn new(trace: &Trace) -> Building {
        let component = trace.component().clone();
        Building {
            observing: Observing::new(component.clone()),
            history: TaskHistory::new(component),
        }
    }

    /// The same, for the tasks of one moment.
    pub(in crate::inspect) fn until(trace: &Trace, until: When) -> Building {
        let mut building = Building::new(trace);
        building.history.until = Some(until);
        building
    }

    /// Whether nothing that comes is of interest any more.
    pub(in crate::inspect) fn is_done(&self) -> bool {
        self.history.is_done
    }

    /// As [`Observer::calling`].
    pub(in crate::inspect) fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) {
        self.history.events = store.data().events();
        let now = When::at_call(call.event);
        if self.history.until.is_some_and(|until| now > until) {
            self.history.is_done = true;
        } else {
            self.history.open = Some((call.event, call.instance, call.crossing));
        }
        let what = self.observing.calling(store, call);
        let (when, of) = (When::at_call(call.event), (call.instance, call.crossing));
        Observing::step(&mut self.history, when, call.event, of, what);
    }

    /// As [`Observer::returning`].
    pub(in crate::inspect) fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) {
        // Where the moment in a call is wanted, it stays so.
        if self.history.until != Some(When::at_call(call.event)) {
            let is_it = |open: &mut (u64, Instance, CrossingId)| open.0 == call.event;
            self.history.open.take_if(is_it);
        }
        let what = self.observing.returning(store, call, results);
        let (events, of) = (store.data().events(), (call.instance, call.crossing));
        Observing::step(&mut self.history, When::after(events), call.event, of, what);
    }

    /// As [`Observer::entering`].
    pub(in crate::inspect) fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) {
        let what = self.observing.entering(store, entry);
        let (events, of) = (store.data().events(), (entry.instance, entry.crossing));
        Observing::step(&mut self.history, When::after(events), events, of, what);
    }

    /// As [`Observer::leaving`].
    pub(in crate::inspect) fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) {
        let what = self.observing.leaving(store, entry, results);
        let (events, of) = (store.data().events(), (entry.instance, entry.crossing));
        Observing::step(&mut self.history, When::after(events), events, of, what);
    }
}

/// The observer that collects steps, shared with its maker.
pub(in crate::inspect) struct Watching(pub(in crate::inspect) Arc<Mutex<Building>>);

impl Observer for Watching {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let mut building = self.0.lock();
        building.calling(store, call);
        match building.is_done() {
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
