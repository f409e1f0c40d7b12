//! The background sweep: runs ahead to the end and leaves checkpoints.
//!
//! It begins where the first motion has led: what came before need not be replayed twice,
//! and a guest that fills gigabytes before anybody can look holds them once.

use super::outer::OuterVisits;
use crate::replay::{Position, Tick};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::processes::process::{ProcessError, Sent};
use crate::timeline::processes::wire::ask::RunAhead;
use crate::timeline::processes::wire::run::Leave;
use crate::timeline::{Options, Result, Timeline};

/// More checkpoints than a sweep leaves: their number grows with the logarithm
/// of the run.
const IDS: u64 = 1 << 20;

/// How far the sweep is.
#[derive(Debug)]
pub(in crate::timeline) enum Sweep {
    /// It is over, or none is wanted.
    Over,
    /// It begins after the first motion.
    ToCome,
    Running(Sent<RunAhead>),
}

impl Sweep {
    pub(in crate::timeline) fn to_come(options: &Options) -> Sweep {
        match options.sweep {
            true => Sweep::ToCome,
            false => Sweep::Over,
        }
    }
}

impl Timeline {
    /// Runs ahead from where the live process stands, if that is still to come.
    pub(in crate::timeline) fn start_sweep(&mut self) -> Result<()> {
        let Sweep::ToCome = self.sweep else {
            return Ok(());
        };
        self.sweep = Sweep::Over;
        if self.live.at.is_end {
            let end = self.pool.fork(&mut self.live)?;
            self.pool.checkpoints().keep(end);
            return Ok(());
        }
        let leave = self.leave(Vec::new(), Some(self.checkpoints_on_the_way()));
        let runner = self.pool.fork(&mut self.live)?;
        self.sweep = Sweep::Running(runner.send(RunAhead(leave))?);
        Ok(())
    }

    /// Goes on where the sweep had come to the end, as there is more of the recording now. One
    /// that is under way is waited for.
    pub(in crate::timeline) fn sweep_on(&mut self) -> Result<()> {
        if !self.options.sweep || !matches!(self.sweep, Sweep::Over) {
            return Ok(());
        }
        let last = self
            .pool
            .fork_checkpoint(|checkpoints| checkpoints.last().filter(|last| !last.at.is_end))?;
        if let Some(runner) = last {
            let leave = self.leave(Vec::new(), Some(self.checkpoints_on_the_way()));
            self.sweep = Sweep::Running(runner.send(RunAhead(leave))?);
        }
        Ok(())
    }

    /// How many checkpoints a run leaves that nobody has gone before.
    fn checkpoints_on_the_way(&self) -> u32 {
        u32::try_from(self.options.limits.number / 2).unwrap_or(u32::MAX)
    }

    /// The checkpoints that a motion's run leaves: as many as the sweep would where that
    /// will not come by.
    pub(in crate::timeline) fn leave_on_the_way(&mut self, at: Vec<Tick>) -> Leave {
        let every = match self.sweep {
            Sweep::ToCome => Some(self.checkpoints_on_the_way()),
            _ => None,
        };
        self.leave(at, every)
    }

    fn leave(&mut self, at: Vec<Tick>, every: Option<u32>) -> Leave {
        let ids = at.len() as u64 + every.map_or(1, |_| IDS);
        Leave {
            at,
            every,
            first_id: self.pool.reserve(ids),
        }
    }

    /// Begins what runs in the background, after the first motion.
    pub(in crate::timeline) fn start_ahead(&mut self) {
        if self.is_early() {
            return;
        }
        if let Sweep::ToCome = self.sweep {
            self.start_depths();
            if let Err(error) = self.start_sweep() {
                tracing::warn!("no sweep: {error}");
            }
        }
    }

    /// Takes in the sweep if it is done.
    pub(in crate::timeline) fn collect(&mut self) {
        if let Sweep::Running(sweep) = &mut self.sweep
            && sweep.has_word()
            && let Err(error) = self.finish_sweep()
        {
            tracing::warn!("the sweep ended early: {error}");
        }
        self.start_watching();
    }

    fn finish_sweep(&mut self) -> Result<()> {
        let Sweep::Running(sweep) = std::mem::replace(&mut self.sweep, Sweep::Over) else {
            return Ok(());
        };
        let is_short = self.take_in(sweep);
        self.start_waiting_depths();
        match is_short? {
            true => self.sweep_on(),
            false => Ok(()),
        }
    }

    /// Whether it has come to what is not the end any more.
    fn take_in(&mut self, sweep: Sent<RunAhead>) -> Result<bool> {
        // Nothing is logged on the way.
        match sweep.wait(&Interrupt::new(), |_| {}) {
            Ok((mut process, ahead)) => {
                process.at = ahead.at;
                self.outer = OuterVisits::of(ahead.visits);
                self.pool.update(&mut process)?;
                let is_short = !process.at.is_end;
                self.pool.checkpoints().keep(process);
                Ok(is_short)
            }
            // The end is a trap, where optimised code has lost count.
            Err(ProcessError::NeedsDebug) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the background sweep has reached the end.
    ///
    /// # Errors
    ///
    /// If interrupted: the sweep goes on.
    pub fn wait_for_sweep(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.start_ahead();
        if let Sweep::Running(sweep) = &mut self.sweep {
            sweep.wait_for_word(interrupt)?;
        }
        self.finish_sweep()
    }

    /// The last position of the recording, once the sweep has been there.
    pub fn end(&mut self) -> Option<Position> {
        self.start_ahead();
        self.collect();
        self.known_end()
    }

    /// The last position of the recording, if something is known to have been
    /// there.
    pub fn known_end(&self) -> Option<Position> {
        self.pool.checkpoints().known_end()
    }
}
