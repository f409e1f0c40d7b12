//! Speak DAP: transport, session, one file per family of requests.

mod backlog;
pub mod client;
pub(crate) mod elsewhere;
pub mod launch;
pub mod outbox;
mod places;
pub mod protocol;
pub mod session;
pub mod token;
pub mod transport;

mod references;
mod repl;
mod reporter;
