//! What a debuggee knows because of all that came before.

use super::{DebuggeeError, Output, SourcePoint, SourceRef, Stream};
use crate::inspect::hostcall::listing::{Listing, Row};
use crate::inspect::past::requests::{Request, Requests};
use crate::inspect::tasks::{TaskTold, TasksTold, UnusedTold, Waits};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Tells its past: hostcalls, output, handles.
pub trait Past {
    /// All hostcalls. The first time this replays the recording.
    ///
    /// # Errors
    ///
    /// If the replay fails or is interrupted.
    fn hostcalls(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError>;
    /// Hostcalls by their numbers, which ascend, with what they were given and answered.
    ///
    /// # Errors
    ///
    /// If interrupted, or if the recording cannot be replayed so far.
    fn hostcall_rows(
        &mut self,
        events: &[u64],
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<Row>, DebuggeeError>;
    /// The requests of a service; of anything else there are none.
    ///
    /// # Errors
    ///
    /// If interrupted.
    fn requests(&mut self, _interrupt: &Interrupt) -> Result<Arc<Requests>, DebuggeeError> {
        Ok(Arc::default())
    }
    /// The request that the program is at work on here, as far as that is known by now.
    fn request_here(&mut self) -> Option<Request> {
        None
    }
    /// The number of a request, and the motion to where the program is given it.
    ///
    /// # Errors
    ///
    /// If there is no such request.
    fn to_request(&mut self, _which: WhichRequest) -> Result<(u64, Motion), DebuggeeError> {
        Err(DebuggeeError::other("there are no requests here"))
    }
    /// The motion from a hostcall that is not done when it returns (the one that is made here, or
    /// the next) to where the program is told how it ended; or back, from there or from later, to
    /// where that hostcall is made.
    ///
    /// # Errors
    ///
    /// If there is none, or the program is never told; if interrupted.
    fn to_result(
        &mut self,
        _direction: Direction,
        _interrupt: &Interrupt,
    ) -> Result<Motion, DebuggeeError> {
        Err(DebuggeeError::other("nothing here comes later"))
    }
    /// What hostcalls with these numbers printed; [`DebuggeeError::NotYet`] if it is not
    /// known within the patience.
    ///
    /// # Errors
    ///
    /// If the replay that would tell has failed.
    fn printed(
        &mut self,
        calls: Range<u64>,
        patience: Duration,
    ) -> Result<Vec<Printed>, DebuggeeError>;
    /// The handle tables with all that is known of each entry; here, or at the end of the
    /// recording.
    ///
    /// # Errors
    ///
    /// As [`Past::printed`].
    fn resources(&mut self, at_end: bool) -> Result<Vec<InstanceHandles>, DebuggeeError>;
    /// The tasks here, or at the end of the recording, and who waits for whom.
    ///
    /// # Errors
    ///
    /// As [`Past::printed`].
    fn tasks(&mut self, _at_end: bool) -> Result<TasksShown, DebuggeeError> {
        Ok(TasksShown::default())
    }
    /// Why the run failed where it stands, if there is more to say than its own message:
    /// which handle was wrong.
    ///
    /// # Errors
    ///
    /// As [`Past::printed`].
    fn fault_explained(&mut self) -> Result<Option<String>, DebuggeeError> {
        Ok(None)
    }
}

/// The tasks of a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TasksShown {
    /// Those in progress, and what instances hold that is waited for.
    pub told: TasksTold,
    /// The last that have ended, the last one first.
    pub ended: Vec<TaskTold>,
    /// Ends of streams and futures that were never read or written, in the whole recording as far as
    /// that is known.
    pub unused: Vec<UnusedTold>,
    /// Who waits for whom.
    pub waits: Waits,
}

/// Which request is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichRequest {
    /// The one with this number, from 1.
    Number(u64),
    /// The first one that comes in after this moment.
    Next {
        /// Only one that failed.
        failed: bool,
    },
    /// The last one that came in before this moment.
    Previous {
        /// Only one that failed.
        failed: bool,
    },
}

/// A piece of what the program printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// Where it was printed.
    pub stream: Stream,
    /// The hostcall that wrote it.
    pub event: u64,
    /// As they were written: a piece may end in the middle of a character.
    pub bytes: Vec<u8>,
    /// Where that hostcall is listed.
    pub place: (SourceRef, SourcePoint),
}

/// The handle table of a component instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceHandles {
    /// The component instance, as the recording numbers it.
    pub instance: u32,
    /// Those in the table, by index ascending.
    pub handles: Vec<HandleShown>,
    /// Those that are never dropped, as far as that is known yet.
    pub leaks: Vec<HandleShown>,
}

/// A handle, and what is known of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandleShown {
    /// Its index in the table: the number that the guest has.
    pub index: u32,
    /// `own`, `borrow`, `stream`, …
    pub kind: &'static str,
    /// The WIT name of its resource; what it is, for a handle to anything else.
    pub type_name: String,
    /// What it stands for.
    pub meaning: Option<String>,
    /// What the guest gave to `resource.new`; `None` if that is not known.
    pub rep: Option<u32>,
    /// Such as `lent to 1 call`.
    pub state: Option<String>,
    /// Events with what they did to it, in their order.
    pub life: Vec<(u64, String)>,
}
