//! Programs, damaged.

use super::{Fuzzing, damaged, doors};
use crate::support::fixture;
use rr_dap::component::component_bytes;

/// All fixtures in text form, a small component that a compiler made, and a core module.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in ["wat", "motion"] {
        let files = std::fs::read_dir(fixture(folder)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        paths.extend(files.filter(|path| path.extension().is_some_and(|e| e == "wat")));
    }
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.iter().map(|p| component_bytes(p).unwrap()).collect();
    seeds.push(std::fs::read(fixture("later.wasm")).unwrap());
    // As it is: it is for the door to make a component of it.
    seeds.push(std::fs::read(fixture("motion/steps-O2.wasm")).unwrap());
    seeds
}

#[test]
fn programs_are_rewritten_validly_or_refused() {
    let fuzzing = Fuzzing {
        name: "component",
        door: doors::component,
        count: 10_000,
    };
    let seeds = seeds();
    for seed in &seeds {
        assert_ne!(doors::component(seed), doors::Reached::Refused);
    }
    let Some(tally) = fuzzing.run(|numbers| damaged(&seeds, numbers)) else {
        return;
    };
    assert!(tally.refused > tally.end, "{tally:?}");
    assert!(tally.end > tally.all() / 50, "{tally:?}");
}
