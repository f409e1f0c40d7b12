//! Speak DAP: transport, session, one file per family of requests.

pub mod client;
pub mod launch;
pub mod outbox;
pub mod protocol;
pub mod session;
pub mod transport;

mod references;
mod repl;
mod reporter;
