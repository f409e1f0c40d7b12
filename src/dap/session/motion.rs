//! Requests that move, `pause`, and what a stop is called.

use super::{
    BreakpointKind, Handled, Input, Moved, Moving, Reply, Session, State, Then, printed, targets,
};
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::{
    ContinueResponse, ContinuedEventBody, Event, ExceptionBreakMode, ExceptionInfoResponse,
    InvalidatedAreas, InvalidatedEventBody, MotionArguments, OutputEventCategory, Refusal,
    SteppingGranularity, StoppedEventBody, StoppedEventReason,
};
use crate::dap::reporter::{Reporter, say};
use crate::debuggee::{Debuggee, DebuggeeError, StopText, ThreadId, Thrown, grouped};
use crate::replay::Phase;
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::{
    BreakpointId, Direction, Ending, Motion, Reason, Step, Stop,
};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Motions that take less are not told of.
const BETWEEN_TOLD: Duration = Duration::from_secs(1);

pub(super) fn resume(
    session: &mut Session,
    arguments: MotionArguments,
) -> Handled<ContinueResponse> {
    session.choose(&arguments);
    let response = ContinueResponse {
        all_threads_continued: Some(true),
    };
    let motion = Motion::Continue(Direction::Forward);
    Ok(Reply::Now(response, Then::Travel(vec![motion])))
}

pub(super) fn reverse(session: &mut Session, arguments: MotionArguments) -> Handled<()> {
    session.choose(&arguments);
    Reply::travel(Motion::Continue(Direction::Backward))
}

pub(super) fn next(session: &mut Session, arguments: MotionArguments) -> Handled<()> {
    session.choose(&arguments);
    step(&arguments, Direction::Forward, Step::Over)
}

pub(super) fn step_in(session: &mut Session, arguments: MotionArguments) -> Handled<()> {
    let way = arguments
        .target_id
        .map(|target| session.targets.way(target));
    let way = way.transpose()?;
    session.choose(&arguments);
    match way {
        Some(way) => targets::go(way),
        None => step(&arguments, Direction::Forward, Step::Into),
    }
}

/// Out is out, whatever the granularity.
pub(super) fn step_out(session: &mut Session, arguments: MotionArguments) -> Handled<()> {
    session.choose(&arguments);
    Reply::travel(Motion::Line(Direction::Forward, Step::Out))
}

pub(super) fn step_back(session: &mut Session, arguments: MotionArguments) -> Handled<()> {
    session.choose(&arguments);
    step(&arguments, Direction::Backward, Step::Over)
}

/// Statements are lines here: line tables have no better statements.
fn step(arguments: &MotionArguments, direction: Direction, step: Step) -> Handled<()> {
    Reply::travel(match arguments.granularity {
        Some(SteppingGranularity::Instruction) => Motion::Instruction(direction, step),
        Some(SteppingGranularity::Line | SteppingGranularity::Statement) | None => {
            Motion::Line(direction, step)
        }
    })
}

pub(super) fn pause(session: &mut Session, _: Unread) -> Handled<()> {
    match &mut session.state {
        State::Moving(moving) => {
            moving.pausing = true;
            moving.interrupt.pause();
        }
        State::Opening(_) => session.pause_opening(),
        State::Asking(_) => {
            session.interrupt_worker();
            session.give_up_waiting();
        }
        // It has stopped by itself, which the client will have been told.
        State::Stopped(_) => {
            session.give_up_waiting();
            session.give_up_asides(|_| true);
        }
        _ => return Err(Refusal::because("nothing moves")),
    }
    Reply::then(Then::Nothing)
}

