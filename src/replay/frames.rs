//! What the guest has at a moment: frames over all activations, and what is in
//! them.

use super::code::Code;
use super::values::from_val;
use super::{InstanceId, ModuleId, State};
use crate::component::types::CoreValue;
use crate::instrument::offsets::{Mapped, OffsetMap};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wasmtime::{AsContextMut, FrameHandle, Module, StoreContextMut};

/// A compiled module with what relates it to the original.
#[derive(Debug, Clone)]
pub struct ModuleCode {
    pub compiled: Module,
    pub offsets: Arc<OffsetMap>,
    pub code: Arc<Code>,
}

/// A frame of guest code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    pub instance: InstanceId,
    pub module: ModuleId,
    /// Function index in the original module.
    pub function: u32,
    /// Offset in the original module: of the instruction about to run, or, where
    /// the frame has called something, of that call.
    pub pc: u32,
    /// Where the frame goes on: the same, or the instruction after the call.
    pub next: u32,
}

/// What the innermost frame is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Innermost {
    /// It is about to run an instruction.
    Before,
    /// It trapped in one.
    Trapped,
    /// It called out.
    Calling,
}

/// The handles of all frames, innermost first, over all activations.
pub fn handles(store: &mut StoreContextMut<'_, State>) -> Vec<FrameHandle> {
    let mut all = Vec::new();
    let exits: Vec<FrameHandle> = store.debug_exit_frames().collect();
    for exit in exits {
        let mut next = Some(exit);
        while let Some(frame) = next {
            next = frame.parent(store.as_context_mut()).ok().flatten();
            all.push(frame);
        }
    }
    if store.data().starting.is_some() {
        // Below a start function is code of Wasmtime's own that fills memories and
        // tables: what is told of that frame is another function's, and nothing is where
        // its instance should be.
        all.pop();
    }
    if store.data().has_overflowed && !all.is_empty() {
        // The function that there was no room for has not begun.
        all.remove(0);
    }
    all
}

/// How many frames there are.
pub fn depth(store: &mut StoreContextMut<'_, State>) -> u32 {
    handles(store).len() as u32
}

/// One frame, described. `innermost` says what the innermost one is doing; the
/// others are in a call.
pub fn describe(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    handle: &FrameHandle,
    doing: Innermost,
) -> Option<Frame> {
    let instance = handle.instance(store.as_context_mut()).ok()?;
    let (instance, id) = store.data().identity_of(instance)?;
    let module = modules.get(id.0 as usize)?;
    let (defined, pc) = handle
        .wasm_function_index_and_pc(store.as_context_mut())
        .ok()??;
    let reported = module.offsets.to_original(pc.raw()).instruction_or_next()?;
    let is_calling =
        doing == Innermost::Calling || doing == Innermost::Trapped && store.data().has_overflowed;
    let (pc, next) = match (is_calling, module.code.call_site(reported)) {
        (true, Some(call)) => (call.pc, call.next),
        _ => (reported, reported),
    };
    Some(Frame {
        instance,
        module: id,
        function: module.code.function_index(defined.as_u32()),
        pc,
        next,
    })
}

/// Whether the guest is about to run an instruction of its own, not one of the
/// clock's.
pub fn stands_at_instruction(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
) -> bool {
    let Some(handle) = store.debug_exit_frames().next() else {
        return false;
    };
    let Ok(instance) = handle.instance(store.as_context_mut()) else {
        return false;
    };
    let module = store
        .data()
        .identity_of(instance)
        .map(|(_, module)| module.0);
    let module = module.and_then(|module| modules.get(module as usize));
    let pc = handle.wasm_function_index_and_pc(store.as_context_mut());
    match (module, pc) {
        (Some(module), Ok(Some((_, pc)))) => {
            matches!(module.offsets.to_original(pc.raw()), Mapped::Instruction(_))
        }
        _ => false,
    }
}

/// All frames, innermost first.
pub fn frames(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    innermost: Innermost,
) -> Vec<Frame> {
    let handles = handles(store);
    let mut frames = Vec::with_capacity(handles.len());
    for (i, handle) in handles.iter().enumerate() {
        let doing = if i == 0 {
            innermost
        } else {
            Innermost::Calling
        };
        frames.extend(describe(store, modules, handle, doing));
    }
    frames
}

fn value(val: &wasmtime::Val) -> CoreValue {
    from_val(val).unwrap_or(CoreValue::Ref(match val {
        wasmtime::Val::FuncRef(f) => f.is_none(),
        wasmtime::Val::ExternRef(r) => r.is_none(),
        wasmtime::Val::AnyRef(r) => r.is_none(),
        _ => false,
    }))
}

/// The locals of a frame: the function's own, without those of the clock.
pub fn locals(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    handle: &FrameHandle,
    frame: &Frame,
) -> Vec<CoreValue> {
    let own = modules
        .get(frame.module.0 as usize)
        .map_or(0, |m| m.code.locals(frame.function));
    let all = handle.num_locals(store.as_context_mut()).unwrap_or(0);
    (0..all.min(own))
        .filter_map(|i| handle.local(store.as_context_mut(), i).ok())
        .map(|val| value(&val))
        .collect()
}

/// The operand stack of a frame, bottom first.
pub fn operands(store: &mut StoreContextMut<'_, State>, handle: &FrameHandle) -> Vec<CoreValue> {
    let all = handle.num_stacks(store.as_context_mut()).unwrap_or(0);
    (0..all)
        .filter_map(|i| handle.stack(store.as_context_mut(), i).ok())
        .map(|val| value(&val))
        .collect()
}

/// The globals of a core instance, as the original module numbers them.
pub fn globals(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
) -> Vec<CoreValue> {
    let Some(instance) = store.data().instances().get(instance.0 as usize).copied() else {
        return Vec::new();
    };
    let Some(module) = modules.get(instance.module.0 as usize) else {
        return Vec::new();
    };
    let mut values = Vec::new();
    loop {
        let index = module.code.compiled_global(values.len() as u32);
        let Some(global) = instance.handle.debug_global(store.as_context_mut(), index) else {
            return values;
        };
        values.push(value(&global.get(store.as_context_mut())));
    }
}

/// Bytes of a core instance's memory; as many as there are.
pub fn memory(
    store: &mut StoreContextMut<'_, State>,
    instance: InstanceId,
    memory: u32,
    address: u64,
    length: usize,
) -> Vec<u8> {
    let Some(instance) = store.data().instances().get(instance.0 as usize).copied() else {
        return Vec::new();
    };
    let Some(memory) = instance.handle.debug_memory(store.as_context_mut(), memory) else {
        return Vec::new();
    };
    slice(memory.data(&*store), address, length).to_vec()
}

/// The part of a memory that there is.
pub fn slice(data: &[u8], address: u64, length: usize) -> &[u8] {
    let start = usize::try_from(address)
        .unwrap_or(usize::MAX)
        .min(data.len());
    let end = start.saturating_add(length).min(data.len());
    data.get(start..end).unwrap_or_default()
}
