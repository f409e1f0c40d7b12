//! The hostcall that the guest is in, lifted: what it was given, and what the recording
//! says that it will answer.

use super::hostcalls;
use super::lift::{Lifted, Lifter, Memory};
use crate::component::Crossing;
use crate::replay::{Answer, Calling};
use crate::trace::Written;

/// A hostcall in progress.
#[derive(Debug, Clone, Default)]
pub struct LiftedCall {
    /// The WIT name.
    pub name: String,
    /// By their names, in the order of the parameters.
    pub arguments: Vec<(String, Lifted)>,
    /// What it will answer; `None` if it has no result, or the recording ends before.
    pub result: Option<Lifted>,
}

impl LiftedCall {
    /// Lifts a call out, reading the memory of its crossing as it is before the call
    /// returns.
    pub fn lift(
        crossing: &Crossing,
        calling: &Calling,
        answer: Option<&Answer>,
        memory: &Memory<'_>,
    ) -> LiftedCall {
        let lifter = Lifter::new(memory, crossing.encoding, crossing.pointer);
        let arguments = hostcalls::arguments(&lifter, crossing, &calling.args);
        let result = answer.and_then(|answer| {
            // Memory as it will be when the call returns.
            let after = |address: u64, length: u64| {
                let mut bytes = memory(address, length)?;
                overlay(&answer.writes, address, &mut bytes);
                Some(bytes)
            };
            let lifter = Lifter::new(&after, crossing.encoding, crossing.pointer);
            hostcalls::result(&lifter, crossing, &calling.args, &answer.results)
        });
        LiftedCall {
            name: crossing.name.to_string(),
            arguments,
            result,
        }
    }

    /// The argument with a name.
    pub fn argument(&self, name: &str) -> Option<&Lifted> {
        let mut arguments = self.arguments.iter();
        arguments
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }
}

/// Puts what will have been written over bytes read at `address`.
pub fn overlay(writes: &[Written], address: u64, bytes: &mut [u8]) {
    for written in writes {
        let at = written.address;
        let skip = usize::try_from(address.saturating_sub(at)).unwrap_or(usize::MAX);
        let to = usize::try_from(at.saturating_sub(address)).unwrap_or(usize::MAX);
        let source = written.bytes.get(skip..).unwrap_or_default();
        let target = bytes.get_mut(to..).unwrap_or_default();
        for (slot, byte) in target.iter_mut().zip(source) {
            *slot = *byte;
        }
    }
}
