//! One file per subcommand.

mod progress;
mod record;
mod replay;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A time-travel debugger for WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "rr-dap", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a component and record the run.
    Record(record::Record),
    /// Replay a recording to its end: print what the guest printed, exit as it did.
    Replay(replay::Replay),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    start_log();
    let cli = Cli::parse();
    let result = match cli.command {
        Some(Command::Record(command)) => command.run(),
        Some(Command::Replay(command)) => command.run(),
        None => Ok(ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("rr-dap: {error:#}");
        ExitCode::FAILURE
    })
}

/// Logs go to standard error, never to standard output, which may carry DAP.
fn start_log() {
    let filter = EnvFilter::try_from_env("RR_DAP_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second subscriber (in tests) is not an error.
    _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

/// The exit status as a shell shows it.
fn exit_code(status: i32) -> ExitCode {
    ExitCode::from((status & 0xff) as u8)
}
