//! Events as bytes within a section: variable-length numbers.
//!
//! ```text
//! event     head:varint (kind | switched << 3 | crossing << 4)
//!           [instance:varint if switched]  body
//! values    i32, i64: signed LEB128; f32, f64: their bits, little-endian
//! write     address:varint length:varint bytes
//! hash      8 bytes
//! ```
//!
//! `switched` is set where the instance differs from that of the event before
//! (each section starts from instance 0). How many values there are, and of
//! which type, is the crossing's signature.

use super::event::{Event, EventKind, Instance};
use super::raw::Kind;
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, CrossingId};

/// What a section's bytes can get wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    #[error("an event ends in the middle")]
    Truncated,
    #[error("a number is out of range")]
    Number,
    #[error("event kind {0} is unknown")]
    Kind(u8),
    #[error("the component has no crossing number {0}")]
    Crossing(u64),
}

/// Appends an event. `last` is the instance of the event before.
pub(super) fn encode(event: &Event, last: &mut Instance, out: &mut Vec<u8>) {
    let kind = match &event.kind {
        EventKind::Call(_) => Kind::Call,
        EventKind::Return(_) => Kind::Return,
        EventKind::Enter(_) => Kind::Enter,
        EventKind::Leave(_) => Kind::Leave,
        EventKind::Write { .. } => Kind::Write,
        EventKind::Hash(_) => Kind::Hash,
    };
    let switched = event.instance != *last;
    let head = kind as u64 | u64::from(switched) << 3 | u64::from(event.crossing.0) << 4;
    varint(head, out);
    if switched {
        varint(u64::from(event.instance.0), out);
        *last = event.instance;
    }
    match &event.kind {
        EventKind::Call(values)
        | EventKind::Return(values)
        | EventKind::Enter(values)
        | EventKind::Leave(values) => values.iter().for_each(|value| encode_value(*value, out)),
        EventKind::Write { address, bytes } => {
            varint(*address, out);
            varint(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        EventKind::Hash(hash) => out.extend_from_slice(&hash.to_le_bytes()),
    }
}

fn encode_value(value: CoreValue, out: &mut Vec<u8>) {
    match value {
        CoreValue::I32(v) => signed(i64::from(v), out),
        CoreValue::I64(v) => signed(v, out),
        CoreValue::F32(bits) => out.extend_from_slice(&bits.to_le_bytes()),
        CoreValue::F64(bits) => out.extend_from_slice(&bits.to_le_bytes()),
        // Signatures of crossings hold numbers only.
        CoreValue::V128(_) | CoreValue::Ref(_) => {}
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(mut value: i64, out: &mut Vec<u8>) {
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        out.push(if done { byte } else { byte | 0x80 });
        if done {
            return;
        }
    }
}

/// Reads events out of a section's bytes.
pub(super) struct Decoder<'a> {
    pub(super) component: &'a Component,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) last: Instance,
}

impl Decoder<'_> {
    pub(super) fn event(&mut self) -> Result<Event, CodecError> {
        let head = self.varint()?;
        let number = (head & 7) as u8;
        let kind = Kind::from_number(number).ok_or(CodecError::Kind(number))?;
        if head & 8 != 0 {
            self.last = Instance(u32::try_from(self.varint()?).map_err(|_| CodecError::Number)?);
        }
        let crossing = u32::try_from(head >> 4)
            .ok()
            .and_then(|id| self.component.crossing(CrossingId(id)))
            .ok_or(CodecError::Crossing(head >> 4))?;
        let kind = match kind {
            Kind::Call => EventKind::Call(self.values(&crossing.signature.params)?),
            Kind::Return => EventKind::Return(self.values(&crossing.signature.results)?),
            Kind::Enter => EventKind::Enter(self.values(&crossing.signature.params)?),
            Kind::Leave => EventKind::Leave(self.values(&crossing.signature.results)?),
            Kind::Write => {
                let address = self.varint()?;
                let length = usize::try_from(self.varint()?).map_err(|_| CodecError::Number)?;
                EventKind::Write {
                    address,
                    bytes: self.take(length)?.to_vec(),
                }
            }
            Kind::Hash => EventKind::Hash(u64::from_le_bytes(self.array()?)),
        };
        Ok(Event {
            instance: self.last,
            crossing: crossing.id,
            kind,
        })
    }

    fn values(&mut self, types: &[CoreType]) -> Result<Vec<CoreValue>, CodecError> {
        types
            .iter()
            .map(|ty| {
                Ok(match ty {
                    CoreType::I32 => CoreValue::I32(
                        i32::try_from(self.signed()?).map_err(|_| CodecError::Number)?,
                    ),
                    CoreType::I64 => CoreValue::I64(self.signed()?),
                    CoreType::F32 => CoreValue::F32(u32::from_le_bytes(self.array()?)),
                    CoreType::F64 => CoreValue::F64(u64::from_le_bytes(self.array()?)),
                })
            })
            .collect()
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = *self.bytes.get(self.at).ok_or(CodecError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, length: usize) -> Result<&[u8], CodecError> {
        let end = self.at.checked_add(length).ok_or(CodecError::Number)?;
        let taken = self.bytes.get(self.at..end).ok_or(CodecError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn varint(&mut self) -> Result<u64, CodecError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(CodecError::Number);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(CodecError::Number)
    }

    fn signed(&mut self) -> Result<i64, CodecError> {
        let mut value = 0i64;
        let mut shift = 0u32;
        loop {
            let byte = self.byte()?;
            if shift >= 64 {
                return Err(CodecError::Number);
            }
            value |= i64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                if shift < 64 && byte & 0x40 != 0 {
                    value |= -1 << shift;
                }
                return Ok(value);
            }
        }
    }
}
