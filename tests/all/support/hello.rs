//! `fixtures/src/hello.c` compiled with `-O0` and `-O2`, and frames of it made by hand.

use rr_dap::component::types::CoreValue;
use rr_dap::inspect::FrameState;
use rr_dap::inspect::expression::{
    Evaluated, Expression, ExpressionError, Scene, SceneMoment, SourceFrame,
};
use rr_dap::inspect::variable::variables::{Site, Variable, variables};
use rr_dap::replay::{Phase, Position, Tick};
use rr_dap::source::ModuleSource;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const HELLO: &str = "/guest/hello/h.c";

pub fn hello(level: &str) -> Arc<[u8]> {
    let path = format!("fixtures/hello-c-{level}.wasm");
    super::module_with_dwarf(&std::fs::read(path).expect("a fixture"))
}

pub fn source(level: &str) -> ModuleSource {
    ModuleSource::read(hello(level)).expect("a core module")
}

/// A frame made by hand: `stack` is the value of every local.
#[derive(Default)]
pub struct Frame {
    pub stack: u64,
    pub memory: BTreeMap<u64, u8>,
}

impl Frame {
    /// The size of the pretended memory.
    pub const MEMORY: u64 = 0x2_0000;

    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        for (at, byte) in (address..).zip(bytes) {
            self.memory.insert(at, *byte);
        }
    }
}

impl FrameState for Frame {
    fn local(&self, _: u32) -> Option<CoreValue> {
        Some(CoreValue::I32(self.stack as i32))
    }

    fn operand(&self, _: u32) -> Option<CoreValue> {
        None
    }

    fn global(&self, _: u32) -> Option<CoreValue> {
        Some(CoreValue::I32(0))
    }

    fn memory(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let end = address.checked_add(length as u64)?;
        let byte = |at| self.memory.get(&at).copied().unwrap_or(0);
        (end <= Self::MEMORY).then(|| (address..end).map(byte).collect())
    }
}

pub fn named<'a>(variables: &'a [Variable], name: &str) -> &'a Variable {
    let found = variables.iter().find(|variable| variable.name == name);
    found.unwrap_or_else(|| panic!("no `{name}` among {variables:?}"))
}

/// A frame of `main` with its variables filled in, and a place in the loop.
pub fn main_frame(source: &ModuleSource) -> (u32, Frame) {
    let pc = source.breakpoint_places(HELLO, 14)[0].pc;
    let mut frame = Frame {
        stack: 0x1_0000,
        ..Frame::default()
    };
    let found = variables(source, pc, &frame).expect("variables");
    let pts = named(&found, "pts").address.expect("in memory");
    for (at, (x, y, w, name)) in [
        (1, 2, 3.5, "one"),
        (4, 5, 6.5, "two"),
        (-7, 8, 9.5, "three"),
    ]
    .into_iter()
    .enumerate()
    {
        let (point, text) = (pts + at as u64 * 24, 0x500 + at as u64 * 16);
        frame.write(point, &i32::to_le_bytes(x));
        frame.write(point + 4, &i32::to_le_bytes(y));
        frame.write(point + 8, &f64::to_le_bytes(w));
        frame.write(point + 16, &(text as u32).to_le_bytes());
        frame.write(text, name.as_bytes());
    }
    let u = named(&found, "u").address.expect("in memory");
    frame.write(u, &1.5_f32.to_le_bytes());
    let buf = named(&found, "buf").address.expect("in memory");
    frame.write(buf, &0x800_u32.to_le_bytes());
    frame.write(0x800, b"three=\"15\"\n");
    let c = named(&found, "c").address.expect("in memory");
    frame.write(c, &6_u32.to_le_bytes());
    (pc, frame)
}

/// The moment of all frames made by hand.
pub const MOMENT: SceneMoment = SceneMoment {
    in_call: false,
    event: 7,
    tick: Tick(123),
    task: 0,
    turn: 0,
    position: Some(Position {
        tick: Tick(123),
        depth: 2,
        pc: 0x40,
        phase: Phase::Before,
    }),
};

/// Evaluates an expression in a frame.
pub fn evaluate(
    source: &ModuleSource,
    pc: u32,
    frame: &dyn FrameState,
    text: &str,
) -> Result<Evaluated, ExpressionError> {
    let site = Site::from(pc);
    Expression::parse(text)?.evaluate(&Scene {
        moment: MOMENT,
        registers: Some(frame),
        pc: Some(pc),
        frame: Some(SourceFrame {
            source,
            site,
            state: frame,
            kept: None,
        }),
        hostcall: None,
        at_hostcall: false,
        elsewhere: None,
    })
}

/// The variable that an expression comes to.
pub fn variable(value: Result<Evaluated, ExpressionError>) -> Variable {
    match value {
        Ok(Evaluated::Variable(variable)) => *variable,
        other => panic!("a variable, not {other:?}"),
    }
}
