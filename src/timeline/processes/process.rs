//! Replayer processes as the timeline sees them: one that stands still answers questions,
//! one that is on an errand is waited for.

use super::machine::{self, Bytes, Pid};
use super::wire::ask::{Ask, Errand, Meanwhile, Question, Request, Saying};
use super::wire::found::Reached;
use super::wire::greeting::{Hello, Load, Loaded, Refusal, ReplayerId};
use super::wire::{self, WireError};
use crate::timeline::interrupt::Interrupt;
use serde::de::DeserializeOwned;
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Why a replayer did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(in crate::timeline) enum ProcessError {
    #[error("interrupted")]
    Interrupted,
    /// The process is gone.
    #[error("it is gone ({0})")]
    Died(String),
    /// What it said is not an answer to what it was asked. It has been ended: what it would
    /// say next is not to be relied on either.
    #[error("it says what it was not asked ({0})")]
    Confused(String),
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

impl From<WireError> for ProcessError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Gone(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                ProcessError::Died("it ended".into())
            }
            WireError::Gone(error) => error.into(),
            other => ProcessError::Confused(other.to_string()),
        }
    }
}

impl From<Refusal> for ProcessError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NeedsDebug => ProcessError::NeedsDebug,
            Refusal::Failed(message) => ProcessError::Failed(message),
        }
    }
}

/// How often a wait looks whether it is interrupted.
const POLL: Duration = Duration::from_millis(4);

/// How long a replayer may take to halt: it looks whether it is told to every 8 ms, but for
/// loops of optimised code.
const HALTS: Duration = Duration::from_secs(2);

/// How long a replayer may take to say who it is once it has connected.
const GREETING: Duration = Duration::from_secs(20);

/// One replayer that stands still. Dropping it ends the process: it sees the end of its
/// socket.
#[derive(Debug)]
pub(in crate::timeline) struct Process {
    socket: UnixStream,
    pub(in crate::timeline) id: ReplayerId,
    pub(in crate::timeline) pid: Pid,
    /// Where it stands.
    pub(in crate::timeline) at: Reached,
    /// How often it knows that the recording has grown.
    pub(in crate::timeline) grown: u32,
    /// What it had for itself when that was last measured.
    pub(in crate::timeline) alone: Bytes,
    /// How often it was told to pack the guest's memory.
    pub(in crate::timeline) packed: u32,
}

impl Process {
    /// A replayer that has connected.
    ///
    /// # Errors
    ///
    /// If it does not say who it is.
    pub(super) fn greet(mut socket: UnixStream) -> Result<Process, WireError> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(GREETING))?;
        let Hello { id, pid, at, grown } = wire::receive(&mut socket)?;
        socket.set_read_timeout(None)?;
        // It may have to be killed.
        let pid = machine::peer(&socket).unwrap_or(Pid(pid));
        Ok(Process {
            socket,
            id,
            pid,
            at,
            grown,
            alone: Bytes(0),
            packed: 0,
        })
    }

    /// Tells it what to load, after it has been greeted.
    pub(super) fn load(&mut self, load: &Load) -> Result<(), ProcessError> {
        wire::send(&mut self.socket, load)?;
        let loaded: Loaded = self.receive()?;
        Ok(loaded?)
    }

    /// Asks, and waits for the answer.
    pub(in crate::timeline) fn ask<Q: Question>(
        &mut self,
        question: Q,
    ) -> Result<Q::Answer, ProcessError> {
        let question: Request = question.into();
        wire::send(&mut self.socket, &question)?;
        let answer: Result<Q::Answer, Refusal> = self.receive()?;
        Ok(answer?)
    }

    /// Has it pack the guest's memory, without waiting: it stands still for longer.
    pub(in crate::timeline) fn pack(&mut self) {
        // One that is gone will be noticed by whoever asks it something.
        _ = wire::send(&mut self.socket, &Request::Pack);
        self.alone = Bytes(0);
        self.packed += 1;
    }

    /// Sends it on an errand, without waiting.
    pub(in crate::timeline) fn send<E: Errand>(
        mut self,
        errand: E,
    ) -> Result<Sent<E>, ProcessError> {
        let errand: Request = errand.into();
        wire::send(&mut self.socket, &errand)?;
        Ok(Sent {
            process: self,
            errand: PhantomData,
        })
    }

    fn receive<T: DeserializeOwned>(&mut self) -> Result<T, ProcessError> {
        let received = wire::receive(&mut self.socket);
        if let Err(WireError::TooLong(_) | WireError::Other(_) | WireError::GoesOn(_)) = &received {
            self.kill();
        }
        Ok(received?)
    }

    /// Says that it has halted, which nobody has asked for: it is not to be relied on.
    fn halted_unasked(&self) -> ProcessError {
        self.kill();
        ProcessError::Confused("it halts without being told to".into())
    }

    /// Ends the process at once: it may be in a loop of optimised code that looks at
    /// its socket only when it is done. It lives, as it has not closed its end of the
    /// socket: its id is not another's.
    fn kill(&self) {
        machine::kill(self.pid);
    }
}

