//! What a program runs with while it is recorded.

use crate::record::Preopen;
use anyhow::Context;
use clap::Args;

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
    /// Call an exported function instead of the command, with arguments in WAVE, and print
    /// its result.
    ///
    /// Functions of an exported interface are spelled 'ns:package/interface@1.0.0#f(…)'; the
    /// bare name does where only one has it.
    #[arg(long, value_name = "CALL")]
    pub(super) invoke: Option<String>,
    /// WASI switches as `wasmtime run` has them; `-S help` lists them.
    #[arg(
        short = 'S',
        long = "wasi",
        value_name = "SWITCH[=VALUE]",
        value_delimiter = ','
    )]
    pub(super) switches: Vec<String>,
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
            && self.invoke.is_none()
            && self.switches.is_empty()
            && !self.sources
            && !self.no_sources
    }
}
