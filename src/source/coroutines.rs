//! Coroutines: what rustc makes of asynchronous functions, blocks and closures. Its debug
//! information has a type for each, whose cases are the places where it can be suspended.

use super::error::SourceError;
use super::functions::Function;
use super::lines::SourceLine;
use super::module::ModuleSource;
use super::ranges::{RangesLeft, ranges};
use super::scopes::MOST_ENTRIES;
use super::sections::Reader;
use super::type_names::is_coroutine;
use super::types::{Case, declared};
use super::units::{EntryId, Unit};
use std::fmt::{self, Display};
use std::ops::Range;

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

    /// Where a coroutine is suspended in one of its states. What a macro of a library waits for
    /// is waited for where the program uses the macro.
    pub(crate) fn line_suspended(
        &self,
        of: EntryId,
        name: &str,
        (cases, state): (&[Case], &Case),
    ) -> Option<SourceLine> {
        let line = self.line_of_case(of, state)?;
        let begins = cases.first().and_then(|case| self.line_of_case(of, case));
        let Some(begins) = begins.filter(|begins| begins.file != line.file) else {
            return Some(line);
        };
        // Of several uses of one macro, each has a state, in the order of the source.
        let alike = cases.iter().filter(|case| case.declared == state.declared);
        let number = alike.take_while(|case| case.discriminant != state.discriminant);
        let in_program = self.line_of_use(of, name, begins, (state.declared?, number.count()));
        Some(in_program.unwrap_or(line))
    }

    /// Where the program uses a macro that waits: a line of what resumes the coroutine, where the
    /// Nth future is in scope that is waited for at a place.
    fn line_of_use(
        &self,
        of: EntryId,
        name: &str,
        begins: SourceLine,
        (waits, number): ((u64, u32), usize),
    ) -> Option<SourceLine> {
        let resuming = name.split('<').next()?.replacen("_env#", "#", 1);
        let functions = self.functions_named(&resuming).into_iter();
        let mut own = functions.filter(|function| {
            let declared = function.declared.map(|at| (at.file, at.line));
            function.entry.unit == of.unit && declared == Some((begins.file, begins.line))
        });
        let function = own.next()?;
        let ranges = self.scopes_of_awaited(function, waits).ok()?;
        let statements = ranges.get(number)?.iter();
        let mut statements = statements.flat_map(|range| self.statements(range.clone()));
        let used = statements.find(|statement| statement.at.file == begins.file)?;
        Some(used.at)
    }

    /// The stretches of code of a function in which a future is in scope that is waited for at a
    /// place, for each such future.
    fn scopes_of_awaited(
        &self,
        function: &Function,
        waits: (u64, u32),
    ) -> Result<Vec<Vec<Range<u32>>>, SourceError> {
        let entries = self.entries();
        let unit = entries.units.of(function.entry.unit)?;
        let mut raw = unit.dwarf.entries_raw(Some(function.entry.unit_offset()))?;
        let mut attributes = Vec::new();
        let mut left = RangesLeft::new();
        let mut blocks: Vec<(isize, Vec<Range<u32>>)> = Vec::new();
        let mut found = Vec::new();
        let mut is_first = true;
        for _ in 0..MOST_ENTRIES {
            if raw.is_empty() || !is_first && raw.next_depth() <= 0 {
                break;
            }
            let depth = raw.next_depth();
            let Some(abbreviation) = raw.read_abbreviation()? else {
                continue;
            };
            is_first = false;
            raw.read_attributes(abbreviation.attributes(), &mut attributes)?;
            while blocks.last().is_some_and(|(outer, _)| *outer >= depth) {
                blocks.pop();
            }
            match abbreviation.tag() {
                gimli::DW_TAG_lexical_block => {
                    let of_block = ranges(unit.unit_ref(), &attributes, &entries.code, &mut left)?;
                    blocks.push((depth, of_block));
                }
                gimli::DW_TAG_variable if declared(&attributes) == Some(waits) => {
                    let find = |a: &&gimli::Attribute<Reader>| a.name() == gimli::DW_AT_name;
                    let name = attributes.iter().find(find);
                    let name = name.and_then(|a| entries.units.text(function.entry.unit, a.value()));
                    if let Some((_, block)) = blocks.last()
                        && name.as_deref() == Some(AWAITEE)
                    {
                        found.push(block.clone());
                    }
                }
                _ => {}
            }
        }
        Ok(found)
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
