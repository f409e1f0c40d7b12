//! The calls in progress, out of the guest and into it, and how they lie one inside the
//! other, on the stack that runs and on those that wait.

use super::guest_stack::{GuestStack, Split, Whose};
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::{Instance, OpenCall, Way};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// An outgoing crossing in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The component instance that calls.
    pub instance: Instance,
    /// What it calls.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// The number of this outgoing crossing, from 0.
    pub event: u64,
    /// Which of its instance's calls out it is, from 1; 0 where the guest has one stack.
    pub number: u32,
}

/// An incoming crossing being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entering<'a> {
    /// The component instance that is called.
    pub instance: Instance,
    /// What is called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: &'a [CoreValue],
    /// Which task begins with it, or goes on in a thread that does, as [`Entered::task`] has it.
    pub task: Option<Whose>,
}

/// A call into the guest that it has not returned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The component instance that was called.
    pub instance: Instance,
    /// What was called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// Outgoing crossings made before it.
    pub event: u64,
    /// How many calls out were in progress then: its code runs on top of those.
    pub below: usize,
    /// How many calls into the guest there had been, itself included.
    pub serial: u64,
    /// Which task it begins, or whose thread it is; `None` where the call does not tell.
    pub task: Option<Whose>,
    /// Where it begins a stack: the call into the guest that has called it, by its serial number, and
    /// the call out with which that did.
    pub called_by: Option<(u64, u64)>,
}

/// A stack: what is called on it waits, or runs, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct StackId(u64);

/// The calls in progress.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Those of the stack that runs.
    running: Stack,
    waiting: Vec<Stack>,
    played: Played,
    /// How many calls out each instance has made, where the guest keeps several stacks.
    made: HashMap<Instance, u32>,
    /// So many calls into the guest there have been.
    entries: u64,
    /// So many stacks there have been.
    stacks: u64,
    /// What lay on top of the call that goes on now: it waits on a stack of its own.
    split: Option<StackId>,
    /// So many tasks there have been.
    tasks: u64,
    /// Threads that have been made and have not begun: instance, function and context, and whose
    /// they will be.
    made_threads: Vec<((Instance, [CoreValue; 2]), u64)>,
    /// How many threads each task has begun.
    begun_threads: HashMap<u64, u64>,
    /// The call out in which the stack stands that has been parked last, and the call into the
    /// guest that made it.
    parked_in: Option<(u64, Calling)>,
    /// Where stacks were split, in the order of time.
    splits: Vec<Split>,
}

/// So many splits are remembered, and then half of them.
const MOST_SPLITS: usize = 1 << 12;

/// A guest that makes more threads and begins none is not told whose they are.
const MOST_MADE: usize = 1 << 12;

/// What is to be as it was when the guest goes on in a call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Noted {
    /// How many frames there are, where those are counted.
    pub(super) depth: u32,
    /// Where in the tree of contexts it is made, where there is one.
    pub(super) slot: u32,
}

#[derive(Debug, Default)]
struct Stack {
    id: StackId,
    /// Out of the guest, outermost first.
    out: Vec<Calling>,
    /// What variants note of each of them, where the guest keeps several stacks.
    noted: Vec<Noted>,
    /// Into the guest, outermost first.
    entered: Vec<Entered>,
}

/// What has been played of the trace that the calls do not show yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Played {
    #[default]
    Nothing,
    /// That the guest is called: it has not begun.
    Enter,
    /// The answer to the innermost call out, which has not returned.
    Return,
}

impl Stack {
    /// Takes off what lies on top of a call out, by its index.
    fn split_off(&mut self, at: usize, id: StackId) -> Stack {
        let out = self.out.split_off(at + 1);
        let below = self.noted.get(at).copied().unwrap_or_default().depth;
        let mut noted = self.noted.split_off((at + 1).min(self.noted.len()));
        for noted in &mut noted {
            noted.depth = noted.depth.saturating_sub(below);
        }
        let first = self.entered.partition_point(|entered| entered.below <= at);
        let mut entered = self.entered.split_off(first);
        for entered in &mut entered {
            entered.below -= at + 1;
        }
        Stack {
            id,
            out,
            noted,
            entered,
        }
    }

