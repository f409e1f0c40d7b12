//! What recordings said comes out again of what is exported: all of it, and nothing else.

use crate::support::captured::{Capture, HttpMessage, Transport, http};
use crate::support::server::{Server, recordings};
use crate::support::spoken::{Nature, World};
use crate::support::{fixture, record, rr_dap, text};
use rr_dap::system::conversation::{
    Conversations, Direction, End, EndKind, Head, Piece, Place, Start,
};
use rr_dap::system::export::{System, json, pcapng, shiviz};
use rr_dap::system::matching::{Matches, NodeConversations, match_ends};
use rr_dap::system::message::{EndId, NodeId, OtherEnd};
use rr_dap::system::order::{NodeExtent, NodePlace, Order, Relation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

fn natures() -> Vec<Nature> {
    let nature = Nature {
        nodes: 4,
        conversations: 60,
        at_once: 5,
        alike: 0,
        nat: false,
        lost: 10,
        doubled: 10,
        clocks: true,
        one_way: false,
        killed_after: None,
        kinds: vec![
            EndKind::HttpClient,
            EndKind::TcpConnected,
            EndKind::Udp,
            EndKind::StandardOutput,
        ],
    };
    vec![
        nature.clone(),
        Nature {
            nat: true,
            clocks: false,
            ..nature.clone()
        },
        Nature {
            alike: 60,
            ..nature.clone()
        },
        Nature {
            killed_after: Some(200),
            ..nature
        },
    ]
}

/// What was found of some nodes, to be exported.
struct Found<'a> {
    nodes: Vec<NodeConversations<'a>>,
    matches: Matches,
    order: Order,
}

impl<'a> Found<'a> {
    fn of(nodes: Vec<NodeConversations<'a>>) -> Found<'a> {
        let matches = match_ends(&nodes);
        let extents: Vec<NodeExtent<'_>> = nodes
            .iter()
            .map(|node| NodeExtent {
                events: node.conversations.events,
                clock: node.clock,
            })
            .collect();
        let order = Order::of(&extents, matches.messages());
        Found {
            order,
            matches,
            nodes,
        }
    }

    fn system(&self) -> System<'_> {
        System {
            nodes: &self.nodes,
            matches: &self.matches,
            order: &self.order,
        }
    }

    fn end(&self, id: EndId) -> &End {
        &self.nodes[id.node.0 as usize].conversations.ends[id.end as usize]
    }

    fn ends(&self) -> Vec<(EndId, &End)> {
        let nodes = (0..).zip(&self.nodes);
        nodes
            .flat_map(|(node, of)| {
                let ends = (0..).zip(&of.conversations.ends);
                let node = NodeId(node);
                ends.map(move |(end, of)| (EndId { node, end }, of))
            })
            .collect()
    }

    fn capture(&self) -> Capture {
        let mut written = Vec::new();
        pcapng::write(self.system(), &mut written).expect("written");
        Capture::read(&written)
    }
}

/// The bytes of one direction: of the two that tell of it, the one that has more.
fn bytes(sent: Option<&Direction>, received: Option<&Direction>) -> Vec<u8> {
    let all = [sent, received].into_iter().flatten();
    let all = all.map(|direction| &direction.bytes);
    all.max_by_key(|bytes| bytes.len())
        .cloned()
        .unwrap_or_default()
}

/// What went each way of each conversation with one other, by what it is: each once.
fn exchanged(found: &Found<'_>) -> Vec<(bool, [Vec<u8>; 2])> {
    let mut all = Vec::new();
    for (id, end) in found.ends() {
        let is_http = matches!(end.kind, EndKind::HttpClient | EndKind::HttpServer);
        let other = match found.matches.other_end(id) {
            OtherEnd::Known(other, _) => Some(found.end(*other)),
            _ => None,
        };
        let (client, server) = match end.kind {
            EndKind::HttpClient | EndKind::TcpConnected => (Some(end), other),
            EndKind::HttpServer | EndKind::TcpAccepted if other.is_none() => (None, Some(end)),
            _ => continue,
        };
        let head = |end: Option<&End>| {
            end.is_some_and(|end| end.exchange().is_some_and(|(of, _)| of.head.is_some()))
        };
        if is_http && !head(client) && !head(server) {
            continue;
        }
        let there = bytes(client.map(|end| &end.sent), server.map(|end| &end.received));
        let back = bytes(server.map(|end| &end.sent), client.map(|end| &end.received));
        all.push((is_http, [there, back]));
    }
    all.sort();
    all
}

