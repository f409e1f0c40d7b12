//! How far a recording goes that may still be written: what is there at one moment, and what has
//! come since.
//!
//! A recorder writes sections into the file and keeps the rest in the tail beside it; see `tail`
//! for how that is read at one moment. What there is at a moment is a prefix of all that there
//! will be: whatever comes later comes behind it.

use super::cursor::Cursor;
use super::ending;
use super::error::TraceError;
use super::event::Instance;
use super::metadata::Outcome;
use super::opening::{self, Walked};
use super::reader::Trace;
use super::request::requests;
use super::source::Source;
use super::stored_events::{StoredEvents, Uncommitted};
use super::tail;
use crate::component::Component;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether there is more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Completeness {
    /// The recording says how the run ended.
    Ended,
    /// A recorder is at work on it.
    Growing,
    /// It has no end, and nobody writes it any more.
    CutOff,
}

/// How far a recording goes, for another process that is to see as much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Bytes of the file that count.
    length: u64,
    completeness: Completeness,
    /// What recorders had not written into it: raw records by instance.
    uncommitted: Vec<(u32, Vec<u8>)>,
}

/// What there is of a recording at one moment.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) walked: Walked,
    pub(super) uncommitted: Vec<(Instance, Vec<u8>)>,
    pub(super) completeness: Completeness,
    /// Of the tail, before that was read.
    pub(super) stamp: Option<Vec<u8>>,
}

/// Finds what there is of a recording now.
pub(super) fn find(
    path: &Path,
    source: Source,
    component: &Component,
    events_at: u64,
    before: Walked,
) -> Result<Found, TraceError> {
    let whole = |source: &Source| opening::indexed(path, source, events_at);
    let ended = |source, walked| Found {
        source,
        walked,
        uncommitted: Vec::new(),
        completeness: Completeness::Ended,
        stamp: None,
    };
    if let Some(walked) = whole(&source) {
        return Ok(ended(source, walked));
    }
    let stamp = tail::stamp(path);
    let tail = match &source {
        Source::File { file, .. } => {
            tail::read(path, file, component).map_err(|error| TraceError::Tail {
                path: tail::tail_path(path),
                what: error.to_string(),
            })?
        }
        Source::Log(_) => None,
    };
    // The tail goes when the file has its end: if that was just now, the file has it.
    let now = source.now().map_err(|source| TraceError::Read {
        path: path.to_owned(),
        source,
    })?;
    let source = now.unwrap_or(source);
    if let Some(walked) = whole(&source) {
        return Ok(ended(source, walked));
    }
    let (source, uncommitted, completeness) = match tail {
        None => (source, Vec::new(), Completeness::CutOff),
        Some(tail) => {
            let length = tail.trace_length.max(before.to);
            let source = source.up_to(length).unwrap_or(source);
            let completeness = match tail.is_growing {
                true => Completeness::Growing,
                false => Completeness::CutOff,
            };
            (source, tail.records, completeness)
        }
    };
    let walked = opening::walk(path, &source, before)?;
    if walked.end.is_some() {
        return Ok(ended(source, walked));
    }
    Ok(Found {
        source,
        walked,
        uncommitted,
        completeness,
        stamp,
    })
}

/// Looks whether there is more of a recording than when this was made, from any thread.
#[derive(Debug, Clone)]
pub struct Follower {
    path: PathBuf,
    stamp: Option<Vec<u8>>,
}

impl Follower {
    /// Whether there is, or may be: what is there is not read.
    pub fn has_more(&self) -> bool {
        tail::stamp(&self.path) != self.stamp
    }
}

impl Trace {
    /// Looks whether there is more of it.
    pub fn follower(&self) -> Follower {
        Follower {
            path: self.path().to_owned(),
            stamp: self.stamp.clone(),
        }
    }

    /// Whether a recorder is still at work on it, or was when this was read.
    pub fn is_growing(&self) -> bool {
        self.completeness == Completeness::Growing
    }

