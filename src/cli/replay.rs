//! `rr-dap replay`: replay a recording to its end.

use super::profile;
use super::progress::{open_to_replay, open_trace};
use super::recording_file::RecordingFile;
use super::terminal::{self, on_one_line, tell, unless_closed, unwritten};
use crate::inspect::ending::{self, Verified, WholeReplay};
use crate::inspect::hostcall::divergence::lifted;
use crate::replay::output::{Printed, Stream};
use crate::replay::{
    Compared, Divergence, Ended, Replay as Machine, ReplayError, Side, TICKS_AFTER_LAST_EVENT,
};
use crate::trace::{Outcome, Trace};
use clap::Args;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use wasmtime::AsContextMut;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap replay run.rrtrace\n  rr-dap replay --verify run.rrtrace\n  rr-dap replay --verify --component app-with-debug-info.wasm run.rrtrace\n\nWith --verify, the exit code is 0 where replay agrees with the recording, 1 where it does\nnot, and 3 where the recording cannot be replayed: it is damaged, or its program is\nmissing. Without, it is that of the recorded run."
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
    /// Write where the ticks of the recording went: for the Firefox Profiler if the name
    /// ends in .json or .json.gz, for Perfetto if in .pftrace or .perfetto-trace, as folded
    /// stacks if in .folded or .txt. Replays once, and
    /// prints nothing of the guest.
    #[arg(long, value_name = "FILE", conflicts_with = "verify")]
    profile: Option<PathBuf>,
    #[command(flatten)]
    recording: RecordingFile,
}

/// The exit code where a recording that is to be verified cannot be replayed.
const NOT_REPLAYED: u8 = 3;

/// Prints what the guest prints, as it does.
fn print(printed: &Printed, bytes: &[u8]) -> io::Result<()> {
    match printed.stream {
        Stream::Stdout => terminal::stdout().write_all(bytes),
        Stream::Stderr => io::stderr()
            .write_all(bytes)
            .map_err(unwritten("standard error")),
    }
}

