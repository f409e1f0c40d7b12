//! What must be known of a module before its functions can be rewritten.

use super::body::{self, Body, EntryTick};
use super::depth::Depth;
use super::recursion;
use super::references;
use super::scan::Scan;
use super::{ClockError, ClockStyle, Extra, Probes};
use crate::instrument::probe::context::{self, Allocator, Noting, Sites};
use crate::instrument::probe::{self, Layout, Place, Probe, Store, Temporaries};
use std::collections::{HashMap, HashSet};
use wasm_encoder::ValType;
use wasmparser::{FuncType, Payload};

/// A module, read for its rewrite.
#[derive(Default)]
pub(super) struct Original<'a> {
    /// `None` for a type that is not a function's.
    types: Vec<Option<FuncType>>,
    /// The type index of each defined function.
    signatures: Vec<u32>,
    functions: Vec<wasmparser::FunctionBody<'a>>,
    pub(super) imported_functions: u32,
    pub(super) imported_globals: u32,
    pub(super) extra: Extra,
    /// Whether addresses have 64 bits, for each memory; imported ones come first.
    pub(super) memories: Vec<bool>,
    /// For each function, where its segments begin, if something is noted of them.
    segments: Vec<Vec<u32>>,
    pub(super) probes: Option<Probes>,
    imported_memories: u32,
    /// Functions of allocators, where their calls are noted.
    allocators: HashMap<u32, Allocator>,
    /// The places of each function, where calling contexts are kept.
    sites: Vec<Sites>,
    /// Types `() -> results` that are appended, by the type index of the function
    /// whose results they have.
    pub(super) result_types: HashMap<u32, u32>,
    /// Functions that are reached otherwise than by direct calls, too.
    referenced: HashSet<u32>,
    tail_called: HashSet<u32>,
    scans: Vec<Scan>,
    recursive: Vec<bool>,
}

