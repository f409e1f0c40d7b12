//! The data of a replaying store.

use super::backtrace::TrapSite;
use super::clock::Clock;
use super::output::Streams;
use super::profile::Gauge;
use super::variant::Variant;
use super::{Divergence, InstanceId, ModuleId, Tick};
use crate::component::types::CoreValue;
use crate::component::{Component, CrossingId};
use crate::trace::{Cursor, Event, EventKind, Instance, Trace};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use wasmtime::{AsContextMut, Extern, Func, Memory, StoreContextMut};

/// Who is told what happens during a replay, while the guest stands still.
///
/// Everything the guest has is readable through the store: this is where a
/// debugger's command loop runs.
pub trait Observer: Any + Send {
    /// The guest has called out and has not been answered yet.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn calling(
        &mut self,
        _store: &mut StoreContextMut<'_, State>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The call out is about to return: memory is as the guest will find it.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn returning(
        &mut self,
        _store: &mut StoreContextMut<'_, State>,
        _call: &Calling,
        _results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The guest has called out, and the trace has no answer: the run ended
    /// inside this call (an exit, a failure of the host), or was cut off.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn unanswered(
        &mut self,
        _store: &mut StoreContextMut<'_, State>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The guest is about to be called: its memory holds the arguments.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn entering(
        &mut self,
        _store: &mut StoreContextMut<'_, State>,
        _entry: &Entering<'_>,
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The guest has returned from being called, as it did in the recording.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn leaving(
        &mut self,
        _store: &mut StoreContextMut<'_, State>,
        _entry: &Entering<'_>,
        _results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The recording ends here, in the middle of guest code: it was cut off or
    /// interrupted, and the guest has run on as long as it may.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn cut_off(&mut self, _store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        Ok(())
    }

    /// The clock has reached the tick it was armed for.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn tick(&mut self, _store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        Ok(())
    }

    /// A debug event (in the debug variant only).
    fn debug_event(&mut self, _store: &mut StoreContextMut<'_, State>, _event: DebugMoment) {}

    /// The guest printed.
    fn printed(&mut self, _printed: &super::output::Printed, _bytes: &[u8]) {}
}

/// What a debug event reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebugMoment {
    /// Before an instruction that has a breakpoint.
    Breakpoint,
    /// The guest has trapped; its frames are still there.
    Trap(String),
}

/// An outgoing crossing in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The component instance that calls.
    pub instance: Instance,
    /// What it calls.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// The number of this outgoing crossing, from 0.
    pub event: u64,
}

/// An incoming crossing being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entering<'a> {
    /// The component instance that is called.
    pub instance: Instance,
    /// What is called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: &'a [CoreValue],
}

/// A call into the guest that it has not returned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The component instance that was called.
    pub instance: Instance,
    /// What was called of it.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// Outgoing crossings made before it.
    pub event: u64,
    /// How many calls out were in progress then: its code runs on top of those.
    pub below: usize,
}

/// A core instance of the replay.
#[derive(Debug, Clone, Copy)]
pub struct CoreInstance {
    /// Its number among all core instances.
    pub id: InstanceId,
    /// The module that it is an instance of.
    pub module: ModuleId,
    /// The component instance it belongs to.
    pub component_instance: Instance,
    pub(super) handle: wasmtime::Instance,
}

/// A core instance that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starting {
    pub id: InstanceId,
    pub module: ModuleId,
}

/// The counts of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Checks {
    /// Outgoing crossings made.
    pub events: u64,
    /// Flat values compared with the recording.
    pub values: u64,
    /// Memory hashes compared with the recording.
    pub hashes: u64,
}

/// The data of a replaying store.
pub struct State {
    pub(super) trace: Arc<Trace>,
    pub(super) variant: Variant,
    pub(super) cursor: Cursor,
    pub(super) incoming: HashMap<(Instance, CrossingId), Func>,
    pub(super) memories: HashMap<(Instance, CrossingId), Memory>,
    pub(super) instances: Vec<CoreInstance>,
    /// What each of them was given, in the order of its imports.
    pub(super) imports: Vec<Vec<Extern>>,
    /// The instance whose start function runs: Wasmtime has not given it out yet.
    pub(super) starting: Option<Starting>,
    /// Whether the guest has trapped for want of stack.
    pub(super) has_overflowed: bool,
    pub(super) in_progress: Vec<Calling>,
    /// The calls into the guest that it has not returned from, outermost first.
    pub(super) entered: Vec<Entered>,
    pub(super) checks: Checks,
    pub(super) streams: Streams,
    pub(super) clock: Option<Clock>,
    /// Counts frames, in the profile variant.
    pub(super) gauge: Option<Gauge>,
    pub(super) observer: Option<Box<dyn Observer>>,
    pub(super) divergence: Option<Divergence>,
    /// Whether the guest has returned from a call whose return is not in the trace.
    pub(super) has_outlived_trace: bool,
    /// Where the guest has trapped, if it has and no debug event told.
    pub(super) trap: Option<TrapSite>,
}

impl State {
    pub(super) fn new(
        trace: Arc<Trace>,
        variant: Variant,
        cursor: Cursor,
        observer: Box<dyn Observer>,
    ) -> State {
        State {
            cursor,
            trace,
            variant,
            incoming: HashMap::new(),
            memories: HashMap::new(),
            instances: Vec::new(),
            imports: Vec::new(),
            starting: None,
            has_overflowed: false,
            in_progress: Vec::new(),
            entered: Vec::new(),
            checks: Checks::default(),
            streams: Streams::default(),
            clock: None,
            gauge: None,
            observer: Some(observer),
            divergence: None,
            has_outlived_trace: false,
            trap: None,
        }
    }

