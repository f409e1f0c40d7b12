//! Compiling the guest in the background.

use crate::replay::Compiled;
use crate::replay::variant::{CacheDir, Variant, VariantError};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How far compiling has come, in bytes of guest code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
}

/// A variant being compiled on threads of its own.
#[derive(Debug)]
pub(super) struct Compiling {
    done: Arc<AtomicUsize>,
    total: Arc<AtomicUsize>,
    result: Receiver<Result<Compiled, VariantError>>,
}

impl Compiling {
    pub(super) fn start(trace: Arc<Trace>, cache: CacheDir, variant: Variant) -> Compiling {
        let (sender, receiver) = channel();
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
        std::thread::spawn(move || {
            let compiled = Compiled::prepare(&trace, &cache, variant, &progress);
            // Nobody may be waiting any more; the code is in the cache.
            _ = sender.send(compiled);
        });
        Compiling {
            done,
            total,
            result: receiver,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
        }
    }

    /// Waits a while for the end. `None`: not yet.
    pub(super) fn wait(&mut self, at_most: Duration) -> Option<Result<Compiled, VariantError>> {
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
