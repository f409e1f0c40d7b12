//! What a trace says about the run besides its events.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The settings of the recorded run. Every member is always written: between processes they are
/// told apart by their order alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    /// The program's file name.
    pub program: String,
    /// Its arguments, without the program's name.
    pub args: Vec<String>,
    /// The environment it was given.
    pub env: Vec<(String, String)>,
    /// Whether the values of the environment were left out here.
    pub env_redacted: bool,
    /// Preopened directories, `HOST::GUEST`.
    pub dirs: Vec<String>,
    /// The call made, if it was not the command's `run`.
    pub invoke: Option<String>,
    /// WASI switches that did not stand as they do by default, `NAME=VALUE`.
    pub switches: Vec<String>,
    /// What wrote the trace: `rr-dap 0.1.0, wasmtime 48`.
    pub recorder: String,
    /// Settings of the engine that shape execution.
    pub engine: BTreeMap<String, String>,
    /// When the run began, in seconds since the Unix epoch.
    pub started: u64,
    /// Nanoseconds of the next second: hosts' times count from there.
    pub started_nanos: u32,
    /// Which of the instances of a service it was, from 1; 0 if it was none.
    pub instance: u64,
    /// The texts of the program's own sources, as far as they are carried along.
    pub sources: Vec<CarriedSource>,
    /// The seed by which the indices of its handles were shuffled; `None` if they are as the
    /// runtime gives them.
    pub handles: Option<u32>,
    /// The seed by which the host chose among what WASI leaves to it; `None` if it did what
    /// hosts do.
    pub chaos: Option<u32>,
}

/// A source that a recording carries along.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CarriedSource {
    /// As the debug information names it.
    pub path: String,
    /// All of it, as it was when the run was recorded.
    pub text: String,
}

/// What stands for a result that WAVE has no words for: handles, maps.
pub const UNTOLD: &str = "(a value that WAVE cannot tell)";

impl Metadata {
    /// Whether `rr-dap record` was the host, so that what the host does is known; of others
    /// only they know what made them end a run as they did.
    pub fn is_of_own_host(&self) -> bool {
        self.recorder.starts_with("rr-dap ")
    }
}

/// How a recorded run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "how", content = "what")]
pub enum Outcome {
    /// The call returned; for a command, whether it said it succeeded.
    Returned {
        /// `false` if a command's `run` answered an error.
        success: bool,
        /// A call's result, as WAVE; `None` for a command, and where the outcome is inferred.
        result: Option<String>,
    },
    /// The guest called exit with this status.
    Exited(i32),
    /// The guest trapped.
    Trapped(String),
    /// The host failed a crossing.
    HostError(String),
    /// The run was stopped from outside.
    Interrupted,
    /// The recording stops here although the run may have gone on.
    CutOff,
    /// The recording is still being written: nobody knows yet. No recording says so itself.
    #[serde(skip_deserializing)]
    GoesOn,
}

impl Outcome {
    /// Whether the run may have gone on after the last event: nothing says where in
    /// the guest's code it ended.
    pub fn may_go_on(&self) -> bool {
        matches!(
            self,
            Outcome::CutOff | Outcome::Interrupted | Outcome::GoesOn
        )
    }

    /// The exit status a shell would see.
    pub fn exit_code(&self) -> i32 {
        match self {
            Outcome::Returned { success: true, .. } => 0,
            Outcome::Returned { success: false, .. } => 1,
            Outcome::Exited(code) => *code,
            // As `wasmtime run` ends on a trap: the status of SIGABRT.
            Outcome::Trapped(_) => 134,
            Outcome::HostError(_) | Outcome::CutOff => 1,
            Outcome::Interrupted => 130,
            Outcome::GoesOn => 0,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Returned {
                result: Some(result),
                ..
            } => write!(f, "returned {result}"),
            Outcome::Returned { success: true, .. } => f.write_str("returned"),
            Outcome::Returned { success: false, .. } => f.write_str("returned an error"),
            Outcome::Exited(code) => write!(f, "exited with status {code}"),
            Outcome::Trapped(message) => write!(f, "trapped: {message}"),
            Outcome::HostError(message) => write!(f, "failed in the host: {message}"),
            Outcome::Interrupted => f.write_str("interrupted"),
            Outcome::CutOff => f.write_str("cut off: nothing tells how the run ended"),
            Outcome::GoesOn => f.write_str("goes on: the recording is still being written"),
        }
    }
}
