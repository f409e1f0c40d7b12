//! Compositions in which a component stands in for a part of WASI: what goes to it is not
//! what goes to the host.

use crate::support::concurrent::{plain, record as record_concurrent};
use crate::support::session::start;
use crate::support::{events, fixture, record, replay, replay_here, rewrite, rr_dap, text};
use rr_dap::component::{Answerer, Component};
use rr_dap::trace::{Event, EventKind, Metadata, Outcome, Trace, prologue, records_section};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

// What `wasmtime run --invoke 'run()'` prints of the fixture, and the result after it.
const STDOUT: &str = "a1\n<c1\n>4\n";
const STDERR: &str = "a2\nd1\nd2\n";

fn recorded() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    let app = fixture("composed/stand-ins.wat");
    let ran = record(&app, &["--invoke", "run()"], &[], "", &trace);
    assert_eq!(text(&ran.stdout), STDOUT, "{ran:?}");
    assert_eq!(text(&ran.stderr), STDERR);
    (dir, trace)
}

#[test]
fn replay_prints_what_the_host_was_given() {
    let (_dir, trace) = recorded();
    let replayed = replay(&trace);
    assert_eq!(text(&replayed.stdout), STDOUT, "{replayed:?}");
    assert_eq!(text(&replayed.stderr), STDERR);
}

#[test]
fn so_is_what_the_output_is_listed_as() {
    let (_dir, trace) = recorded();
    let listed = rr_dap(&["trace", "output", trace.to_str().unwrap()], "");
    let listed = text(&listed.stdout);
    let pieces: Vec<&str> = listed.lines().map(|l| l[8..].trim()).collect();
    let expected = [
        r#"stdout at 0: b"a1\n""#,
        r#"stderr at 0: b"a2\n""#,
        r#"stdout at 3: b"<c1\n>""#,
        r#"stderr at 3: b"d1\n""#,
        r#"stderr at 6: b"d2\n""#,
    ];
    assert_eq!(pieces, expected);
}

#[test]
fn a_session_tells_what_the_host_was_given() {
    let (_dir, trace) = recorded();
    let mut client = start(json!({ "trace": trace, "stopAt": "start" }), |_| {});
    for line in ["output", "seek end"] {
        let what = json!({ "expression": line, "context": "repl" });
        client.ask("evaluate", what);
    }
    client.event("stopped");
    let mut told = Vec::new();
    let of = |told: &[Value], category: &str| -> String {
        let own = told.iter().filter(|body| body["category"] == category);
        own.map(|body| body["output"].as_str().unwrap()).collect()
    };
    // What is not known by then comes after the stop.
    for _ in 0..600 {
        client.ask("threads", Value::Null);
        told.extend(client.kept_events("output"));
        if of(&told, "stderr").len() >= STDERR.len() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(of(&told, "stdout"), "a1\n<c1\n>");
    assert_eq!(of(&told, "stderr"), STDERR);
}

/// Cut off in that call, the run has not exited: the component goes on.
#[test]
fn an_exit_that_a_component_stands_in_for_is_not_the_end() {
    let (dir, trace) = recorded();
    let component = Trace::open(&trace).unwrap().component().clone();
    let name = |event: &Event| &*component.crossing(event.crossing).unwrap().name;
    let mut until_exit = events(&trace);
    let is_exit = |event: &Event| {
        matches!(event.kind, EventKind::Call(_)) && name(event) == "wasi:cli/exit@0.2.0#exit"
    };
    let exit = until_exit.iter().position(is_exit).unwrap();
    until_exit.truncate(exit + 1);
    let call = &until_exit[exit];
    let crossing = component.crossing(call.crossing).unwrap();
    let answerer = component.answerer(call.instance, crossing);
    assert!(matches!(answerer, Answerer::Component(..)), "{answerer:?}");
    let mut file = prologue(component.clone(), &Metadata::default()).unwrap();
    for event in &until_exit {
        let raw = rewrite::raw(event);
        file.extend(records_section(event.instance, &raw).unwrap());
    }
    let cut = dir.path().join("cut.rrtrace");
    std::fs::write(&cut, file).unwrap();
    assert_eq!(*Trace::open(&cut).unwrap().outcome(), Outcome::CutOff);
}

/// A component that hands the stream on that it is given: printed is what the program
/// writes to the other end, once.
#[test]
fn streams_are_followed_through_components() {
    let program = std::fs::read_to_string(fixture("wat/stdout-stream.wat")).unwrap();
    let at = program.find("(component").unwrap();
    let program = program[at..].replacen("(component", "(component $program", 1);
    let between = r#"
  (type $bytes (stream u8))
  (type $done (future (result)))
  (import "wasi:cli/stdout@0.3.0" (instance $stdout
    (alias outer 1 $bytes (type $bytes))
    (alias outer 1 $done (type $done))
    (export "write-via-stream" (func (param "data" $bytes) (result $done)))))
  (component $passing
    (type $bytes (stream u8))
    (type $done (future (result)))
    (import "out" (func $out (param "first" u64) (param "data" $bytes) (result $done)))
    (core func $out' (canon lower (func $out)))
    (core module $m
      (import "" "out" (func $out (param i64 i32) (result i32)))
      (func (export "pass") (param i32) (result i32) (call $out (i64.const 1) (local.get 0))))
    (core instance $i (instantiate $m (with "" (instance (export "out" (func $out'))))))
    (func (export "pass") (param "data" $bytes) (result $done) (canon lift (core func $i "pass"))))
  (component $last
    (type $bytes (stream u8))
    (type $done (future (result)))
    (import "out" (func $out (param "data" $bytes) (result $done)))
    (core func $out' (canon lower (func $out)))
    (core module $m
      (import "" "out" (func $out (param i32) (result i32)))
      (func (export "pass") (param i64 i32) (result i32) (call $out (local.get 1))))
    (core instance $i (instantiate $m (with "" (instance (export "out" (func $out'))))))
    (func (export "pass") (param "first" u64) (param "data" $bytes) (result $done)
      (canon lift (core func $i "pass"))))
  (instance $last (instantiate $last (with "out" (func $stdout "write-via-stream"))))
  (instance $passing (instantiate $passing (with "out" (func $last "pass"))))
  (instance $stand-in (export "write-via-stream" (func $passing "pass")))
  (instance $run (instantiate $program (with "wasi:cli/stdout@0.3.0" (instance $stand-in))))
  (export "run" (func $run "run"))"#;
    let composed = wat::parse_str(format!("(component {program} {between})")).unwrap();
    let composed = Arc::new(Component::parse(composed).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.rrtrace");
    let (ran, recorded) = record_concurrent(&composed, &path);
    recorded.unwrap();
    assert_eq!(ran, plain(&composed));
    assert_eq!(ran.printed, ["swallowed hello, world"]);
    let (_, printed) = replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
    assert_eq!(text(&printed), "hello, world");
}
