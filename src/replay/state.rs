//! The data of a replaying store.

use super::calls::{Calling, Calls, Entered, Entering};
use super::clock::Clock;
use super::contexts::Tree;
use super::divergence::Divergence;
use super::gauge::Gauge;
use super::guest_stack::{GuestStack, Split};
use super::instances::{CoreInstance, Instances};
use super::output::{Printed, Streams};
use super::position::{InstanceId, Tick};
use super::probes::{Received, Stored};
use super::run::Compared;
use super::stacks::Waiting;
use super::thrown::CompiledCode;
use super::trap::TrapSite;
use super::variant::Variant;
use crate::component::types::CoreValue;
use crate::component::{Component, CrossingId, ModuleId};
use crate::trace::{Cursor, Event, EventKind, Instance, Recorded, Trace, TraceError, Written};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
use wasmtime::{AsContextMut, Memory, StoreContextMut};

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

    /// The guest has returned, and the recording, which is still being written, has no more
    /// yet: it may be called again.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn awaiting(&mut self, _store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
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

    /// A tick has passed as another stack of the guest goes on, and the clock was armed for it. The
    /// guest has been answered where it goes on, and has not run yet.
    ///
    /// # Errors
    ///
    /// An error ends the replay.
    fn resumed(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.tick(store)
    }

    /// A core instance has been made: its data segments are in its memory, and its start
    /// function has run.
    fn instantiated(&mut self, _store: &mut StoreContextMut<'_, State>, _instance: InstanceId) {}

    /// An instruction has written to bytes near ones that are watched (in variants that
    /// probe for that).
    fn stored(&mut self, _store: &mut StoreContextMut<'_, State>, _stored: &Stored) {}

    /// The far side has written.
    fn received(&mut self, _store: &mut StoreContextMut<'_, State>, _received: &Received) {}

    /// A debug event (in the debug variant only).
    fn debug_event(&mut self, _store: &mut StoreContextMut<'_, State>, _event: DebugMoment) {}

    /// The guest printed.
    fn printed(&mut self, _printed: &Printed, _bytes: &[u8]) {}
}

/// What a debug event reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebugMoment {
    /// Before an instruction that has a breakpoint.
    Breakpoint,
    /// The guest has trapped; its frames are still there.
    Trap(String),
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
    pub(super) instances: Instances,
    pub(super) calls: Calls,
    pub(super) checks: Checks,
    pub(super) streams: Streams,
    pub(super) clock: Option<Clock>,
    /// Counts frames, in the profile variant.
    pub(super) gauge: Option<Gauge>,
    /// Calling contexts, in the variant that keeps them.
    pub(super) contexts: Option<Tree>,
    pub(super) ending: Ending,
    pub(super) compiled_code: CompiledCode,
    pub(super) observer: Option<Box<dyn Observer>>,
    pub(super) stacks: Waiting,
    /// The guest goes on in another call out than the last one, which has not returned yet.
    pub(super) is_resuming: bool,
}

/// What is known of the end of a replay that has come to one.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// It went another way than the recording.
    pub(super) divergence: Option<Divergence>,
    /// Where the guest has trapped, if it has and no debug event told.
    pub(super) trap: Option<TrapSite>,
    /// The guest has trapped for want of stack.
    pub(super) overflowed: bool,
    /// The guest has returned from a call whose return is not in the trace.
    pub(super) outlived_trace: bool,
    /// A task has returned, or a call that does so at its end.
    pub(super) has_returned: bool,
    /// How far the recorded ending is this one, which it is not known not to be.
    pub(super) compared: Option<Compared>,
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
            instances: Instances::default(),
            calls: Calls::default(),
            checks: Checks::default(),
            streams: Streams::default(),
            clock: None,
            gauge: None,
            contexts: None,
            ending: Ending::default(),
            compiled_code: CompiledCode::default(),
            observer: Some(observer),
            stacks: Waiting::default(),
            is_resuming: false,
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
        self.variant == Variant::Debug || self.ending.trap.as_ref().is_none_or(TrapSite::is_exact)
    }

    /// The component that ran.
    pub fn component(&self) -> &Arc<Component> {
        self.trace.component()
    }

    /// The core instances made so far, by [`InstanceId`].
    pub fn instances(&self) -> &[CoreInstance] {
        self.instances.made()
    }

    /// The number and the module of a Wasmtime instance, also while its start
    /// function runs.
    pub fn identity_of(&self, handle: wasmtime::Instance) -> Option<(InstanceId, ModuleId)> {
        self.instances.identity_of(handle)
    }

    /// The outgoing crossings in progress, outermost first.
    pub fn in_progress(&self) -> &[Calling] {
        self.calls.out()
    }

    /// The calls into the guest that it has not returned from, outermost first.
    pub fn entered(&self) -> &[Entered] {
        self.calls.entered()
    }

    /// The serial numbers of the calls into the guest that it has not returned from, of the
    /// stack that runs, outermost first.
    pub fn on_stack(&self) -> Vec<u64> {
        self.calls.serials()
    }

    /// The serial number of the innermost of them: the call into the guest whose frames are the
    /// innermost ones; 0 if there is none.
    pub fn innermost_call(&self) -> u64 {
        self.calls.innermost()
    }

    /// Whether the innermost of these calls into the guest that is still in progress waits, while
    /// another stack runs; with `and_called`, one that none of them has begun. `None` if none is in
    /// progress.
    pub fn is_elsewhere(&self, serials: &[u64], and_called: bool) -> Option<bool> {
        self.calls.are_elsewhere(serials, and_called)
    }

    /// If the stack that runs was begun by a call that another one still stands in: which one,
    /// by the serial number of its outermost call into the guest.
    pub fn called_from(&self) -> Option<u64> {
        self.calls.called_from().map(|(_, outermost)| outermost)
    }

    /// Where stacks were split so far, in the order of time, as far as that is remembered.
    pub fn splits(&self) -> &[Split] {
        self.calls.splits()
    }

    /// The stacks that the guest has, that which runs first.
    pub fn stacks(&self) -> Vec<GuestStack> {
        self.calls.stacks()
    }

    /// The outgoing crossing that the guest stands in; `None` while its code runs,
    /// be it on top of one.
    pub fn calling(&self) -> Option<&Calling> {
        self.calls.calling()
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
        self.instances.memory_of(instance, crossing)
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
        self.ending.divergence.is_some()
    }

    /// How far the recorded ending is that of this replay, which has come to one.
    pub fn compared(&self) -> Option<Compared> {
        self.ending.compared
    }

    /// Whether all events have been played.
    pub fn is_at_end_of_trace(&mut self) -> bool {
        matches!(self.cursor.peek(), Ok(None))
    }

    /// There is more of the recording by now: this one, of which what has been replayed is the
    /// beginning. Where the guest stands at what was the end, it can go on.
    ///
    /// # Errors
    ///
    /// If the recording is damaged where this stands.
    pub fn extend(
        mut store: impl AsContextMut<Data = State>,
        trace: Arc<Trace>,
    ) -> Result<(), TraceError> {
        let mut context = store.as_context_mut();
        let state = context.data_mut();
        state.cursor = trace.continued(&state.cursor)?;
        state.trace = trace;
        if state.is_at_end_of_trace() {
            return Ok(());
        }
        if let Some(mut clock) = state.clock {
            clock.unlimit(&mut context);
            context.data_mut().clock = Some(clock);
        }
        Ok(())
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
    /// not hold the answer, it is far away, or it has been given.
    ///
    /// # Errors
    ///
    /// If the recording is damaged there.
    pub fn answer(&self) -> Result<Option<Answer>, TraceError> {
        let Some(call) = self.calls.open_out() else {
            return Ok(None);
        };
        Ok(match self.cursor.clone().answer(call)? {
            Recorded::Answered(answered) => Some(Answer {
                results: answered.results,
                writes: answered.writes,
            }),
            Recorded::Missing | Recorded::Far => None,
        })
    }

    /// Whether the recording goes on with a call into the guest that is none of who answers a call
    /// out: another task's.
    pub(super) fn enters_elsewhere(&mut self, call: &Calling) -> wasmtime::Result<bool> {
        let component = self.trace.component();
        Ok(match self.cursor.peek()? {
            Some(Event {
                crossing,
                kind: EventKind::Enter(_),
                ..
            }) => {
                let entered = component.crossing(*crossing);
                let caller = (call.instance, call.crossing);
                entered.is_some_and(|entered| !component.runs_inside(entered, caller))
            }
            _ => false,
        })
    }

    pub(super) fn next_event(&mut self) -> wasmtime::Result<Option<Event>> {
        self.cursor.next().map_err(wasmtime::Error::from)
    }
}

/// What an outgoing crossing will answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The flat results.
    pub results: Vec<CoreValue>,
    /// Memory writes, in order.
    pub writes: Vec<Written>,
}
