//! Reading a trace. Every byte is hostile: lengths are checked before memory is
//! taken, checksums before anything is decompressed.

use super::codec::{CodecError, Decoder, encode};
use super::event::{Event, Instance};
use super::format::{
    HEADER_LENGTH, MAGIC, SECTION_HEADER_LENGTH, SectionHeader, SectionId, VERSION,
};
use super::metadata::{Metadata, Outcome};
use super::tail::{self, Tail};
use super::writer::decode;
use crate::component::{Component, ParseError};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a recording of rr-dap; record one with `rr-dap record`")]
    NotATrace { path: PathBuf },
    #[error(
        "{path} has format version {found}, this rr-dap reads version {VERSION}; \
         use the rr-dap that recorded it, or record anew"
    )]
    Version { path: PathBuf, found: u32 },
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        path: PathBuf,
        offset: u64,
        what: String,
    },
    #[error("{path} was cut off before the component was complete; nothing of it can be replayed")]
    NoComponent { path: PathBuf },
    #[error("the component in {path}: {source}")]
    Component { path: PathBuf, source: ParseError },
    #[error(
        "{path} holds what was recorded last, but cannot be read: {what}; \
         without it the recording ends earlier"
    )]
    Tail { path: PathBuf, what: String },
}

/// A section of events in the file.
#[derive(Debug, Clone, Copy)]
struct EventsSection {
    /// Where its stored bytes begin.
    offset: u64,
    header: SectionHeader,
}

/// A recording, open for reading.
#[derive(Debug)]
pub struct Trace {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    component: Arc<Component>,
    sections: Vec<EventsSection>,
    /// Events that had not been written when the recording was cut off.
    tail: Vec<Event>,
    outcome: Outcome,
    length: u64,
}

impl Trace {
    /// Opens a recording: reads its metadata, its component and where its events
    /// are. A recording that was cut off opens with outcome
    /// [`Outcome::CutOff`] and the events up to there.
    ///
    /// # Errors
    ///
    /// If the file is not a recording, or its metadata or component are damaged.
    pub fn open(path: &Path) -> Result<Trace, TraceError> {
        let read_error = |source| TraceError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read_error)?;
        let length = file.metadata().map_err(read_error)?.len();
        let mut opening = Opening {
            path,
            file: &file,
            length,
            at: HEADER_LENGTH as u64,
        };
        opening.check_header()?;
        let metadata = opening.metadata()?;
        let component = opening.component()?;
        let (mut sections, outcome) = opening.events()?;
        let mut tail = Vec::new();
        if outcome == Outcome::CutOff
            && let Some(found) = read_tail(path, &file, &component)?
        {
            sections.retain(|section| section.offset < found.trace_length);
            tail = tail_events(path, &component, &found)?;
        }
        Ok(Trace {
            path: path.to_owned(),
            file,
            metadata,
            component: Arc::new(component),
            sections,
            tail,
            outcome,
            length,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's size in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The settings of the run.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The component that ran.
    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// How the run ended.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// A cursor at the first event.
    pub fn events(self: &Arc<Self>) -> Cursor {
        Cursor {
            trace: self.clone(),
            section: 0,
            tail: 0,
            plain: Arc::default(),
            at: 0,
            last: Instance(0),
            next: None,
        }
    }

    fn damaged(&self, offset: u64, what: impl ToString) -> TraceError {
        TraceError::Damaged {
            path: self.path.clone(),
            offset,
            what: what.to_string(),
        }
    }

    fn plain(&self, section: &EventsSection) -> Result<Vec<u8>, TraceError> {
        let plain = read_section(&self.file, section.offset, &section.header)
            .map_err(|what| self.damaged(section.offset, what))?;
        match section.header.id {
            SectionId::Records => {
                encoded(&self.component, &plain).map_err(|e| self.damaged(section.offset, e))
            }
            _ => Ok(plain),
        }
    }
}

fn read_tail(path: &Path, file: &File, component: &Component) -> Result<Option<Tail>, TraceError> {
    tail::read(path, file, component).map_err(|error| tail_error(path, &error))
}

fn tail_error(path: &Path, error: &impl ToString) -> TraceError {
    TraceError::Tail {
        path: tail::tail_path(path),
        what: error.to_string(),
    }
}

fn tail_events(path: &Path, component: &Component, tail: &Tail) -> Result<Vec<Event>, TraceError> {
    let mut events = Vec::new();
    for (instance, records) in &tail.records {
        let mut records = records.as_slice();
        while !records.is_empty() {
            let event = decode(component, *instance, &mut records);
            events.push(event.map_err(|error| tail_error(path, &error))?);
        }
    }
    Ok(events)
}

/// The raw records of a section as events.
fn encoded(component: &Component, section: &[u8]) -> Result<Vec<u8>, String> {
    let Some((instance, mut records)) = section.split_first_chunk() else {
        return Err("a section of records has no instance".into());
    };
    let instance = Instance(u32::from_le_bytes(*instance));
    let (mut last, mut events) = (Instance(0), Vec::new());
    while !records.is_empty() {
        let event = decode(component, instance, &mut records).map_err(|e| e.to_string())?;
        encode(&event, &mut last, &mut events);
    }
    Ok(events)
}

/// Reads and decompresses a section whose header has been checked.
fn read_section(file: &File, offset: u64, header: &SectionHeader) -> Result<Vec<u8>, String> {
    let mut stored = vec![0; header.stored as usize];
    file.read_exact_at(&mut stored, offset)
        .map_err(|e| e.to_string())?;
    if crc32fast::hash(&stored) != header.crc {
        return Err("the checksum of a section does not match".into());
    }
    if header.id == SectionId::Records {
        return Ok(stored);
    }
    let plain = decompress(&stored, u64::from(header.plain))
        .map_err(|e| format!("a section does not decompress: {e}"))?;
    if plain.len() != header.plain as usize {
        return Err("a section has not the size it should have".into());
    }
    Ok(plain)
}

/// Decompresses at most one byte more than there should be. Memory is taken as
/// bytes arrive, not as a header says.
fn decompress(stored: &[u8], expected: u64) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    zstd::Decoder::with_buffer(stored)?
        .single_frame()
        .take(expected + 1)
        .read_to_end(&mut plain)?;
    Ok(plain)
}

/// A trace while it is opened: a walk over its sections.
struct Opening<'a> {
    path: &'a Path,
    file: &'a File,
    length: u64,
    at: u64,
}

