//! Speak the Language Server Protocol: what a recording knows of each line of a source, where
//! an editor shows it.
//!
//! The debug session is another process, with a debuggee of its own; what leads to a moment
//! here is a command of the editor's, which has the session go there.

mod client;
mod code_lens;
mod documents;
mod hover;
mod inlay_hints;
mod inline_values;
mod moments;
mod recordings;
mod references;
mod session;
mod settings;
mod words;

use crate::debuggee::Launcher;
use lsp_server::{Connection, ProtocolError};
use std::path::PathBuf;
use std::sync::Arc;

/// Why a language server ended before its client had it end.
#[derive(Debug, thiserror::Error)]
pub enum LspError {
    /// The client says something that the protocol does not allow there, or is gone.
    #[error("the language client does not keep to the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// What the client said first cannot be read.
    #[error("the language client's `initialize` is not understood: {0}")]
    Initialize(serde_json::Error),
    /// A thread for a recording cannot be had.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
    /// Its messages cannot be read, or ours not be written.
    #[error("the language client cannot be reached: {0}")]
    Unreachable(std::io::Error),
}

/// A language server for recordings.
pub struct LanguageServer {
    /// Opens them.
    pub launcher: Arc<dyn Launcher>,
    /// Those that it tells of.
    pub recordings: Vec<PathBuf>,
}

impl LanguageServer {
    /// Serves one client on standard input and output, until that has it end or is gone.
    ///
    /// # Errors
    ///
    /// If the client does not keep to the protocol.
    pub fn serve_stdio(self) -> Result<(), LspError> {
        let (connection, threads) = Connection::stdio();
        let served = self.serve(&connection);
        // The writer ends with the last sender.
        drop(connection);
        served?;
        threads.join().map_err(LspError::Unreachable)
    }

    /// Serves the client at the other end.
    ///
    /// # Errors
    ///
    /// As [`LanguageServer::serve_stdio`].
    pub fn serve(self, connection: &Connection) -> Result<(), LspError> {
        session::run(self, connection)
    }
}
