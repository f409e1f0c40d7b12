//! The background sweep: runs ahead to the end and leaves checkpoints.

use crate::replay::Position;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::processes::process::{ProcessError, Sent};
use crate::timeline::processes::wire::run::{Leave, Run, StopAt, Watch};
use crate::timeline::{Result, Timeline};

/// More checkpoints than a sweep leaves: their number grows with the logarithm
/// of the run.
const IDS: u64 = 1 << 20;

impl Timeline {
    /// Runs ahead from where the live process stands, if that is wanted.
    pub(in crate::timeline) fn start_sweep(&mut self) -> Result<()> {
        self.sweep = None;
        if !self.options.sweep {
            return Ok(());
        }
        let from = self
            .pool
            .fork_checkpoint(|c| c.at_or_before(Position::START))?;
        let Some(runner) = from else {
            return Ok(());
        };
        let sweep = runner.send(Run {
            watch: Watch::Nothing,
            stop: StopAt::End,
            leave: Leave {
                at: Vec::new(),
                every: Some(self.options.limits.number as u32 / 2),
                first_id: self.pool.reserve(IDS),
            },
        })?;
        self.sweep = Some(sweep);
        Ok(())
    }

    /// Takes in the sweep if it is done.
    pub(in crate::timeline) fn collect(&mut self) {
        let Some(mut sweep) = self.sweep.take() else {
            return;
        };
        if !sweep.has_word() {
            self.sweep = Some(sweep);
            return;
        }
        if let Err(error) = self.finish_sweep(sweep) {
            tracing::warn!("the sweep ended early: {error}");
        }
    }

    fn finish_sweep(&mut self, sweep: Sent<Run>) -> Result<()> {
        // Nothing is logged on the way.
        match sweep.wait(&Interrupt::new(), |_| {}) {
            Ok((mut process, end)) => {
                process.at = end.at;
                self.pool.checkpoints().keep(process);
                Ok(())
            }
            // The end is a trap, where optimised code has lost count.
            Err(ProcessError::NeedsDebug) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the background sweep has reached the end.
    ///
    /// # Errors
    ///
    /// If interrupted: the sweep goes on.
    pub fn wait_for_sweep(&mut self, interrupt: &Interrupt) -> Result<()> {
        let Some(mut sweep) = self.sweep.take() else {
            return Ok(());
        };
        match sweep.wait_for_word(interrupt) {
            Ok(()) => self.finish_sweep(sweep),
            Err(error) => {
                self.sweep = Some(sweep);
                Err(error.into())
            }
        }
    }

    /// The last position of the recording, once the sweep has been there.
    pub fn end(&mut self) -> Option<Position> {
        self.collect();
        self.known_end()
    }

    /// The last position of the recording, if something is known to have been
    /// there.
    pub fn known_end(&self) -> Option<Position> {
        self.pool.checkpoints().known_end()
    }
}
