//! What the recordings of a system said to each other, as a list that is told in parts; and
//! where its nodes stand.

use super::{ThreadId, ThreadView};
use crate::system::message::{Evidence, Took, What};

/// Which rows of the list are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct MessagesWanted {
    /// Only those that have this in their line.
    pub filter: String,
    /// Which of those.
    pub part: MessagesPart,
}

/// A part of the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MessagesPart {
    /// So many from the row with this number on.
    From {
        /// The number of the first one; what is less means all.
        number: u64,
        /// How many at most.
        count: usize,
    },
    /// So many up to now, and as many after it.
    Around {
        /// How many of each at most.
        each: usize,
    },
    /// Those that go on somewhere between two parts of the order, of which 1 is the whole; if they
    /// are more than so many, evenly thinned out.
    Between {
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
        /// How many at most.
        most: usize,
    },
}

/// A part of the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessagesTold {
    /// How many rows have the filter in their line, wherever they are.
    pub total: usize,
    /// How many of those come before the first one that is told.
    pub before: usize,
    /// The number of the last row of the list that is up to now; 0 if there is none.
    pub now: u64,
    /// In the order of the system.
    pub rows: Vec<MessageRow>,
    /// What holds of all: that some contradict, that there may be more; a line each.
    pub notes: Vec<String>,
}

/// A message, or what could not become one.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// Counts the rows of the list, from 1.
    pub number: u64,
    /// What it is.
    pub kind: MessageKind,
    /// Where it was sent, if that is in a recording.
    pub sent: Option<MessageSite>,
    /// Where it was received, if that is in a recording.
    pub received: Option<MessageSite>,
    /// What was said: `GET /orders`, `200`, the beginning of its bytes; of a conversation, what
    /// that is.
    pub said: String,
    /// All of it in one line, for people.
    pub line: String,
}

/// What a row tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageKind {
    /// That this was said.
    Message {
        /// What it is.
        what: What,
        /// In bytes; 0 for heads.
        bytes: u64,
        /// What tells that both ends are of the same.
        evidence: Evidence,
        /// How long it took, by the clocks of both hosts.
        took: Option<Took>,
    },
    /// A conversation whose other end is in none of the recordings.
    Outside,
    /// A conversation whose other end is not told apart from others.
    Ambiguous {
        /// Whose it may be.
        candidates: Vec<String>,
    },
    /// The message before would be received before it was sent.
    Contradiction {
        /// The messages that say so, by their numbers.
        cycle: Vec<u64>,
    },
}

/// An end of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageSite {
    /// Whose.
    pub thread: ThreadId,
    /// What the node is called.
    pub node: String,
    /// The hostcall that says it or brings it; if there is none, the one after it.
    pub event: u64,
    /// Whether it is in that hostcall.
    pub in_call: bool,
    /// How much of the order of the system comes before it, of 1.
    pub part: f64,
    /// Whether the node has come so far.
    pub is_past: bool,
}

/// An end of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageEnd {
    /// Where it was sent.
    Sent,
    /// Where it was received.
    Received,
}

/// Where the nodes of a system stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SystemView {
    /// As the recordings were named.
    pub nodes: Vec<NodeView>,
    /// How many rows the list of messages has, if it is known by now who spoke with whom.
    pub messages: Option<usize>,
    /// How many steps there are in the order, if it is known: into each hostcall, and out of it.
    pub steps: Option<u64>,
}

/// Where a node stands.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeView {
    /// Its thread.
    pub thread: ThreadView,
    /// The next hostcall; in one, its own number.
    pub event: u64,
    /// How many hostcalls its recording has, if that is known by now.
    pub events: Option<u64>,
    /// How much of the order of the system comes before where it stands, of 1, if it is known by
    /// now who spoke with whom.
    pub part: Option<f64>,
    /// Whether its recording is open.
    pub is_open: bool,
    /// How much it did in each of so many equal parts of the order, as far as that was asked for
    /// and is known.
    pub activity: Vec<u64>,
}
