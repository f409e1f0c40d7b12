//! What things on the way are called in the source: memory, locals, inputs of a computation.

use super::back::number;
use super::{Activation, Asking, Moment, Next, Recording, Result};
use crate::component::flow::{Does, Flow, Source};
use crate::debuggee::origin::{CodeMoment, Input, WayEnd};
use crate::debuggee::recording::guest::GuestFrame;
use crate::debuggee::recording::stack::{GuestPlace, ShownFrame};
use crate::inspect::ChildCount;
use crate::inspect::Notation;
use crate::inspect::expression::core_text_in;
use crate::inspect::variable::in_local;
use crate::inspect::variable::variables::{self, Variable, VariableKind};
use crate::source::{ModuleSource, SourceLine};
use crate::timeline::travel::motion::MemoryRange;

/// So many frames are looked through for a variable that holds some bytes.
const MOST_FRAMES: usize = 6;
/// So deep inside of variables.
const DEEPEST: usize = 8;
/// So many fields of each.
const MOST_FIELDS: u64 = 256;
/// So deep are computations spelled.
const DEEPEST_NAME: u32 = 2;
/// Through so many copies an input is named.
const MOST_COPIES: usize = 12;

impl Recording {
    /// The variable that some bytes are of, or the part of one, as seen from where the session
    /// stands.
    pub(super) fn name_of(&mut self, range: MemoryRange) -> Result<Option<String>> {
        let places = self.stack()?.iter().filter_map(|shown| match shown {
            ShownFrame::Guest(place) => Some(place.clone()),
            ShownFrame::Crossing(_) => None,
        });
        let places: Vec<GuestPlace> = places.take(MOST_FRAMES).collect();
        for place in &places {
            if place.core.instance != range.instance {
                continue;
            }
            let found = self.with_frame(place, |source, site, frame| {
                let Ok(own) = variables::variables(source, site, frame) else {
                    return Ok(None);
                };
                let statics = variables::statics(source, site.pc, frame).unwrap_or_default();
                let all: Vec<Variable> = own.into_iter().chain(statics).collect();
                // What is declared further on points nowhere yet.
                let line = source.line_at(site.pc);
                Ok(in_one_of(source, frame, (&all, line), &range))
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let module = places.first().map(|place| place.core.module);
        let module = module.and_then(|module| self.timeline.module(module));
        let found = module.and_then(|module| module.source.static_around(range.address));
        Ok(found.map(|(name, start)| match range.address - start {
            0 => name,
            offset => format!("{name} + {offset}"),
        }))
    }

    /// What there is in bytes that nobody has written.
    pub(super) fn never_written(&self, range: MemoryRange) -> String {
        let bytes = if range.length == 1 { "byte" } else { "bytes" };
        format!(
            "zero: nobody has written the {bytes} at {:#x}",
            range.address
        )
    }

    /// What there was in some bytes before any code ran.
    pub(super) fn initial_of(&self, range: MemoryRange) -> String {
        let instances = self.timeline.modules().iter();
        let mut named = instances.filter_map(|module| module.source.static_around(range.address));
        match named.next() {
            Some((name, _)) => format!("the initial value of {name}"),
            None => format!(
                "what the core module has at {:#x} from the start",
                range.address
            ),
        }
    }

    pub(in crate::debuggee::recording) fn function_named(&self, of: Activation) -> String {
        let Some(module) = self.timeline.module(of.module) else {
            return String::new();
        };
        let source = &module.source;
        let body = self.flows.types.get(&of.module);
        let body = body.and_then(|types| types.body(of.function));
        let entry = body.and_then(|body| module.code.entry_of(body.end.checked_sub(1)?));
        match entry.and_then(|entry| Some((entry, source.function_at(entry)?))) {
            Some((entry, function)) => source.spelled(entry, &function.name),
            None => source.shown_name(of.function),
        }
    }

    /// What a function calls a parameter.
    pub(super) fn parameter_name(
        &self,
        of: Activation,
        pc: u32,
        (local, passed): (u32, u32),
    ) -> Option<String> {
        let source = &self.timeline.module(of.module)?.source;
        in_local::in_local(source, pc, local)
            .or_else(|| in_local::parameter(source, pc, local, passed))
    }

    /// The text of the line that an instruction is of.
    pub(in crate::debuggee::recording) fn text_of_line(
        &self,
        of: Activation,
        pc: u32,
    ) -> Option<String> {
        let module = self.timeline.module(of.module)?;
        let line = module.source.line_at(pc).filter(|line| line.line != 0)?;
        let text = self.sources.text_at(&module.source, line)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Where the innermost frame calls from, or stands.
    pub(super) fn caller_moment(&mut self, at: Moment) -> Result<Option<CodeMoment>> {
        let frame = self.timeline.frames()?.first().copied();
        Ok(frame.map(|frame| {
            let of = Activation::new(&frame, at.position.depth);
            self.code_moment(at, Some((of, frame.pc)))
        }))
    }

    /// A value that an instruction has made of others.
    pub(super) fn computed(
        &mut self,
        flow: &Flow,
        (of, pc, at): (Activation, u32, Moment),
        asking: &mut Asking<'_>,
    ) -> Result<Next> {
        self.stand_at(at.position, asking)?;
        let operation = match flow.does(pc) {
            Some(Does::Computes(name)) => (*name).to_owned(),
            Some(Does::Converts { .. }) => {
                "the sign, or zeros, beyond a narrower number".to_owned()
            }
            Some(Does::Load { .. }) => "the sign, or zeros, beyond what was read".to_owned(),
            _ => "an instruction".to_owned(),
        };
        let inputs = self.inputs_of(flow, (of, pc, at))?;
        Ok(Next::End(WayEnd::Computed {
            at: self.code_moment(at, Some((of, pc))),
            operation,
            text: self.text_of_line(of, pc),
            inputs,
        }))
    }

    /// What an instruction takes, where the session stands before it.
    pub(in crate::debuggee::recording) fn inputs_of(
        &mut self,
        flow: &Flow,
        (of, pc, at): (Activation, u32, Moment),
    ) -> Result<Vec<Input>> {
        let operands = self.timeline.operands(0)?;
        let first = flow.first_taken(pc).unwrap_or(0);
        let mut inputs = Vec::new();
        for (index, source) in (first..).zip(flow.takes(pc).to_vec()) {
            let value = operands.get(index as usize).copied();
            let value = value.map_or_else(String::new, |v| core_text_in(v, Notation::Natural));
            let constant = flow.constant(source).is_some();
            let name = match constant {
                true => value.clone(),
                false => self
                    .input_name(flow, of, source, pc)?
                    .unwrap_or_else(|| format!("$stack{index}")),
            };
            let ask = (!constant).then(|| format!("$stack{index} @{}", at.position));
            inputs.push(Input { name, value, ask });
        }
        Ok(inputs)
    }

    /// What an operand is called in the source: where the code alone tells that it is a
    /// variable as it is here.
    fn input_name(
        &mut self,
        flow: &Flow,
        of: Activation,
        source: Source,
        pc: u32,
    ) -> Result<Option<String>> {
        self.operand_name(flow, of, (source, pc), 0)
    }

    fn operand_name(
        &mut self,
        flow: &Flow,
        of: Activation,
        (source, pc): (Source, u32),
        deep: u32,
    ) -> Result<Option<String>> {
        let (mut source, mut before) = (source, pc);
        for _ in 0..MOST_COPIES {
            let Source::By { pc, .. } = source else {
                return Ok(None);
            };
            match flow.does(pc) {
                Some(Does::LocalGet(local)) => {
                    let module = self.timeline.module(of.module);
                    let named = module
                        .and_then(|module| in_local::in_local(&module.source, before, *local));
                    if named.is_some() {
                        return Ok(named);
                    }
                    let sets = flow.sets(*local);
                    let nearest = sets.partition_point(|set| *set < pc).checked_sub(1);
                    let set = nearest.and_then(|index| sets.get(index)).copied();
                    let straight = set.filter(|set| flow.is_straight(*set, pc));
                    let taken = straight.and_then(|set| flow.takes(set).first());
                    let Some(taken) = taken else {
                        if *local >= flow.params() || !sets.is_empty() {
                            return Ok(None);
                        }
                        return match self.parameter_name(of, pc, (*local, flow.params())) {
                            Some(name) => Ok(Some(name)),
                            None => self.spilled_name(flow, of, *local),
                        };
                    };
                    (source, before) = (*taken, pc);
                }
                Some(Does::Load {
                    memory,
                    offset,
                    bytes,
                }) => {
                    let Some(address) = self.address_of(flow, of, pc, *offset)? else {
                        return Ok(None);
                    };
                    return self.name_of(MemoryRange {
                        instance: of.instance,
                        memory: *memory,
                        address,
                        length: *bytes,
                    });
                }
                Some(Does::Converts { .. }) => match flow.takes(pc).first() {
                    Some(taken) => source = *taken,
                    None => return Ok(None),
                },
                Some(Does::Computes(_)) => match flow.narrows(pc) {
                    Some((narrowed, _)) => source = narrowed,
                    None => return self.computed_name(flow, of, pc, deep),
                },
                Some(Does::Call(Some(function))) => {
                    let callee = Activation {
                        function: *function,
                        ..of
                    };
                    let name = self.function_named(callee);
                    return Ok(Some(format!("what {name} returned")));
                }
                Some(Does::GlobalGet(global)) => return Ok(Some(format!("$global{global}"))),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The variable that a parameter is put into where its function begins, as compilers do that
    /// do not optimise.
    fn spilled_name(&mut self, flow: &Flow, of: Activation, local: u32) -> Result<Option<String>> {
        let here = self.timeline.here().position;
        let Some(store) = flow.store_of(local).filter(|_| here.depth == of.depth) else {
            return Ok(None);
        };
        let base = match flow.takes(store).first() {
            Some(Source::By { pc, .. }) => match flow.does(*pc) {
                Some(Does::LocalGet(base)) if flow.sets(*base).len() <= 1 => *base,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let base = self.timeline.locals(0)?.get(base as usize).copied();
        let offset = flow.offset_of(store).unwrap_or(0);
        let address = base
            .and_then(number)
            .and_then(|base| base.checked_add(offset));
        let Some(address) = address.filter(|_| store < here.pc) else {
            return Ok(None);
        };
        self.name_of(MemoryRange {
            instance: of.instance,
            memory: 0,
            address,
            length: 1,
        })
    }

    /// `number % 2`, where it is clear what that is called which was computed with.
    fn computed_name(
        &mut self,
        flow: &Flow,
        of: Activation,
        pc: u32,
        deep: u32,
    ) -> Result<Option<String>> {
        let Some(Does::Computes(operation)) = flow.does(pc) else {
            return Ok(None);
        };
        let is_symbol = !operation.starts_with(char::is_alphabetic);
        if !is_symbol || deep >= DEEPEST_NAME {
            return Ok(None);
        }
        let mut names = Vec::new();
        for source in flow.takes(pc).to_vec() {
            let name = match flow.constant(source) {
                Some(value) => Some(core_text_in(value, Notation::Natural)),
                None => self.operand_name(flow, of, (source, pc), deep + 1)?,
            };
            match name {
                Some(name) if name.contains(' ') => names.push(format!("({name})")),
                Some(name) => names.push(name),
                None => return Ok(None),
            }
        }
        Ok(match names.as_slice() {
            [one] => Some(format!("{one} {operation}")),
            [one, other] => Some(format!("{one} {operation} {other}")),
            _ => None,
        })
    }

    /// The address that an instruction reads, where it is made of what the frame still has:
    /// locals and constants.
    fn address_of(
        &mut self,
        flow: &Flow,
        of: Activation,
        pc: u32,
        offset: u64,
    ) -> Result<Option<u64>> {
        let here = self.timeline.here().position;
        if here.depth != of.depth || !flow.is_straight(pc, here.pc) {
            return Ok(None);
        }
        let locals = self.timeline.locals(0)?;
        let base = match flow.takes(pc).first() {
            Some(Source::By { pc: by, .. }) => match flow.does(*by) {
                Some(Does::Constant(value)) => number(*value),
                Some(Does::LocalGet(local)) => {
                    let is_kept = !flow
                        .sets(*local)
                        .iter()
                        .any(|set| by < set && *set < here.pc);
                    let value = locals.get(*local as usize).copied();
                    value.filter(|_| is_kept).and_then(number)
                }
                _ => None,
            },
            _ => None,
        };
        Ok(base.and_then(|base| base.checked_add(offset)))
    }
}

/// The variable, or the part of one, whose bytes these are.
fn in_one_of(
    source: &ModuleSource,
    frame: &GuestFrame<'_>,
    (all, line): (&[Variable], Option<SourceLine>),
    range: &MemoryRange,
) -> Option<String> {
    let itself = all.iter().find(|variable| holds(variable, range));
    if let Some(variable) = itself {
        return Some(inside(
            source,
            frame,
            variable.clone(),
            variable.name.clone(),
            range,
        ));
    }
    let is_begun = |variable: &Variable| match (variable.declared, line) {
        (Some(declared), Some(line)) if variable.kind == VariableKind::Local => {
            declared.file != line.file || declared.line < line.line
        }
        _ => true,
    };
    // Behind one of its pointers.
    all.iter()
        .filter(|variable| is_begun(variable))
        .find_map(|variable| {
            let to = variable.points_to.filter(|to| *to != 0)?;
            if to > range.address {
                return None;
            }
            let targets = variables::children(source, variable, frame, 0..MOST_FIELDS).ok()?;
            let target = targets.into_iter().find(|target| holds(target, range))?;
            let name = match target.name.as_str() {
                "*" => format!("*{}", variable.name),
                index if index.starts_with('[') => format!("{}{index}", variable.name),
                field => format!("{}->{field}", variable.name),
            };
            Some(inside(source, frame, target, name, range))
        })
}

fn holds(variable: &Variable, range: &MemoryRange) -> bool {
    variable.address.is_some_and(|address| {
        address <= range.address
            && range.address + u64::from(range.length) <= address.saturating_add(variable.size)
    })
}

/// The smallest part of a variable that has these bytes.
fn inside(
    source: &ModuleSource,
    frame: &GuestFrame<'_>,
    variable: Variable,
    name: String,
    range: &MemoryRange,
) -> String {
    let (mut variable, mut name) = (variable, name);
    for _ in 0..DEEPEST {
        if variable.address == Some(range.address) && variable.size == u64::from(range.length) {
            break;
        }
        let part = match variable.children {
            ChildCount::None => None,
            ChildCount::Named(_) => parts(source, frame, &variable, 0..MOST_FIELDS)
                .into_iter()
                .find(|part| holds(part, range)),
            ChildCount::Indexed(_) => element(source, frame, &variable, range),
        };
        let Some(part) = part else {
            // A pointer with a length beside it, as of a slice.
            let is_length = variable.points_to.is_some()
                && variable.size == 8
                && range.length == 4
                && variable
                    .address
                    .is_some_and(|address| address + 4 == range.address);
            if is_length {
                name.push_str(".length");
            }
            break;
        };
        name = match part.name.starts_with('[') {
            true => format!("{name}{}", part.name),
            false => format!("{name}.{}", part.name),
        };
        variable = part;
    }
    name
}

fn parts(
    source: &ModuleSource,
    frame: &GuestFrame<'_>,
    of: &Variable,
    range: std::ops::Range<u64>,
) -> Vec<Variable> {
    variables::children(source, of, frame, range).unwrap_or_default()
}

/// The element of an array that has these bytes.
fn element(
    source: &ModuleSource,
    frame: &GuestFrame<'_>,
    of: &Variable,
    range: &MemoryRange,
) -> Option<Variable> {
    let first = parts(source, frame, of, 0..1).into_iter().next()?;
    let start = first.address.filter(|_| first.size > 0)?;
    let number = range.address.checked_sub(start)? / first.size;
    let found = parts(source, frame, of, number..number.checked_add(1)?);
    found.into_iter().find(|part| holds(part, range))
}
