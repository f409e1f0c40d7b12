//! What a program says on two streams while it is recorded, in an order that can be read.

use crate::debuggee::{Output, Stream};
use std::io::Read;
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender};

/// So often nothing has come on the one stream before what has come on the other is handed on.
const QUIET: u32 = 2;
/// Who talks without a pause does not keep the other from being heard.
const LONGEST: u32 = 20;

/// Both streams, in pieces. Nothing tells which of two pieces came first if they came by
/// different pipes. A program says what it gives up for on its error stream, after everything
/// else: what comes there waits for what had been said before on the other.
#[derive(Debug)]
pub(super) struct Saying {
    out: Receiver<Vec<u8>>,
    errors: Receiver<Vec<u8>>,
    held: Vec<u8>,
    waited: u32,
    quiet: u32,
}

impl Saying {
    pub(super) fn new(out: Receiver<Vec<u8>>, errors: Receiver<Vec<u8>>) -> Saying {
        Saying {
            out,
            errors,
            held: Vec::new(),
            waited: 0,
            quiet: 0,
        }
    }

    /// Hands on what has come; to be called every few milliseconds. An editor has work with each
    /// piece, so there is one of a stream at a time: meanwhile its pipe collects the next.
    pub(super) fn hand_on(&mut self, output: &dyn Output) {
        match self.out.try_recv() {
            Ok(piece) => {
                output.guest(Stream::Stdout, &piece);
                self.quiet = 0;
            }
            Err(_) => self.quiet += 1,
        }
        if self.held.is_empty() {
            if let Ok(piece) = self.errors.try_recv() {
                self.held = piece;
                self.waited = 0;
                self.quiet = 0;
            }
            return;
        }
        self.waited += 1;
        if self.quiet >= QUIET || self.waited >= LONGEST {
            output.guest(Stream::Stderr, &mem::take(&mut self.held));
        }
    }

    /// Hands on what is left when nobody says any more.
    pub(super) fn hand_on_rest(&mut self, output: &dyn Output) {
        for piece in self.out.try_iter() {
            output.guest(Stream::Stdout, &piece);
        }
        let held = mem::take(&mut self.held);
        let rest = self.errors.try_iter();
        for piece in [held].into_iter().chain(rest).filter(|p| !p.is_empty()) {
            output.guest(Stream::Stderr, &piece);
        }
    }
}

/// Reads a stream to its end, and answers what came last, for messages.
pub(super) fn read(mut from: impl Read, to: &SyncSender<Vec<u8>>) -> String {
    const KEPT: usize = 4096;
    // What a pipe holds.
    let mut buffer = vec![0; 64 << 10];
    let mut kept = Vec::new();
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&kept).into_owned(),
            Ok(length) => {
                let bytes = buffer.get(..length).unwrap_or_default();
                kept.extend_from_slice(bytes);
                let excess = kept.len().saturating_sub(KEPT);
                kept.drain(..excess);
                // Nobody listens any more: the program is not to stand still for that.
                _ = to.send(bytes.to_vec());
            }
        }
    }
}
