//! The host's end of the recorder: `rr:recorder/sink`.

use super::Recorder;
use crate::instrument::record::{RECORDS_START, SINK, SeedFor};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList};

/// Gives a linker the import that instrumented components have, for a linker that
/// many stores share: `recorder` finds a store's recorder in its data.
///
/// # Errors
///
/// If the linker has the import already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    recorder: impl Fn(&mut T) -> Recorder + Clone + Send + Sync + 'static,
) -> wasmtime::Result<()> {
    let (of, seeded) = (recorder.clone(), recorder.clone());
    let mut sink = linker.instance(SINK)?;
    sink.func_wrap(
        "commit",
        move |mut store: StoreContextMut<'_, T>, (instance, list): (u32, WasmList<u8>)| {
            let recorder = of(store.data_mut());
            let shared = shares_memory(&store);
            let records = list.as_le_slice(&store);
            let base = shared.then(|| base_of(records)).flatten();
            // SAFETY: the records lie in a linear memory of this store, which is
            // the store's alone (`shares_memory`); the base is within it, if it is
            // aligned to a page, which `Tail::follow` checks.
            unsafe { recorder.shared().commit(instance, base, records) }?;
            Ok(())
        },
    )?;
    sink.func_wrap(
        "register",
        move |mut store: StoreContextMut<'_, T>, (list,): (WasmList<u8>,)| {
            let recorder = recorder(store.data_mut());
            let shared = shares_memory(&store);
            let memory = list.as_le_slice(&store);
            let buffer = (memory.as_ptr().cast_mut(), memory.len());
            // SAFETY: the list is memory of a linear memory of this store, which
            // is the store's alone (`shares_memory`); recorders register theirs
            // before they use it, and other components corrupt but their own.
            let instance = unsafe { recorder.shared().register(shared.then_some(buffer)) }?;
            Ok((instance,))
        },
    )?;
    sink.func_wrap(
        "seed",
        move |mut store: StoreContextMut<'_, T>, (what,): (u32,)| {
            let dials = seeded(store.data_mut()).shared().dials;
            let seed = match what == SeedFor::Handles as u32 {
                true => dials.handles,
                false => dials.chaos,
            };
            Ok((seed.unwrap_or_default(),))
        },
    )
}

/// Whether linear memories are mapped for one instance and unmapped with it. A
/// pooling allocator gives their memory to other instances.
fn shares_memory<T>(store: &StoreContextMut<'_, T>) -> bool {
    store.engine().pooling_allocator_metrics().is_none()
}

/// The beginning of the memory whose records these are.
fn base_of(records: &[u8]) -> Option<*mut u8> {
    let base = (records.as_ptr() as usize).checked_sub(RECORDS_START as usize)?;
    Some(base as *mut u8)
}
