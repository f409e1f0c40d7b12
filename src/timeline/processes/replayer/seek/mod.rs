//! The kinds of search: what each looks for, and what it makes of the moments that a run
//! comes to. Where a run ends, and when it leaves checkpoints, is the same for all.

pub(super) mod breakpoints;
pub(super) mod changes;
pub(super) mod count;
pub(super) mod entered;
mod entering;
mod line_tracker;
pub(super) mod lines;
pub(super) mod moments;
pub(super) mod nothing;
mod one_frame;
pub(super) mod outer;
pub(super) mod told;
pub(super) mod visits;

use super::here::{Here, Kind};
use super::next::{Edit, Places};
use super::span::Span;
use crate::replay::probes::{Received, Stored};
use crate::replay::{Calling, Tick};
use crate::timeline::processes::wire::ask::{Ask, Errand};
use crate::timeline::processes::wire::found::Reached;
use crate::timeline::travel::motion::LogEntry;
use crate::timeline::travel::predicates::Predicates;
use std::ops::ControlFlow;

/// One kind of search. It is told of the moments of a run: of those at the breakpoints
/// that it has asked for, in the clock's hook, at calls out that it watches, and of the end.
pub(super) trait Seek: Send + 'static {
    /// What it is for: its answer is the answer to that.
    type Errand: Errand;
    /// What is at a moment, of what is looked for.
    type Found;

    /// Whether who asked wants to know how far it has come.
    const TELLS_PROGRESS: bool = false;
    /// Whether the end of the run may be one whose tick optimised code does not know, as
    /// nothing is said of it.
    const ENDS_ANYWHERE: bool = false;

    /// Begins where the guest stands: where breakpoints must be.
    fn begin(&mut self, span: &Span, here: &mut Here<'_, '_>) -> Places;

    /// A run to the last hit before a bound begins here: a checkpoint may stand right where
    /// something qualifies.
    fn look_at_start(
        &mut self,
        _span: &Span,
        _here: &mut Here<'_, '_>,
        _predicates: &mut dyn Predicates,
    ) {
    }

    /// The next tick after `now` at which the clock is to stop.
    fn next_tick(&self, _now: Tick) -> Option<Tick> {
        None
    }

    /// In the clock's hook: whether there is nothing to do but to go on to the next tick.
    fn passes(&mut self, _here: &mut Here<'_, '_>) -> bool {
        false
    }

    /// Whether a call out has to be looked at.
    fn watches(&self, _call: &Calling) -> bool {
        false
    }

    /// Whether the return of calls out has to be looked at.
    fn watches_return(&self) -> bool {
        false
    }

    /// What is here; `None` at a breakpoint that does not matter, not even to where the
    /// run ends.
    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Self::Found>;

    /// The guest has come to the very bound of a run.
    fn come_to_bound(&mut self, _here: &mut Here<'_, '_>) {}

    /// The guest has come to a moment inside of the run: whether that is over.
    fn arrive(
        &mut self,
        found: Self::Found,
        span: &Span,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> ControlFlow<()>;

    /// In the clock's hook, after that: what it takes to go on.
    fn tick(&mut self, _here: &mut Here<'_, '_>) -> Edit {
        Edit::default()
    }

    /// The same at a breakpoint.
    fn at_breakpoint(&mut self) -> Edit {
        Edit::default()
    }

    /// The guest, or the far side, has written to memory, or a memory has come to be.
    fn touched(&mut self, _here: &mut Here<'_, '_>, _touch: Touch<'_>) {}

    /// Takes back what it has put into the guest: the run is over, or goes on elsewhere.
    fn withdraw(&mut self, _here: &mut Here<'_, '_>) {}

    /// What has been logged and can be told now, if it is so many.
    fn take_log(&mut self, _span: &Span, _at_least: usize) -> Vec<LogEntry> {
        Vec::new()
    }

    /// Ends where the guest stands.
    fn end(self, span: &Span, at: Reached) -> Over<<Self::Errand as Ask>::Answer>;
}

/// How memory is touched.
pub(super) enum Touch<'a> {
    /// An instruction may have written what is watched.
    Stored(&'a Stored),
    /// The far side has written.
    Received(&'a Received),
    /// An instance has been made.
    Made,
}

/// What is left to say when a run is over.
pub(super) struct Over<A> {
    /// In the order of the motion.
    pub(super) log: Vec<LogEntry>,
    pub(super) answer: A,
}

impl<A> Over<A> {
    fn quietly(answer: A) -> Over<A> {
        Over {
            log: Vec::new(),
            answer,
        }
    }
}

/// For searches that take moments one by one: a breakpoint at an instruction that no one
/// can reach slips forward, at times into the clock's code, where the tick to come has not
/// begun.
fn at_instruction(here: &mut Here<'_, '_>) -> Option<()> {
    (here.kind != Kind::Breakpoint || here.stands_at_instruction()).then_some(())
}
