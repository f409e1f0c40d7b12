//! Requests beyond the protocol that list something of a recording, or draw it as a whole.

use super::super::Source;
use super::{ToldMark, ToldMoment};
use crate::inspect::tasks::{TaskTold, TasksTold, Waits};
use serde::{Deserialize, Serialize};

/// Which hostcalls to list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostcallsArguments {
    /// A WIT path, with `*`.
    pub filter: String,
    /// Whether only those that failed are meant.
    pub failed: bool,
    /// Only those that took so many nanoseconds or more.
    pub slower_than_ns: Option<u64>,
    /// Whether, where no filter says what is meant, the component model's own built-ins are, too.
    pub builtins: bool,
    /// The first one.
    pub from: u64,
    /// How many at most.
    pub count: Option<usize>,
}

/// A part of the list of hostcalls.
#[derive(Debug, Serialize)]
pub struct HostcallsResponse {
    /// How many fit the filter, wherever they are.
    pub total: usize,
    /// Those asked for.
    pub hostcalls: Vec<ToldHostcall>,
    /// Why there are no more, if the recording is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// A hostcall.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldHostcall {
    /// Its number.
    pub event: u64,
    /// Its whole WIT name.
    pub name: String,
    /// The interface within that.
    pub interface: String,
    /// The function within the interface.
    pub function: String,
    /// In WAVE.
    pub arguments: String,
    /// In WAVE; absent where the recording has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What became of it, if it was not done when it returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<ToldArrival>,
    /// Of a write that was done at once and took less than it was offered: what it took, in WAVE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
    /// What the program is told of by it, or by callbacks that were entered just before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldOfCall>,
    /// Whether the result is an error.
    pub failed: bool,
    /// Whether it is a built-in that only keeps the canonical ABI's books: to be dimmed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub builtin: bool,
    /// How many calls it is in.
    pub depth: usize,
    /// When it was made, by clocks on the wall, as RFC 3339 has it, if the recording tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// How long it took in nanoseconds, to about a million, if the recording tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
}

/// What became of a hostcall that was not done when it returned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldArrival {
    /// The subtask that it became; absent for a read or a write of a stream or future.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtask: Option<u32>,
    /// The hostcall that told of its end, or the first one after a callback that did; absent if
    /// the program was never told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<u64>,
    /// What came then, in WAVE: the result of a call, what was read, what was taken of what was
    /// to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// For people: `subtask 2, ok(5) returned before event 23`.
    pub text: String,
}

/// What the program is told of a hostcall that was not done when it returned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldOfCall {
    /// The hostcall that began it.
    pub event: u64,
    /// The function that was called.
    pub name: String,
    /// Whether it is told by the hostcall that has this, and not by a callback before it.
    pub in_call: bool,
    /// What came, in WAVE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// For people: `event 3, wait-until: ok(5) returned`.
    pub text: String,
}

/// Which requests to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RequestsArguments {
    /// Whether only those that failed are meant.
    pub failed: bool,
    /// The number of the first one.
    pub from: u64,
    /// How many at most.
    pub count: Option<usize>,
}

/// A part of the list of a service's requests.
#[derive(Debug, Serialize)]
pub struct RequestsResponse {
    /// How many are meant, wherever they are.
    pub total: usize,
    /// Those asked for.
    pub requests: Vec<ToldRequest>,
    /// The number of the one that the program is at work on here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<u64>,
    /// Why there are no more, if the recording is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// A request that a service was given. What is not known is absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldRequest {
    /// Counts the requests of the recording, from 1.
    pub number: u64,
    /// Such as `GET /trap`.
    pub title: String,
    /// Such as `GET`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path with its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `answered`, `trapped`, `failed`, `unanswered` or `unfinished`.
    pub outcome: &'static str,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it ended in a trap or an error, or with a status of 500 or above.
    pub failed: bool,
    /// Hostcalls made before it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<u64>,
    /// Hostcalls made when it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// When its head had come in, as RFC 3339 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Nanoseconds from its head to the last byte of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// Hostcalls made in it.
    pub hostcalls: u64,
    /// Requests to other servers that it made.
    pub outgoing: u64,
    /// Bytes of its body that the program took.
    pub received: u64,
    /// Bytes of the answer's body.
    pub sent: u64,
}

