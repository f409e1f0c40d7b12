//! A replay that goes on as long as somebody wants to know.

use crate::component::types::CoreValue;
use crate::inspect::handles::problem::Overfull;
use crate::inspect::tasks;
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, ReplayError, State};
use crate::trace::Trace;
use parking_lot::Mutex;
use std::sync::Arc;
use wasmtime::StoreContextMut;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnewError {
    /// `go_on` answered `false`.
    #[error("interrupted")]
    Interrupted,
    /// The tables are too large to be kept.
    #[error(transparent)]
    Overfull(#[from] Overfull),
    /// There are too many tasks to be kept.
    #[error(transparent)]
    Untold(#[from] tasks::Untold),
    /// The recording has no such call out.
    #[error("there is no hostcall {event}; {}", last(*.events))]
    NoSuch {
        /// What was asked for.
        event: u64,
        /// How many there are.
        events: u64,
    },
    /// Replay failed before it came there.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

fn last(events: u64) -> String {
    match events.checked_sub(1) {
        Some(last) => format!("the last of this recording is {last}"),
        None => "this recording has none".to_owned(),
    }
}

/// The error by which an observer ends a replay whose answer nobody waits for any more.
pub(in crate::inspect) fn unwanted() -> wasmtime::Error {
    wasmtime::Error::msg("nobody wants to know any more")
}

/// Replays a recording with an observer, until the end or until `go_on` answers `false`.
pub(in crate::inspect) fn replay_while(
    trace: Arc<Trace>,
    compiled: &Compiled,
    observer: impl Observer,
    go_on: impl Fn() -> bool + Send + 'static,
) -> Result<(), AnewError> {
    let was_ended = Arc::new(Mutex::new(false));
    let observer = Box::new(Wanted {
        observer,
        go_on,
        calls: 0,
        was_ended: was_ended.clone(),
    });
    let ended = Replay::new(trace, compiled, observer).and_then(|mut replay| replay.run());
    match *was_ended.lock() {
        true => Err(AnewError::Interrupted),
        false => Ok(ended.map(drop)?),
    }
}

/// Watches as long as it may.
struct Wanted<O, G> {
    observer: O,
    go_on: G,
    calls: u32,
    was_ended: Arc<Mutex<bool>>,
}

/// Calls out between two times that it is asked whether to go on.
const ASKED_EVERY: u32 = 1024;

impl<O: Observer, G: Fn() -> bool + Send + 'static> Observer for Wanted<O, G> {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(ASKED_EVERY) && !(self.go_on)() {
            *self.was_ended.lock() = true;
            return Err(unwanted());
        }
        self.observer.calling(store, call)
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.observer.returning(store, call, results)
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.observer.entering(store, entry)
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.observer.leaving(store, entry, results)
    }
}
