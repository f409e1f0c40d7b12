//! Rows of the list of messages: whose they are, where they stand, and in which words.

use super::System;
use super::messages::{MessageList, RowOf};
use super::story::Found;
use crate::debuggee::{MessageKind, MessageRow, MessageSite};
use crate::system::conversation::{Direction, End, EndKind, Place, Way};
use crate::system::message::{EndId, Message, OtherEnd, Site};
use crate::system::words;

/// What a row says, and its line, are cut off here: a recording may have any length of anything.
const LONGEST: usize = 400;

/// No more of a text than people read.
fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Where a conversation begins, as far as its own end knows.
pub(super) fn first_site(id: EndId, end: &End) -> Site {
    let site = |way: Way, direction: &Direction| {
        let head = direction
            .head
            .as_ref()
            .map(|head| (head.place, head.event, None));
        let piece = direction.pieces.first();
        let piece = piece.map(|piece| (piece.place, piece.event, Some(0)));
        let (place, event, piece) = head.or(piece)?;
        Some(Site {
            end: id,
            way,
            piece,
            place,
            event,
        })
    };
    let sent = site(Way::Sent, &end.sent);
    let received = site(Way::Received, &end.received);
    let way = match end.kind {
        EndKind::HttpClient | EndKind::TcpConnected | EndKind::StandardOutput => Way::Sent,
        EndKind::HttpServer | EndKind::TcpAccepted | EndKind::StandardInput => Way::Received,
        EndKind::Udp => match (&sent, &received) {
            (Some(sent), Some(received)) if received.place < sent.place => Way::Received,
            (None, Some(_)) => Way::Received,
            _ => Way::Sent,
        },
    };
    let found = match way {
        Way::Sent => sent,
        Way::Received => received,
    };
    found.unwrap_or(Site {
        end: id,
        way,
        piece: None,
        place: end.began,
        event: end.began.in_call.then_some(end.began.events),
    })
}

/// Makes rows of what is listed.
pub(super) struct Telling<'a> {
    pub(super) found: &'a Found,
    pub(super) list: &'a MessageList,
    /// Where the nodes stand.
    pub(super) places: &'a [Place],
}

impl Telling<'_> {
    /// The message, or the messages, that a row is about.
    fn against(&self, at: usize) -> Option<(&Message, Vec<&Message>)> {
        let (matches, order) = self.found.parts();
        let of = order.contradictions().get(at)?;
        let message = |at: &usize| matches.messages().get(*at);
        Some((
            message(&of.left_out)?,
            of.cycle.iter().filter_map(message).collect(),
        ))
    }

    /// A row in one line, for people.
    pub(super) fn line(&self, at: usize) -> String {
        let (matches, _) = self.found.parts();
        let line = self.list.row(at).and_then(|of| match of {
            RowOf::Message(at) => Some(self.found.line(matches.messages().get(at)?)),
            RowOf::Contradiction(at) => {
                let (message, cycle) = self.against(at)?;
                Some(self.found.line_against(message, &cycle))
            }
            RowOf::Alone(id) => {
                let (end, other) = (self.found.end(id)?, self.found.other(id)?);
                Some(self.found.line_alone(id, end, other))
            }
        });
        line.unwrap_or_default()
    }

    fn site(&self, site: &Site) -> MessageSite {
        let node = site.end.node;
        let at = self
            .places
            .get(node.0 as usize)
            .copied()
            .unwrap_or_default();
        MessageSite {
            thread: System::thread_of(node),
            node: self.found.name(node).to_owned(),
            event: site.event.unwrap_or(site.place.events),
            in_call: site.event.is_some(),
            part: self.found.part(self.found.rank_of(node, site.place)),
            is_past: at != Place::default() && site.place <= at,
        }
    }

    pub(super) fn row(&self, at: usize) -> Option<MessageRow> {
        let (matches, order) = self.found.parts();
        let of_message = |message: &Message, kind: MessageKind| MessageRow {
            number: at as u64 + 1,
            kind,
            sent: Some(self.site(&message.from)),
            received: Some(self.site(&message.to)),
            said: shortened(self.found.said(message)),
            line: shortened(self.line(at)),
        };
        Some(match self.list.row(at)? {
            RowOf::Message(at) => {
                let message = matches.messages().get(at)?;
                of_message(
                    message,
                    MessageKind::Message {
                        what: message.what,
                        bytes: message.length,
                        evidence: message.evidence,
                        took: message.took,
                    },
                )
            }
            RowOf::Contradiction(at) => {
                let (message, _) = self.against(at)?;
                let cycle = order.contradictions().get(at)?.cycle.iter();
                let cycle = cycle.filter_map(|of| self.list.number(*of)).collect();
                of_message(message, MessageKind::Contradiction { cycle })
            }
            RowOf::Alone(id) => {
                let (end, other) = (self.found.end(id)?, self.found.other(id)?);
                let first = first_site(id, end);
                let site = self.site(&first);
                let (sent, received) = match first.way {
                    Way::Sent => (Some(site), None),
                    Way::Received => (None, Some(site)),
                };
                MessageRow {
                    number: at as u64 + 1,
                    kind: match other {
                        OtherEnd::Ambiguous(candidates) => MessageKind::Ambiguous {
                            candidates: self.found.names_of(candidates),
                        },
                        _ => MessageKind::Outside,
                    },
                    sent,
                    received,
                    said: shortened(words::end(end)),
                    line: shortened(self.line(at)),
                }
            }
        })
    }
}
