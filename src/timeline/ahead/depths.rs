//! Which stretches of time a search can leave out: those in which none of the
//! frames that it looks at ran.
//!
//! A replay of the whole recording in the background, optimised, measures the
//! lowest number of frames in each stretch. Until it is done, nothing is left out.

use super::surveys::Surveys;
use crate::component::ModuleId;
use crate::replay::profile::DepthProfile;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Compiled, ReplayError, Tick};
use crate::timeline::processes::machine::{self, Bytes};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use crate::trace::Trace;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

/// From there on only one process at a time goes through the recording in the background.
const LARGE: Bytes = Bytes(256 << 20);
/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(20);
/// Fewer ticks than this are searched rather than left out: they are replayed in
/// the time that a fork takes.
const LEAST: u64 = 1 << 14;
/// So many stretches are looked at for one that can be left out: a search through
/// code that runs at its own depth all the time should not begin by reading all of
/// the profile.
const NEAR: usize = 64;

/// A stretch in which there were more frames than a search looks at, all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::timeline) struct Quiet {
    pub(in crate::timeline) ticks: Range<Tick>,
}

impl Quiet {
    pub(in crate::timeline) fn long_enough(ticks: Range<Tick>) -> Option<Quiet> {
        let length = ticks.end.0.saturating_sub(ticks.start.0);
        (length >= LEAST).then_some(Quiet { ticks })
    }
}

/// The depth profile of a recording.
#[derive(Debug)]
pub(in crate::timeline) enum Depths {
    Unwanted,
    /// The guest has much memory: begins when the sweep is over, which has as much.
    AfterSweep,
    Measuring {
        cancelled: Arc<AtomicBool>,
        result: Receiver<DepthProfile>,
    },
    Known(DepthProfile),
}

impl Depths {
    /// Begins to measure.
    /// After that, `then` is done on the same thread.
    pub(super) fn measure(
        trace: Arc<Trace>,
        cache: CacheDir,
        then: impl FnOnce() + Send + 'static,
    ) -> Depths {
        let (sender, result) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("depths".into());
        let measuring = thread.spawn({
            let cancelled = cancelled.clone();
            move || {
                match profile(&trace, &cache, &cancelled) {
                    // Nobody may be interested any more.
                    Ok(profile) => _ = sender.send(profile),
                    Err(_) if cancelled.load(Ordering::Relaxed) => {}
                    Err(error) => tracing::warn!("no depth profile, steps take longer: {error}"),
                }
                drop(sender);
                then();
            }
        });
        match measuring {
            Ok(_) => Depths::Measuring { cancelled, result },
            Err(error) => {
                tracing::warn!("no depth profile, steps take longer: {error}");
                Depths::Unwanted
            }
        }
    }

    /// Waits a while for the end of measuring.
    fn wait(&mut self, at_most: Duration) {
        if let Depths::Measuring { result, .. } = self
            && let Ok(profile) = result.recv_timeout(at_most)
        {
            *self = Depths::Known(profile);
        }
    }

    fn known(&mut self) -> Option<&DepthProfile> {
        if let Depths::Measuring { result, .. } = self {
            match result.try_recv() {
                Ok(profile) => *self = Depths::Known(profile),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => *self = Depths::Unwanted,
            }
        }
        match self {
            Depths::Known(profile) => Some(profile),
            _ => None,
        }
    }
}

impl Drop for Depths {
    fn drop(&mut self) {
        if let Depths::Measuring { cancelled, .. } = self {
            cancelled.store(true, Ordering::Relaxed);
        }
    }
}

fn profile(
    trace: &Arc<Trace>,
    cache: &CacheDir,
    cancelled: &Arc<AtomicBool>,
) -> std::result::Result<DepthProfile, ReplayError> {
    let compiled = Compiled::prepare(trace, cache, Variant::Profile, &|_, _| {})?;
    DepthProfile::measure(trace, &compiled, cancelled)
}

