//! `rr-dap record`: run a component and record the run.

use super::dials::spelled;
use super::engine_settings::EngineSettings;
use super::guest_world::{GuestWorld, Invocation, file_name};
use super::terminal::{self, on_one_line, tell, unless_closed};
use crate::component::{Component, Crossing, CrossingKind, component_bytes, uncallable_exports};
use crate::inspect::ending::is_deadlock;
use crate::record::{self, Dials, Lifeline, Recorded, Recorder, RecorderError, RunError, Switches};
use crate::trace::Outcome;
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    rr-dap record --dir data::/work -o run.rrtrace app.wasm -v /work/input.txt\n  \
    rr-dap record --invoke 'add(1, 2)' library.wasm\n  \
    rr-dap record --keep=failed --quiet tests.wasm   (CARGO_TARGET_WASM32_WASIP2_RUNNER, without its last word)")]
pub(super) struct Record {
    #[command(flatten)]
    world: GuestWorld,
    #[command(flatten)]
    invocation: Invocation,
    #[command(flatten)]
    engine: EngineSettings,
    /// Where to write the recording: a file, or a directory that is there [default: the
    /// program's name with .rrtrace].
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Which recordings to keep. With `failed`, one of a run that trapped, failed in the host,
    /// returned an error or exited with another status than 0, and its path is told; names that
    /// are taken get a number.
    #[arg(long, value_name = "WHICH", default_value = "all")]
    keep: Keep,
    /// Overwrite the recording if it exists.
    #[arg(long)]
    force: bool,
    /// Say nothing about how the run ended, nor about the recording.
    #[arg(long, short)]
    quiet: bool,
    /// End when standard input does, with what is recorded by then, and give the program
    /// none: for those who start this process and may be killed.
    #[arg(long, hide = true)]
    ends_with_input: bool,
    /// The component (or WASI 0.1 module, or .wat) to run, and its arguments: what follows it
    /// is the program's, whatever it looks like.
    #[arg(
        value_names = ["APP", "ARGS"],
        num_args = 1..,
        trailing_var_arg = true,
        required_unless_present = "switches"
    )]
    command: Vec<String>,
}

/// Which recordings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keep {
    All,
    Failed,
}

const TRAPPED_IN_ADAPTER: &str = "\
rr-dap: it trapped in the adapter that makes a WASI 0.1 module a component, and may run without it. \
The adapter keeps its state in the module's memory: a module that takes all of `memory.size` for its \
own writes over it. Export a function `cabi_realloc` from the module, by which the adapter asks for \
memory, or build it for wasm32-wasip2. (`proc_raise`, and an address outside of memory, trap there, too.)";

/// Why a core module that is not a command cannot be run.
fn uncallable(app: &Path, exports: &[String]) -> String {
    let exports = match exports {
        [] => "it exports no functions".to_owned(),
        names => format!("it exports {}", names.join(", ")),
    };
    format!(
        "{} is a core module without `_start`, so there is no command to run, and it does not say \
         the types of its exports, so that --invoke could call them ({exports}): give it a `main`, \
         or make it a component with WIT for its exports (`wasm-tools component embed`, then \
         `component new`)",
        app.display()
    )
}

