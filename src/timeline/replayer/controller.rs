//! What the replayer does at each moment it is told of.

use super::super::wire::{
    self, CrossingInProgress, Hello, Moment, ReplayerId, Reply, Request, Run, StopAt, Watch,
};
use super::active::{Active, CHECKPOINTS_PER_INTERVAL, Kind};
use super::fork::{self, Side};
use crate::component::ModuleId;
use crate::replay::frames::{self, Frame, Innermost, ModuleCode};
use crate::replay::{
    Calling, DebugMoment, Ended, Observer, Phase, Position, Replay, ReplayError, State, Tick,
};
use std::any::Any;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wasmtime::{AsContextMut, ModulePC, StoreContextMut};

/// How long the guest runs before the socket is looked at: a cancelled motion
/// ends within this.
const SLICE: Duration = Duration::from_millis(8);
const FIRST_SLICE_TICKS: u64 = 100_000;
const MIN_SLICE_TICKS: u64 = 1_000;
const MAX_SLICE_TICKS: u64 = 1 << 32;

/// The observer that is the replayer's command loop.
pub(super) struct Controller {
    socket: UnixStream,
    server: PathBuf,
    modules: Vec<ModuleCode>,
    body_starts: Vec<Vec<u32>>,
    active: Option<Active>,
    slice_ticks: u64,
    /// How many ticks ahead the clock was armed.
    armed_span: u64,
    slice_began: Instant,
}

/// A replayer whose timeline is gone has nothing left to do.
fn leave_world() -> ! {
    std::process::exit(0)
}

impl Controller {
    pub(super) fn new(socket: UnixStream, server: &Path, body_starts: Vec<Vec<u32>>) -> Controller {
        Controller {
            socket,
            server: server.to_owned(),
            modules: Vec::new(),
            body_starts,
            active: None,
            slice_ticks: FIRST_SLICE_TICKS,
            armed_span: 0,
            slice_began: Instant::now(),
        }
    }

    /// Where the guest is.
    fn moment(
        &self,
        store: &mut StoreContextMut<'_, State>,
        kind: Kind,
    ) -> (Moment, Option<Frame>) {
        let handles = frames::handles(store);
        let innermost = kind.innermost();
        let innermost = match (kind, store.data().calling()) {
            // An exit, or a call that the host failed.
            (Kind::End, Some(_)) => Innermost::Calling,
            _ => innermost,
        };
        let frame = handles
            .first()
            .and_then(|handle| frames::describe(store, &self.modules, handle, innermost));
        let events = store.data().events();
        let position = Position {
            tick: State::now(store.as_context_mut()),
            depth: handles.len() as u32,
            pc: frame.map_or(u32::MAX, |f| f.pc),
            phase: match kind {
                Kind::Breakpoint | Kind::Tick => Phase::Before,
                Kind::Calling(_) => Phase::Calling,
                Kind::End => Phase::End,
            },
        };
        let event = match kind {
            Kind::Calling(_) => events.saturating_sub(1),
            _ => events,
        };
        let moment = Moment {
            position,
            event,
            is_end: kind == Kind::End,
        };
        (moment, frame)
    }

    /// A moment while running: decides whether to stand still here.
    fn pass(&mut self, store: &mut StoreContextMut<'_, State>, kind: Kind) {
        if self.active.is_none() {
            return;
        }
        // A breakpoint at an instruction that no one can reach slips forward, at
        // times into the clock's code, where the tick to come has not begun.
        if kind == Kind::Breakpoint && !frames::stands_at_instruction(store, &self.modules) {
            return;
        }
        let (at, frame) = self.moment(store, kind);
        if self.decide(store, kind, at, frame.as_ref()) {
            self.finish(store, at);
            self.stand(store, kind, at);
        }
    }

