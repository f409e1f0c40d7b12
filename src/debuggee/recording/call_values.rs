//! A crossing in progress as rows: its arguments and its result with all that is in
//! them, and how both look at the core boundary.

use super::boundary::CrossingFrame;
use super::calls::{Of, Outcome, ShownCall};
use super::guest_memory::GuestMemory;
use super::rows::{core_view, decode, encode};
use super::{Recording, address, arrived, requests};
use crate::component::CrossingKind;
use crate::debuggee::{
    Children, DebuggeeError, Format, Page, Scope, ScopeHint, ValueKind, ValuesRef, VariableView,
};
use crate::inspect::Block;
use crate::inspect::hostcall::call::{self, FlatValue};
use crate::inspect::hostcall::delivery::Delivery;
use crate::inspect::hostcall::lift::{Bytes, Handle, Lifted, Lifter, Limits, List};
use crate::inspect::hostcall::part::Part;
use crate::inspect::hostcall::wave;
use crate::replay::boundary::Way;

/// The longest text of a lifted value.
const LIFTED_LIMIT: usize = 1000;
/// So many elements at once, where a client asks for more.
const MOST_ELEMENTS: u64 = 10_000;
/// Bytes of a block of memory that are shown in hexadecimal.
const SHOWN_BYTES: u64 = 64;

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

/// Where a part is shown: the path of its reference, and the expression for it.
struct At<'a> {
    path: &'a str,
    expression: &'a str,
    of: Of,
    format: Format,
}

impl Recording {
    /// The scopes of a crossing's frame.
    pub(super) fn scopes_of_crossing(
        &mut self,
        frame: &CrossingFrame,
    ) -> Result<Vec<Scope>, DebuggeeError> {
        let call = self.call(frame)?;
        let id = frame.id().0;
        let scope = |key: &str, name: &str, hint| Scope {
            name: name.to_owned(),
            hint,
            children: Children {
                values: ValuesRef(format!("{id}/{key}")),
                named: None,
                indexed: None,
            },
            expensive: key == "lowered",
        };
        let (arguments, result) = (call.arguments_title(), call.outcome.title());
        let request = self.request_of(frame);
        let request = request.map(|_| scope(requests::KEY, "Request", ScopeHint::Locals));
        let scopes = [
            scope("arguments", arguments, ScopeHint::Arguments),
            scope("result", result, ScopeHint::ReturnValue),
            scope("lowered", "Lowered", ScopeHint::Registers),
        ];
        Ok(request.into_iter().chain(scopes).collect())
    }

    /// The values under a path in a crossing's frame.
    pub(super) fn call_values(
        &mut self,
        frame: &CrossingFrame,
        path: &str,
        key: &str,
        steps: &[&str],
        (page, format): (Page, Format),
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        if key == requests::KEY {
            return self.request_values(frame, path, steps, page);
        }
        let call = self.call(frame)?;
        if key == "lowered" {
            return self.lowered_values(&call, format);
        }
        let stale = || failed("these values are not there any more");
        let start = page.start as u64;
        let count = page.count.map_or(MOST_ELEMENTS, |count| count as u64);
        let range = start..start.saturating_add(count.min(MOST_ELEMENTS));
        let (root, base, of, steps) = match (key, steps) {
            ("arguments", []) => {
                let mut rows = call.argument_views(path, format);
                if call.frame.open.way == Way::In {
                    rows.extend(call.arrived_views(format));
                }
                return Ok(rows);
            }
            ("result", []) => {
                let mut rows = self.result_views(&call, path, format);
                if call.frame.open.way == Way::Out {
                    rows.extend(call.arrived_views(format));
                }
                return Ok(rows);
            }
            ("arguments", [argument, rest @ ..]) => {
                let index = argument.parse::<usize>().ok();
                let root = index.and_then(|index| call.arguments.get(index).cloned());
                let root = root.ok_or_else(stale)?;
                let base = format!("$arg.{}", root.name);
                (root, base, Of::Arguments, rest)
            }
            ("result", [_, rest @ ..]) => {
                let root = call.result().cloned().ok_or_else(stale)?;
                (root, "$result".to_owned(), Of::Result, rest)
            }
            (arrived::NAME, steps) => {
                let came = call.arrived.as_ref().and_then(|came| came.part.clone());
                let root = came.ok_or_else(stale)?;
                (root, format!("${}", arrived::NAME), Of::Arrived, steps)
            }
            (expression, steps) => {
                let expression = decode(expression.strip_prefix('=').ok_or_else(stale)?);
                let root = self.part_of(&call, &expression)?;
                let of = root_of(&expression);
                (root, expression, of, steps)
            }
        };
        self.with_lifter(&call, of, |lifter| {
            let (part, base) = descend(lifter, root, base, steps).ok_or_else(stale)?;
            let first = range.start;
            let children = part.children(lifter, range);
            let rows = children.iter().zip(first..).map(|(child, i)| {
                call.view(
                    child,
                    &At {
                        path: &format!("{path}/{i}"),
                        expression: &inside(&base, child),
                        of,
                        format,
                    },
                )
            });
            Ok(rows.collect())
        })?
    }

