//! Writing a trace while the run goes on.

use super::codec::Encoder;
use super::event::Instance;
use super::format::{self, HEADER_LENGTH, MAGIC, SectionId, encode_trailer};
use super::index;
use super::metadata::{Metadata, Outcome};
use super::nesting::{Follows, Nesting, NotNested};
use super::program::ProgramId;
use super::records::{Record, RecordKind, take_record};
use super::request;
use super::request::Note;
use super::sections::{self, Section};
use crate::component::Component;
use std::io::{self, Write};
use std::sync::Arc;
use zstd::bulk::Compressor;

/// Events are compressed and written in sections of about this many bytes.
const SECTION_PLAIN: usize = 256 << 10;
/// zstd's fastest ordinary level: recording must not slow the run.
const LEVEL: i32 = 1;

/// Why records could not be put into a trace.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// What the trace is written to fails.
    #[error("cannot write the trace: {0}; what was written so far replays")]
    Write(#[from] io::Error),
    /// The bytes are not records of this component: what is wrong, in words.
    #[error(
        "the recorder inside the component wrote a malformed record ({0}); this is a fault of rr-dap"
    )]
    Malformed(String),
    /// Calls return in another order than replay can play; the recording ends there.
    #[error(transparent)]
    NotNested(#[from] NotNested),
    /// A section would be larger than readers accept.
    #[error("{what} larger than {limit} MiB, which is more than a trace may hold")]
    TooLarge {
        /// Subject and verb, for the message: `the component is`.
        what: &'static str,
        /// In MiB, before compression.
        limit: usize,
    },
}

/// The beginning of a recording of `component`: for a sink that appends
/// [`records_section`](super::records_section)s to it.
///
/// # Errors
///
/// If the component or the metadata are larger than a recording may hold.
pub fn prologue(component: Arc<Component>, metadata: &Metadata) -> Result<Vec<u8>, RecordsError> {
    let program = HeldProgram::whole(&component)?;
    prologue_with(component, &program, metadata)
}

/// The same; `program` tells whether it holds the component.
///
/// # Errors
///
/// As for [`prologue`].
pub fn prologue_with(
    component: Arc<Component>,
    program: &HeldProgram,
    metadata: &Metadata,
) -> Result<Vec<u8>, RecordsError> {
    Ok(Writer::with_program(Vec::new(), component, program, metadata)?.out)
}

/// A component's binary as recordings hold it, compressed: the same in each recording of it.
#[derive(Debug, Clone)]
pub struct PackedComponent(Vec<u8>);

impl PackedComponent {
    /// Compresses it.
    ///
    /// # Errors
    ///
    /// If there is no memory for that.
    pub fn new(component: &Component) -> io::Result<PackedComponent> {
        let packed = Compressor::new(LEVEL)?.compress(component.bytes())?;
        Ok(PackedComponent(packed))
    }

    /// What [`PackedComponent::into_bytes`] was of the same component.
    pub fn again(bytes: Vec<u8>) -> PackedComponent {
        PackedComponent(bytes)
    }

    /// The compressed bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Whether, and how, a recording has its program.
#[derive(Debug, Clone)]
pub enum HeldProgram {
    /// It holds it.
    Whole(PackedComponent),
    /// It names it: it lies beside recordings of it.
    Named(ProgramId),
}

/// Writes one trace to `W`. Without [`Writer::finish`] the trace is cut off, but
/// what has been written is readable.
pub struct Writer<W: Write> {
    out: W,
    component: Arc<Component>,
    compressor: Compressor<'static>,
    encoder: Encoder,
    /// `None` if events are taken as they come.
    nesting: Option<Nesting>,
    /// Where the recording ended, if before the run.
    ended: Option<NotNested>,
    plain: Vec<u8>,
    events: u64,
    plumbing: u64,
    first_event: u64,
    written: u64,
    /// The sections after the component: 16 bytes for each quarter of a megabyte
    /// of events.
    sections: Vec<Section>,
    notes: Vec<Note>,
}

impl HeldProgram {
    /// The recording stands alone.
    ///
    /// # Errors
    ///
    /// If there is no memory to compress the component.
    pub fn whole(component: &Component) -> io::Result<HeldProgram> {
        PackedComponent::new(component).map(HeldProgram::Whole)
    }

