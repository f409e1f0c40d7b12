//! TCP: connections that a program makes, and those that it accepts.

use super::{Thing, address, chosen, error, get_mut, made, own, thing, told};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::first_handle;
use crate::system::conversation::{End, EndKind, Place};
use crate::system::listening::bytes;
use crate::system::listening::call::Call;
use crate::system::listening::hearing::{self, EndIndex, FlowId, Handle, Hearing};
use std::net::SocketAddr;

/// A TCP socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::system::listening) struct Socket {
    local: Option<SocketAddr>,
    /// Where it is being bound to.
    binding: Option<SocketAddr>,
    /// Where its connections come out, if it listens, in WASI 0.3.
    accepting: Option<Handle>,
    /// The connection that it is, or tries to be.
    end: Option<EndIndex>,
    sent: Option<FlowId>,
}

fn socket(heard: &mut Hearing, handle: Handle) -> Option<&mut Socket> {
    match get_mut(heard, handle)? {
        Thing::Tcp(socket) => Some(socket),
        _ => None,
    }
}

/// A socket is made.
pub(super) fn created(heard: &mut Hearing, call: &Call<'_>, answer: &Lifted) {
    if let Some(handle) = made(answer, call) {
        heard.put(handle, thing(Thing::Tcp(Socket::default())));
    }
}

/// A method is called.
pub(super) fn called(heard: &mut Hearing, call: &Call<'_>, method: &str) {
    match method {
        "start-connect" | "connect" => {
            let Some(local) = socket(heard, own(call)).map(|socket| socket.local) else {
                return;
            };
            let mut end = End::new(EndKind::TcpConnected, call.made());
            end.local = local;
            end.remote = call.argument("remote-address").and_then(address);
            let end = heard.begin(end);
            if let Some(socket) = socket(heard, own(call)) {
                socket.end = Some(end);
            }
        }
        // What the program has written so far goes, and what it will write.
        "send" => {
            let end = socket(heard, own(call)).and_then(|socket| socket.end);
            let data = call.argument("data").and_then(first_handle);
            let (Some(end), Some(data)) = (end, data) else {
                return;
            };
            let flow = bytes::given(heard, call.handle(data)).unwrap_or_else(|| {
                let flow = heard.flow();
                heard.unseen(flow);
                flow
            });
            heard.sends(end, flow);
        }
        _ => {}
    }
}

/// A method has answered.
pub(super) fn answered(heard: &mut Hearing, call: &Call<'_>, method: &str, answer: &Lifted) {
    if method == "create" {
        return created(heard, call, answer);
    }
    let Some(of) = socket(heard, own(call)) else {
        return;
    };
    let failed = error(answer);
    let is_done = matches!(answer, Lifted::Result(Ok(_)));
    let end = of.end;
    match method {
        "start-bind" if is_done => of.binding = chosen(call),
        "finish-bind" if is_done => of.local = of.binding.take(),
        "bind" if is_done => of.local = chosen(call),
        "local-address" | "get-local-address" => {
            let Some(local) = told(answer) else { return };
            of.local = Some(local);
            let accepting = of.accepting;
            if let Some(end) = end.and_then(|end| heard.end(end)) {
                end.local = Some(local);
            }
            // What it accepts from now on is accepted there.
            let accepting = accepting.and_then(|stream| get_mut(heard, stream));
            if let Some(Thing::Accepting(at)) = accepting {
                *at = Some(local);
            }
        }
        "remote-address" | "get-remote-address" => {
            if let (Some(remote), Some(end)) = (told(answer), end.and_then(|end| heard.end(end))) {
                end.remote = Some(remote);
            }
        }
        "start-connect" | "connect" | "finish-connect" => {
            let Some(end) = end else { return };
            if let (Some(why), Some(end)) = (failed, heard.end(end)) {
                end.error = Some(why);
            }
            if let ("finish-connect", [input, output]) = (method, handles(answer).as_slice()) {
                let sent = streams(heard, end, call.handle(*input), call.handle(*output));
                if let Some(socket) = socket(heard, own(call)) {
                    socket.sent = Some(sent);
                }
            }
        }
        "accept" => {
            let local = of.local;
            if let [accepted, input, output] = handles(answer).as_slice() {
                let end = accept(heard, call.handle(*accepted), call.made(), local);
                let sent = streams(heard, end, call.handle(*input), call.handle(*output));
                if let Some(socket) = socket(heard, call.handle(*accepted)) {
                    socket.sent = Some(sent);
                }
            }
        }
        "listen" => {
            let local = of.local;
            if let Some(stream) = made(answer, call) {
                of.accepting = Some(stream);
                heard.put(stream, thing(Thing::Accepting(local)));
            }
        }
        "receive" => {
            let (Some(end), Some(stream)) = (end, first_handle(answer)) else {
                return;
            };
            let flow = heard.flow();
            heard.receives(end, flow);
            heard.put(call.handle(stream), hearing::Thing::Readable(flow));
        }
        "shutdown" if is_done => {
            let is_sent = matches!(
                call.argument("shutdown-type"),
                Some(Lifted::Enum(what)) if what != "receive"
            );
            if let (true, Some(flow)) = (is_sent, of.sent) {
                heard.ended(flow, call.made());
            }
        }
        _ => {}
    }
}

/// The handles in a successful answer.
fn handles(answer: &Lifted) -> Vec<u32> {
    let mut handles = Vec::new();
    if matches!(answer, Lifted::Result(Ok(_))) {
        answer.for_each_handle(&mut |handle| handles.push(handle.index));
    }
    handles
}

/// The streams of a connection, in WASI 0.2. Answers what goes.
fn streams(heard: &mut Hearing, end: EndIndex, input: Handle, output: Handle) -> FlowId {
    let (received, sent) = (heard.flow(), heard.flow());
    heard.receives(end, received);
    heard.sends(end, sent);
    heard.ends_when_dropped(sent);
    heard.put(input, hearing::Thing::Input(received));
    heard.put(output, hearing::Thing::Output(sent));
    sent
}

/// A connection comes out of a socket that listens there.
fn accept(
    heard: &mut Hearing,
    accepted: Handle,
    place: Place,
    local: Option<SocketAddr>,
) -> EndIndex {
    let mut end = End::new(EndKind::TcpAccepted, place);
    end.local = local;
    let end = heard.begin(end);
    let socket = Socket {
        local,
        end: Some(end),
        ..Socket::default()
    };
    heard.put(accepted, thing(Thing::Tcp(socket)));
    end
}

/// Sockets have come out of a stream, in WASI 0.3.
pub(in crate::system::listening) fn accepted(
    heard: &mut Hearing,
    sockets: impl Iterator<Item = Handle>,
    place: Place,
    local: Option<SocketAddr>,
) {
    for socket in sockets {
        accept(heard, socket, place, local);
    }
}
