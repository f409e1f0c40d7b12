//! How calls nest: which events begin a call and which end one, and what is open
//! between them. Replay plays calls one inside the other.

use super::event::{EventKind, Instance};
use super::records::{Record, RecordKind};
use crate::component::{Component, CrossingId};
use serde::{Deserialize, Serialize};

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
            EventKind::Write { .. } | EventKind::Hash(_) => None,
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
            RecordKind::Write { .. } | RecordKind::Hash(_) | RecordKind::Time(_) => None,
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

/// The calls that have not returned, outermost first: what a recorder checks that its
/// events nest by.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    open: Vec<Open>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    instance: Instance,
    crossing: CrossingId,
}

impl Nesting {
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
    ) -> Result<(), NotNested> {
        let open = Open {
            instance,
            crossing: record.crossing.id,
        };
        match record.kind.edge() {
            Some(Edge::Begins(_)) => {
                self.open.push(open);
                Ok(())
            }
            Some(Edge::Ends(_)) => match self.open.pop() {
                Some(last) if last != open => {
                    let name = |id| {
                        component
                            .crossing(id)
                            .map_or_else(String::new, |crossing| crossing.name.to_string())
                    };
                    Err(NotNested {
                        returned: name(open.crossing),
                        returned_instance: open.instance.0,
                        waiting: name(last.crossing),
                        waiting_instance: last.instance.0,
                    })
                }
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}
