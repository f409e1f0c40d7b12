//! The sections of a core module that debug information needs: code, names, and
//! the custom sections `.debug_*`.

use super::SourceError;
use super::tables::{FunctionTable, constants};
use gimli::{EndianArcSlice, EndianReader, LittleEndian};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// Reads DWARF out of the shared bytes of the module, without copying.
pub(crate) type Reader = EndianArcSlice<LittleEndian>;

/// The code of a module: where it starts, and where its functions are.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// Module offset of the code section's payload, the zero of DWARF addresses.
    start: u32,
    /// One per defined function, in order of offset.
    bodies: Vec<Body>,
    /// Functions before the first defined one in the index space.
    imported: u32,
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

    /// Moves a place in a function's declarations of locals, to which compilers
    /// attribute a function's first line, to its first instruction.
    pub(super) fn instruction_at(&self, pc: u32) -> u32 {
        self.body_at(pc)
            .map_or(pc, |(_, body)| body.first_instruction.max(pc))
    }

    /// The index of the function that contains a place.
    pub(super) fn function_index_at(&self, pc: u32) -> Option<u32> {
        let (defined, _) = self.body_at(pc)?;
        u32::try_from(defined).ok()?.checked_add(self.imported)
    }

    /// The first instruction of a function by its index.
    pub(super) fn first_instruction(&self, function: u32) -> Option<u32> {
        let defined = function.checked_sub(self.imported)?;
        let body = self.bodies.get(defined as usize)?;
        Some(body.first_instruction)
    }

    fn body_at(&self, pc: u32) -> Option<(usize, &Body)> {
        let next = self.bodies.partition_point(|body| body.range.start <= pc);
        let index = next.checked_sub(1)?;
        let body = self.bodies.get(index)?;
        (pc < body.range.end).then_some((index, body))
    }
}

/// What one pass over a module finds.
pub(super) struct Sections {
    pub(super) code: Code,
    /// Raw function names of the name section, by function index.
    pub(super) names: HashMap<u32, String>,
    pub(super) table: FunctionTable,
    /// The values of globals that never change, by index.
    pub(super) constant_globals: Vec<Option<u64>>,
    /// The global `__tls_base`, by its index.
    pub(super) tls_base: Option<u32>,
    /// Ranges of the custom sections `.debug_*`.
    debug: HashMap<String, Range<usize>>,
}

impl Sections {
    pub(super) fn read(bytes: &[u8]) -> Result<Sections, SourceError> {
        let mut sections = Sections {
            code: Code::default(),
            names: HashMap::new(),
            table: FunctionTable::default(),
            constant_globals: Vec::new(),
            tls_base: None,
            debug: HashMap::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(not_a_module)?;
            sections.take(payload, bytes.len())?;
        }
        Ok(sections)
    }

    fn take(&mut self, payload: Payload<'_>, length: usize) -> Result<(), SourceError> {
        match payload {
            Payload::Version {
                encoding: wasmparser::Encoding::Component,
                ..
            } => Err(SourceError::NotAModule(
                "these bytes are a component; ask for one of its core modules".into(),
            )),
            Payload::ImportSection(imports) => self.count_imports(imports),
            Payload::GlobalSection(globals) => {
                self.constant_globals.extend(constants(globals));
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
                if custom.name().starts_with(".debug_") {
                    let range = custom.data_offset()..custom.range().end;
                    if range.start <= range.end && range.end <= length {
                        self.debug.insert(custom.name().to_owned(), range);
                    }
                } else if let KnownCustom::Name(names) = custom.as_known() {
                    self.add_names(names);
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
                self.constant_globals.push(None);
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
                        self.names.insert(naming.index, naming.name.to_owned());
                    }
                }
                Name::Global(globals) => {
                    let mut globals = globals.into_iter().map_while(Result::ok);
                    let base = globals.find(|naming| naming.name == "__tls_base");
                    self.tls_base = base.map(|naming| naming.index);
                }
                _ => {}
            }
        }
    }

    /// The DWARF of the module.
    pub(super) fn dwarf(&self, bytes: &Arc<[u8]>) -> Result<gimli::Dwarf<Reader>, SourceError> {
        let whole = EndianReader::new(bytes.clone(), LittleEndian);
        Ok(gimli::Dwarf::load(|id| {
            let range = self.debug.get(id.name()).cloned().unwrap_or(0..0);
            Ok::<_, gimli::Error>(whole.range(range))
        })?)
    }

    pub(super) fn debug_length(&self, name: &str) -> usize {
        self.debug.get(name).map_or(0, ExactSizeIterator::len)
    }
}

fn not_a_module(error: wasmparser::BinaryReaderError) -> SourceError {
    SourceError::NotAModule(error.to_string())
}

fn offset(at: usize) -> Result<u32, SourceError> {
    u32::try_from(at).map_err(|_| SourceError::NotAModule("larger than 4 GiB".into()))
}
