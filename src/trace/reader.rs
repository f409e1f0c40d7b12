//! Reading a trace. Every byte is hostile: lengths are checked before memory is
//! taken, checksums before anything is decompressed.

use super::cursor::Cursor;
use super::ending;
use super::error::TraceError;
use super::event::{EventKind, Instance};
use super::growth::{self, Completeness};
use super::log::LogError;
use super::metadata::{Metadata, Outcome};
use super::opening::{self, Walked};
use super::request::{NotedRequest, requests};
use super::source::{Source, open_file};
use super::stacks::Stacks;
use super::stored_events::{StoredEvents, Uncommitted};
use super::tail;
use crate::component::{Component, same_code};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A recording that has only been begun is looked at so often, until it can be read.
const UNTIL_BEGUN: usize = 200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A recording, open for reading.
#[derive(Debug)]
pub struct Trace {
    pub(super) stored: Arc<StoredEvents>,
    pub(super) metadata: Metadata,
    pub(super) component: Arc<Component>,
    pub(super) outcome: Outcome,
    pub(super) completeness: Completeness,
    pub(super) program: Option<PathBuf>,
    pub(super) requests: Arc<[NotedRequest]>,
    /// Where its events begin.
    pub(super) events_at: u64,
    pub(super) keeps_stacks: bool,
    pub(super) walked: Arc<Walked>,
    /// Tells whether the tail has changed since.
    pub(super) stamp: Option<Vec<u8>>,
}

/// What a recording is known by where it is opened once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// In bytes; of a log, what it holds.
    length: u64,
    metadata: Metadata,
    /// Where its program is, if it does not hold it.
    program: Option<PathBuf>,
}

impl Trace {
    /// Opens a recording: reads its metadata, its component and where its events
    /// are. The file may also be a log in whose lines the recording is; see
    /// [`log_line`](super::log_line).
    ///
    /// One that is still being written opens with what there is of it at this moment, and outcome
    /// [`Outcome::GoesOn`]; [`Trace::grown`] has what comes later.
    ///
    /// Where nothing tells how the run ended, that is inferred from the last events;
    /// a recording that was cut off opens with outcome [`Outcome::CutOff`] and the
    /// events up to there.
    ///
    /// # Errors
    ///
    /// If the file is not a recording, or its metadata or component are damaged.
    pub fn open(path: &Path) -> Result<Trace, TraceError> {
        Trace::open_with(path, &[])
    }

    /// The same. If its program is not in it, that is also looked for in these places, files and
    /// directories, before it is beside the recording.
    ///
    /// # Errors
    ///
    /// As for [`open`](Trace::open).
    pub fn open_with(path: &Path, programs: &[PathBuf]) -> Result<Trace, TraceError> {
        // What was begun just now is not there yet.
        for _ in 0..UNTIL_BEGUN {
            let opened = Trace::open_now(path, programs);
            match opened {
                Err(
                    TraceError::NoComponent { .. }
                    | TraceError::NotATrace { .. }
                    | TraceError::Read { .. },
                ) if tail::is_beside(path) => std::thread::sleep(BETWEEN_LOOKS),
                opened => return opened,
            }
        }
        Trace::open_now(path, programs)
    }

    /// Whether a recorder is at work on this file.
    pub fn is_being_written(path: &Path) -> bool {
        tail::is_beside(path)
    }

