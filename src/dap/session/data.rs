//! `dataBreakpointInfo`, `setDataBreakpoints`, `rr/whoWrote`: when bytes change.

use super::breakpoints::when;
use super::stack::frame_in;
use super::{BreakpointKind, Handled, Reply, Session, Then};
use crate::dap::protocol::custom::{Way, WhoWroteArguments};
use crate::dap::protocol::{
    DataBreakpointAccessType, DataBreakpointInfoArguments, DataBreakpointInfoResponse,
    OutputEventCategory, Refusal, SetBreakpointsResponse, SetDataBreakpointsArguments,
};
use crate::dap::repl::wrote;
use crate::dap::reporter::say;
use crate::debuggee::{DataBreakpointRequest, DataId, DataMeant};
use crate::timeline::travel::motion::{Direction, Writes};

/// Bytes at an address where nobody says how many.
const SOME_BYTES: u64 = 4;

pub(super) fn info(
    session: &mut Session,
    arguments: DataBreakpointInfoArguments,
) -> Handled<DataBreakpointInfoResponse> {
    let meant = meant(session, &arguments)?;
    let response = match session.debuggee()?.data(&meant) {
        Ok(data) => DataBreakpointInfoResponse {
            data_id: Some(data.id.0),
            description: data.description,
            access_types: Some(vec![DataBreakpointAccessType::Write]),
            can_persist: Some(true),
        },
        // That there is none is an answer too.
        Err(error) => DataBreakpointInfoResponse {
            data_id: None,
            description: error.to_string(),
            access_types: None,
            can_persist: None,
        },
    };
    Reply::now(response)
}

fn meant(
    session: &mut Session,
    arguments: &DataBreakpointInfoArguments,
) -> Result<DataMeant, Refusal> {
    let name = arguments.name.clone();
    if arguments.as_address == Some(true) {
        let bytes = arguments.bytes.unwrap_or(SOME_BYTES);
        return Ok(DataMeant::Memory {
            reference: name,
            bytes,
        });
    }
    if let Some(number) = arguments.variables_reference.filter(|number| *number > 0) {
        let of = session.values.thing(number).cloned();
        let of =
            of.ok_or_else(|| Refusal::because(format!("there is nothing of number {number}")))?;
        return Ok(DataMeant::Inside { of, name });
    }
    Ok(DataMeant::Expression {
        text: name,
        frame: arguments.frame_id.map(frame_in).transpose()?,
    })
}

pub(super) fn set(
    session: &mut Session,
    arguments: SetDataBreakpointsArguments,
) -> Handled<SetBreakpointsResponse> {
    let wanted: Vec<_> = arguments
        .breakpoints
        .into_iter()
        .map(|wanted| {
            let (writes, condition) = writes_in(wanted.condition);
            DataBreakpointRequest {
                data: DataId(wanted.data_id),
                writes,
                when: when(condition, wanted.hit_condition),
            }
        })
        .collect();
    let states = session.debuggee()?.set_data_breakpoints(&wanted);
    session.tell(&states, BreakpointKind::Data, None)
}

/// What stands first in the condition of a data breakpoint that is to stop at writes of the
/// same value, too: the protocol has no word of its own for that.
const ALL: &str = "$all";

/// Which writes a condition asks for, and the rest of it: `$all`, `$all && x > 3`.
fn writes_in(condition: Option<String>) -> (Writes, Option<String>) {
    let rest = condition
        .as_deref()
        .and_then(|condition| condition.trim().strip_prefix(ALL));
    let rest = rest.map(str::trim_start);
    if rest == Some("") {
        return (Writes::All, None);
    }
    match rest.and_then(|rest| rest.strip_prefix("&&")) {
        Some(rest) => (Writes::All, Some(rest.trim_start().to_owned())),
        None => (Writes::Changing, condition),
    }
}

pub(super) fn who_wrote(session: &mut Session, arguments: WhoWroteArguments) -> Handled<()> {
    let meant = match (arguments.memory_reference, arguments.expression) {
        (Some(reference), _) => DataMeant::Memory {
            reference,
            bytes: arguments.count.unwrap_or(SOME_BYTES),
        },
        (None, Some(text)) => DataMeant::Expression {
            text,
            frame: arguments.frame_id.map(frame_in).transpose()?,
        },
        (None, None) => {
            return Err(Refusal::because(
                "`rr/whoWrote` needs `memoryReference` and `count`, or `expression`",
            ));
        }
    };
    let direction = match arguments.direction {
        Way::Forward => Direction::Forward,
        Way::Backward => Direction::Backward,
    };
    let debuggee = session.debuggee()?;
    let data = debuggee.data(&meant)?;
    let writes = match arguments.all {
        true => Writes::All,
        false => Writes::Changing,
    };
    let motion = debuggee.to_write(&data.id, writes, direction)?;
    let going = wrote::going(&data, writes, direction);
    say(&session.outbox, OutputEventCategory::Console, &going);
    Reply::then(Then::TravelUnasked(vec![motion]))
}
