//! Which request is handled where, and when it may be asked.

use super::{Handled, Reply, Session, State};
use super::{
    breakpoints, completions, data, evaluate, functions, lifecycle, memory, motion, source, stack,
    system, targets, time, variables, waiting,
};
use crate::dap::protocol::command::*;
use crate::dap::protocol::{Refusal, Request};
use serde_json::Value;

/// What must be there for a request to make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// The first request of all.
    Greeting,
    Nothing,
    /// Nothing to debug yet.
    Emptiness,
    /// A debuggee that is not configured yet, or is still being opened.
    Beginning,
    /// A debuggee that stands still, configured or not.
    Debuggee,
    /// The same; while it moves, the request waits and lets itself in.
    Breakpoints,
    /// A stop that the client knows of.
    Stop,
}

/// Does what one command asks for.
pub(super) trait Handler: Sync {
    fn command(&self) -> &'static str;

    fn needs(&self) -> Needs;

    /// Reads the arguments, and does it.
    fn handle(&self, session: &mut Session, request: &Request) -> Handled<Value>;

    /// Whether it is refused whatever is asked.
    #[cfg(test)]
    fn is_refused(&self) -> bool {
        false
    }
}

struct On<C: Command> {
    needs: Needs,
    handler: fn(&mut Session, C::Arguments) -> Handled<C::Response>,
}

const fn on<C: Command>(
    needs: Needs,
    handler: fn(&mut Session, C::Arguments) -> Handled<C::Response>,
) -> On<C> {
    On { needs, handler }
}

impl<C: Command> Handler for On<C> {
    fn command(&self) -> &'static str {
        C::NAME
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn handle(&self, session: &mut Session, request: &Request) -> Handled<Value> {
        let arguments = C::Arguments::read(C::NAME, &request.arguments)?;
        (self.handler)(session, arguments).and_then(Reply::written)
    }
}

/// A command that would change what has happened.
struct Rewriting<C>(std::marker::PhantomData<fn() -> C>);

const fn rewriting<C: Command>() -> Rewriting<C> {
    Rewriting(std::marker::PhantomData)
}

impl<C: Command> Handler for Rewriting<C> {
    fn command(&self) -> &'static str {
        C::NAME
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn handle(&self, _: &mut Session, _: &Request) -> Handled<Value> {
        Err(Refusal::because(
            "the past cannot be changed: a recording can be looked at, but not written to",
        ))
    }

    #[cfg(test)]
    fn is_refused(&self) -> bool {
        true
    }
}

fn handler(command: &str) -> Option<&'static dyn Handler> {
    HANDLERS
        .iter()
        .find(|handler| handler.command() == command)
        .copied()
}

/// Every request that the server knows.
pub fn commands() -> impl Iterator<Item = &'static str> {
    HANDLERS.iter().map(|handler| handler.command())
}

use Needs::{Beginning, Breakpoints, Debuggee, Emptiness, Greeting, Nothing, Stop};

