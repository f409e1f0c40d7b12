//! The recording: events, file format, writer, reader, index.

mod codec;
mod event;
mod format;
mod metadata;
mod nesting;
pub mod raw;
mod reader;
mod summary;
pub(crate) mod tail;
mod writer;

pub use event::{Event, EventKind, Instance};
pub use metadata::{Metadata, Outcome};
pub use nesting::NotNested;
pub use reader::{Cursor, Trace, TraceError};
pub use summary::{CrossingCount, Summary};
pub use tail::tail_path;
pub use writer::{RecordsError, Writer};
