//! The line table of a module: all rows, sorted, and the statements that start there.

use super::{FileId, Files, SourceLine, Statement};
use crate::source::damage::Damage;
use crate::source::sections::Code;
use std::collections::HashMap;
use std::ops::Range;

/// From `pc` up to the next row, the code belongs as the row says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) pc: u32,
    pub(super) belongs: Belongs,
    pub(super) ends_prologue: bool,
}

/// What a row says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Belongs {
    /// To a line, and a statement starts here.
    Statement(SourceLine),
    /// To a line.
    Line(SourceLine),
    /// To no line: the compiler made it up.
    NoLine,
    /// The sequence ends here.
    End,
}

/// A run of rows over contiguous code, closed by a row without line.
pub(super) struct Sequence {
    pub(super) rows: Vec<Row>,
}

/// All lines of a module.
#[derive(Debug, Default)]
pub(in crate::source) struct LineTable {
    pub(super) rows: Vec<Row>,
    pub(super) statements: Vec<Statement>,
    /// Statements by file, line and place.
    pub(super) by_line: Vec<Statement>,
    /// Places where prologues end, sorted.
    pub(super) prologue_ends: Vec<u32>,
    pub(in crate::source) files: Files,
    /// For each unit, the files of its line program by DWARF index.
    pub(super) unit_files: Vec<Vec<Option<FileId>>>,
    /// Texts that a source map has of its sources.
    pub(super) contents: HashMap<FileId, String>,
    /// Whether the lines are a source map's.
    pub(super) is_mapped: bool,
    pub(in crate::source) damage: Vec<Damage>,
}

impl LineTable {
    /// A file's text, if a source map has it.
    pub(in crate::source) fn content(&self, file: FileId) -> Option<&str> {
        self.contents.get(&file).map(String::as_str)
    }

    /// Sorts the sequences and joins them into one table.
    pub(super) fn join(&mut self, mut sequences: Vec<Sequence>, code: &Code) {
        let start = |sequence: &Sequence| sequence.rows.first().map(|row| row.pc);
        sequences.sort_by_key(start);
        for sequence in sequences {
            let end = self.rows.last().map_or(0, |row| row.pc);
            // Two sequences for the same code (one of dropped code with its
            // address set to zero, say): the first one stands.
            if start(&sequence).is_none_or(|start| start < end) {
                continue;
            }
            self.rows.extend(sequence.rows);
        }
        let mut ends = self.rows.iter().map(|row| row.pc).peekable();
        for row in &self.rows {
            while ends.next_if(|end| *end <= row.pc).is_some() {}
            let next = ends.peek().copied().unwrap_or(row.pc);
            let pc = code.loop_head_at(code.instruction_at(row.pc), next);
            if row.ends_prologue {
                self.prologue_ends.push(pc);
            }
            let Belongs::Statement(at) = row.belongs else {
                continue;
            };
            match self.statements.last_mut() {
                Some(last) if last.pc == pc => last.at = at,
                _ => self.statements.push(Statement { pc, at }),
            }
        }
        self.by_line = self.statements.clone();
        self.by_line
            .sort_unstable_by_key(|s| (s.at.file, s.at.line, s.pc));
    }

    pub(in crate::source) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The line of a place. Code that belongs to no line, as compilers mark
    /// some of what they generate, counts to the line before it.
    pub(in crate::source) fn line_at(&self, pc: u32) -> Option<SourceLine> {
        // No compiler generates longer runs of code without line.
        const LONGEST: usize = 64;
        let next = self.rows.partition_point(|row| row.pc <= pc);
        let before = self.rows.get(..next)?;
        before
            .iter()
            .rev()
            .take(LONGEST)
            .map_while(|row| match row.belongs {
                Belongs::Statement(at) | Belongs::Line(at) => Some(Some(at)),
                Belongs::NoLine => Some(None),
                Belongs::End => None,
            })
            .find_map(|line| line)
    }

    pub(in crate::source) fn statements(&self, range: Range<u32>) -> &[Statement] {
        let start = self.statements.partition_point(|s| s.pc < range.start);
        let end = self.statements.partition_point(|s| s.pc < range.end);
        self.statements.get(start..end).unwrap_or(&[])
    }

    /// The statements of a range of lines of a file, by line and place.
    pub(in crate::source) fn on_lines(&self, file: FileId, lines: Range<u32>) -> &[Statement] {
        let before = |line: u32| move |s: &Statement| (s.at.file, s.at.line) < (file, line);
        let start = self.by_line.partition_point(before(lines.start));
        let end = self.by_line.partition_point(before(lines.end));
        self.by_line.get(start..end).unwrap_or(&[])
    }

    /// The first line with code at or after a line of a file.
    pub(in crate::source) fn line_with_code(&self, file: FileId, line: u32) -> Option<u32> {
        let from = self
            .by_line
            .partition_point(|s| (s.at.file, s.at.line) < (file, line));
        let found = self.by_line.get(from)?;
        (found.at.file == file).then_some(found.at.line)
    }

    /// The last line with code before a line of a file.
    pub(in crate::source) fn line_with_code_before(&self, file: FileId, line: u32) -> Option<u32> {
        let until = self
            .by_line
            .partition_point(|s| (s.at.file, s.at.line) < (file, line));
        let found = self.by_line.get(until.checked_sub(1)?)?;
        (found.at.file == file).then_some(found.at.line)
    }

    /// The first place in a range where a compiler says that a prologue ends.
    pub(in crate::source) fn prologue_end(&self, range: Range<u32>) -> Option<u32> {
        let at = self.prologue_ends.partition_point(|&pc| pc < range.start);
        let pc = *self.prologue_ends.get(at)?;
        (pc < range.end).then_some(pc)
    }

    /// The file that a unit's line program has under a number.
    pub(in crate::source) fn unit_file(&self, unit: u32, index: u64) -> Option<FileId> {
        let files = self.unit_files.get(unit as usize)?;
        *files.get(usize::try_from(index).ok()?)?
    }

    /// The last line of a file that has code; 0 if none has.
    pub(in crate::source) fn last_line(&self, file: FileId) -> u32 {
        let end = self
            .by_line
            .partition_point(|statement| statement.at.file <= file);
        let last = end.checked_sub(1).and_then(|last| self.by_line.get(last));
        last.filter(|last| last.at.file == file)
            .map_or(0, |last| last.at.line)
    }

    /// The files that have code.
    pub(in crate::source) fn files_with_code(&self) -> impl Iterator<Item = (FileId, &str)> {
        self.by_line
            .chunk_by(|a, b| a.at.file == b.at.file)
            .filter_map(|statements| statements.first())
            .map(|first| (first.at.file, self.files.path(first.at.file)))
    }
}

/// What the rows of a module's lines may take: compilers write one for every few bytes of
/// code, and some places have several.
pub(super) fn most_rows(code: &Code) -> usize {
    const LEAST: usize = 1 << 18;
    let rows = code.bytes().saturating_mul(2).saturating_add(LEAST);
    rows.saturating_mul(size_of::<Row>())
}
