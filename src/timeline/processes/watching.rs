//! Replayers that are told of stores: optimised code, for questions about what is written.

use super::compiling::{Compiling, POLL, Progress};
use super::process::{Process, Sent};
use super::wire::ask::FindChanges;
use super::wire::greeting::Load;
use super::wire::run::Leave;
use crate::instrument::probe::Probe;
use crate::replay::variant::Variant;
use crate::replay::{Compiled, Position};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::{Result, Timeline, TimelineError, compiled_modules, unkept};
use std::time::Duration;

/// More checkpoints than a pass leaves.
const IDS: u64 = 1 << 20;

/// What is needed to start them.
#[derive(Debug, Default)]
pub(in crate::timeline) enum Watching {
    #[default]
    Unwanted,
    Compiling(Compiling),
    Ready(Box<Load>),
}

/// What runs ahead so that there are checkpoints of replayers that are told of stores.
#[derive(Debug, Default)]
pub(in crate::timeline) enum WatchingSweep {
    #[default]
    ToCome,
    Running(Sent<FindChanges>),
    Over,
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

    /// Once it is known where bytes may have been written: has them compiled and run ahead,
    /// so that questions about that begin near where they look.
    pub(in crate::timeline) fn start_watching(&mut self) {
        match &mut self.watching_sweep {
            WatchingSweep::ToCome => {}
            WatchingSweep::Running(sent) => {
                if sent.has_word() {
                    self.watching_sweep = WatchingSweep::Over;
                }
                return;
            }
            WatchingSweep::Over => return,
        }
        if self.survey().is_none() {
            return;
        }
        if let Err(error) = self.want_watching() {
            tracing::warn!("questions about writes take longer: {error}");
            self.watching_sweep = WatchingSweep::Over;
            return;
        }
        if !self.is_watching_compiled() {
            return;
        }
        self.watching_sweep = WatchingSweep::Over;
        match self.sweep_watching() {
            Ok(sent) => self.watching_sweep = WatchingSweep::Running(sent),
            Err(error) => tracing::warn!("questions about writes take longer: {error}"),
        }
    }

    fn sweep_watching(&mut self) -> Result<Sent<FindChanges>> {
        let interrupt = Interrupt::new();
        let process = self.watching_at_or_before(Position::START, &interrupt)?;
        let find = FindChanges {
            ranges: Vec::new(),
            until: None,
            leave: self.leave_watching(),
        };
        Ok(process.send(find)?)
    }

    /// Whether code that tells of stores is there by now.
    fn is_watching_compiled(&mut self) -> bool {
        let Watching::Compiling(compiling) = &mut self.watching else {
            return matches!(self.watching, Watching::Ready(_));
        };
        match compiling.wait(Duration::ZERO) {
            None => false,
            Some(Ok(compiled)) => {
                self.watching = Watching::Ready(Box::new(self.load_of(&compiled)));
                true
            }
            Some(Err(error)) => {
                tracing::warn!("questions about writes take longer: {error}");
                self.watching = Watching::Unwanted;
                self.watching_sweep = WatchingSweep::Over;
                false
            }
        }
    }

    fn load_of(&self, compiled: &Compiled) -> Load {
        Load {
            variant: compiled.variant,
            modules: compiled_modules(compiled),
            _unkept: unkept(compiled),
            ..self.load.clone()
        }
    }

    /// What such a replayer is started with; waits until it is compiled.
    fn watching_load(&mut self, interrupt: &Interrupt, told: &dyn Fn(Progress)) -> Result<Load> {
        self.want_watching()?;
        loop {
            match &mut self.watching {
                Watching::Ready(load) => return Ok(load.as_ref().clone()),
                Watching::Unwanted => return Err(TimelineError::Interrupted),
                Watching::Compiling(compiling) => {
                    told(compiling.progress());
                    if let Some(compiled) = compiling.wait(POLL) {
                        self.watching = Watching::Unwanted;
                        self.watching = Watching::Ready(Box::new(self.load_of(&compiled?)));
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