pub(super) fn exception_info(session: &mut Session, _: Unread) -> Handled<ExceptionInfoResponse> {
    let debuggee = session.debuggee()?;
    let Some(fault) = Fault::of(&debuggee.here().reason) else {
        let thrown = debuggee.thrown();
        let thrown = thrown.ok_or_else(|| Refusal::because("the program has not failed here"))?;
        return Reply::now(ExceptionInfoResponse {
            exception_id: match &thrown {
                Thrown::New { tag, .. } => tag.clone(),
                Thrown::Again => "exception".to_owned(),
                Thrown::Panic(_) => "panic".to_owned(),
            },
            description: Some(thrown.told()),
            break_mode: ExceptionBreakMode::Always,
            details: None,
        });
    };
    let exception_id = fault.kind.to_owned();
    let message = fault.message.to_owned();
    Reply::now(ExceptionInfoResponse {
        exception_id,
        description: Some(match debuggee.fault_explained() {
            Ok(Some(why)) => format!("{message}; {why}"),
            Err(DebuggeeError::NotYet) => return Err(Refusal::NotYet),
            Ok(None) | Err(_) => message,
        }),
        break_mode: ExceptionBreakMode::Unhandled,
        details: None,
    })
}

/// An end of the recording that is a failure.
struct Fault<'a> {
    kind: &'static str,
    message: &'a str,
}

impl<'a> Fault<'a> {
    fn of(reason: &'a Reason) -> Option<Self> {
        match reason {
            Reason::End(Ending::Trapped(message)) => Some(Fault {
                kind: "trap",
                message,
            }),
            Reason::End(Ending::HostError(message)) => Some(Fault {
                kind: "host error",
                message,
            }),
            _ => None,
        }
    }
}

/// A motion through billions of instructions takes a while: editors show for how long already,
/// with a button.
fn while_telling(reporter: &Reporter, work: impl FnOnce()) {
    let begun = Instant::now();
    // Dropped when the work is over, whichever way.
    let (working, ends) = channel::<()>();
    std::thread::scope(move |scope| {
        let telling = std::thread::Builder::new().name("dap-progress".into());
        // Without a thread it is only that nothing is told.
        _ = telling.spawn_scoped(scope, move || {
            while ends.recv_timeout(BETWEEN_TOLD) == Err(RecvTimeoutError::Timeout) {
                let seconds = begun.elapsed().as_secs();
                reporter.goes_on(seconds);
            }
        });
        work();
        drop(working);
    });
}

/// Tells a client that did not ask for it that the program moves.
pub(super) fn continued(thread: ThreadId) -> Event {
    Event::Continued(ContinuedEventBody {
        thread_id: thread.0,
        all_threads_continued: Some(true),
    })
}

impl Session {
    /// Which thread the next motion is of. Where there is one only, clients may say what they like.
    fn choose(&mut self, arguments: &MotionArguments) {
        let is_alone = arguments.single_thread == Some(true);
        let has_several = self.debuggee().is_ok_and(|debuggee| {
            let stacks = debuggee.stacks();
            !debuggee.threads().is_empty() || stacks.is_ok_and(|stacks| !stacks.is_empty())
        });
        self.chosen = arguments
            .thread_id
            .filter(|_| has_several)
            .map(|thread| (ThreadId(thread), is_alone));
    }

    /// The thread that the debuggee moves and shows.
    pub(super) fn thread(&mut self) -> ThreadId {
        self.debuggee()
            .map_or(ThreadId::ONLY, |debuggee| debuggee.thread())
    }

