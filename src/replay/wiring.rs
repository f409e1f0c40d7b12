//! Instantiating core modules as the component's core-instance sections wire
//! them, with stubs where canonical definitions are.

use super::clock::Clock;
use super::contexts;
use super::drive::{self, block_on};
use super::error::ReplayError;
use super::position::InstanceId;
use super::probes::Stored;
use super::state::State;
use crate::component::types::CoreType;
use crate::component::wiring::CoreSort;
use crate::component::{Component, Crossing, CrossingId, CrossingKind, Item, ModuleId};
use crate::instrument::clock::{IMPORT_HOOK, IMPORT_MODULE, IMPORT_REMAINING};
use crate::instrument::probe::IMPORT_STORED;
use crate::instrument::probe::context::{IMPORT_ENTER, IMPORT_NOTED};
use crate::trace::Instance;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use wasmtime::{AsContextMut, Extern, Func, FuncType, Module, Store, ValType};

/// Makes all core instances of the component.
pub(super) fn instantiate(
    store: &mut Store<State>,
    modules: &[Module],
    clock: Clock,
) -> wasmtime::Result<()> {
    let hook = Func::wrap(&mut *store, |mut caller: wasmtime::Caller<'_, State>| {
        drive::tick(&mut caller)
    });
    // Start functions run before the first event, which there may be none of.
    drive::bound_end(&mut *store);
    let component = store.data().component().clone();
    let mut wiring = Wiring {
        store,
        component,
        modules,
        hook,
        clock,
        instances: 0,
        stubs: HashSet::new(),
        imported_starts: HashMap::new(),
    };
    wiring.body(0)
}

struct Wiring<'a> {
    store: &'a mut Store<State>,
    component: Arc<Component>,
    modules: &'a [Module],
    hook: Func,
    clock: Clock,
    /// Recorded component instances so far.
    instances: u32,
    /// The functions that stand where outgoing crossings are defined, as raw values.
    stubs: HashSet<usize>,
    /// Start functions that modules import, by module and name.
    imported_starts: HashMap<ModuleId, Option<(String, String)>>,
}

/// A core instance in a body's index space.
enum Source {
    Real(wasmtime::Instance),
    Bundle(HashMap<String, Extern>),
}

/// The core index spaces of a body being instantiated.
#[derive(Default)]
struct Spaces {
    modules: Vec<Option<ModuleId>>,
    instances: Vec<Source>,
    functions: Vec<Extern>,
    memories: Vec<Extern>,
    tables: Vec<Extern>,
    globals: Vec<Extern>,
    tags: Vec<Extern>,
}

impl Spaces {
    fn sort(&mut self, sort: CoreSort) -> &mut Vec<Extern> {
        match sort {
            CoreSort::Func => &mut self.functions,
            CoreSort::Memory => &mut self.memories,
            CoreSort::Table => &mut self.tables,
            CoreSort::Global => &mut self.globals,
            CoreSort::Tag => &mut self.tags,
        }
    }

    fn get(&mut self, sort: CoreSort, index: u32) -> wasmtime::Result<Extern> {
        self.sort(sort)
            .get(index as usize)
            .cloned()
            .ok_or_else(|| wiring("an index is out of range"))
    }
}

