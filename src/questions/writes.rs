//! `writes EXPRESSION`: every write of a value in memory.

use super::rows::{Part, Shown, how_often, own_frame};
use super::visits::{USUAL, shown, tell};
use super::{Asked, Moment, Question, QuestionError, Words};
use crate::debuggee::{DataMeant, DebuggeeError, VisitsOf, Whole};
use crate::timeline::ToldVisit;
use crate::timeline::travel::motion;
use serde::Serialize;

/// Who wrote a value, and when?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writes {
    /// What is written, as seen from where the question is asked.
    pub expression: String,
    /// Which writes count.
    pub writes: motion::Writes,
    /// Which of them are told.
    pub part: Part,
}

/// Who did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WritesAnswer {
    /// What is written: `total (4 bytes at 0x1f4)`.
    pub of: String,
    /// Whether writes of the same value count.
    pub all: bool,
    /// The writes.
    #[serde(flatten)]
    pub writes: Shown<Write>,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// Which one it is, from 1.
    pub number: u64,
    /// Right after it.
    pub moment: Moment,
    /// `apply at ledger.c:50`, or a hostcall; `None` where nobody is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `balance: 3 -> 4`
    pub change: String,
}

impl Writes {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If there is no expression.
    pub fn read(text: &str) -> Result<Writes, QuestionError> {
        let words = Words::read(text, &["all"])?;
        if words.rest.is_empty() {
            return Err(QuestionError::wrong("write the value that you mean"));
        }
        if words.condition.is_some() {
            return Err(QuestionError::wrong("there is no --where here"));
        }
        Ok(Writes {
            part: words.part(2 * USUAL),
            writes: match words.has("all") {
                true => motion::Writes::All,
                false => motion::Writes::Changing,
            },
            expression: words.rest,
        })
    }
}

impl Question for Writes {
    type Answer = WritesAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<WritesAnswer, QuestionError> {
        let frame = own_frame(asked)?;
        let data = asked.debuggee.data(&DataMeant::Expression {
            text: self.expression.clone(),
            frame,
        });
        let data = data.map_err(|error| match error {
            DebuggeeError::Other(why) if why.starts_with('<') => {
                DebuggeeError::other(format!("`{}` is {why} here", self.expression))
            }
            other => other,
        })?;
        let of = VisitsOf::Writes(data.id, self.writes);
        let told = tell(asked, of, None, self.part, Vec::new())?;
        let writes = shown(asked, told, self.part, |asked, visit: &ToldVisit| {
            let told = Whole::write_here(asked.debuggee);
            let (by, change) = told.unwrap_or_default();
            Ok(Write {
                number: visit.number,
                moment: Moment::here(asked),
                by,
                change,
            })
        })?;
        Ok(WritesAnswer {
            of: data.description,
            all: self.writes == motion::Writes::All,
            writes,
        })
    }
}

impl std::fmt::Display for Write {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:<6} {}  ", self.number, self.moment)?;
        match &self.by {
            Some(by) => write!(f, "{by}: {}", self.change),
            None => write!(f, "{}", self.change),
        }
    }
}

impl std::fmt::Display for WritesAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.all { "was written" } else { "changed" };
        f.write_str(&how_often(&self.of, verb, self.writes.count))?;
        write!(f, "{}", self.writes)
    }
}
