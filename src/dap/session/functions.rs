//! `rr/functions`: the functions of the guest.

use super::asking::ask;
use super::{Handled, Reply, Session};
use crate::dap::protocol::{Request, Source};
use serde::{Deserialize, Serialize};

/// How many come where nobody says how many.
const SOME: usize = 200;
/// And how many at most.
const MOST: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    filter: String,
    count: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Functions {
    total: usize,
    functions: Vec<FunctionShown>,
}

#[derive(Debug, Serialize)]
struct FunctionShown {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<i64>,
}

/// In a large program the names are read for some time: it is asked as a question.
pub(super) fn functions(_: &mut Session, request: &Request) -> Handled {
    let wanted: Wanted = request.arguments()?;
    ask(
        move |debuggee, _, _| Ok((debuggee.functions(&wanted.filter), wanted.count)),
        |session, request, (found, count)| {
            let total = found.len();
            let page = found.into_iter().take(count.unwrap_or(SOME).min(MOST));
            let shown = page.map(|function| {
                let (source, line) = function.declared.unzip();
                FunctionShown {
                    name: function.name,
                    source: source.map(|source| session.source_out(&source)),
                    line: line.map(|line| session.line_out(line)),
                }
            });
            let functions = shown.collect();
            Reply::body(request, &Functions { total, functions })
        },
    )
}
