//! Messages and conversations in words, for people.

use super::conversation::{Conversations, Direction, End, EndKind, Head, Place, Start, Way};
use super::message::{EndId, Message, Site, Took, What};

/// So much of what was said is shown.
const MOST_SHOWN: usize = 48;

/// What a conversation is: `GET /orders, asked of shop:80`.
pub fn end(end: &End) -> String {
    let head = |direction: &Direction| direction.head.as_ref().map(start);
    let whom = |verb: &str| {
        let remote = end.authority.clone();
        let remote = remote.or_else(|| end.remote.map(|address| address.to_string()));
        remote.map_or_else(String::new, |whom| format!("{verb}{whom}"))
    };
    let asked = || "a request".to_owned();
    match end.kind {
        EndKind::HttpClient => {
            let what = head(&end.sent).unwrap_or_else(asked);
            format!("{what}{}", whom(", asked of "))
        }
        EndKind::HttpServer => {
            let what = head(&end.received).unwrap_or_else(asked);
            format!("{what}{}", whom(", asked of "))
        }
        EndKind::TcpConnected => format!("a TCP connection{}", whom(" to ")),
        EndKind::TcpAccepted => format!("a TCP connection{}", whom(" from ")),
        EndKind::Udp => match end.local {
            Some(local) => format!("the UDP socket {local}"),
            None => "a UDP socket".to_owned(),
        },
        EndKind::StandardInput => "standard input".to_owned(),
        EndKind::StandardOutput => "standard output".to_owned(),
    }
}

/// The first line of a head: `GET /orders`, `200`.
pub fn start(head: &Head) -> String {
    match &head.start {
        Start::Request { method, target } => {
            let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
            format!("{} {}", known(method), known(target))
        }
        Start::Response { status: 0 } => "an answer".to_owned(),
        Start::Response { status } => status.to_string(),
    }
}

/// An end by its number, if it is there.
pub fn end_of<'a>(nodes: &[&'a Conversations], id: EndId) -> Option<&'a End> {
    let node = nodes.get(id.node.0 as usize)?;
    node.ends.get(id.end as usize)
}

/// What a message says: `GET /orders`, `200`, the beginning of its bytes.
pub fn said(message: &Message, nodes: &[&Conversations]) -> String {
    let Some(end) = end_of(nodes, message.from.end) else {
        return String::new();
    };
    let direction = end.direction(Way::Sent);
    match message.what {
        What::Request | What::Response => direction.head.as_ref().map(start).unwrap_or_default(),
        What::Body | What::Bytes | What::Datagram => {
            let from = usize::try_from(message.offset).unwrap_or(usize::MAX);
            let length = usize::try_from(message.length).unwrap_or(usize::MAX);
            let rest = direction.bytes.get(from..).unwrap_or_default();
            bytes(rest.get(..length).unwrap_or(rest))
        }
    }
}

/// The beginning of some bytes, as a string.
pub fn bytes(bytes: &[u8]) -> String {
    let shown = bytes.get(..MOST_SHOWN).unwrap_or(bytes);
    let text = shown.escape_ascii().to_string();
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("\"{text}{more}\"")
}

/// Where one end of a message is: `gateway event 12`.
pub fn site(site: &Site, names: &[String]) -> String {
    let name = names
        .get(site.end.node.0 as usize)
        .map_or("?", String::as_str);
    moment(name, site.hostcall(), site.place)
}

/// A moment of a node: a hostcall, or before which one it is.
pub fn moment(name: &str, event: Option<u64>, place: Place) -> String {
    match event {
        Some(event) => format!("{name} event {event}"),
        None => format!("{name} before event {}", place.events),
    }
}

/// How long something took.
pub fn took(took: Took) -> String {
    let sign = if took.nanos < 0 { "-" } else { "" };
    let nanos = took.nanos.unsigned_abs();
    match nanos {
        0..1_000_000 => format!("{sign}{} us", nanos / 1000),
        1_000_000..10_000_000_000 => format!("{sign}{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{sign}{:.1} s", nanos as f64 / 1e9),
    }
}

/// A message in one line: `client event 3 -> server before event 0  GET /orders  (trace context)`.
pub fn line(message: &Message, names: &[String], nodes: &[&Conversations]) -> String {
    let mut line = format!(
        "{} -> {}  {}",
        site(&message.from, names),
        site(&message.to, names),
        said(message, nodes)
    );
    if message.length > 0 {
        line.push_str(&format!(", {} bytes", message.length));
    }
    if let Some(took_long) = message.took {
        line.push_str(&format!(", {}", took(took_long)));
    }
    line.push_str(&format!("  ({})", message.evidence.told()));
    line
}
