//! From what a person asks for to where it is held.

use super::{Activation, Asking, Held, Moment, Recording, Result, Sought};
use crate::component::flow::{Flow, Source};
use crate::component::types::CoreValue;
use crate::debuggee::origin::{Input, WayEnd};
use crate::debuggee::recording::stack::{GuestPlace, ShownFrame};
use crate::debuggee::recording::values::failed;
use crate::debuggee::{DebuggeeError, FrameId};
use crate::inspect::expression::{Evaluated, Expression, Scene, SourceFrame};
use crate::inspect::{FrameState, Returned};
use crate::replay::{Phase, Position};
use crate::timeline::travel::motion::{Direction, MemoryRange, Motion, Step};
use std::cell::RefCell;

/// No value of more bytes is followed.
const MOST_BYTES: u32 = 4096;

/// What was asked for, understood.
pub(in crate::debuggee::recording) struct Begun {
    pub(super) text: String,
    pub(super) value: String,
    pub(super) at: Moment,
    pub(super) of: Option<Activation>,
    /// Where that stands.
    pub(super) pc: u32,
    /// Where the value is held, or else why there is no way back.
    pub(in crate::debuggee::recording) sought: std::result::Result<Sought, WayEnd>,
}

/// What an expression has looked at besides memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looked {
    Local(u32),
    Operand(u32),
    Global(u32),
    Returned,
}

/// A frame that notes what is looked at of it.
struct Noting<'a> {
    state: &'a dyn FrameState,
    looked: RefCell<Vec<Looked>>,
}

impl Noting<'_> {
    fn note(&self, looked: Looked) {
        let mut all = self.looked.borrow_mut();
        if !all.contains(&looked) {
            all.push(looked);
        }
    }
}

impl FrameState for Noting<'_> {
    fn local(&self, index: u32) -> Option<CoreValue> {
        self.note(Looked::Local(index));
        self.state.local(index)
    }

    fn operand(&self, index: u32) -> Option<CoreValue> {
        self.note(Looked::Operand(index));
        self.state.operand(index)
    }

    fn global(&self, index: u32) -> Option<CoreValue> {
        self.note(Looked::Global(index));
        self.state.global(index)
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        self.state.memory(address, length)
    }

    fn returned(&self) -> Option<Returned> {
        self.note(Looked::Returned);
        self.state.returned()
    }
}

/// Where an expression's value is.
enum Where {
    Memory {
        address: u64,
        length: u64,
    },
    /// Made of what was looked at: exactly that one, if its bytes are the value's.
    Looked(Vec<Looked>, Option<Vec<u8>>),
    Nowhere(&'static str),
}

/// `EXPRESSION @POSITION`, or an expression alone.
fn with_position(text: &str) -> (&str, Option<Position>) {
    match text.rsplit_once('@') {
        Some((expression, position)) => match position.parse() {
            Ok(position) => (expression.trim(), Some(position)),
            Err(_) => (text, None),
        },
        None => (text, None),
    }
}

impl Recording {
    pub(in crate::debuggee::recording) fn begin(
        &mut self,
        text: &str,
        frame: Option<FrameId>,
        asking: &mut Asking<'_>,
    ) -> Result<Begun> {
        let (bare, position) = with_position(text.trim());
        let mut frame = frame;
        if let Some(position) = position {
            self.stand_at(position, asking)?;
            frame = self.stack()?.iter().find_map(|shown| match shown {
                ShownFrame::Guest(_) => Some(shown.id()),
                ShownFrame::Crossing(_) => None,
            });
        }
        if self.stack()?.is_empty() && position.is_none() {
            // Where all of the program is over, its last instruction sees what it has left.
            let back = Motion::Instruction(Direction::Backward, Step::Into);
            self.go(&back, asking)?;
            frame = None;
        }
        let expression = Expression::parse(bare).map_err(failed)?;
        let place = match self.frame_there(frame)? {
            Some(ShownFrame::Guest(place)) => Some(place),
            Some(ShownFrame::Crossing(_)) => self.caller(),
            None => None,
        };
        let place = place.ok_or_else(|| {
            failed("no code of the program runs here; go to where it does, and ask again")
        })?;
        let here = self.timeline.here();
        let at = Moment {
            position: here.position,
            event: here.event,
        };
        let of = Activation::new(&place.core, place.outside);
        // Of a bare operand, the innermost frame counts, be it without lines.
        let (value, held) = self.held_by(&expression, &place)?;
        let sought = self.sought_in(held, of, &place, at)?;
        Ok(Begun {
            text: bare.to_owned(),
            value,
            at,
            of: Some(of),
            pc: place.core.pc,
            sought,
        })
    }

