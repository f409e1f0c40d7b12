//! Reading and decompressing pieces of a recording on another thread, ahead of the
//! cursor that goes through them.

use super::error::TraceError;
use super::stored_events::{Piece, StoredEvents};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// How many pieces are read ahead: enough to even out that some take longer, few
/// enough to stay in the processor's cache.
const PIECES: usize = 4;

/// Pieces to come, from the first on, in order. A copy has none: who copies a cursor
/// to look at what comes reads for itself.
#[derive(Debug, Default)]
pub(super) struct Ahead(Option<Receiver<Result<Piece, TraceError>>>);

impl Clone for Ahead {
    fn clone(&self) -> Ahead {
        Ahead::default()
    }
}

impl Ahead {
    /// Begins to read. Where no thread can be had, nothing comes.
    pub(super) fn start(stored: &Arc<StoredEvents>) -> Ahead {
        let (pieces, to_come) = sync_channel(PIECES);
        let stored = stored.clone();
        let thread = std::thread::Builder::new().name("rr-dap-reader".into());
        let started = thread.spawn(move || {
            for piece in 0..stored.pieces() {
                let read = stored.read(piece);
                // It ends with an error, or when nobody wants more.
                let last = read.is_err();
                if pieces.send(read).is_err() || last {
                    return;
                }
            }
        });
        Ahead(started.is_ok().then_some(to_come))
    }

    /// The next piece, if it was read.
    pub(super) fn next(&mut self) -> Option<Result<Piece, TraceError>> {
        let next = self.0.as_ref()?.recv().ok();
        if next.is_none() {
            self.0 = None;
        }
        next
    }
}
