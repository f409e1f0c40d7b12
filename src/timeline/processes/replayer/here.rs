//! The moment at which the guest has come to stand: as much of it as is asked for.

use crate::component::types::CoreValue;
use crate::component::{Component, CrossingId, ModuleId};
use crate::replay::frames::{self, Frame, Innermost, ModuleCode};
use crate::replay::{Answer, Calling, InstanceId, Phase, Position, State, Tick};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::predicates::Stopped;
use crate::timeline::travel::turns::Turns;
use std::cmp::Ordering;
use std::sync::Arc;
use wasmtime::{AsContextMut, StoreContextMut};

/// Which kind of moment this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before an instruction, at a breakpoint.
    Breakpoint,
    /// Before an instruction, in the clock's hook.
    Tick,
    Calling(CrossingId),
    /// A call out has been answered.
    Answered,
    /// The same, where another stack of the guest goes on: a tick, as in the clock's hook.
    Resumed,
    /// The recording ends.
    End,
}

impl Kind {
    /// What the innermost frame is doing.
    pub(super) fn doing(self, state: &State) -> Innermost {
        match (self, state.calling()) {
            // An exit, or a call that the host failed.
            (Kind::End, Some(_)) | (Kind::Calling(_) | Kind::Answered | Kind::Resumed, _) => {
                Innermost::Calling
            }
            (Kind::End, None) => Innermost::Trapped,
            (Kind::Breakpoint | Kind::Tick, _) => Innermost::Before,
        }
    }

    fn phase(self) -> Phase {
        match self {
            Kind::Breakpoint | Kind::Tick => Phase::Before,
            Kind::Calling(_) => Phase::Calling,
            Kind::Answered | Kind::Resumed => Phase::Answered,
            Kind::End => Phase::End,
        }
    }
}

/// The guest at a moment. The tick is had at once; the depth takes a walk over the
/// whole stack, which most moments that are passed are not worth.
pub(super) struct Here<'a, 's> {
    pub(super) store: &'a mut StoreContextMut<'s, State>,
    pub(super) modules: &'a [ModuleCode],
    pub(super) kind: Kind,
    /// How many of the inlined calls that begin here are ahead, for the breakpoint that is
    /// being decided.
    pub(super) ahead: u32,
    /// How far other recordings had come, for the breakpoints that are being decided.
    pub(super) elsewhere: Option<Arc<Elsewhere>>,
    /// Which task each call into the guest is a part of, for the same.
    pub(super) turns: Option<Arc<Turns>>,
    tick: Option<Tick>,
    innermost: Option<Option<Frame>>,
    /// At a breakpoint: an address in the frame that runs us, as far from the guest's innermost
    /// frame as it is each time.
    stack: Option<usize>,
    /// All frames, once one further out was asked for.
    frames: Option<Vec<Frame>>,
    moment: Option<Reached>,
}

impl<'a, 's> Here<'a, 's> {
    pub(super) fn new(
        store: &'a mut StoreContextMut<'s, State>,
        modules: &'a [ModuleCode],
        kind: Kind,
    ) -> Here<'a, 's> {
        Here {
            store,
            modules,
            kind,
            ahead: 0,
            elsewhere: None,
            turns: None,
            tick: None,
            innermost: None,
            stack: None,
            frames: None,
            moment: None,
        }
    }

    /// At a breakpoint, whose handler runs at this address on the guest's stack.
    pub(super) fn at_breakpoint(
        store: &'a mut StoreContextMut<'s, State>,
        modules: &'a [ModuleCode],
        stack: usize,
    ) -> Here<'a, 's> {
        Here {
            stack: Some(stack),
            ..Here::new(store, modules, Kind::Breakpoint)
        }
    }

    /// The moment that the guest has been standing at.
    pub(super) fn standing(
        store: &'a mut StoreContextMut<'s, State>,
        modules: &'a [ModuleCode],
        kind: Kind,
        at: Reached,
    ) -> Here<'a, 's> {
        Here {
            tick: Some(at.position.tick),
            moment: Some(at),
            ..Here::new(store, modules, kind)
        }
    }

    /// The whole moment.
    pub(super) fn moment(&mut self) -> Reached {
        if let Some(moment) = self.moment {
            return moment;
        }
        let doing = self.kind.doing(self.store.data());
        let (depth, frame) = frames::innermost(self.store, self.modules, doing);
        self.innermost = Some(frame);
        let moment = Reached {
            position: Position {
                tick: self.tick(),
                depth,
                pc: frame.map_or(u32::MAX, |f| f.pc),
                phase: self.kind.phase(),
            },
            event: self.event(),
            is_end: self.kind == Kind::End,
        };
        self.moment = Some(moment);
        moment
    }

