//! `rr/…`: time, for editor plugins. `docs/custom-requests.md` is their contract.

mod overview;
mod past;
mod requests;

use super::asking::ask;
use super::stack::frame_in;
use super::system::{of_thread, unasked};
use super::{Handled, Reply, Session, Then};
use crate::component::NamePattern;
use crate::dap::protocol::Refusal;
use crate::dap::protocol::command::Unread;
use crate::dap::protocol::custom::{
    HostcallsArguments, HostcallsResponse, MarkArguments, MarksResponse, SeekArguments, SeekPlace,
    StepArguments, StepKind, StepUnit, ToldArrival, ToldHostcall, ToldMark, ToldMoment, ToldOfCall,
    Way, WhenResponse,
};
use crate::debuggee::{
    Debuggee, DebuggeeError, FrameId, History, Mark, Output, Travels, WhichRequest, motion_in,
};
use crate::inspect::hostcall::arrivals::Brought;
use crate::inspect::hostcall::listing::{Meant, Row, RowAnswer};
use crate::replay::{Phase, Position, Tick};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Fraction, HostcallFilter, Motion, Step};
use crate::trace::WallTime;
use std::path::Path;
use std::time::Duration;

pub(super) use overview::timeline;
pub(super) use past::{output, resources, tasks};
pub(super) use requests::requests;

impl ToldMoment {
    pub(in crate::dap::session) fn new(
        history: &History,
        event: u64,
        position: Position,
    ) -> ToldMoment {
        let percent = history.percent(event, position);
        ToldMoment {
            event,
            position: position.to_string(),
            tick: position.tick.0,
            percent: (percent * 100.0).round() / 100.0,
        }
    }

    fn here(debuggee: &dyn Travels, history: &History) -> ToldMoment {
        let here = debuggee.here();
        ToldMoment::new(history, here.event, here.position)
    }
}

pub(super) fn when(session: &mut Session, _: Unread) -> Handled<WhenResponse> {
    let debuggee = session.debuggee()?;
    let history = debuggee.history();
    let here = debuggee.here().clone();
    let time = debuggee.time();
    let thread = debuggee.thread();
    let nodes = debuggee.threads();
    let node = nodes.into_iter().find(|node| node.id == thread);
    Reply::now(WhenResponse {
        thread_id: node.as_ref().map(|node| node.id.0),
        node: node.map(|node| node.name),
        moment: ToldMoment::here(debuggee, &history),
        events: history.events,
        text: history.moment(here.event, here.position),
        phase: match here.position.phase {
            Phase::Before => "before",
            Phase::Calling => "calling",
            Phase::Answered => "answered",
            Phase::End => "end",
        },
        hostcall: debuggee.calling(),
        recording: debuggee.recording().map(Path::to_owned),
        time: time.and_then(|time| time.wall).map(WallTime::rfc3339),
        elapsed_ns: time.map(|time| nanoseconds(time.elapsed)),
    })
}

pub(super) fn seek(session: &mut Session, wanted: SeekArguments) -> Handled<()> {
    let thread = session.thread_in(wanted.thread_id)?;
    unasked(move |debuggee, output, interrupt| {
        let is_alone = thread.is_some();
        of_thread(debuggee, thread, is_alone, output, interrupt, |debuggee| {
            sought(debuggee, &wanted, output, interrupt)
        })
    })
}

