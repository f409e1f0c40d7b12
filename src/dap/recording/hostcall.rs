//! A hostcall as values: what it was given, what it will answer, and how both
//! look at the core boundary.

use super::Recording;
use crate::component::types::CoreValue;
use crate::dap::debuggee::DebuggeeError;
use crate::inspect::in_progress::LiftedCall;
use crate::inspect::lift::Lifted;
use crate::timeline::CrossingInProgress;
use std::cell::RefCell;

/// The outgoing crossing in progress, lifted.
pub(super) struct Hostcall {
    pub(super) name: String,
    pub(super) in_progress: CrossingInProgress,
    pub(super) arguments: Vec<(String, Lifted)>,
    pub(super) result: Option<Lifted>,
}

impl Recording {
    /// The hostcall that the guest is in.
    pub(super) fn hostcall(&mut self) -> Result<Hostcall, DebuggeeError> {
        let none = || DebuggeeError::other("the guest is not in a hostcall here");
        let in_progress = self.timeline.crossing()?.ok_or_else(none)?;
        let component = self.timeline.trace().component().clone();
        let crossing = component
            .crossing(in_progress.calling.crossing)
            .ok_or_else(none)?;
        let timeline = RefCell::new(&mut self.timeline);
        let read = |address: u64, length: u64| {
            let length = u32::try_from(length).ok()?;
            let bytes = timeline
                .borrow_mut()
                .crossing_memory(address, length)
                .ok()?;
            (bytes.len() == length as usize).then_some(bytes)
        };
        let answer = in_progress.answer.as_ref();
        let lifted = LiftedCall::lift(crossing, &in_progress.calling, answer, &read);
        Ok(Hostcall {
            name: lifted.name,
            arguments: lifted.arguments,
            result: lifted.result,
            in_progress,
        })
    }
}

impl Hostcall {
    /// The core level of the call: name and value.
    pub(super) fn lowered(&self) -> Vec<(String, CoreValue)> {
        let args = self.in_progress.calling.args.iter().enumerate();
        let mut rows: Vec<_> = args.map(|(i, v)| (format!("arg{i}"), *v)).collect();
        if let Some(answer) = &self.in_progress.answer {
            let results = answer.results.iter().enumerate();
            rows.extend(results.map(|(i, v)| (format!("result{i}"), *v)));
        }
        rows
    }

    /// The memory that the far side writes: name and bytes.
    pub(super) fn writes(&self) -> Vec<(String, Vec<u8>)> {
        let writes = self.in_progress.answer.iter().flat_map(|a| &a.writes);
        writes
            .map(|(address, bytes)| {
                (
                    format!("memory[{address:#x}; {}]", bytes.len()),
                    bytes.clone(),
                )
            })
            .collect()
    }
}
