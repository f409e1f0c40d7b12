//! Looking for moments that qualify by what the guest is about to do there: each
//! instruction, or one where a frame is entered or goes on.

use super::{Over, Seek, at_instruction};
use crate::component::ModuleId;
use crate::replay::Tick;
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::near::{
    instructions_at, instructions_near, places_after_return,
};
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire::found::{Hit, LastHit, Reached, RunEnd};
use crate::timeline::processes::wire::run::Run;
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::ops::ControlFlow;

/// Which moments qualify.
pub(in super::super) trait Qualify: Send + 'static {
    /// Whether the first instruction of a tick, where no breakpoint need be, may be one.
    const IN_EACH_TICK: bool = false;

    /// Where breakpoints must be.
    fn places(&self, span: &Span, here: &mut Here<'_, '_>) -> Places;

    /// Whether the instruction that the guest stands before is one.
    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool;
}

/// Each instruction of the functions near the innermost frame.
pub(in super::super) struct Instructions;

impl Qualify for Instructions {
    const IN_EACH_TICK: bool = true;

    fn places(&self, span: &Span, here: &mut Here<'_, '_>) -> Places {
        instructions_near(span.bound(), here)
    }

    fn qualifies(&self, _here: &mut Here<'_, '_>) -> bool {
        true
    }
}

/// The instructions of one function, with at most so many frames.
pub(in super::super) struct InstructionsWithin {
    pub(in super::super) depth: u32,
    pub(in super::super) module: ModuleId,
    /// Of an instruction of it.
    pub(in super::super) pc: u32,
}

impl Qualify for InstructionsWithin {
    fn places(&self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        instructions_at(here.modules, self.module, self.pc)
    }

    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool {
        here.position().depth <= self.depth
    }
}

/// Some instructions of one function, in frames at exactly this depth.
pub(in super::super) struct InFrame {
    pub(in super::super) depth: u32,
    pub(in super::super) module: ModuleId,
    /// Ascending.
    pub(in super::super) pcs: Vec<u32>,
}

impl Qualify for InFrame {
    fn places(&self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        self.pcs.iter().map(|pc| (self.module, *pc)).collect()
    }

    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool {
        let is_one = |(module, pc): (ModuleId, u32)| {
            module == self.module && self.pcs.binary_search(&pc).is_ok()
        };
        here.place().is_some_and(is_one) && here.position().depth == self.depth
    }
}

/// Where the frame at this depth, or one further out, goes on.
pub(in super::super) struct FrameReturn {
    pub(in super::super) depth: u32,
}

impl Qualify for FrameReturn {
    fn places(&self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        places_after_return(self.depth, here)
    }

    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool {
        here.position().depth <= self.depth
    }
}

/// Where a function is entered, as a frame at this depth.
pub(in super::super) struct FrameEntry {
    pub(in super::super) depth: u32,
    /// Its first instruction.
    pub(in super::super) place: (ModuleId, u32),
}

impl Qualify for FrameEntry {
    fn places(&self, _span: &Span, _here: &mut Here<'_, '_>) -> Places {
        vec![self.place]
    }

    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool {
        here.position().depth == self.depth && here.place() == Some(self.place)
    }
}

/// Where the frame at this depth leaves the body of an inlined call, or one further out goes
/// on.
pub(in super::super) struct BodyLeft {
    pub(in super::super) depth: u32,
    pub(in super::super) module: ModuleId,
    /// Places of its function outside of the body, one of which it comes to first.
    pub(in super::super) outside: Vec<u32>,
    /// The depth of the frame further out that does.
    pub(in super::super) caller: Option<u32>,
}

impl Qualify for BodyLeft {
    fn places(&self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        let outside = self.outside.iter().map(|pc| (self.module, *pc));
        let left = self.caller.map(|depth| places_after_return(depth, here));
        outside.chain(left.into_iter().flatten()).collect()
    }

    fn qualifies(&self, here: &mut Here<'_, '_>) -> bool {
        let depth = here.position().depth;
        let is_outside =
            |(module, pc)| module == self.module && self.outside.binary_search(&pc).is_ok();
        self.caller.is_some_and(|caller| depth <= caller)
            || (depth == self.depth && here.place().is_some_and(is_outside))
    }
}

/// A search for moments that qualify.
pub(in super::super) struct Moments<Q> {
    which: Q,
    last: Option<Hit>,
}

impl<Q: Qualify> Moments<Q> {
    pub(in super::super) fn new(which: Q) -> Moments<Q> {
        Moments { which, last: None }
    }

    fn hit(&self, here: &mut Here<'_, '_>) -> Option<Hit> {
        let is_before_instruction = match here.kind {
            Kind::Breakpoint => true,
            Kind::Tick => Q::IN_EACH_TICK,
            Kind::Calling(_) | Kind::Answered | Kind::Resumed | Kind::End => false,
        };
        (is_before_instruction && self.which.qualifies(here)).then(|| Hit::plain(here.moment()))
    }
}

impl<Q: Qualify> Seek for Moments<Q> {
    type Errand = Run;
    type Found = ();

    fn begin(&mut self, span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.which.places(span, here)
    }

    fn look_at_start(
        &mut self,
        _span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) {
        let kind = here.kind;
        if kind == Kind::Tick {
            here.kind = Kind::Breakpoint;
        }
        self.last = self.hit(here);
        here.kind = kind;
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        Q::IN_EACH_TICK.then_some(Tick(now.0 + 1))
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<()> {
        at_instruction(here)
    }

    fn arrive(
        &mut self,
        (): (),
        span: &Span,
        here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        match self.hit(here) {
            Some(hit) => span.note(&mut self.last, hit),
            None => ControlFlow::Continue(()),
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        // No function begins where another stack goes on: its next instruction is the first.
        match here.frame(0) {
            Some(frame) if Q::IN_EACH_TICK && here.kind == Kind::Resumed => {
                Edit::adding(vec![(frame.module, frame.next)])
            }
            _ => Edit::default(),
        }
    }

    fn end(self, _span: &Span, at: Reached) -> Over<RunEnd> {
        Over::quietly(RunEnd {
            at,
            hit: LastHit::of(self.last),
            depth: None,
        })
    }
}
