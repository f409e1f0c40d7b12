//! The core instances of a replay, with what of them crossings need.

use super::{InstanceId, ModuleId};
use crate::component::CrossingId;
use crate::trace::Instance;
use std::collections::HashMap;
use wasmtime::{Extern, Func, Memory, Table};

/// A core instance of the replay.
#[derive(Debug, Clone, Copy)]
pub struct CoreInstance {
    /// Its number among all core instances.
    pub id: InstanceId,
    /// The module that it is an instance of.
    pub module: ModuleId,
    /// The component instance it belongs to.
    pub component_instance: Instance,
    pub(super) handle: wasmtime::Instance,
}

/// A core instance that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Starting {
    id: InstanceId,
    module: ModuleId,
    component_instance: Instance,
    /// Its start function is a call out that it imports: no code at all runs.
    starts_with_call_out: bool,
}

/// What has been instantiated.
#[derive(Debug, Default)]
pub(super) struct Instances {
    made: Vec<CoreInstance>,
    /// What each of them was given, in the order of its imports.
    imports: Vec<Vec<Extern>>,
    /// The instance whose start function runs: Wasmtime has not given it out yet.
    starting: Option<Starting>,
    /// The functions behind crossings into the guest.
    incoming: HashMap<(Instance, CrossingId), Func>,
    /// The tables whose functions threads run.
    tables: HashMap<(Instance, CrossingId), Table>,
    /// The memories that crossings read and write.
    memories: HashMap<(Instance, CrossingId), Memory>,
}

impl Instances {
    /// Those made so far, by [`InstanceId`].
    pub(super) fn made(&self) -> &[CoreInstance] {
        &self.made
    }

    /// Whether a start function runs.
    pub(super) fn is_starting(&self) -> bool {
        self.starting.is_some()
    }

    /// Whether what runs as a start function is a call out itself.
    pub(super) fn starts_with_call_out(&self) -> bool {
        self.starting
            .is_some_and(|starting| starting.starts_with_call_out)
    }

    /// An instance of this module is about to be made.
    pub(super) fn start(
        &mut self,
        module: ModuleId,
        component_instance: Instance,
        starts_with_call_out: bool,
    ) {
        self.starting = Some(Starting {
            id: InstanceId(self.made.len() as u32),
            module,
            component_instance,
            starts_with_call_out,
        });
    }

    /// The instances of a module and the component instances they belong to: first the
    /// one whose start function runs, if it is one.
    pub(super) fn of_module(
        &self,
        module: ModuleId,
    ) -> impl Iterator<Item = (InstanceId, Instance)> {
        let starting = self.starting.iter();
        let starting = starting.map(|one| (one.module, one.id, one.component_instance));
        let made = self.made.iter();
        let made = made.map(|one| (one.module, one.id, one.component_instance));
        let all = starting.chain(made);
        all.filter(move |(of, ..)| *of == module)
            .map(|(_, id, component_instance)| (id, component_instance))
    }

    /// It has been made, with these imports.
    pub(super) fn add(
        &mut self,
        module: ModuleId,
        component_instance: Instance,
        handle: wasmtime::Instance,
        imports: Vec<Extern>,
    ) {
        self.starting = None;
        self.made.push(CoreInstance {
            id: InstanceId(self.made.len() as u32),
            module,
            component_instance,
            handle,
        });
        self.imports.push(imports);
    }

    /// What an instance was given, in the order of its imports.
    pub(super) fn imports_of(&self, instance: InstanceId) -> Option<&[Extern]> {
        self.imports.get(instance.0 as usize).map(Vec::as_slice)
    }

    /// The number and the module of a Wasmtime instance, also while its start function
    /// runs.
    pub(super) fn identity_of(&self, handle: wasmtime::Instance) -> Option<(InstanceId, ModuleId)> {
        match self.made.iter().find(|made| made.handle == handle) {
            Some(made) => Some((made.id, made.module)),
            None => self.starting.map(|starting| (starting.id, starting.module)),
        }
    }

    /// The function behind a crossing into the guest.
    pub(super) fn incoming(&self, instance: Instance, crossing: CrossingId) -> Option<Func> {
        self.incoming.get(&(instance, crossing)).copied()
    }

    pub(super) fn add_incoming(
        &mut self,
        instance: Instance,
        crossing: CrossingId,
        function: Func,
    ) {
        self.incoming.insert((instance, crossing), function);
    }

    /// The table whose functions threads run that begin with a crossing.
    pub(super) fn table_of(&self, instance: Instance, crossing: CrossingId) -> Option<Table> {
        self.tables.get(&(instance, crossing)).copied()
    }

    pub(super) fn add_table(&mut self, instance: Instance, crossing: CrossingId, table: Table) {
        self.tables.insert((instance, crossing), table);
    }

    /// The memory that a crossing reads and writes.
    pub(super) fn memory_of(&self, instance: Instance, crossing: CrossingId) -> Option<Memory> {
        self.memories.get(&(instance, crossing)).copied()
    }

    pub(super) fn add_memory(&mut self, instance: Instance, crossing: CrossingId, memory: Memory) {
        self.memories.insert((instance, crossing), memory);
    }
}
