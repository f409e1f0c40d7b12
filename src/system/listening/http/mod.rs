//! `wasi:http`, 0.2 and 0.3: requests that the program makes, and requests that it is given.

mod fields;
mod learnt;
mod made;

use self::fields::fields;
use self::learnt::{consumed, incoming};
use self::made::{bodies, constructed, made, outgoing};
use super::call::Call;
use super::hearing::{self, EndIndex, FlowId, Hearing};
use crate::component::{Component, Crossing};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::is_handler;
use crate::inspect::past::requests::values::{error_code, first_handle, word};
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
