//! `rr-dap replay`: replay a recording to its end.

use super::progress::open_to_replay;
use super::trace::shown;
use crate::replay::output::Stream;
use crate::replay::{Observer, Replay as Machine};
use crate::trace::Outcome;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap replay run.rrtrace\n  rr-dap replay --verify run.rrtrace"
)]
pub(super) struct Replay {
    /// Do not print what the guest printed; say what was checked instead.
    #[arg(long)]
    verify: bool,
    /// With --verify: print the facts as JSON.
    #[arg(long, requires = "verify")]
    json: bool,
    /// The recording.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints what the guest prints, as it does.
struct Printer;

impl Observer for Printer {
    fn printed(&mut self, stream: Stream, bytes: &[u8]) {
        // A closed standard output ends nothing: the exit code still counts.
        _ = match stream {
            Stream::Stdout => std::io::stdout().write_all(bytes),
            Stream::Stderr => std::io::stderr().write_all(bytes),
        };
    }
}

struct Silent;

impl Observer for Silent {}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (trace, compiled) = open_to_replay(&self.file)?;
        let observer: Box<dyn Observer> = if self.verify {
            Box::new(Silent)
        } else {
            Box::new(Printer)
        };
        let mut machine = Machine::new(trace.clone(), &compiled, observer)?;
        let ended = machine.run();
        _ = std::io::stdout().flush();
        ended?;
        if self.verify {
            self.report(&mut machine, trace.outcome())?;
            return Ok(ExitCode::SUCCESS);
        }
        match trace.outcome() {
            Outcome::Returned {
                result: Some(result),
                ..
            } => _ = writeln!(std::io::stdout(), "{}", shown(result)),
            Outcome::Returned { .. } | Outcome::Exited(_) => {}
            other => eprintln!("rr-dap: the recorded run {other}"),
        }
        Ok(super::exit_code(trace.outcome().exit_code()))
    }

    fn report(&self, machine: &mut Machine, outcome: &Outcome) -> anyhow::Result<()> {
        let checks = machine.store().data().checks();
        if self.json {
            let facts = serde_json::json!({
                "verified": true,
                "events": checks.events,
                "values": checks.values,
                "memoryHashes": checks.hashes,
                "outcome": outcome,
            });
            println!("{facts}");
            return Ok(());
        }
        println!(
            "verified: {} hostcalls, {} values and {} memory hashes agree with the recording; the run {outcome}",
            checks.events, checks.values, checks.hashes
        );
        Ok(())
    }
}
