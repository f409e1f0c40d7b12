//! What stands between two programs and is not recorded: a proxy for HTTP that changes heads and
//! the order of requests, and NAT for datagrams that loses, doubles and delays them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Changes the lines of a head, given the number of the request.
pub type Rewrite = fn(&mut Vec<String>, usize);

/// A proxy that takes as many requests as it is told to, without bodies.
pub struct Proxy {
    pub address: SocketAddr,
    working: JoinHandle<()>,
}

impl Proxy {
    /// `at_once` are taken before the first of them is handed on, and those then in the reverse
    /// order.
    pub fn start(
        service: SocketAddr,
        (count, at_once): (usize, usize),
        (request, answer): (Rewrite, Rewrite),
    ) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let working = thread::spawn(move || {
            let mut number = 0;
            while number < count {
                let mut taken = Vec::new();
                while taken.len() < at_once && number < count {
                    let (stream, _) = listener.accept().expect("a connection");
                    let head = head_of(&mut BufReader::new(stream.try_clone().expect("a copy")));
                    taken.push((number, stream, head));
                    number += 1;
                }
                for (number, stream, mut head) in taken.into_iter().rev() {
                    request(&mut head, number);
                    head.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
                    head.push("connection: close".to_owned());
                    pass(service, stream, &head, |head| answer(head, number));
                }
            }
        });
        Proxy { address, working }
    }

    /// Waits until all have been answered.
    pub fn end(self) {
        self.working.join().expect("it has worked");
    }
}

fn pass(
    service: SocketAddr,
    mut stream: TcpStream,
    head: &[String],
    answer: impl Fn(&mut Vec<String>),
) {
    let mut there = TcpStream::connect(service).expect("it listens");
    there
        .write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes())
        .expect("it reads");
    let mut reader = BufReader::new(there);
    let mut head = head_of(&mut reader);
    answer(&mut head);
    let mut body = Vec::new();
    reader.read_to_end(&mut body).expect("a body");
    let mut said = format!("{}\r\n\r\n", head.join("\r\n")).into_bytes();
    said.extend(body);
    stream.write_all(&said).expect("it reads");
}

fn head_of(reader: &mut impl BufRead) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if line.trim().is_empty() {
            return lines;
        }
        lines.push(line.trim().to_owned());
    }
}

/// What becomes of a datagram: how often it is handed on, or `None` if it waits for the next one.
pub type Fate = fn(&str) -> Option<usize>;

/// NAT: who speaks to its address is heard by the service from another one.
pub struct Nat {
    pub port: u16,
    is_over: Arc<AtomicBool>,
    working: Vec<JoinHandle<()>>,
    /// What was handed on, in that order.
    pub handed_on: Arc<Mutex<Vec<String>>>,
}

const LOOKS: Duration = Duration::from_millis(20);

impl Nat {
    /// For one client.
    pub fn start(service: u16, fate: Fate) -> Nat {
        let socket = |at| {
            let socket = UdpSocket::bind(at).expect("a port");
            socket.set_read_timeout(Some(LOOKS)).expect("a timeout");
            socket
        };
        let (here, there) = (socket("127.0.0.1:0"), socket("127.0.0.1:0"));
        there.connect(("127.0.0.1", service)).expect("a peer");
        let port = here.local_addr().expect("an address").port();
        let is_over = Arc::new(AtomicBool::new(false));
        let handed_on = Arc::new(Mutex::new(Vec::new()));
        let client = Arc::new(Mutex::new(None));
        let forth = {
            let (here, there) = (
                here.try_clone().expect("a copy"),
                there.try_clone().expect("a copy"),
            );
            let (is_over, client, log) = (is_over.clone(), client.clone(), handed_on.clone());
            thread::spawn(move || {
                let mut delayed: Option<Vec<u8>> = None;
                let mut bytes = [0; 1500];
                while !is_over.load(Ordering::Relaxed) {
                    let Ok((length, from)) = here.recv_from(&mut bytes) else {
                        continue;
                    };
                    *client.lock().expect("a lock") = Some(from);
                    let said = bytes[..length].to_vec();
                    let Some(times) = fate(&String::from_utf8_lossy(&said)) else {
                        delayed = Some(said);
                        continue;
                    };
                    let all = std::iter::repeat_n(said, times).chain(delayed.take());
                    for one in all {
                        there.send(&one).expect("it goes");
                        let text = String::from_utf8_lossy(&one).into_owned();
                        log.lock().expect("a lock").push(text);
                    }
                }
            })
        };
        let back = {
            let is_over = is_over.clone();
            thread::spawn(move || {
                let mut bytes = [0; 1500];
                while !is_over.load(Ordering::Relaxed) {
                    let Ok(length) = there.recv(&mut bytes) else {
                        continue;
                    };
                    if let Some(client) = *client.lock().expect("a lock") {
                        here.send_to(&bytes[..length], client).expect("it goes");
                    }
                }
            })
        };
        Nat {
            port,
            is_over,
            working: vec![forth, back],
            handed_on,
        }
    }

    /// What was handed on.
    pub fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        for working in self.working {
            working.join().expect("it has worked");
        }
        let handed_on = self.handed_on.lock().expect("a lock");
        handed_on.clone()
    }
}
