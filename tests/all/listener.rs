//! What comes to a server that listens does it no harm, and whoever may not ask is told.

use crate::support::processes::{Marked, PATIENCE};
use crate::support::{cache_dir, fixture, record, text};
use rr_dap::dap::protocol::framing::{read_frame, write_frame};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A server of its own, and where it is.
struct Listening {
    child: Child,
    marked: Marked,
    port: u16,
}

impl Listening {
    fn start(name: &str, address: &str, arguments: &[&str]) -> Listening {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        let marked = Marked::new(name, &mut command);
        let mut child = command
            .args(["--listen", address])
            .args(arguments)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        let port = first.trim().strip_prefix("LISTENING ").unwrap();
        let port = port.parse().unwrap();
        Listening {
            child,
            marked,
            port,
        }
    }

    fn connect(&self) -> Raw {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Raw {
            stream,
            reader,
            last_seq: 0,
        }
    }

    /// Ends it: what it said on standard error.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        let mut told = String::new();
        _ = self.child.stderr.take().unwrap().read_to_string(&mut told);
        self.child.wait().unwrap();
        self.marked.wait_for_the_end(&[]);
        told
    }

    /// A figure of the system's about the process, such as `VmRSS` (in KiB) or `Threads`.
    fn status(&self, of: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with(of)).unwrap();
        let figure = line.split_whitespace().nth(1).unwrap();
        figure.parse().unwrap()
    }
}

/// A connection on which anything may be said.
struct Raw {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    last_seq: i64,
}

impl Raw {
    fn say(&mut self, command: &str, arguments: Value) -> i64 {
        self.last_seq += 1;
        let message = json!({
            "seq": self.last_seq, "type": "request", "command": command, "arguments": arguments,
        });
        // Who has been sent away finds it out when listening.
        _ = write_frame(&mut self.stream, message.to_string().as_bytes());
        self.last_seq
    }

    fn hear(&mut self) -> Option<Value> {
        let body = read_frame(&mut self.reader).ok().flatten()?;
        Some(serde_json::from_slice(&body).unwrap())
    }

    fn ask(&mut self, command: &str, arguments: Value) -> Value {
        let seq = self.say(command, arguments);
        loop {
            let message = self.hear().expect("an answer");
            if message["request_seq"] == json!(seq) {
                return message;
            }
        }
    }

    fn event(&mut self, name: &str) -> Value {
        loop {
            let message = self.hear().expect("an event");
            if message["event"] == json!(name) {
                return message;
            }
        }
    }

    fn initialize(&mut self) {
        let greeted = self.ask("initialize", json!({ "adapterID": "rr-dap" }));
        assert_eq!(greeted["success"], json!(true), "{greeted}");
    }

    /// All that comes until the server closes.
    fn rest(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.hear()).collect()
    }
}

const INITIALIZE: &str =
    r#"{"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"x"}}"#;

