//! How calls nest: which events begin a call and which end one, and what is open
//! between them. Replay plays calls one inside the other, on as many stacks as there are.

use super::event::{EventKind, Instance};
use super::records::{Record, RecordKind};
use super::stacks::{Resumed, Stacks};
use crate::component::{Component, CrossingId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which way a call crosses the core boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// The guest calls.
    Out,
    /// The guest is called.
    In,
}

/// What an event is to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// A call begins with it.
    Begins(Way),
    /// A call ends with it.
    Ends(Way),
}

impl EventKind {
    /// The call's end that it is, if it is one.
    pub fn edge(&self) -> Option<Edge> {
        match self {
            EventKind::Call(_) => Some(Edge::Begins(Way::Out)),
            EventKind::Return(_) => Some(Edge::Ends(Way::Out)),
            EventKind::Enter(_) => Some(Edge::Begins(Way::In)),
            EventKind::Leave(_) => Some(Edge::Ends(Way::In)),
            EventKind::Write { .. } | EventKind::Hash(_) | EventKind::Resume(_) => None,
        }
    }
}

impl RecordKind<'_> {
    /// As [`EventKind::edge`].
    fn edge(&self) -> Option<Edge> {
        match self {
            RecordKind::Call(_) => Some(Edge::Begins(Way::Out)),
            RecordKind::Return(_) => Some(Edge::Ends(Way::Out)),
            RecordKind::Enter(_) => Some(Edge::Begins(Way::In)),
            RecordKind::Leave(_) => Some(Edge::Ends(Way::In)),
            RecordKind::Write { .. }
            | RecordKind::Hash(_)
            | RecordKind::Resume(_)
            | RecordKind::Time(_) => None,
        }
    }
}

/// How many calls are open. It takes no memory for them: a forged recording may open as
/// many as it has events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth(u64);

impl Depth {
    /// That of a place where so many calls are open.
    pub fn new(open: u64) -> Depth {
        Depth(open)
    }

    /// How many calls are open.
    pub fn open(self) -> u64 {
        self.0
    }

    /// Goes past an edge; `false` if it ends a call around those that are counted: where
    /// none is open.
    pub fn follow(&mut self, edge: Edge) -> bool {
        let next = match edge {
            Edge::Begins(_) => self.0.checked_add(1),
            Edge::Ends(_) => self.0.checked_sub(1),
        };
        self.0 = next.unwrap_or(self.0);
        next.is_some()
    }
}

/// A call returned before one that was made after it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{returned} of instance {returned_instance} returned while {waiting} of instance \
     {waiting_instance}, called after it, was still waiting: the recording ends here, as \
     replay plays calls one inside the other; what was recorded before replays. \
     Functions that wait in a `callback`, not in a blocking call, do not get in each other's way"
)]
pub struct NotNested {
    /// The crossing that returned.
    pub returned: String,
    /// The number of the [`Instance`] that it belongs to.
    pub returned_instance: u32,
    /// The crossing that had to return first.
    pub waiting: String,
    /// The number of the [`Instance`] that it belongs to.
    pub waiting_instance: u32,
}

/// The calls that have not returned: what a recorder checks that its events nest by.
#[derive(Debug)]
pub(super) struct Nesting {
    stacks: Stacks<()>,
}

/// What a writer does with a record that nests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    Keep,
    /// It says what follows without it: that the guest goes on where it ran.
    LeaveOut,
}

impl Nesting {
    pub(super) fn new(component: &Arc<Component>) -> Nesting {
        Nesting {
            stacks: Stacks::new(component, component.keeps_stacks()),
        }
    }

    /// Follows a record.
    ///
    /// # Errors
    ///
    /// If it does not nest in those before.
    pub(super) fn follow(
        &mut self,
        instance: Instance,
        record: &Record<'_>,
        component: &Component,
    ) -> Result<Follows, NotNested> {
        let crossing = record.crossing.id;
        if let RecordKind::Resume(after) = record.kind {
            return Ok(match self.stacks.resume(instance, crossing, after) {
                Resumed::GoesOn => Follows::LeaveOut,
                Resumed::Switched | Resumed::Unknown => Follows::Keep,
            });
        }
        match record.kind.edge() {
            Some(Edge::Begins(way)) => self.stacks.begin(instance, crossing, way, ()),
            Some(Edge::Ends(_)) => {
                let is_full = self.stacks.is_full();
                let ended = self.stacks.end(instance, crossing);
                let last = self.stacks.running().last().filter(|_| !is_full);
                if let (None, Some(last)) = (ended, last) {
                    let waiting = (last.instance, last.crossing);
                    return Err(not_nested(component, (instance, crossing), waiting));
                }
            }
            None => {}
        }
        Ok(Follows::Keep)
    }
}

fn not_nested(
    component: &Component,
    returned: (Instance, CrossingId),
    waiting: (Instance, CrossingId),
) -> NotNested {
    let name = |id| {
        let crossing = component.crossing(id);
        crossing.map_or_else(String::new, |crossing| crossing.name.to_string())
    };
    NotNested {
        returned: name(returned.1),
        returned_instance: returned.0.0,
        waiting: name(waiting.1),
        waiting_instance: waiting.0.0,
    }
}
