//! What comes in front of a recorded body: the sink and the recorder.

use super::{Result, assemble, place_module};
use crate::component::status::{CODE_BITS, CopyResult, EventCode, SubtaskState};
use crate::instrument::record::shim::{ACCESS_ENTRIES, BUFFER_CAPACITY};
use crate::instrument::record::{BUFFER_LENGTH, Options, RECORDS_START, SINK};
use crate::trace::raw::{SET_BY, TIME};
use wasm_encoder as we;

/// What the prefix of a body adds to its index spaces.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Added {
    pub(super) types: u32,
    pub(super) instances: u32,
    pub(super) functions: u32,
    pub(super) memories: u32,
    pub(super) tables: u32,
    pub(super) modules: u32,
    pub(super) core_instances: u32,
    pub(super) core_functions: u32,
}

/// The functions of the sink.
const COMMIT: u32 = 0;
const REGISTER: u32 = 1;
pub(super) const SEED: u32 = 2;
pub(super) const OVERDRAWN: u32 = 3;
/// The core instance of the prefix with the memory of records.
pub(super) const MEMORIES_INSTANCE: u32 = 0;

/// The recorder of a body, by whether the far side may owe it something: where it does not,
/// there is no memory for that, as each takes time to instantiate.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecorderParts {
    pub(super) is_asynchronous: bool,
}

impl RecorderParts {
    /// Core modules that it adds in front.
    pub(super) fn modules(self) -> u32 {
        2 + u32::from(self.is_asynchronous)
    }

    /// Core instances that it adds in front.
    pub(super) fn core_instances(self) -> u32 {
        3 + u32::from(self.is_asynchronous)
    }

    /// The core instance that shims import.
    pub(super) fn recorder_instance(self) -> u32 {
        self.core_instances() - 1
    }

    fn sink_instance(self) -> u32 {
        self.core_instances() - 2
    }

    /// The core instance with the memory of what is owed, where there is one.
    fn owed_instance(self) -> Option<u32> {
        self.is_asynchronous.then_some(MEMORIES_INSTANCE + 1)
    }
}

/// Bytes that are kept of all buffers of reads that wait. What arrives in others is
/// logged when the guest is told.
const KEPT_MAX: u32 = 1 << 26;

/// The type of the sink: `commit(instance, records)`, `register(buffer) -> instance`, and, where
/// the host says by which seeds something is random, `seed(what) -> u32` and `overdrawn(written,
/// permitted)`, which ends the run.
pub(super) fn sink_type(options: Options) -> we::InstanceType {
    use we::{ComponentTypeRef, ComponentValType, PrimitiveValType};
    let u32_type = ComponentValType::Primitive(PrimitiveValType::U32);
    let u64_type = ComponentValType::Primitive(PrimitiveValType::U64);
    let bytes = ComponentValType::Type(0);
    let mut sink = we::InstanceType::new();
    sink.ty().defined_type().list(PrimitiveValType::U8);
    let functions: [(&[(&str, ComponentValType)], _); 4] = [
        (&[("instance", u32_type), ("records", bytes)], None),
        (&[("buffer", bytes)], Some(u32_type)),
        (&[("what", u32_type)], Some(u32_type)),
        (&[("written", u64_type), ("permitted", u64_type)], None),
    ];
    let named = sink_functions(options).iter().zip(functions);
    for (ty, (name, (parameters, result))) in (1..).zip(named) {
        let mut function = sink.ty().function();
        function.params(parameters.iter().copied()).result(result);
        sink.export(*name, ComponentTypeRef::Func(ty));
    }
    sink
}

/// The names of its functions, by their indices.
fn sink_functions(options: Options) -> &'static [&'static str] {
    const FUNCTIONS: [&str; 4] = ["commit", "register", "seed", "overdrawn"];
    match options.asks_for_seed() {
        true => &FUNCTIONS,
        false => &FUNCTIONS[..2],
    }
}

/// Imports the sink and makes its functions the body's first.
pub(super) fn import_sink(out: &mut we::Component, options: Options, added: &mut Added) {
    use we::ComponentTypeRef;
    let names = sink_functions(options);
    added.types = 1;
    added.instances = 1;
    added.functions = names.len() as u32;
    let mut types = we::ComponentTypeSection::new();
    types.instance(&sink_type(options));
    out.section(&types);
    let mut imports = we::ComponentImportSection::new();
    imports.import(SINK, ComponentTypeRef::Instance(0));
    out.section(&imports);
    let mut aliases = we::ComponentAliasSection::new();
    for name in names {
        aliases.alias(we::Alias::InstanceExport {
            instance: 0,
            kind: we::ComponentExportKind::Func,
            name,
        });
    }
    out.section(&aliases);
}

