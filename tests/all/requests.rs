//! The requests of a service: listed, told apart where they interleave, and gone to.

use crate::support::client::Client;
use crate::support::processes::PATIENCE;
use crate::support::prompt::{answers, session};
use crate::support::server::{Server, answer, recordings};
use crate::support::session::{frames, start, variables};
use crate::support::{rr_dap, text};
use rr_dap::inspect::past::requests::{Request, RequestEnding, Requests};
use rr_dap::trace::Trace;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// A service of WASI 0.2 that was asked these, one after the other.
fn asked(targets: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answer.wasm");
    for target in targets {
        server.get(target);
    }
    server.end();
    let found = recordings(dir.path());
    (dir, found)
}

/// One recording of an instance of WASI 0.3 that was at work on several requests at once.
fn interleaved() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let one = [
        "--max-instance-reuse-count",
        "1000",
        "--idle-instance-timeout",
        "30s",
    ];
    let server = Server::start(dir.path(), &one, "answers.wasm");
    // Then there is an instance that takes the others.
    server.get("/hello");
    thread::scope(|scope| {
        for (before, ms) in [400, 300, 500].into_iter().enumerate() {
            let server = &server;
            scope.spawn(move || server.get(&format!("/slow?ms={ms}")));
            // An instance that is just being given one would not get the other.
            server.wait_until_called(before + 2);
        }
        let echo = "POST /echo HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\
                    content-length: 11\r\n\r\nhello there";
        assert_eq!(answer(&mut server.send(echo)), (200, "hello there".into()));
        server.get("/status/503");
        server.get("/large?bytes=50000");
    });
    server.get("/none");
    server.get("/count");
    server.end();
    let mut found = recordings(dir.path());
    assert_eq!(found.len(), 1, "one instance answers all");
    (dir, found.remove(0))
}

fn open(path: &Path) -> Trace {
    Trace::open(path).unwrap_or_else(|e| panic!("{e}"))
}

fn listed(arguments: &[&str]) -> (Vec<Value>, String) {
    let mut line = vec!["trace", "requests", "--json"];
    line.extend(arguments);
    let output = rr_dap(&line, "");
    // One of them is damaged: what is in the others is told, and the exit code says it.
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    let rows = told.lines().map(|line| serde_json::from_str(line).unwrap());
    (rows.collect(), text(&output.stderr))
}

fn of(rows: &[Value], key: &str) -> Vec<Value> {
    rows.iter().map(|row| row[key].clone()).collect()
}

