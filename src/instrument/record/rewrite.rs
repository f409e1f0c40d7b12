//! The walk over the component binary that puts the wrappers in.

use super::wrapper::{BUFFER_CAPACITY, Wrap, shim_text};
use super::{BUFFER_LENGTH, Commit, Options, RecordError, SINK};
use crate::component::{Body, BodyId, Builtin, Component, Crossing, CrossingId, CrossingKind};
use std::collections::HashMap;
use wasm_encoder as we;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasmparser as wp;

type Result<T, E = Error<RecordError>> = std::result::Result<T, E>;

/// What the prefix of a recorded body adds to its index spaces.
const PREFIX_TYPES: u32 = 1;
const PREFIX_INSTANCES: u32 = 1;
const PREFIX_FUNCTIONS: u32 = 2;
const PREFIX_MEMORIES: u32 = 1;
const PREFIX_MODULES: u32 = 2;
const PREFIX_CORE_INSTANCES: u32 = 3;
const PREFIX_CORE_FUNCTIONS: u32 = 2;
/// The core instances of the prefix that shims import.
const MEMORIES_INSTANCE: u32 = 0;
const RECORDER_INSTANCE: u32 = 2;

pub(super) fn rewrite(component: &Component, options: Options) -> Result<Vec<u8>, RecordError> {
    let several = component.bodies().iter().filter(|b| b.has_core).count() > 1;
    let mut rewrite = Rewrite {
        component,
        several,
        options,
        scopes: Vec::new(),
    };
    let mut out = we::Component::new();
    rewrite
        .open(&mut out, 0)
        .and_then(|()| rewrite.parse_component(&mut out, wp::Parser::new(0), component.bytes()))
        .map_err(|e| match e {
            Error::UserError(e) => e,
            other => RecordError::Rewrite(other.to_string()),
        })?;
    Ok(out.finish())
}

/// The crossings of one body by what defines them.
#[derive(Default)]
struct Lookup {
    outgoing: HashMap<u32, CrossingId>,
    reallocs: HashMap<(u32, Option<u32>), CrossingId>,
    lifts: Vec<CrossingId>,
    destructors: Vec<CrossingId>,
}

impl Lookup {
    fn new(component: &Component, body: BodyId) -> Lookup {
        let mut lookup = Lookup::default();
        for crossing in component.crossings().iter().filter(|c| c.body == body) {
            match crossing.kind {
                CrossingKind::Lower | CrossingKind::Builtin(_) => {
                    lookup.outgoing.insert(crossing.core_function, crossing.id);
                }
                CrossingKind::Realloc => {
                    let key = (crossing.core_function, crossing.memory);
                    lookup.reallocs.insert(key, crossing.id);
                }
                CrossingKind::Lift => lookup.lifts.push(crossing.id),
                CrossingKind::Destructor => lookup.destructors.push(crossing.id),
                CrossingKind::PostReturn => {}
            }
        }
        lookup
    }
}

/// The body being rewritten: its old index spaces mapped to the new ones.
struct Scope<'a> {
    body: &'a Body,
    lookup: Lookup,
    core_functions: Vec<u32>,
    next_core_function: u32,
    core_modules: Vec<u32>,
    next_core_module: u32,
    core_instances: Vec<u32>,
    next_core_instance: u32,
    /// Outgoing crossings defined but not wrapped yet: (old index, crossing).
    unwrapped: Vec<(u32, CrossingId)>,
    /// Wrapped reallocs by crossing.
    reallocs: HashMap<CrossingId, u32>,
    lifts: usize,
    destructors: usize,
    /// How deep the walk is in nested type declarations, which have index
    /// spaces of their own.
    depth: u32,
    /// Wrapped functions for the canonical options now being encoded.
    realloc_option: Option<u32>,
    post_return_option: Option<u32>,
}

impl Scope<'_> {
    /// How far the prefix has moved the component-level index spaces.
    fn shift(&self, by: u32) -> u32 {
        if self.body.reaches_core { by } else { 0 }
    }
}

struct Rewrite<'a> {
    component: &'a Component,
    /// Whether more than one body records, so that order between them matters.
    several: bool,
    options: Options,
    scopes: Vec<Scope<'a>>,
}

fn inconsistent(what: &str) -> Error<RecordError> {
    Error::UserError(RecordError::Rewrite(format!(
        "its {what} are not where the first reading found them"
    )))
}

