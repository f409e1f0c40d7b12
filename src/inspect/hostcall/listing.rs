//! The hostcalls of a recording as lines for people, to be searched and paged.

use super::hostcalls::{Hostcall, HostcallAnswer, each_hostcall};
use super::lift::Lifted;
use super::wave;
use crate::component::{CrossingId, NamePattern};
use crate::replay::{Compiled, ReplayError};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The most bytes of one value in a line.
const LONGEST_VALUE: usize = 160;
/// Calls beyond this many have no text: a hundred million lines are for no person.
const MOST_TEXTS: usize = 250_000;

/// One hostcall in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the call out, from 0.
    pub event: u64,
    /// Which function or built-in was called.
    pub crossing: CrossingId,
    /// The WIT path.
    pub name: Arc<str>,
    /// How many hostcalls it was made in: calls between components nest.
    pub depth: usize,
    /// Arguments as `name: value`; `…` where there are too many calls to keep all.
    pub arguments: Box<str>,
    /// What it answered, or why that is missing.
    pub answer: RowAnswer,
}

/// What a hostcall answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowAnswer {
    /// The recording has the answer.
    Returned {
        /// As text; `None` if there is none, `…` where there are too many calls to keep all.
        result: Option<Box<str>>,
        /// Its result is an `err`.
        failed: bool,
    },
    /// The recording has no answer.
    Missing,
    /// It came after very many other calls.
    Late,
}

impl Row {
    /// Whether it answered an error.
    pub fn has_failed(&self) -> bool {
        matches!(self.answer, RowAnswer::Returned { failed: true, .. })
    }

    /// The interface, such as `wasi:io/streams`, without its version; what has none, such
    /// as a built-in, goes by its first word.
    pub fn interface(&self) -> &str {
        let head = self.name.split(['@', '#']).next().unwrap_or(&self.name);
        match head.split_once(' ') {
            Some((builtin, _)) => builtin,
            None => head,
        }
    }

    /// One line: the call and what it answered.
    pub fn line(&self) -> String {
        let answer = match &self.answer {
            RowAnswer::Returned {
                result: Some(result),
                ..
            } => format!(" -> {result}"),
            RowAnswer::Returned { result: None, .. } => String::new(),
            RowAnswer::Missing => " (no answer was recorded)".to_owned(),
            RowAnswer::Late => " (its answer comes after many more)".to_owned(),
        };
        format!("{}({}){answer}", self.name, self.arguments)
    }
}

/// All hostcalls of a recording.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// In the order of their numbers.
    pub rows: Vec<Row>,
    /// Why there are no more, where the recording is damaged or replaying it failed.
    pub cut_short: Option<String>,
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// `go_on` answered `false`.
    #[error("interrupted")]
    Interrupted,
    /// The recording could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

impl Listing {
    /// Replays a recording and lists its hostcalls. `go_on` is told how many there are so
    /// far, now and then, and may end it.
    ///
    /// # Errors
    ///
    /// If replay is ended, or fails before the first hostcall.
    pub fn read(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        go_on: impl Fn(usize) -> bool + Send + 'static,
    ) -> Result<Listing, ListingError> {
        let names: Vec<Arc<str>> = {
            let crossings = trace.component().crossings().iter();
            crossings.map(|crossing| crossing.name.clone()).collect()
        };
        let rows = Arc::new(Mutex::new(Vec::new()));
        let shared = rows.clone();
        let listed = each_hostcall(trace.clone(), compiled, move |call| {
            let mut rows = shared.lock();
            if rows.len().is_multiple_of(1024) && !go_on(rows.len()) {
                return ControlFlow::Break(());
            }
            let name = names.get(call.call.crossing.0 as usize);
            let name = name.cloned().unwrap_or_else(|| "".into());
            let with_text = rows.len() < MOST_TEXTS;
            rows.push(row(&call, name, with_text));
            ControlFlow::Continue(())
        });
        let rows = std::mem::take(&mut *rows.lock());
        let cut_short = match listed {
            Ok(ControlFlow::Continue(())) => None,
            Ok(ControlFlow::Break(())) => return Err(ListingError::Interrupted),
            Err(failed) if rows.is_empty() => return Err(failed.into()),
            Err(failed) => Some(format!("no more hostcalls can be listed: {failed}")),
        };
        Ok(Listing { rows, cut_short })
    }

    /// The calls that a pattern means, in order.
    pub fn matching(&self, path: &NamePattern, failed: bool) -> impl Iterator<Item = &Row> {
        let wanted = move |row: &&Row| path.matches(&row.name) && (!failed || row.has_failed());
        self.rows.iter().filter(wanted)
    }
}

fn row(call: &Hostcall, name: Arc<str>, with_text: bool) -> Row {
    let text = |value: &Lifted| match with_text {
        true => wave::text(value, LONGEST_VALUE),
        false => "…".to_owned(),
    };
    let arguments = call.arguments.iter();
    let arguments: Vec<String> = arguments
        .map(|(name, value)| format!("{name}: {}", text(value)))
        .collect();
    let answer = match &call.answer {
        HostcallAnswer::Returned { value, .. } => RowAnswer::Returned {
            failed: matches!(value, Some(Lifted::Result(Err(_)))),
            result: value.as_ref().map(|value| text(value).into()),
        },
        HostcallAnswer::Missing => RowAnswer::Missing,
        HostcallAnswer::Late => RowAnswer::Late,
    };
    Row {
        event: call.call.event,
        crossing: call.call.crossing,
        name,
        depth: call.depth,
        arguments: match with_text {
            true => arguments.join(", ").into(),
            false => "…".into(),
        },
        answer,
    }
}
