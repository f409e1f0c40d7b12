//! The core boundary as it is open at a moment: the calls out of the guest and into
//! it that are in progress, and which frames run between them.

pub use crate::trace::Way;

use super::calls::{Calling, Entered};
use super::code::Sort;
use super::frames::{self, Frame, ModuleCode};
use super::position::InstanceId;
use super::state::State;
use crate::component::CrossingId;
use crate::component::types::CoreValue;
use crate::trace::{CallEnd, Instance, TraceError};
use serde::{Deserialize, Serialize};
use wasmtime::{AsContextMut, Extern, Func, Memory, StoreContextMut};

/// A crossing in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Whether the guest calls or is called.
    pub way: Way,
    /// The component instance on the guest's side.
    pub instance: Instance,
    /// Which of the component's crossings it is.
    pub crossing: CrossingId,
    /// Its flat arguments.
    pub args: Vec<CoreValue>,
    /// Outgoing crossings made before it: of a call out, its number.
    pub event: u64,
    /// How many frames of the guest are outside of it.
    pub outside: u32,
    /// The memory that it reads and writes, and its number there.
    pub memory: Option<(InstanceId, u32)>,
}

impl Open {
    fn out(calling: &Calling) -> Open {
        Open {
            way: Way::Out,
            instance: calling.instance,
            crossing: calling.crossing,
            args: calling.args.clone(),
            event: calling.event,
            outside: 0,
            memory: None,
        }
    }

    fn into_guest(entered: &Entered) -> Open {
        Open {
            way: Way::In,
            instance: entered.instance,
            crossing: entered.crossing,
            args: entered.args.clone(),
            event: entered.event,
            outside: 0,
            memory: None,
        }
    }
}

/// The crossings in progress, outermost first, among these frames (innermost first).
pub fn open(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    frames: &[Frame],
) -> Vec<Open> {
    let bounds = outside_of_entries(store, modules, frames);
    let state = store.data();
    let calls = state.in_progress();
    let mut crossings: Vec<Open> = Vec::with_capacity(calls.len() + bounds.len());
    let mut told = 0;
    let mut tell_calls = |crossings: &mut Vec<Open>, until: usize, outside: u32| {
        let here = calls.get(told..until).unwrap_or_default();
        crossings.extend(here.iter().map(|calling| Open {
            outside,
            ..Open::out(calling)
        }));
        told = told.max(until);
    };
    for (entered, outside) in state.entered().iter().zip(bounds) {
        tell_calls(&mut crossings, entered.below, outside);
        crossings.push(Open {
            outside,
            ..Open::into_guest(entered)
        });
    }
    tell_calls(&mut crossings, calls.len(), frames.len() as u32);
    for crossing in &mut crossings {
        let memory = store.data().memory_of(crossing.instance, crossing.crossing);
        crossing.memory = memory.and_then(|memory| whose(store, modules, memory));
    }
    crossings
}

/// The memory that a crossing of a component instance reads and writes, and its number in the
/// instance that has it.
pub fn memory_of(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    (instance, crossing): (Instance, CrossingId),
) -> Option<(InstanceId, u32)> {
    let memory = store.data().memory_of(instance, crossing)?;
    whose(store, modules, memory)
}

/// What the recording says that a call into the guest will return, by its index in
/// [`State::entered`].
///
/// # Errors
///
/// If the recording is damaged there.
pub fn leaving(state: &State, entered: usize) -> Result<CallEnd, TraceError> {
    match state.calls.open_entered(entered) {
        Some(call) => state.cursor.clone().end_of(call),
        None => Ok(CallEnd::Never),
    }
}

/// For each call into the guest, outermost first, how many frames are outside of it.
fn outside_of_entries(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    frames: &[Frame],
) -> Vec<u32> {
    if frames::has_hooks(store) {
        return outside_by_activations(store);
    }
    outside_by_functions(store, modules, frames)
}

/// Each call into the guest begins an activation.
fn outside_by_activations(store: &mut StoreContextMut<'_, State>) -> Vec<u32> {
    let mut counts = frames::activations(store);
    counts.reverse();
    // A start function runs in an activation that nobody entered.
    let own = usize::from(store.data().instances.is_starting());
    let mut outside: u32 = counts.iter().take(own).sum();
    let entries = store.data().entered().len();
    let counts = counts.into_iter().skip(own).chain(std::iter::repeat(0));
    let bounds = counts.take(entries).map(|count| {
        let bound = outside;
        outside += count;
        bound
    });
    bounds.collect()
}

/// Optimised code does not tell activations apart, but each begins with the function
/// that was called from outside. It is looked for from the inside; where it has called
/// itself, the outermost of those frames is taken.
fn outside_by_functions(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    frames: &[Frame],
) -> Vec<u32> {
    let entered: Vec<(Instance, CrossingId)> = store
        .data()
        .entered()
        .iter()
        .map(|entered| (entered.instance, entered.crossing))
        .collect();
    let mut bounds = Vec::with_capacity(entered.len());
    let mut inside = 0;
    for (nth, key) in entered.iter().enumerate().rev() {
        let first_of_all = nth == 0 && !store.data().instances.is_starting();
        let begins = match (first_of_all, exported_function(store, modules, *key)) {
            (true, _) => Some(frames.len()),
            (false, Some(function)) => {
                let is_it = |frame: &Frame| (frame.instance, frame.function) == function;
                let rest = frames.get(inside..).unwrap_or_default();
                rest.iter().position(is_it).map(|first| {
                    let same = rest.iter().skip(first).take_while(|frame| is_it(frame));
                    inside + first + same.count()
                })
            }
            (false, None) => None,
        };
        inside = begins.unwrap_or(inside);
        bounds.push((frames.len() - inside) as u32);
    }
    bounds.reverse();
    bounds
}

/// The core function behind a call into the guest.
fn exported_function(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    key: (Instance, CrossingId),
) -> Option<(InstanceId, u32)> {
    let wanted = store.data().instances.incoming(key.0, key.1)?;
    let wanted = address(store, wanted);
    for instance in store.data().instances().to_vec() {
        let Some(module) = modules.get(instance.module.0 as usize) else {
            continue;
        };
        for (index, name) in module.code.function_exports() {
            let function = instance.handle.get_func(store.as_context_mut(), name);
            if function.is_some_and(|function| address(store, function) == wanted) {
                return Some((instance.id, *index));
            }
        }
    }
    None
}

/// What stands for a function: the same for the same one.
fn address(store: &mut StoreContextMut<'_, State>, function: Func) -> usize {
    function.to_raw(store.as_context_mut()).addr()
}

/// The instance that has a memory, and its number there.
fn whose(
    store: &mut StoreContextMut<'_, State>,
    modules: &[ModuleCode],
    memory: Memory,
) -> Option<(InstanceId, u32)> {
    let wanted = memory.data_ptr(&*store);
    let ids: Vec<InstanceId> = store.data().instances().iter().map(|i| i.id).collect();
    for id in ids {
        for index in 0..frames::count(store, modules, id, Sort::Memory) {
            let found = frames::item(store, modules, id, Sort::Memory, index);
            if let Ok(Extern::Memory(found)) = found
                && found.data_ptr(&*store) == wanted
            {
                return Some((id, index));
            }
        }
    }
    None
}
