//! Conversations as connections: one where both ends are in recordings, and what went each way.

use super::http;
use crate::system::conversation::{Direction, End, EndKind, Place, Way};
use crate::system::export::System;
use crate::system::message::{EndId, Evidence, NodeId, OtherEnd};

/// A moment of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// In the order of the system.
    pub(super) rank: u64,
    /// In nanoseconds since the Unix epoch.
    pub(super) nanos: Option<i64>,
    pub(super) node: NodeId,
    pub(super) event: Option<u64>,
    pub(super) place: Place,
}

impl Moment {
    pub(super) fn of(system: System<'_>, node: NodeId, place: Place, event: Option<u64>) -> Moment {
        // What came in between two calls is as late as the next one, as its time is.
        let ranked = match event {
            Some(_) => place,
            None => Place::in_call(place.events),
        };
        Moment {
            rank: system.rank(node, ranked),
            nanos: system.nanos(node, place, event),
            node,
            event,
            place,
        }
    }
}

/// How bytes are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Plain,
    /// A chunk of HTTP.
    Chunk,
}

/// What is said at one moment, one way.
#[derive(Debug, Clone)]
pub(super) struct Said<'a> {
    pub(super) at: Moment,
    /// What no program said in these words: a head, the last chunk.
    pub(super) text: Vec<u8>,
    pub(super) frame: Frame,
    /// What the sender's recording kept, and what only the receiver's did.
    pub(super) kept: [&'a [u8]; 2],
    /// So many bytes come then that nobody kept.
    pub(super) missing: u64,
    pub(super) remark: Option<String>,
}

impl Said<'_> {
    pub(super) fn text(at: Moment, text: Vec<u8>) -> Self {
        Said {
            at,
            text,
            frame: Frame::Plain,
            kept: [&[], &[]],
            missing: 0,
            remark: None,
        }
    }

    /// Bytes of the program's.
    pub(super) fn length(&self) -> u64 {
        let kept: usize = self.kept.iter().map(|bytes| bytes.len()).sum();
        self.missing.saturating_add(kept as u64)
    }
}

/// One side of a connection, if it is in a recording.
pub(super) type Side<'a> = Option<(EndId, &'a End)>;

/// All that goes one way.
#[derive(Debug, Default)]
pub(super) struct Flow<'a> {
    pub(super) said: Vec<Said<'a>>,
    /// Where the other side came to know of it, if that is in a recording.
    pub(super) heard: Vec<Moment>,
    /// Where it ended, if it did.
    pub(super) ended: Option<Moment>,
    /// Whether more may have gone this way.
    pub(super) unseen: bool,
    /// Whether the recording of who sends ends before the conversation does.
    pub(super) cut_short: bool,
}

