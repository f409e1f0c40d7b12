//! Scopes and values. A reference to values is a path: frame, scope, then the
//! steps into it, so that the same variable has the same reference at every stop.

use super::guest::GuestFrame;
use super::rows::{decode, encode, range_of, view};
use super::stack::{GuestPlace, NOWHERE, ShownFrame};
use super::{Recording, address, core};
use crate::debuggee::{
    ChildKind, Children, DebuggeeError, Format, FrameId, MemoryView, Page, Scope, ScopeHint,
    SourcePoint, SourceRef, ValuesRef, VariableView,
};
use crate::inspect::expression::Expression;
use crate::inspect::variable::variables::{self, Site, Variable, VariableKind, VariablesError};
use crate::inspect::{ChildCount, FrameState, Notation};
use crate::replay::InstanceId;
use crate::source::{ModuleSource, SourceLine};
use std::sync::Arc;

pub(super) fn failed(error: impl std::fmt::Display) -> DebuggeeError {
    DebuggeeError::Other(error.to_string())
}

impl From<VariablesError> for DebuggeeError {
    fn from(error: VariablesError) -> Self {
        failed(error)
    }
}

/// The key of the scope of what a function has returned.
const RETURNED: &str = "return";

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
        if id == NOWHERE && self.stack()?.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(scopes) = self.scopes_of_logical(id)? {
            return Ok(scopes);
        }
        let place = match self.frame(Some(id))? {
            ShownFrame::Crossing(frame) => return self.scopes_of_crossing(&frame),
            ShownFrame::Guest(place) => place,
        };
        let mut scopes = Vec::new();
        let has_variables = self
            .timeline
            .module(place.core.module)
            .is_some_and(|m| m.source.function_at(place.core.pc).is_some());
        if !has_variables {
            // The core level is all that there is: what a function has of its own comes open.
            let core_scope = |(key, name)| {
                let is_folded = key != core::LOCALS;
                scope(id, key, name, ScopeHint::Registers, is_folded)
            };
            return Ok(core::SCOPES.map(core_scope).to_vec());
        }
        let variables = self.variables_at(&place)?;
        let is_argument = |v: &Variable| v.kind == VariableKind::Argument;
        let locals = scope(id, "locals", "Locals", ScopeHint::Locals, false);
        let arguments = scope(id, "args", "Arguments", ScopeHint::Arguments, false);
        // Editors open the first scope by themselves.
        let has_returned = self.has_returned_to(&place)?;
        match (
            variables.iter().any(is_argument),
            variables.iter().all(is_argument) && !has_returned,
        ) {
            (true, true) => scopes.extend([arguments, locals]),
            (true, false) => scopes.extend([locals, arguments]),
            (false, _) => scopes.push(locals),
        }
        if has_returned {
            let hint = ScopeHint::ReturnValue;
            scopes.push(scope(id, RETURNED, "Return value", hint, false));
        }
        scopes.extend(self.task_scope());
        scopes.push(scope(id, "statics", "Statics", ScopeHint::None, true));
        let (key, name) = core::ALL;
        scopes.push(scope(id, key, name, ScopeHint::Registers, true));
        Ok(scopes)
    }

    /// Lends the module and the state of a guest frame.
    pub(super) fn with_frame<T>(
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
        let looked = look(&module.source, site, &frame);
        frame.vouch_for(looked)?
    }

    /// Whether a function has just returned a value to a frame.
    fn has_returned_to(&mut self, place: &GuestPlace) -> Result<bool, DebuggeeError> {
        self.with_frame(place, |source, _, frame| {
            Ok(variables::returned(source, frame).is_some())
        })
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
        if of.0.split('/').next() == Some(super::tasks::KEY) {
            let steps: Vec<&str> = steps.skip(1).collect();
            return self.task_values(&steps);
        }
        let stale = || failed("these values are not there any more");
        let frame: u32 = steps
            .next()
            .and_then(|s| s.parse().ok())
            .ok_or_else(stale)?;
        let key = steps.next().ok_or_else(stale)?.to_owned();
        let steps: Vec<&str> = steps.collect();
        let id = Some(FrameId(frame));
        if self.logical_at(FrameId(frame))?.is_some() {
            if let Some(text) = key.strip_prefix('=') {
                let expression = Expression::parse(&decode(text)).map_err(failed)?;
                let expression = expression.written(format.notation);
                return self.expression_values(&expression, id, of, &steps, page);
            }
            let values = self.logical_values(FrameId(frame), of, &steps, page)?;
            return values.ok_or_else(stale);
        }
        match self.frame(id)? {
            // A value of an expression: the key is the expression.
            _ if let Some(text) = key.strip_prefix('=') => {
                let text = decode(text);
                let expression = Expression::parse(&text).map_err(failed)?;
                let expression = expression.written(format.notation);
                match self.crossing_of_path(&expression, expression.bare(), id)? {
                    Some(frame) => self.call_values(&frame, &of.0, &key, &steps, (page, format)),
                    None => self.expression_values(&expression, id, of, &steps, page),
                }
            }
            ShownFrame::Crossing(frame) => {
                self.call_values(&frame, &of.0, &key, &steps, (page, format))
            }
            ShownFrame::Guest(_) if key == core::ALL.0 => Ok(core::groups(frame)),
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
        let (instance, module) = (place.core.instance, place.core.module);
        let sources = Arc::clone(&self.sources);
        self.with_frame(place, |source, site, frame| {
            // Among the locals, which editors open, and as a group, which the protocol knows.
            let returned = match key {
                "locals" | RETURNED => variables::returned(source, frame),
                _ => None,
            };
            let mut roots = match key {
                RETURNED => Vec::new(),
                _ => roots(source, site, frame, (key, format.notation))?,
            };
            roots.splice(0..0, returned);
            let within = Within {
                source,
                frame,
                instance,
            };
            let Some((name, steps)) = steps.split_first() else {
                let declared = |line| {
                    let place = sources.place_of(module, source, line, None);
                    (place.source, place.point)
                };
                return Ok(within.root_rows(&roots, &of.0, declared));
            };
            let name = decode(name);
            let mut named = distinct_names(&roots).into_iter().zip(roots);
            let root = named.find(|(known, _)| *known == name);
            let (_, root) = root.ok_or_else(gone)?;
            let expression = expression_for(&name);
            within.rows(root, expression, steps, &of.0, page)
        })
    }

    pub(super) fn bytes_at(
        &mut self,
        reference: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError> {
        let (instance, memory, start) = address::parse_memory(reference, offset)
            .ok_or_else(|| failed(format!("{reference} is not an address in memory")))?;
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

pub(super) fn gone() -> DebuggeeError {
    failed("this variable is not there any more")
}

/// Where variables are looked at.
pub(super) struct Within<'a> {
    pub(super) source: &'a ModuleSource,
    pub(super) frame: &'a dyn FrameState,
    pub(super) instance: InstanceId,
}

/// The variables of one scope of a frame.
fn roots(
    source: &ModuleSource,
    site: Site,
    frame: &dyn FrameState,
    (key, notation): (&str, Notation),
) -> Result<Vec<Variable>, VariablesError> {
    let mut roots = match key {
        "statics" => variables::statics_written(source, site.pc, frame, notation)?,
        _ => variables::variables_written(source, site, frame, notation)?,
    };
    match key {
        "args" => roots.retain(|v| v.kind == VariableKind::Argument),
        // What a function keeps from call to call is one of its own too.
        "locals" => roots.retain(|v| v.kind != VariableKind::Argument),
        _ => {}
    }
    Ok(roots)
}

impl Within<'_> {
    /// The variables of a scope, each with where it is declared.
    fn root_rows(
        &self,
        roots: &[Variable],
        scope: &str,
        declared: impl Fn(SourceLine) -> (SourceRef, SourcePoint),
    ) -> Vec<VariableView> {
        let names = distinct_names(roots);
        let rows = roots.iter().zip(&names).map(|(variable, name)| {
            let path = format!("{scope}/{}", encode(name));
            let expression = expression_for(name);
            VariableView {
                declared: variable.declared.map(&declared),
                ..view(variable, &path, expression, self.instance)
            }
        });
        rows.collect()
    }

    /// The children of what is some steps inside a variable, each with the expression for
    /// it, if there is one for the variable.
    pub(super) fn rows(
        &self,
        root: Variable,
        expression: Option<String>,
        steps: &[&str],
        path: &str,
        page: Page,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let (mut current, mut expression) = (root, expression);
        for step in steps {
            let index: u64 = step.parse().map_err(|_| gone())?;
            let children = self.children(&current, index..index + 1)?;
            current = children.into_iter().next().ok_or_else(gone)?;
            expression = expression.and_then(|outer| expression_of(&outer, &current.name));
        }
        // Fields have names and elements numbers; a value has the one or the other.
        let has = match current.children {
            ChildCount::None => None,
            ChildCount::Named(_) => Some(ChildKind::Named),
            ChildCount::Indexed(_) => Some(ChildKind::Indexed),
        };
        if page.filter.is_some() && page.filter != has {
            return Ok(Vec::new());
        }
        let range = range_of(page);
        let children = self.children(&current, range.clone())?;
        let rows = children.iter().zip(range.start..).map(|(child, i)| {
            let outer = expression.as_deref();
            let expression = outer.and_then(|outer| expression_of(outer, &child.name));
            let path = format!("{path}/{i}");
            view(child, &path, expression, self.instance)
        });
        Ok(rows.collect())
    }

    fn children(
        &self,
        of: &Variable,
        range: std::ops::Range<u64>,
    ) -> Result<Vec<Variable>, DebuggeeError> {
        Ok(variables::children(self.source, of, self.frame, range)?)
    }
}

/// The expression for a part of what an expression means, by the part's name.
fn expression_of(outer: &str, name: &str) -> Option<String> {
    let simple = is_name(outer.strip_prefix('$').unwrap_or(outer))
        || outer.ends_with([']', ')'])
        || outer.contains('.');
    let outer = match simple && !outer.starts_with('*') {
        true => outer.to_owned(),
        false => format!("({outer})"),
    };
    match name {
        "*" => Some(format!("*{outer}")),
        // An index, or a key.
        element if element.starts_with('[') => {
            let inside = element.strip_prefix('[')?.strip_suffix(']')?;
            let is_key = inside.parse::<i64>().is_ok() || inside.starts_with('"');
            is_key.then(|| format!("{outer}{element}"))
        }
        field => is_field(field).then(|| format!("{outer}.{field}")),
    }
}

/// What a row of a scope is in an expression, by its name.
fn expression_for(name: &str) -> Option<String> {
    (is_name(name) || name == variables::RETURNED).then(|| name.to_owned())
}

/// Whether a name means the same in an expression: not that of a variable in the shadow of
/// another.
pub(super) fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit()) && is_field(text)
}

fn is_field(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == ':')
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
