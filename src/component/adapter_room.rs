//! Programs of Go, whose memory the WASI 0.1 adapter cannot have a part of as it is.
//!
//! The adapter keeps its state in pages by which it grows the memory, and Go's allocator
//! takes all that follows what it has for its own: the one writes over the other. Go begins
//! to allocate where its data ends, by a word in that data (`firstmoduledata.end`). So the
//! data is said to end later, and what lies between is given out to the adapter, by the
//! function that `wit-component` looks for, `cabi_realloc_adapter`.

use std::ops::Range;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Encode, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module, RawSection,
    SectionId, TypeSection, ValType,
};
use wasmparser::{BinaryReader, BinaryReaderError, DataKind, Operator, Parser, Payload, TypeRef};

/// The section that Go's linker writes into every module.
const MARK: &str = "go:buildid";
/// What the adapter asks for memory.
const REALLOC: &str = "cabi_realloc_adapter";
/// Any of these in a module is the adapter's already.
const HAVE_ROOM: [&str; 2] = [REALLOC, "cabi_realloc"];
const PAGE: u64 = 1 << 16;
/// What the adapter gets: a page for its state, one for its stack, and what aligning takes.
const PAGES: u64 = 3;
/// The initial memory is what the data takes and this, in whole pages.
const BEYOND_DATA: u64 = 1 << 20;
/// Words of the module's description that ascend up to the end of the data: where data that
/// has pointers, that has none, and so on, begin and end.
const ASCENDING: usize = 11;
const WORD: usize = 8;

/// Why a program of Go cannot have the adapter.
#[derive(Debug, thiserror::Error)]
pub enum GoError {
    /// It is not a sound core module.
    #[error(transparent)]
    Module(#[from] BinaryReaderError),
    /// The word was not found where this version of Go has it.
    #[error(
        "it is built by a Go whose memory the WASI adapter cannot have a part of; build it with \
         TinyGo, with `-target=wasip2`"
    )]
    UnknownLayout,
}

/// A core module of Go with room for the adapter; `None` for any other, and where there is
/// room.
///
/// # Errors
///
/// If the module is damaged, or laid out as no Go is known to.
pub(super) fn with_room(module: &[u8]) -> Result<Option<Vec<u8>>, GoError> {
    let found = Found::read(module)?;
    if !found.is_go || found.has_room {
        return Ok(None);
    }
    let end = found.end_of_data(module).ok_or(GoError::UnknownLayout)?;
    Ok(Some(found.extended(module, &end)))
}

/// What the change needs to know of a module.
#[derive(Default)]
struct Found {
    is_go: bool,
    has_room: bool,
    types: u32,
    functions: u32,
    globals: u32,
    memory_pages: u64,
    /// Sections by number and content, in their order.
    sections: Vec<(u8, Range<usize>)>,
    /// Data by address and content.
    data: Vec<(u64, Range<usize>)>,
}

/// The word that tells where the data ends.
struct EndOfData {
    /// Where it is in the module's binary.
    at: usize,
    address: u64,
}