/// The recorder's memories, the sink's functions lowered into them, and the
/// recorder.
pub(super) fn place_recorder(
    out: &mut we::Component,
    guest_memories: u32,
    parts: RecorderParts,
    options: Options,
    added: &mut Added,
) -> Result<()> {
    let pages = BUFFER_LENGTH / 65536;
    let memories = include_str!("memories.wat").replace("PAGES", &pages.to_string());
    place_module(out, &assemble(&memories)?);
    if parts.is_asynchronous {
        place_module(out, &assemble(include_str!("owed.wat"))?);
    }
    let mut instances = we::InstanceSection::new();
    for module in 0..parts.modules() - 1 {
        instances.instantiate::<[(&str, we::ModuleArg); 0], &str>(module, []);
    }
    out.section(&instances);
    let mut aliases = we::ComponentAliasSection::new();
    aliases.alias(we::Alias::CoreInstanceExport {
        instance: MEMORIES_INSTANCE,
        kind: we::ExportKind::Memory,
        name: "buffer",
    });
    out.section(&aliases);
    let mut lowers = we::CanonicalFunctionSection::new();
    lowers.lower(COMMIT, [we::CanonicalOption::Memory(0)]);
    lowers.lower(REGISTER, [we::CanonicalOption::Memory(0)]);
    out.section(&lowers);
    let registered = match options.shares_buffer {
        true => "(i32.shl (memory.size $m) (i32.const 16))",
        false => "(i32.const 0)",
    };
    let recorder = include_str!("recorder.wat")
        .replace("REGISTERED", registered)
        .replace("RECORDS", &RECORDS_START.to_string())
        .replace("TIME-AT", &TIME.to_string())
        .replace("SET-BY-AT", &SET_BY.to_string())
        .replace("CAPACITY", &BUFFER_CAPACITY.to_string())
        .replace("ENTRIES", &ACCESS_ENTRIES.to_string())
        .replace("ACCESS", &(guest_memories * ACCESS_ENTRIES).to_string())
        .replace(
            "OWED-MEMORY",
            if parts.is_asynchronous {
                OWED_MEMORY
            } else {
                ""
            },
        )
        .replace(
            "PENDING",
            &if parts.is_asynchronous {
                pending()
            } else {
                String::new()
            },
        );
    place_module(out, &assemble(&recorder)?);
    let mut instances = we::InstanceSection::new();
    instances.export_items([
        ("commit", we::ExportKind::Func, 0),
        ("register", we::ExportKind::Func, 1),
    ]);
    let mut given = vec![
        ("sink", we::ModuleArg::Instance(parts.sink_instance())),
        ("memories", we::ModuleArg::Instance(MEMORIES_INSTANCE)),
    ];
    let owed = parts.owed_instance().map(we::ModuleArg::Instance);
    given.extend(owed.map(|owed| ("owed", owed)));
    instances.instantiate(parts.modules() - 1, given);
    out.section(&instances);
    added.memories = 1;
    added.modules = parts.modules();
    added.core_instances = parts.core_instances();
    added.core_functions = 2;
    Ok(())
}

/// The core instance in which threads begin, of so many tables of functions, and its table of
/// what they begin with.
pub(super) fn place_threads(
    out: &mut we::Component,
    starters: usize,
    added: &mut Added,
) -> Result<u32> {
    let text = include_str!("threads.wat").replace("STARTERS", &starters.to_string());
    place_module(out, &assemble(&text)?);
    let mut instances = we::InstanceSection::new();
    instances.instantiate::<[(&str, we::ModuleArg); 0], &str>(added.modules, []);
    out.section(&instances);
    let threads = added.core_instances;
    let mut aliases = we::ComponentAliasSection::new();
    aliases.alias(we::Alias::CoreInstanceExport {
        instance: threads,
        kind: we::ExportKind::Table,
        name: "begins",
    });
    out.section(&aliases);
    added.modules += 1;
    added.core_instances += 1;
    added.tables += 1;
    Ok(threads)
}

/// The memory that that part uses.
const OWED_MEMORY: &str = "(import \"owed\" \"owed\" (memory $o 1)) (export \"owed\" (memory $o))";

/// The part of the recorder that knows what is owed, with the codes that it compares.
fn pending() -> String {
    let codes = [
        ("SUBTASK", EventCode::Subtask.code()),
        ("STREAM-READ", EventCode::StreamRead.code()),
        ("FUTURE-READ", EventCode::FutureRead.code()),
        ("RETURNED", SubtaskState::Returned.code()),
        ("COMPLETED", CopyResult::Completed.code()),
        ("CODE-BITS", CODE_BITS),
        ("ENTRIES", ACCESS_ENTRIES),
        ("KEPT-MAX", KEPT_MAX),
    ];
    let text = include_str!("pending.wat").to_owned();
    let write = |text: String, (name, code): (&str, u32)| text.replace(name, &code.to_string());
    codes.into_iter().fold(text, write)
}
