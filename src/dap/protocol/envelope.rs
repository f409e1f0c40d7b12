//! What is around every message: who asks, and how an answer refuses.

use super::{codec, spelling};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A request, its arguments not yet looked at.
///
/// The command is a plain name: one that nobody knows is still a request, and
/// gets an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub seq: i64,
    pub command: String,
    pub arguments: Value,
}

impl Request {
    /// The arguments as the protocol's type. Absent arguments are an empty
    /// object, as clients leave them out where nothing is required.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let mut arguments = match &self.arguments {
            Value::Null => Value::Object(Default::default()),
            given => given.clone(),
        };
        spelling::inward(&self.command, &mut arguments);
        serde_json::from_value(arguments).map_err(|error| {
            Refusal::because(format!(
                "the arguments of `{}` are not understood: {error}",
                self.command
            ))
        })
    }
}

/// A message from the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    Request(Request),
    /// The answer to a request of ours; we make none, so nothing waits for it.
    Response,
}

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the program is moving: pause it first")]
    NotStopped,
    #[error("cancelled")]
    Cancelled,
    #[error("{0}")]
    Because(String),
}

impl Refusal {
    pub fn because(message: impl Into<String>) -> Self {
        Refusal::Because(message.into())
    }

    /// The short form in a response's `message`, which clients compare.
    pub(super) fn short(&self) -> &str {
        match self {
            Refusal::NotStopped => "notStopped",
            Refusal::Cancelled => "cancelled",
            Refusal::Because(message) => message,
        }
    }
}

/// The result of a request: the body of its response, already in the protocol's
/// spelling, or why there is none.
pub type Answer = Result<Option<codec::Body>, Refusal>;
