//! What is asked of a recording while it stands still: each question goes to the file that
//! answers it.

use super::Recording;
use super::texts::Text;
use super::threads::{children_of, view_of, whose};
use crate::debuggee::{
    BreakpointState, Code, Data, DataBreakpointRequest, DataMeant, DebuggeeError, EvaluateContext,
    FilterRequest, Format, FrameId, Frames, FunctionBreakpointRequest, FunctionView,
    InstanceHandles, InstructionBreakpointRequest, InstructionView, Looks, MemoryView, ModuleView,
    Output, Page, Past, Printed, Scope, SourceBreakpointRequest, SourceOrigin, SourcePoint,
    SourceRef, SourceText, Stops, TasksShown, TextRef, ThreadId, Thrown, ValuesRef,
    VariableInSource, VariableView, WhichRequest, Window,
};
use crate::inspect::expression::Telling;
use crate::inspect::hostcall::listing::{Listing, Row};
use crate::inspect::past::requests::{Request, Requests};
use crate::timeline::Interrupt;
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::motion::{Direction, Motion, Reason};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;

impl Stops for Recording {
    fn set_elsewhere(&mut self, elsewhere: Elsewhere) {
        self.timeline.set_elsewhere(elsewhere);
    }

    fn set_source_breakpoints(
        &mut self,
        source: &SourceOrigin,
        breakpoints: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.break_at_lines(source, breakpoints)
    }

    fn set_function_breakpoints(
        &mut self,
        breakpoints: &[FunctionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.break_at_functions(breakpoints)
    }

    fn set_instruction_breakpoints(
        &mut self,
        breakpoints: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.break_at_instructions(breakpoints)
    }

    fn set_exception_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        self.break_at_filters(filters)
    }

    fn set_data_breakpoints(
        &mut self,
        breakpoints: &[DataBreakpointRequest],
    ) -> Vec<BreakpointState> {
        self.break_at_data(breakpoints)
    }

    fn data(&mut self, meant: &DataMeant) -> Result<Data, DebuggeeError> {
        let (stack, own) = match meant {
            DataMeant::Inside { of, name } => {
                let (stack, of) = whose(of);
                let name = name.clone();
                (stack, DataMeant::Inside { of, name })
            }
            DataMeant::Expression {
                text,
                frame: Some(frame),
            } => {
                let (stack, own) = self.untagged(*frame)?;
                let (text, frame) = (text.clone(), Some(own));
                (stack, DataMeant::Expression { text, frame })
            }
            other => (None, other.clone()),
        };
        self.in_stack(stack, &Interrupt::new(), |recording| {
            recording.data_meant(&own)
        })
    }

    fn breakpoint_locations(
        &mut self,
        source: &SourceOrigin,
        lines: RangeInclusive<u64>,
    ) -> Result<Vec<SourcePoint>, DebuggeeError> {
        Ok(self.breakable(source, lines))
    }
}

impl Looks for Recording {
    fn wait_for_code(&mut self, interrupt: Option<&Interrupt>) {
        self.timeline.wait_for_code(interrupt);
    }

    fn frames(&mut self, window: Window) -> Result<Frames, DebuggeeError> {
        self.frames_of_thread(self.thread_here(), window, &Interrupt::new())
    }

    fn frames_of(
        &mut self,
        thread: ThreadId,
        window: Window,
        interrupt: &Interrupt,
    ) -> Result<Frames, DebuggeeError> {
        self.frames_of_thread(thread, window, interrupt)
    }

    fn scopes(&mut self, frame: FrameId) -> Result<Vec<Scope>, DebuggeeError> {
        let (stack, scopes) = self.in_frame(Some(frame), |recording, own| match own {
            Some(own) => recording.scopes_of(own),
            None => Ok(Vec::new()),
        })?;
        let scopes = scopes.into_iter().map(|scope| Scope {
            children: children_of(stack, scope.children),
            ..scope
        });
        Ok(scopes.collect())
    }

    fn variables(
        &mut self,
        of: &ValuesRef,
        page: Page,
        format: Format,
    ) -> Result<Vec<VariableView>, DebuggeeError> {
        let (stack, own) = whose(of);
        let values = self.in_stack(stack, &Interrupt::new(), |recording| {
            recording.values_in(&own, page, format)
        })?;
        let values = values.into_iter().map(|view| view_of(stack, view));
        Ok(values.collect())
    }

    fn evaluate(
        &mut self,
        expression: &str,
        frame: Option<FrameId>,
        _context: EvaluateContext,
        format: Format,
    ) -> Result<VariableView, DebuggeeError> {
        let (stack, view) = self.in_frame(frame, |recording, own| {
            recording.evaluate_in(expression, own, format)
        })?;
        Ok(view_of(stack, view))
    }

    fn names(&mut self, frame: Option<FrameId>) -> Vec<String> {
        let names = self.in_frame(frame, |recording, own| Ok(recording.names_in(own)));
        names.map_or_else(|_| Vec::new(), |(_, names)| names)
    }

