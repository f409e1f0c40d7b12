//! A crossing in progress as values: what it was given, what it answers, and how both
//! look at the core boundary.

use super::boundary::CrossingFrame;
use super::crossing_memory::{CrossingMemory, Writes};
use super::{Recording, address};
use crate::component::types::CoreValue;
use crate::component::{Crossing, CrossingKind};
use crate::dap::debuggee::{
    Children, DebuggeeError, Format, Page, Scope, ScopeHint, ValueKind, ValuesRef, VariableView,
};
use crate::inspect::Block;
use crate::inspect::call::{self, FlatValue, Leaves};
use crate::inspect::handles::HandleTable;
use crate::inspect::late::{self, Delivery};
use crate::inspect::lift::{Bytes, Handle, Lifted, Lifter, Limits, List};
use crate::inspect::part::{Inside, Part};
use crate::inspect::wave;
use crate::replay::Phase;
use crate::replay::boundary::{Leaving, Way};
use crate::trace::{Answered, Recorded};
use std::ops::Range;
use std::time::Duration;

/// The longest text of a lifted value.
const LIFTED_LIMIT: usize = 1000;
/// So many elements at once, where a client asks for more.
const MOST_ELEMENTS: u64 = 10_000;
/// Bytes of a block of memory that are shown in hexadecimal.
const SHOWN_BYTES: u64 = 64;
/// How long a value waits for what its handles stand for.
const PATIENCE: Duration = Duration::from_secs(2);

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

/// A crossing in progress, lifted.
#[derive(Debug, Clone)]
pub(super) struct ShownCall {
    frame: CrossingFrame,
    crossing: Crossing,
    arguments: Vec<Part>,
    outcome: Outcome,
    /// What will have been written when it returns, where it has not yet.
    writes: Writes,
    flat: (Vec<FlatValue>, Vec<FlatValue>),
    /// The tables of its instance at its beginning and at its return, if it has
    /// handles.
    handles: [Option<HandleTable>; 2],
}

/// What becomes of it.
#[derive(Debug, Clone)]
enum Outcome {
    Returned(Option<Part>),
    WillReturn(Option<Part>),
    /// The result will be at this address, where the guest has yet to write it.
    WillWrite {
        address: u64,
        ty: String,
    },
    /// An asynchronous call that returns before its result is there.
    Late {
        status: Part,
        result: Option<Part>,
        delivery: Option<Delivery>,
    },
    Never,
    Far,
}

impl Outcome {
    fn title(&self) -> &'static str {
        match self {
            Outcome::Returned(_) => "Result (returned)",
            Outcome::WillReturn(_) | Outcome::WillWrite { .. } => "Result (what will be returned)",
            Outcome::Late { .. } => "Result (comes later)",
            Outcome::Never => "Result (the recording ends before it)",
            Outcome::Far => "Result (too many events ahead to tell)",
        }
    }
}

impl Recording {
    /// The crossing in progress of this frame, lifted; kept while the program stands
    /// still.
    pub(super) fn call(&mut self, frame: &CrossingFrame) -> Result<ShownCall, DebuggeeError> {
        if let Some(known) = self.calls.get(&frame.index) {
            return Ok(known.clone());
        }
        let call = self.lift_call(frame)?;
        self.calls.insert(frame.index, call.clone());
        Ok(call)
    }

