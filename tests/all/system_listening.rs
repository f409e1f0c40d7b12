//! What recordings say of conversations is what the other ends had of them.

use crate::support::server::{Server, answer, recordings};
use crate::support::{cache_dir, fixture, record, text};
use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::system::conversation::{Conversations, Direction, End, EndKind, Start};
use rr_dap::system::listening::conversations;
use rr_dap::trace::Trace;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

/// What is heard in a recording.
fn heard(path: &Path) -> Conversations {
    let trace = Arc::new(Trace::open(path).expect("opens"));
    let cache = CacheDir::open(&cache_dir()).expect("a cache");
    let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).expect("compiles");
    let found = conversations(&trace, &compiled, || true).expect("a replay");
    assert_eq!(found.cut_short, None);
    for end in &found.ends {
        check(&end.sent, found.events);
        check(&end.received, found.events);
    }
    found
}

/// What holds of everything that is said.
fn check(direction: &Direction, events: u64) {
    let mut length = 0;
    let mut last = None;
    for piece in &direction.pieces {
        assert_eq!(piece.offset, length, "{direction:?}");
        length += piece.length;
        assert!(last <= Some(piece.place), "{direction:?}");
        last = Some(piece.place);
        assert!(piece.place.events <= events);
        assert!(piece.event.is_none_or(|event| event < events));
    }
    assert_eq!(direction.length, length);
    assert!(direction.is_whole());
    assert!(direction.ended.is_none_or(|ended| Some(ended) >= last));
}

/// A run of a fixture: what came out of it, and what is heard in its recording.
fn run(app: &str, options: &[&str], args: &[&str], stdin: &str) -> (Output, Conversations) {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("run.rrtrace");
    let ran = record(&fixture(app), options, args, stdin, &trace);
    (ran, heard(&trace))
}

fn only(found: &Conversations, kind: EndKind) -> &End {
    let mut ends = found.ends.iter().filter(|end| end.kind == kind);
    let end = ends
        .next()
        .unwrap_or_else(|| panic!("{kind:?} in {found:#?}"));
    assert_eq!(ends.next(), None);
    end
}

fn said(direction: &Direction) -> String {
    text(&direction.bytes)
}

/// Lets one connection in; what `serve` answers is what it has seen.
fn peer<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = thread::spawn(move || serve(listener.accept().expect("a connection").0));
    (address, serving)
}

const NETWORK: &[&str] = &["-S", "inherit-network"];

#[test]
fn a_tcp_connection_is_what_its_peer_had_of_it() {
    // More than one read of the guest takes.
    let answers: Vec<u8> = (0..1000).map(|i| b'a' + (i % 23) as u8).collect();
    let answered = text(&answers);
    let (address, serving) = peer(move |mut stream| {
        let mut got = vec![0; 11];
        stream.read_exact(&mut got).expect("reads");
        stream.write_all(&answers).expect("writes");
        got
    });
    let port = address.port().to_string();
    let (ran, found) = run("sockets.wasm", NETWORK, &["tcp", &port, "some things"], "");
    let got = serving.join().expect("served");
    let end = only(&found, EndKind::TcpConnected);
    assert_eq!(end.remote, Some(address));
    assert_eq!(end.local, None, "it never asked");
    assert_eq!(end.error, None);
    assert_eq!(said(&end.sent), text(&got));
    assert_eq!(end.sent.pieces.len(), 1);
    assert_eq!(said(&end.received), answered);
    // The guest reads 64 bytes at a time.
    assert!(end.received.pieces.len() >= 16, "{:?}", end.received.pieces);
    assert!(end.received.pieces.iter().all(|piece| piece.length <= 64));
    assert!(end.sent.ended.is_some() && end.received.ended.is_some());
    let output = only(&found, EndKind::StandardOutput);
    assert_eq!(said(&output.sent), text(&ran.stdout));
    assert_eq!(found.ends.len(), 2, "{found:#?}");
}

