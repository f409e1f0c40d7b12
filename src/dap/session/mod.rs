//! One client's session: what state it is in, and what a message does to it.
//!
//! The session's thread never does anything long: opening and moving run on a
//! worker thread that has the debuggee for that time and sends it back through
//! the same channel that requests come through. So `pause` is heard at once.

mod aside;
mod asking;
mod breakpoints;
mod completions;
mod convert;
mod data;
mod dispatch;
mod evaluate;
mod frame_names;
mod functions;
mod growing;
mod input;
mod lifecycle;
mod memory;
mod motion;
mod opening;
mod printed;
mod reply;
mod source;
mod stack;
mod state;
mod system;
mod targets;
mod time;
mod variables;
mod waiting;

use super::outbox::Outbox;
use super::protocol::{
    ClientFeatures, Event, Incoming, Malformed, OutputEventCategory, Refusal, Request, Thread,
    codec,
};
use super::references::References;
use super::reporter::say;
use super::token::Door;
use crate::debuggee::launch::{Begin, ViewArguments};
use crate::debuggee::{
    BreakpointState, Debuggee, DebuggeeError, Launcher, LiveRun, SourcePoint, SourceRef, TextRef,
    ThreadId, ValuesRef,
};
use crate::timeline::travel::motion::BreakpointId;
use crate::trace::scarce;
pub use dispatch::commands;
use dispatch::{Admission, Handler};
pub(super) use input::Input;
use input::Moved;
use reply::{Handled, Reply, Then};
use serde_json::Value;
use state::{Moving, State};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use targets::Targets;
use waiting::Waiting;

/// The thread that the client sees before there is a debuggee, and the only one of a recording.
const THREAD: i64 = ThreadId::ONLY.0;
/// How long an interrupted worker has to give the debuggee back when the client
/// is gone. After that nobody waits for it.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) struct Session {
    outbox: Outbox,
    launcher: Arc<dyn Launcher>,
    door: Door,
    /// How long a stop waits for what was printed to be known.
    patience: Duration,
    to_self: SyncSender<Input>,
    client: ClientFeatures,
    state: State,
    /// A worker is on its way, whether or not the session still waits for it.
    is_working: bool,
    over: bool,
    /// The request being handled.
    current: i64,
    view: ViewArguments,
    /// Where the session first stops.
    begin: Begin,
    program: String,
    /// The person knows that the recording is damaged.
    has_told_damage: bool,
    /// What the thread was called at the last stop: it tells the time.
    thread_name: String,
    /// The nodes of a system, as they were told last.
    threads: Vec<Thread>,
    printed: printed::Shown,
    values: References<ValuesRef>,
    texts: References<TextRef>,
    locations: References<(SourceRef, SourcePoint)>,
    breakpoint_kinds: HashMap<BreakpointId, BreakpointKind>,
    targets: Targets,
    /// Which thread is moved next, and whether it alone may run; `None`: the present one.
    chosen: Option<(ThreadId, bool)>,
    waiting: Waiting,
    asides: aside::Asides,
    /// The run that is recorded while it is debugged.
    run: Option<LiveRun>,
    /// What the client knows of a recording that is still being written.
    growth: growing::Told,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BreakpointKind {
    Source,
    Function,
    Instruction,
    Filter,
    Data,
}

impl From<DebuggeeError> for Refusal {
    fn from(error: DebuggeeError) -> Self {
        match error {
            DebuggeeError::Interrupted => Refusal::Cancelled,
            DebuggeeError::NotYet => Refusal::NotYet,
            other => Refusal::because(other.to_string()),
        }
    }
}

impl Session {
    pub(super) fn new(
        launcher: Arc<dyn Launcher>,
        outbox: Outbox,
        to_self: SyncSender<Input>,
        door: Door,
        patience: Duration,
    ) -> Self {
        Self {
            outbox,
            launcher,
            door,
            patience,
            to_self,
            client: ClientFeatures::default(),
            state: State::Fresh,
            is_working: false,
            over: false,
            current: 0,
            view: ViewArguments::default(),
            begin: Begin::default(),
            program: String::new(),
            has_told_damage: false,
            thread_name: String::new(),
            threads: Vec::new(),
            printed: printed::Shown::default(),
            values: References::default(),
            texts: References::default(),
            locations: References::default(),
            breakpoint_kinds: HashMap::new(),
            targets: Targets::default(),
            chosen: None,
            waiting: Waiting::default(),
            asides: aside::Asides::default(),
            run: None,
            growth: growing::Told::default(),
        }
    }

