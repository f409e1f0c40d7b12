//! `rr-dap trace requests`: what a service was asked, and what became of each request.

use crate::cli::terminal::{self, on_one_line, tell};
use crate::inspect::past::requests::{Request, Requests};
use crate::trace::{Trace, Utc};
use anyhow::{Context, bail};
use clap::Args;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap trace requests app.recordings\n  rr-dap trace requests app.recordings --failed\n  rr-dap trace requests run.rrtrace --json | jq 'select(.durationNs > 50000000) | .target'"
)]
pub(in crate::cli) struct RequestsOf {
    /// Only requests that ended in a trap or an error, or were answered with a status of 500 or
    /// above.
    #[arg(long)]
    failed: bool,
    /// Print one JSON object to a line; `recording` is the file.
    #[arg(long)]
    json: bool,
    /// A recording, or a directory: then all recordings in it, by name.
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
}

impl RequestsOf {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let is_directory = self.path.is_dir();
        let files = match is_directory {
            true => recordings_in(&self.path)?,
            false => vec![self.path.clone()],
        };
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        let mut has_head = self.json;
        for file in &files {
            let trace = match Trace::open(file) {
                Ok(trace) => trace,
                Err(error) if is_directory => {
                    out.flush()?;
                    let error = error.to_string();
                    let shown = file.display();
                    let named = match error.contains(&shown.to_string()) {
                        true => error,
                        false => format!("{shown}: {error}"),
                    };
                    tell(format_args!("rr-dap: {}", on_one_line(&named)));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if !is_directory && !Requests::may_be_in(trace.component()) {
                bail!(
                    "{} has no requests: its component exports neither \
                     wasi:http/incoming-handler@0.2 nor wasi:http/handler@0.3",
                    file.display()
                );
            }
            let requests = Requests::read(&trace, || true);
            let is_meant = |request: &&Request| !self.failed || request.has_failed();
            for request in requests.list().iter().filter(is_meant) {
                let name = is_directory.then_some(file.as_path());
                if !std::mem::replace(&mut has_head, true) {
                    writeln!(out, "{}", head(name))?;
                }
                match self.json {
                    true => writeln!(out, "{}", json(file, request))?,
                    false => writeln!(out, "{}", line(name, request))?,
                }
            }
            if let Some(why) = &requests.cut_short {
                out.flush()?;
                tell(format_args!(
                    "rr-dap: {}: {}",
                    file.display(),
                    on_one_line(why)
                ));
            }
        }
        out.flush()?;
        Ok(())
    }
}

fn recordings_in(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let failed = || format!("cannot read {}", directory.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "rrtrace")
        {
            files.push(path);
        }
    }
    if files.is_empty() {
        bail!(
            "there are no recordings (*.rrtrace) in {}",
            directory.display()
        );
    }
    files.sort();
    Ok(files)
}

/// Columns that are filled up to here.
const TARGET: usize = 28;
const START: usize = 23;

fn head(file: Option<&Path>) -> String {
    let file = file.map_or_else(String::new, |file| {
        format!(
            "{:<width$}  ",
            "recording",
            width = name(file).chars().count()
        )
    });
    format!(
        "{file}{:>6}  {:<7} {:<TARGET$} {:>6}  {:<START$}  {:>8}  {:>9}  {:>8}  {:>8}  {:>8}  outcome",
        "number",
        "method",
        "target",
        "status",
        "start",
        "duration",
        "hostcalls",
        "received",
        "sent",
        "outgoing"
    )
}

fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    on_one_line(&name.to_string_lossy())
}

fn line(file: Option<&Path>, request: &Request) -> String {
    let file = file.map_or_else(String::new, |file| format!("{}  ", name(file)));
    let known = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or("?");
        on_one_line(text)
    };
    let status = match request.status {
        Some(status) => status.to_string(),
        None => "-".to_owned(),
    };
    format!(
        "{file}{:>6}  {:<7} {:<TARGET$} {status:>6}  {:<START$}  {:>8}  {:>9}  {:>8}  {:>8}  {:>8}  {}",
        request.number,
        known(&request.method),
        known(&request.target),
        start(request),
        duration(request),
        request.hostcalls,
        request.received,
        request.sent,
        request.outgoing,
        on_one_line(&request.told())
    )
}

/// The event, and the time of day if that is known.
fn start(request: &Request) -> String {
    let event = request
        .entered
        .map_or_else(|| "never".to_owned(), |at| format!("event {}", at.event));
    let time = request.began.map_or_else(String::new, |began| {
        let (seconds, milliseconds) = (began / 1_000_000_000, began / 1_000_000 % 1000);
        let moment = Utc::at(seconds).to_string();
        let time = moment.split([' ', 'T']).nth(1).unwrap_or(&moment);
        let time = time.trim_end_matches(|c: char| !c.is_ascii_digit());
        format!("{time}.{milliseconds:03} ")
    });
    format!("{time}{event}")
}

fn duration(request: &Request) -> String {
    match request.duration {
        None => "-".to_owned(),
        Some(nanoseconds) if nanoseconds < 1_000_000 => format!("{} us", nanoseconds / 1000),
        Some(nanoseconds) if nanoseconds < 10_000_000_000 => {
            format!("{:.1} ms", nanoseconds as f64 / 1e6)
        }
        Some(nanoseconds) => format!("{:.1} s", nanoseconds as f64 / 1e9),
    }
}

fn json(file: &Path, request: &Request) -> serde_json::Value {
    let headers = request.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| serde_json::json!([name, value]))
        .collect();
    serde_json::json!({
        "recording": file.display().to_string(),
        "number": request.number,
        "method": request.method,
        "target": request.target,
        "authority": request.authority,
        "headers": headers,
        "status": request.status,
        "outcome": request.ending.word(),
        "error": request.ending.error(),
        "failed": request.has_failed(),
        "start": request.entered.map(|at| at.event),
        "end": request.end,
        "began": request.began.map(|began| began.to_string()),
        "durationNs": request.duration,
        "hostcalls": request.hostcalls,
        "outgoing": request.outgoing,
        "received": request.received,
        "sent": request.sent,
    })
}
