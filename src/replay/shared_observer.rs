//! An observer that its maker looks at, too: the replay keeps observers to itself.

use super::calls::{Calling, Entering};
use super::output::Printed;
use super::position::InstanceId;
use super::probes::{Received, Stored};
use super::state::{DebugMoment, Observer, State};
use crate::component::types::CoreValue;
use parking_lot::Mutex;
use std::sync::Arc;
use wasmtime::StoreContextMut;

impl<O: Observer> Observer for Arc<Mutex<O>> {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.lock().calling(store, call)
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.lock().returning(store, call, results)
    }

    fn unanswered(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        self.lock().unanswered(store, call)
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.lock().entering(store, entry)
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.lock().leaving(store, entry, results)
    }

    fn cut_off(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.lock().cut_off(store)
    }

    fn awaiting(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.lock().awaiting(store)
    }

    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.lock().tick(store)
    }

    fn resumed(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.lock().resumed(store)
    }

    fn instantiated(&mut self, store: &mut StoreContextMut<'_, State>, instance: InstanceId) {
        self.lock().instantiated(store, instance);
    }

    fn stored(&mut self, store: &mut StoreContextMut<'_, State>, stored: &Stored) {
        self.lock().stored(store, stored);
    }

    fn received(&mut self, store: &mut StoreContextMut<'_, State>, received: &Received) {
        self.lock().received(store, received);
    }

    fn debug_event(&mut self, store: &mut StoreContextMut<'_, State>, event: DebugMoment) {
        self.lock().debug_event(store, event);
    }

    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        self.lock().printed(printed, bytes);
    }
}
