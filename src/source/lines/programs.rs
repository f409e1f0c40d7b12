//! Lines as DWARF tells them: every unit's line program, run once.

use super::table::{Belongs, LineTable, Row, Sequence, most_rows};
use super::{FileId, SourceLine};
use crate::source::budget::Budget;
use crate::source::damage::Damage;
use crate::source::error::SourceError;
use crate::source::paths;
use crate::source::sections::{Code, Reader};
use crate::source::texts;
use crate::source::units::Units;
use gimli::{ColumnType, LineProgramHeader, Reader as _};
use std::collections::HashSet;

impl LineTable {
    pub(super) fn read(units: &Units, code: &Code, section_length: usize) -> LineTable {
        let mut table = LineTable::default();
        let mut sequences = Vec::new();
        // Sound line programs do not overlap, so all together are no longer than
        // the section.
        let mut left = section_length;
        let mut rows = Budget::new("rows of line tables", most_rows(code));
        let mut names = Budget::of_index("names of source files", section_length);
        let mut seen = HashSet::new();
        for described in &units.all {
            let unit = described.with_lines(&units.dwarf);
            let files = match table.read_files(unit, &mut names) {
                Ok(files) => files,
                Err(problem) => {
                    table.damage.push(Damage::new("the line tables", problem));
                    break;
                }
            };
            if let Some(program) = unit.line_program.clone()
                && seen.insert(program.header().offset().0)
            {
                let length = program.header().raw_program_buf().len();
                match left.checked_sub(length) {
                    Some(rest) => left = rest,
                    None => {
                        let problem = SourceError::Excessive("line tables overlap");
                        table.damage.push(Damage::new("the line tables", problem));
                        break;
                    }
                }
                if let Err(error) = run(program, code, &files, &mut rows, &mut sequences) {
                    let part = format!("the line table of {}", described.shown());
                    table.damage.push(Damage::new(part, error));
                }
            }
            table.unit_files.push(files);
        }
        table.join(sequences, code);
        table
    }

    fn read_files(
        &mut self,
        unit: gimli::UnitRef<'_, Reader>,
        left: &mut Budget,
    ) -> Result<Vec<Option<FileId>>, SourceError> {
        let Some(program) = &unit.line_program else {
            return Ok(Vec::new());
        };
        let header = program.header();
        let count = header.file_names().len() as u64;
        // Before DWARF 5, files count from 1, and 0 is the unit itself.
        let last = if header.version() >= 5 {
            count
        } else {
            count + 1
        };
        let mut files = Vec::new();
        for index in 0..last {
            let path = file_path(unit, header, index);
            left.spend::<[u64; 8]>(path.as_ref().map_or(0, String::len))?;
            let file = path.and_then(|path| self.files.intern(path));
            let digest = header.file(index).filter(|_| header.file_has_md5());
            let digest = digest.map(|file| *file.md5()).filter(|md5| *md5 != [0; 16]);
            self.files.digests.extend(file.zip(digest));
            files.push(file);
        }
        Ok(files)
    }
}

/// Runs a line program. What it found before an error is kept.
fn run(
    program: gimli::IncompleteLineProgram<Reader>,
    code: &Code,
    files: &[Option<FileId>],
    left: &mut Budget,
    sequences: &mut Vec<Sequence>,
) -> Result<(), SourceError> {
    let mut rows = program.rows();
    let mut current: Vec<Row> = Vec::new();
    // A sequence that starts outside the code speaks of functions that the linker
    // dropped; one that goes backward is damaged.
    let mut sound = true;
    while let Some((_, row)) = rows.next_row()? {
        let pc = code.pc(row.address());
        let pc = pc.filter(|&pc| current.last().is_none_or(|last| last.pc <= pc));
        sound &= pc.is_some();
        if let (true, Some(pc)) = (sound, pc) {
            left.spend::<Row>(0)?;
            current.push(Row {
                pc,
                belongs: belongs(row, files),
                ends_prologue: row.prologue_end(),
            });
        }
        if row.end_sequence() {
            let rows = std::mem::take(&mut current);
            if sound {
                sequences.push(Sequence { rows });
            }
            sound = true;
        }
    }
    Ok(())
}

fn belongs(row: &gimli::LineRow, files: &[Option<FileId>]) -> Belongs {
    if row.end_sequence() {
        return Belongs::End;
    }
    let file = usize::try_from(row.file_index()).ok();
    let file = file.and_then(|index| files.get(index).copied().flatten());
    let line = row.line().and_then(|line| u32::try_from(line.get()).ok());
    let (Some(file), Some(line)) = (file, line) else {
        return Belongs::NoLine;
    };
    let column = match row.column() {
        ColumnType::LeftEdge => 0,
        ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(0),
    };
    let at = SourceLine { file, line, column };
    if row.is_stmt() {
        Belongs::Statement(at)
    } else {
        Belongs::Line(at)
    }
}

/// The whole path of a file of a line program.
fn file_path(
    unit: gimli::UnitRef<'_, Reader>,
    header: &LineProgramHeader<Reader>,
    index: u64,
) -> Option<String> {
    let text = |value| texts::text(unit, value);
    let file = header.file(index)?;
    let name = text(file.path_name())?;
    let directory = file.directory(header).and_then(text).unwrap_or_default();
    let compiled_in = match &unit.comp_dir {
        Some(directory) => texts::cut(directory)?,
        None => String::new(),
    };
    Some(paths::join(&[&compiled_in, &directory, &name]))
}
