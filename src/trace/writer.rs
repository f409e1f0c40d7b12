//! Writing a trace while the run goes on.

use super::codec;
use super::event::{Event, EventKind, Instance};
use super::format::{HEADER_LENGTH, MAGIC, SectionHeader, SectionId, VERSION};
use super::metadata::{Metadata, Outcome};
use super::raw::Kind;
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, CrossingId};
use std::io::{self, Write};
use std::sync::Arc;

/// Events are compressed and written in sections of about this many bytes.
const SECTION_PLAIN: usize = 256 << 10;
/// zstd's fastest ordinary level: recording must not slow the run.
const LEVEL: i32 = 1;

/// Why records could not be put into a trace.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("cannot write the trace: {0}; what was written so far replays")]
    Write(#[from] io::Error),
    #[error(
        "the recorder inside the component wrote a malformed record ({0}); this is a fault of rr-dap"
    )]
    Malformed(&'static str),
    #[error("{what} larger than {limit} MiB, which is more than a trace may hold")]
    TooLarge { what: &'static str, limit: usize },
}

/// Writes one trace to `W`. Without [`Writer::finish`] the trace is cut off, but
/// what has been written is readable.
pub struct Writer<W: Write> {
    out: W,
    component: Arc<Component>,
    plain: Vec<u8>,
    last: Instance,
    events: u64,
    first_event: u64,
    written: u64,
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
        let mut writer = Writer {
            out,
            component,
            plain: Vec::with_capacity(SECTION_PLAIN * 2),
            last: Instance(0),
            events: 0,
            first_event: 0,
            written: HEADER_LENGTH as u64,
        };
        writer.out.write_all(&MAGIC)?;
        writer.out.write_all(&VERSION.to_le_bytes())?;
        let metadata = serde_json::to_vec(metadata).map_err(io::Error::other)?;
        writer.section(SectionId::Metadata, &metadata)?;
        let component = writer.component.clone();
        writer.section(SectionId::Component, component.bytes())?;
        writer.out.flush()?;
        Ok(writer)
    }

    /// What stands before all events, for a recording whose sections something else
    /// adds.
    pub(crate) fn into_beginning(self) -> W {
        self.out
    }

    /// How many outgoing crossings have been recorded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many bytes the trace has so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Takes what a recorder committed.
    ///
    /// # Errors
    ///
    /// If the records are malformed or writing fails.
    pub fn records(&mut self, instance: Instance, mut raw: &[u8]) -> Result<(), RecordsError> {
        while !raw.is_empty() {
            let event = decode(&self.component, instance, &mut raw)?;
            self.events += u64::from(matches!(event.kind, EventKind::Call(_)));
            match event.kind {
                EventKind::Write { address, bytes } if bytes.len() > SECTION_PLAIN => {
                    self.large_write(event.instance, event.crossing, address, &bytes)?;
                }
                _ => self.event(&event)?,
            }
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), RecordsError> {
        codec::encode(event, &mut self.last, &mut self.plain);
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
        crossing: CrossingId,
        mut address: u64,
        bytes: &[u8],
    ) -> Result<(), RecordsError> {
        for part in bytes.chunks(SECTION_PLAIN) {
            self.event(&Event {
                instance,
                crossing,
                kind: EventKind::Write {
                    address,
                    bytes: part.to_vec(),
                },
            })?;
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
        self.last = Instance(0);
        self.first_event = self.events;
        result?;
        self.out.flush()?;
        Ok(())
    }

    /// Ends the trace with how the run ended.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn finish(mut self, outcome: &Outcome) -> Result<W, RecordsError> {
        self.flush()?;
        let outcome = serde_json::to_vec(outcome).map_err(io::Error::other)?;
        self.section(SectionId::End, &outcome)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn section(&mut self, id: SectionId, plain: &[u8]) -> Result<(), RecordsError> {
        if plain.len() > id.max_plain() {
            return Err(RecordsError::TooLarge {
                what: match id {
                    SectionId::Metadata => "the run's settings are",
                    SectionId::Component => "the component is",
                    SectionId::Events | SectionId::End | SectionId::Records => "a section is",
                },
                limit: id.max_plain() >> 20,
            });
        }
        let stored = zstd::bulk::compress(plain, LEVEL)?;
        let too_large = |_| io::Error::other("a section is larger than 4 GiB");
        let header = SectionHeader {
            id,
            stored: u32::try_from(stored.len()).map_err(too_large)?,
            plain: u32::try_from(plain.len()).map_err(too_large)?,
            crc: crc32fast::hash(&stored),
            first_event: self.first_event,
        };
        let header = header.encode();
        self.out.write_all(&header)?;
        self.out.write_all(&stored)?;
        self.written += (header.len() + stored.len()) as u64;
        Ok(())
    }
}

/// Takes the first record off the bytes.
pub(super) fn decode(
    component: &Component,
    instance: Instance,
    raw: &mut &[u8],
) -> Result<Event, RecordsError> {
    let header = u32::from_le_bytes(take_array(raw)?);
    let kind =
        Kind::from_number((header & 7) as u8).ok_or(RecordsError::Malformed("unknown kind"))?;
    let crossing = component
        .crossing(CrossingId(header >> 3))
        .ok_or(RecordsError::Malformed("unknown crossing"))?;
    let kind = match kind {
        Kind::Call => EventKind::Call(take_values(raw, &crossing.signature.params)?),
        Kind::Return => EventKind::Return(take_values(raw, &crossing.signature.results)?),
        Kind::Enter => EventKind::Enter(take_values(raw, &crossing.signature.params)?),
        Kind::Leave => EventKind::Leave(take_values(raw, &crossing.signature.results)?),
        Kind::Write => {
            let address = u64::from(u32::from_le_bytes(take_array(raw)?));
            let length = u32::from_le_bytes(take_array(raw)?) as usize;
            EventKind::Write {
                address,
                bytes: take(raw, length)?.to_vec(),
            }
        }
        Kind::Hash => EventKind::Hash(u64::from_le_bytes(take_array(raw)?)),
    };
    Ok(Event {
        instance,
        crossing: crossing.id,
        kind,
    })
}

fn take<'a>(raw: &mut &'a [u8], length: usize) -> Result<&'a [u8], RecordsError> {
    let (taken, rest) = raw
        .split_at_checked(length)
        .ok_or(RecordsError::Malformed("a record ends in the middle"))?;
    *raw = rest;
    Ok(taken)
}

fn take_array<const N: usize>(raw: &mut &[u8]) -> Result<[u8; N], RecordsError> {
    let mut array = [0; N];
    array.copy_from_slice(take(raw, N)?);
    Ok(array)
}

fn take_values(raw: &mut &[u8], types: &[CoreType]) -> Result<Vec<CoreValue>, RecordsError> {
    types
        .iter()
        .map(|ty| {
            Ok(match ty {
                CoreType::I32 => CoreValue::I32(i32::from_le_bytes(take_array(raw)?)),
                CoreType::I64 => CoreValue::I64(i64::from_le_bytes(take_array(raw)?)),
                CoreType::F32 => CoreValue::F32(u32::from_le_bytes(take_array(raw)?)),
                CoreType::F64 => CoreValue::F64(u64::from_le_bytes(take_array(raw)?)),
            })
        })
        .collect()
}
