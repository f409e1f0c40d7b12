//! What the guest has at a moment: frames over all activations, and what is in
//! them.

pub use super::frame::{Frame, Innermost, ModuleCode, NeedsDebug};

use super::backtrace;
use super::code::{Code, Outside, Sort};
use super::instances::CoreInstance;
use super::position::InstanceId;
use super::probes;
use super::state::State;
use super::values::from_val;
use super::variant::Variant;
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::instrument::offsets::Mapped;
use wasmtime::{AsContextMut, Extern, FrameHandle, Memory, StoreContextMut, WasmBacktrace};

pub(super) fn has_hooks(store: &StoreContextMut<'_, State>) -> bool {
    store.data().variant() == Variant::Debug
}

/// The handles of all frames, in the debug variant, innermost first, over all activations.
pub fn handles(store: &mut StoreContextMut<'_, State>) -> Vec<FrameHandle> {
    all_handles(store).0
}

/// How many frames each activation has, in the debug variant, innermost first.
pub(super) fn activations(store: &mut StoreContextMut<'_, State>) -> Vec<u32> {
    all_handles(store).1
}

/// The handles of the frames of the innermost activation, innermost first.
pub(super) fn innermost_activation(store: &mut StoreContextMut<'_, State>) -> Vec<FrameHandle> {
    let (mut all, counts) = all_handles(store);
    all.truncate(counts.first().map_or(0, |count| *count as usize));
    all
}

/// All frames, and how many of them each activation has.
fn all_handles(store: &mut StoreContextMut<'_, State>) -> (Vec<FrameHandle>, Vec<u32>) {
    let mut all = Vec::new();
    let mut counts: Vec<u32> = Vec::new();
    // Below a start function is code of Wasmtime's own that fills memories and tables, and one
    // that is a call out is called without any. There is no frame of the
    // guest's: asked for one, Wasmtime tells another function's, and panics where the module
    // has none.
    let most = match store.data().instances.is_starting() {
        true => WasmBacktrace::force_capture(&*store).frames().len(),
        false => usize::MAX,
    };
    let (instances, entered) = (&store.data().instances, store.data().entered().len());
    let (is_starting, begun) = match instances.is_starting() {
        true => (
            true,
            entered + usize::from(!instances.starts_with_call_out()),
        ),
        false => (false, usize::MAX),
    };
    // One exit after the other: even to ask for one that is not there panics.
    while counts.len() < begun && all.len() < most {
        let Some(exit) = store.debug_exit_frames().nth(counts.len()) else {
            break;
        };
        let mut next = Some(exit);
        while let Some(frame) = next.take() {
            if all.len() + 1 < most {
                next = frame.parent(store.as_context_mut()).ok().flatten();
            }
            all.push(frame);
        }
        counts.push(all.len() as u32 - counts.iter().sum::<u32>());
    }
    if is_starting {
        counts.resize(entered + 1, 0);
    }
    if store.data().ending.overflowed && !all.is_empty() {
        // The function that there was no room for has not begun.
        all.remove(0);
        if let Some(innermost) = counts.first_mut() {
            *innermost = innermost.saturating_sub(1);
        }
    }
    (all, counts)
}