#[test]
fn a_connection_that_is_refused_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let port = address.port().to_string();
    let (ran, found) = run("sockets.wasm", NETWORK, &["tcp", &port, "x"], "");
    assert_eq!(ran.status.code(), Some(1));
    let end = only(&found, EndKind::TcpConnected);
    assert_eq!(end.error.as_deref(), Some("connection-refused"));
    assert_eq!(end.remote, Some(address));
    assert_eq!(found.ends.len(), 1, "{found:#?}");
}

#[test]
fn datagrams_are_pieces_with_their_peers() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let serving = thread::spawn(move || {
        let mut bytes = [0; 64];
        let (length, from) = socket.recv_from(&mut bytes).expect("a datagram");
        bytes[..length].reverse();
        socket.send_to(&bytes[..length], from).expect("sends");
    });
    let port = address.port().to_string();
    let (ran, found) = run("sockets.wasm", NETWORK, &["udp", &port, "hello"], "");
    serving.join().expect("served");
    assert_eq!(text(&ran.stdout), "olleh\n");
    let end = only(&found, EndKind::Udp);
    assert_eq!((end.local, end.remote), (None, Some(address)));
    for (direction, what) in [(&end.sent, "hello"), (&end.received, "olleh")] {
        assert_eq!(said(direction), what);
        let peers: Vec<_> = direction.pieces.iter().map(|piece| piece.peer).collect();
        assert_eq!(peers, [Some(address)]);
    }
}

#[test]
fn standard_streams_of_both_generations() {
    let input = "x".repeat(1000);
    let (ran, found) = run("sleepers.wasm", &[], &["one"], &input);
    let end = only(&found, EndKind::StandardInput);
    assert_eq!(said(&end.received), input);
    assert!(end.received.ended.is_some());
    let end = only(&found, EndKind::StandardOutput);
    assert_eq!(said(&end.sent), text(&ran.stdout));

    let input = "one\ntwo\nthree\n";
    let (ran, found) = run("kitchen.wasm", &[], &["echo"], input);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let end = only(&found, EndKind::StandardInput);
    assert_eq!(said(&end.received), input);
    let end = only(&found, EndKind::StandardOutput);
    assert_eq!(said(&end.sent), text(&ran.stdout));
}

/// A request as it came over the wire: its first line, and its body.
fn request(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream.try_clone().expect("a copy"));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let is_chunked = |line: &String| line.eq_ignore_ascii_case("transfer-encoding: chunked");
    let mut body = Vec::new();
    while lines.iter().any(is_chunked) {
        let mut size = String::new();
        reader.read_line(&mut size).expect("a size");
        let size = usize::from_str_radix(size.trim(), 16).expect("a number");
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).expect("a chunk");
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunk[..size]);
    }
    (lines[0].clone(), text(&body))
}

fn first_line(end: &End) -> String {
    match end.exchange().and_then(|(asked, _)| asked.head.as_ref()) {
        Some(head) => match &head.start {
            Start::Request { method, target } => {
                let known = |text: &Option<String>| text.clone().expect("it is known");
                format!("{} {} HTTP/1.1", known(method), known(target))
            }
            other => panic!("{other:?}"),
        },
        None => panic!("no head"),
    }
}

fn status(end: &End) -> u16 {
    let head = end.exchange().and_then(|(_, answer)| answer.head.as_ref());
    match head.expect("an answer").start {
        Start::Response { status } => status,
        Start::Request { .. } => panic!("an answer with a method"),
    }
}

#[test]
fn requests_that_a_program_makes() {
    for body in [&[][..], &["some body"][..]] {
        let (address, serving) = peer(|mut stream| {
            let asked = request(&stream);
            let answer = "HTTP/1.1 203 Odd\r\ncontent-length: 6\r\nconnection: close\r\n\r\nanswer";
            stream.write_all(answer.as_bytes()).expect("writes");
            asked
        });
        let address = address.to_string();
        let mut args = vec![address.as_str(), "/a?b=c"];
        args.extend(body);
        let (_, found) = run("fetch.wasm", &["-S", "http"], &args, "");
        let (line, sent) = serving.join().expect("served");
        let end = only(&found, EndKind::HttpClient);
        assert_eq!(end.authority.as_deref(), Some(args[0]));
        assert_eq!(first_line(end), line);
        assert_eq!(said(&end.sent), sent);
        assert_eq!(status(end), 203);
        assert_eq!(said(&end.received), "answer");
    }
}

