//! Questions that take long: the debuggee answers them on the worker's thread, and the
//! session waits for it as it does for a motion.

use super::{Handled, Input, Reply, Session, State};
use crate::dap::protocol::{Refusal, Request};
use crate::debuggee::{Debuggee, DebuggeeError, Output};
use crate::timeline::interrupt::Interrupt;
use serde::Serialize;
use serde_json::Value;

/// Asks the debuggee; nothing moves.
pub(super) struct Question<R>(Box<Ask<R>>);

type Ask<R> = dyn FnOnce(&mut dyn Debuggee, &dyn Output, &Interrupt) -> Result<Answer<R>, DebuggeeError>
    + Send;

/// Makes the response of what was found out.
pub(in crate::dap) struct Answer<R>(Box<Respond<R>>);

type Respond<R> = dyn FnOnce(&mut Session) -> Handled<R> + Send;

impl<R: Serialize + 'static> Question<R> {
    /// The same, with the response as JSON.
    pub(super) fn written(self) -> Question<Value> {
        let Question(ask) = self;
        Question(Box::new(move |debuggee, output, interrupt| {
            let Answer(respond) = ask(debuggee, output, interrupt)?;
            Ok(Answer(Box::new(move |session| {
                respond(session).and_then(Reply::written)
            })))
        }))
    }
}

/// A question that a worker has.
pub(super) struct Asking {
    pub(super) request: Request,
    pub(super) interrupt: Interrupt,
    /// The client has not said `configurationDone` yet.
    is_configuring: bool,
    /// What the client asked meanwhile.
    pub(super) waiting: Vec<Request>,
}

/// A question and the response to it.
pub(super) fn ask<T: Send + 'static, R>(
    question: impl FnOnce(&mut dyn Debuggee, &dyn Output, &Interrupt) -> Result<T, DebuggeeError>
    + Send
    + 'static,
    answer: impl FnOnce(&mut Session, T) -> Handled<R> + Send + 'static,
) -> Handled<R> {
    Ok(Reply::Ask(Question(Box::new(
        move |debuggee, output, interrupt| {
            let found = question(debuggee, output, interrupt)?;
            Ok(Answer(Box::new(move |session| answer(session, found))))
        },
    ))))
}

impl Session {
    /// Hands the debuggee to a worker with a question.
    pub(super) fn ask(&mut self, request: &Request, question: Question<Value>) {
        let Question(question) = question;
        let (mut debuggee, is_configuring) = match std::mem::replace(&mut self.state, State::Ready)
        {
            State::Configuring(debuggee) => (debuggee, true),
            State::Stopped(debuggee) => (debuggee, false),
            other => {
                self.state = other;
                self.outbox.respond(request, Err(Refusal::NotStopped));
                return;
            }
        };
        let interrupt = Interrupt::new();
        self.state = State::Asking(Asking {
            request: request.clone(),
            interrupt: interrupt.clone(),
            is_configuring,
            waiting: Vec::new(),
        });
        let reporter = self.reporter("Looking", &request.seq.to_string(), Some(request.seq));
        self.work(move || {
            let answer = question(debuggee.as_mut(), &reporter, &interrupt);
            drop(reporter);
            Input::Answered(debuggee, answer)
        });
    }

    /// The worker is back with the answer.
    pub(super) fn answered(
        &mut self,
        debuggee: Box<dyn Debuggee>,
        answer: Result<Answer<Value>, DebuggeeError>,
    ) {
        let asking = match std::mem::replace(&mut self.state, State::Stopped(debuggee)) {
            State::Asking(asking) => asking,
            // Terminated meanwhile.
            other => {
                self.state = other;
                return;
            }
        };
        if asking.is_configuring
            && let State::Stopped(debuggee) = std::mem::replace(&mut self.state, State::Ready)
        {
            self.state = State::Configuring(debuggee);
        }
        self.current = asking.request.seq;
        let handled = match answer {
            Ok(Answer(respond)) => respond(self),
            Err(error) => Err(error.into()),
        };
        self.reply(
            &asking.request,
            match handled {
                // Whoever gave it up does not wait for it either.
                Err(Refusal::NotYet) if asking.interrupt.is_raised() => Err(Refusal::Cancelled),
                handled => handled,
            },
        );
        for request in &asking.waiting {
            self.request(request);
        }
    }
}
