//! Compiling the guest in the background.

use crate::replay::Compiled;
use crate::replay::variant::{CacheDir, Variant, VariantError};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::{TimelineError, cannot};
use crate::trace::Trace;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often a wait for the compiler looks whether it is interrupted.
pub(in crate::timeline) const POLL: Duration = Duration::from_millis(20);

/// How far compiling has come, in bytes of guest code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Compiled, or found in the cache.
    pub done: usize,
    /// All core modules together.
    pub total: usize,
}

impl Progress {
    /// In percent.
    pub fn percent(self) -> u8 {
        let percent = (self.done * 100).checked_div(self.total);
        percent.map_or(100, |percent| percent.min(100) as u8)
    }
}

/// A variant being compiled on threads of its own.
#[derive(Debug)]
pub(in crate::timeline) struct Compiling {
    done: Arc<AtomicUsize>,
    total: Arc<AtomicUsize>,
    result: Receiver<Result<Compiled, VariantError>>,
    end: Option<CompilerEnd>,
}

/// The end of a compilation, to be waited for elsewhere.
#[derive(Debug)]
pub struct CompilerEnd(Receiver<Infallible>);

impl CompilerEnd {
    /// Waits until the compiler is done, well or not.
    pub fn wait(self) {
        // Nothing is ever sent: the other end goes with the compiler.
        _ = self.0.recv();
    }
}

impl Compiling {
    pub(in crate::timeline) fn start(
        trace: Arc<Trace>,
        cache: CacheDir,
        variant: Variant,
    ) -> Result<Compiling, TimelineError> {
        let (sender, receiver) = channel();
        let (working, end) = channel();
        let done = Arc::new(AtomicUsize::new(0));
        let all = trace.component().modules().map(<[u8]>::len).sum();
        let total = Arc::new(AtomicUsize::new(all));
        let progress = {
            let (done, total) = (done.clone(), total.clone());
            move |compiled, of| {
                done.store(compiled, Ordering::Relaxed);
                total.store(of, Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new().name("compiling".into());
        let started = thread.spawn(move || {
            let compiled = Compiled::prepare(&trace, &cache, variant, &progress);
            // Nobody may be waiting any more; the code is in the cache.
            _ = sender.send(compiled);
            drop::<Sender<Infallible>>(working);
        });
        started.map_err(cannot("start a thread that compiles"))?;
        Ok(Compiling {
            done,
            total,
            result: receiver,
            end: Some(CompilerEnd(end)),
        })
    }

    /// Its end, the first time that it is asked for.
    pub(in crate::timeline) fn end(&mut self) -> Option<CompilerEnd> {
        self.end.take()
    }

    /// How far it is.
    pub(in crate::timeline) fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
        }
    }

    /// Waits for the end, telling `progress` when there is more of it.
    ///
    /// # Errors
    ///
    /// If interrupted, or if the code cannot be compiled.
    pub(in crate::timeline) fn finish(
        mut self,
        interrupt: &Interrupt,
        progress: &dyn Fn(Progress),
    ) -> Result<Compiled, TimelineError> {
        let mut told = None;
        loop {
            if let Some(result) = self.wait(POLL) {
                return Ok(result?);
            }
            self.tell(&mut told, progress);
            if interrupt.is_raised() {
                return Err(TimelineError::Interrupted);
            }
        }
    }

    /// Tells `progress` how far it is, unless that was `told` already.
    pub(in crate::timeline) fn tell(
        &self,
        told: &mut Option<Progress>,
        progress: &dyn Fn(Progress),
    ) {
        let now = self.progress();
        if told.replace(now) != Some(now) {
            progress(now);
        }
    }

    /// Waits a while for the end. `None`: not yet.
    pub(in crate::timeline) fn wait(
        &mut self,
        at_most: Duration,
    ) -> Option<Result<Compiled, VariantError>> {
        match self.result.recv_timeout(at_most) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(died())),
        }
    }
}

fn died() -> VariantError {
    VariantError::Engine("the compiler panicked".into())
}
