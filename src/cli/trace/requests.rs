//! `rr-dap trace requests`: what a service was asked, and what became of each request.

use crate::cli::recordings::{Failed, Listed, Recordings};
use crate::cli::terminal::{self, on_one_line};
use crate::inspect::past::requests::{Request, Requests};
use crate::trace::{Utc, WallTime};
use anyhow::anyhow;
use clap::Args;
use std::io::{self, Write};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rr-dap trace requests app.recordings\n  rr-dap trace requests app.recordings --failed\n  rr-dap trace requests run.rrtrace --json | jq 'select(.durationNs > 50000000) | .target'"
)]
pub(in crate::cli) struct RequestsOf {
    /// Only requests that ended in a trap or an error, or were answered with a status of 500 or
    /// above.
    #[arg(long)]
    failed: bool,
    /// Print one JSON object to a line; `recording` is the file, within the directory if one is
    /// given.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recordings: Recordings,
}

impl RequestsOf {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let are_many = self.recordings.are_many();
        let mut out = io::BufWriter::new(terminal::listing(self.json));
        let mut has_head = self.json;
        self.recordings.each(|listed| {
            let ended = self.list(listed, are_many, &mut has_head, &mut out);
            out.flush()?;
            ended
        })
    }

    fn list(
        &self,
        listed: &Listed,
        are_many: bool,
        has_head: &mut bool,
        out: &mut impl Write,
    ) -> Result<(), Failed> {
        let trace = listed.file.open();
        let trace = trace.map_err(|error| Failed::Recording(error.into()))?;
        if !are_many && !Requests::may_be_in(trace.component()) {
            return Err(Failed::Recording(anyhow!(
                "{} has no requests: its component exports neither \
                 wasi:http/incoming-handler@0.2 nor wasi:http/handler@0.3",
                listed.name
            )));
        }
        let requests = Requests::read(&trace, || true);
        let is_meant = |request: &&Request| !self.failed || request.has_failed();
        let name = on_one_line(&listed.name);
        let name = are_many.then_some(&*name);
        for request in requests.list().iter().filter(is_meant) {
            if !std::mem::replace(has_head, true) {
                writeln!(out, "{}", head(name))?;
            }
            match self.json {
                true => writeln!(out, "{}", json(&listed.name, request))?,
                false => writeln!(out, "{}", line(name, request))?,
            }
        }
        match &requests.cut_short {
            Some(why) => Err(Failed::Recording(anyhow!(why.clone()))),
            None => Ok(()),
        }
    }
}

/// Columns that are filled up to here.
const TARGET: usize = 28;
const START: usize = 23;

fn head(file: Option<&str>) -> String {
    let file = file.map_or_else(String::new, |file| {
        format!("{:<width$}  ", "recording", width = file.chars().count())
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

fn line(file: Option<&str>, request: &Request) -> String {
    let file = file.map_or_else(String::new, |file| format!("{file}  "));
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

fn json(recording: &str, request: &Request) -> serde_json::Value {
    let headers = request.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| serde_json::json!([name, value]))
        .collect();
    serde_json::json!({
        "recording": recording,
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
        "time": request.time().map(WallTime::rfc3339),
        "began": request.began.map(|began| began.to_string()),
        "durationNs": request.duration,
        "hostcalls": request.hostcalls,
        "outgoing": request.outgoing,
        "received": request.received,
        "sent": request.sent,
    })
}
