//! `why`: why the run failed.

use super::origin::tell;
use super::{Asked, Question, QuestionError};
use crate::debuggee::Whole;
use crate::debuggee::failure::Failure;
use crate::debuggee::origin::Input;
use std::fmt::{self, Display, Formatter};

/// Why did the run fail?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why;

impl Why {
    /// Reads what follows the word: nothing.
    ///
    /// # Errors
    ///
    /// If something does.
    pub fn read(text: &str) -> Result<Why, QuestionError> {
        match text.trim() {
            "" => Ok(Why),
            more => Err(QuestionError::wrong(format!(
                "`{more}` is too much: the question is about the end of the run"
            ))),
        }
    }
}

impl Question for Why {
    type Answer = Failure;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<Failure, QuestionError> {
        let (output, interrupt) = (asked.output, asked.interrupt);
        Ok(Whole::failure(asked.debuggee, output, interrupt)?)
    }
}

/// A text with its first letter large.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.failed {
            let outcome = &self.outcome;
            write!(
                f,
                "Nothing failed at the end: the run {outcome}{}",
                self.end
            )?;
        } else {
            write!(f, "{}", sentence(&self.told))?;
            let at = self.at.as_ref().unwrap_or(&self.end).to_string();
            // What came before is told behind the fault; the place is that of the fault.
            let is_story = self.told.contains("; ") || self.told.contains(". ");
            if is_story && at.starts_with(" in ") {
                write!(f, "; that is")?;
            }
            write!(f, "{at}")?;
            if let Some(decided) = &self.decided {
                write!(f, "\nThe branch that led there is{}", decided.at)?;
                if let Some(text) = &decided.text {
                    write!(f, ": `{text}`")?;
                }
                // A comparison with a constant is in the text of the line.
                let open = decided.values.iter().filter(|value| value.ask.is_some());
                let values = open.map(|value| format!("{} was {}", value.name, value.value));
                let values: Vec<String> = values.collect();
                match (values.is_empty(), &decided.text, decided.values.as_slice()) {
                    (true, ..) => {}
                    (false, None, [one, other]) => {
                        let told = |value: &Input| match &value.ask {
                            Some(_) => format!("{} = {}", value.name, value.value),
                            None => value.value.clone(),
                        };
                        let (one, other) = (told(one), told(other));
                        write!(f, ", by {one} {} {other}", decided.operation)?;
                    }
                    _ => write!(f, ", as {}", values.join(" and "))?,
                }
            }
            if let Some(value) = &self.value {
                match value.name.starts_with('$') || value.name == value.value {
                    true => write!(f, "\nThe value that it took was {}", value.value)?,
                    false => write!(f, "\n{} was {}", value.name, value.value)?,
                }
                if let Some(ask) = &value.ask {
                    write!(f, " (origin {ask})")?;
                }
                tell(f, &value.way, "")?;
            }
            if self.stack.len() > 1 {
                write!(f, "\nThe stack: {}", self.stack.join(" ← "))?;
            }
        }
        if let Some(call) = &self.failed_call {
            let (event, name) = (call.event, &call.name);
            write!(f, "\nThe last hostcall that failed is {event}, {name}")?;
            if !call.arguments.is_empty() {
                write!(f, " ({})", call.arguments)?;
            }
            if !call.answer.is_empty() {
                write!(f, ": {}", call.answer)?;
            }
        }
        for line in &self.printed {
            write!(f, "\nstderr: {line}")?;
        }
        for task in &self.waiting {
            write!(f, "\nIt returned while {task}")?;
        }
        if !self.cause.is_empty() {
            write!(f, "\nCause: {}", self.cause)?;
        }
        Ok(())
    }
}
