//! Engines for services, whose instances take the memory that others have left: to map it anew,
//! and to fault it in, takes longer than most requests.

use super::{Config, RunError, deterministic, engine, everything};
use crate::component::Component;
use crate::component::layout::Pointer;
use wasmtime::component::Component as Compiled;
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Linear memories of all instances at the same time. Each has four gigabytes of addresses, of
/// which a process has 128 terabytes.
const MEMORIES: u32 = 20_000;
/// Tables of all instances at the same time.
const TABLES: u32 = 40_000;
/// Elements that a table can have, 8 bytes of addresses each. Guests with more are served without
/// a pool.
const TABLE_ELEMENTS: usize = 1 << 17;
/// So much of a memory is kept, and set to zero where it was written, instead of being given back
/// to the system and faulted in again.
const KEPT_OF_MEMORY: usize = 1 << 20;
/// The same of a table.
const KEPT_OF_TABLE: usize = 64 << 10;
/// Instances that are not at a request: those that end, or wait for the next.
const BETWEEN_REQUESTS: u32 = 100;

/// An engine, and what is served, compiled for it.
pub(super) struct Ready<T> {
    pub(super) engine: Engine,
    pub(super) compiled: T,
}

/// Compiles with an engine that keeps memory for so many requests at the same time; where that
/// cannot be, or would bound the guest more than its own types do, with an ordinary one.
///
/// # Errors
///
/// As the ordinary engine and `compile` say.
pub(super) fn for_requests<T>(
    component: &Component,
    requests: usize,
    compile: impl Fn(&Engine) -> Result<T, RunError>,
    compiled_of: impl Fn(&T) -> &Compiled,
) -> Result<Ready<T>, RunError> {
    let instances = u32::try_from(requests).ok();
    let instances = instances.and_then(|requests| requests.checked_add(BETWEEN_REQUESTS));
    if let Some(instances) = instances.filter(|_| !has_large_memories(component)) {
        // A process that may not have so many addresses, a guest that needs more of them.
        if let Ok(engine) = pooling(instances)
            && let Ok(compiled) = compile(&engine)
            && fits(compiled_of(&compiled), instances)
        {
            return Ok(Ready { engine, compiled });
        }
        tracing::debug!("each instance gets memory of its own: a pool cannot hold {instances}");
    }
    let engine = engine()?;
    let compiled = compile(&engine)?;
    Ok(Ready { engine, compiled })
}

/// A memory of a pool ends at four gigabytes, one with addresses of 64 bits need not.
fn has_large_memories(component: &Component) -> bool {
    let mut crossings = component.crossings().iter();
    crossings.any(|crossing| crossing.pointer == Pointer::Wasm64)
}

/// Whether so many instances find room at the same time.
fn fits(compiled: &Compiled, instances: u32) -> bool {
    compiled.resources_required().is_some_and(|needed| {
        needed.num_memories.saturating_mul(instances) <= MEMORIES
            && needed.num_tables.saturating_mul(instances) <= TABLES
    })
}

fn pooling(instances: u32) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(u32::MAX)
        .total_stacks(instances)
        .total_gc_heaps(instances)
        .total_memories(MEMORIES)
        .total_tables(TABLES)
        .max_memories_per_module(MEMORIES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(16 << 20)
        .max_component_instance_size(64 << 20)
        .linear_memory_keep_resident(KEPT_OF_MEMORY)
        .table_keep_resident(KEPT_OF_TABLE)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    deterministic(&mut config);
    everything(&mut config);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
