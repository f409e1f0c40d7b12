//! Requests that say where to stop.

use super::{BreakpointKind, Handled, Reply, Session};
use crate::dap::protocol::{
    Breakpoint, BreakpointEventBody, BreakpointEventReason, BreakpointLocation,
    BreakpointLocationsArguments, BreakpointLocationsResponse, Event, ExceptionBreakpointsFilter,
    Refusal, SetBreakpointsArguments, SetBreakpointsResponse, SetExceptionBreakpointsArguments,
    SetFunctionBreakpointsArguments, SetInstructionBreakpointsArguments, Source, SourceBreakpoint,
};
use crate::debuggee::{
    BreakpointState, FilterRequest, FunctionBreakpointRequest, InstructionBreakpointRequest,
    SourceBreakpointRequest, SourceOrigin, StopFilter, When,
};

/// A filter as the client sees it.
struct OfferedFilter {
    filter: StopFilter,
    /// What the client sends back.
    name: &'static str,
    label: &'static str,
    description: &'static str,
    condition: &'static str,
}

const CALLS: &str =
    "A part of the WIT path such as `write`, a pattern such as `wasi:http/*`, or an expression";
const HANDLES: &str = "A part of the resource's WIT path, such as `descriptor`, or an expression";

static FILTERS: [OfferedFilter; 7] = [
    OfferedFilter {
        filter: StopFilter::Trap,
        name: "trap",
        label: "Traps",
        description: "Stop where the program traps.",
        condition: "An expression over the variables there",
    },
    OfferedFilter {
        filter: StopFilter::Panic,
        name: "panic",
        label: "Panics",
        description: "Stop where the program gives up: a panic, a failed assertion, `abort`.",
        condition: "A part of the message, such as `overflow`",
    },
    OfferedFilter {
        filter: StopFilter::Throw,
        name: "throw",
        label: "Exceptions",
        description: "Stop where the program throws an exception of WebAssembly.",
        condition: "An expression over the variables there",
    },
    OfferedFilter {
        filter: StopFilter::FailedHostcall,
        name: "failedHostcall",
        label: "Failed Hostcalls",
        description: "Stop at hostcalls that will return an error.",
        condition: CALLS,
    },
    OfferedFilter {
        filter: StopFilter::Hostcall,
        name: "hostcall",
        label: "All Hostcalls",
        description: "Stop at every call that the program makes to its host.",
        condition: CALLS,
    },
    OfferedFilter {
        filter: StopFilter::HandleCreated,
        name: "handleCreated",
        label: "Handles Created",
        description: "Stop at hostcalls that give the program a new handle.",
        condition: HANDLES,
    },
    OfferedFilter {
        filter: StopFilter::HandleDropped,
        name: "handleDropped",
        label: "Handles Dropped",
        description: "Stop where the program drops a handle.",
        condition: HANDLES,
    },
];

pub(super) fn offered_filters() -> Vec<ExceptionBreakpointsFilter> {
    let offered = |offered: &OfferedFilter| ExceptionBreakpointsFilter {
        filter: offered.name.to_owned(),
        label: offered.label.to_owned(),
        description: Some(offered.description.to_owned()),
        default: Some(matches!(
            offered.filter,
            StopFilter::Trap | StopFilter::Panic
        )),
        supports_condition: Some(true),
        condition_description: Some(offered.condition.to_owned()),
    };
    FILTERS.iter().map(offered).collect()
}

pub(super) fn source(
    session: &mut Session,
    arguments: SetBreakpointsArguments,
) -> Handled<SetBreakpointsResponse> {
    let origin = session.source_in(&arguments.source)?;
    let wanted = wanted_lines(arguments.breakpoints, arguments.lines)
        .iter()
        .map(|wanted| session.source_breakpoint(wanted))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let states = session.debuggee()?.set_source_breakpoints(&origin, &wanted);
    let told = match origin {
        SourceOrigin::File(_) => Source {
            name: arguments.source.name,
            path: arguments.source.path,
            ..Source::default()
        },
        SourceOrigin::Generated(_) => arguments.source,
    };
    session.tell(&states, BreakpointKind::Source, Some(&told))
}

/// The deprecated `lines` is what a client sends that knows no better.
fn wanted_lines(
    breakpoints: Option<Vec<SourceBreakpoint>>,
    lines: Option<Vec<i64>>,
) -> Vec<SourceBreakpoint> {
    breakpoints.unwrap_or_else(|| {
        let lines = lines.into_iter().flatten();
        let breakpoint = |line| SourceBreakpoint {
            line,
            ..SourceBreakpoint::default()
        };
        lines.map(breakpoint).collect()
    })
}

pub(super) fn function(
    session: &mut Session,
    arguments: SetFunctionBreakpointsArguments,
) -> Handled<SetBreakpointsResponse> {
    let wanted: Vec<_> = arguments
        .breakpoints
        .into_iter()
        .map(|wanted| FunctionBreakpointRequest {
            name: wanted.name,
            when: when(wanted.condition, wanted.hit_condition),
        })
        .collect();
    let states = session.debuggee()?.set_function_breakpoints(&wanted);
    session.tell(&states, BreakpointKind::Function, None)
}

