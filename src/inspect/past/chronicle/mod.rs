//! What can be said of a moment only by who saw all that came before it: the handle
//! tables, what was printed, what a service said of its answers.
//!
//! One replay of the recording, in a thread of its own, collects these as it goes: each
//! moment is replayed once for a whole session. Whoever asks is answered at once, if only with
//! [`ChronicleError::NotYet`]. Whoever can wait does so until the replay has come past the
//! moment, and no longer: near the start that is at once.

mod recalling;

use super::output::{Output, TooMuchPrinted, room};
use super::requests::{Listening, Said};
use super::wanted::unwanted;

use crate::component::types::CoreValue;
use crate::inspect::handles::building::Building;
use crate::inspect::handles::history::{HandleHistory, TableList, Untold};
use crate::inspect::handles::problem::{Mismatch, Overfull};
use crate::inspect::rules;
use crate::inspect::tasks::{self, TaskHistory, Tasks};
use crate::replay::output::Printed;
use crate::replay::variant::{CacheDir, Variant};
use crate::replay::{Calling, Compiled, Entering, Observer, Replay, State};
use crate::timeline::Interrupt;
use crate::trace::Trace;
use parking_lot::{Condvar, Mutex, MutexGuard};
use recalling::{Recallable, Recalled, Recollection};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::StoreContextMut;

/// What has happened in a recording, as far as a replay in the background has come.
pub struct Chronicle {
    shared: Arc<Shared>,
}

/// Why a chronicle does not tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChronicleError {
    /// The replay is on its way: see [`Chronicle::wait`] and [`Chronicle::coming_to`].
    #[error("this is not known yet: a replay in the background has still to come there")]
    NotYet,
    /// Somebody who waited does not want to any more.
    #[error("interrupted")]
    Interrupted,
    /// What is asked comes after all that the replay could tell.
    #[error("{}, as replaying it failed: {message}", beyond(*.events))]
    Failed {
        /// The calls out that were made before it failed: what happened up to the last of
        /// them is known.
        events: u64,
        /// Why, in words.
        message: String,
    },
    /// The tables of an instance are not those of the runtime any more.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The tables are too large to be kept.
    #[error(transparent)]
    Overfull(#[from] Overfull),
    /// There are too many tasks to be kept.
    #[error(transparent)]
    Tasks(#[from] tasks::Untold),
    /// A replay of its own for what was not kept did not come there: why, in words.
    #[error("the handle tables and tasks of this moment cannot be told: {0}")]
    NotRecalled(String),
}

fn beyond(events: u64) -> String {
    match events.checked_sub(1) {
        Some(last) => format!("what happened after event {last} cannot be told"),
        None => "what happened before cannot be told".to_owned(),
    }
}

/// How far the replay has to come for something to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// To the call out with this number, or to the end if there are not so many.
    Call(u64),
    /// To the end.
    End,
}

struct Shared {
    told: Mutex<Told>,
    /// Signalled when the replay has come to what somebody waits for.
    has_come: Condvar,
    cache: CacheDir,
    /// What the pieces printed may take, in bytes.
    room: usize,
    is_abandoned: AtomicBool,
}

/// A recording of which there is more than the replay knows.
type Longer = Option<Arc<Trace>>;

/// What the replay has told so far.
struct Told {
    /// What there is of the recording.
    trace: Arc<Trace>,
    handles: Building,
    tasks: tasks::history::Building,
    output: Output,
    answers: Listening,
    /// What there is by now of a recording that is still being written.
    longer: Longer,
    /// Why the replay ended, in words if it failed; also where it waits for more.
    ended: Option<Result<(), String>>,
    /// Which rule the run broke that it ended at, in words.
    broken: Option<String>,
    /// The first of what is waited for.
    awaited: Option<Until>,
    /// What was not kept, the last of it that was asked for.
    recalled: VecDeque<Recalled>,
}

/// How often those who wait look whether they are interrupted. What they wait for wakes
/// them.
const INTERRUPTED_EVERY: Duration = Duration::from_millis(20);

impl Told {
    /// The calls out that have been made.
    fn events(&self) -> u64 {
        self.handles.history.events()
    }

    /// Whether what comes before that is known; [`ChronicleError::NotYet`] if it will be.
    fn has_come_to(&self, until: Until) -> Result<(), ChronicleError> {
        let is_underway = |recalled: &Recalled| {
            Until::Call(recalled.moment.0) == until && recalled.told.is_none()
        };
        if self.recalled.iter().any(is_underway) {
            return Err(ChronicleError::NotYet);
        }
        match (until, &self.ended) {
            (Until::Call(event), _) if self.events() > event => Ok(()),
            (_, Some(Ok(()))) => Ok(()),
            (_, Some(Err(message))) => Err(ChronicleError::Failed {
                events: self.events(),
                message: message.clone(),
            }),
            (_, None) => Err(ChronicleError::NotYet),
        }
    }

