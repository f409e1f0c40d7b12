//! Requests beyond the protocol: time, for editor plugins. `docs/custom-requests.md` is
//! their contract.

use super::{Capabilities, Source};
use crate::inspect::tasks::{TaskTold, TasksTold, Waits};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The capabilities, with that of these requests.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredCapabilities {
    /// Those of the protocol.
    #[serde(flatten)]
    pub known: Capabilities,
    /// That there are `rr/` requests.
    pub rr_dap: Extension,
}

/// The version of the requests beyond the protocol.
#[derive(Debug, Clone, Serialize)]
pub struct Extension {
    /// One number for all of them, 1 at present.
    pub version: u32,
}

impl Default for Extension {
    fn default() -> Self {
        Extension { version: 1 }
    }
}

/// A moment, as clients are told it.
#[derive(Debug, Clone, Serialize)]
pub struct ToldMoment {
    /// The next hostcall, from 0; in a hostcall, its own number.
    pub event: u64,
    /// What `rr/seek` takes.
    pub position: String,
    /// The tick of the position.
    pub tick: u64,
    /// How much of the recording lies before it, to two digits.
    pub percent: f64,
}

/// One of the two ways through time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// To what comes next.
    Forward,
    /// To what came last.
    #[default]
    Backward,
}

/// Where in time the program is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhenResponse {
    /// This moment.
    pub moment: ToldMoment,
    /// How many hostcalls there are.
    pub events: u64,
    /// One line for people.
    pub text: String,
    /// Where there are several recordings, the thread that this is about: the one that was moved
    /// last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
    /// What that node is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Which part of an instruction it is in: `before`, `calling`, `answered` or `end`.
    pub phase: &'static str,
    /// The WIT name of the hostcall that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostcall: Option<String>,
    /// The recording's file, where the server is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<PathBuf>,
    /// What clocks on the wall showed, as RFC 3339 has it, if the recording tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// How long after the recording began that was, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_ns: Option<u64>,
}

/// How much there is of a recording that is still being written, or has just ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GrownEventBody {
    /// How many hostcalls there are.
    pub events: u64,
    /// Whether there may be more later: once it is false, no such event follows.
    pub growing: bool,
    /// Where it ends, as far as that is known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<ToldMoment>,
    /// How the run ended, or that it goes on: one line for people.
    pub ending: String,
}

/// Where to go: the first of these that is given counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SeekArguments {
    /// A place that needs no number.
    pub to: Option<SeekPlace>,
    /// A hostcall.
    pub event: Option<u64>,
    /// A tick.
    pub tick: Option<u64>,
    /// A part of the recording, 0 to 100.
    pub percent: Option<f64>,
    /// The `position` of a moment.
    pub position: Option<String>,
    /// The name of a mark.
    pub mark: Option<String>,
    /// Where the request with this number comes in.
    pub request: Option<u64>,
    /// As it is typed at the console: any of these, or `NODE:MOMENT`.
    pub moment: Option<String>,
    /// A part of the order of a system, 0 to 1.
    pub part: Option<f64>,
    /// Which thread goes there; absent: the one that was moved last, and of a part of the way all.
    pub thread_id: Option<i64>,
}

/// A place in every recording.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeekPlace {
    /// Before the first instruction.
    Start,
    /// The first line of the program.
    Entry,
    /// Where the recording ends.
    End,
}

/// A step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepArguments {
    /// Which way.
    pub direction: Way,
    /// How far.
    pub unit: StepUnit,
    /// What becomes of calls on the way. Left out: over them; into a hostcall.
    #[serde(default)]
    pub kind: Option<StepKind>,
    /// A WIT path, with `*`: which hostcalls count.
    #[serde(default)]
    pub filter: String,
    /// Whether only failed hostcalls, or failed requests, count.
    #[serde(default)]
    pub failed: bool,
    /// Whether, where no filter says what is meant, the component model's own built-ins count
    /// as hostcalls.
    #[serde(default)]
    pub builtins: bool,
    /// Over a hostcall to where the program is told of its result, where that comes later than it
    /// returns; backward from there to the hostcall.
    #[serde(default)]
    pub result: bool,
    /// Out of which frame; absent means the innermost one.
    #[serde(default)]
    pub frame_id: Option<i64>,
    /// Which thread; absent: the one that was moved last.
    #[serde(default)]
    pub thread_id: Option<i64>,
}

/// How far a step goes.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepUnit {
    /// To another line.
    Line,
    /// To another instruction.
    Instruction,
    /// To another hostcall.
    Hostcall,
    /// To where another request comes in; only `failed` counts besides.
    Request,
}

/// Whether a step goes into calls.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// Into the next call.
    Into,
    /// Over calls.
    Over,
    /// Out of the function.
    Out,
}

/// Which mark: of `rr/mark` and `rr/unmark`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MarkArguments {
    /// Its name; left out of `rr/mark`, the first number that is free.
    pub name: Option<String>,
}

/// A moment with a name.
#[derive(Debug, Serialize)]
pub struct ToldMark {
    /// As it was given.
    pub name: String,
    /// The moment.
    pub moment: ToldMoment,
}

/// All marks.
#[derive(Debug, Serialize)]
pub struct MarksResponse {
    /// In the order of time.
    pub marks: Vec<ToldMark>,
}

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

/// A question about the whole recording.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AskArguments {
    /// As it is written at the console.
    pub question: String,
    /// The frame that expressions are meant in; absent means the innermost.
    pub frame_id: Option<i64>,
}

/// What the recording answers.
#[derive(Debug, Serialize)]
pub struct AskResponse {
    /// The word that the question begins with.
    pub question: &'static str,
    /// The answer, made as the question says.
    pub answer: serde_json::Value,
    /// The same in words.
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

/// Bytes whose change is looked for: at an address, or those of an expression.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhoWroteArguments {
    /// The address of the bytes; if it is there, `expression` does not count.
    pub memory_reference: Option<String>,
    /// How many bytes from the address; absent means 4.
    pub count: Option<u64>,
    /// One whose value is in memory.
    pub expression: Option<String>,
    /// The frame to evaluate it in; absent means the innermost.
    pub frame_id: Option<i64>,
    /// To the change before this moment, or to the one after it.
    pub direction: Way,
    /// Whether writes of the same value count, too.
    pub all: bool,
}
