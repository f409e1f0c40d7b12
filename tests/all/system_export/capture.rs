//! A capture of systems that were made up, read again.

use super::{Found, natures};
use crate::support::captured::{Capture, Transport, http};
use crate::support::spoken::World;
use rr_dap::system::conversation::{Direction, End, EndKind, Piece};
use rr_dap::system::message::OtherEnd;
use std::collections::BTreeSet;

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
