//! Frames of a guest that runs without debug hooks: optimised code tells its
//! functions and where they call, and nothing of what is in them.

use super::frame::{Frame, Innermost, ModuleCode};
use super::position::InstanceId;
use super::state::State;
use super::trap::RawFrame;
use crate::component::ModuleId;
use wasmtime::{Module, StoreContextMut, WasmBacktrace};

/// All frames, innermost first, over all activations.
pub(super) fn frames(
    store: &StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    innermost: Innermost,
) -> Vec<Frame> {
    let captured;
    let raw = match &store.data().ending.trap {
        Some(trap) => trap.frames(),
        None => {
            captured = RawFrame::all(&WasmBacktrace::force_capture(store));
            &captured[..]
        }
    };
    let mut instances = Instances::new(store.data());
    let mut frames = Vec::with_capacity(raw.len());
    for frame in raw {
        let doing = match frames.is_empty() {
            true => innermost,
            false => Innermost::Calling,
        };
        frames.extend(describe(&mut instances, modules, frame, doing));
    }
    frames
}

fn describe(
    instances: &mut Instances<'_>,
    modules: &[ModuleCode],
    raw: &RawFrame,
    doing: Innermost,
) -> Option<Frame> {
    let index = modules
        .iter()
        .position(|module| Module::same(&module.compiled, &raw.module))?;
    let (id, module) = (ModuleId(index as u32), modules.get(index)?);
    let pc = module
        .offsets
        .to_original(raw.offset)
        .instruction_or_next()?;
    let added = instances.state.variant().added_functions();
    Some(Frame {
        instance: instances.of(id)?,
        module: id,
        function: module.code.original_function(raw.function, added),
        pc,
        next: match doing {
            Innermost::Before | Innermost::Trapped => pc,
            Innermost::Calling => module.code.instruction_after(pc).unwrap_or(pc),
        },
    })
}

/// Tells the instance of a frame by its module: one of the component instance whose
/// call out is in progress, or, further out on the stack, of the one before.
struct Instances<'a> {
    state: &'a State,
    /// The calls out that frames further out may belong to.
    calls: usize,
}

impl<'a> Instances<'a> {
    fn new(state: &'a State) -> Self {
        Instances {
            state,
            calls: state.in_progress().len(),
        }
    }

    fn of(&mut self, module: ModuleId) -> Option<InstanceId> {
        let candidates = || self.state.instances.of_module(module);
        let calls = self.state.in_progress().get(..self.calls)?;
        for (outside, call) in calls.iter().enumerate().rev() {
            if let Some((found, _)) = candidates().find(|(_, of)| *of == call.instance) {
                self.calls = outside + 1;
                return Some(found);
            }
        }
        candidates().next().map(|(id, _)| id)
    }
}
