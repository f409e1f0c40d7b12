//! Looking for breakpoints that stop, and keeping what they log.

use super::{Over, Seek, Touch};
use crate::replay::{Calling, Position, Tick};
use crate::timeline::processes::replayer::breaks::{Breaks, Found, Verdict};
use crate::timeline::processes::replayer::here::{Here, Kind};
use crate::timeline::processes::replayer::next::{Edit, Places};
use crate::timeline::processes::replayer::span::Span;
use crate::timeline::processes::wire;
use crate::timeline::processes::wire::found::{Change, Hit, LastHit, Reached, RunEnd};
use crate::timeline::processes::wire::run::Run;
use crate::timeline::travel::motion::{BreakpointId, LogEntry, LogText};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Log entries of one stretch of a backward run: it passes them in the other order,
/// so they are kept until its end, those nearest to the present.
const MOST_KEPT: usize = 4096;

/// A search for breakpoints.
pub(in super::super) struct Breakpoints {
    breaks: Breaks,
    last: LastHit,
    log: VecDeque<LogEntry>,
    left_out: u64,
}

impl Breakpoints {
    pub(in super::super) fn new(
        breaks: wire::breaks::Breaks,
        here: &mut Here<'_, '_>,
    ) -> Breakpoints {
        Breakpoints {
            breaks: Breaks::new(breaks, here.modules),
            last: LastHit::None,
            log: VecDeque::new(),
            left_out: 0,
        }
    }

    /// Notes what breakpoints want: whether the run is over.
    fn note(
        &mut self,
        verdict: Verdict,
        found: Found,
        span: &Span,
        here: &mut Here<'_, '_>,
    ) -> ControlFlow<()> {
        let stops = !verdict.stops.is_empty();
        if let Some(bound) = span.bound() {
            if stops {
                self.log.clear();
                self.left_out = 0;
                let (stops, changed) = (verdict.stops, found.changed);
                self.last = last_here(stops, changed, (span.start().position, bound), here);
            }
            self.log.extend(verdict.log);
            while self.log.len() > MOST_KEPT {
                self.log.pop_front();
                self.left_out += 1;
            }
            return ControlFlow::Continue(());
        }
        self.log.extend(verdict.log);
        if !stops {
            return ControlFlow::Continue(());
        }
        self.last = LastHit::Hit(Hit {
            at: here.moment(),
            breakpoints: verdict.stops,
            changed: found.changed,
            unbegun: None,
        });
        ControlFlow::Break(())
    }
}

/// The depth of each hit in code would cost a walk over the stack, and only the
/// last hit's is wanted: the others' ticks will do.
fn last_here(
    breakpoints: Vec<BreakpointId>,
    changed: Vec<Change>,
    (start, bound): (Position, Position),
    here: &mut Here<'_, '_>,
) -> LastHit {
    let tick = here.tick();
    let is_code = here.kind == Kind::Breakpoint && changed.is_empty();
    if is_code && tick != start.tick && tick != bound.tick {
        return LastHit::In(tick);
    }
    LastHit::Hit(Hit {
        at: here.moment(),
        breakpoints,
        changed,
        unbegun: None,
    })
}

impl Seek for Breakpoints {
    type Errand = Run;
    type Found = Option<Found>;

    fn begin(&mut self, _span: &Span, here: &mut Here<'_, '_>) -> Places {
        self.breaks.begin(here)
    }

    /// Breakpoints count where the recording begins, too, which is before any instruction.
    fn look_at_start(
        &mut self,
        span: &Span,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) {
        // A change can only be told from before.
        if self.breaks.has_changes() {
            return;
        }
        let Some(found) = self.breaks.arrive(here) else {
            return;
        };
        let verdict = self.breaks.visit(&found, here, predicates);
        // Else the stretch before logs it.
        if !verdict.stops.is_empty() {
            // A run to a bound goes on, whatever it passes.
            _ = self.note(verdict, found, span, here);
        }
    }

    fn next_tick(&self, now: Tick) -> Option<Tick> {
        self.breaks.next_tick(now)
    }

    fn watches(&self, call: &Calling) -> bool {
        self.breaks.watches(call)
    }

    fn watches_return(&self) -> bool {
        self.breaks.watches_return()
    }

    fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Option<Found>> {
        self.breaks.find(here)
    }

    fn arrive(
        &mut self,
        found: Option<Found>,
        span: &Span,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> ControlFlow<()> {
        let Some(found) = found else {
            return ControlFlow::Continue(());
        };
        let verdict = self.breaks.visit(&found, here, predicates);
        if verdict.stops.is_empty() && verdict.log.is_empty() {
            return ControlFlow::Continue(());
        }
        self.note(verdict, found, span, here)
    }

    fn touched(&mut self, here: &mut Here<'_, '_>, touch: Touch<'_>) {
        if let Touch::Received(received) = touch {
            self.breaks.received(here, received);
        }
    }

    fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        self.breaks.tick(here)
    }

    /// A backward run tells at its end.
    fn take_log(&mut self, span: &Span, at_least: usize) -> Vec<LogEntry> {
        match span.bound() {
            Some(_) => Vec::new(),
            None if self.log.len() < at_least => Vec::new(),
            None => std::mem::take(&mut self.log).into(),
        }
    }

    fn end(self, span: &Span, at: Reached) -> Over<RunEnd> {
        let mut log: Vec<LogEntry> = self.log.into();
        if span.bound().is_some() {
            log.reverse();
            let left_out = log.last().cloned().filter(|_| self.left_out > 0);
            log.extend(left_out.map(|entry| LogEntry {
                text: LogText::LeftOut(self.left_out),
                ..entry
            }));
        }
        Over {
            log,
            answer: RunEnd {
                at,
                hit: self.last,
                depth: None,
            },
        }
    }
}
