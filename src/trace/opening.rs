//! Opening a recording: what stands before its events, and where those are.

use super::error::TraceError;
use super::format::{
    Encoding, HEADER_LENGTH, MAGIC, OLDEST, SectionHeader, SectionId, TRAILER_LENGTH, VERSION,
    WITH_STACKS, decode_trailer, may_unfold,
};
use super::index;
use super::metadata::{Metadata, Outcome};
use super::program::ProgramId;
use super::request::Note;
use super::sections::{self, Section};
use super::source::Source;
use crate::component::Component;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What stands before the events.
pub(super) struct Beginning {
    pub(super) metadata: Metadata,
    pub(super) component: Component,
    /// Where it is, if it is not in the recording.
    pub(super) program: Option<PathBuf>,
    /// Where the events begin.
    pub(super) events_at: u64,
    /// Whether they say where the guest goes on if its calls do not nest.
    pub(super) keeps_stacks: bool,
}

/// Where the events are.
#[derive(Debug, Clone, Default)]
pub(super) struct Walked {
    pub(super) sections: Vec<Section>,
    pub(super) notes: Vec<Note>,
    /// What the end section says, if there is one.
    pub(super) end: Option<Outcome>,
    /// Where what was not there yet begins.
    pub(super) to: u64,
}

impl Walked {
    /// Nothing of the events, which begin there.
    pub(super) fn beginning(events_at: u64) -> Walked {
        Walked {
            to: events_at,
            ..Walked::default()
        }
    }
}

/// A walk over the sections of a recording.
struct Opening<'a> {
    path: &'a Path,
    source: &'a Source,
    at: u64,
}

/// Reads what stands before the events.
pub(super) fn begin(
    path: &Path,
    source: &Source,
    places: &[PathBuf],
) -> Result<Beginning, TraceError> {
    let mut opening = Opening {
        path,
        source,
        at: HEADER_LENGTH as u64,
    };
    let version = opening.version()?;
    let mut metadata = opening.metadata()?;
    let (component, program) = opening.component(places, &mut metadata)?;
    opening.note_when(&mut metadata);
    Ok(Beginning {
        metadata,
        component,
        program,
        events_at: opening.at,
        keeps_stacks: version >= WITH_STACKS,
    })
}

/// Where a finished recording says that its events are; `None` if it is not finished, or what
/// it says is damaged: the sections say it themselves.
pub(super) fn indexed(path: &Path, source: &Source, events_at: u64) -> Option<Walked> {
    let opening = Opening {
        path,
        source,
        at: events_at,
    };
    let (sections, end) = opening.indexed()?;
    Some(Walked {
        notes: opening.notes_before_end(&sections),
        sections,
        end: Some(end),
        to: source.length(),
    })
}

/// Goes through the sections after those that have been walked over, or all of them.
pub(super) fn walk(path: &Path, source: &Source, before: Walked) -> Result<Walked, TraceError> {
    let mut opening = Opening {
        path,
        source,
        at: before.to,
    };
    opening.walk(before)
}

