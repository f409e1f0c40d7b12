//! A small client of the Debug Adapter Protocol: it starts this executable as an
//! editor does, and talks to it over its standard streams.

use crate::dap::protocol::FrameError;
use crate::dap::protocol::framing::{read_frame, write_frame};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

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
    #[error("{awaited} did not come within {} seconds", patience.as_secs())]
    Silent { awaited: String, patience: Duration },
}

type Result<T, E = ClientError> = std::result::Result<T, E>;

/// The body of a `stopped` event.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stopped {
    pub(super) reason: String,
    pub(super) description: Option<String>,
    pub(super) text: Option<String>,
    #[serde(default)]
    pub(super) hit_breakpoint_ids: Vec<i64>,
}

impl Stopped {
    /// The most that is told about it.
    pub(super) fn told(&self) -> String {
        let told = self.text.as_ref().or(self.description.as_ref());
        told.unwrap_or(&self.reason).clone()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame {
    pub(super) id: i64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) line: u64,
    pub(super) source: Option<Source>,
    /// Its instruction, as `disassemble` takes it.
    pub(super) instruction_pointer_reference: Option<String>,
}

/// A source as the server names it, and as it is named to the server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Source {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// Of a text that is no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_reference: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adapter_data: Option<Value>,
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
    pub(super) name: String,
    presentation_hint: Option<String>,
    variables_reference: i64,
}

/// What a scope is for.
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
    #[serde(rename = "type")]
    pub(super) type_name: Option<String>,
    /// Where in memory it is, or points to.
    pub(super) memory_reference: Option<String>,
    variables_reference: i64,
}

/// The answer to an `evaluate`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Evaluated {
    pub(super) result: String,
    #[serde(rename = "type")]
    pub(super) type_name: Option<String>,
    /// Where in memory it is, or points to.
    pub(super) memory_reference: Option<String>,
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

/// Something that the server prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) category: Category,
    pub(super) text: String,
}

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// The guest's standard output.
    Stdout,
    /// The guest's standard error.
    Stderr,
    /// The debugger's own.
    Console,
}

enum Message {
    Received(Value),
    /// No more will come.
    Broken(ClientError),
    /// The person wants whatever goes on to stop.
    Interrupt,
}

/// Stops what the server is at.
#[derive(Clone)]
pub(super) struct Interrupter(Sender<Message>);

impl Interrupter {
    pub(super) fn interrupt(&self) {
        // A conversation that is over cannot be interrupted.
        _ = self.0.send(Message::Interrupt);
    }
}

/// Hears what the server prints, as it comes.
type Listener = Box<dyn FnMut(&Said)>;

/// A conversation with a server of its own.
pub(super) struct Client {
    child: Child,
    /// Absent once the conversation is over: its end is the server's sign to leave.
    requests: Option<ChildStdin>,
    messages: Receiver<Message>,
    interrupter: Interrupter,
    listener: Listener,
    /// How long a message is waited for; for ever, if a person can interrupt.
    patience: Option<Duration>,
    last_seq: i64,
    /// Stops that nobody has asked for yet.
    stops: VecDeque<Value>,
    is_initialized: bool,
    /// The program moves without having been asked to by a request for motion.
    is_moving: bool,
}

impl Client {
    /// Starts this executable without arguments, as editors do.
    pub(super) fn start(patience: Option<Duration>, listener: Listener) -> Result<Self> {
        let program = std::env::current_exe().map_err(ClientError::Start)?;
        let mut child = Command::new(program)
            // An interrupt from the terminal is for the client, which passes it on.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(ClientError::Start)?;
        let (sender, messages) = channel();
        let requests = child.stdin.take();
        let interrupter = Interrupter(sender.clone());
        if let Some(answers) = child.stdout.take() {
            std::thread::spawn(move || listen(answers, &sender));
        }
        Ok(Self {
            child,
            requests,
            messages,
            interrupter,
            listener,
            patience,
            last_seq: 0,
            stops: VecDeque::new(),
            is_initialized: false,
            is_moving: false,
        })
    }

    pub(super) fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
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
        let seq = self.send(command, &arguments)?;
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

    fn send(&mut self, command: &str, arguments: &Value) -> Result<i64> {
        self.last_seq += 1;
        let seq = self.last_seq;
        let request =
            json!({ "seq": seq, "type": "request", "command": command, "arguments": arguments });
        let ended = || ClientError::Ended(format!("an answer to `{command}`"));
        let requests = self.requests.as_mut().ok_or_else(ended)?;
        write_frame(requests, request.to_string().as_bytes()).map_err(ClientError::Write)?;
        Ok(seq)
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
        self.frames(0, 0).map(|(frames, _)| frames)
    }

