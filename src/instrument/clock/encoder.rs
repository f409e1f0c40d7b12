//! Writing a module again, with the clock in it.

use super::body::Body;
use super::original::Original;
use super::{
    ClockStyle, Extra, IMPORT_DEPTH, IMPORT_HOOK, IMPORT_LOWEST, IMPORT_MODULE, IMPORT_REMAINING,
    Probes,
};
use crate::instrument::probe::context::{
    IMPORT_CONTEXTS, IMPORT_ENTER, IMPORT_FUNCTIONS, IMPORT_NOTED,
};
use crate::instrument::probe::{EXPORT_MEMORY, EXPORT_PROBE, IMPORT_STORED};
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{
    BranchHint, BranchHints, EntityType, ExportKind, GlobalType, MemoryType, Module, SectionId,
    ValType,
};

/// Writes the module again, with the clock's imports and the rewritten bodies.
pub(super) struct Encoder<'a> {
    original: &'a Original<'a>,
    bodies: &'a [Body],
    wrote_types: bool,
    wrote_imports: bool,
    wrote_memories: bool,
    wrote_exports: bool,
    style: ClockStyle,
}

type Encoded<T = ()> = Result<T, reencode::Error>;

impl<'a> Encoder<'a> {
    pub(super) fn new(original: &'a Original<'a>, bodies: &'a [Body], style: ClockStyle) -> Self {
        Encoder {
            original,
            bodies,
            wrote_types: false,
            wrote_imports: false,
            wrote_memories: false,
            wrote_exports: false,
            style,
        }
    }
}

impl Encoder<'_> {
    fn append_types(&mut self, types: &mut wasm_encoder::TypeSection) -> Encoded {
        self.wrote_types = true;
        types.ty().function([], []);
        let (i32, i64) = (ValType::I32, ValType::I64);
        if self.original.has_contexts() {
            types.ty().function([i32, i32], [i32]);
            if self.original.added_functions() > 2 {
                types.ty().function([], []);
            }
        } else if self.original.added_functions() > 1 {
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
            let name = match self.original.has_contexts() {
                true => IMPORT_ENTER,
                false => IMPORT_STORED,
            };
            let second = EntityType::Function(self.original.hook_type() + 1);
            imports.import(IMPORT_MODULE, name, second);
        }
        if self.original.added_functions() > 2 {
            let third = EntityType::Function(self.original.hook_type() + 2);
            imports.import(IMPORT_MODULE, IMPORT_NOTED, third);
        }
        let global = |val_type| GlobalType {
            val_type,
            mutable: true,
            shared: false,
        };
        let remaining = global(self.style.remaining_type());
        imports.import(IMPORT_MODULE, IMPORT_REMAINING, remaining);
        if self.original.has_contexts() {
            let functions = GlobalType {
                mutable: false,
                ..global(ValType::I32)
            };
            imports.import(IMPORT_MODULE, IMPORT_FUNCTIONS, functions);
            let contexts = MemoryType {
                minimum: 1,
                maximum: None,
                memory64: false,
                shared: false,
                page_size_log2: None,
            };
            imports.import(IMPORT_MODULE, IMPORT_CONTEXTS, contexts);
        }
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
        let own = self.original.memories.len() as u32;
        if self.original.probes.is_some() {
            exports.export(EXPORT_PROBE, ExportKind::Memory, own);
        } else if !self.original.has_contexts() {
            return;
        }
        for memory in 0..own {
            let name = format!("{EXPORT_MEMORY}{memory}");
            let memory = self.original.map_memory(memory);
            exports.export(&name, ExportKind::Memory, memory);
        }
    }

    /// Writes the sections that the original does not have, where they belong.
    fn append_missing(&mut self, module: &mut Module, before: Option<SectionId>) {
        use SectionId as S;
        let is_past = |sections: &[S]| before.is_none_or(|before| !sections.contains(&before));
        let until_memories = [S::Type, S::Import, S::Function, S::Table, S::Memory];
        let has_memory = self.original.probes.is_some();
        if !has_memory && !self.original.has_contexts() || !is_past(&until_memories) {
            return;
        }
        if has_memory && !self.wrote_memories {
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

    fn memory_index(&mut self, index: u32) -> Encoded<u32> {
        Ok(self.original.map_memory(index))
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
