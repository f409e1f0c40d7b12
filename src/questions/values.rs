//! `values EXPRESSION at PLACE`: which values expressions had whenever a place was come to.

use super::rows::{Part, Shown, cut, how_often};
use super::visits::{USUAL, tell};
use super::{Asked, Moment, Question, QuestionError, Words, places};
use crate::debuggee::{DebuggeeError, EvaluateContext, Format, grouped};
use crate::timeline::ToldVisit;
use serde::Serialize;

/// Different values that are told of each expression, the most frequent first.
const DIFFERENT: usize = 10;

/// Which values were there?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// Evaluated at each visit.
    pub expressions: Vec<String>,
    /// `FILE:LINE`, or a function.
    pub place: String,
    /// What must hold for a visit to count.
    pub condition: Option<String>,
    /// Which of them are told.
    pub part: Part,
}

/// Which were.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValuesAnswer {
    /// The place, as it was understood.
    pub place: String,
    /// What had to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The expressions, as columns of the table.
    pub expressions: Vec<String>,
    /// Of each expression, which values it had.
    pub different: Vec<Different>,
    /// The visits.
    #[serde(flatten)]
    pub visits: Shown<ValuesOf>,
}

/// The different values of an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Different {
    /// How many different ones there are; at least so many, if `more`.
    pub count: usize,
    /// There are others.
    pub more: bool,
    /// The most frequent ones, with how often they were there.
    pub most: Vec<(String, u64)>,
}

/// The values at one visit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValuesOf {
    /// Which visit it is, from 1.
    pub number: u64,
    /// When.
    pub moment: Moment,
    /// Of each expression.
    pub values: Vec<String>,
}

impl Values {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If there is no expression, or no place.
    pub fn read(text: &str) -> Result<Values, QuestionError> {
        let words = Words::read(text, &[])?;
        let at = words.rest.rsplit_once(" at ");
        let at = at.filter(|(what, place)| !what.trim().is_empty() && !place.trim().is_empty());
        let Some((expressions, place)) = at else {
            return Err(QuestionError::wrong("write expressions, `at`, and a place"));
        };
        Ok(Values {
            part: words.part(2 * USUAL),
            expressions: listed(expressions),
            place: place.trim().to_owned(),
            condition: words.condition,
        })
    }
}

/// Expressions between commas, but for those in parentheses and the like, and in texts.
fn listed(text: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut open = 0u32;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{' | '<') => open += 1,
            (None, ')' | ']' | '}' | '>') => open = open.saturating_sub(1),
            (None, ',') if open == 0 => {
                all.push(String::new());
                continue;
            }
            (None, _) => {}
        }
        if let Some(last) = all.last_mut() {
            last.push(c);
        }
    }
    let all = all.iter().map(|one| one.trim().to_owned());
    all.filter(|one| !one.is_empty()).collect()
}

impl Values {
    /// That the expressions have values at one of the visits: what has none there is a mistake.
    fn check(&self, asked: &mut Asked<'_>, visit: &ToldVisit) -> Result<(), QuestionError> {
        asked
            .debuggee
            .go_to_visit(visit, asked.output, asked.interrupt)?;
        for expression in &self.expressions {
            let (context, format) = (EvaluateContext::Watch, Format::default());
            match asked.debuggee.evaluate(expression, None, context, format) {
                // That is a fact of the program, and not so everywhere.
                Err(DebuggeeError::Other(why)) if why.starts_with('<') => {}
                value => _ = value?,
            }
        }
        Ok(())
    }
}

impl Question for Values {
    type Answer = ValuesAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<ValuesAnswer, QuestionError> {
        let of = places::place(asked.debuggee, &self.place)?;
        let messages = self.expressions.iter().map(|text| format!("{{{text}}}"));
        let messages = messages.collect();
        let told = tell(asked, of, self.condition.as_deref(), self.part, messages)?;
        if let Some(first) = told.visits.first.first().cloned() {
            self.check(asked, &first)?;
        }
        let row = |visit: &ToldVisit| ValuesOf {
            number: visit.number,
            moment: Moment::new(visit.position, visit.event, None),
            values: visit.texts.iter().map(|text| cut(text)).collect(),
        };
        let visits = &told.visits;
        let different = visits.values.iter().map(|values| {
            let mut counts: Vec<(&String, u64)> = values
                .counts
                .iter()
                .map(|(text, count)| (text, *count))
                .collect();
            counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
            let most = counts.iter().take(DIFFERENT);
            Different {
                count: counts.len(),
                more: values.is_cut,
                most: most.map(|(text, count)| (cut(text), *count)).collect(),
            }
        });
        Ok(ValuesAnswer {
            place: told.place.clone(),
            condition: self.condition.clone(),
            expressions: self.expressions.clone(),
            different: different.collect(),
            visits: Shown {
                count: visits.count,
                after: self.part.after,
                first: visits.first.iter().map(row).collect(),
                last: visits.newest.iter().map(row).collect(),
                problem: visits.problem.clone(),
            },
        })
    }
}

impl std::fmt::Display for ValuesOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "#{:<6} {}  {}",
            self.number,
            self.moment,
            self.values.join("  ")
        )
    }
}

impl std::fmt::Display for ValuesAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&how_often(&self.place, "ran", self.visits.count))?;
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        for (expression, different) in self.expressions.iter().zip(&self.different) {
            let count = match (different.count, different.more) {
                (0, _) => continue,
                (1, false) => "one value".to_owned(),
                (count, false) => format!("{} values", grouped(count as u64)),
                (count, true) => format!("more than {} values", grouped(count as u64)),
            };
            let most = different
                .most
                .iter()
                .map(|(value, times)| format!("{value} ×{times}"));
            let most: Vec<String> = most.collect();
            let more = match different.count > different.most.len() {
                true => ", …",
                false => "",
            };
            write!(f, "\n{expression}: {count}: {}{more}", most.join(", "))?;
        }
        write!(f, "{}", self.visits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_listed() {
        let values = Values::read("a, m[1, 2], \"x, y\" at f at a.c:3 --limit 3").unwrap();
        assert_eq!(values.expressions, ["a", "m[1, 2]", "\"x, y\" at f"]);
        assert_eq!(
            (values.place.as_str(), values.part),
            ("a.c:3", Part::ends(2, 1))
        );
        for wrong in ["", "a", "at a.c:3", "a at "] {
            assert!(Values::read(wrong).is_err(), "{wrong}");
        }
    }
}
