//! Recordings that nobody ended: how the run ended is inferred, and replay of one
//! that was cut off ends.

use crate::support;
use crate::support::command::{Call, command};
use crate::support::{
    cache_dir, events, fixture, parse, record, replay_here, rest_of, rewrite, rr_dap, text,
};
use rr_dap::component::CrossingKind;
use rr_dap::component::types::CoreValue;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Ended, Observer, Replay, State, TICKS_AFTER_LAST_EVENT};
use rr_dap::timeline::travel::motion::{Direction, Ending, Motion, Reason};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::{
    Event, EventKind, Instance, Metadata, Outcome, Trace, prologue, records_section,
};
use std::path::Path;
use std::sync::Arc;

/// The recording as a sink outside this process writes it: a section of raw records
/// for each commit of an instance, and no end.
pub fn as_records(trace: &Path, to: &Path) {
    let component = Trace::open(trace).unwrap().component().clone();
    let mut file = prologue(component, &Metadata::default()).unwrap();
    let events = events(trace);
    for commit in events.chunk_by(|a, b| a.instance == b.instance) {
        for part in commit.chunks(5) {
            let raw: Vec<u8> = part.iter().flat_map(rewrite::raw).collect();
            file.extend(records_section(part[0].instance, &raw).unwrap());
        }
    }
    std::fs::write(to, file).unwrap();
}

#[test]
fn raw_records_hold_the_same_run_and_tell_how_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, raw) = (dir.path().join("run"), dir.path().join("raw"));
    let kitchen = fixture("kitchen.wasm");
    let greeter = command("greeter", Call::Greeting, dir.path());
    let errors = command("errors", Call::Number("run", 4711), dir.path());
    let runs: [(&Path, &[&str]); 6] = [
        (&kitchen, &["args", "x"]),
        (&kitchen, &["exit", "0"]),
        (&kitchen, &["exit", "3"]),
        (&kitchen, &["trap"]),
        (&greeter, &[]),
        // The answer is another: the command returns an error.
        (&errors, &[]),
    ];
    let mut outcomes = Vec::new();
    for (app, args) in runs {
        record(app, &[], args, "", &trace);
        as_records(&trace, &raw);
        assert!(events(&raw) == events(&trace), "{args:?}");
        let (whole, inferred) = (Trace::open(&trace).unwrap(), Trace::open(&raw).unwrap());
        assert!(whole.has_end() && !inferred.has_end());
        match whole.outcome() {
            Outcome::Trapped(_) => assert_eq!(*inferred.outcome(), Outcome::CutOff),
            outcome => assert_eq!(inferred.outcome(), outcome, "{args:?}"),
        }
        outcomes.push(inferred.outcome().clone());
        assert_eq!(whole.hostcalls().unwrap(), inferred.hostcalls().unwrap());
        // After a trap that the recording does not tell of, replay traps too.
        replay_here(Arc::new(inferred)).unwrap_or_else(|e| panic!("{args:?}: {e}"));
    }
    let returned = |success| Outcome::Returned {
        success,
        result: None,
    };
    assert!(outcomes.contains(&returned(true)) && outcomes.contains(&returned(false)));
    assert!(outcomes.contains(&Outcome::Exited(1)));
}

#[test]
fn what_was_not_committed_follows_the_last_section() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run");
    let app = command("greeter", Call::Greeting, dir.path());
    record(&app, &[], &[], "", &trace);
    let all = events(&trace);
    let component = Trace::open(&trace).unwrap().component().clone();
    for kept in [0, 1, all.len() / 2, all.len() - 2] {
        let cut = dir.path().join("cut");
        rewrite::write(component.clone(), &all[..kept], &Outcome::CutOff, 4, &cut);
        let file = std::fs::read(&cut).unwrap();
        let end = support::file::sections(&file);
        let end = end.iter().find(|s| s.id == support::file::END).unwrap().at;
        std::fs::write(&cut, &file[..end]).unwrap();
        let opened = Trace::open(&cut).unwrap();
        assert_eq!(*opened.outcome(), Outcome::CutOff);
        let rest = all[kept..].chunk_by(|a, b| a.instance == b.instance);
        let rest = rest.map(|same| {
            let raw = same.iter().flat_map(rewrite::raw).collect();
            (same[0].instance, raw)
        });
        let whole = Arc::new(opened.with_uncommitted(rest.collect()));
        let read = rest_of(whole.events());
        assert!(read == all, "{kept}");
        assert_eq!(whole.outcome().exit_code(), 0);
        replay_here(whole).unwrap_or_else(|e| panic!("{kept}: {e}"));
    }
}

