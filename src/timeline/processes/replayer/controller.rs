//! The replayer's two states, standing and running, and what changes them.

use super::course::{Running, Underway};
use super::departures::Departures;
use super::errands::SetOut;
use super::fork::Side;
use super::growth;
use super::here::{Here, Kind};
use super::look::Look;
use super::next::{Next, Places};
use super::packing::Packed;
use super::seek::Touch;
use super::slices::Slices;
use super::span::Span;
use super::timeline_socket::{TimelineSocket, leave_world};
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::instrument::probe::Probe;
use crate::replay::frames::{self, Innermost, ModuleCode};
use crate::replay::probes::{Received, Stored};
use crate::replay::variant::Variant;
use crate::replay::{
    Calling, DebugMoment, Ended, Entering, InstanceId, Observer, Phase, Position, Replay,
    ReplayError, State, Tick,
};
use crate::timeline::processes::wire::ask::{Fork, Grow, Meanwhile, Request};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::processes::wire::greeting::Refusal;
use crate::timeline::travel::predicates::Predicates;
use crate::trace::scarce;
use std::any::Any;
use std::collections::HashSet;
use wasmtime::{AsContextMut, ModulePC, StoreContextMut};

/// Log entries of a run that are sent at once.
const SENT_TOGETHER: usize = 256;

/// The observer that is the replayer's command loop.
///
/// It is told of moments: a breakpoint, a tick that the clock was armed for, a call
/// out, the end. While it has no run it passes none of them: it stands in its
/// command loop, inside the moment at which the last run ended.
///
/// ```text
///              Run, and it is not over at once
///   standing ───────────────────────────────▶ running ◀──┐
///    │  ▲ ▲                                    │ │  │    │ moment: go on,
///    │  │ └────────────────────────────────────┘ │  └────┘ approach
///    │  │    moment: stand (Log, Stopped)        │
///    │  │                                        │ a checkpoint is due
///    └──┘ Fork, questions                        ▼
///                               a copy, standing at the same moment
/// ```
pub(super) struct Controller {
    timeline: TimelineSocket,
    predicates: Box<dyn Predicates + Send>,
    modules: Vec<ModuleCode>,
    active: Option<Active>,
    slices: Slices,
    /// What of the guest's memory is not in its place while this stands still.
    packed: Packed,
}

/// The run in progress.
struct Active {
    run: Box<dyn Running>,
    departures: Departures,
    /// Where breakpoints are set, in compiled code.
    installed: Places,
    /// So many moments it has come to.
    moments: u64,
}

/// What a replayer does that has obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stand,
    Run,
}

type Store<'s> = StoreContextMut<'s, State>;

impl Controller {
    pub(super) fn new(
        timeline: TimelineSocket,
        predicates: Box<dyn Predicates + Send>,
    ) -> Controller {
        Controller {
            timeline,
            predicates,
            modules: Vec::new(),
            active: None,
            slices: Slices::new(),
            packed: Packed::default(),
        }
    }

    /// A moment while running: decides whether to stand still here. At a breakpoint, `stack`
    /// is an address in the frame of who tells.
    fn pass(&mut self, store: &mut Store<'_>, kind: Kind, stack: Option<usize>) {
        let Some(active) = &mut self.active else {
            return;
        };
        active.moments += 1;
        let mut here = match stack {
            Some(stack) => Here::at_breakpoint(store, &self.modules, stack),
            None => Here::new(store, &self.modules, kind),
        };
        match active.run.arrive(&mut here, &mut *self.predicates) {
            Next::GoOn => self.tell_log(SENT_TOGETHER),
            Next::Approach(position) => self.approach(store, position),
            Next::Watch(places) => self.install(store, places),
            Next::Unwatch(places) => self.uninstall(store, &places),
            Next::Stand => {
                let at = here.moment();
                self.finish(store, at);
                self.stand(store, kind, at);
            }
        }
    }

    /// Tells what was logged, if it is so many that it is worth it.
    fn tell_log(&mut self, at_least: usize) {
        let Some(active) = &mut self.active else {
            return;
        };
        let log = active.run.take_log(at_least);
        if !log.is_empty() {
            self.timeline.tell(Meanwhile::Log(log));
        }
    }

