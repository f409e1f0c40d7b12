//! Canonical built-ins: the functions that the component model itself gives to core
//! code.

use super::types::{Resource, ValueType};
use std::fmt::{self, Display};
use std::sync::Arc;

/// A canonical built-in, with the type it was defined for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Builtin {
    /// `resource.new`: a representation becomes an `own` handle.
    ResourceNew(Arc<Resource>),
    /// `resource.drop`: a handle ends, and with an `own` one the resource.
    ResourceDrop(Arc<Resource>),
    /// `resource.rep`: the representation that a handle stands for.
    ResourceRep(Arc<Resource>),
    /// Hands over the result of a function lifted with `async`.
    TaskReturn(Option<Arc<ValueType>>),
    /// `task.cancel`: the task ends without a result, as its caller asked for.
    TaskCancel,
    /// `subtask.drop`: the handle of a call out that is over ends.
    SubtaskDrop,
    /// `subtask.cancel`: asks a call out that has not returned to end.
    SubtaskCancel,
    /// `waitable-set.new`: the handle of an empty set.
    WaitableSetNew,
    /// `waitable-set.wait`: blocks until a member of the set has an event.
    WaitableSetWait,
    /// `waitable-set.poll`: an event of a member of the set, if there is one already.
    WaitableSetPoll,
    /// `waitable-set.drop`: the handle of a set ends.
    WaitableSetDrop,
    /// `waitable.join`: puts a waitable into a set, or takes it out of its set.
    WaitableJoin,
    /// The number of the slot of task-local storage.
    ContextGet(u32),
    /// As [`Builtin::ContextGet`], but sets what is in the slot.
    ContextSet(u32),
    /// `backpressure.inc`: one reason more that the instance takes no new calls.
    BackpressureInc,
    /// `backpressure.dec`: one such reason less; without any it takes calls again.
    BackpressureDec,
    /// `thread.yield`: lets other tasks run.
    ThreadYield,
    /// `thread.index`: which thread of its instance runs.
    ThreadIndex,
    /// `thread.new-indirect`: makes a thread, suspended, that will run a function of this core
    /// table, by its index in the component.
    ThreadNewIndirect(u32),
    /// `thread.resume-later`: a thread that is suspended runs when it is its turn.
    ThreadResumeLater,
    /// `thread.suspend`: waits until another thread resumes this one.
    ThreadSuspend,
    /// `thread.suspend-then-resume`: the same, and one that is suspended runs at once.
    ThreadSuspendThenResume,
    /// `thread.yield-then-resume`: one that is suspended runs at once, this one when it is its
    /// turn.
    ThreadYieldThenResume,
    /// `thread.suspend-then-promote`: waits, and one that waits for its turn runs at once.
    ThreadSuspendThenPromote,
    /// `thread.yield-then-promote`: one that waits for its turn runs at once, this one when it is
    /// its turn.
    ThreadYieldThenPromote,
    /// What is done to a stream of elements of this type.
    Stream(Transmit, Option<Arc<ValueType>>),
    /// What is done to a future of this type.
    Future(Transmit, Option<Arc<ValueType>>),
    /// `error-context.new`: a handle made of a message in guest memory.
    ErrorContextNew,
    /// `error-context.debug-message`: writes the message of a handle into guest memory.
    ErrorContextDebugMessage,
    /// `error-context.drop`: a handle ends.
    ErrorContextDrop,
}

/// What is done to a stream or future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transmit {
    /// Makes it: the guest gets the handles of both ends.
    New,
    /// Into a buffer of the guest, at once or until an event tells that it is done.
    Read,
    /// Out of a buffer of the guest, at once or until an event tells that it is done.
    Write,
    /// Ends a read that is not done.
    CancelRead,
    /// Ends a write that is not done.
    CancelWrite,
    /// The handle of the end that is read ends.
    DropReadable,
    /// The handle of the end that is written ends.
    DropWritable,
}

impl Transmit {
    fn verb(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Read => "read",
            Self::Write => "write",
            Self::CancelRead => "cancel-read",
            Self::CancelWrite => "cancel-write",
            Self::DropReadable => "drop-readable",
            Self::DropWritable => "drop-writable",
        }
    }
}

impl Builtin {
    /// Whether code of other component instances may run before it returns: the
    /// far side of a drop or a copy, or, where it blocks or yields, anybody.
    pub fn lets_others_run(&self) -> bool {
        match self {
            Self::ResourceNew(_)
            | Self::ResourceRep(_)
            | Self::SubtaskDrop
            | Self::WaitableSetNew
            | Self::WaitableSetDrop
            | Self::WaitableJoin
            | Self::ContextGet(_)
            | Self::ContextSet(_)
            | Self::BackpressureInc
            | Self::BackpressureDec
            | Self::ErrorContextNew
            | Self::ErrorContextDebugMessage
            | Self::ErrorContextDrop
            | Self::ThreadIndex
            | Self::ThreadNewIndirect(_)
            | Self::ThreadResumeLater => false,
            Self::ResourceDrop(_)
            | Self::TaskReturn(_)
            | Self::TaskCancel
            | Self::SubtaskCancel
            | Self::WaitableSetWait
            | Self::WaitableSetPoll
            | Self::ThreadYield
            | Self::ThreadSuspend
            | Self::ThreadSuspendThenResume
            | Self::ThreadYieldThenResume
            | Self::ThreadSuspendThenPromote
            | Self::ThreadYieldThenPromote => true,
            Self::Stream(transmit, _) | Self::Future(transmit, _) => *transmit != Transmit::New,
        }
    }
}

