//! `rr-dap mcp`: questions as tools, for programs.

use super::adapter::pair;
use super::terminal;
use crate::debuggee::recording::RecordingLauncher;
use crate::mcp::McpServer;
use crate::timeline::{Bytes, Options};
use crate::trace::Trace;
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
    /// Where programs are that recordings name without holding them: their files, or
    /// directories that they are in. May be repeated. Without this, beside the recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// A file with debug information that the recorded component lacks. May be repeated.
    #[arg(long = "debug-file", value_name = "FILE")]
    debug_files: Vec<PathBuf>,
    /// Where sources are that the debug information has elsewhere: paths beginning with
    /// FROM there begin with TO here. May be repeated; the longest FROM counts.
    #[arg(long = "source-map", value_name = "FROM=TO", value_parser = pair)]
    source_map: Vec<(String, String)>,
    /// How much memory checkpoints may take, in MiB; without this, an eighth of what is
    /// available when a recording is opened.
    #[arg(long, value_name = "MIB")]
    checkpoint_memory: Option<u64>,
}

/// What is said to a person who starts it as a client does.
const BY_HAND: &str = "\
rr-dap: waiting for a client, which speaks the Model Context Protocol on standard input and output. \
^D ends this.";

impl Mcp {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(recording) = &self.recording {
            // What is wrong is told now, not to the first tool.
            Trace::open_with(recording, &self.programs)?;
        }
        let mut options = Options::standard()?;
        if let Some(mib) = self.checkpoint_memory {
            options.limits.memory = Bytes(mib.saturating_mul(1 << 20));
        }
        let launcher = RecordingLauncher::new(options, None)
            .with_debug_files(self.debug_files)
            .with_programs(self.programs)
            .with_path_mapping(self.source_map)
            .with_marks_kept(false);
        if std::io::stdin().is_terminal() {
            terminal::tell(BY_HAND);
        }
        let server = McpServer {
            launcher: Arc::new(launcher),
            recording: self.recording,
        };
        server.serve_stdio()?;
        Ok(ExitCode::SUCCESS)
    }
}
