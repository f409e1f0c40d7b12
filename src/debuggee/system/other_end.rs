//! The other end of a message as values of the frame that sends or receives it.

use super::story::Found;
use super::{System, tags};
use crate::debuggee::recording::hostcalls::line_of;
use crate::debuggee::{
    Children, DebuggeeError, FrameId, Page, Scope, ScopeHint, SourcePoint, SourceRef, ValueKind,
    ValuesRef, VariableView, Window,
};
use crate::system::conversation::Way;
use crate::system::message::{EndId, Message, NodeId};
use crate::system::words;

/// What values of the system itself are asked for with begins so; those of nodes with their
/// numbers.
const OWN: &str = "system/";
/// So many messages are told of in a stop's text.
const TOLD: usize = 2;
/// Most messages of one frame.
const MOST: usize = 1000;

type Result<T> = std::result::Result<T, DebuggeeError>;

/// What a frame says or is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    /// The hostcall of this number.
    Call(NodeId, u64),
    /// The request of this number, with its answer.
    Request(NodeId, u64),
}

impl Spoken {
    fn values(self) -> ValuesRef {
        ValuesRef(match self {
            Spoken::Call(node, event) => format!("{OWN}{}/call/{event}", node.0),
            Spoken::Request(node, number) => format!("{OWN}{}/request/{number}", node.0),
        })
    }

    /// What is asked for, and which of its messages unfolds.
    fn parse(values: &ValuesRef) -> Option<(Spoken, Option<usize>)> {
        let mut parts = values.0.strip_prefix(OWN)?.split('/');
        let node = NodeId(parts.next()?.parse().ok()?);
        let kind = parts.next()?;
        let number = parts.next()?.parse().ok()?;
        let spoken = match kind {
            "call" => Spoken::Call(node, number),
            "request" => Spoken::Request(node, number),
            _ => return None,
        };
        let at = parts.next().map(str::parse).transpose().ok()?;
        Some((spoken, at))
    }
}

impl System {
    /// The scope of what a frame says to other nodes, or is told by them.
    pub(super) fn message_scope(
        &mut self,
        node: NodeId,
        frame: FrameId,
        own: &[Scope],
    ) -> Option<Scope> {
        let found = self.story.known()?;
        let spoken = match own.iter().any(|scope| scope.name == "Request") {
            true => Spoken::Request(node, self.node(node).ok()?.request_here()?.number),
            false => {
                let place = self.member(node).ok()?.place;
                let innermost = Window {
                    start: 0,
                    levels: Some(1),
                };
                let frames = self.node(node).ok()?.frames(innermost).ok()?;
                let is_innermost = frames.frames.first().is_some_and(|of| of.id == frame);
                (place.in_call && is_innermost).then_some(Spoken::Call(node, place.events))?
            }
        };
        let rows = found.spoken(spoken).len();
        (rows > 0).then(|| Scope {
            name: "Messages".to_owned(),
            hint: ScopeHint::None,
            children: Children {
                values: spoken.values(),
                named: Some(rows as u64),
                indexed: None,
            },
            expensive: false,
        })
    }

    /// Where it goes that is sent where the present node stands, or where it came from.
    pub(super) fn told_of_messages(&self) -> Option<String> {
        let place = super::travels::place_of(&self.stop);
        let found = self.story.known().filter(|_| place.in_call)?;
        let rows = found.spoken(Spoken::Call(self.present, place.events));
        let mut told: Vec<String> = rows
            .iter()
            .filter_map(|row| match row {
                Row::Message(message, Way::Sent) => {
                    Some(format!("sent to {}", found.site_told(&message.to)))
                }
                Row::Message(message, Way::Received) => {
                    Some(format!("received from {}", found.site_told(&message.from)))
                }
                Row::Unknown(_) => None,
            })
            .collect();
        told.dedup();
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        if more > 0 {
            told.push(format!("{more} more"));
        }
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// The values of the system itself, if it is those that are asked for.
    pub(super) fn own_variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
    ) -> Option<Result<Vec<VariableView>>> {
        let (spoken, at) = Spoken::parse(of)?;
        let gone = || DebuggeeError::other("these values are not there any more");
        let Some(found) = self.story.known() else {
            return Some(Err(gone()));
        };
        let rows = found.spoken(spoken);
        let views: Vec<VariableView> = match at {
            None => {
                let rows = rows.iter().enumerate();
                rows.map(|(at, row)| found.row(spoken, at, row)).collect()
            }
            Some(at) => match rows.get(at) {
                Some(row) => found.details(row),
                None => return Some(Err(gone())),
            },
        };
        let views = views.into_iter().skip(page.start);
        Some(Ok(views.take(page.count.unwrap_or(usize::MAX)).collect()))
    }
}