static HANDLERS: &[&dyn Handler] = &[
    &on::<Initialize>(Greeting, lifecycle::initialize),
    &on::<Launch>(Emptiness, lifecycle::launch),
    &on::<Attach>(Emptiness, lifecycle::attach),
    &on::<ConfigurationDone>(Beginning, lifecycle::configuration_done),
    &on::<Restart>(Stop, lifecycle::restart),
    &on::<Terminate>(Nothing, lifecycle::terminate),
    &on::<Disconnect>(Nothing, lifecycle::disconnect),
    &on::<Cancel>(Nothing, lifecycle::cancel),
    &on::<Threads>(Nothing, lifecycle::threads),
    &on::<SetBreakpoints>(Breakpoints, breakpoints::source),
    &on::<SetFunctionBreakpoints>(Breakpoints, breakpoints::function),
    &on::<SetInstructionBreakpoints>(Breakpoints, breakpoints::instruction),
    &on::<SetExceptionBreakpoints>(Breakpoints, breakpoints::filters),
    &on::<SetDataBreakpoints>(Breakpoints, data::set),
    &on::<DataBreakpointInfo>(Stop, data::info),
    &on::<GotoTargets>(Stop, targets::goto_targets),
    &on::<Goto>(Stop, targets::goto),
    &on::<StepInTargets>(Stop, targets::step_in_targets),
    &on::<BreakpointLocations>(Debuggee, breakpoints::locations),
    &on::<Continue>(Stop, motion::resume),
    &on::<ReverseContinue>(Stop, motion::reverse),
    &on::<Next>(Stop, motion::next),
    &on::<StepIn>(Stop, motion::step_in),
    &on::<StepOut>(Stop, motion::step_out),
    &on::<StepBack>(Stop, motion::step_back),
    &on::<Pause>(Nothing, motion::pause),
    &on::<ExceptionInfo>(Stop, motion::exception_info),
    &on::<StackTrace>(Stop, stack::stack_trace),
    &on::<Scopes>(Stop, stack::scopes),
    &on::<Variables>(Stop, variables::variables),
    &on::<Locations>(Stop, variables::locations),
    &on::<Evaluate>(Stop, evaluate::evaluate),
    &on::<Completions>(Nothing, completions::completions),
    &on::<SourceText>(Debuggee, source::source),
    &on::<LoadedSources>(Debuggee, source::loaded),
    &on::<Modules>(Debuggee, source::modules),
    &on::<Disassemble>(Stop, memory::disassemble),
    &on::<ReadMemory>(Stop, memory::read),
    &on::<RrWhen>(Stop, time::when),
    &on::<RrSeek>(Stop, time::seek),
    &on::<RrStep>(Stop, time::step),
    &on::<RrMark>(Stop, time::mark),
    &on::<RrUnmark>(Stop, time::unmark),
    &on::<RrMarks>(Stop, time::marks),
    &on::<RrHostcalls>(Stop, time::hostcalls),
    &on::<RrRequests>(Stop, time::requests),
    &on::<RrResources>(Stop, time::resources),
    &on::<RrTasks>(Stop, time::tasks),
    &on::<RrOutput>(Stop, time::output),
    &on::<RrAsk>(Stop, evaluate::ask_question),
    &on::<RrWhoWrote>(Stop, data::who_wrote),
    &on::<RrTimeline>(Stop, time::timeline),
    &on::<RrFunctions>(Stop, functions::functions),
    &on::<RrSystem>(Stop, system::system),
    &on::<RrMessages>(Stop, system::messages),
    &on::<RrFollow>(Stop, system::follow),
    &on::<RrGoMessage>(Stop, system::go_message),
    &rewriting::<SetVariable>(),
    &rewriting::<SetExpression>(),
    &rewriting::<WriteMemory>(),
];

/// What becomes of a request now.
pub(super) enum Admission {
    Handle(&'static dyn Handler),
    Refuse(Refusal),
    /// It is handled as soon as the debuggee is back.
    Wait,
}

impl Session {
    /// Whether a request fits the state that the session is in.
    pub(super) fn admit(&mut self, request: &Request) -> Admission {
        let Some(handler) = handler(&request.command) else {
            let message = format!("`{}` is not known to rr-dap", request.command);
            return Admission::Refuse(Refusal::because(message));
        };
        let refuse = |message: &str| Admission::Refuse(Refusal::because(message));
        match (handler.needs(), &mut self.state) {
            (Needs::Greeting, State::Fresh)
            | (Needs::Nothing, _)
            | (Needs::Emptiness, State::Ready)
            | (Needs::Beginning, State::Opening(_) | State::Configuring(_))
            | (Needs::Debuggee, State::Configuring(_) | State::Stopped(_))
            | (Needs::Breakpoints, State::Configuring(_) | State::Stopped(_))
            | (Needs::Stop, State::Stopped(_)) => Admission::Handle(handler),
            (Needs::Greeting, _) => refuse("the session is initialized already"),
            (Needs::Breakpoints, State::Moving(moving)) => {
                // New breakpoints count for the motion that runs.
                moving.interrupt.raise();
                line_up(&mut moving.waiting, request)
            }
            (
                Needs::Beginning | Needs::Debuggee | Needs::Breakpoints | Needs::Stop,
                State::Asking(asking),
            ) => line_up(&mut asking.waiting, request),
            (Needs::Beginning, _) => refuse("there is nothing to configure now"),
            (_, State::Fresh) => refuse("`initialize` comes first"),
            (_, State::Ended) => refuse("the session has ended"),
            (Needs::Emptiness, _) => refuse("this session debugs something already"),
            (_, State::Ready) => refuse("nothing is open yet: `launch` or `attach` comes first"),
            (_, State::Opening(_) | State::Configuring(_) | State::Moving(_)) => {
                Admission::Refuse(Refusal::NotStopped)
            }
        }
    }
}

/// Has a request wait, unless too many do.
fn line_up(waiting: &mut Vec<Request>, request: &Request) -> Admission {
    match waiting::line_up(waiting, request) {
        Ok(()) => Admission::Wait,
        Err(refusal) => Admission::Refuse(refusal),
    }
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
                let handles = handler(command).is_some_and(|handler| !handler.is_refused());
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
        for command in commands() {
            assert_eq!(
                commands().filter(|other| *other == command).count(),
                1,
                "{command}"
            );
        }
    }
}
