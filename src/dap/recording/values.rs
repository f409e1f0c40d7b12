//! Scopes and values. A reference to values is a path: frame, scope, then the
//! steps into it, so that the same variable has the same reference at every stop.

use super::guest::GuestFrame;
use super::stack::{GuestPlace, ShownFrame};
use super::{Recording, address, core};
use crate::component::types::CoreValue;
use crate::dap::debuggee::{
    ChildKind, Children, DebuggeeError, Format, FrameId, MemoryView, Page, Scope, ScopeHint,
    ValueKind, ValuesRef, VariableView,
};
use crate::inspect::FrameState;
use crate::inspect::expression::{
    Evaluated, Expression, Moment, Root, Scene, SourceFrame, bytes_text, core_text,
};
use crate::inspect::in_progress::LiftedCall;
use crate::inspect::variables::{
    self, Children as Inside, Site, Variable, VariableKind, VariablesError,
};
use crate::replay::InstanceId;
use crate::source::ModuleSource;
use crate::timeline::motion::MemoryRange;

/// A page of memory or list that a client asks for without saying how much.
const WHOLE_PAGE: u64 = 10_000;

fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

impl From<VariablesError> for DebuggeeError {
    fn from(error: VariablesError) -> Self {
        failed(error)
    }
}

fn scope(frame: FrameId, key: &str, name: &str, hint: ScopeHint, expensive: bool) -> Scope {
    Scope {
        name: name.to_owned(),
        hint,
        children: Children {
            values: ValuesRef(format!("{}/{key}", frame.0)),
            named: None,
            indexed: None,
        },
        expensive,
    }
}

impl Recording {
    pub(super) fn scopes_of(&mut self, id: FrameId) -> Result<Vec<Scope>, DebuggeeError> {
        let place = match self.frame(Some(id))? {
            ShownFrame::Crossing(frame) => return self.scopes_of_crossing(&frame),
            ShownFrame::Guest(place) => place,
        };
        let mut scopes = Vec::new();
        let has_variables = self
            .timeline
            .module(place.core.module)
            .is_some_and(|m| m.source.function_at(place.core.pc).is_some());
        if has_variables {
            let has_arguments = self
                .variables_at(&place)?
                .iter()
                .any(|v| v.kind == VariableKind::Argument);
            if has_arguments {
                scopes.push(scope(id, "args", "Arguments", ScopeHint::Arguments, false));
            }
            scopes.push(scope(id, "locals", "Locals", ScopeHint::Locals, false));
            scopes.push(scope(id, "statics", "Statics", ScopeHint::None, true));
        }
        let wasm = core::SCOPES;
        scopes.extend(wasm.map(|(key, name)| scope(id, key, name, ScopeHint::Registers, true)));
        Ok(scopes)
    }

