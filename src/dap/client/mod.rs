//! The other side of the protocol: a client that asks, waits and listens. The prompt, the
//! demo, the tests and the benches talk to servers through it.

mod asks;

pub use asks::{Group, Purpose};

use super::protocol::FrameError;
use super::protocol::framing::{read_frame, write_frame};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{self, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long a server may take to leave when asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a conversation failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no server to talk to.
    #[error("the debug adapter cannot be started: {0}")]
    Start(#[source] io::Error),
    /// The server does not take what is sent.
    #[error("the debug adapter cannot be spoken to: {0}")]
    Write(#[source] io::Error),
    /// What came does not divide into messages.
    #[error("the debug adapter cannot be understood: {0}")]
    Read(#[from] FrameError),
    /// What came in a frame is not JSON.
    #[error("the debug adapter sent what is not a message: {0}")]
    Malformed(#[source] serde_json::Error),
    /// The body of a response, or of an event, is not as expected.
    #[error("the debug adapter answered `{command}` in an unknown form: {error}")]
    Body {
        /// The command, or the event.
        command: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The server says no.
    #[error("the debug adapter refused `{command}`: {message}")]
    Refused {
        /// What was asked.
        command: String,
        /// The server's reason, for people.
        message: String,
    },
    /// Twice, where the second time ends it.
    #[error("interrupted")]
    Interrupted,
    /// There are no more messages.
    #[error("the debug adapter ended while {0} was awaited")]
    Ended(String),
    /// Nothing came for too long.
    #[error("{awaited} did not come within {} seconds", patience.as_secs())]
    Silent {
        /// What was waited for.
        awaited: String,
        /// And how long.
        patience: Duration,
    },
}

type Result<T, E = ClientError> = std::result::Result<T, E>;

/// What comes to a client.
enum Heard {
    Message(Value),
    /// No more will come.
    End,
    /// Nor here, and this is why.
    Broken(ClientError),
    /// The person wants whatever goes on to stop.
    Interrupt,
}

/// Stops what the server is at.
#[derive(Clone)]
pub struct Interrupter(Sender<Heard>);

impl Interrupter {
    /// Has the client send `pause`, or `cancel`, if it waits for something.
    pub fn interrupt(&self) {
        // A conversation that is over cannot be interrupted.
        _ = self.0.send(Heard::Interrupt);
    }
}

/// Hears each message as it is taken in, and tells whether one that nobody waits for yet is
/// kept.
type Ear = Box<dyn FnMut(&Value) -> bool>;

/// A conversation with a server.
pub struct Client {
    /// Absent once the conversation is over: its end is the server's sign to leave.
    requests: Option<Box<dyn Write + Send>>,
    inbox: Receiver<Heard>,
    interrupter: Interrupter,
    ear: Ear,
    patience: Option<Duration>,
    /// Whether an interrupted motion is to leave everything where it was.
    gives_up: bool,
    /// What another interrupt does.
    second: Second,
    last_seq: i64,
    /// The thread that stopped last.
    thread: i64,
    /// Whether another one has been turned to since.
    is_turned: bool,
    /// Messages that came while others were awaited.
    kept: Vec<Value>,
    is_over: bool,
    /// A server of its own.
    server: Option<Server>,
}

/// What another interrupt does when one has not helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Second {
    /// As the first.
    Same,
    /// There has been none yet.
    WillEnd,
    /// The conversation ends.
    Ends,
}

/// A process that goes with its client: whatever went wrong, no server stays behind.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Client {
    /// Talks to a server over two streams; a thread reads until the end of the first.
    pub fn new(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        ear: impl FnMut(&Value) -> bool + 'static,
    ) -> Self {
        let (sender, inbox) = channel();
        let interrupter = Interrupter(sender.clone());
        let reading = std::thread::Builder::new().name("dap-client".into());
        if let Err(error) = reading.spawn(move || listen(reader, &sender)) {
            _ = interrupter.0.send(Heard::Broken(ClientError::Start(error)));
        }
        Self {
            requests: Some(Box::new(writer)),
            inbox,
            interrupter,
            ear: Box::new(ear),
            patience: None,
            gives_up: false,
            second: Second::Same,
            last_seq: 0,
            thread: 1,
            is_turned: false,
            kept: Vec::new(),
            is_over: false,
            server: None,
        }
    }

    /// Starts a server of its own and talks to it over its standard streams, as editors do.
    ///
    /// # Errors
    ///
    /// [`ClientError::Start`].
    pub fn start(command: &mut Command, ear: impl FnMut(&Value) -> bool + 'static) -> Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Server(command.spawn().map_err(ClientError::Start)?);
        let none = || ClientError::Start(io::ErrorKind::BrokenPipe.into());
        let reader = server.0.stdout.take().ok_or_else(none)?;
        let writer = server.0.stdin.take().ok_or_else(none)?;
        Ok(Self {
            server: Some(server),
            ..Self::new(reader, writer, ear)
        })
    }

    /// Waits no longer than this for a message; without it, for ever, as a person can
    /// interrupt.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self {
            patience: Some(patience),
            ..self
        }
    }

    /// Whether an interrupt has the server give a motion up, rather than end it where it has
    /// come to.
    pub fn gives_up_when_interrupted(&mut self, gives_up: bool) {
        self.gives_up = gives_up;
    }

    /// Whether, of two interrupts from now on, the second one ends the conversation with
    /// [`ClientError::Interrupted`].
    pub fn ends_at_second_interrupt(&mut self, ends: bool) {
        self.second = match ends {
            true => Second::WillEnd,
            false => Second::Same,
        };
    }

    /// What stops it from another thread.
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
    }

    /// Asks, and waits for the body of the response, `null` if it has none.
    ///
    /// # Errors
    ///
    /// That the server refuses, or any other failure of the conversation.
    pub fn ask<T: DeserializeOwned>(&mut self, command: &str, arguments: Value) -> Result<T> {
        let seq = self.send(command, arguments)?;
        let mut response = self.response(command, seq)?;
        let command = command.to_owned();
        if response["success"] != true {
            let message = refusal(&response);
            return Err(ClientError::Refused { command, message });
        }
        serde_json::from_value(response["body"].take())
            .map_err(|error| ClientError::Body { command, error })
    }

    /// Asks where the answer says nothing but yes.
    ///
    /// # Errors
    ///
    /// As [`ask`](Client::ask).
    pub fn tell(&mut self, command: &str, arguments: Value) -> Result<()> {
        self.ask::<Value>(command, arguments).map(drop)
    }

    /// Sends a request without waiting; `null` leaves its arguments out. Its number.
    ///
    /// # Errors
    ///
    /// That the server does not take it, or is gone.
    pub fn send(&mut self, command: &str, arguments: Value) -> Result<i64> {
        self.last_seq += 1;
        let seq = self.last_seq;
        let mut request = json!({ "seq": seq, "type": "request", "command": command });
        if !arguments.is_null() {
            request["arguments"] = arguments;
        }
        let mut frame = Vec::new();
        write_frame(&mut frame, request.to_string().as_bytes()).map_err(ClientError::Write)?;
        match self.requests.is_some() {
            true => self.write(&frame)?,
            false => return Err(ClientError::Ended(format!("an answer to `{command}`"))),
        }
        Ok(seq)
    }

    /// Sends bytes as they are, message or not.
    ///
    /// # Errors
    ///
    /// That the server does not take them, or is gone.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let gone = || ClientError::Write(io::ErrorKind::BrokenPipe.into());
        let requests = self.requests.as_mut().ok_or_else(gone)?;
        let written = requests.write_all(bytes);
        written
            .and_then(|()| requests.flush())
            .map_err(ClientError::Write)
    }

    /// Says nothing more: the server's sign to leave. What it still says is heard.
    pub fn hang_up(&mut self) {
        self.requests = None;
    }

    /// Waits for the response to a request: the whole message.
    ///
    /// # Errors
    ///
    /// That the conversation ends before.
    pub fn response(&mut self, command: &str, seq: i64) -> Result<Value> {
        self.wait(&format!("an answer to `{command}`"), |message| {
            message["type"] == "response" && message["request_seq"] == seq
        })
    }

    /// Waits for an event: its body, `null` if it has none.
    ///
    /// # Errors
    ///
    /// That the conversation ends before.
    pub fn event(&mut self, name: &str) -> Result<Value> {
        let mut event = self.wait(&format!("the event `{name}`"), |message| {
            message["type"] == "event" && message["event"] == name
        })?;
        Ok(event["body"].take())
    }

    /// Waits for one of these events: its name.
    ///
    /// # Errors
    ///
    /// That the conversation ends before.
    pub fn first_event(&mut self, names: &[&str]) -> Result<String> {
        let is_one = |message: &Value| {
            let name = message["event"].as_str();
            name.is_some_and(|name| names.contains(&name))
        };
        let event = self.wait(&format!("the event `{}`", names.join("` or `")), is_one)?;
        Ok(event["event"].as_str().unwrap_or_default().to_owned())
    }

    /// The next message, whatever it is; `None` at the end.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or that none comes.
    pub fn next_message(&mut self) -> Result<Option<Value>> {
        Ok(self.take("a message")?.map(|(message, _)| message))
    }

    /// Messages that came while others were awaited, in their order.
    pub fn kept(&mut self) -> &mut Vec<Value> {
        &mut self.kept
    }

    /// Takes in what came while nobody listened; an interrupt then had nothing to stop.
    pub fn catch_up(&mut self) {
        while let Ok(heard) = self.inbox.try_recv() {
            match heard {
                Heard::Message(message) => {
                    if (self.ear)(&message) {
                        self.kept.push(message);
                    }
                }
                // The next request will tell.
                Heard::End | Heard::Broken(_) => self.is_over(),
                Heard::Interrupt => {}
            }
        }
    }

    /// Ends the session, and waits for a server of its own to leave.
    ///
    /// # Errors
    ///
    /// As [`ask`](Client::ask).
    pub fn finish(mut self) -> Result<()> {
        self.tell("disconnect", json!({}))?;
        self.hang_up();
        let Some(Server(child)) = &mut self.server else {
            return Ok(());
        };
        let asked = Instant::now();
        while asked.elapsed() < FAREWELL {
            match child.try_wait() {
                Ok(Some(_)) | Err(_) => break,
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Ok(())
    }

    fn is_over(&mut self) {
        self.is_over = true;
        self.requests = None;
    }

    fn wait(&mut self, awaited: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return Ok(self.kept.remove(at));
        }
        loop {
            match self.take(awaited)? {
                None => return Err(ClientError::Ended(awaited.to_owned())),
                Some((message, _)) if wanted(&message) => return Ok(message),
                Some((message, true)) => self.kept.push(message),
                Some((_, false)) => {}
            }
        }
    }

    /// The next message, and whether it is kept; `None` at the end.
    fn take(&mut self, awaited: &str) -> Result<Option<(Value, bool)>> {
        while !self.is_over {
            let heard = match self.patience {
                None => self.inbox.recv().map_err(RecvTimeoutError::from),
                Some(patience) => self.inbox.recv_timeout(patience),
            };
            match heard {
                Ok(Heard::Message(message)) => {
                    let is_kept = (self.ear)(&message);
                    return Ok(Some((message, is_kept)));
                }
                Ok(Heard::End) | Err(RecvTimeoutError::Disconnected) => self.is_over(),
                Ok(Heard::Broken(error)) => {
                    self.is_over();
                    return Err(error);
                }
                Ok(Heard::Interrupt) if self.second == Second::Ends => {
                    return Err(ClientError::Interrupted);
                }
                // Its answer is nobody's concern: what was awaited will come earlier.
                Ok(Heard::Interrupt) => drop(match self.gives_up {
                    true => self.send("cancel", json!({ "requestId": self.last_seq }))?,
                    false => {
                        if self.second == Second::WillEnd {
                            self.second = Second::Ends;
                        }
                        self.send("pause", json!({ "threadId": 1 }))?
                    }
                }),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ClientError::Silent {
                        awaited: awaited.to_owned(),
                        patience: self.patience.unwrap_or_default(),
                    });
                }
            }
        }
        Ok(None)
    }
}

/// Passes messages on until there are no more, or nobody wants them.
fn listen(reader: impl Read, sender: &Sender<Heard>) {
    let mut reader = BufReader::new(reader);
    loop {
        let heard = match read_frame(&mut reader) {
            Ok(Some(body)) => match serde_json::from_slice(&body) {
                Ok(message) => Heard::Message(message),
                Err(error) => Heard::Broken(ClientError::Malformed(error)),
            },
            Ok(None) => Heard::End,
            Err(error) => Heard::Broken(error.into()),
        };
        let is_last = !matches!(heard, Heard::Message(_));
        if sender.send(heard).is_err() || is_last {
            return;
        }
    }
}

/// The words of a refusal, as an editor would show them.
fn refusal(response: &Value) -> String {
    let long = &response["body"]["error"]["variables"]["_message"];
    let short = &response["message"];
    long.as_str()
        .or(short.as_str())
        .unwrap_or("no reason was given")
        .to_owned()
}
