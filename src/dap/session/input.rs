//! What comes to a session: from its client, or from its worker.

use super::aside::Told;
use super::asking::Answer;
use super::printed;
use crate::dap::backlog::Held;
use crate::dap::protocol::FrameError;
use crate::debuggee::{Debuggee, DebuggeeError, LaunchError, RecordingNews};
use crate::timeline::travel::motion::Stop;
use serde_json::Value;

/// One of them.
pub(in crate::dap) enum Input {
    /// As it was framed, with the room that it takes.
    Message(Vec<u8>, Held),
    BadFrame(FrameError),
    /// The client has closed the connection.
    Gone,
    /// Of the run that is recorded before it is debugged.
    Recording(RecordingNews),
    Opened(Result<Box<dyn Debuggee>, LaunchError>),
    Moved(Box<dyn Debuggee>, Moved),
    Answered(Box<dyn Debuggee>, Result<Answer<Value>, DebuggeeError>),
    /// A question that was asked aside is answered.
    Aside(Told),
    /// A worker ended without its debuggee.
    Lost(String),
    /// More is known than when the client asked.
    Prepared,
}

/// What came of a motion.
pub(in crate::dap) struct Moved {
    pub(super) outcome: Result<Stop, DebuggeeError>,
    /// What the program printed on the way, and had not before, if that is known.
    pub(super) printed: Option<printed::Found>,
}

impl Input {
    pub(super) fn is_from_worker(&self) -> bool {
        matches!(
            self,
            Input::Opened(_) | Input::Moved(..) | Input::Answered(..) | Input::Lost(_)
        )
    }
}