impl Timeline {
    /// Begins to measure depths, if steps are to be made.
    pub(in crate::timeline) fn start_depths(&mut self) {
        if !self.options.sweep || self.load.variant != Variant::Debug {
            return;
        }
        self.measured = self.trace.hostcalls().unwrap_or(0);
        self.depths = match machine::taken_by(self.live.pid) > LARGE {
            true => Depths::AfterSweep,
            false => self.measure_depths(),
        };
    }

    /// Measures them, and then makes the survey.
    fn measure_depths(&mut self) -> Depths {
        let (trace, cache) = (self.trace.clone(), self.options.cache.clone());
        let (surveys, maker) = Surveys::to_come(trace.clone(), cache.clone(), self.options.stretch);
        self.surveys = surveys;
        Depths::measure(trace, cache, move || maker.make())
    }

    /// The same, if it has waited for the sweep.
    pub(super) fn start_waiting_depths(&mut self) {
        if let Depths::AfterSweep = self.depths {
            self.depths = self.measure_depths();
        }
    }

    /// Waits until the depths are measured: steps over long calls are short then.
    ///
    /// # Errors
    ///
    /// If interrupted.
    pub fn wait_for_depths(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.start_ahead();
        if let Depths::AfterSweep = self.depths {
            self.wait_for_sweep(interrupt)?;
        }
        while self.depths.known().is_none() && !matches!(self.depths, Depths::Unwanted) {
            if interrupt.is_raised() {
                return Err(TimelineError::Interrupted);
            }
            self.depths.wait(POLL);
        }
        Ok(())
    }

    /// The next stretch after `from` in which there were always more than `depth` frames, or
    /// none of `places` was visited, if it is near enough and long enough to matter.
    pub(in crate::timeline) fn quiet_after(
        &mut self,
        depth: Option<u32>,
        places: &[(ModuleId, u32)],
        from: Tick,
    ) -> Option<Quiet> {
        let (depth, profile) = (depth?, self.depths.known()?);
        let deep = deep_after(profile, depth, from);
        // What is visited in this tick may come before the present.
        let start = deep.map_or(Tick(from.0.saturating_add(1)), |quiet| quiet.ticks.start);
        let mut end = start;
        loop {
            let shallow = profile.first_at_most(depth, end);
            let deep_until = shallow.map_or(profile.end(), |ran| ran.start).max(end);
            let unvisited = self.outer.none_until(places, deep_until);
            let next = unvisited.unwrap_or(deep_until).min(profile.end());
            if next <= end {
                return Quiet::long_enough(start..end);
            }
            end = next;
        }
    }

    /// The stretch that ends at `until` in which there were always more, or none of these
    /// places was visited.
    pub(in crate::timeline) fn quiet_before(
        &mut self,
        depth: Option<u32>,
        places: &[(ModuleId, u32)],
        until: Tick,
    ) -> Option<Quiet> {
        let is_growing = self.trace.is_growing();
        let (depth, profile) = (depth?, self.depths.known()?);
        if is_growing && until > profile.end() {
            // It was measured when there was less.
            return None;
        }
        let end = until.min(profile.end());
        let mut start = end;
        loop {
            let before = start.0.checked_sub(1).map(Tick);
            let ran = before.and_then(|before| profile.last_at_most(depth, before));
            let deep_since = ran.map_or(start, |ran| ran.end.min(start));
            // The search ends somewhere in this tick.
            let visits_end = match deep_since == until {
                true => Tick(until.0.saturating_add(1)),
                false => deep_since,
            };
            let unvisited = self.outer.none_since(places, visits_end);
            let next = unvisited.map_or(deep_since, |since| since.min(deep_since));
            if next >= start {
                return Quiet::long_enough(start..end);
            }
            start = next;
        }
    }
}

/// The next stretch after `from` in which there were always more than `depth` frames, if it
/// is near enough and long enough.
fn deep_after(profile: &DepthProfile, depth: u32, from: Tick) -> Option<Quiet> {
    let mut from = from;
    for _ in 0..NEAR {
        let ran = profile.first_at_most(depth, from);
        let until = ran.as_ref().map_or(profile.end(), |ran| ran.start);
        let quiet = Quiet::long_enough(from..until);
        if quiet.is_some() {
            return quiet;
        }
        from = ran?.end;
    }
    None
}
