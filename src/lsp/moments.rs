//! Moments that lenses lead to: found when somebody goes there, as that takes a motion.

use crate::debuggee::{
    Debuggee, DebuggeeError, FunctionBreakpointRequest, Output, SourceBreakpointRequest,
    SourceOrigin, SourcePoint, Stops, When,
};
use crate::replay::Position;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, Motion, Reason};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which of the visits of a line, or the calls of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Which {
    First,
    /// The last one before a moment.
    Previous,
    /// The first one after a moment.
    Next,
    Last,
}

/// What somebody wants to go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GoTo {
    /// In which recording.
    pub recording: PathBuf,
    /// A source on the client's machine.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// The function that is declared there: its calls are meant, not the line's visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    pub which: Which,
    /// Where the session stands, for what comes before or after that: what `seek` takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Found {
    /// What `seek` takes.
    pub position: String,
    /// Hostcalls made before it.
    pub event: u64,
    /// For people: `event 12 of 4,567 (37 %)`.
    pub text: String,
}

/// Finds it.
pub(super) fn find(
    wanted: &GoTo,
    file: String,
    debuggee: &mut dyn Debuggee,
    output: &dyn Output,
    interrupt: &Interrupt,
) -> Result<Found, DebuggeeError> {
    let from = match (&wanted.from, wanted.which) {
        (_, Which::First) => Motion::Start,
        (_, Which::Last) => Motion::End,
        (Some(position), _) => Motion::Position(
            position
                .parse::<Position>()
                .map_err(|error| DebuggeeError::other(error.to_string()))?,
        ),
        (None, _) => {
            return Err(DebuggeeError::other(
                "there is no debug session here that this could be before or after of",
            ));
        }
    };
    let direction = match wanted.which {
        Which::First | Which::Next => Direction::Forward,
        Which::Previous | Which::Last => Direction::Backward,
    };
    let source = SourceOrigin::File(file);
    debuggee.travel(&from, output, interrupt)?;
    set(wanted, &source, debuggee, true);
    let stop = debuggee.travel(&Motion::Continue(direction), output, interrupt);
    set(wanted, &source, debuggee, false);
    let stop = stop?;
    if !matches!(stop.reason, Reason::Breakpoints(_)) {
        return Err(DebuggeeError::other(match wanted.which {
            Which::First | Which::Last => "it has never run",
            Which::Previous => "it has not run before",
            Which::Next => "it does not run any more",
        }));
    }
    Ok(Found {
        position: stop.position.to_string(),
        event: stop.event,
        text: debuggee.history().moment(stop.event, stop.position),
    })
}

/// Has breakpoints there, or none any more.
fn set(wanted: &GoTo, source: &SourceOrigin, debuggee: &mut dyn Debuggee, is_on: bool) {
    let count = usize::from(is_on);
    match &wanted.function {
        Some(name) => {
            let breakpoint = FunctionBreakpointRequest {
                name: name.clone(),
                when: When::default(),
            };
            let all = [breakpoint];
            _ = Stops::set_function_breakpoints(debuggee, all.get(..count).unwrap_or_default());
        }
        None => {
            let breakpoint = SourceBreakpointRequest {
                point: SourcePoint {
                    line: wanted.line,
                    column: None,
                },
                when: When::default(),
                log_message: None,
            };
            let all = [breakpoint];
            let all = all.get(..count).unwrap_or_default();
            _ = Stops::set_source_breakpoints(debuggee, source, all);
        }
    }
}
