//! The variables of a stopped frame: what is in scope, what it holds, what is
//! inside that. Each variable that cannot be shown says why, on its own.

use super::place::{FrameState, Locator, Unavailable};
use super::summary::summary;
use super::value::{Elements, Field, Look, Of, Value, View};
use crate::source::{Declared, ModuleSource, Scopes, SourceError};
use std::collections::HashSet;
use std::ops::Range;

/// The most children that one request gets.
const MOST_CHILDREN: u64 = 10_000;

/// Where a frame stands: a place in the code, and one of the bodies there, as
/// inlined calls share their place with their callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    pub pc: u32,
    /// 0 for the innermost inlined body, 1 for its caller, and so on, in the order
    /// of [`ModuleSource::inlined_at`].
    pub inlined: usize,
}

impl From<u32> for Site {
    fn from(pc: u32) -> Self {
        Site { pc, inlined: 0 }
    }
}

/// What a variable is to its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableKind {
    Argument,
    Local,
    /// Outside of functions, or `static` in one.
    Static,
    /// A part of another variable, or the value of an expression.
    Part,
}

/// How many children a variable has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    None,
    /// Fields, or what a pointer points to.
    Named(u64),
    /// Elements, to be fetched in pages.
    Indexed(u64),
}

/// A variable, or a part of one, with its value as it was when asked for.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: String,
    pub type_name: String,
    /// One line.
    pub value: String,
    pub kind: VariableKind,
    pub children: Children,
    /// Where it is, if it is in memory.
    pub address: Option<u64>,
    /// Its size in bytes.
    pub size: u64,
    /// Where it points to, if it is a pointer, or where its elements are.
    pub points_to: Option<u64>,
    /// What it takes to look inside; `None` where the value is not available.
    pub(super) inside: Option<Value>,
}

impl Variable {
    fn unavailable(name: String, type_name: String, kind: VariableKind, why: &Unavailable) -> Self {
        Variable {
            name,
            type_name,
            value: why.to_string(),
            kind,
            children: Children::None,
            address: None,
            size: 0,
            points_to: None,
            inside: None,
        }
    }
}

/// Why there are no variables or children to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariablesError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the value is not available: {0}")]
    Unavailable(#[from] Unavailable),
}

/// The arguments and locals in scope at a site, arguments first, in the order of
/// declaration. Of several with one name, the innermost.
pub fn variables(
    source: &ModuleSource,
    site: impl Into<Site>,
    state: &dyn FrameState,
) -> Result<Vec<Variable>, VariablesError> {
    let site = site.into();
    let scopes = source.scopes_at(site.pc)?;
    let look = Look::new(source, state);
    let locator = Locator::new(source, state, &scopes);
    let visible = visible(&scopes, site.inlined);
    let shown = |is_argument| {
        let wanted = visible.iter().filter(move |v| v.is_argument == is_argument);
        wanted.map(|declared| variable(&look, &locator, declared))
    };
    Ok(shown(true).chain(shown(false)).collect())
}

/// The variables outside functions in the unit that contains a place.
pub fn statics(
    source: &ModuleSource,
    pc: u32,
    state: &dyn FrameState,
) -> Result<Vec<Variable>, VariablesError> {
    let look = Look::new(source, state);
    let locator = Locator::new(source, state, &Scopes::default());
    let declared = source.statics_at(pc)?;
    let shown = declared.iter().filter(|d| !d.name.ends_with("::{vtable}"));
    let shown = shown.map(|declared| Variable {
        kind: VariableKind::Static,
        ..variable(&look, &locator, declared)
    });
    Ok(shown.collect())
}

/// A part of the children of a variable, by index.
pub fn children(
    source: &ModuleSource,
    of: &Variable,
    state: &dyn FrameState,
    range: Range<u64>,
) -> Result<Vec<Variable>, VariablesError> {
    let Some(value) = &of.inside else {
        return Ok(Vec::new());
    };
    let look = Look::new(source, state);
    let end = range.end.min(range.start.saturating_add(MOST_CHILDREN));
    let inside = inside(&look, &look.view(value)?)?;
    Ok(match inside {
        Inside::Nothing => Vec::new(),
        Inside::Fields(fields) => {
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            let length = usize::try_from(end.saturating_sub(range.start)).unwrap_or(0);
            let page = fields.into_iter().skip(start).take(length);
            page.map(|field| part(&look, field.name, field.value))
                .collect()
        }
        Inside::Elements(elements) => (range.start..end.min(elements.count))
            .map(|index| part(&look, format!("[{index}]"), elements.at(index)))
            .collect(),
    })
}

