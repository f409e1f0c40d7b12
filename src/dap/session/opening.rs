//! From `launch` or `attach` until there is something to debug.
//!
//! A program is recorded to its end first, and some have none. While `launch` is unanswered
//! editors show neither a thread nor a way to pause it; so where recording takes long, it is
//! answered at once, with a thread, and what is to be configured comes when it has ended.

use super::lifecycle::first_motions;
use super::{Input, Session, State, THREAD};
use crate::dap::protocol::{
    Event, OutputEventCategory, ProcessEventBody, ProcessEventStartMethod, Refusal, Request,
    Thread, ThreadEventBody, ThreadEventReason,
};
use crate::dap::reporter::{Reporter, say};
use crate::debuggee::launch::Begin;
use crate::debuggee::{Debuggee, Halt, LaunchError, Launcher, Output, RecordingNews, Stream};
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// Names the progress of opening; a motion's is its request's number.
pub(super) const PROGRESS: &str = "opening";

/// How to come to something to debug.
pub(super) struct Open {
    /// The name of the program that is recorded first.
    pub(super) recorded: Option<String>,
    /// Whether `pause` ends the run.
    pub(super) pause_ends: bool,
    pub(super) open: Box<Opener>,
}

type Opener =
    dyn FnOnce(&dyn Launcher, &dyn Output, &Halt) -> Result<Box<dyn Debuggee>, LaunchError> + Send;

/// An opening that is under way.
pub(super) struct Opening {
    /// Answered when it is open, or when recording turns out to take long.
    pub(super) request: Request,
    is_answered: bool,
    pub(super) halt: Halt,
    /// The program that is being recorded; `None` once it has ended.
    recorded: Option<String>,
    pause_ends: bool,
    /// The client has already said `configurationDone`.
    pub(super) configured: bool,
}

impl Opening {
    /// What stands for the program until it can be debugged, where the client waits for more
    /// than an answer.
    pub(super) fn thread(&self) -> Option<Thread> {
        let name = match &self.recorded {
            Some(program) => format!("recording {program}"),
            None => "opening the recording".to_owned(),
        };
        self.is_answered.then_some(Thread { id: THREAD, name })
    }

    pub(super) fn unanswered(self) -> Option<Request> {
        (!self.is_answered).then_some(self.request)
    }
}

/// Reports, and tells the session how recording goes on.
struct Telling {
    reporter: Reporter,
    to: SyncSender<Input>,
    /// For what goes on when that is over.
    lasting: Arc<Reporter>,
}

impl Output for Telling {
    fn guest(&self, stream: Stream, bytes: &[u8]) {
        self.reporter.guest(stream, bytes);
    }

    fn console(&self, line: &str) {
        self.reporter.console(line);
    }

    fn progress(&self, percentage: Option<u8>, message: &str) {
        self.reporter.progress(percentage, message);
    }

    fn recording(&self, news: RecordingNews) {
        // A session that is over has no use for it.
        _ = self.to.send(Input::Recording(news));
    }

    fn lasting(&self) -> Option<Arc<dyn Output>> {
        Some(self.lasting.clone())
    }
}

impl Session {
    /// Has a worker open what is to be debugged.
    pub(super) fn open(&mut self, request: &Request, how: Open) {
        let halt = Halt::default();
        self.state = State::Opening(Opening {
            request: request.clone(),
            is_answered: false,
            halt: halt.clone(),
            recorded: how.recorded,
            pause_ends: how.pause_ends,
            configured: false,
        });
        let launcher = Arc::clone(&self.launcher);
        let telling = Telling {
            reporter: self.reporter("Opening", PROGRESS, Some(request.seq)),
            to: self.to_self.clone(),
            lasting: Arc::new(Reporter::new(
                self.outbox.clone(),
                false,
                "Running",
                PROGRESS,
                None,
            )),
        };
        let open = how.open;
        self.work(move || Input::Opened(open(launcher.as_ref(), &telling, &halt)));
    }

