//! Replayer processes as the timeline sees them.

use super::interrupt::Interrupt;
use super::wire::{self, Hello, Load, Moment, ReplayerId, Reply, Request};
use std::collections::HashMap;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Why a replayer did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    #[error("interrupted")]
    Interrupted,
    /// The process is gone.
    #[error("it is gone ({0})")]
    Died(String),
    /// It says why it cannot.
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for ProcessError {
    fn from(error: io::Error) -> Self {
        ProcessError::Died(error.to_string())
    }
}

/// How long a copy may take to connect: forking a gigabyte takes a tenth of a
/// second, a loaded machine some more.
const CONNECT: Duration = Duration::from_secs(20);
/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(4);

/// One replayer, standing still or running. Dropping it ends the process: it
/// sees the end of its socket.
#[derive(Debug)]
pub(super) struct Process {
    socket: UnixStream,
    /// Where it stands.
    pub(super) at: Moment,
}

impl Process {
    fn send(&mut self, request: &Request) -> Result<(), ProcessError> {
        Ok(wire::send(&mut self.socket, request)?)
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Reply, ProcessError> {
        self.send(request)?;
        match wire::receive(&mut self.socket)? {
            Reply::Failed(message) => Err(ProcessError::Failed(message)),
            reply => Ok(reply),
        }
    }

    /// Tells it to run, without waiting.
    pub(super) fn start(&mut self, request: &Request) -> Result<(), ProcessError> {
        self.send(request)
    }

    /// Waits for the answer to a run, unless interrupted.
    pub(super) fn wait(
        &mut self,
        interrupt: &Interrupt,
        mut meanwhile: impl FnMut(),
    ) -> Result<Reply, ProcessError> {
        let mut first = [0; 1];
        self.socket.set_read_timeout(Some(POLL))?;
        loop {
            match io::Read::read(&mut self.socket, &mut first) {
                Ok(0) => return Err(ProcessError::Died("it ended".into())),
                Ok(_) => break,
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                    ) =>
                {
                    if interrupt.is_raised() {
                        return Err(ProcessError::Interrupted);
                    }
                    meanwhile();
                }
                Err(e) => return Err(e.into()),
            }
        }
        self.socket.set_read_timeout(None)?;
        let mut rest = io::Read::chain(&first[..], &mut self.socket);
        match wire::receive(&mut rest)? {
            Reply::Failed(message) => Err(ProcessError::Failed(message)),
            reply => Ok(reply),
        }
    }

    /// Whether an answer (or the end) can be read at once.
    pub(super) fn has_answer(&mut self) -> bool {
        super::readiness::is_readable(&self.socket)
    }
}

/// Starts replayers and takes the connections of their copies.
#[derive(Debug)]
pub(super) struct Pool {
    program: PathBuf,
    /// Holds the socket; removed with the pool.
    directory: tempfile::TempDir,
    listener: UnixListener,
    next_id: u64,
    /// Copies that connected before anyone asked for them.
    arrived: HashMap<ReplayerId, Process>,
    roots: Vec<Child>,
}

impl Pool {
    pub(super) fn new(program: PathBuf) -> io::Result<Pool> {
        let directory = tempfile::Builder::new().prefix("rr-dap-").tempdir()?;
        let listener = UnixListener::bind(directory.path().join("replayers"))?;
        listener.set_nonblocking(true)?;
        Ok(Pool {
            program,
            directory,
            listener,
            next_id: 1,
            arrived: HashMap::new(),
            roots: Vec::new(),
        })
    }

    /// Keeps a file for the replayers, as long as the pool lives.
    pub(super) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Reserves `count` ids.
    pub(super) fn reserve(&mut self, count: u64) -> ReplayerId {
        let id = ReplayerId(self.next_id);
        self.next_id += count;
        id
    }

    /// Starts a fresh replayer, which stands at the start.
    pub(super) fn spawn(&mut self, load: Load) -> Result<Process, ProcessError> {
        let id = self.reserve(1);
        let child = Command::new(&self.program)
            .arg(REPLAYER_COMMAND)
            .arg(self.directory.path().join("replayers"))
            .arg(id.0.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| {
                ProcessError::Failed(format!(
                    "cannot start the replayer {}: {e}",
                    self.program.display()
                ))
            })?;
        self.roots.push(child);
        let mut process = self.connected(id)?;
        process.ask(&Request::Load(Box::new(load)))?;
        Ok(process)
    }

    /// Has a process that stands still copied.
    pub(super) fn fork(&mut self, process: &mut Process) -> Result<Process, ProcessError> {
        let id = self.reserve(1);
        process.ask(&Request::Fork { id })?;
        self.connected(id)
    }

    /// Waits for the copy with this id to connect.
    fn connected(&mut self, id: ReplayerId) -> Result<Process, ProcessError> {
        let deadline = Instant::now() + CONNECT;
        loop {
            self.accept();
            if let Some(process) = self.arrived.remove(&id) {
                return Ok(process);
            }
            if Instant::now() > deadline {
                return Err(ProcessError::Died("it did not connect".into()));
            }
            super::readiness::wait_readable(&self.listener, POLL);
        }
    }

    /// Takes the connections that have come in.
    fn accept(&mut self) {
        while let Ok((mut socket, _)) = self.listener.accept() {
            // A copy that dies before it says who it is, is none.
            let hello = socket
                .set_nonblocking(false)
                .and_then(|()| wire::receive::<Hello>(&mut socket));
            if let Ok(Hello { id, at }) = hello {
                self.arrived.insert(id, Process { socket, at });
            }
        }
    }

    /// The copies that have connected and that nobody waits for: checkpoints
    /// that running replayers left.
    pub(super) fn take_arrived(&mut self) -> Vec<Process> {
        self.accept();
        self.arrived.drain().map(|(_, process)| process).collect()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for child in &mut self.roots {
            // Its socket may still be held by a `Process` that is dropped later.
            _ = child.kill();
            _ = child.wait();
        }
    }
}

/// The hidden subcommand that makes a process a replayer.
pub const REPLAYER_COMMAND: &str = "__replayer";