/// A replayer that is back from an errand, and stands still.
pub(in crate::timeline) enum Back<E: Errand> {
    /// With the answer.
    Done(Process, <E as Ask>::Answer),
    /// Where it was interrupted.
    Halted(Process),
}

/// A replayer that is on an errand. Dropping it ends the process.
#[derive(Debug)]
pub(in crate::timeline) struct Sent<E> {
    process: Process,
    errand: PhantomData<fn() -> E>,
}

impl<E: Errand> Sent<E> {
    /// Waits until it is back, unless interrupted: then it is ended. What it says meanwhile
    /// is handed to `hear`.
    pub(in crate::timeline) fn wait(
        mut self,
        interrupt: &Interrupt,
        mut hear: impl FnMut(Meanwhile),
    ) -> Result<(Process, <E as Ask>::Answer), ProcessError> {
        loop {
            // Also while there is always something to read: a log point may be hot.
            if let Err(error) = self.wait_for_word(interrupt) {
                if matches!(error, ProcessError::Interrupted) {
                    self.process.kill();
                }
                return Err(error);
            }
            match self.process.receive()? {
                Saying::Meanwhile(meanwhile) => hear(meanwhile),
                Saying::Over(answer) => return Ok((self.process, answer?)),
                Saying::Halted(_) => return Err(self.process.halted_unasked()),
            }
        }
    }

    /// The same, but one that is interrupted is asked to halt where it is; it is ended if it
    /// does not soon, or if somebody gives up.
    pub(in crate::timeline) fn wait_or_halt(
        mut self,
        interrupt: &Interrupt,
        mut hear: impl FnMut(Meanwhile),
    ) -> Result<Back<E>, ProcessError> {
        let mut asked: Option<Instant> = None;
        loop {
            match asked {
                None if interrupt.is_raised() => {
                    wire::send(&mut self.process.socket, &Request::Halt)?;
                    asked = Some(Instant::now());
                }
                Some(asked) if interrupt.is_given_up() || asked.elapsed() > HALTS => {
                    self.process.kill();
                    return Err(ProcessError::Interrupted);
                }
                _ => {}
            }
            if !self.has_word_within(POLL)? {
                continue;
            }
            match self.process.receive()? {
                Saying::Meanwhile(meanwhile) => hear(meanwhile),
                Saying::Over(answer) => return Ok(Back::Done(self.process, answer?)),
                Saying::Halted(at) if asked.is_some() => {
                    self.process.at = at;
                    return Ok(Back::Halted(self.process));
                }
                Saying::Halted(_) => return Err(self.process.halted_unasked()),
            }
        }
    }

