//! Asking a motion to stop looking.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const GOES_ON: u8 = 0;
const PAUSED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Raised by `pause`, `cancel` or a vanished client while something long runs.
///
/// Clones are the same interrupt. Each motion gets its own, so one that comes
/// too late cannot hit the next motion; it is never lowered.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<AtomicU8>,
    /// Only who gives up is heeded.
    insists: bool,
}

impl Interrupt {
    /// One that has not been raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Interrupts: what was begun is given up, as if it had not been begun.
    pub fn raise(&self) {
        self.state.store(GIVEN_UP, Ordering::Release);
    }

    /// Interrupts a motion that ends where it has come to by then, if that is a place to
    /// stand at; anything else is given up. Whoever asks twice gives up.
    pub fn pause(&self) {
        let paused =
            self.state
                .compare_exchange(GOES_ON, PAUSED, Ordering::AcqRel, Ordering::Acquire);
        if paused.is_err() {
            self.raise();
        }
    }

    /// Whether it has been raised, in either way.
    pub fn is_raised(&self) -> bool {
        match self.state.load(Ordering::Acquire) {
            GOES_ON => false,
            PAUSED => !self.insists,
            _ => true,
        }
    }

    /// Whether what was begun is to be given up.
    pub fn is_given_up(&self) -> bool {
        self.state.load(Ordering::Acquire) == GIVEN_UP
    }

    /// The same interrupt for what must be done to end well where a motion was paused: only
    /// who gives up interrupts that.
    pub(super) fn insisting(&self) -> Interrupt {
        Interrupt {
            state: self.state.clone(),
            insists: true,
        }
    }
}
