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
use crate::inspect::evaluate_path;
use crate::inspect::predicate::core_value;
use crate::inspect::variables::{
    self, Children as Inside, Site, Variable, VariableKind, VariablesError,
};
use crate::replay::InstanceId;
use crate::source::ModuleSource;

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
        match self.frame(Some(FrameId(frame)))? {
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
        let range = range_of(page);
        self.with_frame(place, |source, site, frame| {
            let mut roots = match key {
                "statics" => variables::statics(source, site.pc, frame)?,
                // A value of an expression: the key is the expression.
                expression if expression.starts_with('=') => {
                    let expression = decode(&expression[1..]);
                    vec![evaluate_path(source, site, &expression, frame).map_err(failed)?]
                }
                _ => variables::variables(source, site, frame)?,
            };
            match key {
                "args" => roots.retain(|v| v.kind == VariableKind::Argument),
                "locals" => roots.retain(|v| v.kind == VariableKind::Local),
                _ => {}
            }
            let is_expression = key.starts_with('=');
            if steps.is_empty() && !is_expression {
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
            let gone = || failed("this variable is not there any more");
            let mut current = match is_expression {
                true => roots.into_iter().next().ok_or_else(gone)?,
                false => {
                    let name = steps.next().map(|s| decode(s)).unwrap_or_default();
                    let names = distinct_names(&roots);
                    let index = names.iter().position(|n| *n == name).ok_or_else(gone)?;
                    roots.swap_remove(index)
                }
            };
            for step in steps {
                let index: u64 = step.parse().map_err(|_| gone())?;
                let children = variables::children(source, &current, frame, index..index + 1)?;
                current = children.into_iter().next().ok_or_else(gone)?;
            }
            let first = range.start;
            let children = variables::children(source, &current, frame, range)?;
            Ok(children
                .iter()
                .zip(first..)
                .map(|(child, i)| view(child, &format!("{}/{i}", of.0), instance, format))
                .collect())
        })
    }

    pub(super) fn evaluate_in(
        &mut self,
        expression: &str,
        id: Option<FrameId>,
        format: Format,
    ) -> Result<VariableView, DebuggeeError> {
        let expression = expression.trim();
        if let Some(value) = self.moment_value(expression) {
            return Ok(plain(expression.to_owned(), value, "u64"));
        }
        if expression.starts_with("$arg.") || expression.starts_with("$result") {
            let frame = self.crossing_around(id)?;
            return self.call_expression(&frame, expression, format);
        }
        let (id, place) = match self.frame(id)? {
            ShownFrame::Crossing(frame) => {
                return self.call_expression(&frame, expression, format);
            }
            ShownFrame::Guest(place) => (id, place),
        };
        let frame = id.map_or_else(|| place_id(&place), |id| id.0);
        let instance = place.core.instance;
        self.with_frame(&place, |source, site, state| {
            if let Some(value) = core_value(expression, state) {
                return Ok(core_view(expression.to_owned(), value, format));
            }
            let variable = evaluate_path(source, site, expression, state).map_err(failed)?;
            let path = format!("{frame}/={}", encode(expression));
            Ok(view(&variable, &path, instance, format))
        })
    }

    /// `$event`, `$tick`.
    fn moment_value(&self, expression: &str) -> Option<String> {
        let here = self.timeline.here();
        match expression {
            "$event" => Some(here.event.to_string()),
            "$tick" => Some(here.position.tick.0.to_string()),
            "$position" => Some(here.position.to_string()),
            _ => None,
        }
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

fn place_id(place: &GuestPlace) -> u32 {
    place.outside.saturating_mul(256) + place.inlined as u32
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
    let (text, ty) = match value {
        CoreValue::I32(v) => (v.to_string(), "i32"),
        CoreValue::I64(v) => (v.to_string(), "i64"),
        CoreValue::F32(bits) => (f32::from_bits(bits).to_string(), "f32"),
        CoreValue::F64(bits) => (f64::from_bits(bits).to_string(), "f64"),
        CoreValue::V128(bits) => (format!("{bits:#034x}"), "v128"),
        CoreValue::Ref(true) => ("null".into(), "ref"),
        CoreValue::Ref(false) => ("a reference".into(), "ref"),
    };
    let text = if format.hex { hex(&text) } else { text };
    plain(name, text, ty)
}
