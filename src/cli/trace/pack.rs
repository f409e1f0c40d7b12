//! `rr-dap trace pack`: a recording that stands alone.

use super::new_file::NewFile;
use crate::cli::recording_file::RecordingFile;
use crate::trace::pack;
use anyhow::Context;
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap trace pack app.recordings/20261129-101502-4711-000007.rrtrace -o failed.rrtrace
  rr-dap trace pack --program app.wasm run.rrtrace -o whole.rrtrace
  rr-dap trace pack app.log -o app.rrtrace      (of the log of a component that records itself)")]
pub(in crate::cli) struct Pack {
    #[command(flatten)]
    output: NewFile,
    #[command(flatten)]
    recording: RecordingFile,
}

impl Pack {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let trace = self.recording.open()?;
        let mut output = self.output.begin()?;
        let packed = pack(&trace, &mut output);
        packed.with_context(|| format!("cannot pack {}", trace.path().display()))?;
        output.keep()
    }
}
