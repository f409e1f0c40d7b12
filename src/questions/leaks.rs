//! `leaks`: blocks that are never freed, and handles that are never dropped.

use super::memory::{HeapAnswer, heap, limit_alone};
use super::{Asked, Question, QuestionError};
use crate::debuggee::{Debuggee, DebuggeeError, HandleShown, Past, grouped};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
    /// Tasks that have not ended, what is still waited for, and streams and futures that were never read
    /// or written.
    pub tasks: Vec<Left>,
    /// How many more of those there are.
    pub more_tasks: usize,
}

/// What a task has left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// In words.
    pub what: String,
    /// The hostcall that it began with, or the one after that.
    pub event: u64,
    /// When it was used last.
    pub last: Option<u64>,
    /// The task that made it or used it last.
    pub task: Option<u64>,
    /// The request that the task served.
    pub request: Option<String>,
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
        let resources = once_known(asked, |debuggee| Past::resources(debuggee, true))?;
        let leaked = resources.into_iter().flat_map(|of| of.leaks);
        let mut handles = alike(leaked);
        let all = handles.len();
        handles.truncate(limit);
        let mut tasks = left(asked)?;
        let all_tasks = tasks.len();
        tasks.truncate(limit);
        Ok(LeaksAnswer {
            more_tasks: all_tasks - tasks.len(),
            tasks,
            heap: heap(&profile, limit),
            more: all - handles.len(),
            handles,
        })
    }
}

/// What a debuggee tells of its past: what replays in the background may have to come there first.
pub(super) fn once_known<T>(
    asked: &mut Asked<'_>,
    tell: impl Fn(&mut dyn Debuggee) -> Result<T, DebuggeeError>,
) -> Result<T, QuestionError> {
    loop {
        match tell(asked.debuggee) {
            Err(DebuggeeError::NotYet) if asked.interrupt.is_raised() => {
                return Err(DebuggeeError::Interrupted.into());
            }
            Err(DebuggeeError::NotYet) => std::thread::sleep(POLL),
            known => return Ok(known?),
        }
    }
}

/// What tasks have left, by the request that they served.
fn left(asked: &mut Asked<'_>) -> Result<Vec<Left>, QuestionError> {
    let shown = once_known(asked, |debuggee| Past::tasks(debuggee, true))?;
    let requests = asked.debuggee.requests(asked.interrupt)?;
    let all = shown.told.tasks.iter().chain(&shown.ended);
    let request_of = |task: Option<u64>| {
        let task = all.clone().find(|told| Some(told.id) == task)?;
        let mut list = requests.list().iter();
        let request = list.find(|request| {
            request.entered.is_some_and(|entered| {
                (entered.event, entered.instance.0) == (task.begun, task.instance)
            })
        })?;
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let (method, target) = (part(&request.method), part(&request.target));
        Some(format!("request {}: {method} {target}", request.number))
    };
    let mut left: Vec<Left> = Vec::new();
    for task in &shown.told.tasks {
        let returned = match task.returned {
            Some(_) => "has returned and goes on",
            None => "has not returned",
        };
        left.push(Left {
            what: format!(
                "task {}, {}({}), {returned}: {}",
                task.id, task.function, task.arguments, task.words
            ),
            event: task.begun,
            last: Some(task.ran),
            task: Some(task.id),
            request: request_of(Some(task.id)),
        });
    }
    // What is there still has been told.
    for unused in shown
        .unused
        .iter()
        .filter(|unused| unused.dropped.is_some())
    {
        left.push(Left {
            what: unused.words.clone(),
            event: unused.came,
            last: unused.dropped,
            task: unused.task,
            request: request_of(unused.task),
        });
    }
    Ok(left)
}

fn alike(leaked: impl Iterator<Item = HandleShown>) -> Vec<LeakedHandles> {
    let mut kinds: BTreeMap<(String, String), LeakedHandles> = BTreeMap::new();
    for handle in leaked {
        // Before that may be what became of the one that had its index.
        let mut life = handle.life.iter();
        let first = life.find(|(_, what)| what.starts_with("made by"));
        let made = first.map(|(_, what)| what.clone()).unwrap_or_default();
        let name = match handle.type_name == handle.kind {
            true => handle.kind.to_owned(),
            false => format!("{} {}", handle.kind, handle.type_name),
        };
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
        match self.handles.is_empty() {
            true => f.write_str("\nall handles were dropped")?,
            false => f.write_str("\nnever dropped:")?,
        }
        for handles in &self.handles {
            write!(f, "\n{handles}")?;
        }
        if self.more > 0 {
            write!(f, "\n… {} kinds more …", grouped(self.more as u64))?;
        }
        if !self.tasks.is_empty() {
            f.write_str("\nnever ended, read or written:")?;
        }
        // Together what one request has left, in the order of requests.
        let requests: BTreeSet<&Option<String>> =
            self.tasks.iter().map(|left| &left.request).collect();
        for request in requests {
            if let Some(request) = request {
                write!(f, "\n  {request}")?;
            }
            let own = self.tasks.iter().filter(|left| left.request == *request);
            for left in own {
                write!(f, "\n    {}", left.what)?;
            }
        }
        if self.more_tasks > 0 {
            write!(f, "\n… {} more …", grouped(self.more_tasks as u64))?;
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
        let events: BTreeSet<u64> = self.events.iter().copied().collect();
        let events: Vec<String> = events.iter().map(u64::to_string).collect();
        match events.as_slice() {
            [] => {}
            [only] => write!(f, " (hostcall {only})")?,
            events => write!(f, " (hostcalls {})", events.join(", "))?,
        }
        match self.meanings.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.meanings.join(", ")),
        }
    }
}
