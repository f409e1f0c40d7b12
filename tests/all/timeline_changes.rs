//! Every change of bytes is found, as stepping through all of the recording finds it.

use crate::support::oracle::Oracle;
use crate::support::queries::{ID, go, positions, stops, visits};
use crate::support::walk::{Guest, command, each, record, run, timeline};
use rr_dap::replay::{InstanceId, Phase, Position, Tick};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HitCondition, HostcallFilter, MemoryRange, Motion, Place,
};
use rr_dap::timeline::{Change, Interrupt, Timeline, TimelineError};
use std::collections::BTreeSet;

use Direction::{Backward, Forward};

/// The memory that is watched: the first one of the first instance that has some.
struct Memory {
    instance: InstanceId,
    bytes: usize,
}

impl Memory {
    fn at_the_end_of(timeline: &mut Timeline) -> Option<Memory> {
        go(timeline, Motion::End);
        let instances = timeline.instances().expect("instances").len();
        (0..instances as u32).find_map(|i| {
            let instance = InstanceId(i);
            let bytes = timeline
                .memory(instance, 0, 0, 1 << 20)
                .expect("memory")
                .len();
            (bytes > 0).then_some(Memory { instance, bytes })
        })
    }
}

/// Bytes at every moment.
type History = Vec<(Position, Vec<u8>)>;

/// The bytes of ranges at every moment, by going there; zeros where there is no memory.
/// Moments at which a hostcall has answered are among them.
fn histories(timeline: &mut Timeline, oracle: &Oracle, ranges: &[MemoryRange]) -> Vec<History> {
    let mut at: BTreeSet<Position> = oracle.moments.iter().map(|m| m.position).collect();
    let calling = oracle.moments.iter().map(|m| m.position);
    for position in calling.filter(|p| p.phase == Phase::Calling) {
        go(timeline, Motion::Position(position));
        go(timeline, Motion::OverHostcall(Forward, HostcallFilter::ANY));
        let answered = timeline.here().position;
        if answered.phase == Phase::Answered {
            at.insert(answered);
        }
    }
    go(timeline, Motion::Start);
    let mut histories = vec![History::new(); ranges.len()];
    for position in at {
        go(timeline, Motion::Position(position));
        for (range, history) in ranges.iter().zip(&mut histories) {
            let read = timeline.memory(range.instance, range.memory, range.address, range.length);
            let mut bytes = read.expect("memory");
            bytes.resize(range.length as usize, 0);
            history.push((position, bytes));
        }
    }
    histories
}

/// The changes from moment to moment.
fn changes_of(range: MemoryRange, bytes: &[(Position, Vec<u8>)]) -> Vec<(Position, Change)> {
    let pairs = bytes.windows(2).filter_map(|pair| match pair {
        [(_, old), (position, new)] if old != new && position.phase != Phase::End => {
            let (old, new) = (old.clone(), new.clone());
            Some((*position, Change { range, old, new }))
        }
        _ => None,
    });
    pairs.collect()
}

fn finds_changes(guest: Guest, ranges: usize) {
    finds_changes_of(guest, |timeline| {
        let Some(memory) = Memory::at_the_end_of(timeline) else {
            panic!("no memory");
        };
        let instance = memory.instance;
        let addresses = addresses(timeline, &memory, ranges).into_iter();
        let ranges = addresses.map(|address| MemoryRange {
            instance,
            memory: 0,
            address,
            length: 4,
        });
        ranges.collect()
    });
}

/// Every change of these bytes is found, and no other, also such as are undone within a tick.
fn finds_changes_of(guest: Guest, ranges: impl FnOnce(&mut Timeline) -> Vec<MemoryRange>) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let mut timeline = timeline(trace, false);
    let ranges = ranges(&mut timeline);
    let mut watched = 0;
    let mut known: Vec<Known> = Vec::new();
    let histories = histories(&mut timeline, &oracle, &ranges);
    for (range, bytes) in ranges.into_iter().zip(histories) {
        let expected = changes_of(range, &bytes);
        let place = Place::Change(range);
        let (found, ..) = visits(&mut timeline, std::slice::from_ref(&place), 1 << 20);
        let found: Vec<(Position, Change)> = found
            .into_iter()
            .map(|visit| (visit.position, visit.changed[0].clone()))
            .collect();
        for change in &found {
            assert!(expected.contains(change), "{range}: no change {change:?}");
        }
        for change in &expected {
            assert!(found.contains(change), "{range}: {change:?} is not found");
        }
        watched += found.len();
        // Breakpoints stop there, both ways.
        timeline.set_breakpoints(vec![Breakpoint::new(ID, vec![place])]);
        let all = as_stops(&found);
        assert_eq!(stops(&mut timeline, Forward), all, "{range}");
        assert_eq!(stops(&mut timeline, Backward), all, "{range}");
        // So do the motions to the last one and the next.
        goes_to_changes(&mut timeline, &oracle, range, &found);
        known.push((range, found));
    }
    assert!(watched > 0, "nothing has changed");
    finds_the_same_surveyed(&oracle, &mut timeline, &known);
}