    /// Sends the debuggee through some motions, each from where the one before
    /// ended; the last one says why it stopped.
    pub(super) fn travel(&mut self, motions: Vec<Motion>) {
        let is_first = matches!(self.state, State::Configuring(_));
        let mut debuggee = match std::mem::replace(&mut self.state, State::Ready) {
            State::Configuring(debuggee) | State::Stopped(debuggee) => debuggee,
            other => {
                self.state = other;
                return;
            }
        };
        self.give_up_waiting();
        let interrupt = Interrupt::new();
        self.state = State::Moving(Moving {
            motions: motions.clone(),
            interrupt: interrupt.clone(),
            request: self.current,
            pausing: false,
            waiting: Vec::new(),
        });
        let id = self.current.to_string();
        let reporter = self.reporter("Travelling", &id, None);
        let patience = match self.client.waits_for_output {
            true => self.patience.max(printed::LONG_PATIENCE),
            false => self.patience,
        };
        let shown = self.printed;
        let is_awaited = self.client.waits_for_output;
        let chosen = self.chosen.take();
        self.work(move || {
            if is_awaited {
                // Begins to find out now, so that it is known when the motion is over.
                _ = debuggee.printed(0..1, Duration::ZERO);
            }
            let mut outcome = Err(DebuggeeError::other("there is nowhere to go"));
            while_telling(&reporter, || {
                if let Some((thread, is_alone)) = chosen
                    && let Err(error) = debuggee.select(thread, is_alone, &reporter, &interrupt)
                {
                    outcome = Err(error);
                    return;
                }
                for motion in &motions {
                    outcome = debuggee.travel(motion, &reporter, &interrupt);
                    let is_made = |stop: &Stop| stop.reason != Reason::Paused;
                    if !outcome.as_ref().is_ok_and(is_made) {
                        break;
                    }
                }
                // Where a session was to begin may be of another recording: it begins, and says so.
                if is_first && matches!(outcome, Err(DebuggeeError::Other(_))) {
                    _ = debuggee.travel(&Motion::Entry, &reporter, &interrupt);
                }
            });
            drop(reporter);
            let printed = printed::after_motion(debuggee.as_mut(), shown, patience);
            Input::Moved(debuggee, Moved { outcome, printed })
        });
    }

    /// The worker is back.
    pub(super) fn moved(&mut self, debuggee: Box<dyn Debuggee>, moved: Moved) {
        let outcome = moved.outcome;
        let moving = match std::mem::replace(&mut self.state, State::Stopped(debuggee)) {
            State::Moving(moving) => moving,
            // Terminated meanwhile.
            other => {
                self.state = other;
                return;
            }
        };
        let let_in = !moving.waiting.is_empty();
        for request in &moving.waiting {
            self.request(request);
        }
        if let_in && !moving.pausing && outcome == Err(DebuggeeError::Interrupted) {
            self.current = moving.request;
            self.travel(moving.motions);
            return;
        }
        self.values.next_stop();
        self.locations.next_stop();
        self.targets.next_stop();
        self.show_printed(moved.printed);
        self.tell_placed();
        self.tell_time();
        let is_jump = moving.motions.last().is_some_and(is_jump);
        let stopped = self.stopped(moving.motions.last(), outcome);
        let is_write = |motion: &Motion| {
            matches!(
                motion,
                Motion::LastChange(_)
                    | Motion::NextChange(_)
                    | Motion::LastWrite(_)
                    | Motion::NextWrite(_)
            )
        };
        if let Some(text) = &stopped.text
            && moving.motions.last().is_some_and(is_write)
            && !self.client.waits_for_output
        {
            // Not every client shows the text of a stop; the prompt does.
            say(&self.outbox, OutputEventCategory::Console, text);
        }
        self.outbox.event(&Event::Stopped(stopped));
        if is_jump && self.client.supports_invalidated_event {
            self.outbox.event(&invalidated(vec![InvalidatedAreas::All]));
        }
        self.tell_growth();
        self.arrived();
    }

    /// The thread is named after the moment.
    pub(super) fn tell_time(&mut self) {
        let Ok(debuggee) = self.debuggee() else {
            return;
        };
        let here = debuggee.here();
        let (event, position) = (here.event, here.position);
        let history = debuggee.history();
        let request = debuggee.request_here();
        let whose = match request {
            None => "main".to_owned(),
            Some(request) if request.method.is_none() && request.target.is_none() => {
                format!("request {}", request.number)
            }
            Some(request) => format!("request {}: {}", request.number, request.title()),
        };
        self.thread_name = format!("{whose}, {}", history.moment(event, position));
        if let Some(damage) = history.damage
            && !std::mem::replace(&mut self.has_told_damage, true)
        {
            let known = grouped(history.events);
            self.complain(&format!("{damage}; {known} hostcalls come before that"));
        }
    }

