//! What do the futures of a Rust program wait for? A task that is suspended has no stack: what
//! it will go on with is in coroutines, one waiting for the other, with branches where several
//! are waited for at once.

mod combinators;
mod rows;
mod search;
mod storage;

pub use super::variable::library::rust::coroutines::Progress;
pub use rows::{Row, rows};
pub use search::{Resumed, Roots, in_frame, in_task, of_resumed, resumed_by};
pub use storage::{Storage, Stored};

use super::variable::library::rust::coroutines::Suspended;
use super::variable::place::FrameState;
use super::variable::value::{Field, Look, Value};
use super::variable::variables::{Variable, part};
use crate::source::{Coroutine, ModuleSource, SourceLine};
use std::collections::HashSet;

/// A future, and those that it waits for.
#[derive(Debug, Clone)]
pub struct Future {
    /// What it is.
    pub what: What,
    /// Several: all of these at once.
    pub awaits: Vec<Future>,
    pub(super) value: Value,
}

/// Tells a coroutine from others: at its beginning may be the one that it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Where it is in memory.
    pub address: u64,
    /// Which function or block it is.
    pub coroutine: Coroutine,
}

/// What a future is.
#[derive(Debug, Clone)]
pub enum What {
    /// Of the program's code, or of its libraries'.
    Coroutine(Kept),
    /// Another type that waits, or that has others wait.
    Type(String),
    /// What the component's instance knows by an index: a subtask, or an end of a stream or future.
    Waitable(u32),
    /// There are more than are looked at.
    More,
}

/// A coroutine that is not over.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Which function or block it is.
    pub coroutine: Coroutine,
    /// Whether it has begun.
    pub has_begun: bool,
    /// Where it is suspended; of one that has not begun, where it is declared.
    pub line: Option<SourceLine>,
    kept: Vec<Field>,
}

impl Kept {
    /// What it keeps while it waits.
    pub(in crate::inspect) fn fields(&self) -> &[Field] {
        &self.kept
    }

    /// The same, by name.
    pub fn names(&self) -> Vec<String> {
        self.kept.iter().map(|field| field.name.clone()).collect()
    }
}

impl Future {
    /// The coroutine that it is.
    pub fn coroutine(&self) -> Option<&Kept> {
        match &self.what {
            What::Coroutine(kept) => Some(kept),
            What::Type(_) | What::Waitable(_) | What::More => None,
        }
    }

    /// Which coroutine it is, if it is one.
    fn identity(&self) -> Option<Identity> {
        let What::Coroutine(kept) = &self.what else {
            return None;
        };
        Some(Identity {
            address: self.value.place.address()?,
            coroutine: kept.coroutine.clone(),
        })
    }

    /// Whether it is one of these.
    pub fn is_any(&self, running: &HashSet<Identity>) -> bool {
        self.identity()
            .is_some_and(|identity| running.contains(&identity))
    }

    /// What it keeps while it waits, as a function has its locals.
    pub fn kept(&self, source: &ModuleSource, state: &dyn FrameState) -> Vec<Variable> {
        let What::Coroutine(coroutine) = &self.what else {
            return Vec::new();
        };
        let look = Look::new(source, state);
        let fields = coroutine.kept.iter().cloned();
        fields
            .map(|field| part(&look, field.name, field.value))
            .collect()
    }

    /// Whether it, or one that it waits for, is one of these.
    pub fn has_any(&self, running: &HashSet<Identity>) -> bool {
        self.is_any(running) || self.awaits.iter().any(|awaited| awaited.has_any(running))
    }

    /// What is suspended while some run: the branches beside those.
    pub fn beside(self, running: &HashSet<Identity>) -> Vec<Future> {
        if !self.has_any(running) {
            return vec![self];
        }
        // What waits for nothing else may be what asks here; and what a future that runs by itself
        // has waited for before is over.
        let awaits = self.awaits.into_iter();
        match self.what {
            What::Coroutine(_) => awaits
                .filter(|awaited| awaited.has_any(running) || !awaited.awaits.is_empty())
                .flat_map(|awaited| awaited.beside(running))
                .collect(),
            _ => awaits.flat_map(|awaited| awaited.beside(running)).collect(),
        }
    }
}

impl From<Suspended> for Kept {
    fn from(suspended: Suspended) -> Kept {
        Kept {
            has_begun: suspended.progress != Progress::Unresumed,
            coroutine: suspended.coroutine,
            line: suspended.line,
            kept: suspended.kept,
        }
    }
}
