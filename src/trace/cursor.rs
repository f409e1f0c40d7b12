//! A place in the sequence of a recording's events.

use super::ahead::Ahead;
use super::codec::Decoder;
use super::error::TraceError;
use super::event::{Event, EventKind};
use super::format::UNCOUNTED;
use super::host_time::HostTime;
use super::records::{Told, take_record};
use super::sections::Content;
use super::stored_events::StoredEvents;
use crate::component::Component;
use std::sync::Arc;

/// A place in the sequence of events. Cursors share nothing that moves: a clone goes
/// its own way.
#[derive(Debug, Clone)]
pub struct Cursor {
    stored: Arc<StoredEvents>,
    /// The piece to read after the current one, and the one not to read any more.
    piece: usize,
    end: usize,
    /// Shared between the clones of a cursor.
    plain: Arc<[u8]>,
    content: Content,
    decoder: Decoder,
    /// Where the next record is, in a piece of records.
    at: usize,
    next: Option<Event>,
    event: u64,
    /// Events that were handed out since the last outgoing crossing, or since it began.
    since_call: u64,
    time: Option<HostTime>,
    ahead: Ahead,
}

impl Cursor {
    pub(super) fn new(stored: &Arc<StoredEvents>) -> Cursor {
        Cursor {
            stored: stored.clone(),
            piece: 0,
            end: stored.pieces(),
            plain: Arc::default(),
            content: Content::Events,
            decoder: Decoder::new(&stored.component),
            at: 0,
            next: None,
            event: 0,
            since_call: 0,
            time: None,
            ahead: Ahead::default(),
        }
    }

    /// The same, with another thread that reads ahead.
    pub(super) fn ahead(stored: &Arc<StoredEvents>) -> Cursor {
        Cursor {
            ahead: Ahead::start(stored),
            ..Cursor::new(stored)
        }
    }

    /// At the beginning of the last piece that is known to begin at or before an
    /// outgoing crossing.
    pub(super) fn near(stored: &Arc<StoredEvents>, event: u64) -> Cursor {
        let (piece, event) = stored.piece_of(event);
        Cursor {
            piece,
            event,
            ..Cursor::new(stored)
        }
    }

    /// Over one piece alone.
    pub(super) fn over(stored: &Arc<StoredEvents>, piece: usize) -> Cursor {
        let counted = stored.sections.get(piece).map(|s| s.first_event);
        Cursor {
            piece,
            end: piece + 1,
            event: counted.filter(|event| *event != UNCOUNTED).unwrap_or(0),
            ..Cursor::new(stored)
        }
    }

    /// How many outgoing crossings come before the next event: its number, if it is
    /// one.
    pub fn event(&self) -> u64 {
        self.event
    }

    /// The next event without going past it; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    pub fn peek(&mut self) -> Result<Option<&Event>, TraceError> {
        if self.next.is_none() {
            self.next = self.read()?;
        }
        Ok(self.next.as_ref())
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    ///
    /// If the trace is damaged there.
    #[allow(clippy::should_implement_trait)] // It can fail.
    pub fn next(&mut self) -> Result<Option<Event>, TraceError> {
        let event = match self.next.take() {
            Some(event) => Some(event),
            None => self.read()?,
        };
        let is_call = |event: &Event| matches!(event.kind, EventKind::Call(_));
        match &event {
            Some(event) if is_call(event) => {
                self.event += 1;
                self.since_call = 0;
            }
            Some(_) => self.since_call += 1,
            None => {}
        }
        Ok(event)
    }

    /// How many events it has handed out since the last outgoing crossing, or, if there was none,
    /// since it began.
    pub(super) fn since_call(&self) -> u64 {
        self.since_call
    }

    /// The same place in a recording of which there is more by now: what comes next there has
    /// been written since, perhaps, and is in another piece.
    ///
    /// # Errors
    ///
    /// If the trace is damaged before that.
    pub(super) fn moved_to(&self, stored: &Arc<StoredEvents>) -> Result<Cursor, TraceError> {
        let read = self.piece.saturating_sub(1);
        let is_in_section = self.piece == 0 || read < self.stored.sections.len();
        if is_in_section && self.piece <= stored.sections.len() {
            return Ok(Cursor {
                stored: stored.clone(),
                end: stored.pieces(),
                ahead: Ahead::default(),
                ..self.clone()
            });
        }
        // From before the last call, so that those after it are counted from there.
        let mut cursor = Cursor::near(stored, self.event.saturating_sub(1));
        while (cursor.event, cursor.since_call) < (self.event, self.since_call) {
            if cursor.next()?.is_none() {
                return Err(cursor.damaged("less is there than before"));
            }
        }
        cursor.time = cursor.time.or(self.time);
        Ok(cursor)
    }

    /// What the host's clock said when the event happened that was read last, by
    /// [`next`](Cursor::next) or [`peek`](Cursor::peek); `None` where the recording does not tell.
    pub fn time(&self) -> Option<HostTime> {
        self.time
    }

    /// The component that was recorded.
    pub(super) fn component(&self) -> &Arc<Component> {
        &self.stored.component
    }

    /// Something is wrong with what was read last.
    pub(super) fn damaged(&self, what: impl ToString) -> TraceError {
        let piece = self.piece.saturating_sub(1);
        self.stored.damaged(self.stored.offset(piece), what)
    }

    fn read(&mut self) -> Result<Option<Event>, TraceError> {
        loop {
            match self.read_in_piece()? {
                Some(Told::Event(event)) => return Ok(Some(event)),
                Some(Told::Time(time)) => {
                    self.time = Some(self.time.map_or(time, |before| before.later(time)));
                    continue;
                }
                None => {}
            }
            if self.piece >= self.end {
                return Ok(None);
            }
            let read = self.ahead.next();
            let piece = read.unwrap_or_else(|| self.stored.read(self.piece))?;
            if piece.first_event != UNCOUNTED && piece.first_event != self.event {
                let what = format!(
                    "{} calls out of the guest come before this section, {} are there",
                    piece.first_event, self.event
                );
                return Err(self.stored.damaged(self.stored.offset(self.piece), what));
            }
            (self.plain, self.content) = (piece.plain, piece.content);
            self.piece += 1;
            self.at = 0;
            self.decoder.begin();
        }
    }

    fn read_in_piece(&mut self) -> Result<Option<Told>, TraceError> {
        let component = &self.stored.component;
        let read = match self.content {
            Content::Events => self
                .decoder
                .next(component, &self.plain)
                .map_err(|error| error.to_string()),
            Content::Records(instance) => {
                let mut raw = self.plain.get(self.at..).unwrap_or_default();
                if raw.is_empty() {
                    return Ok(None);
                }
                let record = take_record(component, &mut raw);
                let event = record.map(|record| record.told(instance));
                // A damaged record stays where it is: whoever reads on finds it again.
                if event.is_ok() {
                    self.at = self.plain.len() - raw.len();
                }
                event.map(Some).map_err(|error| error.to_string())
            }
        };
        read.map_err(|what| self.damaged(what))
    }
}