    fn stopped(
        &mut self,
        motion: Option<&Motion>,
        outcome: Result<Stop, DebuggeeError>,
    ) -> StoppedEventBody {
        let mut explanation = None;
        let (name, told) = match outcome {
            Ok(stop) => {
                let mut name = self.named(motion, &stop);
                if let Some(what) = self.stops_at_throw(&stop) {
                    name.reason = StoppedEventReason::Exception;
                    name.description = Some(format!("Paused on {what}"));
                }
                let told = match self.debuggee() {
                    Ok(debuggee) => debuggee.describe_stop(),
                    Err(_) => StopText::default(),
                };
                if Fault::of(&stop.reason).is_some() {
                    explanation = self.explanation();
                }
                (name, told)
            }
            Err(DebuggeeError::Interrupted) => (StopName::paused(None), StopText::default()),
            Err(error) => {
                let message = error.to_string();
                // The prompt shows the text of the stop.
                if !self.client.waits_for_output {
                    self.complain(&message);
                }
                (StopName::paused(Some(message)), StopText::default())
            }
        };
        let description = told.description.or(name.description);
        let text = told.text.or(name.text);
        // Where there is more to say, not every client shows the description beside it.
        let text = match told.others.is_some() {
            true => text.or_else(|| description.clone()),
            false => text,
        };
        let words: Vec<String> = [text, explanation, told.others]
            .into_iter()
            .flatten()
            .collect();
        StoppedEventBody {
            reason: name.reason,
            description,
            thread_id: Some(self.thread().0),
            preserve_focus_hint: None,
            text: (!words.is_empty()).then(|| words.join("; ")),
            all_threads_stopped: Some(true),
            hit_breakpoint_ids: name.hit,
        }
    }

    /// What is thrown where a filter for that has stopped the program: others do not stop
    /// where something is.
    fn stops_at_throw(&mut self, stop: &Stop) -> Option<&'static str> {
        let Reason::Breakpoints(ids) = &stop.reason else {
            return None;
        };
        let is_filter = |id: &BreakpointId| {
            matches!(self.breakpoint_kinds.get(id), Some(BreakpointKind::Filter))
        };
        if !ids.iter().any(is_filter) {
            return None;
        }
        Some(match self.debuggee().ok()?.thrown()? {
            Thrown::Panic(_) => "panic",
            Thrown::New { .. } | Thrown::Again => "exception",
        })
    }

    fn named(&self, motion: Option<&Motion>, stop: &Stop) -> StopName {
        match &stop.reason {
            Reason::Breakpoints(ids) => StopName {
                reason: match is_in_hostcall(stop) {
                    true => in_hostcall(),
                    false => self.breakpoint_reason(ids),
                },
                description: None,
                text: None,
                hit: Some(ids.iter().map(|id| id.0.into()).collect()),
            },
            Reason::Start => StopName::custom("start", "Start of the recording".into()),
            Reason::End(ending) => match Fault::of(&stop.reason) {
                Some(fault) => StopName {
                    reason: StoppedEventReason::Exception,
                    description: Some(format!("Paused on {}", fault.kind)),
                    text: Some(fault.message.to_owned()),
                    hit: None,
                },
                None => StopName::custom("end", end_description(ending)),
            },
            Reason::Paused => StopName::paused(None),
            Reason::Arrived => StopName {
                reason: match arrival(motion) {
                    StoppedEventReason::Step
                        if is_in_hostcall(stop)
                            && !matches!(motion, Some(Motion::Instruction(..))) =>
                    {
                        in_hostcall()
                    }
                    reason => reason,
                },
                description: None,
                text: None,
                hit: None,
            },
        }
    }

    /// Named after the first breakpoint's kind; a filter has no reason of its
    /// own that clients would know.
    fn breakpoint_reason(&self, ids: &[BreakpointId]) -> StoppedEventReason {
        match ids.first().and_then(|id| self.breakpoint_kinds.get(id)) {
            Some(BreakpointKind::Function) => StoppedEventReason::FunctionBreakpoint,
            Some(BreakpointKind::Instruction) => StoppedEventReason::InstructionBreakpoint,
            Some(BreakpointKind::Data) => StoppedEventReason::DataBreakpoint,
            Some(BreakpointKind::Source | BreakpointKind::Filter) | None => {
                StoppedEventReason::Breakpoint
            }
        }
    }
}

