//! Where a value comes from, as it is told: the copies that led here, and what there was before
//! the first of them.

use serde::Serialize;

/// A moment, with what code runs there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeMoment {
    /// As [`Position`](crate::replay::Position) reads it.
    pub position: String,
    /// Calls out of the guest before it; at one, its own number.
    pub event: u64,
    /// The function, spelled as its language does; empty where no code of the guest runs.
    pub function: String,
    /// The source, as the debug information names it.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// What was asked for, as it was written.
    pub of: String,
    /// What it holds there.
    pub value: String,
    /// Where that was asked.
    pub at: CodeMoment,
    /// The way back.
    #[serde(flatten)]
    pub way: Way,
}

/// A way back to where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The copies, the newest first.
    pub copies: Vec<Copied>,
    /// What was before the first of them.
    pub end: WayEnd,
}

/// A value was copied, and stayed what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Where: before the instruction that does it.
    pub at: CodeMoment,
    /// How.
    pub how: CopiedHow,
    /// The bytes of memory that it was stored to or read from, as an expression for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

/// How a value was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CopiedHow {
    /// Into memory: into this variable, if it is one.
    Stored(Option<String>),
    /// Out of memory: out of this variable, if it is one.
    Read(Option<String>),
    /// With all that lies around it, from elsewhere in memory: by an instruction, or by this
    /// function.
    Moved(String),
    /// As the argument of a function.
    Given {
        /// The function.
        to: String,
        /// The parameter, if it has a name.
        parameter: Option<String>,
    },
    /// As what this function returned.
    Returned(String),
    /// Into a global of the core module.
    Kept(u32),
    /// With fewer bytes than it had, which changed it: what it was before.
    Cut(String),
}

/// Where a way back ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WayEnd {
    /// The program says it.
    Constant {
        /// Where.
        at: CodeMoment,
        /// The number.
        value: String,
    },
    /// It was made of other values.
    Computed {
        /// Where.
        at: CodeMoment,
        /// `+`, or the instruction's name.
        operation: String,
        /// What the source has on that line.
        text: Option<String>,
        /// Of what.
        inputs: Vec<Input>,
    },
    /// A call out of the guest brought it.
    Hostcall {
        /// Where it was answered.
        at: CodeMoment,
        /// The number of the call.
        event: u64,
        /// Its WIT path.
        name: String,
        /// Which part of its result, as `result.ok[3]`.
        part: String,
        /// That part, as WAVE writes it.
        value: Option<String>,
        /// The bytes, as they are in memory, in hexadecimal.
        bytes: Option<String>,
    },
    /// Whoever called the guest gave it.
    Argument {
        /// Where the guest began.
        at: CodeMoment,
        /// The WIT path of the function that was called.
        name: String,
        /// Which of its arguments, or which part of one.
        part: String,
        /// That part, as WAVE writes it.
        value: Option<String>,
    },
    /// It was there before any code ran.
    Initial {
        /// `data of accounts`, `zeros`, …
        what: String,
    },
    /// It was put together of parts.
    Parts(Vec<PartOfValue>),
    /// Nobody can tell.
    Unknown {
        /// Up to here it was followed.
        at: CodeMoment,
        /// Why not further.
        why: String,
    },
}

/// What a value was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// What it is in the source, or where it was on the operand stack.
    pub name: String,
    /// What it was.
    pub value: String,
    /// What to ask for to go on from there; `None` for a constant.
    pub ask: Option<String>,
}

/// Some bytes of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartOfValue {
    /// The first of them, counted from the value's own first.
    pub from: u64,
    /// How many.
    pub bytes: u64,
    /// The way back of these.
    #[serde(flatten)]
    pub way: Way,
}