/// The variables that a body sees, inner ones in place of outer ones.
pub(super) fn visible(scopes: &Scopes, inlined: usize) -> Vec<&Declared> {
    let frame = scopes.frames.iter().rev().nth(inlined);
    let Some(frame) = frame else {
        return Vec::new();
    };
    let mut names = HashSet::new();
    let innermost_first = frame.variables.iter().rev();
    let mut visible: Vec<_> = innermost_first
        .filter(|declared| names.insert(declared.name.as_str()))
        .collect();
    visible.reverse();
    visible
}

/// Looks at a variable in scope.
pub(super) fn variable(look: &Look<'_>, locator: &Locator<'_>, declared: &Declared) -> Variable {
    let kind = if declared.is_argument {
        VariableKind::Argument
    } else {
        VariableKind::Local
    };
    let name = declared.name.clone();
    match locate(look, locator, declared) {
        Ok(value) => shown(look, name, kind, value),
        Err(why) => {
            let type_name = look.source.type_name(declared.type_id);
            Variable::unavailable(name, type_name, kind, &why)
        }
    }
}

/// The value of a variable in scope.
pub(super) fn locate(
    look: &Look<'_>,
    locator: &Locator<'_>,
    declared: &Declared,
) -> Result<Value, Unavailable> {
    let id = declared.type_id.ok_or(SourceError::DanglingReference)?;
    let size = look.source.size_of(id)?;
    Ok(Value {
        of: Of::Type(id),
        place: locator.locate(&declared.location, declared.unit, size)?,
    })
}

/// A part of a value, looked at.
pub(super) fn part(look: &Look<'_>, name: String, value: Value) -> Variable {
    shown(look, name, VariableKind::Part, value)
}

fn shown(look: &Look<'_>, name: String, kind: VariableKind, value: Value) -> Variable {
    let type_name = look.type_name(&value.of);
    let view = match look.view(&value) {
        Ok(view) => view,
        Err(why) => {
            return Variable {
                address: value.place.address(),
                ..Variable::unavailable(name, type_name, kind, &why)
            };
        }
    };
    let children = match inside(look, &view) {
        Ok(inside) => inside.count(),
        Err(_) => Children::None,
    };
    Variable {
        name,
        type_name,
        value: summary(look, &view),
        kind,
        children,
        address: value.place.address(),
        size: look.size(&value.of),
        points_to: points_to(&view),
        inside: Some(value),
    }
}

fn points_to(view: &View) -> Option<u64> {
    match view {
        View::Pointer { target, .. } => target.as_ref()?.place.address(),
        View::Text(_, elements) | View::Elements(elements) => elements.first.address(),
        View::Scalar(_) | View::Fields { .. } => None,
    }
}

/// What is found inside a value.
pub(super) enum Inside {
    Nothing,
    Fields(Vec<Field>),
    Elements(Elements),
}

impl Inside {
    fn count(&self) -> Children {
        match self {
            Inside::Nothing => Children::None,
            Inside::Fields(fields) if fields.is_empty() => Children::None,
            Inside::Fields(fields) => Children::Named(fields.len() as u64),
            Inside::Elements(elements) if elements.count == 0 => Children::None,
            Inside::Elements(elements) => Children::Indexed(elements.count),
        }
    }
}

/// Looks inside a value: through a pointer at the fields or elements of its target.
pub(super) fn inside(look: &Look<'_>, view: &View) -> Result<Inside, Unavailable> {
    Ok(match view {
        View::Scalar(_) => Inside::Nothing,
        View::Text(_, elements) | View::Elements(elements) => Inside::Elements(elements.clone()),
        View::Fields { fields, .. } => Inside::Fields(fields.clone()),
        View::Pointer { target: None, .. } => Inside::Nothing,
        View::Pointer {
            target: Some(target),
            ..
        } => match look.view(target) {
            Ok(View::Fields { fields, .. }) if !fields.is_empty() => Inside::Fields(fields),
            Ok(View::Elements(elements)) => Inside::Elements(elements),
            _ => Inside::Fields(vec![Field {
                name: "*".to_owned(),
                value: target.clone(),
            }]),
        },
    })
}
