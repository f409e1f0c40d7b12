//! Conditions and log messages, in the language of expressions: `a.b == 3`,
//! `name == "x"`, `*p`, `$tick > 1000`; in messages they stand in braces.
//!
//! They are evaluated where the guest stands still, in the replayer. A module's debug
//! information is read when the first condition needs it.

use super::expression::evaluate_path;
use super::place::FrameState;
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::replay::InstanceId;
use crate::replay::frames::Frame;
use crate::source::ModuleSource;
use crate::timeline::predicates::{Predicates, Stopped};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Frames that are searched for one with debug information.
const MOST_FRAMES: usize = 64;

/// Understands conditions by the debug information of the guest's modules.
#[derive(Default)]
pub struct SourcePredicates {
    conditions: HashMap<String, Condition>,
    sources: HashMap<ModuleId, Option<ModuleSource>>,
}

impl Predicates for SourcePredicates {
    fn holds(&mut self, condition: &str, at: &mut dyn Stopped) -> Result<bool, String> {
        if let Some(known) = self.conditions.get(condition) {
            return known.holds(&mut self.sources, at);
        }
        let parsed = Condition::parse(condition);
        let holds = parsed.holds(&mut self.sources, at);
        self.conditions.insert(condition.to_owned(), parsed);
        holds
    }

    fn message(&mut self, template: &str, at: &mut dyn Stopped) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((expression, after)) = after.split_once('}') else {
                break;
            };
            text.push_str(before);
            match Operand::parse(expression).value(&mut self.sources, at) {
                Ok(value) => text.push_str(&value.to_string()),
                Err(error) => text.push_str(&format!("<{error}>")),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

/// A condition, understood.
struct Condition {
    left: Operand,
    /// Without, the value itself is the condition.
    comparison: Option<(Operator, Operand)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// Longer ones first: they begin with shorter ones.
const OPERATORS: [(&str, Operator); 6] = [
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Operator {
    fn admits(self, ordering: Option<Ordering>) -> bool {
        match self {
            Operator::Equal => ordering == Some(Ordering::Equal),
            Operator::Unequal => ordering != Some(Ordering::Equal),
            Operator::Less => ordering == Some(Ordering::Less),
            Operator::Greater => ordering == Some(Ordering::Greater),
            Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Operator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        }
    }
}

impl Condition {
    fn parse(text: &str) -> Condition {
        let Some((left, operator, right)) = split(text) else {
            return Condition {
                left: Operand::parse(text),
                comparison: None,
            };
        };
        Condition {
            left: Operand::parse(left),
            comparison: Some((operator, Operand::parse(right))),
        }
    }

    fn holds(&self, sources: &mut Sources, at: &mut dyn Stopped) -> Result<bool, String> {
        let left = self.left.value(sources, at)?;
        let Some((operator, right)) = &self.comparison else {
            return Ok(left.is_true());
        };
        Ok(operator.admits(left.compare(&right.value(sources, at)?)))
    }
}

/// Cuts a comparison at its operator, which is outside of quotes; `->` follows a
/// pointer and compares nothing.
fn split(text: &str) -> Option<(&str, Operator, &str)> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if before != '-' => {
                let (left, rest) = text.split_at(at);
                let found = OPERATORS
                    .iter()
                    .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)));
                if let Some((operator, right)) = found {
                    return Some((left, operator, right));
                }
            }
            None => {}
        }
        before = c;
    }
    None
}

/// One side of a comparison.
enum Operand {
    Constant(Value),
    Event,
    Tick,
    Position,
    /// `$local0`, `$stack1`, `$global2`, or a path through variables.
    Expression(String),
}

type Sources = HashMap<ModuleId, Option<ModuleSource>>;

impl Operand {
    fn parse(text: &str) -> Operand {
        let text = text.trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            let inside = text.strip_prefix(quote)?;
            Some(inside.strip_suffix(quote).unwrap_or(inside))
        });
        match text {
            "$event" => Operand::Event,
            "$tick" => Operand::Tick,
            "$position" => Operand::Position,
            "true" | "false" => Operand::Constant(Value::Text(text.to_owned())),
            _ => match (quoted, number(text)) {
                (Some(quoted), _) => Operand::Constant(Value::Text(quoted.to_owned())),
                (None, Some(number)) => Operand::Constant(number),
                (None, None) => Operand::Expression(text.to_owned()),
            },
        }
    }

    fn value(&self, sources: &mut Sources, at: &mut dyn Stopped) -> Result<Value, String> {
        Ok(match self {
            Operand::Constant(value) => value.clone(),
            Operand::Event => Value::Whole(at.event().into()),
            Operand::Tick => Value::Whole(at.tick().0.into()),
            Operand::Position => Value::Text(at.position().to_string()),
            Operand::Expression(expression) => evaluate(expression, sources, at)?,
        })
    }
}