    /// Whether the run is over here. Notes what qualifies on the way.
    fn decide(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        kind: Kind,
        at: Moment,
        frame: Option<&Frame>,
    ) -> bool {
        let Some(active) = &mut self.active else {
            return false;
        };
        if let StopAt::LastBefore(bound) = active.run.stop
            && at.position >= bound
        {
            // Later, it may be a function that is entered after the bound.
            if at.position == bound
                && let (Some(lines), Some(frame)) = (&mut active.lines, frame)
            {
                lines.end(frame.module, frame.pc, at.position.depth);
            }
            return true;
        }
        let hit = if at.position > active.start.position {
            active.qualifies(kind, at, frame)
        } else {
            None
        };
        match active.run.stop {
            StopAt::First if hit.is_some() => {
                active.last = hit;
                return true;
            }
            StopAt::LastBefore(_) if hit.is_some() => active.last = hit,
            StopAt::Event(event) if matches!(kind, Kind::Calling(_)) && at.event >= event => {
                return true;
            }
            StopAt::Tick(tick) if at.position.tick >= tick => return true,
            StopAt::Position(position) => {
                if at.position >= position {
                    return true;
                }
                if kind == Kind::Tick && at.position.tick == position.tick {
                    self.approach(store, position);
                }
            }
            _ => {}
        }
        kind == Kind::End
    }

    /// In the tick of a position: sets the breakpoint that stops right there.
    fn approach(&mut self, store: &mut StoreContextMut<'_, State>, position: Position) {
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

    fn install(&mut self, store: &mut StoreContextMut<'_, State>, places: Vec<(ModuleId, u32)>) {
        edit(store, &self.modules, &places, true);
        if let Some(active) = &mut self.active {
            active.installed.extend(places);
        }
    }

    /// Ends the run: the process stands as if it had never been told to run.
    fn finish(&mut self, store: &mut StoreContextMut<'_, State>, at: Moment) {
        let Some(active) = self.active.take() else {
            return;
        };
        edit(store, &self.modules, &active.installed, false);
        let hit = match (active.run.stop, active.lines) {
            (StopAt::LastBefore(_), Some(lines)) => lines.last(),
            _ => active.last,
        };
        self.reply(&Reply::Stopped { at, hit });
    }

    fn reply(&mut self, reply: &Reply) {
        if wire::send(&mut self.socket, reply).is_err() {
            leave_world();
        }
    }

    /// Stands still and obeys until told to run.
    fn stand(&mut self, store: &mut StoreContextMut<'_, State>, kind: Kind, at: Moment) {
        loop {
            let Ok(request) = wire::receive::<Request>(&mut self.socket) else {
                leave_world();
            };
            match request {
                Request::Run(run) => {
                    if self.begin(store, kind, at, *run) {
                        return;
                    }
                }
                Request::Fork { id } => match self.copy(id, at) {
                    Ok(Side::Parent) => self.reply(&Reply::Done),
                    Ok(Side::Child) => {}
                    Err(error) => {
                        self.reply(&Reply::Failed(format!("cannot copy the replayer: {error}")))
                    }
                },
                Request::Load(_) => self.reply(&Reply::Failed("already loaded".into())),
                other => {
                    let reply = self.look(store, kind, &other);
                    self.reply(&reply);
                }
            }
        }
    }

    /// Copies this process; the copy connects to the timeline.
    fn copy(&mut self, id: ReplayerId, at: Moment) -> io::Result<Side> {
        let side = fork::fork()?;
        if side == Side::Child {
            let connected = UnixStream::connect(&self.server).and_then(|mut socket| {
                wire::send(&mut socket, &Hello { id, at })?;
                Ok(socket)
            });
            match connected {
                Ok(socket) => self.socket = socket,
                Err(_) => leave_world(),
            }
        }
        Ok(side)
    }

    /// Begins a run where the guest stands; `false` if it is over at once.
    fn begin(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        kind: Kind,
        at: Moment,
        run: Run,
    ) -> bool {
        let is_there = match run.stop {
            StopAt::Position(position) => at.position >= position,
            StopAt::Event(event) => matches!(kind, Kind::Calling(_)) && at.event == event,
            StopAt::Tick(tick) => at.position.tick >= tick,
            StopAt::LastBefore(bound) => at.position >= bound,
            StopAt::First | StopAt::End => false,
        };
        if is_there || kind == Kind::End {
            self.reply(&Reply::Stopped { at, hit: None });
            return false;
        }
        let here = frames::frames(store, &self.modules, kind.innermost());
        let mut active = Active::new(run, at);
        let places = active.prepare(&here, &self.modules, &self.body_starts);
        // A checkpoint may stand right where something qualifies.
        if let StopAt::LastBefore(_) = active.run.stop
            && active.lines.is_none()
        {
            active.last = active.qualifies(kind_of_place(kind), at, here.first());
        }
        self.active = Some(active);
        self.install(store, places);
        if let Some(Active {
            run:
                Run {
                    stop: StopAt::Position(position),
                    ..
                },
            ..
        }) = &self.active
            && position.tick == at.position.tick
        {
            let position = *position;
            self.approach(store, position);
        }
        self.slice_began = Instant::now();
        self.arm(store);
        true
    }

    /// Arms the clock for the next thing to do, at most a slice away.
    fn arm(&mut self, store: &mut StoreContextMut<'_, State>) {
        let Some(active) = &self.active else { return };
        let now = State::now(store.as_context_mut());
        let mut next = now.0.saturating_add(self.slice_ticks);
        let mut at = |tick: u64| {
            if tick > now.0 {
                next = next.min(tick);
            }
        };
        match active.run.stop {
            StopAt::Position(position) => at(position.tick.0),
            StopAt::LastBefore(bound) => at(bound.tick.0.saturating_add(1)),
            StopAt::Tick(tick) => at(tick.0),
            StopAt::First | StopAt::Event(_) | StopAt::End => {}
        }
        if let Some(tick) = active.run.leave_at.get(active.next_leave) {
            at(tick.0);
        }
        if matches!(active.run.watch, Watch::Instructions) {
            at(now.0 + 1);
        }
        self.armed_span = next - now.0;
        State::arm(store.as_context_mut(), Tick(next));
    }

    /// The clock's hook: now and then, looks at the socket and adapts the slice.
    fn end_slice(&mut self) {
        let elapsed = self.slice_began.elapsed();
        let is_whole = self.armed_span >= self.slice_ticks;
        if !is_whole && elapsed < SLICE {
            return;
        }
        self.slice_began = Instant::now();
        if is_whole {
            let ratio = SLICE.as_secs_f64() / elapsed.as_secs_f64().max(1e-6);
            let ticks = (self.slice_ticks as f64 * ratio.clamp(0.25, 4.0)) as u64;
            self.slice_ticks = ticks.clamp(MIN_SLICE_TICKS, MAX_SLICE_TICKS);
        }
        self.exit_if_abandoned();
    }

    /// A timeline that no longer wants the answer closes the socket.
    fn exit_if_abandoned(&mut self) {
        if self.socket.set_nonblocking(true).is_err() {
            leave_world();
        }
        let mut byte = [0];
        match self.socket.read(&mut byte) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            // Nothing is said to a running replayer: this is the end of the
            // stream, or nonsense.
            _ => leave_world(),
        }
        if self.socket.set_nonblocking(false).is_err() {
            leave_world();
        }
    }

