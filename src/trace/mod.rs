//! The recording: events, file format, writer, reader, index.

pub mod raw;