/// The motion that `rr/seek` asks for.
fn sought(
    debuggee: &mut dyn Debuggee,
    wanted: &SeekArguments,
    output: &dyn Output,
    interrupt: &Interrupt,
) -> Result<Motion, DebuggeeError> {
    let wrong = DebuggeeError::other;
    Ok(match wanted {
        SeekArguments {
            to: Some(place), ..
        } => match place {
            SeekPlace::Start => Motion::Start,
            SeekPlace::Entry => Motion::Entry,
            SeekPlace::End => Motion::End,
        },
        SeekArguments {
            event: Some(event), ..
        } => {
            if let Some(why) = debuggee.history().without_event(*event) {
                return Err(wrong(why));
            }
            Motion::Event(*event)
        }
        SeekArguments {
            tick: Some(tick), ..
        } => Motion::Tick(Tick(*tick)),
        SeekArguments {
            percent: Some(percent),
            ..
        } => {
            let part = Fraction::percent(*percent);
            let outside = || wrong(format!("{percent} is not between 0 and 100"));
            Motion::Fraction(part.ok_or_else(outside)?)
        }
        SeekArguments {
            position: Some(text),
            ..
        } => {
            let position = text.parse::<Position>();
            Motion::Position(position.map_err(|error| wrong(error.to_string()))?)
        }
        SeekArguments {
            mark: Some(name), ..
        } => Motion::Mark(name.clone()),
        SeekArguments {
            request: Some(number),
            ..
        } => {
            let (_, motion) = debuggee.to_request(WhichRequest::Number(*number))?;
            motion
        }
        SeekArguments {
            moment: Some(text), ..
        } => {
            let (motion, _) = motion_in(debuggee, text, output, interrupt)?;
            motion
        }
        SeekArguments {
            part: Some(part),
            thread_id,
            ..
        } => {
            let outside = || wrong(format!("{part} is not between 0 and 1"));
            let of_order = Fraction::percent(part * 100.0).ok_or_else(outside)?;
            match thread_id {
                Some(_) => debuggee.to_part(of_order, interrupt)?,
                None => Motion::Fraction(of_order),
            }
        }
        _ => {
            return Err(wrong(
                "`rr/seek` needs one of `to`, `event`, `tick`, `percent`, `position`, `mark`, \
                 `request`, `moment`, `part`"
                    .to_owned(),
            ));
        }
    })
}

pub(super) fn step(session: &mut Session, wanted: StepArguments) -> Handled<()> {
    let thread = session.thread_in(wanted.thread_id)?;
    let frame = wanted.frame_id.map(frame_in).transpose()?;
    unasked(move |debuggee, output, interrupt| {
        of_thread(debuggee, thread, false, output, interrupt, |debuggee| {
            stepped(debuggee, wanted, frame, interrupt)
        })
    })
}

/// The motion that `rr/step` asks for.
fn stepped(
    debuggee: &mut dyn Debuggee,
    wanted: StepArguments,
    frame: Option<FrameId>,
    interrupt: &Interrupt,
) -> Result<Motion, DebuggeeError> {
    let direction = match wanted.direction {
        Way::Forward => Direction::Forward,
        Way::Backward => Direction::Backward,
    };
    let step = match wanted.kind {
        Some(StepKind::Into) => Step::Into,
        Some(StepKind::Over) | None => Step::Over,
        Some(StepKind::Out) => Step::Out,
    };
    let filter = HostcallFilter {
        path: wanted.filter,
        failed: wanted.failed,
        builtins: wanted.builtins,
        ..HostcallFilter::MEANT
    };
    if let (StepUnit::Line, Some(StepKind::Out), Some(frame)) = (wanted.unit, wanted.kind, frame) {
        return debuggee.out_of(frame, direction);
    }
    if let (StepUnit::Hostcall, Some(StepKind::Over), true) =
        (wanted.unit, wanted.kind, wanted.result)
    {
        return debuggee.to_result(direction, interrupt);
    }
    if let StepUnit::Request = wanted.unit {
        let failed = filter.failed;
        let which = match direction {
            Direction::Forward => WhichRequest::Next { failed },
            Direction::Backward => WhichRequest::Previous { failed },
        };
        let (_, motion) = debuggee.to_request(which)?;
        return Ok(motion);
    }
    Ok(match (wanted.unit, wanted.kind) {
        (StepUnit::Line, _) => Motion::Line(direction, step),
        (StepUnit::Instruction, _) => Motion::Instruction(direction, step),
        (StepUnit::Hostcall, Some(StepKind::Over)) if filter.path.is_empty() && !filter.failed => {
            Motion::OverHostcall(direction, filter)
        }
        (StepUnit::Hostcall | StepUnit::Request, _) => Motion::Hostcall(direction, filter),
    })
}

