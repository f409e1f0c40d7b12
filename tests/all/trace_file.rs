//! Trace files as they may arrive: cut off, damaged, forged.

use crate::support;
use crate::support::command::{Call, command};
use crate::support::file::{EVENTS, INDEX, Numbers, TRAILER, build, sections};
use crate::support::{events, fixture, parse, record, replay_here, rewrite, rr_dap, text};
use rr_dap::component::types::CoreValue;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Calling, Compiled, Observer, Replay, ReplayError, State, boundary};
use rr_dap::trace::{CallEnd, Event, EventKind, Instance, Outcome, Trace, TraceError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use wasmtime::StoreContextMut;

/// A recording of two components joined; all kinds of events are in it.
fn recording(dir: &Path) -> PathBuf {
    let app = command("greeter", Call::Greeting, dir);
    let trace = dir.join("greeter.rrtrace");
    let recorded = record(&app, &[], &[], "", &trace);
    assert!(recorded.status.success(), "{recorded:?}");
    trace
}

/// The same recording in sections of three events.
fn in_small_sections(trace: &Path) -> PathBuf {
    let opened = Trace::open(trace).unwrap();
    let path = trace.with_extension("small");
    let component = opened.component().clone();
    rewrite::write(component, &events(trace), opened.outcome(), 3, &path);
    path
}

/// Where the sections of a trace file begin, and where the last one ends.
fn boundaries(file: &[u8]) -> Vec<usize> {
    let begin = sections(file).into_iter().map(|section| section.at);
    begin.chain([file.len() - TRAILER]).collect()
}

/// Everything a trace answers: its events and its outcome.
fn read(path: &Path) -> Result<(Vec<Event>, Outcome), TraceError> {
    let trace = Arc::new(Trace::open(path)?);
    let mut cursor = trace.events();
    let mut events = Vec::new();
    while let Some(event) = cursor.next()? {
        events.push(event);
    }
    Ok((events, trace.outcome().clone()))
}

#[test]
fn a_trace_cut_anywhere_holds_what_came_before_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = in_small_sections(&recording(dir.path()));
    let file = std::fs::read(&path).unwrap();
    let (all, outcome) = read(&path).unwrap();
    let boundaries = boundaries(&file);
    assert!(boundaries.len() > 8, "{boundaries:?}");
    let cut_path = dir.path().join("cut");
    for cut in 0..=file.len() {
        std::fs::write(&cut_path, &file[..cut]).unwrap();
        let complete = boundaries.iter().filter(|end| **end <= cut).count();
        match read(&cut_path) {
            Err(TraceError::NotATrace { .. }) => assert!(cut < boundaries[0], "{cut}"),
            Err(TraceError::NoComponent { .. }) => assert!(cut < boundaries[2], "{cut}"),
            Err(other) => panic!("{cut}: {other}"),
            Ok((prefix, ending)) => {
                // Every section that is there in whole: three events each.
                let expected = ((complete - 3) * 3).min(all.len());
                assert!(prefix == all[..expected], "{cut}: {}", prefix.len());
                // The last event tells how the run ended.
                let is_whole = expected == all.len();
                let expected = if is_whole { &outcome } else { &Outcome::CutOff };
                assert_eq!(ending, *expected, "{cut}");
                if boundaries.contains(&cut) {
                    let trace = Arc::new(Trace::open(&cut_path).unwrap());
                    replay_here(trace).unwrap_or_else(|e| panic!("cut at {cut}: {e}"));
                }
            }
        }
    }
}

#[test]
fn replaying_a_cut_trace_says_that_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = in_small_sections(&recording(dir.path()));
    let file = std::fs::read(&path).unwrap();
    let boundaries = boundaries(&file);
    let cut_path = dir.path().join("cut");
    // All but the end, the index, and the last events.
    for cut in &boundaries[2..boundaries.len() - 3] {
        std::fs::write(&cut_path, &file[..*cut]).unwrap();
        let output = rr_dap(&["replay", cut_path.to_str().unwrap()], "");
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("cut off"), "{output:?}");
    }
}

/// What is known, at the first call out, of the end of the call into the guest around it,
/// or why it is not.
struct AtFirstCall(Arc<Mutex<Option<Result<CallEnd, String>>>>);

