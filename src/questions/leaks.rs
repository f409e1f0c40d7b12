//! `leaks`: blocks that are never freed, and handles that are never dropped.

use super::memory::{HeapAnswer, heap, limit_alone};
use super::{Asked, Question, QuestionError};
use crate::debuggee::{DebuggeeError, HandleShown, InstanceHandles, Past, grouped};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Places and kinds that are told unless more are wanted.
const USUAL: usize = 10;
/// How often it is asked whether handles are known.
const POLL: Duration = Duration::from_millis(20);
/// Handles of one kind that are told.
const SOME: usize = 5;

/// What is never given back?
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks {
    /// How many places, and kinds of handles, are told.
    pub limit: Option<usize>,
}

/// That.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaksAnswer {
    /// Blocks that are in use when the recording ends.
    pub heap: HeapAnswer,
    /// Handles that are never dropped, the most first.
    pub handles: Vec<LeakedHandles>,
    /// How many more kinds of those there are.
    pub more: usize,
}

/// Handles that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeakedHandles {
    /// `own wasi:io/streams/output-stream`
    pub handle: String,
    /// What became of them first: how they were got.
    pub made: String,
    /// How many.
    pub count: usize,
    /// The numbers of the first hostcalls that they were got by.
    pub events: Vec<u64>,
    /// What the first ones stand for.
    pub meanings: Vec<String>,
}

impl Leaks {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If it is not understood.
    pub fn read(text: &str) -> Result<Leaks, QuestionError> {
        Ok(Leaks {
            limit: limit_alone(text)?,
        })
    }
}

impl Question for Leaks {
    type Answer = LeaksAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<LeaksAnswer, QuestionError> {
        let limit = self.limit.unwrap_or(USUAL);
        let profile = asked.debuggee.heap(None, asked.output, asked.interrupt)?;
        let resources = resources(asked)?;
        let leaked = resources.into_iter().flat_map(|of| of.leaks);
        let mut handles = alike(leaked);
        let all = handles.len();
        handles.truncate(limit);
        Ok(LeaksAnswer {
            heap: heap(&profile, limit),
            more: all - handles.len(),
            handles,
        })
    }
}

/// The handle tables at the end: what replays in the background may have to come there first.
fn resources(asked: &mut Asked<'_>) -> Result<Vec<InstanceHandles>, QuestionError> {
    loop {
        match Past::resources(asked.debuggee, true) {
            Err(DebuggeeError::NotYet) if asked.interrupt.is_raised() => {
                return Err(DebuggeeError::Interrupted.into());
            }
            Err(DebuggeeError::NotYet) => std::thread::sleep(POLL),
            known => return Ok(known?),
        }
    }
}

fn alike(leaked: impl Iterator<Item = HandleShown>) -> Vec<LeakedHandles> {
    let mut kinds: BTreeMap<(String, String), LeakedHandles> = BTreeMap::new();
    for handle in leaked {
        let first = handle.life.first();
        let made = first.map(|(_, what)| what.clone()).unwrap_or_default();
        let name = format!("{} {}", handle.kind, handle.type_name);
        let key = (name.clone(), made.clone());
        let kind = kinds.entry(key).or_insert_with(|| LeakedHandles {
            handle: name,
            made,
            count: 0,
            events: Vec::new(),
            meanings: Vec::new(),
        });
        kind.count += 1;
        if kind.events.len() < SOME {
            kind.events.extend(first.map(|(event, _)| *event));
        }
        if kind.meanings.len() < SOME {
            kind.meanings.extend(handle.meaning);
        }
    }
    let mut kinds: Vec<LeakedHandles> = kinds.into_values().collect();
    // Those alike stay in their order.
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    kinds
}

impl fmt::Display for LeaksAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.heap.blocks, &self.heap.unknown) {
            (0, Some(unknown)) => f.write_str(unknown)?,
            (0, None) => f.write_str("all blocks of the heap were freed")?,
            _ => write!(f, "never freed: {}", self.heap)?,
        }
        if self.handles.is_empty() {
            return f.write_str("\nall handles were dropped");
        }
        f.write_str("\nnever dropped:")?;
        for handles in &self.handles {
            write!(f, "\n{handles}")?;
        }
        if self.more > 0 {
            write!(f, "\n… {} kinds more …", grouped(self.more as u64))?;
        }
        Ok(())
    }
}

impl fmt::Display for LeakedHandles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9}  {}", grouped(self.count as u64), self.handle)?;
        if !self.made.is_empty() {
            write!(f, ", {}", self.made)?;
        }
        let events: Vec<String> = self.events.iter().map(u64::to_string).collect();
        if !events.is_empty() {
            write!(f, " (hostcalls {})", events.join(", "))?;
        }
        match self.meanings.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.meanings.join(", ")),
        }
    }
}
