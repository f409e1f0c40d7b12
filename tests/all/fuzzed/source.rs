//! Debug information, damaged section by section.

use super::{Fuzzing, doors, pick};
use crate::support::binary::leb128;
use crate::support::file::{Numbers, mutate};
use crate::support::{fixture, golden, module_with_dwarf, parse};
use rr_dap::component::{Component, ModuleId};
use rr_dap::source::external::{External, Search};
use std::ops::Range;
use std::sync::Arc;
use wasmparser::{Parser, Payload};

/// Modules with debug information of all kinds: of each language, plain and optimised, split,
/// and a source map.
fn modules() -> Vec<Arc<[u8]>> {
    let read = |name: &str| std::fs::read(fixture(name)).unwrap();
    vec![
        module_with_dwarf(&read("hello-c-O0.wasm")),
        module_with_dwarf(&read("hello-c-O2.wasm")),
        read("motion/steps-O2.wasm").into(),
        read("motion/closures-O2.wasm").into(),
        module_with_dwarf(&golden("values-c-O0")),
        module_with_dwarf(&golden("values-cpp-O2")),
        module_with_dwarf(&golden("values-rust-O2")),
        module_with_dwarf(&golden("values-zig-O2")),
        with_files("split/split.wasm", &["split/split.dwp"]),
        with_files("tally/tally.wasm", &["tally/tally.wasm.map"]),
    ]
}

/// A module with the debug information of other files put into it, as a session does.
fn with_files(module: &str, files: &[&str]) -> Arc<[u8]> {
    let component = parse(&fixture(module));
    let search = Search {
        program: module.to_owned(),
        given: files.iter().map(|file| fixture(file)).collect(),
        ..Search::default()
    };
    let found = External::find(&component, &search).unwrap();
    let component = found.put_into(&component).expect("files that fit");
    let component = Component::parse(component).unwrap();
    component.module(ModuleId(0)).unwrap().into()
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    modules().iter().map(|module| module.to_vec()).collect()
}

/// A module in pieces: what stays as it is, and custom sections that tell of its sources.
fn pieces(module: &[u8]) -> Vec<(Option<String>, Range<usize>)> {
    let mut pieces = Vec::new();
    let mut kept = 0;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(custom) = payload.unwrap()
            && (custom.name().starts_with(".debug_")
                || custom.name().starts_with("rr-dap.")
                || custom.name() == "name")
        {
            let start = header_of(module, custom.range().start);
            pieces.push((None, kept..start));
            let contents = custom.data_offset()..custom.range().end;
            pieces.push((Some(custom.name().to_owned()), contents));
            kept = custom.range().end;
        }
    }
    pieces.push((None, kept..module.len()));
    pieces
}

/// Where the header of a section is whose payload starts here: an id and a length.
fn header_of(module: &[u8], payload: usize) -> usize {
    let last = payload - 1;
    let mut start = last;
    while module[start - 1] & 0x80 != 0 && last - start < 4 {
        start -= 1;
    }
    start - 1
}

/// The module with some of its sections damaged, the lengths of which are right again.
fn damaged(module: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::with_capacity(module.len());
    let pieces = pieces(module);
    let sections = pieces.iter().filter(|(name, _)| name.is_some()).count();
    let (cut, hit) = (numbers.below(sections * 3), numbers.below(sections));
    let mut number = 0;
    for (name, range) in pieces {
        let Some(name) = name else {
            out.extend_from_slice(&module[range]);
            continue;
        };
        let mut contents = module[range].to_vec();
        if number == cut {
            contents.truncate(numbers.below(contents.len() + 1));
        }
        if number == hit || numbers.below(3) == 0 {
            for _ in 0..=numbers.below(4) {
                mutate(&mut contents, numbers);
            }
        }
        number += 1;
        let mut payload = Vec::new();
        leb128(name.len(), &mut payload);
        payload.extend_from_slice(name.as_bytes());
        payload.extend(contents);
        out.push(0);
        leb128(payload.len(), &mut out);
        out.extend(payload);
    }
    out
}

#[test]
fn debug_information_is_read_or_said_to_be_damaged() {
    let fuzzing = Fuzzing {
        name: "source",
        door: doors::source,
        count: 2500,
    };
    let modules = seeds();
    for module in &modules {
        assert_ne!(doors::source(module), doors::Reached::Refused);
    }
    let Some(tally) = fuzzing.run(|numbers| damaged(pick::<Vec<u8>>(&modules, numbers), numbers))
    else {
        return;
    };
    assert!(tally.wrong > tally.all() / 10, "{tally:?}");
    assert!(tally.end > tally.all() / 10, "{tally:?}");
}
