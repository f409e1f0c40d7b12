//! The debug information of one core module: what may be asked of it.

use super::bodies::{self, Bodies};
use super::damage::Damage;
use super::entries::Entries;
use super::enumerators::Enumerators;
use super::error::SourceError;
use super::finding::Known;
use super::function_names::{Agreement, Beginning, FunctionName, Written};
use super::functions::{Function, Functions};
use super::globals::Globals;
use super::inlined::InlinedFunctions;
use super::kind::Kind;
use super::lines::{FileId, Lines, SourceLine, Statement};
use super::operands::Operands;
use super::paths::normalise;
use super::places::Places;
use super::scopes::{self, Declared, InlinedCall, Scopes};
use super::sections::{Code, Reader, Sections};
use super::signatures::signature;
use super::spelling::short_function;
use super::split::SplitFiles;
use super::statics::Statics;
use super::tables::FunctionTable;
use super::type_names::TypeNames;
use super::types::{Count, Type, TypeText, Types};
use super::units::{EntryId, Missing, Units};
use super::vtables::Vtables;
use std::ops::Range;
use std::sync::Arc;

/// The debug information of one core module.
///
/// Reading it looks at no more than the headers of units; lines, functions and
/// types are read when first asked for, then kept.
pub struct ModuleSource {
    entries: Entries,
    functions: Functions,
    inlined: InlinedFunctions,
    statics: Statics,
    type_names: TypeNames,
    enumerators: Enumerators,
    vtables: Vtables,
    table: FunctionTable,
    globals: Globals,
    operands: Operands,
}

impl ModuleSource {
    /// Reads the debug information out of a core module's bytes. A module
    /// without any is not an error.
    ///
    /// # Errors
    ///
    /// If the bytes are not a core module.
    pub fn read(module: Arc<[u8]>) -> Result<ModuleSource, SourceError> {
        let sections = Sections::read(&module)?;
        let dwarf = Arc::new(sections.debug.dwarf()?);
        let split = SplitFiles::read(&sections.split, &dwarf);
        let mut units = Units::read(dwarf, &split, &sections.code);
        if let Some(why) = sections.debug.refused() {
            let part = "all of the module's DWARF";
            units.damage.push(Damage::new(part, why.clone()));
        }
        let source_map = sections.source_map.map(|range| {
            gimli::EndianReader::new(module.clone(), gimli::LittleEndian).range(range)
        });
        let lines = Lines::new(sections.debug.length(".debug_line"), source_map);
        let entries = Entries::new(sections.code, units, lines);
        Ok(ModuleSource {
            functions: Functions::new(sections.names, &entries),
            entries,
            inlined: InlinedFunctions::default(),
            statics: Statics::default(),
            type_names: TypeNames::default(),
            enumerators: Enumerators::default(),
            vtables: Vtables::default(),
            table: sections.table,
            globals: sections.globals,
            operands: Operands::new(module),
        })
    }

    /// The parts that cannot be read, or not to their end, and are left out. To find
    /// them, the functions of all units and all lines are read.
    pub fn damage(&self) -> Vec<Damage> {
        let mut found: Vec<Damage> = self.entries.units.damage.clone();
        // A unit whose root is damaged is damaged when its functions are read, too.
        let of_functions = self.functions.damage(&self.entries);
        let of_lines = self.entries.lines().damage.iter().cloned();
        for damage in of_functions.chain(of_lines) {
            if !found.iter().any(|known| known.part == damage.part) {
                found.push(damage);
            }
        }
        found
    }

    /// The best that there is: DWARF with lines (as its first unit has it), a source map,
    /// names.
    pub fn kind(&self) -> Kind {
        let dwarf = self.entries.units.all.first();
        match dwarf.filter(|_| self.has_lines()) {
            Some(unit) => Kind::Dwarf(unit.dwarf.encoding().version),
            None if self.entries.are_mapped() => Kind::SourceMap,
            None if self.functions.names.is_empty() => Kind::Nothing,
            None => Kind::Names,
        }
    }

    /// What the name section calls the module.
    pub fn name(&self) -> Option<&str> {
        self.functions.names.module.as_deref()
    }

    /// Whether any code has a source line. As long as nobody has asked for lines, this
    /// reads none: a damaged line table counts.
    pub fn has_lines(&self) -> bool {
        self.entries.have_lines()
    }

    /// The path of a file, whole and normalised, on the machine that compiled
    /// the guest.
    pub fn file(&self, file: FileId) -> &str {
        self.entries.lines().files.path(file)
    }

