//! The clock: a core module that counts its own ticks.
//!
//! A tick is counted at each function entry and at each `loop` header, on entry
//! and on each back edge. What is kept is not the tick but the number of ticks
//! that remain until the host wants control: one compare with zero decides, and
//! one global, shared by all core modules of a store, holds all of it. The host
//! arms it with a number of ticks; then `tick = armed at + armed with - remaining`.
//! When it reaches zero the hook is called, before the first instruction of the function
//! or loop body: exactly at that tick, but for [`ClockStyle::Lazy`]. The hook must arm it
//! again. Where it has 32 bits, a distant tick is armed for in pieces.
//!
//! Custom sections are dropped: names and DWARF are read from the original.

mod body;
mod depth;
mod recursion;
mod references;
mod scan;
mod style;

pub use style::ClockStyle;

use super::offsets::{OffsetMap, OffsetMapBuilder};
use super::probe::{
    self, EXPORT_MEMORY, EXPORT_PROBE, IMPORT_STORED, Layout, Place, Probe, Store, Temporaries,
};
use body::{Body, EntryTick};
use depth::Depth;
use scan::Scan;
use std::collections::{HashMap, HashSet};
use thiserror::Error;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    BranchHint, BranchHints, EntityType, ExportKind, GlobalType, MemoryType, Module, SectionId,
    ValType,
};
use wasmparser::{FuncType, Payload, WasmFeatures};

/// The module name of the clock's imports.
pub const IMPORT_MODULE: &str = "rr:clock";
/// The imported function `() -> ()` that is called when no tick remains.
pub const IMPORT_HOOK: &str = "hook";
/// The imported mutable global: how many ticks remain until the hook. An `i32` or an
/// `i64`, see [`ClockStyle`].
pub const IMPORT_REMAINING: &str = "remaining";
/// The imported mutable `i32` global of [`profile`]: how many frames the guest has.
pub const IMPORT_DEPTH: &str = "depth";
/// The imported mutable `i32` global of [`profile`]: how many it had at least since the
/// host last wrote it.
pub const IMPORT_LOWEST: &str = "lowest";
/// Grows whenever the rewrite of some module changes, so that code compiled from
/// an older rewrite is not used.
pub const VERSION: u32 = 4;

/// A core module that keeps the clock.
#[derive(Debug, Clone)]
pub struct Clocked {
    /// The rewritten module, with the clock's imports after all others.
    pub module: Vec<u8>,
    /// Original and rewritten offsets of its instructions.
    pub offsets: OffsetMap,
}

/// Why a core module cannot be given a clock.
#[derive(Debug, Error)]
pub enum ClockError {
    /// Not WebAssembly, or of a proposal that rr-dap does not know.
    #[error(
        "a core module is not valid, or uses a WebAssembly proposal that rr-dap does not \
         support: {0}; check it with `wasm-tools validate`"
    )]
    Invalid(#[from] wasmparser::Error),
    /// An offset or index does not fit in 32 bits.
    #[error("a core module of {bytes} bytes is too large to be given a clock; split it")]
    TooLarge {
        /// Length of the original module.
        bytes: usize,
    },
    /// A function has no room for one local more.
    #[error(
        "a function has as many locals as WebAssembly allows, so its frames cannot be \
         counted; debug it without a depth profile"
    )]
    TooManyLocals,
    /// A section that cannot be written again.
    #[error("a core module cannot be encoded again: {0}; please report this module")]
    Encode(String),
}

impl From<reencode::Error> for ClockError {
    fn from(error: reencode::Error) -> Self {
        match error {
            reencode::Error::ParseError(error) => ClockError::Invalid(error),
            other => ClockError::Encode(other.to_string()),
        }
    }
}

/// Rewrites one core module so that it keeps the clock.
///
/// # Errors
///
/// If the module cannot be read or has what cannot be clocked, or would be too large.
pub fn clock(module: &[u8], style: ClockStyle) -> Result<Clocked, ClockError> {
    rewrite(module, style, Extra::None)
}

/// Rewrites one core module so that it keeps the clock ([`ClockStyle::Cached`]) and
/// counts the frames on the stack, over all modules that share the globals.
///
/// A function counts from before its tick until it returns. A tail call counts as a
/// return and a call, so that the lowest number may be one too low.
///
/// # Errors
///
/// As [`clock`].
pub fn profile(module: &[u8]) -> Result<Clocked, ClockError> {
    rewrite(module, ClockStyle::Cached, Extra::Frames)
}