#[test]
fn headers_that_are_no_client_s_end_the_session_and_nothing_else() {
    let server = Listening::start("headers", "127.0.0.1:0", &[]);
    let length = INITIALIZE.len();
    let long = "x".repeat(100_000);
    let refused = [
        (
            format!("Content-Length: {length}\r\nContent-Length: {length}\r\n\r\n"),
            "twice",
        ),
        (format!("Content-Length: +{length}\r\n\r\n"), "not a number"),
        (
            format!("Content-Length: {}\r\n\r\n", 5_u64 << 30),
            "cannot be true",
        ),
        (
            format!("Content-Length: {}\r\n\r\n", "9".repeat(30)),
            "not a number",
        ),
        (
            format!("Content-Length: {length}\r\nHost: 127.0.0.1\r\n\r\n"),
            "`Host`",
        ),
        (format!("Content-Type: {long}"), "no end"),
        ("Content-Type: x\r\n".repeat(5000), "too many fields"),
    ];
    for (header, says) in refused {
        let mut client = server.connect();
        _ = client.stream.write_all(header.as_bytes());
        _ = client.stream.write_all(INITIALIZE.as_bytes());
        let rest = client.rest();
        // With bytes unread the connection may be reset before the message is read.
        for message in rest {
            assert_eq!(message["event"], json!("output"), "{message}");
            let told = message["body"]["output"].as_str().unwrap();
            assert!(told.contains(says), "{told:?} should say {says:?}");
        }
    }
    // Some clients end lines with a line feed only, and name the type of what they send.
    let headers = [
        format!("Content-Length: {length}\n\n"),
        format!("content-length:{length}\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n"),
    ];
    for header in headers {
        let mut client = server.connect();
        client.stream.write_all(header.as_bytes()).unwrap();
        client.stream.write_all(INITIALIZE.as_bytes()).unwrap();
        let answer = client.hear().unwrap();
        assert_eq!(answer["success"], json!(true), "{answer}");
    }
    assert!(
        server.status("VmHWM") < 200 << 10,
        "{} KiB",
        server.status("VmHWM")
    );
    let told = server.end();
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn a_server_with_a_token_answers_those_who_know_it() {
    let directory = tempfile::tempdir().unwrap();
    let recording = directory.path().join("t.rrtrace");
    record(&fixture("ledger.wasm"), &["--quiet"], &[], "", &recording);
    let recording = recording.to_str().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "open sesame\n").unwrap();
    let log = directory.path().join("log");
    let (file, log) = (file.to_str().unwrap(), log.to_str().unwrap());
    let arguments = ["--trace", recording, "--token-file", file, "--log-dap", log];
    let server = Listening::start("token", "127.0.0.1:0", &arguments);

    // Whatever is asked without it has one answer, and the connection ends.
    let launch = json!({ "trace": recording });
    for (command, arguments, says) in [
        ("attach", json!({}), "wants a token"),
        ("attach", json!({ "token": "open sesam" }), "is wrong"),
        ("attach", json!({ "token": "" }), "is wrong"),
        (
            "attach",
            json!({ "token": ["open sesame"] }),
            "wants a token",
        ),
        ("launch", launch, "wants a token"),
        (
            "threads",
            json!({ "token": "open sesame" }),
            "wants a token",
        ),
        (
            "completions",
            json!({ "text": "rr ", "column": 4 }),
            "wants a token",
        ),
        ("nonsense", json!({}), "wants a token"),
    ] {
        let mut client = server.connect();
        client.initialize();
        client.say(command, arguments);
        client.say("threads", json!({}));
        let rest = client.rest();
        assert_eq!(rest.len(), 1, "{command}: {rest:#?}");
        assert_eq!(rest[0]["success"], json!(false), "{}", rest[0]);
        let why = rest[0]["message"].as_str().unwrap();
        assert!(why.contains(says), "{why:?} should say {says:?}");
    }
    let mut client = server.connect();
    write_frame(&mut client.stream, b"{}").unwrap();
    client.say("initialize", json!({ "adapterID": "x" }));
    assert_eq!(client.rest().len(), 1);

    let mut client = server.connect();
    client.initialize();
    let attached = client.ask("attach", json!({ "token": "open sesame", "stopAt": "end" }));
    assert_eq!(attached["success"], json!(true), "{attached}");
    let done = client.ask("configurationDone", json!({}));
    assert_eq!(done["success"], json!(true), "{done}");
    client.event("stopped");
    client.ask("disconnect", json!({}));
    // On the loopback there is nothing to be said of it.
    assert_eq!(server.end(), "");
    // The log does not tell what the file does not tell everybody.
    let logged = std::fs::read_to_string(log).unwrap();
    assert!(logged.contains("attach"), "{logged}");
    assert!(!logged.contains("open sesam"), "{logged}");
}

#[test]
fn listening_for_other_machines_says_what_that_means() {
    for (arguments, says) in [
        (
            &[][..],
            "read and write this user's files: give --token-file",
        ),
        (&["--token", "x"][..], "is not encrypted"),
    ] {
        let told = Listening::start("exposed", "0.0.0.0:0", arguments).end();
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.contains(says), "{told}");
    }
    let refused = |arguments: &[&str]| {
        let ended = crate::support::rr_dap(arguments, "");
        assert!(!ended.status.success());
        text(&ended.stderr)
    };
    let told = refused(&["--listen", "0", "--token", ""]);
    assert!(told.contains("the token is empty"), "{told}");
    let told = refused(&["--token", "x"]);
    assert!(told.contains("for servers that listen"), "{told}");
    let told = refused(&["--listen", "0", "--token-file", "/nowhere/t"]);
    assert!(told.contains("cannot be read from /nowhere/t"), "{told}");
}

fn recorded(directory: &tempfile::TempDir) -> String {
    let recording = directory.path().join("t.rrtrace");
    record(&fixture("ledger.wasm"), &["--quiet"], &[], "", &recording);
    recording.to_str().unwrap().to_owned()
}

#[test]
fn a_client_that_never_listens_is_not_kept_in_memory() {
    const MOST_KIB: u64 = 350 << 10;
    let directory = tempfile::tempdir().unwrap();
    let recording = recorded(&directory);
    let server = Listening::start("deaf", "127.0.0.1:0", &["--trace", &recording]);
    let mut client = server.connect();
    client.initialize();
    client.ask("attach", json!({ "stopAt": "end" }));
    client.say("configurationDone", json!({}));
    client.event("stopped");
    // Of the first instance that has a memory.
    let memories = (0..16_u64).map(|instance| format!("{:#x}", instance << 40));
    let mut memories = memories.map(|at| json!({ "memoryReference": at, "count": 64 << 10 }));
    let (memory, answer) = memories
        .find_map(|memory| {
            let read = client.ask("readMemory", memory.clone());
            Some((memory, read["body"]["data"].as_str()?.len()))
        })
        .unwrap();
    // More than all buffers between the two hold: from then on the session waits for the
    // client.
    for _ in 0..(16 << 20) / answer {
        client.say("readMemory", memory.clone());
    }
    let padding = "x".repeat(4 << 20);
    let request = json!({
        "seq": 9999, "type": "request", "command": "threads", "arguments": { "x": padding },
    });
    let mut frame = Vec::new();
    write_frame(&mut frame, request.to_string().as_bytes()).unwrap();
    let stuck = std::time::Duration::from_secs(3);
    client.stream.set_write_timeout(Some(stuck)).unwrap();
    let taken = (0..200).take_while(|_| client.stream.write_all(&frame).is_ok());
    let taken = taken.count();
    assert!(
        taken < 50,
        "{taken} messages were taken in and not answered"
    );
    let held = server.status("VmHWM");
    assert!(held < MOST_KIB, "{held} KiB after {taken} messages");
    // Others are served meanwhile; and gone, it does not hold up anything.
    server.connect().initialize();
    drop(client);
    server.marked.wait_for_the_end(&[server.child.id()]);
    assert_eq!(server.end(), "");
}

