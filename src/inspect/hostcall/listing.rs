//! The hostcalls of a recording as lines for people, to be searched and paged.
//!
//! One replay tells which calls there are and which of them failed, and what the first of
//! them were given and answered; of millions, another replay tells that of the page that is
//! looked at.

use super::arrivals::{Arrival, Arrivals, Brought};
use super::hostcalls::{Hostcall, HostcallAnswer, Lifting, each_hostcall_lifted};
use super::lift::Lifted;
use super::unanswered::Unanswered;
use super::wave;
use crate::component::{Crossing, CrossingId, NamePattern};
use crate::replay::{Compiled, ReplayError};
use crate::trace::{HostTimes, Trace, WallTime, duration_text};
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of one value in a line.
const LONGEST_VALUE: usize = 160;
/// Of calls beyond this many the text is not kept: a hundred million lines are for no person.
pub const MOST_TEXTS: usize = 100_000;

/// Stands before what is to be passed over by the eye, where there are no colours.
pub const DIM: char = '·';

/// One hostcall in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the call out, from 0.
    pub event: u64,
    /// Which function or built-in was called.
    pub crossing: CrossingId,
    /// The WIT path.
    pub name: Arc<str>,
    /// Whether it is a built-in that only keeps the canonical ABI's books.
    pub is_plumbing: bool,
    /// How many hostcalls it was made in: calls between components nest.
    pub depth: usize,
    /// Arguments as `name: value`.
    pub arguments: Box<str>,
    /// What it answered, or why that is missing.
    pub answer: RowAnswer,
    /// What became of it, if it was not done when it returned.
    pub arrival: Option<Arrival>,
    /// What came then, as text; of a write that was done at once, what was taken, if not all.
    pub brought: Option<Box<str>>,
    /// What it tells of, or callbacks that were entered just before.
    pub told: Vec<Brought>,
    /// When it was made, by the host's clock on the wall.
    pub time: Option<WallTime>,
    /// How long it took; zero if that is too short for the clock.
    pub took: Option<Duration>,
}

/// What a hostcall answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowAnswer {
    /// The recording has the answer.
    Returned {
        /// As text; `None` if there is none.
        result: Option<Box<str>>,
        /// Its result is an `err`.
        failed: bool,
    },
    /// The recording has no answer.
    Missing(Unanswered),
    /// It came after very many other calls.
    Late,
}

/// The interface of a function, by its WIT path: see [`Row::interface`].
pub fn interface(name: &str) -> &str {
    let head = name.split(['@', '#']).next().unwrap_or(name);
    match head.split_once(' ') {
        Some((builtin, _)) => builtin,
        None => head,
    }
}

/// How long a hostcall took, to stand behind it, if that is more than the clock may be wrong by:
/// ` (52 ms)`.
pub fn took_text(took: Option<Duration>) -> String {
    let certain = took.filter(|took| *took >= CERTAIN);
    certain.map_or_else(String::new, |took| format!(" ({})", duration_text(took)))
}

/// The clock goes on once a millisecond, so whatever comes between may seem to take that long.
const CERTAIN: Duration = Duration::from_millis(2);

impl Row {
    /// Whether it answered an error.
    pub fn has_failed(&self) -> bool {
        matches!(self.answer, RowAnswer::Returned { failed: true, .. })
    }

    /// The interface, such as `wasi:io/streams`, without its version; what has none, such
    /// as a built-in, goes by its first word.
    pub fn interface(&self) -> &str {
        interface(&self.name)
    }

    /// How long it took, if that is more than the clock may be wrong by: ` (52 ms)`.
    pub fn took_text(&self) -> String {
        took_text(self.took)
    }

