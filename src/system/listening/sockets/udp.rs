//! UDP: a conversation is a socket, a piece is a datagram.

use super::address::field;
use super::{Thing, address, chosen, error, get, get_mut, made, own, thing, told};
use crate::inspect::hostcall::lift::Lifted;
use crate::system::conversation::{End, EndKind};
use crate::system::listening::call::Call;
use crate::system::listening::hearing::{EndIndex, FlowId, Handle, Hearing};
use std::net::SocketAddr;

/// A UDP socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::system::listening) struct Socket {
    local: Option<SocketAddr>,
    /// Where it is being bound to.
    binding: Option<SocketAddr>,
    /// What goes through it, once it does something.
    flows: Option<Flows>,
}

/// Both directions of a socket, and whom it is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::system::listening) struct Flows {
    end: EndIndex,
    sent: FlowId,
    received: FlowId,
    peer: Option<SocketAddr>,
}

fn socket(heard: &mut Hearing, handle: Handle) -> Option<&mut Socket> {
    match get_mut(heard, handle)? {
        Thing::Udp(socket) => Some(socket),
        _ => None,
    }
}

/// A socket is made.
pub(super) fn created(heard: &mut Hearing, call: &Call<'_>, answer: &Lifted) {
    if let Some(handle) = made(answer, call) {
        heard.put(handle, thing(Thing::Udp(Socket::default())));
    }
}

/// What goes through a socket; with its first use its conversation begins.
fn flows(heard: &mut Hearing, call: &Call<'_>) -> Option<Flows> {
    let known = socket(heard, own(call))?;
    if let Some(flows) = known.flows {
        return Some(flows);
    }
    let mut end = End::new(EndKind::Udp, call.made());
    end.local = known.local;
    let flows = Flows {
        end: heard.begin(end),
        sent: heard.flow(),
        received: heard.flow(),
        peer: None,
    };
    heard.sends(flows.end, flows.sent);
    heard.receives(flows.end, flows.received);
    socket(heard, own(call))?.flows = Some(flows);
    Some(flows)
}

/// A method is called.
pub(super) fn called(heard: &mut Hearing, call: &Call<'_>, method: &str) {
    if matches!(method, "stream" | "connect" | "send" | "receive") {
        flows(heard, call);
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
    let is_done = matches!(answer, Lifted::Result(Ok(_)));
    match method {
        "start-bind" if is_done => of.binding = chosen(call),
        "finish-bind" if is_done => {
            let local = of.binding.take();
            is_at(heard, call, local);
        }
        "bind" if is_done => is_at(heard, call, chosen(call)),
        "local-address" | "get-local-address" => is_at(heard, call, told(answer)),
        "remote-address" | "get-remote-address" => {
            if let Some(remote) = told(answer) {
                connected(heard, call, Some(remote));
            }
        }
        "stream" | "connect" | "disconnect" => {
            if let Some(why) = error(answer) {
                failed(heard, call, why);
            }
            if !is_done {
                return;
            }
            let peer = call.argument("remote-address").and_then(address);
            let Some(flows) = connected(heard, call, peer) else {
                return;
            };
            let mut handles = Vec::new();
            answer.for_each_handle(&mut |handle| handles.push(handle.index));
            if let [incoming, outgoing] = handles.as_slice() {
                heard.put(call.handle(*incoming), thing(Thing::Incoming(flows)));
                heard.put(call.handle(*outgoing), thing(Thing::Outgoing(flows)));
            }
        }
        "send" if is_done => {
            let Some(flows) = of.flows else { return };
            let to = call.argument("remote-address").and_then(address);
            if let Some(data) = call.argument("data") {
                sent(heard, call, flows, data, to);
            }
        }
        "receive" => {
            let Some(flows) = of.flows else { return };
            if let Lifted::Result(Ok(Some(came))) = answer
                && let Lifted::Tuple(parts) = came.as_ref()
                && let [data, from] = parts.as_slice()
            {
                received(heard, call, flows, data, address(from));
            }
        }
        _ => {}
    }
}

/// The program knows where a socket is.
fn is_at(heard: &mut Hearing, call: &Call<'_>, local: Option<SocketAddr>) {
    let Some(local) = local else { return };
    let Some(of) = socket(heard, own(call)) else {
        return;
    };
    of.local = Some(local);
    if let Some(flows) = of.flows
        && let Some(end) = heard.end(flows.end)
    {
        end.local = Some(local);
    }
}

/// The program knows whom a socket speaks with, or has made it speak with anybody.
fn connected(heard: &mut Hearing, call: &Call<'_>, peer: Option<SocketAddr>) -> Option<Flows> {
    let flows = socket(heard, own(call))?.flows.as_mut()?;
    flows.peer = peer;
    let flows = *flows;
    if let Some(end) = heard.end(flows.end) {
        end.remote = peer;
    }
    Some(flows)
}

fn failed(heard: &mut Hearing, call: &Call<'_>, why: String) {
    let flows = socket(heard, own(call)).and_then(|socket| socket.flows);
    if let Some(end) = flows.and_then(|flows| heard.end(flows.end)) {
        end.error = Some(why);
    }
}

/// Datagrams have come through a stream of WASI 0.2.
pub(super) fn came(heard: &mut Hearing, call: &Call<'_>, answer: &Lifted) {
    let Some(Thing::Incoming(flows)) = get(heard, own(call)) else {
        return;
    };
    let flows = *flows;
    if let Lifted::Result(Ok(Some(list))) = answer {
        for (data, from) in datagrams(list) {
            received(heard, call, flows, data, from);
        }
    }
}

/// Datagrams have gone, the first so many of those that were given.
pub(super) fn went(heard: &mut Hearing, call: &Call<'_>, answer: &Lifted) {
    let Some(Thing::Outgoing(flows)) = get(heard, own(call)) else {
        return;
    };
    let flows = *flows;
    let Lifted::Result(Ok(Some(count))) = answer else {
        return;
    };
    let Lifted::Unsigned(count) = count.as_ref() else {
        return;
    };
    let count = usize::try_from(*count).unwrap_or(usize::MAX);
    let Some(list) = call.argument("datagrams") else {
        return;
    };
    for (data, to) in datagrams(list).take(count) {
        sent(heard, call, flows, data, to);
    }
}

/// The datagrams of a list, and where they go or come from.
fn datagrams(list: &Lifted) -> impl Iterator<Item = (&Lifted, Option<SocketAddr>)> {
    let list = match list {
        Lifted::List(list) => list.head.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|datagram| match datagram {
        Lifted::Record(fields) => {
            let remote = field(fields, "remote-address").and_then(address);
            field(fields, "data").map(|data| (data, remote))
        }
        _ => None,
    })
}

fn sent(heard: &mut Hearing, call: &Call<'_>, flows: Flows, data: &Lifted, to: Option<SocketAddr>) {
    if let Lifted::Bytes(bytes) = data {
        let said = (bytes.head.as_slice(), bytes.length);
        let when = (call.made(), Some(call.event));
        heard.push(flows.sent, when, said, to.or(flows.peer));
    }
}

fn received(
    heard: &mut Hearing,
    call: &Call<'_>,
    flows: Flows,
    data: &Lifted,
    from: Option<SocketAddr>,
) {
    if let Lifted::Bytes(bytes) = data {
        let said = (bytes.head.as_slice(), bytes.length);
        let when = (call.now, Some(call.event));
        heard.push(flows.received, when, said, from);
    }
}
