//! `rr-dap lsp`: the language server.

use super::adapter::pair;
use crate::debuggee::recording::RecordingLauncher;
use crate::lsp::LanguageServer;
use crate::timeline::{Bytes, Options};
use crate::trace::Trace;
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

impl Lsp {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        for recording in &self.recordings {
            // An editor shows what is said at the beginning, and not why a server is mute.
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
        let server = LanguageServer {
            launcher: Arc::new(launcher),
            recordings: self.recordings,
        };
        server.serve_stdio()?;
        Ok(ExitCode::SUCCESS)
    }
}
