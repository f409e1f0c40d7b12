//! One step back.

use super::start::bytes_of;
use super::{Activation, Asking, Held, Moment, Next, Recording, Result, Sought};
use crate::component::flow::{Does, Flow, Join, Source, Stores};
use crate::component::types::CoreValue;
use crate::debuggee::origin::{CopiedHow, WayEnd};
use crate::inspect::Notation;
use crate::inspect::expression::core_text_in;
use crate::replay::{InstanceId, ModuleId, Phase, Position};
use crate::timeline::travel::motion::{MemoryRange, Place};

impl Recording {
    pub(super) fn step_back(&mut self, sought: &Sought, asking: &mut Asking<'_>) -> Result<Next> {
        match &sought.held {
            Held::Operand(of, source) => self.operand_back((*of, *source), sought, asking),
            Held::Local(of, local) => self.local_back(*of, *local, sought, asking),
            Held::Global(instance, module, global) => {
                self.global_back((*instance, *module), *global, sought, asking)
            }
            Held::Memory(range) => self.memory_back(*range, sought, asking),
        }
    }

    fn operand_back(
        &mut self,
        (of, source): (Activation, Source),
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let flow = self.flow_of(of)?;
        match source {
            Source::Unknown => Ok(Next::End(self.unknown(
                sought,
                "it was thrown with an exception, and those are not followed",
            ))),
            Source::Joined(join) => self.way_taken(&flow, of, join, sought, asking),
            Source::By { pc, result } => {
                let Some(at) = self.when(&flow, of, pc, sought.at, asking)? else {
                    let why = "the instruction that made it is not found in the recording";
                    return Ok(Next::End(self.unknown(sought, why)));
                };
                self.made_by((&flow, of), (pc, result, at), sought, asking)
            }
        }
    }

    /// Which way a value came out of a block, or into a loop.
    fn way_taken(
        &mut self,
        flow: &Flow,
        of: Activation,
        join: Join,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let ways = flow.ways(join);
        let source = match ways {
            [] => Source::Unknown,
            [only] => only.source,
            [first, rest @ ..] if rest.iter().all(|way| way.source == first.source) => first.source,
            ways => {
                let pcs: Vec<u32> = ways.iter().map(|way| way.pc).collect();
                let last = self.last_of(of, &pcs, sought.at, asking)?;
                let taken = last.and_then(|last| {
                    let mut ways = ways.iter();
                    Some((last, ways.find(|way| way.pc == last.position.pc)?.source))
                });
                if let Some((at, source)) = taken {
                    return Ok(Next::Copy(
                        Sought {
                            held: Held::Operand(of, source),
                            at,
                            bytes: sought.bytes,
                        },
                        Vec::new(),
                    ));
                }
                Source::Unknown
            }
        };
        Ok(Next::Copy(
            Sought {
                held: Held::Operand(of, source),
                ..sought.clone()
            },
            Vec::new(),
        ))
    }

    /// When a frame stood before one of these instructions last.
    pub(in crate::debuggee::recording) fn last_of(
        &mut self,
        of: Activation,
        pcs: &[u32],
        before: Moment,
        asking: &Asking<'_>,
    ) -> Result<Option<Moment>> {
        let place = (of.depth, of.module);
        let found = self
            .timeline
            .last_in_frame(place, pcs, before.position, asking.interrupt)?;
        Ok(found.map(|(position, event)| Moment { position, event }))
    }

    /// When an instruction was run last in a frame: without a search where the code tells.
    pub(in crate::debuggee::recording) fn when(
        &mut self,
        flow: &Flow,
        of: Activation,
        pc: u32,
        before: Moment,
        asking: &Asking<'_>,
    ) -> Result<Option<Moment>> {
        let position = before.position;
        if position.depth == of.depth && flow.is_straight(pc, position.pc) {
            let event = match position.phase {
                Phase::Answered => before.event.saturating_sub(1),
                _ => before.event,
            };
            let position = Position {
                pc,
                phase: Phase::Before,
                ..position
            };
            return Ok(Some(Moment { position, event }));
        }
        self.last_of(of, &[pc], before, asking)
    }

