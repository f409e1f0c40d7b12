//! Writes that store what was there already, where they are asked for: each is found, as
//! stepping through the whole recording tells, and nothing else.

use crate::support::oracle::Oracle;
use crate::support::walk::{Guest, each, record, run, timeline};
use rr_dap::component::ModuleId;
use rr_dap::component::types::CoreValue;
use rr_dap::replay::{InstanceId, Phase, Position};
use rr_dap::timeline::travel::motion::{
    Breakpoint, BreakpointId, Direction, HitCondition, HostcallFilter, MemoryRange, Motion, Place,
    Reason,
};
use rr_dap::timeline::{Change, Interrupt, Timeline, TimelineError};
use std::ops::Range;

use Direction::{Backward, Forward};

const ID: BreakpointId = BreakpointId(1);

fn go(timeline: &mut Timeline, motion: Motion) -> Reason {
    timeline
        .travel(&motion, &Interrupt::new())
        .unwrap_or_else(|e| panic!("{motion:?}: {e}"))
        .reason
}

/// Numbers as a module has them: 7 bits in a byte.
fn number(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a number");
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return number;
        }
    }
    unreachable!()
}

/// The memory and the bytes that an instruction writes, by its opcode and what is on the stack.
/// What has to be there already, if it writes only then.
fn written(mut bytes: &[u8], stack: &[CoreValue]) -> Option<(u64, Range<u64>, Option<u64>)> {
    let at = |from_top: usize| match stack[stack.len() - from_top] {
        CoreValue::I32(number) => u64::from(number.cast_unsigned()),
        CoreValue::I64(number) => number.cast_unsigned(),
        ref other => panic!("{other:?} is not an address"),
    };
    let prefix = bytes[0];
    bytes = &bytes[1..];
    let sizes = [4, 8, 1, 2, 1, 2, 4];
    let opcode = match prefix {
        0xfc..=0xfe => number(&mut bytes),
        _ => 0,
    };
    let (length, above) = match (prefix, opcode) {
        (0x36..=0x39, _) => ([4, 8, 4, 8][usize::from(prefix - 0x36)], 1),
        (0x3a..=0x3e, _) => ([1, 2, 1, 2, 4][usize::from(prefix - 0x3a)], 1),
        (0xfd, 11) => (16, 1),
        (0xfd, 88..=91) => (1 << (opcode - 88), 1),
        (0xfe, 0x17..=0x47) => (sizes[(opcode as usize - 0x17) % 7], 1),
        (0xfe, 0x48..=0x4e) => (sizes[(opcode as usize - 0x17) % 7], 2),
        // memory.init names a segment first.
        (0xfc, 8) => {
            number(&mut bytes);
            return Some((number(&mut bytes), at(3)..at(3) + at(1), None));
        }
        (0xfc, 10 | 11) => return Some((number(&mut bytes), at(3)..at(3) + at(1), None)),
        _ => return None,
    };
    let flags = number(&mut bytes);
    let memory = if flags & 0x40 == 0 {
        0
    } else {
        number(&mut bytes)
    };
    let address = at(above + 1) + number(&mut bytes);
    let expected = (above == 2).then(|| at(2));
    Some((memory, address..address + length, expected))
}

/// All writes to some ranges, in order, by going to every moment.
fn writes(
    timeline: &mut Timeline,
    oracle: &Oracle,
    ranges: &[MemoryRange],
) -> Vec<Vec<(Position, Change)>> {
    let read = |timeline: &mut Timeline, range: &MemoryRange| {
        let read = timeline.memory(range.instance, range.memory, range.address, range.length);
        let mut bytes = read.expect("memory");
        bytes.resize(range.length as usize, 0);
        bytes
    };
    let mut last: Vec<Vec<u8>> = Vec::new();
    let mut found = vec![Vec::new(); ranges.len()];
    // What the instruction before wrote, and the instance that it is of.
    let mut before: Option<(InstanceId, u64, Range<u64>)> = None;
    for moment in &oracle.moments {
        let position = moment.position;
        go(timeline, Motion::Position(position));
        let now: Vec<_> = ranges.iter().map(|range| read(timeline, range)).collect();
        if last.is_empty() {
            last.clone_from(&now);
        }
        for (i, range) in ranges.iter().enumerate() {
            let is_written = before.as_ref().is_some_and(|(instance, memory, written)| {
                let until = range.address + u64::from(range.length);
                (*instance, *memory) == (range.instance, u64::from(range.memory))
                    && written.start < written.end
                    && written.start < until
                    && range.address < written.end
            });
            if (is_written || last[i] != now[i]) && position.phase != Phase::End {
                let change = Change {
                    range: *range,
                    old: last[i].clone(),
                    new: now[i].clone(),
                };
                found[i].push((position, change));
            }
        }
        last = now;
        before = None;
        if moment.frame.is_none() || position.phase != Phase::Before {
            continue;
        }
        let frame = timeline.frames().expect("frames")[0];
        let bytes = instruction(oracle, frame.module, position.pc);
        let stack = timeline.operands(0).expect("operands");
        if let Some((memory, written, expected)) = written(&bytes, &stack) {
            let there = timeline.memory(
                frame.instance,
                memory as u32,
                written.start,
                (written.end - written.start) as u32,
            );
            let mut there = there.expect("memory");
            let is_there = expected.is_none_or(|expected| {
                there.resize(8, 0);
                u64::from_le_bytes(there[..].try_into().expect("8 bytes")) == expected
            });
            before = is_there.then_some((frame.instance, memory, written));
        }
    }
    found
}

