//! `rr-dap` without a subcommand: the debug adapter.

use super::opening::Opening;
use super::terminal;
use crate::dap::outbox::MessageLog;
use crate::dap::token::Token;
use crate::dap::transport::{Address, Listener, Server};
use crate::debuggee::launch::NodeArguments;
use crate::debuggee::system::opening;
use crate::timeline::First;
use anyhow::{Context, bail};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What the guest's code is compiled to first.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FirstCode {
    /// For debugging: lines, instructions, locals.
    Debug,
    /// Optimised: hostcalls, at native speed.
    Fast,
}

#[derive(Debug, Args)]
pub(super) struct Adapter {
    /// Listen for clients instead of speaking DAP on standard input and output:
    /// HOST:PORT, a port (0 picks one), or unix:PATH. Prints `LISTENING PORT` when
    /// ready.
    #[arg(long, value_name = "ADDR")]
    listen: Option<Address>,
    /// Debug this recording headless: clients `attach`. Listens on 127.0.0.1:0
    /// unless told otherwise. Several, a directory or a .rrsystem file are debugged as one
    /// system. May be repeated.
    #[arg(long = "trace", value_name = "FILE")]
    traces: Vec<PathBuf>,
    #[command(flatten)]
    opening: Opening,
    /// What the guest's code is compiled to first. Optimised code walks hostcalls at
    /// once; it is compiled for debugging when a line, an instruction or a local is
    /// asked for. Without this, guests with line information begin with `debug`.
    #[arg(long, value_name = "CODE")]
    code: Option<FirstCode>,
    /// Answer only clients whose `launch` or `attach` has this `token`. Other users of this
    /// machine can see it in the list of processes: see --token-file.
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// The same, with the token in a file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Neither find the marks of earlier sessions beside a recording, in
    /// RECORDING.session.json, nor keep any there.
    #[arg(long)]
    no_save: bool,
    /// Write every DAP message to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    log_dap: Option<PathBuf>,
}

impl Adapter {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let nodes = self.traces.iter().cloned().map(NodeArguments::plain);
        let nodes: Vec<NodeArguments> = nodes.collect();
        if !nodes.is_empty() {
            for node in opening::expanded(&nodes)? {
                self.opening.check(&node.path)?;
            }
        }
        let log = match &self.log_dap {
            Some(path) => Some(
                MessageLog::create(path)
                    .with_context(|| format!("cannot write {}", path.display()))?,
            ),
            None => None,
        };
        let headless = !self.traces.is_empty();
        let token = match (&self.token, &self.token_file) {
            (Some(token), _) => Some(token.parse()?),
            (None, Some(file)) => Some(Token::read(file)?),
            (None, None) => None,
        };
        if token.is_some() && self.listen.is_none() && !headless {
            bail!("a token is for servers that listen: give --listen, or leave it out");
        }
        let has_token = token.is_some();
        let first = match self.code {
            Some(FirstCode::Debug) => First::Debug,
            Some(FirstCode::Fast) => First::Fast,
            None => First::Suitable,
        };
        let launcher = self.opening.launcher(self.traces, first)?;
        let launcher = launcher.with_marks_kept(!self.no_save);
        let server = Server {
            log,
            token,
            ..Server::new(Arc::new(launcher))
        };
        let address = match self.listen {
            Some(address) => address,
            None if headless => "127.0.0.1:0".parse()?,
            None => {
                if std::io::stdin().is_terminal() {
                    terminal::tell(BY_HAND);
                }
                server.serve_stdio();
                return Ok(ExitCode::SUCCESS);
            }
        };
        let listener = Listener::bind(&address)?;
        if listener.is_exposed() {
            terminal::tell(exposed(&address, has_token));
        }
        listener.announce(&mut terminal::stdout())?;
        listener.serve(&server)
    }
}

/// What is said to a person who starts the debug adapter as an editor does.
const BY_HAND: &str = "\
rr-dap: waiting for an editor, which speaks the Debug Adapter Protocol on standard input and output. \
To debug here: `rr-dap debug FILE` (a recording or a program). A tour: `rr-dap demo`. All commands: \
`rr-dap --help`. ^D ends this.";

/// What it means to listen beyond the loopback.
fn exposed(address: &Address, has_token: bool) -> String {
    match has_token {
        false => format!(
            "rr-dap: whoever can reach {address} can read recordings and sources here and, with \
             `launch`, read and write this user's files: give --token-file, or listen on \
             127.0.0.1 or unix:PATH"
        ),
        true => format!(
            "rr-dap: {address} can be reached from other machines, and what is said there, the \
             token included, is not encrypted: reach it through SSH or the like"
        ),
    }
}
