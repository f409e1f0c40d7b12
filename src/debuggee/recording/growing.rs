//! A recording that is still being written: its end is now, and there will be more.

use super::Recording;
use crate::debuggee::{DebuggeeError, Output, Preparing};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Ending, Motion, Reason, Stop};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often one looks for more who waits for it at the end.
const AT_THE_END: Duration = Duration::from_millis(20);
/// And who only shows how much there is: views are drawn anew each time, and may take so large a
/// part of the time for that, 1 in 8.
const ELSEWHERE: Duration = Duration::from_millis(700);
const SHARE_OF_LISTING: u32 = 8;

/// Who looks whether there is more, while the session stands still.
#[derive(Debug, Default)]
pub(super) struct Watching {
    is_given_out: bool,
    /// Who looked has ended, and has not been heard: the session was moving.
    is_unheard: bool,
    /// How long it has taken to list all hostcalls, as views do that show how many there are.
    pub(super) listing_took: Duration,
    has_more: Arc<AtomicBool>,
    is_abandoned: Arc<AtomicBool>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl Watching {
    /// Ends when there is more of a recording than this; given out once.
    pub(super) fn more_of(&mut self, trace: &Trace) -> Option<Preparing> {
        if self.has_more.swap(false, Ordering::Relaxed) {
            (self.is_given_out, self.is_unheard) = (false, true);
        }
        if self.is_given_out || !trace.is_growing() {
            return None;
        }
        self.is_given_out = true;
        let follower = trace.follower();
        let rest = ELSEWHERE.max(self.listing_took * SHARE_OF_LISTING);
        let (has_more, is_abandoned) = (self.has_more.clone(), self.is_abandoned.clone());
        Some(Box::new(move || {
            let begun = Instant::now();
            while !is_abandoned.load(Ordering::Relaxed) {
                thread::sleep(ELSEWHERE);
                if begun.elapsed() >= rest && follower.has_more() {
                    has_more.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }))
    }

    /// Whether it has ended since this was asked last.
    pub(super) fn has_ended(&mut self) -> bool {
        let has_more = self.has_more.swap(false, Ordering::Relaxed);
        self.is_given_out &= !has_more;
        has_more | std::mem::take(&mut self.is_unheard)
    }
}

impl Recording {
    /// Takes in what has been recorded since; whether there is anything new.
    pub(super) fn take_in_growth(&mut self) -> Result<bool, DebuggeeError> {
        if !self.timeline.grow()? {
            return Ok(false);
        }
        let trace = self.timeline.trace();
        self.events.take();
        self.turns = None;
        self.hostcalls = None;
        self.arrivals = None;
        self.finding.read_on(trace);
        if let Some(chronicle) = &self.chronicle {
            chronicle.extend(trace.clone());
        }
        // What was unanswered may be answered.
        self.calls.clear();
        self.keep_marks();
        Ok(true)
    }

    /// Goes on from what was the end of a recording as often as there is more of it, until
    /// something stops the motion.
    pub(super) fn go_on_as_it_grows(
        &mut self,
        motion: &Motion,
        stop: Stop,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let mut stop = stop;
        while *motion == Motion::Continue(Direction::Forward)
            && stop.reason == Reason::End(Ending::SoFar)
        {
            if interrupt.is_given_up() {
                return Err(DebuggeeError::Interrupted);
            }
            if interrupt.is_raised() {
                return Ok(stop);
            }
            if self.take_in_growth()? {
                stop = self.timeline.here().clone();
                if !matches!(stop.reason, Reason::End(_)) {
                    stop = self.meet(motion, output, interrupt)?;
                }
            } else {
                output.progress(None, "waiting for more to be recorded");
                thread::sleep(AT_THE_END);
            }
        }
        Ok(stop)
    }
}