    fn is_empty(&self) -> bool {
        self.out.is_empty() && self.entered.is_empty()
    }

    /// `None` if nothing of the guest is called on it.
    fn told(&self, runs: bool) -> Option<GuestStack> {
        let outermost = self.entered.first()?;
        let on_top = self.entered.last().map_or(0, |entered| entered.below);
        Some(GuestStack {
            id: outermost.serial,
            instance: outermost.instance,
            crossing: outermost.crossing,
            args: outermost.args.clone(),
            task: outermost.task,
            calling: self.out.get(on_top..).and_then(<[_]>::last).cloned(),
            open: (self.out.len() + self.entered.len()) as u32,
            runs,
        })
    }
}

impl Calls {
    /// Those out of the guest, outermost first.
    pub(super) fn out(&self) -> &[Calling] {
        &self.running.out
    }

    /// Those into the guest, outermost first.
    pub(super) fn entered(&self) -> &[Entered] {
        &self.running.entered
    }

    /// The one out of the guest that it stands in; `None` while its code runs, be it on
    /// top of one.
    pub(super) fn calling(&self) -> Option<&Calling> {
        let below = self
            .running
            .entered
            .last()
            .map_or(0, |entered| entered.below);
        self.running.out.get(below..)?.last()
    }

    /// Which of its instance's calls out the next one is, where stacks are kept.
    pub(super) fn number_next(&mut self, instance: Instance) -> u32 {
        let made = self.made.entry(instance).or_default();
        *made = made.wrapping_add(1);
        *made
    }

    /// The guest calls out.
    pub(super) fn call(&mut self, call: Calling) {
        self.running.out.push(call);
    }

    /// What is to be as it is now when the guest goes on in the innermost call out.
    pub(super) fn note(&mut self, noted: Noted) {
        self.running.noted.push(noted);
    }

    /// What was noted of the calls out of the stack that runs, outermost first.
    pub(super) fn noted(&self) -> impl Iterator<Item = (Noted, CrossingId)> {
        let crossings = self.running.out.iter().map(|call| call.crossing);
        self.running.noted.iter().copied().zip(crossings)
    }

    /// The answer to the innermost call out has been played.
    pub(super) fn answered(&mut self) {
        self.played = Played::Return;
    }

    /// The innermost call out returns.
    pub(super) fn return_from_call(&mut self) {
        self.played = Played::Nothing;
        self.running.out.pop();
        self.running.noted.pop();
    }

    /// That the guest is called has been played.
    pub(super) fn entering(&mut self) {
        self.played = Played::Enter;
    }

    /// The guest begins to run a call, after so many calls out. Such a call may be what a call out of
    /// a parked stack is answered by, as `answers` says.
    pub(super) fn enter(
        &mut self,
        entering: &Entering<'_>,
        event: u64,
        answers: impl FnOnce(&Calling) -> bool,
    ) {
        self.played = Played::Nothing;
        self.entries += 1;
        let parked = self.parked_in.take();
        let parked = parked.filter(|_| self.running.entered.is_empty());
        let called_by =
            parked.and_then(|(serial, call)| answers(&call).then_some((serial, call.event)));
        self.running.entered.push(Entered {
            serial: self.entries,
            instance: entering.instance,
            crossing: entering.crossing,
            args: entering.args.to_vec(),
            event,
            below: self.running.out.len(),
            task: entering.task,
            called_by,
        });
    }

    /// A task begins: its number.
    pub(super) fn begin_task(&mut self) -> Whose {
        self.tasks += 1;
        Whose::Task(self.tasks)
    }