/// How many frames there are, and the innermost one.
pub fn innermost(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    doing: Innermost,
) -> (u32, Option<Frame>) {
    if !has_hooks(store) {
        let frames = backtrace::frames(store, modules, doing);
        return (frames.len() as u32, frames.first().copied());
    }
    let handles = handles(store);
    let first = handles.first();
    let frame = first.and_then(|handle| describe(store, modules, handle, doing));
    (handles.len() as u32, frame)
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
    let is_calling = doing == Innermost::Calling
        || doing == Innermost::Trapped && store.data().ending.overflowed;
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

/// The innermost frame: it takes no walk to find.
pub fn first(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    doing: Innermost,
) -> Option<Frame> {
    if !has_hooks(store) {
        return backtrace::frames(store, modules, doing).first().copied();
    }
    let handle = handle(store, 0)?;
    describe(store, modules, &handle, doing)
}

fn handle(store: &mut StoreContextMut<'_, State>, index: usize) -> Option<FrameHandle> {
    match index {
        0 => store.debug_exit_frames().next(),
        _ => handles(store).into_iter().nth(index),
    }
}

/// Where the innermost frame stands in compiled code, in the debug variant: what a
/// breakpoint was set at.
pub fn compiled_place(store: &mut StoreContextMut<'_, State>) -> Option<(ModuleId, u32)> {
    let handle = handle(store, 0)?;
    let instance = handle.instance(store.as_context_mut()).ok()?;
    let (_, module) = store.data().identity_of(instance)?;
    let (_, pc) = handle
        .wasm_function_index_and_pc(store.as_context_mut())
        .ok()??;
    Some((module, pc.raw()))
}

/// A local of a frame, in the debug variant.
pub fn local(
    store: &mut StoreContextMut<'_, State>,
    frame: usize,
    index: u32,
) -> Option<CoreValue> {
    let handle = handle(store, frame)?;
    let local = handle.local(store.as_context_mut(), index).ok()?;
    Some(value(&local))
}

/// A value of a frame's operand stack, in the debug variant; 0 is the bottom.
pub fn operand(
    store: &mut StoreContextMut<'_, State>,
    frame: usize,
    index: u32,
) -> Option<CoreValue> {
    let handle = handle(store, frame)?;
    let operand = handle.stack(store.as_context_mut(), index).ok()?;
    Some(value(&operand))
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
    if !has_hooks(store) {
        return backtrace::frames(store, modules, innermost);
    }
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

/// The operand stack of the innermost frame, bottom first, in the debug variant.
pub fn innermost_operands(store: &mut StoreContextMut<'_, State>) -> Vec<CoreValue> {
    let handle = handle(store, 0);
    handle.map_or_else(Vec::new, |handle| operands(store, &handle))
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
///
/// # Errors
///
/// If the instance keeps one to itself, in optimised code.
pub fn globals(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
) -> Result<Vec<CoreValue>, NeedsDebug> {
    let count = count(store, modules, instance, Sort::Global);
    let mut values = Vec::with_capacity(count as usize);
    for index in 0..count {
        values.extend(global(store, modules, instance, index)?);
    }
    Ok(values)
}

/// One global; `None` if there are fewer.
///
/// # Errors
///
/// If the instance keeps it to itself, in optimised code.
pub fn global(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    index: u32,
) -> Result<Option<CoreValue>, NeedsDebug> {
    if index >= count(store, modules, instance, Sort::Global) {
        return Ok(None);
    }
    match item(store, modules, instance, Sort::Global, index)? {
        Extern::Global(global) => Ok(Some(value(&global.get(store.as_context_mut())))),
        _ => Ok(None),
    }
}

/// Bytes of a core instance's memory; as many as there are.
///
/// # Errors
///
/// If the instance keeps it to itself, in optimised code.
pub fn memory(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    memory: u32,
    address: u64,
    length: usize,
) -> Result<Vec<u8>, NeedsDebug> {
    let memory = memory_of(store, modules, instance, memory)?;
    let bytes = memory.map(|memory| slice(memory.data(&*store), address, length).to_vec());
    Ok(bytes.unwrap_or_default())
}

/// A memory of a core instance; `None` if there are fewer, or no such instance yet.
///
/// # Errors
///
/// If the instance keeps it to itself, in optimised code.
pub fn memory_of(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    memory: u32,
) -> Result<Option<Memory>, NeedsDebug> {
    if memory >= count(store, modules, instance, Sort::Memory) {
        return Ok(None);
    }
    Ok(
        match item(store, modules, instance, Sort::Memory, memory)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        },
    )
}

/// The sizes of an instance's memories in bytes, as the original module numbers them.
///
/// # Errors
///
/// If the instance keeps one to itself, in optimised code.
pub fn memory_sizes(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
) -> Result<Vec<u64>, NeedsDebug> {
    (0..count(store, modules, instance, Sort::Memory))
        .map(
            |index| match item(store, modules, instance, Sort::Memory, index)? {
                Extern::Memory(memory) => Ok(memory.data_size(&*store) as u64),
                _ => Err(NeedsDebug),
            },
        )
        .collect()
}

/// How many memories, globals or tables an instance has.
pub(super) fn count(
    store: &StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    sort: Sort,
) -> u32 {
    let instance = store.data().instances().get(instance.0 as usize);
    instance
        .and_then(|instance| modules.get(instance.module.0 as usize))
        .map_or(0, |module| module.code.count(sort))
}

/// A memory, global or table of an instance, as the original module numbers them.
pub(super) fn item(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    instance: InstanceId,
    sort: Sort,
    index: u32,
) -> Result<Extern, NeedsDebug> {
    let instances = store.data().instances();
    let instance = *instances.get(instance.0 as usize).ok_or(NeedsDebug)?;
    let module = modules.get(instance.module.0 as usize).ok_or(NeedsDebug)?;
    let found = if has_hooks(store) {
        hooked_item(store, &module.code, instance, sort, index)
    } else {
        let exported = match (store.data().variant().probe(), sort) {
            (Some(_), Sort::Memory) => probes::memory(&mut *store, instance, index),
            _ => None,
        };
        let exported = exported.map(Extern::Memory);
        exported.or_else(|| outside_item(store, module.code.outside(sort, index), instance, sort))
    };
    found.ok_or(NeedsDebug)
}

fn hooked_item(
    store: &mut StoreContextMut<'_, State>,
    code: &Code,
    instance: CoreInstance,
    sort: Sort,
    index: u32,
) -> Option<Extern> {
    let handle = instance.handle;
    let store = store.as_context_mut();
    Some(match sort {
        Sort::Memory => handle.debug_memory(store, index)?.into(),
        Sort::Global => handle
            .debug_global(store, code.compiled_global(index))?
            .into(),
        Sort::Table => handle.debug_table(store, index)?.into(),
    })
}

fn outside_item(
    store: &mut StoreContextMut<'_, State>,
    outside: Outside<'_>,
    instance: CoreInstance,
    sort: Sort,
) -> Option<Extern> {
    match outside {
        Outside::Imported(index) => {
            let imports = store.data().instances.imports_of(instance.id)?;
            let mut of_sort = imports.iter().filter(|import| {
                matches!(
                    (import, sort),
                    (Extern::Memory(_), Sort::Memory)
                        | (Extern::Global(_), Sort::Global)
                        | (Extern::Table(_), Sort::Table)
                )
            });
            of_sort.nth(index as usize).cloned()
        }
        Outside::Exported(name) => instance.handle.get_export(store.as_context_mut(), name),
        Outside::Hidden => None,
    }
}

/// The part of a memory that there is.
pub fn slice(data: &[u8], address: u64, length: usize) -> &[u8] {
    let start = usize::try_from(address)
        .unwrap_or(usize::MAX)
        .min(data.len());
    let end = start.saturating_add(length).min(data.len());
    data.get(start..end).unwrap_or_default()
}
