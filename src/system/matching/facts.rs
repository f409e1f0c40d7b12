//! What one end knows of its conversation, as fields that can be compared with the other end's
//! by their hashes.

use super::{Everybody, Party};
use crate::system::conversation::{Direction, Head, Start};
use crate::system::message::EndId;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

/// Fields that are known, one bit each.
pub(super) type Mask = u64;

pub(super) const AUTHORITY: Mask = 1;
pub(super) const SERVER_PORT: Mask = 1 << 1;
pub(super) const SERVER_IP: Mask = 1 << 2;
pub(super) const CLIENT_PORT: Mask = 1 << 3;
pub(super) const CLIENT_IP: Mask = 1 << 4;
pub(super) const METHOD: Mask = 1 << 5;
pub(super) const TARGET: Mask = 1 << 6;
pub(super) const STATUS: Mask = 1 << 7;
/// The first byte of what the left side says: more follows in the next bits.
pub(super) const FORTH: Mask = 1 << 8;
/// The first byte of what the right side says.
pub(super) const BACK: Mask = 1 << 13;
/// Headers of requests, as far as there are bits for them.
const REQUEST_HEADERS: u32 = 18;
const RESPONSE_HEADERS: u32 = 48;
pub(super) const ADDRESS: Mask = AUTHORITY | SERVER_PORT | SERVER_IP | CLIENT_PORT | CLIENT_IP;
pub(super) const HEADERS: Mask = !((1 << REQUEST_HEADERS) - 1);

/// Of so many bytes from the beginning there is a hash, if there are so many; the bit after
/// these is that of all bytes.
const PREFIXES: [usize; 4] = [1, 16, 256, 4096];

/// What is known of one end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) id: EndId,
    pub(super) mask: Mask,
    first: u32,
}

/// What is known of many ends. The hashes of each lie one after the other, by the bits of its
/// mask.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) of: Vec<Fact>,
    hashes: Vec<u64>,
}

impl Facts {
    /// Whether this end is on the left: who begins.
    pub(super) fn learn(&mut self, party: &Party<'_>, is_left: bool, names: &HeaderNames) {
        let mut fields = Fields::default();
        let (forth, back) = way(party, is_left);
        if let Some(authority) = &party.end.authority {
            fields.set(AUTHORITY, &normal_authority(authority));
        }
        let (client, server) = match is_left {
            true => (party.end.local, party.end.remote),
            false => (party.end.remote, party.end.local),
        };
        fields.address(server, SERVER_PORT, SERVER_IP);
        fields.address(client, CLIENT_PORT, CLIENT_IP);
        for (head, names, first) in [
            (&forth.head, &names.request, REQUEST_HEADERS),
            (&back.head, &names.response, RESPONSE_HEADERS),
        ] {
            let Some(head) = head else { continue };
            fields.start(&head.start);
            for (name, bit) in names.iter().zip(first..) {
                let values: Vec<&str> = values_of(head, name).collect();
                if !values.is_empty() {
                    fields.set(1 << bit, &values);
                }
            }
        }
        let failed = party.end.error.is_some();
        fields.bytes(forth, FORTH, failed);
        fields.bytes(back, BACK, failed);
        fields.known.sort_unstable_by_key(|(bit, _)| *bit);
        let first = u32::try_from(self.hashes.len()).unwrap_or(u32::MAX);
        self.hashes
            .extend(fields.known.iter().map(|(_, hash)| hash));
        self.of.push(Fact {
            id: party.id,
            mask: fields.known.iter().fold(0, |mask, (bit, _)| mask | bit),
            first,
        });
    }

    /// The key of what an end knows of these fields, which it must know.
    pub(super) fn key(&self, fact: &Fact, fields: Mask) -> u64 {
        let mut key = fields;
        let mut left = fields & fact.mask;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            let before = (fact.mask & (bit - 1)).count_ones();
            let at = fact.first as usize + before as usize;
            let hash = self.hashes.get(at).copied().unwrap_or_default();
            key = (key.rotate_left(5) ^ hash).wrapping_mul(0x517c_c1b7_2722_0a95);
            left ^= bit;
        }
        key
    }
}

/// What goes from left to right, and what comes back.
pub(super) fn way<'a>(party: &Party<'a>, is_left: bool) -> (&'a Direction, &'a Direction) {
    match is_left {
        true => (&party.end.sent, &party.end.received),
        false => (&party.end.received, &party.end.sent),
    }
}

#[derive(Default)]
struct Fields {
    known: Vec<(Mask, u64)>,
}