fn instruction(oracle: &Oracle, module: ModuleId, pc: u32) -> Vec<u8> {
    let component = oracle.trace.component();
    let bytes = component.module(module).expect("a module");
    bytes[pc as usize..(pc as usize + 24).min(bytes.len())].to_vec()
}

type Write = (Position, Change);

fn stops(timeline: &mut Timeline, direction: Direction) -> Vec<Write> {
    go(
        timeline,
        match direction {
            Forward => Motion::Start,
            Backward => Motion::End,
        },
    );
    let mut stops = Vec::new();
    while let Reason::Breakpoints(_) = go(timeline, Motion::Continue(direction)) {
        let change = timeline.change_here(ID).cloned().expect("a write");
        stops.push((timeline.here().position, change));
    }
    if direction == Backward {
        stops.reverse();
    }
    stops
}

/// Breakpoints stop at all of these writes, in both directions, and motions go to the last one
/// and the next.
fn finds(timeline: &mut Timeline, oracle: &Oracle, range: MemoryRange, expected: &[Write]) {
    timeline.set_breakpoints(vec![Breakpoint::new(ID, vec![Place::Write(range)])]);
    assert_eq!(stops(timeline, Forward), expected, "{range}");
    assert_eq!(stops(timeline, Backward), expected, "{range}");
    timeline.set_breakpoints(vec![Breakpoint {
        hits: Some(HitCondition::Every(2)),
        ..Breakpoint::new(ID, vec![Place::Write(range)])
    }]);
    let every_second: Vec<Write> = expected.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(stops(timeline, Backward), every_second, "{range}");
    timeline.set_breakpoints(Vec::new());
    let mut from: Vec<Position> = (0..oracle.last())
        .step_by(oracle.last() / 3 + 1)
        .map(|at| oracle.moments[at].position)
        .collect();
    from.extend(expected.iter().map(|(at, _)| *at).step_by(9));
    for from in from {
        let before = expected.iter().rfind(|(at, _)| *at < from);
        let after = expected.iter().find(|(at, _)| *at > from);
        for (motion, expected) in [
            (Motion::LastWrite(range), before),
            (Motion::NextWrite(range), after),
        ] {
            go(timeline, Motion::Position(from));
            let went = timeline.travel(&motion, &Interrupt::new());
            let Some((position, change)) = expected else {
                let is_told = matches!(
                    went,
                    Err(TimelineError::NotWritten(_) | TimelineError::NoMoreWrites(_))
                );
                assert!(is_told, "{motion:?} from {from}: {went:?}");
                continue;
            };
            let went = went.unwrap_or_else(|e| panic!("{motion:?} from {from}: {e}"));
            assert_eq!(went.position, *position, "{motion:?} from {from}");
            assert_eq!(timeline.change_of(&range), Some(change));
            assert_eq!(timeline.written_again(), None);
        }
    }
}

