//! What did the compiler say? Files, lines, functions, types and the places of
//! variables, as the debug information of a core module tells them. Static: it
//! knows nothing of a run.
//!
//! Places are byte offsets in the core module ("pc"). A module without debug
//! information answers with the names of its name section and no lines.

mod demangle;
mod error;
pub mod external;
mod functions;
mod inlined;
mod kind;
mod lines;
mod listing;
mod mapped;
mod operands;
mod paths;
mod places;
mod scopes;
mod sections;
mod source_map;
mod spelling;
mod split;
mod statics;
mod tables;
mod type_names;
mod types;
mod units;
mod vtables;

pub use demangle::demangle;
pub use error::SourceError;
pub use functions::Function;
pub use kind::Kind;
pub use lines::{FileId, SourceLine, Statement};
pub use listing::Listing;
pub use paths::{is_library, is_windows, normalise};
pub use scopes::InlinedCall;
pub use units::EntryId;

pub(crate) use scopes::{Declared, Location, Scopes};
pub(crate) use sections::Reader;
pub(crate) use spelling::short;
pub(crate) use tables::is_tombstone;
pub(crate) use types::{Bits, Case, Composite, Count, Member, Type, Variants};

use lines::LineTable;
use sections::{Code, Sections};
use split::SplitFiles;
use statics::StaticsByName;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use tables::FunctionTable;
use units::Units;

/// The debug information of one core module.
///
/// Reading it looks at no more than the headers of units; lines, functions and
/// types are read when first asked for, then kept.
pub struct ModuleSource {
    dwarf: Arc<gimli::Dwarf<Reader>>,
    code: Code,
    /// Raw names of the name section, by function index.
    names: HashMap<u32, String>,
    table: FunctionTable,
    /// The values of globals that never change, by index.
    constant_globals: Vec<Option<u64>>,
    /// The global `__tls_base`.
    tls_base: Option<u32>,
    /// What the name section calls the module.
    name: Option<String>,
    /// A source map, as it was put in.
    source_map: Option<Reader>,
    module: Arc<[u8]>,
    operands: operands::Operands,
    units: Units,
    line_length: usize,
    lines: OnceLock<LineTable>,
    /// The functions of a module whose lines a source map tells.
    mapped: OnceLock<Vec<Function>>,
    functions_by_name: OnceLock<HashMap<String, Vec<(u32, usize)>>>,
    inlined: OnceLock<Vec<inlined::Inlined>>,
    type_names: OnceLock<type_names::TypeNames>,
    /// Rust types by the address of their vtables.
    vtables: OnceLock<HashMap<u64, EntryId>>,
    statics_by_name: OnceLock<StaticsByName>,
}

impl ModuleSource {
    /// Reads the debug information out of a core module's bytes. A module
    /// without any is no error.
    pub fn read(module: Arc<[u8]>) -> Result<ModuleSource, SourceError> {
        let sections = Sections::read(&module)?;
        let dwarf = Arc::new(sections.debug.dwarf()?);
        let line_length = sections.debug.length(".debug_line");
        let split = SplitFiles::read(&sections.split, &dwarf);
        let units = Units::read(&dwarf, &split, &sections.code);
        Ok(ModuleSource {
            dwarf,
            units,
            line_length,
            source_map: sections.source_map.map(|range| {
                gimli::EndianReader::new(module.clone(), gimli::LittleEndian).range(range)
            }),
            module,
            operands: operands::Operands::default(),
            code: sections.code,
            names: sections.names,
            table: sections.table,
            constant_globals: sections.constant_globals,
            tls_base: sections.tls_base,
            name: sections.module_name,
            mapped: OnceLock::new(),
            lines: OnceLock::new(),
            functions_by_name: OnceLock::new(),
            inlined: OnceLock::new(),
            type_names: OnceLock::new(),
            vtables: OnceLock::new(),
            statics_by_name: OnceLock::new(),
        })
    }

    fn lines(&self) -> &LineTable {
        self.lines.get_or_init(|| match &self.source_map {
            Some(map) if self.line_length == 0 => self.read_source_map(map),
            _ => LineTable::read(&self.dwarf, &self.units, &self.code, self.line_length),
        })
    }

    /// What was damaged and had to be left out, of units and line tables.
    pub fn problems(&self) -> impl Iterator<Item = &SourceError> {
        self.units.problems.iter().chain(&self.lines().problems)
    }

    /// Whether any code has a source line. As long as nobody has asked for lines, this
    /// reads none: a damaged line table counts.
    pub fn has_lines(&self) -> bool {
        if self.lines.get().is_none() && self.line_length > 0 && self.units.have_lines() {
            return true;
        }
        !self.lines().is_empty()
    }