    /// One line: the call and what it answered.
    pub fn line(&self) -> String {
        let answer = match &self.answer {
            RowAnswer::Returned {
                result: Some(result),
                ..
            } => format!(" -> {result}"),
            RowAnswer::Returned { result: None, .. } => String::new(),
            RowAnswer::Missing(why) => format!(" ({})", why.text()),
            RowAnswer::Late => " (its answer comes after many more)".to_owned(),
        };
        let later = match (self.arrival, &self.brought) {
            (Some(arrival), brought) => arrival.text(&answer, brought.as_deref()),
            (None, Some(taken)) => format!(": {taken}"),
            (None, None) => String::new(),
        };
        let told = self.told.iter().map(Brought::text).collect::<String>();
        format!("{}({}){answer}{later}{told}", self.name, self.arguments)
    }
}

/// Which hostcalls are meant.
#[derive(Debug, Clone, Default)]
pub struct Meant {
    /// Those with such a path.
    pub path: NamePattern,
    /// Those only that answered an error.
    pub failed: bool,
    /// Those only that took so long or longer.
    pub slow: Option<Duration>,
    /// Without a path, the canonical ABI's plumbing, too. A path says itself what is meant.
    pub builtins: bool,
}

impl Meant {
    /// Whether calls of a function with this name are.
    pub fn means(&self, name: &str, is_plumbing: bool) -> bool {
        match self.path.is_empty() {
            true => self.builtins || !is_plumbing,
            false => self.path.matches(name),
        }
    }
}

/// All hostcalls of a recording.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    names: Vec<Arc<str>>,
    /// Of each crossing, as the names.
    plumbing: Vec<bool>,
    /// The same: why calls have no answer.
    unanswered: Vec<Unanswered>,
    /// In the order of their numbers.
    calls: Vec<Call>,
    /// Of the first.
    texts: Vec<Texts>,
    times: HostTimes,
    arrivals: Arc<Arrivals>,
    /// Why there are no more, where the recording is damaged or replaying it failed.
    pub cut_short: Option<String>,
}

/// What is kept of each call: there may be millions.
#[derive(Debug, Clone, Copy)]
struct Call {
    crossing: CrossingId,
    depth: u32,
    became: Became,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Returned,
    Failed,
    Missing,
    Late,
}

/// What a call was given and answered.
#[derive(Debug, Clone, Default)]
struct Texts {
    arguments: Box<str>,
    result: Option<Box<str>>,
    brought: Option<Box<str>>,
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
        let crossings = trace.component().crossings();
        let names = crossings.iter().map(|crossing| crossing.name.clone());
        let plumbing = crossings.iter().map(Crossing::is_plumbing);
        let outcome = trace.outcome();
        let unanswered = crossings.iter().map(|of| Unanswered::of(outcome, of));
        let times = HostTimes::of_while(trace, || go_on(0)).ok_or(ListingError::Interrupted)?;
        let arrivals = Arrivals::of_while(trace, || go_on(0)).ok_or(ListingError::Interrupted)?;
        let arrivals = Arc::new(arrivals);
        let awaited = arrivals.clone();
        let listing = Arc::new(Mutex::new(Listing {
            names: names.collect(),
            plumbing: plumbing.collect(),
            unanswered: unanswered.collect(),
            times,
            arrivals,
            ..Listing::default()
        }));
        let shared = listing.clone();
        let lifting = |event: u64| match event < MOST_TEXTS as u64 {
            true => Lifting::All,
            false => Lifting::Failures,
        };
        let listed = each_hostcall_lifted(trace.clone(), compiled, awaited, lifting, move |call| {
            let mut listing = shared.lock();
            let so_far = listing.calls.len();
            if so_far.is_multiple_of(1024) && !go_on(so_far) {
                return ControlFlow::Break(());
            }
            let mut listed = Call::new(&call);
            let arrival = listing.arrivals.of(call.call.event);
            if arrival.is_some_and(|arrival| arrival.failed) {
                listed.became = Became::Failed;
            }
            listing.calls.push(listed);
            if so_far < MOST_TEXTS {
                listing.texts.push(Texts::new(&call));
            }
            ControlFlow::Continue(())
        });
        let mut listing = std::mem::take(&mut *listing.lock());
        match listed {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => return Err(ListingError::Interrupted),
            Err(failed) if listing.calls.is_empty() => return Err(failed.into()),
            Err(failed) => {
                listing.cut_short = Some(format!("no more hostcalls can be listed: {failed}"));
            }
        }
        listing.calls.shrink_to_fit();
        Ok(listing)
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether nothing was called.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// How many calls have their arguments and results here, from the first on.
    pub fn with_texts(&self) -> usize {
        self.texts.len()
    }

