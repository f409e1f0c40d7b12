//! The asynchronous half of a moment: which tasks there are, what each has called and waits for,
//! and who holds the other end.
//!
//! A *task* is a call of an exported function that has not ended; a *subtask* is such a call as its
//! caller sees it. All of it is a pure function of the crossings before a moment, as handle tables are.

pub mod anew;
mod apply;
mod asking;
mod carrying;
mod graph;
pub mod history;
mod identity;
mod observing;
mod standing;
mod state;
mod step;
mod told;
mod waits;
mod words;

pub use history::{EndedTask, TaskHistory, Untold};
pub use state::{
    Caller, Channel, ChannelId, ChannelKind, Copying, End, Holder, Item, Moved, Returned, Side,
    Subtask, SubtaskProgress, Task, TaskId, TaskState, Tasks, Unused, WaitableSet,
};
pub use told::{
    CallerTold, CopyingTold, EndTold, InstanceTold, ItemTold, KindTold, MovedTold, OtherEndTold,
    ReturnedTold, TaskTold, TasksTold, UnusedTold,
};
pub use waits::{NodeKind, WaitNode, Waits};
pub use words::Words;
