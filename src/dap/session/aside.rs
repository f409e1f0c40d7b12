//! Questions about the whole recording: they are asked of the debuggee's twin, on a thread of its
//! own, while the session goes on.

use super::asking::Question;
use super::input::Input;
use super::{Handled, Reply, Session, State, asking, panic_message};
use crate::dap::protocol::{Refusal, Request, codec};
use crate::debuggee::{Debuggee, DebuggeeError, FrameId};
use crate::questions::{Answer, Asked, Asking, QuestionError};
use crate::replay::Position;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::Motion;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Questions that wait for the one that is being answered.
const MOST_QUEUED: usize = 32;

/// A question, and the response that its answer makes.
pub(super) struct Aside<R> {
    asking: Asking,
    frame: Option<FrameId>,
    respond: Box<Respond<R>>,
}

type Respond<R> = dyn FnOnce(Answer) -> Result<R, Refusal> + Send;

/// Has a question answered aside.
pub(super) fn aside<R>(
    asking: Asking,
    frame: Option<FrameId>,
    respond: impl FnOnce(Answer) -> Result<R, Refusal> + Send + 'static,
) -> Handled<R> {
    Ok(Reply::Aside(Aside {
        asking,
        frame,
        respond: Box::new(respond),
    }))
}

impl<R: Serialize + 'static> Aside<R> {
    /// The same, with the response as JSON.
    pub(super) fn written(self) -> Aside<Value> {
        let respond = self.respond;
        Aside {
            asking: self.asking,
            frame: self.frame,
            respond: Box::new(move |answer| codec::body(&respond(answer)?)),
        }
    }
}

/// What a session has asked aside.
#[derive(Default)]
pub(super) struct Asides {
    twin: Option<Box<dyn Debuggee>>,
    running: Option<Running>,
    queued: VecDeque<(Request, Aside<Value>)>,
}

struct Running {
    request: Request,
    interrupt: Interrupt,
    respond: Box<Respond<Value>>,
}

/// What came of it.
pub(in crate::dap) struct Told {
    /// It is gone if a fault of ours ended the thread.
    twin: Option<Box<dyn Debuggee>>,
    answer: Result<Answer, QuestionError>,
}

impl Asides {
    /// Gives up what is meant: what is being answered, and what waits.
    pub(super) fn give_up(&mut self, is_meant: impl Fn(&Request) -> bool) -> Vec<Request> {
        if let Some(running) = &self.running
            && is_meant(&running.request)
        {
            running.interrupt.raise();
        }
        let (meant, others) = std::mem::take(&mut self.queued)
            .into_iter()
            .partition(|(request, _)| is_meant(request));
        self.queued = others;
        let meant: VecDeque<(Request, Aside<Value>)> = meant;
        meant.into_iter().map(|(request, _)| request).collect()
    }
}

impl Session {
    /// Begins to answer a question, or has it wait for the one before.
    pub(super) fn ask_aside(&mut self, request: &Request, aside: Aside<Value>) {
        let (at, thread) = match &self.state {
            State::Configuring(debuggee) | State::Stopped(debuggee) => {
                (debuggee.here().position, debuggee.main_thread())
            }
            _ => {
                self.outbox.respond(request, Err(Refusal::NotStopped));
                return;
            }
        };
        if self.asides.running.is_some() {
            if self.asides.queued.len() >= MOST_QUEUED {
                let refusal = "too many questions wait already: ask again when some are answered";
                self.outbox.respond(request, Err(Refusal::because(refusal)));
                return;
            }
            self.asides.queued.push_back((request.clone(), aside));
            return;
        }
        // That of another node knows nothing of this one.
        let twin = self.asides.twin.take();
        let Some(twin) = twin.filter(|twin| twin.main_thread() == thread) else {
            self.make_twin(request, aside);
            return;
        };
        self.start_aside(request, aside, twin, at);
    }

    /// The twin is made by the debuggee, which may have to be compiled first.
    fn make_twin(&mut self, request: &Request, aside: Aside<Value>) {
        let made = asking::ask(
            |debuggee, _, interrupt| debuggee.twin(interrupt),
            |session, twin| {
                session.asides.twin = Some(twin);
                Ok(Reply::Aside(aside))
            },
        );
        if let Ok(Reply::Ask(question)) = made {
            let question: Question<Value> = question;
            self.ask(request, question);
        }
    }

    fn start_aside(
        &mut self,
        request: &Request,
        aside: Aside<Value>,
        twin: Box<dyn Debuggee>,
        at: Position,
    ) {
        let interrupt = Interrupt::new();
        let Aside {
            asking,
            frame,
            respond,
        } = aside;
        self.asides.running = Some(Running {
            request: request.clone(),
            interrupt: interrupt.clone(),
            respond,
        });
        let reporter = self.reporter("Asking", &request.seq.to_string(), Some(request.seq));
        let to = self.to_self.clone();
        let work = move || {
            let answered = catch_unwind(AssertUnwindSafe(move || {
                let mut twin = twin;
                let answer = answer(&asking, frame, twin.as_mut(), at, &reporter, &interrupt);
                (twin, answer)
            }));
            let told = match answered {
                Ok((twin, answer)) => Told {
                    twin: Some(twin),
                    answer,
                },
                Err(panic) => {
                    let fault = format!("an internal fault: {}", panic_message(&*panic));
                    Told {
                        twin: None,
                        answer: Err(DebuggeeError::other(fault).into()),
                    }
                }
            };
            // A session that is over has no use for it.
            _ = to.send(Input::Aside(told));
        };
        let thread = std::thread::Builder::new().name("dap-question".into());
        if let Err(error) = thread.spawn(work) {
            self.asides.running = None;
            let refusal = Refusal::because(format!("no thread for the question: {error}"));
            self.outbox.respond(request, Err(refusal));
        }
    }

    /// A question has been answered, or given up.
    pub(super) fn told_aside(&mut self, told: Told) {
        self.asides.twin = told.twin;
        if matches!(self.state, State::Ended) {
            self.asides.twin = None;
        }
        if let Some(running) = self.asides.running.take() {
            let response = match told.answer {
                Ok(answer) => (running.respond)(answer),
                Err(QuestionError::Debuggee(error)) => Err(error.into()),
                Err(error) => Err(Refusal::because(error.to_string())),
            };
            self.outbox.respond(&running.request, response);
        }
        if let Some((request, aside)) = self.asides.queued.pop_front() {
            self.ask_aside(&request, aside);
        }
    }

    /// Nobody waits for answers any more.
    pub(super) fn give_up_asides(&mut self, is_meant: impl Fn(&Request) -> bool) {
        for request in self.asides.give_up(is_meant) {
            self.outbox.respond(&request, Err(Refusal::Cancelled));
        }
    }
}

/// Asks the twin where the session stands.
fn answer(
    asking: &Asking,
    frame: Option<FrameId>,
    twin: &mut dyn Debuggee,
    at: Position,
    output: &dyn crate::debuggee::Output,
    interrupt: &Interrupt,
) -> Result<Answer, QuestionError> {
    twin.become_longer()?;
    if twin.here().position != at {
        twin.travel(&Motion::Position(at), output, interrupt)?;
    }
    asking.ask(&mut Asked {
        debuggee: twin,
        frame,
        output,
        interrupt,
    })
}