/// The same in a capture.
fn captured(capture: &Capture) -> Vec<(bool, [Vec<u8>; 2])> {
    let is_head = |said: &[u8]| said.windows(9).any(|part| part == b" HTTP/1.1");
    let streams = capture.streams();
    let mut all: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            assert_eq!(stream.missing, [0, 0]);
            match is_head(&stream.said[0]) {
                true => {
                    let back = &stream.said[1];
                    let answer = if back.is_empty() {
                        Vec::new()
                    } else {
                        http(back).body
                    };
                    (true, [http(&stream.said[0]).body, answer])
                }
                false => (false, stream.said),
            }
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_capture_holds_what_was_exchanged_and_each_conversation_once() {
    for (which, nature) in natures().into_iter().enumerate() {
        for seed in 0..12 {
            let system = World::system(&nature, seed);
            let found = Found::of(system.conversations());
            let capture = found.capture();
            let (expected, read) = (exchanged(&found), captured(&capture));
            assert!(!expected.is_empty());
            assert_eq!(read, expected, "nature {which} seed {seed}");
            assert_eq!(datagrams(&capture), datagrams_of(&found), "{which} {seed}");
            // Who sent it is the interface that it was sent by.
            let names: Vec<&str> = system.nodes.iter().map(|node| &*node.name).collect();
            assert_eq!(capture.interfaces, names);
            for packet in &capture.packets {
                assert!((packet.interface as usize) < names.len());
            }
        }
    }
}

/// All that were sent, and those that came from nobody that was recorded.
fn datagrams_of(found: &Found<'_>) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (id, end) in found.ends() {
        if end.kind != EndKind::Udp {
            continue;
        }
        let known: BTreeSet<u32> = found
            .matches
            .received_by(id)
            .filter_map(|message| message.to.piece)
            .collect();
        let of = |direction: &Direction, piece: &Piece| direction.bytes_of(piece).to_vec();
        all.extend(end.sent.pieces.iter().map(|piece| of(&end.sent, piece)));
        let received = (0..).zip(&end.received.pieces);
        let alone = received.filter(|(number, _)| !known.contains(number));
        all.extend(alone.map(|(_, piece)| of(&end.received, piece)));
    }
    all.sort();
    all
}

fn datagrams(capture: &Capture) -> Vec<Vec<u8>> {
    let packets = capture.packets.iter();
    let packets = packets.filter(|packet| packet.transport == Transport::Udp);
    let mut all: Vec<Vec<u8>> = packets.map(|packet| packet.payload.clone()).collect();
    all.sort();
    all
}

#[test]
fn packets_come_in_the_order_of_the_system_with_the_time_of_who_sent() {
    let nature = &natures()[0];
    let system = World::system(nature, 3);
    let capture = Found::of(system.conversations()).capture();
    // Here all clocks are one.
    let times: Vec<u64> = capture.packets.iter().map(|packet| packet.nanos).collect();
    for (one, next) in capture.packets.iter().zip(&capture.packets[1..]) {
        assert!(one.nanos <= next.nanos, "{one:?} {next:?}");
    }
    assert!(times[0] >= 1_700_000_000_000_000_000);
    let system = World::system(&natures()[1], 3);
    let capture = Found::of(system.conversations()).capture();
    let times: Vec<u64> = capture.packets.iter().map(|packet| packet.nanos).collect();
    assert!(times.is_sorted() && times[0] < times[times.len() - 1]);
    assert!(times[times.len() - 1] < 1_000_000_000_000);
}

