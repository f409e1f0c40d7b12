//! `rr-dap record`: run a component and record the run.

use crate::component::{Component, component_bytes};
use crate::record::{self, Preopen, WasiOptions};
use crate::trace::Outcome;
use anyhow::Context;
use clap::Args;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap record --dir data::/work -o run.rrtrace app.wasm -v /work/input.txt"
)]
pub(super) struct Record {
    /// Give the guest a host directory.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    dirs: Vec<Preopen>,
    /// Set an environment variable for the guest; without a value, the one it has here.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// WASI switches as `wasmtime run` has them: inherit-env, inherit-network.
    #[arg(short = 'S', value_name = "SWITCH[=y|n]", value_delimiter = ',')]
    switches: Vec<String>,
    /// Where to write the recording [default: the program's name with .rrtrace].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the recording if it exists.
    #[arg(long)]
    force: bool,
    /// Say nothing about how the run ended, nor about the recording.
    #[arg(long, short)]
    quiet: bool,
    /// The component (or WASI 0.1 module, or .wat) to run.
    #[arg(value_name = "APP")]
    app: PathBuf,
    /// Its arguments.
    #[arg(
        value_name = "ARGS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    args: Vec<String>,
}

impl Record {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = component_bytes(&self.app)?;
        let component = Component::parse(bytes)
            .with_context(|| format!("cannot record {}", self.app.display()))?;
        let output = self
            .output
            .clone()
            .unwrap_or_else(|| default_output(&self.app));
        let options = self.wasi_options()?;
        record::take_file_limits_as_errors();
        let recorded = record::run(
            Arc::new(component),
            &options,
            &output,
            self.force,
            |recorder| {
                if let Err(error) = record::finish_on_signals(recorder) {
                    tracing::warn!("signals cannot be handled: {error}");
                }
            },
        )?;
        match &recorded.outcome {
            _ if self.quiet => {}
            Outcome::Trapped(message) => eprintln!("rr-dap: the guest trapped: {message}"),
            Outcome::HostError(message) => {
                eprintln!("rr-dap: the host failed a call of the guest: {message}");
            }
            _ => {}
        }
        if !self.quiet && std::io::stderr().is_terminal() {
            eprintln!(
                "rr-dap: recorded {} hostcalls in {} ({} bytes)",
                recorded.events,
                output.display(),
                recorded.bytes
            );
        }
        Ok(super::exit_code(recorded.outcome.exit_code()))
    }

    fn wasi_options(&self) -> anyhow::Result<WasiOptions> {
        let mut env = Vec::new();
        let mut inherit_network = false;
        for switch in &self.switches {
            let (name, value) = switch.split_once('=').unwrap_or((switch, "y"));
            let on = matches!(value, "y" | "yes" | "true");
            match name {
                "inherit-env" if on => env.extend(std::env::vars()),
                "inherit-network" => inherit_network = on,
                "inherit-env" | "cli" | "common" => {}
                _ => anyhow::bail!(
                    "-S {name} is not known here; known are inherit-env and inherit-network"
                ),
            }
        }
        for variable in &self.env {
            match variable.split_once('=') {
                Some((name, value)) => env.push((name.to_owned(), value.to_owned())),
                None => {
                    let value = std::env::var(variable)
                        .with_context(|| format!("--env {variable}: it is not set here"))?;
                    env.push((variable.clone(), value));
                }
            }
        }
        Ok(WasiOptions {
            program: file_name(&self.app),
            args: self.args.clone(),
            env,
            dirs: self.dirs.clone(),
            inherit_network,
        })
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn default_output(app: &Path) -> PathBuf {
    PathBuf::from(file_name(app)).with_extension("rrtrace")
}
