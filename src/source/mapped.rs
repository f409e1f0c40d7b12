//! Modules whose lines a source map tells: it knows no functions and no variables.

use super::functions::Function;
use super::lines::{FileId, LineTable};
use super::sections::Reader;
use super::source_map::SourceMap;
use super::units::EntryId;
use super::{ModuleSource, SourceError};
use gimli::Reader as _;

/// The number that stands for the unit of these functions, which have none.
const MAPPED: u32 = u32::MAX;

impl ModuleSource {
    pub(super) fn read_source_map(&self, map: &Reader) -> LineTable {
        let read = map.to_slice().map_err(SourceError::from);
        match read.and_then(|text| SourceMap::parse(&text)) {
            Ok(map) => LineTable::of_source_map(map, &self.code),
            Err(problem) => LineTable::unreadable(problem),
        }
    }

    /// The unit of functions that only a source map speaks of, if there is a map.
    pub(super) fn mapped_unit(&self) -> Option<u32> {
        (self.source_map.is_some() && self.lines().is_mapped).then_some(MAPPED)
    }

    /// The functions by start: what the code section and the name section know of them.
    pub(super) fn mapped_functions(&self) -> &[Function] {
        self.mapped.get_or_init(|| {
            let defined = self.code.defined();
            let functions = defined.map(|(index, range, entry_pc)| {
                let name = self.shown_name(index);
                Function {
                    short_name: name.clone(),
                    name,
                    linkage_name: None,
                    range,
                    entry_pc,
                    declared: None,
                    entry: EntryId {
                        unit: MAPPED,
                        offset: index,
                    },
                }
            });
            functions.collect()
        })
    }

    pub(super) fn is_mapped(unit: u32) -> bool {
        unit == MAPPED
    }

    /// The function at a place, if its variables are described.
    pub(super) fn described_at(&self, pc: u32) -> Result<&Function, SourceError> {
        let function = self.function_at(pc);
        function
            .filter(|function| !Self::is_mapped(function.entry.unit))
            .ok_or(SourceError::NotCovered { pc })
    }

    /// The text of a source file, if a source map has it.
    pub fn text_of(&self, file: FileId) -> Option<&str> {
        self.lines().content(file)
    }
}
