//! A recording that is still being written, while one moves in it.
//!
//! Its end moves on only where the session says so, between two motions: [`Timeline::grow`] sees
//! how far the recording goes now, and puts that down in a file. Replayers are told of it when
//! they are copied next; so what stands anywhere stays where it is, and all that run see the
//! same. One that stands at what was the end goes on from there.

use super::ahead::depths::Depths;
use super::processes::watching::Watching;
use super::travel::calls_out::CallsOut;
use super::travel::motion::Reason;
use super::{Result, Timeline, cannot};
use std::sync::Arc;

impl Timeline {
    /// Takes in what has been recorded since; whether there is anything new: more of it, or how
    /// it ended. The session stands where it stood.
    ///
    /// # Errors
    ///
    /// If the recording cannot be read any more.
    pub fn grow(&mut self) -> Result<bool> {
        let Some(trace) = self.trace.grown()? else {
            return Ok(false);
        };
        self.collect();
        let extent = self.pool.keep_extent(&trace.extent());
        let extent = extent.map_err(cannot("tell replayers how far the recording goes"))?;
        if let Watching::Ready(load) = &mut self.watching {
            load.extent = Some(extent.clone());
        }
        self.load.extent = Some(extent.clone());
        self.trace = Arc::new(trace);
        let end = self.live.at;
        let mut moved = self.pool.extend(extent);
        if let Err(error) = self.pool.update(&mut self.live) {
            // Whoever needs it next finds that out, too.
            tracing::warn!("the live process does not see what has been recorded since: {error}");
        }
        if end.is_end {
            moved = Some((end.position, self.live.at.position));
        }
        for (marked, _) in self.marks.values_mut() {
            if let Some((end, now)) = moved.filter(|(end, _)| end == marked) {
                tracing::debug!("what was marked at {end} is at {now}");
                *marked = now;
            }
        }
        if let Reason::End(_) = self.here.reason {
            self.here.position = self.live.at.position;
            self.here.reason = match self.live.at.is_end {
                true => Reason::End(self.ending()),
                false => Reason::Paused,
            };
        }
        // They know only as much as there was, and stand where they stood all the same.
        self.left.clear();
        self.know_less();
        if let Err(error) = self.sweep_on() {
            tracing::warn!("no sweep: {error}");
        }
        Ok(true)
    }

    /// What was found out of all of the recording is not known of the rest.
    fn know_less(&mut self) {
        self.calls_out = CallsOut::default();
        self.changes.forget();
        self.counts = None;
        self.breakpoints.forget_counted();
        let events = self.trace.hostcalls().unwrap_or(0);
        let is_much = events / 2 > self.measured || !self.trace.is_growing();
        if is_much && matches!(self.depths, Depths::Known(_)) {
            self.start_depths();
        }
    }
}
