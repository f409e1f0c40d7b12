//! What is asked of a whole recording is answered as stepping through all of it does.

use crate::support::oracle::Oracle;
use crate::support::queries::{ID, go, positions, stops, visits};
use crate::support::walk::{Guest, command, each, record, run, timeline};
use rr_dap::replay::{InstanceId, Position};
use rr_dap::timeline::travel::motion::{
    Breakpoint, Direction, HitCondition, HostcallFilter, MemoryRange, Motion, Place, Step,
};
use rr_dap::timeline::{Interrupt, TimelineError};

use Direction::{Backward, Forward};

fn visits_are_stops(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let mut timeline = timeline(trace, false);
    for at in (1..oracle.last()).step_by(oracle.last() / 6 + 1) {
        let moment = oracle.moments[at];
        let Some(frame) = moment.frame else { continue };
        let code = Place::Code {
            module: oracle.activations[frame].module,
            pc: moment.position.pc,
        };
        let places = [code, Place::Hostcall(HostcallFilter::ANY)];
        let set = [Breakpoint::new(ID, places.to_vec())];
        let expected: Vec<Position> = (1..oracle.last())
            .filter(|i| !oracle.breakpoints_at(*i, &set).is_empty())
            .map(|i| oracle.moments[i].position)
            .collect();
        go(&mut timeline, Motion::Position(moment.position));
        let here = timeline.here().clone();
        let (all, cut_before, cut_after) = visits(&mut timeline, &places, 1 << 20);
        assert_eq!(positions(&all), expected);
        assert!(!cut_before && !cut_after);
        let before = expected.iter().filter(|p| **p < here.position).count();
        for limit in [0, 1, 4, 7] {
            let (some, cut_before, cut_after) = visits(&mut timeline, &places, limit);
            let some = positions(&some);
            assert_eq!(some.len(), limit.min(expected.len()), "{limit}");
            let begin = expected
                .iter()
                .position(|p| some.first() == Some(p))
                .unwrap_or(before);
            assert_eq!(some, expected[begin..begin + some.len()], "{limit}");
            assert_eq!(cut_before, begin > 0, "{limit}");
            assert_eq!(cut_after, begin + some.len() < expected.len(), "{limit}");
            let near = before.min(limit / 2);
            assert!(before - begin >= near, "{limit}: {begin} of {before}");
        }
        assert_eq!(*timeline.here(), here);
    }
}

/// Where it is known which stretches ran which code, breakpoints stop as they do elsewhere.
fn stops_surveyed(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let mut timeline = timeline(trace, true);
    go(&mut timeline, Motion::Event(0));
    let survey = timeline.wait_for_survey(&Interrupt::new()).expect("waits");
    let survey = survey.expect("a survey");
    assert!(survey.len() > 1, "one stretch tells nothing");
    for at in (1..oracle.last()).step_by(oracle.last() / 9 + 1) {
        let moment = oracle.moments[at];
        let Some(frame) = moment.frame else { continue };
        let place = Place::Code {
            module: oracle.activations[frame].module,
            pc: moment.position.pc,
        };
        let set = [Breakpoint::new(ID, vec![place.clone()])];
        let expected: Vec<Position> = (1..oracle.last())
            .filter(|i| !oracle.breakpoints_at(*i, &set).is_empty())
            .map(|i| oracle.moments[i].position)
            .collect();
        timeline.set_breakpoints(set.to_vec());
        for direction in [Forward, Backward] {
            let stops = stops(&mut timeline, direction);
            let stops: Vec<Position> = stops.into_iter().map(|(at, ..)| at).collect();
            assert_eq!(stops, expected, "{place:?} {direction:?}");
        }
        let (all, ..) = visits(&mut timeline, std::slice::from_ref(&place), 1 << 20);
        assert_eq!(positions(&all), expected);
        timeline.set_breakpoints(vec![Breakpoint {
            hits: Some(HitCondition::Every(3)),
            ..set[0].clone()
        }]);
        let every_third: Vec<Position> = expected.iter().skip(2).step_by(3).copied().collect();
        let stops = stops(&mut timeline, Backward);
        let stops: Vec<Position> = stops.into_iter().map(|(at, ..)| at).collect();
        assert_eq!(stops, every_third, "each third of {place:?}");
    }
}

#[test]
fn an_interrupted_pass_leaves_all_as_it_was() {
    let (_dir, trace) = record(&run("motion/long.wat"));
    let mut timeline = timeline(trace, false);
    go(&mut timeline, Motion::Event(0));
    let here = timeline.here().clone();
    let interrupt = Interrupt::new();
    let raiser = interrupt.clone();
    let range = MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: 0,
        length: 4,
    };
    // As soon as it tells how far it is.
    let hostcalls = vec![Place::Hostcall(HostcallFilter::ANY)];
    let visits = timeline.visits(hostcalls, 1 << 30, &interrupt, &|_| raiser.raise());
    assert!(
        matches!(visits, Err(TimelineError::Interrupted)),
        "{visits:?}"
    );
    assert_eq!(*timeline.here(), here);
    let changes = timeline.changes(range, &interrupt, &|_| {});
    assert!(
        matches!(changes, Err(TimelineError::Interrupted)),
        "{changes:?}"
    );
    assert_eq!(*timeline.here(), here);
    go(&mut timeline, Motion::Instruction(Forward, Step::Into));
}

each! {
    surveyed_unoptimised_c: stops_surveyed(command("motion/steps-O0.wasm"));
    visits_in_recursion: visits_are_stops(run("wat/recursion.wat"));
    visits_in_optimised_c: visits_are_stops(command("motion/steps-O2.wasm"));
    visits_in_nested_calls: visits_are_stops(run("motion/realloc.wat"));
}