    /// The files that have code.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &str)> {
        self.entries.lines().files_with_code()
    }

    /// The files that the debug information names, with code or without: those where functions
    /// are declared, too.
    pub fn all_files(&self) -> impl Iterator<Item = (FileId, &str)> {
        self.entries.lines().files.all()
    }

    /// The file with a path, exactly as [`ModuleSource::file`] spells it.
    pub fn file_named(&self, path: &str) -> Option<FileId> {
        self.entries.lines().files.find(&normalise(path))
    }

    /// What is told of a file's text.
    pub fn known_of(&self, file: FileId) -> Known {
        let lines = self.entries.lines();
        Known {
            digest: lines.files.digest(file),
            lines: lines.last_line(file),
        }
    }

    /// The text of a source file, if a source map has it.
    pub fn text_of(&self, file: FileId) -> Option<&str> {
        self.entries.lines().content(file)
    }

    /// The line of a place. In a frame that is not the innermost, ask for the
    /// place before the one to return to.
    pub fn line_at(&self, pc: u32) -> Option<SourceLine> {
        self.entries.lines().line_at(pc)
    }

    /// The statements that start in a range of places, sorted, one for each place.
    pub fn statements(&self, range: Range<u32>) -> &[Statement] {
        self.entries.lines().statements(range)
    }
}

/// Functions.
impl ModuleSource {
    /// All functions with code of their own.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.all(&self.entries)
    }

    /// The function whose own code contains a place.
    pub fn function_at(&self, pc: u32) -> Option<&Function> {
        self.functions.at(&self.entries, pc)
    }

    /// The functions with a name: the last part, the whole path or the linkage
    /// name, exactly.
    pub fn functions_named(&self, name: &str) -> Vec<&Function> {
        self.functions.named(&self.entries, name)
    }

    /// The type of what the function that contains a place returns, if it returns something.
    pub(crate) fn return_type(&self, pc: u32) -> Option<EntryId> {
        let function = self.functions.described_at(&self.entries, pc).ok()?;
        let die = self.entries.units.entry(function.entry).ok()?;
        let unit = function.entry.unit;
        self.entries.declaration(unit, die.attrs()).type_id
    }

    /// The function that a person means by a name where a place is looked at: of several, one
    /// of the same unit.
    pub(crate) fn function_meant(&self, pc: u32, name: &str) -> Option<&Function> {
        if let Some((function, _)) = self.function_pointer(pc, name) {
            return Some(function);
        }
        let wanted = FunctionName::parse(name);
        let meant = |agreement| {
            let is_meant = |written: Written<'_>| wanted.means(written, agreement);
            self.functions.meant(&self.entries, &is_meant)
        };
        let found = meant(Agreement::All).into_iter().next();
        found.or_else(|| meant(Agreement::Path).into_iter().next())
    }

    /// What a function takes and returns, as its language writes the type of functions.
    pub(crate) fn signature(&self, function: &Function) -> Result<String, SourceError> {
        signature(&self.entries, self.types(), function.entry)
    }

    /// The index of the function that contains a place.
    pub fn function_index_at(&self, pc: u32) -> Option<u32> {
        self.entries.code.function_index_at(pc)
    }

    /// The readable name that the name section has for a function index.
    pub fn function_name(&self, function_index: u32) -> Option<String> {
        self.functions.names.readable(function_index)
    }

    /// A function's name, or its number.
    pub fn shown_name(&self, function: u32) -> String {
        self.functions.names.shown(function)
    }

    /// The name of a function that runs at a place, without what its library keeps to itself.
    pub(crate) fn spelled(&self, pc: u32, name: &str) -> String {
        let units = &self.entries.units;
        let is_rust = units.at(pc).next().is_some_and(|unit| units.is_rust(unit));
        short_function(name, is_rust)
    }

    /// The name of the function with an index in the first table.
    pub(crate) fn function_in_table(&self, index: u32) -> Option<String> {
        let function = self.table.get(index)?;
        let described = self.entries.code.body(function).map(|(_, first)| first);
        let described = described.and_then(|pc| self.function_at(pc));
        match described {
            Some(function) => Some(function.name.clone()),
            None => self.function_name(function),
        }
    }

    /// The function with a name (of several, that of the unit which contains a place), and
    /// what a pointer to it is, if the program has any.
    pub(crate) fn function_pointer(&self, pc: u32, name: &str) -> Option<(&Function, Option<u32>)> {
        let here = self.function_at(pc).map(|function| function.entry.unit);
        let mut found = self.functions_named(name);
        let index = |function: &Function| {
            let number = self.function_index_at(function.entry_pc)?;
            self.table.index_of(number)
        };
        found.sort_by_key(|function| {
            (
                Some(function.entry.unit) != here,
                index(function).is_none(),
                function.entry_pc,
            )
        });
        let function = found.into_iter().next()?;
        Some((function, index(function)))
    }

    /// The calls inlined at a place, innermost first.
    pub fn inlined_at(&self, pc: u32) -> Vec<InlinedCall> {
        scopes::inlined_at(&self.entries, &self.functions, pc)
    }

    /// The bodies of the function that holds a place: its own, and those inlined into it.
    /// This reads all of the function; of one that is damaged, its own is all there is.
    pub fn bodies_around(&self, pc: u32) -> Bodies {
        bodies::around(&self.entries, &self.functions, pc)
    }
}

