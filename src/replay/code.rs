//! The code of an original core module: its functions, where their instructions
//! are, and how its index spaces relate to those of the compiled module.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser as wp;

/// A module's code cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the code of core module cannot be read: {0}")]
pub struct CodeError(String);

impl From<wp::BinaryReaderError> for CodeError {
    fn from(error: wp::BinaryReaderError) -> Self {
        CodeError(error.to_string())
    }
}

/// One defined function.
#[derive(Debug, Clone)]
struct Function {
    /// The body with its local declarations, as offsets in the module.
    body: Range<u32>,
    /// Parameters and declared locals.
    locals: u32,
}

/// The index space of memories, globals or tables.
#[derive(Debug, Default)]
struct Space {
    imported: u32,
    /// Imported ones included.
    count: u32,
    exports: Vec<(u32, String)>,
}

/// What a module imports, exports and defines besides functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Linear memories.
    Memory,
    /// Globals.
    Global,
    /// Tables of references.
    Table,
}

/// How a memory, global or table can be had from outside of its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside<'a> {
    /// It is the import of its sort with this number, from 0.
    Imported(u32),
    /// It is the export of this name.
    Exported(&'a str),
    /// Only a debugger sees it.
    Hidden,
}

/// The code of one core module. Instruction offsets are decoded function by
/// function, when first asked for.
#[derive(Debug)]
pub struct Code {
    bytes: Arc<[u8]>,
    imported_functions: u32,
    imported_globals: u32,
    functions: Vec<Function>,
    function_exports: Vec<(u32, String)>,
    memories: Space,
    globals: Space,
    tables: Space,
    decoded: Mutex<HashMap<u32, Decoded>>,
}

/// The instructions of a function.
#[derive(Debug, Clone)]
struct Decoded {
    offsets: Arc<[u32]>,
    /// Of those, the calls that a `try_table` of the function may catch from.
    guarded_calls: Arc<[u32]>,
    handlers: Arc<[Handler]>,
    landings: Arc<[Landing]>,
}

/// A `try_table`: what it catches, and where from.
#[derive(Debug, Clone)]
struct Handler {
    /// From its own offset to its `end`'s.
    block: (u32, u32),
    catches: Arc<[Caught]>,
}

/// What is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caught {
    /// Whatever is thrown.
    All,
    /// What is thrown with the tag of this index in the module.
    Tag(u32),
}

/// An instruction that a branch may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landing {
    /// Offset of the instruction in the original module.
    pub pc: u32,
    /// The branch is in here: from the block's first instruction to its `end`.
    pub block: (u32, u32),
}

/// What an instruction throws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throw {
    /// A new exception, with the tag of this index in the module.
    Tag(u32),
    /// One that was caught, as it was.
    Again,
}

impl Throw {
    fn by(operator: &wp::Operator<'_>) -> Option<Throw> {
        match operator {
            wp::Operator::Throw { tag_index } => Some(Throw::Tag(*tag_index)),
            wp::Operator::ThrowRef => Some(Throw::Again),
            _ => None,
        }
    }
}

/// A call that a frame is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSite {
    pub pc: u32,
    /// The instruction after it.
    pub next: u32,
}

impl Caught {
    fn by(clause: &wp::Catch) -> Caught {
        match clause {
            wp::Catch::One { tag, .. } | wp::Catch::OneRef { tag, .. } => Caught::Tag(*tag),
            wp::Catch::All { .. } | wp::Catch::AllRef { .. } => Caught::All,
        }
    }
}

impl Space {
    fn import(&mut self) {
        self.imported += 1;
        self.count += 1;
    }
}

