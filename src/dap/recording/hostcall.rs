//! A hostcall as values: what it was given, what it will answer, and how both
//! look at the core boundary.

use super::Recording;
use crate::component::types::CoreValue;
use crate::dap::debuggee::DebuggeeError;
use crate::inspect::hostcalls;
use crate::inspect::lift::{Lifted, Lifter};
use crate::replay::Answer;
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
        let lifter = Lifter::new(&read, crossing.encoding, crossing.pointer);
        let args = &in_progress.calling.args;
        let arguments = hostcalls::arguments(&lifter, crossing, args);
        let result = in_progress.answer.as_ref().and_then(|answer| {
            // Memory as it will be when the call returns.
            let read = |address: u64, length: u64| {
                let mut bytes = read(address, length)?;
                overlay(answer, address, &mut bytes);
                Some(bytes)
            };
            let lifter = Lifter::new(&read, crossing.encoding, crossing.pointer);
            hostcalls::result(&lifter, crossing, args, &answer.results)
        });
        Ok(Hostcall {
            name: crossing.name.clone(),
            arguments,
            result,
            in_progress,
        })
    }
}

/// Writes what the far side will have written over bytes read at `address`.
fn overlay(answer: &Answer, address: u64, bytes: &mut [u8]) {
    for (at, written) in &answer.writes {
        for (i, byte) in written.iter().enumerate() {
            let position = (at + i as u64).checked_sub(address);
            let slot = position
                .and_then(|p| usize::try_from(p).ok())
                .and_then(|p| bytes.get_mut(p));
            if let Some(slot) = slot {
                *slot = *byte;
            }
        }
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
