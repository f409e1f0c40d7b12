//! `rr-dap trace`: read a recording without a debugger.

mod events;
mod info;
mod output;
mod resources;

pub(super) use output::Output;

use clap::Subcommand;
use std::io;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  rr-dap trace info run.rrtrace
  rr-dap trace events --filter wasi:filesystem run.rrtrace")]
pub(super) enum Trace {
    /// What was recorded, when, how it ended, and how often each crossing was made.
    Info(info::Info),
    /// Every hostcall with its arguments and its result, one to a line.
    Events(events::Events),
    /// What the guest printed, piece by piece, with the hostcall that wrote each.
    Output(output::Output),
    /// The handle table of each component instance: what each index stands for, who
    /// made it, who used it; what was never dropped.
    Resources(resources::Resources),
}

impl Trace {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Trace::Info(command) => quiet_if_closed(command.run()),
            Trace::Events(command) => quiet_if_closed(command.run()),
            Trace::Output(command) => quiet_if_closed(command.run()),
            Trace::Resources(command) => quiet_if_closed(command.run()),
        }
    }
}

/// Whoever reads the output may have read enough (`| head`): no error.
fn quiet_if_closed(result: anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    match result {
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe) =>
        {
            Ok(ExitCode::SUCCESS)
        }
        result => result.map(|()| ExitCode::SUCCESS),
    }
}
