//! Why a run failed, as it is told.

use super::origin::{CodeMoment, Input, Way};
use serde::Serialize;

/// How a run ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// As `trapped: …`, `exited with status 1`.
    pub outcome: String,
    /// Whether that is a failure.
    pub failed: bool,
    /// The end of the recording.
    pub end: CodeMoment,
    /// What went wrong.
    pub what: Fault,
    /// The same in words.
    pub told: String,
    /// Where in the program's own code; `None` where none of it runs.
    pub at: Option<CodeMoment>,
    /// The functions on the stack, the innermost first; some of them, if they are many.
    pub stack: Vec<String>,
    /// What the program had decided by, right before.
    pub decided: Option<Decided>,
    /// The value that was wrong, and where it comes from.
    pub value: Option<WrongValue>,
    /// The last call out of the guest that failed.
    pub failed_call: Option<FailedCall>,
    /// What was printed last on standard error, line by line.
    pub printed: Vec<String>,
    /// The tasks that had not ended where the run returned, and where they stand.
    pub waiting: Vec<String>,
    /// The same for all recordings that failed for the same reason: what went wrong, where, and
    /// where the wrong value comes from. Empty where nothing failed.
    pub cause: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fault {
    /// Nothing.
    Nothing,
    /// The program gave up, and said so: a panic, an assertion, an abort.
    GaveUp {
        /// What it said.
        message: String,
        /// Whether it panicked: else an assertion failed, or it aborted.
        panicked: bool,
    },
    /// An instruction that is there to fail.
    Unreachable,
    /// Memory that there is not was read or written.
    OutOfBounds {
        /// Whether it was written.
        written: bool,
        /// Of the first byte.
        address: u64,
        /// How large memory is, in bytes.
        memory: u64,
    },
    /// A function pointer that is null was called.
    NullCall,
    /// A function pointer that is none was called: no entry of the table, or one of another type.
    WildCall {
        /// The entry.
        entry: u64,
    },
    /// A division by zero.
    DivisionByZero,
    /// A number that does not fit where it was to go.
    Overflow,
    /// More calls in one another than there is stack for.
    StackOverflow {
        /// The functions that called each other.
        cycle: Vec<String>,
        /// How many frames there were.
        frames: usize,
    },
    /// Every task waits, and nothing that could wake one is under way.
    Deadlock {
        /// Who waits for whom.
        story: String,
        /// The functions whose calls wait.
        functions: Vec<String>,
    },
    /// A handle was used that was not one.
    Handle {
        /// Its story.
        story: String,
    },
    /// A rule of the component model was broken.
    Rule {
        /// What the runtime said.
        message: String,
        /// Which rule, by what, and what had come before.
        story: String,
    },
    /// Memory was asked for, and there was none.
    OutOfMemory {
        /// What was said of it.
        message: String,
    },
    /// The program ended itself with an error.
    Exit {
        /// Its status; `None` where it answered an error.
        status: Option<i32>,
    },
    /// The host failed, or something else.
    Other {
        /// What is known of it.
        message: String,
    },
}

/// A decision of the program's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// Where.
    pub at: CodeMoment,
    /// What the source has on that line.
    pub text: Option<String>,
    /// How values were compared: `<`, or the instruction's name.
    pub operation: String,
    /// What was compared.
    pub values: Vec<Input>,
}

/// A value that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongValue {
    /// What it is called.
    pub name: String,
    /// What it was.
    pub value: String,
    /// What to ask for to follow it.
    pub ask: Option<String>,
    /// Where it comes from.
    #[serde(flatten)]
    pub way: Way,
}

/// A call out of the guest that answered an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedCall {
    /// Its number.
    pub event: u64,
    /// Its WIT path.
    pub name: String,
    /// What it was given.
    pub arguments: String,
    /// What it answered.
    pub answer: String,
}
