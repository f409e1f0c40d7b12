//! What is wrong with an expression, and where in it.

use super::super::place::Unavailable;
use crate::source::SourceError;
use std::ops::Range;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    pub fault: Box<Fault>,
    /// The part that has no value, in bytes of the text.
    pub at: Range<usize>,
    /// The whole expression.
    pub text: String,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{wanted} is expected here")]
    Syntax { wanted: &'static str },
    #[error("nothing may follow here")]
    Trailing,
    #[error(
        "a recording can be looked at but not changed: the past is what it was (to compare, write `==`)"
    )]
    Assignment,
    #[error("functions cannot be called in a recording; set a breakpoint in it or step into it")]
    Call,
    #[error("no variable `{0}` is in scope here")]
    Unknown(String),
    #[error(
        "there is no `{0}`; there are $event, $tick, $position, $local0, $stack0, $global0, $mem[ADDRESS; LENGTH], and at a hostcall $arg.NAME and $result"
    )]
    UnknownSpecial(String),
    #[error("no type `{0}` is in the debug information")]
    UnknownType(String),
    #[error("a cast to a pointer to a pointer is not understood; cast to `{0} *` and follow it")]
    PointerToPointer(String),
    #[error("`{of}` has no field `{name}`; it has {known}")]
    NoField {
        of: String,
        name: String,
        known: String,
    },
    #[error("the hostcall {hostcall} has no argument `{name}`; it has {known}")]
    NoArgument {
        hostcall: String,
        name: String,
        known: String,
    },
    #[error("the guest is in no hostcall here; `$arg` and `$result` are those of a hostcall")]
    NoHostcall,
    #[error("the hostcall {0} has no result, or the recording does not have it")]
    NoResult(String),
    #[error("index {index} is out of range: there are {count} elements")]
    OutOfRange { index: i128, count: u64 },
    #[error("none of the {0} keys is this")]
    NoKey(u64),
    #[error("only the beginning of a long list can be indexed; unfold the list to see more")]
    NotLifted,
    #[error("{0} is no pointer, array or slice")]
    NotIndexable(String),
    #[error("{0} is no number")]
    NotANumber(String),
    #[error("cast an address to a pointer first, as in `*(int *){0}`")]
    Untyped(String),
    #[error("only a value in memory has an address; this one is in a local or a constant")]
    NoAddress,
    #[error("this cannot be divided by zero")]
    DivisionByZero,
    #[error("the number is too large")]
    TooLarge,
    #[error("{0} and {1} cannot be compared")]
    Incomparable(String, String),
    #[error("the expression is nested too deeply")]
    TooDeep,
    #[error("this code has no debug information, so it has no variables; there are {0}")]
    NoSource(&'static str),
    #[error("there is no guest code on the stack here")]
    NoFrame,
    #[error("there is no such value at the core level of this frame")]
    NoRegister,
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl ExpressionError {
    /// The part that has no value.
    pub fn part(&self) -> &str {
        self.text.get(self.at.clone()).unwrap_or_default()
    }

    /// The column of that part, in characters, from 1.
    pub fn column(&self) -> usize {
        let before = self.text.get(..self.at.start).unwrap_or(&self.text);
        before.chars().count() + 1
    }
}

impl std::fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fault.fmt(f)?;
        if self.part() == self.text.trim() {
            return Ok(());
        }
        let column = self.column();
        match self.part().trim() {
            "" => write!(f, " (column {column} of `{}`)", self.text),
            part => write!(f, " (`{part}`, column {column} of `{}`)", self.text),
        }
    }
}

impl std::error::Error for ExpressionError {}
