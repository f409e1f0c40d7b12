//! From optimised code to code that can be debugged.
//!
//! ```text
//!            want_debug            compiled              moved over
//! Unwanted ────────────▶ Compiling ─────────▶ Compiled ─────────────▶ Ready
//! ```
//!
//! A large program begins with *Compiling*: see `early`.
//!
//! Both kinds of code have the same positions: moving over is replaying to where
//! the session stands.

use super::compiling::{CompilerEnd, Compiling, POLL, Progress};
use super::process::Process;
use super::wire::greeting::Load;
use super::wire::run::{StopAt, Watch};
use crate::replay::Compiled;
use crate::replay::variant::Variant;
use crate::timeline::ahead::sweep::Sweep;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::{Result, Timeline, TimelineError, compiled_modules, unkept};
use std::time::Duration;

/// Whether the guest can be debugged.
#[derive(Debug)]
pub(in crate::timeline) enum Debugging {
    /// It runs optimised, and nobody has asked for more.
    Unwanted,
    Compiling(Compiling),
    /// It still runs optimised.
    Compiled(Compiled),
    Ready,
}

impl Debugging {
    pub(in crate::timeline) fn starting_with(variant: Variant) -> Debugging {
        match variant {
            Variant::Debug => Debugging::Ready,
            _ => Debugging::Unwanted,
        }
    }
}

impl Timeline {
    /// Has the guest compiled for debugging in the background, if it is not yet.
    ///
    /// # Errors
    ///
    /// If there is no thread for it.
    pub fn want_debug(&mut self) -> Result<()> {
        if let Debugging::Unwanted = self.debugging {
            let cache = self.options.cache.clone();
            let compiling = Compiling::start(self.trace.clone(), cache, Variant::Debug)?;
            self.debugging = Debugging::Compiling(compiling);
        }
        Ok(())
    }

    /// How far compiling for debugging has come, while it goes on.
    pub fn debug_progress(&self) -> Option<Progress> {
        match &self.debugging {
            Debugging::Compiling(compiling) => Some(compiling.progress()),
            _ => None,
        }
    }

    /// The end of compiling for debugging, while that goes on and if nobody has asked
    /// for it before: what was refused as [`TimelineError::Optimised`] is there then.
    pub fn debug_end(&mut self) -> Option<CompilerEnd> {
        // There nothing is refused.
        if self.is_early() {
            return None;
        }
        match &mut self.debugging {
            Debugging::Compiling(compiling) => compiling.end(),
            _ => None,
        }
    }

    /// Moves over to code that can be debugged, here; waits until it is compiled,
    /// telling `progress` how far that is.
    ///
    /// # Errors
    ///
    /// If interrupted, or if the guest cannot be compiled.
    pub fn need_debug(&mut self, interrupt: &Interrupt, progress: &dyn Fn(Progress)) -> Result<()> {
        self.want_debug()?;
        let mut told = None;
        while !self.is_compiled(POLL)? {
            if let Debugging::Compiling(compiling) = &self.debugging {
                compiling.tell(&mut told, progress);
            }
            if interrupt.is_raised() {
                return Err(TimelineError::Interrupted);
            }
        }
        self.move_over(interrupt)
    }

    /// The same if it is compiled by now.
    ///
    /// # Errors
    ///
    /// [`TimelineError::Optimised`] if it is not; it will be.
    pub(in crate::timeline) fn debug_if_compiled(&mut self) -> Result<()> {
        self.want_debug()?;
        if self.is_compiled(Duration::ZERO)? {
            return self.move_over(&Interrupt::new());
        }
        Err(TimelineError::Optimised(
            self.debug_progress().unwrap_or_default(),
        ))
    }

    fn is_compiled(&mut self, at_most: Duration) -> Result<bool> {
        let Debugging::Compiling(compiling) = &mut self.debugging else {
            return Ok(true);
        };
        match compiling.wait(at_most) {
            None => Ok(false),
            Some(Ok(compiled)) => {
                self.debugging = Debugging::Compiled(compiled);
                Ok(true)
            }
            Some(Err(error)) => {
                self.debugging = Debugging::Unwanted;
                Err(error.into())
            }
        }
    }

    fn move_over(&mut self, interrupt: &Interrupt) -> Result<()> {
        let Debugging::Compiled(compiled) = &self.debugging else {
            return Ok(());
        };
        let load = Load {
            variant: compiled.variant,
            modules: compiled_modules(compiled),
            _unkept: unkept(compiled),
            ..self.load.clone()
        };
        let since = self.pool.reserve(1);
        let mut root = self.pool.spawn(&load)?;
        // What runs the other code ends before this takes as much memory.
        self.pool.checkpoints().start_over(since);
        self.sweep = Sweep::to_come(&self.options);
        let live = match self.brought_here(&mut root, interrupt) {
            Ok(live) => live,
            Err(error) => {
                self.back_to_other_code()?;
                return Err(error);
            }
        };
        self.load = load;
        self.live = live;
        self.pool.checkpoints().keep(root);
        self.debugging = Debugging::Ready;
        self.start_ahead();
        Ok(())
    }

    /// Moving over has failed, or was interrupted: what runs the other code is started again,
    /// but for the live process, which was left where it stands.
    fn back_to_other_code(&mut self) -> Result<()> {
        let since = self.pool.reserve(1);
        let root = self.pool.spawn(&self.load)?;
        let mut checkpoints = self.pool.checkpoints();
        checkpoints.start_over(since);
        checkpoints.keep(root);
        drop(checkpoints);
        self.sweep = Sweep::to_come(&self.options);
        Ok(())
    }

    /// A copy of a process at the start, brought to where the session stands.
    fn brought_here(&mut self, root: &mut Process, interrupt: &Interrupt) -> Result<Process> {
        let copy = self.pool.fork(root)?;
        let position = self.here.position;
        let stop = StopAt::Position(position);
        let process = self
            .run(copy, Watch::Nothing, stop, Vec::new(), interrupt)?
            .process;
        if process.at.position != position {
            return Err(TimelineError::Failed(format!(
                "optimised code has been at {position}, but code for debugging comes to {}; \
                 this is a fault of rr-dap",
                process.at.position
            )));
        }
        Ok(process)
    }
}
