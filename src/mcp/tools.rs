//! The tools: what each is called, takes and does.

use super::desk::{Call, Desk, Refusal};
use super::looking;
use super::parameters::{
    AFTER, ALL, AT, BUILTINS, EXPRESSION, EXPRESSIONS, FAILED, FRAME, FUNCTION, Given, LIMIT, LINE,
    LINES, OF, PATH, PLACE, Parameter, QUESTION, RECORDING, SCOPE, SECRETS, TO, WHERE,
};
use crate::questions;
use std::fmt::Write;
use std::path::Path;

/// Answers are no longer, in characters: a client pays for each.
const LONGEST: usize = 12_000;

/// A tool.
pub(super) struct Tool {
    pub name: &'static str,
    pub about: &'static str,
    pub parameters: &'static [Parameter],
    does: Does,
}

/// What a tool does.
enum Does {
    /// Opens a recording.
    Open,
    /// Looks at one where it stands, after going to where it was told.
    Look(fn(&mut super::desk::Open, &Given, &Call<'_>) -> Result<String, Refusal>),
    /// Asks the question of the tool's name.
    Ask(fn(&Given) -> String),
    /// Asks any question.
    AskAny,
}

static TOOLS: &[Tool] = &[
    Tool {
        name: "open",
        about: "Open a recording, and be told what it is of and how it ended. Looks at its end.",
        parameters: &[RECORDING.required()],
        does: Does::Open,
    },
    Tool {
        name: "why",
        about: "Why the run failed: what went wrong, where, in which terms, and where the bad value \
                came from. Begin here.",
        parameters: &[AT, SECRETS],
        does: Does::Ask(|_| String::new()),
    },
    Tool {
        name: "origin",
        about: "Where a value came from: through copies, calls and memory to the computation, \
                constant or hostcall that made it. Go back by this.",
        parameters: &[EXPRESSION.required(), AT, FRAME, SECRETS],
        does: Does::Ask(|given| expression(given).to_owned()),
    },
    Tool {
        name: "writes",
        about: "Every change of a value in memory: when, who wrote it, and what.",
        parameters: &[EXPRESSION.required(), AT, FRAME, ALL, LIMIT, AFTER, SECRETS],
        does: Does::Ask(|given| {
            let all = if given.all { "--all " } else { "" };
            format!("{all}{}{}", limited(given), expression(given))
        }),
    },
    Tool {
        name: "visits",
        about: "How often a line ran, with the first and the last times.",
        parameters: &[LINE.required(), WHERE, LIMIT, AFTER, SECRETS],
        does: Does::Ask(|given| placed(given, given.place.as_deref())),
    },
    Tool {
        name: "calls",
        about: "How often a function or a hostcall was called, with the first and the last calls: \
                arguments, caller, result.",
        parameters: &[FUNCTION.required(), WHERE, LIMIT, AFTER, SECRETS],
        does: Does::Ask(|given| placed(given, given.function.as_deref())),
    },
    Tool {
        name: "values",
        about: "Which values expressions had whenever a line or a function was come to, as a table: \
                a log point over the whole run.",
        parameters: &[
            EXPRESSIONS.required(),
            PLACE.required(),
            WHERE,
            LIMIT,
            AFTER,
            SECRETS,
        ],
        does: Does::Ask(|given| {
            let place = given.place.as_deref().unwrap_or_default();
            let at = format!("{} at {place}", expression(given));
            placed(given, Some(&at))
        }),
    },
    Tool {
        name: "hottest",
        about: "The functions, or lines, in which the run spent most of its work.",
        parameters: &[LINES, LIMIT, AFTER],
        does: Does::Ask(|given| {
            let lines = if given.lines { "--lines " } else { "" };
            format!("{lines}{}", limited(given))
        }),
    },
    Tool {
        name: "ask",
        about: "Any other question about the whole recording.",
        parameters: &[QUESTION.required(), AT, FRAME, SECRETS],
        does: Does::AskAny,
    },
    Tool {
        name: "seek",
        about: "Go to a moment, or be told where one is: position, hostcall, function and line.",
        parameters: &[TO, SECRETS],
        does: Does::Look(|open, given, call| {
            if let Some(to) = &given.to {
                open.go(to, call)?;
            }
            looking::place(open)
        }),
    },
    Tool {
        name: "stack",
        about: "The stack at a moment, the innermost frame first.",
        parameters: &[AT, AFTER, LIMIT],
        does: Does::Look(|open, given, _| looking::stack(open, given)),
    },
    Tool {
        name: "variables",
        about: "Arguments and variables of a frame at a moment, or what is inside of a value: a few \
                at a time.",
        parameters: &[AT, FRAME, OF, SCOPE, AFTER, LIMIT, SECRETS],
        does: Does::Look(|open, given, _| looking::variables(open, given)),
    },
    Tool {
        name: "evaluate",
        about: "The value of an expression at a moment.",
        parameters: &[EXPRESSION.required(), AT, FRAME, SECRETS],
        does: Does::Look(|open, given, _| looking::evaluate(open, given)),
    },
    Tool {
        name: "hostcalls",
        about: "What the program asked of its host, and what it was answered, in order.",
        parameters: &[PATH, FAILED, BUILTINS, AFTER, LIMIT, SECRETS],
        does: Does::Look(looking::hostcalls),
    },
];

fn expression(given: &Given) -> &str {
    given.expression.as_deref().unwrap_or_default()
}

/// Which rows are wanted.
fn limited(given: &Given) -> String {
    let limit = given.limit.map(|limit| format!("--limit {limit} "));
    let after = given.after.map(|after| format!("--after {after} "));
    limit.unwrap_or_default() + &after.unwrap_or_default()
}

/// Which rows, a place, and a condition, which goes on to the end.
fn placed(given: &Given, place: Option<&str>) -> String {
    let mut told = format!("{}{}", limited(given), place.unwrap_or_default());
    if let Some(condition) = &given.condition {
        _ = write!(told, " --where {condition}");
    }
    told
}

/// The tools that there are.
pub(super) fn tools() -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(|tool| match tool.does {
        Does::Ask(_) => questions::kinds().iter().any(|kind| kind.word == tool.name),
        Does::Open | Does::Look(_) | Does::AskAny => true,
    })
}

impl Tool {
    /// What a client is told of it.
    pub(super) fn description(&self) -> String {
        let mut told = self.about.to_owned();
        if let Does::AskAny = self.does {
            let others = questions::kinds().iter();
            let others = others.filter(|kind| tools().all(|tool| tool.name != kind.word));
            for kind in others {
                _ = write!(told, "\n`{} {}`: {}", kind.word, kind.arguments, kind.about);
            }
        }
        told
    }

