//! Where the ticks of a recording went: measured in a thread of its own, once.

use super::Recording;
use crate::component::ModuleId;
use crate::debuggee::{DebuggeeError, Output};
use crate::inspect::profile::{Profile, Sources};
use crate::instrument::probe::Probe;
use crate::replay::contexts::Contexts;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Compiled, ReplayError, Tick};
use crate::timeline::{Interrupt, TimelineError};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Where the ticks went.
    Ticks,
    /// The same, and heaps.
    Heap {
        /// As they are at this tick; else at the end.
        until: Option<Tick>,
    },
}

/// What has been measured last of each kind, and of how much of the recording.
pub(super) type Measured = Arc<Mutex<[Option<Known>; 2]>>;

/// What has been measured.
pub(super) struct Known {
    of: Arc<Trace>,
    what: Measure,
    profile: Arc<Profile>,
}

/// How often somebody looks whether it is over, or interrupted.
const POLL: Duration = Duration::from_millis(20);

impl Recording {
    /// See [`Whole::profile`](crate::debuggee::Whole::profile).
    pub(super) fn measured_profile(
        &self,
        what: Measure,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        let trace = self.timeline.trace();
        let known = self.measured.lock();
        let mut fitting = known
            .iter()
            .flatten()
            .filter(|known| known.what == what && Arc::ptr_eq(&known.of, trace));
        if let Some(known) = fitting.next() {
            return Ok(known.profile.clone());
        }
        drop(known);
        let contexts = contexts(trace, what, &self.cache, output, interrupt)?;
        let of = |module: ModuleId| Some(&self.timeline.module(module)?.source);
        let profile = Profile::of(contexts, trace.component(), &Sources::new(&of));
        let profile = Arc::new(profile);
        let [ticks, heap] = &mut *self.measured.lock();
        let known = match what {
            Measure::Ticks => ticks,
            Measure::Heap { .. } => heap,
        };
        *known = Some(Known {
            of: trace.clone(),
            what,
            profile: profile.clone(),
        });
        Ok(profile)
    }
}

/// A replay of the whole recording, given up when it is interrupted.
fn contexts(
    trace: &Arc<Trace>,
    what: Measure,
    cache: &CacheDir,
    output: &dyn Output,
    interrupt: &Interrupt,
) -> Result<Contexts, DebuggeeError> {
    let failed = |error: ReplayError| DebuggeeError::other(error.to_string());
    let (result, measured) = channel();
    let cancelled = Arc::new(AtomicBool::new(false));
    let (trace, cache, is_cancelled) = (trace.clone(), cache.clone(), cancelled.clone());
    let measuring = std::thread::Builder::new().name("profile".to_owned());
    let measuring = measuring.spawn(move || {
        let variant = Variant::Probed(match what {
            Measure::Ticks => Probe::Context,
            Measure::Heap { .. } => Probe::Heap,
        });
        let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {});
        let compiled = compiled.map_err(ReplayError::from);
        let contexts = compiled.and_then(|compiled| match what {
            Measure::Heap { until: Some(until) } => {
                Contexts::until(&trace, &compiled, &is_cancelled, until)
            }
            Measure::Ticks | Measure::Heap { until: None } => {
                Contexts::of(&trace, &compiled, &is_cancelled)
            }
        });
        // Nobody may be interested any more.
        _ = result.send(contexts);
    });
    measuring.map_err(|error| {
        DebuggeeError::other(format!("no thread for the replay that measures: {error}"))
    })?;
    output.progress(None, "replaying the recording to measure it");
    loop {
        match measured.recv_timeout(POLL) {
            Ok(contexts) => return contexts.map_err(failed),
            Err(RecvTimeoutError::Timeout) if interrupt.is_raised() => {
                cancelled.store(true, Ordering::Relaxed);
                return Err(TimelineError::Interrupted.into());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(DebuggeeError::other("the replay that measures has died"));
            }
        }
    }
}
