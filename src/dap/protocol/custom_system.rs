//! Requests beyond the protocol about several recordings that are debugged as one.
//! `docs/custom-requests.md` is their contract.

use super::custom::Way;
use crate::system::message::{Evidence, What};
use serde::{Deserialize, Serialize};

/// How finely to tell what each node did.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SystemArguments {
    /// Into how many parts the order of the system is cut; absent: nobody wants to know.
    pub buckets: Option<usize>,
}

/// Where the nodes of a system stand.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemResponse {
    /// As the recordings were named; none of a recording alone.
    pub nodes: Vec<ToldNode>,
    /// The thread that is moved by what names none.
    pub thread_id: i64,
    /// How many rows `rr/messages` has, once it is known who spoke with whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<usize>,
    /// How many steps the order has, once it is known: into each hostcall, and out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
}

/// Where a node stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldNode {
    /// Its thread.
    pub thread_id: i64,
    /// What it is called.
    pub name: String,
    /// Where it stands, in words.
    pub moment: String,
    /// The next hostcall; in one, its own number.
    pub event: u64,
    /// How many hostcalls its recording has, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// How much of the order of the system comes before that, from 0 to 1, once it is known who
    /// spoke with whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<f64>,
    /// Whether it has been looked at: only then it has a replayer.
    pub open: bool,
    /// How much it did in each part of the order, if that was asked for and is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<u64>,
}

/// Which messages to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MessagesArguments {
    /// What is in their line.
    pub filter: String,
    /// The number of the first one.
    pub from: u64,
    /// How many at most.
    pub count: Option<usize>,
    /// Half of them before now, and half after.
    pub around: bool,
    /// Only what goes on between two parts of the order, from 0 to 1; of more than `count`,
    /// every second one, or third.
    pub between: Option<[f64; 2]>,
}

/// A part of the list of messages.
#[derive(Debug, Serialize)]
pub struct MessagesResponse {
    /// How many have the filter in their line, wherever they are.
    pub total: usize,
    /// How many of those come before the first one here.
    pub before: usize,
    /// The number of the last one that is up to now, where the thread stands that was moved last;
    /// 0 if there is none.
    pub now: u64,
    /// Those asked for.
    pub messages: Vec<ToldMessage>,
    /// What holds of all: that some contradict, that there may be more.
    pub notes: Vec<String>,
}

/// A message, or what could not become one. What is not known, or does not make sense for its
/// kind, is absent.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldMessage {
    /// Its place in the list, from 1.
    pub number: u64,
    /// `message`, `outside`, `ambiguous` or `contradiction`.
    pub kind: &'static str,
    /// Where it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ToldSite>,
    /// Where it was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<ToldSite>,
    /// `request`, `response`, `body`, `bytes` or `datagram`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<What>,
    /// What it says, or what conversation it is.
    pub said: String,
    /// How long it is; 0 for heads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What tells that both ends are of the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// How long it took in nanoseconds, by the clocks of both hosts, which may disagree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<i64>,
    /// Of a conversation that is not told apart, whose it may be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Of a contradiction, the numbers of the messages that say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cycle: Vec<u64>,
    /// All of it in one line, for people.
    pub text: String,
}

/// An end of a message.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldSite {
    /// Whose.
    pub thread_id: i64,
    /// What that node is called.
    pub node: String,
    /// The hostcall that says it or brings it; if there is none, the one after it.
    pub event: u64,
    /// Whether it is in that hostcall.
    pub in_call: bool,
    /// How much of the order of the system comes before it, from 0 to 1.
    pub part: f64,
    /// Whether the node has come so far.
    pub past: bool,
}

/// Along the message that is sent, or was received, where a thread stands.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowArguments {
    /// Forward to where it is received; backward to where it was sent.
    pub direction: Way,
    /// Which thread; absent: the one that was moved last.
    #[serde(default)]
    pub thread_id: Option<i64>,
}

/// To an end of what `rr/messages` lists.
#[derive(Debug, Deserialize)]
pub struct GoMessageArguments {
    /// Its number.
    pub number: u64,
    /// Which end.
    pub end: ToldEnd,
}

/// An end of a message.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ToldEnd {
    /// Where it was sent.
    Sent,
    /// Where it was received.
    Received,
}
