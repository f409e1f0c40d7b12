//! `wasi:sockets`, 0.2 and 0.3: what becomes of each socket, and who is at its other end.

mod address;
mod tcp;
mod udp;

use self::address::{address, error};
use super::call::Call;
use super::hearing::{self, Handle, Hearing};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::past::requests::values::{first_handle, is_ok};
use std::net::SocketAddr;

pub(super) use self::tcp::accepted;

/// What a handle of `wasi:sockets` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thing {
    /// A TCP socket.
    Tcp(tcp::Socket),
    /// Connections that are accepted, in WASI 0.3: a stream of sockets.
    Accepting(Option<SocketAddr>),
    /// A UDP socket.
    Udp(udp::Socket),
    /// Datagrams that come, in WASI 0.2.
    Incoming(udp::Flows),
    /// Those that go.
    Outgoing(udp::Flows),
}

fn thing(thing: Thing) -> hearing::Thing {
    hearing::Thing::Socket(thing)
}

fn get(heard: &Hearing, handle: Handle) -> Option<&Thing> {
    match heard.get(handle)? {
        hearing::Thing::Socket(thing) => Some(thing),
        _ => None,
    }
}

fn get_mut(heard: &mut Hearing, handle: Handle) -> Option<&mut Thing> {
    match heard.get_mut(handle)? {
        hearing::Thing::Socket(thing) => Some(thing),
        _ => None,
    }
}

/// The handle that a function is a method of. Asynchronous calls of WASI 0.3 with several
/// parameters have it in memory, so it is no flat argument.
fn own(call: &Call<'_>) -> Handle {
    let lifted = call.argument("self").and_then(first_handle);
    lifted.map_or_else(|| call.own(), |index| call.handle(index))
}

/// The method of a resource that a function is, with the resource.
fn method<'a>(call: &'a Call<'_>) -> Option<(&'a str, &'a str)> {
    if !call.function.interface.starts_with("wasi:sockets/") {
        return None;
    }
    let name = call.function.name.as_str();
    let bare = name
        .strip_prefix("[method]")
        .or_else(|| name.strip_prefix("[static]"));
    Some(bare.unwrap_or(name).split_once('.').unwrap_or(("", name)))
}

/// A function is called.
pub(super) fn called(heard: &mut Hearing, call: &Call<'_>) {
    match method(call) {
        Some(("tcp-socket", method)) => tcp::called(heard, call, method),
        Some(("udp-socket", method)) => udp::called(heard, call, method),
        _ => {}
    }
}

/// A function has answered.
pub(super) fn answered(heard: &mut Hearing, call: &Call<'_>, answer: Option<&Lifted>) {
    let Some(answer) = answer else { return };
    match method(call) {
        Some(("tcp-socket", method)) => tcp::answered(heard, call, method, answer),
        Some(("udp-socket", method)) => udp::answered(heard, call, method, answer),
        Some(("incoming-datagram-stream", "receive")) => udp::came(heard, call, answer),
        Some(("outgoing-datagram-stream", "send")) => udp::went(heard, call, answer),
        Some(("", "create-tcp-socket")) => tcp::created(heard, call, answer),
        Some(("", "create-udp-socket")) => udp::created(heard, call, answer),
        _ => {}
    }
}

/// The address in a successful answer.
fn told(answer: &Lifted) -> Option<SocketAddr> {
    match answer {
        Lifted::Result(Ok(Some(value))) => address(value),
        _ => None,
    }
}

/// The handle in a successful answer.
fn made(answer: &Lifted, call: &Call<'_>) -> Option<Handle> {
    let handle = is_ok(answer).then(|| first_handle(answer)).flatten();
    handle.map(|index| call.handle(index))
}

/// What a program chose, unless it left the choice of the port to the host.
fn chosen(call: &Call<'_>) -> Option<SocketAddr> {
    let chosen = call.argument("local-address").and_then(address);
    chosen.filter(|chosen| chosen.port() != 0)
}