    /// The stack that runs makes a thread of its task, which begins with this function and
    /// context.
    pub(super) fn make_thread(&mut self, instance: Instance, start: [CoreValue; 2]) {
        let task = self.running.entered.last().and_then(|entered| entered.task);
        if let Some(task) = task.filter(|_| self.made_threads.len() < MOST_MADE) {
            self.made_threads.push(((instance, start), task.task()));
        }
    }

    /// A thread begins: whose, if that is known.
    pub(super) fn begin_thread(&mut self, instance: Instance, args: &[CoreValue]) -> Option<Whose> {
        let is_it = |((of, start), _): &((Instance, [CoreValue; 2]), u64)| {
            (*of, start.as_slice()) == (instance, args)
        };
        let place = self.made_threads.iter().position(is_it)?;
        let (_, task) = self.made_threads.remove(place);
        let begun = self.begun_threads.entry(task).or_default();
        *begun += 1;
        Some(Whose::Thread(*begun, task))
    }

    /// The stacks that the guest has: that which runs first, the others in the order in which they
    /// began.
    pub(super) fn stacks(&self) -> Vec<GuestStack> {
        let waiting = self.waiting.iter().filter_map(|stack| stack.told(false));
        let mut stacks: Vec<GuestStack> = waiting.collect();
        stacks.sort_by_key(|stack| stack.id);
        stacks.splice(0..0, self.running.told(true));
        stacks
    }

    /// The serial number of the innermost call into the guest on the stack that runs; 0 if there is
    /// none.
    pub(super) fn innermost(&self) -> u64 {
        let innermost = self.running.entered.last();
        innermost.map_or(0, |entered| entered.serial)
    }

    /// The serial numbers of the calls into the guest on the stack that runs, outermost first.
    pub(super) fn serials(&self) -> Vec<u64> {
        let entered = self.running.entered.iter();
        entered.map(|entered| entered.serial).collect()
    }

