//! The lines of a module: which code is of which line of which file.

mod mapped;
mod programs;
mod table;

use super::sections::{Code, Reader};
use super::units::Units;
use std::collections::HashMap;
use std::sync::OnceLock;
pub(super) use table::LineTable;

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