impl<'a> Rewrite<'a> {
    fn scope(&mut self) -> Result<&mut Scope<'a>> {
        self.scopes.last_mut().ok_or_else(|| inconsistent("bodies"))
    }

    fn crossing(&self, id: CrossingId) -> Result<&'a Crossing> {
        self.component
            .crossing(id)
            .ok_or_else(|| inconsistent("crossings"))
    }

    /// Begins a body: finds it by its offset and emits its prefix.
    fn open(&mut self, out: &mut we::Component, start: usize) -> Result<()> {
        let body = self
            .component
            .bodies()
            .iter()
            .find(|body| body.start == start)
            .ok_or_else(|| inconsistent("bodies"))?;
        if body.reaches_core {
            import_sink(out);
        }
        if body.has_core {
            place_recorder(out, self.options)?;
        }
        let core = |n: u32| if body.has_core { n } else { 0 };
        self.scopes.push(Scope {
            lookup: Lookup::new(self.component, body.id),
            body,
            core_functions: Vec::new(),
            next_core_function: core(PREFIX_CORE_FUNCTIONS),
            core_modules: Vec::new(),
            next_core_module: core(PREFIX_MODULES),
            core_instances: Vec::new(),
            next_core_instance: core(PREFIX_CORE_INSTANCES),
            unwrapped: Vec::new(),
            reallocs: HashMap::new(),
            lifts: 0,
            destructors: 0,
            depth: 0,
            realloc_option: None,
            post_return_option: None,
        });
        Ok(())
    }

    /// Emits one shim with a wrapper for each of these; answers the wrappers'
    /// new core function indices.
    fn shim(&mut self, out: &mut we::Component, wrapped: &[(u32, CrossingId)]) -> Result<Vec<u32>> {
        if wrapped.is_empty() {
            return Ok(Vec::new());
        }
        let several = self.several;
        let each_hostcall = self.options.commit == Commit::EachHostcall;
        let handed_over = each_hostcall || !self.options.shares_buffer;
        let mut wraps = Vec::new();
        let mut memories = Vec::new();
        let mut guest = Vec::new();
        for (k, (function, id)) in wrapped.iter().enumerate() {
            let crossing = self.crossing(*id)?;
            let memory = crossing.memory.map(|m| m + PREFIX_MEMORIES);
            if let Some(memory) = memory
                && !memories.contains(&memory)
            {
                guest.push((
                    format!("m{}", memories.len()),
                    we::ExportKind::Memory,
                    memory,
                ));
                memories.push(memory);
            }
            guest.push((format!("f{k}"), we::ExportKind::Func, *function));
            let enters_others = matches!(
                crossing.kind,
                CrossingKind::Lower | CrossingKind::Builtin(Builtin::ResourceDrop(_))
            );
            wraps.push(Wrap {
                crossing,
                memory,
                commit_before: several && enters_others || handed_over && exits(crossing),
                commit_after: each_hostcall && enters_others,
            });
        }
        let module = assemble(&shim_text(&wraps, &memories))?;
        place_module(out, &module);
        let scope = self.scope()?;
        let module = scope.next_core_module;
        scope.next_core_module += 1;
        let guest_instance = scope.next_core_instance;
        let shim_instance = guest_instance + 1;
        scope.next_core_instance += 2;
        let mut instances = we::InstanceSection::new();
        instances.export_items(
            guest
                .iter()
                .map(|(name, kind, i)| (name.as_str(), *kind, *i)),
        );
        instances.instantiate(
            module,
            [
                ("guest", we::ModuleArg::Instance(guest_instance)),
                ("memories", we::ModuleArg::Instance(MEMORIES_INSTANCE)),
                ("recorder", we::ModuleArg::Instance(RECORDER_INSTANCE)),
            ],
        );
        out.section(&instances);
        let mut aliases = we::ComponentAliasSection::new();
        let mut indices = Vec::new();
        for k in 0..wrapped.len() {
            aliases.alias(we::Alias::CoreInstanceExport {
                instance: shim_instance,
                kind: we::ExportKind::Func,
                name: &format!("w{k}"),
            });
            indices.push(scope.next_core_function);
            scope.next_core_function += 1;
        }
        out.section(&aliases);
        Ok(indices)
    }

    /// Wraps an incoming crossing; answers the wrapper's core function index.
    fn wrap_incoming(&mut self, out: &mut we::Component, id: CrossingId) -> Result<u32> {
        let function = self.crossing(id)?.core_function;
        let function = self.function_index(function)?;
        let indices = self.shim(out, &[(function, id)])?;
        indices
            .first()
            .copied()
            .ok_or_else(|| inconsistent("shims"))
    }

    /// Wraps the outgoing crossings defined since the last time, before anything
    /// can refer to them.
    fn settle(&mut self, out: &mut we::Component) -> Result<()> {
        let unwrapped = std::mem::take(&mut self.scope()?.unwrapped);
        let mut wrapped = Vec::new();
        for (old, id) in &unwrapped {
            wrapped.push((self.function_index(*old)?, *id));
        }
        let indices = self.shim(out, &wrapped)?;
        let scope = self.scope()?;
        for ((old, _), new) in unwrapped.into_iter().zip(indices) {
            scope.core_functions[old as usize] = new;
        }
        Ok(())
    }

    fn new_core_function(&mut self) -> Result<u32> {
        let scope = self.scope()?;
        let old = scope.core_functions.len() as u32;
        scope.core_functions.push(scope.next_core_function);
        scope.next_core_function += 1;
        Ok(old)
    }

    fn canonicals(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentCanonicalSectionReader<'_>,
    ) -> Result<()> {
        let mut pending = we::CanonicalFunctionSection::new();
        for canonical in section {
            let canonical = canonical?;
            self.wrap_realloc(out, &mut pending, &canonical)?;
            match &canonical {
                wp::CanonicalFunction::Lift {
                    type_index,
                    options,
                    ..
                } => {
                    flush(out, &mut pending);
                    self.lift(out, &mut pending, *type_index, options)?;
                }
                _ => {
                    component_utils::parse_component_canonical(self, &mut pending, canonical)?;
                    let old = self.new_core_function()?;
                    let scope = self.scope()?;
                    let id = *scope
                        .lookup
                        .outgoing
                        .get(&old)
                        .ok_or_else(|| inconsistent("outgoing crossings"))?;
                    scope.unwrapped.push((old, id));
                }
            }
            let scope = self.scope()?;
            scope.realloc_option = None;
            scope.post_return_option = None;
        }
        flush(out, &mut pending);
        Ok(())
    }

    fn wrap_realloc(
        &mut self,
        out: &mut we::Component,
        pending: &mut we::CanonicalFunctionSection,
        canonical: &wp::CanonicalFunction,
    ) -> Result<()> {
        let options = options_of(canonical);
        let Some(function) = options.iter().find_map(|o| match o {
            wp::CanonicalOption::Realloc(f) => Some(*f),
            _ => None,
        }) else {
            return Ok(());
        };
        let memory = options.iter().find_map(|o| match o {
            wp::CanonicalOption::Memory(m) => Some(*m),
            _ => None,
        });
        let scope = self.scope()?;
        let id = *scope
            .lookup
            .reallocs
            .get(&(function, memory))
            .ok_or_else(|| inconsistent("reallocs"))?;
        let index = match scope.reallocs.get(&id) {
            Some(index) => *index,
            None => {
                flush(out, pending);
                let index = self.wrap_incoming(out, id)?;
                self.scope()?.reallocs.insert(id, index);
                index
            }
        };
        self.scope()?.realloc_option = Some(index);
        Ok(())
    }

    fn lift(
        &mut self,
        out: &mut we::Component,
        pending: &mut we::CanonicalFunctionSection,
        ty: u32,
        options: &[wp::CanonicalOption],
    ) -> Result<()> {
        self.settle(out)?;
        let scope = self.scope()?;
        let id = *scope
            .lookup
            .lifts
            .get(scope.lifts)
            .ok_or_else(|| inconsistent("lifted functions"))?;
        scope.lifts += 1;
        let has_post_return = options
            .iter()
            .any(|o| matches!(o, wp::CanonicalOption::PostReturn(_)));
        if has_post_return {
            // Crossings are numbered with the post-return right before its lift.
            let post = CrossingId(id.0.wrapping_sub(1));
            let index = self.wrap_incoming(out, post)?;
            self.scope()?.post_return_option = Some(index);
        }
        let function = self.wrap_incoming(out, id)?;
        let options = options
            .iter()
            .map(|o| self.canonical_option(*o))
            .collect::<Result<Vec<_>>>()?;
        let ty = self.component_type_index(ty);
        pending.lift(function, ty, options);
        Ok(())
    }

    fn types(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentTypeSectionReader<'_>,
    ) -> Result<()> {
        for ty in section {
            let ty = ty?;
            let mut types = we::ComponentTypeSection::new();
            if let wp::ComponentType::Resource {
                rep, dtor: Some(_), ..
            } = ty
            {
                let scope = self.scope()?;
                let id = *scope
                    .lookup
                    .destructors
                    .get(scope.destructors)
                    .ok_or_else(|| inconsistent("destructors"))?;
                scope.destructors += 1;
                let destructor = self.wrap_incoming(out, id)?;
                let rep = self.val_type(rep)?;
                types.ty().resource(rep, Some(destructor));
            } else {
                self.parse_component_type(types.ty(), ty)?;
            }
            out.section(&types);
        }
        Ok(())
    }

    fn aliases(
        &mut self,
        out: &mut we::Component,
        section: wp::ComponentAliasSectionReader<'_>,
    ) -> Result<()> {
        let mut aliases = we::ComponentAliasSection::new();
        for alias in section {
            let alias = alias?;
            aliases.alias(self.component_alias(alias.clone())?);
            match alias {
                wp::ComponentAlias::CoreInstanceExport {
                    kind: wp::ExternalKind::Func,
                    ..
                } => {
                    self.new_core_function()?;
                }
                wp::ComponentAlias::Outer {
                    kind: wp::ComponentOuterAliasKind::CoreModule,
                    ..
                } => self.new_core_module()?,
                _ => {}
            }
        }
        out.section(&aliases);
        Ok(())
    }

    fn new_core_module(&mut self) -> Result<()> {
        let scope = self.scope()?;
        scope.core_modules.push(scope.next_core_module);
        scope.next_core_module += 1;
        Ok(())
    }

    fn core_instances(
        &mut self,
        out: &mut we::Component,
        section: wp::InstanceSectionReader<'_>,
    ) -> Result<()> {
        let mut instances = we::InstanceSection::new();
        for instance in section {
            self.parse_instance(&mut instances, instance?)?;
            let scope = self.scope()?;
            scope.core_instances.push(scope.next_core_instance);
            scope.next_core_instance += 1;
        }
        out.section(&instances);
        Ok(())
    }
}