    /// Leaves the checkpoints that are due here. In a checkpoint, this returns
    /// when it is told to run.
    fn leave_checkpoints(&mut self, store: &mut StoreContextMut<'_, State>) {
        let now = State::now(store.as_context_mut());
        let Some(active) = &mut self.active else {
            return;
        };
        let mut due = false;
        while active
            .run
            .leave_at
            .get(active.next_leave)
            .is_some_and(|tick| *tick <= now)
        {
            active.next_leave += 1;
            due = true;
        }
        due |= active.run.leave_every && active.last_left.elapsed() >= active.interval;
        if !due {
            return;
        }
        let id = ReplayerId(active.run.first_id.0 + u64::from(active.left));
        active.left += 1;
        if active.left % CHECKPOINTS_PER_INTERVAL == 0 {
            active.interval *= 2;
        }
        active.last_left = Instant::now();
        let (at, _) = self.moment(store, Kind::Tick);
        // Without memory for a checkpoint the run goes on all the same.
        if let Ok(Side::Child) = self.copy(id, at) {
            if let Some(active) = self.active.take() {
                edit(store, &self.modules, &active.installed, false);
            }
            self.stand(store, Kind::Tick, at);
        }
    }

    /// Answers a question about where the guest stands.
    fn look(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        kind: Kind,
        request: &Request,
    ) -> Reply {
        let innermost = match (kind, store.data().calling()) {
            (Kind::End, Some(_)) => Innermost::Calling,
            _ => kind.innermost(),
        };
        match request {
            Request::Frames => Reply::Frames(frames::frames(store, &self.modules, innermost)),
            Request::Locals { frame } | Request::Operands { frame } => {
                let handles = frames::handles(store);
                let Some(handle) = handles.get(*frame as usize) else {
                    return Reply::Values(Vec::new());
                };
                if matches!(request, Request::Operands { .. }) {
                    return Reply::Values(frames::operands(store, handle));
                }
                let described = frames::describe(store, &self.modules, handle, innermost);
                Reply::Values(described.map_or_else(Vec::new, |frame| {
                    frames::locals(store, &self.modules, handle, &frame)
                }))
            }
            Request::Globals { instance } => {
                Reply::Values(frames::globals(store, &self.modules, *instance))
            }
            Request::Memory {
                instance,
                memory,
                address,
                length,
            } => Reply::Bytes(frames::memory(
                store,
                *instance,
                *memory,
                *address,
                *length as usize,
            )),
            Request::Crossing => {
                Reply::Crossing(store.data().in_progress().last().map(|calling| {
                    Box::new(CrossingInProgress {
                        calling: calling.clone(),
                        answer: store.data().answer(),
                    })
                }))
            }
            Request::CrossingMemory { address, length } => {
                let state = store.data();
                let memory = state
                    .in_progress()
                    .last()
                    .and_then(|call| state.memory_of(call.instance, call.crossing));
                let data = memory.map_or(&[][..], |memory| memory.data(&*store));
                Reply::Bytes(frames::slice(data, *address, *length as usize).to_vec())
            }
            Request::Instances => Reply::Instances(
                store
                    .data()
                    .instances()
                    .iter()
                    .map(|i| (i.module, i.component_instance.0))
                    .collect(),
            ),
            Request::Load(_) | Request::Fork { .. } | Request::Run(_) => Reply::Done,
        }
    }
}

