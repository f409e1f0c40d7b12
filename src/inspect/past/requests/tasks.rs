//! Whose turn it is when a callback is called: requests of WASI 0.3 wait in one instance, and
//! an event goes to the one that waits for it.
//!
//! Three things tell, in this order: that only one waits; the waitable set that it has named
//! when it began to wait, as a member of that has the event; and what it has left in its
//! task-local storage, which it asks for first when it goes on.

use crate::component::CrossingId;
use crate::component::status::{CallbackAnswer, EventCode};
use crate::trace::Instance;
use std::collections::HashMap;

/// So many tasks in progress are told apart: a callback is looked for among all of them.
const MOST: usize = 1 << 12;
/// So many waitables are remembered.
const MOST_JOINED: usize = 1 << 16;

/// Identifies a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TaskId(u64);

#[derive(Debug, Clone, Copy)]
struct Task {
    instance: Instance,
    /// The function that it is a call of.
    function: CrossingId,
    /// The request that it is for; none if it is another function's.
    request: Option<u32>,
    /// What it waits for; nothing while it runs.
    waits: Option<Waits>,
    /// What it has left in its task-local storage.
    context: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// For its turn.
    Turn,
    /// For an event of this waitable set.
    Set(u32),
}

/// The tasks that are in progress.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    next: u64,
    tasks: HashMap<TaskId, Task>,
    sets: HashMap<(Instance, u32), u32>,
}

impl Tasks {
    /// A function was called.
    pub(super) fn begin(
        &mut self,
        instance: Instance,
        function: CrossingId,
        request: Option<u32>,
    ) -> Option<TaskId> {
        if self.tasks.len() >= MOST {
            return None;
        }
        let id = TaskId(self.next);
        self.next += 1;
        self.tasks.insert(
            id,
            Task {
                instance,
                function,
                request,
                waits: None,
                context: 0,
            },
        );
        Some(id)
    }

    /// A waitable was put into a set; set 0 is none.
    pub(super) fn join(&mut self, instance: Instance, waitable: u32, set: u32) {
        if set == 0 {
            self.sets.remove(&(instance, waitable));
        } else if self.sets.len() < MOST_JOINED {
            self.sets.insert((instance, waitable), set);
        }
    }

    /// What a task leaves in its storage.
    pub(super) fn leave_context(&mut self, id: TaskId, context: u64) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.context = context;
        }
    }

    /// What a task, or a callback of it, answers; whether it is done.
    pub(super) fn answer(&mut self, id: TaskId, answer: u32) -> bool {
        let waits = match CallbackAnswer::of(answer) {
            CallbackAnswer::Yield => Waits::Turn,
            CallbackAnswer::Wait(set) => Waits::Set(set),
            CallbackAnswer::Exit | CallbackAnswer::Unknown(_) => {
                self.tasks.remove(&id);
                return true;
            }
        };
        if let Some(task) = self.tasks.get_mut(&id) {
            task.waits = Some(waits);
        }
        false
    }

    /// Whose callback is called; `None` if the event does not tell.
    pub(super) fn called_back(
        &self,
        instance: Instance,
        function: CrossingId,
        event: u32,
        waitable: u32,
    ) -> Option<TaskId> {
        let waits = match EventCode::of(event) {
            Some(EventCode::None) => Some(Waits::Turn),
            Some(EventCode::TaskCancelled) => None,
            _ => self
                .sets
                .get(&(instance, waitable))
                .map(|set| Waits::Set(*set)),
        };
        let of_it = |task: &Task| {
            (task.instance, task.function) == (instance, function) && task.waits.is_some()
        };
        let alone = self.only(of_it);
        alone.or_else(|| self.only(|task| of_it(task) && waits.is_some() && task.waits == waits))
    }

    /// Who waits and has left this in its storage.
    pub(super) fn with_context(
        &self,
        instance: Instance,
        function: CrossingId,
        context: u64,
    ) -> Option<TaskId> {
        let of_it = |task: &Task| (task.instance, task.function) == (instance, function);
        let left = |task: &Task| task.waits.is_some() && task.context == context && context != 0;
        self.only(|task| of_it(task) && left(task))
    }

    /// The task goes on.
    pub(super) fn go_on(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.waits = None;
        }
    }

    pub(super) fn request_of(&self, id: TaskId) -> Option<u32> {
        self.tasks.get(&id)?.request
    }

    /// The one that is like this, if there is one only.
    fn only(&self, is_like: impl Fn(&Task) -> bool) -> Option<TaskId> {
        let mut found = self.tasks.iter().filter(|(_, task)| is_like(task));
        let (first, _) = found.next()?;
        found.next().is_none().then_some(*first)
    }
}
