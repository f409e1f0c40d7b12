//! `rr-dap replay`: replay a recording to its end.

use super::progress::open_to_replay;
use super::trace::shown;
use crate::inspect::hostcall::divergence::lifted;
use crate::replay::output::{Printed, Stream};
use crate::replay::{
    Divergence, Ended, Observer, Replay as Machine, ReplayError, Side, TICKS_AFTER_LAST_EVENT,
};
use crate::trace::{Outcome, Trace};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use wasmtime::AsContextMut;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap replay run.rrtrace\n  rr-dap replay --verify run.rrtrace\n  rr-dap replay --verify --component app-with-debug-info.wasm run.rrtrace"
)]
pub(super) struct Replay {
    /// Do not print what the guest printed; say what was checked instead.
    #[arg(long)]
    verify: bool,
    /// With --verify: print the facts as JSON.
    #[arg(long, requires = "verify")]
    json: bool,
    /// Replay with another build of the component that was recorded: the same code
    /// with other custom sections, as before debug information was stripped.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The recording.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints what the guest prints, as it does.
struct Printer;

impl Observer for Printer {
    fn printed(&mut self, printed: &Printed, bytes: &[u8]) {
        // A closed standard output ends nothing: the exit code still counts.
        _ = match printed.stream {
            Stream::Stdout => std::io::stdout().write_all(bytes),
            Stream::Stderr => std::io::stderr().write_all(bytes),
        };
    }
}

struct Silent;

impl Observer for Silent {}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (trace, compiled) = open_to_replay(&self.file, self.component.as_deref())?;
        if let Some(missing) = trace.missing() {
            eprintln!("rr-dap: {missing}; what came before it is replayed");
        }
        let observer: Box<dyn Observer> = if self.verify {
            Box::new(Silent)
        } else {
            Box::new(Printer)
        };
        let mut machine = Machine::new(trace.clone(), &compiled, observer)?;
        let ended = machine.run();
        _ = std::io::stdout().flush();
        let ended = match ended {
            Err(ReplayError::Diverged(divergence)) => {
                return Ok(self.diverged(&mut machine, &divergence));
            }
            ended => ended?,
        };
        if self.verify {
            self.report(&mut machine, trace.outcome())?;
            return Ok(ExitCode::SUCCESS);
        }
        tell_ending(&trace, &mut machine, &ended);
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

    /// Tells both sides of a divergence, lifted where they can be.
    fn diverged(&self, machine: &mut Machine, divergence: &Divergence) -> ExitCode {
        let checks = machine.store().data().checks();
        let store = machine.store().as_context_mut();
        let lifted = |side: &Side| lifted(&store, side);
        let (recorded, replayed) = (lifted(&divergence.recorded), lifted(&divergence.replayed));
        let component = store.data().component();
        let crossing = [&divergence.replayed, &divergence.recorded]
            .into_iter()
            .find_map(|side| component.crossing(side.crossed.as_ref()?.crossing))
            .map(|crossing| crossing.name.clone());
        if self.json {
            let side = |side: &Side, lifted: Option<String>| serde_json::json!({"lowered": side.text, "lifted": lifted});
            let facts = serde_json::json!({
                "verified": false,
                "events": checks.events,
                "values": checks.values,
                "memoryHashes": checks.hashes,
                "divergence": {
                    "event": divergence.event,
                    "crossing": crossing.as_deref(),
                    "recorded": side(&divergence.recorded, recorded),
                    "replayed": side(&divergence.replayed, replayed),
                },
            });
            println!("{facts}");
            return ExitCode::FAILURE;
        }
        let at = crossing.map_or_else(String::new, |name| format!(", at {name}"));
        eprintln!("rr-dap: replay diverged at event {}{at}", divergence.event);
        for (who, side, lifted) in [
            ("recorded", &divergence.recorded, recorded),
            ("replayed", &divergence.replayed, replayed),
        ] {
            match lifted {
                Some(lifted) => eprintln!("  {who}: {lifted}\n            {}", side.text),
                None => eprintln!("  {who}: {}", side.text),
            }
        }
        eprintln!("is this the component that was recorded? if so, this is a fault of rr-dap");
        ExitCode::FAILURE
    }
}

/// Says how the run ended, if not of its own will.
fn tell_ending(trace: &Trace, machine: &mut Machine, ended: &Ended) {
    let hostcalls = machine.store().data().events();
    match trace.outcome() {
        Outcome::Returned {
            result: Some(result),
            ..
        } => _ = writeln!(std::io::stdout(), "{}", shown(result)),
        Outcome::Returned { .. } | Outcome::Exited(_) => {}
        Outcome::CutOff => eprintln!(
            "rr-dap: the recording was cut off after {hostcalls} hostcalls: it ends before the run did"
        ),
        Outcome::Interrupted => {
            eprintln!("rr-dap: the recorded run was interrupted after {hostcalls} hostcalls");
        }
        other => eprintln!("rr-dap: the recorded run {other}"),
    }
    if *ended == Ended::Running {
        eprintln!(
            "rr-dap: the guest called nothing more within {TICKS_AFTER_LAST_EVENT} ticks after the last event"
        );
    }
}