    /// Waits until it says something, or has ended, unless interrupted: then it goes on.
    pub(in crate::timeline) fn wait_for_word(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<(), ProcessError> {
        loop {
            if interrupt.is_raised() {
                return Err(ProcessError::Interrupted);
            }
            if self.has_word_within(POLL)? {
                return Ok(());
            }
        }
    }

    /// Whether it has said something, or has ended.
    pub(in crate::timeline) fn has_word(&mut self) -> bool {
        // What cannot be asked is found out by whoever waits.
        self.has_word_within(Duration::ZERO).unwrap_or(true)
    }

    /// The same, or will within some milliseconds.
    pub(in crate::timeline) fn has_word_soon(&mut self) -> bool {
        self.has_word_within(POLL).unwrap_or(true)
    }

    fn has_word_within(&mut self, at_most: Duration) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.process.socket.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let milliseconds = libc::c_int::try_from(at_most.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: one valid pollfd is passed, with its count; the descriptor is open,
        // as its owner is borrowed.
        let ready = unsafe { libc::poll(&mut poll, 1, milliseconds) };
        if ready >= 0 {
            return Ok(ready > 0);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => Ok(false),
            _ => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{InstanceId, Tick};
    use crate::timeline::processes::wire::ask::{Answered, Frames, Instances, ListEntered, Memory};
    use crate::timeline::travel::motion::MemoryRange;
    use serde::Serialize;
    use std::thread::JoinHandle;

    /// A replayer that says these bytes when it is asked something, and ends.
    fn saying(bytes: Vec<u8>) -> (Process, JoinHandle<()>) {
        let (ours, mut theirs) = UnixStream::pair().expect("two sockets");
        let hello = Hello {
            id: ReplayerId(1),
            pid: std::process::id(),
            at: Reached::START,
            grown: 0,
        };
        wire::send(&mut theirs, &hello).expect("room in the socket");
        let replayer = std::thread::spawn(move || {
            let _: Request = wire::receive(&mut theirs).expect("something is asked");
            io::Write::write_all(&mut theirs, &bytes).expect("room in the socket");
        });
        (Process::greet(ours).expect("it says who it is"), replayer)
    }

    fn message(said: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        wire::send(&mut bytes, said).expect("memory has room");
        bytes
    }

    fn asked<Q: Question>(question: Q, said: Vec<u8>) -> Result<Q::Answer, ProcessError> {
        let (mut process, replayer) = saying(said);
        let answer = process.ask(question);
        replayer.join().expect("it does not panic");
        answer
    }

    fn sent<E: Errand>(
        errand: E,
        said: Vec<u8>,
    ) -> (Result<E::Answer, ProcessError>, Vec<Meanwhile>) {
        let (process, replayer) = saying(said);
        let mut heard = Vec::new();
        let sent = process.send(errand).expect("room in the socket");
        let back = sent.wait(&Interrupt::new(), |meanwhile| heard.push(meanwhile));
        replayer.join().expect("it does not panic");
        (back.map(|(_, answer)| answer), heard)
    }

    #[test]
    fn an_answer_has_the_type_of_its_question() {
        let right = vec![(crate::component::ModuleId(3), 1)];
        let answer = asked(
            Instances,
            message(&Answered::<Instances>::Ok(right.clone())),
        );
        assert_eq!(answer.expect("it answers"), right);
        let bytes = MemoryRange {
            instance: InstanceId(0),
            memory: 0,
            address: 0,
            length: 4,
        };
        for said in [
            message(&Result::<_, Refusal>::Ok("text")),
            message(&9u8),
            message(&()),
            message(&[0xffu8; 40].as_slice()),
            u32::MAX.to_le_bytes().to_vec(),
        ] {
            let answer = asked(Frames, said.clone());
            assert!(
                matches!(answer, Err(ProcessError::Confused(_))),
                "{answer:?}"
            );
        }
        let refusal = asked(
            Memory(bytes),
            message(&Answered::<Memory>::Err(Refusal::NeedsDebug)),
        );
        assert!(
            matches!(refusal, Err(ProcessError::NeedsDebug)),
            "{refusal:?}"
        );
    }

    #[test]
    fn the_end_of_a_replayer_is_not_an_answer() {
        let whole = message(&Answered::<Instances>::Ok(Vec::new()));
        for end in 0..whole.len() {
            let answer = asked(Instances, whole[..end].to_vec());
            assert!(matches!(answer, Err(ProcessError::Died(_))), "{answer:?}");
        }
    }

    #[test]
    fn what_is_said_on_an_errand_is_heard_before_its_answer() {
        let list = ListEntered {
            before: crate::replay::Position::first_of(Tick(9)),
        };
        let mut said = Vec::new();
        for tick in [1, 2] {
            // Whatever the errand is.
            said.extend(message(&Saying::<()>::Meanwhile(Meanwhile::Passed(Tick(
                tick,
            )))));
        }
        let (answer, heard) = sent(list, said.clone());
        assert!(matches!(answer, Err(ProcessError::Died(_))), "{answer:?}");
        assert_eq!(heard.len(), 2);
        let refused = message(&Saying::<()>::Over(Err(Refusal::Failed(
            "it diverged".into(),
        ))));
        let (answer, heard) = sent(list, [said.clone(), refused].concat());
        assert!(matches!(&answer, Err(ProcessError::Failed(why)) if why == "it diverged"));
        assert_eq!(heard.len(), 2);
        let found = vec![(crate::component::ModuleId(0), 7)];
        let over = message(&Saying::Over(Ok(found.clone())));
        let (answer, _) = sent(list, [said.clone(), over].concat());
        assert_eq!(answer.expect("it answers"), found);
        // An answer to a question, in the middle of an errand.
        let (answer, _) = sent(list, [said, message(&u8::MAX)].concat());
        assert!(
            matches!(answer, Err(ProcessError::Confused(_))),
            "{answer:?}"
        );
    }
}
