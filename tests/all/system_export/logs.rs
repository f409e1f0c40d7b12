//! The log for ShiViz, and the object for programs.

use super::{Found, natures};
use crate::support::spoken::World;
use rr_dap::system::conversation::Place;
use rr_dap::system::export::{json, shiviz};
use rr_dap::system::message::NodeId;
use rr_dap::system::order::{NodePlace, Relation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The places of a node at which something was sent or received, in order.
fn places(found: &Found<'_>) -> Vec<Vec<Place>> {
    let mut places = vec![BTreeSet::new(); found.nodes.len()];
    for message in found.matches.messages() {
        for site in [&message.from, &message.to] {
            // Nothing is before the first hostcall but what it finds.
            let place = match site.place {
                Place { events: 0, .. } => Place::in_call(0),
                place => place,
            };
            places[site.end.node.0 as usize].insert(place);
        }
    }
    let places = places.into_iter();
    places.map(|of| of.into_iter().collect()).collect()
}

#[test]
fn the_vector_clocks_of_the_log_say_what_the_order_says() {
    for (which, nature) in natures().into_iter().enumerate() {
        for seed in 0..6 {
            let system = World::system(&nature, seed);
            let found = Found::of(system.conversations());
            let mut written = Vec::new();
            shiviz::write(found.system(), &mut written).expect("written");
            let written = String::from_utf8(written).expect("text");
            let mut lines = written.lines();
            assert_eq!(lines.next(), Some(shiviz::FORMAT));
            assert_eq!(lines.next(), Some(""));
            let hosts: Vec<String> = system
                .nodes
                .iter()
                .map(|node| node.name.replace(' ', "_"))
                .collect();
            let places = places(&found);
            let mut all: Vec<(NodePlace, HashMap<String, u64>)> = Vec::new();
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            while let (Some(line), Some(event)) = (lines.next(), lines.next()) {
                let (host, clock) = line.split_once(' ').expect("a host");
                let clock: HashMap<String, u64> = serde_json::from_str(clock).expect("JSON");
                let count = counts.entry(host.to_owned()).or_default();
                *count += 1;
                assert_eq!(clock[host], *count, "{which} {seed}: {line}");
                assert!(event.contains("sent") || event.contains("received"));
                let node = hosts.iter().position(|of| of == host).expect("a node");
                let at = NodePlace {
                    node: NodeId(node as u32),
                    place: places[node][*count as usize - 1],
                };
                all.push((at, clock));
            }
            assert_eq!(all.len(), places.iter().map(Vec::len).sum::<usize>());
            let is_below = |one: &HashMap<String, u64>, other: &HashMap<String, u64>| {
                one.iter()
                    .all(|(host, count)| other.get(host).is_some_and(|of| of >= count))
            };
            for (here, one) in &all {
                for (there, other) in &all {
                    let told = found.order.before(*here, *there) == Relation::Before;
                    let of_clocks = here != there && is_below(one, other);
                    assert_eq!(of_clocks, told, "{which} {seed}: {here:?} {there:?}");
                }
            }
        }
    }
}

#[test]
fn the_object_holds_all_messages_with_their_places() {
    let system = World::system(&natures()[0], 1);
    let found = Found::of(system.conversations());
    let mut written = Vec::new();
    json::write(found.system(), &mut written).expect("written");
    let object: Value = serde_json::from_slice(&written).expect("JSON");
    let messages = object["messages"].as_array().expect("a list");
    assert_eq!(messages.len(), found.matches.messages().len());
    for (told, message) in messages.iter().zip(found.matches.messages()) {
        for (told, site) in [(&told["from"], &message.from), (&told["to"], &message.to)] {
            let at = NodePlace {
                node: site.end.node,
                place: site.place,
            };
            assert_eq!(told["place"]["order"], found.order.index_of(at));
            assert_eq!(told["event"].as_u64(), site.event);
        }
    }
    let all = found.ends();
    let conversations = object["conversations"].as_array().expect("a list");
    assert_eq!(conversations.len(), all.len());
    for (told, (id, end)) in conversations.iter().zip(all) {
        assert_eq!(told["node"], id.node.0);
        for (told, way) in [
            (&told["sent"], &end.sent),
            (&told["received"], &end.received),
        ] {
            assert_eq!(told["length"], way.length);
            let text = told["text"].as_str().map(|text| text.as_bytes().to_vec());
            let bytes = text.unwrap_or_else(|| {
                use base64::Engine;
                let coded = told["base64"].as_str().expect("bytes");
                let engine = base64::engine::general_purpose::STANDARD;
                engine.decode(coded).expect("base64")
            });
            assert_eq!(bytes, way.bytes);
        }
    }
}
