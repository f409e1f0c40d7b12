//! Whether two ends can be of one conversation, and how much speaks for it.

use super::Party;
use super::facts::{is_identity, is_of_hop, known_ip, normal_authority, values_of, way};
use crate::system::conversation::{Direction, EndKind, Head, Place, Start};
use std::net::SocketAddr;

/// What two ends, of which neither contradicts the other, have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    /// About as many bytes as are the same and need not have been.
    pub(super) weight: u32,
    /// Whether any of it was said: addresses alone say nothing.
    pub(super) said: bool,
    /// Whether a trace or an identity of the request is the same.
    pub(super) identity: bool,
    pub(super) address: Address,
    /// Whether all headers that both know are the same.
    pub(super) same_headers: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Address {
    Same,
    /// The ports are the same, and of one end it is only known that it is at all addresses of its
    /// host: other hosts have such ports, too.
    SamePort,
    #[default]
    Unknown,
    Different,
}

/// What speaks for two ends; `None` if they cannot be of one conversation. The left one began.
pub(super) fn agreement(left: &Party<'_>, right: &Party<'_>) -> Option<Agreement> {
    if left.id == right.id || left.end.kind.opposite() != right.end.kind {
        return None;
    }
    let mut found = Agreement {
        same_headers: true,
        ..Agreement::default()
    };
    let failed = left.end.error.is_some() || right.end.error.is_some();
    let (forth, forth_there) = (&left.end.sent, &right.end.received);
    let (back, back_here) = (&right.end.sent, &left.end.received);
    // What the program does not answer, its host does, with a body of its own.
    let by_host = right.end.kind == EndKind::HttpServer && back.head.is_none();
    let common = bytes_in_common(forth, left, forth_there, failed)?
        + match by_host {
            true => 0,
            false => bytes_in_common(back, right, back_here, failed)?,
        };
    found.weight += u32::try_from(common).unwrap_or(u32::MAX).min(128);
    match left.end.kind {
        EndKind::HttpClient => http(left, right, &mut found)?,
        _ if left.end.kind == EndKind::StandardOutput && left.id.node == right.id.node => {
            return None;
        }
        _ => {}
    }
    found.said = found.weight > 0;
    addresses(left, right, &mut found);
    if left.id.node == right.id.node {
        let in_order = |sent: &Direction, received: &Direction| {
            let (Some(sent), Some(received)) = (first_of(sent), first_of(received)) else {
                return true;
            };
            sent <= received
        };
        if left.end.began > right.end.began
            || !in_order(forth, forth_there)
            || !in_order(back, back_here)
        {
            return None;
        }
    }
    Some(found)
}

/// Where the first was said or heard.
pub(super) fn first_of(direction: &Direction) -> Option<Place> {
    let head = direction.head.as_ref().map(|head| head.place);
    head.or(direction.pieces.first().map(|piece| piece.place))
}

/// How many bytes from the beginning both know, if they agree.
fn bytes_in_common(
    sent: &Direction,
    sender: &Party<'_>,
    received: &Direction,
    failed: bool,
) -> Option<usize> {
    let known = sent.bytes.len().min(received.bytes.len());
    if sent.bytes.get(..known) != received.bytes.get(..known) {
        return None;
    }
    // A sender hands a stream on, or its recording ends: then more may have come.
    let sender_knows = !sent.unseen && !sender.cut_short;
    if sender_knows && received.length > sent.length && !failed {
        return None;
    }
    let both_ended = sent.ended.is_some() && received.ended.is_some();
    let both_know = !sent.unseen && !received.unseen;
    if both_ended && both_know && !failed && sent.length != received.length {
        return None;
    }
    Some(known)
}

fn http(left: &Party<'_>, right: &Party<'_>, found: &mut Agreement) -> Option<()> {
    let (request, answer) = way(left, true);
    let (request_there, answer_there) = way(right, false);
    if let (Some(here), Some(there)) = (&request.head, &request_there.head) {
        start(&here.start, &there.start, found)?;
        headers(here, there, found)?;
    }
    match (&answer_there.head, &answer.head) {
        (Some(there), Some(here)) => {
            start(&there.start, &here.start, found)?;
            headers(there, here, found)?;
        }
        // What the program does not answer, its host does, with an error.
        (None, Some(here)) if !right.cut_short => match here.start {
            Start::Response { status } if status != 0 && status < 500 => return None,
            _ => {}
        },
        _ => {}
    }
    Some(())
}

