//! Recordings: damaged as bytes, and altered by somebody who knows the format.

use super::{Fuzzing, damaged, doors, pick};
use crate::support::command::{Call, command};
use crate::support::file::{
    COMPONENT, EVENTS, METADATA, Numbers, RECORDS, Section, build, mutate, sections,
};
use crate::support::{concurrent, events, fixture, parse, record, rewrite};
use crate::trace_ending::as_records;
use rr_dap::trace::{Trace, log_line};
use std::path::Path;

/// Small programs with all kinds of events: composed components, handles, errors, traps,
/// tasks, streams and futures.
fn recordings() -> Vec<Vec<Section>> {
    let dir = tempfile::tempdir().unwrap();
    let mut recordings = Vec::new();
    for (app, options) in [
        (command("greeter", Call::Greeting, dir.path()), &[][..]),
        (command("nested", Call::Number("run", 222), dir.path()), &[]),
        (fixture("wat/handles.wat"), &["--invoke", "run()"]),
        (fixture("wat/errors.wat"), &["--invoke", "run()"]),
        (fixture("motion/realloc.wat"), &["--invoke", "run()"]),
        (fixture("motion/unreachable.wat"), &["--invoke", "run()"]),
        (fixture("motion/overtaking.wat"), &["--invoke", "run()"]),
        (fixture("motion/threads.wat"), &["--invoke", "run()"]),
    ] {
        let path = dir.path().join("called.rrtrace");
        record(&app, options, &[], "", &path);
        recordings.push(in_small_sections(&path));
    }
    for name in [
        "callback",
        "subtasks",
        "waiting",
        "streams",
        "futures",
        "handles-later",
    ] {
        let path = dir.path().join(format!("{name}.rrtrace"));
        let component = parse(&fixture(&format!("wat/{name}.wat")));
        let (_, recorded) = concurrent::record(&component, &path);
        recorded.unwrap_or_else(|error| panic!("{name}: {error}"));
        recordings.push(in_small_sections(&path));
    }
    recordings
}

/// The recording in sections of a few events.
fn in_small_sections(path: &Path) -> Vec<Section> {
    let trace = Trace::open(path).unwrap();
    let small = path.with_extension("small");
    let (events, outcome) = (events(path), trace.outcome());
    rewrite::write(trace.component().clone(), &events, outcome, 7, &small);
    sections(&std::fs::read(small).unwrap())
}

/// Each recording as it is; one as a component that records itself writes it, one that was cut
/// off, and one in the lines of a log.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    seeds_of(&recordings())
}

fn seeds_of(recordings: &[Vec<Section>]) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = recordings.iter().map(|parts| build(parts)).collect();
    let dir = tempfile::tempdir().unwrap();
    let (whole, raw) = (dir.path().join("whole"), dir.path().join("raw"));
    std::fs::write(&whole, &seeds[0]).unwrap();
    as_records(&whole, &raw);
    seeds.push(std::fs::read(raw).unwrap());
    let cut = seeds[1].len() - 60;
    seeds.push(seeds[1][..cut].to_vec());
    let lines = (0..)
        .zip(seeds[2].chunks(2000))
        .map(|(n, chunk)| log_line(n, chunk));
    seeds.push(lines.collect::<Vec<_>>().join("\n").into_bytes());
    seeds
}

/// A recording with its sections altered, in other order, of other kinds.
fn forged(recordings: &[Vec<Section>], numbers: &mut Numbers) -> Vec<u8> {
    let mut parts = pick(recordings, numbers).clone();
    for _ in 0..=numbers.below(2) {
        let at = match numbers.below(4) {
            0 => numbers.below(parts.len()),
            // Most of what is read is in these.
            _ => {
                let held = |part: &Section| part.id == EVENTS || part.id == RECORDS;
                let holding: Vec<usize> = (0..parts.len()).filter(|at| held(&parts[*at])).collect();
                *pick(&holding, numbers)
            }
        };
        match numbers.below(24) {
            0 => parts[at].first_event = numbers.next() >> numbers.below(64),
            1 => parts[at].id = numbers.below(8) as u16,
            2 => drop(parts.remove(at)),
            3 => parts.insert(at, parts[at].clone()),
            4 => {
                let other = numbers.below(parts.len());
                parts.swap(at, other);
            }
            5 => {
                let other = pick(recordings, numbers);
                parts[at] = pick(other, numbers).clone();
            }
            _ => mutate(&mut parts[at].plain, numbers),
        }
        if !parts.iter().any(|part| part.id == EVENTS) {
            break;
        }
    }
    build(&parts)
}

#[test]
fn recordings_are_replayed_or_refused() {
    let fuzzing = Fuzzing {
        name: "trace",
        door: doors::trace,
        count: 1800,
    };
    let recordings = recordings();
    let seeds = seeds_of(&recordings);
    for parts in &recordings {
        assert_eq!([parts[0].id, parts[1].id], [METADATA, COMPONENT]);
        assert_eq!(doors::trace(&build(parts)), doors::Reached::End);
    }
    let Some(tally) = fuzzing.run(|numbers| match numbers.below(3) {
        0 => damaged(&seeds, numbers),
        _ => forged(&recordings, numbers),
    }) else {
        return;
    };
    assert!(tally.refused > tally.all() / 10, "{tally:?}");
    assert!(tally.wrong > tally.all() / 4, "{tally:?}");
    assert!(tally.end > tally.all() / 50, "{tally:?}");
}
