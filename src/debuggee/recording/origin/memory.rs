//! Back from bytes in memory to what wrote them last.

use super::back::{narrowed, number, part_of, stores};
use super::start::bytes_of;
use super::{Activation, Asking, Held, MOST_PARTS, Moment, Next, Recording, Result, Sought};
use crate::component::flow::{Source, Stores};
use crate::component::types::CoreValue;
use crate::debuggee::DebuggeeError;
use crate::debuggee::origin::{Copied, CopiedHow, WayEnd};
use crate::instrument::probe::Written;
use crate::replay::boundary::Way as Crossing;
use crate::replay::{Phase, Position};
use crate::timeline::TimelineError;
use crate::timeline::travel::motion::{Direction, MemoryRange, Motion, Step};

/// Functions of libraries that copy memory.
const COPYING: [&str; 5] = ["memcpy", "memmove", "__memcpy", "mempcpy", "__aeabi_memcpy"];

/// The last write of some bytes.
enum Wrote {
    /// An instruction, which wrote these.
    Store {
        of: Activation,
        at: Moment,
        operands: Vec<CoreValue>,
        written: Written,
    },
    /// The far side, or whoever makes instances.
    Far(WayEnd),
    /// Nothing did.
    Nobody,
}

/// Pieces of a value that come from different places: where each begins in it, where it is to be
/// looked for, and the copies on the way there.
type PiecesSought = Vec<(u64, Sought, Vec<Copied>)>;

impl Recording {
    pub(super) fn memory_back(
        &mut self,
        range: MemoryRange,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let mut parts: Vec<(u64, Sought, Vec<Copied>)> = Vec::new();
        let mut ends: Vec<(MemoryRange, WayEnd)> = Vec::new();
        let mut open = vec![range];
        while let Some(range) = open.pop() {
            if parts.len() + ends.len() >= MOST_PARTS {
                // What is left is a part of its own, which has parts.
                open.push(range);
                break;
            }
            match self.last_write_of(range, sought.at, asking)? {
                Wrote::Nobody => {
                    let what = self.never_written(range);
                    ends.push((range, WayEnd::Initial { what }));
                }
                Wrote::Far(end) => ends.push((range, end)),
                Wrote::Store {
                    of,
                    at,
                    operands,
                    written,
                } => {
                    let end = |range: &MemoryRange| range.address + u64::from(range.length);
                    let from = range.address.max(written.address);
                    let until = end(&range).min(written.bytes().end);
                    let part = |from: u64, until: u64| MemoryRange {
                        address: from,
                        length: (until - from) as u32,
                        ..range
                    };
                    if range.address < from {
                        open.push(part(range.address, from));
                    }
                    if until < end(&range) {
                        open.push(part(until, end(&range)));
                    }
                    let part = part(from, until);
                    match self.stored(part, of, at, &operands, written)? {
                        Ok((next, told)) => parts.push((part.address, next, told)),
                        Err(end) => ends.push((part, end)),
                    }
                }
            }
        }
        Ok(match (parts.len(), ends.len()) {
            (1, 0) => match parts.pop() {
                Some((_, next, told)) => Next::Copy(next, told),
                None => Next::Parts(Vec::new()),
            },
            (0, 1) => match ends.pop() {
                Some((_, end)) => Next::End(end),
                None => Next::Parts(Vec::new()),
            },
            _ => {
                // What has ended is followed no further: it is asked for once more.
                let again = ends.into_iter().map(|(part, _)| part).chain(open);
                parts.extend(again.map(|part| {
                    let sought = Sought {
                        held: Held::Memory(part),
                        at: sought.at,
                        bytes: (0, part.length),
                    };
                    (part.address, sought, Vec::new())
                }));
                parts.sort_by_key(|(address, ..)| *address);
                let parts = parts.into_iter();
                let parts = parts.map(|(at, next, told)| (at - range.address, next, told));
                Next::Parts(parts.collect())
            }
        })
    }