/// A stop in the session's own words; the debuggee may have better ones.
struct StopName {
    reason: StoppedEventReason,
    description: Option<String>,
    text: Option<String>,
    hit: Option<Vec<i64>>,
}

impl StopName {
    fn paused(text: Option<String>) -> Self {
        Self {
            reason: StoppedEventReason::Pause,
            description: None,
            text,
            hit: None,
        }
    }

    fn custom(reason: &str, description: String) -> Self {
        Self {
            reason: StoppedEventReason::String(reason.to_owned()),
            description: Some(description),
            text: None,
            hit: None,
        }
    }
}

/// What a client shows of these does not hold any more.
pub(super) fn invalidated(areas: Vec<InvalidatedAreas>) -> Event {
    Event::Invalidated(InvalidatedEventBody {
        areas: Some(areas),
        thread_id: None,
        stack_frame_id: None,
    })
}

/// Whether a motion leaves everything behind, so that no view of a client holds.
fn is_jump(motion: &Motion) -> bool {
    matches!(arrival(Some(motion)), StoppedEventReason::Goto)
}

/// Whether it is a call out that has stopped the program, or its answer.
fn is_in_hostcall(stop: &Stop) -> bool {
    matches!(stop.position.phase, Phase::Calling | Phase::Answered)
}

/// The reason of a stop in a hostcall. Clients show the innermost frame, a shim's or the C
/// library's, after a step or at a breakpoint; for any other reason they show the nearest one
/// of the person's own.
fn in_hostcall() -> StoppedEventReason {
    StoppedEventReason::String("hostcall".to_owned())
}

fn arrival(motion: Option<&Motion>) -> StoppedEventReason {
    match motion {
        Some(Motion::Entry | Motion::Start) => StoppedEventReason::Entry,
        Some(
            Motion::End
            | Motion::Event(_)
            | Motion::Answered(_)
            | Motion::Entered(_)
            | Motion::Tick(_)
            | Motion::Fraction(_)
            | Motion::Position(_)
            | Motion::LastChange(_)
            | Motion::NextChange(_)
            | Motion::LastWrite(_)
            | Motion::NextWrite(_)
            | Motion::Mark(_),
        ) => StoppedEventReason::Goto,
        Some(
            Motion::Line(..)
            | Motion::Instruction(..)
            | Motion::OutOf { .. }
            | Motion::Hostcall(..)
            | Motion::IntoCall { .. }
            | Motion::OverHostcall(..),
        ) => StoppedEventReason::Step,
        Some(Motion::Continue(_)) | None => StoppedEventReason::Pause,
    }
}

fn end_description(ending: &Ending) -> String {
    let how = match ending {
        Ending::SoFar => {
            return "End of what is recorded so far: the run goes on".to_owned();
        }
        Ending::Returned => "the program returned",
        Ending::Exited(status) => {
            return format!("End of the recording: the program exited with status {status}");
        }
        // Named as faults; here for the day someone looks at one differently.
        Ending::Trapped(message) | Ending::HostError(message) => message,
        Ending::Interrupted => "the run was stopped",
        Ending::CutOff => "it was cut off here: the run was ended, or went on unrecorded",
    };
    format!("End of the recording: {how}")
}