fn start(said: &Start, heard: &Start, found: &mut Agreement) -> Option<()> {
    match (said, heard) {
        (
            Start::Request { method, target },
            Start::Request {
                method: method_there,
                target: target_there,
            },
        ) => {
            if let (Some(here), Some(there)) = (method, method_there) {
                if here != there {
                    return None;
                }
                found.weight += u32::from(here != "GET");
            }
            if let (Some(here), Some(there)) = (target, target_there) {
                if here != there {
                    return None;
                }
                // Everybody has a `/`.
                found.weight += (here.len().saturating_sub(1) as u32).min(64);
            }
        }
        (Start::Response { status }, Start::Response { status: there })
            if *status != 0 && *there != 0 =>
        {
            if status != there {
                return None;
            }
            found.weight += 1 + u32::from(*status != 200);
        }
        _ => {}
    }
    Some(())
}

/// Headers may be rewritten on the way, but not those that say which request it is.
fn headers(said: &Head, heard: &Head, found: &mut Agreement) -> Option<()> {
    let mut last = None;
    for (name, value) in &heard.headers {
        if is_of_hop(name) || last == Some(name) {
            continue;
        }
        last = Some(name);
        let mut here = values_of(said, name).peekable();
        if here.peek().is_none() {
            continue;
        }
        if here.eq(values_of(heard, name)) {
            found.weight += (value.len() as u32).min(32);
            if is_identity(name) && !found.identity {
                found.identity = true;
                found.weight += 32;
            }
        } else if is_identity(name) {
            // A proxy may put a span of its own into the same trace.
            let same_trace = name.eq_ignore_ascii_case("traceparent")
                && said.header(name).and_then(trace_of) == trace_of(value);
            if !same_trace {
                return None;
            }
            found.same_headers = false;
        } else {
            found.same_headers = false;
        }
    }
    Some(())
}

/// The trace that a `traceparent` names.
fn trace_of(value: &str) -> Option<&str> {
    value.split('-').nth(1)
}

fn addresses(left: &Party<'_>, right: &Party<'_>, found: &mut Agreement) {
    if left.end.kind == EndKind::HttpClient {
        if let (Some(asked), Some(told)) = (&left.end.authority, &right.end.authority) {
            found.address = match normal_authority(asked) == normal_authority(told) {
                true => Address::Same,
                false => Address::Different,
            };
        }
        if found.address == Address::Same {
            found.weight += 16;
        }
        return;
    }
    let server = compared(left.end.remote, right.end.local);
    let client = compared(left.end.local, right.end.remote);
    found.address = match (server, client) {
        (Address::Different, _) | (_, Address::Different) => Address::Different,
        // Of one client there is one connection at a time with that port.
        (Address::Same, _) | (Address::SamePort, Address::Same | Address::SamePort) => {
            Address::Same
        }
        (Address::SamePort, Address::Unknown) => Address::SamePort,
        (Address::Unknown, _) => Address::Unknown,
    };
    found.weight += match (found.address, client) {
        (Address::Same, Address::Same) => 32,
        (Address::Same, Address::SamePort) => 24,
        (Address::Same, _) => 12,
        (Address::SamePort, _) => 6,
        _ => 0,
    };
}

/// Whether two addresses can be the same.
pub(super) fn compared(here: Option<SocketAddr>, there: Option<SocketAddr>) -> Address {
    let known = |address: Option<SocketAddr>| address.filter(|address| address.port() != 0);
    let (Some(here), Some(there)) = (known(here), known(there)) else {
        return Address::Unknown;
    };
    let ips = known_ip(here).zip(known_ip(there));
    match (here.port() == there.port(), ips) {
        (true, None) => Address::SamePort,
        (true, Some((here, there))) if here == there => Address::Same,
        _ => Address::Different,
    }
}
