//! Requests that begin and end a session: `initialize`, `launch`, `attach`,
//! `configurationDone`, `restart`, `terminate`, `disconnect`, `cancel`, `threads`.

use super::opening::{self, Open};
use super::{Handled, Reply, Session, State, THREAD, Then, printed};
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::custom::{DeclaredCapabilities, Extension};
use crate::dap::protocol::{
    CancelArguments, Capabilities, ClientFeatures, Event, Refusal, Request, Thread, ThreadsResponse,
};
use crate::dap::reporter::Reporter;
use crate::debuggee::ThreadView;
use crate::debuggee::launch::{
    AttachArguments, Begin, LaunchArguments, Moment, Subject, ViewArguments,
};
use crate::timeline::travel::motion::{Direction, Motion};

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
    let recorded = match &arguments.subject {
        Subject::Program(of) => Some(of.program.file_name().unwrap_or_default()),
        Subject::Trace(_) | Subject::System(_) => None,
    };
    session.printed = match recorded {
        Some(_) => printed::Shown::all(),
        None => printed::Shown::default(),
    };
    Ok(Reply::Open(Open {
        pause_ends: match &arguments.subject {
            Subject::Program(of) => of.pause_ends,
            Subject::Trace(_) | Subject::System(_) => true,
        },
        recorded: recorded.map(|name| name.to_string_lossy().into_owned()),
        open: Box::new(move |launcher, output, halt| launcher.launch(&arguments, output, halt)),
    }))
}

pub(super) fn attach(session: &mut Session, arguments: AttachArguments) -> Handled<()> {
    session.look(&arguments.view);
    session.printed = printed::Shown::default();
    Ok(Reply::Open(Open {
        recorded: None,
        pause_ends: true,
        open: Box::new(move |launcher, output, halt| launcher.attach(&arguments, output, halt)),
    }))
}

pub(super) fn configuration_done(session: &mut Session, _: Unread) -> Handled<()> {
    match &mut session.state {
        State::Opening(opening) => {
            opening.configured = true;
            Reply::then(Then::Nothing)
        }
        _ => Reply::then(Then::Travel(first_motions(session.begin.clone()))),
    }
}

/// Where to go first.
pub(super) fn first_motions(begin: Begin) -> Vec<Motion> {
    match begin {
        Begin::FirstBreakpoint => vec![Motion::Start, Motion::Continue(Direction::Forward)],
        Begin::Entry => vec![Motion::Entry],
        Begin::Start => vec![Motion::Start],
        Begin::End => vec![Motion::End],
        Begin::There(Moment::Position(position)) => vec![Motion::Position(position)],
        Begin::There(Moment::Event(event)) => vec![Motion::Event(event)],
        Begin::There(Moment::Part(part)) => vec![Motion::Fraction(part)],
        Begin::There(Moment::Mark(name)) => vec![Motion::Mark(name)],
    }
}

/// From the top again. Nothing runs anew: it is the same recording.
pub(super) fn restart(session: &mut Session, _: Unread) -> Handled<()> {
    Reply::then(Then::Travel(first_motions(session.view.begin.clone())))
}

/// The first time, a run that is being recorded ends, and what it has done is debugged.
pub(super) fn terminate(session: &mut Session, _: Unread) -> Handled<()> {
    match session.ends_recording() || session.ends_run() {
        true => Reply::then(Then::Nothing),
        false => Reply::then(Then::Terminate),
    }
}

pub(super) fn disconnect(_: &mut Session, _: Unread) -> Handled<()> {
    Reply::then(Then::Disconnect)
}

pub(super) fn cancel(session: &mut Session, what: CancelArguments) -> Handled<()> {
    let meant = |seq: i64, progress: &str| meant_by(&what, seq, progress);
    let meant = match &session.state {
        State::Opening(opening) => meant(opening.request.seq, opening::PROGRESS),
        State::Moving(moving) => meant(moving.request, &moving.request.to_string()),
        State::Asking(asking) => meant(asking.request.seq, &asking.request.seq.to_string()),
        _ => false,
    };
    // Editors have a button for that beside the progress: who ends a run by it wants to see what
    // it has done, as with `pause`.
    let ends_run = what.progress_id.as_deref() == Some(opening::PROGRESS);
    if meant && !(ends_run && session.ends_recording()) {
        session.interrupt_worker();
    }
    let meant = |request: &Request| meant_by(&what, request.seq, &request.seq.to_string());
    session.give_up_queued(meant);
    session.give_up_asides(meant);
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
    let stacks = session.stacks();
    let threads = match &session.state {
        State::Configuring(_) | State::Stopped(_) if !stacks.is_empty() => {
            session.threads = stacks;
            session.threads.clone()
        }
        State::Configuring(debuggee) | State::Stopped(debuggee)
            if !debuggee.threads().is_empty() =>
        {
            session.threads = debuggee.threads().into_iter().map(named).collect();
            session.threads.clone()
        }
        // As they were when they stopped last.
        State::Moving(_) | State::Asking(_) if !session.threads.is_empty() => {
            session.threads.clone()
        }
        State::Configuring(_) | State::Moving(_) | State::Asking(_) | State::Stopped(_) => {
            vec![thread]
        }
        State::Opening(opening) => opening.thread().into_iter().collect(),
        _ => Vec::new(),
    };
    Reply::now(ThreadsResponse { threads })
}

/// A node of a system, or a stack of a recording.
fn named(view: ThreadView) -> Thread {
    Thread {
        id: view.id.0,
        name: format!("{}, {}", view.name, view.moment),
    }
}

impl Session {
    /// The stacks of a recording that keeps several, as threads.
    pub(super) fn stacks(&mut self) -> Vec<Thread> {
        let views = self.debuggee().map(|debuggee| debuggee.stacks());
        // What cannot be asked any more says so when its frames are asked for.
        let views = views.ok().and_then(Result::ok).unwrap_or_default();
        views.into_iter().map(named).collect()
    }

    /// Remembers how the client wants to look at what it opens.
    fn look(&mut self, view: &ViewArguments) {
        let view = view.clone();
        self.view = ViewArguments {
            path_mapping: view.path_mapping.or(self.launcher.path_mapping()),
            ..view
        };
    }

    /// Ends the run that is recorded while it is debugged, if nobody has yet.
    fn ends_run(&mut self) -> bool {
        let goes_on = self.run.as_ref().filter(|run| run.goes_on());
        if let Some(run) = goes_on {
            run.end();
        }
        goes_on.is_some()
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
            State::Opening(opening) => opening.unanswered().into_iter().collect(),
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
        self.give_up_asides(|_| true);
    }

    pub(super) fn reporter(&self, title: &str, id: &str, request: Option<i64>) -> Reporter {
        let shows = self.client.supports_progress_reporting;
        Reporter::new(self.outbox.clone(), shows, title, id, request)
    }
}
