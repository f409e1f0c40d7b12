//! The recording: events, file format, writer, reader, index.

mod codec;
mod event;
mod format;
mod metadata;
pub mod raw;
mod reader;
mod writer;

pub use event::{Event, EventKind, Instance};
pub use metadata::{Metadata, Outcome};
pub use reader::{Cursor, Trace, TraceError};
pub use writer::{RecordsError, Writer};