/// One line of what a frame says or is told.
enum Row<'a> {
    Message(&'a Message, Way),
    /// A conversation whose other end is not known.
    Unknown(EndId),
}

impl Found {
    /// All that a frame says and is told.
    fn spoken(&self, spoken: Spoken) -> Vec<Row<'_>> {
        let matches = self.matches();
        match spoken {
            Spoken::Call(node, event) => {
                let sent = matches.sent_at(node, event);
                let sent = sent.map(|message| Row::Message(message, Way::Sent));
                let received = matches.received_at(node, event);
                let received = received.map(|message| Row::Message(message, Way::Received));
                let known: Vec<Row<'_>> = sent.chain(received).take(MOST).collect();
                match known.is_empty() {
                    true => self.spoken_at(node, event).map(Row::Unknown).collect(),
                    false => known,
                }
            }
            Spoken::Request(node, number) => {
                let end = self.ends_of(node).find(|id| {
                    let request = self.end(*id).and_then(|end| end.request);
                    request == Some(number)
                });
                let Some(end) = end else { return Vec::new() };
                let received = matches.received_by(end);
                let received = received.map(|message| Row::Message(message, Way::Received));
                let sent = matches.sent_by(end).iter();
                let sent = sent.map(|message| Row::Message(message, Way::Sent));
                let known: Vec<Row<'_>> = received.chain(sent).take(MOST).collect();
                match known.is_empty() {
                    true => vec![Row::Unknown(end)],
                    false => known,
                }
            }
        }
    }

    fn row(&self, spoken: Spoken, at: usize, row: &Row<'_>) -> VariableView {
        let (name, value, declared) = match row {
            Row::Message(message, way) => {
                let (name, there) = match way {
                    Way::Sent => ("sent to", &message.to),
                    Way::Received => ("received from", &message.from),
                };
                let where_to = self.site_told(there);
                (
                    name.to_owned(),
                    format!("{where_to}: {}", self.said(message)),
                    there.event.map(|event| hostcall(there.end.node, event)),
                )
            }
            Row::Unknown(end) => ("other end".to_owned(), self.why_unknown(*end), None),
        };
        let children = matches!(row, Row::Message(..)).then(|| Children {
            values: ValuesRef(format!("{}/{at}", spoken.values().0)),
            named: Some(DETAILS),
            indexed: None,
        });
        VariableView {
            children,
            declared,
            ..plain(&name, value)
        }
    }

    /// What is inside a message's row.
    fn details(&self, row: &Row<'_>) -> Vec<VariableView> {
        let Row::Message(message, way) = row else {
            return Vec::new();
        };
        let there = match way {
            Way::Sent => &message.to,
            Way::Received => &message.from,
        };
        let took = message.took.map(words::took);
        let event = there.event.map(|event| hostcall(there.end.node, event));
        let told = [
            ("node", self.name(there.end.node).to_owned()),
            ("said", self.said(message)),
            ("bytes", message.length.to_string()),
            ("evidence", message.evidence.told().to_owned()),
            (
                "took",
                took.unwrap_or_else(|| "not known: one of the recordings has no times".to_owned()),
            ),
        ];
        let place = VariableView {
            declared: event,
            ..plain("event", self.site_told(there))
        };
        let told = told.into_iter().map(|(name, value)| plain(name, value));
        told.chain([place]).collect()
    }
}

/// Values inside a message's row.
const DETAILS: u64 = 6;

fn plain(name: &str, value: String) -> VariableView {
    VariableView {
        name: name.to_owned(),
        value,
        kind: ValueKind::Virtual,
        ..VariableView::default()
    }
}

/// The line of a hostcall in the list of a node's hostcalls: where editors go.
fn hostcall(node: NodeId, event: u64) -> (SourceRef, SourcePoint) {
    let (source, point) = line_of(event);
    (tags::source(node, source), point)
}