    /// How the run goes that is recorded before it is debugged.
    pub(super) fn recording(&mut self, news: RecordingNews) {
        let State::Opening(opening) = &mut self.state else {
            return;
        };
        match (news, &opening.recorded) {
            (RecordingNews::Ended, _) => opening.recorded = None,
            (RecordingNews::GoesOn, Some(program)) if !opening.is_answered => {
                opening.is_answered = true;
                let told = match opening.pause_ends {
                    true => format!(
                        "recording {program}, which is debugged when it has ended; \
                         pause (^C at a prompt) ends it where it is"
                    ),
                    false => format!(
                        "recording {program}, which is debugged when it has ended, or in a \
                         moment, while it goes on; pause shows where it is"
                    ),
                };
                self.outbox.respond(&opening.request, Ok(Value::Null));
                say(&self.outbox, OutputEventCategory::Console, &told);
                self.announce_thread();
            }
            _ => {}
        }
    }

    /// Ends the run that is being recorded, if there is one that nobody has ended yet.
    pub(super) fn ends_recording(&mut self) -> bool {
        let State::Opening(opening) = &self.state else {
            return false;
        };
        let ends = opening.recorded.is_some() && !opening.halt.enough.is_raised();
        if ends {
            opening.halt.enough.raise();
        }
        ends
    }

    /// `pause` while there is nothing to debug yet.
    pub(super) fn pause_opening(&mut self) {
        if let State::Opening(opening) = &self.state
            && !opening.pause_ends
            && opening.recorded.is_some()
        {
            opening.halt.look.raise();
            return;
        }
        if self.ends_recording() {
            return;
        }
        if let State::Opening(opening) = &self.state
            && !opening.is_answered
            && !opening.halt.enough.is_raised()
        {
            opening.halt.given_up.raise();
        }
    }

    /// The worker has opened the debuggee, or has not.
    pub(super) fn opened(&mut self, opened: Result<Box<dyn Debuggee>, LaunchError>) {
        let opening = match std::mem::replace(&mut self.state, State::Ready) {
            State::Opening(opening) => opening,
            // Terminated meanwhile: the debuggee goes as it came.
            other => {
                self.state = other;
                return;
            }
        };
        let debuggee = match opened {
            Ok(debuggee) => debuggee,
            Err(LaunchError::Interrupted) => return self.not_opened(opening, Refusal::Cancelled),
            Err(LaunchError::Failed(message)) => {
                return self.not_opened(opening, Refusal::Because(message));
            }
        };
        self.program = debuggee.history().name;
        self.run = debuggee.run();
        let halt = &opening.halt;
        self.begin = match halt.enough.is_raised() || halt.look.is_raised() {
            // Whoever ended the run, or looks at it, wants to see where it was.
            true => Begin::End,
            false => self.view.begin.clone(),
        };
        self.state = State::Configuring(debuggee);
        if !opening.is_answered {
            self.outbox.respond(&opening.request, Ok(Value::Null));
        }
        self.announce_program(&opening);
        if opening.configured {
            self.current = opening.request.seq;
            self.travel(first_motions(self.begin.clone()));
        }
    }

    /// There is nothing to debug: the failure of `launch`, or, where that has been answered,
    /// the end of the session.
    pub(super) fn not_opened(&mut self, opening: Opening, why: Refusal) {
        if !opening.is_answered {
            self.state = State::Ready;
            self.outbox.respond(&opening.request, Err(why));
            return;
        }
        self.state = State::Ended;
        self.complain(&why.to_string());
        self.outbox.event(&Event::Terminated);
    }

    fn announce_program(&self, opening: &Opening) {
        self.outbox.event(&Event::Initialized);
        self.outbox.event(&Event::Process(ProcessEventBody {
            name: self.program.clone(),
            is_local_process: Some(true),
            start_method: Some(match opening.request.command.as_str() {
                "attach" => ProcessEventStartMethod::Attach,
                _ => ProcessEventStartMethod::Launch,
            }),
            pointer_size: Some(32),
            ..ProcessEventBody::default()
        }));
        if !opening.is_answered {
            self.announce_thread();
        }
    }

    fn announce_thread(&self) {
        self.outbox.event(&Event::Thread(ThreadEventBody {
            reason: ThreadEventReason::Started,
            thread_id: THREAD,
        }));
    }
}
