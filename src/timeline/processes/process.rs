//! Replayer processes as the timeline sees them.

use super::machine::Pid;
use super::wire::{self, Hello, Moment, ReplayerId, Reply, Request};
use crate::timeline::interrupt::Interrupt;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Why a replayer did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::timeline) enum ProcessError {
    #[error("interrupted")]
    Interrupted,
    /// The process is gone.
    #[error("it is gone ({0})")]
    Died(String),
    /// It runs optimised code, and this takes code for debugging.
    #[error("the guest runs optimised")]
    NeedsDebug,
    /// It says why it cannot.
    #[error("{0}")]
    Failed(String),
}

impl From<io::Error> for ProcessError {
    fn from(error: io::Error) -> Self {
        ProcessError::Died(error.to_string())
    }
}

/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(4);

/// One replayer, standing still or running. Dropping it ends the process: it
/// sees the end of its socket.
#[derive(Debug)]
pub(in crate::timeline) struct Process {
    socket: UnixStream,
    pub(in crate::timeline) id: ReplayerId,
    pub(in crate::timeline) pid: Pid,
    /// Where it stands.
    pub(in crate::timeline) at: Moment,
}

impl Process {
    /// A replayer that has connected.
    ///
    /// # Errors
    ///
    /// If it dies before it says who it is.
    pub(super) fn greet(mut socket: UnixStream) -> io::Result<Process> {
        socket.set_nonblocking(false)?;
        let Hello { id, pid, at } = wire::receive(&mut socket)?;
        Ok(Process {
            socket,
            id,
            pid: Pid(pid),
            at,
        })
    }

    fn send(&mut self, request: &Request) -> Result<(), ProcessError> {
        Ok(wire::send(&mut self.socket, request)?)
    }

    /// Asks, and waits for the answer.
    pub(in crate::timeline) fn ask(&mut self, request: &Request) -> Result<Reply, ProcessError> {
        self.send(request)?;
        answered(wire::receive(&mut self.socket)?)
    }

    /// Tells it to run, without waiting.
    pub(in crate::timeline) fn start(&mut self, request: &Request) -> Result<(), ProcessError> {
        self.send(request)
    }

    /// Waits for the answer to a run, unless interrupted.
    pub(in crate::timeline) fn wait(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<Reply, ProcessError> {
        let mut first = [0; 1];
        self.socket.set_read_timeout(Some(POLL))?;
        loop {
            // Also while there is always something to read: a log point may be hot.
            if interrupt.is_raised() {
                self.kill();
                return Err(ProcessError::Interrupted);
            }
            match io::Read::read(&mut self.socket, &mut first) {
                Ok(0) => return Err(ProcessError::Died("it ended".into())),
                Ok(_) => break,
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock
                            | io::ErrorKind::TimedOut
                            | io::ErrorKind::Interrupted
                    ) => {}
                Err(e) => return Err(e.into()),
            }
        }
        self.socket.set_read_timeout(None)?;
        let mut rest = io::Read::chain(&first[..], &mut self.socket);
        answered(wire::receive(&mut rest)?)
    }

    /// Ends the process at once: it may be in a loop of optimised code that looks at
    /// its socket only when it is done.
    fn kill(&self) {
        let Ok(pid) = libc::pid_t::try_from(self.pid.0) else {
            return;
        };
        // SAFETY: sending a signal touches no memory of ours. The process lives, as it
        // has not closed its end of the socket: its id is not another's.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
        }
    }

    /// Whether an answer (or the end) can be read at once.
    pub(in crate::timeline) fn has_answer(&mut self) -> bool {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid pollfd is passed, with its count; the descriptor is open,
        // as its owner is borrowed.
        let ready = unsafe { libc::poll(&mut poll, 1, 0) };
        ready > 0
    }
}

fn answered(reply: Reply) -> Result<Reply, ProcessError> {
    match reply {
        Reply::Failed(message) => Err(ProcessError::Failed(message)),
        Reply::NeedsDebug => Err(ProcessError::NeedsDebug),
        reply => Ok(reply),
    }
}
