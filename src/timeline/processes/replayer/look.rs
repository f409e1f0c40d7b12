//! Looking: questions about a guest that stands still, answered.

use super::here::Here;
use crate::component::ModuleId;
use crate::component::types::CoreValue;
use crate::replay::boundary::{self, Open, Way};
use crate::replay::frames::{self, Frame, NeedsDebug};
use crate::replay::tables::{self, Element};
use crate::replay::variant::Variant;
use crate::replay::{Answer, GuestStack, InstanceId, Split, State};
use crate::timeline::processes::wire::ask::{
    Answered, Boundary, CallOnStack, Crossing, CrossingInProgress, CrossingMemory, Frames, Globals,
    Instances, Leaving, Locals, Memories, Memory, MemoryOf, OnStack, Operands, Question, Splits,
    Stacks, Table, Tables, Waits,
};
use crate::timeline::processes::wire::greeting::Refusal;
use crate::trace::{CallEnd, TraceError};
use wasmtime::StoreContextMut;

/// A question about where the guest stands.
pub(super) trait Look: Question {
    /// Answers it.
    fn look(&self, here: &mut Here<'_, '_>) -> Answered<Self>;
}

impl From<NeedsDebug> for Refusal {
    fn from(NeedsDebug: NeedsDebug) -> Refusal {
        Refusal::NeedsDebug
    }
}

impl From<TraceError> for Refusal {
    fn from(error: TraceError) -> Refusal {
        Refusal::Failed(error.to_string())
    }
}

impl Look for Frames {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<Frame>, Refusal> {
        Ok(all_frames(here))
    }
}

impl Look for OnStack {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<CallOnStack>, Refusal> {
        let frames = all_frames(here);
        let open = boundary::open(here.store, here.modules, &frames);
        let entered = open.iter().filter(|open| open.way == Way::In);
        let serials = here.store.data().on_stack().into_iter();
        let calls = serials.zip(entered).map(|(serial, open)| CallOnStack {
            serial,
            outside: open.outside,
        });
        Ok(calls.collect())
    }
}

impl Look for Splits {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<Split>, Refusal> {
        Ok(here.store.data().splits().to_vec())
    }
}

impl Look for Waits {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<bool, Refusal> {
        Ok(here.store.data().is_elsewhere(&self.0, false) == Some(true))
    }
}

impl Look for Stacks {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<GuestStack>, Refusal> {
        Ok(here.store.data().stacks())
    }
}

fn all_frames(here: &mut Here<'_, '_>) -> Vec<Frame> {
    let doing = here.kind.doing(here.store.data());
    frames::frames(here.store, here.modules, doing)
}

impl Look for Locals {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<CoreValue>, Refusal> {
        needs_debug(here)?;
        let handles = frames::handles(here.store);
        let Some(handle) = handles.get(self.frame as usize) else {
            return Ok(Vec::new());
        };
        // Which instruction it is at does not matter for that.
        let doing = here.kind.doing(here.store.data());
        let described = frames::describe(here.store, here.modules, handle, doing);
        Ok(described.map_or_else(Vec::new, |frame| {
            frames::locals(here.store, here.modules, handle, &frame)
        }))
    }
}

impl Look for Operands {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<CoreValue>, Refusal> {
        needs_debug(here)?;
        let handles = frames::handles(here.store);
        let handle = handles.get(self.frame as usize);
        Ok(handle.map_or_else(Vec::new, |handle| frames::operands(here.store, handle)))
    }
}

fn needs_debug(here: &Here<'_, '_>) -> Result<(), NeedsDebug> {
    match here.store.data().variant() {
        Variant::Debug => Ok(()),
        _ => Err(NeedsDebug),
    }
}

impl Look for Globals {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<CoreValue>, Refusal> {
        Ok(frames::globals(here.store, here.modules, self.0)?)
    }
}

impl Look for Memories {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<u64>, Refusal> {
        Ok(frames::memory_sizes(here.store, here.modules, self.0)?)
    }
}

impl Look for Memory {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<u8>, Refusal> {
        let range = self.0;
        Ok(frames::memory(
            here.store,
            here.modules,
            range.instance,
            range.memory,
            range.address,
            range.length as usize,
        )?)
    }
}

impl Look for Tables {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<u64>, Refusal> {
        Ok(tables::sizes(here.store, here.modules, self.0)?)
    }
}

impl Look for Table {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<Element>, Refusal> {
        Ok(tables::elements(
            here.store,
            here.modules,
            self.instance,
            self.table,
            self.from,
            self.count,
        )?)
    }
}

impl Look for Crossing {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Option<CrossingInProgress>, Refusal> {
        let state = here.store.data();
        let Some(calling) = state.in_progress().last() else {
            return Ok(None);
        };
        let answer: Option<Answer> = state.answer()?;
        Ok(Some(CrossingInProgress {
            calling: calling.clone(),
            answer,
        }))
    }
}

impl Look for CrossingMemory {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<u8>, Refusal> {
        Ok(crossing_bytes(here.store, self.address, self.length as usize).to_vec())
    }
}

/// Bytes of the memory of the crossing in progress: fewer than asked for where it ends.
pub(super) fn crossing_bytes<'s>(
    store: &'s StoreContextMut<'_, State>,
    address: u64,
    length: usize,
) -> &'s [u8] {
    let state = store.data();
    let call = state.in_progress().last();
    let memory = call.and_then(|call| state.memory_of(call.instance, call.crossing));
    let data = memory.map_or(&[][..], |memory| memory.data(store));
    frames::slice(data, address, length)
}

impl Look for Boundary {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<Open>, Refusal> {
        let frames = all_frames(here);
        Ok(boundary::open(here.store, here.modules, &frames))
    }
}

impl Look for MemoryOf {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Option<(InstanceId, u32)>, Refusal> {
        let of = (self.instance, self.crossing);
        Ok(boundary::memory_of(here.store, here.modules, of))
    }
}

impl Look for Leaving {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<CallEnd, Refusal> {
        Ok(boundary::leaving(here.store.data(), self.entered as usize)?)
    }
}

impl Look for Instances {
    fn look(&self, here: &mut Here<'_, '_>) -> Result<Vec<(ModuleId, u32)>, Refusal> {
        let instances = here.store.data().instances().iter();
        let instances = instances.map(|i| (i.module, i.component_instance.0));
        Ok(instances.collect())
    }
}