    /// In the tick of a position: sets the breakpoint that stops right there.
    fn approach(&mut self, store: &mut Store<'_>, position: Position) {
        if position.phase != Phase::Before {
            // The call out, or the end, is a moment of its own.
            return;
        }
        let handles = frames::handles(store);
        let index = (handles.len() as u32).checked_sub(position.depth);
        let frame = index
            .and_then(|i| handles.get(i as usize))
            .and_then(|handle| frames::describe(store, &self.modules, handle, Innermost::Before));
        if let Some(frame) = frame {
            self.install(store, vec![(frame.module, position.pc)]);
        }
    }

    fn install(&mut self, store: &mut Store<'_>, places: Vec<(ModuleId, u32)>) {
        edit(store, &self.modules, &places, true);
        if let Some(active) = &mut self.active {
            active.installed.extend(places);
        }
    }

    fn uninstall(&mut self, store: &mut Store<'_>, places: &[(ModuleId, u32)]) {
        edit(store, &self.modules, places, false);
        if let Some(active) = &mut self.active {
            let gone: HashSet<&(ModuleId, u32)> = places.iter().collect();
            active.installed.retain(|place| !gone.contains(place));
        }
    }

    /// Ends the run: the process stands as if it had never been told to run.
    fn finish(&mut self, store: &mut Store<'_>, at: Reached) {
        if let Some(active) = self.give_up(store) {
            let (moments, breakpoints) = (active.moments, active.installed.len());
            tracing::debug!(moments, breakpoints, "ran to {}", at.position);
            active.run.end(at, &mut self.timeline);
        }
    }

    /// Takes the run away, and what it has put into the guest.
    fn give_up(&mut self, store: &mut Store<'_>) -> Option<Active> {
        let mut active = self.active.take()?;
        edit(store, &self.modules, &active.installed, false);
        let mut here = Here::new(store, &self.modules, Kind::Tick);
        active.run.withdraw(&mut here);
        Some(active)
    }

    /// Memory is touched.
    fn touch(&mut self, store: &mut Store<'_>, touch: Touch<'_>) {
        if let Some(active) = &mut self.active {
            let mut here = Here::new(store, &self.modules, Kind::Tick);
            active.run.touched(&mut here, touch);
        }
    }

    /// Stands still and obeys until told to run.
    fn stand(&mut self, store: &mut Store<'_>, kind: Kind, at: Reached) {
        let mut at = at;
        while self.obey(store, kind, &mut at) == Then::Stand {}
    }

    fn obey(&mut self, store: &mut Store<'_>, kind: Kind, standing: &mut Reached) -> Then {
        let at = *standing;
        let request = self.timeline.receive();
        if !matches!(
            request,
            Request::Fork(_)
                | Request::Grow(_)
                | Request::MoveTo(_)
                | Request::Pack
                | Request::Instances(_)
                | Request::Halt
        ) {
            self.unpack();
        }
        match request {
            Request::Run(run) => self.set_out(store, kind, at, *run),
            Request::RunAhead(run) => self.set_out(store, kind, at, *run),
            Request::CountVisits(count) => self.set_out(store, kind, at, *count),
            Request::ListVisits(list) => self.set_out(store, kind, at, *list),
            Request::TellVisits(tell) => self.set_out(store, kind, at, *tell),
            Request::FindChanges(find) => self.set_out(store, kind, at, *find),
            Request::ListEntered(list) => self.set_out(store, kind, at, *list),
            Request::Fork(fork) => self.leave_copy(*fork, at),
            Request::MoveTo(to) => {
                self.timeline.move_to(to.0);
                Then::Stand
            }
            Request::Grow(grow) => self.grow(store, kind, standing, &grow),
            Request::Frames(question) => self.look(store, kind, at, *question),
            Request::OnStack(question) => self.look(store, kind, at, *question),
            Request::Waits(question) => self.look(store, kind, at, *question),
            Request::Splits(question) => self.look(store, kind, at, *question),
            Request::Stacks(question) => self.look(store, kind, at, *question),
            Request::Locals(question) => self.look(store, kind, at, *question),
            Request::Operands(question) => self.look(store, kind, at, *question),
            Request::Globals(question) => self.look(store, kind, at, *question),
            Request::Memories(question) => self.look(store, kind, at, *question),
            Request::Memory(question) => self.look(store, kind, at, *question),
            Request::Tables(question) => self.look(store, kind, at, *question),
            Request::Table(question) => self.look(store, kind, at, *question),
            Request::Crossing(question) => self.look(store, kind, at, *question),
            Request::CrossingMemory(question) => self.look(store, kind, at, *question),
            Request::Boundary(question) => self.look(store, kind, at, *question),
            Request::MemoryOf(question) => self.look(store, kind, at, *question),
            Request::Leaving(question) => self.look(store, kind, at, *question),
            Request::Instances(question) => self.look(store, kind, at, *question),
            Request::Halt => Then::Stand,
            Request::Pack => {
                // What is not packed stays as it is.
                if let Err(error) = self.packed.pack(store, &self.modules) {
                    tracing::debug!("a checkpoint cannot be packed: {error}");
                }
                Then::Stand
            }
        }
    }