    fn held_by(&mut self, expression: &Expression, place: &GuestPlace) -> Result<(String, Where)> {
        let id = ShownFrame::Guest(place.clone()).id();
        self.in_scene(expression.needs(), Some(id), |scene, _| {
            let Some(state) = scene.registers else {
                return Ok((
                    evaluated(expression, scene)?.1,
                    Where::Nowhere("it speaks of no variable, register or memory"),
                ));
            };
            let noting = Noting {
                state,
                looked: RefCell::default(),
            };
            let noted = Scene {
                registers: Some(&noting),
                frame: scene.frame.map(|frame| SourceFrame {
                    state: &noting,
                    ..frame
                }),
                ..*scene
            };
            let (value, text) = evaluated(expression, &noted)?;
            let looked = noting.looked.borrow().clone();
            let held = match value {
                Evaluated::Variable(variable) => match variable.address {
                    Some(address) if variable.size > 0 => Where::Memory {
                        address,
                        length: variable.size,
                    },
                    _ => Where::Looked(looked, variable.raw(&noting)),
                },
                Evaluated::Bytes { address, bytes } => Where::Memory {
                    address,
                    length: bytes.len() as u64,
                },
                Evaluated::Core(value) => Where::Looked(looked, Some(bytes_of(value))),
                Evaluated::Lifted(_) => {
                    Where::Nowhere("it is a value of the call itself, which the recording has")
                }
                Evaluated::Number(_) | Evaluated::Truth(_) | Evaluated::Text(_) => {
                    Where::Looked(looked, None)
                }
                Evaluated::Function(_) => Where::Nowhere("a function is part of the program"),
            };
            Ok((text, held))
        })
    }

    fn sought_in(
        &mut self,
        held: Where,
        of: Activation,
        place: &GuestPlace,
        at: Moment,
    ) -> Result<std::result::Result<Sought, WayEnd>> {
        let unknown = |recording: &mut Recording, why: &str| WayEnd::Unknown {
            at: recording.code_moment(at, Some((of, place.core.pc))),
            why: why.to_owned(),
        };
        let (looked, bytes) = match held {
            Where::Memory { address, length } => {
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                if length > MOST_BYTES {
                    return Err(failed(format!(
                        "this has {length} bytes; ask for a part of it, of {MOST_BYTES} at most"
                    )));
                }
                let range = MemoryRange {
                    instance: of.instance,
                    memory: 0,
                    address,
                    length,
                };
                return Ok(Ok(Sought {
                    held: Held::Memory(range),
                    at,
                    bytes: (0, length),
                }));
            }
            Where::Nowhere(why) => return Ok(Err(unknown(self, why))),
            Where::Looked(looked, bytes) => (looked, bytes),
        };
        if let ([only], Some(bytes)) = (looked.as_slice(), &bytes)
            && let Some(sought) = self.sought_of(*only, of, place, at, bytes)?
        {
            return Ok(Ok(sought));
        }
        // Worked out of several, or of one.
        let mut inputs = Vec::new();
        for one in &looked {
            let name = match one {
                Looked::Local(index) => format!("$local{index}"),
                Looked::Operand(index) => format!("$stack{index}"),
                Looked::Global(index) => format!("$global{index}"),
                Looked::Returned => "$return".to_owned(),
            };
            let id = ShownFrame::Guest(place.clone()).id();
            let value = self.evaluate_in(&name, Some(id), Default::default());
            inputs.push(Input {
                value: value.map_or_else(|error| error.to_string(), |view| view.value),
                ask: (of.depth == at.position.depth).then(|| format!("{name} @{}", at.position)),
                name,
            });
        }
        Ok(Err(match inputs.is_empty() {
            true => unknown(
                self,
                "it is nowhere: neither in memory nor in a local, but worked out from the \
                 debug information",
            ),
            false => WayEnd::Computed {
                at: self.code_moment(at, Some((of, place.core.pc))),
                operation: "by the debug information".to_owned(),
                text: None,
                inputs,
            },
        }))
    }

