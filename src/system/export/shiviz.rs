//! A log for ShiViz, which draws it: every place at which a node sent or received, with a vector clock.
//!
//! The clock of a place says of each node how many of its places are known there: those that the
//! order of the system has before it. It is looked up for each line, and none is kept.

use super::{System, plain};
use crate::system::conversation::Place;
use crate::system::message::{Message, NodeId};
use crate::system::order::Cut;
use crate::system::words;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// How ShiViz reads the lines: its first line says so. The second one would tell several runs apart.
pub const FORMAT: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)";

/// So much of what happened is told.
const MOST_TOLD: usize = 300;
/// Messages that are told of one place.
const MOST_AT_ONCE: usize = 8;

/// One place of a node at which something was sent, or received.
#[derive(Default)]
struct Told {
    sent: Vec<u32>,
    received: Vec<u32>,
}

/// Writes the log.
///
/// # Errors
///
/// If it cannot be written.
pub fn write(system: System<'_>, mut to: impl Write) -> io::Result<()> {
    writeln!(to, "{FORMAT}\n")?;
    let hosts = hosts(system);
    let messages = system.matches.messages();
    let mut told: Vec<BTreeMap<Place, Told>> = Vec::new();
    told.resize_with(system.nodes.len(), BTreeMap::new);
    for (number, message) in (0..u32::MAX).zip(messages) {
        for (site, is_sent) in [(&message.from, true), (&message.to, false)] {
            let Some(of_node) = told.get_mut(site.end.node.0 as usize) else {
                continue;
            };
            let at = of_node.entry(logged(site.place)).or_default();
            match is_sent {
                true => at.sent.push(number),
                false => at.received.push(number),
            }
        }
    }
    let places: Vec<Vec<Place>> = told.iter().map(|of| of.keys().copied().collect()).collect();
    let mut all: Vec<(u64, u32, Place)> = Vec::new();
    for (node, places) in (0..).zip(&places) {
        let ranked = places
            .iter()
            .map(|place| (system.rank(NodeId(node), *place), node, *place));
        all.extend(ranked);
    }
    all.sort_unstable();
    let start = system.order.start();
    for (_, node, place) in all {
        let host = hosts.get(node as usize).map_or("?", String::as_str);
        let known = known(system, NodeId(node), place, &start, &places);
        let clock = known.into_iter().filter_map(|(node, count)| {
            let host = hosts.get(node)?;
            Some(format!(
                "{}:{count}",
                serde_json::Value::from(host.as_str())
            ))
        });
        let clock: Vec<String> = clock.collect();
        let told = told
            .get(node as usize)
            .and_then(|of| of.get(&place))
            .map_or_else(String::new, |told| what(system, told, messages));
        writeln!(to, "{host} {{{}}}\n{told}", clock.join(","))?;
    }
    to.flush()
}

/// The first request may come before the first hostcall, where nothing has happened yet: that is one
/// with its beginning.
fn logged(place: Place) -> Place {
    match place == Place::default() {
        true => Place::in_call(0),
        false => place,
    }
}

/// How many places of each node are known at one: those with none are left out.
fn known(
    system: System<'_>,
    node: NodeId,
    place: Place,
    start: &Cut,
    places: &[Vec<Place>],
) -> Vec<(usize, usize)> {
    let reached = system.order.cut(node, place, start).cut.places;
    let counts = reached.iter().zip(places).map(|(reached, places)| {
        // A node that did nothing else may have places, which are beyond all that it reaches.
        places.partition_point(|place| place <= reached)
    });
    let mut counts: Vec<usize> = counts.collect();
    let own = places.get(node.0 as usize);
    if let (Some(count), Some(places)) = (counts.get_mut(node.0 as usize), own) {
        *count = places.partition_point(|of| *of <= place);
    }
    counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// What happened at a place: `sent GET /orders to shop`.
fn what(system: System<'_>, told: &Told, messages: &[Message]) -> String {
    let nodes = system.conversations();
    let line = |number: &u32, is_sent: bool| {
        let message = messages.get(*number as usize)?;
        let said = words::said(message, &nodes);
        Some(match is_sent {
            true => format!("sent {said} to {}", system.name(message.to.end.node)),
            false => format!(
                "received {said} from {}",
                system.name(message.from.end.node)
            ),
        })
    };
    let received = told
        .received
        .iter()
        .filter_map(|number| line(number, false));
    let sent = told.sent.iter().filter_map(|number| line(number, true));
    let mut lines: Vec<String> = received.chain(sent).take(MOST_AT_ONCE).collect();
    let all = told.received.len() + told.sent.len();
    if all > lines.len() {
        lines.push(format!("and {} more", all - lines.len()));
    }
    let event = told.received.iter().map(|of| (of, false));
    let site = event
        .chain(told.sent.iter().map(|of| (of, true)))
        .find_map(|(number, is_sent)| {
            let message = messages.get(*number as usize)?;
            Some(if is_sent { &message.from } else { &message.to })
        });
    let moment = site.map_or_else(String::new, |site| system.site(site));
    plain(&format!("{}  ({moment})", lines.join("; ")), MOST_TOLD)
}

/// The names of nodes without blanks, each another one.
fn hosts(system: System<'_>) -> Vec<String> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    system
        .nodes
        .iter()
        .map(|node| {
            let name = plain(node.name, 100);
            let name: String = name
                .chars()
                // Of what stands in braces ShiViz makes a clock.
                .map(|c| match c.is_whitespace() || matches!(c, '{' | '}') {
                    true => '_',
                    false => c,
                })
                .collect();
            let count = taken.entry(name.clone()).or_default();
            *count += 1;
            match count {
                1 => name,
                again => format!("{name}#{again}"),
            }
        })
        .collect()
}
