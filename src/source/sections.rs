//! The sections of a core module that debug information needs: code, names, and
//! the custom sections `.debug_*`.

use super::budget::too_large;
use super::error::SourceError;
use super::globals::Globals;
use super::names::Names;
use super::tables::FunctionTable;
use super::texts;
use gimli::{EndianArcSlice, EndianReader, LittleEndian};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser::{
    BinaryReader, KnownCustom, Name, Operator, OperatorsReader, Parser, Payload, TypeRef,
};

/// Reads DWARF out of the shared bytes of the module, without copying.
pub(crate) type Reader = EndianArcSlice<LittleEndian>;

/// Custom sections in which debug information from outside is put into a module: a file
/// of split units, and a source map.
pub(super) const SPLIT_FILE: &str = "rr-dap.split-dwarf";
pub(super) const SOURCE_MAP: &str = "rr-dap.source-map";

/// The code of a module: where it starts, and where its functions are.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// Module offset of the code section's payload, the zero of DWARF addresses.
    start: u32,
    /// One per defined function, in order of offset.
    bodies: Vec<Body>,
    /// Functions before the first defined one in the index space.
    imported: u32,
    /// All of the module.
    module: Arc<[u8]>,
}

/// A defined function's bytes.
#[derive(Debug, Clone)]
struct Body {
    range: Range<u32>,
    /// The offset of the first instruction, after the declarations of locals.
    first_instruction: u32,
}

impl Code {
    /// The module offset of a DWARF address, if it lies in the code. Addresses
    /// of functions that the linker dropped do not: they are 0, -1 or -2.
    pub(super) fn pc(&self, address: u64) -> Option<u32> {
        let pc = u32::try_from(address).ok()?.checked_add(self.start)?;
        (self.bodies.first()?.range.start <= pc && pc <= self.bodies.last()?.range.end)
            .then_some(pc)
    }

    /// The module offsets of a range of DWARF addresses.
    pub(super) fn pcs(&self, begin: u64, end: u64) -> Option<Range<u32>> {
        let range = self.pc(begin)?..self.pc(end)?;
        (range.start < range.end).then_some(range)
    }

    /// The DWARF address of a module offset.
    pub(super) fn address(&self, pc: u32) -> Option<u64> {
        pc.checked_sub(self.start).map(u64::from)
    }

    /// The bytes from the first function to the last.
    pub(super) fn bytes(&self) -> usize {
        let first = self.bodies.first().map_or(0, |body| body.range.start);
        let last = self.bodies.last().map_or(0, |body| body.range.end);
        last.saturating_sub(first) as usize
    }

    /// Moves a place in a function's declarations of locals, to which compilers
    /// attribute a function's first line, to its first instruction.
    pub(super) fn instruction_at(&self, pc: u32) -> u32 {
        self.body_at(pc)
            .map_or(pc, |(_, body)| body.first_instruction.max(pc))
    }

    /// Where branches back to a place lead, if that is before an instruction that begins a
    /// loop: the `loop` itself runs once, and what compilers have begin with it is to be found
    /// each time around. No farther than `limit`, which is another place.
    pub(super) fn loop_head_at(&self, pc: u32, limit: u32) -> u32 {
        let rest = self.module.get(pc as usize..limit.max(pc) as usize);
        let reader = BinaryReader::new(rest.unwrap_or_default(), pc as usize);
        let mut operators = OperatorsReader::new(reader);
        let mut head = pc;
        while let Ok(opening) = operators.read() {
            let after = operators.original_position() as u32;
            match opening {
                Operator::Loop { .. } if after < limit => head = after,
                Operator::Block { .. } => {}
                _ => break,
            }
        }
        head
    }

    /// The index of the function that contains a place.
    pub(super) fn function_index_at(&self, pc: u32) -> Option<u32> {
        let (defined, _) = self.body_at(pc)?;
        u32::try_from(defined).ok()?.checked_add(self.imported)
    }

    /// How many functions the module imports.
    pub(super) fn imported(&self) -> u32 {
        self.imported
    }

