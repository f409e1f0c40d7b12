//! Components that record themselves, on a host that knows nothing of it.

use crate::support;
use crate::support::command::{Call, command};
use crate::support::plain::{self, PlainRun};
use crate::support::{events, fixture, parse, replay_here, rr_dap, text};
use rr_dap::component::Component;
use rr_dap::instrument::record::{Commit, instrument};
use rr_dap::instrument::sink::{Sink, instrument_into};
use rr_dap::trace::{EventKind, Metadata, Trace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const TO_FILE: Sink = Sink::File { path: None };

fn self_recording(app: &Path, sink: &Sink, commit: Commit) -> Vec<u8> {
    let metadata = Metadata {
        program: app.file_name().unwrap().to_string_lossy().into_owned(),
        ..Metadata::default()
    };
    instrument_into(&parse(app), sink, commit, &metadata).unwrap()
}

/// The only recording in a directory.
fn recording(dir: &Path) -> PathBuf {
    let found = recordings(dir);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn recordings(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let is_recording = |path: &PathBuf| path.extension().is_some_and(|e| e == "rrtrace");
    let mut found: Vec<PathBuf> = paths.filter(is_recording).collect();
    found.sort();
    found
}

fn calls(trace: &Path) -> usize {
    let is_call = |kind: &EventKind| matches!(kind, EventKind::Call(_));
    events(trace).iter().filter(|e| is_call(&e.kind)).count()
}

/// What the replay of a recording prints is what the run printed.
fn assert_replays(trace: &Path, ran: &PlainRun) {
    let opened = Arc::new(Trace::open(trace).unwrap());
    let (_, printed) = replay_here(opened).unwrap();
    assert_eq!(text(&printed), text(&ran.stdout));
}

fn work_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("ledger.csv"), dir.path().join("ledger.csv")).unwrap();
    dir
}

const RUNS: &[(&str, &[&str])] = &[
    ("ledger.wasm", &[]),
    ("kitchen-O2.wasm", &["args", "a b", "ä"]),
    ("kitchen-O2.wasm", &["cat", "/work/ledger.csv"]),
    ("kitchen-O2.wasm", &["cat", "/work/missing"]),
    ("kitchen-O2.wasm", &["exit", "3"]),
    ("kitchen-O2.wasm", &["trap"]),
    ("kitchen.wasm", &["clock"]),
    ("kitchen.wasm", &["echo"]),
];

#[test]
fn a_component_writes_its_recording_into_a_directory_that_it_has() {
    for commit in [Commit::EachHostcall, Commit::WhenFull] {
        for (app, args) in RUNS {
            let what = format!("{app} {args:?} {commit:?}");
            let component = self_recording(&fixture(app), &TO_FILE, commit);
            let plain = std::fs::read(fixture(app)).unwrap();
            let (with, without) = (work_dir(), work_dir());
            let recorded = plain::run(&component, app, args, with.path(), "in\n");
            let plain = plain::run(&plain, app, args, without.path(), "in\n");
            assert_eq!(recorded.status, plain.status, "{what}");
            if !args.contains(&"clock") {
                assert_eq!(text(&recorded.stdout), text(&plain.stdout), "{what}");
                assert_eq!(text(&recorded.stderr), text(&plain.stderr), "{what}");
            }
            // A trap leaves what the buffer held with `WhenFull`.
            if commit == Commit::WhenFull && recorded.status == 134 {
                continue;
            }
            assert_eq!(recordings(with.path()).len(), 1, "{what}: {recorded:?}");
            let trace = recording(with.path());
            assert_eq!(
                trace.file_stem().unwrap(),
                Path::new(app).file_stem().unwrap()
            );
            assert_replays(&trace, &recorded);
        }
    }
}

