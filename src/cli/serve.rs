//! `rr-dap` without a subcommand: the debug adapter.

use crate::dap::outbox::MessageLog;
use crate::dap::recording::RecordingLauncher;
use crate::dap::transport::{Address, Listener, Server};
use crate::timeline::Options;
use crate::trace::Trace;
use anyhow::Context;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Listen for clients instead of speaking DAP on standard input and output:
    /// HOST:PORT, a port (0 picks one), or unix:PATH. Prints `LISTENING PORT` when
    /// ready.
    #[arg(long, value_name = "ADDR")]
    listen: Option<Address>,
    /// Debug this recording headless: clients `attach`. Listens on 127.0.0.1:0
    /// unless told otherwise.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Write every DAP message to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    log_dap: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(trace) = &self.trace {
            // A recording that cannot be opened is told now, not to each client.
            Trace::open(trace)?;
        }
        let log = match &self.log_dap {
            Some(path) => Some(
                MessageLog::create(path)
                    .with_context(|| format!("cannot write {}", path.display()))?,
            ),
            None => None,
        };
        let headless = self.trace.is_some();
        let launcher = RecordingLauncher::new(Options::standard()?, self.trace);
        let server = Server {
            launcher: Arc::new(launcher),
            log,
        };
        let address = match self.listen {
            Some(address) => address,
            None if headless => "127.0.0.1:0".parse()?,
            None => {
                server.serve_stdio();
                return Ok(ExitCode::SUCCESS);
            }
        };
        let listener = Listener::bind(&address)?;
        listener.announce(&mut std::io::stdout())?;
        listener.serve(&server)
    }
}