    /// Whether what is looked at waits while another stack runs, by these serial numbers,
    /// outermost first: the innermost of those calls that is still in progress counts; `None` if
    /// none is. With `and_called`, a stack is looked at, too, that has been begun by the call in which one of them stands.
    pub(super) fn are_elsewhere(&self, serials: &[u64], and_called: bool) -> Option<bool> {
        let runs = |serial| self.running.entered.iter().any(|e| e.serial == serial);
        let mut inner = serials.iter().rev();
        let there = inner.find_map(|serial| match (runs(*serial), self.waits(*serial)) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            (false, false) => None,
        });
        let from = self.called_from().filter(|_| and_called);
        match from.is_some_and(|(serial, _)| serials.contains(&serial)) {
            true => Some(false),
            false => there,
        }
    }

    /// If the stack that runs was begun by a call that another one still stands in: the call into the
    /// guest that made it, and the outermost of that stack, by their serial numbers.
    pub(super) fn called_from(&self) -> Option<(u64, u64)> {
        let (serial, event) = self.running.entered.first()?.called_by?;
        let mut waiting = self.waiting.iter();
        let caller = waiting.find(|stack| stack.entered.iter().any(|e| e.serial == serial))?;
        let stands_in = caller.out.last().map(|call| call.event);
        let outermost = caller.entered.first()?.serial;
        (stands_in == Some(event)).then_some((serial, outermost))
    }

    /// Where stacks were split so far, as far as that is remembered.
    pub(super) fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// The guest has returned from the innermost call into it.
    pub(super) fn leave(&mut self) {
        self.running.entered.pop();
    }

    /// The stack that runs; `None` if all wait.
    pub(super) fn running(&self) -> Option<StackId> {
        (!self.running.is_empty()).then_some(self.running.id)
    }

    /// Whether a call into the guest waits, by its serial number.
    pub(super) fn waits(&self, serial: u64) -> bool {
        let mut entered = self.waiting.iter().flat_map(|stack| &stack.entered);
        entered.any(|entered| entered.serial == serial)
    }

    /// How many stacks wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A stack begins, where none runs.
    pub(super) fn begin_stack(&mut self) -> StackId {
        self.stacks += 1;
        self.running.id = StackId(self.stacks);
        self.running.id
    }

    /// The stack that runs waits, and none runs.
    pub(super) fn park(&mut self) {
        let stack = std::mem::take(&mut self.running);
        let within = stack.entered.last().map(|entered| entered.serial);
        self.parked_in = within.zip(stack.out.last().cloned());
        self.waiting.push(stack);
    }

    /// Whether the guest stands in this call, or would if nothing had been called since on its
    /// stack.
    pub(super) fn is_innermost(&self, instance: Instance, number: u32) -> bool {
        let last = self.running.out.last();
        let is_it = last.is_some_and(|call| (call.instance, call.number) == (instance, number));
        let on_top = self
            .running
            .entered
            .last()
            .is_some_and(|e| e.below == self.running.out.len());
        is_it && !on_top
    }

    /// The stack of a call goes on from there, after which its instance has made so many others;
    /// `None` if there is no such call.
    pub(super) fn resume(
        &mut self,
        instance: Instance,
        crossing: CrossingId,
        after: u32,
    ) -> Option<()> {
        let made = self.made.get(&instance).copied().unwrap_or_default();
        let number = made.wrapping_sub(after);
        let is_it = |call: &Calling| {
            (call.instance, call.crossing, call.number) == (instance, crossing, number)
        };
        let found = |stack: &Stack| stack.out.iter().rposition(is_it);
        let at = match found(&self.running) {
            Some(at) => at,
            None => {
                let mut waiting = self.waiting.iter().enumerate();
                let (stack, at) = waiting.find_map(|(i, stack)| Some((i, found(stack)?)))?;
                let resumed = self.waiting.swap_remove(stack);
                let left = std::mem::replace(&mut self.running, resumed);
                if !left.is_empty() {
                    self.waiting.push(left);
                }
                at
            }
        };
        self.stacks += 1;
        let above = self.running.split_off(at, StackId(self.stacks));
        if !above.is_empty() {
            self.split = Some(above.id);
            if let (Some(entered), Some(call)) = (above.entered.first(), above.out.last()) {
                if self.splits.len() >= MOST_SPLITS {
                    self.splits.drain(..MOST_SPLITS / 2);
                }
                self.splits.push(Split {
                    serial: entered.serial,
                    event: call.event,
                });
            }
            self.waiting.push(above);
        }
        Some(())
    }

    /// The stack of what lay on top of the call that goes on, if anything did.
    pub(super) fn take_split(&mut self) -> Option<StackId> {
        self.split.take()
    }

    /// The innermost call out, as the trace has it where replay stands; `None` if its
    /// answer has been played.
    pub(super) fn open_out(&self) -> Option<OpenCall> {
        let Stack { out, entered, .. } = &self.running;
        let call = out.last().filter(|_| self.played != Played::Return)?;
        let on_top = |entered: &&Entered| entered.below == out.len();
        let inside = entered.iter().rev().take_while(on_top).count();
        let made = self.made.get(&call.instance).copied();
        Some(OpenCall {
            way: Way::Out,
            instance: call.instance,
            crossing: call.crossing,
            inside: inside as u64 + u64::from(self.played == Played::Enter),
            after: made.unwrap_or(call.number).wrapping_sub(call.number),
        })
    }

    /// A call into the guest, by its index among those in progress, as the trace has it
    /// where replay stands.
    pub(super) fn open_entered(&self, index: usize) -> Option<OpenCall> {
        let Stack {
            out, entered: all, ..
        } = &self.running;
        let entered = all.get(index)?;
        let inside = (all.len() - index - 1) + (out.len() - entered.below);
        let inside = inside as u64;
        Some(OpenCall {
            way: Way::In,
            instance: entered.instance,
            crossing: entered.crossing,
            inside: match self.played {
                Played::Nothing => inside,
                Played::Enter => inside + 1,
                // The innermost call out is inside, and over.
                Played::Return => inside.saturating_sub(1),
            },
            after: 0,
        })
    }
}
