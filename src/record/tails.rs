//! Tails that are used for one recording after the other, as those of a service are many and
//! short: to make room for one takes longer than most requests.

use super::RecorderError;
use super::shared;
use super::tail::Tail;
use crate::trace::tail::tail_path;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// So many are kept that nobody uses.
const MOST_FREE: usize = 64;

/// Tails for recordings of one component.
pub(super) struct Tails {
    /// Where they lie, so that they outlive the process; otherwise in memory.
    directory: Option<PathBuf>,
    instances: u64,
    free: Mutex<Vec<PooledTail>>,
    made: AtomicU64,
}

/// A tail, and where its file is as long as it belongs to no recording.
pub(super) struct PooledTail {
    pub(super) tail: Tail,
    pub(super) spare: Option<PathBuf>,
}

impl Tails {
    pub(super) fn new(directory: Option<PathBuf>, instances: u64) -> Tails {
        Tails {
            directory,
            instances,
            free: Mutex::new(Vec::new()),
            made: AtomicU64::new(0),
        }
    }

    /// Where the file of a tail is that belongs to no recording.
    fn spare(&self, number: u64) -> Option<PathBuf> {
        let name = format!(".{}-{number}.spare", std::process::id());
        self.directory
            .as_ref()
            .map(|directory| directory.join(name))
    }

    /// A tail for a recording at this place.
    pub(super) fn take(&self, recording: &Path) -> Result<PooledTail, RecorderError> {
        let error = |error: std::io::Error| RecorderError::tail(recording, &error);
        let free = self.free.lock().pop();
        let new = match free {
            Some(_) => None,
            None => self.spare(self.made.fetch_add(1, Ordering::Relaxed)),
        };
        let pooled = match (free, new) {
            (Some(pooled), _) => pooled,
            (None, None) => PooledTail {
                tail: super::target::unnamed(self.instances)?,
                spare: None,
            },
            (None, Some(spare)) => {
                let file = shared::new_file(&spare).map_err(error)?;
                match Tail::new(file, self.instances) {
                    Ok(tail) => PooledTail {
                        tail,
                        spare: Some(spare),
                    },
                    Err(failed) => {
                        _ = std::fs::remove_file(&spare);
                        return Err(error(failed));
                    }
                }
            }
        };
        if let Some(spare) = &pooled.spare {
            std::fs::rename(spare, tail_path(recording)).map_err(error)?;
        }
        Ok(pooled)
    }

    /// Takes back a tail that no guest has a part of any more, and whose file is at its spare
    /// place.
    pub(super) fn put(&self, mut pooled: PooledTail) {
        pooled.tail.clear();
        let mut free = self.free.lock();
        if free.len() < MOST_FREE {
            free.push(pooled);
        } else if let Some(spare) = &pooled.spare {
            _ = std::fs::remove_file(spare);
        }
    }
}

impl Drop for Tails {
    fn drop(&mut self) {
        // Also of those that were not given back, as something failed.
        for number in 0..self.made.load(Ordering::Relaxed) {
            if let Some(spare) = self.spare(number) {
                _ = std::fs::remove_file(spare);
            }
        }
    }
}
