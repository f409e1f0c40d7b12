//! Recordings that are read while they are written: what a reader sees is always the beginning of
//! what there will be.

use crate::support::client::Client;
use crate::support::processes::PATIENCE;
use crate::support::server::{Server, answer, recordings};
use crate::support::{cache_dir, fixture, rr_dap, text};
use rr_dap::inspect::ending::verify;
use rr_dap::trace::{Event, Outcome, Trace};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A program that reads clocks and prints byte after byte, and does not end by itself. It is
/// interrupted when this is dropped.
struct Endless {
    child: Child,
    trace: PathBuf,
}

impl Endless {
    /// Prints as fast as it can.
    fn begin(directory: &Path) -> Endless {
        let chatty = std::fs::read_to_string(fixture("wat/chatty.wat")).expect("the fixture");
        let rounds = "(i32.const 5000)";
        assert_eq!(chatty.matches(rounds).count(), 1);
        let program = directory.join("endless.wat");
        let text = chatty.replace(rounds, "(i32.const 2000000000)");
        std::fs::write(&program, text).expect("is written");
        Endless::record(directory, &program)
    }

    /// Waits most of the time.
    fn heartbeat(directory: &Path) -> Endless {
        Endless::record(directory, &fixture("wat/heartbeat.wat"))
    }

    fn record(directory: &Path, program: &Path) -> Endless {
        let trace = directory.join("endless.rrtrace");
        let child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .args(["record", "--quiet", "-o"])
            .arg(&trace)
            .arg(program)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let endless = Endless { child, trace };
        // A file is there before anything is in it.
        while Trace::open(&endless.trace).is_err() {
            thread::yield_now();
        }
        endless
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a call without pointers, on a child that has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    fn interrupt(&mut self) {
        self.signal(libc::SIGINT);
        self.child.wait().expect("it ends");
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn opened(path: &Path) -> Arc<Trace> {
    Arc::new(Trace::open(path).unwrap_or_else(|e| panic!("{e}")))
}

/// The events of the shorter one are the first of the other; how many there are.
fn assert_begins(part: &Trace, whole: &Trace) -> u64 {
    let (mut some, mut all) = (part.events(), whole.events());
    let mut count = 0;
    let next = |cursor: &mut rr_dap::trace::Cursor| -> Option<Event> {
        cursor.next().unwrap_or_else(|e| panic!("{e}"))
    };
    while let Some(event) = next(&mut some) {
        assert_eq!(Some(event), next(&mut all), "event {count}");
        count += 1;
    }
    count
}

#[test]
fn what_is_seen_of_a_growing_recording_is_its_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let mut endless = Endless::begin(directory.path());
    let mut seen: Vec<Arc<Trace>> = Vec::new();
    for _ in 0..12 {
        let trace = opened(&endless.trace);
        assert!(trace.is_growing() && !trace.has_end());
        assert_eq!(*trace.outcome(), Outcome::GoesOn);
        seen.push(trace);
        thread::sleep(Duration::from_millis(7));
    }
    // One is followed, whatever the others see.
    let mut followed = seen[0].clone();
    for _ in 0..12 {
        if let Some(grown) = followed.grown().unwrap_or_else(|e| panic!("{e}")) {
            followed = Arc::new(grown);
            seen.push(followed.clone());
        }
        thread::sleep(Duration::from_millis(3));
    }
    endless.interrupt();
    let followed = followed.grown().expect("readable").expect("it has ended");
    assert!(followed.has_end() && !followed.is_growing());
    let whole = opened(&endless.trace);
    assert_eq!(*whole.outcome(), Outcome::Interrupted);
    let all = assert_begins(&followed, &whole);
    for (number, part) in seen.iter().enumerate() {
        let count = assert_begins(part, &whole);
        assert!(count <= all, "{number}");
        if number % 8 == 0 {
            verify(part).unwrap_or_else(|e| panic!("{number}: {e}"));
        }
    }
}

#[test]
fn a_recording_of_a_killed_process_does_not_grow() {
    let directory = tempfile::tempdir().unwrap();
    let mut endless = Endless::begin(directory.path());
    let part = opened(&endless.trace);
    endless.signal(libc::SIGKILL);
    endless.child.wait().expect("it ends");
    let whole = part.grown().expect("readable").expect("it is cut off");
    assert!(!whole.is_growing());
    assert_eq!(*whole.outcome(), Outcome::CutOff);
    assert_begins(&part, &whole);
    let opened = opened(&endless.trace);
    assert!(!opened.is_growing());
    assert_begins(&whole, &opened);
    verify(&opened).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn every_command_says_that_a_recording_is_still_written() {
    let directory = tempfile::tempdir().unwrap();
    let endless = Endless::begin(directory.path());
    let trace = endless.trace.to_str().expect("text");
    let info = rr_dap(&["trace", "info", trace], "");
    assert!(info.status.success(), "{}", text(&info.stderr));
    let told = "outcome     goes on: the recording is still being written\n";
    assert!(text(&info.stdout).contains(told), "{}", text(&info.stdout));
    let verified = rr_dap(&["replay", "--verify", trace], "");
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let told = text(&verified.stdout);
    assert!(told.starts_with("verified: "), "{told}");
    assert!(told.contains("the run goes on"), "{told}");
}

#[test]
fn a_service_is_read_while_it_answers() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[], "answers.wasm");
    let is_over = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(server.get("/hello").0, 200);
                }
            });
        }
        let mut seen: Vec<(PathBuf, Arc<Trace>)> = Vec::new();
        while seen.len() < 30 {
            for path in server.recordings() {
                let trace = Trace::open(&path).unwrap_or_else(|e| panic!("{e}"));
                seen.push((path, Arc::new(trace)));
            }
            thread::sleep(Duration::from_millis(5));
        }
        is_over.store(true, Ordering::Relaxed);
        seen
    });
    server.end();
    assert!(seen.iter().any(|(_, trace)| trace.is_growing()));
    assert!(!recordings(directory.path()).is_empty());
    for (number, (path, part)) in seen.iter().enumerate() {
        let whole = opened(path);
        assert!(whole.has_end());
        assert_begins(part, &whole);
        if number % 6 == 0 {
            verify(part).unwrap_or_else(|e| panic!("{number}: {e}"));
        }
        let noted = part.noted_requests().len();
        assert!(noted <= whole.noted_requests().len());
    }
}

