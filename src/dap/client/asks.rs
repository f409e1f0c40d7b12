//! What a person's client asks most, with answers in the protocol's types.

use super::{Client, ClientError, Result};
use crate::dap::protocol::{
    EvaluateResponse, Scope, ScopePresentationHint, ScopesResponse, StackFrame, StackTraceResponse,
    StoppedEventBody, StoppedEventReason, Variable, VariablesResponse,
};
use serde::Deserialize;
use serde_json::{Value, json};

impl StoppedEventBody {
    /// The most that is told about it.
    pub fn told(&self) -> String {
        let told = self.text.as_ref().or(self.description.as_ref());
        told.cloned().unwrap_or_else(|| {
            let reason = serde_json::to_value(&self.reason).unwrap_or_default();
            reason.as_str().unwrap_or_default().to_owned()
        })
    }
}

impl StoppedEventBody {
    /// Whether it stands where it stood, or halfway, because the motion failed.
    pub fn has_failed(&self) -> bool {
        // A pause that was asked for says nothing.
        self.reason == StoppedEventReason::Pause && self.text.is_some()
    }
}

impl StackFrame {
    /// The file of its source, if it has one.
    pub fn path(&self) -> Option<&str> {
        self.source.as_ref()?.path.as_deref()
    }
}

/// What a scope is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What the function was called with.
    Arguments,
    /// Its variables.
    Locals,
    /// What a call returns.
    Result,
    /// Core values and the like, for those who want them.
    Other,
}

impl Scope {
    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        match self.presentation_hint {
            Some(ScopePresentationHint::Arguments) => Purpose::Arguments,
            Some(ScopePresentationHint::Locals) => Purpose::Locals,
            Some(ScopePresentationHint::ReturnValue) => Purpose::Result,
            _ => Purpose::Other,
        }
    }
}

/// Something with values inside.
pub trait Group {
    /// What they are asked for with; 0 if there are none.
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
groups!(Scope Variable EvaluateResponse CoreGroup);

/// The scope that has the core level of a frame inside.
const CORE_LEVEL: &str = "WebAssembly";

/// A group of values of the core level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreGroup {
    /// Its title, such as "Globals".
    pub name: String,
    variables_reference: i64,
}

macro_rules! core_groups {
    ($($name:ident)*) => {$(
        impl From<&$name> for CoreGroup {
            fn from(group: &$name) -> Self {
                Self {
                    name: group.name.clone(),
                    variables_reference: group.variables_reference,
                }
            }
        }
    )*};
}
core_groups!(Scope Variable);

impl Client {
    /// Moves, and waits for where it stops.
    ///
    /// # Errors
    ///
    /// That the server refuses, or any other failure of the conversation; so below.
    pub fn go(&mut self, command: &str, arguments: Value) -> Result<StoppedEventBody> {
        self.tell(command, arguments)?;
        self.stopped()
    }

    /// Waits for the next stop.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn stopped(&mut self) -> Result<StoppedEventBody> {
        let body = self.event("stopped")?;
        // It moves no more.
        self.kept()
            .retain(|message| message["event"] != "continued");
        let stopped: StoppedEventBody =
            serde_json::from_value(body).map_err(|error| ClientError::Body {
                command: "stopped".to_owned(),
                error,
            })?;
        self.thread = stopped.thread_id.unwrap_or(self.thread);
        self.is_turned = false;
        Ok(stopped)
    }

    /// From now on, until the next stop, it is another thread that is looked at.
    pub fn turn_to(&mut self, thread: i64) {
        self.thread = thread;
        self.is_turned = true;
    }

    /// The thread that has been turned to since the last stop.
    pub fn turned_to(&self) -> Option<i64> {
        self.is_turned.then_some(self.thread)
    }

    /// The stack, from the innermost frame outward.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn stack(&mut self) -> Result<Vec<StackFrame>> {
        self.frames(0, 0).map(|(frames, _)| frames)
    }

    /// So many frames of the stack from this one on (0 are all), and how many there are.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn frames(&mut self, start: usize, levels: usize) -> Result<(Vec<StackFrame>, usize)> {
        let arguments = json!({ "threadId": self.thread, "startFrame": start, "levels": levels });
        let trace: StackTraceResponse = self.ask("stackTrace", arguments)?;
        let known = start + trace.stack_frames.len();
        let total = trace.total_frames.and_then(|all| usize::try_from(all).ok());
        Ok((trace.stack_frames, total.unwrap_or(known)))
    }

    /// The groups of values of a frame.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn scopes(&mut self, frame: &StackFrame) -> Result<Vec<Scope>> {
        let found: ScopesResponse = self.ask("scopes", json!({ "frameId": frame.id }))?;
        Ok(found.scopes)
    }

    /// The groups of the core level of a frame: locals, operands, globals, tables, memories.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn core_groups(&mut self, frame: &StackFrame) -> Result<Vec<CoreGroup>> {
        let mut scopes = self.scopes(frame)?;
        scopes.retain(|scope| scope.presentation_hint == Some(ScopePresentationHint::Registers));
        let groups = scopes.iter().map(CoreGroup::from).collect();
        // Beside variables of the source they are inside of one.
        match scopes.as_slice() {
            [all] if all.name == CORE_LEVEL => {
                let inside = self.inside(all)?;
                Ok(inside.iter().map(CoreGroup::from).collect())
            }
            _ => Ok(groups),
        }
    }

    /// The values of a group.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn inside(&mut self, group: &dyn Group) -> Result<Vec<Variable>> {
        if group.reference() == 0 {
            return Ok(Vec::new());
        }
        let arguments = json!({ "variablesReference": group.reference() });
        let found: VariablesResponse = self.ask("variables", arguments)?;
        Ok(found.variables)
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn evaluate(&mut self, expression: &str, frame: &StackFrame) -> Result<EvaluateResponse> {
        let arguments =
            json!({ "expression": expression, "frameId": frame.id, "context": "watch" });
        self.ask("evaluate", arguments)
    }

    /// Types a line into the debug console.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn console(&mut self, line: &str, frame: Option<&StackFrame>) -> Result<EvaluateResponse> {
        let mut arguments = json!({ "expression": line, "context": "repl" });
        if let Some(frame) = frame {
            arguments["frameId"] = frame.id.into();
        }
        self.ask("evaluate", arguments)
    }

    /// Where the program stopped, if what was last typed into the console moved it.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn stopped_by_console(&mut self) -> Result<Option<StoppedEventBody>> {
        // The server says that it moves before it answers anything else.
        self.tell("threads", json!({}))?;
        let moves = |message: &Value| ["continued", "stopped"].contains(&event_of(message));
        match self.kept().iter().any(moves) {
            true => self.stopped().map(Some),
            false => Ok(None),
        }
    }

    /// What the thread is called: it tells the time.
    ///
    /// # Errors
    ///
    /// See [`go`](Client::go).
    pub fn moment(&mut self) -> Result<String> {
        #[derive(Deserialize)]
        struct Threads {
            threads: Vec<Thread>,
        }
        #[derive(Deserialize)]
        struct Thread {
            id: i64,
            name: String,
        }
        let found: Threads = self.ask("threads", json!({}))?;
        let mut threads = found.threads.into_iter();
        let name = threads.find(|thread| thread.id == self.thread);
        let name = name.map(|thread| thread.name);
        Ok(name.unwrap_or_default())
    }
}

fn event_of(message: &Value) -> &str {
    message["event"].as_str().unwrap_or_default()
}
