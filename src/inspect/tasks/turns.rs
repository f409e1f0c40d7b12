//! Whose turn it is in each call into the guest: read from the recording alone, before anything of it
//! is replayed, so that a condition can ask at any moment.
//!
//! Who is called back is told as in [`identity`](super::identity), by what is in the flat values: that
//! only one waits, the waitable set that it waits at, or what it has left in its task-local storage. What
//! it has left is known only when it has asked for it: as all of the recording is read before anybody asks,
//! the turn is known from its beginning all the same.

use crate::component::layout::Lift;
use crate::component::status::CallbackAnswer;
use crate::component::types::CoreValue;
use crate::component::{Builtin, Component, Crossing, CrossingId, CrossingKind};
use crate::inspect::hostcall::builtin_call::number;
use crate::timeline::Interrupt;
use crate::timeline::travel::turns::Turns;
use crate::trace::{Event, EventKind, Instance, Stacks, Trace, Way};
use std::collections::{BTreeMap, HashMap};

/// Tasks that wait at the same time, and things that are members of sets: no program has so many.
const MOST: usize = 1 << 16;
/// Between two looks at the interrupt.
const AT_A_TIME: u64 = 1 << 12;

/// What is known of a call in progress.
#[derive(Debug, Default)]
struct Known {
    /// Into the guest: which it is, from 1. 0 of calls out.
    serial: usize,
    /// The task that it is a part of; 0 while that is not known.
    task: u32,
    /// Whether it is what runs the task, and not something else that is called meanwhile.
    is_turn: bool,
    /// Of a call out: the slot of task-local storage that it asks for.
    slot: Option<u32>,
}

/// A task that has returned to the runtime.
#[derive(Debug)]
struct Waiting {
    of: (Instance, CrossingId),
    /// The set that it waits at; `None` where it only lets others run.
    set: Option<u32>,
    left: [u64; 2],
}

struct Reading<'a> {
    component: &'a Component,
    calls: Stacks<Known>,
    waiting: BTreeMap<u32, Waiting>,
    /// What tasks that run have left.
    left: HashMap<u32, [u64; 2]>,
    joined: HashMap<(Instance, u32), u32>,
    /// Threads that have not begun: function and argument, and the task that has made them.
    threads: Vec<((Instance, u64, u64), u32)>,
    begun: u32,
    turns: Vec<u32>,
}

/// Reads whose turn it is, as far as the recording can be read; `None` if interrupted.
pub fn turns(trace: &Trace, interrupt: &Interrupt) -> Option<Turns> {
    let mut reading = Reading {
        component: trace.component(),
        calls: trace.no_calls(),
        waiting: BTreeMap::new(),
        left: HashMap::new(),
        joined: HashMap::new(),
        threads: Vec::new(),
        begun: 0,
        turns: Vec::new(),
    };
    let mut events = trace.events();
    for number in 0_u64.. {
        if number.is_multiple_of(AT_A_TIME) && interrupt.is_raised() {
            return None;
        }
        match events.next() {
            Ok(Some(event)) => reading.take(&event),
            Ok(None) | Err(_) => break,
        }
    }
    Some(Turns {
        tasks: reading.turns,
    })
}