    fn lift_call(&mut self, frame: &CrossingFrame) -> Result<ShownCall, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let crossing = component
            .crossing(frame.open.crossing)
            .ok_or_else(|| failed("the component has no such crossing"))?;
        let mut call = match frame.open.way {
            Way::Out => self.lift_call_out(frame, crossing)?,
            Way::In => self.lift_call_in(frame, crossing)?,
        };
        call.handles = self.tables_of(&call)?;
        Ok(call)
    }

    fn lift_call_out(
        &mut self,
        frame: &CrossingFrame,
        crossing: &Crossing,
    ) -> Result<ShownCall, DebuggeeError> {
        let trace = self.timeline.trace().clone();
        let component = trace.component().clone();
        let open = &frame.open;
        let recorded = trace.answer_to(open.event).map_err(failed)?;
        let has_returned = self.timeline.here().position.phase == Phase::Answered
            && self.timeline.boundary()?.len() == frame.index + 1;
        let (results, writes): (Vec<CoreValue>, Writes) = match &recorded {
            Recorded::Answered(Answered {
                results, writes, ..
            }) => {
                let writes = writes.iter().map(|w| (w.address, w.bytes.clone()));
                (results.clone(), writes.collect())
            }
            Recorded::Missing | Recorded::Far => Default::default(),
        };
        let memory = CrossingMemory::new(&mut self.timeline, open.memory);
        let now = |address, length| memory.read(address, length);
        let after = |address, length| match has_returned {
            true => memory.read(address, length),
            false => memory.read_after(&writes, address, length),
        };
        let arguments = call::arguments(
            &component,
            &Lifter::new(&now, crossing.encoding, crossing.pointer),
            crossing,
            &open.args,
        );
        let lifter = Lifter::new(&after, crossing.encoding, crossing.pointer);
        let result = || call::answer(&lifter, crossing, &open.args, &results);
        let outcome = match recorded {
            Recorded::Missing => Outcome::Never,
            Recorded::Far => Outcome::Far,
            Recorded::Answered(_) => match result() {
                Some(status) if matches!(status.value, Lifted::Pending(_)) => {
                    let Lifted::Pending(subtask) = status.value else {
                        return Err(failed("a result is none"));
                    };
                    let (event, instance) = (open.event, open.instance);
                    let told = late::delivery(&trace, event, crossing.id, instance, subtask.handle);
                    let delivery = told.map_err(failed)?;
                    let result = delivery.as_ref().and_then(|delivery| {
                        let late =
                            |address, length| memory.read_after(&delivery.writes, address, length);
                        let lifter = Lifter::new(&late, crossing.encoding, crossing.pointer);
                        late_result(&lifter, crossing, &open.args, delivery)
                    });
                    Outcome::Late {
                        status,
                        result,
                        delivery,
                    }
                }
                result if has_returned => Outcome::Returned(result),
                result => Outcome::WillReturn(result),
            },
        };
        Ok(ShownCall {
            frame: frame.clone(),
            crossing: crossing.clone(),
            arguments,
            outcome,
            flat: call::flat(crossing, &open.args, &results),
            writes: if has_returned { Vec::new() } else { writes },
            handles: [None, None],
        })
    }

    fn lift_call_in(
        &mut self,
        frame: &CrossingFrame,
        crossing: &Crossing,
    ) -> Result<ShownCall, DebuggeeError> {
        let component = self.timeline.trace().component().clone();
        let open = &frame.open;
        let around = self.timeline.boundary()?;
        let around = around.iter().take(frame.index);
        let entered = around.filter(|open| open.way == Way::In).count();
        let leaving = self.timeline.leaving(entered as u32)?;
        let memory = CrossingMemory::new(&mut self.timeline, open.memory);
        let now = |address, length| memory.read(address, length);
        let lifter = Lifter::new(&now, crossing.encoding, crossing.pointer);
        let arguments = call::arguments(&component, &lifter, crossing, &open.args);
        let (outcome, results) = match leaving {
            Leaving::Never => (Outcome::Never, Vec::new()),
            Leaving::Far => (Outcome::Far, Vec::new()),
            Leaving::Returns(results) => {
                let outcome = match call::leaves(&lifter, crossing, &results) {
                    Leaves::Nothing => Outcome::WillReturn(None),
                    Leaves::Value(part) => Outcome::WillReturn(Some(part)),
                    Leaves::Unwritten { address, ty } => Outcome::WillWrite {
                        address,
                        ty: ty.to_string(),
                    },
                };
                (outcome, results)
            }
        };
        Ok(ShownCall {
            frame: frame.clone(),
            crossing: crossing.clone(),
            arguments,
            outcome,
            writes: Vec::new(),
            flat: call::flat(crossing, &open.args, &results),
            handles: [None, None],
        })
    }

    /// The tables of a call's instance at its beginning and at its return, if it passes
    /// handles.
    fn tables_of(&mut self, call: &ShownCall) -> Result<[Option<HandleTable>; 2], DebuggeeError> {
        let open = &call.frame.open;
        let mut tables = [None, None];
        let result = call.result().into_iter();
        let has = |parts: &mut dyn Iterator<Item = &Part>| {
            let mut found = false;
            parts.for_each(|part| part.value.for_each_handle(&mut |_| found = true));
            found
        };
        let begins = has(&mut call.arguments.iter()).then_some(open.event);
        let returns = match (&call.outcome, has(&mut result.map(|part| part))) {
            (Outcome::Late { delivery, .. }, true) => delivery.as_ref().map(|d| d.event + 1),
            (_, true) if open.way == Way::Out => {
                let answer = self.timeline.trace().answer_to(open.event);
                match answer.map_err(failed)? {
                    Recorded::Answered(answered) => Some(answered.events),
                    Recorded::Missing | Recorded::Far => None,
                }
            }
            _ => None,
        };
        for (table, moment) in tables.iter_mut().zip([begins, returns]) {
            let Some(event) = moment else { continue };
            let instance = open.instance;
            let known = self.chronicle().handles_at(event, false, Some(PATIENCE));
            // Without it, handles are numbers.
            let known = known.ok().flatten().unwrap_or_default();
            *table = known
                .into_iter()
                .find(|(i, _)| *i == instance)
                .map(|(_, t)| t);
        }
        Ok(tables)
    }

    /// The scopes of a crossing's frame.
    pub(super) fn scopes_of_crossing(
        &mut self,
        frame: &CrossingFrame,
    ) -> Result<Vec<Scope>, DebuggeeError> {
        let call = self.call(frame)?;
        let id = frame.id().0;
        let scope = |key: &str, name: &str, hint, named: usize| Scope {
            name: name.to_owned(),
            hint,
            children: Children {
                values: ValuesRef(format!("{id}/{key}")),
                named: Some(named as u64),
                indexed: None,
            },
            expensive: false,
        };
        let (arguments, result) = (call.arguments.len(), call.outcome.title());
        let lowered = Scope {
            children: Children {
                values: ValuesRef(format!("{id}/lowered")),
                named: None,
                indexed: None,
            },
            expensive: true,
            ..scope("lowered", "Lowered", ScopeHint::Registers, 0)
        };
        Ok(vec![
            scope(
                "arguments",
                call.arguments_title(),
                ScopeHint::Arguments,
                arguments,
            ),
            scope(
                "result",
                result,
                ScopeHint::ReturnValue,
                call.result_rows().len(),
            ),
            lowered,
        ])
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
        let call = self.call(frame)?;
        if key == "lowered" {
            return self.lowered_values(&call, format);
        }
        let stale = || failed("these values are not there any more");
        let start = page.start as u64;
        let count = page.count.map_or(MOST_ELEMENTS, |count| count as u64);
        let range = start..start.saturating_add(count.min(MOST_ELEMENTS));
        let (roots, is_result) = match key {
            "arguments" => (call.arguments.clone(), false),
            "result" => {
                if steps.is_empty() {
                    return Ok(self.result_views(&call, path, format));
                }
                (call.result_rows().into_iter().cloned().collect(), true)
            }
            expression => {
                let expression =
                    super::values::decode(expression.strip_prefix('=').ok_or_else(stale)?);
                let part = self.part_of(&call, &expression)?;
                let is_result = is_of_result(&expression);
                let base = expression.clone();
                return self.with_lifter(&call, is_result, |lifter| {
                    let (part, base) = descend(lifter, part, base, steps).ok_or_else(stale)?;
                    Ok(views(
                        &call, lifter, &part, &base, path, range, is_result, format,
                    ))
                });
            }
        };
        if steps.is_empty() {
            let views = roots.iter().enumerate().map(|(i, part)| {
                let expression = format!("$arg.{}", part.name);
                call.view(part, &format!("{path}/{i}"), &expression, is_result, format)
            });
            return Ok(views.collect());
        }
        let root = steps
            .first()
            .and_then(|step| step.parse::<usize>().ok())
            .and_then(|index| roots.into_iter().nth(index))
            .ok_or_else(stale)?;
        let base = match is_result {
            true => "$result".to_owned(),
            false => format!("$arg.{}", root.name),
        };
        let rest = steps.get(1..).unwrap_or_default();
        self.with_lifter(&call, is_result, |lifter| {
            let (part, base) = descend(lifter, root, base, rest).ok_or_else(stale)?;
            Ok(views(
                &call, lifter, &part, &base, path, range, is_result, format,
            ))
        })
    }

    /// Lends a lifter over the memory that a call's arguments, or its result, are in.
    fn with_lifter<T>(
        &mut self,
        call: &ShownCall,
        is_result: bool,
        look: impl FnOnce(&Lifter<'_>) -> T,
    ) -> T {
        let memory = CrossingMemory::new(&mut self.timeline, call.frame.open.memory);
        let writes = call.writes_of(is_result);
        let read = |address, length| memory.read_after(writes, address, length);
        let limits = Limits {
            elements: MOST_ELEMENTS,
            ..Limits::default()
        };
        look(&Lifter {
            limits,
            ..Lifter::new(&read, call.crossing.encoding, call.crossing.pointer)
        })
    }

    /// The result with what there is to say of it.
    fn result_views(&self, call: &ShownCall, path: &str, format: Format) -> Vec<VariableView> {
        let rows = call.result_rows().into_iter().enumerate();
        let mut views: Vec<VariableView> = rows
            .map(|(i, part)| {
                let path = format!("{path}/{i}");
                call.view(part, &path, "$result", true, format)
            })
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
        let what = match delivery.has_returned {
            true => "returned",
            false => "cancelled",
        };
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
        let is_result = is_of_result(expression);
        let path = expression
            .strip_prefix("$arg.")
            .or(expression.strip_prefix('$'))
            .unwrap_or(expression);
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, rest) = path.split_at(end);
        let root = match is_result {
            true => call.result(),
            false => call.arguments.iter().find(|part| part.name == name),
        };
        let root = root.cloned().ok_or_else(|| call.has_no(name))?;
        self.with_lifter(call, is_result, |lifter| root.at(lifter, rest))
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
        let key = super::values::encode(expression);
        let path = format!("{}/={key}", frame.id().0);
        let is_result = is_of_result(expression);
        let view = call.view(&part, &path, expression, is_result, format);
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
            super::values::core_view(format!("{prefix}{}", value.name), value.value, format)
        };
        let mut rows: Vec<VariableView> = args.iter().map(|value| flat(value, "")).collect();
        rows.extend(results.iter().map(|value| flat(value, "returns ")));
        let args = &call.frame.open.args;
        let read = call::blocks_read(&call.crossing, args, &call.arguments);
        rows.extend(self.block_views(call, &read, false));
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
            .filter(|(address, _)| !covered(*address))
            .map(|(address, bytes)| Block {
                name: "written".into(),
                address: *address,
                length: bytes.len() as u64,
            })
            .collect();
        written.extend(others);
        rows.extend(self.block_views(call, &written, true));
        Ok(rows)
    }

    fn block_views(
        &mut self,
        call: &ShownCall,
        blocks: &[Block],
        is_result: bool,
    ) -> Vec<VariableView> {
        self.with_lifter(call, is_result, |lifter| {
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

fn is_of_result(expression: &str) -> bool {
    let path = expression.strip_prefix('$').unwrap_or(expression);
    path.strip_prefix("result")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
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

/// The result that came late, from the area that it was written to.
fn late_result(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    delivery: &Delivery,
) -> Option<Part> {
    let ty = crossing.function.as_ref()?.result.clone()?;
    let area = call::return_area(crossing, args).filter(|_| delivery.has_returned)?;
    Some(Part::new(
        "result",
        lifter.stored(&ty, area.address),
        Some(ty),
    ))
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

#[allow(clippy::too_many_arguments)]
fn views(
    call: &ShownCall,
    lifter: &Lifter<'_>,
    part: &Part,
    expression: &str,
    path: &str,
    range: Range<u64>,
    is_result: bool,
    format: Format,
) -> Vec<VariableView> {
    let first = range.start;
    let children = part.children(lifter, range);
    let rows = children.iter().zip(first..);
    rows.map(|(child, i)| {
        let expression = inside(expression, child);
        call.view(
            child,
            &format!("{path}/{i}"),
            &expression,
            is_result,
            format,
        )
    })
    .collect()
}

impl ShownCall {
    /// The result, if it is known and there is one.
    pub(super) fn result(&self) -> Option<&Part> {
        match &self.outcome {
            Outcome::Returned(result) | Outcome::WillReturn(result) => result.as_ref(),
            Outcome::Late { result, status, .. } => result.as_ref().or(Some(status)),
            Outcome::WillWrite { .. } | Outcome::Never | Outcome::Far => None,
        }
    }

    fn result_rows(&self) -> Vec<&Part> {
        self.result().into_iter().collect()
    }

    /// Text and lists of arguments are in the guest's memory, which it may have written
    /// to since it was called.
    fn arguments_title(&self) -> &'static str {
        let in_memory =
            !call::blocks_read(&self.crossing, &self.frame.open.args, &self.arguments).is_empty();
        match (self.frame.open.way, in_memory) {
            (Way::In, true) => "Arguments (in memory as it is now)",
            _ => "Arguments",
        }
    }

    fn writes_of(&self, is_result: bool) -> &[(u64, Vec<u8>)] {
        match &self.outcome {
            _ if !is_result => &[],
            Outcome::Late {
                delivery: Some(delivery),
                ..
            } => &delivery.writes,
            _ => &self.writes,
        }
    }

    fn memory_at(&self, at: u64) -> Option<String> {
        let (instance, memory) = self.frame.open.memory?;
        Some(address::memory_of(instance, memory, at))
    }

    fn has_no(&self, name: &str) -> DebuggeeError {
        let mut there: Vec<&str> = self.arguments.iter().map(|part| &*part.name).collect();
        if self.result().is_some() {
            there.push("result");
        }
        failed(format!(
            "{} has no `{name}` here; it has {}",
            self.frame.title,
            match there.is_empty() {
                true => "no values".to_owned(),
                false => there.join(", "),
            }
        ))
    }

    fn view(
        &self,
        part: &Part,
        path: &str,
        expression: &str,
        is_result: bool,
        format: Format,
    ) -> VariableView {
        let table = self
            .handles
            .get(usize::from(is_result))
            .and_then(Option::as_ref);
        let stands_for = |handle: &Handle| table.and_then(|table| table.meaning_of(handle));
        let value = match (&part.value, format.hex) {
            (Lifted::Unsigned(number), true) => format!("{number:#x}"),
            (Lifted::Signed(number), true) if *number < 0 => {
                format!("-{:#x}", number.unsigned_abs())
            }
            (Lifted::Signed(number), true) => format!("{number:#x}"),
            (value, _) => wave::text_with(value, LIFTED_LIMIT, &stands_for),
        };
        let (named, indexed) = match part.inside() {
            Inside::Nothing => (None, None),
            Inside::Named(count) => (Some(count as u64), None),
            Inside::Indexed(count) => (None, Some(count)),
        };
        let inside = named.or(indexed).map(|_| Children {
            values: ValuesRef(path.to_owned()),
            named,
            indexed,
        });
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
            children: inside,
            memory: pointer.and_then(|at| self.memory_at(at)),
            evaluate_name: Some(expression.to_owned()),
            ..VariableView::default()
        }
    }
}