impl Builtin {
    /// Whether it only keeps the canonical ABI's books: which task has which slot, which waitable is
    /// in which set, who may run. Such calls say nothing of what the program is for, and there are
    /// several around each call that does. What makes, moves or ends a thing that has a name in
    /// the program (a resource, a stream, a future, an error context), and what hands over a
    /// result or asks for an end, is no plumbing.
    pub fn is_plumbing(&self) -> bool {
        match self {
            Self::SubtaskDrop
            | Self::WaitableSetNew
            | Self::WaitableSetWait
            | Self::WaitableSetPoll
            | Self::WaitableSetDrop
            | Self::WaitableJoin
            | Self::ContextGet(_)
            | Self::ContextSet(_)
            | Self::BackpressureInc
            | Self::BackpressureDec
            | Self::ThreadYield
            | Self::ThreadIndex
            | Self::ThreadResumeLater
            | Self::ThreadSuspend
            | Self::ThreadSuspendThenResume
            | Self::ThreadYieldThenResume
            | Self::ThreadSuspendThenPromote
            | Self::ThreadYieldThenPromote => true,
            Self::ResourceNew(_)
            | Self::ResourceDrop(_)
            | Self::ResourceRep(_)
            | Self::TaskReturn(_)
            | Self::TaskCancel
            | Self::SubtaskCancel
            | Self::Stream(..)
            | Self::Future(..)
            | Self::ErrorContextNew
            | Self::ErrorContextDebugMessage
            | Self::ErrorContextDrop
            | Self::ThreadNewIndirect(_) => false,
        }
    }

    /// Whether a guest that calls it, with or without `async`, may wait in it while other guest
    /// code goes on.
    pub fn waits(&self, is_async: bool) -> bool {
        use Transmit as T;
        match self {
            Self::WaitableSetWait
            | Self::SubtaskCancel
            | Self::ThreadYield
            | Self::ThreadSuspend
            | Self::ThreadSuspendThenResume
            | Self::ThreadYieldThenResume
            | Self::ThreadSuspendThenPromote
            | Self::ThreadYieldThenPromote => true,
            Self::Stream(transmit, _) | Self::Future(transmit, _) => {
                !is_async
                    && matches!(
                        transmit,
                        T::Read | T::Write | T::CancelRead | T::CancelWrite
                    )
            }
            _ => false,
        }
    }
}

impl Display for Builtin {
    /// In the words of the specification, followed by the type:
    /// `stream.read list<u8>`, `resource.drop wasi:io/streams@0.2.6#input-stream`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_resource = |f: &mut fmt::Formatter, verb, resource: &Resource| match &resource.name {
            Some(name) => write!(f, "resource.{verb} {name}"),
            None => write!(f, "resource.{verb}"),
        };
        let of_type = |f: &mut fmt::Formatter, what, verb, ty: &Option<Arc<ValueType>>| match ty {
            Some(ty) => write!(f, "{what}.{verb} {ty}"),
            None => write!(f, "{what}.{verb}"),
        };
        match self {
            Self::ResourceNew(resource) => of_resource(f, "new", resource),
            Self::ResourceDrop(resource) => of_resource(f, "drop", resource),
            Self::ResourceRep(resource) => of_resource(f, "rep", resource),
            Self::TaskReturn(ty) => of_type(f, "task", "return", ty),
            Self::TaskCancel => f.write_str("task.cancel"),
            Self::SubtaskDrop => f.write_str("subtask.drop"),
            Self::SubtaskCancel => f.write_str("subtask.cancel"),
            Self::WaitableSetNew => f.write_str("waitable-set.new"),
            Self::WaitableSetWait => f.write_str("waitable-set.wait"),
            Self::WaitableSetPoll => f.write_str("waitable-set.poll"),
            Self::WaitableSetDrop => f.write_str("waitable-set.drop"),
            Self::WaitableJoin => f.write_str("waitable.join"),
            Self::ContextGet(slot) => write!(f, "context.get {slot}"),
            Self::ContextSet(slot) => write!(f, "context.set {slot}"),
            Self::BackpressureInc => f.write_str("backpressure.inc"),
            Self::BackpressureDec => f.write_str("backpressure.dec"),
            Self::ThreadYield => f.write_str("thread.yield"),
            Self::ThreadIndex => f.write_str("thread.index"),
            Self::ThreadNewIndirect(_) => f.write_str("thread.new-indirect"),
            Self::ThreadResumeLater => f.write_str("thread.resume-later"),
            Self::ThreadSuspend => f.write_str("thread.suspend"),
            Self::ThreadSuspendThenResume => f.write_str("thread.suspend-then-resume"),
            Self::ThreadYieldThenResume => f.write_str("thread.yield-then-resume"),
            Self::ThreadSuspendThenPromote => f.write_str("thread.suspend-then-promote"),
            Self::ThreadYieldThenPromote => f.write_str("thread.yield-then-promote"),
            Self::Stream(transmit, ty) => of_type(f, "stream", transmit.verb(), ty),
            Self::Future(transmit, ty) => of_type(f, "future", transmit.verb(), ty),
            Self::ErrorContextNew => f.write_str("error-context.new"),
            Self::ErrorContextDebugMessage => f.write_str("error-context.debug-message"),
            Self::ErrorContextDrop => f.write_str("error-context.drop"),
        }
    }
}
