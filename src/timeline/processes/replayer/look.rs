//! Looking: questions about a guest that stands still, answered.

use super::super::wire::{CrossingInProgress, Reply, Request};
use super::here::Here;
use crate::replay::State;
use crate::replay::boundary;
use crate::replay::frames::{self, NeedsDebug};
use crate::replay::tables;
use crate::replay::variant::Variant;
use crate::trace::TraceError;
use wasmtime::StoreContextMut;

/// Answers a question about where the guest stands.
pub(super) fn look(here: &mut Here<'_, '_>, request: &Request) -> Reply {
    match request {
        Request::Frames => {
            let doing = here.kind.doing(here.store.data());
            Reply::Frames(frames::frames(here.store, here.modules, doing))
        }
        Request::Locals { frame } => values(here, *frame, true).into(),
        Request::Operands { frame } => values(here, *frame, false).into(),
        Request::Globals { instance } => {
            frames::globals(here.store, here.modules, *instance).into()
        }
        Request::Tables { instance } => tables::sizes(here.store, here.modules, *instance)
            .map_or(Reply::NeedsDebug, Reply::Sizes),
        Request::Memories { instance } => frames::memory_sizes(here.store, here.modules, *instance)
            .map_or(Reply::NeedsDebug, Reply::Sizes),
        Request::Table {
            instance,
            table,
            from,
            count,
        } => {
            let (store, modules) = (&mut *here.store, here.modules);
            tables::elements(store, modules, *instance, *table, *from, *count)
                .map_or(Reply::NeedsDebug, Reply::Elements)
        }
        Request::Memory {
            instance,
            memory,
            address,
            length,
        } => {
            let length = *length as usize;
            let (store, modules) = (&mut *here.store, here.modules);
            frames::memory(store, modules, *instance, *memory, *address, length)
                .map_or(Reply::NeedsDebug, Reply::Bytes)
        }
        Request::Crossing => crossing(here.store.data()),
        Request::Boundary => {
            let doing = here.kind.doing(here.store.data());
            let frames = frames::frames(here.store, here.modules, doing);
            Reply::Boundary(boundary::open(here.store, here.modules, &frames))
        }
        Request::Leaving { entered } => {
            let end = boundary::leaving(here.store.data(), *entered as usize);
            end.map_or_else(failed, Reply::Leaving)
        }
        Request::CrossingMemory { address, length } => {
            Reply::Bytes(crossing_bytes(here.store, *address, *length as usize).to_vec())
        }
        Request::Instances => {
            let instances = here.store.data().instances().iter();
            Reply::Instances(
                instances
                    .map(|i| (i.module, i.component_instance.0))
                    .collect(),
            )
        }
        Request::Load(_) | Request::Fork { .. } | Request::Run(_) => Reply::Done,
    }
}

type Values = Vec<crate::component::types::CoreValue>;

impl From<Result<Values, NeedsDebug>> for Reply {
    fn from(values: Result<Values, NeedsDebug>) -> Self {
        values.map_or(Reply::NeedsDebug, Reply::Values)
    }
}

/// The locals or the operand stack of a frame.
fn values(here: &mut Here<'_, '_>, frame: u32, locals: bool) -> Result<Values, NeedsDebug> {
    if here.store.data().variant() != Variant::Debug {
        return Err(NeedsDebug);
    }
    let handles = frames::handles(here.store);
    let Some(handle) = handles.get(frame as usize) else {
        return Ok(Vec::new());
    };
    if !locals {
        return Ok(frames::operands(here.store, handle));
    }
    // Which instruction it is at does not matter for that.
    let doing = here.kind.doing(here.store.data());
    let described = frames::describe(here.store, here.modules, handle, doing);
    Ok(described.map_or_else(Vec::new, |frame| {
        frames::locals(here.store, here.modules, handle, &frame)
    }))
}

fn failed(error: TraceError) -> Reply {
    Reply::Failed(error.to_string())
}

fn crossing(state: &State) -> Reply {
    let Some(calling) = state.in_progress().last() else {
        return Reply::Crossing(None);
    };
    state.answer().map_or_else(failed, |answer| {
        Reply::Crossing(Some(Box::new(CrossingInProgress {
            calling: calling.clone(),
            answer,
        })))
    })
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
