//! Reading a component binary.
//!
//! Two passes: the first validates and keeps each body's types, the second walks
//! the sections with those types at hand.

use super::Component;
use super::canonical::{Options, builtin_name, core_sort, unsupported};
use super::crossing::{Builtin, Crossing, CrossingId, CrossingKind, ReturnArea};
use super::layout::{self, Pointer, Returned};
use super::naming::Types;
use super::types::{CoreSignature, CoreType, FunctionType, Resource, StringEncoding};
use super::wiring::{Body, BodyId, CoreSort, Item, ModuleId};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use wasmparser as wp;
use wasmparser::component_types::ComponentAnyTypeId;

/// Why a binary cannot be recorded or replayed.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    #[error("not a valid component: {0}")]
    Invalid(#[from] wp::BinaryReaderError),
    #[error(
        "this is a core module, not a component; \
         make it a component first, or give rr-dap the module's file"
    )]
    CoreModule,
    #[error("{construct} (at byte {offset:#x} of the component) cannot be recorded yet")]
    Unsupported { construct: String, offset: usize },
    #[error("the component's {0} index space is inconsistent")]
    Index(&'static str),
    #[error("not a valid component: the part at byte {0:#x} reaches beyond the one that holds it")]
    Beyond(usize),
}

/// Limits no real component comes near; a hostile one is refused before it
/// takes memory.
const MAX_CROSSINGS: usize = 1 << 18;

pub(super) fn parse(bytes: Arc<[u8]>) -> Result<Component, ParseError> {
    if wp::Parser::is_core_wasm(&bytes) {
        return Err(ParseError::CoreModule);
    }
    let arenas = validate(&bytes)?;
    let mut walk = Walk {
        arenas: &arenas,
        bodies: Vec::new(),
        modules: Vec::new(),
        crossings: Vec::new(),
        open: Vec::new(),
        exports: HashMap::new(),
    };
    let mut ends = vec![bytes.len()];
    for payload in wp::Parser::new(0).parse_all(&bytes) {
        let payload = payload?;
        check_nesting(&payload, &mut ends)?;
        walk.payload(payload)?;
    }
    let Walk {
        mut bodies,
        modules,
        crossings,
        ..
    } = walk;
    propagate_core(&mut bodies);
    Ok(Component {
        bodies,
        modules,
        crossings,
        bytes,
    })
}

/// Core modules and components must lie within the component that they are part of.
/// `ends` are the ends of the open ones, outermost first.
fn check_nesting(payload: &wp::Payload<'_>, ends: &mut Vec<usize>) -> Result<(), ParseError> {
    match payload {
        wp::Payload::ModuleSection {
            unchecked_range, ..
        }
        | wp::Payload::ComponentSection {
            unchecked_range, ..
        } => {
            if ends.last().is_some_and(|end| unchecked_range.end > *end) {
                return Err(ParseError::Beyond(unchecked_range.start));
            }
            ends.push(unchecked_range.end);
        }
        wp::Payload::End(_) => drop(ends.pop()),
        _ => {}
    }
    Ok(())
}

/// A body reaches core code if it has some, or if one nested in it does. Nested
/// bodies come after the bodies that instantiate them or that they alias, so
/// one pass from the back is not enough with outer aliases: repeat until stable.
fn propagate_core(bodies: &mut [Body]) {
    loop {
        let mut changed = false;
        for i in 0..bodies.len() {
            let nested = bodies[i].items.iter().any(|item| match item {
                Item::Nested(id) => bodies[id.0 as usize].reaches_core,
                _ => false,
            });
            let reaches = bodies[i].has_core || nested;
            changed |= reaches != bodies[i].reaches_core;
            bodies[i].reaches_core = reaches;
        }
        if !changed {
            return;
        }
    }
}

/// What validation tells of a component body.
struct Validated<'a> {
    types: wp::types::Types,
    /// What it imports and exports. Exports come last in a binary, but are what
    /// gives the types that a body defines their names.
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

/// The imports and exports of a component whose end has not been reached.
#[derive(Default)]
struct Names<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