impl Record {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.world.asks_for_help() {
            write!(terminal::out(), "{}", Switches::help())?;
            return Ok(ExitCode::SUCCESS);
        }
        let lifeline = self.ends_with_input.then(Lifeline::hold).transpose()?;
        let app = self.command.first().context("no APP is given to record")?;
        let app = Path::new(app);
        self.engine.check()?;
        let mut options = self.world.wasi_options(app)?;
        options.args = self.command.iter().skip(1).cloned().collect();
        if self.ends_with_input {
            options.switches.inherit_stdin = false;
        }
        // Who debugs has nobody else to say it.
        if !self.quiet || self.ends_with_input {
            self.world.dials.tell_chosen(options.dials);
        }
        let component = Component::parse(component_bytes(app)?)
            .with_context(|| format!("cannot record {}", app.display()))?;
        let is_callable = |crossing: &Crossing| crossing.kind == CrossingKind::Lift;
        if !component.crossings().iter().any(is_callable)
            && let Some(exports) = uncallable_exports(app)
        {
            bail!(uncallable(app, &exports));
        }
        let component = Arc::new(component);
        let mut names = self.names(app);
        let (recorded, output) = loop {
            let output = names.next();
            let begun = |recorder: &Recorder| {
                let is_told = !self.quiet || self.keep == Keep::Failed;
                finish_on_signals(recorder, is_told.then(|| output.clone()));
                if let Some(lifeline) = &lifeline {
                    lifeline.finishes(recorder);
                }
            };
            let component = component.clone();
            let recorded = match &self.invocation.invoke {
                Some(call) => record::invoke(component, call, &options, &output, self.force, begun),
                None => record::run(component, &options, &output, self.force, begun),
            };
            match recorded {
                // Another run has taken the name meanwhile.
                Err(RunError::Recorder(RecorderError::Create { .. }))
                    if names.is_numbered() && is_taken(&output) => {}
                recorded => break (recorded?, output),
            }
        };
        // A closed standard output ends nothing: the exit code still counts.
        let printed = match &recorded.outcome {
            Outcome::Returned {
                result: Some(result),
                ..
            } => unless_closed(writeln!(terminal::out(), "{}", on_one_line(result))),
            _ => Ok(()),
        };
        match self.keep {
            Keep::Failed if recorded.outcome.exit_code() == 0 => dropped(&output)?,
            Keep::Failed => self.report_kept(&recorded, options.dials, &output),
            Keep::All if self.quiet => {}
            Keep::All => self.report(&recorded, options.dials, &output),
        }
        printed?;
        Ok(super::exit_code(recorded.outcome.exit_code()))
    }

    fn names(&self, app: &Path) -> Names {
        let (path, is_given) = match &self.output {
            Some(directory) if directory.is_dir() => (directory.join(default_output(app)), false),
            Some(file) => (file.clone(), true),
            None => (default_output(app), false),
        };
        let is_numbered = self.keep == Keep::Failed && !is_given && !self.force;
        Names {
            path,
            number: is_numbered.then_some(1),
        }
    }

    /// What failed is told with where its recording is, whoever else reads it: a test runner's
    /// output.
    fn report_kept(&self, recorded: &Recorded, dials: Dials, output: &Path) {
        if !self.quiet {
            self.report(recorded, dials, output);
        }
        let shown = std::path::absolute(output);
        let shown = shown.as_deref().unwrap_or(output).display();
        let outcome = recorded.outcome.to_string();
        let repeated = spelled(dials).map(|dials| format!("; to repeat it: {dials}"));
        // A test runner has begun a line.
        tell(format_args!(
            "\nrr-dap: the run {}; its recording is kept: `rr-dap debug --at end {shown}`{}",
            on_one_line(&outcome),
            repeated.unwrap_or_default()
        ));
    }

    fn report(&self, recorded: &Recorded, dials: Dials, output: &Path) {
        match &recorded.outcome {
            Outcome::Trapped(message) if is_deadlock(message) => tell(format_args!(
                "rr-dap: the guest trapped: {message}: every task waits, and nothing is under way \
                 that could wake one; `rr-dap debug --at end {}` shows where it waits \
                 (`backtrace`) and for what (`waits`)",
                output.display()
            )),
            Outcome::Trapped(message) => tell(format_args!("rr-dap: the guest trapped: {message}")),
            Outcome::HostError(message) => {
                tell(format_args!(
                    "rr-dap: the host failed a call of the guest: {message}"
                ));
                if let Some(seed) = dials.handles.filter(|_| message.contains("handle")) {
                    tell(format_args!(
                        "rr-dap: the indices of handles are shuffled (seed {seed}); `rr-dap trace \
                         resources {}` tells what became of that one",
                        output.display()
                    ));
                }
            }
            _ => {}
        }
        if recorded.trapped_in_adapter {
            tell(TRAPPED_IN_ADAPTER);
        }
        if self.world.redact_env {
            tell(format_args!(
                "rr-dap: the values of environment variables are left out of the recording's \
                 metadata; what the guest read, of them too, is in the results of its hostcalls"
            ));
        }
        if std::io::stderr().is_terminal() {
            tell(format_args!(
                "rr-dap: recorded {} in {} ({} bytes)",
                recorded.calls_text(),
                output.display(),
                recorded.bytes
            ));
        }
    }
}

/// The names that a recording may get.
struct Names {
    path: PathBuf,
    /// That of the next one; `None` if there is no other.
    number: Option<u64>,
}

impl Names {
    fn is_numbered(&self) -> bool {
        self.number.is_some()
    }

    /// The next one that is not taken, as far as is known.
    fn next(&mut self) -> PathBuf {
        loop {
            let Some(number) = &mut self.number else {
                return self.path.clone();
            };
            let path = match *number {
                1 => self.path.clone(),
                number => {
                    let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
                    self.path.with_file_name(format!("{stem}-{number}.rrtrace"))
                }
            };
            *number += 1;
            if !is_taken(&path) {
                return path;
            }
        }
    }
}

fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Nothing is left of a recording that is complete.
fn dropped(output: &Path) -> anyhow::Result<()> {
    // Where a link leads to; a pipe or a device stays.
    let written = output.canonicalize();
    let removed = written.and_then(|file| match file.is_file() {
        true => std::fs::remove_file(file),
        false => Ok(()),
    });
    removed.with_context(|| format!("cannot remove the recording {}", output.display()))
}

/// `output` is told of, unless nobody wants to hear.
fn finish_on_signals(recorder: &Recorder, output: Option<PathBuf>) {
    let told = move |recorded: &Recorded| {
        if let Some(output) = output {
            tell(format_args!(
                "rr-dap: stopped; {} are recorded in {}: `rr-dap debug --at end {}` shows where it \
                 was",
                recorded.calls_text(),
                output.display(),
                output.display()
            ));
        }
    };
    if let Err(error) = record::finish_on_signals(recorder, told) {
        tracing::warn!("signals cannot be handled: {error}");
    }
}

fn default_output(app: &Path) -> PathBuf {
    PathBuf::from(file_name(app)).with_extension("rrtrace")
}
