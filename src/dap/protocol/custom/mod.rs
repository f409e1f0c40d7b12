//! Requests beyond the protocol: time, for editor plugins. `docs/custom-requests.md` is
//! their contract.

mod lists;

pub use lists::*;

use super::Capabilities;
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
