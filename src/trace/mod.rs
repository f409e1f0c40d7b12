//! The recording: events, file format, writer, reader, index.

mod ahead;
mod answers;
mod calendar;
mod codec;
mod cursor;
pub(crate) mod ending;
mod entered;
mod error;
mod event;
mod failed;
mod format;
mod growth;
mod host_time;
mod index;
mod log;
mod metadata;
mod nesting;
mod opening;
mod pack;
#[cfg(feature = "record")]
pub(crate) mod private;
mod program;
pub mod raw;
mod reader;
mod records;
mod request;
mod rewrite;
#[cfg(any(feature = "record", feature = "replay"))]
pub(crate) mod scarce;
mod sections;
mod source;
mod stacks;
mod stored_events;
mod summary;
pub(crate) mod tail;
mod writer;

pub use answers::{Answered, CallEnd, OpenCall, Recorded, Written};
pub use calendar::{Utc, WallTime, duration_text, parse_duration};
pub use cursor::Cursor;
pub use entered::Entered;
pub use error::TraceError;
pub use event::{Event, EventKind, Instance};
pub use growth::{Extent, Follower};
pub use host_time::{HostTime, HostTimes};
pub use log::log_line;
pub use metadata::{CarriedSource, Metadata, Outcome, UNTOLD};
pub use nesting::{Depth, Edge, NotNested, Way};
pub use pack::pack;
pub use program::ProgramId;
pub use reader::{Identity, Trace};
pub use request::{Note, NotedAnswer, NotedRequest};
pub use rewrite::{RewriteError, Said, each_event, rewrite};
pub use sections::records_section;
#[cfg(feature = "debugger")]
pub(crate) use source::begins_as_recording;
pub use stacks::{OpenOnStack, Resumed, Stacks};
pub use summary::{CrossingCount, Summary};
pub use tail::tail_path;
pub use writer::{HeldProgram, PackedComponent, RecordsError, Writer, prologue, prologue_with};
