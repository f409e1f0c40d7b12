//! Debug information: everything that is asked of it, over memory that makes no sense.

use super::Reached;
use rr_dap::component::types::CoreValue;
use rr_dap::inspect::ChildCount;
use rr_dap::inspect::FrameState;
use rr_dap::inspect::expression::{
    Evaluated, Expression, Scene, SceneMoment, SourceFrame, Telling, declared,
};
use rr_dap::inspect::variable::variables::{
    Site, Variable, children, static_named, statics, variables,
};
use rr_dap::replay::Tick;
use rr_dap::source::{Listing, ModuleSource};
use std::ops::Range;

/// Functions that are looked at in one module.
const MOST_FUNCTIONS: usize = 12;

/// Reads the debug information of a core module.
pub fn source(bytes: &[u8]) -> Reached {
    let source = match ModuleSource::read(bytes.into()) {
        Ok(source) => source,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reached::Refused;
        }
    };
    let functions: Vec<(u32, String)> = source
        .functions()
        .take(MOST_FUNCTIONS)
        .map(|function| (source.body_start(function), function.name.clone()))
        .collect();
    for (at, (pc, name)) in functions.iter().enumerate() {
        source.functions_named(name);
        ask_everything(&source, *pc, &Nonsense(at as u64));
        if at < 2
            && let Some(index) = source.function_index_at(*pc)
        {
            Listing::of(&source, bytes, index);
        }
    }
    source.has_lines();
    let _ = source.kind().to_string();
    let files: Vec<String> = source.files().map(|(_, path)| path.to_owned()).collect();
    for path in files.iter().take(3) {
        source.breakpoint_places(path, 20);
    }
    let damage = source.damage();
    match damage
        .iter()
        .filter(|damage| !damage.to_string().is_empty())
        .count()
    {
        0 => Reached::End,
        _ => Reached::Wrong,
    }
}

/// Memory full of numbers that depend on the address only: small ones, so that they look
/// like counts, and addresses in a memory of one page, so that every walk meets itself.
pub struct Nonsense(pub u64);

impl Nonsense {
    const MEMORY: u64 = 0x1_0000;

    fn word(&self, address: u64) -> u32 {
        // splitmix64
        let mut word = ((self.0 << 32) ^ (address / 4)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let number = (word >> 8) as u32;
        match word % 6 {
            0 => 0,
            1 => number % 16,
            2 => number,
            _ => number % (Self::MEMORY as u32 / 4) * 4,
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

/// Asks all that can be asked of a place in the code.
pub fn ask_everything(source: &ModuleSource, pc: u32, state: &dyn FrameState) {
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
            evaluate(source, pc, state, &text);
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

/// Looks at a value and at some of what is inside, first and far.
fn look_inside(source: &ModuleSource, of: &Variable, state: &dyn FrameState, depth: usize) {
    let pages: &[Range<u64>] = match of.children {
        ChildCount::None => return,
        ChildCount::Named(_) => &[0..2, 2..4],
        ChildCount::Indexed(_) => &[0..3, 9_000..9_002],
    };
    for page in pages {
        for child in children(source, of, state, page.clone()).unwrap_or_default() {
            if depth > 0 {
                look_inside(source, &child, state, depth - 1);
            }
        }
    }
}

/// Evaluates an expression, asks for its type, and looks inside of what it comes to; whether it
/// came to anything. `None` if it is none.
pub(super) fn evaluate(
    source: &ModuleSource,
    pc: u32,
    state: &dyn FrameState,
    text: &str,
) -> Option<bool> {
    let scene = Scene {
        moment: SceneMoment {
            event: 7,
            in_call: false,
            tick: Tick(123),
            position: None,
            task: 0,
            turn: 0,
        },
        pc: Some(pc),
        registers: Some(state),
        frame: Some(SourceFrame {
            source,
            site: Site::from(pc),
            state,
            kept: None,
        }),
        hostcall: None,
        at_hostcall: false,
        elsewhere: None,
    };
    let _ = declared(text, &scene, Telling::Parts);
    let _ = declared(text, &scene, Telling::Name);
    let expression = Expression::parse(text).ok()?;
    let _ = expression.holds(&scene);
    Some(match expression.evaluate(&scene) {
        Ok(value) => {
            let _ = value.text();
            if let Evaluated::Variable(variable) = &value {
                look_inside(source, variable, state, 1);
            }
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(text.contains(error.part()));
            false
        }
    })
}