impl Observer for AtFirstCall {
    fn calling(
        &mut self,
        store: &mut StoreContextMut<'_, State>,
        _: &Calling,
    ) -> wasmtime::Result<()> {
        self.0.lock().unwrap().get_or_insert_with(|| {
            boundary::leaving(store.data(), 0).map_err(|error| error.to_string())
        });
        Ok(())
    }
}

#[test]
fn what_is_damaged_further_on_is_not_said_never_to_come() {
    let dir = tempfile::tempdir().unwrap();
    let file = in_small_sections(&recording(dir.path()));
    let leaving = |path: &Path| {
        let trace = Arc::new(Trace::open(path).unwrap());
        let told = Arc::new(Mutex::default());
        let cache = CacheDir::open(&support::cache_dir()).unwrap();
        let compiled = Compiled::prepare(&trace, &cache, Variant::Fast, &|_, _| {}).unwrap();
        let observer = Box::new(AtFirstCall(told.clone()));
        // A damaged recording ends in an error, after that.
        _ = Replay::new(trace, &compiled, observer).unwrap().run();
        told.lock().unwrap().take().expect("the guest calls out")
    };
    assert!(matches!(leaving(&file), Ok(CallEnd::Returns(_))));

    let mut parts = sections(&std::fs::read(&file).unwrap());
    let last = parts.iter_mut().rfind(|part| part.id == EVENTS).unwrap();
    last.plain.fill(0xff);
    let path = dir.path().join("damaged");
    std::fs::write(&path, build(&parts)).unwrap();
    let refused = leaving(&path).unwrap_err();
    assert!(refused.contains("is damaged"), "{refused}");
}

#[test]
fn a_flipped_bit_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = in_small_sections(&recording(dir.path()));
    let file = std::fs::read(&path).unwrap();
    let original = read(&path).unwrap();
    let index = sections(&file).into_iter().find(|s| s.id == INDEX);
    let index = index.unwrap().at;
    let flipped_path = dir.path().join("flipped");
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(&flipped_path, &flipped).unwrap();
        let error = match read(&flipped_path) {
            // Without its index a file reads all the same.
            Ok(same) => {
                // And the version before is read as this one is.
                let is_older = at == 8 && flipped[at] == 2;
                assert!(same == original && (at >= index || is_older), "byte {at}");
                continue;
            }
            Err(error) => error,
        };
        match error {
            // It may be a log, as far as one can see.
            TraceError::NotATrace { .. } => assert!(at < 8, "{at}"),
            TraceError::Version { .. } => assert!((8..12).contains(&at), "{at}"),
            TraceError::Damaged { offset, .. } => assert!(offset <= file.len() as u64),
            other => panic!("byte {at}: {other}"),
        }
    }
}

fn values(event: &mut Event) -> Option<&mut Vec<CoreValue>> {
    match &mut event.kind {
        EventKind::Call(values)
        | EventKind::Return(values)
        | EventKind::Enter(values)
        | EventKind::Leave(values) => Some(values),
        EventKind::Write { .. } | EventKind::Hash(_) | EventKind::Resume(_) => None,
    }
}

/// Forges something that keeps the file well-formed.
fn forge(events: &mut Vec<Event>, numbers: &mut Numbers) {
    let at = numbers.below(events.len());
    match numbers.below(5) {
        0 => drop(events.remove(at)),
        1 => events.insert(at, events[at].clone()),
        2 => {
            let other = numbers.below(events.len());
            events.swap(at, other);
        }
        3 => events[at].instance = Instance(numbers.next() as u32),
        _ => match &mut events[at].kind {
            EventKind::Write { address, .. } => *address = numbers.next() & 0xffff_ffff,
            EventKind::Hash(hash) => *hash = numbers.next(),
            _ => {
                let forged = CoreValue::I32(numbers.next() as i32);
                if let Some(value) = values(&mut events[at]).and_then(|v| v.first_mut()) {
                    *value = forged;
                }
            }
        },
    }
}

