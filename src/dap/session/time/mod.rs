//! `rr/…`: time, for editor plugins. `docs/custom-requests.md` is their contract.

mod overview;
mod past;

use super::asking::ask;
use super::{Handled, Reply, Session, Then};
use crate::component::NamePattern;
use crate::dap::protocol::newer::Way;
use crate::dap::protocol::{Refusal, Request};
use crate::debuggee::{History, Mark, Travels};
use crate::inspect::hostcall::listing::{Row, RowAnswer};
use crate::replay::{Phase, Position, Tick};
use crate::timeline::travel::motion::{Direction, Fraction, HostcallFilter, Motion, Step};
use serde::{Deserialize, Serialize};

pub(super) use overview::timeline;
pub(super) use past::{output, resources};

/// A moment, as clients are told it.
#[derive(Debug, Serialize)]
struct Moment {
    event: u64,
    position: String,
    tick: u64,
    percent: f64,
}

impl Moment {
    fn new(history: &History, event: u64, position: Position) -> Moment {
        let percent = history.percent(event, position);
        Moment {
            event,
            position: position.to_string(),
            tick: position.tick.0,
            percent: (percent * 100.0).round() / 100.0,
        }
    }

    fn here(debuggee: &dyn Travels, history: &History) -> Moment {
        let here = debuggee.here();
        Moment::new(history, here.event, here.position)
    }
}

#[derive(Debug, Serialize)]
struct When {
    moment: Moment,
    events: u64,
    text: String,
    phase: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostcall: Option<String>,
}

