//! The timeline, as a replayer sees it: who asks, and is answered.

use super::fork::{self, Side};
use crate::timeline::processes::wire::ask::{
    Answered, Ask, Errand, Meanwhile, Question, Request, Saying,
};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::processes::wire::greeting::{Hello, Refusal, ReplayerId};
use crate::timeline::processes::{sockets, wire};
use serde::Serialize;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The socket to the timeline. A replayer whose timeline is gone has nothing left to
/// do, and ends.
pub(super) struct TimelineSocket {
    socket: UnixStream,
    /// Where copies connect.
    path: PathBuf,
}

pub(super) fn leave_world() -> ! {
    std::process::exit(0)
}

impl TimelineSocket {
    pub(super) fn new(socket: UnixStream, path: &Path) -> TimelineSocket {
        TimelineSocket {
            socket,
            path: path.to_owned(),
        }
    }

    pub(super) fn receive(&mut self) -> Request {
        match wire::receive(&mut self.socket) {
            Ok(request) => request,
            Err(_) => leave_world(),
        }
    }

    fn send(&mut self, message: &impl Serialize) {
        if wire::send(&mut self.socket, message).is_err() {
            leave_world();
        }
    }

    /// Answers a question.
    pub(super) fn answer<Q: Question>(&mut self, answer: &Answered<Q>) {
        self.send(answer);
    }

    /// Says something while on an errand.
    pub(super) fn tell(&mut self, meanwhile: Meanwhile) {
        // What is said meanwhile is the same on every errand, and so is a refusal.
        self.send(&Saying::<()>::Meanwhile(meanwhile));
    }

    /// Ends an errand.
    pub(super) fn over<E: Errand>(&mut self, answer: <E as Ask>::Answer) {
        self.send(&Saying::Over(Ok(answer)));
    }

    /// Refuses an errand, or to go on with it.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.send(&Saying::<()>::Over(Err(refusal)));
    }

    /// A timeline that no longer wants the answer closes the socket.
    pub(super) fn leave_if_abandoned(&mut self) {
        if self.socket.set_nonblocking(true).is_err() {
            leave_world();
        }
        let mut byte = [0];
        match self.socket.read(&mut byte) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            // Nothing is said to a running replayer: this is the end of the
            // stream, or nonsense.
            _ => leave_world(),
        }
        if self.socket.set_nonblocking(false).is_err() {
            leave_world();
        }
    }

    /// Copies this process; the copy connects to the timeline.
    pub(super) fn copy(&mut self, id: ReplayerId, at: Reached) -> io::Result<Side> {
        let side = fork::fork()?;
        if side == Side::Child {
            let connected = sockets::connect(&self.path).and_then(|mut socket| {
                let pid = std::process::id();
                wire::send(&mut socket, &Hello { id, pid, at })?;
                Ok(socket)
            });
            match connected {
                Ok(socket) => self.socket = socket,
                Err(_) => leave_world(),
            }
        }
        Ok(side)
    }
}
