//! What is wrong with an expression, and where in it.

use crate::inspect::variable::place::Unavailable;
use crate::source::SourceError;
use std::ops::Range;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    /// What is wrong with the part at `at`.
    pub fault: Box<Fault>,
    /// The part that has no value, in bytes of the text.
    pub at: Range<usize>,
    /// The whole expression.
    pub text: String,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The text is not an expression from here on.
    #[error("{wanted} is expected here")]
    Syntax {
        /// What would go on from here: words, or a token in backquotes.
        wanted: &'static str,
    },
    /// A whole expression has been read, and what follows does not continue it.
    #[error("nothing may follow here")]
    Trailing,
    /// `=`, `+=`, `++` and the like.
    #[error(
        "a recording can be looked at but not changed: the past is what it was (to compare, write `==`)"
    )]
    Assignment,
    /// What follows a comma, with it.
    #[error("`{0}` is not a format: there are ,x ,d ,u ,o ,b ,c ,s and ,[COUNT]")]
    NoFormat(String),
    /// A parenthesis behind an expression, as in `f(x)`.
    #[error("functions cannot be called in a recording; set a breakpoint in it or step into it")]
    Call,
    /// `len()` and the like of what is made of no elements: its type, or itself.
    #[error("{0} has no elements that could be counted")]
    NoLength(String),
    /// `unwrap()` and the like of what is empty or an error, as it is shown.
    #[error("there is no value in `{0}`")]
    NothingHeld(String),
    /// The name, which is of no variable, no static and, at a hostcall, no argument.
    #[error("no variable `{0}` is in scope here")]
    Unknown(String),
    /// The name, which is of no variable that can be seen here, and of no type.
    #[error("no variable in scope here, no type and no function is named `{0}`")]
    Undeclared(String),
    /// The name, with its dollar sign, where none such has a meaning.
    #[error(
        "there is no `{0}`; there are $event, $tick, $position, $pc, $local0, $stack0, $global0, $mem[ADDRESS; LENGTH], after a step out $return, at a hostcall $arg.NAME, $result and $arrived, and in a system $node.NAME.event"
    )]
    UnknownSpecial(String),
    /// `$node` where one recording alone is debugged.
    #[error("one recording alone is debugged here; `$node` speaks of others of a system")]
    Alone,
    /// `$node` with a name that no other recording has.
    #[error("no other node is named `{name}`; there are {known}")]
    NoNode {
        /// As the expression has it.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// `$return` where the session has not just stepped out of a function that returns
    /// something.
    #[error(
        "nothing has just been returned here; `$return` is there after a step out of a function that returns a value"
    )]
    NothingReturned,
    /// The name of the type that a cast or `sizeof` asks for.
    #[error("no type `{0}` is in the debug information")]
    UnknownType(String),
    /// A cast to two or more pointers deep; `T` of that `T **`.
    #[error("a cast to a pointer to a pointer is not understood; cast to `{0} *` and follow it")]
    PointerToPointer(String),
    /// A value has no field, case or part of this name.
    #[error("`{of}` has no field `{name}`; it has {known}")]
    NoField {
        /// The value: its type, or itself where it has none in the debug information.
        of: String,
        /// As the expression has it.
        name: String,
        /// The names that there are, 20 at most, or `none`.
        known: String,
    },
    /// `$arg` with a name that no argument has.
    #[error("the hostcall {hostcall} has no argument `{name}`; it has {known}")]
    NoArgument {
        /// Its WIT name.
        hostcall: String,
        /// As the expression has it.
        name: String,
        /// The names of its arguments, 20 at most, or `none`.
        known: String,
    },
    /// `$arg` or `$result` where the guest is in no hostcall.
    #[error("the guest is in no hostcall here; `$arg` and `$result` are those of a hostcall")]
    NoHostcall,
    /// `$arrived` in a calculation, or where replayers evaluate.
    #[error("`$arrived` and what is in it can be looked at, but not calculated with or waited for")]
    ArrivedAlone,
    /// `$result` of a hostcall that has none or was not answered; its WIT name.
    #[error("the hostcall {0} has no result, or the recording does not have it")]
    NoResult(String),
    /// An index or a range beyond the elements of a value.
    #[error("index {index} is out of range: there are {count} elements")]
    OutOfRange {
        /// The index, or the end of the range; it may be negative.
        index: i128,
        /// How many elements there are; 0 also where no address can be worked out.
        count: u64,
    },
    /// A range that ends before it begins.
    #[error("the range {from}..{to} ends before it begins")]
    Backward {
        /// Its first index.
        from: i128,
        /// The one after its last.
        to: i128,
    },
    /// No key is the index; how many the map has.
    #[error("none of the {0} keys is this")]
    NoKey(u64),
    /// None of the keys that were compared is the index.
    #[error("none of the first {compared} of {of} keys is this; no more are compared")]
    KeyNotReached {
        /// How many were.
        compared: u64,
        /// How many the map has.
        of: u64,
    },
    /// An element of a component-level list that is beyond what was lifted of it.
    #[error("only the beginning of a long list can be indexed; unfold the list to see more")]
    NotLifted,
    /// What an index, `*`, a cast or `sizeof` does not apply to: its type or, without one,
    /// its value.
    #[error("{0} is not a pointer, an array or a slice")]
    NotIndexable(String),
    /// A pointer, by its type, whose target is asked for.
    #[error("this `{0}` is null: it points to nothing")]
    Null(String),
    /// What stands where a number has to.
    #[error("{0} is not a number")]
    NotANumber(String),
    /// A bitwise operator with a number that is not whole by its type.
    #[error("bits are those of whole numbers; cast it first, as in `(int)x`")]
    NotWhole,
    /// `*` of a number, which has no type to read there; the operand as it is written.
    #[error("cast an address to a pointer first, as in `*(int *){0}`")]
    Untyped(String),
    /// `&` of what is not in memory.
    #[error("only a value in memory has an address; this one is in a local or a constant")]
    NoAddress,
    /// Of whole numbers, by `/` or `%`; others follow IEEE 754.
    #[error("this cannot be divided by zero")]
    DivisionByZero,
    /// A number outside 128 bits, an address outside 64, or a length that `$mem` does not show.
    #[error("the number is too large")]
    TooLarge,
    /// The two sides of `<` or the like, by type or value, that have no order.
    #[error("{0} and {1} cannot be compared")]
    Incomparable(String, String),
    /// More than 48 levels of parentheses and operators inside each other.
    #[error("the expression is nested too deeply")]
    TooDeep,
    /// Variables or types were asked for; what can be named instead.
    #[error("this code has no debug information, so it has no variables; there are {0}")]
    NoSource(&'static str),
    /// Variables or the core level were asked for where no guest code runs.
    #[error("there is no guest code on the stack here")]
    NoFrame,
    /// A local, operand or global with an index that the frame has nothing at.
    #[error("there is no such value at the core level of this frame")]
    NoRegister,
    /// The bytes of a value cannot be had.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
    /// The debug information does not cover the place, or is damaged.
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
