//! Where in the recording something can have happened: what ran and what was written, by a
//! replay in the background.
//!
//! Until that is done a search looks everywhere. What was found out is kept with compiled
//! code, so the next session of a recording has it at once.

use super::found::Finding;
use crate::instrument::clock;
use crate::instrument::probe::Probe;
use crate::replay::survey::Survey;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Compiled, ReplayError};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(20);
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
        let finding = Finding {
            name: "survey",
            version: VERSION,
            parameters: &[self.stretch, clock::VERSION.into()],
        };
        let key = finding.of(&self.trace);
        if let Some(survey) = key.as_ref().and_then(|key| key.read(&self.cache)) {
            return Ok(survey);
        }
        let variant = Variant::Probed(Probe::Survey);
        let compiled = Compiled::prepare(&self.trace, &self.cache, variant, &|_, _| {})?;
        let survey = Survey::make(&self.trace, &compiled, &self.cancelled, self.stretch)?;
        if let Some(key) = key {
            key.keep(&survey, &self.cache);
        }
        Ok(survey)
    }
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
