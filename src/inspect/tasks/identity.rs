//! Whose turn it is when a callback is called: many tasks may wait in one instance, and an event goes
//! to one that waits for it.
//!
//! What tells at once: that only one waits; that its caller has asked it to end, if that is what the callback is
//! told; and the waitable set that it has named when it began to wait, as a member of that has the event. Of several that wait
//! for the same set any may be called. What such a callback does then leaves fewer of them: what it finds in its
//! task-local storage, and that it returns, which each does once; that it ends, which it does when it has returned;
//! and that the caller of one is told of its result. Where there is more than one left, it is one of those.

use super::apply::At;
use super::state::{Frame, Item, Returned, Task, TaskId, TaskState, Tasks, Unknown};
use super::step::Told;
use crate::component::CrossingId;
use crate::trace::Instance;

/// Among more tasks than this, one is not looked for.
const MOST: usize = 1 << 12;

impl Tasks {
    /// Those whose callback may be called, by what it is told.
    pub(super) fn called_back(
        &self,
        instance: Instance,
        function: CrossingId,
        told: &Told,
    ) -> Vec<TaskId> {
        if self.tasks.len() > MOST {
            return Vec::new();
        }
        let waiting = self.tasks.values().filter(|task| {
            (task.instance, task.function) == (instance, function) && task.is_suspended()
        });
        let waiting: Vec<&Task> = waiting.collect();
        // Who is being asked to end right now is told so first.
        if let (Told::Cancelled, Some(id)) = (told, self.being_cancelled())
            && waiting.iter().any(|task| task.id == id)
        {
            return vec![id];
        }
        let set = match told {
            Told::Subtask { index, .. } | Told::Copied { index, .. } => {
                self.item(instance, *index).and_then(|item| item.set())
            }
            Told::Nothing | Told::Cancelled | Told::Unknown => None,
        };
        let is_its_turn = |task: &Task| match (told, task.state) {
            (Told::Nothing, TaskState::Yielded { .. }) => true,
            (Told::Cancelled, _) => self.is_asked_to_end(task),
            (_, TaskState::Waiting { set: waits, .. }) => set == Some(waits),
            _ => false,
        };
        let mut of_turn = waiting.iter().filter(|task| is_its_turn(task)).peekable();
        match of_turn.peek() {
            Some(_) => of_turn.map(|task| task.id).collect(),
            None => waiting.iter().map(|task| task.id).collect(),
        }
    }

    /// The task whose caller is in a call that asks it to end.
    fn being_cancelled(&self) -> Option<TaskId> {
        let Frame::Call {
            instance,
            waits_at: Some(index),
            ..
        } = self.frames.last()?
        else {
            return None;
        };
        match self.item(*instance, *index)? {
            Item::Subtask(subtask) if subtask.cancelled.is_some() => subtask.callee,
            _ => None,
        }
    }

    /// Whether its caller has asked a task to end, and it has not been told.
    fn is_asked_to_end(&self, task: &Task) -> bool {
        let asked = |item: &Item| {
            matches!(item, Item::Subtask(subtask)
                if subtask.callee == Some(task.id) && subtask.cancelled.is_some())
        };
        task.cancelled.is_none() && self.all_items().any(|(_, _, item)| asked(item))
    }

    /// A callback that may be of several finds this in a slot of its storage.
    pub(super) fn with_context(&mut self, at: At<'_>, (slot, value): (u32, u64)) {
        if value != 0 {
            self.narrow(at, |task, _| {
                task.context.get(slot as usize).copied().flatten() == Some(value)
            });
        }
    }

