//! What a trap means, by its message and by the instruction that trapped.

use super::{Found, Result};
use crate::component::flow::{Does, Flow, Source, Stores};
use crate::component::types::CoreValue;
use crate::debuggee::Past;
use crate::debuggee::failure::Fault;
use crate::debuggee::origin::WayEnd;
use crate::debuggee::recording::Recording;
use crate::debuggee::recording::origin::{Activation, Asking, Moment, Sought};
use crate::debuggee::recording::stack::{GuestPlace, ShownFrame};
use crate::inspect::ending::is_deadlock;
use crate::inspect::past::chronicle::Until;
use crate::inspect::rules::{self, Rule};
use crate::replay::{Phase, Position};
use wasmtime::Trap;

/// Functions at the innermost end of the stack that a cycle of calls is looked for in.
const LOOKED_AT: usize = 64;

/// How often a status is looked for behind what was made of it.
const MOST_STATUS: usize = 3;

/// What a program says that has no memory left.
const WITHOUT_MEMORY: [&str; 4] = [
    "memory allocation of",
    "out of memory",
    "bad_alloc",
    "capacity overflow",
];

impl Recording {
    pub(super) fn fault_of_trap(
        &mut self,
        message: &str,
        end: Moment,
        own: Option<&GuestPlace>,
        asking: &mut Asking<'_>,
    ) -> Result<Found> {
        let is = |trap: Trap| message.contains(&trap.to_string());
        if is(Trap::StackOverflow) {
            return Ok(Found::plain(self.overflow()?));
        }
        if let Some(said) = self.said_why()? {
            let is_memory = WITHOUT_MEMORY.iter().any(|part| said.contains(part));
            return Ok(Found::plain(match is_memory {
                true => Fault::OutOfMemory { message: said },
                false => Fault::GaveUp {
                    panicked: self.has_panicked()?,
                    message: said,
                },
            }));
        }
        if is_deadlock(message) {
            return Ok(Found::plain(self.deadlock(asking.interrupt)?));
        }
        if Rule::of(message).is_some() {
            // Where that fails, what is known of it says so.
            _ = self.chronicle().wait(Until::End, asking.interrupt, &|_| {});
        }
        if let Ok(Some(story)) = Past::fault_explained(self) {
            let is_handle = rules::can_be_handle(self.timeline.trace().outcome());
            let message = message.to_owned();
            return Ok(Found::plain(match is_handle {
                true => Fault::Handle { story },
                false => Fault::Rule { message, story },
            }));
        }
        if is(Trap::UnreachableCodeReached) {
            return Ok(Found::plain(Fault::Unreachable));
        }
        _ = own;
        let found = self.fault_of_instruction(&is, end, asking)?;
        Ok(found.unwrap_or_else(|| {
            Found::plain(Fault::Other {
                message: message.to_owned(),
            })
        }))
    }

    /// What the program said when it gave up, if it did.
    fn said_why(&mut self) -> Result<Option<String>> {
        // What it printed is known once the replay in the background has come so far.
        const TRIES: usize = 20;
        for _ in 0..TRIES {
            match self.gave_up() {
                Err(crate::debuggee::DebuggeeError::NotYet) => {}
                other => return other,
            }
        }
        Ok(None)
    }

    /// Whether a function on the stack is one that panics.
    fn has_panicked(&mut self) -> Result<bool> {
        let frames = self.stack()?.iter();
        let mut names = frames.filter_map(|frame| match frame {
            ShownFrame::Guest(place) => Some(place.name().to_lowercase()),
            ShownFrame::Crossing(_) => None,
        });
        Ok(names.any(|name| name.contains("panic")))
    }