#[test]
fn requests_that_wait_for_a_motion_are_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let server = Listening::start(
        "waiting",
        "127.0.0.1:0",
        &["--trace", &recorded(&directory)],
    );
    let mut client = server.connect();
    client.initialize();
    client.ask("attach", json!({ "stopAt": "end" }));
    client.say("configurationDone", json!({}));
    // While it goes to the end, each of these waits; those that are too many are told.
    let lines: Vec<Value> = (0..2000).map(|line| json!({ "line": line })).collect();
    let mut said = 0;
    for _ in 0..400 {
        let source = json!({ "path": "/nowhere.c" });
        said = client.say(
            "setBreakpoints",
            json!({ "source": source, "breakpoints": lines }),
        );
    }
    let mut answers = 0;
    loop {
        let message = client.hear().expect("an answer");
        answers += usize::from(message["type"] == json!("response"));
        if message["request_seq"] == json!(said) {
            break;
        }
    }
    assert!(answers > 0);
    let held = server.status("VmHWM");
    assert!(held < 400 << 10, "{held} KiB");
    let told = server.end();
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn clients_beyond_the_bound_are_told() {
    let server = Listening::start("crowd", "127.0.0.1:0", &[]);
    let mut clients: Vec<Raw> = (0..64).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.initialize();
    }
    let mut one_more = server.connect();
    let refused = one_more.ask("initialize", json!({ "adapterID": "x" }));
    assert_eq!(refused["success"], json!(false), "{refused}");
    let why = refused["message"].as_str().unwrap();
    assert!(why.contains("has 64 sessions under way"), "{why}");
    assert_eq!(one_more.rest().len(), 0);
    // Who says nothing hears it all the same.
    let told = server.connect().rest();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["event"], json!("output"));
    // A crowd of them is sent away, one way or another, and the server lives.
    let crowd: Vec<Raw> = (0..200).map(|_| server.connect()).collect();
    for mut client in crowd {
        client.rest();
    }
    clients.pop();
    let until = Instant::now() + PATIENCE;
    while server
        .connect()
        .ask("initialize", json!({ "adapterID": "x" }))["success"]
        != json!(true)
    {
        assert!(Instant::now() < until, "no place becomes free");
    }
    let told = server.end();
    assert!(told.contains("there are 64 sessions"), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[test]
fn nothing_of_a_session_outlives_it() {
    const MOST_MORE_KIB: u64 = 30 << 10;
    let directory = tempfile::tempdir().unwrap();
    let recording = recorded(&directory);
    let server = Listening::start("sessions", "127.0.0.1:0", &["--trace", &recording]);
    let settled = |threads: Option<u64>| {
        let until = Instant::now() + PATIENCE;
        // Its replayers are gone, and its threads.
        server.marked.wait_for_the_end(&[server.child.id()]);
        while threads.is_some_and(|threads| server.status("Threads") > threads) {
            assert!(
                Instant::now() < until,
                "{} threads",
                server.status("Threads")
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        (server.status("Threads"), server.status("VmRSS"))
    };
    let session = |nth: usize| {
        let mut client = server.connect();
        client.initialize();
        client.ask("attach", json!({ "stopAt": "end" }));
        client.say("configurationDone", json!({}));
        match nth % 3 {
            // It vanishes while the program moves.
            0 => return,
            1 => _ = client.event("stopped"),
            _ => {
                client.event("stopped");
                client.say("stackTrace", json!({ "threadId": 1 }));
                client.say(
                    "evaluate",
                    json!({ "expression": "rr resources", "context": "repl" }),
                );
                client.say("reverseContinue", json!({ "threadId": 1 }));
                client.event("stopped");
                client.ask("disconnect", json!({}));
                client.rest();
            }
        }
        _ = client.stream.shutdown(Shutdown::Both);
    };
    // What is made once is there after some: compiling threads, the allocator's arenas.
    for nth in 0..6 {
        session(nth);
    }
    settled(Some(24));
    let (threads, memory) = settled(None);
    for nth in 0..15 {
        session(nth);
    }
    let (_, after) = settled(Some(threads));
    assert!(
        after < memory + MOST_MORE_KIB,
        "{memory} KiB after six sessions, {after} KiB after fifteen more"
    );
    let told = server.end();
    assert!(!told.contains("panicked"), "{told}");
}
