//! What the guest has at a moment, as much of it as the timeline can show.

use rr_dap::component::ModuleId;
use rr_dap::component::types::CoreValue;
use rr_dap::replay::frames::{self, Frame, Innermost, ModuleCode};
use rr_dap::replay::{InstanceId, State as Store};
use rr_dap::timeline::{CrossingInProgress, Timeline};
use wasmtime::StoreContextMut;

/// Locals are compared of so many frames, innermost first.
const FRAMES_WITH_LOCALS: usize = 6;
/// So much of each memory is compared.
const MEMORY: u32 = 4 << 20;

/// Everything that a motion must bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub frames: Vec<Frame>,
    pub locals: Vec<Vec<CoreValue>>,
    pub operands: Vec<CoreValue>,
    pub instances: Vec<(ModuleId, u32)>,
    pub globals: Vec<Vec<CoreValue>>,
    /// For each instance, of its first memory: length and checksum.
    pub memories: Vec<(usize, u32)>,
    pub crossing: Option<CrossingInProgress>,
}

fn checksum(bytes: &[u8]) -> (usize, u32) {
    (bytes.len(), crc32fast::hash(bytes))
}

/// The state of a replay in this process.
pub(super) fn of(
    store: &mut StoreContextMut<'_, Store>,
    modules: &[ModuleCode],
    doing: Innermost,
) -> State {
    let frames = frames::frames(store, modules, doing);
    let handles = frames::handles(store);
    let locals = frames.iter().zip(&handles).take(FRAMES_WITH_LOCALS);
    let locals = locals.map(|(frame, handle)| frames::locals(store, modules, handle, frame));
    let locals = locals.collect();
    let operands = handles
        .first()
        .map_or_else(Vec::new, |handle| frames::operands(store, handle));
    let instances: Vec<(ModuleId, u32)> = store
        .data()
        .instances()
        .iter()
        .map(|i| (i.module, i.component_instance.0))
        .collect();
    let ids = || (0..instances.len() as u32).map(InstanceId);
    let globals = ids()
        .map(|id| frames::globals(store, modules, id).expect("code for debugging"))
        .collect();
    let memories = ids()
        .map(|id| frames::memory(store, modules, id, 0, 0, MEMORY as usize))
        .map(|memory| checksum(&memory.expect("code for debugging")))
        .collect();
    let crossing = store.data().in_progress().last().cloned();
    let crossing = crossing.map(|calling| CrossingInProgress {
        calling,
        answer: store.data().answer().expect("a sound recording"),
    });
    State {
        frames,
        locals,
        operands,
        instances,
        globals,
        memories,
        crossing,
    }
}

/// The state where a timeline stands.
pub fn state_here(timeline: &mut Timeline) -> State {
    let frames = timeline.frames().expect("frames");
    let instances = timeline.instances().expect("instances");
    let ids = || (0..instances.len() as u32).map(InstanceId);
    let operands = match frames.is_empty() {
        true => Vec::new(),
        false => timeline.operands(0).expect("operands"),
    };
    State {
        locals: (0..frames.len().min(FRAMES_WITH_LOCALS))
            .map(|frame| timeline.locals(frame).expect("locals"))
            .collect(),
        operands,
        globals: ids()
            .map(|id| timeline.globals(id).expect("globals"))
            .collect(),
        memories: ids()
            .map(|id| checksum(&timeline.memory(id, 0, 0, MEMORY).expect("memory")))
            .collect(),
        crossing: timeline.crossing().expect("the crossing"),
        frames,
        instances,
    }
}
