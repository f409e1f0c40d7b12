//! Wasmtime's debug events, handed to the observer.

use super::error::EndOfTrace;
use super::state::{DebugMoment, State};
use super::thrown;
use wasmtime::{DebugEvent, DebugHandler, StoreContextMut, Trap};

/// Wasmtime clones a handler at every event; all state is in the store.
#[derive(Clone)]
pub(super) struct Handler;

impl DebugHandler for Handler {
    type Data = State;

    async fn handle(&self, mut store: StoreContextMut<'_, State>, event: DebugEvent<'_>) {
        let moment = match event {
            DebugEvent::Breakpoint => DebugMoment::Breakpoint,
            DebugEvent::Trap(trap) => {
                store.data_mut().ending.overflowed |= trap == Trap::StackOverflow;
                DebugMoment::Trap(trap.to_string())
            }
            // The end of the trace was told to the observer by the stub.
            DebugEvent::HostcallError(error) if error.is::<EndOfTrace>() => return,
            DebugEvent::HostcallError(error) => DebugMoment::Trap(format!("{error:#}")),
            // What is caught is not a moment of its own. What is not is one where nothing else
            // comes: if events are left, that they do not come is what has gone wrong.
            DebugEvent::Exception(exception) => {
                let ends = store.data_mut().is_at_end_of_trace();
                if !ends || thrown::is_caught(&mut store, &exception) {
                    return;
                }
                DebugMoment::Trap(Trap::UncaughtException.to_string())
            }
            DebugEvent::EpochYield => return,
        };
        let Some(mut observer) = store.data_mut().observer.take() else {
            return;
        };
        observer.debug_event(&mut store, moment);
        store.data_mut().observer = Some(observer);
    }
}