    fn overflow(&mut self) -> Result<Fault> {
        let frames = self.timeline.frames()?;
        let functions: Vec<(u32, u32)> = frames
            .iter()
            .take(LOOKED_AT)
            .map(|frame| (frame.module.0, frame.function))
            .collect();
        let period = (1..=functions.len() / 2).find(|period| {
            let again = functions.iter().skip(*period);
            functions.iter().zip(again).all(|(one, other)| one == other)
        });
        let cycle = frames.iter().take(period.unwrap_or(1)).map(|frame| {
            let of = Activation::new(frame, 0);
            self.function_named(of)
        });
        let mut cycle: Vec<String> = cycle.collect();
        // The caller first.
        cycle.reverse();
        Ok(Fault::StackOverflow {
            cycle,
            frames: frames.len(),
        })
    }

    /// The value that an instruction took which trapped.
    fn fault_of_instruction(
        &mut self,
        is: &dyn Fn(Trap) -> bool,
        end: Moment,
        asking: &mut Asking<'_>,
    ) -> Result<Option<Found>> {
        let frames = self.timeline.frames()?;
        let Some(frame) = frames.first().copied() else {
            return Ok(None);
        };
        let of = Activation::new(&frame, frames.len() as u32);
        let flow = self.flow_of(of)?;
        let at = Moment {
            position: Position {
                phase: Phase::Before,
                ..end.position
            },
            event: end.event,
        };
        let pc = at.position.pc;
        self.stand_at(at.position, asking)?;
        let operands = self.timeline.operands(0)?;
        let first = flow.first_taken(pc).unwrap_or(0) as usize;
        let taken = flow.takes(pc).to_vec();
        let value = |index: usize| operands.get(first + index).copied().and_then(number);
        let (fault, index) = if is(Trap::MemoryOutOfBounds) || is(Trap::HeapMisaligned) {
            let (index, memory, offset, written) = match flow.does(pc) {
                Some(Does::Load { memory, offset, .. }) => (0, *memory, *offset, false),
                Some(Does::Store(Stores::Copy { .. })) => self.beyond(&flow, pc, &operands)?,
                Some(Does::Store(_)) => (0, 0, flow.offset_of(pc).unwrap_or(0), true),
                _ => return Ok(None),
            };
            let sizes = self.timeline.memories(of.instance)?;
            let size = sizes.get(memory as usize).copied().unwrap_or(0);
            let fault = Fault::OutOfBounds {
                written,
                address: value(index).unwrap_or(0).saturating_add(offset),
                memory: size,
            };
            (fault, index)
        } else if is(Trap::IntegerDivisionByZero) {
            (Fault::DivisionByZero, 1)
        } else if is(Trap::IntegerOverflow) || is(Trap::BadConversionToInteger) {
            (Fault::Overflow, 0)
        } else if is(Trap::IndirectCallToNull)
            || is(Trap::TableOutOfBounds)
            || is(Trap::BadSignature)
            || is(Trap::NullReference)
        {
            let index = taken.len().saturating_sub(1);
            let entry = value(index).unwrap_or(0);
            let fault = match entry {
                0 => Fault::NullCall,
                entry => Fault::WildCall { entry },
            };
            (fault, index)
        } else {
            return Ok(None);
        };
        let wrong = match taken.get(index) {
            Some(source) => {
                let inputs = self.inputs_of(&flow, (of, pc, at))?;
                let input = inputs.into_iter().nth(index);
                // An address is made of a pointer and where in what it points to: of the parts,
                // the one is followed that is named.
                let (sought, input) =
                    self.part_at_fault(&flow, of, (*source, at), input, asking)?;
                input.map(|(name, value)| (sought, name, value))
            }
            None => None,
        };
        Ok(Some(Found { fault, wrong }))
    }

    /// Of `memory.copy`, whether what is read is out of bounds, or what is written.
    fn beyond(
        &mut self,
        flow: &Flow,
        pc: u32,
        operands: &[CoreValue],
    ) -> Result<(usize, u32, u64, bool)> {
        let first = flow.first_taken(pc).unwrap_or(0) as usize;
        let number_at = |index: usize| operands.get(first + index).copied().and_then(number);
        let frame = self.timeline.frames()?.first().copied();
        let sizes = match frame {
            Some(frame) => self.timeline.memories(frame.instance)?,
            None => Vec::new(),
        };
        let size = sizes.first().copied().unwrap_or(u64::MAX);
        let length = number_at(2).unwrap_or(0);
        let is_beyond =
            |start: Option<u64>| start.is_some_and(|start| start.saturating_add(length) > size);
        Ok(match is_beyond(number_at(1)) && !is_beyond(number_at(0)) {
            true => (1, 0, 0, false),
            false => (0, 0, 0, true),
        })
    }

