//! `rr-dap serve`: services of both generations, recorded an instance at a time.

use crate::support::server::{Server, answer, recordings};
use rr_dap::inspect::ending::verify;
use rr_dap::inspect::past::requests::Requests;
use rr_dap::trace::{Outcome, Trace};
use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Opened, and replayed to its end.
fn verified(path: &Path) -> Arc<Trace> {
    let trace = Arc::new(Trace::open(path).unwrap_or_else(|e| panic!("{e}")));
    verify(&trace).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    trace
}

/// The recordings that a killed server has left, but for one whose file it had just made, and not
/// begun to write.
fn begun(directory: &Path) -> Vec<PathBuf> {
    let mut paths = recordings(directory);
    paths.retain(|path| path.metadata().unwrap().len() > 0);
    paths
}

/// The statuses of the requests in a recording, as its host noted them.
fn statuses(trace: &Trace) -> Vec<(String, Option<u16>)> {
    let requests = trace.noted_requests().iter();
    requests
        .map(|request| {
            let answer = request.answer.as_ref();
            (request.target.clone(), answer.and_then(|a| a.status))
        })
        .collect()
}

#[test]
fn each_instance_of_wasi_0_2_is_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answer.wasm");
    assert_eq!(server.get("/hello"), (200, "hello".into()));
    assert_eq!(server.get("/status/503").0, 503);
    assert_eq!(server.get("/trap?place=3").0, 500);
    assert_eq!(server.get("/none").0, 500);
    assert_eq!(server.get("/hello").0, 200);
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    for told in [
        "an instance (at request 3 GET /trap?place=3) trapped: wasm trap: out of bounds memory access",
        "request 4 GET /none: guest never invoked",
        "5 requests to 5 instances are recorded in",
    ] {
        assert!(said.contains(told), "{told:?} is not in {said}");
    }
    let traces: Vec<_> = recordings(dir.path()).iter().map(|p| verified(p)).collect();
    assert_eq!(traces.len(), 5);
    let noted: Vec<_> = traces.iter().flat_map(|trace| statuses(trace)).collect();
    let expected = [
        ("/hello", 200),
        ("/status/503", 503),
        ("/trap?place=3", 500),
        ("/none", 500),
        ("/hello", 200),
    ];
    assert_eq!(
        noted,
        expected.map(|(t, status)| (t.to_owned(), Some(status)))
    );
    assert!(matches!(traces[2].outcome(), Outcome::Trapped(_)));
    // The program lies beside them, once.
    for trace in &traces {
        assert!(trace.length() < 4096, "{} bytes", trace.length());
        assert_eq!(trace.program().and_then(Path::parent), Some(dir.path()));
        assert!(!trace.metadata().sources.is_empty());
    }
    let mode = std::fs::metadata(&recordings(dir.path())[0]).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Nothing else is left.
    let left = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(left, 5 + 2);
}

#[test]
fn an_instance_of_wasi_0_3_answers_many_requests_in_one_recording() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answers.wasm");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(server.get("/slow?ms=20").0, 200));
        }
    });
    for _ in 0..8 {
        assert_eq!(server.get("/hello"), (200, "hello".into()));
    }
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let traces: Vec<_> = recordings(dir.path()).iter().map(|p| verified(p)).collect();
    let noted: Vec<_> = traces.iter().flat_map(|trace| statuses(trace)).collect();
    assert_eq!(noted.len(), 12);
    assert!(noted.iter().all(|(_, status)| *status == Some(200)));
    assert!(traces.len() < 12, "no instance was used twice");
}

#[test]
fn the_third_of_five_traps_and_the_others_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answer.wasm");
    let targets = [
        "/slow?ms=100",
        "/hello",
        "/trap?place=3",
        "/large?bytes=100000",
        "/hello",
    ];
    let statuses = thread::scope(|scope| {
        let asked = targets.map(|target| {
            let server = &server;
            scope.spawn(move || server.get(target).0)
        });
        asked.map(|asked| asked.join().expect("answered"))
    });
    assert_eq!(statuses, [200, 200, 500, 200, 200]);
    server.end();
    let outcomes = recordings(dir.path());
    let trapped = outcomes.iter().filter(|path| {
        let trace = verified(path);
        matches!(trace.outcome(), Outcome::Trapped(_))
    });
    assert_eq!(trapped.count(), 1);
    assert_eq!(outcomes.len(), 5);
}

#[test]
fn what_nobody_needs_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let keep = ["--keep", "trap,5xx,slow=2s,last=1"];
    let server = Server::start(dir.path(), &keep, "answer.wasm");
    for target in [
        "/hello",
        "/trap?place=3",
        "/hello",
        "/status/503",
        "/slow?ms=2100",
        "/hello",
    ] {
        server.get(target);
    }
    // Whoever is answered may see the recording a moment later only.
    server.end();
    let kept: Vec<_> = recordings(dir.path())
        .iter()
        .flat_map(|path| statuses(&verified(path)))
        .map(|(target, _)| target)
        .collect();
    assert_eq!(
        kept,
        ["/trap?place=3", "/status/503", "/slow?ms=2100", "/hello"]
    );
}

#[test]
fn there_are_no_more_files_than_there_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--max-files", "2"], "wat/hello-http.wat");
    for _ in 0..5 {
        assert_eq!(server.get("/").0, 200);
    }
    server.end();
    assert_eq!(recordings(dir.path()).len(), 2);
}