#[test]
fn forged_events_end_in_an_error_or_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path());
    let original = events(&path);
    let component = Trace::open(&path).unwrap().component().clone();
    let outcome = Trace::open(&path).unwrap().outcome().clone();
    let forged_path = dir.path().join("forged");
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut refused = 0;
    for _ in 0..300 {
        let mut forged = original.clone();
        forge(&mut forged, &mut numbers);
        rewrite::write(component.clone(), &forged, &outcome, 1000, &forged_path);
        let trace = Arc::new(Trace::open(&forged_path).unwrap());
        match replay_here(trace) {
            Ok(_) => {}
            Err(ReplayError::Diverged(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 200, "{refused}");
}

#[test]
fn a_divergence_tells_both_sides() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path());
    let component = Trace::open(&path).unwrap().component().clone();
    let returned = Trace::open(&path).unwrap().outcome().clone();
    let replay = |forge: &dyn Fn(&mut Vec<Event>), outcome: &Outcome| {
        let mut forged = events(&path);
        forge(&mut forged);
        let forged_path = dir.path().join("forged");
        rewrite::write(component.clone(), &forged, outcome, 7, &forged_path);
        let trace = Arc::new(Trace::open(&forged_path).unwrap());
        replay_here(trace).expect_err("a divergence").to_string()
    };
    let first = |events: &[Event], wanted: fn(&EventKind) -> bool| {
        events.iter().position(|event| wanted(&event.kind)).unwrap()
    };

    let error = replay(
        &|events| {
            let call = first(events, |kind| matches!(kind, EventKind::Call(_)));
            values(&mut events[call]).unwrap()[0] = CoreValue::I32(4711);
        },
        &returned,
    );
    assert!(error.contains("event 0"), "{error}");
    assert!(
        error.contains("recorded: the guest calls inner#run(4711, 3, 16)"),
        "{error}"
    );
    assert!(
        error.contains("replayed: the guest calls inner#run(64, 3, 16)"),
        "{error}"
    );

    let error = replay(
        &|events| {
            let hash = first(events, |kind| matches!(kind, EventKind::Hash(_)));
            events[hash].kind = EventKind::Hash(1);
        },
        &returned,
    );
    assert!(error.contains("0x0000000000000001"), "{error}");

    let error = replay(
        &|events| {
            let write = first(events, |kind| matches!(kind, EventKind::Write { .. }));
            if let EventKind::Write { address, .. } = &mut events[write].kind {
                *address = 0xffff_fff0;
            }
        },
        &returned,
    );
    assert!(error.contains("does not reach"), "{error}");

    let error = replay(&|_| {}, &Outcome::Exited(3));
    assert!(error.contains("exited with status 3"), "{error}");
}

#[test]
fn a_complete_recording_does_not_go_on_after_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path());
    let trace = Trace::open(&path).unwrap();
    let mut fewer = events(&path);
    let last_call = fewer
        .iter()
        .rposition(|event| matches!(event.kind, EventKind::Call(_)))
        .unwrap();
    fewer.truncate(last_call);
    let forged = dir.path().join("forged");
    let component = trace.component().clone();
    rewrite::write(component, &fewer, trace.outcome(), 7, &forged);
    let error = replay_here(Arc::new(Trace::open(&forged).unwrap())).unwrap_err();
    let ReplayError::Diverged(divergence) = &error else {
        panic!("{error}");
    };
    assert_eq!(divergence.recorded.to_string(), "the run returned");
}

#[test]
fn a_recording_of_another_component_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    record(&fixture("kitchen.wasm"), &[], &["args", "x"], "", &trace);
    let forged = dir.path().join("forged");
    let other = parse(&fixture("kitchen-O2.wasm"));
    let outcome = Trace::open(&trace).unwrap().outcome().clone();
    rewrite::write(other, &events(&trace), &outcome, 1000, &forged);
    let error = replay_here(Arc::new(Trace::open(&forged).unwrap())).unwrap_err();
    assert!(matches!(error, ReplayError::Diverged(_)), "{error}");
    assert!(
        error.to_string().contains("is this the component"),
        "{error}"
    );
}

