//! What is around every message: who asks, and how an answer refuses.

use super::{
    BreakpointEventBody, ContinuedEventBody, InvalidatedEventBody, OutputEventBody,
    ProcessEventBody, ProgressEndEventBody, ProgressStartEventBody, ProgressUpdateEventBody,
    StoppedEventBody, ThreadEventBody,
};
use serde::Serialize;
use serde_json::Value;

/// A request, its arguments not yet looked at.
///
/// The command is a plain name: one that nobody knows is still a request, and
/// gets an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The client's number for it, from 1: the `request_seq` of its response.
    pub seq: i64,
    /// Such as `setBreakpoints`, or `rr/whoWrote`.
    pub command: String,
    /// As they came; `null` if there are none.
    pub arguments: Value,
}

/// An event and its body.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", content = "body", rename_all = "camelCase")]
pub enum Event {
    /// What became of a breakpoint has changed.
    Breakpoint(Box<BreakpointEventBody>),
    /// Breakpoints can be set.
    Initialized,
    /// The program moves although no request has said so.
    Continued(ContinuedEventBody),
    /// There is more of a recording that is still being written.
    #[serde(rename = "rr/grown")]
    Grown(super::custom::GrownEventBody),
    /// What the client was told is to be asked for again.
    Invalidated(InvalidatedEventBody),
    /// Something was printed.
    Output(Box<OutputEventBody>),
    /// What is debugged.
    Process(ProcessEventBody),
    /// Something long goes on.
    ProgressStart(ProgressStartEventBody),
    /// How far it is.
    ProgressUpdate(ProgressUpdateEventBody),
    /// It is done.
    ProgressEnd(ProgressEndEventBody),
    /// The program stands still.
    Stopped(StoppedEventBody),
    /// There is nothing more to debug.
    Terminated,
    /// A thread has begun or ended.
    Thread(ThreadEventBody),
}

/// A message from the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Every one is answered.
    Request(Request),
    /// The answer to a request of ours; we make none, so nothing waits for it.
    Response,
}

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It takes a program that stands still, and this one moves or is being opened.
    #[error("the program is moving: pause it first")]
    NotStopped,
    /// It was interrupted: by `cancel`, by `pause`, or by the end of the session.
    #[error("cancelled")]
    Cancelled,
    /// It is answered when a replay in the background has come to what is asked.
    #[error("this is not known yet: the recording is still being replayed in the background")]
    NotYet,
    /// A message for the person: cause and remedy.
    #[error("{0}")]
    Because(String),
}

impl Refusal {
    /// [`Refusal::Because`] with this message.
    pub fn because(message: impl Into<String>) -> Self {
        Refusal::Because(message.into())
    }

    /// The short form in a response's `message`, which clients compare.
    pub(super) fn short(&self) -> &str {
        match self {
            Refusal::NotStopped => "notStopped",
            Refusal::Cancelled => "cancelled",
            Refusal::NotYet => "notYet",
            Refusal::Because(message) => message,
        }
    }
}

/// The result of a request: the body of its response, `null` for one without, or why there
/// is none.
pub type Answer = Result<Value, Refusal>;
