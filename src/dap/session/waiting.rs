//! What a replay in the background has still to tell. Requests that can wait for it do,
//! while others are answered; views that were shown without it are announced anew.
//!
//! Nothing waits on the session's thread: the debuggee gives out what ends when more is
//! known, and threads of their own wait for that.

use super::{Input, Session, State, motion};
use crate::dap::protocol::{InvalidatedAreas, OutputEventCategory, Refusal, Request};
use crate::dap::reporter::say;
use crate::debuggee::DebuggeeError;
use serde_json::Value;

/// What waits for a replay in the background, at one stop.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Answered when it is known, or given up.
    requests: Vec<Request>,
    /// Why the run failed here has not been told yet.
    explanation: bool,
    /// More is known than when these were asked, or may be.
    has_news: bool,
}

/// Requests that may wait for the same thing: an editor has one for each file with
/// breakpoints, and one for each view.
const MOST_WAITING: usize = 256;
/// What all of them may take, in bytes, roughly.
const MOST_BYTES: usize = 4 << 20;

/// Has a request wait for its answer.
///
/// # Errors
///
/// If too many do: what a client says is kept nowhere without a bound.
pub(super) fn line_up(waiting: &mut Vec<Request>, request: &Request) -> Result<(), Refusal> {
    let all = waiting.iter().chain([request]);
    let bytes: usize = all.map(|request| weight(&request.arguments)).sum();
    if waiting.len() >= MOST_WAITING || bytes > MOST_BYTES {
        return Err(Refusal::because(
            "too many requests wait already: ask again when some are answered",
        ));
    }
    waiting.push(request.clone());
    Ok(())
}

/// About what a value takes in memory, in bytes.
fn weight(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| size_of::<String>() + name.len() + weight(value))
            .sum(),
        _ => 0,
    };
    size_of::<Value>() + inside
}

impl Session {
    /// Answers a request when what it asks is known.
    pub(super) fn wait_to_answer(&mut self, request: &Request) {
        if let Err(refusal) = line_up(&mut self.waiting.requests, request) {
            self.outbox.respond(request, Err(refusal));
        }
    }

    /// Nobody waits any more for what was asked at this stop.
    pub(super) fn give_up_waiting(&mut self) {
        self.give_up_waiting_for(|_| true);
        self.waiting.explanation = false;
    }

    pub(super) fn give_up_waiting_for(&mut self, is_meant: impl Fn(&Request) -> bool) {
        let requests = &mut self.waiting.requests;
        for request in requests.extract_if(.., |request| is_meant(request)) {
            self.outbox.respond(&request, Err(Refusal::Cancelled));
        }
    }

    /// Requests that wait until a question is answered are not made at all. Those that wait
    /// for a motion have made it pause for them, and are made in a moment.
    pub(super) fn give_up_queued(&mut self, is_meant: impl Fn(&Request) -> bool) {
        let State::Asking(asking) = &mut self.state else {
            return;
        };
        for request in asking.waiting.extract_if(.., |request| is_meant(request)) {
            self.outbox.respond(&request, Err(Refusal::Cancelled));
        }
    }

    /// Why the run failed where the program stands; if that is not known yet, it is told as
    /// soon as it is.
    pub(super) fn explanation(&mut self) -> Option<String> {
        let explained = self.debuggee().ok()?.fault_explained();
        self.waiting.explanation = explained == Err(DebuggeeError::NotYet);
        explained.ok().flatten()
    }

    /// The stop has been told: what has become known on the way there needs no event of its
    /// own.
    pub(super) fn arrived(&mut self) {
        self.waiting.has_news = false;
        self.await_preparation();
    }

    /// More is known than was when it was asked for.
    pub(super) fn prepared(&mut self) {
        self.waiting.has_news = true;
        self.tell_news();
    }

    /// Has the session told when more is known of what was asked.
    pub(super) fn await_preparation(&mut self) {
        let State::Stopped(debuggee) = &mut self.state else {
            return;
        };
        while let Some(preparing) = debuggee.preparing() {
            let to = self.to_self.clone();
            let wait = move || {
                preparing();
                // A session that is over has no use for it.
                _ = to.send(Input::Prepared);
            };
            let waiting = std::thread::Builder::new().name("dap-preparing".into());
            // Without a thread the client asks again by itself.
            _ = waiting.spawn(wait);
        }
    }

    /// Tells what is known by now. While the debuggee is away this waits until it is back;
    /// a motion ends in a stop, which says as much.
    pub(super) fn tell_news(&mut self) {
        let State::Stopped(debuggee) = &mut self.state else {
            return;
        };
        if !std::mem::take(&mut self.waiting.has_news) {
            self.await_preparation();
            return;
        }
        let known = debuggee.became_known();
        if known.growth {
            self.take_in_growth();
        }
        self.show_awaited();
        let mut areas = match (known.anything, known.values) {
            (true, _) => vec![InvalidatedAreas::All],
            (false, true) => vec![InvalidatedAreas::Variables],
            (false, false) => Vec::new(),
        };
        let is_explained = self.explain() && areas.is_empty();
        if is_explained || known.frames && !known.anything {
            areas.push(InvalidatedAreas::Stacks);
        }
        for request in std::mem::take(&mut self.waiting.requests) {
            self.request(&request);
        }
        if !areas.is_empty() && self.client.supports_invalidated_event {
            self.outbox.event(&motion::invalidated(areas));
        }
        self.await_preparation();
    }

    /// Tells why the run failed here, if that has not been told and is known by now.
    fn explain(&mut self) -> bool {
        if !self.waiting.explanation {
            return false;
        }
        let Some(why) = self.explanation() else {
            return false;
        };
        say(&self.outbox, OutputEventCategory::Important, &why);
        true
    }
}