#[test]
fn a_recording_that_a_component_makes_tells_when_it_began() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let dir = work_dir();
    let component = self_recording(&fixture("ledger.wasm"), &TO_FILE, Commit::EachHostcall);
    let before = now();
    plain::run(&component, "ledger.wasm", &[], dir.path(), "");
    let after = now();
    let path = recording(dir.path());
    let told = |path: &Path| {
        let trace = Trace::open(path).unwrap();
        let metadata = trace.metadata();
        Duration::new(metadata.started, metadata.started_nanos)
    };
    let began = told(&path);
    assert!(
        (before..=after).contains(&began),
        "{before:?} {began:?} {after:?}"
    );
    let packed = dir.path().join("packed.rrtrace");
    let (file, to) = (path.to_str().unwrap(), packed.to_str().unwrap());
    assert!(
        rr_dap(&["trace", "pack", file, "-o", to], "")
            .status
            .success()
    );
    assert_eq!(told(&packed), began);
    // No hostcall has a time: the clock was asked once.
    let line = ["trace", "events", "--json", "--count", "1", file];
    let events = text(&rr_dap(&line, "").stdout);
    assert!(!events.contains("\"time\""), "{events}");
}

#[test]
fn it_is_the_same_recording_as_one_made_by_the_host() {
    let dir = work_dir();
    let app = fixture("ledger.wasm");
    let component = self_recording(&app, &TO_FILE, Commit::EachHostcall);
    plain::run(&component, "ledger.wasm", &[], dir.path(), "");
    let host = dir.path().join("host");
    let option = format!("--dir={}::/work", dir.path().display());
    support::record(&app, &[&option], &[], "", &host);
    let (own, host) = (events(&recording(dir.path())), events(&host));
    assert!(own.len() > 100);
    assert!(own[..] == host[..own.len()]);
    assert!(own.len() + 1 >= host.len(), "{} {}", own.len(), host.len());
}

#[test]
fn each_run_makes_a_new_file() {
    let dir = work_dir();
    let component = self_recording(&fixture("kitchen-O2.wasm"), &TO_FILE, Commit::EachHostcall);
    for runs in 1..=4 {
        let ran = plain::run(&component, "kitchen-O2.wasm", &["args"], dir.path(), "");
        assert_eq!(ran.status, 0, "{ran:?}");
        let found = recordings(dir.path());
        assert_eq!(found.len(), runs);
        assert!(found.contains(&dir.path().join("kitchen-O2.rrtrace")));
        let counts: Vec<usize> = found.iter().map(|trace| calls(trace)).collect();
        assert!(counts.iter().all(|count| *count == counts[0] && *count > 5));
    }
}

#[test]
fn a_path_is_taken_as_the_guest_sees_it() {
    let dir = work_dir();
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    for (path, file) in [
        ("/work/logs/here.rrtrace", "logs/here.rrtrace"),
        ("/work/there", "there.rrtrace"),
        ("logs/relative.rrtrace", "logs/relative.rrtrace"),
    ] {
        let sink = Sink::File {
            path: Some(path.into()),
        };
        let component = self_recording(&fixture("kitchen-O2.wasm"), &sink, Commit::EachHostcall);
        let ran = plain::run(&component, "k", &["args"], dir.path(), "");
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_replays(&dir.path().join(file), &ran);
    }
    let sink = Sink::File {
        path: Some("/elsewhere/run.rrtrace".into()),
    };
    let component = self_recording(&fixture("kitchen-O2.wasm"), &sink, Commit::EachHostcall);
    let ran = plain::run(&component, "k", &["args"], dir.path(), "");
    assert_eq!(ran.status, 134);
    assert!(
        text(&ran.stderr).contains("no directory to record into"),
        "{ran:?}"
    );
    assert!(ran.stdout.is_empty());
}

#[test]
fn composed_components_record_themselves() {
    let dir = tempfile::tempdir().unwrap();
    for (name, call) in [
        ("greeter", Call::Greeting),
        ("nested", Call::Number("run", 222)),
        ("handles", Call::Number("run", 60)),
        ("given-modules", Call::Number("run", 1033)),
        ("given-components", Call::Number("run", 225)),
        ("errors", Call::Number("run", 90)),
        ("trap", Call::NoNumber("run")),
    ] {
        let app = command(name, call, dir.path());
        let work = tempfile::tempdir().unwrap();
        let component = self_recording(&app, &TO_FILE, Commit::EachHostcall);
        let ran = plain::run(&component, name, &[], work.path(), "");
        let status = if name == "trap" { 134 } else { 0 };
        assert_eq!(ran.status, status, "{name}: {ran:?}");
        let trace = recording(work.path());
        let opened = Arc::new(Trace::open(&trace).unwrap());
        replay_here(opened).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(calls(&trace) > 0, "{name}");
    }
}

