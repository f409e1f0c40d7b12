//! What built-ins do to the tasks: when they are called, when they return, and by what they tell.

use super::apply::{At, Became, returned};
use super::state::{
    Caller, Channel, ChannelKind, Copying, End, Holder, Item, Moved, Returned, Side,
    SubtaskProgress, Tasks, Unused, WaitableSet,
};
use super::step::{Answer, Asked, Told};
use crate::component::status::{CopyAnswer, CopyResult, SubtaskState};

/// Threads that have not begun to run, of which it is known who made them.
const MOST_THREADS: usize = 1 << 10;

impl Tasks {
    pub(super) fn ask(&mut self, at: At<'_>, asked: &Asked, became: &mut dyn FnMut(Became)) {
        match asked {
            Asked::Nothing => {}
            Asked::TaskReturn { value, passed } => {
                let returned = returned(at, value.clone());
                let at = self.returns_once(at, &returned);
                let caller = self.task_mut(at.task).map(|task| {
                    task.returned = Some(returned);
                    task.caller
                });
                self.hand_back(at, caller.unwrap_or(Caller::Host), passed);
            }
            Asked::TaskCancel => {
                let returned = Returned {
                    is_cancelled: true,
                    ..returned(at, None)
                };
                let at = self.returns_once(at, &returned);
                if let Some(task) = self.task_mut(at.task) {
                    task.returned = Some(returned);
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

    pub(super) fn answered(&mut self, at: At<'_>, answer: &Answer) {
        match answer {
            Answer::Context(slot, value) => self.with_context(at, (*slot, *value)),
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

    pub(super) fn hear(&mut self, at: At<'_>, told: &Told) {
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
                let is_over = state.is_some_and(SubtaskState::is_resolved);
                if is_over {
                    subtask.lent.clear();
                }
                let callee = subtask.callee.filter(|_| is_over);
                let back = match passed.is_empty() {
                    true => Vec::new(),
                    false => std::mem::take(&mut subtask.carried.back),
                };
                self.receive(at, passed, &back);
                if let Some(callee) = callee {
                    self.has_returned(callee);
                }
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
}