impl Fields {
    fn set(&mut self, field: Mask, value: &(impl Hash + ?Sized)) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        self.known.push((field, hasher.finish()));
    }

    fn address(&mut self, address: Option<SocketAddr>, port: Mask, ip: Mask) {
        let Some(address) = address.filter(|address| address.port() != 0) else {
            return;
        };
        self.set(port, &address.port());
        if let Some(known) = known_ip(address) {
            self.set(ip, &known);
        }
    }

    fn start(&mut self, start: &Start) {
        match start {
            Start::Request { method, target } => {
                if let Some(method) = method {
                    self.set(METHOD, method.as_str());
                }
                if let Some(target) = target {
                    self.set(TARGET, target.as_str());
                }
            }
            Start::Response { status: 0 } => {}
            Start::Response { status } => self.set(STATUS, status),
        }
    }

    fn bytes(&mut self, direction: &Direction, first: Mask, failed: bool) {
        for (place, length) in PREFIXES.into_iter().enumerate() {
            if let Some(prefix) = direction.bytes.get(..length) {
                self.set(first << place, prefix);
            }
        }
        let is_all = direction.ended.is_some() && direction.is_whole() && !direction.unseen;
        if is_all && !failed {
            self.set(first << PREFIXES.len(), direction.bytes.as_slice());
        }
    }
}

/// An address of one host, as it is the same at both ends.
pub(super) fn known_ip(address: SocketAddr) -> Option<IpAddr> {
    Some(address.ip().to_canonical()).filter(|ip| !ip.is_unspecified())
}

/// Host names have no case, and a port that is meant anyway need not be said.
pub(super) fn normal_authority(authority: &str) -> String {
    let small = authority.to_ascii_lowercase();
    match small.strip_suffix(":80").or(small.strip_suffix(":443")) {
        Some(host) => host.to_owned(),
        None => small,
    }
}

/// The values of a header, in their order.
pub(super) fn values_of<'a>(head: &'a Head, name: &'a str) -> impl Iterator<Item = &'a str> {
    let headers = head.headers.iter();
    let found = headers.filter(move |(of, _)| of.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

/// Headers that are meant for the next hop, or that whoever passes a message on writes itself.
pub(super) fn is_of_hop(name: &str) -> bool {
    const OF_HOP: [&str; 16] = [
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "forwarded",
        "host",
        "keep-alive",
        "proxy-connection",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    ];
    OF_HOP.iter().any(|of| of.eq_ignore_ascii_case(name))
}

/// Headers that are there to name one request.
pub(super) fn is_identity(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "b3",
        "correlation-id",
        "idempotency-key",
        "request-id",
        "traceparent",
        "uber-trace-id",
        "x-amzn-trace-id",
        "x-b3-spanid",
        "x-cloud-trace-context",
        "x-correlation-id",
        "x-idempotency-key",
        "x-request-id",
        "x-span-id",
        "x-trace-id",
    ];
    NAMES.iter().any(|of| of.eq_ignore_ascii_case(name))
}

/// The headers that get a field: those that both clients and servers have.
#[derive(Default)]
pub(super) struct HeaderNames {
    request: Vec<String>,
    response: Vec<String>,
}

impl HeaderNames {
    pub(super) fn of(all: Everybody<'_>) -> HeaderNames {
        let mut counts: HashMap<(bool, &str), [u64; 2]> = HashMap::new();
        for (_, end) in all.ends() {
            let Some((request, response)) = end.exchange() else {
                continue;
            };
            let is_server = end.kind == crate::system::conversation::EndKind::HttpServer;
            for (is_request, direction) in [(true, request), (false, response)] {
                let heads = direction.head.iter();
                for (name, _) in heads.flat_map(|head| &head.headers) {
                    if counts.len() < MOST_NAMES || counts.contains_key(&(is_request, name)) {
                        let count = counts.entry((is_request, name)).or_default();
                        count[usize::from(is_server)] += 1;
                    }
                }
            }
        }
        let names = |request: bool, most: u32| {
            let mut names: Vec<(bool, u64, &str)> = counts
                .iter()
                .filter(|((of, name), [client, server])| {
                    *of == request && *client > 0 && *server > 0 && !is_of_hop(name)
                })
                .map(|((_, name), [_, server])| (!is_identity(name), u64::MAX - server, *name))
                .collect();
            names.sort_unstable();
            let names = names.into_iter().take(most as usize);
            names
                .map(|(_, _, name)| name.to_ascii_lowercase())
                .collect()
        };
        HeaderNames {
            request: names(true, RESPONSE_HEADERS - REQUEST_HEADERS),
            response: names(false, Mask::BITS - RESPONSE_HEADERS),
        }
    }

    /// The fields of headers that name a request.
    pub(super) fn identities(&self) -> impl Iterator<Item = Mask> {
        let names = self.request.iter().zip(REQUEST_HEADERS..);
        let found = names.filter(|(name, _)| is_identity(name));
        found.map(|(_, bit)| 1 << bit)
    }
}

/// So many names of headers are looked at.
const MOST_NAMES: usize = 4096;
