//! `gotoTargets`, `goto`, `stepInTargets`: places to choose from.

use super::asking::ask;
use super::stack::frame_in;
use super::system::to_receiver;
use super::{Handled, Reply, Session};
use crate::dap::protocol::{
    GotoArguments, GotoTarget, GotoTargetsArguments, GotoTargetsResponse, Refusal, StepInTarget,
    StepInTargetsArguments, StepInTargetsResponse,
};
use crate::debuggee::WayIn;
use crate::timeline::travel::motion::Motion;
use std::collections::VecDeque;

/// The targets that have been offered, by their numbers from 1.
///
/// A moment stays where it is, and so does where a message is received: one can go there at any
/// time. A call to step into is one
/// of the line where the program stands.
#[derive(Debug, Default)]
pub(super) struct Targets {
    offered: VecDeque<(WayIn, u64)>,
    /// How many before those have been forgotten.
    forgotten: u64,
    stop: u64,
}

/// So many targets are remembered.
const MOST_TARGETS: usize = 10_000;

impl Targets {
    fn offer(&mut self, way: WayIn) -> i64 {
        if self.offered.len() >= MOST_TARGETS {
            self.offered.pop_front();
            self.forgotten += 1;
        }
        self.offered.push_back((way, self.stop));
        i64::try_from(self.forgotten + self.offered.len() as u64).unwrap_or(i64::MAX)
    }

    /// The way to a target that was offered.
    pub(super) fn way(&self, number: i64) -> Result<WayIn, Refusal> {
        let index = u64::try_from(number).ok();
        let index = index.and_then(|number| number.checked_sub(self.forgotten + 1));
        let index = index.and_then(|index| usize::try_from(index).ok());
        match index.and_then(|index| self.offered.get(index)) {
            Some((WayIn::Motion(Motion::IntoCall { .. }), stop)) if *stop != self.stop => {
                Err(Refusal::because(format!(
                    "target {number} was a call of the line before: ask for `stepInTargets` again"
                )))
            }
            Some((way, _)) => Ok(way.clone()),
            None => Err(Refusal::because(format!(
                "target {number} has not been offered"
            ))),
        }
    }

    pub(super) fn next_stop(&mut self) {
        self.stop += 1;
    }
}

/// Every visit of a line: going to one is a jump through time.
pub(super) fn goto_targets(
    session: &mut Session,
    arguments: GotoTargetsArguments,
) -> Handled<GotoTargetsResponse> {
    let source = session.source_in(&arguments.source)?;
    let point = session.point_in(arguments.line, arguments.column)?;
    ask(
        move |debuggee, output, interrupt| debuggee.line_visits(&source, point, output, interrupt),
        |session: &mut Session, visits| {
            let targets = visits.into_iter().map(|visit| GotoTarget {
                id: session.targets.offer(WayIn::Motion(visit.motion)),
                label: visit.label,
                line: session.line_out(visit.point.line),
                column: visit.point.column.map(|column| session.column_out(column)),
                ..GotoTarget::default()
            });
            let targets = targets.collect();
            Reply::now(GotoTargetsResponse { targets })
        },
    )
}

pub(super) fn goto(session: &mut Session, arguments: GotoArguments) -> Handled<()> {
    go(session.targets.way(arguments.target_id)?)
}

/// To a target.
pub(super) fn go(way: WayIn) -> Handled<()> {
    match way {
        WayIn::Motion(motion) => Reply::travel(motion),
        WayIn::Received(number) => to_receiver(number),
    }
}

pub(super) fn step_in_targets(
    session: &mut Session,
    arguments: StepInTargetsArguments,
) -> Handled<StepInTargetsResponse> {
    let frame = frame_in(arguments.frame_id)?;
    let calls = session.debuggee()?.step_in_targets(frame)?;
    let targets = calls.into_iter().map(|call| StepInTarget {
        id: session.targets.offer(call.way),
        label: call.label,
        ..StepInTarget::default()
    });
    let targets = targets.collect();
    Reply::now(StepInTargetsResponse { targets })
}
