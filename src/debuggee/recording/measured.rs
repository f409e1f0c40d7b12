//! Where the ticks of a recording went: measured in a thread of its own, once.

use super::Recording;
use crate::component::ModuleId;
use crate::debuggee::{DebuggeeError, Output};
use crate::inspect::profile::{Profile, Sources};
use crate::instrument::probe::Probe;
use crate::replay::contexts::Contexts;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Compiled, ReplayError};
use crate::timeline::{Interrupt, TimelineError};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// What has been measured last, and of how much of the recording.
pub(super) type Measured = Arc<Mutex<Option<(Arc<Trace>, Arc<Profile>)>>>;

/// How often somebody looks whether it is over, or interrupted.
const POLL: Duration = Duration::from_millis(20);

impl Recording {
    /// See [`Whole::profile`](crate::debuggee::Whole::profile).
    pub(super) fn measured_profile(
        &self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Profile>, DebuggeeError> {
        let trace = self.timeline.trace();
        if let Some((of, profile)) = &*self.measured.lock()
            && Arc::ptr_eq(of, trace)
        {
            return Ok(profile.clone());
        }
        let contexts = contexts(trace, &self.cache, output, interrupt)?;
        let of = |module: ModuleId| Some(&self.timeline.module(module)?.source);
        let profile = Profile::of(contexts, trace.component(), &Sources::new(&of));
        let profile = Arc::new(profile);
        *self.measured.lock() = Some((trace.clone(), profile.clone()));
        Ok(profile)
    }
}

/// A replay of the whole recording, given up when it is interrupted.
fn contexts(
    trace: &Arc<Trace>,
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
        let variant = Variant::Probed(Probe::Context);
        let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {});
        let compiled = compiled.map_err(ReplayError::from);
        // Nobody may be interested any more.
        _ = result
            .send(compiled.and_then(|compiled| Contexts::of(&trace, &compiled, &is_cancelled)));
    });
    measuring.map_err(|error| {
        DebuggeeError::other(format!("no thread for the replay that measures: {error}"))
    })?;
    loop {
        match measured.recv_timeout(POLL) {
            Ok(contexts) => return contexts.map_err(failed),
            Err(RecvTimeoutError::Timeout) if interrupt.is_raised() => {
                cancelled.store(true, Ordering::Relaxed);
                return Err(TimelineError::Interrupted.into());
            }
            Err(RecvTimeoutError::Timeout) => {
                output.progress(None, "measuring where the ticks went");
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(DebuggeeError::other("the replay that measures has died"));
            }
        }
    }
}