impl Found {
    fn read(module: &[u8]) -> Result<Found, BinaryReaderError> {
        let mut found = Found::default();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            found.sections.extend(payload.as_section());
            found.take(payload)?;
        }
        Ok(found)
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::CustomSection(custom) => self.is_go |= custom.name() == MARK,
            Payload::TypeSection(types) => self.types = types.count(),
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let is_function = matches!(import?.ty, TypeRef::Func(_));
                    self.functions += u32::from(is_function);
                }
            }
            Payload::FunctionSection(functions) => self.functions += functions.count(),
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memory_pages = memory?.initial;
                }
            }
            Payload::GlobalSection(globals) => self.globals = globals.count(),
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.has_room |= HAVE_ROOM.contains(&export?.name);
                }
            }
            Payload::DataSection(data) => {
                for data in data {
                    let data = data?;
                    if let DataKind::Active { offset_expr, .. } = &data.kind {
                        let begin = data.range.end - data.data.len();
                        let address = constant(offset_expr)?;
                        self.data
                            .extend(address.map(|at| (at, begin..data.range.end)));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The one word that is as the end of the data has to be: the last and greatest of
    /// those that ascend, and as far from the end of the memory as Go's linker has it.
    fn end_of_data(&self, module: &[u8]) -> Option<EndOfData> {
        let lowest = (self.memory_pages * PAGE).checked_sub(BEYOND_DATA)?;
        let is_end = |words: &[u64]| {
            let (ascending, after) = words.split_at(ASCENDING);
            let end = ascending.last().copied().unwrap_or_default();
            (lowest..lowest + PAGE).contains(&end)
                && ascending.first().is_some_and(|first| *first > 0)
                && ascending.is_sorted()
                && after.iter().all(|after| *after < end)
        };
        let mut ends = self.data.iter().flat_map(|(address, range)| {
            // Words lie at multiples of their size.
            let skipped = address.wrapping_neg() as usize % WORD;
            let bytes = module.get(range.clone()).unwrap_or_default();
            let (words, _) = bytes.get(skipped..).unwrap_or_default().as_chunks::<WORD>();
            let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
            let found = words.windows(ASCENDING + 1).enumerate();
            let found = found.filter(|(_, words)| is_end(words));
            let ends: Vec<EndOfData> = found
                .filter_map(|(at, words)| {
                    Some(EndOfData {
                        at: range.start + skipped + (at + ASCENDING - 1) * WORD,
                        address: *words.get(ASCENDING - 1)?,
                    })
                })
                .collect();
            ends
        });
        ends.next().filter(|_| ends.next().is_none())
    }

    fn extended(&self, module: &[u8], end: &EndOfData) -> Vec<u8> {
        let mut extended = Module::new();
        for (id, range) in &self.sections {
            let content = module.get(range.clone()).unwrap_or_default();
            let content = self.content(*id, content, range.start, end);
            extended.section(&RawSection {
                id: *id,
                data: &content,
            });
        }
        extended.finish()
    }

    /// A section's content with what the change adds to it.
    fn content(&self, id: u8, content: &[u8], start: usize, end: &EndOfData) -> Vec<u8> {
        const fn is(id: SectionId) -> u8 {
            id as u8
        }
        const TYPE: u8 = is(SectionId::Type);
        const FUNCTION: u8 = is(SectionId::Function);
        const MEMORY: u8 = is(SectionId::Memory);
        const GLOBAL: u8 = is(SectionId::Global);
        const EXPORT: u8 = is(SectionId::Export);
        const CODE: u8 = is(SectionId::Code);
        const DATA: u8 = is(SectionId::Data);
        match id {
            TYPE => {
                let mut types = TypeSection::new();
                types.ty().function([ValType::I32; 4], [ValType::I32]);
                with_item(content, &types)
            }
            FUNCTION => {
                let mut functions = FunctionSection::new();
                functions.function(self.types);
                with_item(content, &functions)
            }
            MEMORY => {
                let mut memories = MemorySection::new();
                memories.memory(MemoryType {
                    minimum: self.memory_pages + PAGES,
                    maximum: None,
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
                with_item(&[0], &memories)
            }
            GLOBAL => {
                let mut globals = GlobalSection::new();
                let ty = GlobalType {
                    val_type: ValType::I32,
                    mutable: true,
                    shared: false,
                };
                globals.global(ty, &ConstExpr::i32_const(end.address as i32));
                with_item(content, &globals)
            }
            EXPORT => {
                let mut exports = ExportSection::new();
                exports.export(REALLOC, ExportKind::Func, self.functions);
                with_item(content, &exports)
            }
            CODE => {
                let mut code = CodeSection::new();
                let last = end.address + PAGES * PAGE;
                code.function(&realloc(self.globals, last as i32));
                with_item(content, &code)
            }
            DATA => {
                let mut content = content.to_vec();
                let word = (end.address + PAGES * PAGE).to_le_bytes();
                let at = end.at.saturating_sub(start);
                if let Some(place) = content.get_mut(at..at.saturating_add(WORD)) {
                    place.copy_from_slice(&word);
                }
                content
            }
            _ => content.to_vec(),
        }
    }
}

/// The value of an expression that is one constant.
fn constant(of: &wasmparser::ConstExpr<'_>) -> Result<Option<u64>, BinaryReaderError> {
    Ok(match of.get_operators_reader().read()? {
        Operator::I32Const { value } => Some(u64::from(value as u32)),
        _ => None,
    })
}

/// A section's content with the one item of another behind its own.
fn with_item(content: &[u8], one: &impl Encode) -> Vec<u8> {
    let mut encoded = Vec::new();
    one.encode(&mut encoded);
    // Its length comes first.
    let item = after_number(&encoded).1;
    let (count, items) = after_number(content);
    let mut out = Vec::with_capacity(content.len() + item.len());
    (count + 1).encode(&mut out);
    out.extend_from_slice(items);
    out.extend_from_slice(after_number(item).1);
    out
}

/// A number in LEB128, and what follows it.
fn after_number(bytes: &[u8]) -> (u32, &[u8]) {
    let mut reader = BinaryReader::new(bytes, 0);
    let number = reader.read_var_u32().unwrap_or_default();
    let rest = bytes.get(reader.original_position()..);
    (number, rest.unwrap_or_default())
}

/// Gives out what is up to `last`, once: what the adapter has, it keeps.
fn realloc(next: u32, last: i32) -> Function {
    const ALIGN: u32 = 2;
    const SIZE: u32 = 3;
    const GIVEN: u32 = 4;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(next)
        .local_get(ALIGN)
        .i32_add()
        .i32_const(1)
        .i32_sub()
        .i32_const(0)
        .local_get(ALIGN)
        .i32_sub()
        .i32_and()
        .local_tee(GIVEN)
        .local_get(SIZE)
        .i32_add()
        .global_set(next);
    code.global_get(next)
        .i32_const(last)
        .i32_gt_u()
        .if_(BlockType::Empty)
        .unreachable()
        .end()
        .local_get(GIVEN)
        .end();
    function
}
