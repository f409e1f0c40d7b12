//! `rr-dap completions`: scripts for shells.

use super::terminal;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap completions bash > ~/.local/share/bash-completion/completions/rr-dap
  rr-dap completions zsh > ~/.zfunc/_rr-dap
  rr-dap completions fish > ~/.config/fish/completions/rr-dap.fish")]
pub(super) struct Completions {
    /// The shell that is to complete.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut super::Cli::command(),
            "rr-dap",
            &mut script,
        );
        terminal::stdout().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