impl Code {
    /// Reads the outline of a module.
    ///
    /// # Errors
    ///
    /// If the module is malformed.
    pub fn read(bytes: Arc<[u8]>) -> Result<Code, CodeError> {
        let mut code = Code {
            bytes: bytes.clone(),
            imported_functions: 0,
            imported_globals: 0,
            functions: Vec::new(),
            function_exports: Vec::new(),
            memories: Space::default(),
            globals: Space::default(),
            tables: Space::default(),
            decoded: Mutex::default(),
        };
        let mut params: Vec<u32> = Vec::new();
        let mut types: Vec<u32> = Vec::new();
        for payload in wp::Parser::new(0).parse_all(&bytes) {
            match payload? {
                wp::Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            params.push(match ty.composite_type.inner {
                                wp::CompositeInnerType::Func(f) => f.params().len() as u32,
                                _ => 0,
                            });
                        }
                    }
                }
                wp::Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            wp::TypeRef::Func(_) | wp::TypeRef::FuncExact(_) => {
                                code.imported_functions += 1;
                            }
                            wp::TypeRef::Global(_) => {
                                code.imported_globals += 1;
                                code.globals.import();
                            }
                            wp::TypeRef::Memory(_) => code.memories.import(),
                            wp::TypeRef::Table(_) => code.tables.import(),
                            _ => {}
                        }
                    }
                }
                wp::Payload::TableSection(section) => code.tables.count += section.count(),
                wp::Payload::MemorySection(section) => code.memories.count += section.count(),
                wp::Payload::GlobalSection(section) => code.globals.count += section.count(),
                wp::Payload::ExportSection(section) => {
                    for export in section {
                        code.note_export(&export?);
                    }
                }
                wp::Payload::FunctionSection(section) => {
                    for ty in section {
                        types.push(ty?);
                    }
                }
                wp::Payload::CodeSectionEntry(body) => {
                    let ty = types.get(code.functions.len()).copied().unwrap_or(0);
                    let mut locals = params.get(ty as usize).copied().unwrap_or(0);
                    for declared in body.get_locals_reader()? {
                        locals = locals.saturating_add(declared?.0);
                    }
                    let range = body.range();
                    code.functions.push(Function {
                        body: range.start as u32..range.end as u32,
                        locals,
                    });
                }
                _ => {}
            }
        }
        Ok(code)
    }

    fn note_export(&mut self, export: &wp::Export<'_>) {
        let space = match export.kind {
            wp::ExternalKind::Memory => &mut self.memories,
            wp::ExternalKind::Global => &mut self.globals,
            wp::ExternalKind::Table => &mut self.tables,
            wp::ExternalKind::Func => {
                let exported = (export.index, export.name.to_owned());
                return self.function_exports.push(exported);
            }
            _ => return,
        };
        space.exports.push((export.index, export.name.to_owned()));
    }

    fn space(&self, sort: Sort) -> &Space {
        match sort {
            Sort::Memory => &self.memories,
            Sort::Global => &self.globals,
            Sort::Table => &self.tables,
        }
    }

    /// How many there are of a sort, imported ones included.
    pub fn count(&self, sort: Sort) -> u32 {
        self.space(sort).count
    }

    /// How one of a sort can be had from outside.
    pub fn outside(&self, sort: Sort, index: u32) -> Outside<'_> {
        let space = self.space(sort);
        if index < space.imported {
            return Outside::Imported(index);
        }
        let export = space.exports.iter().find(|(of, _)| *of == index);
        export.map_or(Outside::Hidden, |(_, name)| Outside::Exported(name))
    }

    /// Bytes of code.
    pub fn length(&self) -> usize {
        let bodies = self.functions.iter().map(|function| function.body.len());
        bodies.sum()
    }

    /// The module index of a defined function.
    pub fn function_index(&self, defined: u32) -> u32 {
        self.imported_functions + defined
    }

    /// How many locals of its own the function at this module index has,
    /// parameters included.
    pub fn locals(&self, function: u32) -> u32 {
        function
            .checked_sub(self.imported_functions)
            .and_then(|defined| self.functions.get(defined as usize))
            .map_or(0, |f| f.locals)
    }

    /// The functions that are exported, by index and name.
    pub(super) fn function_exports(&self) -> &[(u32, String)] {
        &self.function_exports
    }

    /// How many functions there are, imported ones included.
    pub(super) fn function_count(&self) -> u32 {
        self.imported_functions + self.functions.len() as u32
    }

    /// Where the compiled module, which imports a function more, has a function of
    /// the original.
    pub(super) fn compiled_function(&self, original: u32) -> u32 {
        original + u32::from(original >= self.imported_functions)
    }

    /// Where the compiled module, which imports a global more, has a global of
    /// the original.
    pub fn compiled_global(&self, original: u32) -> u32 {
        original + u32::from(original >= self.imported_globals)
    }

    /// The same for a function of the compiled module, which imports so many functions
    /// more: the clock's hook, and others.
    pub(super) fn original_function(&self, compiled: u32, added: u32) -> u32 {
        match compiled >= self.imported_functions {
            true => compiled.saturating_sub(added),
            false => compiled,
        }
    }

    /// The module index of the function whose body holds this offset.
    pub fn function_at(&self, pc: u32) -> Option<u32> {
        self.defined_at(pc).map(|i| self.function_index(i))
    }

    fn defined_at(&self, pc: u32) -> Option<u32> {
        let after = self.functions.partition_point(|f| f.body.start <= pc);
        let index = after.checked_sub(1)?;
        let function = self.functions.get(index)?;
        (pc < function.body.end).then_some(index as u32)
    }

    /// The offsets of the instructions of the function that holds `pc`, ascending.
    pub fn instructions_around(&self, pc: u32) -> Option<Arc<[u32]>> {
        Some(self.decoded_around(pc)?.offsets)
    }

    fn decoded_around(&self, pc: u32) -> Option<Decoded> {
        let defined = self.defined_at(pc)?;
        let mut decoded = self.decoded.lock();
        if let Some(known) = decoded.get(&defined) {
            return Some(known.clone());
        }
        let body = &self.functions.get(defined as usize)?.body;
        let instructions = self.decode(body).ok()?;
        decoded.insert(defined, instructions.clone());
        Some(instructions)
    }

    /// The first instruction of the function that holds `pc`.
    pub fn entry_of(&self, pc: u32) -> Option<u32> {
        self.instructions_around(pc)?.first().copied()
    }

    /// The first instruction of the function that is exported by a name, if the module defines it.
    pub fn entry_of_export(&self, name: &str) -> Option<u32> {
        let mut exports = self.function_exports.iter();
        let (function, _) = exports.find(|(_, export)| &**export == name)?;
        let defined = function.checked_sub(self.imported_functions)?;
        self.entry_of(self.functions.get(defined as usize)?.body.start)
    }

    /// The call that a frame is in which Wasmtime reports to be at `reported`: that is
    /// the instruction after the call, but the call itself where a `try_table` catches
    /// what it throws.
    pub fn call_site(&self, reported: u32) -> Option<CallSite> {
        let Decoded {
            offsets,
            guarded_calls,
            ..
        } = self.decoded_around(reported)?;
        let index = offsets.partition_point(|i| *i < reported);
        let is_guarded = guarded_calls.binary_search(&reported).is_ok();
        let call = if is_guarded {
            index
        } else {
            index.checked_sub(1)?
        };
        Some(CallSite {
            pc: *offsets.get(call)?,
            next: *offsets.get(call + 1)?,
        })
    }

    /// The instruction right after the one at `pc`, in the same function.
    pub fn instruction_after(&self, pc: u32) -> Option<u32> {
        let instructions = self.instructions_around(pc)?;
        let index = instructions.partition_point(|i| *i <= pc);
        instructions.get(index).copied()
    }

    /// Where branches of the function that holds `pc` may lead to.
    pub fn landings_around(&self, pc: u32) -> Option<Arc<[Landing]>> {
        Some(self.decoded_around(pc)?.landings)
    }

    /// Whether the function that holds `pc` may catch what its calls throw.
    pub fn catches(&self, pc: u32) -> bool {
        self.decoded_around(pc)
            .is_some_and(|decoded| !decoded.guarded_calls.is_empty())
    }

    /// The offsets of all instructions that throw.
    pub fn throws(&self) -> Vec<u32> {
        let mut throws = Vec::new();
        for function in &self.functions {
            let Ok(mut operators) = self.operators(&function.body) else {
                continue;
            };
            while !operators.eof() {
                let offset = operators.original_position() as u32;
                let Ok(operator) = operators.read() else {
                    break;
                };
                throws.extend(Throw::by(&operator).map(|_| offset));
            }
        }
        throws
    }

    /// What the instruction at `pc` throws, if it does.
    pub fn throw_at(&self, pc: u32) -> Option<Throw> {
        let defined = self.defined_at(pc)?;
        let body = &self.functions.get(defined as usize)?.body;
        let bytes = self.bytes.get(pc as usize..body.end as usize)?;
        let mut operators = wp::OperatorsReader::new(wp::BinaryReader::new(bytes, pc as usize));
        Throw::by(&operators.read().ok()?)
    }

    /// The instructions of a body.
    fn operators(&self, body: &Range<u32>) -> Result<wp::OperatorsReader<'_>, CodeError> {
        let range = body.start as usize..body.end as usize;
        let bytes = self.bytes.get(range).unwrap_or_default();
        let reader = wp::BinaryReader::new(bytes, body.start as usize);
        Ok(wp::FunctionBody::new(reader).get_operators_reader()?)
    }

    /// What is caught of that which is thrown at `pc`, or called there: `pc` may be the
    /// instruction after it, too, as Wasmtime reports it.
    pub(super) fn caught_at(&self, pc: u32) -> Vec<Caught> {
        let handlers = self.decoded_around(pc).map(|decoded| decoded.handlers);
        let handlers = handlers.iter().flat_map(|handlers| handlers.iter());
        let around = handlers.filter(|handler| handler.block.0 < pc && pc <= handler.block.1);
        around.flat_map(|h| h.catches.iter().copied()).collect()
    }

    fn decode(&self, body: &Range<u32>) -> Result<Decoded, CodeError> {
        let mut operators = self.operators(body)?;
        let mut offsets = Vec::new();
        let mut guarded_calls = Vec::new();
        let mut handlers = Vec::new();
        let mut landings = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        while !operators.eof() {
            let offset = operators.original_position() as u32;
            offsets.push(offset);
            let guarded = open.last().is_some_and(|block| block.guarded);
            let operator = operators.read()?;
            let next = operators.original_position() as u32;
            let block = Open {
                start: offset,
                guarded,
                catches: None,
                head: None,
            };
            match operator {
                wp::Operator::TryTable { try_table } => open.push(Open {
                    guarded: guarded || !try_table.catches.is_empty(),
                    catches: Some(try_table.catches.iter().map(Caught::by).collect()),
                    ..block
                }),
                wp::Operator::Loop { .. } => open.push(Open {
                    head: Some(next),
                    ..block
                }),
                wp::Operator::Block { .. } | wp::Operator::If { .. } => open.push(block),
                wp::Operator::Else => landings.extend(open.last().map(|block| Landing {
                    pc: next,
                    block: (block.start, offset),
                })),
                wp::Operator::End => {
                    // The function's own leads nowhere.
                    if let Some(closed) = open.pop() {
                        let block = (closed.start, offset);
                        handlers.extend(closed.catches.map(|catches| Handler { block, catches }));
                        landings.push(Landing {
                            pc: closed.head.unwrap_or(next),
                            block,
                        });
                    }
                }
                wp::Operator::Call { .. }
                | wp::Operator::CallIndirect { .. }
                | wp::Operator::CallRef { .. }
                    if guarded =>
                {
                    guarded_calls.push(offset);
                }
                _ => {}
            }
        }
        Ok(Decoded {
            offsets: offsets.into(),
            guarded_calls: guarded_calls.into(),
            handlers: handlers.into(),
            landings: landings.into(),
        })
    }
}

/// A block that is being decoded.
struct Open {
    start: u32,
    /// Whether it, or one around it, catches.
    guarded: bool,
    /// Of a `try_table`: what that catches.
    catches: Option<Arc<[Caught]>>,
    /// Of a loop: where branches to it lead.
    head: Option<u32>,
}
