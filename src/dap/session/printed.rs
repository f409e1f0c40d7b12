//! What the program printed, told once: at the stop of the motion that passed it, or as
//! soon after it as it is known.

use super::{Session, State};
use crate::dap::protocol::{OutputEventBody, OutputEventCategory};
use crate::dap::reporter::say;
use crate::debuggee::{Debuggee, Printed, Stream};
use std::ops::Range;
use std::time::Duration;

/// How long a stop waits for what was printed, where the client waits for it.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(2);
/// The most bytes of output that are shown at once.
const MOST: usize = 1 << 20;
/// How far the program's output has been shown, in hostcalls.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Shown {
    until: u64,
    /// How far the motions forward have come.
    passed: u64,
}

impl Shown {
    /// A program that is recorded now prints while it runs: nothing is shown again.
    pub(super) fn all() -> Shown {
        Shown {
            until: u64::MAX,
            ..Shown::default()
        }
    }

    /// The hostcalls whose output is to be shown, with the debuggee at one of them.
    fn wanted(self, here: u64) -> Range<u64> {
        self.until..self.passed.max(here)
    }
}

/// Output, and the hostcalls that it is all of.
pub(super) struct Found {
    calls: Range<u64>,
    pieces: Vec<Printed>,
}

/// What there is to show after a motion, if it is known.
pub(super) fn after_motion(
    debuggee: &mut dyn Debuggee,
    shown: Shown,
    patience: Duration,
) -> Option<Found> {
    let calls = shown.wanted(debuggee.here().event);
    if calls.is_empty() {
        return None;
    }
    // If it is not known yet, it is shown later; a recording that cannot tell says so where
    // it is asked.
    let pieces = debuggee.printed(calls.clone(), patience).ok()?;
    Some(Found { calls, pieces })
}

impl Session {
    /// Shows what was found after a motion, else sees to it that it is shown when it is
    /// known.
    pub(super) fn show_printed(&mut self, found: Option<Found>) {
        if let State::Stopped(debuggee) = &self.state {
            self.printed.passed = self.printed.wanted(debuggee.here().event).end;
        }
        match found {
            Some(found) => self.show(found),
            None => self.show_awaited(),
        }
    }

    /// Shows what was not known when the motion that passed it ended.
    pub(super) fn show_awaited(&mut self) {
        let shown = self.printed;
        let State::Stopped(debuggee) = &mut self.state else {
            return;
        };
        if let Some(found) = after_motion(debuggee.as_mut(), shown, Duration::ZERO) {
            self.show(found);
        }
    }

    /// Shows each piece with where the call that wrote it is listed.
    fn show(&mut self, found: Found) {
        self.printed.until = self.printed.until.max(found.calls.end);
        let mut left = MOST;
        for piece in found.pieces {
            if left == 0 {
                let more = "… more was printed here than is shown; `output` has it all";
                say(&self.outbox, OutputEventCategory::Console, more);
                return;
            }
            let shown = piece
                .bytes
                .get(..left.min(piece.bytes.len()))
                .unwrap_or_default();
            left -= shown.len();
            let location = self.locations.number(&piece.place);
            self.outbox.output(OutputEventBody {
                category: Some(match piece.stream {
                    Stream::Stdout => OutputEventCategory::Stdout,
                    Stream::Stderr => OutputEventCategory::Stderr,
                }),
                output: String::from_utf8_lossy(shown).into_owned(),
                location_reference: Some(location),
                ..OutputEventBody::default()
            });
        }
    }
}
