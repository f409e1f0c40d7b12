//! What has been asked at this stop and is not known yet, and who waits for it.

use super::Recording;
use crate::debuggee::{BecameKnown, DebuggeeError, Preparing};
use crate::inspect::past::chronicle::{Chronicle, ChronicleError, Until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What has been asked at this stop and is not known yet.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    wanted: Vec<Wanted>,
    /// What somebody has been given to wait for, and has not come since.
    given_out: Vec<Until>,
    /// Set when the guest has been compiled for debugging.
    is_compiled: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    until: Until,
    part: Part,
}

/// Where the answer lacks what is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// There is none.
    Whole,
    /// Values were shown without it.
    Values,
    /// Frames were.
    Frames,
}

impl Awaited {
    /// What was asked at another stop is of no interest any more.
    pub(super) fn forget(&mut self) {
        self.wanted.clear();
        self.is_compiled.store(false, Ordering::Relaxed);
    }

    fn want(&mut self, until: Until, part: Part) {
        let wanted = Wanted { until, part };
        if !self.wanted.contains(&wanted) {
            self.wanted.push(wanted);
        }
    }

    /// The next of what is wanted and nobody waits for.
    fn next(&mut self) -> Option<Until> {
        let given_out = &self.given_out;
        let mut wanted = self.wanted.iter().map(|wanted| wanted.until);
        let until = wanted.find(|until| !given_out.contains(until))?;
        self.given_out.push(until);
        Some(until)
    }
}

fn is_awaited(chronicle: &Chronicle, until: Until) -> bool {
    chronicle.has_come_to(until) == Err(ChronicleError::NotYet)
}

impl From<ChronicleError> for DebuggeeError {
    fn from(error: ChronicleError) -> Self {
        match error {
            ChronicleError::NotYet => DebuggeeError::NotYet,
            ChronicleError::Interrupted => DebuggeeError::Interrupted,
            other => DebuggeeError::Other(other.to_string()),
        }
    }
}

impl Recording {
    /// What has happened so far; a replay in the background, begun at the first time of
    /// asking, tells.
    pub(super) fn chronicle(&mut self) -> &Chronicle {
        let (trace, cache) = (self.timeline.trace(), &self.cache);
        self.chronicle
            .get_or_insert_with(|| Chronicle::start(trace.clone(), cache.clone()))
    }

    /// Asks for what the chronicle knows when it has come so far. What it does not know yet
    /// is announced when it does.
    pub(super) fn ask_chronicle<T>(
        &mut self,
        until: Until,
        part: Part,
        ask: impl FnOnce(&Chronicle) -> Result<T, ChronicleError>,
    ) -> Result<T, DebuggeeError> {
        // Who asks a question waits.
        if let Some(interrupt) = self.timeline.waits_for_code().cloned() {
            self.chronicle().wait(until, &interrupt, &|_| {})?;
        }
        let answer = ask(self.chronicle());
        if let Err(ChronicleError::NotYet) = answer {
            self.awaited.want(until, part);
        }
        Ok(answer?)
    }

    pub(super) fn next_preparing(&mut self) -> Option<Preparing> {
        if let Some(end) = self.timeline.debug_end() {
            let is_compiled = self.awaited.is_compiled.clone();
            return Some(Box::new(move || {
                end.wait();
                is_compiled.store(true, Ordering::Relaxed);
            }));
        }
        if let Some(more) = self.watching.more_of(self.timeline.trace()) {
            return Some(more);
        }
        let chronicle = self.chronicle.as_ref()?;
        let until = self.awaited.next()?;
        Some(Box::new(chronicle.coming_to(until)))
    }

    pub(super) fn known_by_now(&mut self) -> BecameKnown {
        let mut known = BecameKnown {
            anything: self.awaited.is_compiled.swap(false, Ordering::Relaxed),
            values: false,
            frames: false,
            growth: self.watching.has_ended(),
        };
        if let Some(chronicle) = &self.chronicle {
            let given_out = &mut self.awaited.given_out;
            given_out.retain(|until| is_awaited(chronicle, *until));
            self.awaited.wanted.retain(|wanted| {
                let remains = is_awaited(chronicle, wanted.until);
                known.values |= !remains && wanted.part == Part::Values;
                known.frames |= !remains && wanted.part == Part::Frames;
                remains
            });
        }
        known
    }
}