#[test]
fn large_writes_are_kept_whole() {
    let dir = tempfile::tempdir().unwrap();
    let source = recording(dir.path());
    let component = Trace::open(&source).unwrap().component().clone();
    let sample = events(&source);
    let write = sample
        .iter()
        .find(|event| matches!(event.kind, EventKind::Write { .. }))
        .unwrap();
    let mut numbers = Numbers(1);
    let bytes: Vec<u8> = (0..700_000).map(|_| numbers.next() as u8).collect();
    let large = Event {
        kind: EventKind::Write {
            address: 16,
            bytes: bytes.clone(),
        },
        ..write.clone()
    };
    let path = dir.path().join("large");
    rewrite::write(component, &[large], &Outcome::CutOff, 1, &path);
    let mut memory = vec![0; 700_016];
    for event in events(&path) {
        let EventKind::Write { address, bytes } = event.kind else {
            panic!("only writes were written");
        };
        memory[address as usize..][..bytes.len()].copy_from_slice(&bytes);
    }
    assert!(memory[16..] == bytes);
}

#[test]
fn reading_commands_refuse_what_is_no_recording() {
    for command in [&["trace", "info"][..], &["trace", "events"], &["replay"]] {
        for (file, why) in [
            ("ledger.csv", "is not a recording"),
            ("no-such-file", "cannot read"),
        ] {
            let path = fixture(file);
            let mut line = command.to_vec();
            line.push(path.to_str().unwrap());
            let output = rr_dap(&line, "");
            assert_eq!(output.status.code(), Some(1), "{line:?}");
            assert!(text(&output.stderr).contains(why), "{output:?}");
            assert!(output.stdout.is_empty(), "{output:?}");
        }
    }
}

#[test]
fn a_closed_pipe_ends_listing_quietly() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let path = recording(dir.path());
    for command in ["info", "events"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
            .args(["trace", command, path.to_str().unwrap()])
            .env("RR_DAP_CACHE", support::cache_dir())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::with_capacity(1, child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert!(!first.is_empty());
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(output.stderr.is_empty(), "{command}: {output:?}");
    }
}

/// The answer to a call needs a `realloc` that makes the same call: as deep as the
/// recording says.
#[test]
fn forged_nesting_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("nested.wat");
    std::fs::write(&source, CALLING_REALLOC).unwrap();
    let component = parse(&source);
    let crossing = |name: &str| {
        let mut all = component.crossings().iter();
        all.find(|c| c.name.contains(name)).unwrap().id
    };
    let (run, realloc, random) = (crossing("run"), crossing("realloc"), crossing("random"));
    let event = |crossing, kind| Event {
        instance: Instance(0),
        crossing,
        kind,
    };
    let call = event(
        random,
        EventKind::Call(vec![CoreValue::I64(8), CoreValue::I32(16)]),
    );
    let enter = [0, 0, 1, 8].map(CoreValue::I32).to_vec();
    let enter = event(realloc, EventKind::Enter(enter));
    let path = dir.path().join("nested");
    for (depth, is_refused) in [(10, false), (5000, true)] {
        let mut events = vec![event(run, EventKind::Enter(vec![]))];
        for _ in 0..depth {
            events.extend([call.clone(), enter.clone()]);
        }
        rewrite::write(component.clone(), &events, &Outcome::CutOff, 1000, &path);
        match replay_here(Arc::new(Trace::open(&path).unwrap())) {
            Err(ReplayError::Nesting(_)) => assert!(is_refused),
            other => assert!(!is_refused && other.is_ok(), "{depth}: {other:?}"),
        }
    }
}

const CALLING_REALLOC: &str = r#"(component
  (import "wasi:random/random@0.2.6" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (core module $libc
    (memory (export "memory") 1)
    (table (export "table") 1 funcref)
    (type $call (func (param i64 i32)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (call_indirect (type $call) (i64.const 8) (i32.const 16) (i32.const 0))
      (i32.const 32)))
  (core instance $libc (instantiate $libc))
  (core func $call (canon lower (func $random "get-random-bytes")
    (memory $libc "memory") (realloc (func $libc "realloc"))))
  (core module $code
    (import "libc" "table" (table 1 funcref))
    (import "wasi" "call" (func $call (param i64 i32)))
    (elem (i32.const 0) func $call)
    (func (export "run") (result i32)
      (call $call (i64.const 8) (i32.const 16)) (i32.const 0)))
  (core instance $m (instantiate $code
    (with "libc" (instance $libc))
    (with "wasi" (instance (export "call" (func $call))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.6" (instance $run)))"#;