/// Rewrites one core module so that it keeps the clock, in this style, and has probes.
///
/// # Errors
///
/// As [`clock`].
pub fn probed(module: &[u8], style: ClockStyle, probe: Probe) -> Result<Clocked, ClockError> {
    rewrite(module, style, Extra::Probe(probe))
}

/// What a rewrite does besides keeping the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Extra {
    #[default]
    None,
    /// Counts frames.
    Frames,
    Probe(Probe),
}

/// The probes of a module.
#[derive(Debug, Clone, Copy)]
struct Probes {
    probe: Probe,
    layout: Layout,
}

fn rewrite(module: &[u8], style: ClockStyle, extra: Extra) -> Result<Clocked, ClockError> {
    let too_large = || ClockError::TooLarge {
        bytes: module.len(),
    };
    if u32::try_from(module.len()).is_err() {
        return Err(too_large());
    }
    wasmparser::Validator::new_with_features(accepted_features()).validate_all(module)?;
    let original = Original::read(module, extra)?;
    let bodies = original.rewrite_bodies(module, style)?;
    let mut encoder = Encoder {
        original: &original,
        bodies: &bodies,
        wrote_types: false,
        wrote_imports: false,
        wrote_memories: false,
        wrote_exports: false,
        style,
    };
    let mut rewritten = Module::new();
    encoder.parse_core_module(&mut rewritten, wasmparser::Parser::new(0), module)?;
    let rewritten = rewritten.finish();
    let offsets = locate(&rewritten, &bodies)?.ok_or_else(too_large)?;
    Ok(Clocked {
        module: rewritten,
        offsets,
    })
}

/// What the clock understands. Stack switching and shared-everything threads are
/// left out on purpose: a switch between stacks is not a call, so a cached clock
/// would go wrong, and with several threads there is no one tick.
fn accepted_features() -> WasmFeatures {
    WasmFeatures::default()
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::COMPACT_IMPORTS
}

/// What must be known of a module before its functions can be rewritten.
#[derive(Default)]
struct Original<'a> {
    /// `None` for a type that is not a function's.
    types: Vec<Option<FuncType>>,
    /// The type index of each defined function.
    signatures: Vec<u32>,
    functions: Vec<wasmparser::FunctionBody<'a>>,
    imported_functions: u32,
    imported_globals: u32,
    extra: Extra,
    /// Whether addresses have 64 bits, for each memory; imported ones come first.
    memories: Vec<bool>,
    /// For each function, where its segments begin, if something is noted of them.
    segments: Vec<Vec<u32>>,
    probes: Option<Probes>,
    /// Types `() -> results` that are appended, by the type index of the function
    /// whose results they have.
    result_types: HashMap<u32, u32>,
    /// Functions that are reached otherwise than by direct calls, too.
    referenced: HashSet<u32>,
    scans: Vec<Scan>,
    recursive: Vec<bool>,
}

impl<'a> Original<'a> {
    fn read(module: &'a [u8], extra: Extra) -> Result<Self, ClockError> {
        let mut original = Original {
            extra,
            ..Original::default()
        };
        for payload in wasmparser::Parser::new(0).parse_all(module) {
            original.read_payload(payload?)?;
        }
        original.number_result_types();
        original.scan()?;
        original.place_probes()?;
        Ok(original)
    }

