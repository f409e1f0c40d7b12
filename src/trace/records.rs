//! Raw records read one by one, as views of the bytes that hold them: the one
//! decoder of what a recorder commits, for the writer and the reader.

use super::event::{Event, EventKind, Instance};
use super::host_time::HostTime;
use super::raw::Kind;
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, Crossing, CrossingId};

/// What raw records can get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum RecordError {
    #[error("a record ends in the middle")]
    Truncated,
    #[error("record kind {0} is unknown")]
    Kind(u8),
    #[error("the component has no crossing number {0}")]
    Crossing(u32),
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) crossing: &'a Crossing,
    pub(super) kind: RecordKind<'a>,
}

/// What a record says; as [`EventKind`], but without taking memory.
#[derive(Debug, Clone, Copy)]
pub(super) enum RecordKind<'a> {
    Call(Flat<'a>),
    Return(Flat<'a>),
    Enter(Flat<'a>),
    Leave(Flat<'a>),
    Write {
        address: u64,
        bytes: &'a [u8],
    },
    Hash(u64),
    Resume(u32),
    /// Not an event.
    Time(HostTime),
}

/// Flat values in their own sizes, without padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flat<'a> {
    types: &'a [CoreType],
    /// As long as the types say.
    bytes: &'a [u8],
}

impl<'a> Flat<'a> {
    pub(super) fn values(self) -> impl Iterator<Item = CoreValue> + 'a {
        let mut bytes = self.bytes;
        // A length that does not fit ends the values; `take_flat` made it fit.
        self.types.iter().map_while(move |ty| {
            Some(match ty {
                CoreType::I32 => CoreValue::I32(i32::from_le_bytes(array(&mut bytes).ok()?)),
                CoreType::I64 => CoreValue::I64(i64::from_le_bytes(array(&mut bytes).ok()?)),
                CoreType::F32 => CoreValue::F32(u32::from_le_bytes(array(&mut bytes).ok()?)),
                CoreType::F64 => CoreValue::F64(u64::from_le_bytes(array(&mut bytes).ok()?)),
            })
        })
    }
}

/// What a record is to a reader.
pub(super) enum Told {
    Event(Event),
    Time(HostTime),
}

impl Record<'_> {
    pub(super) fn told(&self, instance: Instance) -> Told {
        let kind = match self.kind {
            RecordKind::Call(flat) => EventKind::Call(flat.values().collect()),
            RecordKind::Return(flat) => EventKind::Return(flat.values().collect()),
            RecordKind::Enter(flat) => EventKind::Enter(flat.values().collect()),
            RecordKind::Leave(flat) => EventKind::Leave(flat.values().collect()),
            RecordKind::Write { address, bytes } => EventKind::Write {
                address,
                bytes: bytes.to_vec(),
            },
            RecordKind::Hash(hash) => EventKind::Hash(hash),
            RecordKind::Resume(after) => EventKind::Resume(after),
            RecordKind::Time(time) => return Told::Time(time),
        };
        Told::Event(Event {
            instance,
            crossing: self.crossing.id,
            kind,
        })
    }
}

/// Takes the first record off the bytes.
pub(super) fn take_record<'a>(
    component: &'a Component,
    raw: &mut &'a [u8],
) -> Result<Record<'a>, RecordError> {
    let header = u32::from_le_bytes(array(raw)?);
    let number = (header & 7) as u8;
    let kind = Kind::from_number(number).ok_or(RecordError::Kind(number))?;
    let crossing = component
        .crossing(CrossingId(header >> 3))
        .ok_or(RecordError::Crossing(header >> 3))?;
    let signature = &crossing.signature;
    let kind = match kind {
        Kind::Call => RecordKind::Call(take_flat(raw, &signature.params)?),
        Kind::Return => RecordKind::Return(take_flat(raw, &signature.results)?),
        Kind::Enter => RecordKind::Enter(take_flat(raw, &signature.params)?),
        Kind::Leave => RecordKind::Leave(take_flat(raw, &signature.results)?),
        Kind::Write => {
            let address = u64::from_le_bytes(array(raw)?);
            let length = u32::from_le_bytes(array(raw)?) as usize;
            RecordKind::Write {
                address,
                bytes: take(raw, length)?,
            }
        }
        Kind::Hash => RecordKind::Hash(u64::from_le_bytes(array(raw)?)),
        Kind::Resume => RecordKind::Resume(u32::from_le_bytes(array(raw)?)),
        Kind::Time => RecordKind::Time(HostTime {
            nanoseconds: u64::from_le_bytes(array(raw)?),
            set_by: i64::from_le_bytes(array(raw)?),
        }),
    };
    Ok(Record { crossing, kind })
}

fn take_flat<'a>(raw: &mut &'a [u8], types: &'a [CoreType]) -> Result<Flat<'a>, RecordError> {
    let length = types
        .iter()
        .map(|ty| match ty {
            CoreType::I32 | CoreType::F32 => 4,
            CoreType::I64 | CoreType::F64 => 8,
        })
        .sum();
    let bytes = take(raw, length)?;
    Ok(Flat { types, bytes })
}

fn take<'a>(raw: &mut &'a [u8], length: usize) -> Result<&'a [u8], RecordError> {
    let (taken, rest) = raw.split_at_checked(length).ok_or(RecordError::Truncated)?;
    *raw = rest;
    Ok(taken)
}

fn array<const N: usize>(raw: &mut &[u8]) -> Result<[u8; N], RecordError> {
    let (taken, rest) = raw.split_first_chunk().ok_or(RecordError::Truncated)?;
    *raw = rest;
    Ok(*taken)
}
