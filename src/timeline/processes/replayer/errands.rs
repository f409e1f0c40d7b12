//! Setting out: for each errand, which kind of search it is, and from where to where.

use super::course::Underway;
use super::here::Here;
use super::seek::breakpoints::Breakpoints;
use super::seek::changes::Changes;
use super::seek::count::Count;
use super::seek::entered::Entered;
use super::seek::lines::Lines;
use super::seek::moments::{
    BodyLeft, FrameEntry, FrameReturn, InFrame, Instructions, InstructionsWithin, Moments,
};
use super::seek::nothing::Nothing;
use super::seek::outer::Outer;
use super::seek::told::Told;
use super::seek::visits::Visits;
use super::span::Span;
use crate::replay::Phase;
use crate::timeline::processes::wire::ask::{
    CountVisits, Errand, FindChanges, ListEntered, ListVisits, RunAhead, TellVisits,
};
use crate::timeline::processes::wire::run::{Leave, Run, StackWatched, StopAt, Watch};

/// An errand, for a replayer that stands still.
pub(super) trait SetOut: Errand {
    /// Whether the guest has to stop before instructions for it.
    fn needs_hooks(&self) -> bool;

    /// Whether stores have to be told of for it.
    fn needs_stores(&self) -> bool {
        false
    }

    /// The checkpoints to leave.
    fn leave(&mut self) -> Leave {
        Leave::NOTHING
    }

    /// When it is over.
    fn stop(&self) -> StopAt {
        StopAt::End
    }

    /// The call into the guest that is looked at, if it is one.
    fn on_stack(&self) -> Option<StackWatched> {
        None
    }

    /// Begins it where the guest stands.
    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<Self>;
}

impl SetOut for Run {
    fn needs_hooks(&self) -> bool {
        let stops_before = match self.stop {
            StopAt::Position(position) => position.phase == Phase::Before,
            _ => false,
        };
        stops_before
            || match &self.watch {
                Watch::Nothing => false,
                Watch::Breaks(breaks) => breaks.are_in_code(),
                Watch::Lines(_) => true,
                Watch::Instructions | Watch::InstructionsWithin { .. } => true,
                Watch::InFrame { .. } => true,
                Watch::Return { .. } | Watch::Entry { .. } | Watch::BodyLeft { .. } => true,
            }
    }

    fn stop(&self) -> StopAt {
        self.stop
    }

    fn on_stack(&self) -> Option<StackWatched> {
        self.on_stack.clone()
    }

    fn leave(&mut self) -> Leave {
        std::mem::replace(&mut self.leave, Leave::NOTHING)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<Run> {
        match self.watch {
            Watch::Nothing => Underway::begin(Nothing, span, here),
            Watch::Breaks(breaks) => Underway::begin(Breakpoints::new(breaks, here), span, here),
            Watch::Lines(watch) => Underway::begin(Lines::new(watch, here), span, here),
            Watch::Instructions => Underway::begin(Moments::new(Instructions), span, here),
            Watch::InstructionsWithin { depth, module, pc } => {
                let within = InstructionsWithin { depth, module, pc };
                Underway::begin(Moments::new(within), span, here)
            }
            Watch::InFrame { depth, module, pcs } => {
                let in_frame = InFrame { depth, module, pcs };
                Underway::begin(Moments::new(in_frame), span, here)
            }
            Watch::Return { depth } => {
                Underway::begin(Moments::new(FrameReturn { depth }), span, here)
            }
            Watch::Entry { depth, module, pc } => {
                let place = (module, pc);
                Underway::begin(Moments::new(FrameEntry { depth, place }), span, here)
            }
            Watch::BodyLeft {
                depth,
                module,
                outside,
                caller,
            } => {
                let left = BodyLeft {
                    depth,
                    module,
                    outside,
                    caller,
                };
                Underway::begin(Moments::new(left), span, here)
            }
        }
    }
}

impl SetOut for RunAhead {
    fn needs_hooks(&self) -> bool {
        false
    }

    fn leave(&mut self) -> Leave {
        std::mem::replace(&mut self.0, Leave::NOTHING)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<RunAhead> {
        Underway::begin(Outer::default(), span, here)
    }
}

impl SetOut for CountVisits {
    fn needs_hooks(&self) -> bool {
        self.breaks.are_in_code()
    }

    fn stop(&self) -> StopAt {
        self.last.map_or(StopAt::End, StopAt::FirstUntil)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<CountVisits> {
        Underway::begin(Count::new(self, here), span, here)
    }
}

impl SetOut for ListVisits {
    fn needs_hooks(&self) -> bool {
        self.places.are_in_code()
    }

    fn stop(&self) -> StopAt {
        self.last.map_or(StopAt::End, StopAt::FirstUntil)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<ListVisits> {
        Underway::begin(Visits::new(self, here), span, here)
    }
}

impl SetOut for TellVisits {
    fn needs_hooks(&self) -> bool {
        self.breaks.are_in_code()
    }

    fn stop(&self) -> StopAt {
        self.last.map_or(StopAt::End, StopAt::FirstUntil)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<TellVisits> {
        Underway::begin(Told::new(self, here), span, here)
    }
}

impl SetOut for FindChanges {
    fn needs_hooks(&self) -> bool {
        false
    }

    fn needs_stores(&self) -> bool {
        true
    }

    fn stop(&self) -> StopAt {
        self.until.map_or(StopAt::End, StopAt::Tick)
    }

    fn leave(&mut self) -> Leave {
        std::mem::replace(&mut self.leave, Leave::NOTHING)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<FindChanges> {
        Underway::begin(Changes::new(self), span, here)
    }
}

impl SetOut for ListEntered {
    fn needs_hooks(&self) -> bool {
        true
    }

    fn stop(&self) -> StopAt {
        StopAt::LastBefore(self.before)
    }

    fn set_out(self, span: Span, here: &mut Here<'_, '_>) -> Underway<ListEntered> {
        Underway::begin(Entered::default(), span, here)
    }
}
