//! `rr-dap instrument`: the component that records itself, for any host.

use super::dials::DialsGiven;
use crate::component::{Component, component_bytes};
use crate::instrument::record::{Commit, Options, instrument_with};
use crate::instrument::sink::{Sink, instrument_into_with};
use crate::record::Dials;
use crate::trace::{HeldProgram, Metadata};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap instrument app.wasm -o app.rec.wasm --sink file
  wasmtime run --dir . app.rec.wasm        (writes app.rrtrace)

  rr-dap instrument app.wasm -o app.rec.wasm --sink stderr
  wasmtime run app.rec.wasm 2>app.log      (rr-dap opens app.log)

Without --sink the component imports rr:recorder/sink, which a host that uses
rr-dap as a library gives it.")]
pub(super) struct Instrument {
    /// Where to write the component.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Let it write its recording itself, through WASI 0.2: into a file (in a
    /// directory that the host gives it), or as lines on standard error.
    #[arg(long, value_name = "file[=PATH]|stderr")]
    sink: Option<SinkOption>,
    /// When it hands on what it has recorded: before and after each call, or when its buffer
    /// is full, which is faster, but loses what came last if the program traps
    /// [default: hostcall with --sink, else full].
    #[arg(long, value_name = "WHEN")]
    commit: Option<CommitOption>,
    /// Let recordings name the program by its hash instead of holding it: they are smaller by
    /// it. Keep the program: who opens one has it beside the recording, or says with --program
    /// where it is.
    #[arg(long, requires = "sink")]
    no_program: bool,
    #[command(flatten)]
    dials: DialsGiven,
    /// The component (or WASI 0.1 module, or .wat).
    #[arg(value_name = "APP")]
    app: PathBuf,
}

#[derive(Debug, Clone)]
struct SinkOption(Sink);

impl FromStr for SinkOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(SinkOption(match text.split_once('=') {
            None if text == "file" => Sink::File { path: None },
            None if text == "stderr" => Sink::Stderr,
            Some(("file", path)) if !path.is_empty() => Sink::File {
                path: Some(path.to_owned()),
            },
            _ => return Err("it is file, file=PATH or stderr".into()),
        }))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CommitOption {
    Hostcall,
    Full,
}

impl From<CommitOption> for Commit {
    fn from(option: CommitOption) -> Commit {
        match option {
            CommitOption::Hostcall => Commit::EachHostcall,
            CommitOption::Full => Commit::WhenFull,
        }
    }
}

impl Instrument {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.sink.is_none() && !self.dials.is_empty() {
            bail!("--handles and --chaos want a --sink, whose recordings tell the seeds");
        }
        let dials = self.dials.turned();
        self.dials.tell_chosen(dials);
        let bytes = component_bytes(&self.app)?;
        let app = self.app.display();
        let component =
            Component::parse(bytes).with_context(|| format!("cannot instrument {app}"))?;
        let instrumented = match &self.sink {
            None => {
                let options = Options {
                    commit: self.commit.map_or(Commit::WhenFull, Commit::from),
                    ..Options::default()
                };
                instrument_with(&component, options)
                    .with_context(|| format!("cannot instrument {app}"))?
            }
            Some(SinkOption(sink)) => {
                let commit = self.commit.map_or(Commit::EachHostcall, Commit::from);
                let program = match self.no_program {
                    true => HeldProgram::named(&component),
                    false => HeldProgram::whole(&component)?,
                };
                let (component, metadata) = (Arc::new(component), self.metadata(dials));
                instrument_into_with(&component, sink, commit, &program, &metadata)
                    .with_context(|| format!("cannot instrument {app}"))?
            }
        };
        std::fs::write(&self.output, instrumented)
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn metadata(&self, dials: Dials) -> Metadata {
        let name = self.app.file_name().unwrap_or_default();
        Metadata {
            program: name.to_string_lossy().into_owned(),
            recorder: concat!("rr-dap ", env!("CARGO_PKG_VERSION"), ", instrument").into(),
            handles: dials.handles,
            chaos: dials.chaos,
            ..Metadata::default()
        }
    }
}
