//! `wasi:http`, 0.2 and 0.3: requests that the program makes, and requests that it is given.

use super::bytes;
use super::call::Call;
use super::hearing::{self, EndIndex, FlowId, Hearing};
use crate::component::{Component, Crossing};
use crate::inspect::hostcall::builtin_call::number;
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::is_handler;
use crate::inspect::past::requests::values::{
    error_code, first_handle, headers, is_ok, method, text, word,
};
use crate::replay::{Calling, Entering};
use crate::system::conversation::{Conversations, End, EndKind, Head, Place, Start};
use crate::trace::NotedRequest;

/// Header lines of one message that are kept.
const MOST_HEADERS: usize = 1000;

type Headers = Vec<(String, String)>;

/// What a handle of `wasi:http` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    /// Headers that the program made.
    Made(Headers),
    /// Those of the request, or the answer, that a conversation received.
    Received(EndIndex),
    /// A request that is not sent yet.
    Request(Box<Outgoing>),
    /// One that came.
    Given(EndIndex),
    /// A response that is not given yet.
    Response(Box<Outgoing>),
    /// One that came.
    Answer(EndIndex),
    /// Where one will come, in WASI 0.2.
    Future(EndIndex),
    /// Where the answer to a request goes, in WASI 0.2.
    Outparam(EndIndex),
    /// A body that comes, in WASI 0.2.
    BodyIn(FlowId),
    /// One that goes.
    BodyOut(FlowId),
}

/// A request or a response that the program makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    method: Option<String>,
    target: Option<String>,
    authority: Option<String>,
    status: u16,
    headers: Headers,
    body: Option<FlowId>,
}

impl Outgoing {
    fn new(headers: Headers, body: Option<FlowId>) -> Outgoing {
        Outgoing {
            method: Some("GET".into()),
            target: None,
            authority: None,
            status: 200,
            headers,
            body,
        }
    }
}

fn thing(thing: Thing) -> hearing::Thing {
    hearing::Thing::Http(thing)
}

fn get(heard: &Hearing, handle: hearing::Handle) -> Option<&Thing> {
    match heard.get(handle)? {
        hearing::Thing::Http(thing) => Some(thing),
        _ => None,
    }
}

fn get_mut(heard: &mut Hearing, handle: hearing::Handle) -> Option<&mut Thing> {
    match heard.get_mut(handle)? {
        hearing::Thing::Http(thing) => Some(thing),
        _ => None,
    }
}

fn take(heard: &mut Hearing, handle: hearing::Handle) -> Option<Thing> {
    match heard.take(handle)? {
        hearing::Thing::Http(thing) => Some(thing),
        other => {
            heard.put(handle, other);
            None
        }
    }
}

/// Puts what the first handle in an answer stands for.
fn put_first(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>, what: hearing::Thing) {
    if let Some(handle) = answer.and_then(first_handle) {
        heard.put(call.handle(handle), what);
    }
}

/// A function is called: requests and answers leave the program here.
pub(super) fn called(heard: &mut Hearing, call: &Call<'_>, component: &Component) {
    match call.function.names() {
        ("wasi:http/outgoing-handler" | "wasi:http/handler", "handle")
        | ("wasi:http/client", "send") => send(heard, call),
        ("wasi:http/types", "[static]response-outparam.set") => {
            let outparam = take(heard, call.own());
            if let Some(Thing::Outparam(end)) = outparam {
                let answer = call.args.get(1..).unwrap_or_default();
                answers(heard, end, call.made(), call.instance, answer, component);
            }
        }
        _ => {}
    }
}

/// A request goes out.
fn send(heard: &mut Hearing, call: &Call<'_>) {
    let request = match take(heard, call.own()) {
        Some(Thing::Request(request)) => *request,
        // A request that came is handed on as it is: what nobody asked of it is not known.
        Some(Thing::Given(from)) => {
            let head = heard.end(from).and_then(|end| end.received.head.clone());
            let mut handed = Outgoing::new(Vec::new(), None);
            if let Some(Head {
                start: Start::Request { method, target },
                headers,
                ..
            }) = head
            {
                (handed.method, handed.target, handed.headers) = (method, target, headers);
            }
            handed.authority = heard.end(from).and_then(|end| end.authority.clone());
            let body = heard.flow();
            heard.unseen(body);
            handed.body = Some(body);
            handed
        }
        _ => return,
    };
    let mut end = End::new(EndKind::HttpClient, call.made());
    end.authority = request.authority;
    end.remote = end.authority.as_deref().and_then(|of| of.parse().ok());
    end.sent.head = Some(Head {
        place: call.made(),
        event: Some(call.event),
        start: Start::Request {
            method: request.method,
            target: request.target.or_else(|| Some("/".into())),
        },
        headers: request.headers,
    });
    let end = heard.begin(end);
    if let Some(body) = request.body {
        heard.sends(end, body);
    }
    // What comes of the call is told by the handle of what was sent, which is gone.
    heard.put(call.own(), thing(Thing::Future(end)));
}