impl Wiring<'_> {
    /// Makes one of the instances that the component's bodies come to; reading the component has
    /// bounded how deep they lie.
    fn body(&mut self, made: usize) -> wasmtime::Result<()> {
        let component = self.component.clone();
        let made = component
            .made()
            .get(made)
            .ok_or_else(|| wiring("an instance is missing"))?;
        let body = component.body(made.body);
        let mut nested = made.nested.iter();
        let instance = Instance(self.instances);
        if body.has_core {
            self.instances += 1;
        }
        let mut spaces = Spaces {
            modules: made.modules.clone(),
            ..Spaces::default()
        };
        for item in &body.items {
            match item {
                Item::Instantiate { module, args } => {
                    let made = self.core_instance(&mut spaces, instance, *module, args)?;
                    spaces.instances.push(Source::Real(made));
                }
                Item::Bundle(exports) => {
                    let mut bundle = HashMap::new();
                    for (name, sort, index) in exports {
                        bundle.insert(name.clone(), spaces.get(*sort, *index)?);
                    }
                    spaces.instances.push(Source::Bundle(bundle));
                }
                Item::Alias {
                    sort,
                    instance,
                    name,
                } => {
                    let export = self.export(&spaces, *instance, name)?;
                    spaces.sort(*sort).push(export);
                }
                Item::Outgoing(id) => {
                    let crossing = self.crossing(*id)?;
                    self.note_memory(&mut spaces, instance, &crossing)?;
                    let stub = self.stub(instance, crossing);
                    spaces.functions.push(stub.into());
                }
                Item::Incoming(id) => {
                    let crossing = self.crossing(*id)?;
                    self.note_memory(&mut spaces, instance, &crossing)?;
                    if let CrossingKind::ThreadStart(table) = crossing.kind {
                        let table = spaces.get(CoreSort::Table, table)?;
                        let table = table.into_table();
                        let table = table.ok_or_else(|| wiring("a table is not one"))?;
                        let instances = &mut self.store.data_mut().instances;
                        instances.add_table(instance, crossing.id, table);
                        continue;
                    }
                    let function = spaces.get(CoreSort::Func, crossing.core_function)?;
                    let function = function
                        .into_func()
                        .ok_or_else(|| wiring("a function is not one"))?;
                    let instances = &mut self.store.data_mut().instances;
                    instances.add_incoming(instance, crossing.id, function);
                }
                Item::Nested => {
                    let next = nested.next();
                    self.body(*next.ok_or_else(|| wiring("a nested instance is missing"))?)?;
                }
            }
        }
        Ok(())
    }

    fn crossing(&self, id: CrossingId) -> wasmtime::Result<Crossing> {
        self.component
            .crossing(id)
            .cloned()
            .ok_or_else(|| wiring("a crossing is missing"))
    }

    fn note_memory(
        &mut self,
        spaces: &mut Spaces,
        instance: Instance,
        crossing: &Crossing,
    ) -> wasmtime::Result<()> {
        let Some(memory) = crossing.memory else {
            return Ok(());
        };
        let memory = spaces
            .get(CoreSort::Memory, memory)?
            .into_memory()
            .ok_or_else(|| wiring("a memory is not one"))?;
        let instances = &mut self.store.data_mut().instances;
        instances.add_memory(instance, crossing.id, memory);
        Ok(())
    }

    fn export(&mut self, spaces: &Spaces, instance: u32, name: &str) -> wasmtime::Result<Extern> {
        let source = spaces
            .instances
            .get(instance as usize)
            .ok_or_else(|| wiring("a core instance is missing"))?;
        match source {
            Source::Real(instance) => instance.get_export(&mut *self.store, name),
            Source::Bundle(bundle) => bundle.get(name).cloned(),
        }
        .ok_or_else(|| wiring("an export is missing"))
    }

    fn core_instance(
        &mut self,
        spaces: &mut Spaces,
        component_instance: Instance,
        module: u32,
        args: &[(String, u32)],
    ) -> wasmtime::Result<wasmtime::Instance> {
        let id = spaces
            .modules
            .get(module as usize)
            .copied()
            .flatten()
            .ok_or_else(|| wiring("a core module is missing"))?;
        let module = self
            .modules
            .get(id.0 as usize)
            .ok_or_else(|| wiring("a core module was not compiled"))?;
        let mut imports = Vec::new();
        for import in module.imports() {
            let (from, name) = (import.module(), import.name());
            imports.push(match name {
                IMPORT_STORED if from == IMPORT_MODULE => self.stored_hook(id).into(),
                IMPORT_NOTED if from == IMPORT_MODULE => self.noted_hook().into(),
                IMPORT_ENTER if from == IMPORT_MODULE => self.enter_context(id).into(),
                name => self.import(spaces, args, from, name)?,
            });
        }
        let calls_out = self.starts_with_call_out(spaces, args, id)?;
        let instances = &mut self.store.data_mut().instances;
        instances.start(id, component_instance, calls_out);
        contexts::entering(&mut *self.store);
        let made = wasmtime::Instance::new_async(&mut *self.store, module, &imports);
        let handle = block_on(made).map_err(|error| drive::contained(&mut *self.store, error))?;
        let instances = &mut self.store.data_mut().instances;
        instances.add(id, component_instance, handle, imports);
        let made = InstanceId(instances.made().len() as u32 - 1);
        drive::instantiated(&mut *self.store, made)?;
        Ok(handle)
    }

    /// The number of the instance that is made next.
    fn next_instance(&self) -> InstanceId {
        InstanceId(self.store.data().instances().len() as u32)
    }

    /// What the instance that is made next asks for nodes of its functions.
    fn enter_context(&mut self, module: ModuleId) -> Func {
        let function = (self.next_instance(), module);
        let enter = move |mut caller: wasmtime::Caller<'_, State>, id: u32, bytes: u32| {
            contexts::enter(&mut caller, function, id, bytes)
        };
        Func::wrap(&mut *self.store, enter)
    }

    /// What is called when notes of allocators fill their buffer.
    fn noted_hook(&mut self) -> Func {
        let noted = |mut caller: wasmtime::Caller<'_, State>| contexts::take_notes(&mut caller);
        Func::wrap(&mut *self.store, noted)
    }

    /// What the instance that is made next calls after stores.
    fn stored_hook(&mut self, module: ModuleId) -> Func {
        let instance = self.next_instance();
        let hook = move |mut caller: wasmtime::Caller<'_, State>,
                         memory: u32,
                         pc: u32,
                         address: u64,
                         length: u64| {
            let stored = Stored {
                instance,
                module,
                memory,
                pc,
                address,
                length,
            };
            drive::stored(&mut caller, &stored)
        };
        Func::wrap(&mut *self.store, hook)
    }

    /// Whether the start function of a module is a call out that it is given.
    fn starts_with_call_out(
        &mut self,
        spaces: &Spaces,
        args: &[(String, u32)],
        id: ModuleId,
    ) -> wasmtime::Result<bool> {
        let component = &self.component;
        let start = self.imported_starts.entry(id);
        let start = start.or_insert_with(|| component.imported_start(id));
        let Some((module, name)) = start.clone() else {
            return Ok(false);
        };
        let Extern::Func(given) = self.import(spaces, args, &module, &name)? else {
            return Ok(false);
        };
        let given = given.to_raw(&mut *self.store) as usize;
        Ok(self.stubs.contains(&given))
    }

    fn import(
        &mut self,
        spaces: &Spaces,
        args: &[(String, u32)],
        module: &str,
        name: &str,
    ) -> wasmtime::Result<Extern> {
        match args.iter().find(|(arg, _)| arg == module) {
            Some((_, instance)) => self.export(spaces, *instance, name),
            None if module == IMPORT_MODULE && name == IMPORT_HOOK => Ok(self.hook.into()),
            None if module == IMPORT_MODULE && name == IMPORT_REMAINING => {
                Ok(self.clock.global().into())
            }
            None if module == IMPORT_MODULE => {
                let instance = self.next_instance();
                let of_tree = contexts::import(&mut *self.store, instance, name)?;
                let gauge = self.store.data().gauge;
                of_tree
                    .or_else(|| gauge?.import(name))
                    .ok_or_else(|| wiring("an import of the clock is missing"))
            }
            None => Err(wiring("an import is missing")),
        }
    }

    /// The function that stands where an outgoing crossing is defined.
    fn stub(&mut self, instance: Instance, crossing: Crossing) -> Func {
        let types = |types: &[CoreType]| types.iter().map(val_type).collect::<Vec<_>>();
        let ty = FuncType::new(
            self.store.engine(),
            types(&crossing.signature.params),
            types(&crossing.signature.results),
        );
        let component = self.component.clone();
        let stub = match self.store.data().trace.keeps_stacks() {
            false => Func::new(&mut *self.store, ty, move |mut caller, args, results| {
                let answerer = component.answerer(instance, &crossing);
                let caller = &mut caller.as_context_mut();
                let answered =
                    drive::answer(caller, instance, (&crossing, answerer), args, results);
                block_on(answered)
            }),
            true => {
                let crossing = Arc::new(crossing);
                Func::new_async(&mut *self.store, ty, move |mut caller, args, results| {
                    let (component, crossing) = (component.clone(), crossing.clone());
                    Box::new(async move {
                        let answerer = component.answerer(instance, &crossing);
                        let caller = &mut caller.as_context_mut();
                        let crossing = (&*crossing, answerer);
                        drive::answer(caller, instance, crossing, args, results).await
                    })
                })
            }
        };
        self.stubs.insert(stub.to_raw(&mut *self.store) as usize);
        stub
    }
}

fn wiring(what: &'static str) -> wasmtime::Error {
    wasmtime::Error::from(ReplayError::Wiring(what))
}

fn val_type(ty: &CoreType) -> ValType {
    match ty {
        CoreType::I32 => ValType::I32,
        CoreType::I64 => ValType::I64,
        CoreType::F32 => ValType::F32,
        CoreType::F64 => ValType::F64,
    }
}