    /// Of an address that is worked out, the part that is a variable: an index, or a pointer.
    fn part_at_fault(
        &mut self,
        flow: &Flow,
        of: Activation,
        (source, at): (Source, Moment),
        input: Option<crate::debuggee::origin::Input>,
        asking: &mut Asking<'_>,
    ) -> Result<(Sought, Option<(String, String)>)> {
        // Deeper than any expression of an address.
        const DEEPEST: usize = 6;
        let mut best = (
            Sought::operand(of, source, at),
            input.map(|input| (input.name, input.value)),
        );
        let is_named = |found: &Option<(String, String)>| {
            found
                .as_ref()
                .is_some_and(|(name, _)| !name.starts_with('$'))
        };
        let (mut source, mut at) = (source, at);
        for _ in 0..DEEPEST {
            if is_named(&best.1) {
                break;
            }
            let Source::By { pc, .. } = flow.settled(source) else {
                break;
            };
            if !matches!(flow.does(pc), Some(Does::Computes("+" | "<<" | "*" | "-"))) {
                break;
            }
            let Some(made) = self.when(flow, of, pc, at, asking)? else {
                break;
            };
            self.stand_at(made.position, asking)?;
            let inputs = self.inputs_of(flow, (of, pc, made))?;
            let taken = flow.takes(pc).to_vec();
            let open = inputs
                .into_iter()
                .zip(taken)
                .filter(|(input, _)| input.ask.is_some());
            let open: Vec<_> = open.collect();
            // The larger number is what leads astray.
            let largest = open.iter().max_by_key(|(input, _)| {
                let value = input.value.parse::<i64>().unwrap_or(0);
                (value as i32).cast_unsigned()
            });
            let Some((input, taken)) = largest else {
                break;
            };
            best = (
                Sought::operand(of, *taken, made),
                Some((input.name.clone(), input.value.clone())),
            );
            (source, at) = (*taken, made);
        }
        Ok(best)
    }

    /// The status that the program ended itself with, as it was given to the call.
    pub(super) fn exit_status(
        &mut self,
        end: Moment,
        status: i32,
        asking: &mut Asking<'_>,
    ) -> Result<Option<(Sought, String, String)>> {
        let frames = self.timeline.frames()?;
        let Some(frame) = frames.first().copied() else {
            return Ok(None);
        };
        let of = Activation::new(&frame, frames.len() as u32);
        let Ok(flow) = self.flow_of(of) else {
            return Ok(None);
        };
        let Some(source) = flow.takes(frame.pc).first().copied() else {
            return Ok(None);
        };
        let mut sought = Sought::operand(of, source, end);
        // WASI 0.1 ends a program by whether its status is 0: what is asked is the status.
        for _ in 0..MOST_STATUS {
            let way = self.follow(sought.clone(), 0, asking)?;
            let WayEnd::Computed { inputs, .. } = &way.end else {
                break;
            };
            let mut open = inputs.iter().filter(|input| input.ask.is_some());
            let (Some(only), None) = (open.next(), open.next()) else {
                break;
            };
            let Some(further) = only.ask.clone() else {
                break;
            };
            let Ok(begun) = self.begin(&further, None, asking) else {
                break;
            };
            match begun.sought {
                Ok(further) => sought = further,
                Err(_) => break,
            }
        }
        Ok(Some((sought, "the status".to_owned(), status.to_string())))
    }
}

fn number(value: CoreValue) -> Option<u64> {
    match value {
        CoreValue::I32(value) => Some(u64::from(value.cast_unsigned())),
        CoreValue::I64(value) => Some(value.cast_unsigned()),
        _ => None,
    }
}