    /// The numbers of the calls that are meant, in order.
    pub fn matching(&self, which: &Meant) -> impl Iterator<Item = u64> {
        let names = self.names.iter().zip(&self.plumbing);
        let meant: Vec<bool> = names
            .map(|(name, is_plumbing)| which.means(name, *is_plumbing))
            .collect();
        let (failed, slow) = (which.failed, which.slow);
        let calls = (0_u64..).zip(&self.calls);
        calls
            .filter(move |(_, call)| {
                let meant = meant.get(call.crossing.0 as usize);
                meant.is_some_and(|meant| *meant) && (!failed || call.became == Became::Failed)
            })
            .map(|(event, _)| event)
            .filter(move |event| {
                let took = || self.times.duration(*event);
                slow.is_none_or(|slow| took().is_some_and(|took| took >= slow))
            })
    }

    /// How many of all calls are plumbing.
    pub fn plumbing(&self) -> usize {
        let calls = self.calls.iter();
        calls.filter(|call| self.is_plumbing(call.crossing)).count()
    }

    /// Whether calls of a function are plumbing.
    pub fn is_plumbing(&self, crossing: CrossingId) -> bool {
        let found = self.plumbing.get(crossing.0 as usize);
        found.is_some_and(|is_plumbing| *is_plumbing)
    }

    fn unanswered(&self, crossing: CrossingId) -> Unanswered {
        let found = self.unanswered.get(crossing.0 as usize);
        match &self.cut_short {
            None => found.copied().unwrap_or(Unanswered::Unknown),
            Some(_) => Unanswered::Unknown,
        }
    }

    /// Of each call in order: the function that was called, and whether it failed.
    pub fn outline(&self) -> impl ExactSizeIterator<Item = (CrossingId, bool)> {
        let calls = self.calls.iter();
        calls.map(|call| (call.crossing, call.became == Became::Failed))
    }

    /// The WIT path of a function.
    pub fn name(&self, crossing: CrossingId) -> &str {
        let name = self.names.get(crossing.0 as usize);
        name.map_or("", |name| &**name)
    }

    /// A call, if its arguments and result are here.
    pub fn row(&self, event: u64) -> Option<Row> {
        let index = usize::try_from(event).ok()?;
        let texts = self.texts.get(index)?;
        Some(self.row_of(event, texts.clone()))
    }

    fn row_of(&self, event: u64, texts: Texts) -> Row {
        let call = usize::try_from(event).ok().and_then(|i| self.calls.get(i));
        let (crossing, depth, became) = match call {
            Some(call) => (call.crossing, call.depth, call.became),
            None => (CrossingId(u32::MAX), 0, Became::Missing),
        };
        Row {
            event,
            crossing,
            name: self
                .names
                .get(crossing.0 as usize)
                .cloned()
                .unwrap_or_default(),
            is_plumbing: self.is_plumbing(crossing),
            depth: depth as usize,
            arguments: texts.arguments,
            arrival: self.arrivals.of(event),
            brought: texts.brought,
            told: self.told_at(event),
            time: self.times.wall_time(event),
            took: self.times.duration(event),
            answer: match became {
                Became::Missing => RowAnswer::Missing(self.unanswered(crossing)),
                Became::Late => RowAnswer::Late,
                Became::Returned | Became::Failed => RowAnswer::Returned {
                    result: texts.result,
                    failed: became == Became::Failed,
                },
            },
        }
    }