/// Where breakpoints go.
impl ModuleSource {
    fn places(&self) -> Places<'_> {
        Places {
            entries: &self.entries,
            functions: &self.functions,
        }
    }

    /// The place for a breakpoint on a function: after the prologue, where its
    /// arguments can be seen.
    pub fn body_start(&self, function: &Function) -> u32 {
        self.places().body_start(function)
    }

    /// Where the functions begin that are meant, their inlined copies among them, by place.
    pub fn beginnings(&self, is_meant: &dyn Fn(Written<'_>) -> bool) -> Vec<Beginning> {
        let own = self.functions.meant(&self.entries, is_meant);
        let own = own.into_iter().map(|function| Beginning {
            pc: self.body_start(function),
            name: function.name.clone(),
            declared: function.declared,
            is_inlined: false,
        });
        let inlined = self.inlined.meant(&self.entries, is_meant);
        let mut all: Vec<Beginning> = own.chain(inlined).collect();
        all.sort_by_key(|beginning| beginning.pc);
        all.dedup_by_key(|beginning| beginning.pc);
        all
    }

    /// Where functions begin that debug information does not tell of, and that are meant by
    /// their names, as the `name` section has them or readable.
    pub fn undescribed_beginnings(&self, is_meant: &dyn Fn(Written<'_>) -> bool) -> Vec<Beginning> {
        self.places().undescribed(is_meant)
    }

    /// The names of all functions that debug information tells of.
    pub fn names_of_functions(&self) -> impl Iterator<Item = &str> {
        let own = self.functions().map(|function| function.name.as_str());
        own.chain(self.inlined.names(&self.entries))
    }

    /// The places for a breakpoint on a line: one for each copy of its code
    /// (instances of a generic function, inlined calls, unrolled loops). A line
    /// without code stands for the next one in the file that has some.
    pub fn breakpoint_places(&self, path: &str, line: u32) -> Vec<Statement> {
        self.places().breakpoint_places(path, line)
    }

    /// The lines of a range that have code, each once, with the column where
    /// their first statement starts.
    pub fn breakable_lines(&self, path: &str, lines: Range<u32>) -> Vec<SourceLine> {
        self.places().breakable_lines(path, lines)
    }

    /// Whether a file has code at all.
    pub fn has_code(&self, file: FileId) -> bool {
        self.places().has_code(file)
    }
}

/// Variables.
impl ModuleSource {
    /// What is in scope at a place.
    pub(crate) fn scopes_at(&self, pc: u32) -> Result<Scopes, SourceError> {
        scopes::at(&self.entries, &self.functions, pc)
    }

    /// The variables with a name outside functions, of the unit that contains a
    /// place.
    pub(crate) fn statics_at(&self, pc: u32) -> Result<Vec<Declared>, SourceError> {
        let function = self.functions.described_at(&self.entries, pc)?;
        scopes::statics(&self.entries, function.entry.unit)
    }

    /// The variable with a name that is in no function or lives as long as those; that
    /// of the unit which contains a place comes before others.
    pub(crate) fn static_named(&self, pc: u32, name: &str) -> Option<Declared> {
        let here = self.function_at(pc).map(|function| function.entry.unit);
        self.statics.named(&self.entries, here, name)
    }

    /// The variables that are in no function or live as long as those, with their whole
    /// paths, and where they are declared.
    pub(crate) fn static_names(&self) -> impl Iterator<Item = (String, Option<SourceLine>)> {
        let all = self.statics.all(&self.entries).into_iter();
        let own = all.filter(|(name, _)| !name.ends_with("::{vtable}"));
        own.map(|(name, declared)| (name, declared.declared))
    }

    /// The one of them whose bytes an address is of, and where it begins.
    pub(crate) fn static_around(&self, address: u64) -> Option<(String, u64)> {
        let size = |of| self.size_of(of).unwrap_or(0);
        self.statics.around(&self.entries, address, size)
    }

    /// The variable with an entry, at a place.
    pub(crate) fn variable_at(
        &self,
        id: EntryId,
        pc: Option<u32>,
    ) -> Result<Option<Declared>, SourceError> {
        scopes::variable_at(&self.entries, id, pc)
    }

    /// How a unit encodes expressions.
    pub(crate) fn encoding(&self, unit: u32) -> Option<gimli::Encoding> {
        self.entries.units.encoding(unit)
    }

    /// An address of a unit's table in `.debug_addr`.
    pub(crate) fn indexed_address(
        &self,
        unit: u32,
        index: gimli::DebugAddrIndex,
    ) -> Result<u64, SourceError> {
        self.entries.units.indexed_address(unit, index)
    }

    /// The global that holds where the variables of a thread start.
    pub(crate) fn tls_base(&self) -> Option<u32> {
        self.globals.tls_base
    }

    /// Whether the operand with an index, from the bottom, is the same at the end of a
    /// stretch of code as where that begins; in code order, as every way from one to the
    /// other that matters goes through the code between them.
    ///
    /// Code that cannot be read keeps nothing.
    pub(crate) fn keeps_operand(&self, index: u32, stretch: &Range<u32>) -> bool {
        self.operands.keeps(&self.entries.code, index, stretch)
    }
}

/// Types.
impl ModuleSource {
    fn types(&self) -> Types<'_> {
        Types::new(&self.entries.units, &self.type_names)
    }

    /// Reads one type.
    pub(crate) fn type_at(&self, id: EntryId) -> Result<Type, SourceError> {
        self.types().read(id)
    }

    /// The type behind aliases and qualifiers.
    pub(crate) fn resolved(&self, id: EntryId) -> Result<(EntryId, Type), SourceError> {
        self.types().resolved(id)
    }

    /// The size of a type in bytes; 0 for what has none.
    pub(crate) fn size_of(&self, id: EntryId) -> Result<u64, SourceError> {
        self.types().size_of(id)
    }

    /// The bytes of an address, as the unit that describes a type has them.
    pub(crate) fn address_size(&self, of: EntryId) -> u64 {
        self.entries.units.address_size(of.unit)
    }

    /// The type with a name, as its language writes it without qualifiers; of several,
    /// the first that is complete.
    pub(crate) fn type_named(&self, name: &str) -> Option<EntryId> {
        self.type_names.named(&self.entries.units, name)
    }

    /// An enumerator by its name, with or without those around it: its enumeration and its
    /// value. Enumerations of the unit that contains a place come first.
    pub(crate) fn enumerator_named(&self, pc: u32, name: &str) -> Option<(EntryId, i128)> {
        let here = self.function_at(pc).map(|function| function.entry.unit);
        let own = name.rsplit("::").next().unwrap_or(name);
        let homes = self.enumerators.homes(&self.entries.units, here, name);
        homes
            .into_iter()
            .find_map(|id| match self.type_at(id).ok()? {
                Type::Enumeration { enumerators, .. } => {
                    let found = enumerators.into_iter().find(|(name, _)| name == own);
                    found.map(|(_, value)| (id, value))
                }
                _ => None,
            })
    }

    /// The types that are meant by one of their names.
    pub(crate) fn types_meant(&self, is_meant: impl Fn(&str) -> bool) -> Vec<String> {
        self.type_names.meant(&self.entries.units, is_meant)
    }

    /// The class with a name as its vtable has it, mangled.
    pub(crate) fn class_mangled(&self, name: &str) -> Option<EntryId> {
        self.type_names.class_mangled(&self.entries.units, name)
    }

    /// The first base type that is like this.
    pub(crate) fn base_type(&self, is_like: impl Fn(&Type) -> bool) -> Option<EntryId> {
        self.types().base(is_like)
    }

    /// The type whose vtable is at an address in memory.
    pub(crate) fn vtable_type(&self, address: u64) -> Option<EntryId> {
        let units = &self.entries.units;
        self.vtables.made_for(units, &self.globals, address)
    }

    /// The name of a type as its language writes it.
    pub(crate) fn type_name(&self, id: Option<EntryId>) -> String {
        TypeText(self.types()).of(id)
    }

    /// The name of arrays of a type, of arrays of those and so on, the outermost first.
    pub(crate) fn array_name(&self, element: Option<EntryId>, counts: &[Count]) -> String {
        TypeText(self.types()).of_array(element, counts)
    }

    /// The name of pointers to a type, as an expression makes them.
    pub(crate) fn pointer_name(&self, target: EntryId) -> String {
        TypeText(self.types()).of_pointer(target)
    }
}

/// What the room itself asks.
impl ModuleSource {
    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    pub(super) fn type_names(&self) -> &TypeNames {
        &self.type_names
    }

    pub(super) fn code(&self) -> &Code {
        &self.entries.code
    }

    pub(super) fn dwarf(&self) -> &gimli::Dwarf<Reader> {
        &self.entries.units.dwarf
    }

    /// Split units that no file has.
    pub(super) fn missing_units(&self) -> &[Missing] {
        &self.entries.units.missing
    }
}