/// Which handles to tell of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourcesArguments {
    /// Those of this index; absent: all.
    pub handle: Option<u32>,
    /// When.
    pub at: ResourcesAt,
}

/// A moment at which handles are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ResourcesAt {
    /// Where the program is.
    #[default]
    Here,
    /// Where the recording ends.
    End,
}

/// Which tasks to tell of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TasksArguments {
    /// When.
    pub at: ResourcesAt,
}

/// The tasks, and who waits for whom.
#[derive(Debug, Serialize)]
pub struct TasksResponse {
    /// Those in progress, and what instances hold that is waited for.
    #[serde(flatten)]
    pub told: TasksTold,
    /// The last that have ended, the last one first.
    pub ended: Vec<TaskTold>,
    /// Who waits for whom.
    pub waits: Waits,
}

/// The handle tables.
#[derive(Debug, Serialize)]
pub struct ResourcesResponse {
    /// One for each component instance.
    pub instances: Vec<ToldInstance>,
}

/// The handle table of a component instance.
#[derive(Debug, Serialize)]
pub struct ToldInstance {
    /// As the recording numbers it.
    pub instance: u32,
    /// Those in the table.
    pub handles: Vec<ToldHandle>,
    /// Those that are never dropped.
    pub leaks: Vec<ToldHandle>,
}

/// A handle, and what is known of its life.
#[derive(Debug, Serialize)]
pub struct ToldHandle {
    /// The number that the guest has.
    pub index: u32,
    /// `own`, `borrow`, `stream`, …
    pub kind: &'static str,
    /// The WIT name of its resource; what it is, for a handle to anything else.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Such as `lent to 1 call`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// What the guest gave to `resource.new`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rep: Option<u32>,
    /// The event that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// What was done to it, in order.
    pub life: Vec<LifeEvent>,
}

/// What an event did to a handle.
#[derive(Debug, Serialize)]
pub struct LifeEvent {
    /// The hostcall.
    pub event: u64,
    /// In words.
    pub what: String,
}

/// What the program has printed up to here.
#[derive(Debug, Serialize)]
pub struct OutputResponse {
    /// In order.
    pub pieces: Vec<OutputPiece>,
}

/// What one hostcall printed.
#[derive(Debug, Serialize)]
pub struct OutputPiece {
    /// The hostcall.
    pub event: u64,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// With a replacement character for what is not UTF-8.
    pub text: String,
}

/// How finely to show the recording.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimelineArguments {
    /// Into how many buckets hostcalls go.
    pub buckets: Option<usize>,
    /// Whether the component model's own built-ins are counted.
    pub builtins: bool,
}

/// The whole recording at a glance.
#[derive(Debug, Serialize)]
pub struct TimelineResponse {
    /// How many hostcalls there are.
    pub events: u64,
    /// Whose hostcalls are counted, the busiest first.
    pub interfaces: Vec<String>,
    /// From the start to the end.
    pub buckets: Vec<Bucket>,
    /// Where there are copies of the program to go on from.
    pub checkpoints: Vec<ToldMoment>,
    /// All marks.
    pub marks: Vec<ToldMark>,
    /// Where the program is.
    pub here: ToldMoment,
    /// How the run ended, in words.
    pub ending: String,
}

/// Hostcalls `from` up to `to`, which is not one of them.
#[derive(Debug, Serialize)]
pub struct Bucket {
    /// The first one.
    pub from: u64,
    /// The one after the last.
    pub to: u64,
    /// One number for each interface.
    pub counts: Vec<u64>,
    /// How many failed.
    pub failed: u64,
}

/// Which functions to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FunctionsArguments {
    /// A part of the name, or a pattern with `*`.
    pub filter: String,
    /// Only those that a breakpoint by this name would stop at.
    #[serde(default)]
    pub meant: bool,
    /// How many at most.
    pub count: Option<usize>,
}

/// Functions of the guest.
#[derive(Debug, Serialize)]
pub struct FunctionsResponse {
    /// How many fit the filter.
    pub total: usize,
    /// By name ascending.
    pub functions: Vec<ToldFunction>,
}

/// A function of the guest.
#[derive(Debug, Serialize)]
pub struct ToldFunction {
    /// As the debug information has it.
    pub name: String,
    /// Where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The line there, counted as the client counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
}