    /// The path of a file, whole and normalised, on the machine that compiled
    /// the guest.
    pub fn file(&self, file: FileId) -> &str {
        self.lines().files.path(file)
    }

    /// The files that have code.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &str)> {
        self.lines().files_with_code()
    }

    /// The file with a path, exactly as [`ModuleSource::file`] spells it.
    pub fn file_named(&self, path: &str) -> Option<FileId> {
        self.lines().files.find(&normalise(path))
    }

    /// The line of a place. In a frame that is not the innermost, ask for the
    /// place before the one to return to.
    pub fn line_at(&self, pc: u32) -> Option<SourceLine> {
        self.lines().line_at(pc)
    }

    /// The statements that start in a range of places, sorted, one for each place.
    pub fn statements(&self, range: Range<u32>) -> &[Statement] {
        self.lines().statements(range)
    }

    /// The function whose own code contains a place.
    pub fn function_at(&self, pc: u32) -> Option<&Function> {
        let units = self.units.at(pc).chain(self.mapped_unit());
        units.into_iter().find_map(|unit| {
            let functions = self.functions_of(unit);
            let next = functions.partition_point(|f| f.range.start <= pc);
            let function = functions.get(next.checked_sub(1)?)?;
            function.range.contains(&pc).then_some(function)
        })
    }

    /// The readable name that the name section has for a function index.
    pub fn function_name(&self, function_index: u32) -> Option<String> {
        self.names.get(&function_index).map(|name| demangle(name))
    }

    /// The index of the function that contains a place.
    pub fn function_index_at(&self, pc: u32) -> Option<u32> {
        self.code.function_index_at(pc)
    }

    /// The functions with a name: the last part, the whole path or the linkage
    /// name, exactly.
    pub fn functions_named(&self, name: &str) -> Vec<&Function> {
        let index = self
            .functions_by_name
            .get_or_init(|| self.index_functions());
        let found = index.get(name).map_or(&[][..], Vec::as_slice);
        found
            .iter()
            .filter_map(|&(unit, at)| self.functions_of(unit).get(at))
            .collect()
    }

    /// All functions with code of their own.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        let units = self.unit_ids().chain(self.mapped_unit());
        units.flat_map(|unit| self.functions_of(unit))
    }

    fn unit_ids(&self) -> impl Iterator<Item = u32> {
        (0..).take(self.units.all.len())
    }

    fn index_functions(&self) -> HashMap<String, Vec<(u32, usize)>> {
        let mut index: HashMap<String, Vec<(u32, usize)>> = HashMap::new();
        for unit in self.unit_ids().chain(self.mapped_unit()) {
            for (at, function) in self.functions_of(unit).iter().enumerate() {
                let names = [
                    Some(&function.name),
                    Some(&function.short_name),
                    function.linkage_name.as_ref(),
                ];
                for name in names.into_iter().flatten() {
                    let found = index.entry(name.clone()).or_default();
                    // Names of one function are often equal.
                    if found.last() != Some(&(unit, at)) {
                        found.push((unit, at));
                    }
                }
            }
        }
        index
    }

    /// The calls inlined at a place, innermost first.
    pub fn inlined_at(&self, pc: u32) -> Vec<InlinedCall> {
        let Ok(scopes) = self.scopes_at(pc) else {
            return Vec::new();
        };
        let frames = scopes.frames.into_iter().rev();
        frames.filter_map(|frame| frame.inlined).collect()
    }

    /// What is in scope at a place.
    pub(crate) fn scopes_at(&self, pc: u32) -> Result<Scopes, SourceError> {
        let function = self.described_at(pc)?;
        self.scopes(function, pc)
    }

    /// The variables with a name outside functions, of the unit that contains a
    /// place.
    pub(crate) fn statics_at(&self, pc: u32) -> Result<Vec<Declared>, SourceError> {
        let function = self.described_at(pc)?;
        self.statics(function.entry.unit)
    }

    /// How a unit encodes expressions.
    pub(crate) fn encoding(&self, unit: u32) -> Option<gimli::Encoding> {
        Some(self.units.get(unit)?.dwarf.encoding())
    }

    /// An address of a unit's table in `.debug_addr`.
    pub(crate) fn indexed_address(
        &self,
        unit: u32,
        index: gimli::DebugAddrIndex,
    ) -> Result<u64, SourceError> {
        let unit = self.units.get(unit);
        let unit = unit.ok_or(SourceError::DanglingReference)?;
        Ok(unit.unit_ref().address(index)?)
    }
}