    /// A task returns: one of several, if it is not known which; with it, if it is by now.
    pub(super) fn returns_once<'a>(&mut self, at: At<'a>, returned: &Returned) -> At<'a> {
        if at.task.is_some() {
            return at;
        }
        self.narrow(at, |task, _| task.returned.is_none());
        if let Some(own) = self.unknown_of_mut(at) {
            own.returned = Some(returned.clone());
        }
        At {
            task: self.running(),
            ..at
        }
    }

    /// The caller of a task is told that it has returned: so it was that one of several.
    pub(super) fn has_returned(&mut self, id: TaskId) {
        let is_its = |(candidates, _): &(Vec<TaskId>, u64)| candidates.contains(&id);
        let has_not = self.task(id).is_some_and(|task| task.returned.is_none());
        if let Some(place) = self.unclear.iter().position(is_its)
            && has_not
        {
            self.unclear.remove(place);
            self.tasks.remove(&id);
        }
    }

    /// Of the tasks that the innermost callback of an instance may be of only these are left.
    pub(super) fn narrow(&mut self, at: At<'_>, stays: impl Fn(&Task, &Unknown) -> bool) {
        let Some(own) = self.unknown_of(at) else {
            return;
        };
        let left = own.candidates.iter().copied();
        let left = left.filter(|id| self.task(*id).is_some_and(|task| stays(task, own)));
        let left: Vec<TaskId> = left.collect();
        match left.as_slice() {
            // Nobody is like that: what is known is wrong, or too little.
            [] => {}
            [only] => self.identify(at, *only),
            _ => {
                if let Some(own) = self.unknown_of_mut(at) {
                    own.candidates = left;
                }
            }
        }
    }

    /// The innermost callback of an instance, if it is not known whose it is.
    pub(super) fn unknown_of(&self, at: At<'_>) -> Option<&Unknown> {
        match self.frames.get(self.entry_of(at)?)? {
            Frame::Entry { unknown, .. } => unknown.as_ref(),
            Frame::Call { .. } => None,
        }
    }

    fn unknown_of_mut(&mut self, at: At<'_>) -> Option<&mut Unknown> {
        let place = self.entry_of(at)?;
        match self.frames.get_mut(place)? {
            Frame::Entry { unknown, .. } => unknown.as_mut(),
            Frame::Call { .. } => None,
        }
    }

    fn entry_of(&self, at: At<'_>) -> Option<usize> {
        let is_it = |frame: &Frame| matches!(frame, Frame::Entry { instance, .. } if *instance == at.instance);
        self.frames.iter().rposition(is_it)
    }

    fn identify(&mut self, at: At<'_>, id: TaskId) {
        let Some(place) = self.entry_of(at) else {
            return;
        };
        let Some(Frame::Entry { task, unknown, .. }) = self.frames.get_mut(place) else {
            return;
        };
        let Some(own) = unknown.take() else {
            return;
        };
        *task = Some(id);
        _ = own.whose.set(id);
        self.current = Some(id);
        self.goes_on(id, own.since, own.is_cancelled);
        // The call that has told, and those that it is made in, are its own.
        let mut call_now = None;
        for frame in self.frames.iter_mut().skip(place) {
            if let Frame::Call {
                instance,
                task: task @ None,
                event,
                ..
            } = frame
                && *instance == at.instance
            {
                *task = Some(id);
                call_now = Some(*event);
            }
        }
        if let Some(task) = self.task_mut(Some(id)) {
            task.ran = at.event;
            if let Some(event) = call_now {
                task.state = TaskState::Calling(event);
            }
            if own.returned.is_some() {
                task.returned = own.returned;
            }
        }
        // Of those of which one has ended, it is another one.
        for (candidates, _) in &mut self.unclear {
            candidates.retain(|candidate| *candidate != id);
        }
        let told = |(candidates, _): &(Vec<TaskId>, u64)| match candidates.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let ended: Vec<TaskId> = self.unclear.iter().filter_map(told).collect();
        self.unclear.retain(|(candidates, _)| candidates.len() > 1);
        self.tasks.retain(|id, _| !ended.contains(id));
    }

    /// A task is called back.
    pub(super) fn goes_on(&mut self, id: TaskId, event: u64, is_cancelled: bool) {
        if let Some(task) = self.task_mut(Some(id)) {
            task.callbacks = task.callbacks.saturating_add(1);
            task.state = TaskState::Running;
            task.ran = event;
            if is_cancelled {
                task.cancelled = Some(event);
            }
        }
    }

    /// The tasks of which one runs a callback, as far as a task may be that one.
    pub(super) fn may_run(&self, id: TaskId) -> Option<&[TaskId]> {
        self.frames.iter().rev().find_map(|frame| match frame {
            Frame::Entry {
                unknown: Some(own), ..
            } if own.candidates.contains(&id) => Some(&*own.candidates),
            _ => None,
        })
    }

    /// The tasks of which one has ended, and when, as far as a task may be that one.
    pub(super) fn may_have_ended(&self, id: TaskId) -> Option<(&[TaskId], u64)> {
        let mut unclear = self.unclear.iter();
        let found = unclear.find(|(candidates, _)| candidates.contains(&id))?;
        Some((&found.0, found.1))
    }

    /// Whether there is a callback of which it is not known whose it is.
    pub fn is_unclear(&self) -> bool {
        let mut frames = self.frames.iter();
        frames.any(|frame| {
            matches!(
                frame,
                Frame::Entry {
                    unknown: Some(_),
                    ..
                }
            )
        })
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