    fn read_payload(&mut self, payload: Payload<'a>) -> Result<(), ClockError> {
        references::read(&payload, &mut self.referenced)?;
        match payload {
            Payload::TypeSection(groups) => {
                for group in groups {
                    self.types.extend(group?.into_types().map(
                        |ty| match ty.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(ty) => Some(ty),
                            _ => None,
                        },
                    ));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    match import?.ty {
                        wasmparser::TypeRef::Func(_) | wasmparser::TypeRef::FuncExact(_) => {
                            self.imported_functions += 1;
                        }
                        wasmparser::TypeRef::Global(_) => self.imported_globals += 1,
                        wasmparser::TypeRef::Memory(memory) => {
                            self.memories.push(memory.memory64);
                        }
                        _ => {}
                    }
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memories.push(memory?.memory64);
                }
            }
            Payload::FunctionSection(signatures) => {
                for signature in signatures {
                    self.signatures.push(signature?);
                }
            }
            Payload::CodeSectionEntry(function) => self.functions.push(function),
            _ => {}
        }
        Ok(())
    }

    fn scan(&mut self) -> Result<(), ClockError> {
        for function in &self.functions {
            let scan = Scan::read(function)?;
            self.referenced.extend(&scan.referenced);
            self.scans.push(scan);
        }
        self.recursive =
            recursion::recursive(&self.scans, self.imported_functions, &self.referenced);
        Ok(())
    }

    /// Where everything is that probes note.
    fn place_probes(&mut self) -> Result<(), ClockError> {
        let Extra::Probe(probe) = self.extra else {
            return Ok(());
        };
        if probe.is_of_segments() {
            for function in &self.functions {
                self.segments.push(probe::read_segments(function)?);
            }
        }
        let segments = self.segments.iter().map(Vec::len).sum::<usize>() as u32;
        let is_wide = self.memories.contains(&true);
        let layout = Layout::new(probe, self.memories.len() as u32, segments, is_wide);
        self.probes = Some(Probes { probe, layout });
        Ok(())
    }

    /// The store that an instruction is, if something is noted of stores.
    fn store(&self, operator: &wasmparser::Operator<'_>) -> Option<Store> {
        let probes = self.probes?;
        probes.probe.is_of_stores().then(|| Store::of(operator))?
    }

    fn address_type(&self, memory: u32) -> ValType {
        match self.memories.get(memory as usize) {
            Some(true) => ValType::I64,
            _ => ValType::I32,
        }
    }

    /// The locals that a function needs for its stores.
    fn temporaries(&self, body: &wasmparser::FunctionBody<'_>) -> Result<Temporaries, ClockError> {
        let mut temporaries = Temporaries::default();
        if !self
            .probes
            .is_some_and(|probes| probes.probe.is_of_stores())
        {
            return Ok(temporaries);
        }
        for operator in body.get_operators_reader()? {
            if let Some(store) = self.store(&operator?) {
                temporaries.make_room(store, |memory| self.address_type(memory));
            }
        }
        Ok(temporaries)
    }

    fn place_of<'t>(&self, store: Store, temporaries: &'t Temporaries) -> Option<Place<'t>> {
        Some(Place {
            store,
            temporaries,
            layout: self.probes?.layout,
            probe_memory: self.memories.len() as u32,
            to: self.address_type(store.memory),
            from: self.address_type(store.source().unwrap_or(store.memory)),
        })
    }

    /// How many functions are imported more than the original imports.
    fn added_functions(&self) -> u32 {
        match self.extra {
            Extra::Probe(Probe::Watch) => 2,
            _ => 1,
        }
    }

    /// What each function does about the tick of its entry.
    fn entry(&self, function: u32, style: ClockStyle) -> EntryTick {
        let Some(defined) = function.checked_sub(self.imported_functions) else {
            return EntryTick::Checked;
        };
        let defined = defined as usize;
        let is_leaf = self.scans.get(defined).is_some_and(|scan| scan.is_leaf);
        let is_recursive = self
            .recursive
            .get(defined)
            .is_some_and(|recursive| *recursive);
        match style {
            ClockStyle::Shared | ClockStyle::Cached => EntryTick::Checked,
            ClockStyle::Lazy if is_leaf && !self.referenced.contains(&function) => {
                EntryTick::PaidFor
            }
            ClockStyle::Lazy if is_recursive => EntryTick::Checked,
            ClockStyle::Lazy => EntryTick::Unchecked,
        }
    }

    fn is_paid_for(&self, function: u32) -> bool {
        self.entry(function, ClockStyle::Lazy) == EntryTick::PaidFor
    }

    /// A block with one result or none names it in place; more need a type.
    fn number_result_types(&mut self) {
        for &signature in &self.signatures {
            let several = self
                .function_type(signature)
                .is_some_and(|ty| ty.results().len() > 1);
            if several {
                let next =
                    self.hook_type() + self.added_functions() + self.result_types.len() as u32;
                self.result_types.entry(signature).or_insert(next);
            }
        }
    }

    fn function_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)?.as_ref()
    }

    fn hook_type(&self) -> u32 {
        self.types.len() as u32
    }

    fn rewrite_bodies(&self, module: &[u8], style: ClockStyle) -> Result<Vec<Body>, ClockError> {
        let mut first_segment = 0;
        self.functions
            .iter()
            .zip(&self.signatures)
            .enumerate()
            .zip(&self.scans)
            .map(|((defined, (body, &signature)), scan)| {
                let index = self.imported_functions + defined as u32;
                let segments = self.segments.get(defined).map_or(&[][..], Vec::as_slice);
                let first = first_segment;
                first_segment += segments.len() as u32;
                let ty = self.function_type(signature).ok_or_else(|| {
                    ClockError::Encode(format!("type {signature} is not a function type"))
                })?;
                let function = body::Function {
                    body,
                    ty,
                    results: self.result_types.get(&signature).copied(),
                    scan,
                    entry: self.entry(index, style),
                    segments: (first, segments),
                };
                body::rewrite(self, module, style, &function)
            })
            .collect()
    }

    fn map_function(&self, index: u32) -> u32 {
        match index >= self.imported_functions {
            true => index + self.added_functions(),
            false => index,
        }
    }

    fn map_global(&self, index: u32) -> u32 {
        let added = if self.extra == Extra::Frames { 3 } else { 1 };
        index
            + if index >= self.imported_globals {
                added
            } else {
                0
            }
    }

    /// Where a function counts frames, if it does; its local is `outer`.
    fn depth(&self, outer: u32) -> Option<Depth> {
        (self.extra == Extra::Frames).then_some(Depth {
            frames: self.imported_globals + 1,
            lowest: self.imported_globals + 2,
            outer,
        })
    }
}

