//! Conditions and log messages, in the language of expressions: a condition is one, in
//! messages they stand in braces.
//!
//! They are evaluated where the guest stands still, in the replayer. A module's debug
//! information is read when the first of them needs it, and a hostcall is lifted only
//! for those that speak of it.

use super::{Evaluated, Expression, ExpressionError, Scene, SceneMoment, SourceFrame};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::inspect::hostcall::in_progress::LiftedCall;
use crate::inspect::variable::place::FrameState;
use crate::inspect::variable::variables::Site;
use crate::replay::InstanceId;
use crate::replay::frames::Frame;
use crate::source::ModuleSource;
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::cell::RefCell;
use std::collections::HashMap;

/// Frames that are searched for one with debug information.
const MOST_FRAMES: usize = 64;

/// Understands conditions by the debug information of the guest's modules.
#[derive(Default)]
pub struct SourcePredicates {
    conditions: HashMap<String, Result<Expression, ExpressionError>>,
    messages: HashMap<String, Message>,
    sources: Sources,
}

type Sources = HashMap<ModuleId, Option<ModuleSource>>;

impl Predicates for SourcePredicates {
    fn holds(&mut self, condition: &str, at: &mut dyn Stopped) -> Result<bool, String> {
        if !self.conditions.contains_key(condition) {
            let parsed = Expression::parse(condition);
            self.conditions.insert(condition.to_owned(), parsed);
        }
        match self.conditions.get(condition) {
            Some(Ok(condition)) => in_scene(condition, &mut self.sources, at, |scene| {
                condition.holds(scene)
            })
            .map_err(|error| error.to_string()),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(true),
        }
    }

    fn message(&mut self, template: &str, at: &mut dyn Stopped) -> String {
        if !self.messages.contains_key(template) {
            let parsed = Message::parse(template);
            self.messages.insert(template.to_owned(), parsed);
        }
        let Some(message) = self.messages.get(template) else {
            return template.to_owned();
        };
        message.text(&mut self.sources, at)
    }
}

/// A log message.
struct Message(Vec<Piece>);

enum Piece {
    Text(String),
    Expression(Result<Expression, ExpressionError>),
}

impl Message {
    /// Cuts a message at its braces; those of an expression's own come in pairs.
    fn parse(template: &str) -> Message {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some(end) = closing(after) else { break };
            let (inside, after) = after.split_at(end);
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Expression(Expression::parse(inside)));
            rest = after.get(1..).unwrap_or_default();
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Message(pieces)
    }

    fn text(&self, sources: &mut Sources, at: &mut dyn Stopped) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            let value = match piece {
                Piece::Text(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Piece::Expression(Ok(expression)) => {
                    in_scene(expression, sources, at, |scene| {
                        let value = expression.evaluate(scene)?;
                        Ok(match value {
                            // Literal text is meant as it is.
                            Evaluated::Text(text) => text,
                            value => expression.shown(&value),
                        })
                    })
                }
                Piece::Expression(Err(error)) => Err(error.clone()),
            };
            match value {
                Ok(value) => text.push_str(&value),
                Err(error) => text.push_str(&format!("<{error}>")),
            }
        }
        text
    }
}

/// Where the brace is that closes an open one, quotes left aside.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut inside = 0_usize;
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '\'', None) => quote = Some(c),
            ('{', None) => inside += 1,
            ('}', None) if inside > 0 => inside -= 1,
            ('}', None) => return Some(at),
            _ => {}
        }
    }
    // A quote that nothing closes is an apostrophe.
    text.find('}')
}

/// Lends the scene that an expression sees here: the core level of the innermost frame,
/// the variables of the innermost one that has debug information, as the stop shows it.
fn in_scene<T>(
    expression: &Expression,
    sources: &mut Sources,
    at: &mut dyn Stopped,
    look: impl FnOnce(&Scene<'_>) -> T,
) -> T {
    let needs = expression.needs();
    let moment = SceneMoment {
        event: at.event(),
        in_call: needs.elsewhere && at.calling().is_some(),
        tick: at.tick(),
        position: needs.position.then(|| at.position()),
        task: if needs.task { at.task() } else { 0 },
        turn: if needs.task { at.turn() } else { 0 },
    };
    let hostcall = if needs.hostcall { hostcall(at) } else { None };
    let innermost = needs.registers.then(|| at.frame(0)).flatten();
    let with_source = match needs.variables {
        true => frame_with_lines(sources, at),
        false => None,
    };
    let ahead = at.ahead() as usize;
    let elsewhere = needs.elsewhere.then(|| at.elsewhere()).flatten();
    let stopped = RefCell::new(at);
    let state = |index: usize, frame: Frame| StoppedFrame {
        stopped: &stopped,
        index,
        instance: frame.instance,
    };
    let pc = innermost.as_ref().map(|frame| frame.pc);
    let registers = innermost.map(|frame| state(0, frame));
    let source_state = with_source.map(|(index, frame)| (frame, state(index, frame)));
    let frame = source_state.as_ref().and_then(|(frame, state)| {
        Some(SourceFrame {
            source: sources.get(&frame.module)?.as_ref()?,
            site: Site {
                pc: frame.pc,
                // What calls on is in the innermost of its bodies.
                inlined: if state.index == 0 { ahead } else { 0 },
            },
            state,
            kept: None,
        })
    });
    look(&Scene {
        moment,
        pc,
        registers: registers.as_ref().map(|state| state as &dyn FrameState),
        frame,
        hostcall: hostcall.as_ref(),
        at_hostcall: false,
        elsewhere: elsewhere.as_deref(),
    })
}

/// The hostcall that the guest is in, lifted.
fn hostcall(at: &mut dyn Stopped) -> Option<LiftedCall> {
    let calling = at.calling()?;
    let answer = at.answer();
    let component = at.component();
    let crossing = component.crossing(calling.crossing)?;
    let at = RefCell::new(at);
    let memory = |address: u64, length: u64| {
        let length = usize::try_from(length).ok()?;
        at.borrow_mut().crossing_memory(address, length)
    };
    Some(LiftedCall::lift(
        crossing,
        &calling,
        answer.as_ref(),
        &memory,
    ))
}

/// The innermost frame whose code has lines, and its index; reads debug information.
fn frame_with_lines(sources: &mut Sources, at: &mut dyn Stopped) -> Option<(usize, Frame)> {
    for index in 0..MOST_FRAMES {
        let frame = at.frame(index)?;
        let source = sources.entry(frame.module).or_insert_with(|| {
            let bytes = at.module(frame.module)?;
            ModuleSource::read(bytes).ok()
        });
        let line = source.as_ref().and_then(|source| source.line_at(frame.pc));
        if line.is_some_and(|line| line.line != 0) {
            return Some((index, frame));
        }
    }
    None
}

/// A frame of a guest that stands still.
struct StoppedFrame<'a, 'b, 'c> {
    stopped: &'a RefCell<&'b mut (dyn Stopped + 'c)>,
    index: usize,
    instance: InstanceId,
}

impl FrameState for StoppedFrame<'_, '_, '_> {
    fn local(&self, index: u32) -> Option<CoreValue> {
        self.stopped.borrow_mut().local(self.index, index)
    }

    fn operand(&self, index: u32) -> Option<CoreValue> {
        self.stopped.borrow_mut().operand(self.index, index)
    }

    fn global(&self, index: u32) -> Option<CoreValue> {
        self.stopped.borrow_mut().global(self.instance, index)
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut stopped = self.stopped.borrow_mut();
        stopped.memory(self.instance, 0, address, length)
    }
}