#[test]
fn a_client_that_goes_leaves_a_recording() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answer.wasm");
    let mut stream = server.send("GET /large?bytes=20000000 HTTP/1.1\r\nhost: tests\r\n\r\n");
    let mut some = [0; 1000];
    stream.read_exact(&mut some).expect("it answers");
    drop(stream);
    assert_eq!(server.get("/hello").0, 200);
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let traces: Vec<_> = recordings(dir.path()).iter().map(|p| verified(p)).collect();
    assert_eq!(traces.len(), 2);
    let gone = traces[0].noted_requests()[0]
        .answer
        .clone()
        .expect("an answer");
    assert!(!gone.is_whole, "{gone:?}");
    assert!(gone.sent < 20_000_000);
}

#[test]
fn whatever_was_answered_is_recorded_when_the_server_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[], "answer.wasm");
    for number in 0..3 {
        assert_eq!(server.get(&format!("/env?N{number}")).0, 404);
    }
    // One is not over: its recording has no end.
    let mut open = server.send("GET /slow?ms=60000 HTTP/1.1\r\nhost: tests\r\n\r\n");
    while server.recordings().len() < 4 {
        thread::yield_now();
    }
    server.kill();
    assert_eq!(answer(&mut open).0, 0);
    let paths = begun(dir.path());
    let traces: Vec<_> = paths.iter().map(|path| verified(path)).collect();
    let targets: Vec<_> = traces.iter().flat_map(|trace| statuses(trace)).collect();
    let targets: Vec<_> = targets.iter().map(|(target, _)| target.as_str()).collect();
    assert_eq!(targets[..3], ["/env?N0", "/env?N1", "/env?N2"]);
}

#[test]
fn what_a_pool_cannot_hold_is_recorded_as_well() {
    let dir = tempfile::tempdir().unwrap();
    // So many instances find no room in the addresses of a process.
    let many = ["--max-concurrent-requests", "1000000"];
    for guest in ["answer.wasm", "answers.wasm"] {
        let server = Server::start(&dir.path().join(guest), &many, guest);
        assert_eq!(server.get("/hello"), (200, "hello".into()));
        assert_eq!(server.get("/status/503").0, 503);
        let (status, said) = server.end();
        assert!(status.success(), "{said}");
        let found = recordings(&dir.path().join(guest));
        let traces = found.iter().map(|path| verified(path));
        let statuses: Vec<_> = traces.flat_map(|trace| statuses(&trace)).collect();
        let statuses: Vec<_> = statuses.iter().filter_map(|(_, status)| *status).collect();
        assert_eq!(statuses, [200, 503]);
    }
}

/// Asks until the server is gone; what was answered goes there.
fn ask_until_it_is_gone(address: SocketAddr, client: usize, answered: &Mutex<Vec<String>>) {
    for number in 0.. {
        let target = format!("/hello?{client}-{number}");
        let ask = format!("GET {target} HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\r\n");
        let Ok(mut stream) = TcpStream::connect(address) else {
            return;
        };
        if stream.write_all(ask.as_bytes()).is_err() {
            return;
        }
        if answer(&mut stream) != (200, "hello".into()) {
            return;
        }
        answered.lock().unwrap().push(target);
    }
}

#[test]
fn whatever_was_answered_under_load_is_recorded_when_the_server_is_killed() {
    for guest in ["answer.wasm", "answers.wasm"] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), &[], guest);
        let (address, answered) = (server.address, Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for client in 0..4 {
                let answered = &answered;
                scope.spawn(move || ask_until_it_is_gone(address, client, answered));
            }
            while answered.lock().unwrap().len() < 60 {
                thread::yield_now();
            }
            server.kill();
        });
        let mut recorded = HashSet::new();
        for path in begun(dir.path()) {
            let requests = Requests::read(&verified(&path), || true);
            let ok = requests.list().iter().filter(|r| r.status == Some(200));
            recorded.extend(ok.filter_map(|request| request.target.clone()));
        }
        let answered = answered.into_inner().unwrap();
        let lost: Vec<_> = answered.iter().filter(|a| !recorded.contains(*a)).collect();
        assert!(lost.is_empty(), "{guest}: of {}: {lost:?}", answered.len());
    }
}

#[test]
fn a_service_goes_on_where_nothing_can_be_written_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = dir.path().join("recordings");
    let server = Server::start(&recordings, &[], "answer.wasm");
    assert_eq!(server.get("/hello").0, 200);
    std::fs::remove_dir_all(&recordings).unwrap();
    for _ in 0..5 {
        assert_eq!(server.get("/hello").0, 200);
    }
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    assert_eq!(said.matches("not recorded: ").count(), 3, "{said}");
    assert!(said.contains("No such file or directory"), "{said}");
}

#[test]
fn what_cannot_be_served_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let ledger = crate::support::fixture("ledger.wasm");
    let command = [
        "serve",
        "--addr",
        "127.0.0.1:0",
        "-o",
        out,
        ledger.to_str().unwrap(),
    ];
    let output = crate::support::rr_dap(&command, "");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("exports neither wasi:http/incoming-handler@0.2"),
        "{said}"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let answer = crate::support::fixture("answer.wasm");
    let command = [
        "serve",
        "--addr",
        &address,
        "-o",
        out,
        answer.to_str().unwrap(),
    ];
    let output = crate::support::rr_dap(&command, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("give another with --addr"), "{said}");
}
