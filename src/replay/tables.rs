//! The tables of a guest that stands still.

use super::code::Sort;
use super::frames::{self, ModuleCode, NeedsDebug};
use super::position::InstanceId;
use super::state::State;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use wasmtime::{AsContextMut, Extern, Ref, StoreContextMut, Table};

/// Elements that are told at once.
const MOST: u32 = 1 << 16;

/// An element of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Element {
    /// A null reference.
    Null,
    /// A function, as the instance that made the reference numbers it: of its own,
    /// or one that it imports.
    Function {
        /// The core instance that has the function.
        instance: InstanceId,
        /// Its index in the original module of that instance.
        function: u32,
    },
    /// A reference to something else.
    Other,
}

/// The sizes of an instance's tables, as the original module numbers them.
///
/// # Errors
///
/// If the instance keeps one to itself, in optimised code.
pub fn sizes(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
) -> Result<Vec<u64>, NeedsDebug> {
    let count = frames::count(store, modules, instance, Sort::Table);
    (0..count)
        .map(|index| Ok(table(store, modules, instance, index)?.size(&*store)))
        .collect()
}

fn table(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    index: u32,
) -> Result<Table, NeedsDebug> {
    match frames::item(store, modules, instance, Sort::Table, index)? {
        Extern::Table(table) => Ok(table),
        _ => Err(NeedsDebug),
    }
}

/// Elements of a table; as many as there are.
///
/// # Errors
///
/// In optimised code, which does not tell functions apart.
pub fn elements(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    index: u32,
    from: u64,
    count: u32,
) -> Result<Vec<Element>, NeedsDebug> {
    if !frames::has_hooks(store) {
        return Err(NeedsDebug);
    }
    if index >= frames::count(store, modules, instance, Sort::Table) {
        return Ok(Vec::new());
    }
    let table = table(store, modules, instance, index)?;
    let functions = functions(store, modules);
    let end = from.saturating_add(count.min(MOST).into());
    let mut elements = Vec::new();
    for at in from..end.min(table.size(&*store)) {
        let Some(element) = table.get(store.as_context_mut(), at) else {
            break;
        };
        elements.push(match element {
            Ref::Func(Some(function)) => {
                let address = function.to_raw(store.as_context_mut()).addr();
                let known = functions.get(&address).copied();
                known.map_or(Element::Other, |(instance, function)| Element::Function {
                    instance,
                    function,
                })
            }
            other if other.is_null() => Element::Null,
            _ => Element::Other,
        });
    }
    Ok(elements)
}

/// The functions that references may be to, by the address that stands for them.
fn functions(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
) -> HashMap<usize, (InstanceId, u32)> {
    let instances = store.data().instances().to_vec();
    let mut functions = HashMap::new();
    for instance in instances {
        let Some(module) = modules.get(instance.module.0 as usize) else {
            continue;
        };
        for index in 0..module.code.function_count() {
            let compiled = module.code.compiled_function(index);
            let function = instance
                .handle
                .debug_function(store.as_context_mut(), compiled);
            if let Some(function) = function {
                let address = function.to_raw(store.as_context_mut()).addr();
                functions.entry(address).or_insert((instance.id, index));
            }
        }
    }
    functions
}