impl<'a> Flow<'a> {
    /// What one side said to the other. Where the sender's recording has less than the receiver's,
    /// as it handed a stream on or was cut off, the rest is the receiver's.
    pub(super) fn between(system: System<'a>, from: Side<'a>, to: Side<'a>) -> Flow<'a> {
        let sent = from.map(|(id, end)| (id.node, end.direction(Way::Sent)));
        let received = to.map(|(id, end)| (id.node, end.direction(Way::Received)));
        let knows_more =
            |(_, to): &(NodeId, &Direction)| sent.is_none_or(|(_, from)| from.unseen && !to.unseen);
        let mut flow = Flow::default();
        let (told, rest, way) = match received.filter(knows_more) {
            Some(received) => (Some(received), None, Way::Received),
            None => (sent, received, Way::Sent),
        };
        let (Some((node, direction)), rest_of) = (told, rest.map(|(_, direction)| direction))
        else {
            return flow;
        };
        flow.take(system, node, (direction, way), rest_of, 0);
        if let Some((node, rest)) = rest
            && rest.length > direction.length
        {
            flow.take(system, node, (rest, Way::Received), None, direction.length);
        }
        if let Some((node, direction)) = received {
            let pieces = direction.pieces.iter();
            let heads = direction.head.iter().map(|head| (head.place, head.event));
            let heard = heads.chain(pieces.map(|piece| (piece.place, piece.event)));
            let heard = heard.map(|(place, event)| Moment::of(system, node, place, event));
            flow.heard = heard.collect();
        }
        let ends = [sent, received].into_iter().flatten();
        let mut ends = ends
            .filter_map(|(node, direction)| Some((node, direction.ended?)))
            .map(|(node, place)| Moment::of(system, node, place, Some(place.events)));
        flow.ended = ends.next();
        // Nobody learns of an end before it is there: no message tells the order that.
        if let (Some(ended), Some(learnt)) = (&mut flow.ended, ends.next()) {
            ended.rank = ended.rank.min(learnt.rank);
        }
        flow.unseen = direction.unseen;
        let is_cut = |node| {
            system
                .node(node)
                .is_some_and(|of| of.conversations.cut_short.is_some())
        };
        flow.cut_short = sent.or(received).is_some_and(|(node, _)| is_cut(node));
        flow
    }

    /// Takes what a direction has from an offset on.
    fn take(
        &mut self,
        system: System<'a>,
        node: NodeId,
        (direction, way): (&'a Direction, Way),
        other: Option<&'a Direction>,
        from: u64,
    ) {
        for piece in &direction.pieces {
            let end = piece.offset.saturating_add(piece.length);
            let start = piece.offset.max(from);
            if start >= end {
                continue;
            }
            let kept = part(&direction.bytes, start, end);
            let behind = start + kept.len() as u64;
            let also = other.map_or(&[][..], |other| part(&other.bytes, behind, end));
            // What was asked for by one hostcall may have come in a later one.
            let event = match (way, piece.place.in_call) {
                (Way::Received, false) => piece.event.map(|_| piece.place.events.saturating_sub(1)),
                _ => piece.event,
            };
            let mut said = Said::text(Moment::of(system, node, piece.place, event), Vec::new());
            said.kept = [kept, also];
            said.missing = end - behind - also.len() as u64;
            self.said.push(said);
        }
    }

    /// Bytes of the program's.
    pub(super) fn length(&self) -> u64 {
        let all = self.said.iter();
        all.fold(0, |sum, said| sum.saturating_add(said.length()))
    }
}

/// Some of the bytes of a direction, as far as they are kept.
fn part(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.get(place(from)..place(to)).unwrap_or_default()
}

/// A connection of TCP: HTTP has one for each request.
#[derive(Debug)]
pub(super) struct Connection<'a> {
    pub(super) client: Side<'a>,
    pub(super) server: Side<'a>,
    pub(super) evidence: Option<Evidence>,
    pub(super) is_http: bool,
    /// Where it is first known of.
    pub(super) opened: Moment,
    /// From the client to the server, and back.
    pub(super) flows: [Flow<'a>; 2],
    /// Why it came to nothing.
    pub(super) error: Option<&'a str>,
}

impl<'a> Connection<'a> {
    /// All connections, in the order of the ends that began them, or that are alone.
    pub(super) fn all(system: System<'a>) -> Vec<Connection<'a>> {
        let all = system.ends();
        all.filter_map(|(id, end)| Connection::of(system, id, end))
            .collect()
    }

    fn of(system: System<'a>, id: EndId, end: &'a End) -> Option<Connection<'a>> {
        let other = match system.matches.other_end(id) {
            OtherEnd::Known(other, evidence) => Some((*other, *evidence)),
            _ => None,
        };
        let found = other.and_then(|(id, evidence)| Some((id, system.end(id)?, evidence)));
        let here = Some((id, end));
        let there = found.map(|(id, end, _)| (id, end));
        let (client, server) = match end.kind {
            EndKind::HttpClient | EndKind::TcpConnected => (here, there),
            // One that has a client in a recording is told there.
            EndKind::HttpServer | EndKind::TcpAccepted if there.is_none() => (None, here),
            _ => return None,
        };
        let opened = Moment::of(system, id.node, end.began, Some(end.began.events));
        let mut connection = Connection {
            client,
            server,
            evidence: found.map(|(_, _, evidence)| evidence),
            is_http: matches!(end.kind, EndKind::HttpClient | EndKind::HttpServer),
            opened,
            flows: [
                Flow::between(system, client, server),
                Flow::between(system, server, client),
            ],
            error: [client, server]
                .into_iter()
                .flatten()
                .find_map(|(_, end)| end.error.as_deref()),
        };
        let is_told = !connection.is_http || http::put_into_words(system, &mut connection);
        is_told.then_some(connection)
    }
}
