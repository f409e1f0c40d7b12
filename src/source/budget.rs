//! What reading debug information may take. Entries of one byte can name a text of
//! megabytes, and tables of bytes unfold: what is kept is counted as it grows, against the
//! size of what it is read from.

use super::error::SourceError;

/// What is left for one table or index, in bytes; time is in proportion.
#[derive(Debug)]
pub(super) struct Budget {
    what: &'static str,
    limit: usize,
    left: usize,
}

impl Budget {
    /// For an index of something with so many bytes.
    pub(super) fn of_index(what: &'static str, bytes: usize) -> Budget {
        // Names of sound entries take about as much as their entries.
        let limit = bytes.saturating_mul(4).clamp(64 << 20, 512 << 20);
        Budget::new(what, limit)
    }

    pub(super) fn new(what: &'static str, limit: usize) -> Budget {
        Budget {
            what,
            limit,
            left: limit,
        }
    }

    /// Takes a thing of a size, and so many bytes of text.
    pub(super) fn spend<T>(&mut self, text: usize) -> Result<(), SourceError> {
        let taken = text.saturating_add(size_of::<T>());
        match self.left.checked_sub(taken) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                // What is shorter must not come in its place.
                self.left = 0;
                Err(too_large(self.what, self.limit))
            }
        }
    }
}

/// The limit is in bytes, of what is kept.
pub(super) fn too_large(what: &'static str, limit: usize) -> SourceError {
    SourceError::TooLarge { what, limit }
}
