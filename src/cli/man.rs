//! `rr-dap man`: the manual pages.

use anyhow::Context;
use clap::{Args, CommandFactory};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  rr-dap man --out ~/.local/share/man/man1     (then: man rr-dap, man rr-dap-record)")]
pub(super) struct Man {
    /// The directory to write them to; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let cannot = || format!("cannot write manual pages to {}", self.out.display());
        std::fs::create_dir_all(&self.out).with_context(cannot)?;
        clap_mangen::generate_to(super::Cli::command(), &self.out).with_context(cannot)?;
        Ok(ExitCode::SUCCESS)
    }
}
