//! `rr/functions`: the functions of the guest.

use super::asking::ask;
use super::{Handled, Reply, Session};
use crate::dap::protocol::custom::{FunctionsArguments, FunctionsResponse, ToldFunction};

/// How many come where nobody says how many.
const SOME: usize = 200;
/// And how many at most.
const MOST: usize = 10_000;

/// In a large program the names are read for some time: it is asked as a question.
pub(super) fn functions(_: &mut Session, wanted: FunctionsArguments) -> Handled<FunctionsResponse> {
    ask(
        move |debuggee, _, _| {
            let found = match wanted.meant {
                true => debuggee.functions_meant(&wanted.filter),
                false => debuggee.functions(&wanted.filter),
            };
            Ok((found, wanted.count))
        },
        |session: &mut Session, (found, count)| {
            let total = found.len();
            let page = found.into_iter().take(count.unwrap_or(SOME).min(MOST));
            let shown = page.map(|function| {
                let (source, line) = function.declared.unzip();
                ToldFunction {
                    name: function.name,
                    source: source.map(|source| session.source_out(&source)),
                    line: line.map(|line| session.line_out(line)),
                }
            });
            let functions = shown.collect();
            Reply::now(FunctionsResponse { total, functions })
        },
    )
}
