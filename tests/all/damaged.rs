//! Debug information and memory that make no sense: every question about them has an
//! answer or an error, soon. The damage is the same in every run.

use crate::support::hello::evaluate;
use crate::support::walk::Dice;
use crate::support::{fixture, golden, module_with_dwarf};
use rr_dap::component::types::CoreValue;
use rr_dap::inspect::FrameState;
use rr_dap::inspect::variable::variables::{
    Children, Variable, children, static_named, statics, variables,
};
use rr_dap::source::ModuleSource;
use std::ops::Range;
use std::sync::Arc;
use wasmparser::{Parser, Payload};

/// Memory full of numbers that depend on the address only: small ones, so that they look
/// like counts, and addresses in a memory of one page, so that every walk meets itself.
struct Nonsense(u64);

impl Nonsense {
    const MEMORY: u64 = 0x1_0000;

    fn word(&self, address: u64) -> u32 {
        let mut dice = Dice::new(self.0 ^ (address / 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        match dice.below(6) {
            0 => 0,
            1 => dice.below(16) as u32,
            2 => dice.roll() as u32,
            _ => dice.below(Self::MEMORY as usize / 4) as u32 * 4,
        }
    }
}

impl FrameState for Nonsense {
    fn local(&self, index: u32) -> Option<CoreValue> {
        Some(CoreValue::I32(self.word(u64::from(index) * 4) as i32))
    }

    fn operand(&self, index: u32) -> Option<CoreValue> {
        self.local(index)
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        Some(CoreValue::I32(0x8000))
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let end = address.checked_add(length as u64)?;
        let byte = |at: u64| self.word(at).to_le_bytes()[(at % 4) as usize];
        (end <= Self::MEMORY).then(|| (address..end).map(byte).collect())
    }
}

/// Looks at a value and at some of what is inside, first and far.
fn look_inside(source: &ModuleSource, of: &Variable, state: &dyn FrameState, depth: usize) {
    let pages: &[Range<u64>] = match of.children {
        Children::None => return,
        Children::Named(_) => &[0..2, 2..4],
        Children::Indexed(_) => &[0..3, 9_000..9_002],
    };
    for page in pages {
        for child in children(source, of, state, page.clone()).unwrap_or_default() {
            if depth > 0 {
                look_inside(source, &child, state, depth - 1);
            }
        }
    }
}

fn ask_everything(source: &ModuleSource, pc: u32, state: &dyn FrameState) {
    source.line_at(pc);
    source.inlined_at(pc);
    source.statements(pc..pc.saturating_add(64));
    let found = variables(source, pc, state).unwrap_or_default();
    for variable in found.iter().take(40) {
        look_inside(source, variable, state, 2);
        for text in [
            format!("*{}", variable.name),
            format!("{}[7].x", variable.name),
            format!("{}[\"key\"] == 3", variable.name),
            format!("(char *){0} == \"x\" || {0} + 1 > 2", variable.name),
        ] {
            let _ = evaluate(source, pc, state, &text);
        }
    }
    for variable in statics(source, pc, state)
        .unwrap_or_default()
        .iter()
        .take(8)
    {
        look_inside(source, variable, state, 1);
    }
    for name in ["hidden", "bank::balance", "COUNTER", "{vtable}"] {
        let _ = static_named(source, pc, name, state);
    }
}

/// The guests with sections of debug information of all kinds.
fn modules() -> Vec<Arc<[u8]>> {
    let read = |name: &str| std::fs::read(fixture(name)).unwrap();
    vec![
        module_with_dwarf(&read("hello-c-O2.wasm")),
        read("motion/steps-O2.wasm").into(),
        read("motion/closures-O2.wasm").into(),
        module_with_dwarf(&golden("values-c-O0")),
        module_with_dwarf(&golden("values-cpp-O2")),
        module_with_dwarf(&golden("values-rust-O2")),
    ]
}

/// A module in pieces: what stays as it is, and sections of debug information.
fn pieces(module: &[u8]) -> Vec<(Option<String>, Range<usize>)> {
    let mut pieces = Vec::new();
    let mut kept = 0;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(custom) = payload.unwrap()
            && custom.name().starts_with(".debug_")
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

fn leb(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The module with bytes of its debug information changed, and sometimes a section cut.
fn damaged(module: &[u8], dice: &mut Dice) -> Arc<[u8]> {
    let mut out = Vec::with_capacity(module.len());
    let pieces = pieces(module);
    let sections = pieces.iter().filter(|(name, _)| name.is_some()).count();
    let (cut, hit) = (dice.below(sections * 3), dice.below(sections));
    let mut number = 0;
    for (name, range) in pieces {
        let Some(name) = name else {
            out.extend_from_slice(&module[range]);
            continue;
        };
        let mut contents = module[range].to_vec();
        if number == cut {
            contents.truncate(dice.below(contents.len() + 1));
        }
        if number == hit || dice.below(3) == 0 {
            for _ in 0..=dice.below(12) {
                if contents.is_empty() {
                    break;
                }
                let at = dice.below(contents.len());
                contents[at] = [0, 0xff, 0x7f, 0x80, dice.roll() as u8][dice.below(5)];
            }
        }
        number += 1;
        let mut payload = Vec::new();
        leb(name.len(), &mut payload);
        payload.extend_from_slice(name.as_bytes());
        payload.extend(contents);
        out.push(0);
        leb(payload.len(), &mut out);
        out.extend(payload);
    }
    out.into()
}

#[test]
fn damaged_debug_information_of_every_language_is_an_error_at_worst() {
    let mut dice = Dice::new(5);
    let mut noticed = 0;
    for module in modules() {
        let sound = ModuleSource::read(module.clone()).unwrap();
        let all: Vec<u32> = sound.functions().map(|f| f.range.start + 12).collect();
        assert!(!all.is_empty());
        for round in 0..12 {
            let source = ModuleSource::read(damaged(&module, &mut dice)).unwrap();
            noticed += usize::from(source.problems().next().is_some());
            for _ in 0..6 {
                ask_everything(&source, *dice.pick(&all), &Nonsense(round));
            }
            source.functions_named("main");
            if let Some((_, path)) = source.files().next() {
                source.breakpoint_places(path, 20);
            }
        }
    }
    assert!(noticed > 0, "the damage must be noticed sometimes");
}

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
