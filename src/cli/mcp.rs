//! `rr-dap mcp`: questions as tools, for programs.

use super::opening::Opening;
use super::terminal;
use crate::mcp::McpServer;
use crate::timeline::First;
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap mcp  (a client starts it so, and opens recordings)\n  rr-dap mcp app.rrtrace"
)]
pub(super) struct Mcp {
    /// The recording that is looked at; without one, the client opens one.
    #[arg(value_name = "FILE")]
    recording: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
}

/// What is said to a person who starts it as a client does.
const BY_HAND: &str = "\
rr-dap: waiting for a client, which speaks the Model Context Protocol on standard input and output. \
^D ends this.";

impl Mcp {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(recording) = &self.recording {
            // What is wrong is told now, not to the first tool.
            self.opening.check(recording)?;
        }
        let programs = self.opening.programs().to_vec();
        let launcher = self.opening.launcher(None, First::Suitable)?;
        if std::io::stdin().is_terminal() {
            terminal::tell(BY_HAND);
        }
        let server = McpServer {
            launcher: Arc::new(launcher.with_marks_kept(false)),
            recording: self.recording,
            programs,
        };
        server.serve_stdio()?;
        Ok(ExitCode::SUCCESS)
    }
}
