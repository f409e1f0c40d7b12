//! What is done when a replayer dies, or runs optimised code that cannot tell or go there:
//! the same is asked of another one.

use super::interrupt::Interrupt;
use super::processes::process::ProcessError;
use super::processes::wire::ask::Instances;
use super::processes::wire::run::{StopAt, Watch};
use super::{Result, Timeline, TimelineError};
use crate::replay::Position;

/// How long a recovery may take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience<'a> {
    /// Until interrupted: where only code for debugging will do, this waits until it is
    /// compiled.
    Long(&'a Interrupt),
    /// As long as it takes to replay to where the session stands. Code for debugging is used
    /// if it is compiled by now; else it will be, and this says so.
    Short,
}

impl Timeline {
    /// Does something that takes a replayer. If one dies, it is done once more by another;
    /// if optimised code cannot do it, once more by code for debugging.
    pub(super) fn recovering<T>(
        &mut self,
        patience: Patience<'_>,
        mut attempt: impl FnMut(&mut Timeline) -> Result<T>,
    ) -> Result<T> {
        let (mut may_die, mut may_be_optimised) = (true, true);
        loop {
            match attempt(self) {
                Err(TimelineError::Died(message) | TimelineError::Confused(message)) if may_die => {
                    may_die = false;
                    tracing::warn!("a replayer died ({message}); trying again with another");
                    match patience {
                        Patience::Long(interrupt) => self.revive(interrupt)?,
                        Patience::Short => self.revive(&Interrupt::new())?,
                    }
                }
                Err(TimelineError::Optimised(_)) if may_be_optimised => {
                    may_be_optimised = false;
                    match patience {
                        Patience::Long(interrupt) => self.need_debug(interrupt, &|_| {})?,
                        Patience::Short => self.debug_if_compiled()?,
                    }
                }
                done => return done,
            }
        }
    }

    /// Brings a live process to where the session stands, after one has died.
    fn revive(&mut self, interrupt: &Interrupt) -> Result<()> {
        let position = self.here.position;
        self.drop_dead();
        if self
            .pool
            .checkpoints()
            .at_or_before(Position::START)
            .is_none()
        {
            let root = self.pool.spawn(&self.load)?;
            self.pool.checkpoints().keep(root);
        }
        let copy = self.pool.fork_checkpoint(|c| c.at_or_before(position))?;
        let Some(copy) = copy else {
            return Err(TimelineError::Died("no checkpoint is left".into()));
        };
        let stop = StopAt::Position(position);
        let ran = self.run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?;
        self.live = ran.process;
        Ok(())
    }

    /// Lets go of checkpoints whose processes are gone.
    fn drop_dead(&mut self) {
        let mut checkpoints = self.pool.checkpoints();
        let positions: Vec<Position> = checkpoints.positions().collect();
        for position in positions {
            let dead = checkpoints.at_or_before(position).is_some_and(|process| {
                let asked = process.ask(Instances);
                matches!(
                    asked,
                    Err(ProcessError::Died(_) | ProcessError::Confused(_))
                )
            });
            if dead {
                checkpoints.remove(position);
            }
        }
    }
}
