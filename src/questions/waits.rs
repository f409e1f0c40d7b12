//! `waits`: who waits for whom, and who waits for ever.

use super::leaks::once_known;
use super::{Asked, Question, QuestionError};
use crate::debuggee::Past;
use crate::inspect::tasks::Waits;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Who waits for whom where it is asked?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// As a graph for Graphviz.
    pub dot: bool,
}

/// That.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitsAnswer {
    /// Tasks, what they wait for, and who is to do it.
    #[serde(flatten)]
    pub waits: Waits,
    #[serde(skip)]
    dot: bool,
}

impl Waiting {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If it is not understood.
    pub fn read(text: &str) -> Result<Waiting, QuestionError> {
        match text.trim() {
            "" => Ok(Waiting { dot: false }),
            "dot" => Ok(Waiting { dot: true }),
            other => Err(QuestionError::wrong(format!(
                "`{other}` is not understood: only `dot` may follow, for a graph in Graphviz's language"
            ))),
        }
    }
}

impl Question for Waiting {
    type Answer = WaitsAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<WaitsAnswer, QuestionError> {
        let shown = once_known(asked, |debuggee| Past::tasks(debuggee, false))?;
        Ok(WaitsAnswer {
            waits: shown.waits,
            dot: self.dot,
        })
    }
}

impl Display for WaitsAnswer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.dot {
            true => f.write_str(self.waits.dot().trim_end()),
            false => write!(f, "{}", self.waits),
        }
    }
}