/// A recording of `spin.wat`, of which nothing is left after so many events.
fn spinning(events: usize, outcome: &Outcome, to: &Path) {
    let component = parse(&fixture("wat/spin.wat"));
    let crossing = |kind: &CrossingKind| {
        let found = component.crossings().iter().find(|c| c.kind == *kind);
        found.unwrap().id
    };
    let (run, now) = (
        crossing(&CrossingKind::Lift),
        crossing(&CrossingKind::Lower),
    );
    let all = [
        (run, EventKind::Enter(vec![])),
        (now, EventKind::Call(vec![])),
        (now, EventKind::Return(vec![CoreValue::I64(4711)])),
    ];
    let all = all.map(|(crossing, kind)| Event {
        instance: Instance(0),
        crossing,
        kind,
    });
    rewrite::write(component, &all[..events], outcome, 1, to);
}

struct Silent;

impl Observer for Silent {}

#[test]
fn a_guest_that_hangs_after_the_last_event_ends_after_so_many_ticks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spin");
    for outcome in [Outcome::CutOff, Outcome::Interrupted] {
        spinning(3, &outcome, &path);
        let trace = Arc::new(Trace::open(&path).unwrap());
        let cache = CacheDir::open(&cache_dir()).unwrap();
        let ticks = [Variant::Fast, Variant::Debug].map(|variant| {
            let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {}).unwrap();
            let mut machine = Replay::new(trace.clone(), &compiled, Box::new(Silent)).unwrap();
            assert_eq!(machine.run().unwrap(), Ended::Running);
            State::now(machine.store()).0
        });
        // The entry of `run` is a tick of its own.
        assert_eq!(ticks, [TICKS_AFTER_LAST_EVENT + 1; 2]);
        let output = rr_dap(&["replay", path.to_str().unwrap()], "");
        assert_eq!(output.status.code(), Some(outcome.exit_code()));
        let said = text(&output.stderr);
        assert!(said.contains("after 1 hostcalls"), "{said}");
        assert!(said.contains("ticks after the last event"), "{said}");
    }
    // In a call that was not answered, and before the first call.
    spinning(2, &Outcome::CutOff, &path);
    let (ended, _) = replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
    assert_eq!(ended, Ended::InCall);
    spinning(1, &Outcome::CutOff, &path);
    let (ended, _) = replay_here(Arc::new(Trace::open(&path).unwrap())).unwrap();
    assert_eq!(ended, Ended::InCall, "the next crossing comes first");
}

#[test]
fn a_debugger_comes_to_the_end_of_a_guest_that_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("spin");
    spinning(3, &Outcome::CutOff, &path);
    let cache = CacheDir::open(&cache_dir()).unwrap();
    let options = Options {
        sweep: false,
        ..Options::new(env!("CARGO_BIN_EXE_rr-dap").into(), cache)
    };
    let trace = Arc::new(Trace::open(&path).unwrap());
    let mut timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).unwrap();
    let mut go = |direction| {
        let motion = Motion::Continue(direction);
        timeline.travel(&motion, &Interrupt::new()).unwrap()
    };
    let end = go(Direction::Forward);
    assert_eq!(end.reason, Reason::End(Ending::CutOff));
    assert_eq!(end.position.tick.0, TICKS_AFTER_LAST_EVENT + 1);
    assert!(end.position.depth >= 1);
    go(Direction::Backward);
    assert_eq!(go(Direction::Forward).position, end.position);
}
