//! The variables of a stopped frame: what is in scope, what it holds, what is
//! inside that. Each variable that cannot be shown says why, on its own.

use super::locator::Locator;
use super::notation::Notation;
use super::place::{FrameState, Place, Unavailable};
use super::summary::{named, summary};
use super::value::{Elements, Field, Items, Look, Of, Value, View};
use crate::component::types::CoreValue;
use crate::inspect::ChildCount;
use crate::source::{
    Count, Declared, EntryId, ModuleSource, Scopes, SourceError, SourceLine, Type,
};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// What the row is called that has what was returned, as in expressions.
pub const RETURNED: &str = "$return";
/// The most children that one request gets.
const MOST_CHILDREN: u64 = 10_000;

/// Where a frame stands: a place in the code, and one of the bodies there, as
/// inlined calls share their place with their callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Offset into the original core module.
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
    /// `DW_TAG_formal_parameter`.
    Argument,
    /// `DW_TAG_variable` in a function, but for those that are static.
    Local,
    /// Outside of functions, or `static` in one.
    Static,
    /// A part of another variable, or the value of an expression.
    Part,
}

/// A variable, or a part of one, with its value as it was when asked for.
#[derive(Debug, Clone)]
pub struct Variable {
    /// As declared, where hidden with `(outer)`; of a part, its field or `[3]`; or an expression.
    pub name: String,
    /// As the language spells it; empty for what has no type of its own.
    pub type_name: String,
    /// One line.
    pub value: String,
    /// What it is to its function, or that it is a part.
    pub kind: VariableKind,
    /// How much [`children`] finds inside.
    pub children: ChildCount,
    /// Where it is, if it is in memory.
    pub address: Option<u64>,
    /// Its size in bytes.
    pub size: u64,
    /// Where it points to, if it is a pointer, or where its elements are.
    pub points_to: Option<u64>,
    /// Where the source declares it; parts of a variable have no such place.
    pub declared: Option<SourceLine>,
    /// How its numbers, and those inside, are written.
    pub(in crate::inspect) notation: Notation,
    /// What it takes to look inside; `None` where the value is not available.
    pub(in crate::inspect) inside: Option<Value>,
}

impl Variable {
    fn unavailable(name: String, type_name: String, kind: VariableKind, why: &Unavailable) -> Self {
        Variable {
            name,
            type_name,
            value: why.to_string(),
            kind,
            children: ChildCount::None,
            address: None,
            size: 0,
            points_to: None,
            declared: None,
            notation: Notation::Natural,
            inside: None,
        }
    }
}

impl Variable {
    /// Its bytes, wherever they are; `None` if they cannot all be had.
    pub fn raw(&self, state: &dyn FrameState) -> Option<Vec<u8>> {
        self.inside.as_ref()?.place.read(self.size, state).ok()
    }
}

/// Why there are no variables or children to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariablesError {
    /// The debug information does not cover the place, or is damaged.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The bytes of the value to look inside cannot be had.
    #[error("the value is not available: {0}")]
    Unavailable(#[from] Unavailable),
}

/// The arguments and locals in scope at a site, arguments first, in the order of
/// declaration. Of several with one name, the innermost has it; the others are
/// `name (outer)`, `name (outer 2)` and so on, outwards.
///
/// # Errors
///
/// If no debug information describes the place, or it is damaged there.
pub fn variables(
    source: &ModuleSource,
    site: impl Into<Site>,
    state: &dyn FrameState,
) -> Result<Vec<Variable>, VariablesError> {
    variables_written(source, site.into(), state, Notation::Natural)
}

/// The same, with numbers written in a certain way.
///
/// # Errors
///
/// As [`variables`].
pub fn variables_written(
    source: &ModuleSource,
    site: Site,
    state: &dyn FrameState,
    notation: Notation,
) -> Result<Vec<Variable>, VariablesError> {
    let scopes = source.scopes_at(site.pc)?;
    let look = Look::new(source, state).written(notation);
    let locator = Locator::new(source, state, &scopes);
    let all = in_scope(&scopes, site.inlined);
    let shown = |is_argument| {
        let wanted = all
            .iter()
            .filter(move |(_, v)| v.is_argument == is_argument);
        wanted.map(|(name, declared)| Variable {
            name: name.clone(),
            ..variable(&look, &locator, declared)
        })
    };
    Ok(shown(true).chain(shown(false)).collect())
}

/// The variables outside functions in the unit that contains a place, and those of the
/// function there that live as long.
///
/// # Errors
///
/// As [`variables`].
pub fn statics(
    source: &ModuleSource,
    pc: u32,
    state: &dyn FrameState,
) -> Result<Vec<Variable>, VariablesError> {
    statics_written(source, pc, state, Notation::Natural)
}

