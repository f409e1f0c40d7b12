//! Breakpoints: from what a client asks to places in the recording.

use super::{Recording, address};
use crate::component::ModuleId;
use crate::dap::debuggee::Debuggee;
use crate::dap::debuggee::{
    BreakpointState, DebuggeeError, EvaluateContext, FilterRequest, Format,
    FunctionBreakpointRequest, InstructionBreakpointRequest, Output, SourceBreakpointRequest,
    SourceOrigin, SourcePoint, StopFilter, When,
};
use crate::timeline::Interrupt;
use crate::timeline::motion::{Breakpoint, BreakpointId, Direction, Motion, Place, Reason, Stop};
use std::collections::HashMap;

/// One breakpoint as a client set it.
#[derive(Debug, Clone)]
struct Set {
    id: BreakpointId,
    places: Vec<Place>,
    when: When,
    log_message: Option<String>,
}

/// All breakpoints of a session, by what set them.
#[derive(Debug, Default)]
pub(super) struct Breakpoints {
    by_file: HashMap<String, Vec<Set>>,
    functions: Vec<Set>,
    instructions: Vec<Set>,
    filters: Vec<Set>,
    next: u32,
}

impl Breakpoints {
    fn id(&mut self) -> BreakpointId {
        self.next += 1;
        BreakpointId(self.next)
    }

    fn all(&self) -> impl Iterator<Item = &Set> {
        self.by_file
            .values()
            .chain([&self.functions, &self.instructions, &self.filters])
            .flatten()
    }
}

fn state(id: BreakpointId) -> BreakpointState {
    BreakpointState {
        id,
        verified: true,
        point: None,
        message: None,
        instruction: None,
    }
}

fn unverified(id: BreakpointId, message: String) -> BreakpointState {
    BreakpointState {
        verified: false,
        message: Some(message),
        ..state(id)
    }
}

