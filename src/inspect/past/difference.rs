//! Where two recordings of the same component differ: first in what they were told from outside,
//! and then in what the program did.

use crate::component::{Component, CrossingKind};
use crate::trace::{Cursor, Event, EventKind, Trace, TraceError};

/// Hostcalls answered otherwise that are told one by one.
const MOST: usize = 16;

/// How two recordings differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// How many hostcalls were made alike and answered otherwise, before the programs did
    /// anything else.
    pub told_otherwise: u64,
    /// The numbers of the first of them, the same in both.
    pub first_told: Vec<u64>,
    /// The programs were called with other arguments, before this hostcall.
    pub called_otherwise: Option<u64>,
    /// What the programs did that was not the same.
    pub did: Option<Did>,
}

/// What was done in each: where they part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Did {
    /// In the one.
    pub one: Next,
    /// In the other.
    pub other: Next,
}

/// What a program does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It makes this hostcall.
    Calls(u64),
    /// It returns from where it was called, having made so many hostcalls.
    Returns(u64),
    /// The recording ends, after so many hostcalls.
    Ends(u64),
}

impl Next {
    /// Hostcalls made before.
    pub fn event(self) -> u64 {
        match self {
            Next::Calls(event) | Next::Returns(event) | Next::Ends(event) => event,
        }
    }
}

/// Compares two recordings of the same component; `goes_on` is asked now and then.
///
/// # Errors
///
/// If one of them is damaged.
pub fn difference(
    one: &Trace,
    other: &Trace,
    goes_on: &dyn Fn() -> bool,
) -> Result<Difference, TraceError> {
    let mut found = Difference::default();
    let mut one = Side::new(one);
    let mut other = Side::new(other);
    while goes_on() {
        let (ours, theirs) = (one.step()?, other.step()?);
        if ours.told != theirs.told {
            let is_answer = ours.told.iter().chain(&theirs.told).all(Told::is_answer);
            let event = ours.made.min(theirs.made);
            match (is_answer, event.checked_sub(1)) {
                (true, Some(event)) => {
                    found.told_otherwise += 1;
                    if found.first_told.len() < MOST {
                        found.first_told.push(event);
                    }
                }
                _ => _ = found.called_otherwise.get_or_insert(event),
            }
        }
        if ours.does != theirs.does {
            found.did = Some(Did {
                one: ours.next(),
                other: theirs.next(),
            });
            return Ok(found);
        }
        if ours.does.is_none() {
            return Ok(found);
        }
    }
    Ok(found)
}

/// What a program was told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// What a hostcall answered: results, and what was written, wherever that was put.
    Answer(EventKind),
    Written(Vec<u8>),
    /// It was called.
    Called(EventKind),
}

impl Told {
    fn is_answer(&self) -> bool {
        matches!(self, Told::Answer(_) | Told::Written(_))
    }
}

/// What it was told, and then did.
#[derive(Debug)]
struct Step {
    told: Vec<Told>,
    /// A call out, or a return; `None` at the end.
    does: Option<Event>,
    /// Hostcalls made before that.
    made: u64,
}

impl Step {
    fn next(&self) -> Next {
        match self.does.as_ref().map(|event| &event.kind) {
            Some(EventKind::Call(_)) => Next::Calls(self.made),
            Some(_) => Next::Returns(self.made),
            None => Next::Ends(self.made),
        }
    }
}

struct Side<'t> {
    component: &'t Component,
    cursor: Cursor,
}

impl<'t> Side<'t> {
    fn new(trace: &'t Trace) -> Side<'t> {
        Side {
            component: trace.component(),
            cursor: trace.events_ahead(),
        }
    }

    /// Up to the next thing that the program does. Where the far side asks for memory is left
    /// out: how much it asks for, and what it gets, follows from what it writes.
    fn step(&mut self) -> Result<Step, TraceError> {
        let mut told = Vec::new();
        loop {
            let made = self.cursor.event();
            let Some(event) = self.cursor.next()? else {
                let does = None;
                return Ok(Step { told, does, made });
            };
            let crossing = self.component.crossing(event.crossing);
            let is_realloc = crossing.is_some_and(|c| c.kind == CrossingKind::Realloc);
            match event.kind {
                EventKind::Enter(_) | EventKind::Leave(_) if is_realloc => {}
                EventKind::Hash(_) | EventKind::Resume(_) => {}
                EventKind::Write { bytes, .. } => match told.last_mut() {
                    // A long write may come as several.
                    Some(Told::Written(before)) => before.extend(bytes),
                    _ => told.push(Told::Written(bytes)),
                },
                kind @ EventKind::Return(_) => told.push(Told::Answer(kind)),
                kind @ EventKind::Enter(_) => told.push(Told::Called(kind)),
                EventKind::Call(_) | EventKind::Leave(_) => {
                    let does = Some(event);
                    return Ok(Step { told, does, made });
                }
            }
        }
    }
}