    /// Where what a store has stored comes from.
    fn stored(
        &mut self,
        part: MemoryRange,
        of: Activation,
        at: Moment,
        operands: &[CoreValue],
        written: Written,
    ) -> Result<std::result::Result<(Sought, Vec<Copied>), WayEnd>> {
        let flow = self.flow_of(of)?;
        let pc = at.position.pc;
        let offset = part.address - written.address;
        let take = |from_top: usize| {
            let takes = flow.takes(pc);
            let index = takes.len().checked_sub(from_top + 1)?;
            takes.get(index).copied()
        };
        let operand = |from_top: usize| {
            let index = operands.len().checked_sub(from_top + 1)?;
            operands.get(index).copied()
        };
        let name = self.name_of(part)?;
        let stored = self.copied_in_memory(at, of, CopiedHow::Stored(name), part);
        let unknown = |why: &str, recording: &Recording| WayEnd::Unknown {
            at: recording.code_moment(at, Some((of, pc))),
            why: why.to_owned(),
        };
        Ok(match stores(&flow, pc) {
            Some(Stores::Value) => {
                let bytes = (offset as u32, part.length);
                let mut told = vec![stored];
                if let Some(cut) = operand(0).and_then(|value| cut(value, written.length)) {
                    told.push(self.copied(at, of, CopiedHow::Cut(cut)));
                }
                Ok((
                    Sought {
                        held: Held::Operand(of, take(0).unwrap_or(Source::Unknown)),
                        at,
                        bytes,
                    },
                    told,
                ))
            }
            Some(Stores::Fill) if part.length > 0 => Ok((
                Sought {
                    held: Held::Operand(of, take(1).unwrap_or(Source::Unknown)),
                    at,
                    bytes: narrowed((0, part.length), 1).unwrap_or((0, 1)),
                },
                vec![stored],
            )),
            Some(Stores::Copy { from }) => match operand(1).and_then(number) {
                Some(source) => {
                    let moved = self.function_named(of);
                    let is_library = COPYING.contains(&moved.as_str());
                    let by = if is_library {
                        moved
                    } else {
                        "memory.copy".to_owned()
                    };
                    let told = self.copied(at, of, CopiedHow::Moved(by));
                    Ok((
                        Sought {
                            held: Held::Memory(MemoryRange {
                                instance: of.instance,
                                memory: from,
                                address: source.saturating_add(offset),
                                length: part.length,
                            }),
                            at,
                            bytes: (0, part.length),
                        },
                        vec![told],
                    ))
                }
                None => Err(unknown("where it was copied from is not known", self)),
            },
            Some(Stores::Data { segment }) => Err(WayEnd::Constant {
                at: self.code_moment(at, Some((of, pc))),
                value: format!("data segment {segment} of the core module"),
            }),
            Some(Stores::Fill | Stores::Computed(_)) | None => {
                let inputs = self.inputs_of(&flow, (of, pc, at))?;
                Err(WayEnd::Computed {
                    at: self.code_moment(at, Some((of, pc))),
                    operation: match stores(&flow, pc) {
                        Some(Stores::Computed(name)) => name.to_owned(),
                        _ => "a write".to_owned(),
                    },
                    text: self.text_of_line(of, pc),
                    inputs,
                })
            }
        })
    }

    /// The last write of some bytes before a moment; the session is left before it, where an
    /// instruction made it.
    fn last_write_of(
        &mut self,
        range: MemoryRange,
        before: Moment,
        asking: &mut Asking<'_>,
    ) -> Result<Wrote> {
        self.stand_at(before.position, asking)?;
        if let Some(found) = self.written_right_before(range, before, asking)? {
            return Ok(found);
        }
        self.stand_at(before.position, asking)?;
        self.written_before(range, asking)
    }

    fn written_before(&mut self, range: MemoryRange, asking: &mut Asking<'_>) -> Result<Wrote> {
        self.forget_stack();
        self.calls.clear();
        match self
            .timeline
            .travel(&Motion::LastWrite(range), asking.interrupt)
        {
            Ok(_) => {}
            Err(TimelineError::NotWritten(_) | TimelineError::NotWrittenEarlier(_)) => {
                return Ok(Wrote::Nobody);
            }
            Err(error) => return Err(error.into()),
        }
        self.write_here(range, asking)
    }

