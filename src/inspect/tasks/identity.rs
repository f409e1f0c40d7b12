//! Whose turn it is when a callback is called: many tasks may wait in one instance, and an event goes
//! to the one that waits for it.
//!
//! Three things tell, in this order: that only one waits; the waitable set that it has named when it
//! began to wait, as a member of that has the event; and what it has left in its task-local storage, which
//! it asks for first when it goes on.

use super::state::{Task, TaskId, TaskState, Tasks};
use super::step::Told;
use crate::component::CrossingId;
use crate::trace::Instance;

/// Among more tasks than this, one is not looked for.
const MOST: usize = 1 << 12;

impl Tasks {
    /// Whose callback is called; `None` if the event does not tell.
    pub(super) fn called_back(
        &self,
        instance: Instance,
        function: CrossingId,
        told: &Told,
    ) -> Option<TaskId> {
        let of_it = |task: &Task| {
            (task.instance, task.function) == (instance, function) && task.is_suspended()
        };
        let alone = self.only(of_it);
        let set = match told {
            Told::Subtask { index, .. } | Told::Copied { index, .. } => {
                self.item(instance, *index).and_then(|item| item.set())
            }
            Told::Nothing | Told::Cancelled | Told::Unknown => None,
        };
        let is_its_turn = |task: &Task| match (told, task.state) {
            (Told::Nothing, TaskState::Yielded { .. }) => true,
            (_, TaskState::Waiting { set: waits, .. }) => set == Some(waits),
            _ => false,
        };
        alone.or_else(|| self.only(|task| of_it(task) && is_its_turn(task)))
    }

    /// Who waits and has left this in a slot of its storage.
    pub(super) fn with_context(
        &self,
        instance: Instance,
        function: CrossingId,
        (slot, value): (u32, u64),
    ) -> Option<TaskId> {
        let left = |task: &Task| {
            let context = task.context.get(slot as usize).copied().flatten();
            (task.instance, task.function) == (instance, function)
                && task.is_suspended()
                && value != 0
                && context == Some(value)
        };
        self.only(left)
    }

    /// The one that is like this, if there is one only.
    fn only(&self, is_like: impl Fn(&Task) -> bool) -> Option<TaskId> {
        if self.tasks.len() > MOST {
            return None;
        }
        let mut found = self.tasks.values().filter(|task| is_like(task));
        let first = found.next()?;
        found.next().is_none().then_some(first.id)
    }
}

impl Task {
    /// Whether it has returned to the runtime and may go on.
    pub fn is_suspended(&self) -> bool {
        matches!(
            self.state,
            TaskState::Waiting { .. } | TaskState::Yielded { .. }
        )
    }
}
