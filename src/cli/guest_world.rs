//! What a program runs with while it is recorded.

use super::dials::DialsGiven;
use crate::record::{Preopen, Switches, WasiOptions};
use anyhow::Context;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct GuestWorld {
    /// Give the guest a host directory.
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    pub(super) dirs: Vec<Preopen>,
    /// Set an environment variable for the guest; without a value, the one it has here.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// Leave the values of environment variables out of what the recording says of the run.
    ///
    /// What the guest reads is recorded all the same, its environment too: results of hostcalls
    /// cannot be left out.
    #[arg(long)]
    pub(super) redact_env: bool,
    /// Keep the program's own sources, as far as they are here and small, in the recording, so
    /// that it shows them elsewhere, too: so it is without being told.
    #[arg(long, overrides_with = "no_sources")]
    pub(super) sources: bool,
    /// Keep no sources in the recording.
    #[arg(long)]
    pub(super) no_sources: bool,
    /// WASI switches as `wasmtime run` has them; `-S help` lists them.
    #[arg(
        short = 'S',
        long = "wasi",
        value_name = "SWITCH[=VALUE]",
        value_delimiter = ','
    )]
    pub(super) switches: Vec<String>,
    #[command(flatten)]
    pub(super) dials: DialsGiven,
}

/// What is called of a program, where that is chosen: a service is called by its clients.
#[derive(Debug, Args)]
pub(super) struct Invocation {
    /// Call an exported function instead of the command, with arguments in WAVE, and print
    /// its result.
    ///
    /// Functions of an exported interface are spelled 'ns:package/interface@1.0.0#f(…)'; the
    /// bare name does where only one has it.
    #[arg(long, value_name = "CALL")]
    pub(super) invoke: Option<String>,
}

impl GuestWorld {
    /// The variables that were given, each with its value.
    pub(super) fn environment(&self) -> anyhow::Result<Vec<(String, String)>> {
        let with_value = |variable: &String| match variable.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => {
                let value = std::env::var(variable)
                    .with_context(|| format!("--env {variable}: it is not set here"))?;
                Ok((variable.clone(), value))
            }
        };
        self.env.iter().map(with_value).collect()
    }

    /// Whether nothing was given.
    pub(super) fn is_empty(&self) -> bool {
        self.dirs.is_empty()
            && self.env.is_empty()
            && self.switches.is_empty()
            && !self.sources
            && !self.no_sources
            && self.dials.is_empty()
    }

    /// `-S help`: a question, not a switch.
    pub(super) fn asks_for_help(&self) -> bool {
        self.switches.iter().any(|switch| switch == "help")
    }

    /// What the guest is given that `app` is; no arguments yet.
    pub(super) fn wasi_options(&self, app: &Path) -> anyhow::Result<WasiOptions> {
        let mut switches = Switches::default();
        for switch in &self.switches {
            switches.set(switch)?;
        }
        let mut env = match switches.inherit_env {
            true => own_environment()?,
            false => Vec::new(),
        };
        env.extend(self.environment()?);
        let keeps = self.sources || !self.no_sources;
        Ok(WasiOptions {
            program: file_name(app),
            args: Vec::new(),
            env,
            redact_env: self.redact_env,
            dirs: self.dirs.clone(),
            switches,
            dials: self.dials.turned(),
            sources_beside: keeps.then(|| where_sources_may_be(app)),
        })
    }
}

/// The folders in which the program's sources are looked for.
fn where_sources_may_be(app: &Path) -> Vec<PathBuf> {
    let beside = app.parent().map(Path::to_owned);
    beside
        .into_iter()
        .chain(std::env::current_dir().ok())
        .collect()
}

/// The environment of this process; a guest's strings are Unicode.
fn own_environment() -> anyhow::Result<Vec<(String, String)>> {
    std::env::vars_os()
        .map(|(name, value)| {
            let text = |part: std::ffi::OsString| part.into_string().ok();
            let shown = name.to_string_lossy().into_owned();
            text(name).zip(text(value)).with_context(|| {
                format!("-S inherit-env: the variable {shown} is not Unicode; unset it, or give each variable with --env")
            })
        })
        .collect()
}

/// A program's name.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
