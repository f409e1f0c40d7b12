//! All that was found, as one JSON object, for programs: nothing is made up in it, and nothing left
//! out but bytes that nobody kept.

use super::System;
use crate::system::conversation::{Direction, End, Head, Piece, Place, Start};
use crate::system::message::{EndId, OtherEnd, Site};
use crate::system::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Which fields there are: it grows where they change their meaning.
const VERSION: u32 = 1;

/// Writes the object, a piece at a time.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(system: System<'_>, mut to: impl Write) -> io::Result<()> {
    let mut json = serde_json::Serializer::new(&mut to);
    all(system, &mut json)?;
    writeln!(to)?;
    to.flush()
}

fn all<S: Serializer>(system: System<'_>, to: S) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(None)?;
    object.serialize_entry("format", "rr-dap system")?;
    object.serialize_entry("version", &VERSION)?;
    object.serialize_entry("nodes", &Each(|| nodes(system)))?;
    object.serialize_entry("conversations", &Each(|| conversations(system)))?;
    object.serialize_entry("messages", &Each(|| messages(system)))?;
    object.serialize_entry("contradictions", &Each(|| contradictions(system)))?;
    object.end()
}

/// A list whose elements are made when they are written.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}

fn nodes(system: System<'_>) -> impl Iterator<Item = Value> {
    system.nodes.iter().map(move |node| {
        json!({
            "name": node.name,
            "events": node.conversations.events,
            "tellsTime": system.tells_time(node),
            "cutShort": node.conversations.cut_short,
        })
    })
}

fn conversations<'a>(system: System<'a>) -> impl Iterator<Item = Conversation<'a>> {
    system
        .ends()
        .map(move |(id, end)| Conversation { system, id, end })
}

fn messages(system: System<'_>) -> impl Iterator<Item = Value> {
    let messages = system.matches.messages();
    let nodes = system.conversations();
    messages.iter().map(move |message| {
        json!({
            "from": site(system, &message.from),
            "to": site(system, &message.to),
            "what": message.what,
            "said": words::said(message, &nodes),
            "offset": message.offset,
            "length": message.length,
            "evidence": message.evidence,
            "tookNs": message.took.map(|took| took.nanos),
        })
    })
}

fn contradictions(system: System<'_>) -> impl Iterator<Item = Value> {
    let all = system.order.contradictions().iter();
    all.map(|of| json!({ "leftOut": of.left_out, "cycle": of.cycle }))
}

fn site(system: System<'_>, site: &Site) -> Value {
    json!({
        "node": site.end.node,
        "conversation": site.end.end,
        "piece": site.piece,
        "event": site.event,
        "place": place(system, site.end, site.place),
        "unixNs": system.nanos_of(site),
    })
}

/// A place of a node: how many hostcalls were made before, whether it is in the next, and how many
/// steps the system had made.
fn place(system: System<'_>, of: EndId, place: Place) -> Value {
    json!({
        "events": place.events,
        "inCall": place.in_call,
        "order": system.rank(of.node, place),
    })
}

/// A conversation as one recording has it.
struct Conversation<'a> {
    system: System<'a>,
    id: EndId,
    end: &'a End,
}

impl Serialize for Conversation<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Conversation { system, id, end } = self;
        let way = |direction| Way {
            system: *system,
            id: *id,
            direction,
        };
        let mut object = to.serialize_map(None)?;
        object.serialize_entry("node", &id.node)?;
        object.serialize_entry("conversation", &id.end)?;
        object.serialize_entry("kind", &end.kind)?;
        object.serialize_entry("about", &words::end(end))?;
        object.serialize_entry("began", &place(*system, *id, end.began))?;
        object.serialize_entry("local", &end.local)?;
        object.serialize_entry("remote", &end.remote)?;
        object.serialize_entry("authority", &end.authority)?;
        object.serialize_entry("request", &end.request)?;
        object.serialize_entry("error", &end.error)?;
        object.serialize_entry("other", &other(system.matches.other_end(*id)))?;
        object.serialize_entry("sent", &way(&end.sent))?;
        object.serialize_entry("received", &way(&end.received))?;
        object.end()
    }
}

fn other(other: &OtherEnd) -> Value {
    let end = |id: &EndId| json!({ "node": id.node, "conversation": id.end });
    let ends = |ids: &[EndId]| ids.iter().map(end).collect::<Vec<_>>();
    match other {
        OtherEnd::Known(id, evidence) => {
            json!({ "is": "known", "ends": [end(id)], "evidence": evidence })
        }
        OtherEnd::Several(ids) => json!({ "is": "several", "ends": ends(ids) }),
        OtherEnd::Ambiguous(ids) => json!({ "is": "ambiguous", "ends": ends(ids) }),
        OtherEnd::Outside => json!({ "is": "outside", "ends": [] }),
    }
}

/// What went one way.
struct Way<'a> {
    system: System<'a>,
    id: EndId,
    direction: &'a Direction,
}

impl Serialize for Way<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Way {
            system,
            id,
            direction,
        } = *self;
        let at = |of: Place| place(system, id, of);
        let mut object = to.serialize_map(None)?;
        object.serialize_entry("head", &direction.head.as_ref().map(|of| head(of, &at)))?;
        object.serialize_entry("length", &direction.length)?;
        object.serialize_entry("kept", &direction.bytes.len())?;
        match std::str::from_utf8(&direction.bytes) {
            Ok(text) => object.serialize_entry("text", text)?,
            Err(_) => {
                object.serialize_entry("base64", &STANDARD.encode(&direction.bytes))?;
            }
        }
        object.serialize_entry("ended", &direction.ended.map(at))?;
        object.serialize_entry("unseen", &direction.unseen)?;
        let pieces = || direction.pieces.iter().map(|of| piece(of, &at));
        object.serialize_entry("pieces", &Each(pieces))?;
        object.end()
    }
}

fn head(head: &Head, place: &impl Fn(Place) -> Value) -> Value {
    let (method, target, status) = match &head.start {
        Start::Request { method, target } => (method.as_deref(), target.as_deref(), None),
        Start::Response { status } => (None, None, Some(*status).filter(|status| *status != 0)),
    };
    json!({
        "place": place(head.place),
        "event": head.event,
        "method": method,
        "target": target,
        "status": status,
        "headers": head.headers,
    })
}

fn piece(piece: &Piece, place: &impl Fn(Place) -> Value) -> Value {
    json!({
        "place": place(piece.place),
        "event": piece.event,
        "offset": piece.offset,
        "length": piece.length,
        "peer": piece.peer,
    })
}