    /// Puts the guest's memory back in its place, or ends this process.
    fn unpack(&mut self) {
        if let Err(error) = self.packed.unpack() {
            tracing::warn!("a checkpoint cannot be unpacked: {error}");
            leave_world();
        }
    }

    fn look<Q: Look>(
        &mut self,
        store: &mut Store<'_>,
        kind: Kind,
        at: Reached,
        question: Q,
    ) -> Then {
        let answer = question.look(&mut Here::standing(store, &self.modules, kind, at));
        self.timeline.answer::<Q>(&answer);
        Then::Stand
    }

    /// Takes in that there is more of the recording.
    fn grow(&mut self, store: &mut Store<'_>, kind: Kind, at: &mut Reached, grow: &Grow) -> Then {
        let grown = growth::grow(store, kind, at, grow);
        if grown.is_ok() {
            self.timeline.grown = grow.number;
        }
        let grown = grown.map(|()| *at);
        let grown = grown.map_err(|error| Refusal::Failed(format!("{error:#}")));
        self.timeline.answer::<Grow>(&grown);
        Then::Stand
    }

    fn leave_copy(&mut self, Fork(id): Fork, at: Reached) -> Then {
        match self.timeline.copy(id, at) {
            Ok(Side::Parent(pid)) => self.timeline.answer::<Fork>(&Ok(pid)),
            Ok(Side::Child) => self.unpack(),
            Err(error) => {
                let why = format!(
                    "cannot copy the replayer: {error}{}",
                    scarce::remedy(&error)
                );
                self.timeline.answer::<Fork>(&Err(Refusal::Failed(why)));
            }
        }
        Then::Stand
    }

    /// Sets out on an errand from where the guest stands, if it is not over at once.
    fn set_out<E: SetOut>(
        &mut self,
        store: &mut Store<'_>,
        kind: Kind,
        at: Reached,
        mut errand: E,
    ) -> Then {
        let span = Span::new(at, errand.stop(), errand.on_stack());
        let is_there = span.is_empty(kind);
        let has_hooks = store.data().variant() == Variant::Debug;
        if !has_hooks && !is_there && errand.needs_hooks() {
            self.timeline.refuse(Refusal::NeedsDebug);
            return Then::Stand;
        }
        let tells_stores = store.data().variant().probe() == Some(Probe::Watch);
        if !tells_stores && errand.needs_stores() {
            let why = "this replayer is not told of stores; this is a fault of rr-dap";
            self.timeline.refuse(Refusal::Failed(why.to_owned()));
            return Then::Stand;
        }
        let departures = Departures::new(errand.leave());
        let mut here = Here::standing(store, &self.modules, kind, at);
        let Underway {
            mut run, places, ..
        } = errand.set_out(span, &mut here);
        if is_there || at.is_end {
            run.withdraw(&mut here);
            run.end(at, &mut self.timeline);
            return Then::Stand;
        }
        run.look_at_start(&mut here, &mut *self.predicates);
        let target = run.target();
        self.active = Some(Active {
            run,
            departures,
            installed: Places::new(),
            moments: 0,
        });
        self.install(store, places);
        if let Some(position) = target
            && position.tick == at.position.tick
        {
            self.approach(store, position);
        }
        self.slices.begin();
        self.arm(store);
        Then::Run
    }