impl ToldMark {
    fn new(history: &History, mark: Mark) -> ToldMark {
        ToldMark {
            moment: ToldMoment::new(history, mark.event, mark.position),
            name: mark.name,
        }
    }
}

pub(super) fn mark(session: &mut Session, wanted: MarkArguments) -> Handled<ToldMark> {
    let debuggee = session.debuggee()?;
    let name = wanted.name.as_deref().filter(|name| !name.is_empty());
    let mark = debuggee.mark(name);
    Reply::now(ToldMark::new(&debuggee.history(), mark))
}

pub(super) fn unmark(session: &mut Session, wanted: MarkArguments) -> Handled<()> {
    let name = wanted.name.unwrap_or_default();
    match session.debuggee()?.unmark(&name) {
        true => Reply::then(Then::Nothing),
        false => Err(Refusal::because(format!("there is no mark `{name}`"))),
    }
}

pub(super) fn marks(session: &mut Session, _: Unread) -> Handled<MarksResponse> {
    let debuggee = session.debuggee()?;
    let history = debuggee.history();
    let marks = debuggee.marks().into_iter();
    let marks = marks.map(|mark| ToldMark::new(&history, mark)).collect();
    Reply::now(MarksResponse { marks })
}

impl From<&Brought> for ToldOfCall {
    fn from(brought: &Brought) -> Self {
        ToldOfCall {
            event: brought.event,
            name: brought.name.clone(),
            in_call: brought.in_call,
            result: brought.value.as_ref().map(|value| value.to_string()),
            text: brought.words(),
        }
    }
}

impl From<&Row> for ToldHostcall {
    fn from(row: &Row) -> Self {
        let function = row.name.rsplit(['#', ' ']).next().unwrap_or(&row.name);
        ToldHostcall {
            event: row.event,
            name: row.name.to_string(),
            interface: row.interface().to_owned(),
            function: function.to_owned(),
            arguments: row.arguments.to_string(),
            result: match &row.answer {
                RowAnswer::Returned { result, .. } => result.as_ref().map(|r| r.to_string()),
                RowAnswer::Missing(_) | RowAnswer::Late => None,
            },
            later: row.arrival.map(|arrival| ToldArrival {
                subtask: arrival.subtask,
                event: arrival.told.map(|told| told.event),
                result: row.brought.as_ref().map(|value| value.to_string()),
                text: arrival.words(row.brought.as_deref()),
            }),
            taken: match row.arrival {
                None => row.brought.as_ref().map(|value| value.to_string()),
                Some(_) => None,
            },
            told: row.told.iter().map(ToldOfCall::from).collect(),
            failed: row.has_failed(),
            builtin: row.is_plumbing,
            depth: row.depth,
            time: row.time.map(WallTime::rfc3339),
            duration_ns: row.took.map(nanoseconds),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many hostcalls come where nobody says how many.
const SOME_HOSTCALLS: usize = 200;
/// And how many at most.
const MOST_HOSTCALLS: usize = 10_000;

pub(super) fn hostcalls(_: &mut Session, wanted: HostcallsArguments) -> Handled<HostcallsResponse> {
    ask(
        move |debuggee, output, interrupt| {
            let listing = debuggee.hostcalls(output, interrupt)?;
            let count = wanted.count.unwrap_or(SOME_HOSTCALLS).min(MOST_HOSTCALLS);
            let which = Meant {
                path: NamePattern::from(wanted.filter.as_str()),
                failed: wanted.failed,
                slow: wanted.slower_than_ns.map(Duration::from_nanos),
                builtins: wanted.builtins,
            };
            let fitting = || listing.matching(&which);
            let page = fitting().filter(|event| *event >= wanted.from).take(count);
            let page: Vec<u64> = page.collect();
            let rows = debuggee.hostcall_rows(&page, output, interrupt)?;
            Ok(HostcallsResponse {
                total: fitting().count(),
                hostcalls: rows.iter().map(ToldHostcall::from).collect(),
                damage: listing.cut_short.clone(),
            })
        },
        |_, response| Reply::now(response),
    )
}
