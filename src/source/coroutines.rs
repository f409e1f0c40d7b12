//! Coroutines: what rustc makes of asynchronous functions, blocks and closures. Its debug
//! information has a type for each, whose cases are the places where it can be suspended.

use super::error::SourceError;
use super::lines::SourceLine;
use super::module::ModuleSource;
use super::scopes::MOST_ENTRIES;
use super::type_names::is_coroutine;
use super::types::{Case, Type};
use super::units::{EntryId, Unit};
use std::fmt::{self, Display};

/// What rustc calls the future that a coroutine waits for.
pub(crate) const AWAITEE: &str = "__awaitee";

/// What is written for a coroutine in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoroutineKind {
    /// `async fn`
    Function,
    /// `async {}`
    Block,
    /// `async || {}`
    Closure,
    /// One of another sort, such as a generator.
    Other,
}

/// One coroutine of a program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Coroutine {
    /// What it is.
    pub kind: CoroutineKind,
    /// The path to the function that it is, or is in.
    pub function: String,
}

impl Display for Coroutine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            CoroutineKind::Function => "async fn",
            CoroutineKind::Block => "async block in",
            CoroutineKind::Closure => "async closure in",
            CoroutineKind::Other => "coroutine in",
        };
        write!(f, "{what} {}", self.function)
    }
}

impl Coroutine {
    /// From the path to its type: `till::sell::{async_fn#0}::{async_block_env#1}<u32>`.
    fn of(path: &str) -> Option<Coroutine> {
        let mut parts = parts(path);
        let own = parts.pop()?;
        let kind = match own {
            own if own.starts_with("{async_fn") => CoroutineKind::Function,
            own if own.starts_with("{async_block") => CoroutineKind::Block,
            own if own.starts_with("{async_closure") => CoroutineKind::Closure,
            _ => CoroutineKind::Other,
        };
        // What it is within, and the block of an implementation, has a number for a name.
        parts.retain(|part| !part.starts_with('{'));
        let function = match parts.is_empty() {
            true => own.to_owned(),
            false => parts.join("::"),
        };
        Some(Coroutine { kind, function })
    }
}

/// The parts of a path; arguments may have paths of their own.
fn parts(path: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes.get(at) {
            Some(b'<' | b'(' | b'[') => depth += 1,
            // The arrow of a function's type closes nothing.
            Some(b'>') if at > 0 && bytes.get(at - 1) == Some(&b'-') => {}
            Some(b'>' | b')' | b']') => depth = depth.saturating_sub(1),
            Some(b':') if depth == 0 && bytes.get(at + 1) == Some(&b':') => {
                parts.extend(path.get(start..at));
                at += 1;
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.extend(path.get(start..));
    parts
}

impl ModuleSource {
    /// The coroutine that a type with this name is.
    pub(crate) fn coroutine(&self, id: EntryId, name: &str) -> Option<Coroutine> {
        if !is_coroutine(name) {
            return None;
        }
        let path = self.type_names().coroutine(&self.entries().units, id);
        Coroutine::of(path.unwrap_or(name))
    }

    /// Whether the function that contains a place does nothing but make the future that it is
    /// for a person: what runs is that, when it is awaited.
    pub fn makes_coroutine(&self, pc: u32) -> bool {
        let made = || {
            let function = self.function_at(pc)?;
            let (id, Type::Composite(body)) = self.resolved(self.return_type(pc)?).ok()? else {
                return None;
            };
            let made = self.coroutine(id, body.name.as_deref()?)?;
            let name = parts(&made.function).pop().map(str::to_owned);
            let is_it = name.as_deref() == Some(function.short_name.as_str());
            Some(made.kind == CoroutineKind::Function && is_it)
        };
        made().unwrap_or(false)
    }

    /// Where a coroutine is suspended in one of its states. What a macro of a library waits for
    /// is waited for where the program uses the macro.
    pub(crate) fn line_suspended(
        &self,
        of: EntryId,
        name: &str,
        (cases, state): (&[Case], &Case),
        awaitee: Option<EntryId>,
    ) -> Option<SourceLine> {
        let line = self.line_of_case(of, state)?;
        let begins = cases.first().and_then(|case| self.line_of_case(of, case));
        let (Some(begins), Some(awaitee)) = (begins, awaitee) else {
            return Some(line);
        };
        if begins.file == line.file {
            return Some(line);
        }
        let used = self.line_of_use(name, begins, awaitee);
        Some(used.ok().flatten().unwrap_or(line))
    }

    /// Where the program uses a macro that waits for a future of a type: what resumes the
    /// coroutine declares that as a variable there.
    fn line_of_use(
        &self,
        name: &str,
        begins: SourceLine,
        awaitee: EntryId,
    ) -> Result<Option<SourceLine>, SourceError> {
        let name = name.split('<').next().unwrap_or(name);
        let resuming = name.replacen("_env#", "#", 1);
        let functions = self.functions_named(&resuming).into_iter();
        let mut own = functions.filter(|function| {
            let declared = function.declared.map(|at| (at.file, at.line));
            declared == Some((begins.file, begins.line))
        });
        let Some(function) = own.next() else {
            return Ok(None);
        };
        let of = self.type_name(Some(awaitee));
        let entries = self.entries();
        let unit = entries.units.of(function.entry.unit)?;
        let mut raw = unit.dwarf.entries_raw(Some(function.entry.unit_offset()))?;
        let mut attributes = Vec::new();
        for number in 0..MOST_ENTRIES {
            if raw.is_empty() || number > 0 && raw.next_depth() <= 0 {
                break;
            }
            let Some(abbreviation) = raw.read_abbreviation()? else {
                continue;
            };
            raw.read_attributes(abbreviation.attributes(), &mut attributes)?;
            if abbreviation.tag() != gimli::DW_TAG_variable {
                continue;
            }
            let declared = entries.declaration(function.entry.unit, &attributes);
            // Each unit describes the types that it uses.
            let is_it =
                || declared.type_id == Some(awaitee) || self.type_name(declared.type_id) == of;
            if declared.name.as_deref() == Some(AWAITEE) && is_it() {
                let is_own = |line: &SourceLine| line.file == begins.file;
                return Ok(declared.declared.filter(is_own));
            }
        }
        Ok(None)
    }

    fn line_of_case(&self, of: EntryId, case: &Case) -> Option<SourceLine> {
        let (file, line) = case.declared?;
        Some(SourceLine {
            file: self.entries().lines().unit_file(of.unit, file)?,
            line,
            column: 0,
        })
    }

    /// Whether a runtime for Rust is in it that keeps the states of tasks.
    pub(crate) fn has_task_states(&self) -> bool {
        self.entries().units.all.iter().any(Unit::is_rust) && !self.task_states().is_empty()
    }

    /// The types in which the runtime for Rust keeps what is left to do of a task.
    pub(crate) fn task_states(&self) -> &[EntryId] {
        self.type_names().task_states(&self.entries().units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_a_coroutine_is_in() {
        let told = |path| Coroutine::of(path).unwrap().to_string();
        assert_eq!(told("till::sell::{async_fn_env#0}"), "async fn till::sell");
        assert_eq!(
            told("till::{impl#3}::sell::{async_fn#0}::{async_block_env#1}<(u32, a::B)>"),
            "async block in till::sell"
        );
        assert_eq!(
            told("till::Shelf<a::B, fn(a::C) -> u8>::sell::{async_closure_env#0}"),
            "async closure in till::Shelf<a::B, fn(a::C) -> u8>::sell"
        );
        assert_eq!(told("{gen_block_env#0}"), "coroutine in {gen_block_env#0}");
    }
}