impl Reading<'_> {
    fn take(&mut self, event: &Event) {
        let component = self.component;
        let Some(crossing) = component.crossing(event.crossing) else {
            return;
        };
        match &event.kind {
            EventKind::Enter(args) => {
                let (task, is_turn) = self.entered(event.instance, crossing, args);
                self.turns.push(task);
                let known = Known {
                    serial: self.turns.len(),
                    task,
                    is_turn,
                    slot: None,
                };
                self.calls
                    .begin(event.instance, event.crossing, Way::In, known);
            }
            EventKind::Call(args) => {
                if let Some(builtin) = crossing.builtin() {
                    self.asked(event.instance, builtin, args);
                }
                let slot = match crossing.builtin() {
                    Some(Builtin::ContextGet(slot)) => Some(*slot),
                    _ => None,
                };
                let known = Known {
                    task: self.running(),
                    slot,
                    ..Known::default()
                };
                self.calls
                    .begin(event.instance, event.crossing, Way::Out, known);
            }
            EventKind::Return(results) => {
                let slot = self.calls.end(event.instance, event.crossing);
                if let Some(slot) = slot.and_then(|ended| ended.of.slot) {
                    self.learn(slot, number(results.first()).unwrap_or(0));
                }
            }
            EventKind::Leave(results) => {
                if let Some(ended) = self.calls.end(event.instance, event.crossing)
                    && ended.of.is_turn
                {
                    self.left(event.instance, crossing, &ended.of, results);
                }
            }
            EventKind::Resume(_) => _ = self.calls.follow(event, Known::default),
            EventKind::Write { .. } | EventKind::Hash(_) => {}
        }
    }

    /// The task of the innermost call of the stack that runs.
    fn running(&self) -> u32 {
        self.calls.running().last().map_or(0, |open| open.of.task)
    }

    /// The task that is called, and whether that is what runs it.
    fn entered(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        args: &[CoreValue],
    ) -> (u32, bool) {
        let word = |index| number(args.get(index)).unwrap_or(0);
        match crossing.kind {
            CrossingKind::Lift => {
                self.begun = self.begun.saturating_add(1);
                (self.begun, true)
            }
            CrossingKind::Callback => {
                // Callbacks are numbered right before the functions that they belong to.
                let function = CrossingId(crossing.id.0.saturating_add(1));
                let task = self.called_back((instance, function), word(0), word(1) as u32);
                (self.goes_on(task), true)
            }
            CrossingKind::ThreadStart(_) => {
                let made = (instance, word(0), word(1));
                let place = self.threads.iter().position(|(thread, _)| *thread == made);
                (place.map_or(0, |place| self.threads.remove(place).1), false)
            }
            // What is called of an instance while a task of another, or its own, is in a call out.
            _ => (self.running(), false),
        }
    }

    /// Who is called back with an event; `None` where that does not tell yet.
    fn called_back(&self, of: (Instance, CrossingId), event: u64, waitable: u32) -> Option<u32> {
        let mut of_it = self.waiting.iter().filter(|(_, task)| task.of == of);
        let first = of_it.next()?;
        if of_it.next().is_none() {
            return Some(*first.0);
        }
        // Only of these does an event name a member of a set.
        let set = match event {
            0 => None,
            _ => self.joined.get(&(of.0, waitable)).copied(),
        };
        let is_its_turn = |task: &Waiting| match event {
            0 => task.set.is_none(),
            _ => set.is_some() && task.set == set,
        };
        let waiting = self.waiting.iter();
        let mut likely = waiting.filter(|(_, task)| task.of == of && is_its_turn(task));
        let only = likely.next();
        only.filter(|_| likely.next().is_none())
            .map(|(task, _)| *task)
    }

    /// A task waits no more.
    fn goes_on(&mut self, task: Option<u32>) -> u32 {
        let Some(task) = task else { return 0 };
        if let Some(waited) = self.waiting.remove(&task) {
            self.left.insert(task, waited.left);
        }
        task
    }

    /// The call in progress that runs a task, innermost of the stack that runs.
    fn turn(&self) -> Option<usize> {
        let running = self.calls.running();
        running.iter().rposition(|open| open.way == Way::In)
    }

    /// What a turn has asked for tells whose it is.
    fn learn(&mut self, slot: u32, value: u64) {
        let Some(turn) = self.turn().and_then(|turn| self.calls.running().get(turn)) else {
            return;
        };
        if !turn.of.is_turn || turn.of.task != 0 || value == 0 {
            return;
        }
        let (serial, of) = (turn.of.serial, (turn.instance, turn.crossing));
        let of = (of.0, CrossingId(of.1.0.saturating_add(1)));
        let mut left = self.waiting.iter().filter(|(_, task)| {
            task.of == of && task.left.get(slot as usize).copied() == Some(value)
        });
        let Some(task) = left.next().map(|(task, _)| *task) else {
            return;
        };
        if left.next().is_some() {
            return;
        }
        self.goes_on(Some(task));
        if let Some(turn) = self.calls.innermost_mut()
            && turn.of.serial == serial
        {
            turn.of.task = task;
        }
        // What has been called meanwhile was called in it, too.
        for turn in self.turns.iter_mut().skip(serial.saturating_sub(1)) {
            if *turn == 0 {
                *turn = task;
            }
        }
    }

    /// The guest asks for something.
    fn asked(&mut self, instance: Instance, builtin: &Builtin, args: &[CoreValue]) {
        let word = |index| number(args.get(index)).unwrap_or(0);
        let task = self.running();
        match builtin {
            Builtin::ContextSet(slot) if task != 0 && self.left.len() < MOST => {
                let left = self.left.entry(task).or_default();
                if let Some(left) = left.get_mut(*slot as usize) {
                    *left = word(0);
                }
            }
            Builtin::WaitableJoin if self.joined.len() < MOST => {
                let (waitable, set) = (word(0) as u32, word(1) as u32);
                match set {
                    0 => self.joined.remove(&(instance, waitable)),
                    _ => self.joined.insert((instance, waitable), set),
                };
            }
            Builtin::ThreadNewIndirect(_) if self.threads.len() < MOST => {
                self.threads.push(((instance, word(0), word(1)), task));
            }
            _ => {}
        }
    }

    /// A turn is over.
    fn left(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        turn: &Known,
        results: &[CoreValue],
    ) {
        let function = match crossing.kind {
            CrossingKind::Callback => CrossingId(crossing.id.0.saturating_add(1)),
            _ => crossing.id,
        };
        let left = self.left.remove(&turn.task).unwrap_or_default();
        let answers =
            crossing.kind == CrossingKind::Callback || crossing.lift() == Lift::AsyncCallback;
        let answer = number(results.first()).filter(|_| answers);
        let set = match answer.map(|answer| CallbackAnswer::of(answer as u32)) {
            Some(CallbackAnswer::Wait(set)) => Some(set),
            Some(CallbackAnswer::Yield) => None,
            _ => return,
        };
        if turn.task != 0 && self.waiting.len() < MOST {
            let of = (instance, function);
            self.waiting.insert(turn.task, Waiting { of, set, left });
        }
    }
}
