//! From a hostcall that was not done when it returned to where the program is told of its end,
//! and back.

use super::Recording;
use crate::component::{CrossingKind, NamePattern};
use crate::debuggee::{DebuggeeError, grouped};
use crate::inspect::hostcall::arrivals::{Arrivals, Brought, Told};
use crate::inspect::hostcall::lift::Lifted;
use crate::inspect::hostcall::wave;
use crate::replay::Phase;
use crate::replay::boundary::Way;
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{Direction, HostcallFilter, Motion};
use crate::trace::{Entered, EventKind};
use std::sync::Arc;

/// The most bytes of a value as text.
const LONGEST: usize = 160;

impl Recording {
    /// What was begun by hostcalls and came to its end later: one pass over the recording, the
    /// first time.
    fn arrivals(&mut self, interrupt: &Interrupt) -> Result<Arc<Arrivals>, DebuggeeError> {
        if let Some(known) = &self.arrivals {
            return Ok(known.clone());
        }
        let arrivals = Arrivals::of_while(self.timeline.trace(), || !interrupt.is_raised());
        let arrivals = Arc::new(arrivals.ok_or(DebuggeeError::Interrupted)?);
        self.arrivals = Some(arrivals.clone());
        Ok(arrivals)
    }

    /// The motion to where the program is told how the hostcall ended that is made here, was
    /// answered here, or is the next that is not done when it returns; or back to the hostcall
    /// whose end was told here, or else last.
    pub(super) fn motion_to_result(
        &mut self,
        direction: Direction,
        interrupt: &Interrupt,
    ) -> Result<Motion, DebuggeeError> {
        let arrivals = self.arrivals(interrupt)?;
        match direction {
            Direction::Forward => self.motion_to_end(&arrivals),
            Direction::Backward => self.motion_to_beginning(&arrivals),
        }
    }

    fn motion_to_end(&mut self, arrivals: &Arrivals) -> Result<Motion, DebuggeeError> {
        let here = self.timeline.here().clone();
        let (event, phase) = (here.event, here.position.phase);
        let made_here = match phase {
            Phase::Calling => Some(event),
            // Others may have been made in it.
            Phase::Answered => self.hostcall_around()?,
            Phase::Before | Phase::End => None,
        };
        let of_here = made_here.and_then(|made| Some((made, arrivals.of(made)?)));
        if phase == Phase::Calling && of_here.is_none() {
            // Its result is there when it returns.
            return Ok(Motion::OverHostcall(
                Direction::Forward,
                HostcallFilter::ANY,
            ));
        }
        let Some((begun, arrival)) = of_here.or_else(|| arrivals.begun_from(event)) else {
            return Err(DebuggeeError::other(
                "no hostcall from here on comes to its end later than it returns",
            ));
        };
        let Some(told) = arrival.told else {
            let name = self.hostcall_name(begun);
            let begun = grouped(begun);
            return Err(DebuggeeError::other(format!(
                "there is no result of event {begun}, {name}: its end was never told"
            )));
        };
        Ok(match told.callback {
            Some(callback) => Motion::Entered(callback),
            None => Motion::Answered(told.event),
        })
    }

    fn motion_to_beginning(&mut self, arrivals: &Arrivals) -> Result<Motion, DebuggeeError> {
        let here = self.timeline.here().clone();
        let (event, phase) = (here.event, here.position.phase);
        if phase == Phase::Answered
            && let Some(answered) = self.hostcall_around()?
            && let Some((begun, _)) = arrivals.told_at(answered).rfind(|(_, told)| told.in_call())
        {
            return Ok(Motion::Event(begun));
        }
        let in_callback = self.callback_here()?.and_then(|callback| {
            let mut told = arrivals.told_at(callback.event);
            told.find(|(_, told)| told.callback == Some(callback))
        });
        // In the call of a callback, what hostcalls in it have told comes later.
        let in_hostcall = arrivals.told_before(event);
        let before_hostcall = match phase {
            Phase::Calling => arrivals.told_at(event).rfind(|(_, told)| !told.in_call()),
            _ => None,
        };
        let when = |(_, told): &(u64, Told)| (told.event, told.in_call());
        let found = [in_callback, in_hostcall, before_hostcall];
        let found = found.into_iter().flatten().max_by_key(when);
        let (begun, _) = found.ok_or_else(|| {
            DebuggeeError::other("the program was told of no result before this that came later")
        })?;
        Ok(Motion::Event(begun))
    }

    /// A filter for hostcalls that fail, with those whose error comes later.
    pub(super) fn with_late_failures(
        &mut self,
        filter: &HostcallFilter,
        interrupt: &Interrupt,
    ) -> Result<HostcallFilter, DebuggeeError> {
        if !filter.failed {
            return Ok(filter.clone());
        }
        let arrivals = self.arrivals(interrupt)?;
        let path = NamePattern::from(filter.path.as_str());
        let meant = |event: &u64| path.is_empty() || path.matches(&self.hostcall_name(*event));
        Ok(HostcallFilter {
            late: arrivals.failed().filter(meant).collect(),
            ..filter.clone()
        })
    }

    /// The number of the hostcall that the program is in.
    fn hostcall_around(&mut self) -> Result<Option<u64>, DebuggeeError> {
        let open = self.timeline.boundary()?;
        let innermost = open.last().filter(|open| open.way == Way::Out);
        Ok(innermost.map(|open| open.event))
    }

    /// What the hostcall tells of that has just been answered, as far as that is known already.
    pub(super) fn told_here(&mut self) -> Option<String> {
        let arrivals = self.arrivals_by_the_way()?;
        let event = self.hostcall_around().ok().flatten()?;
        let came = self.value_told_here();
        let told = arrivals.told_at(event).filter(|(_, told)| told.in_call());
        let told = told.map(|(begun, told)| {
            let name = self.hostcall_name(begun);
            Brought::new(begun, &name, told, came.clone()).words()
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What came of which the innermost hostcall tells, as text.
    fn value_told_here(&mut self) -> Option<Box<str>> {
        let frames = self.crossing_frames().ok()?;
        let frame = frames.last().filter(|frame| frame.open.way == Way::Out)?;
        let call = self.call(frame).ok()?;
        let part = call.arrived.as_ref()?.part.as_ref()?;
        // What was read or written is in the word for how that ended.
        let value = match &part.value {
            Lifted::Variant(_, Some(value)) if part.ty.is_none() => value,
            value => value,
        };
        Some(wave::text(value, LONGEST).into())
    }

    /// The call of a callback that the program is in.
    fn callback_here(&mut self) -> Result<Option<Entered>, DebuggeeError> {
        let open = self.timeline.boundary()?;
        let component = self.timeline.trace().component();
        let is_callback = |id| {
            let crossing = component.crossing(id);
            crossing.is_some_and(|crossing| crossing.kind == CrossingKind::Callback)
        };
        let mut inner = open.iter().rev();
        let callback = inner.find(|open| open.way == Way::In && is_callback(open.crossing));
        Ok(callback.map(|open| Entered::new(open.event, open.instance, open.crossing, &open.args)))
    }

    /// The WIT path of a hostcall.
    fn hostcall_name(&self, event: u64) -> String {
        let trace = self.timeline.trace();
        let called = || {
            let mut cursor = trace.events_from(event).ok()?;
            let made = cursor.next().ok()??;
            let crossing = trace.component().crossing(made.crossing)?;
            matches!(made.kind, EventKind::Call(_)).then(|| crossing.name.to_string())
        };
        called().unwrap_or_else(|| "a hostcall".to_owned())
    }
}