    fn open_now(path: &Path, programs: &[PathBuf]) -> Result<Trace, TraceError> {
        let read_error = |source| TraceError::Read {
            path: path.to_owned(),
            source,
        };
        let file = open_file(path).map_err(read_error)?;
        let source = Source::new(file).map_err(|error| match error {
            LogError::Read(source) => read_error(source),
            LogError::None => TraceError::NotATrace {
                path: path.to_owned(),
            },
            LogError::Two { .. } => TraceError::Log {
                path: path.to_owned(),
                what: error.to_string(),
            },
        })?;
        let begun = opening::begin(path, &source, programs).map_err(|error| {
            match (error, source.missing()) {
                (TraceError::NoComponent { path }, Some(missing)) => TraceError::Log {
                    path,
                    what: format!("{missing}, before the component is complete"),
                },
                (error, _) => error,
            }
        })?;
        let component = Arc::new(begun.component);
        let events_at = begun.events_at;
        let before = Walked::beginning(events_at);
        let found = growth::find(path, source, &component, events_at, before)?;
        let stored = Arc::new(growth::stored(path, &component, &found));
        let outcome = growth::outcome(&found, &stored);
        Ok(Trace {
            stored,
            metadata: begun.metadata,
            component,
            outcome,
            completeness: found.completeness,
            program: begun.program,
            requests: requests(found.walked.notes.clone()).into(),
            events_at,
            keeps_stacks: begun.keeps_stacks,
            walked: Arc::new(found.walked),
            stamp: found.stamp,
        })
    }

    /// Whether the guest may keep several stacks, and the recording says where it goes on.
    pub fn keeps_stacks(&self) -> bool {
        self.keeps_stacks
    }

    /// Where none of its calls is in progress: for who goes through its events.
    pub fn no_calls<T>(&self) -> Stacks<T> {
        Stacks::new(&self.component, self.keeps_stacks)
    }

    /// What another process is told that is to open the same recording.
    pub fn identity(&self) -> Identity {
        Identity {
            length: self.length(),
            metadata: self.metadata.clone(),
            program: self.program.clone(),
        }
    }

    /// Opens a recording that has been opened before, and may have changed since.
    ///
    /// # Errors
    ///
    /// As for [`open`](Trace::open), or if it is shorter now or another one.
    pub fn open_again(path: &Path, before: &Identity) -> Result<Trace, TraceError> {
        let (was, path) = (before.length, path.to_owned());
        let is_cut = |now: u64| now < was;
        let trace = match Trace::open_with(&path, before.program.as_slice()) {
            Ok(trace) => trace,
            Err(error) => {
                let now = std::fs::metadata(&path).map_or(was, |metadata| metadata.len());
                return Err(match is_cut(now) {
                    true => TraceError::Cut { path, was, now },
                    false => error,
                });
            }
        };
        if trace.metadata != before.metadata {
            return Err(TraceError::Overwritten { path });
        }
        match trace.length() {
            now if is_cut(now) => Err(TraceError::Cut { path, was, now }),
            // A run that goes on adds to it.
            _ => Ok(trace),
        }
    }

    /// Adds raw records that recorders had not committed when the recording was cut
    /// off, in the order in which they follow the last section. How the run ended is
    /// then inferred with them.
    ///
    /// A recording that has its end is whole, and stays as it is.
    pub fn with_uncommitted(self, records: Vec<(Instance, Vec<u8>)>) -> Trace {
        if self.has_end() || records.is_empty() {
            return self;
        }
        let stored = Arc::new(StoredEvents {
            uncommitted: records.into_iter().map(Uncommitted::from).collect(),
            ..StoredEvents::clone(&self.stored)
        });
        let outcome = ending::infer(&stored);
        Trace {
            stored,
            outcome,
            ..self
        }
    }

    /// Takes another build of the component that ran: the same code with other
    /// custom sections, such as the debug information that was stripped from the one
    /// that was recorded.
    ///
    /// # Errors
    ///
    /// If its code is not the recorded one's.
    pub fn with_component(self, component: Arc<Component>) -> Result<Trace, TraceError> {
        same_code(&self.component, &component).map_err(|source| TraceError::OtherComponent {
            path: self.path().to_owned(),
            source,
        })?;
        Ok(Trace { component, ..self })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.stored.path
    }

    /// The recording's size in bytes.
    pub fn length(&self) -> u64 {
        self.stored.source.length()
    }