/// What is heard in all recordings of a service that has answered these requests, each with its
/// answer.
fn served(guest: &str, asked: &[&str]) -> (Vec<(u16, String)>, Vec<End>) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(dir.path(), &[], guest);
    let answers = asked.iter().map(|said| answer(&mut server.send(said)));
    let answers = answers.collect();
    let (status, told) = server.end();
    assert!(status.success(), "{told}");
    let traces = recordings(dir.path());
    let ends = traces.iter().flat_map(|trace| heard(trace).ends).collect();
    (answers, ends)
}

fn post(target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: tests\r\nx-mark: seven\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\r\n")
}

fn services_hear_what_they_were_told(guest: &str) {
    let body = "0123456789".repeat(3000);
    let asked = [
        get("/hello"),
        post("/echo", &body),
        get("/status/404"),
        get("/large?bytes=100000"),
    ];
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let (answers, ends) = served(guest, &asked);
    let ends: Vec<_> = ends
        .iter()
        .filter(|end| end.kind == EndKind::HttpServer)
        .collect();
    assert_eq!(ends.len(), asked.len());
    for ((asked, (code, answer)), end) in asked.iter().zip(&answers).zip(&ends) {
        let (head, sent) = asked.split_once("\r\n\r\n").expect("a head");
        assert_eq!(first_line(end), head.lines().next().expect("a line"));
        assert_eq!(end.authority.as_deref(), Some("tests"));
        let known = end.received.head.as_ref().expect("a head");
        let has_mark = head.contains("x-mark");
        assert_eq!(known.header("x-mark"), has_mark.then_some("seven"));
        assert_eq!(said(&end.received), sent, "{head}");
        assert_eq!(status(end), *code);
        assert_eq!(said(&end.sent), *answer, "{head}");
    }
}

#[test]
fn requests_that_a_service_of_wasi_0_2_is_given() {
    services_hear_what_they_were_told("answer.wasm");
}

#[test]
fn requests_that_a_service_of_wasi_0_3_is_given() {
    services_hear_what_they_were_told("answers.wasm");
}

fn services_ask_others(guest: &str) {
    let (address, serving) = peer(|mut stream| {
        let asked = request(&stream);
        let answer = "HTTP/1.1 207 Odd\r\ncontent-length: 6\r\nconnection: close\r\n\r\nbehind";
        stream.write_all(answer.as_bytes()).expect("writes");
        asked
    });
    let target = format!("/fetch?authority={address}&path=/deep");
    let (answers, ends) = served(guest, &[&get(&target)]);
    let (line, _) = serving.join().expect("served");
    let of = |kind| ends.iter().find(|end| end.kind == kind).expect("an end");
    let (client, server) = (of(EndKind::HttpClient), of(EndKind::HttpServer));
    assert_eq!(first_line(client), line);
    assert_eq!(client.authority, Some(address.to_string()));
    assert_eq!(status(client), 207);
    assert_eq!(status(server), answers[0].0);
    // Where the program hands the body on without looking at it, it is not in the recording.
    match (client.received.unseen, server.sent.unseen) {
        (false, false) => {
            assert_eq!(said(&client.received), "behind");
            assert_eq!(said(&server.sent), answers[0].1);
        }
        (_, is_unseen) => assert!(is_unseen, "{ends:#?}"),
    }
}

#[test]
fn a_service_of_wasi_0_2_that_asks_another() {
    services_ask_others("answer.wasm");
}

#[test]
fn a_service_of_wasi_0_3_that_asks_another() {
    services_ask_others("answers.wasm");
}
