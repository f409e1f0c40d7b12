//! Recordings that are read while they are written: what a reader sees is always the beginning of
//! what there will be.

use crate::support::server::{Server, recordings};
use crate::support::{cache_dir, fixture, rr_dap, text};
use rr_dap::inspect::ending::verify;
use rr_dap::trace::{Event, Outcome, Trace};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A program that reads clocks and prints byte after byte, and does not end by itself. It is
/// interrupted when this is dropped.
struct Endless {
    child: Child,
    trace: PathBuf,
}

impl Endless {
    fn begin(directory: &Path) -> Endless {
        let chatty = std::fs::read_to_string(fixture("wat/chatty.wat")).expect("the fixture");
        let rounds = "(i32.const 5000)";
        assert_eq!(chatty.matches(rounds).count(), 1);
        let program = directory.join("endless.wat");
        let text = chatty.replace(rounds, "(i32.const 2000000000)");
        std::fs::write(&program, text).expect("is written");
        let trace = directory.join("endless.rrtrace");
        let child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .args(["record", "--quiet", "-o"])
            .arg(&trace)
            .arg(&program)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let endless = Endless { child, trace };
        while !endless.trace.exists() {
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
