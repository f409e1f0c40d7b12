//! Events as bytes within a section: variable-length numbers, and integers as
//! differences to the value that last stood in their place.
//!
//! ```text
//! event     head:varint (kind | named << 4, if named: | switched << 5 | crossing << 6)
//!           [instance:varint if switched]  body
//! values    i32, i64: signed LEB128 of the difference; f32, f64: their bits
//! write     address:signed LEB128 of the difference  length:varint  bytes
//! hash      8 bytes
//! area      the bytes of the return area
//! ```
//!
//! An event that is not `named` belongs to the innermost crossing in progress, of
//! those that began in this section ([`Open`]). `switched` is set where the instance
//! differs from that of the event before. How many values there are, and of which
//! type, is the crossing's signature. Each section begins anew: from instance 0, with
//! nothing in progress, and with 0 in every place ([`Places`]).

use super::event::{Event, EventKind, Instance};
use super::records::{Flat, Record, RecordKind};
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, Crossing, CrossingId};
use std::sync::Arc;

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
    #[error("an event belongs to a crossing in progress, but none is")]
    NotInProgress,
    #[error("a crossing has no return area")]
    NoArea,
}

/// The kind of an event within a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Call = 0,
    Return = 1,
    Enter = 2,
    Leave = 3,
    Write = 4,
    Hash = 5,
    /// A write of the whole return area of the innermost crossing in progress: its
    /// address is that crossing's last argument, its length that of the type.
    Area = 6,
}

impl Tag {
    fn from_number(number: u8) -> Option<Tag> {
        [
            Tag::Call,
            Tag::Return,
            Tag::Enter,
            Tag::Leave,
            Tag::Write,
            Tag::Hash,
            Tag::Area,
        ]
        .get(usize::from(number))
        .copied()
    }
}

/// A crossing in progress.
#[derive(Debug, Clone, Copy)]
struct InProgress {
    instance: Instance,
    crossing: CrossingId,
    /// Its last argument, if that is an `i32`: the address of a return area.
    last_argument: Option<u32>,
}

/// The crossings that began in this section and are in progress. Deeper ones than
/// [`MAX_OPEN`] are only counted: a hostile section must not make this large.
#[derive(Debug, Clone, Default)]
struct Open {
    stack: Vec<InProgress>,
    deeper: u64,
}

const MAX_OPEN: usize = 256;

impl Open {
    fn begin(&mut self) {
        self.stack.clear();
        self.deeper = 0;
    }

    fn push(&mut self, crossing: InProgress) {
        if self.stack.len() < MAX_OPEN {
            self.stack.push(crossing);
        } else {
            self.deeper += 1;
        }
    }

    fn pop(&mut self) {
        match self.deeper {
            0 => drop(self.stack.pop()),
            _ => self.deeper -= 1,
        }
    }

    fn innermost(&self) -> Option<InProgress> {
        match self.deeper {
            0 => self.stack.last().copied(),
            _ => None,
        }
    }

    /// Where the return area of the innermost crossing is, and how large.
    fn area(&self, crossing: &Crossing) -> Option<(u32, u32)> {
        let innermost = self.innermost()?;
        let address = innermost.last_argument?;
        (innermost.crossing == crossing.id).then_some((address, crossing.return_area?.size))
    }
}

/// The integers that a section's events hold are differences to those before in
/// the same place: each parameter and each result of a crossing is a place, and so
/// is the address of the writes into its memory.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Where the places of each crossing begin.
    starts: Arc<[u32]>,
    last: Vec<u64>,
}

/// A group of places of one crossing.
#[derive(Clone, Copy)]
enum Group {
    Params,
    Results,
    Address,
}

impl Places {
    pub(super) fn new(component: &Component) -> Places {
        let mut all = 0u32;
        let starts = component
            .crossings()
            .iter()
            .map(|crossing| {
                let start = all;
                let signature = &crossing.signature;
                all += (signature.params.len() + signature.results.len() + 1) as u32;
                start
            })
            .collect();
        Places {
            starts,
            last: vec![0; all as usize],
        }
    }

    /// Begins a section.
    pub(super) fn forget(&mut self) {
        self.last.fill(0);
    }

    fn of(&mut self, crossing: &Crossing, group: Group) -> &mut [u64] {
        let start = self.starts.get(crossing.id.0 as usize).copied();
        let (params, results) = (
            crossing.signature.params.len(),
            crossing.signature.results.len(),
        );
        let (skip, length) = match group {
            Group::Params => (0, params),
            Group::Results => (params, results),
            Group::Address => (params + results, 1),
        };
        let start = start.map_or(usize::MAX, |start| start as usize + skip);
        self.last
            .get_mut(start..start.saturating_add(length))
            .unwrap_or_default()
    }
}

/// Set in the head of an event that names its crossing.
const NAMED: u64 = 1 << 4;

/// Writes events into a section.
pub(super) struct Encoder {
    places: Places,
    open: Open,
    last: Instance,
}

