//! `rr-dap serve`: serve a component over HTTP, and record each of its instances.

use super::engine_settings::EngineSettings;
use super::guest_world::{GuestWorld, file_name};
use super::terminal::{self, on_one_line, tell};
use crate::component::{Component, component_bytes};
use crate::record::keep::Keep;
use crate::record::serving::{Attendant, Bounds, Exchange, GivenHeader, ServeOptions, serve};
use crate::record::shelf::Room;
use crate::record::{Lifeline, RecorderError, Switches, when_told_to_end};
use crate::trace::{Outcome, parse_duration};
use anyhow::Context;
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  rr-dap serve app.wasm                           (records into app.recordings)
  rr-dap serve --addr 127.0.0.1:0 -o recordings app.wasm
  rr-dap debug app.recordings/*-000001.rrtrace    (one of its instances)")]
pub(super) struct Serve {
    #[command(flatten)]
    world: GuestWorld,
    #[command(flatten)]
    engine: EngineSettings,
    /// Where to listen for HTTP; port 0 picks one. What is printed says where.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    addr: SocketAddr,
    /// The directory for recordings, one of each instance [default: the program's name with
    /// .recordings].
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Who connects here ends the service, as SIGTERM does.
    #[arg(long, value_name = "ADDR")]
    shutdown_addr: Option<SocketAddr>,
    /// Give requests a header, `NAME: VALUE`, in place of any of that name; `@FILE` has one on
    /// each line. May be repeated.
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Print what guests print as it is, without saying which instance printed it.
    #[arg(long)]
    no_logging_prefix: bool,
    /// Which recordings are kept, decided when an instance has ended and its requests are
    /// answered: all, or any of trap, 5xx, 4xx, slow=DURATION, sample=1/N, last=N, with commas.
    #[arg(long, value_name = "REASONS", default_value = "all")]
    keep: Keep,
    /// How many MiB of recordings are kept: the oldest go first, those of failures last.
    #[arg(long, value_name = "MIB")]
    max_size: Option<u64>,
    /// How many recordings are kept.
    #[arg(long, value_name = "COUNT")]
    max_files: Option<usize>,
    /// Serve only, on the same host.
    #[arg(long, conflicts_with = "output")]
    no_record: bool,
    /// How many requests an instance gets before it is dropped [default: 1 for WASI 0.2, 128
    /// for WASI 0.3].
    #[arg(long, visible_alias = "reuse", value_name = "COUNT")]
    max_instance_reuse_count: Option<usize>,
    /// How many requests an instance gets at the same time [default: 1 for WASI 0.2, always;
    /// 16 for WASI 0.3].
    #[arg(long, value_name = "COUNT")]
    max_instance_concurrent_reuse_count: Option<usize>,
    /// How long an instance without a request is kept: 10, 1s, 500ms.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    idle_instance_timeout: Duration,
    /// How long an instance may take for a request; without this, as long as it likes.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    request_timeout: Option<Duration>,
    /// How many requests are worked at at the same time; others wait.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    max_concurrent_requests: usize,
    /// How many connections are held at the same time; others wait.
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    max_concurrent_connections: usize,
    /// Say nothing but where it listens, and what cannot be recorded.
    #[arg(long, short)]
    quiet: bool,
    /// End when standard input does.
    #[arg(long, hide = true)]
    ends_with_input: bool,
    /// The component (or .wat): one that exports wasi:http/incoming-handler 0.2 or
    /// wasi:http/handler 0.3.
    #[arg(value_name = "APP", required_unless_present = "switches")]
    app: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.world.asks_for_help() {
            write!(terminal::out(), "{}", Switches::help())?;
            return Ok(ExitCode::SUCCESS);
        }
        let app = self.app.as_deref().context("no APP is given to serve")?;
        self.engine.check()?;
        let mut wasi = self.world.wasi_options(app)?;
        if self.no_record && !self.world.dials.is_empty() {
            anyhow::bail!(
                "--handles and --chaos are of recorded programs: leave them or --no-record out"
            );
        }
        if !self.quiet {
            self.world.dials.tell_chosen(wasi.dials);
        }
        wasi.switches.http = true;
        wasi.switches.inherit_stdin = false;
        let bytes = component_bytes(app)?;
        let component =
            Component::parse(bytes).with_context(|| format!("cannot serve {}", app.display()))?;
        let options = ServeOptions {
            wasi,
            bounds: Bounds {
                requests_of_instance: self.max_instance_reuse_count,
                requests_at_once_of_instance: self.max_instance_concurrent_reuse_count,
                idle: self.idle_instance_timeout,
                request: self.request_timeout,
                requests: self.max_concurrent_requests,
                connections: self.max_concurrent_connections,
            },
            address: self.addr,
            headers: self.given_headers()?,
            names_lines: !self.no_logging_prefix,
            shutdown: self.shutdown_addr,
            keep: self.keep.clone(),
            room: Room {
                size: self
                    .max_size
                    .map_or(u64::MAX, |mib| mib.saturating_mul(1 << 20)),
                files: self.max_files.unwrap_or(usize::MAX),
            },
            directory: (!self.no_record)
                .then(|| self.output.clone().unwrap_or_else(|| default_output(app))),
        };
        let ending = when_told_to_end().context("signals cannot be handled")?;
        if self.ends_with_input {
            Lifeline::hold_service()?;
        }
        let told = Arc::new(Told {
            quiet: self.quiet,
            unrecorded: AtomicU64::new(0),
        });
        let summary = serve(&Arc::new(component), &options, told, ending)?;
        if !self.quiet {
            let (requests, instances) = (summary.requests, summary.instances);
            match &options.directory {
                Some(directory) => tell(format_args!(
                    "rr-dap: {requests} requests to {instances} instances are recorded in {}",
                    directory.display()
                )),
                None => tell(format_args!(
                    "rr-dap: {requests} requests to {instances} instances"
                )),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Serve {
    fn given_headers(&self) -> anyhow::Result<Vec<GivenHeader>> {
        let mut given = Vec::new();
        for header in &self.headers {
            let lines = match header.strip_prefix('@') {
                Some(file) => std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read headers from {file}"))?,
                None => header.clone(),
            };
            for line in lines.lines().filter(|line| !line.trim().is_empty()) {
                given.push(line.parse().map_err(anyhow::Error::msg)?);
            }
        }
        Ok(given)
    }
}

fn default_output(app: &Path) -> PathBuf {
    PathBuf::from(file_name(app)).with_extension("recordings")
}

/// Tells a person what becomes of a service.
struct Told {
    quiet: bool,
    unrecorded: AtomicU64,
}

impl Attendant for Told {
    fn ready(&self, address: SocketAddr) {
        tell(format_args!("Serving HTTP on http://{address}/"));
    }

    fn failed(&self, exchange: &Exchange, reason: &str, recording: Option<&Path>) {
        if self.quiet {
            return;
        }
        let (number, method, target) = (exchange.number, &exchange.method, &exchange.target);
        let told = format!("request {number} {method} {target}: {reason}");
        let told = on_one_line(&told);
        match recording {
            Some(path) => tell(format_args!(
                "rr-dap: {told}: `rr-dap debug --at end {}`",
                path.display()
            )),
            None => tell(format_args!("rr-dap: {told}")),
        }
    }

    fn ended(&self, outcome: &Outcome, requests: &[Arc<Exchange>], recording: Option<&Path>) {
        if self.quiet {
            return;
        }
        let requests: Vec<String> = requests
            .iter()
            .map(|request| {
                let (method, target) = (&request.method, &request.target);
                format!("{} {method} {target}", request.number)
            })
            .collect();
        let whose = match requests.is_empty() {
            true => String::new(),
            false => format!(" (at request {})", requests.join(", ")),
        };
        let told = format!("an instance{whose} {outcome}");
        let told = on_one_line(&told);
        match recording {
            Some(path) => tell(format_args!(
                "rr-dap: {told}: `rr-dap debug --at end {}` shows where",
                path.display()
            )),
            None => tell(format_args!("rr-dap: {told}")),
        }
    }

    fn not_recorded(&self, error: &RecorderError) {
        // A full disk has each request say the same.
        match self.unrecorded.fetch_add(1, Ordering::Relaxed) + 1 {
            times @ 1..=3 => tell(format_args!(
                "rr-dap: not recorded: {error}{}",
                if times == 3 {
                    "; further ones are told by the thousand"
                } else {
                    ""
                }
            )),
            times if times % 1000 == 0 => {
                tell(format_args!("rr-dap: {times} times not recorded: {error}"));
            }
            _ => {}
        }
    }
}