    /// Lives until the client disconnects or is gone.
    pub(super) fn run(mut self, inbox: &Receiver<Input>) {
        while !self.over {
            let input = match self.door.left() {
                None => inbox.recv().map_err(RecvTimeoutError::from),
                Some(left) => inbox.recv_timeout(left),
            };
            match input {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {
                    self.over = true;
                    self.complain("this server wants a token, and none was given in time");
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.interrupt_worker();
        self.give_up_asides(|_| true);
        if self.is_working {
            wait_for_worker(inbox);
        }
    }

    fn take(&mut self, input: Input) {
        if input.is_from_worker() {
            self.is_working = false;
        }
        match input {
            Input::Message(body, _held) => self.message(&body),
            Input::BadFrame(error) => {
                self.over = !error.is_recoverable();
                self.complain(&error.to_string());
            }
            Input::Gone => self.over = true,
            Input::Recording(news) => self.recording(news),
            Input::Opened(opened) => self.opened(opened),
            Input::Moved(debuggee, moved) => self.moved(debuggee, moved),
            Input::Answered(debuggee, answer) => {
                self.answered(debuggee, answer);
                self.tell_news();
            }
            Input::Aside(told) => self.told_aside(told),
            Input::Lost(cause) => self.lost(&cause),
            Input::Prepared => self.prepared(),
        }
    }

    fn message(&mut self, body: &[u8]) {
        match codec::decode(body) {
            Ok(Incoming::Request(request)) => self.request(&request),
            // We ask nothing.
            Ok(Incoming::Response) => {}
            Err(malformed) => {
                self.malformed(malformed);
                // Who has not been let in has one try.
                self.over = matches!(self.door, Door::Locked(..));
            }
        }
    }

    fn request(&mut self, request: &Request) {
        self.current = request.seq;
        if let Err(refusal) = self.door.admit(request) {
            self.outbox.respond(request, Err(refusal));
            self.over = true;
            return;
        }
        let handled = match self.admit(request) {
            Admission::Handle(handler) => self.handled(handler, request),
            Admission::Refuse(refusal) => Err(refusal),
            Admission::Wait => return,
        };
        self.reply(request, handled);
        self.await_preparation();
    }

    /// A fault of ours in one request is that request's failure, not the session's end.
    fn handled(&mut self, handler: &dyn Handler, request: &Request) -> Handled<Value> {
        let handled = catch_unwind(AssertUnwindSafe(|| handler.handle(self, request)));
        handled.unwrap_or_else(|panic| {
            let fault = panic_message(&*panic);
            Err(Refusal::because(format!("an internal fault: {fault}")))
        })
    }

    fn reply(&mut self, request: &Request, handled: Handled<Value>) {
        match handled {
            Ok(Reply::Now(body, then)) => {
                self.outbox.respond(request, Ok(body));
                self.follow(then);
            }
            Ok(Reply::Ask(question)) => self.ask(request, question),
            Ok(Reply::Aside(aside)) => self.ask_aside(request, aside),
            Ok(Reply::Open(open)) => self.open(request, open),
            Err(Refusal::NotYet) => self.wait_to_answer(request),
            Err(refusal) => self.outbox.respond(request, Err(refusal)),
        }
    }

    fn follow(&mut self, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Travel(motions) => self.travel(motions),
            Then::TravelUnasked(motions) => {
                let thread = self.thread();
                self.outbox.event(&motion::continued(thread));
                self.travel(motions);
            }
            Then::Terminate => self.terminate(),
            Then::Disconnect => {
                self.abandon();
                self.over = true;
            }
        }
    }

    fn malformed(&mut self, malformed: Malformed) {
        let message = malformed.to_string();
        match malformed.answer_to {
            Some((seq, command)) => {
                let request = Request {
                    seq,
                    command,
                    arguments: Value::Null,
                };
                self.outbox
                    .respond(&request, Err(Refusal::because(message)));
            }
            None => self.complain(&message),
        }
    }

    /// For what is not an answer to anything.
    fn complain(&self, message: &str) {
        say(
            &self.outbox,
            OutputEventCategory::Important,
            &format!("rr-dap: {message}"),
        );
    }

    /// The debuggee, standing still.
    fn debuggee(&mut self) -> Result<&mut dyn Debuggee, Refusal> {
        match &mut self.state {
            State::Configuring(debuggee) | State::Stopped(debuggee) => Ok(debuggee.as_mut()),
            _ => Err(Refusal::NotStopped),
        }
    }

    /// Runs something long; what it gives comes back as an input.
    fn work(&mut self, work: impl FnOnce() -> Input + Send + 'static) {
        let to = self.to_self.clone();
        self.is_working = true;
        let spawned = std::thread::Builder::new()
            .name("dap-worker".into())
            .spawn(move || {
                let done = catch_unwind(AssertUnwindSafe(work));
                let done = done.unwrap_or_else(|panic| Input::Lost(panic_message(&*panic)));
                // A session that is over has no use for it.
                let _ = to.send(done);
            });
        if let Err(error) = spawned {
            self.is_working = false;
            let remedy = scarce::remedy(&error);
            self.lost(&format!("no thread for it: {error}{remedy}"));
        }
    }

    fn interrupt_worker(&mut self) {
        match &mut self.state {
            State::Opening(opening) => opening.halt.given_up.raise(),
            State::Asking(asking) => asking.interrupt.raise(),
            State::Moving(moving) => {
                moving.pausing = true;
                moving.interrupt.raise();
            }
            _ => {}
        }
    }

    /// The debuggee is gone, by a fault of ours: the session cannot go on,
    /// and says so.
    fn lost(&mut self, cause: &str) {
        let message = format!("an internal fault ended the debugging: {cause}");
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Opening(opening) => self.not_opened(opening, Refusal::because(message)),
            State::Moving(moving) => {
                for request in moving.waiting {
                    let refusal = Refusal::because("the session has ended");
                    self.outbox.respond(&request, Err(refusal));
                }
                self.complain(&message);
                self.outbox.event(&Event::Terminated);
            }
            State::Asking(asking) => {
                let refusal = Refusal::because(message.clone());
                self.outbox.respond(&asking.request, Err(refusal));
                for request in asking.waiting {
                    let refusal = Refusal::because("the session has ended");
                    self.outbox.respond(&request, Err(refusal));
                }
                self.complain(&message);
                self.outbox.event(&Event::Terminated);
            }
            other => self.state = other,
        }
        self.give_up_waiting();
    }

    fn remember_kinds(&mut self, states: &[BreakpointState], kind: BreakpointKind) {
        for state in states {
            self.breakpoint_kinds.insert(state.id, kind);
        }
    }
}

fn wait_for_worker(inbox: &Receiver<Input>) {
    let until = Instant::now() + FAREWELL;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match inbox.recv_timeout(left) {
            // Requests of a client that is gone.
            Ok(input) if !input.is_from_worker() => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words")
        .to_owned()
}
