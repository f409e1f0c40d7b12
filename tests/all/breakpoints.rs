//! Breakpoints with conditions, hit counts and log messages: a reverse run visits
//! what a forward run visits, in reverse.

use crate::support::{cache_dir, fixture, handle_history, record};
use rr_dap::component::ModuleId;
use rr_dap::inspect::handles::history::HandleChange;
use rr_dap::replay::Position;
use rr_dap::replay::variant::CacheDir;
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, Ending, HostcallFilter, LogText, Motion, Place, Reason,
    Stop,
};
use rr_dap::timeline::{Interrupt, Options, Timeline};
use rr_dap::trace::Trace;
use std::path::PathBuf;
use std::sync::Arc;

use Direction::{Backward, Forward};

/// Records a fixture and opens the recording.
fn open(name: &str, options: &[&str]) -> (tempfile::TempDir, Timeline) {
    let dir = tempfile::tempdir().expect("a directory");
    let trace = dir.path().join("t.rrtrace");
    record(&fixture(name), options, &[], "", &trace);
    let options = Options {
        sweep: true,
        ..Options::new(
            env!("CARGO_BIN_EXE_rr-dap").into(),
            CacheDir::open(&cache_dir()).expect("a cache"),
        )
    };
    let trace = Arc::new(Trace::open(&trace).expect("opens"));
    let timeline = Timeline::open(trace, &options, &Interrupt::new(), &|_| {}).expect("a timeline");
    (dir, timeline)
}

fn ledger() -> (tempfile::TempDir, Timeline) {
    let work = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    open(
        "ledger.wasm",
        &["--dir", &format!("{}::/work", work.display())],
    )
}

/// The places of the line of `ledger.c` that has this text.
fn at_line(timeline: &Timeline, text: &str) -> Vec<Place> {
    let source = std::fs::read_to_string(fixture("ledger.c")).expect("the source");
    let line = source.lines().position(|line| line.contains(text));
    let line = line.expect("such a line") as u32 + 1;
    let mut places = Vec::new();
    for (i, module) in timeline.modules().iter().enumerate() {
        let files: Vec<String> = module.source.files().map(|(_, f)| f.to_owned()).collect();
        for file in files.iter().filter(|f| f.ends_with("ledger.c")) {
            for statement in module.source.breakpoint_places(file, line) {
                let module = ModuleId(i as u32);
                let pc = statement.pc;
                places.push(Place::Code { module, pc });
            }
        }
    }
    assert!(!places.is_empty(), "no code at line {line}");
    places
}

const REPORT: &str = "printf(\"%2d. %s pays";
const ID: BreakpointId = BreakpointId(1);

fn go(timeline: &mut Timeline, motion: Motion) -> Stop {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
}

/// Where one way through the recording stops, and what it logs.
fn walk(timeline: &mut Timeline, direction: Direction) -> (Vec<Stop>, Vec<(Position, LogText)>) {
    let (mut stops, mut log) = (Vec::new(), Vec::new());
    loop {
        let stop = go(timeline, Motion::Continue(direction));
        let entries = timeline.take_log();
        log.extend(
            entries
                .into_iter()
                .map(|entry| (entry.position, entry.text)),
        );
        if matches!(stop.reason, Reason::End(_) | Reason::Start) {
            return (stops, log);
        }
        stops.push(stop);
    }
}

/// Walks there and back, and expects the same both ways.
fn both_ways(
    timeline: &mut Timeline,
    breakpoints: Vec<Breakpoint>,
) -> (Vec<Stop>, Vec<(Position, LogText)>) {
    timeline.set_breakpoints(breakpoints);
    go(timeline, Motion::Start);
    let (stops, log) = walk(timeline, Forward);
    let (mut back, mut back_log) = walk(timeline, Backward);
    back.reverse();
    back_log.reverse();
    assert_eq!(stops, back);
    assert_eq!(log, back_log);
    (stops, log)
}

fn positions(stops: &[Stop]) -> Vec<Position> {
    stops.iter().map(|stop| stop.position).collect()
}

