//! Writing events into a section, straight from raw records: a recorded run waits for
//! this, so nothing is taken from the heap for an event.

use super::numbers::{signed, varint};
use super::{Group, InProgress, NAMED, Open, Places, Tag};
use crate::component::types::{CoreType, CoreValue};
use crate::component::{Component, Crossing};
use crate::trace::event::Instance;
use crate::trace::host_time::HostTime;
use crate::trace::records::{Flat, Record, RecordKind};

/// Writes events into a section.
pub(in crate::trace) struct Encoder {
    places: Places,
    open: Open,
    /// The instance of the event before.
    last: Instance,
    /// The time that is known, and the one that the section tells.
    time: HostTime,
    told: HostTime,
}

impl Encoder {
    pub(in crate::trace) fn new(component: &Component) -> Encoder {
        Encoder {
            places: Places::new(component),
            open: Open::default(),
            last: Instance(0),
            time: HostTime::default(),
            told: HostTime::default(),
        }
    }

    /// Begins a section.
    pub(in crate::trace) fn begin(&mut self) {
        self.places.forget();
        self.open.begin();
        self.last = Instance(0);
        self.told = HostTime::default();
    }

    /// Appends a record of an instance.
    pub(in crate::trace) fn append(
        &mut self,
        instance: Instance,
        record: &Record<'_>,
        out: &mut Vec<u8>,
    ) {
        let crossing = record.crossing;
        if let RecordKind::Time(time) = record.kind {
            // It is told before the next event. Recorders look at the clock one after the other.
            self.time = self.time.later(time);
            return;
        }
        self.tell_time(out);
        let tag = self.tag(instance, record);
        self.head(tag, instance, crossing, out);
        match record.kind {
            RecordKind::Call(flat) | RecordKind::Enter(flat) => {
                self.values(crossing, Group::Params, flat, out);
                self.enter(instance, crossing);
            }
            RecordKind::Return(flat) | RecordKind::Leave(flat) => {
                self.values(crossing, Group::Results, flat, out);
                self.open.pop();
            }
            RecordKind::Write { address, bytes } => {
                if tag != Tag::Area {
                    for last in self.places.of(crossing, Group::Address) {
                        signed(address.wrapping_sub(*last) as i64, out);
                        *last = address;
                    }
                    varint(bytes.len() as u64, out);
                }
                out.extend_from_slice(bytes);
            }
            RecordKind::Hash(hash) => out.extend_from_slice(&hash.to_le_bytes()),
            RecordKind::Resume(after) => varint(u64::from(after), out),
            RecordKind::Time(_) => {}
        }
    }

    /// Appends the time that is known, if the section does not tell it yet.
    fn tell_time(&mut self, out: &mut Vec<u8>) {
        if self.time == self.told {
            return;
        }
        if self.time.set_by != self.told.set_by {
            out.push(Tag::Set as u8);
            signed(self.time.set_by.wrapping_sub(self.told.set_by), out);
        }
        out.push(Tag::Time as u8);
        let passed = self.time.nanoseconds.saturating_sub(self.told.nanoseconds);
        varint(passed, out);
        self.told = self.time;
    }

    fn tag(&self, instance: Instance, record: &Record<'_>) -> Tag {
        match record.kind {
            RecordKind::Call(_) => Tag::Call,
            RecordKind::Return(_) => Tag::Return,
            RecordKind::Enter(_) => Tag::Enter,
            RecordKind::Leave(_) => Tag::Leave,
            RecordKind::Hash(_) => Tag::Hash,
            RecordKind::Resume(_) => Tag::Resume,
            RecordKind::Time(_) => Tag::Time,
            RecordKind::Write { address, bytes } => {
                let area = self.open.area(record.crossing).filter(|(at, size)| {
                    (u64::from(*at), *size as usize) == (address, bytes.len())
                        && self.is_innermost(instance, record.crossing)
                });
                area.map_or(Tag::Write, |_| Tag::Area)
            }
        }
    }

    fn is_innermost(&self, instance: Instance, crossing: &Crossing) -> bool {
        self.open
            .innermost()
            .is_some_and(|open| (open.instance, open.crossing) == (instance, crossing.id))
    }

    /// Appends an event's head: without a name, if the event is one of the innermost
    /// crossing in progress.
    fn head(&mut self, tag: Tag, instance: Instance, crossing: &Crossing, out: &mut Vec<u8>) {
        let begins = matches!(tag, Tag::Call | Tag::Enter);
        if !begins && self.is_innermost(instance, crossing) {
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

    /// Puts a crossing whose arguments have been appended in progress.
    fn enter(&mut self, instance: Instance, crossing: &Crossing) {
        let is_address = crossing.signature.params.last() == Some(&CoreType::I32);
        let places = self.places.of(crossing, Group::Params);
        let last_argument = places.last().filter(|_| is_address).map(|v| *v as u32);
        self.open.push(InProgress {
            instance,
            crossing: crossing.id,
            last_argument,
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
