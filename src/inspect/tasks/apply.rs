//! What a step makes of the tasks.

use super::state::{
    Caller, Carried, ChannelId, Frame, Item, Returned, Subtask, SubtaskProgress, Task, TaskId,
    TaskState, Tasks, Unknown, Unused,
};
use super::step::{Asked, Passed, Step, Told, What};
use crate::component::status::{CallbackAnswer, SubtaskState};
use crate::component::{Answerer, Component, CrossingId};
use crate::trace::Instance;
use std::sync::Arc;

/// Who takes a step, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) component: &'a Component,
    pub(super) event: u64,
    pub(super) instance: Instance,
    pub(super) crossing: CrossingId,
    /// The task whose code takes it.
    pub(super) task: Option<TaskId>,
}

/// What a step has ended.
#[derive(Debug)]
pub(super) enum Became {
    /// A task.
    Ended(Task),
    /// An end that was never read or written.
    Unused(Unused),
}

impl Tasks {
    /// Takes a step. `became` hears of what it has ended.
    pub(super) fn apply(
        &mut self,
        component: &Component,
        step: &Step,
        became: &mut dyn FnMut(Became),
    ) {
        let mut at = At {
            component,
            event: step.event,
            instance: step.instance,
            crossing: step.crossing,
            task: self.running(),
        };
        match &step.what {
            What::Begins { arguments, passed } => self.begin(at, arguments, passed),
            What::CallsBack(told, whose) => {
                // Callbacks are numbered right before the functions that they belong to.
                let function = CrossingId(at.crossing.0.saturating_add(1));
                let mut candidates = match whose.get() {
                    Some(known) => vec![*known],
                    None => self.called_back(at.instance, function, told),
                };
                at.task = match candidates.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                };
                let unknown = at.task.is_none().then(|| Unknown {
                    candidates: std::mem::take(&mut candidates),
                    whose: whose.clone(),
                    since: at.event,
                    is_cancelled: matches!(told, Told::Cancelled),
                    returned: None,
                });
                self.enter(at, unknown);
                if let Some(task) = at.task {
                    let is_cancelled = matches!(told, Told::Cancelled);
                    self.goes_on(task, at.event, is_cancelled);
                }
                self.hear(at, told);
            }
            What::Starts { function, context } => {
                let made = (at.instance, *function, *context);
                let threads = &mut self.threads;
                let place = threads.iter().position(|(thread, _)| *thread == made);
                at.task = place.and_then(|place| threads.remove(place).1);
                self.enter(at, None);
            }
            What::Stops => {
                let task = self.leave(at);
                // Its other threads wait in their calls.
                let last = task.and_then(|id| self.calls_of(id).last());
                if let (Some(last), Some(task)) = (last, self.task_mut(task)) {
                    task.state = TaskState::Calling(last.event);
                }
            }
            What::Answers(answer) => {
                let answer = CallbackAnswer::of(*answer);
                // Who ends has returned.
                if answer == CallbackAnswer::Exit {
                    self.narrow(at, |task, own| {
                        own.returned.is_some() || task.returned.is_some()
                    });
                }
                let unknown = self.unknown_of(at).map(|own| own.candidates.clone());
                at.task = self.leave(at);
                if at.task.is_none()
                    && answer == CallbackAnswer::Exit
                    && let Some(candidates) = unknown.filter(|of| of.len() > 1)
                {
                    self.unclear.push((candidates, at.event));
                }
                if let Some(ended) = self.answer(at, answer) {
                    became(Became::Ended(ended));
                }
            }
            What::Ends { result, passed } => {
                at.task = self.leave(at);
                if let Some(mut ended) = self.remove(at.task) {
                    self.hand_back(at, ended.caller, passed);
                    let result = || returned(at, result.clone());
                    ended.returned.get_or_insert_with(result);
                    became(Became::Ended(ended));
                }
            }
            What::Calls {
                arguments,
                lent,
                passed,
            } => {
                let carried = Carried {
                    there: self.give(at, passed, self.is_answered_here(at)),
                    back: Vec::new(),
                };
                self.call(at, arguments.clone(), lent.to_vec(), carried, None);
            }
            What::Returns { passed } => {
                let frame = self.return_from(at);
                if let Some(Frame::Call { carried, task, .. }) = frame {
                    self.receive(At { task, ..at }, passed, &carried.back);
                }
            }
            What::Pends { subtask, state } => {
                let frame = self.return_from(at);
                self.pend(at, frame, *subtask, *state);
            }
            What::Asks(asked) => {
                let waits_at = match asked {
                    Asked::UsesSet(index)
                    | Asked::Copies { index, .. }
                    | Asked::CancelsCopy(index)
                    | Asked::CancelsSubtask(index) => Some(*index),
                    _ => None,
                };
                self.call(at, "".into(), Vec::new(), Carried::default(), waits_at);
                self.ask(at, asked, became);
            }
            What::Answered(answer) => {
                if let Some(Frame::Call { task, .. }) = self.return_from(at) {
                    at.task = task;
                }
                if let Some(answer) = answer {
                    self.answered(at, answer);
                }
            }
        }
    }

    pub(super) fn task_mut(&mut self, id: Option<TaskId>) -> Option<&mut Task> {
        self.tasks.get_mut(&id?)
    }

    fn remove(&mut self, id: Option<TaskId>) -> Option<Task> {
        self.tasks.remove(&id?)
    }

    fn begin(&mut self, at: At<'_>, arguments: &Arc<str>, passed: &[Passed]) {
        self.begun += 1;
        let id = TaskId(self.begun);
        let (caller, carried) = self.called_by(at, id);
        self.tasks.insert(
            id,
            Task {
                id,
                instance: at.instance,
                function: at.crossing,
                arguments: arguments.clone(),
                caller,
                begun: at.event,
                ran: at.event,
                callbacks: 0,
                state: TaskState::Running,
                returned: None,
                cancelled: None,
                context: [None; 2],
            },
        );
        let at = At {
            task: Some(id),
            ..at
        };
        self.enter(at, None);
        self.receive(at, passed, &carried);
    }

    /// Who called a function that begins: the innermost call out that it answers, or the first one that has
    /// waited for it to begin.
    fn called_by(&mut self, at: At<'_>, id: TaskId) -> (Caller, Vec<ChannelId>) {
        let answers = |of: Instance, crossing| {
            let crossing = at.component.crossing(crossing);
            crossing.is_some_and(|crossing| {
                let answerer = at.component.answerer(of, crossing);
                matches!(answerer, Answerer::Component(instance, lifted)
                    if (instance, lifted) == (at.instance, at.crossing))
            })
        };
        for frame in self.frames.iter_mut().rev() {
            if let Frame::Call {
                instance,
                crossing,
                event,
                task,
                carried,
                callee: callee @ None,
                ..
            } = frame
                && answers(*instance, *crossing)
            {
                *callee = Some(id);
                let caller = Caller::Call {
                    instance: *instance,
                    event: *event,
                    task: *task,
                };
                return (caller, std::mem::take(&mut carried.there));
            }
        }
        let mut first: Option<(Instance, &mut Subtask)> = None;
        for (of, holdings) in &mut self.holdings {
            for item in holdings.items.values_mut() {
                let Item::Subtask(subtask) = item else {
                    continue;
                };
                let waits = subtask.callee.is_none()
                    && subtask.progress.state == Some(SubtaskState::Starting)
                    && answers(*of, subtask.function);
                let is_before = |known: &(Instance, &mut Subtask)| known.1.event <= subtask.event;
                if waits && !first.as_ref().is_some_and(is_before) {
                    first = Some((*of, subtask));
                }
            }
        }
        match first {
            Some((instance, subtask)) => {
                subtask.callee = Some(id);
                subtask.progress.state = Some(SubtaskState::Started);
                let caller = Caller::Call {
                    instance,
                    event: subtask.event,
                    task: subtask.caller,
                };
                (caller, std::mem::take(&mut subtask.carried.there))
            }
            None => (Caller::Host, Vec::new()),
        }
    }

    fn enter(&mut self, at: At<'_>, unknown: Option<Unknown>) {
        self.current = at.task;
        self.frames.push(Frame::Entry {
            instance: at.instance,
            crossing: at.crossing,
            task: at.task,
            unknown,
        });
    }

    /// Ends the innermost such entry; answers whose it was.
    fn leave(&mut self, at: At<'_>) -> Option<TaskId> {
        let is_it = |frame: &Frame| {
            matches!(frame, Frame::Entry { instance, crossing, .. }
                if (*instance, *crossing) == (at.instance, at.crossing))
        };
        // Where calls go on in any order, the one that runs ends.
        let is_its = |frame: &Frame| {
            let current = self.current;
            is_it(frame) && matches!(frame, Frame::Entry { task, .. } if *task == current)
        };
        let place = self.frames.iter().rposition(is_its);
        let place = place.or_else(|| self.frames.iter().rposition(is_it))?;
        let left = match self.frames.remove(place) {
            Frame::Entry { task, .. } => task,
            Frame::Call { .. } => None,
        };
        self.current = self.frames.last().and_then(|frame| match frame {
            Frame::Entry { task, .. } | Frame::Call { task, .. } => *task,
        });
        left
    }

    fn answer(&mut self, at: At<'_>, answer: CallbackAnswer) -> Option<Task> {
        let since = at.event;
        let state = match answer {
            CallbackAnswer::Exit | CallbackAnswer::Unknown(_) => return self.remove(at.task),
            CallbackAnswer::Yield => TaskState::Yielded { since },
            CallbackAnswer::Wait(set) => TaskState::Waiting { set, since },
        };
        if let Some(task) = self.task_mut(at.task) {
            task.state = state;
            task.ran = at.event;
        }
        None
    }

    fn call(
        &mut self,
        at: At<'_>,
        arguments: Arc<str>,
        lent: Vec<u32>,
        carried: Carried,
        waits_at: Option<u32>,
    ) {
        if let Some(task) = self.task_mut(at.task) {
            task.state = TaskState::Calling(at.event);
            task.ran = at.event;
        }
        self.frames.push(Frame::Call {
            instance: at.instance,
            crossing: at.crossing,
            event: at.event,
            task: at.task,
            arguments,
            lent,
            carried,
            callee: None,
            waits_at,
        });
    }

    /// A hostcall is in progress that is no step of its own: see [`Observing::is_kept`].
    ///
    /// [`Observing::is_kept`]: super::observing::Observing
    pub(super) fn is_in(
        &mut self,
        component: &Component,
        (event, instance, crossing): (u64, Instance, CrossingId),
    ) {
        let is_it = |frame: &Frame| matches!(frame, Frame::Call { event: of, .. } if *of == event);
        if !self.frames.iter().any(is_it) {
            let task = self.running();
            let at = At {
                component,
                event,
                instance,
                crossing,
                task,
            };
            self.call(at, "".into(), Vec::new(), Carried::default(), None);
        }
    }

    /// Ends the innermost such call.
    fn return_from(&mut self, at: At<'_>) -> Option<Frame> {
        let is_it =
            |frame: &Frame| matches!(frame, Frame::Call { event, .. } if *event == at.event);
        let place = self.frames.iter().rposition(is_it)?;
        let frame = self.frames.remove(place);
        if let Frame::Call { task, .. } = &frame {
            self.current = *task;
            if let Some(task) = self.task_mut(*task) {
                task.state = TaskState::Running;
                task.ran = at.event;
            }
        }
        Some(frame)
    }

    fn pend(&mut self, at: At<'_>, frame: Option<Frame>, index: u32, state: Option<SubtaskState>) {
        let Some(Frame::Call {
            event,
            task,
            arguments,
            lent,
            carried,
            callee,
            ..
        }) = frame
        else {
            return;
        };
        let subtask = Subtask {
            event,
            function: at.crossing,
            arguments,
            caller: task,
            callee,
            progress: SubtaskProgress {
                state,
                told: at.event,
                result: None,
            },
            cancelled: None,
            lent,
            set: None,
            carried,
        };
        self.insert(at, index, Item::Subtask(subtask));
    }

    pub(super) fn insert(&mut self, at: At<'_>, index: u32, item: Item) {
        let holdings = self.holdings.entry(at.instance).or_default();
        holdings.items.insert(index, item);
    }

    pub(super) fn take(&mut self, at: At<'_>, index: u32) -> Option<Item> {
        self.holdings.get_mut(&at.instance)?.items.remove(&index)
    }

    pub(super) fn item_mut(&mut self, at: At<'_>, index: u32) -> Option<&mut Item> {
        let item = self.holdings.get_mut(&at.instance)?.items.get_mut(&index)?;
        if let Item::End(end) = item {
            (end.used, end.task) = (at.event, at.task.or(end.task));
        }
        Some(item)
    }
}

pub(super) fn returned(at: At<'_>, value: Option<Arc<str>>) -> Returned {
    Returned {
        event: at.event,
        value,
        is_cancelled: false,
    }
}