    /// What an instruction has put on the stack.
    fn made_by(
        &mut self,
        (flow, of): (&Flow, Activation),
        (pc, result, at): (u32, u32, Moment),
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let takes = flow.takes(pc);
        let copy = |held, bytes| Next::Copy(Sought { held, at, bytes }, Vec::new());
        let Some(does) = flow.does(pc) else {
            let why = "the instruction that made it cannot be followed";
            return Ok(Next::End(self.unknown(sought, why)));
        };
        Ok(match does {
            Does::Constant(value) => Next::End(WayEnd::Constant {
                at: self.code_moment(at, Some((of, pc))),
                value: part_of(*value, sought.bytes),
            }),
            Does::LocalGet(local) => copy(Held::Local(of, *local), sought.bytes),
            Does::GlobalGet(global) => {
                copy(Held::Global(of.instance, of.module, *global), sought.bytes)
            }
            Does::Load {
                memory,
                offset,
                bytes,
            } => {
                let Some(bytes) = narrowed(sought.bytes, *bytes) else {
                    return self.computed(flow, (of, pc, at), asking);
                };
                self.stand_at(at.position, asking)?;
                let operands = self.timeline.operands(0)?;
                let address = operands.last().and_then(|address| number(*address));
                let address = address.and_then(|address| address.checked_add(*offset));
                let Some(address) = address else {
                    return Ok(Next::End(
                        self.unknown(sought, "the address that it was read at is not known"),
                    ));
                };
                let range = MemoryRange {
                    instance: of.instance,
                    memory: *memory,
                    address: address.saturating_add(u64::from(bytes.0)),
                    length: bytes.1,
                };
                let name = self.name_of(range)?;
                let told = self.copied_in_memory(at, of, CopiedHow::Read(name), range);
                Next::Copy(
                    Sought {
                        held: Held::Memory(range),
                        at,
                        bytes: (0, bytes.1),
                    },
                    vec![told],
                )
            }
            Does::Call(_) => return self.returned_by((flow, of), (pc, result, at), sought, asking),
            Does::Select => {
                self.stand_at(at.position, asking)?;
                let condition = self.timeline.operands(0)?.last().copied();
                let is_first = condition.and_then(number).is_some_and(|chosen| chosen != 0);
                let chosen = takes.get(usize::from(!is_first)).copied();
                copy(
                    Held::Operand(of, chosen.unwrap_or(Source::Unknown)),
                    sought.bytes,
                )
            }
            Does::Converts { bytes } => match (narrowed(sought.bytes, *bytes), takes.first()) {
                (Some(bytes), Some(source)) => copy(Held::Operand(of, *source), bytes),
                _ => return self.computed(flow, (of, pc, at), asking),
            },
            Does::LocalSet(_) | Does::GlobalSet(_) | Does::Store(_) | Does::Computes(_) => {
                match flow.narrows(pc) {
                    Some((source, bytes)) if let Some(bytes) = narrowed(sought.bytes, bytes) => {
                        copy(Held::Operand(of, source), bytes)
                    }
                    _ if let Some((source, bytes)) = flow.moved(pc, sought.bytes) => {
                        copy(Held::Operand(of, source), bytes)
                    }
                    _ => match self.masked(flow, (pc, at), asking)? {
                        Some(source) => copy(Held::Operand(of, source), sought.bytes),
                        None => return self.computed(flow, (of, pc, at), asking),
                    },
                }
            }
        })
    }

    /// The value that a mask has left as it was, or the truth that was compared with 0.
    fn masked(
        &mut self,
        flow: &Flow,
        (pc, at): (u32, Moment),
        asking: &Asking<'_>,
    ) -> Result<Option<Source>> {
        let (Some(Does::Computes(operation @ ("&" | "!="))), [value, by]) =
            (flow.does(pc), flow.takes(pc))
        else {
            return Ok(None);
        };
        let Some(by) = flow.constant(*by).and_then(number) else {
            return Ok(None);
        };
        if *operation == "!=" && (by != 0 || !flow.is_truth(*value)) {
            return Ok(None);
        }
        self.stand_at(at.position, asking)?;
        let operands = self.timeline.operands(0)?;
        let index = flow.first_taken(pc).unwrap_or(0) as usize;
        let whole = operands.get(index).copied().and_then(number);
        let is_kept = |whole: u64| match *operation {
            "&" => whole & by == whole,
            _ => whole <= 1,
        };
        Ok(whole.is_some_and(is_kept).then_some(*value))
    }

    fn local_back(
        &mut self,
        of: Activation,
        local: u32,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let flow = self.flow_of(of)?;
        let position = sought.at.position;
        let sets = flow.sets(local);
        let before = sets.partition_point(|set| *set < position.pc);
        let nearest = before.checked_sub(1).and_then(|index| sets.get(index));
        let straight = nearest
            .filter(|set| position.depth == of.depth && flow.is_straight(**set, position.pc));
        let set = match straight {
            Some(set) => self.when(&flow, of, *set, sought.at, asking)?,
            None => {
                let entered = match self.entry_of(of, sought.at, sets, asking)? {
                    Some(found) => found,
                    None => {
                        let why = "where its function began is not found in the recording";
                        return Ok(Next::End(self.unknown(sought, why)));
                    }
                };
                match entered {
                    Came::Set(at) => Some(at),
                    Came::Entry(at) => {
                        return self.begun_with((&flow, of), local, at, sought, asking);
                    }
                }
            }
        };
        let source = set.and_then(|at| Some((at, *flow.takes(at.position.pc).first()?)));
        Ok(match source {
            Some((at, source)) => Next::Copy(
                Sought {
                    held: Held::Operand(of, source),
                    at,
                    bytes: sought.bytes,
                },
                Vec::new(),
            ),
            None => Next::End(self.unknown(sought, "what set the local cannot be followed")),
        })
    }

