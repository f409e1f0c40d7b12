//! `visits FILE:LINE`: how often a line ran.

use super::rows::{Part, Row, Shown, how_often};
use super::{Asked, Question, QuestionError, Words, places};
use crate::debuggee::{Visiting, VisitsOf, VisitsTold};
use crate::timeline::{Telling, ToldVisit};
use serde::Serialize;

/// Visits that are told unless more are wanted.
pub(super) const USUAL: usize = 10;

/// How often did a place run?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visits {
    /// `FILE:LINE`
    pub place: String,
    /// What must hold for a visit to count.
    pub condition: Option<String>,
    /// Which of them are told.
    pub part: Part,
}

/// How often it did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitsAnswer {
    /// The place, as it was understood.
    pub place: String,
    /// What had to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The visits.
    #[serde(flatten)]
    pub visits: Shown<Row>,
}

impl Visits {
    /// Reads what follows the word.
    ///
    /// # Errors
    ///
    /// If it is not a line.
    pub fn read(text: &str) -> Result<Visits, QuestionError> {
        let words = Words::read(text, &[])?;
        if places::line_of(&words.rest).is_none() {
            return Err(QuestionError::wrong(format!(
                "`{}` is not a line of a source",
                words.rest
            )));
        }
        Ok(Visits {
            part: words.part(USUAL),
            place: words.rest,
            condition: words.condition,
        })
    }
}

impl Question for Visits {
    type Answer = VisitsAnswer;

    fn answer(&self, asked: &mut Asked<'_>) -> Result<VisitsAnswer, QuestionError> {
        let of = places::place(asked.debuggee, &self.place)?;
        let told = tell(asked, of, self.condition.as_deref(), self.part, Vec::new())?;
        let place = told.place.clone();
        let visits = shown(asked, told, self.part, Row::here)?;
        Ok(VisitsAnswer {
            place,
            condition: self.condition.clone(),
            visits,
        })
    }
}

/// One pass over the recording.
pub(super) fn tell(
    asked: &mut Asked<'_>,
    of: VisitsOf,
    condition: Option<&str>,
    part: Part,
    messages: Vec<String>,
) -> Result<VisitsTold, QuestionError> {
    let visiting = Visiting {
        of,
        condition: condition.map(str::to_owned),
    };
    let telling = Telling {
        messages,
        first: part.first,
        newest: part.last,
        after: part.after.unwrap_or_default(),
    };
    Ok(asked
        .debuggee
        .told_visits(&visiting, &telling, asked.output, asked.interrupt)?)
}

/// What is seen at each of the visits that are told.
pub(super) fn shown<T>(
    asked: &mut Asked<'_>,
    told: VisitsTold,
    part: Part,
    look: impl Fn(&mut Asked<'_>, &ToldVisit) -> Result<T, QuestionError>,
) -> Result<Shown<T>, QuestionError> {
    let mut look_at = |visit: &ToldVisit| {
        asked
            .debuggee
            .go_to_visit(visit, asked.output, asked.interrupt)?;
        look(asked, visit)
    };
    let visits = told.visits;
    let first = visits
        .first
        .iter()
        .map(&mut look_at)
        .collect::<Result<_, _>>()?;
    let last = visits
        .newest
        .iter()
        .map(&mut look_at)
        .collect::<Result<_, _>>()?;
    Ok(Shown {
        count: visits.count,
        after: part.after,
        first,
        last,
        problem: visits.problem,
    })
}

impl std::fmt::Display for VisitsAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&how_often(&self.place, "ran", self.visits.count))?;
        if let Some(condition) = &self.condition {
            write!(f, " where {condition}")?;
        }
        write!(f, "{}", self.visits)
    }
}
