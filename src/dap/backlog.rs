//! What has been read from a client and not been taken up yet, bounded in bytes: a client
//! that says more than the session gets done waits.

use super::protocol::framing::MAX_MESSAGE;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;

/// There is always room for a message, so one of the longest may be all that there is.
const MOST: u64 = MAX_MESSAGE;

#[derive(Clone, Default)]
pub(super) struct Backlog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    bytes: Mutex<u64>,
    less: Condvar,
}

/// Room that a message takes until this is dropped.
pub(super) struct Held {
    backlog: Backlog,
    bytes: u64,
}

impl Backlog {
    /// Waits for room for so many bytes.
    pub(super) fn hold(&self, bytes: u64) -> Held {
        let mut held = self.0.bytes.lock();
        while *held > 0 && *held + bytes > MOST {
            self.0.less.wait(&mut held);
        }
        *held += bytes;
        Held {
            backlog: self.clone(),
            bytes,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.backlog.0.bytes.lock() -= self.bytes;
        self.backlog.0.less.notify_one();
    }
}