    fn wait_for(&mut self, until: Until) {
        let first = self.awaited.map_or(until, |known| known.min(until));
        self.awaited = Some(first);
    }
}

impl Shared {
    /// Refuses to keep more than there is room for.
    fn check_room(&self, told: &Told) -> Result<(), TooMuchPrinted> {
        let room = self.room;
        let fits = told.output.taken() <= room;
        fits.then_some(()).ok_or(TooMuchPrinted { room })
    }

    /// What is told, if the replay has come so far.
    fn look(&self, until: Until) -> Result<MutexGuard<'_, Told>, ChronicleError> {
        let told = self.told.lock();
        told.has_come_to(until)?;
        Ok(told)
    }

    /// Waits until that is known, is known never to be, or so much time has passed.
    fn wait_until(&self, until: Until, at_most: Option<Duration>) -> MutexGuard<'_, Told> {
        let deadline = at_most.map(|time| Instant::now() + time);
        let mut told = self.told.lock();
        while told.has_come_to(until) == Err(ChronicleError::NotYet) {
            told.wait_for(until);
            match deadline {
                None => self.has_come.wait(&mut told),
                Some(deadline) => {
                    if self.has_come.wait_until(&mut told, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        told
    }

    fn end(&self, result: Result<(), String>) {
        // Nobody may wait for ever for that, either.
        let broken = catch_unwind(AssertUnwindSafe(|| self.broken())).unwrap_or(None);
        let mut told = self.told.lock();
        told.broken = broken;
        told.ended = Some(result);
        told.awaited = None;
        self.has_come.notify_all();
    }
}

impl Shared {
    fn broken(&self) -> Option<String> {
        let (trace, tables) = {
            let told = self.told.lock();
            rules::rule(told.trace.outcome())?;
            (told.trace.clone(), told.handles.history.end())
        };
        let go_on = || !self.is_abandoned.load(Ordering::Relaxed);
        rules::explained(&trace, &tables.unwrap_or_default(), &go_on)
    }
}

impl Chronicle {
    /// Begins to replay a recording in the background.
    pub fn start(trace: Arc<Trace>, cache: CacheDir) -> Chronicle {
        let shared = Arc::new(Shared {
            told: Mutex::new(Told {
                trace: trace.clone(),
                handles: Building::new(&trace),
                tasks: tasks::history::Building::new(&trace),
                output: Output::default(),
                answers: Listening::to(trace.component()),
                longer: None,
                broken: None,
                ended: None,
                awaited: None,
                recalled: VecDeque::new(),
            }),
            has_come: Condvar::new(),
            cache: cache.clone(),
            room: room(&trace),
            is_abandoned: AtomicBool::new(false),
        });
        let writing = shared.clone();
        let replay = move || {
            let run = AssertUnwindSafe(|| run(&writing, trace, &cache));
            // Nobody may wait for ever.
            let result = catch_unwind(run).unwrap_or_else(|_| Err("a fault of rr-dap".into()));
            writing.end(result);
        };
        let thread = thread::Builder::new().name("chronicle".into());
        if let Err(error) = thread.spawn(replay) {
            shared.end(Err(error.to_string()));
        }
        Chronicle { shared }
    }

    /// There is more of the recording by now: the replay goes on, if it has come to the end.
    pub fn extend(&self, trace: Arc<Trace>) {
        let mut told = self.shared.told.lock();
        told.trace = trace.clone();
        told.longer = Some(trace);
        // Whoever asks now does not want to know what it was.
        if told.ended == Some(Ok(())) {
            told.ended = None;
        }
        drop(told);
        self.shared.has_come.notify_all();
    }

    /// The handle tables of all instances as they are at a call out: see
    /// [`HandleHistory::at`].
    ///
    /// # Errors
    ///
    /// If the replay has not come there, or failed before; if the tables went wrong
    /// before.
    pub fn handles_at(&self, event: u64, in_call: bool) -> Result<TableList, ChronicleError> {
        let mut told = self.shared.look(Until::Call(event))?;
        let history = &told.handles.history;
        match history.mismatch(told.trace.outcome()) {
            Some(mismatch) if mismatch.0.occasion.event < event => return Err(mismatch.into()),
            _ => {}
        }
        match history.at(event, in_call) {
            Ok(tables) => Ok(tables),
            Err(Untold::Overfull(overfull)) => Err(overfull.into()),
            Err(Untold::Forgotten) => {
                match self.recall(&mut told, Recallable::Handles, (event, in_call))? {
                    Recollection::Handles(tables) => Ok(tables),
                    Recollection::Tasks(_) => Err(ChronicleError::NotYet),
                }
            }
        }
    }

    /// The tasks as they are at a call out: see [`TaskHistory::at_call`].
    ///
    /// # Errors
    ///
    /// If the replay has not come there, or failed before; if there are too many.
    pub fn tasks_at(&self, event: u64, in_call: bool) -> Result<Arc<Tasks>, ChronicleError> {
        let mut told = self.shared.look(Until::Call(event))?;
        let history = &told.tasks.history;
        match history.at_call(&told.trace, event, in_call) {
            Ok(tasks) => Ok(Arc::new(tasks)),
            Err(tasks::Untold::Forgotten) => {
                match self.recall(&mut told, Recallable::Tasks, (event, in_call))? {
                    Recollection::Tasks(tasks) => Ok(tasks),
                    Recollection::Handles(_) => Err(ChronicleError::NotYet),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What is known of all tasks by now: where the replay failed, up to there.
    pub fn tasks_so_far<T>(&self, tell: impl FnOnce(&TaskHistory) -> T) -> T {
        tell(&self.shared.told.lock().tasks.history)
    }

    /// What is known of all handles at the end of the recording.
    ///
    /// # Errors
    ///
    /// If the replay has not come to the end, or failed.
    pub fn at_end<T>(&self, tell: impl FnOnce(&HandleHistory) -> T) -> Result<T, ChronicleError> {
        let told = self.shared.look(Until::End)?;
        Ok(tell(&told.handles.history))
    }

    /// Which rule of the canonical ABI the run broke that it ended at, in words.
    ///
    /// # Errors
    ///
    /// If the replay has not come to the end, or failed.
    pub fn broken_rule(&self) -> Result<Option<String>, ChronicleError> {
        let told = self.shared.look(Until::End)?;
        Ok(told.broken.clone())
    }

    /// What is known of all handles by now: where the replay failed, up to there.
    pub fn so_far<T>(&self, tell: impl FnOnce(&HandleHistory) -> T) -> T {
        tell(&self.shared.told.lock().handles.history)
    }

    /// What the guest has printed where so many calls out have been made: the pieces of
    /// [`Output::until`] are all there. Waits so long if the replay has not come so far.
    ///
    /// # Errors
    ///
    /// If it then still has not, or failed before.
    pub fn output<T>(
        &self,
        events: u64,
        at_most: Duration,
        tell: impl FnOnce(&Output) -> T,
    ) -> Result<T, ChronicleError> {
        let until = Until::Call(events);
        let told = self.shared.wait_until(until, Some(at_most));
        told.has_come_to(until)?;
        Ok(tell(&told.output))
    }

    /// What a service has said of its answers before that.
    ///
    /// # Errors
    ///
    /// If the replay has not come there; where it failed before, what it has come to is told.
    pub fn said(&self, until: Until) -> Result<Said, ChronicleError> {
        let told = self.shared.told.lock();
        match told.has_come_to(until) {
            Ok(()) | Err(ChronicleError::Failed { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(told.answers.said.until(match until {
            Until::Call(events) => events,
            Until::End => u64::MAX,
        }))
    }

    /// Whether what comes before that is known.
    ///
    /// # Errors
    ///
    /// [`ChronicleError::NotYet`] if it will be, another if it never will.
    pub fn has_come_to(&self, until: Until) -> Result<(), ChronicleError> {
        self.shared.look(until).map(drop)
    }

    /// Waits until the replay has come so far. `progress` hears of the calls out that have
    /// been made.
    ///
    /// # Errors
    ///
    /// If interrupted, or the replay failed before it came there.
    pub fn wait(
        &self,
        until: Until,
        interrupt: &Interrupt,
        progress: &dyn Fn(u64),
    ) -> Result<(), ChronicleError> {
        loop {
            let told = self.shared.wait_until(until, Some(INTERRUPTED_EVERY));
            let (come, events) = (told.has_come_to(until), told.events());
            drop(told);
            match come {
                Err(ChronicleError::NotYet) if interrupt.is_raised() => {
                    return Err(ChronicleError::Interrupted);
                }
                Err(ChronicleError::NotYet) => progress(events),
                come => return come,
            }
        }
    }

    /// Returns when the replay has come so far, has ended, or nobody wants to know any
    /// more: to be called on a thread of its own.
    pub fn coming_to(&self, until: Until) -> impl FnOnce() + Send + use<> {
        let shared = self.shared.clone();
        // Whoever asks is told why it failed.
        move || drop(shared.wait_until(until, None))
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        // Under the lock: who looks at it waits then.
        let told = self.shared.told.lock();
        self.shared.is_abandoned.store(true, Ordering::Relaxed);
        drop(told);
        self.shared.has_come.notify_all();
    }
}

fn run(shared: &Arc<Shared>, trace: Arc<Trace>, cache: &CacheDir) -> Result<(), String> {
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
        told.handles.calling(store, call);
        told.tasks.calling(store, call);
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
        told.handles.returning(store, call, results);
        told.tasks.returning(store, call, results);
        Ok(())
    }

    fn entering(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        let mut told = self.0.told.lock();
        told.handles.entering(store, entry);
        told.tasks.entering(store, entry);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        entry: &Entering<'_>,
        results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let mut told = self.0.told.lock();
        told.handles.leaving(store, entry, results);
        told.tasks.leaving(store, entry, results);
        Ok(())
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