/// Decodes the lines of a recording, by the words of docs/trace-format.md.
fn from_lines(log: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut recording = Vec::new();
    let lines = log
        .lines()
        .filter_map(|line| line.strip_prefix("rr:trace:"));
    for (number, line) in lines.enumerate() {
        let [sequence, crc, base64] = line.split(':').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(sequence, number.to_string());
        let mut chunk = Vec::new();
        for four in base64.as_bytes().chunks(4) {
            let digit = |c: &u8| ALPHABET.iter().position(|a| a == c).unwrap() as u32;
            let word =
                four.iter().fold(0, |word, c| word << 6 | digit(c)) << (6 * (4 - four.len()));
            chunk.extend(&word.to_be_bytes()[1..four.len()]);
        }
        assert_eq!(crc, format!("{:08x}", crc32fast::hash(&chunk)));
        recording.append(&mut chunk);
    }
    recording
}

#[test]
fn a_component_writes_its_recording_as_lines_of_a_log() {
    let app = fixture("kitchen-O2.wasm");
    let component = self_recording(&app, &Sink::Stderr, Commit::EachHostcall);
    for args in [
        &["args", "x"][..],
        &["cat", "/work/missing"],
        &["exit", "3"],
    ] {
        let dir = work_dir();
        let ran = plain::run(&component, "kitchen-O2.wasm", args, dir.path(), "");
        let log = text(&ran.stderr);
        let trace = dir.path().join("run.rrtrace");
        std::fs::write(&trace, from_lines(&log)).unwrap();
        assert_replays(&trace, &ran);
        assert!(calls(&trace) > 5);
        if args.contains(&"/work/missing") {
            assert!(log.lines().any(|line| line.contains("missing: ")), "{log}");
        }
    }
}

#[test]
fn an_instrumented_component_is_not_instrumented_again() {
    let app = fixture("ledger.wasm");
    let for_hosts = instrument(&parse(&app)).unwrap();
    let with_sink = self_recording(&app, &TO_FILE, Commit::EachHostcall);
    for instrumented in [for_hosts, with_sink] {
        let error = instrument(&Component::parse(instrumented).unwrap()).unwrap_err();
        let why = error.to_string();
        assert!(why.contains("instrumented already"), "{why}");
    }
}

#[test]
fn a_type_exported_outside_of_an_interface_is_named() {
    let app = parse(&fixture("wat/values.wat"));
    let joined = instrument_into(&app, &Sink::Stderr, Commit::WhenFull, &Metadata::default());
    let why = joined.unwrap_err().to_string();
    assert!(why.contains("exports the type `wishes` by itself"), "{why}");
}

#[test]
fn the_command_writes_components() {
    let dir = work_dir();
    let app = fixture("kitchen-O2.wasm");
    let out = dir.path().join("out.wasm");
    let instrument = |options: &[&str]| {
        let mut line = vec![
            "instrument",
            app.to_str().unwrap(),
            "-o",
            out.to_str().unwrap(),
        ];
        line.extend(options);
        let done = rr_dap(&line, "");
        assert!(done.status.success(), "{done:?}");
        std::fs::read(&out).unwrap()
    };
    let bytes = instrument(&[]);
    let sink = rr_dap::instrument::record::SINK.as_bytes();
    assert!(bytes.windows(sink.len()).any(|found| found == sink));
    let bytes = instrument(&["--sink", "file=/work/x.rrtrace"]);
    let ran = plain::run(&bytes, "k", &["args"], dir.path(), "");
    assert_replays(&dir.path().join("x.rrtrace"), &ran);
    let info = dir.path().join("x.rrtrace");
    let info = rr_dap(&["trace", "info", info.to_str().unwrap()], "");
    assert!(text(&info.stdout).contains("kitchen-O2.wasm"), "{info:?}");
    let bytes = instrument(&["--sink", "stderr", "--commit", "full"]);
    let ran = plain::run(&bytes, "k", &["args"], dir.path(), "");
    assert!(text(&ran.stderr).contains("rr:trace:0:"));
    let refused = rr_dap(&["instrument", "x", "-o", "y", "--sink", "somewhere"], "");
    assert!(!refused.status.success() && text(&refused.stderr).contains("file=PATH"));
}
