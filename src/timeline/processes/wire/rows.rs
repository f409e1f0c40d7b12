//! The line table of a function, with the bodies inlined into it, and how it looks from one
//! of them.

use crate::component::ModuleId;
use crate::source::{BodyNumber, OWN};
use serde::{Deserialize, Serialize};

/// What a function's line table tells of where a line may start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FunctionRows {
    pub(crate) module: ModuleId,
    /// The first instruction.
    pub(crate) entry: u32,
    /// One past the last byte.
    pub(crate) end: u32,
    /// The bodies of calls that are inlined; number 1 is the first.
    pub(crate) inlined: Vec<InlinedRows>,
    /// Ascending by offset.
    pub(crate) rows: Vec<Row>,
    /// Where branches lead to that may come from another line, ascending.
    pub(crate) landings: Vec<u32>,
}

/// The body of an inlined call.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct InlinedRows {
    /// The body that makes the call.
    pub(crate) parent: BodyNumber,
    /// The number that stands for the line where it does, if that is known.
    pub(crate) call: Option<u64>,
}

/// Where a statement begins, or other bodies begin or go on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) pc: u32,
    pub(crate) at: BodyLine,
    /// Whether the line table has a statement begin here.
    pub(crate) is_statement: bool,
    /// The outermost of the bodies that begin here.
    pub(crate) begins: Option<BodyNumber>,
}

/// A line as one of a body: one line may be in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BodyLine {
    pub(crate) body: BodyNumber,
    /// A number that stands for the line.
    pub(crate) line: u64,
}

/// Which bodies count as lines of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Sight {
    /// All of them.
    Everything,
    /// Those that frames are in; what is inlined elsewhere is a part of the line that calls
    /// it. Other frames are in their functions' own bodies.
    From(Vec<InBody>),
}

/// The innermost body that counts in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InBody {
    /// Of the frame.
    pub(crate) depth: u32,
    pub(crate) module: ModuleId,
    /// The first instruction of its function.
    pub(crate) entry: u32,
    pub(crate) body: BodyNumber,
}

impl Sight {
    /// The innermost body that counts in a function's frame at a depth; `None` if all do.
    pub(crate) fn body(&self, function: &FunctionRows, depth: u32) -> Option<BodyNumber> {
        match self {
            Sight::Everything => None,
            Sight::From(frames) => {
                let mut of = frames.iter().filter(|frame| frame.is_of(function));
                let named = of.find(|frame| frame.depth == depth);
                Some(named.map_or(OWN, |frame| frame.body))
            }
        }
    }

    /// Whether a row of a function may be a line start to some frame, or is where it comes to
    /// another body.
    pub(crate) fn minds(&self, function: &FunctionRows, row: &Row) -> bool {
        match self {
            Sight::Everything => true,
            Sight::From(frames) => {
                let of = frames.iter().filter(|frame| frame.is_of(function));
                let mut bodies = of.map(|frame| frame.body).chain([OWN]);
                bodies.any(|from| {
                    let seen = function.seen(row.at, Some(from));
                    seen.hidden
                        .is_none_or(|hidden| function.begins(row, hidden))
                })
            }
        }
    }
}

impl InBody {
    fn is_of(&self, function: &FunctionRows) -> bool {
        (self.module, self.entry) == (function.module, function.entry)
    }
}

/// A row or another place, as it looks from a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) at: BodyLine,
    /// The outermost body that does not count, which this place is in.
    pub(crate) hidden: Option<BodyNumber>,
}

impl FunctionRows {
    /// The row that a place belongs to.
    pub(crate) fn row_around(&self, pc: u32) -> Option<&Row> {
        if pc < self.entry || pc >= self.end {
            return None;
        }
        let after = self.rows.partition_point(|row| row.pc <= pc);
        self.rows.get(after.checked_sub(1)?)
    }

    /// The line of a place, as it looks from a body.
    pub(crate) fn line_at(&self, pc: u32, from: Option<BodyNumber>) -> Option<BodyLine> {
        let row = self.row_around(pc)?;
        Some(self.seen(row.at, from).at)
    }

    /// A body and those around it, innermost first.
    pub(crate) fn around(&self, body: BodyNumber) -> impl Iterator<Item = BodyNumber> + '_ {
        std::iter::successors(Some(body), |body| {
            let inlined = self.inlined.get((*body as usize).checked_sub(1)?)?;
            // So it is where these come from; and so it ends wherever they come from.
            (inlined.parent < *body).then_some(inlined.parent)
        })
    }

    /// Whether a body is `outer` or inlined into it.
    pub(crate) fn is_within(&self, body: BodyNumber, outer: BodyNumber) -> bool {
        self.around(body).any(|around| around == outer)
    }

    /// Whether a body that a row is in begins there.
    pub(crate) fn begins(&self, row: &Row, body: BodyNumber) -> bool {
        row.begins
            .is_some_and(|outermost| self.is_within(body, outermost))
    }

    /// How many bodies are between `body` and `outer`, which is around it.
    pub(crate) fn levels(&self, body: BodyNumber, outer: BodyNumber) -> u32 {
        self.around(body).take_while(|at| *at != outer).count() as u32
    }

    /// The line that calls a body, as one of the body that does; `None` if it is not known,
    /// and for the function's own body.
    pub(crate) fn call_of(&self, body: BodyNumber) -> Option<BodyLine> {
        let inlined = self.inlined.get((body as usize).checked_sub(1)?)?;
        Some(BodyLine {
            body: inlined.parent,
            line: inlined.call?,
        })
    }

    /// A line as it looks from a body: what is inlined elsewhere is the line that calls it.
    pub(crate) fn seen(&self, at: BodyLine, from: Option<BodyNumber>) -> Seen {
        let whole = Seen { at, hidden: None };
        let Some(from) = from else { return whole };
        let mut hidden = None;
        for body in self.around(at.body) {
            if self.is_within(from, body) {
                break;
            }
            hidden = Some(body);
        }
        let Some(outermost) = hidden else {
            return whole;
        };
        let parent = self.around(outermost).nth(1).unwrap_or(OWN);
        let unknown = BodyLine {
            body: parent,
            line: at.line,
        };
        Seen {
            at: self.call_of(outermost).unwrap_or(unknown),
            hidden,
        }
    }
}