/// Writes the module again, with the clock's imports and the rewritten bodies.
struct Encoder<'a> {
    original: &'a Original<'a>,
    bodies: &'a [Body],
    wrote_types: bool,
    wrote_imports: bool,
    wrote_memories: bool,
    wrote_exports: bool,
    style: ClockStyle,
}

type Encoded<T = ()> = Result<T, reencode::Error>;

impl Encoder<'_> {
    fn append_types(&mut self, types: &mut wasm_encoder::TypeSection) -> Encoded {
        self.wrote_types = true;
        types.ty().function([], []);
        if self.original.added_functions() > 1 {
            let (i32, i64) = (ValType::I32, ValType::I64);
            types.ty().function([i32, i32, i64, i64], []);
        }
        let mut appended: Vec<_> = self.original.result_types.iter().collect();
        appended.sort_by_key(|(_, appended)| **appended);
        for (signature, _) in appended {
            if let Some(ty) = self.original.function_type(*signature) {
                let results = self.val_types(ty.results().to_vec())?;
                types.ty().function([], results);
            }
        }
        Ok(())
    }

    fn append_imports(&mut self, imports: &mut wasm_encoder::ImportSection) {
        self.wrote_imports = true;
        let hook = EntityType::Function(self.original.hook_type());
        imports.import(IMPORT_MODULE, IMPORT_HOOK, hook);
        if self.original.added_functions() > 1 {
            let stored = EntityType::Function(self.original.hook_type() + 1);
            imports.import(IMPORT_MODULE, IMPORT_STORED, stored);
        }
        let global = |val_type| GlobalType {
            val_type,
            mutable: true,
            shared: false,
        };
        let remaining = global(self.style.remaining_type());
        imports.import(IMPORT_MODULE, IMPORT_REMAINING, remaining);
        if self.original.extra == Extra::Frames {
            imports.import(IMPORT_MODULE, IMPORT_DEPTH, global(ValType::I32));
            imports.import(IMPORT_MODULE, IMPORT_LOWEST, global(ValType::I32));
        }
    }

    fn append_memories(&mut self, memories: &mut wasm_encoder::MemorySection) {
        self.wrote_memories = true;
        if let Some(Probes { layout, .. }) = self.original.probes {
            memories.memory(MemoryType {
                minimum: layout.pages(),
                maximum: Some(layout.pages()),
                memory64: false,
                shared: false,
                page_size_log2: None,
            });
        }
    }

    fn append_exports(&mut self, exports: &mut wasm_encoder::ExportSection) {
        self.wrote_exports = true;
        if self.original.probes.is_none() {
            return;
        }
        let own = self.original.memories.len() as u32;
        exports.export(EXPORT_PROBE, ExportKind::Memory, own);
        for memory in 0..own {
            let name = format!("{EXPORT_MEMORY}{memory}");
            exports.export(&name, ExportKind::Memory, memory);
        }
    }

    /// Writes the sections that the original does not have, where they belong.
    fn append_missing(&mut self, module: &mut Module, before: Option<SectionId>) {
        use SectionId as S;
        let is_past = |sections: &[S]| before.is_none_or(|before| !sections.contains(&before));
        let until_memories = [S::Type, S::Import, S::Function, S::Table, S::Memory];
        if self.original.probes.is_none() || !is_past(&until_memories) {
            return;
        }
        if !self.wrote_memories {
            let mut memories = wasm_encoder::MemorySection::new();
            self.append_memories(&mut memories);
            module.section(&memories);
        }
        if !self.wrote_exports && is_past(&[S::Tag, S::Global, S::Export]) {
            let mut exports = wasm_encoder::ExportSection::new();
            self.append_exports(&mut exports);
            module.section(&exports);
        }
    }
}