#[test]
fn conditions_choose_among_the_visits() {
    let (_dir, mut timeline) = ledger();
    let places = at_line(&timeline, REPORT);
    let plain = Breakpoint::new(ID, places);
    let (all, _) = both_ways(&mut timeline, vec![plain.clone()]);
    let all = positions(&all);
    assert!(all.len() > 4, "{}", all.len());
    for (condition, expected) in [
        ("number == 3", &all[2..3]),
        ("number > 2", &all[2..]),
        ("number <= 2", &all[..2]),
        ("number != 1", &all[1..]),
        ("$event < 0", &[][..]),
        ("number", &all[..]),
        ("transfer->from == \"nobody\"", &[][..]),
        ("transfer->from != \"nobody\"", &all[..]),
    ] {
        let breakpoint = Breakpoint {
            condition: Some(condition.into()),
            ..plain.clone()
        };
        let (stops, log) = both_ways(&mut timeline, vec![breakpoint]);
        assert_eq!(positions(&stops), expected, "{condition}");
        assert_eq!(log, [], "{condition}");
    }
}

#[test]
fn hits_are_counted_from_the_start_of_the_recording() {
    let (_dir, mut timeline) = ledger();
    let plain = Breakpoint::new(ID, at_line(&timeline, REPORT));
    let (all, _) = both_ways(&mut timeline, vec![plain.clone()]);
    let all = positions(&all);
    for condition in [None, Some("number > 1")] {
        let visits = &all[usize::from(condition.is_some())..];
        for (hits, is_hit) in [
            ("3", (|n| n == 3) as fn(usize) -> bool),
            ("== 1", |n| n == 1),
            (">= 3", |n| n >= 3),
            ("> 3", |n| n > 3),
            ("< 3", |n| n < 3),
            ("<= 3", |n| n <= 3),
            ("% 2", |n| n % 2 == 0),
            ("1000", |_| false),
            ("< 1000", |_| true),
            ("0", |_| false),
        ] {
            let breakpoint = Breakpoint {
                condition: condition.map(str::to_owned),
                hits: Some(hits.parse().expect("a hit condition")),
                ..plain.clone()
            };
            let (stops, _) = both_ways(&mut timeline, vec![breakpoint]);
            let expected = visits.iter().zip(1..).filter(|(_, n)| is_hit(*n));
            let expected: Vec<_> = expected.map(|(position, _)| *position).collect();
            assert_eq!(positions(&stops), expected, "{hits} of {condition:?}");
        }
    }
    for wrong in ["", "many", "=> 3", "% 0", "3 or so"] {
        assert!(
            wrong
                .parse::<rr_dap::timeline::travel::motion::HitCondition>()
                .is_err()
        );
    }
}

#[test]
fn log_points_log_what_is_passed_in_the_order_of_the_motion() {
    let (_dir, mut timeline) = ledger();
    let plain = Breakpoint::new(ID, at_line(&timeline, REPORT));
    let (all, _) = both_ways(&mut timeline, vec![plain.clone()]);
    let logging = Breakpoint {
        log: Some("transfer {number} of {nothing}".into()),
        ..plain.clone()
    };
    let stopping = Breakpoint {
        id: BreakpointId(2),
        condition: Some("number == 3".into()),
        ..plain
    };
    let (stops, log) = both_ways(&mut timeline, vec![logging, stopping]);
    assert_eq!(positions(&stops), [all[2].position]);
    // The one at the stop is logged when it is come to, from either side.
    assert_eq!(log.len(), all.len());
    for (i, ((position, text), stop)) in log.iter().zip(&all).enumerate() {
        assert_eq!(*position, stop.position);
        let LogText::Message(text) = text else {
            panic!("{text:?}");
        };
        let beginning = format!("transfer {} of <", i + 1);
        assert!(text.starts_with(&beginning), "{text}");
    }
}

#[test]
fn a_condition_that_makes_no_sense_stops_and_says_so() {
    let (_dir, mut timeline) = ledger();
    let breakpoint = Breakpoint {
        condition: Some("nonsense.x == 1".into()),
        ..Breakpoint::new(ID, at_line(&timeline, REPORT))
    };
    timeline.set_breakpoints(vec![breakpoint]);
    let stop = go(&mut timeline, Motion::Continue(Forward));
    assert_eq!(stop.reason, Reason::Breakpoints(vec![ID]));
    let log = timeline.take_log();
    let [entry] = &log[..] else {
        panic!("{log:?}");
    };
    assert_eq!(entry.position, stop.position);
    assert!(
        matches!(&entry.text, LogText::Problem(text) if text.contains("nonsense")),
        "{entry:?}"
    );
}

#[test]
fn all_breakpoints_at_a_place_are_told() {
    let (_dir, mut timeline) = ledger();
    let places = at_line(&timeline, REPORT);
    let ids = [7, 3, 5].map(BreakpointId);
    let breakpoints = ids.map(|id| Breakpoint::new(id, places.clone()));
    let (stops, _) = both_ways(&mut timeline, breakpoints.to_vec());
    assert!(!stops.is_empty());
    for stop in stops {
        assert_eq!(stop.reason, Reason::Breakpoints(ids.to_vec()));
    }
}