fn head(start: Start, headers: &[(&str, &str)]) -> Head {
    let headers = headers.iter();
    Head {
        place: Place::in_call(1),
        event: Some(1),
        start,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn asked(method: &str, target: &str, headers: &[(&str, &str)]) -> End {
    let mut end = End::new(EndKind::HttpClient, Place::in_call(1));
    let start = Start::Request {
        method: Some(method.to_owned()),
        target: Some(target.to_owned()),
    };
    end.sent.head = Some(head(start, headers));
    end.sent.ended = Some(Place::in_call(2));
    end
}

fn said(direction: &mut Direction, bytes: &[u8], length: u64, left: &mut usize) {
    let place = Place::in_call(3);
    let piece = Piece {
        place,
        event: Some(3),
        offset: 0,
        length,
        peer: None,
    };
    direction.push(piece, bytes, left);
}

fn alone(end: End) -> Capture {
    let conversations = Conversations {
        ends: vec![end],
        events: 10,
        cut_short: None,
    };
    let node = NodeConversations {
        name: "no\nde\u{1b}[31m\0 of {mine}",
        conversations: &conversations,
        clock: None,
    };
    let found = Found::of(vec![node]);
    let mut written = Vec::new();
    shiviz::write(found.system(), &mut written).expect("written");
    json::write(found.system(), &mut written).expect("written");
    found.capture()
}

/// The request and the answer of the one conversation that there is.
fn only(capture: &Capture) -> (HttpMessage, Option<HttpMessage>) {
    let mut streams = capture.streams();
    let stream = streams.pop().expect("a stream");
    assert!(streams.is_empty());
    let answer = Some(&stream.said[1]).filter(|said| !said.is_empty());
    (http(&stream.said[0]), answer.map(|said| http(said)))
}

#[test]
fn what_is_in_a_head_cannot_make_another_head_of_it() {
    let capture = alone(asked(
        "GET / HTTP/1.1\r\nevil: 1\r\n\r\n",
        "/a b\r\nc",
        &[
            ("x\r\nevil", "1"),
            ("fine", "a\r\n\r\nGET /evil HTTP/1.1"),
            ("", "no name"),
            ("content-length", "12\r\nevil: 1"),
            ("transfer-encoding", "chunked"),
        ],
    ));
    let (request, _) = only(&capture);
    assert_eq!(
        request.first,
        "GET___HTTP_1.1__evil__1____ /a%20b%0D%0Ac HTTP/1.1"
    );
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["x__evil", "fine", "_"]);
    assert_eq!(request.headers[1].1, "a    GET /evil HTTP/1.1");
    assert_eq!(capture.interfaces, ["no de [31m  of {mine}"]);
    let all = capture.packets.iter().map(|packet| &packet.comment);
    assert!(
        all.clone()
            .all(|comment| !comment.contains(char::is_control))
    );
    let all: Vec<&String> = all.collect();
    assert!(
        all.iter().any(|comment| comment.contains("underscores")),
        "{all:?}"
    );
}

#[test]
fn bytes_that_nobody_kept_are_missing_and_not_made_up() {
    let mut end = asked("POST", "/upload", &[]);
    let mut left = 1000;
    said(&mut end.sent, &[b'a'; 3000], 3000, &mut left);
    said(&mut end.sent, b"", 500, &mut left);
    end.sent.ended = Some(Place::in_call(4));
    let capture = alone(end);
    let stream = &capture.streams()[0];
    assert_eq!(stream.missing[0], 2500);
    let text = String::from_utf8(stream.said[0].clone()).expect("text");
    assert!(
        text.contains("\r\nbb8\r\naaaa") && text.ends_with("\r\n0\r\n\r\n"),
        "{text}"
    );
    assert_eq!(
        text.matches('a').count() - "transfer-encoding".matches('a').count() - 1,
        1000
    );
    let comments: String = capture
        .packets
        .iter()
        .map(|packet| &*packet.comment)
        .collect();
    assert!(
        comments.contains("2000 bytes are in no recording"),
        "{comments}"
    );
}

#[test]
fn a_body_is_wrapped_as_its_sender_said_if_that_can_be() {
    for (declared, body, expected) in [
        (Some("5"), "hello", ("content-length", "5")),
        (Some("9"), "hello", ("content-length", "9")),
        (Some("3"), "hello", ("transfer-encoding", "chunked")),
        (Some("no"), "hello", ("transfer-encoding", "chunked")),
        (None, "hello", ("transfer-encoding", "chunked")),
        (None, "", ("content-length", "0")),
    ] {
        let mut end = asked("GET", "/", &[]);
        let headers: Vec<(&str, &str)> = declared
            .map(|of| ("content-length", of))
            .into_iter()
            .collect();
        end.received.head = Some(head(Start::Response { status: 200 }, &headers));
        if !body.is_empty() {
            said(
                &mut end.received,
                body.as_bytes(),
                body.len() as u64,
                &mut usize::MAX.clone(),
            );
        }
        end.received.ended = Some(Place::after(5));
        let (_, answer) = only(&alone(end));
        let answer = answer.expect("an answer");
        let (name, value) = expected;
        assert_eq!(
            answer.headers,
            [(name.to_owned(), value.to_owned())],
            "{declared:?}"
        );
        assert_eq!(answer.body, body.as_bytes());
    }
    // Some answers have none, whatever was written.
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        let mut end = asked(method, "/", &[]);
        end.received.head = Some(head(Start::Response { status }, &[]));
        said(&mut end.received, b"hello", 5, &mut usize::MAX.clone());
        end.received.ended = Some(Place::after(5));
        let (_, answer) = only(&alone(end));
        assert_eq!(answer.map(|answer| answer.body), Some(Vec::new()));
    }
}

