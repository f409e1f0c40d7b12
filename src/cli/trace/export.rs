//! `rr-dap trace export`: what recordings said, in the formats of other tools.

use super::listened::{Listened, Recordings};
use super::new_file::NewFile;
use crate::cli::terminal;
use crate::debuggee::system::Found;
use crate::system::export::{System, json, pcapng, perfetto, shiviz};
use crate::trace::Trace;
use anyhow::bail;
use clap::{Args, ValueEnum};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap trace export client.rrtrace shop.rrtrace --format pcapng -o shop.pcapng\n  rr-dap trace export shop.recordings --format pcapng | tshark -r - -Y http\n  rr-dap trace export shop.rrsystem --format perfetto -o shop.pftrace\n  rr-dap trace export shop.rrsystem --format json | jq '.messages[].said'"
)]
pub(in crate::cli) struct Export {
    /// What to write.
    #[arg(long, value_enum)]
    format: Format,
    /// Where to write it: standard output without this, or if it is `-`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    recordings: Recordings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Everything that was found, as one object.
    Json,
    /// A capture of packets, for Wireshark and tshark.
    Pcapng,
    /// Hostcalls, requests and messages on a time line, for ui.perfetto.dev.
    Perfetto,
    /// Who knew what when, for ShiViz.
    Shiviz,
}

impl Format {
    fn is_text(self) -> bool {
        matches!(self, Format::Json | Format::Shiviz)
    }
}

impl Export {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let to = self.output.as_deref().filter(|to| *to != Path::new("-"));
        let to = to.map(|path| NewFile::at(path.to_owned(), self.force));
        // Before the work, so that who cannot write knows soon.
        let mut file = match &to {
            Some(to) => Some(to.begin()?),
            None if !self.format.is_text() && io::stdout().is_terminal() => bail!(
                "this format is not for terminals: give a file with -o, or pipe it to what reads it"
            ),
            None => None,
        };
        let Listened {
            names,
            traces,
            heard,
        } = self.recordings.listen()?;
        let found = Found::of(names, heard);
        match &mut file {
            Some(file) => self.write(&found, &traces, &mut *file)?,
            None if self.format.is_text() => {
                self.write(&found, &traces, BufWriter::new(terminal::listing(true)))?;
            }
            None => self.write(&found, &traces, BufWriter::new(terminal::stdout()))?,
        }
        if let Some(file) = file {
            file.keep()?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, found: &Found, traces: &[Arc<Trace>], to: impl Write) -> io::Result<()> {
        let nodes = found.nodes();
        let (matches, order) = found.parts();
        let system = System {
            nodes: &nodes,
            matches,
            order,
        };
        written(self.format, system, traces, to)
    }
}

fn written(
    format: Format,
    system: System<'_>,
    traces: &[Arc<Trace>],
    to: impl Write,
) -> io::Result<()> {
    match format {
        Format::Json => json::write(system, to),
        Format::Perfetto => perfetto::write(system, traces, to),
        Format::Shiviz => shiviz::write(system, to),
        Format::Pcapng => {
            let left_out = pcapng::write(system, to)?;
            if left_out.pipes > 0 {
                terminal::tell(format_args!(
                    "rr-dap: what went over standard input and output ({}) is not in the capture: \
                     no network has it; the other formats do",
                    left_out.pipes
                ));
            }
            Ok(())
        }
    }
}
