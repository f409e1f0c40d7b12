//! Which request is handled where, and what it needs.

use super::{Handled, Session};
use super::{
    breakpoints, data, evaluate, functions, lifecycle, memory, motion, source, stack, targets,
    time, variables,
};
use crate::dap::protocol::{Refusal, Request};

pub(super) type Handler = fn(&mut Session, &Request) -> Handled;

/// What must be there for a request to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// The first request of all.
    Greeting,
    Nothing,
    /// A debuggee that stands still, configured or not.
    Debuggee,
    /// The same; while it moves, the request waits and lets itself in.
    Breakpoints,
    /// A stop that the client knows of.
    Stop,
}

pub(super) struct Entry {
    pub(super) command: &'static str,
    pub(super) needs: Needs,
    pub(super) handle: Handler,
}

pub(super) fn entry(command: &str) -> Option<&'static Entry> {
    TABLE.iter().find(|entry| entry.command == command)
}

/// Every request that the server knows.
pub fn commands() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.command)
}

const fn on(command: &'static str, needs: Needs, handle: Handler) -> Entry {
    Entry {
        command,
        needs,
        handle,
    }
}

use Needs::{Breakpoints, Debuggee, Greeting, Nothing, Stop};

static TABLE: &[Entry] = &[
    on("initialize", Greeting, lifecycle::initialize),
    on("launch", Nothing, lifecycle::launch),
    on("attach", Nothing, lifecycle::attach),
    on("configurationDone", Nothing, lifecycle::configuration_done),
    on("restart", Stop, lifecycle::restart),
    on("terminate", Nothing, lifecycle::terminate),
    on("disconnect", Nothing, lifecycle::disconnect),
    on("cancel", Nothing, lifecycle::cancel),
    on("threads", Nothing, lifecycle::threads),
    on("setBreakpoints", Breakpoints, breakpoints::source),
    on("setFunctionBreakpoints", Breakpoints, breakpoints::function),
    on(
        "setInstructionBreakpoints",
        Breakpoints,
        breakpoints::instruction,
    ),
    on("setExceptionBreakpoints", Breakpoints, breakpoints::filters),
    on("setDataBreakpoints", Breakpoints, data::set),
    on("dataBreakpointInfo", Stop, data::info),
    on("gotoTargets", Stop, targets::goto_targets),
    on("goto", Stop, targets::goto),
    on("stepInTargets", Stop, targets::step_in_targets),
    on("breakpointLocations", Debuggee, breakpoints::locations),
    on("continue", Stop, motion::resume),
    on("reverseContinue", Stop, motion::reverse),
    on("next", Stop, motion::next),
    on("stepIn", Stop, motion::step_in),
    on("stepOut", Stop, motion::step_out),
    on("stepBack", Stop, motion::step_back),
    on("pause", Nothing, motion::pause),
    on("exceptionInfo", Stop, motion::exception_info),
    on("stackTrace", Stop, stack::stack_trace),
    on("scopes", Stop, stack::scopes),
    on("variables", Stop, variables::variables),
    on("locations", Stop, variables::locations),
    on("evaluate", Stop, evaluate::evaluate),
    on("completions", Nothing, evaluate::completions),
    on("source", Debuggee, source::source),
    on("loadedSources", Debuggee, source::loaded),
    on("modules", Debuggee, source::modules),
    on("disassemble", Stop, memory::disassemble),
    on("readMemory", Stop, memory::read),
    on("rr/when", Stop, time::when),
    on("rr/seek", Stop, time::seek),
    on("rr/step", Stop, time::step),
    on("rr/mark", Stop, time::mark),
    on("rr/unmark", Stop, time::unmark),
    on("rr/marks", Stop, time::marks),
    on("rr/hostcalls", Stop, time::hostcalls),
    on("rr/resources", Stop, time::resources),
    on("rr/output", Stop, time::output),
    on("rr/whoWrote", Stop, data::who_wrote),
    on("rr/timeline", Stop, time::timeline),
    on("rr/functions", Stop, functions::functions),
    on("setVariable", Nothing, refuse_to_write),
    on("setExpression", Nothing, refuse_to_write),
    on("writeMemory", Nothing, refuse_to_write),
];

fn refuse_to_write(_: &mut Session, _: &Request) -> Handled {
    Err(Refusal::because(
        "the past cannot be changed: a recording can be looked at, but not written to",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Which requests a capability announces.
    const ANNOUNCED: &[(&str, &[&str])] = &[
        ("supportsConfigurationDoneRequest", &["configurationDone"]),
        ("supportsFunctionBreakpoints", &["setFunctionBreakpoints"]),
        ("supportsStepBack", &["stepBack", "reverseContinue"]),
        ("supportsSetVariable", &["setVariable"]),
        ("supportsRestartFrame", &["restartFrame"]),
        ("supportsGotoTargetsRequest", &["gotoTargets", "goto"]),
        ("supportsStepInTargetsRequest", &["stepInTargets"]),
        ("supportsCompletionsRequest", &["completions"]),
        ("supportsModulesRequest", &["modules"]),
        ("supportsRestartRequest", &["restart"]),
        ("supportsExceptionInfoRequest", &["exceptionInfo"]),
        ("supportsLoadedSourcesRequest", &["loadedSources"]),
        ("supportsTerminateThreadsRequest", &["terminateThreads"]),
        ("supportsSetExpression", &["setExpression"]),
        ("supportsTerminateRequest", &["terminate"]),
        (
            "supportsDataBreakpoints",
            &["dataBreakpointInfo", "setDataBreakpoints"],
        ),
        ("supportsReadMemoryRequest", &["readMemory"]),
        ("supportsWriteMemoryRequest", &["writeMemory"]),
        ("supportsDisassembleRequest", &["disassemble"]),
        ("supportsCancelRequest", &["cancel"]),
        (
            "supportsBreakpointLocationsRequest",
            &["breakpointLocations"],
        ),
        (
            "supportsInstructionBreakpoints",
            &["setInstructionBreakpoints"],
        ),
    ];

    /// Capabilities that change a request rather than announce one.
    const REFINED: &[&str] = &[
        "supportsConditionalBreakpoints",
        "supportsHitConditionalBreakpoints",
        "supportsLogPoints",
        "supportsEvaluateForHovers",
        "supportsClipboardContext",
        "supportsSteppingGranularity",
        "supportsValueFormattingOptions",
        "supportsDelayedStackTraceLoading",
        "supportsExceptionFilterOptions",
        "exceptionBreakpointFilters",
        "completionTriggerCharacters",
        "supportsDataBreakpointBytes",
        "rrDap",
    ];

    #[test]
    fn declared_capabilities_and_handled_requests_agree() {
        let declared = serde_json::to_value(lifecycle::capabilities()).unwrap();
        for (capability, commands) in ANNOUNCED {
            let declares = declared.get(*capability) == Some(&Value::Bool(true));
            for command in *commands {
                let handles = entry(command).is_some_and(|entry| {
                    !std::ptr::fn_addr_eq(entry.handle, refuse_to_write as Handler)
                });
                assert_eq!(declares, handles, "{capability} and {command}");
            }
        }
        for capability in declared.as_object().unwrap().keys() {
            let known = ANNOUNCED.iter().any(|(name, _)| name == capability)
                || REFINED.contains(&capability.as_str());
            assert!(known, "{capability} is declared, but nothing checks it");
        }
    }

    #[test]
    fn every_command_is_there_once() {
        for entry in TABLE {
            let same = TABLE.iter().filter(|other| other.command == entry.command);
            assert_eq!(same.count(), 1, "{}", entry.command);
        }
    }
}
