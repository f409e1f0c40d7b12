//! The line table of a module: every unit's line program, run once, sorted.

use super::budget::Budget;
use super::damage::Damage;
use super::error::SourceError;
use super::paths;
use super::sections::{Code, Reader};
use super::source_map::{Mapping, SourceMap};
use super::texts;
use super::units::Units;
use gimli::{ColumnType, LineProgramHeader, Reader as _};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

/// A source file of one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(super) u32);

/// A line of a source file. Lines and columns count from 1; column 0 is the
/// whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceLine {
    /// By number; [`ModuleSource::file`](super::ModuleSource::file) has the path.
    pub file: FileId,
    /// From 1.
    pub line: u32,
    /// From 1; 0 for the whole line.
    pub column: u32,
}

impl SourceLine {
    /// A number that is equal for two places on one line, whatever the column.
    pub fn line_key(self) -> u64 {
        u64::from(self.file.0) << 32 | u64::from(self.line)
    }

    /// The file of the line that such a number stands for, if it stands for one.
    pub(crate) fn file_of_key(line_key: u64) -> Option<FileId> {
        let is_line = line_key & u64::from(u32::MAX) != 0;
        is_line.then_some(FileId((line_key >> 32) as u32))
    }
}

/// A place where a statement starts: a good place for a breakpoint or for a
/// line step to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Statement {
    /// The byte offset of the instruction in the core module.
    pub pc: u32,
    /// The line that it is a statement of.
    pub at: SourceLine,
}

/// From `pc` up to the next row, the code belongs as the row says.
#[derive(Debug, Clone, Copy)]
struct Row {
    pc: u32,
    belongs: Belongs,
    ends_prologue: bool,
}

#[derive(Debug, Clone, Copy)]
enum Belongs {
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
struct Sequence {
    rows: Vec<Row>,
}

/// The paths of a module's source files, each known by its number.
#[derive(Debug, Default)]
pub(super) struct Files {
    paths: Vec<String>,
    ids: HashMap<String, FileId>,
    /// Those of the texts that were compiled.
    digests: HashMap<FileId, [u8; 16]>,
}

impl Files {
    pub(super) fn all(&self) -> impl Iterator<Item = (FileId, &str)> {
        (0..).map(FileId).zip(self.paths.iter().map(String::as_str))
    }

    fn intern(&mut self, path: String) -> Option<FileId> {
        if let Some(&id) = self.ids.get(&path) {
            return Some(id);
        }
        let id = FileId(u32::try_from(self.paths.len()).ok()?);
        self.paths.push(path.clone());
        self.ids.insert(path, id);
        Some(id)
    }

    pub(super) fn path(&self, id: FileId) -> &str {
        self.paths.get(id.0 as usize).map_or("", String::as_str)
    }

    pub(super) fn find(&self, path: &str) -> Option<FileId> {
        self.ids.get(path).copied()
    }

    pub(super) fn digest(&self, id: FileId) -> Option<[u8; 16]> {
        self.digests.get(&id).copied()
    }
}

/// The lines of a module, read when first asked for.
pub(super) struct Lines {
    /// Of `.debug_line`, in bytes.
    section_length: usize,
    /// A source map, as it was put in.
    source_map: Option<Reader>,
    table: OnceLock<LineTable>,
}

impl Lines {
    pub(super) fn new(section_length: usize, source_map: Option<Reader>) -> Lines {
        Lines {
            section_length,
            source_map,
            table: OnceLock::new(),
        }
    }

    pub(super) fn table(&self, units: &Units, code: &Code) -> &LineTable {
        self.table.get_or_init(|| match &self.source_map {
            Some(map) if self.section_length == 0 => LineTable::of_source_map(map, code),
            _ => LineTable::read(units, code, self.section_length),
        })
    }

    /// Whether any code has a line. As long as nobody has asked for lines, this reads
    /// none: a damaged line table counts.
    pub(super) fn are_there(&self, units: &Units, code: &Code) -> bool {
        if self.table.get().is_none() && self.section_length > 0 && units.have_lines() {
            return true;
        }
        !self.table(units, code).is_empty()
    }