#[test]
fn a_trap_reports_its_breakpoint() {
    let (_dir, mut timeline) = ledger();
    timeline.set_breakpoints(vec![
        Breakpoint::new(ID, vec![Place::Trap]),
        Breakpoint::new(BreakpointId(2), at_line(&timeline, REPORT)),
    ]);
    let stop = go(&mut timeline, Motion::End);
    assert!(matches!(stop.reason, Reason::End(Ending::Trapped(_))));
    assert_eq!(timeline.hit_here(), [ID]);
    go(&mut timeline, Motion::Continue(Backward));
    assert_eq!(timeline.hit_here(), [BreakpointId(2)]);
}

#[test]
fn visits_within_one_tick_are_told_apart() {
    let (_dir, mut timeline) = open("wat/recursion.wat", &["--invoke", "run()"]);
    let module = ModuleId(0);
    let code = &timeline.modules()[0].code;
    let length = timeline
        .trace()
        .component()
        .module(module)
        .map_or(0, <[u8]>::len) as u32;
    let function = (0..length)
        .filter(|pc| code.function_at(*pc) == Some(0))
        .last();
    let instructions = code
        .instructions_around(function.expect("fib"))
        .expect("code");
    // What runs while the recursion unwinds: the same places, at many depths.
    let last = instructions.iter().rev().take(3);
    let places: Vec<Place> = last.map(|pc| Place::Code { module, pc: *pc }).collect();
    let plain = Breakpoint::new(ID, places);
    let breakpoint = Breakpoint {
        hits: Some("% 7".parse().expect("a hit condition")),
        ..plain.clone()
    };
    let (sevenths, _) = both_ways(&mut timeline, vec![breakpoint]);
    assert!(sevenths.len() > 50, "{}", sevenths.len());
    let positions = positions(&sevenths);
    assert!(positions.is_sorted_by(|a, b| a < b));
}

#[test]
fn hostcalls_that_fail_are_stops_of_their_own() {
    let (_dir, mut timeline) = open("wat/errors.wat", &["--invoke", "run()"]);
    let all = Breakpoint::new(
        ID,
        vec![Place::Hostcall(HostcallFilter::named("*with*raw"))],
    );
    let filter = HostcallFilter {
        failed: true,
        ..HostcallFilter::named("withdraw")
    };
    let failed = Breakpoint::new(ID, vec![Place::Hostcall(filter)]);
    let (all, _) = both_ways(&mut timeline, vec![all]);
    let (failed, _) = both_ways(&mut timeline, vec![failed]);
    assert_eq!(all.len(), 3);
    assert_eq!(failed, all[2..]);
}

#[test]
fn handles_that_come_and_go_are_places() {
    let (_dir, mut timeline) = ledger();
    let history = handle_history(timeline.trace());
    for change in [HandleChange::Created, HandleChange::Dropped] {
        let events = history.changes(change, Some("descriptor")).unwrap();
        assert!(!events.is_empty(), "{change:?}");
        let place = Place::Events(events.clone());
        let (stops, _) = both_ways(&mut timeline, vec![Breakpoint::new(ID, vec![place])]);
        let stopped: Vec<u64> = stops.iter().map(|stop| stop.event).collect();
        assert_eq!(stopped, events, "{change:?}");
    }
}

#[test]
fn tables_tell_their_functions() {
    use rr_dap::replay::InstanceId;
    use rr_dap::replay::tables::Element;
    let (_dir, mut timeline) = ledger();
    go(&mut timeline, Motion::Entry);
    let instances = timeline.instances().expect("asks");
    let (mut functions, mut all) = (0, 0);
    for (i, _) in instances.iter().enumerate() {
        let instance = InstanceId(i as u32);
        let sizes = timeline.tables(instance).expect("asks");
        for (table, size) in (0..).zip(sizes) {
            let elements = timeline.table(instance, table, 0, 1000).expect("asks");
            assert_eq!(elements.len() as u64, size);
            if size > 1 {
                let second = timeline.table(instance, table, 1, 1).expect("asks");
                assert_eq!(second, elements[1..2]);
            }
            all += elements.len();
            for element in elements {
                assert_ne!(element, Element::Other, "instance {i}, table {table}");
                functions += usize::from(element != Element::Null);
            }
        }
    }
    assert!(functions > 5 && all > functions, "{functions} of {all}");
}
