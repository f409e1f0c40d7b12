//! A small client of the Debug Adapter Protocol: it starts this executable as an
//! editor does, and talks to it over its standard streams.

use crate::dap::protocol::FrameError;
use crate::dap::protocol::framing::{read_frame, write_frame};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// The first launch on a machine compiles the guest; nothing takes near so long.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long the server may take to leave when asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why a conversation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("the debug adapter cannot be started: {0}")]
    Start(#[source] io::Error),
    #[error("the debug adapter cannot be spoken to: {0}")]
    Write(#[source] io::Error),
    #[error("the debug adapter cannot be understood: {0}")]
    Read(#[from] FrameError),
    #[error("the debug adapter sent what is no message: {0}")]
    Malformed(#[source] serde_json::Error),
    #[error("the debug adapter answered `{command}` in an unknown form: {error}")]
    Body {
        command: String,
        error: serde_json::Error,
    },
    #[error("the debug adapter refused `{command}`: {message}")]
    Refused { command: String, message: String },
    #[error("the debug adapter ended while {0} was awaited")]
    Ended(String),
    #[error("{0} did not come within {seconds} seconds", seconds = PATIENCE.as_secs())]
    Silent(String),
}

type Result<T, E = ClientError> = std::result::Result<T, E>;

/// The body of a `stopped` event.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Stopped {
    pub(super) reason: String,
    pub(super) description: Option<String>,
    pub(super) text: Option<String>,
}

impl Stopped {
    /// The most that is told about it.
    pub(super) fn told(&self) -> String {
        let told = self.text.as_ref().or(self.description.as_ref());
        told.unwrap_or(&self.reason).clone()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub(super) id: i64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) line: u64,
    pub(super) source: Option<Source>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Source {
    pub(super) path: Option<String>,
}

impl Frame {
    /// The file of its source, if it has one.
    pub(super) fn path(&self) -> Option<&str> {
        self.source.as_ref()?.path.as_deref()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scope {
    presentation_hint: Option<String>,
    variables_reference: i64,
}

/// What the scopes of the tour are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Arguments,
    Locals,
    Result,
    /// Core values and the like, for those who want them.
    Other,
}

impl Scope {
    pub(super) fn purpose(&self) -> Purpose {
        match self.presentation_hint.as_deref() {
            Some("arguments") => Purpose::Arguments,
            Some("locals") => Purpose::Locals,
            Some("returnValue") => Purpose::Result,
            _ => Purpose::Other,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
    variables_reference: i64,
}

/// The answer to an `evaluate`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Evaluated {
    pub(super) result: String,
    #[serde(rename = "type")]
    pub(super) type_name: Option<String>,
    variables_reference: i64,
}

/// Something with values inside.
pub(super) trait Group {
    fn reference(&self) -> i64;
}

macro_rules! groups {
    ($($name:ident)*) => {$(
        impl Group for $name {
            fn reference(&self) -> i64 {
                self.variables_reference
            }
        }
    )*};
}
groups!(Scope Variable Evaluated);

type Message = Result<Value>;

/// A conversation with a server of its own.
pub(super) struct Client {
    child: Child,
    /// Absent once the conversation is over: its end is the server's sign to leave.
    requests: Option<ChildStdin>,
    messages: Receiver<Message>,
    last_seq: i64,
    /// Stops that nobody has asked for yet.
    stops: VecDeque<Value>,
    is_initialized: bool,
    /// What the guest printed on its standard error.
    pub(super) complaints: String,
    /// What the guest printed on its standard output.
    pub(super) printed: String,
}

impl Client {
    /// Starts this executable without arguments, as editors do.
    pub(super) fn start() -> Result<Self> {
        let program = std::env::current_exe().map_err(ClientError::Start)?;
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(ClientError::Start)?;
        let (sender, messages) = channel();
        let requests = child.stdin.take();
        if let Some(answers) = child.stdout.take() {
            std::thread::spawn(move || listen(answers, &sender));
        }
        Ok(Self {
            child,
            requests,
            messages,
            last_seq: 0,
            stops: VecDeque::new(),
            is_initialized: false,
            complaints: String::new(),
            printed: String::new(),
        })
    }

    /// Asks, and waits for the answer's body.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
    ) -> Result<T> {
        let body = self.ask_untyped(command, arguments)?;
        serde_json::from_value(body).map_err(|error| ClientError::Body {
            command: command.to_owned(),
            error,
        })
    }

    fn ask_untyped(&mut self, command: &str, arguments: Value) -> Result<Value> {
        self.last_seq += 1;
        let seq = self.last_seq;
        let request =
            json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
        let ended = || ClientError::Ended(format!("an answer to `{command}`"));
        let requests = self.requests.as_mut().ok_or_else(ended)?;
        write_frame(requests, request.to_string().as_bytes()).map_err(ClientError::Write)?;
        loop {
            let mut message = self.next(&format!("an answer to `{command}`"))?;
            if message["type"] != "response" || message["request_seq"] != seq {
                self.keep(message);
            } else if message["success"] == true {
                return Ok(message["body"].take());
            } else {
                let command = command.to_owned();
                let message = refusal(&message);
                return Err(ClientError::Refused { command, message });
            }
        }
    }

    /// Asks where the answer says nothing but yes.
    pub(super) fn tell(&mut self, command: &str, arguments: Value) -> Result<()> {
        self.ask_untyped(command, arguments).map(drop)
    }

    /// Moves, and waits for where it stops.
    pub(super) fn go(&mut self, command: &str) -> Result<Stopped> {
        self.tell(command, json!({ "threadId": 1 }))?;
        self.stopped()
    }

    /// Waits until breakpoints can be set.
    pub(super) fn initialized(&mut self) -> Result<()> {
        while !self.is_initialized {
            let message = self.next("the event `initialized`")?;
            self.keep(message);
        }
        Ok(())
    }

    /// Waits for the next stop.
    pub(super) fn stopped(&mut self) -> Result<Stopped> {
        loop {
            if let Some(body) = self.stops.pop_front() {
                return serde_json::from_value(body).map_err(|error| ClientError::Body {
                    command: "stopped".to_owned(),
                    error,
                });
            }
            let message = self.next("the event `stopped`")?;
            self.keep(message);
        }
    }

    pub(super) fn stack(&mut self) -> Result<Vec<Frame>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            stack_frames: Vec<Frame>,
        }
        let body: Body = self.ask("stackTrace", json!({ "threadId": 1 }))?;
        Ok(body.stack_frames)
    }

    pub(super) fn scopes(&mut self, frame: &Frame) -> Result<Vec<Scope>> {
        #[derive(Deserialize)]
        struct Body {
            scopes: Vec<Scope>,
        }
        let body: Body = self.ask("scopes", json!({ "frameId": frame.id }))?;
        Ok(body.scopes)
    }

    pub(super) fn inside(&mut self, group: &impl Group) -> Result<Vec<Variable>> {
        #[derive(Deserialize)]
        struct Body {
            variables: Vec<Variable>,
        }
        if group.reference() == 0 {
            return Ok(Vec::new());
        }
        let arguments = json!({ "variablesReference": group.reference() });
        let body: Body = self.ask("variables", arguments)?;
        Ok(body.variables)
    }

    pub(super) fn evaluate(&mut self, expression: &str, frame: &Frame) -> Result<Evaluated> {
        let arguments =
            json!({ "expression": expression, "frameId": frame.id, "context": "watch" });
        self.ask("evaluate", arguments)
    }

    /// Types a line into the debug console.
    pub(super) fn console(&mut self, line: &str) -> Result<Evaluated> {
        self.ask("evaluate", json!({ "expression": line, "context": "repl" }))
    }

    fn next(&mut self, awaited: &str) -> Result<Value> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Err(ClientError::Silent(awaited.to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(ClientError::Ended(awaited.to_owned())),
        }
    }

    /// Keeps of an event what someone may want later.
    fn keep(&mut self, message: Value) {
        let body = &message["body"];
        let (category, output) = (&body["category"], body["output"].as_str());
        match (message["event"].as_str(), output) {
            (Some("initialized"), _) => self.is_initialized = true,
            (Some("stopped"), _) => self.stops.push_back(body.clone()),
            (Some("output"), Some(output)) if category == "stdout" => {
                self.printed.push_str(output);
            }
            (Some("output"), Some(output)) if category == "stderr" => {
                self.complaints.push_str(output);
            }
            _ => {}
        }
    }

    /// Ends the session and waits for the server to leave.
    pub(super) fn finish(mut self) -> Result<()> {
        self.tell("disconnect", json!({}))?;
        self.requests = None;
        let asked = Instant::now();
        while asked.elapsed() < FAREWELL {
            match self.child.try_wait() {
                Ok(Some(_)) | Err(_) => break,
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Ok(())
    }
}

impl Drop for Client {
    /// Whatever went wrong, no server stays behind.
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Passes messages on until there are no more, or nobody wants them.
fn listen(answers: ChildStdout, sender: &Sender<Message>) {
    let mut answers = BufReader::new(answers);
    loop {
        let message = match read_frame(&mut answers) {
            Ok(Some(body)) => serde_json::from_slice(&body).map_err(ClientError::Malformed),
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        let is_last = message.is_err();
        if sender.send(message).is_err() || is_last {
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
