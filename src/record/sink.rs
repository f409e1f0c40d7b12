//! The host's end of the recorder: `rr:recorder/sink`.

use super::Recorder;
use super::tail::{RecorderMemory, Terms};
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
            let terms = terms(&store, &recorder);
            let records = list.as_le_slice(&store);
            let memory = terms.and_then(|terms| memory_of(records, terms));
            // SAFETY: the records lie in a linear memory of this store, which it has on these
            // terms (`terms`); the base is within it, if it is aligned to a page, which
            // `Tail::follow` checks.
            unsafe { recorder.shared().commit(instance, memory, records) }?;
            Ok(())
        },
    )?;
    sink.func_wrap(
        "register",
        move |mut store: StoreContextMut<'_, T>, (list,): (WasmList<u8>,)| {
            let recorder = recorder(store.data_mut());
            let terms = terms(&store, &recorder);
            let memory = list.as_le_slice(&store);
            let (base, length) = (memory.as_ptr().cast_mut(), memory.len());
            let memory = terms.map(|terms| RecorderMemory {
                base,
                length,
                terms,
            });
            // SAFETY: the list is memory of a linear memory of this store, which it has on these
            // terms (`terms`); recorders register theirs before they use it, and other
            // components corrupt but their own.
            let instance = unsafe { recorder.shared().register(memory) }?;
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
    )?;
    sink.func_wrap(
        "overdrawn",
        |_: StoreContextMut<'_, T>, (written, permitted): (u64, u64)| -> wasmtime::Result<()> {
            Err(wasmtime::Error::msg(format!(
                "a write of {written} bytes to an output stream where `check-write` had permitted \
                 {permitted}"
            )))
        },
    )
}

/// On which terms a recorder may have a part in linear memories of its store. They are mapped
/// for one instance and unmapped with it, or a pooling allocator gives their memory to other
/// instances, when the store is gone: that one is lent to recorders that part from it before.
fn terms<T>(store: &StoreContextMut<'_, T>, recorder: &Recorder) -> Option<Terms> {
    match store.engine().pooling_allocator_metrics() {
        None => Some(Terms::Shared),
        Some(_) => recorder.parts_from_guests().then_some(Terms::Lent),
    }
}

/// The memory whose records these are, as far as is known of it.
fn memory_of(records: &[u8], terms: Terms) -> Option<RecorderMemory> {
    let base = (records.as_ptr() as usize).checked_sub(RECORDS_START as usize)?;
    Some(RecorderMemory {
        base: base as *mut u8,
        length: records.len() + RECORDS_START as usize,
        terms,
    })
}