    /// Which of these instructions a frame came by last, or else where it began.
    fn entry_of(
        &mut self,
        of: Activation,
        before: Moment,
        sets: &[u32],
        asking: &Asking<'_>,
    ) -> Result<Option<Came>> {
        let body = self
            .types_of(of.module)
            .and_then(|types| types.body(of.function));
        let module = self.timeline.module(of.module);
        let entry = body.zip(module).and_then(|(body, module)| {
            // Any place of the body tells; its last byte is its `end`.
            module.code.entry_of(body.end.checked_sub(1)?)
        });
        let Some(entry) = entry else {
            return Ok(None);
        };
        let position = before.position;
        if position.depth == of.depth && position.pc == entry && position.phase == Phase::Before {
            return Ok(Some(Came::Entry(before)));
        }
        let places = [sets, &[entry]].concat();
        let last = self.last_of(of, &places, before, asking)?;
        Ok(last.map(|last| match last.position.pc == entry {
            true => Came::Entry(last),
            false => Came::Set(last),
        }))
    }

    fn global_back(
        &mut self,
        (instance, module): (InstanceId, ModuleId),
        global: u32,
        sought: &Sought,
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        let component = self.timeline.trace().component().clone();
        let bytes = component.module(module).unwrap_or_default();
        let known = crate::component::flow::global_of(bytes, global);
        if known.is_shared {
            let why = "it is in a global that other core modules see, and those are not followed";
            return Ok(Next::End(self.unknown(sought, why)));
        }
        let mut before = sought.at;
        while !known.sets.is_empty() {
            let places = known.sets.iter().map(|pc| Place::Code { module, pc: *pc });
            let last =
                self.timeline
                    .last_come_to(places.collect(), before.position, asking.interrupt)?;
            let Some((position, event)) = last else {
                break;
            };
            let at = Moment { position, event };
            self.stand_at(position, asking)?;
            let frame = self.timeline.frames()?.first().copied();
            let Some(frame) = frame.filter(|frame| frame.instance == instance) else {
                // Another instance of the module.
                before = at;
                continue;
            };
            let of = Activation::new(&frame, position.depth);
            let flow = self.flow_of(of)?;
            let source = flow.takes(position.pc).first().copied();
            let told = self.copied(at, of, CopiedHow::Kept(global));
            return Ok(Next::Copy(
                Sought {
                    held: Held::Operand(of, source.unwrap_or(Source::Unknown)),
                    at,
                    bytes: sought.bytes,
                },
                vec![told],
            ));
        }
        let value = match known.initial {
            Some(value) => part_of(value, sought.bytes),
            None => "its first value".to_owned(),
        };
        Ok(Next::End(WayEnd::Initial {
            what: format!("{value}, as the core module says of global {global}"),
        }))
    }
}

/// How a frame came to what a local holds.
enum Came {
    Set(Moment),
    Entry(Moment),
}

/// Those of the lowest bytes that are meant, by first and number, if there are any.
pub(super) fn narrowed((from, count): (u32, u32), lowest: u32) -> Option<(u32, u32)> {
    let left = lowest.checked_sub(from).filter(|left| *left > 0)?;
    Some((from, count.min(left)))
}

/// A number on the operand stack that counts from 0.
pub(super) fn number(value: CoreValue) -> Option<u64> {
    match value {
        CoreValue::I32(value) => Some(u64::from(value.cast_unsigned())),
        CoreValue::I64(value) => Some(value.cast_unsigned()),
        _ => None,
    }
}

/// Some bytes of a value, as a number.
pub(super) fn part_of(value: CoreValue, (from, count): (u32, u32)) -> String {
    let bytes = bytes_of(value);
    let is_whole = from == 0 && count as usize >= bytes.len();
    let part = bytes.get(from as usize..(from as usize).saturating_add(count as usize));
    match (is_whole, part) {
        (false, Some(part)) if part.len() <= 8 => {
            let mut wide = [0; 8];
            for (to, byte) in wide.iter_mut().zip(part) {
                *to = *byte;
            }
            let unused = 64 - 8 * part.len() as u32;
            let number = i64::from_le_bytes(wide);
            (number.checked_shl(unused).unwrap_or(0) >> unused).to_string()
        }
        _ => core_text_in(value, Notation::Natural),
    }
}

/// Of a store, what it stores.
pub(super) fn stores(flow: &Flow, pc: u32) -> Option<Stores> {
    match flow.does(pc)? {
        Does::Store(stores) => Some(*stores),
        _ => None,
    }
}
