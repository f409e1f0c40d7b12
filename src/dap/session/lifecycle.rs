//! Requests that begin and end a session: `initialize`, `launch`, `attach`,
//! `configurationDone`, `restart`, `terminate`, `disconnect`, `cancel`, `threads`.

use super::{Handled, Open, Opening, Reply, Session, State, THREAD, Then, printed};
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::custom::{DeclaredCapabilities, Extension};
use crate::dap::protocol::{
    CancelArguments, Capabilities, ClientFeatures, Event, ProcessEventBody,
    ProcessEventStartMethod, Refusal, Request, Thread, ThreadEventBody, ThreadEventReason,
    ThreadsResponse,
};
use crate::dap::reporter::Reporter;
use crate::dap::session::Input;
use crate::debuggee::launch::{AttachArguments, Begin, LaunchArguments, Subject, ViewArguments};
use crate::debuggee::{Debuggee, LaunchError};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion};
use serde_json::Value;
use std::sync::Arc;

/// Names the progress of opening; a motion's is its request's number.
const OPENING: &str = "opening";

/// What this server can do, the same for every client.
pub(super) fn capabilities() -> DeclaredCapabilities {
    let yes = Some(true);
    let known = Capabilities {
        supports_configuration_done_request: yes,
        supports_function_breakpoints: yes,
        supports_data_breakpoints: yes,
        supports_goto_targets_request: yes,
        supports_step_in_targets_request: yes,
        supports_conditional_breakpoints: yes,
        supports_hit_conditional_breakpoints: yes,
        supports_evaluate_for_hovers: yes,
        exception_breakpoint_filters: Some(super::breakpoints::offered_filters()),
        supports_step_back: yes,
        supports_completions_request: yes,
        completion_trigger_characters: Some(vec![" ".into()]),
        supports_modules_request: yes,
        supports_restart_request: yes,
        supports_value_formatting_options: yes,
        supports_exception_info_request: yes,
        supports_delayed_stack_trace_loading: yes,
        supports_loaded_sources_request: yes,
        supports_log_points: yes,
        supports_terminate_request: yes,
        supports_read_memory_request: yes,
        supports_disassemble_request: yes,
        supports_cancel_request: yes,
        supports_breakpoint_locations_request: yes,
        supports_clipboard_context: yes,
        supports_stepping_granularity: yes,
        supports_instruction_breakpoints: yes,
        supports_exception_filter_options: yes,
        supports_data_breakpoint_bytes: yes,
        ..Capabilities::default()
    };
    DeclaredCapabilities {
        known,
        rr_dap: Extension::default(),
    }
}

pub(super) fn initialize(
    session: &mut Session,
    client: ClientFeatures,
) -> Handled<DeclaredCapabilities> {
    if client
        .path_format
        .as_deref()
        .is_some_and(|format| format != "path")
    {
        return Err(Refusal::because("only `pathFormat` \"path\" is supported"));
    }
    session.client = client;
    session.state = State::Ready;
    Reply::now(capabilities())
}

pub(super) fn launch(session: &mut Session, arguments: LaunchArguments) -> Handled<()> {
    session.look(&arguments.view);
    session.printed = match arguments.subject {
        Subject::Program(_) => printed::Shown::all(),
        Subject::Trace(_) => printed::Shown::default(),
    };
    Ok(Reply::Open(Box::new(move |launcher, output, interrupt| {
        launcher.launch(&arguments, output, interrupt)
    })))
}

pub(super) fn attach(session: &mut Session, arguments: AttachArguments) -> Handled<()> {
    session.look(&arguments.view);
    session.printed = printed::Shown::default();
    Ok(Reply::Open(Box::new(move |launcher, output, interrupt| {
        launcher.attach(&arguments, output, interrupt)
    })))
}

pub(super) fn configuration_done(session: &mut Session, _: Unread) -> Handled<()> {
    match &mut session.state {
        State::Opening(opening) => {
            opening.configured = true;
            Reply::then(Then::Nothing)
        }
        _ => Reply::then(Then::Travel(first_motions(session.view.begin))),
    }
}

/// Where to go first.
fn first_motions(begin: Begin) -> Vec<Motion> {
    match begin {
        Begin::FirstBreakpoint => vec![Motion::Start, Motion::Continue(Direction::Forward)],
        Begin::Entry => vec![Motion::Entry],
        Begin::Start => vec![Motion::Start],
        Begin::End => vec![Motion::End],
    }
}

/// From the top again. Nothing runs anew: it is the same recording.
pub(super) fn restart(session: &mut Session, _: Unread) -> Handled<()> {
    Reply::then(Then::Travel(first_motions(session.view.begin)))
}

pub(super) fn terminate(_: &mut Session, _: Unread) -> Handled<()> {
    Reply::then(Then::Terminate)
}

