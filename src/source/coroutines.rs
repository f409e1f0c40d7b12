//! Coroutines: what rustc makes of asynchronous functions, blocks and closures. Its debug
//! information has a type for each, whose cases are the places where it can be suspended.

use super::lines::SourceLine;
use super::module::ModuleSource;
use super::type_names::is_coroutine;
use super::types::Case;
use super::units::{EntryId, Unit};
use std::fmt::{self, Display};

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

    /// Where a case of a type is in the source: of a coroutine's state, where it is suspended.
    pub(crate) fn line_of_case(&self, of: EntryId, case: &Case) -> Option<SourceLine> {
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