    /// Whether it does not matter where exactly the run in progress ends.
    fn ends_anywhere(&self) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.run.ends_anywhere())
    }

    /// Arms the clock for the next thing to do, at most a slice away.
    fn arm(&mut self, store: &mut Store<'_>) {
        let Some(active) = &self.active else { return };
        let now = State::now(store.as_context_mut());
        let departure = active.departures.next_tick().filter(|tick| *tick > now);
        let wanted = [active.run.next_tick(now), departure];
        let next = self.slices.arm(now, wanted.into_iter().flatten().min());
        State::arm(store.as_context_mut(), next);
    }

    /// The clock's hook: now and then tells what was logged, and looks whether
    /// somebody still wants to know. Answers whether the run is to halt here.
    fn end_slice(&mut self, store: &mut Store<'_>) -> bool {
        if !self.slices.has_ended() {
            return false;
        }
        let active = self.active.as_ref();
        if active.is_some_and(|active| active.run.tells_progress()) {
            let now = State::now(store.as_context_mut());
            self.timeline.tell(Meanwhile::Passed(now));
        }
        self.tell_log(1);
        self.timeline.is_told_to_halt()
    }

    /// Gives the run up, and stands here, in the clock's hook, or what comes in its place.
    fn halt(&mut self, store: &mut Store<'_>, kind: Kind) {
        let at = Here::new(store, &self.modules, kind).moment();
        if self.give_up(store).is_none() {
            return;
        }
        self.timeline.halted(at);
        self.stand(store, kind, at);
    }

    /// Leaves the checkpoint that is due here. In a checkpoint, this returns when it
    /// is told to run.
    fn leave_checkpoint(&mut self, store: &mut Store<'_>, kind: Kind) {
        let now = State::now(store.as_context_mut());
        let due = self.active.as_mut().and_then(|a| a.departures.due(now));
        let Some(id) = due else { return };
        let at = Here::new(store, &self.modules, kind).moment();
        // Without memory for a checkpoint the run goes on all the same.
        if let Ok(Side::Child) = self.timeline.copy(id, at) {
            if let Some(active) = self.give_up(store) {
                // To free what a run has noted would copy the pages that it is in.
                std::mem::forget(active.run);
            }
            self.stand(store, kind, at);
        }
    }

    /// The tick has come that the clock was armed for.
    fn ticked(&mut self, store: &mut Store<'_>, kind: Kind) {
        if let Some(active) = &mut self.active
            && active
                .run
                .passes(&mut Here::new(store, &self.modules, kind))
        {
            let now = State::now(store.as_context_mut());
            State::arm(store.as_context_mut(), Tick(now.0 + 1));
            return;
        }
        if self.end_slice(store) {
            self.halt(store, kind);
        } else {
            self.leave_checkpoint(store, kind);
            self.pass(store, kind, None);
        }
        self.arm(store);
    }
}

/// Adds or removes Wasmtime breakpoints, in one editing session.
fn edit(store: &mut Store<'_>, modules: &[ModuleCode], places: &[(ModuleId, u32)], add: bool) {
    if places.is_empty() {
        return;
    }
    let Some(mut edit) = store.as_context_mut().edit_breakpoints() else {
        return;
    };
    for (module, pc) in places {
        let Some(module) = modules.get(module.0 as usize) else {
            continue;
        };
        let Some(pc) = module.offsets.to_rewritten(*pc) else {
            continue;
        };
        let pc = ModulePC::new(pc);
        // Module and store have the same engine: editing cannot fail.
        _ = if add {
            edit.add_breakpoint(&module.compiled, pc)
        } else {
            edit.remove_breakpoint(&module.compiled, pc)
        };
    }
}

impl Observer for Controller {
    fn calling(&mut self, store: &mut Store<'_>, call: &Calling) -> wasmtime::Result<()> {
        let active = self.active.as_ref();
        if active.is_some_and(|active| active.run.watches(call)) {
            self.pass(store, Kind::Calling(call.crossing), None);
        }
        Ok(())
    }

    fn returning(
        &mut self,
        store: &mut Store<'_>,
        call: &Calling,
        _results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        let active = self.active.as_ref();
        if active.is_some_and(|active| active.run.watches_return(call)) {
            self.pass(store, Kind::Answered, None);
        }
        Ok(())
    }

