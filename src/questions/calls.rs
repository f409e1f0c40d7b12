//! `calls FUNCTION`: how often a function or a hostcall was called, by whom, with what.

use super::rows::{Part, Row, Shown, cut, how_often};
use super::visits::{USUAL, shown, tell};
use super::{Asked, Question, QuestionError, Words};
use crate::debuggee::{EvaluateContext, Format, Travels, VisitsOf, Window};
use crate::replay::Phase;
use crate::timeline::ToldVisit;
use crate::timeline::travel::motion::{Direction, HostcallFilter, Motion};
use serde::Serialize;

/// How often was something called?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// The name of a function, or a part of a hostcall's path.
    pub name: String,
    /// What must hold for a call to count.
    pub condition: Option<String>,
    /// Which of them are told.
    pub part: Part,
}

/// How often it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallsAnswer {
    /// What was called, as it was understood.
    pub function: String,
    /// What had to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The calls.
    #[serde(flatten)]
    pub calls: Shown<Row>,
}

impl Calls {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If there is no name.
    pub fn read(text: &str) -> Result<Calls, QuestionError> {
        let words = Words::read(text, &[])?;
        if words.rest.is_empty() {
            return Err(QuestionError::wrong("name a function"));
        }
        Ok(Calls {
            part: words.part(USUAL),
            name: words.rest,
            condition: words.condition,
        })
    }
}

impl Question for Calls {
    type Answer = CallsAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<CallsAnswer, QuestionError> {
        let of = VisitsOf::Function(self.name.clone());
        let told = tell(asked, of, self.condition.as_deref(), self.part, Vec::new())?;
        let function = told.place.clone();
        let calls = shown(asked, told, self.part, call_here)?;
        Ok(CallsAnswer {
            function,
            condition: self.condition.clone(),
            calls,
        })
    }
}

/// The call where the debuggee stands, with what came of it.
fn call_here(asked: &mut Asked<'_>, visit: &ToldVisit) -> Result<Row, QuestionError> {
    let row = Row::here(asked, visit)?;
    // What it never returned is not told.
    let result = returned(asked).or_else(|error| match asked.interrupt.is_raised() {
        true => Err(error),
        false => Ok(None),
    })?;
    Ok(Row { result, ..row })
}

/// What the call returns that has begun where the debuggee stands.
fn returned(asked: &mut Asked<'_>) -> Result<Option<String>, QuestionError> {
    let window = Window {
        start: 0,
        levels: Some(1),
    };
    let frames = asked.debuggee.frames(window)?;
    let Some(frame) = frames.frames.first() else {
        return Ok(None);
    };
    let (motion, name) = match asked.debuggee.here().position.phase {
        Phase::Calling => (
            Motion::OverHostcall(Direction::Forward, HostcallFilter::ANY),
            "$result",
        ),
        _ => (
            asked.debuggee.out_of(frame.id, Direction::Forward)?,
            "$return",
        ),
    };
    Travels::travel(asked.debuggee, &motion, asked.output, asked.interrupt)?;
    let format = Format::default();
    let value = asked
        .debuggee
        .evaluate(name, None, EvaluateContext::Watch, format)?;
    Ok(Some(cut(&value.value)))
}

impl std::fmt::Display for CallsAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = match self.function.starts_with("hostcalls ") {
            true => "were called",
            false => "was called",
        };
        f.write_str(&how_often(&self.function, how, self.calls.count))?;
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        write!(f, "{}", self.calls)
    }
}
