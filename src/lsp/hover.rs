//! Hovers: which values a variable had at a line, and when the line ran.

use super::words::Word;
use crate::debuggee::{Debuggee, grouped};
use crate::questions::{
    Asked, Different, Part, Question, QuestionError, Values, ValuesAnswer, Visits,
};
use std::fmt::Write;

/// Where a line has more visits, values are not looked at for a hover: that would take seconds.
const MOST_VISITS: u64 = 20_000;
/// Different values that are told.
const MOST_VALUES: usize = 5;

/// What is pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointed {
    /// The source, as debug information has it.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// How often it ran.
    pub visits: u64,
    /// An expression, if there is one under the pointer.
    pub expression: Option<String>,
}

/// What is told of it, in Markdown.
pub(super) fn told(pointed: &Pointed, asked: &mut Asked<'_>) -> Result<String, QuestionError> {
    if pointed.visits == 0 {
        return Ok("This line has never run.".to_owned());
    }
    let place = format!("{}:{}", pointed.file, pointed.line);
    let expression = pointed.expression.as_deref();
    let variable = expression.filter(|text| is_variable(asked.debuggee, pointed, text));
    let Some(variable) = variable else {
        return line(place, asked);
    };
    if pointed.visits > MOST_VISITS {
        return Ok(format!(
            "This line ran {} times, too often for a hover to look at each. In the debug console: \
             `values {variable} at {place}`",
            grouped(pointed.visits)
        ));
    }
    let values = Values {
        expressions: vec![variable.to_owned()],
        place,
        condition: None,
        part: Part::ends(1, 1),
    };
    let answer = values.answer(asked)?;
    Ok(values_told(variable, &answer))
}

/// Whether the root of an expression is a variable that can be seen on the line: keywords,
/// functions and the like have no values.
fn is_variable(debuggee: &mut dyn Debuggee, pointed: &Pointed, expression: &str) -> bool {
    let root = super::words::names(expression).into_iter().next();
    let Some(Word { text: root, .. }) = root else {
        return false;
    };
    let variables = debuggee.variables_of_line(&pointed.file, pointed.line);
    if variables.iter().any(|variable| variable.name == root) {
        return true;
    }
    let of_paths = |name: &str| name == expression || name.rsplit("::").next() == Some(root);
    let globals = debuggee.globals(root);
    globals.iter().any(|global| of_paths(&global.name))
}

/// When a line ran.
fn line(place: String, asked: &mut Asked<'_>) -> Result<String, QuestionError> {
    let visits = Visits {
        place,
        condition: None,
        part: Part::ends(1, 1),
    };
    let answer = visits.answer(asked)?;
    let mut told = ran(answer.visits.count);
    let first = answer.visits.first.first();
    let last = answer.visits.last.last();
    for (which, row) in [("first", first), ("last", last)] {
        if let Some(row) = row {
            _ = write!(told, "\n- {which}: `{}`", row.moment);
        }
    }
    Ok(told)
}

fn ran(count: u64) -> String {
    match count {
        0 => "This line has never run.".to_owned(),
        1 => "This line ran once.".to_owned(),
        count => format!("This line ran {} times.", grouped(count)),
    }
}

fn values_told(variable: &str, answer: &ValuesAnswer) -> String {
    let mut told = ran(answer.visits.count);
    if let Some(different) = answer.different.first() {
        _ = write!(told, " {} had {}.", code(variable), count(different));
        if different.count > 1 {
            let most = different.most.iter().take(MOST_VALUES);
            let most: Vec<String> = most
                .map(|(value, times)| format!("{} ×{}", code(value), grouped(*times)))
                .collect();
            let more = if different.count > MOST_VALUES || different.more {
                ", …"
            } else {
                ""
            };
            _ = write!(told, "\n\n{}{more}\n", most.join(", "));
        }
    }
    let first = answer.visits.first.first();
    let last = answer.visits.last.last();
    for (which, visit) in [("first", first), ("last", last)] {
        if let Some(visit) = visit {
            let value = visit.values.first().map_or("", String::as_str);
            _ = write!(told, "\n- {which}: {} at `{}`", code(value), visit.moment);
        }
    }
    told
}

fn count(different: &Different) -> String {
    match (different.count, different.more) {
        (1, false) => "one value".to_owned(),
        (count, false) => format!("{} values", grouped(count as u64)),
        (count, true) => format!("more than {} values", grouped(count as u64)),
    }
}

/// Text as it is, whatever is in it: between as many backquotes as are not in it.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(code("500"), "`500`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("``x\n"), "``` ``x  ```");
    }
}
