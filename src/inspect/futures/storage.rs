//! What the tasks of a component have left in their storage: by that a runtime finds again what
//! a task has still to do.

use crate::component::status::CallbackAnswer;
use crate::component::types::CoreValue;
use crate::component::{Builtin, Component, CrossingId, CrossingKind};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::tasks::TaskId;
use crate::trace::{Event, EventKind, Instance, Trace};
use std::collections::BTreeMap;

/// After so many events, what is known is kept.
const KEPT_EVERY: u64 = 4096;
/// Tasks, and calls in one another, that are followed.
const MOST: usize = 1 << 14;

/// A task that is in progress, and has left something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The component instance that it is a task of.
    pub instance: Instance,
    /// The function that it is a call of.
    pub function: CrossingId,
    /// Its number: calls of exported functions are counted from 1.
    pub id: TaskId,
    /// What it has left.
    pub storage: u64,
    /// Whether its code runs, or has called out.
    pub is_running: bool,
}

/// A call into the guest.
#[derive(Debug, Clone)]
struct Call {
    instance: Instance,
    function: CrossingId,
    storage: u64,
    /// The task, once it is known whose turn it is.
    task: Option<TaskId>,
}

/// What is known at one event.
#[derive(Debug, Clone, Default)]
struct Moment {
    /// By the instance and what is stored: two tasks at the same time never have the same.
    tasks: BTreeMap<(u32, u64), Stored>,
    /// Calls of exported functions so far.
    begun: u64,
    calls: Vec<Call>,
    /// The built-in that is called: which slot it asks for.
    asking: bool,
}

/// What tasks have left, at any event.
#[derive(Debug, Clone, Default)]
pub struct Storage {
    /// By hostcalls made before.
    kept: BTreeMap<u64, Moment>,
}

impl Storage {
    /// The tasks when so many hostcalls had been made and so many calls into the guest are in
    /// progress, as far as the recording can be read.
    pub fn at(&mut self, trace: &Trace, event: u64, depth: usize) -> Vec<Stored> {
        let component = trace.component();
        let is_storage = |crossing: &crate::component::Crossing| {
            matches!(crossing.builtin(), Some(Builtin::ContextSet(_)))
        };
        if !component.crossings().iter().any(is_storage) {
            return Vec::new();
        }
        let from = self.kept.range(..=event).next_back();
        let (begin, mut moment) = match from {
            Some((event, moment)) => (*event, moment.clone()),
            None => (0, Moment::default()),
        };
        let cursor = match begin {
            0 => Ok(trace.events()),
            begin => trace.events_from(begin),
        };
        let Ok(mut cursor) = cursor else {
            return Vec::new();
        };
        loop {
            let before = cursor.event();
            let is_call = match cursor.peek() {
                Ok(Some(next)) => matches!(next.kind, EventKind::Call(_)),
                // What cannot be read is not known.
                Ok(None) | Err(_) => break,
            };
            if is_call && before >= event {
                break;
            }
            // What comes between two hostcalls may lie behind.
            if before >= event && moment.calls.len() == depth {
                break;
            }
            if is_call && before > begin && before.is_multiple_of(KEPT_EVERY) {
                self.kept.insert(before, moment.clone());
            }
            let Ok(Some(next)) = cursor.next() else { break };
            moment.take(component, &next);
        }
        let calls = moment.calls;
        let tasks = moment.tasks.into_values().map(|task| Stored {
            is_running: calls
                .iter()
                .any(|call| (call.instance, call.storage) == (task.instance, task.storage)),
            ..task
        });
        tasks.collect()
    }
}

impl Moment {
    fn take(&mut self, component: &Component, event: &Event) {
        let Some(crossing) = component.crossing(event.crossing) else {
            return;
        };
        match &event.kind {
            EventKind::Enter(_) => {
                let begins = crossing.kind == CrossingKind::Lift;
                self.begun += u64::from(begins);
                // Deeper ones are not followed; what they leave is not, either.
                if self.calls.len() < MOST {
                    self.calls.push(Call {
                        instance: event.instance,
                        function: event.crossing,
                        storage: 0,
                        task: begins.then_some(TaskId(self.begun)),
                    });
                }
            }
            EventKind::Leave(results) => {
                // Of those whose stacks wait, others may have been entered later.
                let is_it = |call: &Call| {
                    (call.instance, call.function) == (event.instance, event.crossing)
                };
                let Some(at) = self.calls.iter().rposition(is_it) else {
                    return;
                };
                let call = self.calls.remove(at);
                let is_task = crossing.kind == CrossingKind::Callback
                    || crossing.kind == CrossingKind::Lift && crossing.is_async;
                let answer = number(results.first()).and_then(|n| u32::try_from(n).ok());
                if is_task && answer.map(CallbackAnswer::of) == Some(CallbackAnswer::Exit) {
                    self.tasks.remove(&(call.instance.0, call.storage));
                }
            }
            EventKind::Call(args) => match crossing.builtin() {
                Some(Builtin::ContextSet(0)) => self.left(event.instance, args.first()),
                Some(Builtin::ContextGet(0)) => self.asking = true,
                _ => {}
            },
            EventKind::Return(results) => {
                if std::mem::take(&mut self.asking)
                    && let (Some(call), Some(value)) =
                        (self.calls.last_mut(), number(results.first()))
                    && value != 0
                {
                    call.storage = value;
                    let known = self.tasks.get(&(call.instance.0, value));
                    call.task = call.task.or(known.map(|task| task.id));
                }
            }
            EventKind::Write { .. } | EventKind::Hash(_) | EventKind::Resume(_) => {}
        }
    }

    /// A task leaves something. Nothing is what runtimes leave while the task runs.
    fn left(&mut self, instance: Instance, value: Option<&CoreValue>) {
        let (Some(call), Some(storage)) = (self.calls.last_mut(), number(value)) else {
            return;
        };
        let Some(id) = call.task else {
            return;
        };
        if storage == 0 || call.storage == storage || self.tasks.len() >= MOST {
            return;
        }
        // What it had left before is of no use any more.
        self.tasks.remove(&(instance.0, call.storage));
        call.storage = storage;
        let task = Stored {
            instance,
            function: call.function,
            id,
            storage,
            is_running: false,
        };
        self.tasks.insert((instance.0, storage), task);
    }
}