    /// So many frames of the stack from this one on (0 are all), and how many there are.
    pub(super) fn frames(&mut self, start: usize, levels: usize) -> Result<(Vec<Frame>, usize)> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            stack_frames: Vec<Frame>,
            total_frames: Option<usize>,
        }
        let arguments = json!({ "threadId": 1, "startFrame": start, "levels": levels });
        let body: Body = self.ask("stackTrace", arguments)?;
        let known = start + body.stack_frames.len();
        Ok((body.stack_frames, body.total_frames.unwrap_or(known)))
    }

    pub(super) fn scopes(&mut self, frame: &Frame) -> Result<Vec<Scope>> {
        #[derive(Deserialize)]
        struct Body {
            scopes: Vec<Scope>,
        }
        let body: Body = self.ask("scopes", json!({ "frameId": frame.id }))?;
        Ok(body.scopes)
    }

    pub(super) fn inside(&mut self, group: &dyn Group) -> Result<Vec<Variable>> {
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
    pub(super) fn console(&mut self, line: &str, frame: Option<&Frame>) -> Result<Evaluated> {
        let mut arguments = json!({ "expression": line, "context": "repl" });
        if let Some(frame) = frame {
            arguments["frameId"] = frame.id.into();
        }
        self.ask("evaluate", arguments)
    }

    /// Where the program stopped, if what was last typed into the console moved it.
    pub(super) fn stopped_by_console(&mut self) -> Result<Option<Stopped>> {
        // The server says that it moves before it answers anything else.
        self.tell("threads", json!({}))?;
        match self.is_moving || !self.stops.is_empty() {
            true => self.stopped().map(Some),
            false => Ok(None),
        }
    }

    /// What the thread is called: it tells the time.
    pub(super) fn moment(&mut self) -> Result<String> {
        #[derive(Deserialize)]
        struct Body {
            threads: Vec<Thread>,
        }
        #[derive(Deserialize)]
        struct Thread {
            name: String,
        }
        let body: Body = self.ask("threads", json!({}))?;
        let name = body.threads.into_iter().next().map(|thread| thread.name);
        Ok(name.unwrap_or_default())
    }

    /// Takes in what came while nobody listened; an interrupt then had nothing to stop.
    pub(super) fn catch_up(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Received(message) => self.keep(message),
                // The next request will tell.
                Message::Broken(_) => self.requests = None,
                Message::Interrupt => {}
            }
        }
    }

    fn next(&mut self, awaited: &str) -> Result<Value> {
        loop {
            let message = match self.patience {
                None => self.messages.recv().map_err(RecvTimeoutError::from),
                Some(patience) => self.messages.recv_timeout(patience),
            };
            match message {
                Ok(Message::Received(message)) => return Ok(message),
                Ok(Message::Broken(error)) => {
                    self.requests = None;
                    return Err(error);
                }
                // Its answer is nobody's concern: what was awaited will come earlier.
                Ok(Message::Interrupt) => drop(self.send("pause", &json!({ "threadId": 1 }))?),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(ClientError::Ended(awaited.to_owned()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(ClientError::Silent {
                        awaited: awaited.to_owned(),
                        patience: self.patience.unwrap_or_default(),
                    });
                }
            }
        }
    }

    /// Keeps of an event what someone may want later.
    fn keep(&mut self, message: Value) {
        let body = &message["body"];
        match message["event"].as_str() {
            Some("initialized") => self.is_initialized = true,
            Some("continued") => self.is_moving = true,
            Some("stopped") => {
                self.is_moving = false;
                self.stops.push_back(body.clone());
            }
            Some("output") => {
                let category = match body["category"].as_str() {
                    Some("stdout") => Category::Stdout,
                    Some("stderr") => Category::Stderr,
                    Some("telemetry") => return,
                    _ => Category::Console,
                };
                let text = body["output"].as_str().unwrap_or_default().to_owned();
                (self.listener)(&Said { category, text });
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
            Ok(Some(body)) => match serde_json::from_slice(&body) {
                Ok(message) => Message::Received(message),
                Err(error) => Message::Broken(ClientError::Malformed(error)),
            },
            Ok(None) => Message::Broken(ClientError::Ended("a message".to_owned())),
            Err(error) => Message::Broken(error.into()),
        };
        let is_last = matches!(message, Message::Broken(_));
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
