//! What can be said of a moment only by who saw all that came before it: the handle
//! tables, what was printed.
//!
//! One replay of the recording, in a thread of its own, collects both as it goes. Who
//! asks about a moment waits until it has come past that, and no longer: near the
//! start that is at once, and each moment is replayed once for a whole session.

use super::output::Output;
use crate::component::types::CoreValue;
use crate::inspect::handles::history::{Building, HandleHistory, Watching, lock};
use crate::inspect::handles::problem::Mismatch;
use crate::inspect::handles::table::HandleTable;
use crate::replay::output::Printed;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, State};
use crate::trace::{Instance, Outcome, Trace};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::StoreContextMut;

/// What has happened in a recording, as far as a replay in the background has come.
pub struct Chronicle {
    shared: Arc<Shared>,
}

/// There is no chronicle of this recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what happened before cannot be told, as replaying it failed: {0}")]
pub struct ChronicleError(String);

struct Shared {
    handles: Arc<Mutex<Building>>,
    output: Mutex<Output>,
    ended: Mutex<Option<Result<(), ChronicleError>>>,
    is_abandoned: AtomicBool,
}

/// How often somebody who waits looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chronicle {
    /// Begins to replay a recording in the background.
    pub fn start(trace: Arc<Trace>, cache: CacheDir) -> Chronicle {
        let shared = Arc::new(Shared {
            handles: Arc::new(Mutex::new(Building::new(trace.component().clone()))),
            output: Mutex::default(),
            ended: Mutex::default(),
            is_abandoned: AtomicBool::new(false),
        });
        let writing = shared.clone();
        let replay = move || {
            let result = run(&writing, trace, &cache).map_err(ChronicleError);
            *locked(&writing.ended) = Some(result);
        };
        let thread = thread::Builder::new().name("chronicle".into());
        if let Err(error) = thread.spawn(replay) {
            *locked(&shared.ended) = Some(Err(ChronicleError(error.to_string())));
        }
        Chronicle { shared }
    }

    /// The handle tables of all instances as they are at a call out: see
    /// [`HandleHistory::at`]. `None` if the replay has not come that far within
    /// `patience`; without that, this waits until it has.
    ///
    /// # Errors
    ///
    /// If the replay failed before it came there.
    pub fn handles_at(
        &self,
        event: u64,
        in_call: bool,
        patience: Option<Duration>,
    ) -> Result<Option<Vec<(Instance, HandleTable)>>, ChronicleError> {
        if !self.shared.wait_until(Some(event), patience)? {
            return Ok(None);
        }
        Ok(Some(lock(&self.shared.handles).history.at(event, in_call)))
    }

    /// Where the tables went wrong, if that is before this call out: see
    /// [`HandleHistory::mismatch`].
    pub fn mismatch(&self, event: u64, outcome: &Outcome) -> Option<Mismatch> {
        let found = lock(&self.shared.handles).history.mismatch(outcome)?;
        (found.0.moment.event < event).then_some(found)
    }

    /// What is known of all handles at the end of the recording.
    ///
    /// # Errors
    ///
    /// If the replay failed.
    pub fn whole<T>(&self, tell: impl FnOnce(&HandleHistory) -> T) -> Result<T, ChronicleError> {
        self.shared.wait_until(None, None)?;
        Ok(tell(&lock(&self.shared.handles).history))
    }

    /// The same, if the replay has come to the end already.
    ///
    /// # Errors
    ///
    /// If the replay failed.
    pub fn ended<T>(
        &self,
        tell: impl FnOnce(&HandleHistory) -> T,
    ) -> Result<Option<T>, ChronicleError> {
        if !self.shared.wait_until(None, Some(Duration::ZERO))? {
            return Ok(None);
        }
        Ok(Some(tell(&lock(&self.shared.handles).history)))
    }

    /// What the guest has printed where so many calls out have been made: the pieces of
    /// [`Output::until`] are all there. `None` if the replay has not come that far within
    /// `patience`; without that, this waits until it has.
    ///
    /// # Errors
    ///
    /// If the replay failed before it came there.
    pub fn output<T>(
        &self,
        events: u64,
        patience: Option<Duration>,
        tell: impl FnOnce(&Output) -> T,
    ) -> Result<Option<T>, ChronicleError> {
        if !self.shared.wait_until(Some(events), patience)? {
            return Ok(None);
        }
        Ok(Some(tell(&locked(&self.shared.output))))
    }

    /// Returns when the replay has come past the call out with this number, has ended, or
    /// nobody wants to know any more: to be called on a thread of its own.
    pub fn coming_to(&self, event: u64) -> impl FnOnce() + Send + use<> {
        let shared = self.shared.clone();
        move || {
            // Why it failed is told to who asks what was printed.
            _ = shared.wait_until(Some(event), None);
        }
    }
}

impl Shared {
    /// Waits until the call out with this number has been made, or the end was reached;
    /// `false` if that took longer than the patience.
    fn wait_until(
        &self,
        event: Option<u64>,
        patience: Option<Duration>,
    ) -> Result<bool, ChronicleError> {
        let begun = Instant::now();
        loop {
            let come_to = lock(&self.handles).history.events();
            if event.is_some_and(|event| come_to > event) {
                return Ok(true);
            }
            if let Some(ended) = &*locked(&self.ended) {
                return ended.clone().map(|()| true);
            }
            if patience.is_some_and(|patience| begun.elapsed() > patience) {
                return Ok(false);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
    }
}

fn run(shared: &Arc<Shared>, trace: Arc<Trace>, cache: &CacheDir) -> Result<(), String> {
    let compiled = Compiled::prepare(&trace, cache, Variant::Fast, &|_, _| {});
    let compiled = compiled.map_err(|error| error.to_string())?;
    let observer = Box::new(Collecting {
        handles: Watching(shared.handles.clone()),
        shared: shared.clone(),
    });
    let replay = Replay::new(trace, &compiled, observer);
    let ended = replay.and_then(|mut replay| replay.run());
    ended.map(|_| ()).map_err(|error| error.to_string())
}

/// The observer that collects.
struct Collecting {
    handles: Watching,
    shared: Arc<Shared>,
}

impl Observer for Collecting {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        if self.shared.is_abandoned.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::msg("nobody wants to know any more"));
        }
        self.handles.calling(store, call)
    }

    fn returning(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.handles.returning(store, call, results)
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        self.handles.entering(store, entry)
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        self.handles.leaving(store, entry, results)
    }

    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        locked(&self.shared.output).push(printed, bytes);
    }
}