/// Validates the binary; returns what it tells of each component by the
/// component's byte offset.
fn validate(bytes: &[u8]) -> Result<HashMap<usize, Validated<'_>>, ParseError> {
    let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
    let mut open: Vec<(usize, Option<Names<'_>>)> = Vec::new();
    let mut arenas = HashMap::new();
    let mut allocations = wp::FuncValidatorAllocations::default();
    for payload in wp::Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        if let wp::Payload::Version {
            range, encoding, ..
        } = &payload
        {
            let names = (*encoding == wp::Encoding::Component).then(Names::default);
            open.push((range.start, names));
        }
        if let Some((_, Some(names))) = open.last_mut() {
            names.read(&payload)?;
        }
        match validator.payload(&payload)? {
            wp::ValidPayload::Func(function, body) => {
                let mut function = function.into_validator(allocations);
                function.validate(&body)?;
                allocations = function.into_allocations();
            }
            wp::ValidPayload::End(types) => {
                if let Some((start, Some(Names { imports, exports }))) = open.pop() {
                    let validated = Validated {
                        types,
                        imports,
                        exports,
                    };
                    arenas.insert(start, validated);
                }
            }
            _ => {}
        }
    }
    Ok(arenas)
}

impl<'a> Names<'a> {
    fn read(&mut self, payload: &wp::Payload<'a>) -> Result<(), wp::BinaryReaderError> {
        match payload {
            wp::Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.imports.push(import?.name.name);
                }
            }
            wp::Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.exports.push(export?.name.name);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A component function in a body's index space: where it comes from.
#[derive(Clone)]
enum Function {
    /// Imported, or exported by an instance: known by its WIT path.
    Named(String),
    /// Lifted in this body.
    Lifted(CrossingId),
}

/// A component instance in a body's index space.
#[derive(Clone)]
enum Instance {
    /// Known by its interface name; its exports are named after it.
    Named(String),
    /// Made in this body, by name: a bundle, or what a shim component renames.
    Made(HashMap<String, Function>),
}

/// A body while its sections are walked.
struct Open<'a> {
    id: BodyId,
    types: Types<'a>,
    /// How many component-level types there are so far.
    component_types: u32,
    core_functions: u32,
    core_memories: u32,
    core_modules: Vec<ModuleId>,
    components: Vec<Option<BodyId>>,
    functions: Vec<Function>,
    instances: Vec<Instance>,
    /// Functions this body imports under their bare names, and exports: how a
    /// shim component renames what it is given.
    exports: HashMap<String, Function>,
    reallocs: HashMap<(u32, Option<u32>), CrossingId>,
    /// The component-level names of lifted functions, learnt from exports.
    lifted_names: Vec<(CrossingId, String)>,
}

struct Walk<'a> {
    arenas: &'a HashMap<usize, Validated<'a>>,
    bodies: Vec<Body>,
    modules: Vec<Range<usize>>,
    crossings: Vec<Crossing>,
    /// The components being walked, outermost first; `None` stands for a core
    /// module, whose payloads are of no interest here.
    open: Vec<Option<Open<'a>>>,
    /// What the bodies that have ended export.
    exports: HashMap<BodyId, HashMap<String, Function>>,
}

