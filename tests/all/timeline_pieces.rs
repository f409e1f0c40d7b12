//! A search that is made in pieces of the recording, at the same time and where it is known that
//! something may be, stops where one does that goes through all of it.

use crate::support::oracle::Oracle;
use crate::support::processes::PATIENCE;
use crate::support::queries::{ID, go};
use crate::support::replayers::Replayers;
use crate::support::walk::{Guest, command, each, record, run, timeline_with};
use rr_dap::replay::{Position, Tick};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HitCondition, HostcallFilter, LogText, Motion, Place,
    Reason,
};
use rr_dap::timeline::{Interrupt, Options, Timeline, TimelineError};
use std::time::{Duration, Instant};

use Direction::{Backward, Forward};

const LOG: BreakpointId = BreakpointId(2);
/// Where there are more, going from one to the next would take all the time.
const MOST_STOPS: usize = 24;
/// So many checkpoints are left on the way, at moments of every kind.
const CHECKPOINTS: usize = 24;

/// Short pieces, as a long recording has.
fn in_pieces(options: Options) -> Options {
    Options {
        stretch: 2,
        ..options
    }
}

/// Leaves checkpoints everywhere.
fn scatter(timeline: &mut Timeline, oracle: &Oracle) {
    for at in (0..=oracle.last()).step_by(oracle.last() / CHECKPOINTS + 1) {
        go(timeline, Motion::Position(oracle.moments[at].position));
    }
    go(timeline, Motion::End);
}

/// What a run from one end of the recording to the other stops at and logs.
#[derive(Debug, PartialEq, Eq)]
struct Met {
    stops: Vec<(Position, Vec<BreakpointId>)>,
    logged: Vec<(Position, String)>,
}

fn meet(timeline: &mut Timeline, direction: Direction) -> Met {
    let from = match direction {
        Forward => Motion::Start,
        Backward => Motion::End,
    };
    go(timeline, from);
    let (mut stops, mut logged) = (Vec::new(), Vec::new());
    loop {
        let reason = go(timeline, Motion::Continue(direction));
        let entries = timeline.take_log().into_iter();
        logged.extend(entries.map(|entry| match entry.text {
            LogText::Message(text) => (entry.position, text),
            other => panic!("{other:?}"),
        }));
        let Reason::Breakpoints(mut ids) = reason else {
            break;
        };
        ids.sort_unstable();
        stops.push((timeline.here().position, ids));
    }
    if direction == Backward {
        stops.reverse();
        logged.reverse();
    }
    Met { stops, logged }
}

/// Which of some visits, numbered from 1, are hits.
fn is_hit(hits: Option<HitCondition>, number: u64) -> bool {
    match hits {
        None => true,
        Some(HitCondition::Exactly(n)) => number == n,
        Some(HitCondition::From(n)) => number >= n,
        Some(HitCondition::Before(n)) => number < n,
        Some(HitCondition::Every(n)) => number.is_multiple_of(n),
    }
}

/// One that stops and one that logs, at the same places.
fn pair(places: &[Place], condition: Option<&str>, hits: Option<HitCondition>) -> Vec<Breakpoint> {
    let stopping = Breakpoint {
        condition: condition.map(str::to_owned),
        hits,
        ..Breakpoint::new(ID, places.to_vec())
    };
    let logging = Breakpoint {
        log: Some("{$tick}".to_owned()),
        ..Breakpoint::new(LOG, places.to_vec())
    };
    vec![stopping, logging]
}

fn stops_in_pieces(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let binary = || env!("CARGO_BIN_EXE_rr-dap").into();
    let mut whole = timeline_with(trace.clone(), false, binary(), |options| options);
    let mut cut = timeline_with(trace.clone(), false, binary(), in_pieces);
    let mut surveyed = timeline_with(trace, true, binary(), in_pieces);
    scatter(&mut cut, &oracle);
    scatter(&mut surveyed, &oracle);
    let survey = surveyed.wait_for_survey(&Interrupt::new()).expect("waits");
    assert!(survey.is_some_and(|survey| survey.len() > 1));
    let last = oracle.last();
    let mut met = 0;
    for at in (1..last).step_by(last / 4 + 1) {
        let moment = oracle.moments[at];
        let Some(frame) = moment.frame else { continue };
        let code = Place::Code {
            module: oracle.activations[frame].module,
            pc: moment.position.pc,
        };
        let hostcalls = Place::Hostcall(HostcallFilter::ANY);
        for (places, condition, hits) in [
            (vec![code.clone()], None, None),
            (vec![code.clone()], Some("$tick == 0"), None),
            (vec![hostcalls.clone()], None, None),
            (vec![hostcalls.clone()], None, Some(HitCondition::From(3))),
            (vec![code.clone()], None, Some(HitCondition::Exactly(7))),
            (
                vec![code.clone()],
                None,
                Some(HitCondition::Exactly(1 << 40)),
            ),
            (vec![code.clone()], None, Some(HitCondition::Before(5))),
            (vec![code.clone()], None, Some(HitCondition::Every(5))),
            (
                vec![code, hostcalls],
                Some("$tick % 3 == 1"),
                Some(HitCondition::From(4)),
            ),
        ] {
            let set = pair(&places, condition, hits);
            let visits: Vec<Position> = (1..last)
                .filter(|i| !oracle.breakpoints_at(*i, &set[..1]).is_empty())
                .map(|i| oracle.moments[i].position)
                .collect();
            let holds = |at: &Position| match condition {
                None => true,
                Some("$tick == 0") => at.tick.0 == 0,
                _ => at.tick.0 % 3 == 1,
            };
            let counted = visits.iter().filter(|at| holds(at));
            let stops = (1..).zip(counted).filter(|(n, _)| is_hit(hits, *n));
            let expected = Met {
                stops: stops.map(|(_, at)| (*at, vec![ID])).collect(),
                logged: visits
                    .iter()
                    .map(|at| (*at, at.tick.0.to_string()))
                    .collect(),
            };
            if expected.stops.len() > MOST_STOPS {
                continue;
            }
            met += expected.stops.len();
            for (name, timeline) in [
                ("whole", &mut whole),
                ("cut", &mut cut),
                ("surveyed", &mut surveyed),
            ] {
                timeline.set_breakpoints(set.clone());
                for direction in [Forward, Backward] {
                    assert_eq!(
                        meet(timeline, direction),
                        expected,
                        "{name}, {direction:?}: {places:?} {condition:?} {hits:?}"
                    );
                }
                timeline.set_breakpoints(Vec::new());
                go(timeline, Motion::Position(moment.position));
                let all = timeline
                    .visits(places.clone(), 1 << 20, &Interrupt::new(), &|_| {})
                    .expect("visits");
                let all: Vec<Position> = all.visits.iter().map(|visit| visit.position).collect();
                assert_eq!(all, visits, "{name}: visits of {places:?}");
            }
        }
    }
    assert!(met > 10, "{met} stops");
}

