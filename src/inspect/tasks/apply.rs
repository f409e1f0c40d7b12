//! What a step makes of the tasks.

use super::state::{
    Caller, Carried, Channel, ChannelId, ChannelKind, Copying, End, Frame, Holder, Item, Moved,
    Returned, Side, Subtask, SubtaskProgress, Task, TaskId, TaskState, Tasks, Unused, WaitableSet,
};
use super::step::{Answer, Asked, Passed, Step, Told, What};
use crate::component::status::{CallbackAnswer, CopyAnswer, CopyResult, SubtaskState};
use crate::component::{Answerer, Component, CrossingId};
use crate::trace::Instance;
use std::sync::Arc;

/// Threads that have not begun to run, of which it is known who made them.
const MOST_THREADS: usize = 1 << 10;

/// Who takes a step, and when.
#[derive(Debug, Clone, Copy)]
struct At<'a> {
    component: &'a Component,
    event: u64,
    instance: Instance,
    crossing: CrossingId,
    /// The task whose code takes it.
    task: Option<TaskId>,
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
            What::CallsBack(told) => {
                // Callbacks are numbered right before the functions that they belong to.
                let function = CrossingId(at.crossing.0.saturating_add(1));
                at.task = self.called_back(at.instance, function, told);
                self.enter(at);
                if let Some(task) = self.task_mut(at.task) {
                    task.callbacks = task.callbacks.saturating_add(1);
                    task.state = TaskState::Running;
                    task.ran = at.event;
                    if let Told::Cancelled = told {
                        task.cancelled = Some(at.event);
                    }
                }
                self.hear(at, told);
            }
            What::Starts { function, context } => {
                let made = (at.instance, *function, *context);
                let threads = &mut self.threads;
                let place = threads.iter().position(|(thread, _)| *thread == made);
                at.task = place.and_then(|place| threads.remove(place).1);
                self.enter(at);
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
                at.task = self.leave(at);
                if let Some(ended) = self.answer(at, CallbackAnswer::of(*answer)) {
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

    fn task_mut(&mut self, id: Option<TaskId>) -> Option<&mut Task> {
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
        self.enter(at);
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

    fn enter(&mut self, at: At<'_>) {
        self.current = at.task;
        self.frames.push(Frame::Entry {
            instance: at.instance,
            crossing: at.crossing,
            task: at.task,
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

    fn insert(&mut self, at: At<'_>, index: u32, item: Item) {
        let holdings = self.holdings.entry(at.instance).or_default();
        holdings.items.insert(index, item);
    }

    fn take(&mut self, at: At<'_>, index: u32) -> Option<Item> {
        self.holdings.get_mut(&at.instance)?.items.remove(&index)
    }

    fn item_mut(&mut self, at: At<'_>, index: u32) -> Option<&mut Item> {
        let item = self.holdings.get_mut(&at.instance)?.items.get_mut(&index)?;
        if let Item::End(end) = item {
            (end.used, end.task) = (at.event, at.task.or(end.task));
        }
        Some(item)
    }

    fn ask(&mut self, at: At<'_>, asked: &Asked, became: &mut dyn FnMut(Became)) {
        match asked {
            Asked::Nothing => {}
            Asked::TaskReturn { value, passed } => {
                let returned = returned(at, value.clone());
                let caller = self.task_mut(at.task).map(|task| {
                    task.returned = Some(returned);
                    task.caller
                });
                self.hand_back(at, caller.unwrap_or(Caller::Host), passed);
            }
            Asked::TaskCancel => {
                if let Some(task) = self.task_mut(at.task) {
                    task.returned = Some(Returned {
                        is_cancelled: true,
                        ..returned(at, None)
                    });
                }
            }
            Asked::ContextSet(slot, value) => {
                let task = self.task_mut(at.task);
                if let Some(place) = task.and_then(|task| task.context.get_mut(*slot as usize)) {
                    *place = Some(*value);
                }
            }
            Asked::NewThread { function, context } if self.threads.len() < MOST_THREADS => {
                let thread = (at.instance, *function, *context);
                self.threads.push((thread, at.task));
            }
            Asked::NewThread { .. } => {}
            Asked::Join { waitable, set } => {
                let joined = (*set != 0).then_some(*set);
                match self.item_mut(at, *waitable) {
                    Some(Item::Subtask(subtask)) => subtask.set = joined,
                    Some(Item::End(end)) => end.set = joined,
                    Some(Item::Set(_)) | None => {}
                }
                self.use_set(at, *set);
            }
            Asked::Backpressure(more) => {
                let holdings = self.holdings.entry(at.instance).or_default();
                holdings.backpressure = match more {
                    true => holdings.backpressure.saturating_add(1),
                    false => holdings.backpressure.saturating_sub(1),
                };
                let since = holdings.held_back.unwrap_or((at.event, at.task));
                holdings.held_back = (holdings.backpressure > 0).then_some(since);
            }
            Asked::UsesSet(set) => self.use_set(at, *set),
            Asked::DropsSet(index) | Asked::DropsSubtask(index) => {
                self.take(at, *index);
            }
            Asked::CancelsSubtask(index) => {
                if let Some(Item::Subtask(subtask)) = self.item_mut(at, *index) {
                    subtask.cancelled = Some(at.event);
                }
            }
            Asked::Copies {
                index,
                side,
                length,
                values,
            } => {
                let copying = Copying {
                    event: at.event,
                    length: *length,
                    values: values.clone(),
                    cancelled: None,
                    met: 0,
                    is_dropped: false,
                };
                if let Some(Item::End(end)) = self.item_mut(at, *index)
                    && end.side == *side
                {
                    end.copying = Some(copying);
                }
            }
            Asked::CancelsCopy(index) => {
                if let Some(Item::End(End {
                    copying: Some(copying),
                    ..
                })) = self.item_mut(at, *index)
                {
                    copying.cancelled = Some(at.event);
                }
            }
            Asked::DropsEnd(index, side) => {
                if let Some(Item::End(end)) = self.take(at, *index) {
                    if end.is_unused()
                        && let Some(channel) = self.channels.get(&end.channel)
                    {
                        became(Became::Unused(Unused {
                            instance: at.instance,
                            index: *index,
                            channel: channel.text(),
                            dropped: Some(at.event),
                            end: end.clone(),
                        }));
                    }
                    if let Some(copying) = self.other_copying(end.channel, *side) {
                        copying.is_dropped = true;
                    }
                    let dropped = Holder::Dropped {
                        event: at.event,
                        by: at.instance,
                    };
                    self.moved(end.channel, *side, dropped, false);
                }
            }
        }
    }

    fn use_set(&mut self, at: At<'_>, index: u32) {
        if let Some(Item::Set(set)) = self.item_mut(at, index) {
            set.used = at.event;
        }
    }

    fn answered(&mut self, at: At<'_>, answer: &Answer) {
        match answer {
            Answer::Context(slot, value) => self.identify(at, (*slot, *value)),
            Answer::NewSet(index) => {
                let set = WaitableSet {
                    made: at.event,
                    task: at.task,
                    used: at.event,
                };
                self.insert(at, *index, Item::Set(set));
            }
            Answer::NewChannel {
                kind,
                element,
                readable,
                writable,
            } => {
                let channel = Channel {
                    kind: *kind,
                    element: element.clone(),
                    made: at.event,
                    task: at.task,
                    readable: Holder::Instance(at.instance, *readable),
                    writable: Holder::Instance(at.instance, *writable),
                    is_awaited: false,
                };
                let id = self.see(channel);
                self.hold(at, *readable, id, Side::Readable);
                self.hold(at, *writable, id, Side::Writable);
            }
            Answer::Told(told) => self.hear(at, told),
        }
    }

    /// A callback that may be anybody's has asked what is in its storage.
    fn identify(&mut self, at: At<'_>, context: (u32, u64)) {
        let unknown = self.frames.iter().rposition(
            |frame| matches!(frame, Frame::Entry { instance, .. } if *instance == at.instance),
        );
        let Some(place) = unknown.filter(|_| at.task.is_none()) else {
            return;
        };
        let Some(Frame::Entry { crossing, task, .. }) = self.frames.get(place) else {
            return;
        };
        let function = CrossingId(crossing.0.saturating_add(1));
        if task.is_some() {
            return;
        }
        let Some(found) = self.with_context(at.instance, function, context) else {
            return;
        };
        if let Some(Frame::Entry { task, .. }) = self.frames.get_mut(place) {
            *task = Some(found);
        }
        self.current = Some(found);
        if let Some(task) = self.task_mut(Some(found)) {
            task.callbacks = task.callbacks.saturating_add(1);
            task.state = TaskState::Running;
            task.ran = at.event;
        }
    }

    fn hear(&mut self, at: At<'_>, told: &Told) {
        match told {
            Told::Subtask {
                index,
                state,
                result,
                passed,
            } => {
                let Some(Item::Subtask(subtask)) = self.item_mut(at, *index) else {
                    return;
                };
                subtask.progress = SubtaskProgress {
                    state: *state,
                    told: at.event,
                    result: result.clone(),
                };
                if state.is_some_and(SubtaskState::is_resolved) {
                    subtask.lent.clear();
                }
                let back = match passed.is_empty() {
                    true => Vec::new(),
                    false => std::mem::take(&mut subtask.carried.back),
                };
                self.receive(at, passed, &back);
            }
            Told::Copied {
                index,
                answer,
                values,
            } => {
                let Some(Item::End(end)) = self.item_mut(at, *index) else {
                    return;
                };
                let ended = end.copying.take();
                // What the other end has taken or given has been told to it.
                let was_met = ended.as_ref().map_or(0, |copying| copying.met);
                let written = ended.and_then(|copying| copying.values);
                let CopyAnswer::Ended { result, count } = *answer else {
                    return;
                };
                let (channel, side) = (end.channel, end.side);
                // Of a future nothing is counted.
                let is_future = self
                    .channels
                    .get(&channel)
                    .is_some_and(|channel| channel.kind == ChannelKind::Future);
                let count = match is_future {
                    true => u32::from(result == Some(CopyResult::Completed)),
                    false => count,
                };
                if count > 0
                    && was_met < u64::from(count)
                    && let Some(copying) = self.other_copying(channel, side)
                {
                    copying.met += u64::from(count) - was_met;
                }
                let Some(Item::End(end)) = self.item_mut(at, *index) else {
                    return;
                };
                end.count += u64::from(count);
                if result == Some(CopyResult::Dropped) {
                    end.other_dropped = Some(at.event);
                }
                end.moved = Some(Moved {
                    event: at.event,
                    answer: *answer,
                    values: values.clone().or(written),
                });
            }
            Told::Nothing | Told::Cancelled | Told::Unknown => {}
        }
    }

    fn is_answered_here(&self, at: At<'_>) -> bool {
        let crossing = at.component.crossing(at.crossing);
        crossing.is_some_and(|crossing| {
            let answerer = at.component.answerer(at.instance, crossing);
            matches!(answerer, Answerer::Component(..))
        })
    }

    /// What a task hands to its caller.
    fn hand_back(&mut self, at: At<'_>, caller: Caller, passed: &[Passed]) {
        if passed.is_empty() {
            return;
        }
        let Caller::Call {
            instance, event, ..
        } = caller
        else {
            self.give(at, passed, false);
            return;
        };
        let given = self.give(at, passed, true);
        for frame in &mut self.frames {
            match frame {
                Frame::Call {
                    event: of, carried, ..
                } if *of == event => {
                    carried.back = given;
                    return;
                }
                _ => {}
            }
        }
        let holdings = self.holdings.get_mut(&instance);
        let items = holdings.into_iter().flat_map(|of| of.items.values_mut());
        for item in items {
            if let Item::Subtask(subtask) = item
                && subtask.event == event
            {
                subtask.carried.back = given;
                return;
            }
        }
    }

    /// Streams and futures that leave an instance; `is_awaited` if another one of the recording is to
    /// receive them.
    fn give(&mut self, at: At<'_>, passed: &[Passed], is_awaited: bool) -> Vec<ChannelId> {
        let mut given = Vec::new();
        for one in passed {
            let id = match self.take(at, one.index) {
                Some(Item::End(end)) => end.channel,
                _ => self.see(unseen(at, one)),
            };
            let to = Holder::Given {
                event: at.event,
                by: at.crossing,
            };
            self.moved(id, Side::Readable, to, is_awaited);
            given.push(id);
        }
        given
    }

    /// Streams and futures that come to an instance; these have been carried to it.
    fn receive(&mut self, at: At<'_>, passed: &[Passed], carried: &[ChannelId]) {
        for (place, one) in passed.iter().enumerate() {
            let known = carried.get(place).copied();
            let id = known.filter(|id| self.channels.contains_key(id));
            let id = id.unwrap_or_else(|| self.see(unseen(at, one)));
            let holder = Holder::Instance(at.instance, one.index);
            self.moved(id, Side::Readable, holder, false);
            self.hold(at, one.index, id, Side::Readable);
        }
    }

    /// What goes on at the end that is not this one.
    fn other_copying(&mut self, id: ChannelId, side: Side) -> Option<&mut Copying> {
        let Holder::Instance(instance, index) = self.channels.get(&id)?.holder(side.other()) else {
            return None;
        };
        match self.holdings.get_mut(&instance)?.items.get_mut(&index)? {
            Item::End(end) => end.copying.as_mut(),
            _ => None,
        }
    }

    fn see(&mut self, channel: Channel) -> ChannelId {
        self.channels_seen += 1;
        let id = ChannelId(self.channels_seen);
        self.channels.insert(id, channel);
        id
    }

    fn hold(&mut self, at: At<'_>, index: u32, channel: ChannelId, side: Side) {
        let end = End {
            channel,
            side,
            copying: None,
            moved: None,
            count: 0,
            other_dropped: None,
            came: at.event,
            task: at.task,
            used: at.event,
            set: None,
        };
        self.insert(at, index, Item::End(end));
    }

    /// An end has another holder. What nobody holds any more is forgotten.
    fn moved(&mut self, id: ChannelId, side: Side, holder: Holder, is_awaited: bool) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        *channel.holder_mut(side) = holder;
        channel.is_awaited = is_awaited;
        let is_held = |holder| matches!(holder, Holder::Instance(..));
        if !is_held(channel.readable) && !is_held(channel.writable) && !channel.is_awaited {
            self.channels.remove(&id);
        }
    }
}

fn returned(at: At<'_>, value: Option<Arc<str>>) -> Returned {
    Returned {
        event: at.event,
        value,
        is_cancelled: false,
    }
}

/// A stream or future whose beginning has not been seen.
fn unseen(at: At<'_>, passed: &Passed) -> Channel {
    let outside = Holder::Outside {
        event: at.event,
        by: at.crossing,
    };
    Channel {
        kind: passed.kind,
        element: passed.element.clone(),
        made: at.event,
        task: at.task,
        readable: outside,
        writable: outside,
        is_awaited: false,
    }
}
