//! Coroutines of Rust, which asynchronous functions and blocks are: where each is suspended,
//! what it keeps meanwhile, and what it waits for.

use crate::inspect::variable::place::{Place, Unavailable};
use crate::inspect::variable::value::{Field, Look, Of, Value, View};
use crate::source::{Composite, Coroutine, EntryId, SourceLine, Type};

/// What rustc calls the future that a coroutine waits for.
pub(in crate::inspect) const AWAITEE: &str = "__awaitee";
/// What it is called here.
const AWAITS: &str = "[awaits]";

/// How far a coroutine has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It has not begun.
    Unresumed,
    /// It waits, or it runs since it has waited there.
    Suspended,
    /// It is over.
    Returned,
    /// It was left by a panic.
    Panicked,
}

impl Progress {
    /// Whether nothing of it is left to do.
    pub(in crate::inspect) fn is_over(self) -> bool {
        matches!(self, Progress::Returned | Progress::Panicked)
    }
}

/// A coroutine as it is in memory.
#[derive(Debug, Clone)]
pub(in crate::inspect) struct Suspended {
    pub(in crate::inspect) coroutine: Coroutine,
    pub(in crate::inspect) progress: Progress,
    /// Where it waits, or, of one that does not, where it is declared.
    pub(in crate::inspect) line: Option<SourceLine>,
    /// What it keeps.
    pub(in crate::inspect) kept: Vec<Field>,
    /// What it waits for.
    pub(in crate::inspect) awaitee: Option<Value>,
}

/// The coroutine that a value of a type is; `None` of any other type.
pub(in crate::inspect) fn coroutine(
    look: &Look<'_>,
    id: EntryId,
    composite: &Composite,
    place: &Place,
) -> Result<Option<Suspended>, Unavailable> {
    let (Some(name), Some(variants)) = (&composite.name, &composite.variants) else {
        return Ok(None);
    };
    let Some(coroutine) = look.source.coroutine(id, name) else {
        return Ok(None);
    };
    let Ok(case) = look.active_case(variants, place)? else {
        return Ok(None);
    };
    let Some(of) = case.member.type_id else {
        return Ok(None);
    };
    let Type::Composite(state) = look.source.resolved(of)?.1 else {
        return Ok(None);
    };
    let progress = match state.name.as_deref() {
        Some("Unresumed") => Progress::Unresumed,
        Some("Returned") => Progress::Returned,
        Some("Panicked") => Progress::Panicked,
        _ => Progress::Suspended,
    };
    let place = place.after(case.member.offset);
    let mut found = Suspended {
        coroutine,
        progress,
        line: look.source.line_of_case(id, case),
        kept: Vec::new(),
        awaitee: None,
    };
    if progress.is_over() {
        // What it was called with is gone, though the type has it in every state.
        return Ok(Some(found));
    }
    for member in &state.members {
        let (Some(name), Some(of)) = (&member.name, member.type_id) else {
            continue;
        };
        let value = Value {
            of: Of::Type(of),
            place: place.after(member.offset),
        };
        if name == AWAITEE {
            found.awaitee = Some(value);
        } else if !name.starts_with("__") && !found.kept.iter().any(|kept| kept.name == *name) {
            // Parameters come twice. What the compiler keeps for itself has a number.
            found.kept.push(Field {
                name: name.clone(),
                value,
            });
        }
    }
    Ok(Some(found))
}

/// What a coroutine shows: where it is; inside, what it keeps and what it waits for.
pub(in crate::inspect) fn view(
    look: &Look<'_>,
    id: EntryId,
    composite: &Composite,
    place: &Place,
) -> Result<Option<View>, Unavailable> {
    let Some(found) = coroutine(look, id, composite, place)? else {
        return Ok(None);
    };
    let text = found.told(look);
    let mut fields = found.kept;
    fields.extend(found.awaitee.map(|value| Field {
        name: AWAITS.to_owned(),
        value,
    }));
    Ok(Some(View::Told { text, fields }))
}

impl Suspended {
    /// `async fn till::sell, suspended at till.rs:42`
    fn told(&self, look: &Look<'_>) -> String {
        let what = &self.coroutine;
        match self.progress {
            Progress::Unresumed => format!("{what}, not begun"),
            Progress::Returned => format!("{what}, returned"),
            Progress::Panicked => format!("{what}, left by a panic"),
            Progress::Suspended => match self.line {
                Some(line) => {
                    let file = look.source.file(line.file);
                    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
                    format!("{what}, suspended at {file}:{}", line.line)
                }
                None => format!("{what}, suspended"),
            },
        }
    }
}
