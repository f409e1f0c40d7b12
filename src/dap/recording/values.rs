//! Scopes and values. A reference to values is a path: frame, scope, then the
//! steps into it, so that the same variable has the same reference at every stop.

use super::guest::GuestFrame;
use super::hostcall::Hostcall;
use super::stack::{GuestPlace, ShownFrame};
use super::{Recording, address};
use crate::component::types::CoreValue;
use crate::dap::debuggee::{
    ChildKind, Children, DebuggeeError, Format, FrameId, MemoryView, Page, Scope, ScopeHint,
    ValueKind, ValuesRef, VariableView,
};
use crate::inspect::lift::Lifted;
use crate::inspect::predicate::core_value;
use crate::inspect::variables::{
    self, Children as Inside, Site, Variable, VariableKind, VariablesError,
};
use crate::inspect::{evaluate_path, wave};
use crate::replay::InstanceId;
use crate::source::ModuleSource;

/// The longest text of a lifted value.
const LIFTED_LIMIT: usize = 1000;
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
            ShownFrame::Hostcall { .. } => {
                let result = match self.hostcall()?.in_progress.answer {
                    Some(_) => "Result (what will be returned)",
                    None => "Result (the recording ends before it)",
                };
                return Ok(vec![
                    scope(id, "arguments", "Arguments", ScopeHint::Arguments, false),
                    scope(id, "result", result, ScopeHint::ReturnValue, false),
                    scope(id, "lowered", "Lowered", ScopeHint::Registers, true),
                ]);
            }
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
        let wasm = [
            ("wasm-locals", "Wasm locals"),
            ("stack", "Operand stack"),
            ("globals", "Globals"),
        ];
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
            ShownFrame::Hostcall { .. } => {
                let hostcall = self.hostcall()?;
                hostcall_values(&hostcall, &of.0, &key, &steps, format).ok_or_else(stale)
            }
            ShownFrame::Guest(place) => match key.as_str() {
                "wasm-locals" | "stack" | "globals" => self.core_values(&place, &key, format),
                _ => self.source_values(&place, of, &key, &steps, page, format),
            },
        }
    }

    fn core_values(
        &mut self,
        place: &GuestPlace,
        key: &str,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        self.with_frame(place, |_, _, frame| {
            let (values, prefix) = match key {
                "wasm-locals" => (&frame.locals, "local"),
                "stack" => (&frame.operands, "stack"),
                _ => (&frame.globals, "global"),
            };
            let rows = values.iter().enumerate();
            Ok(rows
                .map(|(i, value)| core_view(format!("{prefix}{i}"), *value, format))
                .collect())
        })
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
                // What a function keeps from call to call is one of its own too.
                "locals" => roots.retain(|v| v.kind != VariableKind::Argument),
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
        let (id, place) = match self.frame(id)? {
            ShownFrame::Hostcall { .. } => {
                let hostcall = self.hostcall()?;
                return hostcall_expression(&hostcall, expression);
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
        let (instance, start) = address::parse_memory(reference, offset)
            .ok_or_else(|| failed(format!("{reference} is no address in memory")))?;
        let count = count.min(1 << 24);
        let bytes = self.timeline.memory(instance, 0, start, count as u32)?;
        Ok(MemoryView {
            address: address::memory(instance, start),
            unreadable: (count - bytes.len().min(count)) as u64,
            bytes,
        })
    }
}

fn place_id(place: &GuestPlace) -> u32 {
    place.outside.saturating_mul(256) + place.inlined as u32
}

fn range_of(page: Page) -> std::ops::Range<u64> {
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
fn encode(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2f")
}

fn decode(text: &str) -> String {
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

fn core_view(name: String, value: CoreValue, format: Format) -> VariableView {
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

/// `$local0`, `$stack1`, `$global2`.
fn lifted_view(name: String, value: &Lifted, path: &str) -> VariableView {
    let inside = value.children().len();
    VariableView {
        name,
        value: wave::text(value, LIFTED_LIMIT),
        type_name: None,
        children: (inside > 0).then(|| Children {
            values: ValuesRef(path.to_owned()),
            named: Some(inside as u64),
            indexed: None,
        }),
        ..VariableView::default()
    }
}

/// The values under a path in a hostcall frame.
fn hostcall_values(
    hostcall: &Hostcall,
    path: &str,
    key: &str,
    steps: &[&str],
    format: Format,
) -> Option<Vec<VariableView>> {
    if key == "lowered" {
        let lowered = hostcall.lowered();
        let mut rows: Vec<_> = lowered
            .into_iter()
            .map(|(name, value)| core_view(name, value, format))
            .collect();
        rows.extend(hostcall.writes().into_iter().map(|(name, bytes)| {
            let text: Vec<String> = bytes.iter().take(64).map(|b| format!("{b:02x}")).collect();
            plain(name, text.join(" "), "bytes")
        }));
        return Some(rows);
    }
    let roots: Vec<(String, &Lifted)> = match key {
        "arguments" => hostcall
            .arguments
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect(),
        "result" => hostcall
            .result
            .iter()
            .map(|value| ("result".to_owned(), value))
            .collect(),
        _ => return None,
    };
    let mut level = roots;
    for step in steps {
        let index: usize = step.parse().ok()?;
        let (_, value) = level.get(index)?;
        level = value.children();
    }
    let rows = level.iter().enumerate();
    Some(
        rows.map(|(i, (name, value))| lifted_view(name.clone(), value, &format!("{path}/{i}")))
            .collect(),
    )
}

/// An argument by its name, `result`, or `$result` and `$arg.NAME`.
fn hostcall_expression(
    hostcall: &Hostcall,
    expression: &str,
) -> Result<VariableView, DebuggeeError> {
    let name = expression
        .strip_prefix("$arg.")
        .or(expression.strip_prefix('$'))
        .unwrap_or(expression);
    let value = match name {
        "result" => hostcall.result.as_ref(),
        _ => hostcall
            .arguments
            .iter()
            .find(|(argument, _)| argument == name)
            .map(|(_, value)| value),
    };
    let value = value.ok_or_else(|| {
        let names: Vec<&str> = hostcall.arguments.iter().map(|(n, _)| n.as_str()).collect();
        failed(format!(
            "the hostcall {} has no `{name}`; it has {}, result",
            hostcall.name,
            names.join(", ")
        ))
    })?;
    Ok(lifted_view(expression.to_owned(), value, "")).map(|view| VariableView {
        children: None,
        ..view
    })
}
