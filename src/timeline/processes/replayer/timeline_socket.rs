//! The timeline, as a replayer sees it: who asks, and is answered.

use super::fork::{self, Side};
use crate::timeline::processes::wire::ask::{
    Answered, Ask, Errand, Meanwhile, MoveTo, Question, Request, Saying,
};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::processes::wire::greeting::{Hello, Refusal, ReplayerId};
use crate::timeline::processes::{sockets, wire};
use serde::Serialize;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// The socket to the timeline. A replayer whose timeline is gone has nothing left to
/// do, and ends.
pub(super) struct TimelineSocket {
    socket: UnixStream,
    /// Where copies connect.
    path: PathBuf,
    /// How often this has been told that the recording has grown.
    pub(super) grown: u32,
}

pub(super) fn leave_world() -> ! {
    std::process::exit(0)
}

impl TimelineSocket {
    pub(super) fn new(socket: UnixStream, path: &Path) -> TimelineSocket {
        TimelineSocket {
            socket,
            path: path.to_owned(),
            grown: 0,
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

    /// The errand is given up, as was asked for.
    pub(super) fn halted(&mut self, at: Reached) {
        self.send(&Saying::<()>::Halted(at));
    }

    /// While on an errand: whether it is to be given up here. A timeline that no longer wants
    /// an answer at all closes the socket.
    pub(super) fn is_told_to_halt(&mut self) -> bool {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one valid pollfd is passed, with its count; the descriptor is open, as its
        // owner is borrowed.
        if unsafe { libc::poll(&mut poll, 1, 0) } <= 0 {
            // What cannot be asked now is looked at when the next slice ends.
            return false;
        }
        match self.receive() {
            Request::Halt => true,
            // Nothing else is said to a running replayer.
            _ => leave_world(),
        }
    }

    /// Belongs to another pool from now on, whose copies connect there.
    pub(super) fn move_to(&mut self, path: PathBuf) {
        self.path = path;
        self.answer::<MoveTo>(&Ok(()));
    }

    /// Copies this process; the copy connects to the timeline.
    pub(super) fn copy(&mut self, id: ReplayerId, at: Reached) -> io::Result<Side> {
        let side = fork::fork()?;
        if side == Side::Child {
            let connected = sockets::connect(&self.path).and_then(|mut socket| {
                let pid = std::process::id();
                let grown = self.grown;
                let hello = Hello { id, pid, at, grown };
                wire::send(&mut socket, &hello)?;
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
