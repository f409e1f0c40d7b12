//! `rr/requests`: what a service was asked.

use super::super::asking::ask;
use super::super::{Handled, Reply, Session};
use crate::dap::protocol::custom::{RequestsArguments, RequestsResponse, ToldRequest};
use crate::inspect::past::requests::Request;
use crate::trace::WallTime;

/// How many requests come where nobody says how many.
const SOME: usize = 200;
/// And how many at most.
const MOST: usize = 10_000;

impl From<&Request> for ToldRequest {
    fn from(request: &Request) -> Self {
        ToldRequest {
            number: request.number,
            title: request.title(),
            method: request.method.clone(),
            target: request.target.clone(),
            status: request.status,
            outcome: request.ending.word(),
            error: request.ending.error().map(str::to_owned),
            failed: request.has_failed(),
            start: request.entered.map(|at| at.event),
            end: request.end,
            time: request.time().map(WallTime::rfc3339),
            duration_ns: request.duration,
            hostcalls: request.hostcalls,
            outgoing: request.outgoing,
            received: request.received,
            sent: request.sent,
        }
    }
}

pub(in crate::dap::session) fn requests(
    _: &mut Session,
    wanted: RequestsArguments,
) -> Handled<RequestsResponse> {
    ask(
        move |debuggee, _, interrupt| {
            let requests = debuggee.requests(interrupt)?;
            let here = debuggee.request_here();
            let is_meant = |request: &&Request| !wanted.failed || request.has_failed();
            let fitting = || requests.list().iter().filter(is_meant);
            let count = wanted.count.unwrap_or(SOME).min(MOST);
            let page = fitting().filter(|request| request.number >= wanted.from);
            Ok(RequestsResponse {
                total: fitting().count(),
                requests: page.take(count).map(ToldRequest::from).collect(),
                here: here.map(|request| request.number),
                damage: requests.cut_short.clone(),
            })
        },
        |_, response| Reply::now(response),
    )
}