/// These changes, as a breakpoint for them stops there.
fn as_stops(found: &[(Position, Change)]) -> Vec<(Position, Vec<BreakpointId>, Option<Change>)> {
    let stop =
        |(position, change): &(Position, Change)| (*position, vec![ID], Some(change.clone()));
    found.iter().map(stop).collect()
}

/// A range, and the changes of it.
type Known = (MemoryRange, Vec<(Position, Change)>);

/// Where it is known which stretches of the recording wrote what, the same is found.
fn finds_the_same_surveyed(oracle: &Oracle, first: &mut Timeline, known: &[Known]) {
    let mut surveyed = timeline(first.trace().clone(), true);
    go(&mut surveyed, Motion::Event(0));
    let survey = surveyed.wait_for_survey(&Interrupt::new()).expect("waits");
    assert!(survey.is_some(), "no survey");
    for (range, found) in known {
        goes_to_changes(&mut surveyed, oracle, *range, found);
        let place = Place::Change(*range);
        surveyed.set_breakpoints(vec![Breakpoint::new(ID, vec![place])]);
        let all = as_stops(found);
        assert_eq!(stops(&mut surveyed, Backward), all, "{range}");
        surveyed.set_breakpoints(Vec::new());
    }
}

/// Where something is written: memory that is not as it was in the beginning.
fn addresses(timeline: &mut Timeline, memory: &Memory, count: usize) -> Vec<u64> {
    let mut read = |motion| {
        go(timeline, motion);
        timeline
            .memory(memory.instance, 0, 0, memory.bytes as u32)
            .expect("memory")
    };
    let end = read(Motion::End);
    let mut start = read(Motion::Tick(Tick(1)));
    start.resize(end.len(), 0);
    let words = start.chunks(4).zip(end.chunks(4)).enumerate();
    let written: Vec<u64> = words
        .filter(|(_, (start, end))| start != end)
        .map(|(i, _)| i as u64 * 4)
        .collect();
    let step = written.len().div_ceil(count).max(1);
    written.into_iter().step_by(step).collect()
}

/// What `motion/frames.wat` writes to its fourth frame, and where its other local is then.
fn ranges_of_frames(_: &mut Timeline) -> Vec<MemoryRange> {
    let frame = 4096 + 4 * 1999;
    let offsets = [4, 40, 69, 125, 208, 1240];
    let ranges = offsets.into_iter().map(|offset| MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: frame + offset,
        length: 4,
    });
    ranges.collect()
}

/// Bytes of each memory of `stores.wat`: where each of its stores writes, next to that, and
/// all of it.
fn ranges_of_stores(_: &mut Timeline) -> Vec<MemoryRange> {
    let ranges = [
        (0, 0, 1024),
        (0, 8, 11),
        (0, 64, 4),
        (0, 68, 4),
        (0, 79, 1),
        (0, 80, 16),
        (0, 97, 1),
        (0, 98, 2),
        (0, 101, 3),
        (0, 127, 1),
        (0, 128, 5),
        (0, 184, 1),
        (0, 192, 4),
        (0, 200, 1),
        (0, 208, 32),
        (0, 224, 2),
        (0, 240, 4),
        (0, 248, 1),
        (0, 257, 1),
        (0, 264, 4),
        (0, 395, 8),
        (0, 410, 8),
        (0, 421, 1),
        (0, 509, 2),
        (0, 600, 4),
        (0, 608, 4),
        (0, 700, 4),
        (0, 724, 1),
        (1, 64, 4),
        (1, 110, 20),
        (2, 64, 4),
        (2, 190, 16),
        (2, 308, 2),
    ];
    let range = |(memory, address, length)| MemoryRange {
        instance: InstanceId(0),
        memory,
        address,
        length,
    };
    ranges.map(range).to_vec()
}

fn goes_to_changes(
    timeline: &mut Timeline,
    oracle: &Oracle,
    range: MemoryRange,
    changes: &[(Position, Change)],
) {
    for at in (0..oracle.last()).step_by(oracle.last() / 5 + 1) {
        let from = oracle.moments[at].position;
        for (motion, expected) in [
            (
                Motion::LastChange(range),
                changes.iter().rfind(|(p, _)| *p < from),
            ),
            (
                Motion::NextChange(range),
                changes.iter().find(|(p, _)| *p > from),
            ),
        ] {
            go(timeline, Motion::Position(from));
            let went = timeline.travel(&motion, &Interrupt::new());
            match expected {
                Some((position, change)) => {
                    assert_eq!(
                        went.expect("a change").position,
                        *position,
                        "{motion:?} from {from}"
                    );
                    assert_eq!(timeline.change_of(&range), Some(change));
                }
                None => {
                    let is_told = matches!(
                        went,
                        Err(TimelineError::NotWritten(_) | TimelineError::NotWrittenAgain(_))
                    );
                    assert!(is_told, "{motion:?} from {from}: {went:?}");
                    assert_eq!(timeline.here().position, from);
                }
            }
        }
    }
}

