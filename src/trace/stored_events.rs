//! The events of a recording where they are stored, and a place in their sequence.

use super::ahead::Ahead;
use super::codec::Decoder;
use super::event::{Event, EventKind, Instance};
use super::format::{SectionId, UNCOUNTED};
use super::reader::TraceError;
use super::records::take_record;
use super::sections::{self, Content, Section};
use super::source::Source;
use crate::component::Component;
use std::path::PathBuf;
use std::sync::Arc;

/// What a recorder had not committed when the recording was cut off.
#[derive(Debug, Clone)]
pub(super) struct Uncommitted {
    pub(super) instance: Instance,
    pub(super) records: Arc<[u8]>,
}

impl From<(Instance, Vec<u8>)> for Uncommitted {
    fn from((instance, records): (Instance, Vec<u8>)) -> Uncommitted {
        Uncommitted {
            instance,
            records: records.into(),
        }
    }
}

/// The events of a recording: sections in its file, and what follows them.
#[derive(Debug, Clone)]
pub(super) struct StoredEvents {
    pub(super) path: PathBuf,
    pub(super) source: Arc<Source>,
    pub(super) component: Arc<Component>,
    /// 16 bytes for each section. A section is written when there is a quarter of a
    /// megabyte of events, which is 10 to 80 KB compressed: about a megabyte of memory
    /// for a gigabyte of file.
    pub(super) sections: Arc<[Section]>,
    pub(super) uncommitted: Arc<[Uncommitted]>,
}

impl StoredEvents {
    /// How many pieces the events are in: sections, then what was not committed.
    pub(super) fn pieces(&self) -> usize {
        self.sections.len() + self.uncommitted.len()
    }

    /// The last piece that is known to begin at or before an outgoing crossing, and
    /// how many were made before it.
    fn piece_of(&self, event: u64) -> (usize, u64) {
        self.sections
            .iter()
            .enumerate()
            .rev()
            .find(|(_, s)| s.first_event != UNCOUNTED && s.first_event <= event)
            .map_or((0, 0), |(piece, s)| (piece, s.first_event))
    }

    pub(super) fn damaged(&self, offset: u64, what: impl ToString) -> TraceError {
        TraceError::Damaged {
            path: self.path.clone(),
            offset,
            what: what.to_string(),
        }
    }

    /// Where in the file a piece begins, for messages.
    fn offset(&self, piece: usize) -> u64 {
        self.sections
            .get(piece)
            .map_or(self.source.length(), |section| section.at)
    }

    /// Reads a piece.
    pub(super) fn read(&self, piece: usize) -> Result<Piece, TraceError> {
        if let Some(section) = self.sections.get(piece) {
            return self.read_section(section);
        }
        let after = piece - self.sections.len();
        let (plain, content) = self.uncommitted.get(after).map_or_else(
            || (Arc::default(), Content::Events),
            |rest| (rest.records.clone(), Content::Records(rest.instance)),
        );
        Ok(Piece {
            plain,
            content,
            first_event: UNCOUNTED,
        })
    }

    fn read_section(&self, section: &Section) -> Result<Piece, TraceError> {
        let damaged = |what: &dyn ToString| self.damaged(section.at, what.to_string());
        let (header, offset) = sections::read_header(&self.source, section.at)
            .map_err(|error| damaged(&error))?
            .ok_or_else(|| damaged(&"a section is not whole"))?;
        let plain =
            sections::read(&self.source, offset, &header).map_err(|error| damaged(&error))?;
        let piece = |plain, content| Piece {
            plain,
            content,
            first_event: header.first_event,
        };
        match header.id {
            SectionId::Events => Ok(piece(plain.into(), Content::Events)),
            SectionId::Records => {
                let (instance, records) = plain
                    .split_first_chunk()
                    .ok_or_else(|| damaged(&"a section of records is too short"))?;
                let instance = Instance(u32::from_le_bytes(*instance));
                Ok(piece(records.into(), Content::Records(instance)))
            }
            other => Err(damaged(&format!("section {other:?} holds no events"))),
        }
    }
}

/// A piece of the events, read.
#[derive(Debug)]
pub(super) struct Piece {
    plain: Arc<[u8]>,
    content: Content,
    /// Outgoing crossings made before it, or [`UNCOUNTED`].
    first_event: u64,
}

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
        self.event += u64::from(event.as_ref().is_some_and(is_call));
        Ok(event)
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
            if let Some(event) = self.read_in_piece()? {
                return Ok(Some(event));
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

    fn read_in_piece(&mut self) -> Result<Option<Event>, TraceError> {
        let component = &self.stored.component;
        let read = match self.content {
            Content::Events => self
                .decoder
                .event(component, &self.plain)
                .map_err(|error| error.to_string()),
            Content::Records(instance) => {
                let mut raw = self.plain.get(self.at..).unwrap_or_default();
                if raw.is_empty() {
                    return Ok(None);
                }
                let record = take_record(component, &mut raw);
                let event = record.map(|record| record.event(instance));
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