/// A session with the binary, where a thread looks whether there is more.
fn session(launch: Value, configure: impl FnOnce(&mut Client)) -> (Child, Client) {
    let (child, mut client) = Client::spawn();
    client.initialize();
    client.ask("launch", launch);
    client.event("initialized");
    configure(&mut client);
    client.ask("configurationDone", Value::Null);
    (child, client)
}

fn leave(mut child: Child, mut client: Client) {
    client.ask("disconnect", json!({}));
    drop(client);
    child.wait().expect("ends");
}

fn moment(client: &mut Client) -> (u64, u64) {
    let when = client.ask("rr/when", json!({}));
    let number = |value: &Value| value.as_u64().expect("a number");
    (number(&when["moment"]["event"]), number(&when["events"]))
}

#[test]
fn a_session_goes_on_with_a_recording_that_grows() {
    let directory = tempfile::tempdir().unwrap();
    let mut endless = Endless::heartbeat(directory.path());
    let launch = json!({ "trace": endless.trace, "stopAt": "end" });
    let (child, mut client) = session(launch, |_| {});
    let stopped = client.event("stopped");
    assert_eq!(stopped["reason"], "end");
    let told = stopped["text"].as_str().expect("a text");
    assert!(
        told.starts_with("what is recorded so far ends here"),
        "{told}"
    );
    let (_, at_first) = moment(&mut client);
    let grown = client.event("rr/grown");
    assert_eq!(grown["growing"], true, "{grown}");
    let threads = client.ask("threads", Value::Null);
    let name = threads["threads"][0]["name"].as_str().expect("a name");
    assert!(name.ends_with(" so far"), "{name}");

    // Each next one is waited for.
    let breakpoints = json!({ "breakpoints": [{ "name": "wasi:clocks/*#subscribe-duration" }] });
    client.ask("setFunctionBreakpoints", breakpoints);
    let mut before = at_first;
    for _ in 0..6 {
        let stopped = client.go("continue");
        assert_eq!(stopped["reason"], "hostcall", "{stopped}");
        let (here, _) = moment(&mut client);
        assert!(here == before || here == before + 1 || here == before + 2 || here == before + 3);
        before = here;
    }
    assert!(before > at_first + 12);
    client.go("reverseContinue");
    assert_eq!(moment(&mut client).0, before - 3);
    client.ask("setFunctionBreakpoints", json!({ "breakpoints": [] }));

    // Until somebody does not want to wait any more.
    let until = Instant::now() + PATIENCE;
    loop {
        client.ask("continue", json!({ "threadId": 1 }));
        thread::sleep(Duration::from_millis(300));
        assert!(!client.heard_event("stopped"));
        client.ask("pause", json!({ "threadId": 1 }));
        client.event("stopped");
        let (here, all) = moment(&mut client);
        assert!(here + 3 >= all, "{here} of {all}");
        // It has been noticed meanwhile that there is more.
        if here > before {
            break;
        }
        assert!(Instant::now() < until, "{here} of {all}");
    }

    endless.interrupt();
    let ended = loop {
        let grown = client.event("rr/grown");
        if grown["growing"] == false {
            break grown;
        }
    };
    assert_eq!(ended["ending"], "the run interrupted");
    let stopped = client.go("continue");
    assert_eq!(
        stopped["description"],
        "End of the recording: the run was stopped"
    );
    let (here, all) = moment(&mut client);
    assert!(here + 1 >= all, "{here} of {all}");
    assert_eq!(ended["events"], all);
    leave(child, client);
    verify(&opened(&endless.trace)).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_launched_program_is_debugged_while_it_goes_on() {
    let launch = json!({ "program": fixture("wat/heartbeat.wat") });
    let (mut child, mut client) = Client::spawn();
    client.initialize();
    let launching = client.send("launch", launch);
    // There is something to be seen before it is offered.
    client.ask("pause", json!({ "threadId": 1 }));
    assert_eq!(client.response(launching)["success"], true);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    let stopped = client.event("stopped");
    let told = stopped["text"].as_str().expect("a text");
    assert!(
        told.starts_with("what is recorded so far ends here"),
        "{told}"
    );
    let (_, before) = moment(&mut client);
    assert_eq!(client.event("rr/grown")["growing"], true);
    let until = Instant::now() + PATIENCE;
    while moment(&mut client).1 <= before {
        assert!(Instant::now() < until, "no more than {before}");
        client.ask("continue", json!({ "threadId": 1 }));
        thread::sleep(Duration::from_millis(100));
        client.ask("pause", json!({ "threadId": 1 }));
        client.event("stopped");
    }
    let said = client.ask(
        "evaluate",
        json!({ "expression": "end run", "context": "repl" }),
    );
    assert_eq!(said["result"], "the run ends");
    while client.event("rr/grown")["growing"] == true {}
    let stopped = client.go("continue");
    assert_eq!(
        stopped["description"],
        "End of the recording: the run was stopped"
    );
    client.ask("terminate", json!({}));
    client.event("terminated");
    client.ask("disconnect", json!({}));
    drop(client);
    child.wait().expect("ends");
}

#[test]
fn a_first_terminate_ends_the_run_and_not_the_session() {
    let launch = json!({ "program": fixture("wat/heartbeat.wat") });
    let (child, mut client) = Client::spawn();
    client.initialize();
    let launching = client.send("launch", launch);
    client.ask("pause", json!({ "threadId": 1 }));
    assert_eq!(client.response(launching)["success"], true);
    client.event("initialized");
    client.ask("configurationDone", Value::Null);
    client.event("stopped");
    // Also where a motion waits for more.
    client.ask("continue", json!({ "threadId": 1 }));
    client.ask("terminate", json!({}));
    let stopped = client.event("stopped");
    assert_eq!(
        stopped["description"],
        "End of the recording: the run was stopped"
    );
    assert!(!client.heard_event("terminated"));
    leave(child, client);
}

#[test]
fn requests_that_come_while_a_service_is_debugged_are_there() {
    let directory = tempfile::tempdir().unwrap();
    let one = [
        "--max-instance-reuse-count",
        "1000",
        "--idle-instance-timeout",
        "60s",
    ];
    let server = Server::start(directory.path(), &one, "answers.wasm");
    assert_eq!(server.get("/hello").0, 200);
    assert_eq!(server.get("/status/503").0, 503);
    let trace = server.recordings().remove(0);
    let launch = json!({ "trace": trace, "stopAt": "end" });
    let (child, mut client) = session(launch, |_| {});
    client.event("stopped");
    let requests = client.ask("rr/requests", json!({}));
    assert_eq!(requests["total"], 2, "{requests}");
    for number in 3..=5 {
        let ask = format!("/echo?number={number}");
        assert_eq!(server.get(&ask).0, 200);
        let requests = client.ask("rr/requests", json!({}));
        assert_eq!(requests["total"], number, "{requests}");
        let grown = client.event("rr/grown");
        assert_eq!(grown["growing"], true, "{grown}");
        client.ask("rr/seek", json!({ "request": number }));
        client.event("stopped");
        let threads = client.ask("threads", Value::Null);
        let name = threads["threads"][0]["name"].as_str().expect("a name");
        let whose = format!("request {number}: GET {ask}, event ");
        assert!(
            name.starts_with(&whose) && name.ends_with(" so far"),
            "{name}"
        );
    }
    let requests = client.ask("rr/requests", json!({}));
    let took = |row: &Value| row["durationNs"].as_u64().is_some_and(|took| took > 0);
    let rows = requests["requests"].as_array().expect("a list");
    // How long it took is written with what comes next.
    assert!(rows[..4].iter().all(took), "{requests}");
    client.ask("rr/seek", json!({ "request": 2 }));
    client.event("stopped");
    // On to the end, and until the next one comes.
    client.ask("continue", json!({ "threadId": 1 }));
    assert_eq!(server.get("/hello").0, 200);
    thread::sleep(Duration::from_millis(100));
    client.ask("pause", json!({ "threadId": 1 }));
    client.event("stopped");
    let requests = client.ask("rr/requests", json!({}));
    assert_eq!(requests["total"], 6, "{requests}");
    server.end();
    while client.event("rr/grown")["growing"] == true {}
    client.go("reverseContinue");
    assert_eq!(moment(&mut client).0, 0);
    leave(child, client);
    verify(&opened(&trace)).unwrap_or_else(|e| panic!("{e}"));
}

/// The status that a server gives.
fn asked(address: &str, target: &str) -> u16 {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET {target} HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    answer(&mut stream).0
}

#[test]
fn a_launched_service_is_debugged_from_its_first_request_on() {
    for guest in ["answers.wasm", "answer.wasm"] {
        let (mut child, mut client) = Client::spawn();
        client.initialize();
        let launch = json!({ "program": fixture(guest), "serve": true, "stopAt": "end" });
        let launching = client.send("launch", launch);
        let address = loop {
            let said = client.event("output");
            let said = said["output"].as_str().expect("text").trim_end().to_owned();
            if let Some((_, address)) = said.split_once("Serving HTTP on http://") {
                break address.trim_end_matches('/').to_owned();
            }
        };
        assert_eq!(asked(&address, "/hello"), 200);
        assert_eq!(client.response(launching)["success"], true);
        client.event("initialized");
        client.ask("configurationDone", Value::Null);
        client.event("stopped");
        for number in 2..=3 {
            assert_eq!(asked(&address, "/status/503"), 503);
            let requests = client.ask("rr/requests", json!({}));
            assert_eq!(requests["total"], number, "{requests}");
            client.ask("rr/seek", json!({ "request": number }));
            client.event("stopped");
            let threads = client.ask("threads", Value::Null);
            let name = threads["threads"][0]["name"].as_str().expect("a name");
            let whose = format!("request {number}: GET /status/503, event ");
            assert!(name.starts_with(&whose), "{guest}: {name}");
        }
        client.ask("terminate", json!({}));
        while client.event("rr/grown")["growing"] == true {}
        client.ask("terminate", json!({}));
        client.event("terminated");
        client.ask("disconnect", json!({}));
        drop(client);
        child.wait().expect("ends");
    }
}