    /// The recording being replayed.
    pub fn trace(&self) -> &Arc<Trace> {
        &self.trace
    }

    /// What the guest is compiled to.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Whether the tick and the frames are those of the moment. They always are,
    /// but after some traps of optimised code: see
    /// [`ClockStyle::Cached`](crate::instrument::clock::ClockStyle::Cached).
    pub fn is_exact(&self) -> bool {
        self.variant == Variant::Debug || self.trap.as_ref().is_none_or(TrapSite::is_exact)
    }

    /// The component that ran.
    pub fn component(&self) -> &Arc<Component> {
        self.trace.component()
    }

    /// The core instances made so far, by [`InstanceId`].
    pub fn instances(&self) -> &[CoreInstance] {
        &self.instances
    }

    /// The core instance of a Wasmtime instance.
    pub fn instance_of(&self, handle: wasmtime::Instance) -> Option<&CoreInstance> {
        self.instances.iter().find(|i| i.handle == handle)
    }

    /// The number and the module of a Wasmtime instance, also while its start
    /// function runs.
    pub fn identity_of(&self, handle: wasmtime::Instance) -> Option<(InstanceId, ModuleId)> {
        match self.instance_of(handle) {
            Some(made) => Some((made.id, made.module)),
            None => self.starting.map(|starting| (starting.id, starting.module)),
        }
    }

    /// The outgoing crossings in progress, outermost first.
    pub fn in_progress(&self) -> &[Calling] {
        &self.in_progress
    }

    /// The calls into the guest that it has not returned from, outermost first.
    pub fn entered(&self) -> &[Entered] {
        &self.entered
    }

    /// The outgoing crossing that the guest stands in; `None` while its code runs,
    /// be it on top of one.
    pub fn calling(&self) -> Option<&Calling> {
        let below = self.entered.last().map_or(0, |entered| entered.below);
        self.in_progress.get(below..)?.last()
    }

    /// Outgoing crossings made so far, the one in progress included.
    pub fn events(&self) -> u64 {
        self.checks.events
    }

    /// What has been checked so far.
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// The clock of this replay, if its modules keep one.
    pub fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// The memory that a crossing reads and writes.
    pub fn memory_of(&self, instance: Instance, crossing: CrossingId) -> Option<Memory> {
        self.memories.get(&(instance, crossing)).copied()
    }

    /// Arms the clock: [`Observer::tick`] is called when `tick` is reached, which
    /// must lie in the future.
    pub fn arm(mut store: impl AsContextMut<Data = State>, tick: Tick) {
        let clock = store.as_context().data().clock;
        if let Some(mut clock) = clock {
            clock.arm(&mut store, tick);
            store.as_context_mut().data_mut().clock = Some(clock);
        }
    }

    /// The tick now.
    pub fn now(mut store: impl AsContextMut<Data = State>) -> Tick {
        let clock = store.as_context().data().clock;
        clock.map_or(Tick(0), |clock| clock.now(&mut store))
    }

    /// Whether replay has gone another way than the recording.
    pub fn has_diverged(&self) -> bool {
        self.divergence.is_some()
    }

    /// Whether all events have been played.
    pub fn is_at_end_of_trace(&mut self) -> bool {
        matches!(self.cursor.peek(), Ok(None))
    }

    /// Takes the observer out for the duration of a call to it: it gets the
    /// store that holds it.
    pub fn take_observer(&mut self) -> Option<Box<dyn Observer>> {
        self.observer.take()
    }

    /// Puts the observer back.
    pub fn put_observer(&mut self, observer: Option<Box<dyn Observer>>) {
        self.observer = observer;
    }

    /// What the recording says the innermost outgoing crossing will answer: its
    /// flat results and the memory writes before them. `None` if the trace does
    /// not hold the answer, or it is far away.
    pub fn answer(&self) -> Option<Answer> {
        let calling = self.in_progress.last()?;
        let memory = self.component().crossing(calling.crossing)?.memory;
        let mut cursor = self.cursor.clone();
        let mut writes = Vec::new();
        let mut nested = 0u32;
        for _ in 0..MAX_LOOK_AHEAD {
            let event = cursor.next().ok()??;
            let is_own = event.instance == calling.instance && event.crossing == calling.crossing;
            match event.kind {
                EventKind::Call(_) if is_own => nested += 1,
                EventKind::Return(_) if is_own && nested > 0 => nested -= 1,
                EventKind::Return(results) if is_own => return Some(Answer { results, writes }),
                EventKind::Write { address, bytes } if event.instance == calling.instance => {
                    // What lies in another memory does not belong to the answer.
                    let written = self.component().crossing(event.crossing)?.memory;
                    if written == memory {
                        writes.push((address, bytes));
                    }
                }
                _ => {}
            }
        }
        None
    }

    pub(super) fn next_event(&mut self) -> wasmtime::Result<Option<Event>> {
        self.cursor.next().map_err(wasmtime::Error::from)
    }
}

/// How many events an answer is searched for: a call of another component may
/// hold any number of calls of its own.
pub(super) const MAX_LOOK_AHEAD: usize = 100_000;

/// What an outgoing crossing will answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The flat results.
    pub results: Vec<CoreValue>,
    /// Memory writes, in order: address and bytes.
    pub writes: Vec<(u64, Vec<u8>)>,
}
