//! The host's end of probes: what they note, and what is told of it.

use super::instances::CoreInstance;
use super::position::InstanceId;
use super::state::State;
use crate::component::ModuleId;
use crate::instrument::probe::{EXPORT_MEMORY, EXPORT_PROBE};
use wasmtime::{AsContextMut, Memory};

/// Something has been written to guest memory, or the same as was there.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    /// The instance that the instruction is of.
    pub instance: InstanceId,
    /// That instance's module.
    pub module: ModuleId,
    /// The memory, as that module numbers it.
    pub memory: u32,
    /// The instruction, as an offset in the module.
    pub pc: u32,
    /// The first byte.
    pub address: u64,
    /// How many bytes.
    pub length: u64,
}

/// The far side has written to guest memory.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// The memory.
    pub memory: Memory,
    /// The first byte.
    pub address: u64,
    /// How many bytes.
    pub length: u64,
}

/// The probe memory of an instance, in a variant that has probes.
pub fn probe_memory(
    mut store: impl AsContextMut<Data = State>,
    instance: CoreInstance,
) -> Option<Memory> {
    let export = instance.handle.get_export(&mut store, EXPORT_PROBE)?;
    export.into_memory()
}

/// A memory of an instance, also one that it keeps to itself, in a variant that has probes.
pub fn memory(
    mut store: impl AsContextMut<Data = State>,
    instance: CoreInstance,
    index: u32,
) -> Option<Memory> {
    let name = format!("{EXPORT_MEMORY}{index}");
    instance.handle.get_export(&mut store, &name)?.into_memory()
}
