//! A bounded number of places, for clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Places(Arc<AtomicUsize>);

/// One of them, taken until this is dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Places {
    pub(super) fn new(most: usize) -> Places {
        Places(Arc::new(AtomicUsize::new(most)))
    }

    /// A place, if one is free.
    pub(super) fn take(&self) -> Option<Place> {
        let take = |free: usize| free.checked_sub(1);
        let taken = self
            .0
            .try_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.ok().map(|_| Place(self.0.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