    fn unanswered(&mut self, store: &mut Store<'_>, _call: &Calling) -> wasmtime::Result<()> {
        self.pass(store, Kind::End, None);
        Ok(())
    }

    fn cut_off(&mut self, store: &mut Store<'_>) -> wasmtime::Result<()> {
        self.pass(store, Kind::End, None);
        Ok(())
    }

    fn leaving(
        &mut self,
        store: &mut Store<'_>,
        _entry: &Entering<'_>,
        _results: &[CoreValue],
    ) -> wasmtime::Result<()> {
        // Nothing is there to come to, but that a recording ended here as long as it grew.
        let target = self.active.as_ref().and_then(|active| active.run.target());
        let is_there = |target: Position| {
            target.depth == 0 && target.tick == State::now(store.as_context_mut())
        };
        if target.is_some_and(is_there) {
            self.pass(store, Kind::Tick, None);
        }
        Ok(())
    }

    fn awaiting(&mut self, store: &mut Store<'_>) -> wasmtime::Result<()> {
        self.pass(store, Kind::End, None);
        Ok(())
    }

    fn tick(&mut self, store: &mut Store<'_>) -> wasmtime::Result<()> {
        self.ticked(store, Kind::Tick);
        Ok(())
    }

    fn resumed(&mut self, store: &mut Store<'_>) -> wasmtime::Result<()> {
        self.ticked(store, Kind::Resumed);
        Ok(())
    }

    fn instantiated(&mut self, store: &mut Store<'_>, _instance: InstanceId) {
        self.touch(store, Touch::Made);
    }

    fn stored(&mut self, store: &mut Store<'_>, stored: &Stored) {
        self.touch(store, Touch::Stored(stored));
    }

    fn received(&mut self, store: &mut Store<'_>, received: &Received) {
        self.touch(store, Touch::Received(received));
    }

    fn debug_event(&mut self, store: &mut Store<'_>, event: DebugMoment) {
        match event {
            DebugMoment::Breakpoint => {
                // Between the guest's frame and this one are the same frames each time.
                let mark = 0u8;
                let stack = std::ptr::from_ref(std::hint::black_box(&mark)).addr();
                self.pass(store, Kind::Breakpoint, Some(stack));
            }
            // A divergence ends the replay, and is told where that returns.
            DebugMoment::Trap(_) if store.data().has_diverged() => {}
            DebugMoment::Trap(message) => {
                if store.data_mut().is_at_end_of_trace() {
                    self.pass(store, Kind::End, None);
                } else {
                    self.timeline.refuse(Refusal::Failed(format!(
                        "the guest traps in replay ({message}), but the recording goes on"
                    )));
                    leave_world();
                }
            }
        }
    }
}

/// Before any guest code: obeys until told to run.
pub(super) fn stand_at_start(machine: &mut Replay, modules: Vec<ModuleCode>) {
    with_controller(machine, |controller, store| {
        controller.modules = modules;
        controller.stand(store, Kind::Tick, Reached::START);
    });
}

/// After the replay has returned: tells how it went, and obeys for ever.
pub(super) fn stand_at_end(machine: &mut Replay, ended: Result<Ended, ReplayError>) {
    with_controller(machine, |controller, store| {
        match ended {
            Ok(_) if !store.data().is_exact() && !controller.ends_anywhere() => {
                controller.timeline.refuse(Refusal::NeedsDebug);
            }
            Ok(_) => controller.pass(store, Kind::End, None),
            Err(error) => {
                let why = Refusal::Failed(error.to_string());
                controller.timeline.refuse(why);
            }
        }
        leave_world();
    });
}

fn with_controller(machine: &mut Replay, act: impl FnOnce(&mut Controller, &mut Store<'_>)) {
    let mut store = machine.store().as_context_mut();
    let Some(mut observer) = store.data_mut().take_observer() else {
        return;
    };
    let any: &mut dyn Any = &mut *observer;
    if let Some(controller) = any.downcast_mut::<Controller>() {
        act(controller, &mut store);
    }
    store.data_mut().put_observer(Some(observer));
}
