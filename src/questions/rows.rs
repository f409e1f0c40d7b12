//! Visits as answers tell them: when, in which function, with which arguments, called by whom.

use super::{Asked, Moment, QuestionError};
use crate::debuggee::{
    Format, Frame, FrameId, Frames, Looks, Page, Presentation, ScopeHint, VariableView, Window,
};
use crate::timeline::ToldVisit;
use serde::Serialize;
use std::fmt::Write as _;

/// Texts of values are cut where they are longer, in characters.
const LONGEST: usize = 120;
/// Frames that are looked at for a caller.
const CALLERS: usize = 16;

/// A visit of a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Which one it is, from 1.
    pub number: u64,
    /// When.
    pub moment: Moment,
    /// The function, or the hostcall.
    pub function: String,
    /// What it was called with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// `post at ledger.c:60`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// What it returned, where that was asked for and is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument {
    /// What it is called.
    pub name: String,
    /// As text, cut if it is long.
    pub value: String,
}

/// What of a value is told.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `apply at ledger.c:50`
pub(super) fn told_frame(frame: &Frame) -> String {
    match &frame.place {
        Some(place) => {
            format!(
                "{} at {}:{}",
                frame.name, place.source.name, place.point.line
            )
        }
        None => frame.name.clone(),
    }
}

/// A frame where the debuggee stands: the one that the question is asked in, or the innermost
/// one of the program's own code.
pub(super) fn own_frame(asked: &mut Asked<'_>) -> Result<Option<FrameId>, QuestionError> {
    if asked.frame.is_some() {
        return Ok(asked.frame);
    }
    let Frames { frames, .. } = frames(asked)?;
    Ok(frames
        .iter()
        .find(|frame| is_own(frame))
        .map(|frame| frame.id))
}

/// Whether a frame is of the program's own code.
fn is_own(frame: &Frame) -> bool {
    frame.presentation == Presentation::Normal && frame.place.is_some()
}

fn frames(asked: &mut Asked<'_>) -> Result<Frames, QuestionError> {
    let window = Window {
        start: 0,
        levels: Some(CALLERS),
    };
    Ok(asked.debuggee.frames(window)?)
}

impl Row {
    /// Of the visit where the debuggee stands.
    pub(super) fn here(asked: &mut Asked<'_>, visit: &ToldVisit) -> Result<Row, QuestionError> {
        let Frames { frames, .. } = frames(asked)?;
        let innermost = frames.first();
        let arguments = match innermost {
            Some(frame) => arguments(asked, frame.id)?,
            None => Vec::new(),
        };
        let callers = frames.iter().skip(1);
        // Who is in between is a library's, or the adapter's.
        let own = callers.clone().find(|frame| is_own(frame));
        let caller = own.or(frames.get(1));
        Ok(Row {
            number: visit.number,
            moment: Moment::here(asked),
            function: innermost
                .map(|frame| frame.name.clone())
                .unwrap_or_default(),
            arguments,
            caller: caller.map(told_frame),
            result: None,
        })
    }
}

fn arguments(asked: &mut Asked<'_>, frame: FrameId) -> Result<Vec<Argument>, QuestionError> {
    let scopes = asked.debuggee.scopes(frame)?;
    let scope = scopes
        .into_iter()
        .find(|scope| scope.hint == ScopeHint::Arguments);
    let Some(scope) = scope else {
        return Ok(Vec::new());
    };
    let values = Looks::variables(
        asked.debuggee,
        &scope.children.values,
        Page::default(),
        Format::default(),
    )?;
    let told = values.into_iter().filter(|view| !view.lazy);
    let argument = |view: VariableView| Argument {
        name: view.name,
        value: cut(&view.value),
    };
    Ok(told.map(argument).collect())
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| format!("{}={}", argument.name, argument.value))
            .collect();
        let mut line = format!("{}({})", self.function, arguments.join(", "));
        if self.function.contains('(') && arguments.is_empty() {
            line.clone_from(&self.function);
        }
        if let Some(result) = &self.result {
            _ = write!(line, " -> {result}");
        }
        if let Some(caller) = &self.caller {
            _ = write!(line, "  from {caller}");
        }
        write!(f, "#{:<6} {}  {line}", self.number, self.moment)
    }
}

/// Which rows are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// So many that come first.
    pub first: usize,
    /// So many that come last.
    pub last: usize,
    /// The first ones are those after this number; `None` from the beginning.
    pub after: Option<u64>,
}

impl Part {
    /// So many at the beginning and at the end.
    pub fn ends(first: usize, last: usize) -> Part {
        Part {
            first,
            last,
            after: None,
        }
    }
}

/// Which of all are shown: the first, and the last.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown<T> {
    /// How many there are.
    pub count: u64,
    /// The first ones are those that come after so many, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The first of them, oldest first.
    pub first: Vec<T>,
    /// The last of them, oldest first, if there are more than the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last: Vec<T>,
    /// Why a condition could not be evaluated at some of them: those count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl<T: std::fmt::Display> std::fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in &self.first {
            write!(f, "\n{row}")?;
        }
        let shown = (self.first.len() + self.last.len()) as u64;
        let until = self.after.unwrap_or_default().saturating_add(shown);
        let left_out = self.count.saturating_sub(until);
        if left_out > 0 && self.after.is_some() {
            let left_out = crate::debuggee::grouped(left_out);
            write!(f, "\n… {left_out} more: --after {until} …")?;
        } else if left_out > 0 {
            write!(f, "\n… {} more …", crate::debuggee::grouped(left_out))?;
        }
        for row in &self.last {
            write!(f, "\n{row}")?;
        }
        if let Some(problem) = &self.problem {
            write!(f, "\nnot everywhere: {problem}")?;
        }
        Ok(())
    }
}

/// `main was called once`, `x changed 1,204 times`, `ledger.c:3 never ran`: `how` may have an
/// auxiliary before its verb.
pub(super) fn how_often(of: &str, how: &str, count: u64) -> String {
    match count {
        0 => match how.split_once(' ') {
            Some((auxiliary, verb)) => format!("{of} {auxiliary} never {verb}"),
            None => format!("{of} never {how}"),
        },
        1 => format!("{of} {how} once"),
        count => format!("{of} {how} {} times", crate::debuggee::grouped(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::how_often;

    #[test]
    fn how_often_is_a_sentence() {
        for (of, how, count, told) in [
            ("a.c:3", "ran", 0, "a.c:3 never ran"),
            ("f", "was called", 0, "f was never called"),
            ("f", "was called", 1, "f was called once"),
            ("x", "changed", 1204, "x changed 1,204 times"),
        ] {
            assert_eq!(how_often(of, how, count), told);
        }
    }
}
