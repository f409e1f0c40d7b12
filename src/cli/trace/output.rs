//! `rr-dap trace output`: what the guest printed, and who wrote it.

use super::super::progress::open_to_replay;
use super::super::recording_file::RecordingFile;
use crate::cli::terminal;
use crate::inspect::hostcall::lift::{Bytes, Lifted};
use crate::inspect::hostcall::wave;
use crate::inspect::past::output::{Output as Printed, Piece};
use crate::replay::output::Stream;
use anyhow::bail;
use clap::Args;
use std::io::{self, Write};

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rr-dap trace output run.rrtrace\n  rr-dap trace output run.rrtrace --at 120\n  rr-dap trace output run.rrtrace --json | jq 'select(.stream == \"stderr\")'\n\n`rr-dap replay run.rrtrace` prints the same as it was printed."
)]
pub(in crate::cli) struct Output {
    /// Only what had been printed before this hostcall.
    #[arg(long, value_name = "EVENT")]
    at: Option<u64>,
    /// Print one JSON object to a line. Bytes that are not UTF-8 are in `bytes`, as
    /// numbers.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recording: RecordingFile,
}

/// Most bytes of one piece in a line.
const TEXT_LIMIT: usize = 200;

impl Output {
    /// What had been printed before this hostcall.
    pub(in crate::cli) fn before(event: u64, recording: RecordingFile) -> Self {
        Self {
            at: Some(event),
            json: false,
            recording,
        }
    }

    pub(in crate::cli) fn run(self) -> anyhow::Result<()> {
        let (trace, compiled) = open_to_replay(&self.recording, None)?;
        if let Some(event) = self.at {
            let (all, damage) = trace.readable_hostcalls();
            if event >= all {
                if let Some(damage) = damage {
                    return Err(damage.into());
                }
                bail!("there is no hostcall {event}; this recording has {all}, from 0 on");
            }
        }
        if let Some(missing) = trace.missing() {
            terminal::tell(format_args!(
                "rr-dap: {missing}; what came before it is listed"
            ));
        }
        let (printed, ended) = Printed::of(trace, &compiled);
        let pieces = match self.at {
            Some(event) => printed.until(event),
            None => printed.pieces(),
        };
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        for piece in pieces {
            match self.json {
                true => writeln!(out, "{}", json(&printed, piece))?,
                false => writeln!(out, "{}", text(&printed, piece))?,
            }
        }
        out.flush()?;
        // What came before is listed.
        Ok(ended?)
    }
}

fn stream(piece: &Piece) -> &'static str {
    match piece.stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    }
}

fn text(printed: &Printed, piece: &Piece) -> String {
    let shown = Lifted::Bytes(Bytes {
        length: piece.length,
        pointer: 0,
        head: printed.bytes(piece).to_vec(),
    });
    let (event, stream, offset) = (piece.event, stream(piece), piece.offset);
    let shown = wave::text(&shown, TEXT_LIMIT);
    format!("{event:>8}  {stream} at {offset}: {shown}")
}

fn json(printed: &Printed, piece: &Piece) -> serde_json::Value {
    let bytes = printed.bytes(piece);
    let mut object = serde_json::json!({
        "event": piece.event,
        "stream": stream(piece),
        "offset": piece.offset,
        "length": piece.length,
    });
    match std::str::from_utf8(bytes) {
        Ok(text) => object["text"] = text.into(),
        Err(_) => object["bytes"] = bytes.into(),
    }
    object
}
