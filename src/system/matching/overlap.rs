//! Messages of a conversation whose both ends are known: pieces of bytes may be cut at other
//! places at either end.

use super::{Everybody, Party, timed_place};
use crate::system::conversation::{Direction, EndKind, Head, Piece, Way};
use crate::system::message::{EndId, Evidence, Message, Site, Took, What};

/// What went both ways. The left end is who began.
pub(super) fn messages_between(
    all: &Everybody<'_>,
    left: EndId,
    right: EndId,
    evidence: Evidence,
    into: &mut Vec<Message>,
) {
    let (Some(left), Some(right)) = (all.party(left), all.party(right)) else {
        return;
    };
    let what = match left.end.kind {
        EndKind::HttpClient => What::Body,
        _ => What::Bytes,
    };
    for (from, to, head) in [(left, right, What::Request), (right, left, What::Response)] {
        let link = Link {
            all,
            from,
            to,
            evidence,
        };
        link.heads(head, into);
        link.bytes(what, into);
    }
}

/// One way of a conversation.
struct Link<'a> {
    all: &'a Everybody<'a>,
    from: Party<'a>,
    to: Party<'a>,
    evidence: Evidence,
}

impl Link<'_> {
    fn heads(&self, what: What, into: &mut Vec<Message>) {
        let heads = (&self.from.end.sent.head, &self.to.end.received.head);
        if let (Some(from), Some(to)) = heads {
            let from = head_site(self.from.id, Way::Sent, from);
            let to = head_site(self.to.id, Way::Received, to);
            into.push(message(self.all, from, to, what, (0, 0), self.evidence));
        }
    }

    fn bytes(&self, what: What, into: &mut Vec<Message>) {
        let (sent, received) = (&self.from.end.sent, &self.to.end.received);
        let (mut here, mut there) = (0, 0);
        while let (Some(from), Some(to)) = (sent.pieces.get(here), received.pieces.get(there)) {
            let start = from.offset.max(to.offset);
            let (from_end, to_end) = (end_of(from), end_of(to));
            let end = from_end.min(to_end);
            if start < end {
                let from = piece_site(self.from.id, Way::Sent, here, from);
                let to = piece_site(self.to.id, Way::Received, there, to);
                let part = (start, end - start);
                into.push(message(self.all, from, to, what, part, self.evidence));
            }
            here += usize::from(from_end <= to_end);
            there += usize::from(to_end <= from_end);
        }
    }
}

fn end_of(piece: &Piece) -> u64 {
    piece.offset.saturating_add(piece.length)
}

pub(super) fn message(
    all: &Everybody<'_>,
    from: Site,
    to: Site,
    what: What,
    (offset, length): (u64, u64),
    evidence: Evidence,
) -> Message {
    let sent = all.nanos_at(from.end.node, from.place);
    let received = sent.and_then(|_| all.nanos_at(to.end.node, timed_place(to.place, to.event)));
    let nanos = sent
        .zip(received)
        .and_then(|(sent, at)| at.checked_sub(sent));
    Message {
        from,
        to,
        what,
        offset,
        length,
        evidence,
        took: nanos.map(|nanos| Took { nanos }),
    }
}

fn head_site(end: EndId, way: Way, head: &Head) -> Site {
    Site {
        end,
        way,
        piece: None,
        place: head.place,
        event: head.event,
    }
}

pub(super) fn piece_site(end: EndId, way: Way, at: usize, piece: &Piece) -> Site {
    Site {
        end,
        way,
        piece: u32::try_from(at).ok(),
        place: piece.place,
        event: piece.event,
    }
}

/// The datagrams of a direction whose bytes are all known.
pub(super) fn whole_pieces(direction: &Direction) -> impl Iterator<Item = (usize, &Piece, &[u8])> {
    let pieces = direction.pieces.iter().enumerate();
    pieces.filter_map(|(at, piece)| {
        let bytes = direction.bytes_of(piece);
        (bytes.len() as u64 == piece.length).then_some((at, piece, bytes))
    })
}
