//! Guests that talk to others: sockets on loopback and HTTP requests. The other end
//! is gone when a recording is replayed.

use crate::support::{fixture, plain, record, replay, rr_dap, text};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Output;
use std::thread::{self, JoinHandle};

/// Runs plainly and recorded, against a peer each; compares, and replays without one.
fn same_alone(app: &str, options: &[&str], peer: impl Fn() -> Peer, args: &[&str]) -> String {
    let app_path = fixture(app);
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let addressed = |peer: &Peer| -> Vec<String> {
        let fill = |arg: &&str| arg.replace("PORT", &peer.port.to_string());
        args.iter().map(fill).collect()
    };
    let first = peer();
    let args = addressed(&first);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let component = std::fs::read(&app_path).unwrap();
    let plain = plain::run_online(&component, app, &args);
    first.ended();

    let second = peer();
    let args = addressed(&second);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let recorded = record(&app_path, options, &args, "", &trace);
    second.ended();
    assert_eq!(text(&recorded.stdout), text(&plain.stdout), "{recorded:?}");
    assert_eq!(text(&recorded.stderr), text(&plain.stderr));
    assert_eq!(recorded.status.code(), Some(plain.status));
    replays(&trace, &recorded);
    text(&plain.stdout)
}

fn replays(trace: &Path, recorded: &Output) {
    let replayed = replay(trace);
    assert_eq!(text(&replayed.stdout), text(&recorded.stdout));
    assert_eq!(replayed.status.code(), recorded.status.code());
    let verified = rr_dap(&["replay", "--verify", trace.to_str().unwrap()], "");
    assert!(verified.status.success(), "{verified:?}");
}

/// The other end of one conversation.
struct Peer {
    port: u16,
    thread: JoinHandle<()>,
}

impl Peer {
    fn ended(self) {
        self.thread.join().unwrap();
    }
}

/// Reads once, answers, and hangs up.
fn tcp_peer() -> Peer {
    listener(|mut stream| {
        let mut bytes = [0; 64];
        let length = stream.read(&mut bytes).unwrap();
        stream.write_all(b"you said ").unwrap();
        stream.write_all(&bytes[..length]).unwrap();
    })
}

fn listener(serve: impl FnOnce(TcpStream) + Send + 'static) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = thread::spawn(move || serve(listener.accept().unwrap().0));
    Peer { port, thread }
}

fn udp_peer() -> Peer {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let thread = thread::spawn(move || {
        let mut bytes = [0; 64];
        let (length, from) = socket.recv_from(&mut bytes).unwrap();
        bytes[..length].reverse();
        socket.send_to(&bytes[..length], from).unwrap();
    });
    Peer { port, thread }
}

/// Answers one request with its own first line and body.
fn http_peer() -> Peer {
    listener(|stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_ascii_lowercase());
        }
        let chunked = lines.iter().any(|l| l == "transfer-encoding: chunked");
        let body = if chunked {
            chunks(&mut reader)
        } else {
            String::new()
        };
        let answer = format!("{} / {body}", lines[0]);
        let mut stream = stream;
        write!(
            stream,
            "HTTP/1.1 203 Odd\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
    })
}

fn chunks(reader: &mut impl BufRead) -> String {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        if size == 0 {
            return String::from_utf8(body).unwrap();
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

const NETWORK: &[&str] = &["-S", "inherit-network"];

#[test]
fn a_tcp_conversation() {
    let said = same_alone("sockets.wasm", NETWORK, tcp_peer, &["tcp", "PORT", "hello"]);
    assert_eq!(said, "you said hello\n");
}

#[test]
fn udp_datagrams() {
    let said = same_alone("sockets.wasm", NETWORK, udp_peer, &["udp", "PORT", "hello"]);
    assert_eq!(said, "olleh\n");
}

#[test]
fn http_requests() {
    let http = &["-S", "http"];
    let args = ["127.0.0.1:PORT", "/a?b=c"];
    let said = same_alone("fetch.wasm", http, http_peer, &args);
    assert_eq!(said, "status 203\nget /a?b=c http/1.1 / \n");
    let args = ["127.0.0.1:PORT", "/", "some body"];
    let said = same_alone("fetch.wasm", http, http_peer, &args);
    assert_eq!(said, "status 203\npost / http/1.1 / some body\n");
}

#[test]
fn a_peer_that_is_not_there_is_the_guests_affair() {
    // Bound and dropped: nobody listens there now.
    let nobody = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(|| ());
        Peer { port, thread }
    };
    same_alone("sockets.wasm", NETWORK, nobody, &["tcp", "PORT", "x"]);
    same_alone(
        "fetch.wasm",
        &["-S", "http"],
        nobody,
        &["127.0.0.1:PORT", "/"],
    );
}

#[test]
fn the_network_is_closed_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let sockets = fixture("sockets.wasm");
    for options in [&[][..], &["-S", "inherit-network,tcp=n"][..]] {
        let recorded = record(&sockets, options, &["tcp", "1", "x"], "", &trace);
        assert_eq!(recorded.status.code(), Some(1));
        // `access-denied` is case 1 of the error code.
        assert_eq!(text(&recorded.stderr), "sockets: socket: error 1\n");
        replays(&trace, &recorded);
    }
    let trace = dir.path().join("none.rrtrace");
    let recorded = record(&fixture("fetch.wasm"), &[], &["x", "/"], "", &trace);
    assert_eq!(recorded.status.code(), Some(1));
    let why = text(&recorded.stderr);
    assert!(
        why.contains("wasi:http/") && why.contains("-S http"),
        "{why}"
    );
    assert!(!trace.exists());
}