fn flush(out: &mut we::Component, pending: &mut we::CanonicalFunctionSection) {
    if !pending.is_empty() {
        out.section(&*pending);
        *pending = we::CanonicalFunctionSection::new();
    }
}

fn options_of(canonical: &wp::CanonicalFunction) -> &[wp::CanonicalOption] {
    match canonical {
        wp::CanonicalFunction::Lift { options, .. }
        | wp::CanonicalFunction::Lower { options, .. } => options,
        _ => &[],
    }
}

/// Whether a call does not return because the program ends.
fn exits(crossing: &Crossing) -> bool {
    crossing.name.starts_with("wasi:cli/exit")
}

fn assemble(text: &str) -> Result<Vec<u8>> {
    wat::parse_str(text)
        .map_err(|e| Error::UserError(RecordError::Rewrite(format!("a wrapper is malformed: {e}"))))
}

fn place_module(out: &mut we::Component, module: &[u8]) {
    out.section(&we::RawSection {
        id: we::ComponentSectionId::CoreModule as u8,
        data: module,
    });
}

/// `import "rr:recorder/sink"` with `commit(instance, records)` and
/// `register(buffer) -> instance`.
fn import_sink(out: &mut we::Component) {
    use we::{ComponentTypeRef, ComponentValType, PrimitiveValType};
    let u32_type = ComponentValType::Primitive(PrimitiveValType::U32);
    let bytes = ComponentValType::Type(0);
    let mut sink = we::InstanceType::new();
    sink.ty().defined_type().list(PrimitiveValType::U8);
    sink.ty()
        .function()
        .params([("instance", u32_type), ("records", bytes)])
        .result(None);
    sink.export("commit", ComponentTypeRef::Func(1));
    sink.ty()
        .function()
        .params([("buffer", bytes)])
        .result(Some(u32_type));
    sink.export("register", ComponentTypeRef::Func(2));
    let mut types = we::ComponentTypeSection::new();
    types.instance(&sink);
    out.section(&types);
    let mut imports = we::ComponentImportSection::new();
    imports.import(SINK, ComponentTypeRef::Instance(0));
    out.section(&imports);
    let mut aliases = we::ComponentAliasSection::new();
    for name in ["commit", "register"] {
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
fn place_recorder(out: &mut we::Component, options: Options) -> Result<()> {
    let pages = BUFFER_LENGTH / 65536;
    let memories = include_str!("memories.wat").replace("PAGES", &pages.to_string());
    place_module(out, &assemble(&memories)?);
    let mut instances = we::InstanceSection::new();
    instances.instantiate::<[(&str, we::ModuleArg); 0], &str>(0, []);
    out.section(&instances);
    let mut aliases = we::ComponentAliasSection::new();
    aliases.alias(we::Alias::CoreInstanceExport {
        instance: MEMORIES_INSTANCE,
        kind: we::ExportKind::Memory,
        name: "buffer",
    });
    out.section(&aliases);
    let mut lowers = we::CanonicalFunctionSection::new();
    lowers.lower(0, [we::CanonicalOption::Memory(0)]);
    lowers.lower(1, [we::CanonicalOption::Memory(0)]);
    out.section(&lowers);
    let registered = match options.shares_buffer {
        true => "(i32.shl (memory.size $m) (i32.const 16))",
        false => "(i32.const 0)",
    };
    let recorder = include_str!("recorder.wat")
        .replace("CAPACITY", &BUFFER_CAPACITY.to_string())
        .replace("REGISTERED", registered);
    place_module(out, &assemble(&recorder)?);
    let mut instances = we::InstanceSection::new();
    instances.export_items([
        ("commit", we::ExportKind::Func, 0),
        ("register", we::ExportKind::Func, 1),
    ]);
    instances.instantiate(
        1,
        [
            ("sink", we::ModuleArg::Instance(1)),
            ("memories", we::ModuleArg::Instance(MEMORIES_INSTANCE)),
        ],
    );
    out.section(&instances);
    Ok(())
}

impl Reencode for Rewrite<'_> {
    type Error = RecordError;

    fn function_index(&mut self, function: u32) -> Result<u32> {
        self.scope()?
            .core_functions
            .get(function as usize)
            .copied()
            .ok_or_else(|| inconsistent("core functions"))
    }

    fn memory_index(&mut self, memory: u32) -> Result<u32> {
        let has_core = self.scope()?.body.has_core;
        Ok(memory + if has_core { PREFIX_MEMORIES } else { 0 })
    }
}

impl ReencodeComponent for Rewrite<'_> {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        match self.scopes.last() {
            Some(scope) if scope.depth == 0 => ty + scope.shift(PREFIX_TYPES),
            _ => ty,
        }
    }

    fn component_instance_index(&mut self, instance: u32) -> u32 {
        instance + self.scopes.last().map_or(0, |s| s.shift(PREFIX_INSTANCES))
    }

    fn component_func_index(&mut self, function: u32) -> u32 {
        function + self.scopes.last().map_or(0, |s| s.shift(PREFIX_FUNCTIONS))
    }

    fn module_index(&mut self, module: u32) -> u32 {
        self.scopes
            .last()
            .and_then(|s| s.core_modules.get(module as usize))
            .copied()
            .unwrap_or(module)
    }

    fn instance_index(&mut self, instance: u32) -> u32 {
        self.scopes
            .last()
            .and_then(|s| s.core_instances.get(instance as usize))
            .copied()
            .unwrap_or(instance)
    }

    fn outer_type_index(&mut self, _count: u32, ty: u32) -> Result<u32> {
        Ok(ty)
    }

    /// An outer alias moves only when it reaches past the nested type
    /// declarations into a body, by what that body's prefix adds.
    fn outer_component_type_index(&mut self, count: u32, ty: u32) -> u32 {
        let Some(scope) = self.scopes.last() else {
            return ty;
        };
        let Some(bodies_up) = count.checked_sub(scope.depth) else {
            return ty;
        };
        let level = self.scopes.len().checked_sub(1 + bodies_up as usize);
        match level.and_then(|level| self.scopes.get(level)) {
            Some(outer) => ty + outer.shift(PREFIX_TYPES),
            None => ty,
        }
    }

    fn outer_component_index(&mut self, _count: u32, component: u32) -> u32 {
        component
    }

    fn outer_module_index(&mut self, count: u32, module: u32) -> u32 {
        let depth = self.scopes.last().map_or(0, |s| s.depth);
        let level = count
            .checked_sub(depth)
            .and_then(|up| self.scopes.len().checked_sub(1 + up as usize));
        level
            .and_then(|level| self.scopes.get(level))
            .and_then(|s| s.core_modules.get(module as usize))
            .copied()
            .unwrap_or(module)
    }

    fn push_depth(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.depth += 1;
        }
    }

    fn pop_depth(&mut self) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.depth -= 1;
        }
    }

    fn canonical_option(&mut self, option: wp::CanonicalOption) -> Result<we::CanonicalOption> {
        Ok(match option {
            wp::CanonicalOption::Realloc(_) => we::CanonicalOption::Realloc(
                self.scope()?
                    .realloc_option
                    .ok_or_else(|| inconsistent("reallocs"))?,
            ),
            wp::CanonicalOption::PostReturn(_) => we::CanonicalOption::PostReturn(
                self.scope()?
                    .post_return_option
                    .ok_or_else(|| inconsistent("post-returns"))?,
            ),
            other => component_utils::canonical_option(self, other)?,
        })
    }

    /// Core modules are copied raw: re-encoding would move code and make the
    /// debug information point elsewhere.
    fn parse_component_submodule(
        &mut self,
        out: &mut we::Component,
        _parser: wp::Parser,
        module: &[u8],
    ) -> Result<()> {
        place_module(out, module);
        self.new_core_module()
    }

    fn parse_component_subcomponent(
        &mut self,
        out: &mut we::Component,
        parser: wp::Parser,
        data: &[u8],
        whole: &[u8],
    ) -> Result<()> {
        let start = (data.as_ptr() as usize)
            .checked_sub(whole.as_ptr() as usize)
            .ok_or_else(|| inconsistent("nested components"))?;
        let mut nested = we::Component::new();
        self.open(&mut nested, start)?;
        component_utils::parse_component(self, &mut nested, parser, data, whole)?;
        self.scopes.pop();
        out.section(&we::NestedComponentSection(&nested));
        Ok(())
    }

    fn parse_component_instance(
        &mut self,
        instances: &mut we::ComponentInstanceSection,
        instance: wp::ComponentInstance<'_>,
    ) -> Result<()> {
        let wp::ComponentInstance::Instantiate {
            component_index,
            args,
        } = &instance
        else {
            return component_utils::parse_component_instance(self, instances, instance);
        };
        let mut given: Vec<(&str, we::ComponentExportKind, u32)> = args
            .iter()
            .map(|arg| {
                let index = self.component_external_index(arg.kind, arg.index);
                (arg.name, arg.kind.into(), index)
            })
            .collect();
        if self.reaches_core(*component_index)? {
            given.push((SINK, we::ComponentExportKind::Instance, 0));
        }
        instances.instantiate(*component_index, given);
        Ok(())
    }

    fn parse_component_payload(
        &mut self,
        out: &mut we::Component,
        payload: wp::Payload<'_>,
        whole: &[u8],
    ) -> Result<()> {
        use wp::Payload as P;
        match payload {
            // Whatever may refer to a wrapped function comes after its wrapper.
            P::InstanceSection(section) => {
                self.settle(out)?;
                self.core_instances(out, section)
            }
            P::ComponentTypeSection(section) => {
                self.settle(out)?;
                self.types(out, section)
            }
            P::ComponentCanonicalSection(section) => self.canonicals(out, section),
            P::ComponentAliasSection(section) => self.aliases(out, section),
            // Names in the component's own name section are by index, and the
            // indices have moved.
            P::CustomSection(section) if section.name() == "component-name" => Ok(()),
            P::End(_) => {
                self.settle(out)?;
                component_utils::parse_component_payload(self, out, payload, whole)
            }
            other => component_utils::parse_component_payload(self, out, other, whole),
        }
    }
}

impl Rewrite<'_> {
    /// Whether the component at this index of the current body's component index
    /// space needs the sink.
    fn reaches_core(&mut self, component_index: u32) -> Result<bool> {
        let component = self.component;
        let scope = self.scope()?;
        let id = scope
            .body
            .components
            .get(component_index as usize)
            .copied()
            .flatten()
            .ok_or_else(|| inconsistent("nested components"))?;
        Ok(component.body(id).reaches_core)
    }
}