#[test]
fn a_directory_of_recordings_is_listed_by_name() {
    let targets = [
        "/hello",
        "/status/503",
        "/trap?place=3",
        "/none",
        "/env?HOME",
    ];
    let (dir, _) = asked(&targets);
    std::fs::write(dir.path().join("0-broken.rrtrace"), "no recording").unwrap();
    let directory = dir.path().to_str().unwrap();
    let (rows, said) = listed(&[directory]);
    assert_eq!(of(&rows, "target"), targets.map(|t| json!(t)));
    assert_eq!(
        of(&rows, "status"),
        [200, 503, 500, 500, 404].map(|s| json!(s))
    );
    let outcomes = ["answered", "answered", "trapped", "failed", "answered"];
    assert_eq!(of(&rows, "outcome"), outcomes.map(|o| json!(o)));
    assert!(
        rows.iter()
            .all(|row| row["method"] == "GET" && row["number"] == 1)
    );
    assert!(rows.iter().all(|row| row["hostcalls"].as_u64() > Some(0)));
    assert!(rows.iter().all(|row| row["durationNs"].as_u64() > Some(0)));
    assert!(said.contains("0-broken.rrtrace"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    // Within the directory, so that they are the same wherever that is.
    let mut names = of(&rows, "recording").into_iter();
    assert!(names.all(|name| !name.as_str().unwrap().contains('/')));
    let (failed, _) = listed(&["--failed", directory]);
    let expected = ["/status/503", "/trap?place=3", "/none"];
    assert_eq!(of(&failed, "target"), expected.map(|t| json!(t)));
    let table = text(&rr_dap(&["trace", "requests", directory], "").stdout);
    let trapped = table.lines().find(|line| line.contains("/trap?place=3"));
    let trapped = trapped.unwrap_or_else(|| panic!("{table}"));
    assert!(
        trapped.contains("trapped: wasm trap: out of bounds memory access"),
        "{table}"
    );
    assert!(trapped.contains(".rrtrace"), "{table}");
}

/// What events alone tell is what the host has noted.
fn is_as_noted(trace: &Trace) -> Vec<Request> {
    let derived = Requests::of_events(trace, || true).list().to_vec();
    let noted = trace.noted_requests();
    assert_eq!(derived.len(), noted.len());
    for (request, noted) in derived.iter().zip(noted.iter()) {
        assert_eq!(request.number, noted.number);
        assert_eq!(request.target.as_deref(), Some(&*noted.target));
        let answer = noted.answer.as_ref().unwrap();
        if request.ending == RequestEnding::Answered {
            assert_eq!(request.status, answer.status, "{}", noted.target);
            assert_eq!(request.sent, answer.sent, "{}", noted.target);
            assert_eq!(request.received, answer.received, "{}", noted.target);
        }
    }
    derived
}

#[test]
fn without_notes_the_events_tell() {
    let (_dir, found) = asked(&[
        "/large?bytes=50000",
        "/status/418",
        "/none",
        "/trap?place=3",
    ]);
    let mut derived = Vec::new();
    for path in &found {
        derived.extend(is_as_noted(&open(path)));
    }
    let endings: Vec<_> = derived
        .iter()
        .map(|request| request.ending.word())
        .collect();
    assert_eq!(endings, ["answered", "answered", "unanswered", "trapped"]);
    let statuses: Vec<_> = derived.iter().map(|request| request.status).collect();
    assert_eq!(statuses, [Some(200), Some(418), None, None]);
}

#[test]
fn requests_that_interleave_are_told_apart() {
    let (_dir, path) = interleaved();
    let derived = is_as_noted(&open(&path));
    let by_target = |target: &str| {
        let mut same = derived
            .iter()
            .filter(|r| r.target.as_deref() == Some(target));
        same.next()
            .unwrap_or_else(|| panic!("{target} in {derived:?}"))
    };
    for ms in [300, 400, 500] {
        let slow = by_target(&format!("/slow?ms={ms}"));
        assert_eq!(
            (slow.status, slow.sent),
            (Some(200), slow.sent.max(20)),
            "{slow:?}"
        );
    }
    assert_eq!(by_target("/status/503").status, Some(503));
    assert_eq!(by_target("/large?bytes=50000").sent, 50_000);
    let echo = by_target("/echo");
    assert_eq!(
        (echo.received, echo.body.head.as_slice()),
        (11, &b"hello there"[..])
    );
    assert!(
        matches!(&by_target("/none").ending, RequestEnding::Failed(e) if e == "internal-error")
    );
    // All hostcalls are somebody's, but those that the instance makes before there is a request;
    // what only keeps the component model's books is not counted.
    let known: u64 = derived.iter().map(|request| request.hostcalls).sum();
    let first = derived[0].entered.unwrap().event;
    let trace = open(&path);
    let meant = crate::later_results::meant(&trace);
    let meant = meant.iter().filter(|event| **event >= first).count() as u64;
    assert!(meant < trace.hostcalls().unwrap());
    assert_eq!(known, meant);
}

fn thread_name(client: &mut Client) -> String {
    let threads = client.ask("threads", Value::Null);
    threads["threads"][0]["name"].as_str().unwrap().to_owned()
}

fn go(client: &mut Client, command: &str, arguments: Value) -> Value {
    client.ask(command, arguments);
    client.event("stopped")
}

/// The frame that is the outermost of the stack, with the names and values that it has of the
/// request. Below it is what waits in tasks.
fn request_frame(client: &mut Client) -> (String, Value) {
    let frames = frames(client);
    let mut all = frames.iter().map(|frame| (frame, variables(client, frame)));
    let found = all.find(|(_, scopes)| scopes[0]["scope"] == "Request");
    let (frame, scopes) = found.unwrap_or_else(|| panic!("{frames:#?}"));
    let name = frame["name"].as_str().unwrap().to_owned();
    (name, scopes[0]["variables"].clone())
}

fn value<'a>(rows: &'a Value, name: &str) -> &'a Value {
    let mut rows = rows.as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == name);
    row.unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_session_goes_from_request_to_request() {
    let (_dir, path) = interleaved();
    let mut client = start(json!({ "trace": path, "stopAt": "start" }), |_| {});
    let all = client.ask("rr/requests", json!({}));
    assert_eq!(all["total"], 9);
    let failed = client.ask("rr/requests", json!({ "failed": true }));
    let failed: Vec<u64> = failed["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["number"].as_u64().unwrap())
        .collect();
    assert_eq!(failed.len(), 2);
    let echo = all["requests"].as_array().unwrap().iter();
    let mut echo = echo.filter(|request| request["target"] == "/echo");
    let echo = echo.next().unwrap()["number"].clone();

    go(&mut client, "rr/seek", json!({ "request": echo }));
    let name = thread_name(&mut client);
    assert!(
        name.starts_with(&format!("request {echo}: POST /echo, ")),
        "{name}"
    );
    let top = frames(&mut client).remove(0);
    assert_eq!(top["source"]["name"], "lib.rs", "{top}");
    let (name, rows) = request_frame(&mut client);
    assert_eq!(name, "POST /echo");
    assert_eq!(value(&rows, "method")["value"], "POST");
    assert_eq!(value(&rows, "uri")["value"], "/echo");
    let headers = value(&rows, "headers")["variablesReference"].clone();
    let headers = client.ask("variables", json!({ "variablesReference": headers }));
    assert_eq!(
        value(&headers["variables"], "content-length")["value"],
        "11"
    );
    assert!(
        !value(&rows, "body")["value"]
            .to_string()
            .contains("hello there")
    );
    let rows = with_answer(&mut client);
    assert_eq!(value(&rows, "answer body")["value"], "b\"hello there\"");
    let written = &value(&rows, "answer written")["value"];
    assert_eq!(*written, "0 of the 11 bytes that it will have written");

    go(&mut client, "rr/seek", json!({ "to": "start" }));
    for number in &failed {
        let next = json!({ "unit": "request", "direction": "forward", "failed": true });
        go(&mut client, "rr/step", next);
        let name = thread_name(&mut client);
        assert!(name.starts_with(&format!("request {number}: ")), "{name}");
    }
    let back = json!({ "unit": "request", "direction": "backward" });
    go(&mut client, "rr/step", back);
    let name = thread_name(&mut client);
    assert!(
        name.starts_with(&format!("request {}: ", failed[1] - 1)),
        "{name}"
    );
    let refusal = client.refusal("rr/seek", json!({ "request": 99 }));
    assert!(refusal.contains("there is no request 99"), "{refusal}");
}

/// The values of the request's frame, when the replay that tells of the answer has come so far.
fn with_answer(client: &mut Client) -> Value {
    let (_, mut rows) = request_frame(client);
    let is_awaited = |rows: &Value| {
        let mut rows = rows.as_array().unwrap().iter();
        rows.any(|row| row["name"] == "answer")
    };
    let until = Instant::now() + PATIENCE;
    while is_awaited(&rows) {
        assert!(Instant::now() < until, "{rows}");
        thread::sleep(Duration::from_millis(20));
        rows = request_frame(client).1;
    }
    rows
}

fn unfolded(client: &mut Client, row: &Value) -> Value {
    let reference = json!({ "variablesReference": row["variablesReference"] });
    client.ask("variables", reference)["variables"].take()
}

#[test]
fn the_frame_of_a_request_shows_its_answer() {
    for (guest, instance) in [("answer.wasm", "0.2"), ("answers.wasm", "0.3")] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), &["--max-instance-reuse-count", "1"], guest);
        assert_eq!(server.get("/status/418").0, 418);
        let (status, large) = server.get("/large?bytes=50000");
        assert_eq!((status, large.len()), (200, 50_000));
        server.end();
        let found = recordings(dir.path());

        let client = &mut start(json!({ "trace": found[0], "stopAt": "end" }), |_| {});
        go(client, "rr/seek", json!({ "request": 1 }));
        let rows = with_answer(client);
        assert_eq!(value(&rows, "status")["value"], "418", "{instance}");
        let body = &value(&rows, "answer body")["value"];
        assert!(body.as_str().unwrap().contains("418"), "{instance}: {body}");
        let headers = unfolded(client, value(&rows, "answer headers"));
        assert_eq!(value(&headers, "content-type")["value"], "text/plain");
        let length = value(&headers, "content-length")["value"].as_str().unwrap();
        assert!(length.parse::<u32>().unwrap() > 2, "{instance}: {length}");
        assert_eq!(headers.as_array().unwrap().len(), 2, "{headers}");

        // A large one is shown in part, with its length.
        let client = &mut start(json!({ "trace": found[1], "stopAt": "start" }), |_| {});
        go(client, "rr/seek", json!({ "request": 1 }));
        let rows = with_answer(client);
        let body = value(&rows, "answer body")["value"].as_str().unwrap();
        let first: String = large.chars().take(900).collect();
        let shown = format!("50,000 bytes: b\"{}", first.replace('\n', "\\n"));
        assert!(body.starts_with(&shown), "{instance}: {body}");
        assert!(body.ends_with("… 49000 more"), "{instance}: {body}");
    }
}

