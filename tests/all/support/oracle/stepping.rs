//! Replays a recording in this process, one instruction at a time.

use super::state::{self, State};
use rr_dap::component::{CrossingId, ModuleId};
use rr_dap::replay::frames::{self, Innermost, ModuleCode};
use rr_dap::replay::{
    Calling, Code, Compiled, DebugMoment, Observer, Phase, Position, Replay, State as Store, Tick,
};
use rr_dap::trace::Trace;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock};
use wasmtime::{AsContextMut, StoreContextMut};

/// What is noted of every moment.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub position: Position,
    pub event: u64,
    /// Of the innermost frame.
    pub module: Option<ModuleId>,
    pub crossing: Option<CrossingId>,
    /// The stack that runs, by the serial number of its outermost call into the guest.
    pub stack: Option<u64>,
    /// The one that stands in the call with which that has begun.
    pub called_from: Option<u64>,
}

const START: Step = Step {
    position: Position::START,
    event: 0,
    module: None,
    crossing: None,
    stack: None,
    called_from: None,
};

#[derive(Default)]
struct Notes {
    steps: Vec<Step>,
    /// Where the state is wanted.
    wanted: HashSet<Position>,
    states: Vec<(Position, State)>,
    has_ended: bool,
}

#[derive(Clone, Default)]
struct Stepper {
    notes: Arc<Mutex<Notes>>,
    modules: Arc<OnceLock<Vec<ModuleCode>>>,
}

/// All moments of a recording.
pub fn steps(trace: &Arc<Trace>, compiled: &Compiled) -> Vec<Step> {
    run(trace, compiled, HashSet::new()).steps
}

/// The states at some moments of a recording.
pub fn states(
    trace: &Arc<Trace>,
    compiled: &Compiled,
    wanted: HashSet<Position>,
) -> Vec<(Position, State)> {
    run(trace, compiled, wanted).states
}

fn run(trace: &Arc<Trace>, compiled: &Compiled, wanted: HashSet<Position>) -> Notes {
    let stepper = Stepper::default();
    stepper.with_notes(|notes| {
        notes.steps.push(START);
        notes.wanted = wanted;
    });
    let mut replay =
        Replay::new(trace.clone(), compiled, Box::new(stepper.clone())).expect("loads");
    let modules = replay.modules().iter().zip(&compiled.modules);
    let modules = modules.zip(trace.component().modules());
    let modules = modules.map(|((module, prepared), bytes)| ModuleCode {
        compiled: module.clone(),
        offsets: Arc::new(prepared.offsets.clone()),
        code: Arc::new(Code::read(Arc::from(bytes)).expect("code")),
    });
    stepper.modules.get_or_init(|| modules.collect());
    let store = replay.store();
    if stepper.with_notes(|notes| notes.wanted.contains(&START.position)) {
        let here = state::of(&mut store.as_context_mut(), &[], Innermost::Before);
        stepper.with_notes(|notes| notes.states.push((START.position, here)));
    }
    // The clock's first tick, in the first function entered, turns stepping on.
    Store::arm(&mut *store, Tick(1));
    replay.run().expect("replays");
    // When the last call has returned, nothing has told of the end.
    stepper.note(
        &mut replay.store().as_context_mut(),
        Innermost::Trapped,
        Phase::End,
    );
    stepper.with_notes(std::mem::take)
}

impl Stepper {
    fn with_notes<T>(&self, f: impl FnOnce(&mut Notes) -> T) -> T {
        f(&mut self.notes.lock().expect("not poisoned"))
    }

    fn modules(&self) -> &[ModuleCode] {
        self.modules.get().map_or(&[], Vec::as_slice)
    }

    fn note(&self, store: &mut StoreContextMut<'_, Store>, doing: Innermost, phase: Phase) {
        let mut notes = self.notes.lock().expect("not poisoned");
        if notes.has_ended {
            return;
        }
        let handles = frames::handles(store);
        let frame = handles
            .first()
            .and_then(|handle| frames::describe(store, self.modules(), handle, doing));
        let crossing = match phase {
            Phase::Calling => store.data().calling().map(|calling| calling.crossing),
            _ => None,
        };
        let events = store.data().events();
        let position = Position {
            tick: Store::now(store.as_context_mut()),
            depth: handles.len() as u32,
            pc: frame.map_or(u32::MAX, |frame| frame.pc),
            phase,
        };
        if notes.wanted.contains(&position) {
            let state = state::of(store, self.modules(), doing);
            notes.states.push((position, state));
        }
        notes.has_ended = phase == Phase::End;
        notes.steps.push(Step {
            position,
            event: events - u64::from(phase == Phase::Calling),
            module: frame.map(|frame| frame.module),
            crossing,
            stack: store.data().on_stack().first().copied(),
            called_from: store.data().called_from(),
        });
    }
}

impl Observer for Stepper {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, Store>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        self.note(store, Innermost::Calling, Phase::Calling);
        Ok(())
    }

    fn unanswered(
        &mut self,
        store: &mut StoreContextMut<'_, Store>,
        _call: &Calling,
    ) -> wasmtime::Result<()> {
        self.note(store, Innermost::Calling, Phase::End);
        Ok(())
    }

    fn cut_off(&mut self, store: &mut StoreContextMut<'_, Store>) -> wasmtime::Result<()> {
        self.note(store, Innermost::Trapped, Phase::End);
        Ok(())
    }

    fn tick(&mut self, store: &mut StoreContextMut<'_, Store>) -> wasmtime::Result<()> {
        let mut edit = store
            .as_context_mut()
            .edit_breakpoints()
            .expect("debugging");
        edit.single_step(true)
    }

    fn debug_event(&mut self, store: &mut StoreContextMut<'_, Store>, event: DebugMoment) {
        match event {
            DebugMoment::Breakpoint => {
                // Not in the clock's own code.
                if frames::stands_at_instruction(store, self.modules()) {
                    self.note(store, Innermost::Before, Phase::Before);
                }
            }
            DebugMoment::Trap(_) => self.note(store, Innermost::Trapped, Phase::End),
        }
    }
}