pub(super) fn when(session: &mut Session, request: &Request) -> Handled {
    let debuggee = session.debuggee()?;
    let history = debuggee.history();
    let here = debuggee.here().clone();
    let when = When {
        moment: Moment::here(debuggee, &history),
        events: history.events,
        text: history.moment(here.event, here.position),
        phase: match here.position.phase {
            Phase::Before => "before",
            Phase::Calling => "calling",
            Phase::Answered => "answered",
            Phase::End => "end",
        },
        hostcall: debuggee.calling(),
    };
    Reply::body(request, &when)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Seek {
    to: Option<Place>,
    event: Option<u64>,
    tick: Option<u64>,
    percent: Option<f64>,
    position: Option<String>,
    mark: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Place {
    Start,
    Entry,
    End,
}

pub(super) fn seek(session: &mut Session, request: &Request) -> Handled {
    let wanted: Seek = request.arguments()?;
    let debuggee = session.debuggee()?;
    let motion = match wanted {
        Seek {
            to: Some(place), ..
        } => match place {
            Place::Start => Motion::Start,
            Place::Entry => Motion::Entry,
            Place::End => Motion::End,
        },
        Seek {
            event: Some(event), ..
        } => {
            let events = debuggee.history().events;
            if event >= events {
                let message = format!("there is no event {event}; there are {events}");
                return Err(Refusal::because(message));
            }
            Motion::Event(event)
        }
        Seek {
            tick: Some(tick), ..
        } => Motion::Tick(Tick(tick)),
        Seek {
            percent: Some(percent),
            ..
        } => {
            let part = Fraction::percent(percent);
            let outside = || Refusal::because(format!("{percent} is not between 0 and 100"));
            Motion::Fraction(part.ok_or_else(outside)?)
        }
        Seek {
            position: Some(text),
            ..
        } => {
            let position = text.parse::<Position>();
            Motion::Position(position.map_err(|error| Refusal::because(error.to_string()))?)
        }
        Seek {
            mark: Some(name), ..
        } => Motion::Mark(name),
        _ => {
            return Err(Refusal::because(
                "`rr/seek` needs one of `to`, `event`, `tick`, `percent`, `position`, `mark`",
            ));
        }
    };
    Ok(Reply::then(Then::TravelUnasked(vec![motion])))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StepWanted {
    direction: Way,
    unit: Unit,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    failed: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Unit {
    Line,
    Instruction,
    Hostcall,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Into,
    #[default]
    Over,
    Out,
}

pub(super) fn step(_: &mut Session, request: &Request) -> Handled {
    let wanted: StepWanted = request.arguments()?;
    let direction = match wanted.direction {
        Way::Forward => Direction::Forward,
        Way::Backward => Direction::Backward,
    };
    let step = match wanted.kind {
        Kind::Into => Step::Into,
        Kind::Over => Step::Over,
        Kind::Out => Step::Out,
    };
    let filter = HostcallFilter {
        path: wanted.filter,
        failed: wanted.failed,
    };
    let motion = match (wanted.unit, wanted.kind) {
        (Unit::Line, _) => Motion::Line(direction, step),
        (Unit::Instruction, _) => Motion::Instruction(direction, step),
        (Unit::Hostcall, Kind::Over) if filter == HostcallFilter::ANY => {
            Motion::OverHostcall(direction)
        }
        (Unit::Hostcall, _) => Motion::Hostcall(direction, filter),
    };
    Ok(Reply::then(Then::TravelUnasked(vec![motion])))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct MarkShown {
    name: String,
    moment: Moment,
}

impl MarkShown {
    fn new(history: &History, mark: Mark) -> MarkShown {
        MarkShown {
            moment: Moment::new(history, mark.event, mark.position),
            name: mark.name,
        }
    }
}

pub(super) fn mark(session: &mut Session, request: &Request) -> Handled {
    let wanted: Named = request.arguments()?;
    let debuggee = session.debuggee()?;
    let name = wanted.name.as_deref().filter(|name| !name.is_empty());
    let mark = debuggee.mark(name);
    let shown = MarkShown::new(&debuggee.history(), mark);
    Reply::body(request, &shown)
}

pub(super) fn unmark(session: &mut Session, request: &Request) -> Handled {
    let wanted: Named = request.arguments()?;
    let name = wanted.name.unwrap_or_default();
    match session.debuggee()?.unmark(&name) {
        true => Ok(Reply::DONE),
        false => Err(Refusal::because(format!("there is no mark `{name}`"))),
    }
}

#[derive(Debug, Serialize)]
struct Marks {
    marks: Vec<MarkShown>,
}

pub(super) fn marks(session: &mut Session, request: &Request) -> Handled {
    let debuggee = session.debuggee()?;
    let history = debuggee.history();
    let marks = debuggee.marks().into_iter();
    let marks = marks.map(|mark| MarkShown::new(&history, mark)).collect();
    Reply::body(request, &Marks { marks })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct HostcallsWanted {
    filter: String,
    failed: bool,
    from: u64,
    count: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Hostcalls {
    total: usize,
    hostcalls: Vec<HostcallShown>,
}

#[derive(Debug, Serialize)]
struct HostcallShown {
    event: u64,
    name: String,
    interface: String,
    function: String,
    arguments: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    failed: bool,
    depth: usize,
}

impl From<&Row> for HostcallShown {
    fn from(row: &Row) -> Self {
        let function = row.name.rsplit(['#', ' ']).next().unwrap_or(&row.name);
        HostcallShown {
            event: row.event,
            name: row.name.to_string(),
            interface: row.interface().to_owned(),
            function: function.to_owned(),
            arguments: row.arguments.to_string(),
            result: match &row.answer {
                RowAnswer::Returned { result, .. } => result.as_ref().map(|r| r.to_string()),
                RowAnswer::Missing | RowAnswer::Late => None,
            },
            failed: row.has_failed(),
            depth: row.depth,
        }
    }
}

/// How many hostcalls come where nobody says how many.
const SOME_HOSTCALLS: usize = 200;
/// And how many at most.
const MOST_HOSTCALLS: usize = 10_000;

pub(super) fn hostcalls(_: &mut Session, request: &Request) -> Handled {
    let wanted: HostcallsWanted = request.arguments()?;
    ask(
        |debuggee, output, interrupt| debuggee.hostcalls(output, interrupt),
        move |_, request, listing| {
            let path = NamePattern::from(wanted.filter.as_str());
            let count = wanted.count.unwrap_or(SOME_HOSTCALLS).min(MOST_HOSTCALLS);
            let fitting = || listing.matching(&path, wanted.failed);
            let page = fitting().filter(|row| row.event >= wanted.from).take(count);
            let found = Hostcalls {
                total: fitting().count(),
                hostcalls: page.map(HostcallShown::from).collect(),
            };
            Reply::body(request, &found)
        },
    )
}