    /// The functions that the module defines: index, bytes, first instruction.
    pub(super) fn defined(&self) -> impl Iterator<Item = (u32, Range<u32>, u32)> {
        let indices = self.imported..;
        let bodies = self.bodies.iter();
        indices
            .zip(bodies)
            .map(|(index, body)| (index, body.range.clone(), body.first_instruction))
    }

    /// The bytes of a defined function, and its first instruction.
    pub(super) fn body(&self, function: u32) -> Option<(Range<u32>, u32)> {
        let defined = function.checked_sub(self.imported)?;
        let body = self.bodies.get(defined as usize)?;
        Some((body.range.clone(), body.first_instruction))
    }

    fn body_at(&self, pc: u32) -> Option<(usize, &Body)> {
        let next = self.bodies.partition_point(|body| body.range.start <= pc);
        let index = next.checked_sub(1)?;
        let body = self.bodies.get(index)?;
        (pc < body.range.end).then_some((index, body))
    }
}

/// The custom sections `.debug_*` of a WebAssembly file.
pub(super) struct DebugSections {
    bytes: Arc<[u8]>,
    ranges: HashMap<String, Range<usize>>,
    /// Why none of them is used.
    refused: Option<SourceError>,
}

impl DebugSections {
    fn take(&mut self, name: &str, range: Range<usize>) {
        let range = match name.trim_end_matches(".dwo") {
            ".debug_str" | ".debug_line_str" => {
                let strings = self.bytes.get(range.clone()).unwrap_or_default();
                range.start..range.start.saturating_add(texts::usable(strings))
            }
            _ => range,
        };
        self.ranges.insert(name.to_owned(), range);
    }

    /// Uses none of them if there are more lines than there is code for: line tables unfold
    /// to many times their size, and what the linker dropped has no code.
    fn check_lines(&mut self, code: &Code) {
        const LEAST: usize = 4 << 20;
        let limit = code.bytes().saturating_mul(4).saturating_add(LEAST);
        if self.length(".debug_line") > limit {
            self.ranges.clear();
            let what = "line tables of so little code";
            self.refused = Some(too_large(what, limit));
        }
    }

    /// Why they are not used, though they are there.
    pub(super) fn refused(&self) -> Option<&SourceError> {
        self.refused.as_ref()
    }

    /// The sections of a file that has nothing else of interest, such as a `.dwo`.
    /// Of a damaged file, those before the damage.
    pub(super) fn of_file(bytes: Arc<[u8]>) -> DebugSections {
        let mut found = DebugSections {
            bytes: bytes.clone(),
            ranges: HashMap::new(),
            refused: None,
        };
        let payloads = Parser::new(0).parse_all(&bytes).map_while(Result::ok);
        for payload in payloads {
            if let Payload::CustomSection(custom) = payload
                && let Some(range) = data_range(&custom, bytes.len())
            {
                found.take(custom.name(), range);
            }
        }
        found
    }

    /// A section; one that is not there is empty.
    pub(super) fn section(&self, name: &str) -> Reader {
        let range = self.ranges.get(name).cloned().unwrap_or(0..0);
        EndianReader::new(self.bytes.clone(), LittleEndian).range(range)
    }

    /// Whether this is a package of split units.
    pub(super) fn is_package(&self) -> bool {
        self.ranges.contains_key(".debug_cu_index")
    }

    pub(super) fn length(&self, name: &str) -> usize {
        self.ranges.get(name).map_or(0, ExactSizeIterator::len)
    }

    pub(super) fn dwarf(&self) -> Result<gimli::Dwarf<Reader>, SourceError> {
        Ok(gimli::Dwarf::load(|id| {
            Ok::<_, gimli::Error>(self.section(id.name()))
        })?)
    }
}

/// What one pass over a module finds.
pub(super) struct Sections {
    pub(super) code: Code,
    pub(super) names: Names,
    pub(super) table: FunctionTable,
    pub(super) globals: Globals,
    pub(super) debug: DebugSections,
    /// Files of split units that were put in.
    pub(super) split: Vec<DebugSections>,
    /// Where a source map is that was put in.
    pub(super) source_map: Option<Range<usize>>,
}