    fn declared(
        &mut self,
        text: &str,
        frame: Option<FrameId>,
        telling: Telling,
    ) -> Result<String, DebuggeeError> {
        let (_, told) = self.in_frame(frame, |recording, own| {
            recording.declared_in(text, own, telling)
        })?;
        Ok(told)
    }

    fn read_memory(
        &mut self,
        reference: &str,
        offset: i64,
        count: usize,
    ) -> Result<MemoryView, DebuggeeError> {
        self.bytes_at(reference, offset, count)
    }

    fn handles(&mut self) -> Result<VariableView, DebuggeeError> {
        self.handle_tables()
    }

    fn futures(&mut self) -> Result<Vec<(usize, String)>, DebuggeeError> {
        self.tell_futures()
    }

    fn calling(&mut self) -> Option<String> {
        let in_progress = self.timeline.crossing().ok()??;
        let component = self.timeline.trace().component();
        let crossing = component.crossing(in_progress.calling.crossing)?;
        Some(crossing.name.to_string())
    }

    fn thrown(&mut self) -> Option<Thrown> {
        self.thrown_here()
    }
}

impl Code for Recording {
    fn sources(&mut self) -> Result<Vec<SourceRef>, DebuggeeError> {
        Ok(self.all_sources())
    }

    fn source_text(
        &mut self,
        text: &TextRef,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<SourceText, DebuggeeError> {
        match Text::parse(text) {
            Some(Text::Hostcalls) => self.hostcalls_text(output, interrupt),
            _ => self.text(text),
        }
    }

    fn functions(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.functions_like(pattern)
    }

    fn functions_meant(&mut self, name: &str) -> Vec<FunctionView> {
        Recording::functions_meant(self, name)
    }

    fn hostcall_paths(&self) -> Vec<String> {
        self.paths_of_hostcalls()
    }

    fn globals(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.globals_like(pattern)
    }

    fn types(&mut self, pattern: &str) -> Vec<FunctionView> {
        self.types_like(pattern)
    }

    fn code_of_line(&mut self, file: &str, line: u64) -> Vec<String> {
        self.code_of(file, line)
    }

    fn variables_of_line(&mut self, file: &str, line: u64) -> Vec<VariableInSource> {
        self.variables_on(file, line)
    }

    fn symbol_at(
        &mut self,
        address: &str,
        frame: Option<FrameId>,
    ) -> Result<String, DebuggeeError> {
        let (_, told) = self.in_frame(frame, |recording, own| recording.symbol(address, own))?;
        Ok(told)
    }

    fn modules(&mut self) -> Result<Vec<ModuleView>, DebuggeeError> {
        Ok(self.all_modules())
    }

    fn disassemble(
        &mut self,
        at: &str,
        offset: i64,
        skip: i64,
        count: usize,
    ) -> Result<Vec<InstructionView>, DebuggeeError> {
        self.instructions(at, offset, skip, count)
    }
}

impl Past for Recording {
    fn requests(&mut self, interrupt: &Interrupt) -> Result<Arc<Requests>, DebuggeeError> {
        self.all_requests(interrupt)
    }

    fn request_here(&mut self) -> Option<Request> {
        self.here_in_request()
    }

    fn to_request(&mut self, which: WhichRequest) -> Result<(u64, Motion), DebuggeeError> {
        self.motion_to_request(which)
    }

    fn to_result(
        &mut self,
        direction: Direction,
        interrupt: &Interrupt,
    ) -> Result<Motion, DebuggeeError> {
        self.motion_to_result(direction, interrupt)
    }

    fn hostcalls(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Arc<Listing>, DebuggeeError> {
        self.listed(output, interrupt)
    }

    fn hostcall_rows(
        &mut self,
        events: &[u64],
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<Row>, DebuggeeError> {
        self.rows_of(events, output, interrupt)
    }

    fn printed(
        &mut self,
        calls: Range<u64>,
        patience: Duration,
    ) -> Result<Vec<Printed>, DebuggeeError> {
        self.printed_by(&calls, patience)
    }

    fn fault_explained(&mut self) -> Result<Option<String>, DebuggeeError> {
        let is_end = matches!(self.timeline.here().reason, Reason::End(_));
        if let Some(thrown) = is_end.then(|| self.thrown_here()).flatten() {
            return Ok(Some(format!("thrown: {thrown}")));
        }
        if is_end && let Some(message) = self.gave_up()? {
            return Ok(Some(message));
        }
        self.trap_explained()
    }

    fn tasks(&mut self, at_end: bool) -> Result<TasksShown, DebuggeeError> {
        self.tasks_shown(at_end)
    }

    fn resources(&mut self, at_end: bool) -> Result<Vec<InstanceHandles>, DebuggeeError> {
        self.handles_in_full(at_end)
    }
}