pub(super) fn instruction(
    session: &mut Session,
    arguments: SetInstructionBreakpointsArguments,
) -> Handled<SetBreakpointsResponse> {
    let wanted: Vec<_> = arguments
        .breakpoints
        .into_iter()
        .map(|wanted| InstructionBreakpointRequest {
            instruction: wanted.instruction_reference,
            offset: wanted.offset.unwrap_or(0),
            when: when(wanted.condition, wanted.hit_condition),
        })
        .collect();
    let states = session.debuggee()?.set_instruction_breakpoints(&wanted);
    session.tell(&states, BreakpointKind::Instruction, None)
}

pub(super) fn filters(
    session: &mut Session,
    arguments: SetExceptionBreakpointsArguments,
) -> Handled<SetBreakpointsResponse> {
    let plain = arguments.filters.into_iter().map(|name| (name, None));
    let refined = arguments.filter_options.unwrap_or_default();
    let refined = refined
        .into_iter()
        .map(|options| (options.filter_id, options.condition));
    let wanted = plain
        .chain(refined)
        .map(|(name, condition)| filter(&name, condition))
        .collect::<Result<Vec<_>, Refusal>>()?;
    let states = session.debuggee()?.set_exception_filters(&wanted);
    session.tell(&states, BreakpointKind::Filter, None)
}

fn filter(name: &str, condition: Option<String>) -> Result<FilterRequest, Refusal> {
    let known = FILTERS.iter().find(|offered| offered.name == name);
    let known = known.ok_or_else(|| Refusal::because(format!("there is no filter `{name}`")))?;
    Ok(FilterRequest {
        filter: known.filter,
        condition: condition.filter(|text| !text.trim().is_empty()),
    })
}

/// Clients send empty texts for fields that were cleared.
pub(super) fn when(condition: Option<String>, hit_condition: Option<String>) -> When {
    let meant = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    When {
        condition: meant(condition),
        hit_condition: meant(hit_condition),
    }
}

pub(super) fn locations(
    session: &mut Session,
    arguments: BreakpointLocationsArguments,
) -> Handled<BreakpointLocationsResponse> {
    let origin = session.source_in(&arguments.source)?;
    let first = session.line_in(arguments.line)?;
    let last = match arguments.end_line {
        Some(line) => session.line_in(line)?,
        None => first,
    };
    let points = session
        .debuggee()?
        .breakpoint_locations(&origin, first..=last)?;
    let location = |point: &crate::debuggee::SourcePoint| BreakpointLocation {
        line: session.line_out(point.line),
        column: point.column.map(|column| session.column_out(column)),
        ..BreakpointLocation::default()
    };
    let breakpoints = points.iter().map(location).collect();
    Reply::now(BreakpointLocationsResponse { breakpoints })
}

impl Session {
    fn source_breakpoint(
        &self,
        wanted: &SourceBreakpoint,
    ) -> Result<SourceBreakpointRequest, Refusal> {
        Ok(SourceBreakpointRequest {
            point: self.point_in(wanted.line, wanted.column)?,
            when: when(wanted.condition.clone(), wanted.hit_condition.clone()),
            log_message: wanted.log_message.clone().filter(|text| !text.is_empty()),
        })
    }

    fn breakpoint(&mut self, state: &BreakpointState, source: Option<&Source>) -> Breakpoint {
        let own = state.source.as_ref().map(|source| self.source_out(source));
        Breakpoint {
            id: Some(state.id.0.into()),
            verified: state.verified,
            message: state.message.clone(),
            source: own.or_else(|| source.cloned()),
            line: state.point.map(|point| self.line_out(point.line)),
            column: state
                .point
                .and_then(|point| point.column)
                .map(|column| self.column_out(column)),
            instruction_reference: state.instruction.clone(),
            ..Breakpoint::default()
        }
    }

    /// Tells which breakpoints have found places.
    pub(super) fn tell_placed(&mut self) {
        let placed = self.debuggee().map(|debuggee| debuggee.take_placed());
        for state in placed.unwrap_or_default() {
            let breakpoint = self.breakpoint(&state, None);
            let body = BreakpointEventBody {
                reason: BreakpointEventReason::Changed,
                breakpoint,
            };
            self.outbox.event(&Event::Breakpoint(Box::new(body)));
        }
    }

    /// All kinds of breakpoints are answered alike.
    pub(super) fn tell(
        &mut self,
        states: &[BreakpointState],
        kind: BreakpointKind,
        source: Option<&Source>,
    ) -> Handled<SetBreakpointsResponse> {
        self.remember_kinds(states, kind);
        let told = states.iter().map(|state| self.breakpoint(state, source));
        let breakpoints = told.collect();
        Reply::now(SetBreakpointsResponse { breakpoints })
    }
}
