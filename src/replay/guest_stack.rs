//! What is told of the stacks that the guest has: whose each is, and in what it waits.

use super::calls::Calling;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::Instance;
use serde::{Deserialize, Serialize};

/// What begins with a call into the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// A task: how many there have been, itself included.
    Task(u64),
    /// A thread of a task: which of the threads that it has begun, from 1, and the task's number.
    Thread(u64, u64),
}

impl Whose {
    /// The number of the task.
    pub fn task(self) -> u64 {
        let (Whose::Task(task) | Whose::Thread(_, task)) = self;
        task
    }
}

/// A stack with calls of the guest on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestStack {
    /// Tells it from others, at every moment at which it exists: the serial number of its
    /// outermost call into the guest.
    pub id: u64,
    /// The instance whose function is called first on it.
    pub instance: Instance,
    /// That function.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// Whose it is, if that is known.
    pub task: Option<Whose>,
    /// The call out that it stands in; `None` while its code runs.
    pub calling: Option<Calling>,
    /// How many calls are in progress on it, both ways.
    pub open: u32,
    /// Whether it is the one that runs.
    pub runs: bool,
}

/// A call that was made on top of another one's stack, and waited on as that went on: from then on it
/// has a stack of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The serial number of the outermost call into the guest on the new stack.
    pub serial: u64,
    /// The call out that it waited in, by its number.
    pub event: u64,
}