/// The same, with numbers written in a certain way.
///
/// # Errors
///
/// As [`variables`].
pub fn statics_written(
    source: &ModuleSource,
    pc: u32,
    state: &dyn FrameState,
    notation: Notation,
) -> Result<Vec<Variable>, VariablesError> {
    let look = Look::new(source, state).written(notation);
    let locator = Locator::new(source, state, &Scopes::default());
    let mut declared = source.statics_at(pc)?;
    let frames = source.scopes_at(pc)?.frames.into_iter().rev();
    declared.extend(frames.flat_map(|f| f.variables).filter(|v| v.is_static));
    let shown = declared.iter().filter(|d| !d.name.ends_with("::{vtable}"));
    let shown = shown.map(|declared| Variable {
        kind: VariableKind::Static,
        ..variable(&look, &locator, declared)
    });
    Ok(shown.collect())
}

/// What a function has just returned to a frame, if it has returned something.
pub(in crate::inspect) fn returned_value(
    source: &ModuleSource,
    state: &dyn FrameState,
) -> Option<Value> {
    let returned = state.returned()?;
    let id = source.return_type(returned.pc)?;
    let size = source.size_of(id).ok()?;
    let place = match (returned.result, returned.address) {
        // A type without bytes has no result either.
        _ if size == 0 => Place::copied(Vec::new()),
        (Some(result), _) => {
            let mut bytes = core_bytes(result);
            bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
            Place::copied(bytes)
        }
        (None, Some(address)) => Place::Memory(address),
        // Optimised code may lose where it was to put a result.
        (None, None) => return None,
    };
    Some(Value {
        of: Of::Type(id),
        place,
    })
}

/// The same, as a row beside the variables of the frame.
pub fn returned(source: &ModuleSource, state: &dyn FrameState) -> Option<Variable> {
    let value = returned_value(source, state)?;
    let name = RETURNED.to_owned();
    Some(shown(
        &Look::new(source, state),
        name,
        VariableKind::Local,
        value,
    ))
}

/// The bytes of a core value, as they would be in memory.
fn core_bytes(value: CoreValue) -> Vec<u8> {
    match value {
        CoreValue::I32(value) => value.to_le_bytes().to_vec(),
        CoreValue::I64(value) => value.to_le_bytes().to_vec(),
        CoreValue::F32(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::F64(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::V128(bits) => bits.to_le_bytes().to_vec(),
        CoreValue::Ref(_) => Vec::new(),
    }
}

/// The variable outside functions with a name: the last parts of its path, such as
/// `total`, `bank::total`; in any unit, the one that contains a place first.
pub fn static_named(
    source: &ModuleSource,
    pc: u32,
    name: &str,
    state: &dyn FrameState,
) -> Option<Variable> {
    let declared = source.static_named(pc, name)?;
    let look = Look::new(source, state);
    let locator = Locator::new(source, state, &Scopes::default());
    Some(Variable {
        name: name.to_owned(),
        kind: VariableKind::Static,
        ..variable(&look, &locator, &declared)
    })
}

/// A part of the children of a variable, by index.
///
/// # Errors
///
/// If the debug information of its type is damaged, or its place cannot be read.
pub fn children(
    source: &ModuleSource,
    of: &Variable,
    state: &dyn FrameState,
    range: Range<u64>,
) -> Result<Vec<Variable>, VariablesError> {
    let Some(value) = &of.inside else {
        return Ok(Vec::new());
    };
    let look = Look::new(source, state).written(of.notation);
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
        Inside::Items(items) => named(&look, &items, range.start..end)
            .into_iter()
            .map(|field| part(&look, field.name, field.value))
            .collect(),
    })
}

