//! The numbers by which the canonical ABI tells how asynchronous calls and copies stand.
//!
//! All of them are of the component model's `CanonicalABI.md`; each type names the
//! section that defines it. A number that no section has is `None`: recordings may come
//! from anyone.

/// Where a number is packed above a code: a code takes the lowest four bits.
///
/// `canon lower` packs a subtask above its state, `canon lift` a waitable set above what
/// the task does next, `canon stream.{read,write}` a count above a [`CopyResult`].
pub const CODE_BITS: u32 = 4;
/// The bits of a code that has a number above it.
pub const CODE_MASK: u32 = (1 << CODE_BITS) - 1;

/// A code, and the number above it.
pub const fn unpack(packed: u32) -> (u32, u32) {
    (packed & CODE_MASK, packed >> CODE_BITS)
}

/// What a copy or a cancellation answers that is not done: "canon
/// stream.{read,write}", "canon subtask.cancel".
pub const BLOCKED: u32 = u32::MAX;

/// How it stands with a call that the guest has made: "Subtask State".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubtaskState {
    /// The far side has not taken its arguments.
    Starting = 0,
    /// The far side has taken its arguments.
    Started = 1,
    /// Its result is there.
    Returned = 2,
    /// It was cancelled, and its arguments were never taken.
    CancelledBeforeStarted = 3,
    /// It was cancelled without a result.
    CancelledBeforeReturned = 4,
}

impl SubtaskState {
    const ALL: [SubtaskState; 5] = [
        SubtaskState::Starting,
        SubtaskState::Started,
        SubtaskState::Returned,
        SubtaskState::CancelledBeforeStarted,
        SubtaskState::CancelledBeforeReturned,
    ];

    /// The state with this code.
    pub fn of(code: u32) -> Option<SubtaskState> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The code that the guest is told.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// Whether it is the last one: nothing more comes of the call.
    pub fn is_resolved(self) -> bool {
        self >= SubtaskState::Returned
    }

    /// The specification's name, as a WIT label.
    pub fn name(self) -> &'static str {
        match self {
            SubtaskState::Starting => "starting",
            SubtaskState::Started => "started",
            SubtaskState::Returned => "returned",
            SubtaskState::CancelledBeforeStarted => "cancelled-before-started",
            SubtaskState::CancelledBeforeReturned => "cancelled-before-returned",
        }
    }
}

/// What a function lowered with `async` answers: "canon lower".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoweredAnswer {
    /// The call has returned already, and there is no subtask.
    Returned,
    /// The result comes later.
    Pending {
        /// The handle by which the guest is told of it; 0 if there is none.
        subtask: u32,
        /// How the call stands.
        state: Option<SubtaskState>,
    },
}

impl LoweredAnswer {
    /// What the answer means.
    pub fn of(answer: u32) -> LoweredAnswer {
        let (code, subtask) = unpack(answer);
        match SubtaskState::of(code) {
            Some(SubtaskState::Returned) => LoweredAnswer::Returned,
            state => LoweredAnswer::Pending { subtask, state },
        }
    }
}

/// How a copy of a stream or future ended: "Stream State".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyResult {
    /// At least one value was copied.
    Completed = 0,
    /// The other end is gone.
    Dropped = 1,
    /// The guest cancelled it.
    Cancelled = 2,
}

impl CopyResult {
    const ALL: [CopyResult; 3] = [
        CopyResult::Completed,
        CopyResult::Dropped,
        CopyResult::Cancelled,
    ];

    /// The result with this code.
    pub fn of(code: u32) -> Option<CopyResult> {
        Self::ALL.into_iter().find(|result| result.code() == code)
    }

    /// The code that the guest is told.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The specification's name, as a WIT label.
    pub fn name(self) -> &'static str {
        match self {
            CopyResult::Completed => "completed",
            CopyResult::Dropped => "dropped",
            CopyResult::Cancelled => "cancelled",
        }
    }
}

/// What a copy answers, and its event tells: "canon stream.{read,write}", "canon
/// future.{read,write}".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyAnswer {
    /// It goes on; an event tells its end.
    Blocked,
    /// It has ended.
    Ended {
        /// How.
        result: Option<CopyResult>,
        /// Elements of a stream that were copied. Of a future nothing is counted: its
        /// value was copied if the copy is completed.
        count: u32,
    },
}

