//! How calls, reads and writes come to an end that were not done when they returned, and what
//! they bring.

use super::builtin_call;
use super::call::return_area;
use super::lift::{Lifted, Lifter};
use crate::component::status::{CopyAnswer, CopyResult, EventCode, SubtaskState};
use crate::component::types::CoreValue;
use crate::component::{Builtin, Crossing, CrossingKind, Transmit};

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// A call.
    Call(SubtaskState),
    /// A read or a write.
    Copy(CopyAnswer),
}

impl Resolution {
    /// What an event tells of a waitable, if that is the end of something.
    pub fn of_event(code: u32, payload: u32) -> Option<Resolution> {
        match EventCode::of(code)? {
            EventCode::Subtask => Resolution::of_state(payload),
            EventCode::StreamRead
            | EventCode::StreamWrite
            | EventCode::FutureRead
            | EventCode::FutureWrite => Some(Resolution::Copy(CopyAnswer::of(payload))),
            EventCode::None | EventCode::TaskCancelled => None,
        }
    }

    /// What a built-in answers that is asked to cancel something, if it is over then.
    pub fn of_cancelling(builtin: &Builtin, answer: u32) -> Option<Resolution> {
        match builtin {
            Builtin::SubtaskCancel => Resolution::of_state(answer),
            Builtin::Stream(Transmit::CancelRead | Transmit::CancelWrite, _)
            | Builtin::Future(Transmit::CancelRead | Transmit::CancelWrite, _) => {
                let copy = CopyAnswer::of(answer);
                (copy != CopyAnswer::Blocked).then_some(Resolution::Copy(copy))
            }
            _ => None,
        }
    }

    fn of_state(state: u32) -> Option<Resolution> {
        let state = SubtaskState::of(state)?;
        state.is_resolved().then_some(Resolution::Call(state))
    }

    /// Whether it is a call that has its result.
    pub fn has_returned(self) -> bool {
        self == Resolution::Call(SubtaskState::Returned)
    }

    /// In the specification's words, with what came: `returned`, `ok(5) returned`,
    /// `completed(12)`, `completed(b"hello")`.
    pub fn text(self, brought: Option<&str>) -> String {
        match (self, brought) {
            (Resolution::Call(state), None) => state.name().to_owned(),
            (Resolution::Call(state), Some(value)) => format!("{value} {}", state.name()),
            (Resolution::Copy(copy), Some(value)) => format!("{}({value})", copy.name()),
            (Resolution::Copy(copy @ CopyAnswer::Ended { count, .. }), None) if count > 0 => {
                format!("{}({count})", copy.name())
            }
            (Resolution::Copy(copy), None) => copy.name().to_owned(),
        }
    }

    /// What it brought, in memory as it is when the program is told: the result of a call, what
    /// was read, and of what was to be written that which was taken. `None` where that is nothing.
    pub fn brought(
        self,
        lifter: &Lifter<'_>,
        crossing: &Crossing,
        args: &[CoreValue],
    ) -> Option<Lifted> {
        match (self, &crossing.kind) {
            (Resolution::Call(_), CrossingKind::Lower) if self.has_returned() => {
                let ty = crossing.function.as_ref()?.result.as_ref()?;
                let area = return_area(crossing, args)?;
                Some(lifter.stored(ty, area.address))
            }
            (Resolution::Copy(copy), CrossingKind::Builtin(builtin)) => {
                copied(copy, lifter, builtin, args)
            }
            _ => None,
        }
    }
}

/// What a read or a write has copied.
fn copied(
    copy: CopyAnswer,
    lifter: &Lifter<'_>,
    builtin: &Builtin,
    args: &[CoreValue],
) -> Option<Lifted> {
    let CopyAnswer::Ended { result, count } = copy else {
        return None;
    };
    let address = args.get(1)?;
    match builtin {
        Builtin::Stream(Transmit::Read | Transmit::Write, Some(element)) if count > 0 => {
            Some(builtin_call::elements(lifter, element, *address, count))
        }
        Builtin::Future(Transmit::Read | Transmit::Write, Some(value))
            if result == Some(CopyResult::Completed) =>
        {
            let address = builtin_call::number(Some(address))?;
            Some(lifter.stored(value, address))
        }
        _ => None,
    }
}

/// Of a write that was done at once, but took less than it was offered: what it took.
pub(super) fn taken(
    lifter: &Lifter<'_>,
    crossing: &Crossing,
    args: &[CoreValue],
    results: &[CoreValue],
) -> Option<Lifted> {
    let Some(builtin @ Builtin::Stream(Transmit::Write, _)) = crossing.builtin() else {
        return None;
    };
    let copy = CopyAnswer::of(builtin_call::number(results.first())? as u32);
    let offered = builtin_call::number(args.get(2))?;
    match copy {
        CopyAnswer::Ended { count, .. } if u64::from(count) < offered => {
            copied(copy, lifter, builtin, args)
        }
        _ => None,
    }
}
