//! References of a variable: who wrote it.

use super::documents::uri_of;
use crate::debuggee::path_mapping::PathMapping;
use crate::debuggee::{Debuggee, SourceOrigin, Visiting, VisitsOf, Whole};
use crate::questions::{Asked, Part, Question, QuestionError, Writes};
use crate::timeline::Telling;
use crate::timeline::travel::motion;
use lsp_types::{Location, Position, Range};
use std::collections::BTreeSet;

/// Writes that are looked at: of more, the first and the last ones.
const MOST_WRITES: usize = 200;

/// The lines that wrote what an expression names where a line ran last.
pub(super) fn writes(
    file: &str,
    line: u64,
    expression: &str,
    mapping: &PathMapping,
    asked: &mut Asked<'_>,
) -> Result<Vec<Location>, QuestionError> {
    let last = Telling {
        messages: Vec::new(),
        first: 0,
        newest: 1,
        after: 0,
    };
    let visiting = Visiting {
        of: VisitsOf::Line {
            source: SourceOrigin::File(file.to_owned()),
            line,
        },
        condition: None,
    };
    let (output, interrupt) = (asked.output, asked.interrupt);
    let visits = Whole::told_visits(asked.debuggee, &visiting, &last, output, interrupt)?;
    let Some(visit) = visits.visits.newest.back() else {
        return Ok(Vec::new());
    };
    asked.debuggee.go_to_visit(visit, output, interrupt)?;
    let writes = Writes {
        expression: expression.to_owned(),
        writes: motion::Writes::Changing,
        part: Part::ends(MOST_WRITES / 2, MOST_WRITES / 2),
    };
    let answer = writes.answer(asked)?;
    let told = answer.writes.first.iter().chain(&answer.writes.last);
    let places: BTreeSet<(&str, u32)> = told
        .filter_map(|write| place(write.by.as_deref()?))
        .collect();
    let mut locations = Vec::new();
    for (name, line) in places {
        for path in paths_of(asked.debuggee, name) {
            let at = Position::new(line.saturating_sub(1), 0);
            locations.extend(uri_of(&mapping.outward(&path)).map(|uri| Location {
                uri,
                range: Range::new(at, at),
            }));
        }
    }
    Ok(locations)
}

/// The place that an answer tells, `FUNCTION at FILE:LINE`: hostcalls have none.
fn place(by: &str) -> Option<(&str, u32)> {
    let (_, place) = by.rsplit_once(" at ")?;
    let (file, line) = place.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}

/// The sources of this name.
fn paths_of(debuggee: &mut dyn Debuggee, name: &str) -> Vec<String> {
    let sources = debuggee.sources().unwrap_or_default().into_iter();
    let named = sources.filter(|source| source.name == name);
    let path = named.filter_map(|source| match source.origin {
        SourceOrigin::File(path) => Some(path),
        SourceOrigin::Generated(_) => None,
    });
    path.collect()
}