impl CopyAnswer {
    /// What the answer means.
    pub fn of(answer: u32) -> CopyAnswer {
        if answer == BLOCKED {
            return CopyAnswer::Blocked;
        }
        let (code, count) = unpack(answer);
        CopyAnswer::Ended {
            result: CopyResult::of(code),
            count,
        }
    }

    /// The specification's name of how it stands, as a WIT label.
    pub fn name(self) -> &'static str {
        match self {
            CopyAnswer::Blocked => "blocked",
            CopyAnswer::Ended {
                result: Some(result),
                ..
            } => result.name(),
            CopyAnswer::Ended { result: None, .. } => "unknown",
        }
    }
}

/// What a guest is told of: "Waitable State".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventCode {
    /// Nothing has happened.
    None = 0,
    /// A call that the guest has made stands otherwise.
    Subtask = 1,
    /// A read of a stream has ended.
    StreamRead = 2,
    /// A write to a stream has ended.
    StreamWrite = 3,
    /// A read of a future has ended.
    FutureRead = 4,
    /// A write to a future has ended.
    FutureWrite = 5,
    /// The caller asks the task to end.
    TaskCancelled = 6,
}

impl EventCode {
    const ALL: [EventCode; 7] = [
        EventCode::None,
        EventCode::Subtask,
        EventCode::StreamRead,
        EventCode::StreamWrite,
        EventCode::FutureRead,
        EventCode::FutureWrite,
        EventCode::TaskCancelled,
    ];

    /// The event with this code.
    pub fn of(code: u32) -> Option<EventCode> {
        Self::ALL.into_iter().find(|event| event.code() == code)
    }

    /// The code that the guest is told.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The specification's name, as a WIT label.
    pub fn name(self) -> &'static str {
        match self {
            EventCode::None => "none",
            EventCode::Subtask => "subtask",
            EventCode::StreamRead => "stream-read",
            EventCode::StreamWrite => "stream-write",
            EventCode::FutureRead => "future-read",
            EventCode::FutureWrite => "future-write",
            EventCode::TaskCancelled => "task-cancelled",
        }
    }
}

/// What a task does next, as its `callback` or the function itself answers: "canon
/// lift".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallbackAnswer {
    /// It is done.
    Exit,
    /// It lets others run, and goes on.
    Yield,
    /// It goes on when a member of this waitable set has an event.
    Wait(u32),
    /// There is no such code.
    Unknown(u32),
}

impl CallbackAnswer {
    /// What the answer means.
    pub fn of(answer: u32) -> CallbackAnswer {
        match unpack(answer) {
            (0, _) => CallbackAnswer::Exit,
            (1, _) => CallbackAnswer::Yield,
            (2, set) => CallbackAnswer::Wait(set),
            (code, _) => CallbackAnswer::Unknown(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_the_specification_packs_them() {
        assert_eq!(LoweredAnswer::of(2), LoweredAnswer::Returned);
        let pending = |subtask, state| LoweredAnswer::Pending { subtask, state };
        let started = pending(7, Some(SubtaskState::Started));
        assert_eq!(LoweredAnswer::of(7 << 4 | 1), started);
        assert_eq!(LoweredAnswer::of(15), pending(0, None));
        assert_eq!(CopyAnswer::of(u32::MAX), CopyAnswer::Blocked);
        let dropped = CopyAnswer::Ended {
            result: Some(CopyResult::Dropped),
            count: 300,
        };
        assert_eq!(CopyAnswer::of(300 << 4 | 1), dropped);
        assert_eq!(CallbackAnswer::of(9 << 4 | 2), CallbackAnswer::Wait(9));
        assert_eq!(CallbackAnswer::of(3), CallbackAnswer::Unknown(3));
    }

    #[test]
    fn every_code_is_that_of_its_value() {
        for code in 0..32 {
            let codes = [
                SubtaskState::of(code).map(SubtaskState::code),
                CopyResult::of(code).map(CopyResult::code),
                EventCode::of(code).map(EventCode::code),
            ];
            assert!(codes.into_iter().flatten().all(|known| known == code));
        }
        let known = |of: &dyn Fn(u32) -> bool| (0..32).filter(|code| of(*code)).count();
        assert_eq!(known(&|code| SubtaskState::of(code).is_some()), 5);
        assert_eq!(known(&|code| CopyResult::of(code).is_some()), 3);
        assert_eq!(known(&|code| EventCode::of(code).is_some()), 7);
    }
}