#[test]
fn requests_and_hostcalls_tell_when_over_the_wire() {
    let (_dir, found) = asked(&["/slow?ms=400"]);
    let mut client = start(json!({ "trace": found[0], "stopAt": "end" }), |_| {});
    let told = client.ask("rr/requests", json!({}));
    let request = &told["requests"][0];
    assert!(request["durationNs"].as_u64() > Some(60_000_000), "{told}");
    let began = request["time"].as_str().unwrap();

    // A busy machine waits less in the call than from when it was told how long.
    let slow = client.ask("rr/hostcalls", json!({ "slowerThanNs": 60_000_000 }));
    let slow = slow["hostcalls"].as_array().unwrap();
    let is_wait = |call: &&Value| call["function"] == "[method]pollable.block";
    let wait = slow.iter().find(is_wait).expect("the wait");
    assert!(wait["durationNs"].as_u64() > Some(60_000_000), "{wait}");
    let none = client.ask(
        "rr/hostcalls",
        json!({ "slowerThanNs": 3_600_000_000_000_u64 }),
    );
    assert_eq!(
        (&none["total"], &none["hostcalls"]),
        (&json!(0), &json!([]))
    );

    // RFC 3339, so that what comes later is greater as text.
    let after = client.ask("rr/when", Value::Null);
    go(&mut client, "rr/seek", json!({ "event": wait["event"] }));
    let at = client.ask("rr/when", Value::Null);
    let time = |when: &Value| when["time"].as_str().unwrap().to_owned();
    let elapsed = |when: &Value| when["elapsedNs"].as_u64().unwrap();
    assert_eq!(time(&at), wait["time"].as_str().unwrap());
    assert!(
        began <= &*time(&at) && time(&at) < time(&after),
        "{at} {after}"
    );
    assert!(elapsed(&after) - elapsed(&at) > 50_000_000, "{at} {after}");
}

#[test]
fn the_prompt_knows_requests() {
    let (dir, found) = asked(&["/trap?place=3"]);
    let commands = [
        "requests",
        "seek request 1",
        "bt",
        "requests failed",
        "seek end",
        "bt",
        "request prev",
        "when",
        "request prev",
    ];
    let output = session(&found[0], dir.path(), &commands);
    let told = answers(&output, &commands);
    assert!(told[0].contains("500  GET /trap?place=3"), "{told:#?}");
    assert!(told[0].contains("trapped: wasm trap"), "{told:#?}");
    assert!(
        told[2].contains("exports_wasi_http_incoming_handler_handle"),
        "{told:#?}"
    );
    let last = told[2].lines().last().unwrap();
    assert!(last.contains("GET /trap?place=3"), "{told:#?}");
    assert!(told[3].contains("▶"), "{told:#?}");
    assert!(
        told[5].contains("name_at") && told[5].contains("GET /trap?place=3"),
        "{told:#?}"
    );
    assert!(told[7].contains("event 0 of 1"), "{told:#?}");
    let said = text(&output.stderr);
    assert!(said.contains("no request before this moment"), "{told:#?}");
}
