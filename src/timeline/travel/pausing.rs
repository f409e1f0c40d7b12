//! Where a motion stands that was paused: where it had come to.
//!
//! Forward that is where the guest has halted. Backward the guest runs stretch by stretch:
//! what lies behind the last one that was searched to its end has nothing to stop at.

use super::super::{Interrupt, Result, Timeline, TimelineError};
use super::Ran;
use super::motion::{Reason, Stop};
use crate::replay::variant::Variant;
use crate::replay::{Position, Tick};
use crate::timeline::processes::process::{Back, Process, Sent};
use crate::timeline::processes::wire::found::Change;
use crate::timeline::processes::wire::run::{Run, StopAt, Watch};

/// How far a motion had come when it was interrupted.
#[derive(Debug)]
pub(in crate::timeline) enum ComeTo {
    /// A replayer has halted there.
    Halted(Process),
    Position(Position),
}

/// Where the session stands, and what is known of it.
pub(super) struct Standing {
    stop: Stop,
    changed: Vec<Change>,
    /// See [`Timeline::unbegun`].
    unbegun: u32,
}

impl Timeline {
    pub(super) fn standing(&self) -> Standing {
        Standing {
            stop: self.here.clone(),
            changed: self.changes.here.clone(),
            unbegun: self.unbegun,
        }
    }

    /// A motion that fails has moved nothing.
    pub(super) fn stand_again(&mut self, begun: &Standing) -> Result<()> {
        if self.here != begun.stop {
            self.seek(begun.stop.position, &Interrupt::new())?;
            self.here = begun.stop.clone();
            self.changes.here = begun.changed.clone();
        }
        self.unbegun = begun.unbegun;
        Ok(())
    }

    /// Stands where an interrupted motion had come to; if nobody has paused it, or it had not
    /// come anywhere, it was in vain.
    pub(super) fn pause(&mut self, interrupt: &Interrupt) -> Result<Stop> {
        if interrupt.is_given_up() {
            return Err(TimelineError::Interrupted);
        }
        match self.come_to.take() {
            Some(ComeTo::Halted(process)) => Ok(self.settle(process, Reason::Paused)),
            Some(ComeTo::Position(position)) => {
                self.seek(position, &interrupt.insisting())?;
                Ok(self.arrived(Reason::Paused))
            }
            None => Err(TimelineError::Interrupted),
        }
    }

    /// As [`Timeline::run`], for a run that goes on from where the session stands: if it is
    /// interrupted, the session may stand where it halts.
    pub(super) fn run_on(
        &mut self,
        process: Process,
        watch: Watch,
        stop: StopAt,
        leave_at: Vec<Tick>,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        // Optimised code can be looked at where it makes hostcalls only.
        if self.load.variant != Variant::Debug {
            return self.run(process, watch, stop, leave_at, interrupt);
        }
        let run = Run {
            on_stack: self.on_stack_for(&watch),
            watch: watch.clone(),
            stop,
            leave: self.leave_on_the_way(leave_at),
        };
        self.back_or_halted(process.send(run)?, &watch, interrupt)
    }

    /// Waits for such a run.
    pub(super) fn back_or_halted(
        &mut self,
        sent: Sent<Run>,
        watch: &Watch,
        interrupt: &Interrupt,
    ) -> Result<Ran> {
        match sent.wait_or_halt(interrupt, |meanwhile| self.hear(meanwhile))? {
            Back::Done(process, end) => self.ran((process, end), watch, interrupt),
            Back::Halted(process) => {
                self.come_to = Some(ComeTo::Halted(process));
                Err(TimelineError::Interrupted)
            }
        }
    }

    /// On the way to the end: as far as something that runs ahead has come.
    pub(super) fn come_as_far_as_known(&mut self) {
        if self.come_to.is_some() {
            return;
        }
        let known = self.pool.checkpoints().positions().last();
        let known = known.filter(|known| *known > self.here.position);
        self.come_to = known.map(ComeTo::Position);
    }
}
