//! What a handled request gives: its response, now or later, and what follows it.

use super::aside::Aside;
use super::asking::Question;
use super::opening::Open;
use crate::dap::protocol::{Refusal, codec};
use crate::timeline::travel::motion::Motion;
use serde::Serialize;
use serde_json::Value;

/// The response, or what has to be done first.
pub(super) enum Reply<R> {
    Now(R, Then),
    /// The debuggee has to be asked, which takes long.
    Ask(Question<R>),
    /// The debuggee's twin has to be asked, while the session goes on.
    Aside(Aside<R>),
    /// The debuggee has to be opened, which takes longer; the response has no body.
    Open(Open),
}

pub(super) type Handled<R> = Result<Reply<R>, Refusal>;

impl<R> Reply<R> {
    pub(super) fn now(response: R) -> Handled<R> {
        Ok(Reply::Now(response, Then::Nothing))
    }
}

impl Reply<()> {
    pub(super) fn then(then: Then) -> Handled<()> {
        Ok(Reply::Now((), then))
    }

    pub(super) fn travel(motion: Motion) -> Handled<()> {
        Reply::then(Then::Travel(vec![motion]))
    }
}

impl<R: Serialize + 'static> Reply<R> {
    /// The same, with the response as JSON.
    pub(super) fn written(self) -> Handled<Value> {
        Ok(match self {
            Reply::Now(response, then) => Reply::Now(codec::body(&response)?, then),
            Reply::Ask(question) => Reply::Ask(question.written()),
            Reply::Aside(aside) => Reply::Aside(aside.written()),
            Reply::Open(open) => Reply::Open(open),
        })
    }
}

/// What follows a response: it always goes out first.
pub(super) enum Then {
    Nothing,
    Travel(Vec<Motion>),
    /// As `Travel`, where the request does not tell the client that it moves.
    TravelUnasked(Vec<Motion>),
    /// `terminated`, and nothing more to look at.
    Terminate,
    /// The end of the session.
    Disconnect,
}
