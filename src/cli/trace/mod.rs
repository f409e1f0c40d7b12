//! `rr-dap trace`: read a recording without a debugger.

mod events;
mod export;
mod info;
mod listened;
mod messages;
mod new_file;
mod output;
mod pack;
mod redact;
mod requests;
mod resources;
mod secrets;
mod tasks;

pub(super) use output::Output;

use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  rr-dap trace info run.rrtrace
  rr-dap trace events --filter wasi:filesystem run.rrtrace
  rr-dap trace requests app.recordings --failed
  rr-dap trace messages client.rrtrace app.rrtrace")]
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
    /// The tasks of a program at a moment: what each has called, what it waits for, and who holds
    /// the other ends of its streams and futures.
    Tasks(tasks::Tasks),
    /// What a service was asked: method, target, status and outcome of each request.
    Requests(requests::RequestsOf),
    /// What several recordings said to each other: sender, receiver, what, and what tells that.
    Messages(messages::Messages),
    /// What several recordings said, for other tools: Wireshark, Perfetto, ShiViz, or as JSON.
    Export(export::Export),
    /// Make a recording that stands alone: with its program, and with what lies beside it.
    Pack(pack::Pack),
    /// Replace secrets by other bytes, where the program only handed them on.
    Redact(redact::Redact),
}

impl Trace {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Trace::Events(command) => return command.run(),
            Trace::Requests(command) => return command.run(),
            Trace::Messages(command) => return command.run(),
            Trace::Export(command) => return command.run(),
            Trace::Info(command) => command.run(),
            Trace::Output(command) => command.run(),
            Trace::Resources(command) => command.run(),
            Trace::Tasks(command) => command.run(),
            Trace::Pack(command) => command.run(),
            Trace::Redact(command) => command.run(),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}
