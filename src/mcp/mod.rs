//! Speak the Model Context Protocol: a recording's questions and views as tools of a program
//! that reasons about it.
//!
//! Answers are short, and what is in them can be asked with: a moment is what every other tool,
//! and `seek` anywhere, takes.

mod desk;
mod looking;
mod parameters;
mod secrets;
mod server;
mod tools;

use crate::debuggee::Launcher;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a server ended before its client had it end.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// Without it nothing can be read or written.
    #[error("the server cannot be started: {0}")]
    Runtime(std::io::Error),
    /// The client does not begin as the protocol has it.
    #[error("the client does not keep to the protocol: {0}")]
    Protocol(String),
}

/// A server for one client.
pub struct McpServer {
    /// Opens recordings.
    pub launcher: Arc<dyn Launcher>,
    /// The one that is opened when the first tool is called; without one, the client names it.
    pub recording: Option<PathBuf>,
    /// Where programs are that recordings name without holding them.
    pub programs: Vec<PathBuf>,
}

impl McpServer {
    /// Serves one client on standard input and output, until that is gone.
    ///
    /// # Errors
    ///
    /// If the client does not keep to the protocol.
    pub fn serve_stdio(self) -> Result<(), McpError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(McpError::Runtime)?;
        let served = runtime.block_on(server::serve(self));
        // A read of standard input cannot be given up.
        runtime.shutdown_background();
        served
    }
}
