//! Replay went another way than the recorded run: what both sides did.

use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::Instance;
use std::fmt;

/// Replay went another way than the recorded run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "replay diverged at event {event}\n  recorded: {recorded}\n  replayed: {replayed}\n\
     is this the component that was recorded, and the recording unchanged? if so, this is a fault \
     of rr-dap"
)]
pub struct Divergence {
    /// Outgoing crossings made before.
    pub event: u64,
    /// What the recorded run did at this point.
    pub recorded: Side,
    /// What the guest does there in replay.
    pub replayed: Side,
}

/// What one side did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// In words, with flat values.
    pub text: String,
    /// The crossing, if it is one, with what passed: enough to lift it. The memory
    /// that it points into is the replaying store's, which stands where replay
    /// diverged; the recorded run's is not known.
    pub crossed: Option<Box<Crossed>>,
}

/// What passed through a crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossed {
    /// The component instance on the guest's side.
    pub instance: Instance,
    /// Which of the component's crossings it is.
    pub crossing: CrossingId,
    /// What the one side handed to the other.
    pub passed: Passed,
}

/// Flat values that passed through a crossing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// As the call began.
    Arguments(Vec<CoreValue>),
    /// As it returned.
    Results(Vec<CoreValue>),
}

impl Crossed {
    pub(super) fn new(instance: Instance, crossing: CrossingId, passed: Passed) -> Crossed {
        Crossed {
            instance,
            crossing,
            passed,
        }
    }
}

impl Side {
    pub(super) fn crossed(text: String, crossed: Crossed) -> Side {
        Side {
            text,
            crossed: Some(Box::new(crossed)),
        }
    }
}

impl From<String> for Side {
    fn from(text: String) -> Side {
        Side {
            text,
            crossed: None,
        }
    }
}

impl From<&str> for Side {
    fn from(text: &str) -> Side {
        text.to_owned().into()
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
