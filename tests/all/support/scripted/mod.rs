//! A debuggee whose past is ten lines long.

mod code;
mod looks;
mod past;
mod stops;
mod travels;
mod whole;

use crate::support::gate::Gate;
use rr_dap::debuggee::launch::{AttachArguments, LaunchArguments, Subject};
use rr_dap::debuggee::*;
use rr_dap::replay::{Phase, Position, Tick};
use rr_dap::timeline::interrupt::Interrupt;
use rr_dap::timeline::travel::motion::*;
use std::time::Duration;

/// The lines that the program passes, in order: `main`, and a loop in it.
const LINES: [u64; 10] = [1, 2, 3, 4, 3, 4, 3, 4, 5, 6];
const PATH: &str = "/guest/demo.c";
/// Why it traps, as its past tells.
pub const WHY: &str = "handle 1 is gone";
const TRAP: &str = "wasm `unreachable` instruction executed";

#[derive(Default)]
pub struct Scripted {
    /// Open when the past is known; without one, it always is.
    pub past: Option<Gate>,
}

impl Launcher for Scripted {
    fn launch(
        &self,
        arguments: &LaunchArguments,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        let path = match &arguments.subject {
            Subject::Program(program) => &program.program,
            Subject::Trace(trace) => trace,
            Subject::System(_) => return Err(LaunchError::Failed("one script, one node".into())),
        };
        let name = path.display().to_string();
        match name.as_str() {
            "missing.wasm" => {
                return Err(LaunchError::Failed("missing.wasm is not there".into()));
            }
            "endless.wasm" => {
                wait_for(&halt.given_up, output);
                return Err(LaunchError::Interrupted);
            }
            "panics.wasm" => panic!("scripted"),
            _ => output.guest(Stream::Stdout, "hellö\n".as_bytes()),
        }
        Ok(Box::new(Demo::new(&name, self.past.clone())))
    }

    fn attach(
        &self,
        _: &AttachArguments,
        _: &dyn Output,
        _: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError> {
        Ok(Box::new(Demo::new("demo.wasm", self.past.clone())))
    }
}

fn wait_for(interrupt: &Interrupt, output: &dyn Output) {
    while !interrupt.is_raised() {
        output.progress(Some(50), "looking");
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Demo {
    name: String,
    here: Stop,
    lines: Vec<(u64, BreakpointId)>,
    functions: Vec<BreakpointId>,
    marks: Vec<Mark>,
    past: Option<Gate>,
    /// What was asked at this stop and could not be told; whether it shows in values.
    wanted: Vec<bool>,
    /// Somebody waits for it.
    is_awaited: bool,
}

impl Demo {
    fn new(name: &str, past: Option<Gate>) -> Self {
        Self {
            name: name.to_owned(),
            here: stop(0, Reason::Start),
            lines: Vec::new(),
            functions: Vec::new(),
            marks: Vec::new(),
            past,
            wanted: Vec::new(),
            is_awaited: false,
        }
    }

    /// Whether the past is known; else somebody wants to know.
    fn knows_past(&mut self, shows_in_values: bool) -> bool {
        let is_known = self.past.as_ref().is_none_or(Gate::is_open);
        if !is_known {
            self.wanted.push(shows_in_values);
        }
        is_known
    }

    fn at(&self) -> usize {
        self.here.position.tick.0 as usize
    }

    fn line(&self) -> u64 {
        LINES.get(self.at()).copied().unwrap_or(6)
    }

    fn ending(&self) -> Ending {
        match self.name.as_str() {
            "traps.wasm" => Ending::Trapped(TRAP.into()),
            _ => Ending::Exited(3),
        }
    }

    /// The next moment in this direction that a breakpoint is at, or the end.
    fn search(&self, direction: Direction) -> Stop {
        let moments: Vec<usize> = match direction {
            Direction::Forward => (self.at() + 1..LINES.len()).collect(),
            Direction::Backward => (0..self.at().min(LINES.len())).rev().collect(),
        };
        for at in moments {
            let mut hit: Vec<_> = self
                .lines
                .iter()
                .filter(|(line, _)| *line == LINES[at])
                .collect();
            if let Some((_, id)) = hit.pop() {
                return stop(at, Reason::Breakpoints(vec![*id]));
            }
            if LINES[at] == 1 && !self.functions.is_empty() {
                return stop(at, Reason::Breakpoints(self.functions.clone()));
            }
        }
        match direction {
            Direction::Forward => stop(LINES.len(), Reason::End(self.ending())),
            Direction::Backward => stop(0, Reason::Start),
        }
    }

    fn step(&self, direction: Direction) -> Stop {
        match (direction, self.at()) {
            (Direction::Forward, at) if at + 1 >= LINES.len() => {
                stop(LINES.len(), Reason::End(self.ending()))
            }
            (Direction::Forward, at) => stop(at + 1, Reason::Arrived),
            (Direction::Backward, 0) => stop(0, Reason::Start),
            (Direction::Backward, at) => stop(at - 1, Reason::Arrived),
        }
    }
}

fn stop(at: usize, reason: Reason) -> Stop {
    let position = Position {
        tick: Tick(at as u64),
        depth: 1,
        pc: 0x100 + at as u32,
        phase: Phase::Before,
    };
    Stop {
        position,
        event: at as u64 / 2,
        reason,
    }
}

fn demo_source() -> SourceRef {
    SourceRef {
        name: "demo.c".into(),
        origin: SourceOrigin::File(PATH.into()),
        note: None,
    }
}

fn unverified(id: u32, message: &str) -> BreakpointState {
    BreakpointState {
        id: BreakpointId(id),
        verified: false,
        source: None,
        point: None,
        message: Some(message.into()),
        instruction: None,
    }
}