    /// All the bytes that tell what happened, piece by piece: those that were there when it
    /// was opened, and what recorders had not committed. Recordings that differ in these differ.
    ///
    /// # Errors
    ///
    /// If they cannot be read any more.
    pub fn read_content(&self, mut take: impl FnMut(&[u8])) -> std::io::Result<()> {
        let source = &self.stored.source;
        let mut buffer = vec![0; 1 << 18];
        let mut at = 0;
        while at < self.length() {
            let left = usize::try_from(self.length() - at).unwrap_or(usize::MAX);
            let some = left.min(buffer.len());
            let piece = buffer.get_mut(..some).unwrap_or_default();
            source.read_exact_at(piece, at)?;
            take(piece);
            at += some as u64;
        }
        // Of the sections some may not count: then what they held is in the tail.
        take(&(self.stored.sections.len() as u64).to_le_bytes());
        for uncommitted in self.stored.uncommitted.iter() {
            take(&uncommitted.instance.0.to_le_bytes());
            take(&(uncommitted.records.len() as u64).to_le_bytes());
            take(&uncommitted.records);
        }
        Ok(())
    }

    /// The settings of the run.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The component that ran, or the one given in its stead.
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// The component given in the recorded one's stead, if one was.
    pub fn given_component(&self) -> Option<&Arc<Component>> {
        let is_given = !Arc::ptr_eq(&self.component, &self.stored.component);
        is_given.then_some(&self.component)
    }

    /// How the run ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the recording says how the run ended; if not, the outcome is inferred.
    pub fn has_end(&self) -> bool {
        self.completeness == Completeness::Ended
    }

    /// What is known to be missing of the recording: lines of a log.
    pub fn missing(&self) -> Option<&str> {
        self.stored.source.missing()
    }

    /// Where its program was found, if the recording does not hold it.
    pub fn program(&self) -> Option<&Path> {
        self.program.as_deref()
    }

    /// The requests that the host has noted, in the order in which the instance was given them.
    pub fn noted_requests(&self) -> &Arc<[NotedRequest]> {
        &self.requests
    }

    pub(super) fn stored_events(&self) -> &Arc<StoredEvents> {
        &self.stored
    }

    pub(super) fn stored(&self) -> &StoredEvents {
        &self.stored
    }

    /// A cursor at the first event.
    pub fn events(&self) -> Cursor {
        Cursor::new(&self.stored)
    }

    /// A cursor at the first event, for one who goes through all of them: another
    /// thread reads ahead. Not for a process that forks.
    pub fn events_ahead(&self) -> Cursor {
        Cursor::ahead(&self.stored)
    }

    /// A cursor right before an outgoing crossing, by its number; at the end, if
    /// there are not so many. Only the section that holds it is read, where the
    /// recording's writer counted.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn events_from(&self, event: u64) -> Result<Cursor, TraceError> {
        let mut cursor = Cursor::near(&self.stored, event);
        while let Some(next) = cursor.peek()? {
            let is_call = matches!(next.kind, EventKind::Call(_));
            if is_call && cursor.event() >= event {
                break;
            }
            cursor.next()?;
        }
        Ok(cursor)
    }

    /// A cursor at the beginning of the last events that are known to begin somewhere.
    pub(super) fn last_events(&self) -> Cursor {
        Cursor::near(&self.stored, u64::MAX - 1)
    }

    /// How many outgoing crossings there are. Only the last section is read, where
    /// the recording's writer counted.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn hostcalls(&self) -> Result<u64, TraceError> {
        match self.readable_hostcalls() {
            (_, Some(damage)) => Err(damage),
            (hostcalls, None) => Ok(hostcalls),
        }
    }

    /// How many outgoing crossings there are, or, where the trace is damaged in what is read
    /// for that, how many come before the damage.
    pub fn readable_hostcalls(&self) -> (u64, Option<TraceError>) {
        let mut cursor = self.last_events();
        loop {
            match cursor.next() {
                Ok(Some(_)) => {}
                Ok(None) => return (cursor.event(), None),
                Err(damage) => return (cursor.event(), Some(damage)),
            }
        }
    }
}
