//! Datagrams, each on its own: they may be lost, doubled, and overtake each other.

use super::agreement::{Address, compared};
use super::facts::known_ip;
use super::overlap::{message, piece_site, whole_pieces};
use super::{Everybody, MOST_CANDIDATES};
use crate::system::conversation::{EndKind, Piece, Way};
use crate::system::message::{EndId, Evidence, Message, OtherEnd, What};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

/// A datagram at one of its ends: whose, which way, and which piece.
pub type Datagram = (EndId, Way, u32);

/// What was found of datagrams.
#[derive(Default)]
pub(super) struct Datagrams {
    pub(super) messages: Vec<Message>,
    pub(super) ends: BTreeMap<EndId, OtherEnd>,
    /// Of those that have twins, what they may be at the other end.
    pub(super) unclear: BTreeMap<Datagram, Vec<(EndId, u32)>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    key: u64,
    end: EndId,
    at: usize,
    piece: &'a Piece,
    bytes: &'a [u8],
    from: Option<SocketAddr>,
    to: Option<SocketAddr>,
}

/// `None` if `go_on` says so.
pub(super) fn match_datagrams(all: &Everybody<'_>, go_on: &dyn Fn() -> bool) -> Option<Datagrams> {
    let found = matched(all, BTreeMap::new(), go_on)?;
    let learnt = found.learnt();
    match learnt.is_empty() {
        true => Some(found.told()),
        // What several say may be told apart now.
        false => Some(matched(all, learnt, go_on)?.told()),
    }
}

fn matched<'a>(
    all: &Everybody<'a>,
    learnt: Addresses,
    go_on: &dyn Fn() -> bool,
) -> Option<Talks<'a>> {
    let mut found = Talks {
        learnt,
        ..Talks::default()
    };
    let (sent, received) = (seen(all, Way::Sent), seen(all, Way::Received));
    let mut rest = received.as_slice();
    for (group, counted) in sent.chunk_by(|a, b| a.key == b.key).zip(1_u32..) {
        if counted.is_multiple_of(4096) && !go_on() {
            return None;
        }
        let Some(key) = group.first().map(|seen| seen.key) else {
            continue;
        };
        rest = rest.get(rest.partition_point(|other| other.key < key)..)?;
        let same = rest.partition_point(|other| other.key == key);
        let (these, more) = rest.split_at(same);
        found.settle(all, group, these);
        rest = more;
    }
    found.settle_detours(all);
    Some(found)
}

/// Of those who never asked where they are, the address by which another one hears them, by both;
/// `None` if several may be it.
type Addresses = BTreeMap<(EndId, EndId), Option<SocketAddr>>;

/// All that went one way, those with the same bytes together.
fn seen<'a>(all: &Everybody<'a>, way: Way) -> Vec<Seen<'a>> {
    let mut seen = Vec::new();
    for (id, end) in all.ends().filter(|(_, end)| end.kind == EndKind::Udp) {
        for (at, piece, bytes) in whole_pieces(end.direction(way)) {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let peer = piece.peer.or(end.remote);
            let (from, to) = match way {
                Way::Sent => (end.local, peer),
                Way::Received => (peer, end.local),
            };
            seen.push(Seen {
                key: hasher.finish(),
                end: id,
                at,
                piece,
                bytes,
                from,
                to,
            });
        }
    }
    seen.sort_by_key(|seen| (seen.key, seen.end, seen.at));
    seen
}

/// What two say of where a datagram went.
fn address(sent: &Seen<'_>, received: &Seen<'_>, learnt: &Addresses) -> Address {
    let known = |one: EndId, other: EndId| learnt.get(&(one, other)).copied().flatten();
    let from = sent.from.or_else(|| known(sent.end, received.end));
    let here = received.to.or_else(|| known(received.end, sent.end));
    let to = compared(sent.to, here);
    let from = compared(from, received.from);
    match (to, from) {
        (Address::Different, _) | (_, Address::Different) => Address::Different,
        (Address::Unknown, from) => from,
        (Address::Same, _) | (Address::SamePort, Address::Same | Address::SamePort) => {
            Address::Same
        }
        (Address::SamePort, Address::Unknown) => Address::SamePort,
    }
}

/// A group with more pairs is not looked at pair by pair.
const MOST_PAIRS: usize = 1 << 14;

