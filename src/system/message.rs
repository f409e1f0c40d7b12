//! A message: what left one recording and came into another, with what tells that.

use super::conversation::{Place, Way};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One of the recordings of a system, by its place in the list that it was opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// One end of a conversation of a node, by its place in
/// [`Conversations::ends`](super::conversation::Conversations::ends).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndId {
    /// Whose.
    pub node: NodeId,
    /// Which.
    pub end: u32,
}

/// What tells that two ends are of one conversation, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// A header that names the trace and the span: `traceparent`, or an identity of the request.
    TraceContext,
    /// The addresses, and all bytes that both have.
    AddressAndBytes,
    /// All bytes that both have, at other addresses: there may be a proxy or NAT in between.
    Bytes,
    /// The same bytes as others, and told apart by the order in which they were said, or by when.
    Order,
    /// What a proxy does not rewrite: method, path, status and bodies.
    Similarity,
}

impl Evidence {
    /// For people.
    pub fn told(self) -> &'static str {
        match self {
            Evidence::TraceContext => "trace context",
            Evidence::AddressAndBytes => "address and bytes",
            Evidence::Bytes => "bytes",
            Evidence::Order => "order",
            Evidence::Similarity => "similarity",
        }
    }
}

/// Where the other end of a conversation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtherEnd {
    /// In a recording.
    Known(EndId, Evidence),
    /// In several: a UDP socket that speaks with more than one.
    Several(Vec<EndId>),
    /// In one of several places, and nothing tells in which; or in this one, and too little tells
    /// that it is.
    Ambiguous(Vec<EndId>),
    /// In none of these recordings.
    Outside,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The head of a request.
    Request,
    /// The head of an answer.
    Response,
    /// Bytes of a body.
    Body,
    /// Bytes of a TCP connection, or between standard output and standard input.
    Bytes,
    /// A UDP datagram.
    Datagram,
}

/// Where a message is at one of its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Site {
    /// The conversation.
    pub end: EndId,
    /// Which way it goes, as this end sees it.
    pub way: Way,
    /// The piece of bytes; `None` for the head.
    pub piece: Option<u32>,
    /// Where it happens.
    pub place: Place,
    /// The hostcall to show.
    pub event: Option<u64>,
}

impl Site {
    /// The hostcall in which it happens: what was asked for by one comes in a later one, if the
    /// program waited meanwhile. `None` if it came into the program from outside.
    pub fn hostcall(&self) -> Option<u64> {
        let event = self.event?;
        match (self.way, self.place.in_call) {
            (Way::Received, false) => Some(self.place.events.saturating_sub(1)),
            _ => Some(event),
        }
    }
}

/// Something that went from one recording to another. Of bytes whose pieces are cut at other
/// places at both ends, a message is the longest stretch that is in one piece at each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Where it was sent.
    pub from: Site,
    /// Where it was received.
    pub to: Site,
    /// What it is.
    pub what: What,
    /// In its direction of the conversation, in bytes.
    pub offset: u64,
    /// In bytes; 0 for heads.
    pub length: u64,
    /// What tells that it is the same.
    pub evidence: Evidence,
    /// How long it took, by the clocks of both hosts, where both recordings have them: negative
    /// if those disagree.
    pub took: Option<Took>,
}

/// A duration that may be negative, as two hosts' clocks may disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Took {
    /// Nanoseconds.
    pub nanos: i64,
}

impl Took {
    /// The duration, if the clocks agree so far that there is one.
    pub fn duration(self) -> Option<Duration> {
        u64::try_from(self.nanos).ok().map(Duration::from_nanos)
    }
}