impl Opening<'_> {
    fn version(&self) -> Result<u32, TraceError> {
        let mut header = [0; HEADER_LENGTH];
        let not_a_trace = || TraceError::NotATrace {
            path: self.path.to_owned(),
        };
        self.source
            .read_exact_at(&mut header, 0)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => not_a_trace(),
                _ => TraceError::Read {
                    path: self.path.to_owned(),
                    source: error,
                },
            })?;
        let (magic, version) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(not_a_trace());
        }
        let mut word = [0; 4];
        word.copy_from_slice(version);
        match u32::from_le_bytes(word) {
            version @ OLDEST..=VERSION => Ok(version),
            found => Err(TraceError::Version {
                path: self.path.to_owned(),
                found,
            }),
        }
    }

    /// The next section's header and where its bytes begin; `None` where the
    /// file ends or was cut off before the section was complete.
    fn next(&mut self) -> Result<Option<(SectionHeader, u64)>, TraceError> {
        let found = sections::read_header(self.source, self.at).map_err(|e| self.damaged(e))?;
        if let Some((header, offset)) = &found {
            self.at = offset + u64::from(header.stored);
        }
        Ok(found)
    }

    fn damaged(&self, what: impl ToString) -> TraceError {
        TraceError::Damaged {
            path: self.path.to_owned(),
            offset: self.at,
            what: what.to_string(),
        }
    }

    fn expect(&mut self, id: SectionId) -> Result<Vec<u8>, TraceError> {
        match self.next()? {
            Some((header, offset)) if header.id == id => {
                sections::read(self.source, offset, &header).map_err(|e| self.damaged(e))
            }
            Some((header, _)) => Err(self.damaged(format!(
                "section {:?} stands where {id:?} should",
                header.id
            ))),
            None => Err(TraceError::NoComponent {
                path: self.path.to_owned(),
            }),
        }
    }

    fn metadata(&mut self) -> Result<Metadata, TraceError> {
        let bytes = self.expect(SectionId::Metadata)?;
        serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))
    }

    fn component(
        &mut self,
        places: &[PathBuf],
        metadata: &mut Metadata,
    ) -> Result<(Component, Option<PathBuf>), TraceError> {
        let next = sections::read_header(self.source, self.at).map_err(|e| self.damaged(e))?;
        if let Some((header, _)) = next {
            let (stored, plain) = (header.stored as usize, header.plain as usize);
            if header.encoding == Encoding::Zstd && !may_unfold(stored, plain) {
                return Err(self.damaged(format!(
                    "the component is too large: {stored} bytes unfold to {} MiB, which is more \
                     than 128 MiB and more than 32 times as much",
                    plain >> 20
                )));
            }
        }
        let (bytes, program) = match next {
            Some((header, _)) if header.id == SectionId::Program => {
                let named = self.expect(SectionId::Program)?;
                let named: ProgramId =
                    serde_json::from_slice(&named).map_err(|e| self.damaged(e))?;
                let (bytes, place) = named.find(&metadata.program, self.path, places)?;
                if metadata.sources.is_empty() {
                    metadata.sources = named.sources(&place);
                }
                (bytes, Some(place))
            }
            _ => (self.expect(SectionId::Component)?, None),
        };
        let component = Component::parse(bytes).map_err(|source| TraceError::Component {
            path: self.path.to_owned(),
            source,
        })?;
        Ok((component, program))
    }

    /// Of a component that records itself, a note behind the program says when it began. Where it
    /// is damaged, nobody knows.
    fn note_when(&self, metadata: &mut Metadata) {
        if metadata.started > 0 {
            return;
        }
        let note = self.section(self.at, SectionId::Note);
        let note = note.and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        if let Some((seconds, nanoseconds)) = note.and_then(|note| note.began()) {
            metadata.started = seconds;
            metadata.started_nanos = nanoseconds;
        }
    }

    /// What the index says; `None` if there is none, or it cannot be right.
    fn indexed(&self) -> Option<(Vec<Section>, Outcome)> {
        let trailer_at = self.source.length().checked_sub(TRAILER_LENGTH as u64)?;
        let mut trailer = [0; TRAILER_LENGTH];
        self.source.read_exact_at(&mut trailer, trailer_at).ok()?;
        let index = self.section(decode_trailer(&trailer)?, SectionId::Index)?;
        let mut sections = index::decode(&index, trailer_at)?;
        let end = sections.pop()?;
        let follows = sections.first().unwrap_or(&end).at == self.at;
        let end = self.section(end.at, SectionId::End)?;
        let outcome = serde_json::from_slice(&end).ok()?;
        follows.then_some((sections, outcome))
    }

    fn section(&self, at: u64, id: SectionId) -> Option<Vec<u8>> {
        let (header, offset) = sections::read_header(self.source, at).ok()??;
        let is_it = header.id == id;
        is_it.then(|| sections::read(self.source, offset, &header).ok())?
    }

    /// The notes of a finished recording: in the sections right before its end. Where they are
    /// damaged, there are none: nothing depends on them.
    fn notes_before_end(&self, sections: &[Section]) -> Vec<Note> {
        let sections = sections.iter().rev();
        let mut parts: Vec<Vec<Note>> = sections
            .map_while(|section| {
                let bytes = self.section(section.at, SectionId::Notes)?;
                serde_json::from_slice(&bytes).ok()
            })
            .collect();
        parts.reverse();
        parts.concat()
    }

    fn walk(&mut self, before: Walked) -> Result<Walked, TraceError> {
        let mut walked = before;
        loop {
            let at = self.at;
            walked.to = at;
            let Some((header, offset)) = self.next()? else {
                return Ok(walked);
            };
            match header.id {
                SectionId::Events | SectionId::Records => walked.sections.push(Section {
                    at,
                    first_event: header.first_event,
                }),
                SectionId::Note => {
                    let bytes = sections::read(self.source, offset, &header)
                        .map_err(|e| self.damaged(e))?;
                    let note = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))?;
                    walked.notes.push(note);
                }
                // They say the same once more.
                SectionId::Notes => {}
                SectionId::End => {
                    let bytes = sections::read(self.source, offset, &header)
                        .map_err(|e| self.damaged(e))?;
                    let outcome = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))?;
                    walked.end = Some(outcome);
                    return Ok(walked);
                }
                other => return Err(self.damaged(format!("a second {other:?} section"))),
            }
        }
    }
}