/// What was there is written again: that is no change, and told with the last one.
#[test]
fn writes_of_the_same_value_are_told() {
    let (_dir, trace) = record(&run("motion/stores.wat"));
    let mut timeline = timeline(trace, false);
    let constant = MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: 600,
        length: 4,
    };
    let counted = MemoryRange {
        address: 64,
        ..constant
    };
    go(&mut timeline, Motion::End);
    let end = timeline.here().position.tick;
    go(&mut timeline, Motion::LastChange(constant));
    let first = timeline.here().position.tick;
    // Three times around the loop, the last time in the last tick.
    assert_eq!(end, Tick(first.0 + 2));
    assert_eq!(timeline.written_again(), Some((2, end)));
    go(&mut timeline, Motion::End);
    go(&mut timeline, Motion::LastChange(counted));
    assert_eq!(timeline.written_again(), None);
}

/// With other breakpoints, conditions and hit conditions.
fn chooses_among_changes(guest: Guest) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let mut timeline = timeline(trace, false);
    let memory = Memory::at_the_end_of(&mut timeline).expect("a memory");
    let address = addresses(&mut timeline, &memory, 1)[0];
    let instance = memory.instance;
    let range = MemoryRange {
        instance,
        memory: 0,
        address,
        length: 4,
    };
    let change = Breakpoint::new(ID, vec![Place::Change(range)]);
    let (changes, ..) = visits(&mut timeline, &change.places, 1 << 20);
    let changes = positions(&changes);
    assert!(changes.len() > 3, "{}", changes.len());
    // One that is where something changes, too.
    let at = oracle.index_of(changes[1]);
    let frame = oracle.moments[at].frame.expect("a frame");
    let module = oracle.activations[frame].module;
    let code = Place::Code {
        module,
        pc: changes[1].pc,
    };
    let other = Breakpoint::new(BreakpointId(2), vec![code]);
    let ids = |position: Position| {
        let mut ids = Vec::new();
        ids.extend(changes.contains(&position).then_some(ID));
        let index = oracle.moments.iter().position(|m| m.position == position);
        let others = index.map(|index| oracle.breakpoints_at(index, std::slice::from_ref(&other)));
        ids.extend(others.into_iter().flatten());
        ids
    };
    let mut all: Vec<Position> = oracle.moments[1..oracle.last()]
        .iter()
        .map(|m| m.position)
        .collect();
    all.extend(changes.iter().filter(|p| p.phase == Phase::Answered));
    all.sort_unstable();
    let both: Vec<_> = all
        .into_iter()
        .map(|p| (p, ids(p)))
        .filter(|(_, ids)| !ids.is_empty())
        .collect();
    assert!(both.iter().any(|(_, ids)| ids.len() == 2));
    timeline.set_breakpoints(vec![change.clone(), other.clone()]);
    for direction in [Forward, Backward] {
        let got: Vec<_> = stops(&mut timeline, direction)
            .into_iter()
            .map(|(p, ids, _)| (p, ids))
            .collect();
        assert_eq!(got, both, "{direction:?}");
    }
    let tick = changes[changes.len() / 2].tick;
    let condition = format!("$tick >= {}", tick.0);
    let held: Vec<Position> = changes.iter().copied().filter(|p| p.tick >= tick).collect();
    for (condition, hits, expected) in [
        (Some(condition.clone()), None, held.clone()),
        (None, Some(HitCondition::Exactly(3)), vec![changes[2]]),
        (None, Some(HitCondition::From(2)), changes[1..].to_vec()),
        (
            Some(condition),
            Some(HitCondition::Exactly(2)),
            held[1..2].to_vec(),
        ),
    ] {
        let set = Breakpoint {
            condition: condition.clone(),
            hits,
            ..change.clone()
        };
        timeline.set_breakpoints(vec![set]);
        for direction in [Forward, Backward] {
            let got: Vec<_> = stops(&mut timeline, direction)
                .into_iter()
                .map(|(p, ..)| p)
                .collect();
            assert_eq!(got, expected, "{condition:?} {hits:?} {direction:?}");
        }
    }
}

each! {
    changes_off_one_local: finds_changes_of(run("motion/frames.wat"), ranges_of_frames);
    changes_by_every_kind_of_store: finds_changes_of(run("motion/stores.wat"), ranges_of_stores);
    changes_in_unoptimised_c: finds_changes(command("motion/steps-O0.wasm"), 2);
    changes_in_optimised_c: finds_changes(command("motion/steps-O2.wasm"), 4);
    changes_by_hostcalls: finds_changes(run("motion/realloc.wat"), 8);
    a_choice_of_changes: chooses_among_changes(command("motion/steps-O0.wasm"));
}
