//! A recording of which there is more than when it was loaded.

use super::here::Kind;
use crate::replay::{Calling, Phase, State};
use crate::timeline::processes::wire::ask::Grow;
use crate::timeline::processes::wire::found::Reached;
use crate::trace::Extent;
use std::path::Path;
use std::sync::Arc;
use wasmtime::{AsContextMut, StoreContextMut};

/// How far a recording goes that is still being written.
pub(super) fn extent_in(file: &Path) -> anyhow::Result<Extent> {
    Ok(postcard::from_bytes(&std::fs::read(file)?)?)
}

/// Takes in that there is more of the recording. At what was the end, the guest can go on: so it
/// stands before what it will do next.
pub(super) fn grow(
    store: &mut StoreContextMut<'_, State>,
    kind: Kind,
    at: &mut Reached,
    grow: &Grow,
) -> anyhow::Result<()> {
    let trace = store.data().trace().extended(extent_in(&grow.extent)?)?;
    State::extend(store.as_context_mut(), Arc::new(trace))?;
    if kind == Kind::End && !store.data_mut().is_at_end_of_trace() {
        let state = store.data();
        let is_recorded = |call: &Calling| call.event < state.events();
        at.is_end = false;
        at.position.phase = match state.calling().is_some_and(is_recorded) {
            // It waits for its answer.
            true => Phase::Calling,
            false => Phase::Before,
        };
    }
    Ok(())
}