impl Replay {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.replay() {
            // What cannot be written says nothing of the recording.
            Err(error) if self.verify && !error.is::<io::Error>() => self.not_replayed(&error),
            ended => ended,
        }
    }

    /// Who verifies many has to tell those that differ from those that cannot be read.
    fn not_replayed(&self, error: &anyhow::Error) -> anyhow::Result<ExitCode> {
        let told = super::told(error);
        tell(format_args!("rr-dap: {told}"));
        if self.json {
            let facts = serde_json::json!({
                "recording": self.recording.path(),
                "verified": false,
                "error": told,
            });
            unless_closed(writeln!(terminal::listing(true), "{facts}"))?;
        }
        Ok(ExitCode::from(NOT_REPLAYED))
    }

    fn replay(&self) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.profile {
            return self.profile(path);
        }
        let (trace, compiled) = open_to_replay(&self.recording, self.component.as_deref())?;
        if let Some(missing) = trace.missing() {
            tell(format_args!(
                "rr-dap: {missing}; what came before it is replayed"
            ));
        }
        let prints = !self.verify;
        // The first failure is told. Where nobody reads on, the exit code still counts.
        let unprinted = Arc::new(OnceLock::new());
        let failed = unprinted.clone();
        let mut whole = WholeReplay::new(trace.clone(), &compiled, move |printed, bytes| {
            if prints && let Err(error) = unless_closed(print(printed, bytes)) {
                _ = failed.set(error);
            }
        })?;
        let verified = whole.run();
        let flushed = unless_closed(terminal::stdout().flush());
        let verified = match verified {
            Err(ReplayError::Diverged(divergence)) => {
                return self.diverged(whole.machine(), &divergence);
            }
            verified => verified?,
        };
        if self.verify {
            self.report(&verified, &trace)?;
            return Ok(ExitCode::SUCCESS);
        }
        tell_ending(&trace, &verified)?;
        drop(whole);
        if let Some(error) = Arc::into_inner(unprinted).and_then(OnceLock::into_inner) {
            return Err(error.into());
        }
        flushed?;
        Ok(super::exit_code(trace.outcome().exit_code()))
    }

    /// Writes a profile, and says what it is of.
    fn profile(&self, path: &Path) -> anyhow::Result<ExitCode> {
        let output = profile::Output::new(path)?;
        let trace = open_trace(&self.recording, self.component.as_deref())?;
        if let Some(missing) = trace.missing() {
            tell(format_args!(
                "rr-dap: {missing}; what came before it is measured"
            ));
        }
        let profile = output.write(&trace)?;
        let contexts = profile.contexts();
        tell(format_args!(
            "rr-dap: {} ticks in {} calling contexts are in {}",
            contexts.end().0,
            contexts.len() - 1,
            path.display()
        ));
        if contexts.is_full() {
            tell(
                "rr-dap: there were more calling contexts than are kept: what was called in others is counted by function, below `(callers that were not kept)`",
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, verified: &Verified, trace: &Trace) -> anyhow::Result<()> {
        let outcome = trace.outcome();
        let checks = verified.checks;
        if self.json {
            let facts = serde_json::json!({
                "recording": self.recording.path(),
                "verified": true,
                "missing": trace.missing(),
                "events": checks.events,
                "values": checks.values,
                "memoryHashes": checks.hashes,
                "outcome": outcome,
                "ending": match verified.compared {
                    Compared::Same => "same",
                    Compared::HostsWord => "by-the-host",
                    Compared::Open => "open",
                },
                "waitingIn": match &verified.ended {
                    Ended::Waiting(name) => Some(name),
                    _ => None,
                },
            });
            writeln!(terminal::listing(true), "{facts}")?;
            return Ok(());
        }
        let how = match (verified.compared, &verified.ended) {
            (Compared::HostsWord, _) => {
                " (so the recording says: what the host did in the end cannot be replayed)"
                    .to_owned()
            }
            (Compared::Open, Ended::Trapped(trap)) => {
                format!("; replayed on, the guest traps: {trap}")
            }
            (Compared::Same, Ended::Waiting(name)) => {
                format!("; a call of {name} still waited then")
            }
            _ => String::new(),
        };
        writeln!(
            terminal::out(),
            "verified: {} hostcalls, {} values and {} memory hashes agree with the recording; the run {outcome}{how}",
            checks.events,
            checks.values,
            checks.hashes
        )?;
        Ok(())
    }

    /// Tells both sides of a divergence, lifted where they can be.
    fn diverged(&self, machine: &mut Machine, divergence: &Divergence) -> anyhow::Result<ExitCode> {
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
                "recording": self.recording.path(),
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
            unless_closed(writeln!(terminal::listing(true), "{facts}"))?;
            return Ok(ExitCode::FAILURE);
        }
        let at = crossing.map_or_else(String::new, |name| format!(", at {name}"));
        tell(format_args!(
            "rr-dap: replay diverged at event {}{at}",
            divergence.event
        ));
        for (who, side, lifted) in [
            ("recorded", &divergence.recorded, recorded),
            ("replayed", &divergence.replayed, replayed),
        ] {
            match lifted {
                Some(lifted) => tell(format_args!("  {who}: {lifted}\n            {}", side.text)),
                None => tell(format_args!("  {who}: {}", side.text)),
            }
        }
        tell(
            "is this the component that was recorded, and the recording unchanged? if so, this is a fault of rr-dap",
        );
        Ok(ExitCode::FAILURE)
    }
}

/// Says how the run ended, if not of its own will.
fn tell_ending(trace: &Trace, verified: &Verified) -> io::Result<()> {
    let hostcalls = verified.checks.events;
    match trace.outcome() {
        Outcome::Returned {
            result: Some(result),
            ..
        } => unless_closed(writeln!(terminal::out(), "{}", on_one_line(result)))?,
        Outcome::Returned { .. } | Outcome::Exited(_) => {}
        Outcome::CutOff => tell(format_args!(
            "rr-dap: the {}, after {hostcalls} hostcalls",
            ending::cut_off(trace)
        )),
        Outcome::GoesOn => tell(format_args!(
            "rr-dap: the run goes on; its first {hostcalls} hostcalls were replayed"
        )),
        Outcome::Interrupted => {
            tell(format_args!(
                "rr-dap: the recorded run was interrupted after {hostcalls} hostcalls"
            ));
        }
        other => tell(format_args!("rr-dap: the recorded run {other}")),
    }
    match (verified.compared, &verified.ended) {
        (_, Ended::Running) => tell(format_args!(
            "rr-dap: the guest called nothing more within {TICKS_AFTER_LAST_EVENT} ticks after the last event"
        )),
        (Compared::Open, Ended::Trapped(trap)) => {
            tell(format_args!("rr-dap: replayed on, the guest traps: {trap}"));
        }
        _ => {}
    }
    Ok(())
}