/// The program gives an answer: the flat values of a `result` of a response or an error.
fn answers(
    heard: &mut Hearing,
    end: EndIndex,
    place: Place,
    instance: crate::trace::Instance,
    answer: &[crate::component::types::CoreValue],
    component: &Component,
) {
    if word(answer, 0) != Some(0) {
        let error = error_code(component, answer);
        if let Some(end) = heard.end(end) {
            end.error = Some(error);
        }
        return;
    }
    let response = word(answer, 1).and_then(|handle| take(heard, (instance, handle)));
    let response = match response {
        Some(Thing::Response(response)) => *response,
        Some(Thing::Answer(from)) => {
            let head = heard.end(from).and_then(|end| end.received.head.clone());
            let body = heard.flow();
            heard.unseen(body);
            let headers = head.as_ref().map(|head| head.headers.clone());
            let mut handed = Outgoing::new(headers.unwrap_or_default(), Some(body));
            if let Some(Start::Response { status }) = head.map(|head| head.start) {
                handed.status = status;
            }
            handed
        }
        _ => return,
    };
    if let Some(end) = heard.end(end) {
        end.sent.head = Some(Head {
            place,
            event: place.in_call.then_some(place.events),
            start: Start::Response {
                status: response.status,
            },
            headers: response.headers,
        });
    }
    if let Some(body) = response.body {
        heard.sends(end, body);
    }
}

/// `task.return` is called, for this request's conversation.
pub(super) fn task_returned(
    heard: &mut Hearing,
    component: &Component,
    call: &Calling,
    request: Option<EndIndex>,
) {
    let is_answered = |end: EndIndex, heard: &mut Hearing| {
        heard.end(end).is_none_or(|end| end.sent.head.is_some())
    };
    if let Some(end) = request
        && !is_answered(end, heard)
    {
        let place = Place::in_call(call.event);
        answers(heard, end, place, call.instance, &call.args, component);
    }
}

/// The program is entered from outside; a request that it is given begins a conversation.
pub(super) fn given(
    heard: &mut Hearing,
    crossing: &Crossing,
    entry: &Entering<'_>,
    place: Place,
    number: u64,
) -> Option<EndIndex> {
    if !is_handler(crossing) {
        return None;
    }
    let mut end = End::new(EndKind::HttpServer, place);
    end.request = Some(number);
    end.received.head = Some(Head {
        place,
        event: None,
        start: Start::Request {
            method: None,
            target: None,
        },
        headers: Vec::new(),
    });
    let end = heard.begin(end);
    let handle = |index| word(entry.args, index).map(|handle| (entry.instance, handle));
    if let Some(request) = handle(0) {
        heard.put(request, thing(Thing::Given(end)));
    }
    if let Some(outparam) = handle(1) {
        heard.put(outparam, thing(Thing::Outparam(end)));
    }
    Some(end)
}

/// What the program learns of a head that came.
fn learn(heard: &mut Hearing, end: EndIndex, learn: impl FnOnce(&mut Head)) {
    if let Some(end) = heard.end(end)
        && let Some(head) = &mut end.received.head
    {
        learn(head);
    }
}

/// A function has answered.
pub(super) fn answered(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let (interface, function) = call.function.names();
    match interface {
        "wasi:http/outgoing-handler" | "wasi:http/handler" | "wasi:http/client" => {
            sent(heard, call, answer);
        }
        "wasi:http/types" => {
            let found = function
                .strip_prefix("[method]")
                .or_else(|| function.strip_prefix("[static]"))
                .and_then(|method| method.split_once('.'));
            match found {
                Some(("fields", method)) => fields(heard, call, method, answer),
                Some(("incoming-request" | "incoming-response", method)) => {
                    incoming(heard, call, method, answer);
                }
                Some(("request" | "response", "new")) => made(heard, call, answer),
                Some(("request" | "response", "consume-body")) => consumed(heard, call, answer),
                Some(("request" | "response", method)) if method.starts_with("get-") => {
                    incoming(heard, call, method.trim_start_matches("get-"), answer);
                    outgoing(heard, call, method.trim_start_matches("get-"), answer);
                }
                Some((
                    "outgoing-request" | "outgoing-response" | "request" | "response",
                    method,
                )) => outgoing(heard, call, method, answer),
                Some((body @ ("incoming-body" | "outgoing-body"), method)) => {
                    bodies(heard, call, (body, method), answer);
                }
                Some(("future-incoming-response", "get")) => {
                    let end = match get(heard, call.own()) {
                        Some(Thing::Future(end)) => *end,
                        _ => return,
                    };
                    if let Some(Lifted::Option(Some(result))) = answer
                        && let Lifted::Result(Ok(Some(result))) = result.as_ref()
                    {
                        response(heard, call, end, result);
                    }
                }
                _ => constructed(heard, call, function, answer),
            }
        }
        _ => {}
    }
}

/// What `handle` or `send` has answered: a future of WASI 0.2, or the response.
fn sent(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let Some(Thing::Future(end)) = take(heard, call.own()) else {
        return;
    };
    let Some(answer) = answer else { return };
    let is_future = call.function.interface == "wasi:http/outgoing-handler";
    match answer {
        Lifted::Result(Ok(_)) if is_future => {
            put_first(heard, call, Some(answer), thing(Thing::Future(end)));
        }
        _ => response(heard, call, end, answer),
    }
}