impl Opening<'_> {
    fn check_header(&self) -> Result<(), TraceError> {
        let mut header = [0; HEADER_LENGTH];
        let not_a_trace = || TraceError::NotATrace {
            path: self.path.to_owned(),
        };
        self.file
            .read_exact_at(&mut header, 0)
            .map_err(|_| not_a_trace())?;
        let (magic, version) = header.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(not_a_trace());
        }
        let mut word = [0; 4];
        word.copy_from_slice(version);
        match u32::from_le_bytes(word) {
            VERSION => Ok(()),
            found => Err(TraceError::Version {
                path: self.path.to_owned(),
                found,
            }),
        }
    }

    /// The next section's header and where its bytes begin; `None` where the
    /// file ends or was cut off before the section was complete.
    fn next(&mut self) -> Result<Option<(SectionHeader, u64)>, TraceError> {
        let mut bytes = [0; SECTION_HEADER_LENGTH];
        if self.at + SECTION_HEADER_LENGTH as u64 > self.length {
            return Ok(None);
        }
        self.file
            .read_exact_at(&mut bytes, self.at)
            .map_err(|source| TraceError::Read {
                path: self.path.to_owned(),
                source,
            })?;
        let header = SectionHeader::decode(&bytes)
            .ok_or_else(|| self.damaged("this is not the beginning of a section"))?;
        let offset = self.at + SECTION_HEADER_LENGTH as u64;
        let end = offset + u64::from(header.stored);
        if end > self.length {
            return Ok(None);
        }
        self.at = end;
        Ok(Some((header, offset)))
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
                read_section(self.file, offset, &header).map_err(|what| self.damaged(what))
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

    fn component(&mut self) -> Result<Component, TraceError> {
        let bytes = self.expect(SectionId::Component)?;
        Component::parse(bytes).map_err(|source| TraceError::Component {
            path: self.path.to_owned(),
            source,
        })
    }

    fn events(&mut self) -> Result<(Vec<EventsSection>, Outcome), TraceError> {
        let mut sections = Vec::new();
        while let Some((header, offset)) = self.next()? {
            match header.id {
                SectionId::Events | SectionId::Records => {
                    sections.push(EventsSection { offset, header })
                }
                SectionId::End => {
                    let bytes = read_section(self.file, offset, &header)
                        .map_err(|what| self.damaged(what))?;
                    let outcome = serde_json::from_slice(&bytes).map_err(|e| self.damaged(e))?;
                    return Ok((sections, outcome));
                }
                other => return Err(self.damaged(format!("a second {other:?} section"))),
            }
        }
        Ok((sections, Outcome::CutOff))
    }
}

/// A place in the sequence of events. Reads with `pread`: processes forked from
/// one another do not move each other's cursors.
#[derive(Debug, Clone)]
pub struct Cursor {
    trace: Arc<Trace>,
    /// The section to read after the current one.
    section: usize,
    /// How many of the tail's events have been read.
    tail: usize,
    /// Shared between the clones of a cursor.
    plain: Arc<[u8]>,
    at: usize,
    last: Instance,
    next: Option<Event>,
}

impl Cursor {
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
        match self.next.take() {
            Some(event) => Ok(Some(event)),
            None => self.read(),
        }
    }

    fn read(&mut self) -> Result<Option<Event>, TraceError> {
        while self.at >= self.plain.len() {
            let Some(section) = self.trace.sections.get(self.section) else {
                let event = self.trace.tail.get(self.tail).cloned();
                self.tail += usize::from(event.is_some());
                return Ok(event);
            };
            self.plain = self.trace.plain(section)?.into();
            self.section += 1;
            self.at = 0;
            self.last = Instance(0);
        }
        let mut decoder = Decoder {
            component: &self.trace.component,
            bytes: &self.plain,
            at: self.at,
            last: self.last,
        };
        let event = decoder.event();
        (self.at, self.last) = (decoder.at, decoder.last);
        event.map(Some).map_err(|e: CodecError| {
            let offset = self
                .section
                .checked_sub(1)
                .and_then(|i| self.trace.sections.get(i))
                .map_or(0, |s| s.offset);
            self.trace.damaged(offset, e)
        })
    }
}