    /// Whoever opens the recording has the program.
    pub fn named(component: &Component) -> HeldProgram {
        HeldProgram::Named(ProgramId::of(component.bytes()))
    }
}

impl<W: Write> Writer<W> {
    /// Begins a trace of a run of `component`.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn new(
        out: W,
        component: Arc<Component>,
        metadata: &Metadata,
    ) -> Result<Self, RecordsError> {
        let program = HeldProgram::whole(&component)?;
        Writer::with_program(out, component, &program, metadata)
    }

    /// The same, of a component that is compressed already, or is not to be in the trace.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn with_program(
        out: W,
        component: Arc<Component>,
        program: &HeldProgram,
        metadata: &Metadata,
    ) -> Result<Self, RecordsError> {
        let mut writer = Writer {
            out,
            compressor: Compressor::new(LEVEL)?,
            encoder: Encoder::new(&component),
            nesting: Some(Nesting::new(&component)),
            ended: None,
            component,
            plain: Vec::with_capacity(SECTION_PLAIN * 2),
            events: 0,
            plumbing: 0,
            first_event: 0,
            written: HEADER_LENGTH as u64,
            sections: Vec::new(),
            notes: Vec::new(),
        };
        writer.out.write_all(&MAGIC)?;
        let version = format::version(&writer.component);
        writer.out.write_all(&version.to_le_bytes())?;
        let metadata = serde_json::to_vec(metadata).map_err(io::Error::other)?;
        writer.section(SectionId::Metadata, &metadata)?;
        let component = writer.component.clone();
        match program {
            HeldProgram::Whole(packed) => {
                let id = SectionId::Component;
                writer.stored_section(id, component.bytes(), packed.bytes())?;
            }
            HeldProgram::Named(program) => {
                let program = serde_json::to_vec(program).map_err(io::Error::other)?;
                writer.section(SectionId::Program, &program)?;
            }
        }
        writer.out.flush()?;
        Ok(writer)
    }

    /// The same writer, which takes events as they come, whether they nest or not:
    /// for making traces that no recorder makes.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.nesting = None;
        self
    }

    /// How many outgoing crossings have been recorded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many of those are of built-ins that only keep the canonical ABI's books.
    pub fn plumbing(&self) -> u64 {
        self.plumbing
    }

    /// How many bytes the trace has so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes what a recorder committed.
    ///
    /// # Errors
    ///
    /// If the records are malformed, do not nest, or writing fails. What does not
    /// nest ends the recording: from then on every call answers the same error.
    pub fn records(&mut self, instance: Instance, raw: &[u8]) -> Result<(), RecordsError> {
        self.check_not_ended()?;
        let component = self.component.clone();
        let mut raw: &[u8] = raw;
        while !raw.is_empty() {
            let record = take_record(&component, &mut raw)
                .map_err(|error| RecordsError::Malformed(error.to_string()))?;
            if let Some(nesting) = &mut self.nesting {
                match nesting.follow(instance, &record, &component) {
                    Ok(Follows::Keep) => {}
                    Ok(Follows::LeaveOut) => continue,
                    Err(not_nested) => {
                        self.flush()?;
                        self.ended = Some(not_nested.clone());
                        return Err(not_nested.into());
                    }
                }
            }
            match record.kind {
                RecordKind::Write { address, bytes } if bytes.len() > SECTION_PLAIN => {
                    self.large_write(instance, &record, address, bytes)?;
                }
                _ => self.record(instance, &record)?,
            }
        }
        Ok(())
    }

    fn check_not_ended(&self) -> Result<(), RecordsError> {
        match &self.ended {
            Some(not_nested) => Err(not_nested.clone().into()),
            None => Ok(()),
        }
    }

    fn record(&mut self, instance: Instance, record: &Record<'_>) -> Result<(), RecordsError> {
        if let RecordKind::Call(_) = record.kind {
            self.plumbing += u64::from(record.crossing.is_plumbing());
            self.events += 1;
        }
        self.encoder.append(instance, record, &mut self.plain);
        if self.plain.len() >= SECTION_PLAIN {
            self.flush()?;
        }
        Ok(())
    }

    /// A write of any size becomes several: sections are limited, so that a
    /// reader need not trust a length.
    fn large_write(
        &mut self,
        instance: Instance,
        record: &Record<'_>,
        mut address: u64,
        bytes: &[u8],
    ) -> Result<(), RecordsError> {
        for part in bytes.chunks(SECTION_PLAIN) {
            let kind = RecordKind::Write {
                address,
                bytes: part,
            };
            self.record(instance, &Record { kind, ..*record })?;
            address += part.len() as u64;
        }
        Ok(())
    }

    /// Writes out what has been taken so far, as a section of its own.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn flush(&mut self) -> Result<(), RecordsError> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let mut plain = std::mem::take(&mut self.plain);
        let result = self.section(SectionId::Events, &plain);
        plain.clear();
        self.plain = plain;
        self.encoder.begin();
        self.first_event = self.events;
        result?;
        self.out.flush()?;
        Ok(())
    }

    /// Keeps what the host notes of the run until the end.
    pub fn remember(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Writes down what the host notes of the run so far.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn note(&mut self, note: Note) -> Result<(), RecordsError> {
        self.note_with_next(note)?;
        self.out.flush()?;
        Ok(())
    }

    /// The same, and it need not reach the file before what is written next.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn note_with_next(&mut self, note: Note) -> Result<(), RecordsError> {
        self.flush()?;
        let text = serde_json::to_vec(&note).map_err(io::Error::other)?;
        self.section(SectionId::Note, &text)?;
        self.notes.push(note);
        Ok(())
    }

    /// All notes once more, where a reader finds them who does not go through the recording.
    fn notes(&mut self) -> Result<(), RecordsError> {
        let requests = request::requests(std::mem::take(&mut self.notes));
        for text in request::told(&requests)? {
            self.section(SectionId::Notes, &text)?;
        }
        Ok(())
    }

    /// Ends the trace with how the run ended.
    ///
    /// # Errors
    ///
    /// If writing fails, or the recording ended before the run.
    pub fn finish(mut self, outcome: &Outcome) -> Result<W, RecordsError> {
        self.check_not_ended()?;
        self.flush()?;
        self.notes()?;
        let outcome = serde_json::to_vec(outcome).map_err(io::Error::other)?;
        self.section(SectionId::End, &outcome)?;
        self.index()?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Writes where the sections are. A run of so many sections that their index
    /// would be too large goes without: a reader then walks them.
    fn index(&mut self) -> Result<(), RecordsError> {
        let index = index::encode(&self.sections);
        if index.len() > SectionId::Index.max_plain() {
            return Ok(());
        }
        let at = self.written;
        self.section(SectionId::Index, &index)?;
        self.out.write_all(&encode_trailer(at))?;
        Ok(())
    }

    fn section(&mut self, id: SectionId, plain: &[u8]) -> Result<(), RecordsError> {
        let compressed = self.compressor.compress(plain)?;
        self.stored_section(id, plain, &compressed)
    }

    fn stored_section(
        &mut self,
        id: SectionId,
        plain: &[u8],
        compressed: &[u8],
    ) -> Result<(), RecordsError> {
        if plain.len() > id.max_plain() {
            return Err(RecordsError::TooLarge {
                what: match id {
                    SectionId::Metadata => "the run's settings are",
                    SectionId::Component => "the component is",
                    _ => "a section is",
                },
                limit: id.max_plain() >> 20,
            });
        }
        let is_before_events = matches!(
            id,
            SectionId::Metadata | SectionId::Component | SectionId::Program | SectionId::Index
        );
        if !is_before_events {
            self.sections.push(Section {
                at: self.written,
                first_event: self.first_event,
            });
        }
        let (encoding, stored) = sections::stored_as(compressed, plain);
        let header = sections::header(id, encoding, self.first_event, stored, plain.len())?;
        self.out.write_all(&header)?;
        self.out.write_all(stored)?;
        self.written += (header.len() + stored.len()) as u64;
        Ok(())
    }
}