/// The answer to a request is there: a `result` of a response or an error.
fn response(heard: &mut Hearing, call: &Call<'_>, end: EndIndex, answer: &Lifted) {
    match answer {
        Lifted::Result(Ok(_)) => {
            let now = call.now;
            if let Some(end) = heard.end(end) {
                end.received.head = Some(Head {
                    place: now,
                    event: Some(call.event),
                    start: Start::Response { status: 0 },
                    headers: Vec::new(),
                });
            }
            put_first(heard, call, Some(answer), thing(Thing::Answer(end)));
        }
        Lifted::Result(Err(error)) => {
            let told = match error.as_deref() {
                Some(Lifted::Variant(name, _) | Lifted::Enum(name)) => name.clone(),
                _ => "an error in place of an answer".to_owned(),
            };
            if let Some(end) = heard.end(end) {
                end.error = Some(told);
            }
        }
        _ => {}
    }
}

fn constructed(heard: &mut Hearing, call: &Call<'_>, function: &str, answer: Option<&Lifted>) {
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
fn made(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
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

/// `consume-body` of WASI 0.3.
fn consumed(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let (Some(Thing::Given(end)) | Some(Thing::Answer(end))) = take(heard, call.own()) else {
        return;
    };
    let flow = heard.flow();
    heard.receives(end, flow);
    put_first(heard, call, answer, hearing::Thing::Readable(flow));
}

/// Bodies of WASI 0.2.
fn bodies(
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

/// What the program asks of a request or an answer that came.
fn incoming(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
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

/// What the program says of a request or a response that it makes.
fn outgoing(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
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

/// Headers that the program makes, or looks at.
fn fields(heard: &mut Hearing, call: &Call<'_>, asked: &str, answer: Option<&Lifted>) {
    let name = || {
        call.argument("name")
            .and_then(text)
            .map(|name| name.to_ascii_lowercase())
    };
    match asked {
        "from-list" if answer.is_some_and(is_ok) => {
            let mut made = call.argument("entries").map(headers).unwrap_or_default();
            for (name, _) in &mut made {
                name.make_ascii_lowercase();
            }
            made.truncate(MOST_HEADERS);
            put_first(heard, call, answer, thing(Thing::Made(made)));
        }
        "clone" => {
            let copy = match get(heard, call.own()) {
                Some(Thing::Made(made)) => made.clone(),
                Some(Thing::Received(end)) => {
                    let end = *end;
                    let head = heard.end(end).and_then(|end| end.received.head.as_ref());
                    head.map(|head| head.headers.clone()).unwrap_or_default()
                }
                _ => return,
            };
            put_first(heard, call, answer, thing(Thing::Made(copy)));
        }
        "set" | "append" | "delete" | "get-and-delete" if answer.is_some_and(is_ok) => {
            let values: Vec<String> = match call.argument("value") {
                Some(value @ Lifted::Bytes(_)) => value_text(value).into_iter().collect(),
                Some(Lifted::List(list)) => list.head.iter().filter_map(value_text).collect(),
                _ => Vec::new(),
            };
            let Some(name) = name() else { return };
            if let Some(Thing::Made(made)) = get_mut(heard, call.own()) {
                if asked != "append" {
                    made.retain(|(of, _)| *of != name);
                }
                if !asked.ends_with("delete") {
                    made.extend(values.into_iter().map(|value| (name.clone(), value)));
                }
                made.truncate(MOST_HEADERS);
            }
        }
        "get" | "entries" | "copy-all" => {
            let Some(Thing::Received(end)) = get(heard, call.own()) else {
                return;
            };
            let end = *end;
            let learnt: Headers = match (asked, answer) {
                ("get", Some(Lifted::List(list))) => {
                    let Some(name) = name() else { return };
                    let values = list.head.iter().filter_map(value_text);
                    values.map(|value| (name.clone(), value)).collect()
                }
                (_, Some(list)) => headers(list),
                _ => return,
            };
            learn(heard, end, |head| {
                for (name, value) in learnt {
                    let line = (name.to_ascii_lowercase(), value);
                    if !head.headers.contains(&line) && head.headers.len() < MOST_HEADERS {
                        head.headers.push(line);
                    }
                }
            });
        }
        _ => {}
    }
}

fn value_text(value: &Lifted) -> Option<String> {
    match value {
        Lifted::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes.head).into_owned()),
        _ => None,
    }
}

/// Puts in what the host has noted of requests: it knows all of their heads.
pub(super) fn noted(found: &mut Conversations, notes: &[NotedRequest]) {
    for end in &mut found.ends {
        let note = notes.iter().find(|note| Some(note.number) == end.request);
        let (Some(note), Some(head)) = (note, &mut end.received.head) else {
            continue;
        };
        head.start = Start::Request {
            method: Some(note.method.clone()),
            target: Some(note.target.clone()),
        };
        let lines = note.headers.iter();
        head.headers = lines
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        end.authority = note.authority.clone().or(end.authority.take());
    }
}
