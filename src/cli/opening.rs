//! How a recording is opened to be debugged or asked: what it names without holding it, and how
//! much memory that may take.

use crate::debuggee::recording::RecordingLauncher;
use crate::timeline::{Bytes, First, Options};
use crate::trace::{Trace, TraceError};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Args)]
pub(super) struct Opening {
    /// Where programs are that recordings name without holding them: their files, or
    /// directories that they are in. May be repeated. Without this, beside the recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// A file with debug information that the recorded component lacks: a build of it
    /// with debug information, a .dwp or .dwo, a source map. May be repeated.
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

/// FROM=TO.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(from, _)| !from.is_empty());
    pair.map(|(from, to)| (from.to_owned(), to.to_owned()))
        .ok_or_else(|| "write it as FROM=TO".to_owned())
}

impl Opening {
    pub(super) fn programs(&self) -> &[PathBuf] {
        &self.programs
    }

    pub(super) fn source_map(&self) -> &[(String, String)] {
        &self.source_map
    }

    /// Opens a recording only to see that it can be: what is wrong is told at once, not to
    /// each client.
    pub(super) fn check(&self, recording: &Path) -> Result<(), TraceError> {
        Trace::open_with(recording, &self.programs).map(|_| ())
    }

    /// What opens recordings so; `traces` where there are some that clients are given.
    pub(super) fn launcher(
        self,
        traces: impl IntoIterator<Item = PathBuf>,
        first: First,
    ) -> anyhow::Result<RecordingLauncher> {
        let mut options = Options::standard()?;
        if let Some(mib) = self.checkpoint_memory {
            options.limits.memory = Bytes(mib.saturating_mul(1 << 20));
        }
        options.first = first;
        Ok(RecordingLauncher::new(options, traces)
            .with_debug_files(self.debug_files)
            .with_programs(self.programs)
            .with_path_mapping(self.source_map))
    }
}
