//! The events of a recording where they are stored.

use super::error::TraceError;
use super::event::Instance;
use super::format::{SectionId, UNCOUNTED};
use super::sections::{self, Content, Section};
use super::source::{Change, Source};
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
    pub(super) fn piece_of(&self, event: u64) -> (usize, u64) {
        self.sections
            .iter()
            .enumerate()
            .rev()
            .find(|(_, s)| s.first_event != UNCOUNTED && s.first_event <= event)
            .map_or((0, 0), |(piece, s)| (piece, s.first_event))
    }

    /// Why a piece cannot be read: what is wrong there, unless somebody has been at the file.
    pub(super) fn damaged(&self, offset: u64, what: impl ToString) -> TraceError {
        let path = self.path.clone();
        match self.source.change() {
            Some(Change::Cut { was, now }) => TraceError::Cut { path, was, now },
            Some(Change::Written) => TraceError::Overwritten { path },
            None => TraceError::Damaged {
                path,
                offset,
                what: what.to_string(),
            },
        }
    }

    /// Where in the file a piece begins, for messages.
    pub(super) fn offset(&self, piece: usize) -> u64 {
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

    /// A section as it is stored, with its header, and what it is.
    pub(super) fn section_bytes(
        &self,
        section: &Section,
    ) -> Result<(SectionId, Vec<u8>), TraceError> {
        let damaged = |what: &dyn ToString| self.damaged(section.at, what.to_string());
        let (header, offset) = sections::read_header(&self.source, section.at)
            .map_err(|error| damaged(&error))?
            .ok_or_else(|| damaged(&"a section is not whole"))?;
        let length = offset - section.at + u64::from(header.stored);
        let mut bytes = vec![0; length as usize];
        self.source
            .read_exact_at(&mut bytes, section.at)
            .map_err(|error| damaged(&error))?;
        Ok((header.id, bytes))
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
            SectionId::Note | SectionId::Notes => Ok(piece(Arc::default(), Content::Events)),
            other => Err(damaged(&format!("section {other:?} holds no events"))),
        }
    }
}

/// A piece of the events, read.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) plain: Arc<[u8]>,
    pub(super) content: Content,
    /// Outgoing crossings made before it, or [`UNCOUNTED`].
    pub(super) first_event: u64,
}