impl Encoder<'_> {
    /// Says of each function which branches are nearly always taken.
    fn branch_hints(&self) -> BranchHints {
        let mut hints = BranchHints::new();
        let first = self.original.map_function(self.original.imported_functions);
        for (function, body) in (first..).zip(self.bodies) {
            let likely = body.likely_branches.iter().map(|&at| BranchHint {
                branch_func_offset: at,
                branch_hint_value: 1,
            });
            hints.function_hints(function, likely);
        }
        hints
    }
}

impl Reencode for Encoder<'_> {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, index: u32) -> Encoded<u32> {
        Ok(self.original.map_function(index))
    }

    fn global_index(&mut self, index: u32) -> Encoded<u32> {
        Ok(self.original.map_global(index))
    }

    fn parse_type_section(
        &mut self,
        types: &mut wasm_encoder::TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Encoded {
        utils::parse_type_section(self, types, section)?;
        self.append_types(types)
    }

    fn parse_import_section(
        &mut self,
        imports: &mut wasm_encoder::ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Encoded {
        utils::parse_import_section(self, imports, section)?;
        self.append_imports(imports);
        Ok(())
    }

    fn parse_memory_section(
        &mut self,
        memories: &mut wasm_encoder::MemorySection,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Encoded {
        utils::parse_memory_section(self, memories, section)?;
        self.append_memories(memories);
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut wasm_encoder::ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Encoded {
        utils::parse_export_section(self, exports, section)?;
        self.append_exports(exports);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut wasm_encoder::CodeSection,
        _: wasmparser::CodeSectionReader<'_>,
    ) -> Encoded {
        for body in self.bodies {
            code.raw(&body.bytes);
        }
        Ok(())
    }

    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: wasmparser::CustomSectionReader<'_>,
    ) -> Encoded {
        Ok(())
    }

    /// Writes the type and import sections where the original has none.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _after: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Encoded {
        if !self.wrote_types && before != Some(SectionId::Type) {
            let mut types = wasm_encoder::TypeSection::new();
            self.append_types(&mut types)?;
            module.section(&types);
        }
        if !self.wrote_imports && !matches!(before, Some(SectionId::Type | SectionId::Import)) {
            let mut imports = wasm_encoder::ImportSection::new();
            self.append_imports(&mut imports);
            module.section(&imports);
        }
        self.append_missing(module, before);
        if before == Some(SectionId::Code) {
            module.section(&self.branch_hints());
        }
        Ok(())
    }
}

/// Finds the bodies in the rewritten module: only there are the sizes of the
/// sections in front of them known. `None` where an offset is too large.
fn locate(rewritten: &[u8], bodies: &[Body]) -> Result<Option<OffsetMap>, ClockError> {
    let mut map = OffsetMapBuilder::default();
    let mut bodies = bodies.iter();
    for payload in wasmparser::Parser::new(0).parse_all(rewritten) {
        if let Payload::CodeSectionEntry(function) = payload?
            && let Some(body) = bodies.next()
        {
            let appended = u32::try_from(function.range().start)
                .ok()
                .and_then(|base| map.append_function(&body.offsets, base));
            if appended.is_none() {
                return Ok(None);
            }
        }
    }
    Ok(Some(map.finish()))
}