/// A value as conditions compare it.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Whole(i128),
    Real(f64),
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Whole(number) => number.fmt(f),
            Value::Real(number) => number.fmt(f),
            Value::Text(text) => f.write_str(text),
        }
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    // Words are no numbers here: a variable may be called `inf`.
    let looks_real = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match whole {
        Some(whole) => Some(Value::Whole(whole)),
        None if looks_real => text.parse().ok().map(Value::Real),
        None => None,
    }
}

impl Value {
    /// A value as the debugger shows it.
    fn shown(text: String) -> Value {
        number(&text).unwrap_or(Value::Text(text))
    }

    fn is_true(&self) -> bool {
        match self {
            Value::Whole(number) => *number != 0,
            Value::Real(number) => *number != 0.0,
            Value::Text(text) => !matches!(text.as_str(), "false" | "null" | ""),
        }
    }

    fn real(&self) -> Option<f64> {
        match self {
            Value::Whole(number) => Some(*number as f64),
            Value::Real(number) => Some(*number),
            Value::Text(_) => None,
        }
    }

    /// Numbers as numbers, all else as text, quotes left aside.
    fn compare(&self, other: &Value) -> Option<Ordering> {
        if let (Value::Whole(a), Value::Whole(b)) = (self, other) {
            return Some(a.cmp(b));
        }
        if let (Some(a), Some(b)) = (self.real(), other.real()) {
            return a.partial_cmp(&b);
        }
        let (a, b) = (self.to_string(), other.to_string());
        let quotes = ['"', '\''];
        Some(a.trim_matches(quotes).cmp(b.trim_matches(quotes)))
    }
}

/// Evaluates `$local0` and the like in the innermost frame, all else in the innermost
/// one that has debug information.
fn evaluate(
    expression: &str,
    sources: &mut Sources,
    at: &mut dyn Stopped,
) -> Result<Value, String> {
    let innermost = at.frame(0).ok_or("no guest code is on the stack here")?;
    if expression.starts_with('$') {
        let state = StoppedFrame::new(at, 0, innermost);
        return core_value(expression, &state)
            .map(core)
            .ok_or_else(|| format!("there is no `{expression}` here"));
    }
    for index in 0..MOST_FRAMES {
        let Some(frame) = at.frame(index) else { break };
        if !has_lines(sources, at, frame) {
            continue;
        }
        let Some(Some(source)) = sources.get(&frame.module) else {
            continue;
        };
        let state = StoppedFrame::new(at, index, frame);
        let variable = evaluate_path(source, frame.pc, expression, &state);
        return variable
            .map(|variable| Value::shown(variable.value))
            .map_err(|error| error.to_string());
    }
    Err("the code here has no debug information".into())
}

/// Whether a frame's code has lines; reads its module's debug information.
fn has_lines(sources: &mut Sources, at: &mut dyn Stopped, frame: Frame) -> bool {
    let source = sources.entry(frame.module).or_insert_with(|| {
        let bytes = at.module(frame.module)?;
        ModuleSource::read(bytes).ok()
    });
    source
        .as_ref()
        .and_then(|source| source.line_at(frame.pc))
        .is_some_and(|line| line.line != 0)
}

fn core(value: CoreValue) -> Value {
    match value {
        CoreValue::I32(number) => Value::Whole(number.into()),
        CoreValue::I64(number) => Value::Whole(number.into()),
        CoreValue::F32(bits) => Value::Real(f32::from_bits(bits).into()),
        CoreValue::F64(bits) => Value::Real(f64::from_bits(bits)),
        CoreValue::V128(bits) => Value::Text(format!("{bits:#034x}")),
        CoreValue::Ref(is_null) => {
            Value::Text(if is_null { "null" } else { "reference" }.to_owned())
        }
    }
}

/// `$local0`, `$stack1`, `$global2`: values of the core level.
pub fn core_value(expression: &str, frame: &dyn FrameState) -> Option<CoreValue> {
    let name = expression.strip_prefix('$')?;
    let index = |prefix: &str| name.strip_prefix(prefix)?.parse::<u32>().ok();
    if let Some(local) = index("local") {
        return frame.local(local);
    }
    if let Some(operand) = index("stack") {
        return frame.operand(operand);
    }
    frame.global(index("global")?)
}

/// A frame of a guest that stands still.
struct StoppedFrame<'a, 'b> {
    stopped: RefCell<&'a mut (dyn Stopped + 'b)>,
    index: usize,
    instance: InstanceId,
}

impl<'a, 'b> StoppedFrame<'a, 'b> {
    fn new(at: &'a mut (dyn Stopped + 'b), index: usize, frame: Frame) -> Self {
        StoppedFrame {
            stopped: RefCell::new(at),
            index,
            instance: frame.instance,
        }
    }
}

impl FrameState for StoppedFrame<'_, '_> {
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