impl<'a> Original<'a> {
    pub(super) fn read(
        module: &'a [u8],
        extra: Extra,
        style: ClockStyle,
    ) -> Result<Self, ClockError> {
        let mut original = Original {
            extra,
            ..Original::default()
        };
        for payload in wasmparser::Parser::new(0).parse_all(module) {
            original.read_payload(payload?)?;
        }
        if extra == Extra::Probe(Probe::Heap) {
            original.find_allocators(module);
        }
        original.number_result_types();
        original.scan()?;
        original.place_probes()?;
        original.read_sites(style)?;
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
                            self.imported_memories += 1;
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
            self.tail_called.extend(&scan.tail_called);
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
        if self.has_contexts() {
            return Ok(());
        }
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

    /// Finds functions of allocators by their names; who has none has none.
    fn find_allocators(&mut self, module: &[u8]) {
        for (function, name) in names(module) {
            let defined = function.checked_sub(self.imported_functions);
            let signature = defined.and_then(|defined| self.signatures.get(defined as usize));
            let ty = signature.and_then(|signature| self.function_type(*signature));
            let allocator = ty.and_then(|ty| Allocator::named(name, ty));
            self.allocators
                .extend(allocator.map(|allocator| (function, allocator)));
        }
    }

    /// Whether calling contexts are kept.
    pub(super) fn has_contexts(&self) -> bool {
        matches!(self.extra, Extra::Probe(probe) if probe.has_contexts())
    }

    fn read_sites(&mut self, style: ClockStyle) -> Result<(), ClockError> {
        if !self.has_contexts() {
            return Ok(());
        }
        let imported = self.imported_functions;
        if imported as usize + self.functions.len() >= context::NUMBERS as usize {
            return Err(ClockError::Encode("it has too many functions".to_owned()));
        }
        let is_leaf = |function| self.entry(function, style) == EntryTick::PaidFor;
        let mut sites = Vec::with_capacity(self.functions.len());
        let all = self.functions.iter().zip(&self.signatures).zip(&self.scans);
        for (function, ((body, signature), scan)) in (imported..).zip(all) {
            let may_bracket = style == ClockStyle::Lazy && !scan.catches;
            let known = context::Known {
                function,
                has_nodes: !is_leaf(function),
                allocator: self.allocators.get(&function).copied(),
                // Who is called in another's place may come to be where that one was called.
                is_shared: self.referenced.contains(&function)
                    || self.tail_called.contains(&function),
                results: self
                    .function_type(*signature)
                    .map_or(0, |ty| ty.results().len()),
                tight_loops: if may_bracket { &scan.tight_loops } else { &[] },
                imported_functions: imported,
                is_leaf: &is_leaf,
            };
            sites.push(context::read(body, &known)?);
        }
        self.sites = sites;
        Ok(())
    }

    /// The places of all defined functions, where calling contexts are kept.
    pub(super) fn into_sites(self) -> Vec<Sites> {
        self.sites
    }

    /// How instructions find the tree of calling contexts, in a function that has nodes; its
    /// local is `node`.
    pub(super) fn tree(&self, node: u32) -> context::Tree {
        context::Tree {
            memory: self.imported_memories,
            enter: self.imported_functions + 1,
            functions: self.imported_globals + 1,
            node,
        }
    }

    /// Where the rewritten module has a memory of the original.
    pub(super) fn map_memory(&self, index: u32) -> u32 {
        index + u32::from(self.has_contexts() && index >= self.imported_memories)
    }

    /// Whether memories of the original have other indices.
    pub(super) fn moves_memories(&self) -> bool {
        self.has_contexts() && self.memories.len() > self.imported_memories as usize
    }

    /// The store that an instruction is, if something is noted of stores.
    pub(super) fn store(&self, operator: &wasmparser::Operator<'_>) -> Option<Store> {
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
    pub(super) fn temporaries(
        &self,
        body: &wasmparser::FunctionBody<'_>,
    ) -> Result<Temporaries, ClockError> {
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

    pub(super) fn place_of<'t>(
        &self,
        store: Store,
        temporaries: &'t Temporaries,
    ) -> Option<Place<'t>> {
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
    pub(super) fn added_functions(&self) -> u32 {
        match self.extra {
            Extra::Probe(probe) => probe.added_functions(),
            _ => 1,
        }
    }

    /// What each function does about the tick of its entry.
    fn entry(&self, function: u32, style: ClockStyle) -> EntryTick {
        let Some(defined) = function.checked_sub(self.imported_functions) else {
            return EntryTick::Checked;
        };
        let defined = defined as usize;
        let scan = self.scans.get(defined);
        // Where stores are told of, the clock must be right at each of them.
        let tells = matches!(self.extra, Extra::Probe(Probe::Watch));
        let is_leaf = scan.is_some_and(|scan| scan.is_leaf && !(tells && scan.stores));
        // What grows memories, or allocates, is told with who called it.
        let is_of_interest =
            scan.is_some_and(|scan| scan.grows) || self.allocators.contains_key(&function);
        let is_leaf = is_leaf && !(self.has_contexts() && is_of_interest);
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

    pub(super) fn is_paid_for(&self, function: u32) -> bool {
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

    pub(super) fn function_type(&self, index: u32) -> Option<&FuncType> {
        self.types.get(index as usize)?.as_ref()
    }

    pub(super) fn hook_type(&self) -> u32 {
        self.types.len() as u32
    }

    pub(super) fn rewrite_bodies(
        &self,
        module: &[u8],
        style: ClockStyle,
    ) -> Result<Vec<Body>, ClockError> {
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
                    sites: self.sites.get(defined).filter(|sites| sites.has_nodes),
                };
                body::rewrite(self, module, style, &function)
            })
            .collect()
    }

    pub(super) fn map_function(&self, index: u32) -> u32 {
        match index >= self.imported_functions {
            true => index + self.added_functions(),
            false => index,
        }
    }

    pub(super) fn map_global(&self, index: u32) -> u32 {
        let added = match self.extra {
            Extra::Frames => 3,
            Extra::Probe(probe) if probe.has_contexts() => 2,
            _ => 1,
        };
        index
            + if index >= self.imported_globals {
                added
            } else {
                0
            }
    }

    /// How calls of an allocator are noted; the first of its locals is `locals`.
    pub(super) fn noting(&self, sites: &Sites, tree: context::Tree, locals: u32) -> Option<Noting> {
        Some(Noting {
            allocator: sites.allocator?,
            tree,
            noted: self.imported_functions + 2,
            locals,
        })
    }

    /// Where a function counts frames, if it does; its local is `outer`.
    pub(super) fn depth(&self, outer: u32) -> Option<Depth> {
        (self.extra == Extra::Frames).then_some(Depth {
            frames: self.imported_globals + 1,
            lowest: self.imported_globals + 2,
            outer,
        })
    }
}

/// The names of functions by the name section, as far as that can be read.
fn names(module: &[u8]) -> Vec<(u32, &str)> {
    let mut names = Vec::new();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let Ok(Payload::CustomSection(section)) = payload else {
            continue;
        };
        let wasmparser::KnownCustom::Name(sections) = section.as_known() else {
            continue;
        };
        for section in sections {
            if let Ok(wasmparser::Name::Function(functions)) = section {
                let functions = functions.into_iter().map_while(Result::ok);
                names.extend(functions.map(|naming| (naming.index, naming.name)));
            }
        }
    }
    names
}