impl Encoder {
    pub(super) fn new(component: &Component) -> Encoder {
        Encoder {
            places: Places::new(component),
            open: Open::default(),
            last: Instance(0),
        }
    }

    /// Begins a section.
    pub(super) fn begin(&mut self) {
        self.places.forget();
        self.open.begin();
        self.last = Instance(0);
    }

    /// Appends a record of an instance.
    pub(super) fn append(&mut self, instance: Instance, record: &Record<'_>, out: &mut Vec<u8>) {
        let crossing = record.crossing;
        match record.kind {
            RecordKind::Call(flat) => {
                self.head(Tag::Call, false, instance, crossing, out);
                self.enter(instance, crossing, flat, out);
            }
            RecordKind::Enter(flat) => {
                self.head(Tag::Enter, false, instance, crossing, out);
                self.enter(instance, crossing, flat, out);
            }
            RecordKind::Return(flat) => {
                self.head(Tag::Return, true, instance, crossing, out);
                self.values(crossing, Group::Results, flat, out);
                self.open.pop();
            }
            RecordKind::Leave(flat) => {
                self.head(Tag::Leave, true, instance, crossing, out);
                self.values(crossing, Group::Results, flat, out);
                self.open.pop();
            }
            RecordKind::Write { address, bytes } => {
                let area = self.open.area(crossing);
                let is_area = area.is_some_and(|(at, size)| {
                    (u64::from(at), size as usize) == (address, bytes.len())
                });
                if is_area && self.is_innermost(instance, crossing) {
                    self.head(Tag::Area, true, instance, crossing, out);
                } else {
                    self.head(Tag::Write, true, instance, crossing, out);
                    for last in self.places.of(crossing, Group::Address) {
                        signed(address.wrapping_sub(*last) as i64, out);
                        *last = address;
                    }
                    varint(bytes.len() as u64, out);
                }
                out.extend_from_slice(bytes);
            }
            RecordKind::Hash(hash) => {
                self.head(Tag::Hash, true, instance, crossing, out);
                out.extend_from_slice(&hash.to_le_bytes());
            }
        }
    }

    fn is_innermost(&self, instance: Instance, crossing: &Crossing) -> bool {
        self.open
            .innermost()
            .is_some_and(|open| (open.instance, open.crossing) == (instance, crossing.id))
    }

    /// Appends an event's head; `implied` is one that may belong to the innermost
    /// crossing in progress.
    fn head(
        &mut self,
        tag: Tag,
        implied: bool,
        instance: Instance,
        crossing: &Crossing,
        out: &mut Vec<u8>,
    ) {
        if implied && self.is_innermost(instance, crossing) {
            out.push(tag as u8);
            self.last = instance;
            return;
        }
        let switched = instance != self.last;
        let id = u64::from(crossing.id.0);
        varint(tag as u64 | NAMED | u64::from(switched) << 5 | id << 6, out);
        if switched {
            varint(u64::from(instance.0), out);
            self.last = instance;
        }
    }

    fn enter(
        &mut self,
        instance: Instance,
        crossing: &Crossing,
        args: Flat<'_>,
        out: &mut Vec<u8>,
    ) {
        self.values(crossing, Group::Params, args, out);
        let is_address = crossing.signature.params.last() == Some(&CoreType::I32);
        let places = self.places.of(crossing, Group::Params);
        self.open.push(InProgress {
            instance,
            crossing: crossing.id,
            last_argument: places.last().filter(|_| is_address).map(|v| *v as u32),
        });
    }

    fn values(&mut self, crossing: &Crossing, group: Group, flat: Flat<'_>, out: &mut Vec<u8>) {
        for (value, last) in flat.values().zip(self.places.of(crossing, group)) {
            match value {
                CoreValue::I32(v) => {
                    signed(i64::from(v.wrapping_sub(*last as i32)), out);
                    *last = v as u64;
                }
                CoreValue::I64(v) => {
                    signed(v.wrapping_sub(*last as i64), out);
                    *last = v as u64;
                }
                CoreValue::F32(bits) => out.extend_from_slice(&bits.to_le_bytes()),
                CoreValue::F64(bits) => out.extend_from_slice(&bits.to_le_bytes()),
                // Signatures of crossings hold numbers only.
                CoreValue::V128(_) | CoreValue::Ref(_) => {}
            }
        }
    }
}

pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
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

/// Where in a section's bytes the next event is, and what it depends on.
#[derive(Debug, Clone)]
pub(super) struct Decoder {
    places: Places,
    open: Open,
    last: Instance,
    at: usize,
}

impl Decoder {
    pub(super) fn new(component: &Component) -> Decoder {
        Decoder {
            places: Places::new(component),
            open: Open::default(),
            last: Instance(0),
            at: 0,
        }
    }

    /// Begins a section.
    pub(super) fn begin(&mut self) {
        self.places.forget();
        self.open.begin();
        self.last = Instance(0);
        self.at = 0;
    }

