//! What a type is made of: its fields with their offsets, its cases, its enumerators.

use super::value::{Look, Of};
use crate::source::{Case, Composite, EntryId, Member, ModuleSource, SourceError, Type};

/// Lines of one type that are told.
const MOST_LINES: usize = 500;
/// How far pointers to pointers, arrays of arrays and structs without a name are followed.
const DEEPEST: usize = 6;

/// The type's name and size on the first line, then a line for each part; of pointers and
/// arrays, what they lead to is told as well.
pub(in crate::inspect) fn declaration(look: &Look<'_>, of: &Of) -> Result<String, SourceError> {
    let source = look.source;
    let mut lines = vec![sized(look.type_name(of), look.size(of))];
    match of {
        Of::Type(id) => told(source, *id, &mut lines, DEEPEST)?,
        Of::Array { element, .. } => behind(source, *element, &mut lines, DEEPEST)?,
        Of::Said(_) | Of::Lost(_) => {}
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("… more".to_owned());
    }
    Ok(lines.join("\n"))
}

fn sized(name: String, size: u64) -> String {
    match size {
        0 => name,
        1 => format!("{name}: 1 byte"),
        size => format!("{name}: {size} bytes"),
    }
}

/// What is to be said below a type's name.
fn told(
    source: &ModuleSource,
    id: EntryId,
    lines: &mut Vec<String>,
    depth: usize,
) -> Result<(), SourceError> {
    let (resolved, of) = source.resolved(id)?;
    let is_alias = matches!(source.type_at(id)?, Type::Alias { .. });
    let is_unnamed = matches!(&of, Type::Composite(body) if body.name.is_none());
    let name = source.type_name(Some(resolved));
    if is_alias && !is_unnamed && name != source.type_name(Some(id)) {
        lines.push(format!("  = {name}"));
    }
    match of {
        Type::Composite(composite) => parts(source, &composite, 0, 0, lines, depth),
        Type::Enumeration { enumerators, .. } => {
            let named = enumerators.iter();
            let named = named.take(MOST_LINES);
            lines.extend(named.map(|(name, value)| format!("  {name} = {value}")));
        }
        Type::Pointer {
            target: Some(target),
            ..
        }
        | Type::Array {
            element: Some(target),
            ..
        } => behind(source, target, lines, depth)?,
        _ => {}
    }
    Ok(())
}

/// What a pointer or an array leads to, if there is more to it than its name.
fn behind(
    source: &ModuleSource,
    id: EntryId,
    lines: &mut Vec<String>,
    depth: usize,
) -> Result<(), SourceError> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Ok(());
    };
    let mut inside = Vec::new();
    told(source, id, &mut inside, deeper)?;
    if !inside.is_empty() {
        lines.push(sized(source.type_name(Some(id)), source.size_of(id)?));
        lines.append(&mut inside);
    }
    Ok(())
}

/// The parts of a struct, union or Rust enum that begins so many bytes into the whole.
fn parts(
    source: &ModuleSource,
    of: &Composite,
    start: u64,
    indent: usize,
    lines: &mut Vec<String>,
    depth: usize,
) {
    if of.is_declaration {
        lines.push("  only declared: what it is made of is not in the debug information".into());
    }
    for member in &of.members {
        // Structs without a name can be in each other more often than anybody reads.
        if lines.len() > MOST_LINES {
            return;
        }
        part(source, member, start, indent, lines, depth);
    }
    let Some(variants) = &of.variants else {
        return;
    };
    for case in variants.cases.iter().take(MOST_LINES) {
        if lines.len() > MOST_LINES {
            return;
        }
        lines.push(format!("  {:indent$}        {}", "", case_name(case)));
        let body = case.member.type_id.map(|id| source.resolved(id));
        if let (Some(Ok((_, Type::Composite(body)))), Some(deeper)) = (body, depth.checked_sub(1)) {
            let start = start.saturating_add(case.member.offset);
            parts(source, &body, start, indent + 2, lines, deeper);
        }
    }
}

fn part(
    source: &ModuleSource,
    member: &Member,
    start: u64,
    indent: usize,
    lines: &mut Vec<String>,
    depth: usize,
) {
    let offset = start.saturating_add(member.offset);
    let body = member.type_id.map(|id| source.type_at(id));
    let unnamed = match body {
        Some(Ok(Type::Composite(body))) if body.name.is_none() => Some(body),
        _ => None,
    };
    let of = match &unnamed {
        Some(body) if body.is_union => "union".to_owned(),
        Some(_) => "struct".to_owned(),
        None => source.type_name(member.type_id),
    };
    let bits = member
        .bits
        .as_ref()
        .map_or(String::new(), |bits| match bits.count {
            1 => format!(", bit {}", bits.first),
            count => format!(
                ", bits {} to {}",
                bits.first,
                bits.first.saturating_add(count).saturating_sub(1)
            ),
        });
    let what = match &member.name {
        Some(name) => format!("{name}: {of}{bits}"),
        None if member.is_base_class => format!("base {of}"),
        None => format!("{of}{bits}"),
    };
    lines.push(format!("  {offset:>6}  {:indent$}{what}", ""));
    if let (Some(body), Some(deeper)) = (unnamed, depth.checked_sub(1)) {
        parts(source, &body, offset, indent + 2, lines, deeper);
    }
}

fn case_name(case: &Case) -> String {
    let name = case.member.name.as_deref().unwrap_or("_");
    match case.discriminant {
        Some(discriminant) => format!("{name} ({discriminant})"),
        None => name.to_owned(),
    }
}