    /// Lends the module and the state of a guest frame.
    fn with_frame<T>(
        &mut self,
        place: &GuestPlace,
        look: impl FnOnce(&ModuleSource, Site, &GuestFrame<'_>) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let modules = self.timeline.modules().clone();
        let module = modules
            .get(place.core.module.0 as usize)
            .ok_or_else(|| failed("the frame's module is missing"))?;
        let frame = GuestFrame::read(&mut self.timeline, place.index, place.core.instance)?;
        let site = Site {
            pc: place.core.pc,
            inlined: place.inlined,
        };
        look(&module.source, site, &frame)
    }

    fn variables_at(&mut self, place: &GuestPlace) -> Result<Vec<Variable>, DebuggeeError> {
        self.with_frame(place, |source, site, frame| {
            Ok(variables::variables(source, site, frame)?)
        })
    }

    pub(super) fn values_in(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let mut steps = of.0.split('/');
        if of.0.split('/').next() == Some(super::handles::KEY) {
            let steps: Vec<&str> = steps.skip(1).collect();
            return self.handle_values(&steps);
        }
        let stale = || failed("these values are not there any more");
        let frame: u32 = steps
            .next()
            .and_then(|s| s.parse().ok())
            .ok_or_else(stale)?;
        let key = steps.next().ok_or_else(stale)?.to_owned();
        let steps: Vec<&str> = steps.collect();
        let id = Some(FrameId(frame));
        match self.frame(id)? {
            // A value of an expression: the key is the expression.
            ShownFrame::Crossing(frame) if key.starts_with('=') => {
                match self.call_values(&frame, &of.0, &key, &steps, (page, format)) {
                    Ok(values) => Ok(values),
                    Err(_) => self.expression_values(&key, id, of, &steps, page, format),
                }
            }
            ShownFrame::Guest(_) if key.starts_with('=') => {
                self.expression_values(&key, id, of, &steps, page, format)
            }
            ShownFrame::Crossing(frame) => {
                self.call_values(&frame, &of.0, &key, &steps, (page, format))
            }
            ShownFrame::Guest(place) if core::SCOPES.iter().any(|(of_core, _)| *of_core == key) => {
                self.core_values(&place, &key, &steps, (&of.0, page, format))
            }
            ShownFrame::Guest(place) => self.source_values(&place, of, &key, &steps, page, format),
        }
    }

    fn source_values(
        &mut self,
        place: &GuestPlace,
        of: &ValuesRef,
        key: &str,
        steps: &[&str],
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let instance = place.core.instance;
        self.with_frame(place, |source, site, frame| {
            let mut roots = match key {
                "statics" => variables::statics(source, site.pc, frame)?,
                _ => variables::variables(source, site, frame)?,
            };
            match key {
                "args" => roots.retain(|v| v.kind == VariableKind::Argument),
                // What a function keeps from call to call is one of its own too.
                "locals" => roots.retain(|v| v.kind != VariableKind::Argument),
                _ => {}
            }
            if steps.is_empty() {
                let rows = roots.iter().enumerate();
                let names = distinct_names(&roots);
                return Ok(rows
                    .map(|(i, v)| {
                        view(
                            v,
                            &format!("{}/{}", of.0, encode(&names[i])),
                            instance,
                            format,
                        )
                    })
                    .collect());
            }
            let mut steps = steps.iter();
            let name = steps.next().map(|s| decode(s)).unwrap_or_default();
            let names = distinct_names(&roots);
            let index = names.iter().position(|n| *n == name);
            let root = roots.swap_remove(index.ok_or_else(gone)?);
            let range = range_of(page);
            let rows = inside(source, frame, root, steps.as_slice(), range.clone())?;
            Ok(rows
                .iter()
                .zip(range.start..)
                .map(|(child, i)| view(child, &format!("{}/{i}", of.0), instance, format))
                .collect())
        })
    }

    pub(super) fn evaluate_in(
        &mut self,
        text: &str,
        id: Option<FrameId>,
        format: Format,
    ) -> Result<VariableView, DebuggeeError> {
        let text = text.trim();
        let expression = Expression::parse(text).map_err(failed)?;
        if let Some(view) = self.crossing_path(&expression, text, id, format) {
            return view;
        }
        let frame = self.frame(id).ok().map(|frame| frame.id());
        let number = frame.map_or(0, |id| id.0);
        let path = format!("{number}/={}", encode(text));
        self.in_scene(&expression, frame, |scene, instance| {
            let value = expression.evaluate(scene).map_err(failed)?;
            Ok(evaluated_view(text, &value, &path, instance, format))
        })
    }

    /// A path into the values of a crossing: those are shown with their types, and paged.
    fn crossing_path(
        &mut self,
        expression: &Expression,
        text: &str,
        id: Option<FrameId>,
        format: Format,
    ) -> Option<Result<VariableView, DebuggeeError>> {
        match expression.path()? {
            Root::Crossing => Some(
                self.crossing_around(id)
                    .and_then(|frame| self.call_expression(&frame, text, format)),
            ),
            // A bare name in a crossing's frame may be that of an argument.
            Root::Name => match self.frame(id).ok()? {
                ShownFrame::Crossing(frame) => {
                    self.call_expression(&frame, text, format).ok().map(Ok)
                }
                ShownFrame::Guest(_) => None,
            },
        }
    }

    /// What is inside the value of an expression.
    fn expression_values(
        &mut self,
        key: &str,
        frame: Option<FrameId>,
        of: &ValuesRef,
        steps: &[&str],
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let text = decode(key.strip_prefix('=').unwrap_or(key));
        let expression = Expression::parse(&text).map_err(failed)?;
        self.in_scene(&expression, frame, |scene, instance| {
            match (expression.evaluate(scene).map_err(failed)?, scene.frame) {
                (Evaluated::Variable(root), Some(frame)) => {
                    let range = range_of(page);
                    let (source, state) = (frame.source, frame.state);
                    let rows = inside(source, state, *root, steps, range.clone())?;
                    let rows = rows.iter().zip(range.start..);
                    let path = |i| format!("{}/{i}", of.0);
                    Ok(rows
                        .map(|(child, i)| view(child, &path(i), instance, format))
                        .collect())
                }
                _ => Ok(Vec::new()),
            }
        })
    }

    /// Lends what an expression sees from a frame, and the instance whose memory that is.
    /// From a hostcall's frame, the variables are those of the code that called.
    fn in_scene<T>(
        &mut self,
        expression: &Expression,
        frame: Option<FrameId>,
        look: impl FnOnce(&Scene<'_>, InstanceId) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        let here = self.timeline.here();
        let moment = Moment {
            event: here.event,
            position: here.position,
        };
        let (place, at_hostcall) = match self.frame(frame) {
            Ok(ShownFrame::Guest(place)) => (Some(place), false),
            Ok(ShownFrame::Crossing(_)) => (self.caller(), true),
            // Nothing runs; the moment can be asked for all the same.
            Err(_) => (None, false),
        };
        let needs = expression.needs();
        let wants_hostcall = needs.hostcall || at_hostcall && needs.variables;
        let hostcall = match wants_hostcall {
            true => self.lifted_call(frame).ok(),
            false => None,
        };
        let scene = Scene {
            moment,
            registers: None,
            frame: None,
            hostcall: hostcall.as_ref(),
            at_hostcall,
        };
        let wants_frame = needs.variables || needs.registers;
        let Some(place) = place.filter(|_| wants_frame) else {
            return look(&scene, InstanceId(0));
        };
        let instance = place.core.instance;
        let with_frame = self.with_frame(&place, |source, site, state| {
            let has_variables = source.function_at(site.pc).is_some();
            let state: &dyn FrameState = state;
            let frame = SourceFrame {
                source,
                site,
                state,
            };
            Ok(look(
                &Scene {
                    registers: Some(state),
                    frame: has_variables.then_some(frame),
                    ..scene
                },
                instance,
            ))
        });
        with_frame?
    }

    /// What expressions can name in a frame.
    pub(super) fn names_in(&mut self, frame: Option<FrameId>) -> Vec<String> {
        let mut names: Vec<String> = ["$event", "$tick", "$position", "$mem["]
            .map(str::to_owned)
            .to_vec();
        if let Ok(call) = self.lifted_call(frame) {
            let arguments = call.arguments.iter();
            names.extend(arguments.map(|(name, _)| format!("$arg.{name}")));
            names.extend(call.result.map(|_| "$result".to_owned()));
        }
        let place = match self.frame(frame) {
            Ok(ShownFrame::Guest(place)) => Some(place),
            Ok(ShownFrame::Crossing(_)) => self.caller(),
            Err(_) => None,
        };
        let variables = place.and_then(|place| {
            let found = self.with_frame(&place, |source, site, frame| {
                let mut all = variables::variables(source, site, frame)?;
                all.extend(variables::statics(source, site.pc, frame)?);
                Ok(all)
            });
            found.ok()
        });
        let variables = variables.unwrap_or_default().into_iter();
        names.extend(variables.map(|variable| variable.name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The crossing in progress around a frame, as expressions see it.
    fn lifted_call(&mut self, frame: Option<FrameId>) -> Result<LiftedCall, DebuggeeError> {
        let frame = self.crossing_around(frame)?;
        let call = self.call(&frame)?;
        let arguments = call.arguments.iter();
        Ok(LiftedCall {
            name: call.crossing.name.clone(),
            arguments: arguments
                .map(|part| (part.name.clone(), part.value.clone()))
                .collect(),
            result: call.result().map(|part| part.value.clone()),
        })
    }

    pub(super) fn bytes_at(
        &mut self,
        reference: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError> {
        let (instance, memory, start) = address::parse_memory(reference, offset)
            .ok_or_else(|| failed(format!("{reference} is no address in memory")))?;
        let count = count.min(1 << 24);
        let bytes = self
            .timeline
            .memory(instance, memory, start, count as u32)?;
        Ok(MemoryView {
            address: address::memory_of(instance, memory, start),
            unreadable: (count - bytes.len().min(count)) as u64,
            bytes,
        })
    }
}

fn gone() -> DebuggeeError {
    failed("this variable is not there any more")
}

/// The children of what is some steps inside a variable.
fn inside(
    source: &ModuleSource,
    state: &dyn FrameState,
    root: Variable,
    steps: &[&str],
    range: std::ops::Range<u64>,
) -> Result<Vec<Variable>, DebuggeeError> {
    let mut current = root;
    for step in steps {
        let index: u64 = step.parse().map_err(|_| gone())?;
        let children = variables::children(source, &current, state, index..index + 1)?;
        current = children.into_iter().next().ok_or_else(gone)?;
    }
    Ok(variables::children(source, &current, state, range)?)
}

pub(super) fn range_of(page: Page) -> std::ops::Range<u64> {
    // Fields have names and elements numbers; a value has the one or the other.
    let _: Option<ChildKind> = page.filter;
    let start = page.start as u64;
    let count = page.count.map_or(WHOLE_PAGE, |count| count as u64);
    start..start.saturating_add(count)
}

/// Names made distinct: a variable that shadows another has the plain name.
fn distinct_names(variables: &[Variable]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for variable in variables {
        let same = names
            .iter()
            .filter(|n| n.split('#').next() == Some(&variable.name))
            .count();
        names.push(match same {
            0 => variable.name.clone(),
            n => format!("{}#{n}", variable.name),
        });
    }
    names
}

/// Steps are separated by slashes, so names must not hold any.
pub(super) fn encode(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2f")
}

pub(super) fn decode(text: &str) -> String {
    text.replace("%2f", "/").replace("%25", "%")
}

fn view(variable: &Variable, path: &str, instance: InstanceId, format: Format) -> VariableView {
    let counts = match variable.children {
        Inside::None => None,
        Inside::Named(n) => Some((Some(n), None)),
        Inside::Indexed(n) => Some((None, Some(n))),
    };
    let memory = variable.points_to.or(variable.address);
    VariableView {
        name: variable.name.clone(),
        value: if format.hex {
            hex(&variable.value)
        } else {
            variable.value.clone()
        },
        type_name: Some(variable.type_name.clone()),
        children: counts.map(|(named, indexed)| Children {
            values: ValuesRef(path.to_owned()),
            named,
            indexed,
        }),
        memory: memory.map(|at| address::memory(instance, at)),
        data: variable
            .address
            .filter(|_| variable.size > 0)
            .map(|address| {
                super::data::id_of(MemoryRange {
                    instance,
                    memory: 0,
                    address,
                    length: u32::try_from(variable.size).unwrap_or(u32::MAX),
                })
            }),
        evaluate_name: None,
        kind: ValueKind::Data,
        lazy: false,
        declared: None,
    }
}

/// A decimal integer in hexadecimal; anything else as it is.
fn hex(value: &str) -> String {
    match value.parse::<i128>() {
        Ok(number) if number < 0 => format!("-{:#x}", number.unsigned_abs()),
        Ok(number) => format!("{number:#x}"),
        Err(_) => value.to_owned(),
    }
}

fn plain(name: String, value: String, ty: &str) -> VariableView {
    VariableView {
        name,
        value,
        type_name: Some(ty.to_owned()),
        ..VariableView::default()
    }
}

pub(super) fn core_view(name: String, value: CoreValue, format: Format) -> VariableView {
    let ty = match value {
        CoreValue::I32(_) => "i32",
        CoreValue::I64(_) => "i64",
        CoreValue::F32(_) => "f32",
        CoreValue::F64(_) => "f64",
        CoreValue::V128(_) => "v128",
        CoreValue::Ref(_) => "ref",
    };
    let text = core_text(value);
    let text = if format.hex { hex(&text) } else { text };
    plain(name, text, ty)
}

fn evaluated_view(
    name: &str,
    value: &Evaluated,
    path: &str,
    instance: InstanceId,
    format: Format,
) -> VariableView {
    let name = name.to_owned();
    match value {
        Evaluated::Variable(variable) => view(variable, path, instance, format),
        Evaluated::Core(value) => core_view(name, *value, format),
        Evaluated::Bytes { address, bytes } => VariableView {
            memory: Some(address::memory(instance, *address)),
            data: Some(super::data::id_of(MemoryRange {
                instance,
                memory: 0,
                address: *address,
                length: bytes.len() as u32,
            })),
            ..plain(name, bytes_text(bytes), "bytes")
        },
        Evaluated::Lifted(_) => plain(name, value.text(), "value"),
        Evaluated::Number(number) if format.hex => plain(name, hex(number), "number"),
        Evaluated::Number(number) => plain(name, number.clone(), "number"),
        Evaluated::Truth(truth) => plain(name, truth.to_string(), "bool"),
        Evaluated::Text(text) => plain(name, format!("{text:?}"), "text"),
    }
}