    /// What is told of in a call or just before.
    fn told_at(&self, event: u64) -> Vec<Brought> {
        let told = self.arrivals.told_at(event);
        told.map(|(begun, told)| {
            let index = usize::try_from(begun).ok();
            let call = index.and_then(|index| self.calls.get(index));
            let name = call.map(|call| self.name(call.crossing));
            let texts = index.and_then(|index| self.texts.get(index));
            let value = texts.and_then(|texts| texts.brought.clone());
            Brought::new(begun, name.unwrap_or_default(), told, value)
        })
        .collect()
    }

    /// Calls by their numbers, which ascend: replays the recording up to the last of them for
    /// what is not here. `go_on` may end it.
    ///
    /// # Errors
    ///
    /// If replay is ended, or fails before the last.
    pub fn rows(
        &self,
        events: &[u64],
        trace: &Arc<Trace>,
        compiled: &Compiled,
        go_on: impl Fn() -> bool + Send + 'static,
    ) -> Result<Vec<Row>, ListingError> {
        let first_away = events.partition_point(|event| *event < self.texts.len() as u64);
        let (here, away) = events.split_at(first_away);
        let mut rows: Vec<Row> = here.iter().filter_map(|event| self.row(*event)).collect();
        let Some(last) = away.last().copied() else {
            return Ok(rows);
        };
        let wanted: Arc<[u64]> = away.into();
        let is_wanted = wanted.clone();
        let lifting = move |event: u64| match is_wanted.binary_search(&event) {
            Ok(_) => Lifting::All,
            Err(_) => Lifting::Nothing,
        };
        let texts = Arc::new(Mutex::new(Vec::new()));
        let shared = texts.clone();
        let awaited = self.arrivals.clone();
        let read = each_hostcall_lifted(trace.clone(), compiled, awaited, lifting, move |call| {
            let event = call.call.event;
            if event.is_multiple_of(1024) && !go_on() {
                return ControlFlow::Break(ListingError::Interrupted);
            }
            if wanted.binary_search(&event).is_ok() {
                shared.lock().push((event, Texts::new(&call)));
            }
            match event < last {
                true => ControlFlow::Continue(()),
                // It is all there.
                false => ControlFlow::Break(ListingError::Replay(ReplayError::Cancelled)),
            }
        });
        let texts = std::mem::take(&mut *texts.lock());
        let have_all = texts.len() == away.len();
        rows.extend(
            texts
                .into_iter()
                .map(|(event, texts)| self.row_of(event, texts)),
        );
        match read {
            _ if have_all => Ok(rows),
            Ok(ControlFlow::Break(interrupted)) => Err(interrupted),
            Err(failed) => Err(failed.into()),
            Ok(ControlFlow::Continue(())) => Ok(rows),
        }
    }
}

impl Call {
    fn new(call: &Hostcall) -> Call {
        Call {
            crossing: call.call.crossing,
            depth: u32::try_from(call.depth).unwrap_or(u32::MAX),
            became: match &call.answer {
                HostcallAnswer::Returned { value, .. } => match value {
                    Some(Lifted::Result(Err(_))) => Became::Failed,
                    _ => Became::Returned,
                },
                HostcallAnswer::Missing => Became::Missing,
                HostcallAnswer::Late => Became::Late,
            },
        }
    }
}

impl Texts {
    fn new(call: &Hostcall) -> Texts {
        let text = |value: &Lifted| wave::text(value, LONGEST_VALUE);
        let arguments = call.arguments.iter();
        let arguments: Vec<String> = arguments
            .map(|(name, value)| format!("{name}: {}", text(value)))
            .collect();
        let result = match &call.answer {
            HostcallAnswer::Returned { value, .. } => value.as_ref(),
            HostcallAnswer::Missing | HostcallAnswer::Late => None,
        };
        Texts {
            arguments: arguments.join(", ").into(),
            result: result.map(|value| text(value).into()),
            brought: call.brought.as_ref().map(|value| text(value).into()),
        }
    }
}
