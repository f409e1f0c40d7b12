//! `rr-dap lsp`: the language server.

use super::opening::Opening;
use crate::lsp::LanguageServer;
use crate::timeline::First;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap lsp app.rrtrace  (an editor starts it so, and speaks on its standard streams)\n  rr-dap lsp --source-map /build=. client.rrtrace server.rrtrace"
)]
pub(super) struct Lsp {
    /// The recordings to tell of.
    #[arg(required = true, value_name = "FILE")]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    opening: Opening,
}

impl Lsp {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        for recording in &self.recordings {
            // An editor shows what is said at the beginning, and not why a server is mute.
            self.opening.check(recording)?;
        }
        let launcher = self.opening.launcher(None, First::Suitable)?;
        let server = LanguageServer {
            launcher: Arc::new(launcher.with_marks_kept(false)),
            recordings: self.recordings,
        };
        server.serve_stdio()?;
        Ok(ExitCode::SUCCESS)
    }
}
