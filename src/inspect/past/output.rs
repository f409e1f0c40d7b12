//! What the guest printed, piece by piece, with the call that wrote each.

use crate::replay::output::{Printed, Stream};
use crate::replay::{Compiled, Observer, Replay, ReplayError};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are kept of what a guest printed.
const MAX_KEPT: usize = 256 << 20;

/// One piece of what the guest printed: what one call wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The standard stream that it went to.
    pub stream: Stream,
    /// The number of the call out that wrote it.
    pub event: u64,
    /// Calls out made when it was printed, that one included. A stream of WASI 0.3
    /// takes what is written to it later.
    pub events: u64,
    /// Bytes of the same stream before it.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// What a guest printed.
#[derive(Debug, Clone, Default)]
pub struct Output {
    pieces: Vec<Piece>,
    stdout: Bytes,
    stderr: Bytes,
}

/// What went to one stream.
#[derive(Debug, Clone, Default)]
struct Bytes {
    kept: Vec<u8>,
    length: u64,
}

/// What may be kept of what was printed in a recording, in bytes: a few bytes can repeat what
/// they say a million times.
pub(super) fn room(trace: &Trace) -> usize {
    const LEAST: usize = 384 << 20;
    const FOR_EACH_BYTE: usize = 64;
    let length = usize::try_from(trace.length()).unwrap_or(usize::MAX);
    length.saturating_mul(FOR_EACH_BYTE).saturating_add(LEAST)
}

/// More was printed than is kept.
#[derive(Debug, thiserror::Error)]
#[error(
    "what was printed up to there takes more than {} MiB of memory, which is too large for a \
     recording of this size", room >> 20
)]
pub(super) struct TooMuchPrinted {
    /// What may be kept, in bytes.
    pub(super) room: usize,
}

impl Output {
    /// Replays a recording and keeps what the guest prints. Where replay fails, as the
    /// recording is damaged, what was printed up to there is kept.
    pub fn of(trace: Arc<Trace>, compiled: &Compiled) -> (Output, Result<(), ReplayError>) {
        let output = Arc::new(Mutex::new(Output::default()));
        let replay = Replay::new(trace, compiled, Box::new(output.clone()));
        let ended = replay.and_then(|mut replay| replay.run());
        let mut output = output.lock();
        (std::mem::take(&mut *output), ended.map(drop))
    }

    pub(in crate::inspect) fn push(&mut self, printed: &Printed, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let room = MAX_KEPT.saturating_sub(self.stdout.kept.len() + self.stderr.kept.len());
        let stream = match printed.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let length = bytes.len() as u64;
        self.pieces.push(Piece {
            stream: printed.stream,
            event: printed.event,
            events: printed.events,
            offset: stream.length,
            length,
        });
        // What is kept is a beginning: nothing follows what was left out.
        if stream.kept.len() as u64 == stream.length {
            let kept = bytes.get(..room.min(bytes.len())).unwrap_or_default();
            stream.kept.extend_from_slice(kept);
        }
        stream.length += length;
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn taken(&self) -> usize {
        let pieces = self.pieces.len().saturating_mul(size_of::<Piece>());
        pieces + self.stdout.kept.len() + self.stderr.kept.len()
    }

    /// All pieces, in the order in which they were printed.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The pieces printed before so many calls out had been made and one more was:
    /// those up to a moment before which so many were made.
    pub fn until(&self, events: u64) -> &[Piece] {
        let count = self.pieces.partition_point(|piece| piece.events <= events);
        self.pieces.get(..count).unwrap_or_default()
    }

    /// The bytes of a piece; fewer than its length beyond the first 256 MiB of all.
    pub fn bytes(&self, piece: &Piece) -> &[u8] {
        self.range(
            piece.stream,
            piece.offset..piece.offset.saturating_add(piece.length),
        )
    }

    /// Bytes of a stream, as many as there are.
    pub fn range(&self, stream: Stream, range: Range<u64>) -> &[u8] {
        let kept = match stream {
            Stream::Stdout => &self.stdout.kept,
            Stream::Stderr => &self.stderr.kept,
        };
        let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(kept.len());
        kept.get(within(range.start)..within(range.end))
            .unwrap_or_default()
    }
}

impl Observer for Output {
    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        self.push(printed, bytes);
    }
}
