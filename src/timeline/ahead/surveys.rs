//! Where in the recording something can have happened: what ran and what was written, by a
//! replay in the background.
//!
//! Until that is done a search looks everywhere. What was found out is kept with compiled
//! code, so the next session of a recording has it at once.

use crate::instrument::clock;
use crate::instrument::probe::Probe;
use crate::replay::survey::Survey;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Compiled, ReplayError};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use crate::trace::Trace;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(20);
/// One as long as recordings may have takes a tenth of a second to pack so.
const LEVEL: i32 = 1;
/// Grows whenever surveys are made otherwise.
const VERSION: u32 = 2;

/// The survey of a recording.
#[derive(Debug, Default)]
pub(in crate::timeline) enum Surveys {
    /// None is wanted, or none can be had.
    #[default]
    Unwanted,
    Making(Making),
    Known(Arc<Survey>),
}

/// A survey in the making.
#[derive(Debug)]
pub(in crate::timeline) struct Making {
    cancelled: Arc<AtomicBool>,
    result: Receiver<Survey>,
}

impl Drop for Making {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The other end of it: makes it when it is called.
pub(in crate::timeline) struct Maker {
    trace: Arc<Trace>,
    cache: CacheDir,
    stretch: u64,
    cancelled: Arc<AtomicBool>,
    result: Sender<Survey>,
}

impl Surveys {
    /// To be made by the other.
    pub(super) fn to_come(trace: Arc<Trace>, cache: CacheDir, stretch: u64) -> (Surveys, Maker) {
        let (sender, result) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let maker = Maker {
            trace,
            cache,
            stretch,
            cancelled: cancelled.clone(),
            result: sender,
        };
        (Surveys::Making(Making { cancelled, result }), maker)
    }

    /// The survey if it is there, or comes while one waits so long.
    fn known(&mut self, at_most: Duration) -> Option<&Arc<Survey>> {
        if let Surveys::Making(making) = self {
            match making.result.recv_timeout(at_most) {
                Ok(survey) => *self = Surveys::Known(Arc::new(survey)),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => *self = Surveys::Unwanted,
            }
        }
        match self {
            Surveys::Known(survey) => Some(survey),
            _ => None,
        }
    }
}

impl Maker {
    /// Reads it from the cache, or makes it.
    pub(super) fn make(self) {
        if self.cancelled.load(Ordering::Relaxed) {
            return;
        }
        match self.survey() {
            // Nobody may be interested any more.
            Ok(survey) => _ = self.result.send(survey),
            Err(_) if self.cancelled.load(Ordering::Relaxed) => {}
            Err(error) => tracing::warn!("no survey, searches take longer: {error}"),
        }
    }

    fn survey(&self) -> std::result::Result<Survey, ReplayError> {
        let key = key_of(&self.trace, self.stretch);
        let kept = key.as_ref().and_then(|key| self.cache.known(key));
        let kept = kept.and_then(|bytes| unpack(&bytes));
        if let Some(survey) = kept {
            return Ok(survey);
        }
        let variant = Variant::Probed(Probe::Survey);
        let compiled = Compiled::prepare(&self.trace, &self.cache, variant, &|_, _| {})?;
        let survey = Survey::make(&self.trace, &compiled, &self.cancelled, self.stretch)?;
        if let (Some(key), Some(bytes)) = (key, pack(&survey)) {
            self.cache.keep(&key, &bytes);
        }
        Ok(survey)
    }
}

fn pack(survey: &Survey) -> Option<Vec<u8>> {
    let bytes = postcard::to_allocvec(survey).ok()?;
    zstd::bulk::compress(&bytes, LEVEL).ok()
}

fn unpack(packed: &[u8]) -> Option<Survey> {
    let bytes = zstd::stream::decode_all(packed).ok()?;
    postcard::from_bytes(&bytes).ok()
}

/// All that a survey depends on: the whole recording, with what came of its recorder's tail, the component that is replayed, and how
/// long its stretches are at first.
fn key_of(trace: &Trace, stretch: u64) -> Option<Vec<u8>> {
    let mut hasher = Sha256::new();
    hasher.update(b"survey");
    hasher.update(VERSION.to_le_bytes());
    hasher.update(stretch.to_le_bytes());
    hasher.update(clock::VERSION.to_le_bytes());
    for module in trace.component().modules() {
        hasher.update((module.len() as u64).to_le_bytes());
        hasher.update(module);
    }
    trace.read_content(|bytes| hasher.update(bytes)).ok()?;
    Some(hasher.finalize().to_vec())
}

impl Timeline {
    /// The survey, if it is made by now.
    pub(in crate::timeline) fn survey(&mut self) -> Option<Arc<Survey>> {
        self.surveys.known(Duration::ZERO).cloned()
    }

    /// Waits until it is known where in the recording something can have happened, if that
    /// is to be found out: searches leave out all other time then.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub fn wait_for_survey(&mut self, interrupt: &Interrupt) -> Result<Option<Arc<Survey>>> {
        self.wait_for_depths(interrupt)?;
        while self.surveys.known(POLL).is_none() && matches!(self.surveys, Surveys::Making(_)) {
            if interrupt.is_raised() {
                return Err(TimelineError::Interrupted);
            }
        }
        Ok(self.survey())
    }
}