    /// The recording as it is now, if there is more of it, or it has ended or been cut off since.
    /// What there was stays as it is: the events of this one are the first of the other.
    ///
    /// # Errors
    ///
    /// If it cannot be read any more.
    pub fn grown(&self) -> Result<Option<Trace>, TraceError> {
        if !self.is_growing() || !self.follower().has_more() {
            return Ok(None);
        }
        let path = self.path();
        let source = self
            .stored()
            .source
            .now()
            .map_err(|source| TraceError::Read {
                path: path.to_owned(),
                source,
            })?;
        let Some(source) = source else {
            return Ok(None);
        };
        let (was, now) = (self.length(), source.length());
        if now < was {
            return Err(TraceError::Cut {
                path: path.to_owned(),
                was,
                now,
            });
        }
        let component = self.stored().component.clone();
        let walked = self.walked.as_ref().clone();
        let grown = self.with(find(path, source, &component, self.events_at, walked)?);
        let is_more = match grown.completeness {
            Completeness::Growing => grown.reach()? > self.reach()?,
            Completeness::Ended | Completeness::CutOff => true,
        };
        Ok(is_more.then_some(grown))
    }

    /// A cursor over an earlier part of this recording, at the same place in this one.
    ///
    /// # Errors
    ///
    /// If the recording is damaged before that.
    pub fn continued(&self, cursor: &Cursor) -> Result<Cursor, TraceError> {
        cursor.moved_to(&self.stored)
    }

    /// How many outgoing crossings there are, and how many events of any kind come after the
    /// last one.
    fn reach(&self) -> Result<(u64, u64), TraceError> {
        let drained = |mut cursor: Cursor| {
            while cursor.next()?.is_some() {}
            Ok::<_, TraceError>(cursor)
        };
        // From before the last call, so that those after it are counted from there.
        let calls = drained(self.last_events())?.event();
        let last = Cursor::near(&self.stored, calls.saturating_sub(1));
        Ok((calls, drained(last)?.since_call()))
    }

    /// How far it goes.
    pub fn extent(&self) -> Extent {
        let uncommitted = self.stored().uncommitted.iter();
        Extent {
            length: self.length(),
            completeness: self.completeness,
            uncommitted: uncommitted
                .map(|rest| (rest.instance.0, rest.records.to_vec()))
                .collect(),
        }
    }

    /// The same recording as another process has it, which has found more of it.
    ///
    /// # Errors
    ///
    /// If it cannot be read so far.
    pub fn extended(&self, to: Extent) -> Result<Trace, TraceError> {
        let path = self.path();
        let source = self.stored().source.up_to(to.length);
        let Some(source) = source else {
            return Ok(self.with(Found {
                source: Source::clone(&self.stored().source),
                walked: self.walked.as_ref().clone(),
                uncommitted: Vec::new(),
                completeness: self.completeness,
                stamp: None,
            }));
        };
        let indexed = opening::indexed(path, &source, self.events_at);
        let walked = match indexed {
            Some(walked) => walked,
            None if self.walked.to <= to.length => {
                opening::walk(path, &source, self.walked.as_ref().clone())?
            }
            None => opening::walk(path, &source, Walked::beginning(self.events_at))?,
        };
        let uncommitted = to.uncommitted.into_iter();
        Ok(self.with(Found {
            source,
            walked,
            uncommitted: uncommitted
                .map(|(instance, records)| (Instance(instance), records))
                .collect(),
            completeness: to.completeness,
            stamp: None,
        }))
    }

    fn with(&self, found: Found) -> Trace {
        let stored = Arc::new(StoredEvents {
            path: self.path().to_owned(),
            component: self.stored().component.clone(),
            ..stored(self.path(), &self.stored().component, &found)
        });
        let outcome = outcome(&found, &stored);
        Trace {
            stored,
            metadata: self.metadata().clone(),
            component: self.component().clone(),
            outcome,
            completeness: found.completeness,
            program: self.program().map(Path::to_owned),
            requests: requests(found.walked.notes.clone()).into(),
            events_at: self.events_at,
            keeps_stacks: self.keeps_stacks,
            walked: Arc::new(found.walked),
            stamp: found.stamp,
        }
    }
}

/// The events of what was found.
pub(super) fn stored(path: &Path, component: &Arc<Component>, found: &Found) -> StoredEvents {
    let uncommitted = found.uncommitted.iter().cloned();
    StoredEvents {
        path: path.to_owned(),
        source: Arc::new(found.source.clone()),
        component: component.clone(),
        sections: found.walked.sections.as_slice().into(),
        uncommitted: uncommitted.map(Uncommitted::from).collect(),
    }
}

/// How the run ended, as far as that can be told.
pub(super) fn outcome(found: &Found, stored: &Arc<StoredEvents>) -> Outcome {
    match (&found.walked.end, found.completeness) {
        (Some(end), _) => end.clone(),
        (None, Completeness::Growing) => Outcome::GoesOn,
        (None, _) => ending::infer(stored),
    }
}
