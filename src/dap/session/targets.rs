//! `gotoTargets`, `goto`, `stepInTargets`: places to choose from.

use super::asking::ask;
use super::stack::frame_in;
use super::{Handled, Reply, Session, Then};
use crate::dap::protocol::newer::{StepInTarget, StepInTargetsResponse};
use crate::dap::protocol::{
    GotoArguments, GotoTarget, GotoTargetsArguments, GotoTargetsResponse, Refusal, Request,
    StepInTargetsArguments,
};
use crate::timeline::motion::Motion;

/// Targets that have been offered, as long as the program stands still. Their numbers
/// begin at 1.
#[derive(Debug, Default)]
pub(super) struct Targets(Vec<Motion>);

impl Targets {
    fn offer(&mut self, motion: Motion) -> i64 {
        self.0.push(motion);
        self.0.len() as i64
    }

    /// The motion to a target that was offered.
    pub(super) fn motion(&self, number: i64) -> Result<Motion, Refusal> {
        let index = number.checked_sub(1).and_then(|n| usize::try_from(n).ok());
        let motion = index.and_then(|index| self.0.get(index)).cloned();
        motion.ok_or_else(|| {
            Refusal::because(format!("target {number} has not been offered at this stop"))
        })
    }

    pub(super) fn next_stop(&mut self) {
        self.0.clear();
    }
}

/// Every visit of a line: going to one is a jump through time.
pub(super) fn goto_targets(session: &mut Session, request: &Request) -> Handled {
    let arguments: GotoTargetsArguments = request.arguments()?;
    let source = session.source_in(&arguments.source)?;
    let point = session.point_in(arguments.line, arguments.column)?;
    ask(
        move |debuggee, output, interrupt| debuggee.line_visits(&source, point, output, interrupt),
        |session, request, visits| {
            let targets = visits.into_iter().map(|visit| GotoTarget {
                id: session.targets.offer(visit.motion),
                label: visit.label,
                line: session.line_out(visit.point.line),
                column: visit.point.column.map(|column| session.column_out(column)),
                ..GotoTarget::default()
            });
            let targets = targets.collect();
            Reply::body(request, &GotoTargetsResponse { targets })
        },
    )
}

pub(super) fn goto(session: &mut Session, request: &Request) -> Handled {
    let arguments: GotoArguments = request.arguments()?;
    let motion = session.targets.motion(arguments.target_id)?;
    Ok(Reply::then(Then::Travel(vec![motion])))
}

pub(super) fn step_in_targets(session: &mut Session, request: &Request) -> Handled {
    let arguments: StepInTargetsArguments = request.arguments()?;
    let frame = frame_in(arguments.frame_id)?;
    let calls = session.debuggee()?.step_in_targets(frame)?;
    let targets = calls.into_iter().map(|call| StepInTarget {
        id: session.targets.offer(call.motion),
        label: call.label,
    });
    let targets = targets.collect();
    Reply::body(request, &StepInTargetsResponse { targets })
}
