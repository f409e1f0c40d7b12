//! What the whole recording has to tell: its hostcalls, and what was printed.

use super::Recording;
use super::awaited::Part;
use super::texts::Text;
use crate::debuggee::{
    DebuggeeError, Output, Printed, SourceOrigin, SourcePoint, SourceRef, SourceText, Stream,
    grouped,
};
use crate::inspect::hostcall::listing::{DIM, Listing, ListingError, Row};
use crate::inspect::past::chronicle::Until;
use crate::inspect::past::output;
use crate::replay::output::Stream as GuestStream;
use crate::replay::variant::Variant;
use crate::timeline::Interrupt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

impl Recording {
    /// The first mark of 1, 2, … that there is not.
    pub(super) fn free_mark(&self) -> String {
        let marks = self.timeline.marks();
        let is_free = |name: &String| marks.iter().all(|(taken, ..)| taken != name);
        let mut numbers = (1_u32..).map(|number| number.to_string());
        numbers.find(is_free).unwrap_or_default()
    }

    /// Replays the recording for its hostcalls the first time. The chronicle does not note them:
    /// to lift each call takes two and a half to five times as long as to replay it (1 to 2 s for a
    /// million), and it has what was printed to tell by then.
    pub(super) fn listed(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError> {
        if let Some(listing) = &self.hostcalls {
            return Ok(listing.clone());
        }
        let begun = Instant::now();
        let listing = Arc::new(self.read_listing(output, interrupt)?);
        self.watching.listing_took = begun.elapsed();
        self.hostcalls = Some(listing.clone());
        Ok(listing)
    }

    fn read_listing(
        &self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Listing, DebuggeeError> {
        let failed = |error: &dyn std::fmt::Display| DebuggeeError::Other(error.to_string());
        let trace = self.timeline.trace().clone();
        let all = self.readable().0.max(1);
        let compiled = self
            .timeline
            .compile(Variant::Fast, interrupt, &|compiled| {
                output.progress(Some(compiled.percent()), "compiling the recording");
            })?;
        std::thread::scope(|scope| {
            let (counter, counts) = channel();
            let stop = interrupt.clone();
            let reading = scope.spawn(move || {
                Listing::read(&trace, &compiled, move |rows| {
                    // Whoever counts waits for the listing.
                    _ = counter.send(rows);
                    !stop.is_raised()
                })
            });
            // No more come when it is read.
            for rows in counts {
                let percent = rows as u64 * 100 / all;
                output.progress(Some(percent.min(100) as u8), "listing the hostcalls");
            }
            match reading.join() {
                Ok(Ok(listing)) => Ok(listing),
                Ok(Err(ListingError::Interrupted)) => Err(DebuggeeError::Interrupted),
                Ok(Err(error)) => Err(failed(&error)),
                Err(_) => Err(failed(&"listing the hostcalls failed")),
            }
        })
    }

    /// Calls with what they were given and answered: those that the listing does not keep are
    /// replayed once more.
    pub(super) fn rows_of(
        &mut self,
        events: &[u64],
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<Row>, DebuggeeError> {
        let listing = self.listed(output, interrupt)?;
        let here: Option<Vec<Row>> = events.iter().map(|event| listing.row(*event)).collect();
        if let Some(rows) = here {
            return Ok(rows);
        }
        let trace = self.timeline.trace().clone();
        let compiled = self.timeline.compile(Variant::Fast, interrupt, &|_| {})?;
        let stop = interrupt.clone();
        let rows = listing.rows(events, &trace, &compiled, move || !stop.is_raised());
        rows.map_err(|error| match error {
            ListingError::Interrupted => DebuggeeError::Interrupted,
            error => DebuggeeError::Other(error.to_string()),
        })
    }

    /// The first hostcalls as a source, one in a line.
    pub(super) fn hostcalls_text(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceText, DebuggeeError> {
        let listing = self.listed(output, interrupt)?;
        let mut content = String::new();
        for event in 0..listing.with_texts() as u64 {
            // A line for each, whatever it holds.
            let line = listing.row(event).map(|row| match row.is_plumbing {
                true => format!("{DIM} {}", row.line()),
                false => row.line(),
            });
            content.push_str(&line.unwrap_or_default().replace(['\n', '\r'], " "));
            content.push('\n');
        }
        let left = listing.len() - listing.with_texts();
        if left > 0 {
            let left = grouped(left as u64);
            content.push_str(&format!(
                "… {left} more; `hostcalls` has those around a moment\n"
            ));
        }
        if let Some(why) = &listing.cut_short {
            content.push_str(&format!("{why}\n"));
        }
        Ok(SourceText {
            content,
            mime_type: None,
        })
    }

    /// What hostcalls with these numbers printed, if that is known within the patience.
    pub(super) fn printed_by(
        &mut self,
        calls: &Range<u64>,
        patience: Duration,
    ) -> Result<Vec<Printed>, DebuggeeError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let tell = |output: &output::Output| {
            let pieces = output.until(calls.end).iter();
            let new = pieces.filter(|piece| piece.events > calls.start);
            let printed = new.map(|piece| Printed {
                stream: match piece.stream {
                    GuestStream::Stdout => Stream::Stdout,
                    GuestStream::Stderr => Stream::Stderr,
                },
                event: piece.event,
                bytes: output.bytes(piece).to_vec(),
                place: line_of(piece.event),
            });
            printed.collect()
        };
        self.ask_chronicle(Until::Call(calls.end), Part::Whole, |chronicle| {
            chronicle.output(calls.end, patience, tell)
        })
    }
}

/// The line of a hostcall in the source that lists them.
pub(in crate::debuggee) fn line_of(event: u64) -> (SourceRef, SourcePoint) {
    let source = SourceRef {
        name: "hostcalls".to_owned(),
        origin: SourceOrigin::Generated(Text::Hostcalls.reference()),
        note: None,
    };
    let point = SourcePoint {
        line: event.saturating_add(1),
        column: None,
    };
    (source, point)
}