/// A hostcall is come to, both ways, from wherever one is.
fn comes_to_hostcalls(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let component = trace.component().clone();
    let binary = env!("CARGO_BIN_EXE_rr-dap").into();
    let mut timeline = timeline_with(trace, true, binary, in_pieces);
    scatter(&mut timeline, &oracle);
    let mut names: Vec<String> = oracle
        .moments
        .iter()
        .filter_map(|moment| component.crossing(moment.crossing?))
        .map(|crossing| crossing.name.to_string())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert!(!names.is_empty(), "no hostcall");
    for name in names {
        let filter = HostcallFilter::named(name.clone());
        let place = Place::Hostcall(filter.clone());
        let set = [Breakpoint::new(ID, vec![place])];
        let is_at = |i: &usize| !oracle.breakpoints_at(*i, &set).is_empty();
        for from in (1..oracle.last()).step_by(oracle.last() / 7 + 1) {
            let begun = oracle.moments[from].position;
            for (direction, expected) in [
                (Forward, (from + 1..oracle.last()).find(is_at)),
                (Backward, (1..from).rev().find(is_at)),
            ] {
                go(&mut timeline, Motion::Position(begun));
                go(&mut timeline, Motion::Hostcall(direction, filter.clone()));
                let at = match (expected, direction) {
                    (Some(index), _) => oracle.moments[index].position,
                    (None, Forward) => oracle.moments[oracle.last()].position,
                    (None, Backward) => Position::START,
                };
                assert_eq!(
                    timeline.here().position,
                    at,
                    "{direction:?} to {name} from {begun}"
                );
            }
        }
    }
}

#[test]
fn an_interrupted_search_in_pieces_leaves_nothing_behind() {
    let (_dir, trace) = record(&run("motion/long.wat"));
    let replayers = Replayers::apart();
    let mut timeline = timeline_with(trace, false, replayers.program(), |options| options);
    go(&mut timeline, Motion::Event(0));
    let begun = timeline.here().clone();
    // Leaves checkpoints in the loop.
    for tick in 1..=16 {
        go(&mut timeline, Motion::Tick(Tick(tick * 1_000_000)));
    }
    let far = timeline.here().position;
    let frame = timeline.frames().expect("frames")[0];
    let place = Place::Code {
        module: frame.module,
        pc: frame.pc,
    };
    let never = Breakpoint {
        condition: Some("$tick == 0".to_owned()),
        ..Breakpoint::new(ID, vec![place])
    };
    timeline.set_breakpoints(vec![never]);
    for (from, motion) in [
        (Motion::Position(begun.position), Motion::Continue(Forward)),
        (Motion::Position(far), Motion::Continue(Backward)),
    ] {
        go(&mut timeline, from);
        let here = timeline.here().clone();
        let before = replayers.pids().len();
        let interrupt = Interrupt::new();
        let raiser = std::thread::spawn({
            let interrupt = interrupt.clone();
            move || {
                std::thread::sleep(Duration::from_millis(400));
                interrupt.raise();
            }
        });
        let stopped = timeline.travel(&motion, &interrupt);
        raiser.join().expect("the other thread");
        assert!(
            matches!(stopped, Err(TimelineError::Interrupted)),
            "{stopped:?}"
        );
        assert_eq!(*timeline.here(), here);
        // Those on their way end when they see that nobody waits for them.
        let until = Instant::now() + PATIENCE;
        while replayers.pids().len() > before + 1 {
            assert!(Instant::now() < until, "{:?}", replayers.pids());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

each! {
    unoptimised_c: stops_in_pieces(command("motion/steps-O0.wasm"));
    recursion: stops_in_pieces(run("wat/recursion.wat"));
    nested_calls: stops_in_pieces(run("motion/realloc.wat"));
    hostcalls_in_nested_calls: comes_to_hostcalls(run("motion/realloc.wat"));
}
