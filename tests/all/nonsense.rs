//! Memory that makes no sense: every question about it has an answer or an error, soon. Damaged
//! debug information is tried by `fuzzed`.

use crate::fuzzed::doors::source::{Nonsense, ask_everything};
use crate::support::{fixture, golden, module_with_dwarf};
use rr_dap::inspect::variable::variables::variables;
use rr_dap::source::ModuleSource;

/// Containers that are nothing but circles and wild pointers.
#[test]
fn containers_in_nonsense_are_shown_or_say_what_is_wrong() {
    for (guest, source) in [
        ("values-cpp-O0", "values.cpp"),
        ("values-rust-O0", "values.rs"),
    ] {
        let dwarf = ModuleSource::read(module_with_dwarf(&golden(guest))).unwrap();
        let path = format!("/rr-dap/fixtures/golden/{source}");
        let text = std::fs::read_to_string(fixture(&format!("golden/{source}"))).unwrap();
        let lines = (1..).zip(text.lines());
        let stops = lines.filter(|(_, line)| line.ends_with("// stop"));
        let places: Vec<u32> = stops
            .flat_map(|(line, _)| dwarf.breakpoint_places(&path, line))
            .map(|place| place.pc)
            .collect();
        assert!(places.len() >= 3);
        let mut said = 0;
        for seed in 0..12 {
            for &pc in &places {
                let state = Nonsense(seed);
                ask_everything(&dwarf, pc, &state);
                let found = variables(&dwarf, pc, &state).unwrap();
                said += found
                    .iter()
                    .filter(|v| v.value.contains("<damaged"))
                    .count();
            }
        }
        assert!(said > 0, "{guest}: damage must be told sometimes");
    }
}
