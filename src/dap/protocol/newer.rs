//! What the protocol has gained since the version that the `dap` crate knows.

use super::{Capabilities, StackFrameFormat, StackTraceArguments, Variable};
use serde::{Deserialize, Serialize};

/// What `initialize` says of the client, as far as it changes what we send.
///
/// The crate's type insists on `adapterID`, which nothing here depends on.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientFeatures {
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
}

/// The declared capabilities, with the newer ones.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeclaredCapabilities {
    /// Those that the crate knows.
    #[serde(flatten)]
    pub known: Capabilities,
    /// `supportsANSIStyling`: whether texts hold escape sequences; absent means no.
    #[serde(
        rename = "supportsANSIStyling",
        skip_serializing_if = "Option::is_none"
    )]
    pub supports_ansi_styling: Option<bool>,
    /// Whether `dataBreakpointInfo` takes addresses, with a number of bytes.
    pub supports_data_breakpoint_bytes: bool,
    /// Not of the protocol: that there are `rr/` requests.
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

/// `stackTrace`, with a format whose values can be hexadecimal.
#[derive(Debug, Deserialize)]
pub struct FormattedStackTraceArguments {
    /// Which frames.
    #[serde(flatten)]
    pub known: StackTraceArguments,
    /// What their names hold; absent: the function alone.
    #[serde(default)]
    pub format: Option<NameFormat>,
}

/// What a client wants in the name of a frame. The crate's type lacks the part that it
/// has from `ValueFormat`.
#[derive(Debug, Deserialize)]
pub struct NameFormat {
    #[serde(flatten)]
    known: StackFrameFormat,
    #[serde(default)]
    hex: Option<bool>,
}

impl NameFormat {
    /// Whether to show parameters; who wants a part of them, wants them.
    pub fn parameters(&self) -> bool {
        let parts = [
            self.known.parameters,
            self.known.parameter_types,
            self.known.parameter_names,
            self.known.parameter_values,
        ];
        parts.contains(&Some(true)) && self.known.parameters != Some(false)
    }

    /// Whether parameters have their types.
    pub fn types(&self) -> bool {
        self.known.parameter_types == Some(true)
    }

    /// Whether parameters have their names: they do if nothing else is said of them.
    pub fn parameter_names(&self) -> bool {
        let others = self.types() || self.values();
        self.known.parameter_names.unwrap_or(!others)
    }

    /// Whether parameters have their values.
    pub fn values(&self) -> bool {
        self.known.parameter_values == Some(true)
    }

    /// Whether the values are hexadecimal.
    pub fn hex(&self) -> bool {
        self.hex == Some(true)
    }

    /// Whether to show the line.
    pub fn line(&self) -> bool {
        self.known.line == Some(true)
    }

    /// Whether to show the module.
    pub fn module(&self) -> bool {
        self.known.module == Some(true)
    }
}

/// A variable, with the places to jump to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocatedVariable {
    /// The variable as the crate knows it.
    #[serde(flatten)]
    pub known: Variable,
    /// What `locations` takes, to tell where it is declared; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declaration_location_reference: Option<i64>,
}

/// What the program printed, with where that came from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocatedOutput {
    /// `stdout` or `stderr`.
    pub category: super::OutputEventCategory,
    /// The text, with a replacement character for what is no UTF-8.
    pub output: String,
    /// What `locations` takes, to tell the line of the hostcall that wrote it.
    pub location_reference: i64,
}

/// Asks where a location reference points.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsArguments {
    /// One that came with a variable or with output.
    pub location_reference: i64,
}

/// Where a location reference points.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationsResponse {
    /// The file, or the text that is had by `source`.
    pub source: super::Source,
    /// Counted as the client counts.
    pub line: i64,
    /// Counted as the client counts; absent where only the line is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<i64>,
}

/// Arguments of every motion, of which only the granularity matters: there is
/// one thread. The crate's `continue` types lack it although clients send it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MotionArguments {
    /// How far a step goes: `statement` means a line, too, and so does none.
    pub granularity: Option<super::SteppingGranularity>,
    /// Of `stepIn`: one of `stepInTargets`.
    pub target_id: Option<i64>,
}

/// What a data breakpoint is meant for; the crate's type lacks addresses.
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

/// A call to step into.
#[derive(Debug, Clone, Serialize)]
pub struct StepInTarget {
    /// What `stepIn` takes as its `targetId`.
    pub id: i64,
    /// The callee's name, or its number where it has none.
    pub label: String,
}

/// The calls that the line of a frame has still to make.
#[derive(Debug, Clone, Serialize)]
pub struct StepInTargetsResponse {
    /// In the order of the code.
    pub targets: Vec<StepInTarget>,
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

/// `rr/whoWrote`
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
}