/// A place qualifies by where it is, whatever brought the guest to stand there.
fn kind_of_place(kind: Kind) -> Kind {
    match kind {
        Kind::Tick => Kind::Breakpoint,
        other => other,
    }
}

/// Adds or removes Wasmtime breakpoints, in one editing session.
fn edit(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    places: &[(ModuleId, u32)],
    add: bool,
) {
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
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        call: &Calling,
    ) -> wasmtime::Result<()> {
        let wanted = self.active.as_ref().is_some_and(|active| {
            active.crossings.contains_key(&call.crossing)
                || match active.run.stop {
                    StopAt::Event(event) => event <= call.event,
                    StopAt::Position(position) => position.phase == Phase::Calling,
                    _ => false,
                }
        });
        if wanted {
            self.pass(store, Kind::Calling(call.crossing));
        }
        Ok(())
    }

    fn unanswered(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        self.pass(store, Kind::End);
        Ok(())
    }

    fn cut_off(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.pass(store, Kind::End);
        Ok(())
    }

    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.end_slice();
        self.leave_checkpoints(store);
        self.pass(store, Kind::Tick);
        self.arm(store);
        Ok(())
    }

    fn debug_event(&mut self, store: &mut StoreContextMut<'_, State>, event: DebugMoment) {
        match event {
            DebugMoment::Breakpoint => self.pass(store, Kind::Breakpoint),
            // A divergence ends the replay, and is told where that returns.
            DebugMoment::Trap(_) if store.data().has_diverged() => {}
            DebugMoment::Trap(message) => {
                if store.data_mut().is_at_end_of_trace() {
                    self.pass(store, Kind::End);
                } else {
                    self.reply(&Reply::Failed(format!(
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
        let at = Moment {
            position: Position::START,
            event: 0,
            is_end: false,
        };
        controller.stand(store, Kind::Tick, at);
    });
}

/// After the replay has returned: tells how it went, and obeys for ever.
pub(super) fn stand_at_end(machine: &mut Replay, ended: Result<Ended, ReplayError>) {
    with_controller(machine, |controller, store| {
        match ended {
            Ok(_) => controller.pass(store, Kind::End),
            Err(error) => controller.reply(&Reply::Failed(error.to_string())),
        }
        leave_world();
    });
}

fn with_controller(
    machine: &mut Replay,
    act: impl FnOnce(&mut Controller, &mut StoreContextMut<'_, State>),
) {
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
