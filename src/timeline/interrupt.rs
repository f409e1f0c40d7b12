//! Asking a motion to stop looking.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Raised by `pause`, `cancel` or a vanished client while something long runs.
///
/// Clones are the same interrupt. Each motion gets its own, so one that comes
/// too late cannot hit the next motion; it is never lowered.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that has not been raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Interrupts.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has been raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