    /// Lends a lifter over the memory that a call's arguments, or its result, are in.
    fn with_lifter<T>(
        &mut self,
        call: &ShownCall,
        of: Of,
        look: impl FnOnce(&Lifter<'_>) -> T,
    ) -> Result<T, DebuggeeError> {
        let (memory, writes, crossing) = match (of, &call.arrived) {
            (Of::Arrived, Some(came)) => (came.memory, &*came.writes, &came.crossing),
            _ => (call.frame.open.memory, call.writes_of(of), &call.crossing),
        };
        let memory = GuestMemory::new(&mut self.timeline, memory);
        let read = |address, length| memory.read_after(writes, address, length);
        let limits = Limits {
            elements: MOST_ELEMENTS,
            ..Limits::default()
        };
        let seen = look(&Lifter {
            limits,
            ..Lifter::new(&read, crossing.encoding, crossing.pointer)
        });
        Ok(memory.vouch_for(seen)?)
    }

    /// The result with what there is to say of it.
    fn result_views(&self, call: &ShownCall, path: &str, format: Format) -> Vec<VariableView> {
        let mut views: Vec<VariableView> = call
            .result()
            .map(|part| {
                let at = At {
                    path: &format!("{path}/0"),
                    expression: "$result",
                    of: Of::Result,
                    format,
                };
                call.view(part, &at)
            })
            .into_iter()
            .collect();
        let note = |name: &str, value: String| VariableView {
            name: name.to_owned(),
            value,
            kind: ValueKind::Virtual,
            ..VariableView::default()
        };
        match &call.outcome {
            Outcome::WillWrite { address, ty } => views.push(VariableView {
                type_name: Some(ty.clone()),
                memory: call.memory_at(*address),
                ..note(
                    "result",
                    format!("<the guest has yet to write it, at {address:#x}>"),
                )
            }),
            Outcome::Late { delivery, .. } => views.push(note(
                "delivered",
                match delivery {
                    Some(delivery) => self.delivered(delivery),
                    None => "<nothing in the recording tells that it has ended>".to_owned(),
                },
            )),
            _ => {}
        }
        views
    }

    fn delivered(&self, delivery: &Delivery) -> String {
        let component = self.timeline.trace().component();
        let teller = component.crossing(delivery.told_by);
        let (name, is_callback) = teller.map_or(("", false), |crossing| {
            (&*crossing.name, crossing.kind == CrossingKind::Callback)
        });
        let what = delivery.resolution.text(None);
        let event = delivery.event;
        match is_callback {
            true => format!("{what}, as {name} is told before event {event}"),
            false => format!("{what}, as {name} tells at event {event}"),
        }
    }

    /// An argument or the result of a crossing by a path: `$arg.NAME.field[3]`,
    /// `$result.ok`, or without the sign.
    pub(super) fn part_of(
        &mut self,
        call: &ShownCall,
        expression: &str,
    ) -> Result<Part, DebuggeeError> {
        let of = root_of(expression);
        let (name, rest) = root_and_rest(expression);
        let root = call.root_of(expression).cloned();
        let root = root.ok_or_else(|| call.has_no(name))?;
        self.with_lifter(call, of, |lifter| root.at(lifter, rest))?
            .map_err(failed)
    }

    /// The value of an expression at a crossing's frame.
    pub(super) fn call_expression(
        &mut self,
        frame: &CrossingFrame,
        expression: &str,
        format: Format,
    ) -> Result<VariableView, DebuggeeError> {
        let call = self.call(frame)?;
        let part = self.part_of(&call, expression)?;
        let key = encode(expression);
        let path = format!("{}/={key}", frame.id().0);
        let of = root_of(expression);
        let at = At {
            path: &path,
            expression,
            of,
            format,
        };
        let view = call.view(&part, &at);
        Ok(VariableView {
            name: expression.to_owned(),
            ..view
        })
    }

    /// The core level of a call: flat values, and the memory that they point to.
    fn lowered_values(
        &mut self,
        call: &ShownCall,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let (args, results) = &call.flat;
        let flat = |value: &FlatValue, prefix: &str| {
            core_view(format!("{prefix}{}", value.name), value.value, format)
        };
        let mut rows: Vec<VariableView> = args.iter().map(|value| flat(value, "")).collect();
        rows.extend(results.iter().map(|value| flat(value, "returns ")));
        let args = &call.frame.open.args;
        let read = call::blocks_read(&call.crossing, args, &call.arguments);
        rows.extend(self.block_views(call, &read, Of::Arguments)?);
        let area = call::return_area(&call.crossing, args);
        let mut written: Vec<Block> = area.into_iter().collect();
        if let Some(result) = call.result() {
            written.extend(call::blocks_of(&call.crossing, result));
        }
        let covered = |address: u64| {
            let mut blocks = written.iter();
            blocks.any(|block| (block.address..block.address + block.length).contains(&address))
        };
        let others: Vec<Block> = call
            .writes
            .iter()
            .filter(|written| !covered(written.address))
            .map(|written| Block {
                name: "written".into(),
                address: written.address,
                length: written.bytes.len() as u64,
            })
            .collect();
        written.extend(others);
        rows.extend(self.block_views(call, &written, Of::Result)?);
        Ok(rows)
    }

    fn block_views(
        &mut self,
        call: &ShownCall,
        blocks: &[Block],
        of: Of,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        self.with_lifter(call, of, |lifter| {
            blocks
                .iter()
                .map(|block| VariableView {
                    name: format!("{} at {:#x}", block.name, block.address),
                    value: bytes_text(lifter, block),
                    type_name: Some(format!("{} bytes", block.length)),
                    memory: call.memory_at(block.address),
                    ..VariableView::default()
                })
                .collect()
        })
    }
}

/// What a path starts from, without its sign, and the way from there.
fn root_and_rest(expression: &str) -> (&str, &str) {
    let path = expression
        .strip_prefix("$arg.")
        .or(expression.strip_prefix('$'))
        .unwrap_or(expression);
    path.split_at(path.find(['.', '[']).unwrap_or(path.len()))
}

/// What an expression is of.
fn root_of(expression: &str) -> Of {
    let path = expression.strip_prefix('$').unwrap_or(expression);
    let is_of = |name: &str| {
        let rest = path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    match () {
        () if is_of("result") => Of::Result,
        () if is_of(arrived::NAME) => Of::Arrived,
        () => Of::Arguments,
    }
}

/// The beginning of a block, in hexadecimal and as text.
fn bytes_text(lifter: &Lifter<'_>, block: &Block) -> String {
    let shown = block.length.min(SHOWN_BYTES);
    let Some(bytes) = (lifter.memory)(block.address, shown) else {
        return "<outside of memory>".to_owned();
    };
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let more = if block.length > shown { " …" } else { "" };
    let text = Lifted::Bytes(Bytes {
        length: block.length,
        pointer: block.address,
        head: bytes,
    });
    format!(
        "{}{more}  {}",
        hex.join(" "),
        wave::text(&text, LIFTED_LIMIT)
    )
}

/// The part that steps of a path lead to, with the expression for it.
fn descend(
    lifter: &Lifter<'_>,
    part: Part,
    expression: String,
    steps: &[&str],
) -> Option<(Part, String)> {
    steps
        .iter()
        .try_fold((part, expression), |(part, expression), step| {
            let index: u64 = step.parse().ok()?;
            let children = part.children(lifter, index..index.checked_add(1)?);
            let child = children.into_iter().next()?;
            let expression = inside(&expression, &child);
            Some((child, expression))
        })
}

fn inside(expression: &str, part: &Part) -> String {
    let dot = if part.name.starts_with('[') { "" } else { "." };
    format!("{expression}{dot}{}", part.name)
}

impl ShownCall {
    /// The argument or the result that a path starts from, if it has such a one.
    pub(super) fn root_of(&self, expression: &str) -> Option<&Part> {
        let (name, _) = root_and_rest(expression);
        let argument = || self.arguments.iter().find(|part| part.name == name);
        match root_of(expression) {
            Of::Result => self.result(),
            Of::Arrived => {
                let came = self.arrived.as_ref().and_then(|came| came.part.as_ref());
                came.or_else(argument)
            }
            Of::Arguments => argument(),
        }
    }

    fn memory_at(&self, at: u64) -> Option<String> {
        let (instance, memory) = self.frame.open.memory?;
        Some(address::memory_of(instance, memory, at))
    }

    fn argument_views(&self, path: &str, format: Format) -> Vec<VariableView> {
        let parts = self.arguments.iter().enumerate();
        parts
            .map(|(i, part)| {
                let at = At {
                    path: &format!("{path}/{i}"),
                    expression: &format!("$arg.{}", part.name),
                    of: Of::Arguments,
                    format,
                };
                self.view(part, &at)
            })
            .collect()
    }

    /// What the program is told of, and of which hostcall it came.
    fn arrived_views(&self, format: Format) -> Vec<VariableView> {
        let Some(came) = &self.arrived else {
            return Vec::new();
        };
        let path = format!("{}/{}", self.frame.id().0, arrived::NAME);
        let at = At {
            path: &path,
            expression: &format!("${}", arrived::NAME),
            of: Of::Arrived,
            format,
        };
        let value = came.part.as_ref().map(|part| self.view(part, &at));
        let from = VariableView {
            name: "of".to_owned(),
            value: came.how.clone(),
            kind: ValueKind::Virtual,
            ..VariableView::default()
        };
        value.into_iter().chain([from]).collect()
    }

    fn view(&self, part: &Part, at: &At<'_>) -> VariableView {
        let [at_beginning, at_return] = &self.handles;
        let handles = match (at.of, self.frame.open.way) {
            (Of::Result, _) | (Of::Arrived, Way::Out) => at_return,
            (Of::Arguments, _) | (Of::Arrived, Way::In) => at_beginning,
        };
        let table = handles.table();
        let stands_for = |handle: &Handle| table.and_then(|table| table.meaning_of(handle));
        let notation = at.format.notation;
        let value = match &part.value {
            Lifted::Unsigned(number) => notation.number((*number).into()),
            Lifted::Signed(number) => notation.number((*number).into()),
            value => wave::text_with(value, LIFTED_LIMIT, &stands_for),
        };
        let pointer = match &part.value {
            Lifted::String(text) => Some(text.pointer),
            Lifted::Bytes(Bytes { pointer, .. }) => Some(*pointer),
            Lifted::List(List { pointer, .. }) => *pointer,
            _ => None,
        };
        VariableView {
            name: part.name.clone(),
            value,
            type_name: part.type_name(),
            children: Children::counted(at.path, part.inside()),
            memory: pointer.and_then(|pointer| match at.of {
                Of::Arrived => {
                    let (instance, memory) = self.arrived.as_ref()?.memory?;
                    Some(address::memory_of(instance, memory, pointer))
                }
                Of::Arguments | Of::Result => self.memory_at(pointer),
            }),
            evaluate_name: Some(at.expression.to_owned()),
            ..VariableView::default()
        }
    }
}