impl<'a> Walk<'a> {
    fn payload(&mut self, payload: wp::Payload<'a>) -> Result<(), ParseError> {
        use wp::Payload as P;
        match payload {
            P::Version {
                range, encoding, ..
            } => self.begin(range.start, encoding),
            P::End(_) => self.end(),
            P::ModuleSection {
                unchecked_range, ..
            } => self.module(unchecked_range),
            P::ComponentTypeSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|ty| self.ty(ty?, at))
            }
            P::ComponentImportSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|i| self.import(i?, at))
            }
            P::ComponentAliasSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|a| self.alias(a?, at))
            }
            P::InstanceSection(section) => {
                section.into_iter().try_for_each(|i| self.core_instance(i?))
            }
            P::ComponentInstanceSection(section) => {
                section.into_iter().try_for_each(|i| self.instance(i?))
            }
            P::ComponentCanonicalSection(section) => {
                let at = section.range().start;
                section.into_iter().try_for_each(|c| self.canonical(c?, at))
            }
            P::ComponentExportSection(section) => {
                section.into_iter().try_for_each(|e| self.export(e?))
            }
            P::ComponentStartSection { range, .. } => Err(ParseError::Unsupported {
                construct: "a component start function".into(),
                offset: range.start,
            }),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, start: usize, encoding: wp::Encoding) -> Result<(), ParseError> {
        if encoding == wp::Encoding::Module {
            self.open.push(None);
            return Ok(());
        }
        let validated = self.arenas.get(&start).ok_or(ParseError::Index("type"))?;
        let id = BodyId(self.bodies.len() as u32);
        if let Some(Some(parent)) = self.open.last_mut() {
            parent.components.push(Some(id));
        }
        self.bodies.push(Body {
            id,
            start,
            items: Vec::new(),
            components: Vec::new(),
            has_core: false,
            reaches_core: false,
        });
        self.open.push(Some(Open {
            id,
            types: Types::new(
                validated.types.as_ref(),
                &validated.imports,
                &validated.exports,
            ),
            component_types: 0,
            core_functions: 0,
            core_memories: 0,
            core_modules: Vec::new(),
            components: Vec::new(),
            functions: Vec::new(),
            instances: Vec::new(),
            exports: HashMap::new(),
            reallocs: HashMap::new(),
            lifted_names: Vec::new(),
        }));
        Ok(())
    }

    fn end(&mut self) -> Result<(), ParseError> {
        let Some(Some(open)) = self.open.pop() else {
            return Ok(());
        };
        for (id, name) in open.lifted_names {
            self.name_lifted(id, name);
        }
        self.bodies[open.id.0 as usize].components = open.components;
        self.exports.insert(open.id, open.exports);
        Ok(())
    }

    /// Gives a lifted function its name, and its post-return a name after it.
    /// The first export that names it wins.
    fn name_lifted(&mut self, id: CrossingId, name: String) {
        let Some(crossing) = self.crossings.get_mut(id.0 as usize) else {
            return;
        };
        if !crossing.name.is_empty() {
            return;
        }
        crossing.name = name.clone();
        let body = crossing.body;
        // The post-return of a lift is numbered right before it.
        if let Some(before) = (id.0 as usize).checked_sub(1)
            && let Some(post) = self.crossings.get_mut(before)
            && post.kind == CrossingKind::PostReturn
            && post.body == body
            && post.name.is_empty()
        {
            post.name = format!("post-return {name}");
        }
    }

    fn here(&mut self) -> Result<&mut Open<'a>, ParseError> {
        match self.open.last_mut() {
            Some(Some(open)) => Ok(open),
            _ => Err(ParseError::Index("component")),
        }
    }

    fn item(&mut self, item: Item) -> Result<(), ParseError> {
        let id = self.here()?.id;
        let body = &mut self.bodies[id.0 as usize];
        body.has_core |= !matches!(item, Item::Nested(_) | Item::Module(_));
        body.items.push(item);
        Ok(())
    }

    fn module(&mut self, range: Range<usize>) -> Result<(), ParseError> {
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(range);
        self.here()?.core_modules.push(id);
        self.item(Item::Module(id))
    }

    fn ty(&mut self, ty: wp::ComponentType<'a>, at: usize) -> Result<(), ParseError> {
        let index = self.component_type()?;
        let wp::ComponentType::Resource {
            dtor: Some(function),
            rep,
        } = ty
        else {
            return Ok(());
        };
        if rep != wp::ValType::I32 {
            return Err(unsupported(
                "a resource whose representation is not i32",
                at,
            ));
        }
        let signature = self.signature(function)?;
        let resource = self.resource(index)?;
        let name = of_resource("resource destructor", &resource);
        let id = self.cross(CrossingKind::Destructor, name, signature, function)?;
        self.item(Item::Incoming(id))
    }

    fn import(&mut self, import: wp::ComponentImport<'a>, at: usize) -> Result<(), ParseError> {
        let name = import.name.name;
        let is_root = self.open.len() == 1;
        let open = self.here()?;
        match import.ty {
            wp::ComponentTypeRef::Module(_) => {
                return Err(unsupported("an imported core module", at));
            }
            wp::ComponentTypeRef::Component(_) => {
                if is_root {
                    return Err(unsupported("an imported component", at));
                }
                open.components.push(None);
            }
            wp::ComponentTypeRef::Value(_) => return Err(unsupported("an imported value", at)),
            wp::ComponentTypeRef::Func(_) => open.functions.push(Function::Named(name.to_owned())),
            wp::ComponentTypeRef::Instance(_) => {
                open.instances.push(Instance::Named(name.to_owned()));
            }
            wp::ComponentTypeRef::Type(_) => open.component_types += 1,
        }
        Ok(())
    }

    fn alias(&mut self, alias: wp::ComponentAlias<'a>, at: usize) -> Result<(), ParseError> {
        match alias {
            wp::ComponentAlias::CoreInstanceExport {
                kind,
                instance_index,
                name,
            } => {
                let sort = core_sort(kind);
                if sort == CoreSort::Func {
                    self.core_function()?;
                }
                if sort == CoreSort::Memory {
                    self.core_memory(at)?;
                }
                self.item(Item::Alias {
                    sort,
                    instance: instance_index,
                    name: name.to_owned(),
                })
            }
            wp::ComponentAlias::InstanceExport {
                kind,
                instance_index,
                name,
            } => self.instance_export(kind, instance_index, name, at),
            wp::ComponentAlias::Outer { kind, count, index } => self.outer(kind, count, index),
        }
    }

    fn instance_export(
        &mut self,
        kind: wp::ComponentExternalKind,
        instance: u32,
        name: &str,
        at: usize,
    ) -> Result<(), ParseError> {
        let bodies_named = |instance: &Instance, name: &str| match instance {
            Instance::Named(interface) => Function::Named(format!("{interface}#{name}")),
            Instance::Made(functions) => functions
                .get(name)
                .cloned()
                .unwrap_or_else(|| Function::Named(name.to_owned())),
        };
        let open = self.here()?;
        let source = open
            .instances
            .get(instance as usize)
            .ok_or(ParseError::Index("instance"))?;
        match kind {
            wp::ComponentExternalKind::Func => {
                let function = bodies_named(source, name);
                open.functions.push(function);
            }
            // Named after the interface it exports: that is how its functions
            // are known to whoever they are given to.
            wp::ComponentExternalKind::Instance => {
                open.instances.push(Instance::Named(name.to_owned()));
            }
            wp::ComponentExternalKind::Module => {
                return Err(unsupported("a core module exported by an instance", at));
            }
            wp::ComponentExternalKind::Component => {
                return Err(unsupported("a component exported by an instance", at));
            }
            wp::ComponentExternalKind::Value => return Err(unsupported("a value", at)),
            wp::ComponentExternalKind::Type => open.component_types += 1,
        }
        Ok(())
    }

    fn outer(
        &mut self,
        kind: wp::ComponentOuterAliasKind,
        count: u32,
        index: u32,
    ) -> Result<(), ParseError> {
        let level = self
            .open
            .len()
            .checked_sub(1 + count as usize)
            .ok_or(ParseError::Index("outer"))?;
        let Some(Some(outer)) = self.open.get(level) else {
            return Err(ParseError::Index("outer"));
        };
        match kind {
            wp::ComponentOuterAliasKind::CoreModule => {
                let id = *outer
                    .core_modules
                    .get(index as usize)
                    .ok_or(ParseError::Index("core module"))?;
                self.here()?.core_modules.push(id);
                self.item(Item::Module(id))
            }
            wp::ComponentOuterAliasKind::Component => {
                let id = *outer
                    .components
                    .get(index as usize)
                    .ok_or(ParseError::Index("component"))?;
                self.here()?.components.push(id);
                Ok(())
            }
            wp::ComponentOuterAliasKind::Type => self.component_type().map(|_| ()),
            wp::ComponentOuterAliasKind::CoreType => Ok(()),
        }
    }

    fn core_instance(&mut self, instance: wp::Instance<'a>) -> Result<(), ParseError> {
        let item = match instance {
            wp::Instance::Instantiate { module_index, args } => Item::Instantiate {
                module: module_index,
                args: args
                    .iter()
                    .map(|arg| (arg.name.to_owned(), arg.index))
                    .collect(),
            },
            wp::Instance::FromExports(exports) => Item::Bundle(
                exports
                    .iter()
                    .map(|e| (e.name.to_owned(), core_sort(e.kind), e.index))
                    .collect(),
            ),
        };
        self.item(item)
    }

    fn instance(&mut self, instance: wp::ComponentInstance<'a>) -> Result<(), ParseError> {
        match instance {
            wp::ComponentInstance::Instantiate {
                component_index,
                args,
            } => {
                let open = self.here()?;
                let body = open
                    .components
                    .get(component_index as usize)
                    .copied()
                    .flatten()
                    .ok_or(ParseError::Unsupported {
                        construct: "the instantiation of an imported component".into(),
                        offset: 0,
                    })?;
                let mut functions = HashMap::new();
                for arg in &args {
                    if arg.kind == wp::ComponentExternalKind::Func
                        && let Some(f) = open.functions.get(arg.index as usize)
                    {
                        functions.insert(arg.name.to_owned(), f.clone());
                    }
                }
                let functions = self.through_shim(body, functions);
                self.here()?.instances.push(Instance::Made(functions));
                self.item(Item::Nested(body))
            }
            wp::ComponentInstance::FromExports(exports) => {
                let open = self.here()?;
                let mut functions = HashMap::new();
                for e in &exports {
                    if e.kind == wp::ComponentExternalKind::Func
                        && let Some(f) = open.functions.get(e.index as usize)
                    {
                        functions.insert(e.name.name.to_owned(), f.clone());
                    }
                }
                open.instances.push(Instance::Made(functions));
                Ok(())
            }
        }
    }

    /// What a nested component makes of the functions it is given: wit-component
    /// passes lifted functions through a shim component that only renames them.
    fn through_shim(
        &self,
        body: BodyId,
        given: HashMap<String, Function>,
    ) -> HashMap<String, Function> {
        let Some(renames) = self.exports.get(&body) else {
            return HashMap::new();
        };
        renames
            .iter()
            .filter_map(|(export, function)| match function {
                Function::Named(import) => Some((export.clone(), given.get(import)?.clone())),
                Function::Lifted(_) => None,
            })
            .collect()
    }

    fn canonical(&mut self, canonical: wp::CanonicalFunction, at: usize) -> Result<(), ParseError> {
        use wp::CanonicalFunction as C;
        match canonical {
            C::Lower {
                func_index,
                options,
            } => self.lower(func_index, Options::read(&options, at)?, at),
            C::Lift {
                core_func_index,
                type_index,
                options,
            } => self.lift(core_func_index, type_index, Options::read(&options, at)?),
            C::ResourceNew { resource } => {
                self.resource_builtin(resource, "new", Builtin::ResourceNew)
            }
            C::ResourceDrop { resource } => {
                self.resource_builtin(resource, "drop", Builtin::ResourceDrop)
            }
            C::ResourceRep { resource } => {
                self.resource_builtin(resource, "rep", Builtin::ResourceRep)
            }
            other => Err(unsupported(&builtin_name(&other), at)),
        }
    }

    fn lower(&mut self, function: u32, options: Options, at: usize) -> Result<(), ParseError> {
        let open = self.here()?;
        let ty = open.types.arena().component_function_at(function);
        let ty = open.types.function(ty);
        if ty.is_async {
            return Err(unsupported("a lowered async function", at));
        }
        let name = match open.functions.get(function as usize) {
            Some(Function::Named(name)) => name.clone(),
            Some(Function::Lifted(_)) => "own export".to_owned(),
            None => return Err(ParseError::Index("function")),
        };
        self.realloc(&options)?;
        let index = self.core_function()?;
        let signature = self.signature(index)?;
        let return_area = match layout::lowered(&ty, Pointer::Wasm32, false).returned {
            Returned::Area(area) => Some(ReturnArea {
                size: u32::try_from(area.size)
                    .map_err(|_| unsupported("a result of more than 4 GiB", at))?,
            }),
            _ => None,
        };
        let id = self.cross(CrossingKind::Lower, name, signature, index)?;
        self.describe(id, Some(ty), &options, return_area);
        self.item(Item::Outgoing(id))
    }

    fn lift(&mut self, function: u32, ty: u32, options: Options) -> Result<(), ParseError> {
        let open = self.here()?;
        let ComponentAnyTypeId::Func(ty) = open.types.arena().component_any_type_at(ty) else {
            return Err(ParseError::Index("type"));
        };
        let ty = open.types.function(ty);
        self.realloc(&options)?;
        if let Some(post) = options.post_return {
            let signature = self.signature(post)?;
            let id = self.cross(CrossingKind::PostReturn, String::new(), signature, post)?;
            self.describe(id, None, &options, None);
            self.item(Item::Incoming(id))?;
        }
        let signature = self.signature(function)?;
        let id = self.cross(CrossingKind::Lift, String::new(), signature, function)?;
        let first_memory = (self.here()?.core_memories > 0).then_some(0);
        let options = Options {
            memory: options.memory.or(first_memory),
            ..options
        };
        self.describe(id, Some(ty), &options, None);
        self.item(Item::Incoming(id))?;
        self.here()?.functions.push(Function::Lifted(id));
        Ok(())
    }

    /// A realloc is one crossing for each memory it serves, defined at its first
    /// use in canonical options.
    fn realloc(&mut self, options: &Options) -> Result<(), ParseError> {
        let Some(function) = options.realloc else {
            return Ok(());
        };
        let key = (function, options.memory);
        if self.here()?.reallocs.contains_key(&key) {
            return Ok(());
        }
        let signature = self.signature(function)?;
        let id = self.cross(CrossingKind::Realloc, "realloc".into(), signature, function)?;
        self.describe(id, None, options, None);
        self.here()?.reallocs.insert(key, id);
        self.item(Item::Incoming(id))
    }

    fn resource_builtin(
        &mut self,
        resource: u32,
        verb: &str,
        builtin: fn(Arc<Resource>) -> Builtin,
    ) -> Result<(), ParseError> {
        let resource = self.resource(resource)?;
        let name = of_resource(&format!("resource.{verb}"), &resource);
        let index = self.core_function()?;
        let signature = self.signature(index)?;
        let id = self.cross(
            CrossingKind::Builtin(builtin(resource)),
            name,
            signature,
            index,
        )?;
        self.item(Item::Outgoing(id))
    }

    fn export(&mut self, export: wp::ComponentExport<'a>) -> Result<(), ParseError> {
        let name = export.name.name;
        let open = self.here()?;
        match export.kind {
            wp::ComponentExternalKind::Func => {
                let function = open
                    .functions
                    .get(export.index as usize)
                    .cloned()
                    .ok_or(ParseError::Index("function"))?;
                open.exports.insert(name.to_owned(), function.clone());
                if let Function::Lifted(id) = &function {
                    open.lifted_names.push((*id, name.to_owned()));
                }
                open.functions.push(function);
            }
            wp::ComponentExternalKind::Instance => {
                let instance = open
                    .instances
                    .get(export.index as usize)
                    .cloned()
                    .ok_or(ParseError::Index("instance"))?;
                if let Instance::Made(functions) = &instance {
                    for (function_name, function) in functions {
                        if let Function::Lifted(id) = function {
                            open.lifted_names
                                .push((*id, format!("{name}#{function_name}")));
                        }
                    }
                }
                open.instances.push(instance);
            }
            wp::ComponentExternalKind::Component => {
                let body = open
                    .components
                    .get(export.index as usize)
                    .copied()
                    .ok_or(ParseError::Index("component"))?;
                open.components.push(body);
            }
            wp::ComponentExternalKind::Module => {
                let module = *open
                    .core_modules
                    .get(export.index as usize)
                    .ok_or(ParseError::Index("core module"))?;
                open.core_modules.push(module);
            }
            wp::ComponentExternalKind::Type => open.component_types += 1,
            wp::ComponentExternalKind::Value => {}
        }
        Ok(())
    }

    /// Numbers a crossing of the body being walked.
    fn cross(
        &mut self,
        kind: CrossingKind,
        name: String,
        signature: CoreSignature,
        core_function: u32,
    ) -> Result<CrossingId, ParseError> {
        if self.crossings.len() >= MAX_CROSSINGS {
            return Err(ParseError::Index("crossing"));
        }
        let body = self.here()?.id;
        let id = CrossingId(self.crossings.len() as u32);
        self.crossings.push(Crossing {
            id,
            body,
            kind,
            name,
            signature,
            function: None,
            core_function,
            memory: None,
            encoding: StringEncoding::default(),
            return_area: None,
        });
        Ok(id)
    }

    /// Adds what only crossings with a component-level type or canonical options
    /// have.
    fn describe(
        &mut self,
        id: CrossingId,
        function: Option<FunctionType>,
        options: &Options,
        return_area: Option<ReturnArea>,
    ) {
        let crossing = &mut self.crossings[id.0 as usize];
        crossing.function = function;
        crossing.memory = options.memory;
        crossing.encoding = options.encoding;
        crossing.return_area = return_area;
    }

    /// Adds a component-level type to the body's index space.
    fn component_type(&mut self) -> Result<u32, ParseError> {
        let open = self.here()?;
        let index = open.component_types;
        open.component_types += 1;
        Ok(index)
    }

    /// The resource type at an index.
    fn resource(&mut self, index: u32) -> Result<Arc<Resource>, ParseError> {
        let types = &mut self.here()?.types;
        if index >= types.arena().component_type_count() {
            return Err(ParseError::Index("type"));
        }
        match types.arena().component_any_type_at(index) {
            ComponentAnyTypeId::Resource(id) => Ok(types.resource(id)),
            _ => Err(ParseError::Index("type")),
        }
    }

    /// Adds a core function to the body's index space.
    fn core_function(&mut self) -> Result<u32, ParseError> {
        let open = self.here()?;
        let index = open.core_functions;
        open.core_functions += 1;
        Ok(index)
    }

    fn core_memory(&mut self, at: usize) -> Result<(), ParseError> {
        let open = self.here()?;
        let ty = open.types.arena().memory_at(open.core_memories);
        open.core_memories += 1;
        if ty.memory64 {
            return Err(unsupported("a 64-bit memory", at));
        }
        if ty.shared {
            return Err(unsupported("a shared memory", at));
        }
        Ok(())
    }

    /// The signature of a core function of the body, which validation has put
    /// in bounds.
    fn signature(&mut self, function: u32) -> Result<CoreSignature, ParseError> {
        let arena = self.here()?.types.arena();
        if function >= arena.function_count() {
            return Err(ParseError::Index("core function"));
        }
        let ty = &arena[arena.core_function_at(function)];
        let wp::CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
            return Err(ParseError::Index("core type"));
        };
        let convert = |types: &[wp::ValType]| {
            types
                .iter()
                .map(|ty| match ty {
                    wp::ValType::I32 => Ok(CoreType::I32),
                    wp::ValType::I64 => Ok(CoreType::I64),
                    wp::ValType::F32 => Ok(CoreType::F32),
                    wp::ValType::F64 => Ok(CoreType::F64),
                    other => Err(unsupported(&format!("a crossing that passes {other}"), 0)),
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(CoreSignature {
            params: convert(ty.params())?,
            results: convert(ty.results())?,
        })
    }
}

/// What is done to a resource, with the resource's name if it has one.
fn of_resource(what: &str, resource: &Resource) -> String {
    match &resource.name {
        Some(name) => format!("{what} {name}"),
        None => what.to_owned(),
    }
}
