//! Ask: what the whole recording answers.
//!
//! A question is a type with its parameters, and its answer is a `Serialize` type made of moments,
//! values and words; one file each. Doors (the console, `rr/ask`, `rr-dap ask` and others) read a
//! question from text, and show the answer as text or as JSON: they add nothing. Every moment in an
//! answer can be given to `seek`.
//!
//! Who asks hands in a debuggee that the question may move about in: a session's twin
//! ([`Whole::twin`](crate::debuggee::Whole::twin)), or one that has nothing else to do.

mod calls;
mod causes;
mod diff;
mod error;
mod hottest;
mod leaks;
mod memory;
mod moment;
mod origin;
mod places;
mod read;
mod rows;
mod values;
mod visits;
mod waits;
mod why;
mod writes;

pub use calls::{Calls, CallsAnswer};
pub use causes::{Cause, Causes};
pub use diff::{Diff, DiffAnswer, Parting, Standing, ToldOtherwise};
pub use error::QuestionError;
pub use hottest::{Hot, Hottest, HottestAnswer};
pub use leaks::{LeakedHandles, Leaks, LeaksAnswer, Left};
pub use memory::{Growth, HeapAnswer, HeapRow, Memory, MemoryAnswer};
pub use moment::Moment;
pub use origin::OriginOf;
pub use read::{Asking, Kind, Words, kinds, of_words, read};
pub use rows::{Argument, Part, Row, Shown};
pub use values::{Different, Values, ValuesAnswer, ValuesOf};
pub use visits::{Visits, VisitsAnswer};
pub use waits::{Waiting, WaitsAnswer};
pub use why::Why;
pub use writes::{Write, Writes, WritesAnswer};

use crate::debuggee::{Debuggee, FrameId, Output};
use crate::timeline::Interrupt;
use serde::Serialize;
use std::fmt::{Debug, Display};

/// Something that the whole recording answers.
pub trait Question: Debug + Send + Sync {
    /// What it answers: as JSON for programs, in words for people.
    type Answer: Serialize + Display;

    /// Answers it. Where the debuggee stands afterwards is not said.
    ///
    /// # Errors
    ///
    /// If it makes no sense here, if the recording cannot be replayed, or if interrupted.
    fn answer(&self, asked: &mut Asked<'_>) -> Result<Self::Answer, QuestionError>;
}

/// Who is asked.
pub struct Asked<'a> {
    /// It stands where the question is asked, and may be moved.
    pub debuggee: &'a mut dyn Debuggee,
    /// The frame that is looked at; `None`: the innermost one with variables.
    pub frame: Option<FrameId>,
    /// Where progress is told.
    pub output: &'a dyn Output,
    /// Raised to give the question up.
    pub interrupt: &'a Interrupt,
}

/// An answer as every door can show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The word that the question begins with.
    pub question: &'static str,
    /// The answer, for programs.
    pub answer: serde_json::Value,
    /// The same in words.
    #[serde(skip)]
    pub text: String,
}