impl Sections {
    pub(super) fn read(bytes: &Arc<[u8]>) -> Result<Sections, SourceError> {
        let mut sections = Sections {
            code: Code {
                module: bytes.clone(),
                ..Code::default()
            },
            names: Names::default(),
            table: FunctionTable::default(),
            globals: Globals::default(),
            debug: DebugSections {
                bytes: bytes.clone(),
                ranges: HashMap::new(),
                refused: None,
            },
            split: Vec::new(),
            source_map: None,
        };
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(not_a_module)?;
            sections.take(payload, bytes)?;
        }
        sections.debug.check_lines(&sections.code);
        Ok(sections)
    }

    fn take(&mut self, payload: Payload<'_>, bytes: &[u8]) -> Result<(), SourceError> {
        match payload {
            Payload::Version {
                encoding: wasmparser::Encoding::Component,
                ..
            } => Err(SourceError::NotAModule(
                "these bytes are a component; ask for one of its core modules".into(),
            )),
            Payload::ImportSection(imports) => self.count_imports(imports),
            Payload::GlobalSection(globals) => {
                self.globals.read(globals);
                Ok(())
            }
            Payload::ElementSection(elements) => {
                self.table.read(elements);
                Ok(())
            }
            Payload::CodeSectionStart { range, .. } => {
                self.code.start = offset(range.start)?;
                Ok(())
            }
            Payload::CodeSectionEntry(body) => self.add_body(&body),
            Payload::CustomSection(custom) => {
                let range = data_range(&custom, bytes.len());
                match (custom.name(), range) {
                    (SPLIT_FILE, Some(range)) => {
                        let file = bytes.get(range).unwrap_or_default();
                        self.split.push(DebugSections::of_file(file.into()));
                    }
                    (SOURCE_MAP, range) => self.source_map = range,
                    (name, Some(range)) if name.starts_with(".debug_") => {
                        self.debug.take(name, range);
                    }
                    _ => {
                        if let KnownCustom::Name(names) = custom.as_known() {
                            self.add_names(names);
                        }
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn count_imports(
        &mut self,
        imports: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), SourceError> {
        for import in imports.into_imports() {
            let import = import.map_err(not_a_module)?;
            if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                self.code.imported = self.code.imported.saturating_add(1);
            }
            if matches!(import.ty, TypeRef::Global(_)) {
                self.globals.import();
            }
        }
        Ok(())
    }

    fn add_body(&mut self, body: &wasmparser::FunctionBody<'_>) -> Result<(), SourceError> {
        let range = body.range();
        let operators = body.get_operators_reader().map_err(not_a_module)?;
        self.code.bodies.push(Body {
            range: offset(range.start)?..offset(range.end)?,
            first_instruction: offset(operators.original_position())?,
        });
        Ok(())
    }

    /// A damaged name section costs the names after the damage, no more.
    fn add_names(&mut self, names: wasmparser::NameSectionReader<'_>) {
        for subsection in names {
            let Ok(subsection) = subsection else { return };
            match subsection {
                Name::Function(functions) => {
                    for naming in functions.into_iter().map_while(Result::ok) {
                        self.names.add(naming.index, naming.name);
                    }
                }
                Name::Module { name, .. } => self.names.module = Some(name.to_owned()),
                Name::Global(globals) => {
                    let mut globals = globals.into_iter().map_while(Result::ok);
                    let base = globals.find(|naming| naming.name == "__tls_base");
                    self.globals.tls_base = base.map(|naming| naming.index);
                }
                _ => {}
            }
        }
    }
}

/// Where the bytes of a custom section are.
fn data_range(custom: &wasmparser::CustomSectionReader<'_>, length: usize) -> Option<Range<usize>> {
    let range = custom.data_offset()..custom.range().end;
    (range.start <= range.end && range.end <= length).then_some(range)
}

fn not_a_module(error: wasmparser::BinaryReaderError) -> SourceError {
    SourceError::NotAModule(error.to_string())
}

fn offset(at: usize) -> Result<u32, SourceError> {
    u32::try_from(at).map_err(|_| SourceError::NotAModule("larger than 4 GiB".into()))
}
