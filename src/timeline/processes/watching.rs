//! Replayers that are told of stores: optimised code, for questions about what is written.

use super::compiling::{Compiling, POLL, Progress};
use super::process::Process;
use super::wire::greeting::Load;
use super::wire::run::Leave;
use crate::instrument::probe::Probe;
use crate::replay::Position;
use crate::replay::variant::Variant;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::{Result, Timeline, TimelineError, compiled_modules, unkept};

/// More checkpoints than a pass leaves.
const IDS: u64 = 1 << 20;

/// What is needed to start them.
#[derive(Debug, Default)]
pub(in crate::timeline) enum Watching {
    #[default]
    Unwanted,
    Compiling(Compiling),
    Ready(Load),
}

impl Timeline {
    /// Has the guest compiled so that stores are told of, in the background.
    pub(in crate::timeline) fn want_watching(&mut self) -> Result<()> {
        if let Watching::Unwanted = self.watching {
            let cache = self.options.cache.clone();
            let variant = Variant::Probed(Probe::Watch);
            let compiling = Compiling::start(self.trace.clone(), cache, variant)?;
            self.watching = Watching::Compiling(compiling);
        }
        Ok(())
    }

    /// What such a replayer is started with; waits until it is compiled.
    fn watching_load(&mut self, interrupt: &Interrupt, told: &dyn Fn(Progress)) -> Result<Load> {
        self.want_watching()?;
        loop {
            match &mut self.watching {
                Watching::Ready(load) => return Ok(load.clone()),
                Watching::Unwanted => return Err(TimelineError::Interrupted),
                Watching::Compiling(compiling) => {
                    told(compiling.progress());
                    if let Some(compiled) = compiling.wait(POLL) {
                        self.watching = Watching::Unwanted;
                        let compiled = compiled?;
                        self.watching = Watching::Ready(Load {
                            variant: compiled.variant,
                            modules: compiled_modules(&compiled),
                            _unkept: unkept(&compiled),
                            ..self.load.clone()
                        });
                    } else if interrupt.is_raised() {
                        return Err(TimelineError::Interrupted);
                    }
                }
            }
        }
    }

    /// A replayer that is told of stores, at the nearest checkpoint at or before a
    /// position.
    pub(in crate::timeline) fn watching_at_or_before(
        &mut self,
        position: Position,
        interrupt: &Interrupt,
    ) -> Result<Process> {
        for _ in 0..2 {
            match self.pool.fork_watching(|kept| kept.at_or_before(position)) {
                Ok(Some(process)) => return Ok(process),
                Ok(None) => {}
                // Others may be gone with it.
                Err(_) => self.forget_watching(),
            }
            let load = self.watching_load(interrupt, &|_| {})?;
            let root = self.pool.spawn(&load)?;
            self.pool.watching().keep(root);
        }
        Err(TimelineError::Died("no checkpoint is left".into()))
    }

    /// Lets all of them go: others are started when they are needed.
    pub(in crate::timeline) fn forget_watching(&mut self) {
        let since = self.pool.reserve(1);
        self.pool.watching().start_over(since);
    }

    /// The checkpoints that a pass over all of the recording leaves, if none has been there
    /// before.
    pub(in crate::timeline) fn leave_watching(&mut self) -> Leave {
        let is_first = self.pool.watching().positions().count() <= 1;
        if !is_first {
            return Leave::NOTHING;
        }
        let number = self.options.limits.of_watching().number / 2;
        Leave {
            at: Vec::new(),
            every: u32::try_from(number).ok(),
            first_id: self.pool.reserve_watching(IDS),
        }
    }
}