/// The same, with and without knowing which stretches wrote what, and as visits.
fn finds_all_writes(guest: Guest, ranges: &[(u32, u64, u32)]) {
    let (_dir, trace) = record(&guest);
    let oracle = Oracle::of(trace.clone());
    let range = |&(memory, address, length)| MemoryRange {
        instance: InstanceId(0),
        memory,
        address,
        length,
    };
    let ranges: Vec<MemoryRange> = ranges.iter().map(range).collect();
    let mut plain = timeline(trace.clone(), false);
    let expected = writes(&mut plain, &oracle, &ranges);
    let is_same = |(_, change): &&Write| change.old == change.new;
    let same = expected.iter().flatten().filter(is_same).count();
    assert!(same > 3, "{same} writes of the same value");
    let mut surveyed = timeline(trace, true);
    go(&mut surveyed, Motion::End);
    let survey = surveyed.wait_for_survey(&Interrupt::new());
    assert!(survey.expect("waits").is_some(), "no survey");
    for (range, expected) in ranges.iter().zip(&expected) {
        // Going there first, before all of it has been looked at.
        finds(&mut surveyed, &oracle, *range, expected);
        finds(&mut plain, &oracle, *range, expected);
        let places = vec![Place::Write(*range)];
        let visits = plain.visits(places, 1 << 20, &Interrupt::new(), &|_| {});
        let visits = visits.expect("visits").visits.into_iter();
        let visits: Vec<Write> = visits
            .map(|visit| (visit.position, visit.changed[0].clone()))
            .collect();
        assert_eq!(visits, *expected, "{range}");
    }
    // Among changes of the same bytes, each has its own.
    let (range, expected) = (ranges[0], &expected[0]);
    let other = BreakpointId(2);
    plain.set_breakpoints(vec![
        Breakpoint::new(ID, vec![Place::Write(range)]),
        Breakpoint::new(other, vec![Place::Change(range)]),
    ]);
    go(&mut plain, Motion::Start);
    for (position, change) in expected {
        let Reason::Breakpoints(ids) = go(&mut plain, Motion::Continue(Forward)) else {
            panic!("no stop at {position}");
        };
        assert_eq!(plain.here().position, *position);
        assert!(ids.contains(&ID), "{position}");
        assert_eq!(ids.contains(&other), change.old != change.new, "{position}");
    }
}

/// A hostcall that writes what was there is a write, too: where it has answered.
#[test]
fn hostcalls_write_the_same() {
    let (_dir, trace) = record(&run("motion/realloc.wat"));
    let oracle = Oracle::of(trace.clone());
    let component = trace.component().clone();
    let calls = oracle.moments.iter().filter_map(|moment| {
        let crossing = component.crossing(moment.crossing?)?;
        let is_bytes = crossing.name.to_string().contains("get-random-bytes");
        is_bytes.then_some(moment.position)
    });
    let mut timeline = timeline(trace, false);
    let mut expected = Vec::new();
    for position in calls.collect::<Vec<_>>() {
        go(&mut timeline, Motion::Position(position));
        go(
            &mut timeline,
            Motion::OverHostcall(Forward, HostcallFilter::ANY),
        );
        expected.push(timeline.here().position);
    }
    assert_eq!(expected.len(), 6);
    // The upper half of where the bytes are, which each call answers.
    let range = MemoryRange {
        instance: InstanceId(0),
        memory: 0,
        address: 18,
        length: 2,
    };
    timeline.set_breakpoints(vec![Breakpoint::new(ID, vec![Place::Write(range)])]);
    for direction in [Forward, Backward] {
        let stops = stops(&mut timeline, direction);
        let told: Vec<Position> = stops.iter().map(|(position, _)| *position).collect();
        assert_eq!(told, expected, "{direction:?}");
        assert!(
            stops
                .iter()
                .all(|(_, c)| c.old == [0, 0] && c.new == [0, 0])
        );
    }
    timeline.set_breakpoints(vec![Breakpoint::new(ID, vec![Place::Change(range)])]);
    assert_eq!(stops(&mut timeline, Forward), Vec::new());
}

each! {
    the_same_by_every_kind_of_store: finds_all_writes(
        run("motion/stores.wat"),
        &[
            (0, 600, 4), (0, 264, 4), (0, 408, 8), (0, 127, 1), (0, 228, 1), (0, 249, 3),
            (0, 301, 2), (0, 0, 1024), (1, 66, 2), (2, 190, 16),
        ],
    );
    the_same_wherever_it_is: finds_all_writes(
        run("motion/same.wat"),
        &[(0, 16, 4), (0, 17, 1), (0, 20, 4), (0, 24, 4), (0, 32, 8), (0, 40, 4), (0, 0, 48)],
    );
}
