//! How it stands with a task, in words: what it does, or what it waits for.

use super::state::{InCall, Item, Task, TaskId, TaskState};
use super::words::{Words, after};
use crate::component::Builtin;

impl Words<'_> {
    /// How it stands with a task.
    pub fn state(&self, task: &Task) -> String {
        let state = self.state_known(task);
        let names = |candidates: &[TaskId]| {
            let names: Vec<String> = candidates.iter().map(|id| id.0.to_string()).collect();
            names.join(", ")
        };
        if let Some(candidates) = self.tasks.may_run(task.id) {
            let names = names(candidates);
            return format!("{state}; or it runs: the callback here is of one of tasks {names}");
        }
        match self.tasks.may_have_ended(task.id) {
            Some((candidates, event)) => {
                let names = names(candidates);
                format!("{state}; or it has ended: one of tasks {names} has, before event {event}")
            }
            None => state,
        }
    }

    fn state_known(&self, task: &Task) -> String {
        match task.state {
            TaskState::Running => "runs".to_owned(),
            TaskState::Calling(event) => {
                let calls: Vec<InCall> = self.tasks.calls_of(task.id).collect();
                match calls.as_slice() {
                    [] => format!("is in hostcall {event}"),
                    [only] => match self.waited_for(task, *only) {
                        Some(for_what) => format!("{}: {for_what}", self.stands_in(task, *only)),
                        None => self.stands_in(task, *only),
                    },
                    // Threads have a call each.
                    calls => {
                        let calls = calls.iter().map(|call| self.hostcall(*call));
                        format!("is in hostcalls {}", calls.collect::<Vec<_>>().join(", "))
                    }
                }
            }
            TaskState::Yielded { since } => format!("lets others run, {}", after(since)),
            TaskState::Waiting { set, since } => {
                let members: Vec<String> = self
                    .tasks
                    .members(task.instance, set)
                    .map(|(index, item)| self.waitable(index, item))
                    .collect();
                match members.as_slice() {
                    [] => format!("waits at set {set}, which is empty, {}", after(since)),
                    members => {
                        let members = members.join(", ");
                        format!("waits at set {set}, {}: {members}", after(since))
                    }
                }
            }
        }
    }

    /// How it stands with a task, without what it waits for.
    pub(super) fn stands(&self, task: &Task) -> String {
        match task.state {
            TaskState::Waiting { set, since } => format!("waits at set {set}, {}", after(since)),
            TaskState::Calling(_) => {
                let mut calls = self.tasks.calls_of(task.id);
                match (calls.next(), calls.next()) {
                    (Some(only), None) => self.stands_in(task, only),
                    _ => self.state(task),
                }
            }
            _ => self.state(task),
        }
    }

    /// How it stands with a task that is in a hostcall: a built-in may say itself what for.
    fn stands_in(&self, task: &Task, call: InCall) -> String {
        let crossing = self.component.crossing(call.crossing);
        let does = match crossing.and_then(|crossing| crossing.builtin()) {
            Some(
                Builtin::ThreadYield
                | Builtin::ThreadYieldThenResume
                | Builtin::ThreadYieldThenPromote,
            ) => "lets others run",
            Some(
                Builtin::ThreadSuspend
                | Builtin::ThreadSuspendThenResume
                | Builtin::ThreadSuspendThenPromote,
            ) => "is suspended",
            _ if self.tasks.running() == Some(task.id) => "is",
            _ => "waits",
        };
        format!("{does} in hostcall {}", self.hostcall(call))
    }

    fn hostcall(&self, call: InCall) -> String {
        format!("{} ({})", call.event, self.short(call.crossing))
    }

    /// What a hostcall waits for, if it is known.
    fn waited_for(&self, task: &Task, call: InCall) -> Option<String> {
        if let Some(callee) = call.callee {
            return Some(format!("task {}", callee.0));
        }
        if !self.may_block(call.crossing) {
            return None;
        }
        let index = call.waits_at?;
        let item = self.tasks.item(task.instance, index)?;
        Some(match item {
            Item::Set(_) => {
                let members = self.tasks.members(task.instance, index);
                let members = members.map(|(index, item)| self.waitable(index, item));
                match members.collect::<Vec<_>>().as_slice() {
                    [] => format!("set {index}, which is empty"),
                    members => format!("set {index}: {}", members.join(", ")),
                }
            }
            item => self.waitable(index, item),
        })
    }
}
