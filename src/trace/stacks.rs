//! The calls in progress, on the stacks that they lie on.
//!
//! One stack runs, and calls nest in it. The others wait, each in a call out, until a
//! [`Resume`](super::EventKind::Resume) says that it is the one that runs.

use super::event::{Event, EventKind, Instance};
use super::nesting::{Edge, Way};
use crate::component::{Component, Crossing, CrossingId};
use std::collections::HashMap;
use std::sync::Arc;

/// A call in progress, and what somebody knows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOnStack<T> {
    /// Whether the guest calls or is called.
    pub way: Way,
    /// The component instance on the guest's side.
    pub instance: Instance,
    /// What is called.
    pub crossing: CrossingId,
    /// What is known of it.
    pub of: T,
    /// Which of the instance's calls out it is.
    number: u32,
    /// How often another stack had gone on when it began.
    switches: u64,
}

/// The calls that have begun since somebody began to look, and have not ended.
#[derive(Debug, Clone)]
pub struct Stacks<T> {
    component: Arc<Component>,
    /// Of the stack that runs, outermost first.
    running: Vec<OpenOnStack<T>>,
    waiting: Vec<Vec<OpenOnStack<T>>>,
    /// Whether there may be more than one.
    keeps_stacks: bool,
    /// How many calls out each instance has made, where that matters.
    made: HashMap<Instance, u32>,
    switches: u64,
    /// How many are known.
    known: usize,
    /// Calls that are in progress beyond those: a hostile recording must not make that large.
    deeper: u64,
}

/// No program has so many in progress.
const MOST_KNOWN: usize = 1 << 12;

/// What a resume comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// The guest goes on where it ran.
    GoesOn,
    /// It goes on in another call than the one that was made last.
    Switched,
    /// It goes on in a call that is not known: if it began before somebody looked, nothing
    /// is known of its stack.
    Unknown,
}

impl<T> Stacks<T> {
    /// Nothing is in progress.
    pub fn new(component: &Arc<Component>, keeps_stacks: bool) -> Stacks<T> {
        Stacks {
            component: component.clone(),
            running: Vec::new(),
            waiting: Vec::new(),
            keeps_stacks,
            made: HashMap::new(),
            switches: 0,
            known: 0,
            deeper: 0,
        }
    }

    /// The calls of the stack that runs, outermost first.
    pub fn running(&self) -> &[OpenOnStack<T>] {
        &self.running
    }

    /// The innermost call of the stack that runs.
    pub fn innermost_mut(&mut self) -> Option<&mut OpenOnStack<T>> {
        self.running.last_mut()
    }

    /// All calls in progress: of the stack that runs last.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &OpenOnStack<T>> {
        self.waiting.iter().flatten().chain(&self.running)
    }

    /// How many calls are in progress.
    pub fn count(&self) -> u64 {
        self.known as u64 + self.deeper
    }

    /// Whether so many calls are in progress that not all of them are known.
    pub fn is_full(&self) -> bool {
        self.deeper > 0
    }

    /// Goes past an event. `of` is what is known of a call that begins with it; what was known of
    /// one that ends is handed out.
    pub fn follow(&mut self, event: &Event, of: impl FnOnce() -> T) -> Option<OpenOnStack<T>> {
        if let EventKind::Resume(after) = event.kind {
            self.resume(event.instance, event.crossing, after);
            return None;
        }
        match event.kind.edge()? {
            Edge::Begins(way) => {
                self.begin(event.instance, event.crossing, way, of());
                None
            }
            Edge::Ends(_) => self.end(event.instance, event.crossing),
        }
    }

    /// A call begins.
    pub fn begin(&mut self, instance: Instance, crossing: CrossingId, way: Way, of: T) {
        let mut number = 0;
        if self.keeps_stacks {
            match way {
                Way::Out => {
                    let made = self.made.entry(instance).or_default();
                    *made = made.wrapping_add(1);
                    number = *made;
                }
                Way::In if self.begins_stack(crossing) => {
                    self.switches += 1;
                    self.waiting.push(std::mem::take(&mut self.running));
                }
                Way::In => {}
            }
        }
        if self.known >= MOST_KNOWN {
            self.deeper += 1;
            return;
        }
        self.known += 1;
        self.running.push(OpenOnStack {
            way,
            instance,
            crossing,
            of,
            number,
            switches: self.switches,
        });
    }

    /// Whether what is entered is nothing of those who are called on the stack that runs.
    fn begins_stack(&self, entered: CrossingId) -> bool {
        let caller = self.running.last();
        let entered = self.component.crossing(entered);
        caller.zip(entered).is_some_and(|(caller, entered)| {
            caller.way == Way::Out && !self.is_inside(entered, caller)
        })
    }

    fn is_inside(&self, entered: &Crossing, caller: &OpenOnStack<T>) -> bool {
        let caller = (caller.instance, caller.crossing);
        self.component.runs_inside(entered, caller)
    }

    /// The innermost call of the stack that runs ends, if it is this one.
    pub fn end(&mut self, instance: Instance, crossing: CrossingId) -> Option<OpenOnStack<T>> {
        if self.deeper > 0 {
            self.deeper -= 1;
            return None;
        }
        let is_it =
            |open: &mut OpenOnStack<T>| (open.instance, open.crossing) == (instance, crossing);
        let ended = self.running.pop_if(is_it)?;
        self.known -= 1;
        Some(ended)
    }

    /// A call goes on after which its instance has made so many others: its stack is the one that
    /// runs.
    pub fn resume(&mut self, instance: Instance, crossing: CrossingId, after: u32) -> Resumed {
        let made = self.made.get(&instance).copied().unwrap_or_default();
        let number = made.wrapping_sub(after);
        let is_it = |open: &OpenOnStack<T>| {
            (open.way, open.number) == (Way::Out, number)
                && (open.instance, open.crossing) == (instance, crossing)
        };
        let found = |stack: &Vec<OpenOnStack<T>>| stack.iter().rposition(is_it);
        let last = self.running.last().filter(|open| is_it(open));
        if last.is_some_and(|open| open.switches == self.switches) {
            return Resumed::GoesOn;
        }
        self.switches += 1;
        let mut at = found(&self.running);
        if at.is_none() {
            let mut waiting = self.waiting.iter().enumerate();
            let place = waiting.find_map(|(i, stack)| Some((i, found(stack)?)));
            let resumed = match place {
                Some((stack, place)) => {
                    at = Some(place);
                    self.waiting.swap_remove(stack)
                }
                None => Vec::new(),
            };
            let left = std::mem::replace(&mut self.running, resumed);
            if !left.is_empty() {
                self.waiting.push(left);
            }
        }
        let Some(at) = at else {
            return Resumed::Unknown;
        };
        // What was called from there, and waits, does so on a stack of its own from here on.
        let above = self.running.split_off(at + 1);
        if !above.is_empty() {
            self.waiting.push(above);
        }
        Resumed::Switched
    }
}