    /// A register whose bytes, or the lowest of them, are the value.
    fn sought_of(
        &mut self,
        looked: Looked,
        of: Activation,
        place: &GuestPlace,
        at: Moment,
        value: &[u8],
    ) -> Result<Option<Sought>> {
        let index = place.index;
        let (held, register) = match looked {
            Looked::Local(local) => {
                let known = self.timeline.locals(index)?;
                (Held::Local(of, local), known.get(local as usize).copied())
            }
            Looked::Global(global) => {
                let known = self.timeline.globals(of.instance)?;
                let held = Held::Global(of.instance, of.module, global);
                (held, known.get(global as usize).copied())
            }
            Looked::Operand(operand) => {
                let known = self.timeline.operands(index)?;
                let Some(source) = self.operand_at(of, place.core.pc, operand)? else {
                    return Ok(None);
                };
                let held = Held::Operand(of, source);
                (held, known.get(operand as usize).copied())
            }
            Looked::Returned => return Ok(None),
        };
        let Some(register) = register.map(bytes_of) else {
            return Ok(None);
        };
        let same = register.iter().zip(value).take_while(|(a, b)| a == b);
        let same = same.count();
        // What is wider than the register is filled up.
        let is_it = same == value.len() || same == register.len();
        // A frame further out stands in its call: what it has is older.
        Ok(is_it.then_some(Sought {
            held,
            at: match of.depth == at.position.depth {
                true => at,
                false => Moment {
                    position: at.position,
                    event: at.event,
                },
            },
            bytes: (0, same as u32),
        }))
    }

    /// What has put an operand on the stack that lies there before an instruction.
    fn operand_at(&mut self, of: Activation, pc: u32, index: u32) -> Result<Option<Source>> {
        let Some(types) = self.types_of(of.module) else {
            return Ok(None);
        };
        let component = self.timeline.trace().component().clone();
        let found = types.body(of.function).and_then(|body| {
            let module = component.module(of.module)?;
            Flow::on_stack(module, &types, body, pc, index)
        });
        // Where the run has ended in an instruction, that has taken its operands already.
        let is_over = self.timeline.here().position.phase == Phase::End;
        match found {
            Some((_, source)) => Ok(Some(source)),
            None if is_over => Ok(None),
            None => Err(DebuggeeError::other(
                "the operand stack of this function cannot be followed",
            )),
        }
    }
}

fn evaluated(expression: &Expression, scene: &Scene<'_>) -> Result<(Evaluated, String)> {
    let value = expression.evaluate(scene).map_err(failed)?;
    let text = expression.shown(&value);
    Ok((value, text))
}

pub(super) fn bytes_of(value: CoreValue) -> Vec<u8> {
    match value {
        CoreValue::I32(value) => value.to_le_bytes().to_vec(),
        CoreValue::I64(value) => value.to_le_bytes().to_vec(),
        CoreValue::F32(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::F64(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::V128(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::Ref(_) => Vec::new(),
    }
}