    /// Does what it is for.
    pub(super) fn call(
        &self,
        desk: &mut Desk,
        given: &Given,
        call: &Call<'_>,
    ) -> Result<String, Refusal> {
        if let Does::Open = self.does {
            let path = given.recording.as_deref().unwrap_or_default();
            let open = desk.open(Path::new(path), call)?;
            let told = looking::summary(open)?;
            return Ok(shown(&told, open, given));
        }
        let open = desk.opened(call)?;
        let told = match &self.does {
            Does::Open => String::new(),
            Does::Look(look) => {
                open.go_to_look(given, call)?;
                look(open, given, call)?
            }
            Does::Ask(text) => {
                let question = format!("{} {}", self.name, text(given));
                open.ask(question.trim(), given, call)?
            }
            Does::AskAny => {
                let question = given.question.as_deref().unwrap_or_default();
                open.ask(question, given, call)?
            }
        };
        Ok(shown(&told, open, given))
    }
}

/// An answer without secrets, cut if it is long.
fn shown(told: &str, open: &super::desk::Open, given: &Given) -> String {
    let told = match given.secrets {
        true => told.to_owned(),
        false => open.secrets.hide(told),
    };
    match told.char_indices().nth(LONGEST) {
        Some((end, _)) => format!(
            "{}\n… cut here: give a smaller `limit`, or ask more narrowly",
            told.get(..end).unwrap_or_default()
        ),
        None => told,
    }
}
