//! Reading events out of a section.

use super::{Bytes, CodecError, Group, InProgress, NAMED, Open, Places, Tag};
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, Crossing, CrossingId};
use crate::trace::event::{Event, EventKind, Instance};
use crate::trace::host_time::HostTime;
use crate::trace::records::Told;

/// Where in a section's bytes the next event is, and what it depends on.
#[derive(Debug, Clone)]
pub(in crate::trace) struct Decoder {
    places: Places,
    open: Open,
    last: Instance,
    at: usize,
    time: HostTime,
}

impl Decoder {
    pub(in crate::trace) fn new(component: &Component) -> Decoder {
        Decoder {
            places: Places::new(component),
            open: Open::default(),
            last: Instance(0),
            at: 0,
            time: HostTime::default(),
        }
    }

    /// Begins a section.
    pub(in crate::trace) fn begin(&mut self) {
        self.places.forget();
        self.open.begin();
        self.last = Instance(0);
        self.at = 0;
        self.time = HostTime::default();
    }

    /// What comes next in the section; `None` at its end.
    pub(in crate::trace) fn next(
        &mut self,
        component: &Component,
        section: &[u8],
    ) -> Result<Option<Told>, CodecError> {
        let mut bytes = Bytes(section.get(self.at..).unwrap_or_default());
        if bytes.0.is_empty() {
            return Ok(None);
        }
        let head = bytes.varint()?;
        let number = (head & 0xf) as u8;
        let tag = Tag::from_number(number).ok_or(CodecError::Kind(number))?;
        if matches!(tag, Tag::Time | Tag::Set) {
            let told = self.time(tag, head, &mut bytes)?;
            self.at = section.len() - bytes.0.len();
            return Ok(Some(told));
        }
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
            Tag::Resume => {
                let after = bytes.varint()?;
                EventKind::Resume(u32::try_from(after).map_err(|_| CodecError::Number)?)
            }
            Tag::Time | Tag::Set => return Err(CodecError::Kind(number)),
        };
        self.at = section.len() - bytes.0.len();
        Ok(Some(Told::Event(Event {
            instance: self.last,
            crossing: crossing.id,
            kind,
        })))
    }

    /// What the host's clock says from here on.
    fn time(&mut self, tag: Tag, head: u64, bytes: &mut Bytes<'_>) -> Result<Told, CodecError> {
        if head != tag as u64 {
            return Err(CodecError::NamedTime);
        }
        match tag {
            Tag::Set => self.time.set_by = self.time.set_by.wrapping_add(bytes.signed()?),
            _ => self.time.nanoseconds = self.time.nanoseconds.saturating_add(bytes.varint()?),
        }
        Ok(Told::Time(self.time))
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
