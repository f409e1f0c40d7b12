//! Where breakpoints go: from a line or a function to places in the code.

use super::bodies::{Bodies, OWN};
use super::demangle::demangle;
use super::entries::Entries;
use super::function_names::{Beginning, Written};
use super::functions::{Function, Functions};
use super::lines::{FileId, SourceLine, Statement};
use super::paths::normalise;
use super::scopes;
use std::collections::HashMap;
use std::ops::Range;

/// One copy of a line's code: the function it is in, and the bodies inlined
/// around it.
type Copy = (u32, Vec<Range<u32>>);

/// The places of a module's code where breakpoints go.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) entries: &'a Entries,
    pub(super) functions: &'a Functions,
}

impl Places<'_> {
    /// The place for a breakpoint on a function: after the prologue, where its
    /// arguments can be seen.
    pub(super) fn body_start(self, function: &Function) -> u32 {
        let range = function.entry_pc..function.range.end;
        if let Some(pc) = self.entries.lines().prologue_end(range.clone()) {
            return pc;
        }
        // Without a mark, the prologue is the code of the first line.
        let statements = self.entries.lines().statements(range);
        let Some(first) = statements.first() else {
            return function.entry_pc;
        };
        let line = |s: &Statement| (s.at.file, s.at.line);
        let second = statements.iter().find(|s| line(s) != line(first));
        second.map_or(function.entry_pc, |statement| statement.pc)
    }

    /// Where functions begin that debug information does not tell of, and that are meant by
    /// their names, as the `name` section has them or readable.
    pub(super) fn undescribed(self, is_meant: &dyn Fn(Written<'_>) -> bool) -> Vec<Beginning> {
        let beginning = |(index, _, first)| {
            let written = self.functions.names.written(index)?;
            let name = demangle(written);
            let names = Written {
                whole: &name,
                declared: None,
                linkage: Some(written),
            };
            (is_meant(names) && self.functions.at(self.entries, first).is_none()).then_some(
                Beginning {
                    pc: first,
                    name,
                    declared: None,
                    is_inlined: false,
                },
            )
        };
        self.entries.code.defined().filter_map(beginning).collect()
    }

    /// The places for a breakpoint on a line: one for each copy of its code
    /// (instances of a generic function, inlined calls, unrolled loops). A line
    /// without code stands for the next one in the file that has some.
    pub(super) fn breakpoint_places(self, path: &str, line: u32) -> Vec<Statement> {
        let lines = self.entries.lines();
        let Some(file) = self.entries.lines().files.find(&normalise(path)) else {
            return Vec::new();
        };
        let Some(line) = self.line_for(file, line) else {
            return Vec::new();
        };
        let found = lines.on_lines(file, line..line.saturating_add(1));
        let starts = self.starts_of_blocks(found);
        self.first_of_each_copy(&starts)
    }

    /// The line at which a breakpoint on a line stops: that one, if it has code; else the next
    /// one that has; but at the end of a function the one before, which is in it.
    fn line_for(self, file: FileId, line: u32) -> Option<u32> {
        let lines = self.entries.lines();
        let after = lines.line_with_code(file, line);
        let before = lines.line_with_code_before(file, line);
        let (Some(after), Some(before)) = (after, before) else {
            return after.or(before.filter(|before| self.is_last_of_function(file, *before, line)));
        };
        if after == line || self.last_line_around(file, before) > line {
            return Some(after);
        }
        // Between two functions: it belongs to that which is nearer.
        match self.declared_around(file, after) {
            Some(declared) if declared > line && line - before <= declared - line => Some(before),
            _ => Some(after),
        }
    }

    /// Whether a line without code behind all others is the end of a function: what is
    /// farther down is not.
    fn is_last_of_function(self, file: FileId, before: u32, line: u32) -> bool {
        // Closing brackets of some blocks.
        const FARTHEST: u32 = 8;
        line - before <= FARTHEST && self.last_line_around(file, before) == before
    }

    /// The last line, in a file, of the function that a line is in.
    fn last_line_around(self, file: FileId, line: u32) -> u32 {
        let lines = self.entries.lines();
        let on_line = lines.on_lines(file, line..line.saturating_add(1));
        let of_function = on_line.iter().filter_map(|statement| {
            let function = self.functions.at(self.entries, statement.pc)?;
            let own = lines.statements(function.range.clone()).iter();
            let bodies = Bodies::read(self.entries, function);
            let own = own.filter(|s| s.at.file == file && bodies.at(s.pc) == OWN);
            own.map(|s| s.at.line).max()
        });
        // What is inlined into others is written elsewhere.
        of_function.min().unwrap_or(line).max(line)
    }

    /// Where the function is declared that a line is in, if that is in the same file.
    fn declared_around(self, file: FileId, line: u32) -> Option<u32> {
        let on_line = self
            .entries
            .lines()
            .on_lines(file, line..line.saturating_add(1));
        let pc = on_line.first()?.pc;
        let inlined = scopes::inlined_at(self.entries, self.functions, pc);
        let declared = match inlined.first() {
            Some(call) => call.declared,
            None => self.functions.at(self.entries, pc)?.declared,
        };
        declared.filter(|at| at.file == file).map(|at| at.line)
    }

    /// The statements before which, in the order of the code, another line is.
    fn starts_of_blocks(self, on_line: &[Statement]) -> Vec<Statement> {
        let mut starts = Vec::new();
        for statement in on_line {
            let before = self.entries.lines().statements(0..statement.pc);
            let follows = before.last().is_some_and(|previous| {
                is_same_line(previous.at, statement.at)
                    && self.entries.code.function_index_at(previous.pc)
                        == self.entries.code.function_index_at(statement.pc)
            });
            if !follows {
                starts.push(*statement);
            }
        }
        starts
    }

    /// Of the blocks in one copy, those that begin like its first one: a loop's
    /// increment is not a second beginning of its line, an unrolled body is.
    fn first_of_each_copy(self, starts: &[Statement]) -> Vec<Statement> {
        let mut columns: HashMap<Copy, u32> = HashMap::new();
        let mut places = Vec::new();
        // More copies than breakpoints have places.
        const MOST: usize = 4096;
        for statement in starts.iter().take(MOST) {
            let copy = self.copy_at(statement.pc);
            let column = columns.entry(copy).or_insert(statement.at.column);
            if *column == statement.at.column {
                places.push(self.after_prologue(*statement));
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    fn copy_at(self, pc: u32) -> Copy {
        let function = self.entries.code.function_index_at(pc).unwrap_or(u32::MAX);
        let inlined = scopes::inlined_at(self.entries, self.functions, pc);
        let ranges = inlined.into_iter().filter_map(|call| {
            let first = call.ranges.into_iter().next()?;
            Some(first)
        });
        (function, ranges.collect())
    }

    /// At a function's very first instruction its arguments cannot be seen yet.
    fn after_prologue(self, statement: Statement) -> Statement {
        let Some(function) = self.functions.at(self.entries, statement.pc) else {
            return statement;
        };
        if function.entry_pc != statement.pc {
            return statement;
        }
        let pc = self.body_start(function);
        match self.entries.lines().line_at(pc) {
            Some(at) => Statement { pc, at },
            None => statement,
        }
    }

    /// The lines of a range that have code, each once, with the column where
    /// their first statement starts.
    pub(super) fn breakable_lines(self, path: &str, lines: Range<u32>) -> Vec<SourceLine> {
        let Some(file) = self.entries.lines().files.find(&normalise(path)) else {
            return Vec::new();
        };
        let found = self.entries.lines().on_lines(file, lines);
        let on_one_line = found.chunk_by(|a, b| a.at.line == b.at.line);
        on_one_line
            .filter_map(|statements| statements.iter().map(|s| s.at).min())
            .collect()
    }

    /// Whether a file has code at all.
    pub(super) fn has_code(self, file: FileId) -> bool {
        self.entries.lines().line_with_code(file, 0).is_some()
    }
}

fn is_same_line(a: SourceLine, b: SourceLine) -> bool {
    (a.file, a.line) == (b.file, b.line)
}