/// The variables that a body sees, inner ones in place of outer ones.
pub(in crate::inspect) fn visible(scopes: &Scopes, inlined: usize) -> Vec<&Declared> {
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

/// All variables of a body, with names that tell them apart, outermost first.
fn in_scope(scopes: &Scopes, inlined: usize) -> Vec<(String, &Declared)> {
    let Some(frame) = scopes.frames.iter().rev().nth(inlined) else {
        return Vec::new();
    };
    let mut inner: HashMap<&str, usize> = HashMap::new();
    let all = frame.variables.iter().rev().map(|declared| {
        let before = inner.entry(&declared.name).or_default();
        *before += 1;
        let name = match *before {
            1 => declared.name.clone(),
            2 => format!("{} (outer)", declared.name),
            n => format!("{} (outer {})", declared.name, n - 1),
        };
        (name, declared)
    });
    let mut named: Vec<_> = all.collect();
    named.reverse();
    named
}

/// Looks at a variable in scope.
pub(in crate::inspect) fn variable(
    look: &Look<'_>,
    locator: &Locator<'_>,
    declared: &Declared,
) -> Variable {
    let kind = if declared.is_argument {
        VariableKind::Argument
    } else if declared.is_static {
        VariableKind::Static
    } else {
        VariableKind::Local
    };
    let name = declared.name.clone();
    let variable = match locate(look, locator, declared) {
        Ok(value) => shown(look, name, kind, value),
        Err(why) => {
            let type_name = look.source.type_name(declared.type_id);
            Variable::unavailable(name, type_name, kind, &why)
        }
    };
    Variable {
        declared: declared.declared,
        ..variable
    }
}

/// The value of a variable in scope.
pub(in crate::inspect) fn locate(
    look: &Look<'_>,
    locator: &Locator<'_>,
    declared: &Declared,
) -> Result<Value, Unavailable> {
    let id = declared.type_id.ok_or(SourceError::DanglingReference)?;
    let size = look.source.size_of(id)?;
    Ok(Value {
        of: measured(look, locator, id)?,
        place: locator.locate(&declared.location, declared.unit, size)?,
    })
}

/// A type; of an array of variable length, with the lengths that it has at this place.
fn measured(look: &Look<'_>, locator: &Locator<'_>, id: EntryId) -> Result<Of, Unavailable> {
    let Type::Array {
        element: Some(element),
        counts,
    } = look.source.resolved(id)?.1
    else {
        return Ok(Of::Type(id));
    };
    if !counts
        .iter()
        .any(|count| matches!(count, Count::Variable(_)))
    {
        return Ok(Of::Type(id));
    }
    let length = |count: &Count| match count {
        Count::Known(count) => Ok(*count),
        Count::Unknown => Ok(0),
        Count::Variable(entry) => {
            let declared = look.source.variable_at(*entry, locator.pc)?;
            let declared = declared.ok_or(SourceError::DanglingReference)?;
            let of = declared.type_id.ok_or(SourceError::DanglingReference)?;
            let size = look.source.size_of(of)?;
            let place = locator.locate(&declared.location, declared.unit, size)?;
            place.read_number(size, look.state)
        }
    };
    Ok(Of::Array {
        element,
        counts: counts.iter().map(length).collect::<Result<_, _>>()?,
    })
}

/// A part of a value, looked at.
pub(in crate::inspect) fn part(look: &Look<'_>, name: String, value: Value) -> Variable {
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
        Err(_) => ChildCount::None,
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
        declared: None,
        notation: look.notation,
        inside: Some(value),
    }
}

fn points_to(view: &View) -> Option<u64> {
    match view {
        View::Pointer { target, .. } => target.as_ref()?.place.address(),
        View::Text(_, elements) | View::Elements(elements) => elements.first.address(),
        View::Scalar(_) | View::Told { .. } | View::Fields { .. } | View::Items(_) => None,
    }
}

/// What is found inside a value.
pub(in crate::inspect) enum Inside {
    Nothing,
    Fields(Vec<Field>),
    Elements(Elements),
    /// Values that are reached one by one.
    Items(Items),
}

impl Inside {
    fn count(&self) -> ChildCount {
        match self {
            Inside::Nothing => ChildCount::None,
            Inside::Fields(fields) if fields.is_empty() => ChildCount::None,
            Inside::Fields(fields) => ChildCount::Named(fields.len() as u64),
            Inside::Elements(elements) if elements.count == 0 => ChildCount::None,
            Inside::Elements(elements) => ChildCount::Indexed(elements.count),
            Inside::Items(items) if items.count == 0 => ChildCount::None,
            Inside::Items(items) => ChildCount::Indexed(items.count),
        }
    }
}

/// Looks inside a value: through a pointer at the fields or elements of its target.
pub(in crate::inspect) fn inside(look: &Look<'_>, view: &View) -> Result<Inside, Unavailable> {
    Ok(match view {
        View::Scalar(_) => Inside::Nothing,
        View::Text(_, elements) | View::Elements(elements) => Inside::Elements(elements.clone()),
        View::Items(items) => Inside::Items(items.clone()),
        View::Fields { fields, .. } | View::Told { fields, .. } => Inside::Fields(fields.clone()),
        View::Pointer { target: None, .. } => Inside::Nothing,
        View::Pointer {
            target: Some(target),
            beside,
            ..
        } => behind(look, target, beside),
    })
}

fn behind(look: &Look<'_>, target: &Value, beside: &[Field]) -> Inside {
    let mut fields = match look.view(target) {
        Ok(View::Fields { fields, .. }) if !fields.is_empty() => fields,
        Ok(View::Elements(elements)) if beside.is_empty() => return Inside::Elements(elements),
        Ok(View::Items(items)) if beside.is_empty() => return Inside::Items(items),
        _ => vec![Field {
            name: "*".to_owned(),
            value: target.clone(),
        }],
    };
    fields.extend_from_slice(beside);
    Inside::Fields(fields)
}
