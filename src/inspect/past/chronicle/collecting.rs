//! The replay of which a chronicle is made: its observer collects, and waits where a recording is
//! still being written.

use super::Shared;
use crate::component::types::CoreValue;
use crate::inspect::past::wanted::unwanted;
use crate::replay::output::Printed;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, State};
use crate::trace::Trace;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::StoreContextMut;

/// Replays a recording, for as long as anybody wants to know.
pub(super) fn run(shared: &Arc<Shared>, trace: Arc<Trace>, cache: &CacheDir) -> Result<(), String> {
    let compiled = Compiled::prepare(&trace, cache, Variant::Fast, &|_, _| {});
    let compiled = compiled.map_err(|error| error.to_string())?;
    let observer = Box::new(Collecting(shared.clone()));
    let replay = Replay::new(trace, &compiled, observer);
    let ended = replay.and_then(|mut replay| replay.run());
    match shared.check_room(&shared.told.lock()) {
        Ok(()) => ended.map(|_| ()).map_err(|error| error.to_string()),
        // Rather than where the guest was.
        Err(too_much) => Err(too_much.to_string()),
    }
}

/// The observer that collects.
struct Collecting(Arc<Shared>);

impl Collecting {
    /// At the end of a recording that is still being written: all that there is is known, and
    /// this waits for more.
    fn wait_for_more(&self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        while store.data().trace().is_growing() && store.data_mut().is_at_end_of_trace() {
            let mut told = self.0.told.lock();
            if told.longer.is_none() {
                told.ended = Some(Ok(()));
                told.awaited = None;
                self.0.has_come.notify_all();
            }
            let longer = loop {
                if self.0.is_abandoned.load(Ordering::Relaxed) {
                    return Err(unwanted());
                }
                if let Some(longer) = told.longer.take() {
                    break longer;
                }
                self.0.has_come.wait(&mut told);
            };
            told.ended = None;
            drop(told);
            State::extend(&mut *store, longer)?;
        }
        Ok(())
    }
}

impl Observer for Collecting {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        if self.0.is_abandoned.load(Ordering::Relaxed) {
            return Err(unwanted());
        }
        let mut told = self.0.told.lock();
        told.tell(|observer| observer.calling(store, call))?;
        told.answers.calling(store, call);
        if told
            .awaited
            .is_some_and(|first| told.has_come_to(first).is_ok())
        {
            // Those who wait for more say so again.
            told.awaited = None;
            self.0.has_come.notify_all();
        }
        Ok(self.0.check_room(&told)?)
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let mut told = self.0.told.lock();
        told.tell(|observer| observer.returning(store, call, results))
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        let mut told = self.0.told.lock();
        told.tell(|observer| observer.entering(store, entry))
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let mut told = self.0.told.lock();
        told.tell(|observer| observer.leaving(store, entry, results))
    }

    fn unanswered(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        self.wait_for_more(store)
    }

    fn cut_off(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.wait_for_more(store)
    }

    fn awaiting(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.wait_for_more(store)
    }

    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        self.0.told.lock().output.push(printed, bytes);
    }
}
