//! Speak DAP: transport, session, one file per family of requests.

pub mod debuggee;
pub mod launch;
pub mod outbox;
pub mod protocol;
pub mod recording;
pub mod session;
pub mod source_map;
pub mod transport;

mod references;
mod repl;
mod reporter;
mod rust_library;
