//! Arguments that are taken with less than the protocol asks for: what is left out of them
//! makes no difference here.

use super::SteppingGranularity;
use serde::Deserialize;

/// What `initialize` says of the client, as far as it changes what we send.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientFeatures {
    /// What the client calls itself.
    #[serde(rename = "clientID")]
    pub client_id: Option<String>,
    /// Whether its first line is 1, as it is if this is absent, or 0.
    #[serde(rename = "linesStartAt1")]
    pub lines_start_at_1: Option<bool>,
    /// Whether its first column is 1, as it is if this is absent, or 0.
    #[serde(rename = "columnsStartAt1")]
    pub columns_start_at_1: Option<bool>,
    /// How it writes the places of sources: only `path` is understood.
    pub path_format: Option<String>,
    /// Whether it is told of progress, by `progressStart` and so on.
    pub supports_progress_reporting: bool,
    /// Whether it is sent the types of values.
    pub supports_variable_type: bool,
    /// Whether it is sent the addresses of values.
    pub supports_memory_references: bool,
    /// Whether it is sent `invalidated` after a jump through time.
    pub supports_invalidated_event: bool,
    /// Not of the protocol: whether stops wait, for a while, until it is known what the program
    /// has printed up to there.
    pub waits_for_output: bool,
}

/// Arguments of every motion. Which thread matters only where there are several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MotionArguments {
    /// Of whom.
    pub thread_id: Option<i64>,
    /// Whether only that one may run.
    pub single_thread: Option<bool>,
    /// How far a step goes: `statement` means a line, too, and so does none.
    pub granularity: Option<SteppingGranularity>,
    /// Of `stepIn`: one of `stepInTargets`.
    pub target_id: Option<i64>,
}

/// What a data breakpoint is meant for. The crate's type lacks addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataBreakpointInfoArguments {
    /// The group of values that `name` is in; without it, `name` is an expression.
    pub variables_reference: Option<i64>,
    /// The name of a value, an expression, or, with `as_address`, an address in memory.
    pub name: String,
    /// The frame to evaluate an expression in; absent means the innermost.
    pub frame_id: Option<i64>,
    /// How many bytes from an address; absent means 4.
    pub bytes: Option<u64>,
    /// Whether `name` is an address.
    pub as_address: Option<bool>,
}
