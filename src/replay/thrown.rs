//! Whether an exception that is being thrown will be caught: the debug event that tells of
//! it comes before anybody has looked.

use super::code::{Caught, Code};
use super::frames;
use super::state::State;
use crate::component::ModuleId;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::{AsContextMut, ExnRef, FrameHandle, OwnedRooted, RootScope, StoreContextMut, Tag};

/// The code of compiled modules, of those that exceptions have passed.
#[derive(Debug, Default)]
pub(super) struct CompiledCode(HashMap<ModuleId, Arc<Code>>);

/// Whether a frame of the innermost activation catches an exception: others are of
/// components that do not see it. What cannot be told is not said to end the run.
pub(super) fn is_caught(
    store: &mut StoreContextMut<'_, State>,
    exception: &OwnedRooted<ExnRef>,
) -> bool {
    let Some(thrown) = tag_of(store, exception) else {
        return true;
    };
    frames::innermost_activation(store)
        .into_iter()
        .any(|frame| catches(store, &frame, &thrown).unwrap_or(true))
}

fn tag_of(store: &mut StoreContextMut<'_, State>, exception: &OwnedRooted<ExnRef>) -> Option<Tag> {
    let mut scope = RootScope::new(store.as_context_mut());
    exception.to_rooted(&mut scope).tag(&mut scope).ok()
}

/// Whether a frame catches what is thrown with this tag; `None` if that cannot be told.
fn catches(
    store: &mut StoreContextMut<'_, State>,
    frame: &FrameHandle,
    thrown: &Tag,
) -> Option<bool> {
    let instance = frame.instance(store.as_context_mut()).ok()?;
    let (_, pc) = frame
        .wasm_function_index_and_pc(store.as_context_mut())
        .ok()??;
    let code = code(store, frame)?;
    let mut caught = code.caught_at(pc.raw()).into_iter();
    Some(caught.any(|caught| {
        match caught {
            Caught::All => true,
            Caught::Tag(index) => instance
                .debug_tag(store.as_context_mut(), index)
                .is_some_and(|tag| Tag::eq(&tag, thrown, &*store)),
        }
    }))
}

/// The code that a frame runs, as it was compiled.
fn code(store: &mut StoreContextMut<'_, State>, frame: &FrameHandle) -> Option<Arc<Code>> {
    let instance = frame.instance(store.as_context_mut()).ok()?;
    let (_, id) = store.data().identity_of(instance)?;
    if let Some(known) = store.data().compiled_code.0.get(&id) {
        return Some(known.clone());
    }
    let module = frame.module(store.as_context_mut()).ok()??;
    let code = Arc::new(Code::read(Arc::from(module.debug_bytecode()?)).ok()?);
    store.data_mut().compiled_code.0.insert(id, code.clone());
    Some(code)
}