pub(super) fn disconnect(_: &mut Session, _: Unread) -> Handled<()> {
    Reply::then(Then::Disconnect)
}

pub(super) fn cancel(session: &mut Session, what: CancelArguments) -> Handled<()> {
    let meant = |seq: i64, progress: &str| meant_by(&what, seq, progress);
    let meant = match &session.state {
        State::Opening(opening) => meant(opening.request.seq, OPENING),
        State::Moving(moving) => meant(moving.request, &moving.request.to_string()),
        State::Asking(asking) => meant(asking.request.seq, &asking.request.seq.to_string()),
        _ => false,
    };
    if meant {
        session.interrupt_worker();
    }
    let meant = |request: &Request| meant_by(&what, request.seq, &request.seq.to_string());
    session.give_up_queued(meant);
    session.give_up_waiting_for(meant);
    Reply::then(Then::Nothing)
}

/// Whether something is to be cancelled, by the number of its request or the name of its
/// progress.
fn meant_by(what: &CancelArguments, seq: i64, progress: &str) -> bool {
    what.request_id == Some(seq) || what.progress_id.as_deref() == Some(progress)
}

pub(super) fn threads(session: &mut Session, _: Unread) -> Handled<ThreadsResponse> {
    let thread = Thread {
        id: THREAD,
        name: match session.thread_name.is_empty() {
            true => session.program.clone(),
            false => session.thread_name.clone(),
        },
    };
    let threads = match session.state {
        State::Configuring(_) | State::Moving(_) | State::Asking(_) | State::Stopped(_) => {
            vec![thread]
        }
        _ => Vec::new(),
    };
    Reply::now(ThreadsResponse { threads })
}

impl Session {
    /// Remembers how the client wants to look at what it opens.
    fn look(&mut self, view: &ViewArguments) {
        let view = view.clone();
        self.view = ViewArguments {
            path_mapping: view.path_mapping.or(self.launcher.path_mapping()),
            ..view
        };
    }

    /// Has a worker open what is to be debugged.
    pub(super) fn open(&mut self, request: &Request, open: Box<Open>) {
        let interrupt = Interrupt::new();
        self.state = State::Opening(Opening {
            request: request.clone(),
            interrupt: interrupt.clone(),
            configured: false,
        });
        let launcher = Arc::clone(&self.launcher);
        let reporter = self.reporter("Opening", OPENING, Some(request.seq));
        self.work(move || Input::Opened(open(launcher.as_ref(), &reporter, &interrupt)));
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
            Err(error) => {
                let refusal = match error {
                    LaunchError::Interrupted => Refusal::Cancelled,
                    LaunchError::Failed(message) => Refusal::Because(message),
                };
                self.outbox.respond(&opening.request, Err(refusal));
                return;
            }
        };
        self.program = debuggee.history().name;
        self.state = State::Configuring(debuggee);
        self.outbox.respond(&opening.request, Ok(Value::Null));
        self.announce_program(&opening.request.command);
        if opening.configured {
            self.current = opening.request.seq;
            self.travel(first_motions(self.view.begin));
        }
    }

    fn announce_program(&self, command: &str) {
        self.outbox.event(&Event::Initialized);
        self.outbox.event(&Event::Process(ProcessEventBody {
            name: self.program.clone(),
            is_local_process: Some(true),
            start_method: Some(match command {
                "attach" => ProcessEventStartMethod::Attach,
                _ => ProcessEventStartMethod::Launch,
            }),
            pointer_size: Some(32),
            ..ProcessEventBody::default()
        }));
        self.outbox.event(&Event::Thread(ThreadEventBody {
            reason: ThreadEventReason::Started,
            thread_id: THREAD,
        }));
    }

    pub(super) fn terminate(&mut self) {
        // A second `terminate` is answered, but nothing ends twice.
        if !matches!(self.state, State::Ended) {
            self.abandon();
            self.outbox.event(&Event::Terminated);
        }
    }

    /// Whatever runs is called off, and those who wait for it are told.
    pub(super) fn abandon(&mut self) {
        self.interrupt_worker();
        let unanswered = match std::mem::replace(&mut self.state, State::Ended) {
            State::Opening(opening) => vec![opening.request],
            State::Moving(moving) => moving.waiting,
            State::Asking(asking) => std::iter::once(asking.request)
                .chain(asking.waiting)
                .collect(),
            _ => Vec::new(),
        };
        for request in unanswered {
            self.outbox.respond(&request, Err(Refusal::Cancelled));
        }
        self.give_up_waiting();
    }

    pub(super) fn reporter(&self, title: &str, id: &str, request: Option<i64>) -> Reporter {
        let shows = self.client.supports_progress_reporting;
        Reporter::new(self.outbox.clone(), shows, title, id, request)
    }
}