#[derive(Default)]
struct Talks<'a> {
    learnt: Addresses,
    /// The addresses by which those are heard who never asked where they are, by both, with the
    /// datagrams that say so.
    heard_at: BTreeMap<(EndId, EndId), BTreeMap<SocketAddr, BTreeSet<u64>>>,
    messages: Vec<Message>,
    unclear: BTreeMap<Datagram, Vec<(EndId, u32)>>,
    /// Who speaks with whom for certain, by which evidence.
    partners: BTreeMap<EndId, BTreeMap<EndId, Evidence>>,
    /// Pairs of sockets between which addresses are as they were sent.
    direct: BTreeSet<(EndId, EndId)>,
    /// What may have come by another address: sent, and received.
    detours: Vec<(Seen<'a>, Seen<'a>)>,
    /// With whom somebody may speak.
    possible: BTreeMap<EndId, BTreeSet<EndId>>,
}

impl<'a> Talks<'a> {
    /// Both are all that have the same bytes, if no two hashes are the same by chance.
    fn settle(&mut self, all: &Everybody<'_>, sent: &[Seen<'a>], received: &[Seen<'a>]) {
        if sent.len().saturating_mul(received.len()) > MOST_PAIRS {
            // By addresses alone, which most of those that say the same over and over differ in.
            let key = |seen: &Seen<'_>| {
                let port = |address: Option<SocketAddr>| address.map(|address| address.port());
                (seen.to.and_then(known_ip), port(seen.to))
            };
            let mut by_address: BTreeMap<_, (Vec<_>, Vec<_>)> = BTreeMap::new();
            for one in sent {
                by_address.entry(key(one)).or_default().0.push(*one);
            }
            for one in received {
                by_address.entry(key(one)).or_default().1.push(*one);
            }
            for (sent, received) in by_address.into_values() {
                match sent.len().saturating_mul(received.len()) > MOST_PAIRS {
                    true => self.crowd(&sent, &received),
                    false => self.few(all, &sent, &received),
                }
            }
            return;
        }
        self.few(all, sent, received);
    }

    /// So many that are alike that nothing tells them apart: only who they are is noted.
    fn crowd(&mut self, sent: &[Seen<'_>], received: &[Seen<'_>]) {
        let ends = |all: &[Seen<'_>]| all.iter().map(|one| one.end).collect::<BTreeSet<_>>();
        let (senders, receivers) = (ends(sent), ends(received));
        for sender in senders.iter().take(MOST_CANDIDATES) {
            for receiver in receivers.iter().take(MOST_CANDIDATES) {
                if sender != receiver {
                    self.may(*sender, *receiver);
                }
            }
        }
    }

    fn may(&mut self, sender: EndId, receiver: EndId) {
        for (one, other) in [(sender, receiver), (receiver, sender)] {
            let possible = self.possible.entry(one).or_default();
            if possible.len() < MOST_CANDIDATES {
                possible.insert(other);
            }
        }
    }

    fn few(&mut self, all: &Everybody<'_>, sent: &[Seen<'a>], received: &[Seen<'a>]) {
        let rank = |sent: &Seen<'_>, received: &Seen<'_>| {
            let is_after =
                sent.end.node != received.end.node || sent.piece.place <= received.piece.place;
            let may_be = sent.end != received.end && is_after && sent.bytes == received.bytes;
            may_be.then(|| address(sent, received, &self.learnt))
        };
        let ranks: Vec<Vec<Option<Address>>> = received
            .iter()
            .map(|to| sent.iter().map(|from| rank(from, to)).collect())
            .collect();
        for (to, ranks) in received.iter().zip(&ranks) {
            let of_rank = |rank| {
                let all = ranks.iter().zip(sent);
                all.filter(move |(of, _)| **of == Some(rank))
                    .map(|(_, from)| from)
            };
            // Where addresses speak for some, the others are out of the question.
            let direct: Vec<&Seen<'a>> = of_rank(Address::Same).collect();
            let near: Vec<&Seen<'a>> = of_rank(Address::SamePort).collect();
            let others = of_rank(Address::Unknown).chain(of_rank(Address::Different));
            let is_direct = !direct.is_empty();
            let candidates = match (is_direct, near.is_empty()) {
                (true, _) => direct,
                (false, false) => near,
                (false, true) => others.collect(),
            };
            match candidates.as_slice() {
                [from] if is_direct => {
                    let pair = (from.end, to.end);
                    self.direct.insert(pair);
                    if let (None, Some(address)) = (from.from, to.from) {
                        let heard_at = self.heard_at.entry(pair).or_default();
                        heard_at.entry(address).or_default().insert(from.key);
                    }
                    match self.learnt.get(&pair) {
                        Some(None) => self.unclear(from, to),
                        _ => self.is(all, from, to, Evidence::AddressAndBytes),
                    }
                }
                [from] => self.detours.push((**from, *to)),
                several => {
                    for from in several.iter().take(MOST_CANDIDATES) {
                        if is_direct {
                            self.direct.insert((from.end, to.end));
                        }
                        self.unclear(from, to);
                    }
                }
            }
        }
    }

    /// Whose addresses are rewritten are so for all that they say: that several say the same by the
    /// same address, or one says much, tells that it is a detour and not somebody else.
    fn settle_detours(&mut self, all: &Everybody<'_>) {
        let way = |(from, to): &(Seen<'a>, Seen<'a>)| (from.end, to.end, to.from);
        let mut said: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
        for detour in &self.detours {
            let keys = said.entry(way(detour)).or_default();
            if keys.len() < 2 {
                keys.insert(detour.0.key);
            }
        }
        for detour in std::mem::take(&mut self.detours) {
            let (from, to) = &detour;
            let address = address(from, to, &self.learnt);
            if address != Address::SamePort && self.direct.contains(&(from.end, to.end)) {
                continue;
            }
            let several = said.get(&way(&detour)).is_some_and(|keys| keys.len() > 1);
            let least = match (several, address) {
                (true, _) | (_, Address::Unknown | Address::SamePort) => LEAST_BYTES,
                _ => MUCH,
            };
            let evidence = match address {
                Address::SamePort => Evidence::AddressAndBytes,
                _ => Evidence::Bytes,
            };
            match from.bytes.len() >= least {
                true => self.is(all, from, to, evidence),
                false => self.unclear(from, to),
            }
        }
    }

    /// Whoever says something speaks by one address. If the same was heard by several, somebody
    /// who is not here has said it, too: by the one by which the least was heard.
    fn learnt(&self) -> Addresses {
        let of = self.heard_at.iter().map(|(pair, heard_at)| {
            let most = heard_at.values().map(BTreeSet::len).max();
            let mut those = heard_at
                .iter()
                .filter(|(_, keys)| Some(keys.len()) == most)
                .map(|(address, _)| *address);
            let first = those.next();
            (*pair, first.filter(|_| those.next().is_none()))
        });
        of.collect()
    }

    fn is(&mut self, all: &Everybody<'_>, from: &Seen<'_>, to: &Seen<'_>, evidence: Evidence) {
        let length = from.piece.length;
        self.messages.push(message(
            all,
            piece_site(from.end, Way::Sent, from.at, from.piece),
            piece_site(to.end, Way::Received, to.at, to.piece),
            What::Datagram,
            (from.piece.offset, length),
            evidence,
        ));
        for (one, other) in [(from.end, to.end), (to.end, from.end)] {
            let partners = self.partners.entry(one).or_default();
            let best = partners.entry(other).or_insert(evidence);
            *best = evidence.min(*best);
        }
    }

    fn unclear(&mut self, from: &Seen<'_>, to: &Seen<'_>) {
        self.may(from.end, to.end);
        let (Ok(from_at), Ok(to_at)) = (u32::try_from(from.at), u32::try_from(to.at)) else {
            return;
        };
        for (one, other) in [
            ((from.end, Way::Sent, from_at), (to.end, to_at)),
            ((to.end, Way::Received, to_at), (from.end, from_at)),
        ] {
            let candidates = self.unclear.entry(one).or_default();
            if candidates.len() < MOST_CANDIDATES {
                candidates.push(other);
            }
        }
    }

    /// With whom each socket speaks: whose datagrams are all alike may still have one partner.
    fn told(self) -> Datagrams {
        let mut ends = BTreeMap::new();
        for (end, partners) in &self.partners {
            let mut list = partners.iter();
            let other = match (list.next(), list.next()) {
                (Some((other, evidence)), None) => OtherEnd::Known(*other, *evidence),
                _ => OtherEnd::Several(partners.keys().copied().collect()),
            };
            ends.insert(*end, other);
        }
        for (end, possible) in self.possible {
            ends.entry(end)
                .or_insert_with(|| OtherEnd::Ambiguous(possible.into_iter().collect()));
        }
        Datagrams {
            messages: self.messages,
            ends,
            unclear: self.unclear,
        }
    }
}

/// Fewer bytes are the same by chance.
const LEAST_BYTES: usize = 8;

/// So many are not said by two, unless they say the same over and over.
const MUCH: usize = 24;
