//! Making a recording stand alone: with its program in it, and what is in the file beside it.

use super::error::TraceError;
use super::format::{HEADER_LENGTH, SectionId, UNCOUNTED, encode_trailer};
use super::index;
use super::reader::Trace;
use super::request::{self, Note};
use super::sections::{self, Section, records_section};
use super::writer::PackedComponent;
use std::io::{self, Write};

/// Writes a copy of a recording that needs nothing beside it. Its events stay as they are
/// stored.
///
/// # Errors
///
/// If the recording is damaged, or the copy cannot be written.
pub fn pack(trace: &Trace, out: &mut impl Write) -> Result<(), PackError> {
    let mut packing = Packing {
        out,
        written: 0,
        sections: Vec::new(),
    };
    packing.beginning(trace)?;
    let metadata = serde_json::to_vec(trace.metadata()).map_err(io::Error::other)?;
    packing.plain(SectionId::Metadata, 0, &metadata)?;
    packing.component(trace)?;
    packing.events(trace)?;
    packing.end(trace)
}

/// Why a recording cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The copy cannot be written.
    #[error("{0}")]
    Write(#[from] io::Error),
}

struct Packing<'a, W> {
    out: &'a mut W,
    written: u64,
    sections: Vec<Section>,
}

impl<W: Write> Packing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn plain(&mut self, id: SectionId, first_event: u64, bytes: &[u8]) -> io::Result<()> {
        let section = sections::encode_plain(id, first_event, bytes)?;
        self.write(&section)
    }

    fn listed(&mut self, first_event: u64) {
        self.sections.push(Section {
            at: self.written,
            first_event,
        });
    }

    /// As it is: events are of the version that they were recorded in.
    fn beginning(&mut self, trace: &Trace) -> Result<(), PackError> {
        let stored = trace.stored();
        let mut beginning = [0; HEADER_LENGTH];
        let read = stored.source.read_exact_at(&mut beginning, 0);
        read.map_err(|error| stored.damaged(0, error))?;
        Ok(self.write(&beginning)?)
    }

    fn component(&mut self, trace: &Trace) -> io::Result<()> {
        // As it was recorded, whatever is debugged in its stead.
        let component = &trace.stored().component;
        let packed = PackedComponent::new(component)?.into_bytes();
        let (id, plain) = (SectionId::Component, component.bytes());
        let (encoding, stored) = sections::stored_as(&packed, plain);
        let header = sections::header(id, encoding, 0, stored, plain.len())?;
        self.write(&header)?;
        self.write(stored)
    }

    fn events(&mut self, trace: &Trace) -> Result<(), PackError> {
        let stored = trace.stored();
        for section in stored.sections.iter() {
            let (id, bytes) = stored.section_bytes(section)?;
            // These are not found where no index says where they are, so they are written anew.
            if matches!(id, SectionId::Note | SectionId::Notes) {
                continue;
            }
            self.listed(section.first_event);
            self.write(&bytes)?;
        }
        for rest in stored.uncommitted.iter() {
            self.listed(UNCOUNTED);
            self.write(&records_section(rest.instance, &rest.records)?)?;
        }
        Ok(())
    }

    /// One that was cut off stays so.
    fn end(&mut self, trace: &Trace) -> Result<(), PackError> {
        let requests = trace.noted_requests();
        if !trace.has_end() {
            for request in requests.iter().cloned() {
                let note = serde_json::to_vec(&Note::Request(request)).map_err(io::Error::other)?;
                self.plain(SectionId::Note, UNCOUNTED, &note)?;
            }
            return Ok(());
        }
        let events = trace.readable_hostcalls().0;
        for notes in request::told(requests)? {
            self.listed(events);
            self.plain(SectionId::Notes, events, &notes)?;
        }
        let outcome = serde_json::to_vec(trace.outcome()).map_err(io::Error::other)?;
        self.listed(events);
        self.plain(SectionId::End, events, &outcome)?;
        let index = index::encode(&self.sections);
        if index.len() <= SectionId::Index.max_plain() {
            let at = self.written;
            self.plain(SectionId::Index, events, &index)?;
            self.write(&encode_trailer(at))?;
        }
        Ok(())
    }
}