    /// At a breakpoint: what tells the innermost frame from others of the same function. A
    /// frame has the same number as long as it lives, and shares it with none that lives.
    pub(super) fn frame_number(&self) -> Option<usize> {
        self.stack
    }

    /// The whole moment before an instruction, where the depth is known, or does not matter.
    pub(super) fn moment_at(&mut self, depth: u32, pc: u32) -> Reached {
        Reached {
            position: Position {
                tick: self.tick(),
                depth,
                pc,
                phase: self.kind.phase(),
            },
            event: self.event(),
            is_end: false,
        }
    }

    /// Where this is to a position: by the tick alone, if that tells.
    pub(super) fn cmp(&mut self, position: Position) -> Ordering {
        match self.tick().cmp(&position.tick) {
            Ordering::Equal => self.moment().position.cmp(&position),
            told => told,
        }
    }

    /// Whether the innermost frame stands at an instruction of the guest's.
    pub(super) fn stands_at_instruction(&mut self) -> bool {
        frames::stands_at_instruction(self.store, self.modules)
    }

    /// The place in the innermost frame's code.
    pub(super) fn place(&mut self) -> Option<(ModuleId, u32)> {
        self.frame(0).map(|frame| (frame.module, frame.pc))
    }
}

impl Stopped for Here<'_, '_> {
    fn tick(&mut self) -> Tick {
        if let Some(tick) = self.tick {
            return tick;
        }
        let tick = State::now(self.store.as_context_mut());
        self.tick = Some(tick);
        tick
    }

    fn event(&mut self) -> u64 {
        let events = self.store.data().events();
        match self.kind {
            Kind::Calling(_) => events.saturating_sub(1),
            _ => events,
        }
    }

    fn position(&mut self) -> Position {
        self.moment().position
    }

    fn calling(&mut self) -> Option<Calling> {
        self.store.data().calling().cloned()
    }

    fn answer(&mut self) -> Option<Answer> {
        // Where the recording is damaged, the replay ends, and says so.
        self.store.data().answer().ok().flatten()
    }

    fn crossing_memory(&mut self, address: u64, length: usize) -> Option<Vec<u8>> {
        let bytes = super::look::crossing_bytes(self.store, address, length);
        (bytes.len() == length).then(|| bytes.to_vec())
    }

    fn component(&mut self) -> Arc<Component> {
        self.store.data().component().clone()
    }

    fn module(&mut self, module: ModuleId) -> Option<Arc<[u8]>> {
        let component = self.store.data().component();
        component.module(module).map(Arc::from)
    }

    fn frame(&mut self, index: usize) -> Option<Frame> {
        let doing = self.kind.doing(self.store.data());
        if index > 0 {
            let (store, modules) = (&mut *self.store, self.modules);
            let frames = self
                .frames
                .get_or_insert_with(|| frames::frames(store, modules, doing));
            return frames.get(index).copied();
        }
        if let Some(known) = self.innermost {
            return known;
        }
        let frame = frames::first(self.store, self.modules, doing);
        self.innermost = Some(frame);
        frame
    }

    fn ahead(&mut self) -> u32 {
        self.ahead
    }

    fn elsewhere(&mut self) -> Option<Arc<Elsewhere>> {
        self.elsewhere.clone()
    }

    fn task(&mut self) -> u64 {
        let serial = self.store.data().innermost_call();
        self.turns.as_ref().map_or(0, |turns| turns.task(serial))
    }

    fn turn(&mut self) -> u64 {
        self.store.data().innermost_call()
    }

    fn local(&mut self, frame: usize, index: u32) -> Option<CoreValue> {
        frames::local(self.store, frame, index)
    }

    fn operand(&mut self, frame: usize, index: u32) -> Option<CoreValue> {
        frames::operand(self.store, frame, index)
    }

    fn global(&mut self, instance: InstanceId, index: u32) -> Option<CoreValue> {
        frames::global(self.store, self.modules, instance, index)
            .ok()
            .flatten()
    }

    fn memory(
        &mut self,
        instance: InstanceId,
        memory: u32,
        address: u64,
        length: usize,
    ) -> Option<Vec<u8>> {
        let bytes = frames::memory(self.store, self.modules, instance, memory, address, length);
        bytes.ok().filter(|bytes| bytes.len() == length)
    }
}