    /// A search back ends before the moment where it begins, and a write is seen where it is
    /// done: that of the instruction right before is looked for from right behind.
    fn written_right_before(
        &mut self,
        range: MemoryRange,
        before: Moment,
        asking: &mut Asking<'_>,
    ) -> Result<Option<Wrote>> {
        let position = before.position;
        let may_be = match position.phase {
            Phase::Answered => true,
            Phase::Before => self.may_be_written_right_before(position)?,
            Phase::Calling | Phase::End => false,
        };
        if !may_be {
            return Ok(None);
        }
        let on = Motion::Instruction(Direction::Forward, Step::Into);
        self.go(&on, asking)?;
        match self
            .timeline
            .travel(&Motion::LastWrite(range), asking.interrupt)
        {
            Ok(stop) if stop.position == position => Ok(Some(self.write_here(range, asking)?)),
            Ok(_) | Err(TimelineError::NotWritten(_) | TimelineError::NotWrittenEarlier(_)) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn may_be_written_right_before(&mut self, position: Position) -> Result<bool> {
        let Some(frame) = self.timeline.frames()?.first().copied() else {
            return Ok(false);
        };
        let of = Activation::new(&frame, position.depth);
        let flow = self.flow_of(of)?;
        let module = self.timeline.module(of.module);
        let code = module.map(|module| &module.code);
        let is_entry = code.and_then(|code| code.entry_of(frame.pc)) == Some(frame.pc);
        Ok(is_entry
            || flow
                .before(frame.pc)
                .is_some_and(|pc| stores(&flow, pc).is_some()))
    }

    /// Who has written, where the session has come to a write.
    fn write_here(&mut self, range: MemoryRange, asking: &mut Asking<'_>) -> Result<Wrote> {
        let here = self.timeline.here();
        let at = Moment {
            position: here.position,
            event: here.event,
        };
        let frame = self.timeline.frames()?.first().copied();
        let writer = frame.and_then(|frame| Some((frame, self.timeline.writer(&frame)?)));
        if let Some((frame, pc)) = writer.filter(|_| at.position.phase == Phase::Before) {
            let of = Activation::new(&frame, at.position.depth);
            let store = Moment {
                position: Position { pc, ..at.position },
                event: at.event,
            };
            if let Some((operands, written)) = self.about_to_write(of, store, asking)?
                && meets(&written, &range)
            {
                return Ok(Wrote::Store {
                    of,
                    at: store,
                    operands,
                    written,
                });
            }
            self.stand_at(at.position, asking)?;
        }
        if at.position.phase == Phase::Answered {
            let end = self.brought(range, at, asking)?;
            return end.map(Wrote::Far).ok_or_else(|| {
                DebuggeeError::other("the call that wrote this is not in the recording")
            });
        }
        let opens = self.timeline.boundary()?;
        let begins = opens
            .last()
            .is_some_and(|open| open.way == Crossing::In && open.outside + 1 == at.position.depth);
        let is_entry = match frame {
            Some(frame) => {
                let module = self.timeline.module(frame.module);
                module.and_then(|module| module.code.entry_of(frame.pc)) == Some(frame.pc)
            }
            None => false,
        };
        if begins
            && is_entry
            && at.position.tick.0 > 1
            && let Some(end) = self.brought(range, at, asking)?
        {
            return Ok(Wrote::Far(end));
        }
        let what = self.initial_of(range);
        Ok(Wrote::Far(WayEnd::Initial { what }))
    }

    /// What an instruction is going to write: the session is brought before it.
    fn about_to_write(
        &mut self,
        of: Activation,
        at: Moment,
        asking: &Asking<'_>,
    ) -> Result<Option<(Vec<CoreValue>, Written)>> {
        self.stand_at(at.position, asking)?;
        let operands = self.timeline.operands(0)?;
        let flow = self.flow_of(of)?;
        let component = self.timeline.trace().component().clone();
        let written = flow.bytes_of(at.position.pc).and_then(|bytes| {
            let module = component.module(of.module)?;
            let instruction = module.get(bytes.start as usize..bytes.end as usize)?;
            Written::of(instruction, &operands)
        });
        Ok(written.map(|written| (operands, written)))
    }

    /// Parts that were read from memory one after the other, as loops that copy do, are one
    /// value again: the same that lies there.
    pub(super) fn joined(
        &mut self,
        parts: Vec<(u64, Sought, Vec<Copied>)>,
        asking: &mut Asking<'_>,
    ) -> Result<std::result::Result<(Sought, Vec<Copied>), PiecesSought>> {
        let mut read = Vec::with_capacity(parts.len());
        for (offset, sought, _) in &parts {
            let Some((range, at, depth)) = self.read_from(sought, asking)? else {
                return Ok(Err(parts));
            };
            read.push((*offset, range, at, depth));
        }
        let (Some(first), Some(last)) = (read.first().cloned(), read.last().cloned()) else {
            return Ok(Err(parts));
        };
        let begins = first.1.address.checked_sub(first.0);
        let is_one = read.iter().all(|(offset, range, _, of)| {
            range.address.checked_sub(*offset) == begins
                && (range.instance, range.memory) == (first.1.instance, first.1.memory)
                && *of == first.3
        });
        let Some(begins) = begins.filter(|_| is_one) else {
            return Ok(Err(parts));
        };
        let until = last.1.address + u64::from(last.1.length);
        let range = MemoryRange {
            address: begins + first.0,
            length: (until - begins - first.0) as u32,
            ..first.1
        };
        let times = || read.iter().map(|(_, _, at, _)| *at);
        let Some((oldest, newest)) = times()
            .min_by_key(|at| at.position)
            .zip(times().max_by_key(|at| at.position))
        else {
            return Ok(Err(parts));
        };
        // Nothing may have been written there between the first read and the last.
        self.stand_at(newest.position, asking)?;
        let is_same = match self
            .timeline
            .travel(&Motion::LastWrite(range), asking.interrupt)
        {
            Ok(stop) => stop.position <= oldest.position,
            Err(TimelineError::NotWritten(_) | TimelineError::NotWrittenEarlier(_)) => true,
            Err(error) => return Err(error.into()),
        };
        if !is_same {
            return Ok(Err(parts));
        }
        let by = self.function_named(first.3);
        let told = self.copied(oldest, first.3, CopiedHow::Moved(by));
        Ok(Ok((
            Sought {
                held: Held::Memory(range),
                at: oldest,
                bytes: (0, range.length),
            },
            vec![told],
        )))
    }

    /// The memory that a part was read from, in the function that stored it.
    fn read_from(
        &mut self,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Option<(MemoryRange, Moment, Activation)>> {
        // A copy keeps what it has read in a few locals at most.
        const MOST: usize = 8;
        let Held::Operand(of, _) = sought.held else {
            return Ok(None);
        };
        let mut sought = sought.clone();
        for _ in 0..MOST {
            asking.hops += 1;
            match self.step_back(&sought, asking)? {
                Next::Copy(next, _) => {
                    if let Held::Memory(range) = next.held {
                        return Ok(Some((range, next.at, of)));
                    }
                    sought = next;
                }
                Next::End(_) | Next::Parts(_) => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn meets(written: &Written, range: &MemoryRange) -> bool {
    let end = range.address.saturating_add(u64::from(range.length));
    let bytes = written.bytes();
    bytes.start < end && range.address < bytes.end
}

/// The whole number that was stored in so many bytes, if they do not hold it.
fn cut(value: CoreValue, length: u64) -> Option<String> {
    let wide = match value {
        CoreValue::I32(value) => i64::from(value),
        CoreValue::I64(value) => value,
        _ => return None,
    };
    let bits = u32::try_from(length.checked_mul(8)?).ok()?;
    let unused = 64u32.checked_sub(bits).filter(|unused| *unused > 0)?;
    let as_signed = wide.checked_shl(unused)? >> unused;
    let as_unsigned = (wide.cast_unsigned().checked_shl(unused)? >> unused).cast_signed();
    let of_32 = matches!(value, CoreValue::I32(_)) && bits == 32;
    let is_kept = of_32 || as_signed == wide || as_unsigned == wide;
    let whole = bytes_of(value).len() as u32;
    (!is_kept).then(|| part_of(value, (0, whole)))
}
