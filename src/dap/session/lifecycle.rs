//! Requests that begin and end a session: `initialize`, `launch`, `attach`,
//! `configurationDone`, `restart`, `terminate`, `disconnect`, `cancel`, `threads`.

use super::{Handled, Opening, Reply, Session, State, THREAD, Then, printed};
use crate::dap::launch::ArgumentError;
use crate::dap::protocol::newer::{ClientFeatures, DeclaredCapabilities, Extension};
use crate::dap::protocol::{
    CancelArguments, Capabilities, Event, ProcessEventBody, ProcessEventStartMethod, Refusal,
    Request, Thread, ThreadEventBody, ThreadEventReason, ThreadsResponse,
};
use crate::dap::reporter::Reporter;
use crate::dap::session::Input;
use crate::debuggee::launch::{AttachArguments, Begin, LaunchArguments, Subject, ViewArguments};
use crate::debuggee::{Debuggee, LaunchError, Launcher, Output};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion};
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
        ..Capabilities::default()
    };
    DeclaredCapabilities {
        known,
        supports_ansi_styling: None,
        supports_data_breakpoint_bytes: true,
        rr_dap: Extension::default(),
    }
}

pub(super) fn initialize(session: &mut Session, request: &Request) -> Handled {
    let client: ClientFeatures = request.arguments()?;
    if client
        .path_format
        .as_deref()
        .is_some_and(|format| format != "path")
    {
        return Err(Refusal::because("only `pathFormat` \"path\" is supported"));
    }
    session.client = client;
    session.state = State::Ready;
    Reply::body(request, &capabilities())
}

type Open = dyn FnOnce(&dyn Launcher, &dyn Output, &Interrupt) -> Result<Box<dyn Debuggee>, LaunchError>
    + Send;

pub(super) fn launch(session: &mut Session, request: &Request) -> Handled {
    let arguments = LaunchArguments::parse(&request.arguments).map_err(wrong)?;
    let view = arguments.view.clone();
    let is_live = matches!(arguments.subject, Subject::Program(_));
    let open = move |launcher: &dyn Launcher, output: &dyn Output, interrupt: &Interrupt| {
        launcher.launch(&arguments, output, interrupt)
    };
    begin_opening(session, request, view, is_live, Box::new(open))
}

pub(super) fn attach(session: &mut Session, request: &Request) -> Handled {
    let arguments = AttachArguments::parse(&request.arguments).map_err(wrong)?;
    let view = arguments.view.clone();
    let open = move |launcher: &dyn Launcher, output: &dyn Output, interrupt: &Interrupt| {
        launcher.attach(&arguments, output, interrupt)
    };
    begin_opening(session, request, view, false, Box::new(open))
}

fn wrong(error: ArgumentError) -> Refusal {
    Refusal::because(error.to_string())
}

fn begin_opening(
    session: &mut Session,
    request: &Request,
    view: ViewArguments,
    is_live: bool,
    open: Box<Open>,
) -> Handled {
    match session.state {
        State::Ready => {}
        State::Fresh => return Err(Refusal::because("`initialize` comes first")),
        State::Ended => return Err(Refusal::because("the session has ended")),
        _ => return Err(Refusal::because("this session debugs something already")),
    }
    session.view = ViewArguments {
        path_mapping: view.path_mapping.or(session.launcher.path_mapping()),
        ..view
    };
    session.printed = if is_live {
        printed::Shown::all()
    } else {
        printed::Shown::default()
    };
    let interrupt = Interrupt::new();
    session.state = State::Opening(Opening {
        request: request.clone(),
        interrupt: interrupt.clone(),
        configured: false,
    });
    let launcher = Arc::clone(&session.launcher);
    let reporter = session.reporter("Opening", OPENING, Some(request.seq));
    session.work(move || Input::Opened(open(launcher.as_ref(), &reporter, &interrupt)));
    Ok(Reply::Later)
}

pub(super) fn configuration_done(session: &mut Session, request: &Request) -> Handled {
    match &mut session.state {
        State::Configuring(_) => {
            let motions = first_motions(session.view.begin);
            Ok(Reply::then(Then::Travel(motions)))
        }
        State::Opening(opening) => {
            opening.configured = true;
            Ok(Reply::DONE)
        }
        State::Asking(asking) => {
            asking.waiting.push(request.clone());
            Ok(Reply::Later)
        }
        _ => Err(Refusal::because("there is nothing to configure now")),
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
pub(super) fn restart(session: &mut Session, _: &Request) -> Handled {
    Ok(Reply::then(Then::Travel(first_motions(session.view.begin))))
}

pub(super) fn terminate(_: &mut Session, _: &Request) -> Handled {
    Ok(Reply::then(Then::Terminate))
}

pub(super) fn disconnect(_: &mut Session, _: &Request) -> Handled {
    Ok(Reply::then(Then::Disconnect))
}

pub(super) fn cancel(session: &mut Session, request: &Request) -> Handled {
    let what: CancelArguments = request.arguments()?;
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
    session.give_up_waiting_for(|waiting| meant_by(&what, waiting.seq, &waiting.seq.to_string()));
    Ok(Reply::DONE)
}

/// Whether something is to be cancelled, by the number of its request or the name of its
/// progress.
fn meant_by(what: &CancelArguments, seq: i64, progress: &str) -> bool {
    what.request_id == Some(seq) || what.progress_id.as_deref() == Some(progress)
}

pub(super) fn threads(session: &mut Session, request: &Request) -> Handled {
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
    Reply::body(request, &ThreadsResponse { threads })
}

impl Session {
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
        self.outbox.respond(&opening.request, Ok(None));
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
            self.outbox.event(&Event::Terminated(None));
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
