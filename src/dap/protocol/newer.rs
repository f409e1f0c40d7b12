//! What the protocol has gained since the version that the `dap` crate knows.

use super::{Capabilities, Variable};
use serde::{Deserialize, Serialize};

/// What `initialize` says of the client, as far as it changes what we send.
///
/// The crate's type insists on `adapterID`, which nothing here depends on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientFeatures {
    #[serde(rename = "linesStartAt1")]
    pub lines_start_at_1: Option<bool>,
    #[serde(rename = "columnsStartAt1")]
    pub columns_start_at_1: Option<bool>,
    pub path_format: Option<String>,
    pub supports_progress_reporting: bool,
    pub supports_variable_type: bool,
    pub supports_memory_references: bool,
    pub supports_invalidated_event: bool,
}

/// The declared capabilities, with the newer ones.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredCapabilities {
    #[serde(flatten)]
    pub known: Capabilities,
    #[serde(
        rename = "supportsANSIStyling",
        skip_serializing_if = "Option::is_none"
    )]
    pub supports_ansi_styling: Option<bool>,
    pub supports_data_breakpoint_bytes: bool,
    /// Not of the protocol: that there are `rr/` requests.
    pub rr_dap: Extension,
}

/// The version of the requests beyond the protocol.
#[derive(Debug, Clone, Serialize)]
pub struct Extension {
    pub version: u32,
}

impl Default for Extension {
    fn default() -> Self {
        Extension { version: 1 }
    }
}

/// A variable, with the places to jump to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocatedVariable {
    #[serde(flatten)]
    pub known: Variable,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration_location_reference: Option<i64>,
}

/// What the program printed, with where that came from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocatedOutput {
    pub category: super::OutputEventCategory,
    pub output: String,
    pub location_reference: i64,
}

/// Asks where a location reference points.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsArguments {
    pub location_reference: i64,
}

/// Where a location reference points.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsResponse {
    pub source: super::Source,
    pub line: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
}

/// Arguments of every motion, of which only the granularity matters: there is
/// one thread. The crate's `continue` types lack it although clients send it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MotionArguments {
    pub granularity: Option<super::SteppingGranularity>,
    /// Of `stepIn`: one of `stepInTargets`.
    pub target_id: Option<i64>,
}

/// What a data breakpoint is meant for; the crate's type lacks addresses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DataBreakpointInfoArguments {
    pub variables_reference: Option<i64>,
    pub name: String,
    pub frame_id: Option<i64>,
    pub bytes: Option<u64>,
    pub as_address: Option<bool>,
}

/// A call to step into.
#[derive(Debug, Clone, Serialize)]
pub struct StepInTarget {
    pub id: i64,
    pub label: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct StepInTargetsResponse {
    pub targets: Vec<StepInTarget>,
}

/// One of the two ways through time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    Forward,
    #[default]
    Backward,
}

/// `rr/whoWrote`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WhoWroteArguments {
    pub memory_reference: Option<String>,
    pub count: Option<u64>,
    pub expression: Option<String>,
    pub frame_id: Option<i64>,
    pub direction: Way,
}
