//! A debuggee whose past is ten lines long.

use crate::support::gate::Gate;
use rr_dap::debuggee::launch::{AttachArguments, LaunchArguments, Subject};
use rr_dap::debuggee::*;
use rr_dap::inspect::expression::Telling;
use rr_dap::inspect::hostcall::listing::{Listing, Row};
use rr_dap::replay::{Phase, Position, Tick};
use rr_dap::timeline::interrupt::Interrupt;
use rr_dap::timeline::travel::motion::*;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
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

impl Travels for Demo {
    fn travel(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        let waits = self.name == "slow.wasm" && self.lines.is_empty();
        self.wanted.clear();
        let stop = match motion {
            Motion::Continue(_) if waits => {
                wait_for(interrupt, output);
                return Err(DebuggeeError::Interrupted);
            }
            Motion::Line(_, Step::Out) if self.name == "dies.wasm" => {
                return Err(DebuggeeError::Died {
                    message: "signal 9".into(),
                });
            }
            Motion::Line(_, Step::Out) if self.name == "panics-later.wasm" => panic!("scripted"),
            Motion::Start => stop(0, Reason::Arrived),
            Motion::Entry => stop(0, Reason::Arrived),
            Motion::End => stop(LINES.len(), Reason::End(self.ending())),
            Motion::Event(event) => stop(*event as usize * 2, Reason::Arrived),
            Motion::Position(position) => stop(position.tick.0 as usize, Reason::Arrived),
            Motion::Tick(tick) => stop(tick.0 as usize, Reason::Arrived),
            Motion::Fraction(_)
            | Motion::Mark(_)
            | Motion::LastChange(_)
            | Motion::NextChange(_)
            | Motion::IntoCall { .. } => {
                return Err(DebuggeeError::other("the script does not go there"));
            }
            Motion::Continue(direction) => self.search(*direction),
            Motion::Instruction(direction, _)
            | Motion::OutOf { direction, .. }
            | Motion::Line(direction, _)
            | Motion::Hostcall(direction, _)
            | Motion::OverHostcall(direction) => self.step(*direction),
        };
        self.here = stop.clone();
        Ok(stop)
    }

    fn preparing(&mut self) -> Option<Preparing> {
        let past = self.past.clone().filter(|_| !self.wanted.is_empty())?;
        (!std::mem::replace(&mut self.is_awaited, true))
            .then(|| -> Preparing { Box::new(move || past.wait()) })
    }

    fn became_known(&mut self) -> BecameKnown {
        let mut known = BecameKnown::default();
        if self.past.as_ref().is_some_and(Gate::is_open) {
            self.is_awaited = false;
            known.values = std::mem::take(&mut self.wanted).contains(&true);
        }
        known
    }

    fn here(&self) -> &Stop {
        &self.here
    }

    fn describe_stop(&mut self) -> StopText {
        StopText::default()
    }

    fn history(&self) -> History {
        History {
            name: self.name.clone(),
            events: 5,
            damage: None,
            end: None,
            ending: "the run exited with status 3".into(),
        }
    }

    fn checkpoints(&mut self) -> Vec<(u64, Position)> {
        vec![(0, Position::START)]
    }

    fn mark(&mut self, name: Option<&str>) -> Mark {
        let mark = Mark {
            name: name.unwrap_or("1").to_owned(),
            position: self.here.position,
            event: self.here.event,
        };
        self.marks.retain(|known| known.name != mark.name);
        self.marks.push(mark.clone());
        mark
    }

    fn unmark(&mut self, name: &str) -> bool {
        let before = self.marks.len();
        self.marks.retain(|mark| mark.name != name);
        self.marks.len() < before
    }

    fn marks(&self) -> Vec<Mark> {
        self.marks.clone()
    }

    fn to_change(&mut self, _: &DataId, _: Direction) -> Result<Motion, DebuggeeError> {
        Ok(Motion::Start)
    }

    fn line_visits(
        &mut self,
        _: &SourceOrigin,
        point: SourcePoint,
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError> {
        Ok(vec![LineVisit {
            motion: Motion::Start,
            label: "visit 1".into(),
            point,
        }])
    }

    fn step_in_targets(&mut self, _: FrameId) -> Result<Vec<StepInTarget>, DebuggeeError> {
        Ok(Vec::new())
    }
}

impl Stops for Demo {
    fn set_source_breakpoints(
        &mut self,
        source: &SourceOrigin,
        breakpoints: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.lines.clear();
        let mut states = Vec::new();
        for wanted in breakpoints {
            let line = wanted.point.line;
            let id = 100 + line as u32;
            if *source != SourceOrigin::File(PATH.into()) {
                states.push(unverified(id, "no such file in the program"));
            } else if !LINES.contains(&line) {
                states.push(unverified(id, "no code at this line"));
            } else {
                self.lines.push((line, BreakpointId(id)));
                states.push(BreakpointState {
                    source: None,
                    id: BreakpointId(id),
                    verified: true,
                    point: Some(wanted.point),
                    message: wanted.when.condition.clone(),
                    instruction: Some("0:0x104".into()),
                });
            }
        }
        states
    }

