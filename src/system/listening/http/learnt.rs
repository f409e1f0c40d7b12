//! What the program asks of requests and answers that came.

use super::{Thing, get, put_first, take, thing};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::{is_ok, method, text};
use crate::system::conversation::{Head, Start};
use crate::system::listening::call::Call;
use crate::system::listening::hearing::{self, EndIndex, Hearing};

/// What the program learns of a head that came.
pub(super) fn learn(heard: &mut Hearing, end: EndIndex, learn: impl FnOnce(&mut Head)) {
    if let Some(end) = heard.end(end)
        && let Some(head) = &mut end.received.head
    {
        learn(head);
    }
}

/// `consume-body` of WASI 0.3.
pub(super) fn consumed(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let (Some(Thing::Given(end)) | Some(Thing::Answer(end))) = take(heard, call.own()) else {
        return;
    };
    let flow = heard.flow();
    heard.receives(end, flow);
    put_first(heard, call, answer, hearing::Thing::Readable(flow));
}

/// What the program asks of a request or an answer that came.
pub(super) fn incoming(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
    let end = match get(heard, call.own()) {
        Some(Thing::Given(end) | Thing::Answer(end)) => *end,
        _ => return,
    };
    let Some(answer) = answer else { return };
    match asked {
        "method" => learn(heard, end, |head| {
            if let Start::Request { method: of, .. } = &mut head.start {
                *of = method(answer).or(of.take());
            }
        }),
        "path-with-query" => learn(heard, end, |head| {
            if let Start::Request { target, .. } = &mut head.start {
                *target = text(answer).or(target.take());
            }
        }),
        "authority" => {
            if let (Some(end), Some(authority)) = (heard.end(end), text(answer)) {
                end.authority = Some(authority);
            }
        }
        "status" | "status-code" => learn(heard, end, |head| {
            if let (Start::Response { status }, Lifted::Unsigned(code)) = (&mut head.start, answer)
            {
                *status = u16::try_from(*code).unwrap_or(0);
            }
        }),
        "headers" => put_first(heard, call, Some(answer), thing(Thing::Received(end))),
        "consume" if is_ok(answer) => {
            let flow = heard.flow();
            heard.receives(end, flow);
            put_first(heard, call, Some(answer), thing(Thing::BodyIn(flow)));
        }
        _ => {}
    }
}
