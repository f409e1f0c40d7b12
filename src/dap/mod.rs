//! Speak DAP: transport, session, one file per family of requests.

mod address;
mod backlog;
pub mod client;
mod connection;
pub(crate) mod elsewhere;
pub mod launch;
pub mod outbox;
mod places;
pub mod protocol;
pub mod session;
pub mod token;
pub mod transport;
#[cfg(unix)]
mod unix_socket;

mod references;
mod repl;
mod reporter;
