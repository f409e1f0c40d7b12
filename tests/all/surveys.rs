//! What is noted of a whole recording, also of one that was cut off, of a recorder that was
//! killed, or of a run that trapped: searches that go by it find what those without it find, and
//! one that was given up has left nothing behind.

use crate::support::counter::{LINE, Then, counter};
use crate::support::file::sections;
use crate::support::rewrite;
use crate::support::walk::{record, timeline, with_fixtures};
use crate::support::{cache_dir, events};
use rr_dap::instrument::probe::Probe;
use rr_dap::replay::survey::Survey;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, InstanceId, Position, ReplayError};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, MemoryRange, Motion, Place, Reason,
};
use rr_dap::timeline::{First, Interrupt, Options, Timeline};
use rr_dap::trace::{Trace, tail_path};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use Direction::{Backward, Forward};

fn go(timeline: &mut Timeline, motion: Motion) -> Reason {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
        .reason
}

/// Where a breakpoint stops, from one end to the other.
fn stops(timeline: &mut Timeline, place: &Place, direction: Direction) -> Vec<Position> {
    let breakpoint = Breakpoint::new(BreakpointId(1), vec![place.clone()]);
    timeline.set_breakpoints(vec![breakpoint]);
    go(
        timeline,
        match direction {
            Forward => Motion::Start,
            Backward => Motion::End,
        },
    );
    let mut stops = Vec::new();
    while let Reason::Breakpoints(_) = go(timeline, Motion::Continue(direction)) {
        stops.push(timeline.here().position);
    }
    if direction == Backward {
        stops.reverse();
    }
    stops
}

/// Places in the code that runs, at the end and some events before, and writes to some bytes.
fn places(timeline: &mut Timeline, bytes: (u64, u32)) -> Vec<Place> {
    let mut places = Vec::new();
    go(timeline, Motion::End);
    let last = timeline.here().event;
    for event in [last.saturating_sub(1), last / 2] {
        go(timeline, Motion::Event(event));
        let frames = timeline.frames().expect("frames");
        places.extend(frames.iter().take(3).map(|frame| Place::Code {
            module: frame.module,
            pc: frame.pc,
        }));
    }
    let range = MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: bytes.0,
        length: bytes.1,
    };
    places.extend([Place::Change(range), Place::Write(range)]);
    places
}

/// A recording's searches with a survey find what those without one do: how many that is.
fn finds_the_same(path: &Path, bytes: (u64, u32)) -> usize {
    let open = || Arc::new(Trace::open(path).expect("a recording"));
    let mut plain = timeline(open(), false);
    let mut surveyed = timeline(open(), true);
    go(&mut surveyed, Motion::Event(0));
    let survey = surveyed.wait_for_survey(&Interrupt::new());
    assert!(survey.expect("waits").is_some(), "no survey");
    let mut found = 0;
    for place in places(&mut plain, bytes) {
        let expected = stops(&mut plain, &place, Forward);
        for direction in [Backward, Forward] {
            let got = stops(&mut surveyed, &place, direction);
            assert_eq!(
                got,
                expected,
                "{place:?} {direction:?} in {}",
                path.display()
            );
        }
        found += expected.len();
    }
    found
}

/// The balance of an account of the ledger.
const BALANCE: (u64, u32) = (0xf40, 4);

#[test]
fn cut_recordings_are_searched_the_same() {
    let (dir, trace) = record(&with_fixtures("ledger.wasm"));
    let (whole, cut) = (dir.path().join("small"), dir.path().join("cut"));
    let events = events(trace.path());
    let component = trace.component().clone();
    rewrite::write(component, &events, trace.outcome(), 3, &whole);
    // Of all of it, to the trap.
    let all = finds_the_same(&whole, BALANCE);
    assert!(all > 20, "{all}");
    let file = std::fs::read(&whole).expect("the recording");
    let ends: Vec<usize> = sections(&file).iter().map(|section| section.at).collect();
    let mut found = Vec::new();
    for nth in [1, 2, 4] {
        let end = ends[ends.len() * nth / 5];
        // In the middle of a section, too.
        for end in [end, end + 11] {
            std::fs::write(&cut, &file[..end]).expect("writes");
            found.push(finds_the_same(&cut, BALANCE));
        }
    }
    assert!(found.is_sorted() && found[5] > found[0], "{found:?}");
}

#[test]
fn killed_recordings_are_searched_with_what_the_recorder_left() {
    let dir = tempfile::tempdir().expect("a directory");
    let app = counter(12, Then::Read, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let mut recorder = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["record", "-q", "-o"])
        .args([&trace, &app])
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a recorder");
    let mut printed = vec![0; 12 * LINE];
    let stdout = recorder.stdout.as_mut().expect("piped");
    stdout.read_exact(&mut printed).expect("its lines");
    recorder.kill().expect("kills it");
    recorder.wait().expect("its end");
    assert!(tail_path(&trace).is_file());
    // The same file without what the recorder left is another recording.
    let alone = dir.path().join("alone.rrtrace");
    std::fs::copy(&trace, &alone).expect("copies");
    // The last digits of the line that it prints.
    let line = (70, 2);
    let without = Arc::new(Trace::open(&alone).expect("a recording"));
    let mut without = timeline(without, true);
    go(&mut without, Motion::End);
    let survey = without.wait_for_survey(&Interrupt::new()).expect("waits");
    let ended = without.here().position.tick;
    drop((without, survey));
    let found = finds_the_same(&trace, line);
    assert!(found > 40, "{found}");
    let mut whole = timeline(Arc::new(Trace::open(&trace).expect("a recording")), false);
    go(&mut whole, Motion::End);
    assert!(whole.here().position.tick > ended);
}

/// Nothing of it is taken for the whole by the next session.
#[test]
fn an_interrupted_survey_is_made_again() {
    let (dir, trace) = record(&with_fixtures("ledger.wasm"));
    let cache = CacheDir::open(&dir.path().join("cache")).expect("a cache");
    let variant = Variant::Probed(Probe::Survey);
    let compiled = Compiled::prepare(&trace, &cache, variant, &|_, _| {}).expect("compiles");
    let cancelled = Arc::new(AtomicBool::new(true));
    let given_up = Survey::make(&trace, &compiled, &cancelled, 64);
    assert!(
        matches!(given_up, Err(ReplayError::Cancelled)),
        "{given_up:?}"
    );
    let open = || {
        let options = Options {
            first: First::Debug,
            stretch: 64,
            ..Options::new(env!("CARGO_BIN_EXE_rr-dap").into(), cache.clone())
        };
        Timeline::open(trace.clone(), &options, &Interrupt::new(), &|_| {}).expect("a timeline")
    };
    for wait in [0, 5, 20, 60] {
        let timeline = open();
        std::thread::sleep(Duration::from_millis(wait));
        drop(timeline);
    }
    let whole = Survey::make(&trace, &compiled, &Arc::new(AtomicBool::new(false)), 64);
    for _ in 0..2 {
        // Made, and then read from the cache.
        let mut timeline = open();
        let survey = timeline.wait_for_survey(&Interrupt::new()).expect("waits");
        let survey = survey.expect("a survey");
        assert_eq!(*survey, *whole.as_ref().expect("a survey"));
    }
}