#[test]
fn a_connection_that_was_refused_is_reset() {
    let mut end = End::new(EndKind::TcpConnected, Place::in_call(1));
    end.remote = "[::1]:7".parse().ok();
    end.error = Some("connection-refused".to_owned());
    let capture = alone(end);
    assert_eq!(capture.packets.len(), 2);
    assert!(capture.streams()[0].is_reset);
    assert_eq!(capture.packets[0].to.0.len(), 16);
    assert!(capture.packets[1].comment.contains("connection-refused"));
}

#[test]
fn what_a_system_file_may_hold_at_most_is_no_more_than_packets_can() {
    // Numbers that no run has.
    let mut end = End::new(EndKind::TcpConnected, Place::in_call(u64::MAX));
    end.remote = "127.0.0.1:7".parse().ok();
    for _ in 0..4 {
        said(&mut end.sent, b"x", u64::MAX / 3, &mut usize::MAX.clone());
    }
    let mut udp = End::new(EndKind::Udp, Place::in_call(1));
    said(&mut udp.sent, b"x", u64::MAX, &mut usize::MAX.clone());
    let conversations = Conversations {
        ends: vec![end, udp],
        events: 10,
        cut_short: None,
    };
    let node = NodeConversations {
        name: "",
        conversations: &conversations,
        clock: None,
    };
    let capture = Found::of(vec![node]).capture();
    assert!(capture.packets.len() < 1000);
    assert!(capture.packets.iter().any(|packet| packet.missing > 0));
}

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

/// A client that posts, and the service that answered.
fn echo() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().expect("a directory");
    let served = dir.path().join("served");
    let server = Server::start(&served, &["-S", "cli"], "answer.wasm");
    let address = server.address.to_string();
    let trace = dir.path().join("client.rrtrace");
    let args = [&*address, "/echo", "hello there"];
    let ran = record(&fixture("fetch.wasm"), &["-S", "http"], &args, "", &trace);
    assert!(ran.status.success(), "{ran:?}");
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let mut traces = vec![trace];
    traces.extend(recordings(&served));
    (dir, traces)
}

#[test]
fn recordings_are_exported_by_the_command() {
    let (dir, traces) = echo();
    let paths: Vec<&str> = traces
        .iter()
        .map(|path| path.to_str().expect("text"))
        .collect();
    let export = |format: &str, more: &[&str]| {
        let first = ["trace", "export", "--format", format];
        rr_dap(&[&first[..], more, &paths].concat(), "")
    };
    let file = dir.path().join("x.pcapng");
    let to = file.to_str().expect("text");
    let ran = export("pcapng", &["-o", to]);
    assert!(ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
    let written = std::fs::read(&file).expect("a file");
    let (request, answer) = only(&Capture::read(&written));
    assert_eq!(request.first, "POST /echo HTTP/1.1");
    assert_eq!(request.body, b"hello there");
    let answer = answer.expect("an answer");
    assert_eq!(
        (&*answer.first, &*answer.body),
        ("HTTP/1.1 200 ", &b"hello there"[..])
    );
    // What is there stays, unless it is asked for.
    let ran = export("json", &["-o", to]);
    assert!(!ran.status.success());
    assert!(text(&ran.stderr).contains("--force"), "{ran:?}");
    assert_eq!(std::fs::read(&file).expect("a file"), written);
    assert!(export("json", &["-o", to, "--force"]).status.success());
    // The same on standard output.
    assert_eq!(
        export("json", &[]).stdout,
        std::fs::read(&file).expect("a file")
    );
    assert_eq!(export("pcapng", &["-o", "-"]).stdout, written);
    let log = text(&export("shiviz", &[]).stdout);
    assert!(log.contains("sent POST /echo to answer"), "{log}");
    assert!(!export("perfetto", &[]).stdout.is_empty());
}
