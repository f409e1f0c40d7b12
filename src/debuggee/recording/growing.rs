//! A recording that is still being written: its end is now, and there will be more.

use super::{Recording, requests};
use crate::debuggee::{DebuggeeError, Output, Preparing};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Ending, Motion, Reason, Stop};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often one looks for more who waits for it at the end.
const AT_THE_END: Duration = Duration::from_millis(20);
/// And who only shows how much there is: views are drawn anew each time.
const ELSEWHERE: Duration = Duration::from_millis(700);

/// Who looks whether there is more, while the session stands still.
#[derive(Debug, Default)]
pub(super) struct Watching {
    is_given_out: bool,
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
        if self.is_given_out || !trace.is_growing() {
            return None;
        }
        self.is_given_out = true;
        let follower = trace.follower();
        let (has_more, is_abandoned) = (self.has_more.clone(), self.is_abandoned.clone());
        Some(Box::new(move || {
            while !is_abandoned.load(Ordering::Relaxed) {
                thread::sleep(ELSEWHERE);
                if follower.has_more() {
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
        has_more
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
        self.hostcalls = None;
        self.finding = requests::Finding::start_again(trace, &self.finding);
        match &self.chronicle {
            Some(chronicle) => chronicle.extend(trace.clone()),
            None => {}
        }
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