    /// Whether a source map tells them.
    pub(super) fn are_mapped(&self, units: &Units, code: &Code) -> bool {
        self.source_map.is_some() && self.table(units, code).is_mapped
    }
}

/// All lines of a module.
#[derive(Debug, Default)]
pub(super) struct LineTable {
    rows: Vec<Row>,
    statements: Vec<Statement>,
    /// Statements by file, line and place.
    by_line: Vec<Statement>,
    /// Places where prologues end, sorted.
    prologue_ends: Vec<u32>,
    pub(super) files: Files,
    /// For each unit, the files of its line program by DWARF index.
    unit_files: Vec<Vec<Option<FileId>>>,
    /// Texts that a source map has of its sources.
    contents: HashMap<FileId, String>,
    /// Whether the lines are a source map's.
    is_mapped: bool,
    pub(super) damage: Vec<Damage>,
}

impl LineTable {
    fn read(units: &Units, code: &Code, section_length: usize) -> LineTable {
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

    /// The lines that a source map tells; none if it cannot be read.
    fn of_source_map(map: &Reader, code: &Code) -> LineTable {
        let text = map.to_slice().map_err(SourceError::from);
        let most = most_rows(code) / size_of::<Row>();
        let map = match text.and_then(|text| SourceMap::parse(&text, most)) {
            Ok(map) => map,
            Err(problem) => {
                return LineTable {
                    damage: vec![Damage::new("the source map", problem)],
                    ..LineTable::default()
                };
            }
        };
        let mut table = LineTable {
            is_mapped: true,
            ..LineTable::default()
        };
        let files: Vec<Option<FileId>> = map
            .sources
            .into_iter()
            .map(|source| {
                let file = table.files.intern(source.path)?;
                table
                    .contents
                    .extend(source.content.map(|text| (file, text)));
                Some(file)
            })
            .collect();
        let sequences = sequences_of(&map.mappings, code, &files);
        table.join(sequences, code);
        table
    }

    /// A file's text, if a source map has it.
    pub(super) fn content(&self, file: FileId) -> Option<&str> {
        self.contents.get(&file).map(String::as_str)
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

    /// Sorts the sequences and joins them into one table.
    fn join(&mut self, mut sequences: Vec<Sequence>, code: &Code) {
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

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The line of a place. Code that belongs to no line, as compilers mark
    /// some of what they generate, counts to the line before it.
    pub(super) fn line_at(&self, pc: u32) -> Option<SourceLine> {
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

    pub(super) fn statements(&self, range: Range<u32>) -> &[Statement] {
        let start = self.statements.partition_point(|s| s.pc < range.start);
        let end = self.statements.partition_point(|s| s.pc < range.end);
        self.statements.get(start..end).unwrap_or(&[])
    }

    /// The statements of a range of lines of a file, by line and place.
    pub(super) fn on_lines(&self, file: FileId, lines: Range<u32>) -> &[Statement] {
        let before = |line: u32| move |s: &Statement| (s.at.file, s.at.line) < (file, line);
        let start = self.by_line.partition_point(before(lines.start));
        let end = self.by_line.partition_point(before(lines.end));
        self.by_line.get(start..end).unwrap_or(&[])
    }

    /// The first line with code at or after a line of a file.
    pub(super) fn line_with_code(&self, file: FileId, line: u32) -> Option<u32> {
        let from = self
            .by_line
            .partition_point(|s| (s.at.file, s.at.line) < (file, line));
        let found = self.by_line.get(from)?;
        (found.at.file == file).then_some(found.at.line)
    }

    /// The last line with code before a line of a file.
    pub(super) fn line_with_code_before(&self, file: FileId, line: u32) -> Option<u32> {
        let until = self
            .by_line
            .partition_point(|s| (s.at.file, s.at.line) < (file, line));
        let found = self.by_line.get(until.checked_sub(1)?)?;
        (found.at.file == file).then_some(found.at.line)
    }

    /// The first place in a range where a compiler says that a prologue ends.
    pub(super) fn prologue_end(&self, range: Range<u32>) -> Option<u32> {
        let at = self.prologue_ends.partition_point(|&pc| pc < range.start);
        let pc = *self.prologue_ends.get(at)?;
        (pc < range.end).then_some(pc)
    }

    /// The file that a unit's line program has under a number.
    pub(super) fn unit_file(&self, unit: u32, index: u64) -> Option<FileId> {
        let files = self.unit_files.get(unit as usize)?;
        *files.get(usize::try_from(index).ok()?)?
    }

    /// The last line of a file that has code; 0 if none has.
    pub(super) fn last_line(&self, file: FileId) -> u32 {
        let end = self
            .by_line
            .partition_point(|statement| statement.at.file <= file);
        let last = end.checked_sub(1).and_then(|last| self.by_line.get(last));
        last.filter(|last| last.at.file == file)
            .map_or(0, |last| last.at.line)
    }

    /// The files that have code.
    pub(super) fn files_with_code(&self) -> impl Iterator<Item = (FileId, &str)> {
        self.by_line
            .chunk_by(|a, b| a.at.file == b.at.file)
            .filter_map(|statements| statements.first())
            .map(|first| (first.at.file, self.files.path(first.at.file)))
    }
}

/// Mappings as rows, a sequence for each function: what is said at the end of one does
/// not hold at the beginning of the next.
fn sequences_of(mappings: &[Mapping], code: &Code, files: &[Option<FileId>]) -> Vec<Sequence> {
    let mut sequences = Vec::new();
    for (_, body, _) in code.defined() {
        let start = mappings.partition_point(|mapping| mapping.pc < body.start);
        let end = mappings.partition_point(|mapping| mapping.pc < body.end);
        let own = mappings.get(start..end).unwrap_or_default();
        let row = |pc, belongs| Row {
            pc,
            belongs,
            ends_prologue: false,
        };
        let mut rows: Vec<Row> = own
            .iter()
            .map(|mapping| {
                let line = mapping.original.and_then(|at| {
                    let file = *files.get(at.source as usize)?;
                    Some(SourceLine {
                        file: file?,
                        line: at.line,
                        column: at.column,
                    })
                });
                row(mapping.pc, line.map_or(Belongs::NoLine, Belongs::Statement))
            })
            .collect();
        if !rows.is_empty() {
            rows.push(row(body.end, Belongs::End));
            sequences.push(Sequence { rows });
        }
    }
    sequences
}

/// What the rows of a module's lines may take: compilers write one for every few bytes of
/// code, and some places have several.
fn most_rows(code: &Code) -> usize {
    const LEAST: usize = 1 << 18;
    let rows = code.bytes().saturating_mul(2).saturating_add(LEAST);
    rows.saturating_mul(size_of::<Row>())
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
