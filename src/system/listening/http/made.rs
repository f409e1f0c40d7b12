//! What the program makes: requests, responses, and their bodies.

use super::{Outgoing, Thing, get, get_mut, put_first, take, thing};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::{first_handle, is_ok, method, text};
use crate::system::listening::bytes;
use crate::system::listening::call::Call;
use crate::system::listening::hearing::{self, Hearing};

pub(super) fn constructed(
    heard: &mut Hearing,
    call: &Call<'_>,
    function: &str,
    answer: Option<&Lifted>,
) {
    let own = || match get(heard, call.own()) {
        Some(Thing::Made(headers)) => headers.clone(),
        _ => Vec::new(),
    };
    let what = match function {
        "[constructor]fields" => Thing::Made(Vec::new()),
        "[constructor]outgoing-request" => {
            let headers = own();
            take(heard, call.own());
            Thing::Request(Box::new(Outgoing::new(headers, None)))
        }
        "[constructor]outgoing-response" => {
            let headers = own();
            take(heard, call.own());
            Thing::Response(Box::new(Outgoing::new(headers, None)))
        }
        _ => return,
    };
    put_first(heard, call, answer, thing(what));
}

/// `request.new` and `response.new` of WASI 0.3.
pub(super) fn made(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let handle_in = |name| call.argument(name).and_then(first_handle);
    let headers = handle_in("headers").and_then(|index| take(heard, call.handle(index)));
    let headers = match headers {
        Some(Thing::Made(headers)) => headers,
        _ => Vec::new(),
    };
    let contents = handle_in("contents").map(|index| call.handle(index));
    let body = contents.map(|handle| {
        bytes::given(heard, handle).unwrap_or_else(|| {
            let flow = heard.flow();
            heard.unseen(flow);
            flow
        })
    });
    let outgoing = Box::new(Outgoing::new(headers, body));
    let what = match call.function.name.contains("request") {
        true => Thing::Request(outgoing),
        false => Thing::Response(outgoing),
    };
    put_first(heard, call, answer, thing(what));
}

/// Bodies of WASI 0.2.
pub(super) fn bodies(
    heard: &mut Hearing,
    call: &Call<'_>,
    (body, method): (&str, &str),
    answer: Option<&Lifted>,
) {
    let flow = match get(heard, call.own()) {
        Some(Thing::BodyIn(flow) | Thing::BodyOut(flow)) => *flow,
        _ => return,
    };
    match (body, method) {
        ("incoming-body", "stream") => {
            put_first(heard, call, answer, hearing::Thing::Input(flow));
        }
        ("outgoing-body", "write") => {
            put_first(heard, call, answer, hearing::Thing::Output(flow));
        }
        ("outgoing-body", "finish") => {
            take(heard, call.own());
            heard.ended(flow, call.made());
        }
        ("incoming-body", "finish") => _ = take(heard, call.own()),
        _ => {}
    }
}

/// What the program says of a request or a response that it makes.
pub(super) fn outgoing(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
    if asked == "body" {
        let flow = heard.flow();
        match get_mut(heard, call.own()) {
            Some(Thing::Request(of) | Thing::Response(of)) => of.body = Some(flow),
            _ => return,
        }
        put_first(heard, call, answer, thing(Thing::BodyOut(flow)));
        return;
    }
    if asked == "headers" {
        let headers = match get(heard, call.own()) {
            Some(Thing::Request(of) | Thing::Response(of)) => of.headers.clone(),
            _ => return,
        };
        put_first(heard, call, answer, thing(Thing::Made(headers)));
        return;
    }
    let Some(Thing::Request(of) | Thing::Response(of)) = get_mut(heard, call.own()) else {
        return;
    };
    if !answer.is_some_and(is_ok) {
        return;
    }
    match asked {
        "set-method" => of.method = call.argument("method").and_then(method),
        "set-path-with-query" => of.target = call.argument("path-with-query").and_then(text),
        "set-authority" => of.authority = call.argument("authority").and_then(text),
        "set-status-code" => {
            let status = number(call.args.get(1)).and_then(|code| u16::try_from(code).ok());
            of.status = status.unwrap_or(0);
        }
        _ => {}
    }
}