    fn set_function_breakpoints(
        &mut self,
        breakpoints: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let ids = (200..).take(breakpoints.len()).map(BreakpointId);
        self.functions = ids.collect();
        let state = |id: &BreakpointId| BreakpointState {
            source: None,
            id: *id,
            verified: true,
            point: None,
            message: None,
            instruction: None,
        };
        self.functions.iter().map(state).collect()
    }

    fn set_instruction_breakpoints(
        &mut self,
        breakpoints: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        breakpoints.iter().map(|_| unverified(300, "no")).collect()
    }

    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        filters.iter().map(|_| unverified(400, "no")).collect()
    }

    fn set_data_breakpoints(&mut self, wanted: &[DataBreakpointRequest]) -> Vec<BreakpointState> {
        let state = |_: &DataBreakpointRequest| BreakpointState {
            source: None,
            id: BreakpointId(900),
            verified: true,
            point: None,
            message: None,
            instruction: None,
        };
        wanted.iter().map(state).collect()
    }

    fn data(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError> {
        match meant {
            DataMeant::Expression { text, .. } if text == "gone" => {
                Err(DebuggeeError::other("`gone` is not in memory here"))
            }
            _ => Ok(Data {
                id: DataId("0:0:0x10:4".into()),
                description: "4 bytes at 0x10".into(),
            }),
        }
    }

    fn breakpoint_locations(
        &mut self,
        _: &SourceOrigin,
        lines: RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>, DebuggeeError> {
        let within = (1..=6).filter(|line| lines.contains(line));
        Ok(within
            .map(|line| SourcePoint {
                line,
                column: Some(3),
            })
            .collect())
    }
}

impl Looks for Demo {
    fn frames(&mut self, window: Window) -> Result<Frames, DebuggeeError> {
        let point = SourcePoint {
            line: self.line(),
            column: None,
        };
        let main = Frame {
            id: FrameId(1),
            name: "main".into(),
            place: Some(FramePlace {
                source: demo_source(),
                point,
            }),
            instruction: Some(format!("0:{:#x}", self.here.position.pc)),
            module: Some("0".into()),
            presentation: Presentation::Normal,
        };
        let start = Frame {
            id: FrameId(0),
            name: "_start".into(),
            place: Some(FramePlace {
                source: SourceRef {
                    name: "_start.wat".into(),
                    origin: SourceOrigin::Generated(TextRef("0:0".into())),
                    note: None,
                },
                point: SourcePoint {
                    line: 1,
                    column: Some(1),
                },
            }),
            presentation: Presentation::Subtle,
            ..main.clone()
        };
        let frames = [main, start];
        let levels = window.levels.unwrap_or(frames.len());
        Ok(Frames {
            frames: frames
                .iter()
                .skip(window.start)
                .take(levels)
                .cloned()
                .collect(),
            total: frames.len(),
        })
    }

    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>, DebuggeeError> {
        if frame.0 > 1 {
            return Err(DebuggeeError::other("there is no such frame"));
        }
        let values = ValuesRef(format!("{}/locals", frame.0));
        let children = Children {
            values,
            named: Some(2),
            indexed: None,
        };
        Ok(vec![Scope {
            name: "Locals".into(),
            hint: ScopeHint::Locals,
            children,
            expensive: false,
        }])
    }

    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let number = |value: usize| format.notation.number(value as i128);
        let plain = |name: &str, value: String| VariableView {
            name: name.into(),
            value,
            type_name: Some("int".into()),
            ..VariableView::default()
        };
        let handle = match self.knows_past(true) {
            true => "1 (stdout)",
            false => "1",
        };
        let all = match of.0.rsplit('/').next() {
            _ if self.past.is_some() => vec![plain("handle", handle.to_owned())],
            Some("point") => vec![plain("x", number(16)), plain("y", number(2))],
            _ => vec![
                plain("at", number(self.at())),
                VariableView {
                    children: Some(Children {
                        values: ValuesRef(format!("{}/point", of.0)),
                        named: Some(2),
                        indexed: None,
                    }),
                    memory: Some("0:0x400".into()),
                    declared: Some((
                        demo_source(),
                        SourcePoint {
                            line: 2,
                            column: Some(16),
                        },
                    )),
                    evaluate_name: Some("point".into()),
                    ..plain("point", "{…}".into())
                },
            ],
        };
        let count = page.count.unwrap_or(all.len());
        Ok(all.into_iter().skip(page.start).take(count).collect())
    }

    fn evaluate(
        &mut self,
        expression: &str,
        _: Option<FrameId>,
        _: EvaluateContext,
        _: Format,
    ) -> Result<VariableView, DebuggeeError> {
        match expression {
            "at" => Ok(VariableView {
                value: self.at().to_string(),
                ..VariableView::default()
            }),
            _ => Err(DebuggeeError::other(format!(
                "`{expression}` is not known here"
            ))),
        }
    }

    fn names(&mut self, _: Option<FrameId>) -> Vec<String> {
        vec!["count".into(), "counter".into(), "$event".into()]
    }

    fn declared(
        &mut self,
        text: &str,
        _: Option<FrameId>,
        _: Telling,
    ) -> Result<String, DebuggeeError> {
        Ok(format!("{text}: 4 bytes"))
    }

    fn read_memory(
        &mut self,
        _: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError> {
        Ok(MemoryView {
            address: format!("{:#x}", 0x400 + offset),
            bytes: b"foo".iter().copied().take(count).collect(),
            unreadable: count.saturating_sub(3) as u64,
        })
    }

    fn handles(&mut self) -> Result<VariableView, DebuggeeError> {
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        Ok(VariableView {
            value: "1 table, 3 handles".into(),
            children: Some(Children {
                values: ValuesRef("handles".into()),
                named: Some(1),
                indexed: None,
            }),
            ..VariableView::default()
        })
    }

    fn calling(&mut self) -> Option<String> {
        None
    }
}

impl Code for Demo {
    fn sources(&mut self) -> Result<Vec<SourceRef>, DebuggeeError> {
        Ok(vec![demo_source()])
    }

    fn source_text(
        &mut self,
        text: &TextRef,
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<SourceText, DebuggeeError> {
        Ok(SourceText {
            content: format!("(func {})", text.0),
            mime_type: Some("text/x-wasm".into()),
        })
    }

    fn functions_meant(&mut self, name: &str) -> Vec<FunctionView> {
        self.functions(name)
    }

    fn hostcall_paths(&self) -> Vec<String> {
        Vec::new()
    }

    fn globals(&mut self, _: &str) -> Vec<FunctionView> {
        Vec::new()
    }

    fn types(&mut self, _: &str) -> Vec<FunctionView> {
        Vec::new()
    }

    fn code_of_line(&mut self, _: &str, _: u64) -> Vec<String> {
        Vec::new()
    }

    fn symbol_at(&mut self, address: &str, _: Option<FrameId>) -> Result<String, DebuggeeError> {
        Ok(format!("count_up has code at {address}"))
    }

    fn functions(&mut self, pattern: &str) -> Vec<FunctionView> {
        let functions = [("count_up", 3), ("main", 9)].into_iter();
        let fitting = functions.filter(|(name, _)| name.contains(pattern));
        let views = fitting.map(|(name, line)| FunctionView {
            name: name.into(),
            declared: Some((demo_source(), line)),
        });
        views.collect()
    }

    fn modules(&mut self) -> Result<Vec<ModuleView>, DebuggeeError> {
        Ok(vec![ModuleView {
            id: "0".into(),
            name: "demo".into(),
            path: None,
            symbols: Some("DWARF 4".into()),
        }])
    }

    fn disassemble(
        &mut self,
        at: &str,
        _: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError> {
        let instruction = |nth: usize| InstructionView {
            address: format!("{:#x}", nth + 16),
            bytes: Some("01".into()),
            text: format!("nop ;; {at} {skip}"),
            symbol: None,
            place: Some(FramePlace {
                source: demo_source(),
                point: SourcePoint {
                    line: 1,
                    column: None,
                },
            }),
        };
        Ok((0..count).map(instruction).collect())
    }
}

impl Past for Demo {
    fn hostcalls(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError> {
        if self.name == "endless-list.wasm" {
            wait_for(interrupt, output);
            return Err(DebuggeeError::Interrupted);
        }
        Ok(Arc::default())
    }

    fn hostcall_rows(
        &mut self,
        _: &[u64],
        _: &dyn Output,
        _: &Interrupt,
    ) -> Result<Vec<Row>, DebuggeeError> {
        Ok(Vec::new())
    }

    fn printed(&mut self, calls: Range<u64>, _: Duration) -> Result<Vec<Printed>, DebuggeeError> {
        if self.past.is_none() {
            return Ok(Vec::new());
        }
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        let piece = |event: u64| Printed {
            stream: Stream::Stdout,
            event,
            bytes: format!("by {event}\n").into_bytes(),
            place: (
                demo_source(),
                SourcePoint {
                    line: event + 1,
                    column: None,
                },
            ),
        };
        Ok(calls.map(piece).collect())
    }

    fn fault_explained(&mut self) -> Result<Option<String>, DebuggeeError> {
        if !self.knows_past(false) {
            return Err(DebuggeeError::NotYet);
        }
        Ok(self.past.as_ref().map(|_| WHY.to_owned()))
    }

    fn resources(&mut self, _: bool) -> Result<Vec<InstanceHandles>, DebuggeeError> {
        Ok(Vec::new())
    }
}
