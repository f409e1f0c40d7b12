//! Where one could go: the visits of a line, the calls that a line makes.

use super::Recording;
use super::breakpoints::is_of_hostcalls;
use super::stack::{NOWHERE, ShownFrame};
use crate::debuggee::{
    DebuggeeError, FrameId, LineVisit, Output, SourceOrigin, SourcePoint, StepInTarget, Travels,
    WayIn,
};
use crate::timeline::travel::motion::Motion;
use crate::timeline::{CallTarget, Callee, Interrupt, Pass};

/// So many visits of a line are offered: a person chooses among them.
const MOST_VISITS: usize = 200;

impl Recording {
    pub(super) fn visits_of(
        &mut self,
        source: &SourceOrigin,
        point: SourcePoint,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Vec<LineVisit>, DebuggeeError> {
        let (places, found) = self.source_places(source, point.line);
        let Some(point) = found else {
            return Ok(Vec::new());
        };
        if is_of_hostcalls(source) {
            let event = point.line.saturating_sub(1);
            return Ok(vec![LineVisit {
                motion: Motion::Event(event),
                label: format!("event {event}"),
                point,
            }]);
        }
        let visits = self
            .timeline
            .visits(places, MOST_VISITS, interrupt, &|pass: Pass| {
                output.progress(pass.percent(), "looking for visits of the line");
            })?;
        let history = self.history();
        let here = self.timeline.here().position;
        let label = |number: usize, visit: &crate::timeline::Visit| {
            let when = match visit.position.cmp(&here) {
                std::cmp::Ordering::Less => "before",
                std::cmp::Ordering::Equal => "here",
                std::cmp::Ordering::Greater => "ahead",
            };
            let moment = history.moment(visit.event, visit.position);
            let number = match visits.is_cut_before {
                // Not known: only the nearest are.
                true => String::new(),
                false => format!("visit {}, ", number + 1),
            };
            format!("{number}{moment}, {when}")
        };
        let shown = visits.visits.iter().enumerate();
        let shown = shown.map(|(number, visit)| LineVisit {
            label: label(number, visit),
            motion: Motion::Position(visit.position),
            point,
        });
        Ok(shown.collect())
    }

    /// Only the innermost frame has calls to make.
    pub(super) fn calls_ahead(
        &mut self,
        frame: FrameId,
    ) -> Result<Vec<StepInTarget>, DebuggeeError> {
        if frame == NOWHERE && self.stack()?.is_empty() {
            return Ok(Vec::new());
        }
        let innermost = match self.frame(Some(frame))? {
            ShownFrame::Guest(place) => place.index == 0,
            ShownFrame::Crossing(_) => false,
        };
        if !innermost {
            return Ok(Vec::new());
        }
        let calls = self.timeline.calls_on_line()?;
        let label = |call: &CallTarget| match (&call.name, call.callee) {
            (Some(name), _) => name.clone(),
            (None, Callee::Function(function) | Callee::Import(function)) => {
                format!("func[{function}]")
            }
            (None, Callee::Crossing(_)) => "a hostcall".to_owned(),
        };
        let targets = calls.iter().map(|call| StepInTarget {
            label: label(call),
            way: WayIn::Motion(Motion::IntoCall {
                module: call.module,
                pc: call.pc,
            }),
        });
        Ok(targets.collect())
    }
}
