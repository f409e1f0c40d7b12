//! Expressions: parsed, and evaluated over the variables of two guests.

use super::Reached;
use super::source::{Nonsense, evaluate};
use rr_dap::inspect::expression::Expression;
use rr_dap::inspect::variable::variables::variables;
use rr_dap::source::ModuleSource;
use std::sync::OnceLock;
use wasmparser::{Parser, Payload};

/// A guest of C, as a component, and one of Rust, as a core module.
const GUESTS: [&[u8]; 2] = [
    include_bytes!("../../fixtures/hello-c-O0.wasm"),
    include_bytes!("../../fixtures/motion/closures-O0.wasm"),
];
/// Longer ones nobody types.
const LONGEST: usize = 4096;

/// Evaluates what somebody may have typed, be it UTF-8 or not.
pub fn expression(bytes: &[u8]) -> Reached {
    let text = String::from_utf8_lossy(bytes.get(..LONGEST).unwrap_or(bytes));
    let parsed = match Expression::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(text.contains(error.part()));
            return Reached::Refused;
        }
    };
    let _ = (parsed.needs(), parsed.path());
    let mut reached = Reached::Wrong;
    for (guest, pc) in guests() {
        let state = Nonsense(text.len() as u64);
        if evaluate(guest, *pc, &state, &text) == Some(true) {
            reached = Reached::End;
        }
    }
    reached
}

/// Debug information and a place with variables in scope.
fn guests() -> &'static [(ModuleSource, u32)] {
    static GUESTS_READ: OnceLock<Vec<(ModuleSource, u32)>> = OnceLock::new();
    GUESTS_READ.get_or_init(|| {
        let read = GUESTS.map(|bytes| {
            let source = ModuleSource::read(module_with_dwarf(bytes).into()).expect("a fixture");
            let richest = richest(&source);
            (source, richest)
        });
        read.into()
    })
}

/// Where the most variables are in scope, of the first functions.
fn richest(source: &ModuleSource) -> u32 {
    let starts = source.functions().take(300).map(|f| source.body_start(f));
    let count = |pc: &u32| variables(source, *pc, &Nonsense(0)).map_or(0, |found| found.len());
    starts.max_by_key(count).expect("a guest has functions")
}

/// The core module with debug information in a component, or this module.
fn module_with_dwarf(bytes: &[u8]) -> &[u8] {
    let modules = Parser::new(0).parse_all(bytes);
    let mut modules = modules.filter_map(|payload| match payload.expect("a sound fixture") {
        Payload::ModuleSection {
            unchecked_range, ..
        } => bytes.get(unchecked_range),
        _ => None,
    });
    let has_debug = |module: &&[u8]| module.windows(11).any(|w| w == b".debug_info");
    modules.find(has_debug).unwrap_or(bytes)
}