    /// The next event of the section; `None` at its end.
    pub(super) fn event(
        &mut self,
        component: &Component,
        section: &[u8],
    ) -> Result<Option<Event>, CodecError> {
        let mut bytes = Bytes(section.get(self.at..).unwrap_or_default());
        if bytes.0.is_empty() {
            return Ok(None);
        }
        let head = bytes.varint()?;
        let number = (head & 0xf) as u8;
        let tag = Tag::from_number(number).ok_or(CodecError::Kind(number))?;
        let crossing = self.crossing(head, component, &mut bytes)?;
        let kind = match tag {
            Tag::Call => EventKind::Call(self.enter(crossing, &mut bytes)?),
            Tag::Enter => EventKind::Enter(self.enter(crossing, &mut bytes)?),
            Tag::Return => EventKind::Return(self.leave(crossing, &mut bytes)?),
            Tag::Leave => EventKind::Leave(self.leave(crossing, &mut bytes)?),
            Tag::Write => {
                let difference = bytes.signed()? as u64;
                let mut address = difference;
                for last in self.places.of(crossing, Group::Address) {
                    address = last.wrapping_add(difference);
                    *last = address;
                }
                let length = usize::try_from(bytes.varint()?).map_err(|_| CodecError::Number)?;
                EventKind::Write {
                    address,
                    bytes: bytes.take(length)?.to_vec(),
                }
            }
            Tag::Area => {
                let (address, size) = self.open.area(crossing).ok_or(CodecError::NoArea)?;
                EventKind::Write {
                    address: u64::from(address),
                    bytes: bytes.take(size as usize)?.to_vec(),
                }
            }
            Tag::Hash => EventKind::Hash(u64::from_le_bytes(bytes.array()?)),
        };
        self.at = section.len() - bytes.0.len();
        Ok(Some(Event {
            instance: self.last,
            crossing: crossing.id,
            kind,
        }))
    }

    /// The crossing that an event belongs to, and its instance.
    fn crossing<'c>(
        &mut self,
        head: u64,
        component: &'c Component,
        bytes: &mut Bytes<'_>,
    ) -> Result<&'c Crossing, CodecError> {
        let id = if head & NAMED != 0 {
            if head & NAMED << 1 != 0 {
                let instance = u32::try_from(bytes.varint()?).map_err(|_| CodecError::Number)?;
                self.last = Instance(instance);
            }
            head >> 6
        } else {
            let innermost = self.open.innermost().ok_or(CodecError::NotInProgress)?;
            self.last = innermost.instance;
            u64::from(innermost.crossing.0)
        };
        u32::try_from(id)
            .ok()
            .and_then(|id| component.crossing(CrossingId(id)))
            .ok_or(CodecError::Crossing(id))
    }

    fn enter(
        &mut self,
        crossing: &Crossing,
        bytes: &mut Bytes<'_>,
    ) -> Result<Vec<CoreValue>, CodecError> {
        let args = self.values(crossing, Group::Params, bytes)?;
        self.open.push(InProgress {
            instance: self.last,
            crossing: crossing.id,
            last_argument: match args.last() {
                Some(CoreValue::I32(address)) => Some(address.cast_unsigned()),
                _ => None,
            },
        });
        Ok(args)
    }

    fn leave(
        &mut self,
        crossing: &Crossing,
        bytes: &mut Bytes<'_>,
    ) -> Result<Vec<CoreValue>, CodecError> {
        let results = self.values(crossing, Group::Results, bytes)?;
        self.open.pop();
        Ok(results)
    }

    fn values(
        &mut self,
        crossing: &Crossing,
        group: Group,
        bytes: &mut Bytes<'_>,
    ) -> Result<Vec<CoreValue>, CodecError> {
        let types = match group {
            Group::Params => &crossing.signature.params,
            Group::Results | Group::Address => &crossing.signature.results,
        };
        types
            .iter()
            .zip(self.places.of(crossing, group))
            .map(|(ty, last)| {
                Ok(match ty {
                    CoreType::I32 => {
                        let difference = bytes.signed()?;
                        let difference =
                            i32::try_from(difference).map_err(|_| CodecError::Number)?;
                        let value = (*last as i32).wrapping_add(difference);
                        *last = value as u64;
                        CoreValue::I32(value)
                    }
                    CoreType::I64 => {
                        let value = (*last as i64).wrapping_add(bytes.signed()?);
                        *last = value as u64;
                        CoreValue::I64(value)
                    }
                    CoreType::F32 => CoreValue::F32(u32::from_le_bytes(bytes.array()?)),
                    CoreType::F64 => CoreValue::F64(u64::from_le_bytes(bytes.array()?)),
                })
            })
            .collect()
    }
}

/// Bytes to read numbers off.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let (byte, rest) = self.0.split_first().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(CodecError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, CodecError> {
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
