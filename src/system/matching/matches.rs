//! What was found, and where to look it up.

pub use super::datagrams::Datagram;
use super::datagrams::Datagrams;
use super::overlap::messages_between;
use super::{Everybody, Found};
use crate::system::conversation::Way;
use crate::system::message::{EndId, Message, NodeId, OtherEnd, Site};
use std::collections::BTreeMap;

/// The other end of each conversation, and the messages.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    others: BTreeMap<EndId, OtherEnd>,
    /// By where they were sent.
    messages: Vec<Message>,
    /// The same by where they were received, by their places there.
    received: Vec<u32>,
    /// The same by node and hostcall that sent.
    sent_at: Vec<u32>,
    /// The same by node and hostcalls that received: the one that asked for it, and the one in
    /// which it came, where that is another.
    received_at: Vec<(Key, u32)>,
    unclear: BTreeMap<Datagram, Vec<(EndId, u32)>>,
}

impl Matches {
    /// `None` if `go_on` says so.
    pub(super) fn new(
        all: &Everybody<'_>,
        found: Found,
        datagrams: Datagrams,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Matches> {
        let mut messages = datagrams.messages;
        for ((left, right, evidence), counted) in found.pairs.iter().zip(1_u32..) {
            if counted.is_multiple_of(4096) && !go_on() {
                return None;
            }
            messages_between(all, *left, *right, *evidence, &mut messages);
        }
        messages.sort_by_key(|message| (place_of(&message.from), place_of(&message.to)));
        let mut others = found.other_ends();
        others.extend(datagrams.ends);
        let by = |key: &dyn Fn(&Message) -> Option<Key>| {
            let places = (0..u32::MAX).zip(&messages);
            let mut keys: Vec<(Key, u32)> = places
                .filter_map(|(place, message)| Some((key(message)?, place)))
                .collect();
            keys.sort_unstable();
            keys.into_iter().map(|(_, place)| place).collect()
        };
        let received = by(&|message| {
            let (end, way, piece, _) = place_of(&message.to);
            Some((
                end.node,
                u64::from(end.end),
                way as u64,
                piece,
                message.offset,
            ))
        });
        let sent_at = by(&|message| at_hostcall(&message.from, message.offset));
        let mut received_at: Vec<(Key, u32)> = Vec::with_capacity(messages.len());
        for (place, message) in (0..u32::MAX).zip(&messages) {
            let Some(asked) = at_hostcall(&message.to, message.offset) else {
                continue;
            };
            received_at.push((asked, place));
            let came = message.to.hostcall();
            if let Some(came) = came.filter(|came| *came != asked.1) {
                received_at.push(((asked.0, came, asked.2, asked.3, asked.4), place));
            }
        }
        received_at.sort_unstable();
        Some(Matches {
            others,
            received,
            sent_at,
            received_at,
            messages,
            unclear: datagrams.unclear,
        })
    }

    /// Where the other end of a conversation is.
    pub fn other_end(&self, end: EndId) -> &OtherEnd {
        self.others.get(&end).unwrap_or(&OtherEnd::Outside)
    }

    /// All messages, by where they were sent: node, conversation, way, piece.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The messages that an end sent.
    pub fn sent_by(&self, end: EndId) -> &[Message] {
        let first = self
            .messages
            .partition_point(|message| message.from.end < end);
        let rest = self.messages.get(first..).unwrap_or_default();
        let count = rest.partition_point(|message| message.from.end == end);
        rest.get(..count).unwrap_or_default()
    }

    /// The messages that an end received, in the order of its pieces.
    pub fn received_by(&self, end: EndId) -> impl Iterator<Item = &Message> {
        self.range(&self.received, move |message| message.to.end.cmp(&end))
    }

    /// The messages of an end, both ways.
    pub fn of(&self, end: EndId) -> impl Iterator<Item = &Message> {
        self.sent_by(end).iter().chain(self.received_by(end))
    }

    /// The messages that a hostcall of a node sent.
    pub fn sent_at(&self, node: NodeId, event: u64) -> impl Iterator<Item = &Message> {
        let key = (node, Some(event));
        self.range(&self.sent_at, move |message| {
            (message.from.end.node, message.from.event).cmp(&key)
        })
    }

    /// The messages that a hostcall of a node brought: what it asked for may have come in a later
    /// one, which has brought it, too.
    pub fn received_at(&self, node: NodeId, event: u64) -> impl Iterator<Item = &Message> {
        let of = |((at, hostcall, ..), _): &(Key, u32)| (*at, *hostcall);
        let first = self
            .received_at
            .partition_point(|of_key| of(of_key) < (node, event));
        let rest = self.received_at.get(first..).unwrap_or_default();
        let here = rest
            .iter()
            .take_while(move |of_key| of(of_key) == (node, event));
        here.filter_map(|(_, place)| self.messages.get(*place as usize))
    }

    /// What a datagram may be at the other end, if there are others that say the same: which
    /// pieces of whom.
    pub fn unclear(&self, end: EndId, way: Way, piece: u32) -> &[(EndId, u32)] {
        let found = self.unclear.get(&(end, way, piece));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// The messages of an index for which `compare` says that they are it.
    fn range<'a>(
        &'a self,
        index: &'a [u32],
        compare: impl Fn(&Message) -> std::cmp::Ordering,
    ) -> impl Iterator<Item = &'a Message> {
        let order = |place: &u32| {
            let message = self.messages.get(*place as usize);
            message.map_or(std::cmp::Ordering::Greater, &compare)
        };
        let first = index.partition_point(|place| order(place).is_lt());
        let rest = index.get(first..).unwrap_or_default();
        let count = rest.partition_point(|place| order(place).is_eq());
        let found = rest.get(..count).unwrap_or_default();
        found
            .iter()
            .filter_map(|place| self.messages.get(*place as usize))
    }
}

type Key = (NodeId, u64, u64, u64, u64);

fn place_of(site: &Site) -> (EndId, Way, u64, u64) {
    // Heads come before all pieces.
    let piece = site.piece.map_or(0, |piece| u64::from(piece) + 1);
    (site.end, site.way, piece, site.place.events)
}

fn at_hostcall(site: &Site, offset: u64) -> Option<Key> {
    Some((
        site.end.node,
        site.event?,
        u64::from(site.end.end),
        site.way as u64,
        offset,
    ))
}
