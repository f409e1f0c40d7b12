//! Heads and bodies in a capture, whatever is in the recordings.

use super::Found;
use crate::support::captured::{Capture, HttpMessage, Packet, http};
use rr_dap::system::clock::WallClock;
use rr_dap::system::conversation::{
    Conversations, Direction, End, EndKind, Head, Piece, Place, Start,
};
use rr_dap::system::export::{json, shiviz};
use rr_dap::system::matching::NodeConversations;

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
pub(super) fn only(capture: &Capture) -> (HttpMessage, Option<HttpMessage>) {
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
    // A request that was cut off is one all the same.
    let mut end = asked("POST", "/", &[]);
    said(&mut end.sent, b"hel", 3, &mut usize::MAX.clone());
    end.sent.ended = None;
    let capture = alone(end);
    let (request, _) = only(&capture);
    assert_eq!(
        request.headers,
        [("content-length".to_owned(), "3".to_owned())]
    );
    let mut comments = capture.packets.iter().map(|packet| &packet.comment);
    assert!(comments.any(|comment| comment.contains("the end of the body")));
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

/// When each hostcall of a node was made.
struct Made(Vec<i64>);

impl WallClock for Made {
    fn nanos_at(&self, place: Place) -> Option<i64> {
        self.0.get(place.events as usize).copied()
    }
}

#[test]
fn a_request_ends_before_who_was_told_so_answers() {
    // That nothing follows is in no message, and the client's clock has it late.
    let mut client = asked("POST", "/echo", &[]);
    said(&mut client.sent, b"hello", 5, &mut usize::MAX.clone());
    client.sent.ended = Some(Place::in_call(5));
    let mut server = End::new(EndKind::HttpServer, Place::after(0));
    server.received.head = client.sent.head.clone().map(|head| Head {
        place: Place::after(0),
        event: None,
        ..head
    });
    said(&mut server.received, b"hello", 5, &mut usize::MAX.clone());
    server.received.ended = Some(Place::after(5));
    server.sent.head = Some(Head {
        place: Place::in_call(6),
        event: Some(6),
        ..head(Start::Response { status: 200 }, &[])
    });
    server.sent.ended = Some(Place::in_call(7));
    client.received = server.sent.clone();
    if let Some(head) = &mut client.received.head {
        head.place = Place::after(8);
    }
    client.received.ended = Some(Place::after(9));
    let [of_client, of_server] = [client, server].map(|end| Conversations {
        ends: vec![end],
        events: 10,
        cut_short: None,
    });
    let (slow, fast) = (
        Made(vec![
            10, 11, 12, 13, 1000, 1001, 1002, 2000, 2001, 2002, 2003,
        ]),
        Made(vec![20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]),
    );
    let nodes = [
        ("client", &of_client, &slow as &dyn WallClock),
        ("server", &of_server, &fast),
    ];
    let nodes = nodes.map(|(name, conversations, clock)| NodeConversations {
        name,
        conversations,
        clock: Some(clock),
    });
    let found = Found::of(nodes.to_vec());
    assert!(!found.matches.messages().is_empty());
    let capture = found.capture();
    assert_eq!(capture.streams().len(), 1);
    let is_last_chunk = |packet: &Packet| packet.payload == b"0\r\n\r\n";
    let ends = capture.packets.iter().position(is_last_chunk);
    let is_answer = |packet: &Packet| packet.payload.starts_with(b"HTTP/1.1 200");
    let answers = capture.packets.iter().position(is_answer);
    assert!(ends.is_some() && ends < answers, "{ends:?} {answers:?}");
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
fn connections_of_the_same_addresses_are_kept_apart() {
    let mut end = End::new(EndKind::TcpConnected, Place::in_call(1));
    end.local = "127.0.0.1:4000".parse().ok();
    end.remote = "127.0.0.1:7".parse().ok();
    said(&mut end.sent, b"one", 3, &mut usize::MAX.clone());
    let conversations = Conversations {
        ends: vec![end.clone(), end],
        events: 10,
        cut_short: None,
    };
    let node = NodeConversations {
        name: "client",
        conversations: &conversations,
        clock: None,
    };
    let capture = Found::of(vec![node]).capture();
    let streams = capture.streams();
    let said: Vec<&[u8]> = streams.iter().map(|stream| &*stream.said[0]).collect();
    assert_eq!(said, [b"one", b"one"]);
    assert!(capture.names.iter().any(|(_, names)| names == &["client"]));
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