impl Recording {
    pub(super) fn break_at_lines(
        &mut self,
        source: &SourceOrigin,
        requests: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let SourceOrigin::File(path) = source else {
            return Vec::new();
        };
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let (places, point) = self.line_places(path, request.point.line as u32);
            states.push(match point {
                Some(_) => BreakpointState { point, ..state(id) },
                None => unverified(
                    id,
                    format!("{path} has no code at or after line {}", request.point.line),
                ),
            });
            sets.push(Set {
                id,
                places,
                when: request.when.clone(),
                log_message: request.log_message.clone(),
            });
        }
        self.breakpoints.by_file.insert(path.clone(), sets);
        self.apply();
        states
    }

    /// The places of a line in all modules, and the line they are really at.
    fn line_places(&self, path: &str, line: u32) -> (Vec<Place>, Option<SourcePoint>) {
        let mut places = Vec::new();
        let mut point: Option<SourcePoint> = None;
        for (i, module) in self.timeline.modules().iter().enumerate() {
            for statement in module.source.breakpoint_places(path, line) {
                places.push(Place::Code {
                    module: ModuleId(i as u32),
                    pc: statement.pc,
                });
                let at = SourcePoint {
                    line: u64::from(statement.at.line),
                    column: None,
                };
                point = Some(point.map_or(at, |known| known.min(at)));
            }
        }
        (places, point)
    }

    pub(super) fn break_at_functions(
        &mut self,
        requests: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let places = self.function_places(&request.name);
            states.push(if places.is_empty() {
                unverified(
                    id,
                    format!(
                        "no function and no hostcall is named {}; name a function as the \
                         source does, or a hostcall by a part of its WIT path",
                        request.name
                    ),
                )
            } else {
                state(id)
            });
            sets.push(Set {
                id,
                places,
                when: request.when.clone(),
                log_message: None,
            });
        }
        self.breakpoints.functions = sets;
        self.apply();
        states
    }

    /// A guest function by its name, else hostcalls by a part of their path.
    fn function_places(&self, name: &str) -> Vec<Place> {
        let mut places = Vec::new();
        for (i, module) in self.timeline.modules().iter().enumerate() {
            for function in module.source.functions_named(name) {
                places.push(Place::Code {
                    module: ModuleId(i as u32),
                    pc: module.source.body_start(function),
                });
            }
        }
        let crossings = self.timeline.trace().component().crossings();
        if places.is_empty() && crossings.iter().any(|c| c.name.contains(name)) {
            places.push(Place::Hostcall {
                path: name.to_owned(),
            });
        }
        places
    }

    pub(super) fn break_at_instructions(
        &mut self,
        requests: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let place = address::parse_code(&request.instruction, request.offset)
                .filter(|(module, pc)| self.is_instruction(*module, *pc));
            states.push(match place {
                Some((module, pc)) => BreakpointState {
                    instruction: Some(address::code(module, pc)),
                    ..state(id)
                },
                None => unverified(id, format!("no instruction at {}", request.instruction)),
            });
            sets.push(Set {
                id,
                places: place
                    .map(|(module, pc)| Place::Code { module, pc })
                    .into_iter()
                    .collect(),
                when: request.when.clone(),
                log_message: None,
            });
        }
        self.breakpoints.instructions = sets;
        self.apply();
        states
    }

    fn is_instruction(&self, module: ModuleId, pc: u32) -> bool {
        self.timeline
            .module(module)
            .and_then(|m| m.code.instructions_around(pc))
            .is_some_and(|instructions| instructions.binary_search(&pc).is_ok())
    }

    pub(super) fn break_at_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for filter in filters {
            let id = self.breakpoints.id();
            let StopFilter::Hostcall = filter.filter;
            states.push(state(id));
            sets.push(Set {
                id,
                places: vec![Place::Hostcall {
                    path: filter.condition.clone().unwrap_or_default(),
                }],
                when: When::default(),
                log_message: None,
            });
        }
        self.breakpoints.filters = sets;
        self.apply();
        states
    }

    fn apply(&mut self) {
        let all = self.breakpoints.all().map(|set| Breakpoint {
            id: set.id,
            places: set.places.clone(),
        });
        let all = all.collect();
        self.timeline.set_breakpoints(all);
    }

    pub(super) fn breakable(
        &self,
        source: &SourceOrigin,
        lines: std::ops::RangeInclusive<u64>,
    ) -> Vec<SourcePoint> {
        let SourceOrigin::File(path) = source else {
            return Vec::new();
        };
        let clamp = |line: u64| u32::try_from(line).unwrap_or(u32::MAX - 1);
        let range = clamp(*lines.start())..clamp(*lines.end()).saturating_add(1);
        let mut points: Vec<SourcePoint> = self
            .timeline
            .modules()
            .iter()
            .flat_map(|m| m.source.breakable_lines(path, range.clone()))
            .map(super::stack::point)
            .collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// Runs to the next or previous breakpoint whose condition holds.
    pub(super) fn run(
        &mut self,
        direction: Direction,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let from = self.timeline.here().clone();
        let mut passes: HashMap<BreakpointId, u64> = HashMap::new();
        loop {
            self.stack = None;
            let stop = match self
                .timeline
                .travel(&Motion::Continue(direction), interrupt)
            {
                Ok(stop) => stop,
                Err(error) => {
                    // Stops that did not count are no place to be left at.
                    let back = Motion::Position(from.position);
                    _ = self.timeline.travel(&back, &Interrupt::new());
                    return Err(error.into());
                }
            };
            let Reason::Breakpoints(hit) = &stop.reason else {
                return Ok(stop);
            };
            let counted: Vec<BreakpointId> = hit
                .iter()
                .filter(|id| self.counts(**id, &mut passes, output))
                .copied()
                .collect();
            if !counted.is_empty() {
                return Ok(Stop {
                    reason: Reason::Breakpoints(counted),
                    ..stop
                });
            }
        }
    }

    /// Whether a breakpoint that was reached is one to stop at.
    fn counts(
        &mut self,
        id: BreakpointId,
        passes: &mut HashMap<BreakpointId, u64>,
        output: &dyn Output,
    ) -> bool {
        let Some(set) = self.breakpoints.all().find(|set| set.id == id).cloned() else {
            return false;
        };
        if let Some(condition) = &set.when.condition
            && !self.holds(condition, output)
        {
            return false;
        }
        let passed = passes.entry(id).or_default();
        *passed += 1;
        if let Some(condition) = &set.when.hit_condition
            && !hit_count_matches(condition, *passed)
        {
            return false;
        }
        match &set.log_message {
            Some(message) => {
                let line = self.interpolate(message);
                output.console(&line);
                false
            }
            None => true,
        }
    }

    fn text_of(&mut self, expression: &str) -> Result<String, DebuggeeError> {
        let literal = expression.trim();
        let is_literal = literal.starts_with(['"', '\''])
            || literal.parse::<f64>().is_ok()
            || literal.starts_with("0x")
            || matches!(literal, "true" | "false");
        if is_literal {
            return Ok(literal.to_owned());
        }
        let value = self.evaluate(literal, None, EvaluateContext::Watch, Format::default())?;
        Ok(value.value)
    }

    /// A condition that cannot be evaluated holds: better a stop too many, with
    /// the reason, than none.
    fn holds(&mut self, condition: &str, output: &dyn Output) -> bool {
        let evaluated = match split_comparison(condition) {
            Some((left, operator, right)) => self.text_of(left).and_then(|left| {
                let right = self.text_of(right)?;
                Ok(compare(&left, operator, &right))
            }),
            None => self
                .text_of(condition)
                .map(|value| !matches!(value.as_str(), "0" | "false" | "null" | "")),
        };
        evaluated.unwrap_or_else(|error| {
            output.console(&format!("condition `{condition}`: {error}"));
            true
        })
    }

    /// Replaces `{expression}` by its value.
    fn interpolate(&mut self, message: &str) -> String {
        let mut text = String::new();
        let mut rest = message;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((expression, after)) = after.split_once('}') else {
                break;
            };
            text.push_str(before);
            match self.text_of(expression) {
                Ok(value) => text.push_str(&value),
                Err(error) => text.push_str(&format!("<{error}>")),
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

fn split_comparison(condition: &str) -> Option<(&str, &str, &str)> {
    // `->` follows a pointer; it compares nothing.
    let at = (0..condition.len()).find(|i| {
        condition.is_char_boundary(*i)
            && !condition[..*i].ends_with('-')
            && OPERATORS.iter().any(|op| condition[*i..].starts_with(op))
    })?;
    let operator = OPERATORS
        .iter()
        .find(|op| condition[at..].starts_with(**op))?;
    Some((
        &condition[..at],
        operator,
        &condition[at + operator.len()..],
    ))
}

fn number(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as f64),
        None => text.parse().ok(),
    }
}

fn compare(left: &str, operator: &str, right: &str) -> bool {
    use std::cmp::Ordering;
    let ordering = match (number(left), number(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => Some(
            left.trim_matches(['"', '\''])
                .cmp(right.trim_matches(['"', '\''])),
        ),
    };
    match operator {
        "==" => ordering == Some(Ordering::Equal),
        "!=" => ordering != Some(Ordering::Equal),
        "<" => ordering == Some(Ordering::Less),
        ">" => ordering == Some(Ordering::Greater),
        "<=" => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// `5`, `>= 3`, `% 2`: whether the so-manieth pass counts. One that is not
/// understood always does.
fn hit_count_matches(condition: &str, passed: u64) -> bool {
    let condition = condition.trim();
    let digits = condition.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let (operator, count) = condition.split_at(digits);
    let Ok(count) = count.trim().parse::<u64>() else {
        return true;
    };
    match operator.trim() {
        "%" => count != 0 && passed.is_multiple_of(count),
        "" => passed == count,
        operator => compare(&passed.to_string(), operator, &count.to_string()),
    }
}
