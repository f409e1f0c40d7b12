//! Which rule of the canonical ABI a run broke, in words: the rule, what was called, and what had
//! come before that makes it wrong.
//!
//! The message of a trap tells the rule, and the events of the recording all the rest. What a
//! handle is and was, the [handle tables](super::handles) tell; a rule that is about one tells
//! what had been done with it, too.

mod account;
mod children;
mod handles;
mod told;

use super::handles::history::TableList;
use crate::trace::{Outcome, Trace};
use wasmtime::Trap;

/// A rule that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// An instance that may not be entered.
    Enter,
    /// An instance that may not be left.
    Leave,
    /// A synchronous task that blocks.
    BlockSync,
    /// A task that ends without a result.
    NoResult,
    /// `task.return` or `task.cancel` of a task that has had one.
    ResultTwice,
    /// `task.return` of another type, or with other options.
    ResultInvalid,
    /// `task.cancel` of a task that is not asked to end.
    CancelUnasked,
    /// `subtask.cancel` of a call that is over.
    CancelOver,
    /// `subtask.drop` of a call that is not.
    DropRunning,
    /// `waitable-set.drop` while a task waits for it.
    DropAwaited,
    /// `backpressure.inc` or `.dec` too often.
    Backpressure,
    /// A callback that answers what is no code.
    CallbackCode,
    /// A second read or write of an end, while the first one goes on.
    Busy,
    /// More elements than a copy may have.
    TooMany,
    /// A waitable that is in a set, used without it.
    InSet,
    /// Use of an end after it was told that the other one is gone, or has done all.
    Done,
    /// `cancel-read` or `cancel-write` where nothing goes on.
    NothingToCancel,
    /// The one end of a stream or future where the other one is wanted.
    OtherEnd,
    /// Both ends of a stream or future in one instance, with elements that are not numbers.
    BothEnds,
    /// The writable end of a future, dropped before it has written.
    Unwritten,
    /// A value that is none of its type.
    Value,
    /// A resource of the host's that others are made of, or a waitable-set that has members.
    Children,
    /// An index that is no handle, or one of another kind.
    Index,
    /// An end that is dropped or passed on while it reads or writes.
    DropBusy,
    /// A task that ends with what it had borrowed.
    StillBorrowed,
    /// A thread that is resumed in a state in which that cannot be.
    ThreadState,
}

/// Texts of Wasmtime 48 that are no traps of their own.
const SAID: &[(&str, Rule)] = &[
    ("after being notified that the", Rule::Done),
    ("after previous read succeeded", Rule::Done),
    ("after previous write succeeded", Rule::Done),
    ("while it's in a waitable set", Rule::InSet),
    ("cancelled when no", Rule::NothingToCancel),
    ("cannot drop future write end without", Rule::Unwritten),
    ("passed read end to", Rule::OtherEnd),
    ("passed write end to", Rule::OtherEnd),
    ("intra-component future/stream", Rule::BothEnds),
    ("pointer not aligned", Rule::Value),
    ("pointer is not aligned", Rule::Value),
    ("out of bounds of memory", Rule::Value),
    ("pointer out of bounds", Rule::Value),
    ("result not aligned", Rule::Value),
    ("beyond end of memory", Rule::Value),
    ("invalid utf-8", Rule::Value),
    ("discriminant", Rule::Value),
    ("is not a valid char", Rule::Value),
    ("converted integer out of range for `char`", Rule::Value),
    ("resource has children", Rule::Children),
    ("unknown handle index", Rule::Index),
    ("handle is not a", Rule::Index),
    ("handle is a stream of a different type", Rule::Index),
    ("handle is a future of a different type", Rule::Index),
    ("index is not a resource", Rule::Index),
    ("is not an own resource", Rule::Index),
    ("cannot remove busy", Rule::DropBusy),
    ("cannot drop busy", Rule::DropBusy),
    ("borrow handles still remain", Rule::StillBorrowed),
];

impl Rule {
    /// The rule that a message is about.
    pub fn of(message: &str) -> Option<Rule> {
        let traps = [
            (Trap::CannotEnterComponent, Rule::Enter),
            (Trap::CannotLeaveComponent, Rule::Leave),
            (Trap::CannotBlockSyncTask, Rule::BlockSync),
            (Trap::NoAsyncResult, Rule::NoResult),
            (Trap::TaskCancelOrReturnTwice, Rule::ResultTwice),
            (Trap::TaskReturnInvalid, Rule::ResultInvalid),
            (Trap::TaskCancelNotCancelled, Rule::CancelUnasked),
            (Trap::SubtaskCancelAfterTerminal, Rule::CancelOver),
            (Trap::SubtaskDropNotResolved, Rule::DropRunning),
            (Trap::WaitableSetDropHasWaiters, Rule::DropAwaited),
            (Trap::BackpressureOverflow, Rule::Backpressure),
            (Trap::UnsupportedCallbackCode, Rule::CallbackCode),
            (Trap::ConcurrentFutureStreamOp, Rule::Busy),
            (Trap::StreamOpTooBig, Rule::TooMany),
            (Trap::WaitableSyncAndAsync, Rule::InSet),
            (Trap::CannotResumeThread, Rule::ThreadState),
            (Trap::InvalidChar, Rule::Value),
            (Trap::InvalidDiscriminant, Rule::Value),
            (Trap::StringOutOfBounds, Rule::Value),
            (Trap::ListOutOfBounds, Rule::Value),
            (Trap::UnalignedPointer, Rule::Value),
        ];
        let trap = traps
            .into_iter()
            .find(|(trap, _)| message.contains(&trap.to_string()));
        let said = || SAID.iter().find(|(text, _)| message.contains(text));
        match trap {
            Some((_, rule)) => Some(rule),
            None => said().map(|(_, rule)| *rule),
        }
    }
}

/// What messages about handles speak of that no rule is known for.
const OF_HANDLES: &[&str] = &["handle", "index", "resource", "borrow", "waitable"];

/// Whether a run can have ended so because a handle was wrong: what is found wrong with one
/// otherwise is not the reason.
pub fn can_be_handle(outcome: &Outcome) -> bool {
    let (Outcome::Trapped(message) | Outcome::HostError(message)) = outcome else {
        return false;
    };
    match Rule::of(message) {
        Some(rule) => matches!(rule, Rule::Index | Rule::StillBorrowed),
        None => OF_HANDLES.iter().any(|word| message.contains(word)),
    }
}

/// The rule that a run broke that ended so.
pub fn rule(outcome: &Outcome) -> Option<Rule> {
    match outcome {
        Outcome::Trapped(message) | Outcome::HostError(message) => Rule::of(message),
        _ => None,
    }
}

/// Which rule a run broke that ended so, in words. `tables` are the handles at its end; `go_on` is
/// asked now and then, and ends it.
pub fn explained(trace: &Trace, tables: &TableList, go_on: &dyn Fn() -> bool) -> Option<String> {
    let (Outcome::Trapped(message) | Outcome::HostError(message)) = trace.outcome() else {
        return None;
    };
    let rule = Rule::of(message)?;
    let end = account::End::of(trace, go_on)?;
    told::Telling::new(trace, tables, &end, go_on).in_words(rule, message)
}
