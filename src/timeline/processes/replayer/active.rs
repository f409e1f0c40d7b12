//! A run in progress: what it watches for, and which moments qualify.

use super::super::wire::{self, Hit, Moment, Reply, Run, StopAt, Watch};
use super::breaks::{Breaks, Found, Verdict};
use super::changes::ChangeLog;
use super::departures::Departures;
use super::entering::Entering;
use super::here::{Here, Kind};
use super::lines::LineTracker;
use super::near::{Places, frames_of, instructions_at, instructions_near, places_after_return};
use super::visits::Visitors;
use crate::component::ModuleId;
use crate::replay::frames;
use crate::replay::{Calling, Phase, Position, Tick};
use crate::timeline::passes::changes::Change;
use crate::timeline::travel::motion::{BreakpointId, LogEntry, LogText};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use std::collections::{BTreeSet, VecDeque};

/// Log entries of one stretch of a backward run: it passes them in the other order,
/// so they are kept until its end, those nearest to the present.
const MOST_KEPT: usize = 4096;
/// Log entries of a forward run that are sent at once.
const SENT_TOGETHER: usize = 256;

/// What a run looks for.
enum Seeks {
    Nothing,
    Breaks(Breaks),
    Count(Breaks),
    Visits(Breaks, Visitors),
    Changes(ChangeLog),
    Lines(LineTracker),
    /// The functions that are entered, by their first instruction.
    Entered(BTreeSet<(ModuleId, u32)>),
    Instructions,
    InstructionsWithin {
        depth: u32,
    },
    Return {
        depth: u32,
    },
    Entry {
        depth: u32,
        module: ModuleId,
        pc: u32,
    },
}

/// The last hit before a bound.
enum Last {
    None,
    Hit(Hit),
    /// Somewhere in this tick.
    In(Tick),
}

/// What is done where a run has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    /// On to exactly there, in this tick.
    Approach(Position),
    /// On, with breakpoints there, too.
    Watch(Places),
    /// On, without these breakpoints.
    Unwatch(Places),
    Stand,
}

/// A run in progress.
pub(super) struct Active {
    stop: StopAt,
    start: Moment,
    seeks: Seeks,
    last: Last,
    log: VecDeque<LogEntry>,
    left_out: u64,
    /// For a step into calls.
    entering: Option<Entering>,
    pub(super) departures: Departures,
    /// Where breakpoints are set, in compiled code.
    pub(super) installed: Vec<(ModuleId, u32)>,
}

impl Active {
    /// Begins where the guest stands; answers where breakpoints must be.
    pub(super) fn begin(run: Run, here: &mut Here<'_, '_>) -> (Active, Places) {
        let stop = run.stop;
        let modules = here.modules;
        let departures = Departures::new(&run);
        let mut entering = None;
        let (seeks, places) = match run.watch {
            Watch::Nothing => (Seeks::Nothing, Vec::new()),
            Watch::Breaks(breaks) => {
                let (breaks, places) = begin_breaks(breaks, here);
                (Seeks::Breaks(breaks), places)
            }
            Watch::Count(breaks) => {
                let (breaks, places) = begin_breaks(breaks, here);
                (Seeks::Count(breaks), places)
            }
            Watch::Visits {
                breaks,
                present,
                limit,
            } => {
                let (breaks, places) = begin_breaks(breaks, here);
                (Seeks::Visits(breaks, Visitors::new(present, limit)), places)
            }
            Watch::Changes(ranges) => (Seeks::Changes(ChangeLog::new(ranges)), Vec::new()),
            Watch::Lines(watch) => {
                entering = watch.into.clone().map(Entering::new);
                let tracker = LineTracker::new(watch, &frames_of(here));
                let places = tracker.places().collect();
                (Seeks::Lines(tracker), places)
            }
            Watch::Entered => (Seeks::Entered(BTreeSet::new()), Vec::new()),
            Watch::Instructions => (Seeks::Instructions, instructions_near(stop, here)),
            Watch::InstructionsWithin { depth, module, pc } => (
                Seeks::InstructionsWithin { depth },
                instructions_at(modules, module, pc),
            ),
            Watch::Return { depth } => (Seeks::Return { depth }, places_after_return(depth, here)),
            Watch::Entry { depth, module, pc } => {
                (Seeks::Entry { depth, module, pc }, vec![(module, pc)])
            }
        };
        let mut places = places;
        places.sort_unstable();
        places.dedup();
        let active = Active {
            stop,
            start: here.moment(),
            seeks,
            last: Last::None,
            log: VecDeque::new(),
            left_out: 0,
            entering,
            departures,
            installed: Vec::new(),
        };
        (active, places)
    }

    /// The position that the run goes to, if it does.
    pub(super) fn target(&self) -> Option<Position> {
        match self.stop {
            StopAt::Position(position) => Some(position),
            _ => None,
        }
    }

    /// The next tick after `now` at which the run wants the clock to stop.
    pub(super) fn next_tick(&self, now: Tick) -> Option<Tick> {
        let stop = match self.stop {
            StopAt::Position(position) => Some(position.tick),
            StopAt::LastBefore(bound) => Some(Tick(bound.tick.0.saturating_add(1))),
            StopAt::Tick(tick) | StopAt::FirstBefore(tick) => Some(tick),
            StopAt::First | StopAt::Event(_) | StopAt::Answered(_) | StopAt::End => None,
        };
        let each = matches!(
            self.seeks,
            Seeks::Instructions | Seeks::Entered(_) | Seeks::Changes(_)
        ) || self
            .entering
            .as_ref()
            .is_some_and(Entering::wants_each_tick);
        let each = each.then_some(Tick(now.0 + 1));
        let changes = self.breaks().and_then(|b| b.changes.next_tick(now));
        [stop, each, changes, self.departures.next_tick()]
            .into_iter()
            .flatten()
            .filter(|tick| *tick > now)
            .min()
    }

    fn breaks(&self) -> Option<&Breaks> {
        match &self.seeks {
            Seeks::Breaks(breaks) | Seeks::Count(breaks) | Seeks::Visits(breaks, _) => Some(breaks),
            _ => None,
        }
    }

    fn breaks_mut(&mut self) -> Option<&mut Breaks> {
        match &mut self.seeks {
            Seeks::Breaks(breaks) | Seeks::Count(breaks) | Seeks::Visits(breaks, _) => Some(breaks),
            _ => None,
        }
    }

    /// In the clock's hook: whether there is nothing to do but to go on to the next tick.
    pub(super) fn passes(&mut self, here: &mut Here<'_, '_>) -> bool {
        match &mut self.seeks {
            Seeks::Changes(log) => log.passes(here),
            _ => false,
        }
    }

    /// Whether who asked wants to know how far it has come.
    pub(super) fn tells_progress(&self) -> bool {
        matches!(self.seeks, Seeks::Changes(_) | Seeks::Visits(..))
    }

    /// Whether a call out has to be looked at.
    pub(super) fn watches(&self, call: &Calling) -> bool {
        self.breaks().is_some_and(|breaks| breaks.watches(call))
            || matches!(self.seeks, Seeks::Changes(_))
            || match self.stop {
                StopAt::Event(event) => event <= call.event,
                StopAt::Position(position) => position.phase == Phase::Calling,
                _ => false,
            }
    }

    /// Whether the return of a call out has to be looked at.
    pub(super) fn watches_return(&self, call: &Calling) -> bool {
        let is_looking = |breaks: &Breaks| breaks.changes.is_looking();
        if self.breaks().is_some_and(is_looking) || matches!(self.seeks, Seeks::Changes(_)) {
            return true;
        }
        match self.stop {
            StopAt::Answered(event) => event <= call.event,
            StopAt::Position(position) => position.phase == Phase::Answered,
            _ => false,
        }
    }

    /// A checkpoint may stand right where something qualifies.
    pub(super) fn look_at_start(
        &mut self,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) {
        match (&mut self.seeks, self.stop) {
            // Breakpoints count where the recording begins, too, which is before
            // any instruction.
            // A change can only be told from before.
            (Seeks::Breaks(breaks), StopAt::LastBefore(_)) if breaks.changes.are_any() => {}
            (Seeks::Breaks(breaks), StopAt::LastBefore(_)) => {
                let Some(found) = breaks.arrive(here) else {
                    return;
                };
                let verdict = breaks.visit(&found, here, predicates);
                // Else the stretch before logs it.
                if !verdict.stops.is_empty() {
                    self.note(verdict, found, here);
                }
            }
            (Seeks::Lines(_) | Seeks::Count(_) | Seeks::Visits(..) | Seeks::Changes(_), _) => {}
            (_, StopAt::LastBefore(_)) => {
                let kind = here.kind;
                if kind == Kind::Tick {
                    here.kind = Kind::Breakpoint;
                }
                if let Some(hit) = self.qualifies(here) {
                    self.last = Last::Hit(hit);
                }
                here.kind = kind;
            }
            _ => {}
        }
    }

    /// The guest has come somewhere.
    pub(super) fn arrive(
        &mut self,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> Next {
        if let Seeks::Changes(log) = &mut self.seeks {
            let is_over = log.look(here);
            return match here.kind {
                Kind::End => Next::Stand,
                _ if is_over => Next::Stand,
                _ => Next::GoOn,
            };
        }
        let mut found = None;
        match &mut self.seeks {
            Seeks::Breaks(breaks) | Seeks::Count(breaks) | Seeks::Visits(breaks, _)
                if here.kind != Kind::Tick =>
            {
                found = breaks.arrive(here);
                if found.is_none() && here.kind == Kind::Breakpoint {
                    return Next::GoOn;
                }
            }
            // A breakpoint at an instruction that no one can reach slips forward, at
            // times into the clock's code, where the tick to come has not begun.
            _ if here.kind == Kind::Breakpoint
                && !frames::stands_at_instruction(here.store, here.modules) =>
            {
                return Next::GoOn;
            }
            _ => {}
        }
        if let StopAt::LastBefore(bound) = self.stop
            && here.cmp(bound).is_ge()
        {
            // Later, it may be a function that is entered after the bound.
            if here.cmp(bound).is_eq()
                && let (Seeks::Lines(lines), Some((module, pc))) = (&mut self.seeks, here.place())
            {
                lines.end(module, pc, here.moment().position.depth);
            }
            return Next::Stand;
        }
        if here.kind == Kind::Tick
            && let Some(places) = self.enter(here)
        {
            return Next::Watch(places);
        }
        if here.cmp(self.start.position).is_gt() {
            let is_over = match found {
                Some(found) => self.visit(found, here, predicates),
                None => self.look(here),
            };
            if is_over {
                return Next::Stand;
            }
        }
        match self.stop {
            StopAt::Event(event)
                if matches!(here.kind, Kind::Calling(_)) && here.event() >= event =>
            {
                return Next::Stand;
            }
            StopAt::Tick(tick) | StopAt::FirstBefore(tick) if here.tick() >= tick => {
                return Next::Stand;
            }
            StopAt::Answered(_) if here.kind == Kind::Answered => return Next::Stand,
            StopAt::Position(position) => {
                if here.cmp(position).is_ge() {
                    return Next::Stand;
                }
                if here.kind == Kind::Tick && here.tick() == position.tick {
                    return Next::Approach(position);
                }
            }
            _ => {}
        }
        match here.kind {
            Kind::End => Next::Stand,
            Kind::Tick => self.watch_changes(here),
            _ => Next::GoOn,
        }
    }

    /// In the clock's hook: what it takes to find changes of bytes from here on.
    fn watch_changes(&mut self, here: &mut Here<'_, '_>) -> Next {
        let Some(breaks) = self.breaks_mut() else {
            return Next::GoOn;
        };
        let edit = breaks.changes.tick(here);
        match (edit.add.is_empty(), edit.remove.is_empty()) {
            (false, _) => Next::Watch(edit.add),
            (true, false) => Next::Unwatch(edit.remove),
            (true, true) => Next::GoOn,
        }
    }

    /// In the clock's hook: where a function is entered, the places to watch for a
    /// step into it.
    fn enter(&mut self, here: &mut Here<'_, '_>) -> Option<Places> {
        let is_entered = matches!(self.seeks, Seeks::Entered(_));
        if !is_entered
            && !self
                .entering
                .as_ref()
                .is_some_and(Entering::wants_each_tick)
        {
            return None;
        }
        let (module, pc) = here.place()?;
        let code = &here.modules.get(module.0 as usize)?.code;
        let is_entry = code.entry_of(pc) == Some(pc);
        if let Seeks::Entered(functions) = &mut self.seeks {
            if is_entry {
                functions.insert((module, pc));
            }
            return None;
        }
        let places = self
            .entering
            .as_mut()?
            .tick(code, module, is_entry.then_some(pc))?;
        if let Seeks::Lines(lines) = &mut self.seeks {
            lines.begin_at(&places);
        }
        Some(places)
    }

    /// At breakpoints: whether the run is over.
    fn visit(
        &mut self,
        found: Found,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> bool {
        match &mut self.seeks {
            Seeks::Count(breaks) => breaks.count(&found, here, predicates),
            Seeks::Visits(_, visitors) => visitors.visit(found.changed, here),
            Seeks::Breaks(breaks) => {
                let verdict = breaks.visit(&found, here, predicates);
                if verdict.stops.is_empty() && verdict.log.is_empty() {
                    return false;
                }
                self.note(verdict, found, here)
            }
            _ => false,
        }
    }

    /// Notes what breakpoints want: whether the run is over.
    fn note(&mut self, verdict: Verdict, found: Found, here: &mut Here<'_, '_>) -> bool {
        let stops = !verdict.stops.is_empty();
        if let StopAt::LastBefore(bound) = self.stop {
            if stops {
                self.log.clear();
                self.left_out = 0;
                self.last = self.last_here(verdict.stops, found.changed, bound, here);
            }
            self.log.extend(verdict.log);
            while self.log.len() > MOST_KEPT {
                self.log.pop_front();
                self.left_out += 1;
            }
            return false;
        }
        self.log.extend(verdict.log);
        if stops {
            self.last = Last::Hit(Hit {
                at: here.moment(),
                breakpoints: verdict.stops,
                changed: found.changed,
            });
        }
        stops
    }

    /// The depth of each hit in code would cost a walk over the stack, and only the
    /// last hit's is wanted: the others' ticks will do.
    fn last_here(
        &self,
        breakpoints: Vec<BreakpointId>,
        changed: Vec<Change>,
        bound: Position,
        here: &mut Here<'_, '_>,
    ) -> Last {
        let tick = here.tick();
        let is_code = here.kind == Kind::Breakpoint && changed.is_empty();
        if is_code && tick != self.start.position.tick && tick != bound.tick {
            return Last::In(tick);
        }
        Last::Hit(Hit {
            at: here.moment(),
            breakpoints,
            changed,
        })
    }

    /// At a place of another watch: whether the run is over.
    fn look(&mut self, here: &mut Here<'_, '_>) -> bool {
        let Some(hit) = self.qualifies(here) else {
            return false;
        };
        match self.stop {
            StopAt::First | StopAt::FirstBefore(_) | StopAt::Event(_) => {
                self.last = Last::Hit(hit);
                true
            }
            StopAt::LastBefore(_) => {
                self.last = Last::Hit(hit);
                false
            }
            _ => false,
        }
    }

    /// Whether this moment is one that is looked for.
    fn qualifies(&mut self, here: &mut Here<'_, '_>) -> Option<Hit> {
        let kind = here.kind;
        let is_first = matches!(self.stop, StopAt::First | StopAt::FirstBefore(_));
        match (&mut self.seeks, kind) {
            (Seeks::Lines(lines), Kind::Breakpoint) => {
                let (module, pc) = here.place()?;
                let at = here.moment();
                if is_first {
                    return lines.arrive(module, pc, at).then(|| Hit::plain(at));
                }
                lines.pass(module, pc, at);
                None
            }
            (Seeks::Instructions, Kind::Breakpoint | Kind::Tick) => Some(Hit::plain(here.moment())),
            (Seeks::InstructionsWithin { depth }, Kind::Breakpoint) => {
                let at = here.moment();
                (at.position.depth <= *depth).then(|| Hit::plain(at))
            }
            (Seeks::Return { depth }, Kind::Breakpoint) => {
                let at = here.moment();
                (at.position.depth <= *depth).then(|| Hit::plain(at))
            }
            (Seeks::Entry { depth, module, pc }, Kind::Breakpoint) => {
                let at = here.moment();
                let is_there = here.place() == Some((*module, *pc));
                (at.position.depth == *depth && is_there).then(|| Hit::plain(at))
            }
            _ => None,
        }
    }

    /// What has been logged and can be told now. A backward run tells at its end.
    pub(super) fn take_log(&mut self, at_least: usize) -> Vec<LogEntry> {
        match self.stop {
            StopAt::LastBefore(_) => Vec::new(),
            _ if self.log.len() < at_least => Vec::new(),
            _ => std::mem::take(&mut self.log).into(),
        }
    }

    /// Whether so much has been logged that it is worth telling.
    pub(super) fn take_full_log(&mut self) -> Vec<LogEntry> {
        self.take_log(SENT_TOGETHER)
    }

    /// Ends the run: what is left to log, in the order of the motion, and the answer.
    pub(super) fn end(self, at: Moment) -> (Vec<LogEntry>, Reply) {
        let is_backward = matches!(self.stop, StopAt::LastBefore(_));
        let mut log: Vec<LogEntry> = self.log.into();
        if is_backward {
            log.reverse();
            let left_out = log.last().cloned().filter(|_| self.left_out > 0);
            log.extend(left_out.map(|entry| LogEntry {
                text: LogText::LeftOut(self.left_out),
                ..entry
            }));
        }
        let reply = match (self.seeks, self.last) {
            (Seeks::Count(breaks), _) => Reply::Counted {
                at,
                marks: breaks.marks(),
            },
            (Seeks::Visits(_, visitors), _) => visitors.into_reply(),
            (Seeks::Changes(log), _) => Reply::Changed(log.into_ticks()),
            (Seeks::Lines(lines), _) if is_backward => Reply::Lines {
                at,
                hit: lines.last(),
                depth: lines.depth_before(),
            },
            (Seeks::Entered(functions), _) => Reply::Entered {
                at,
                functions: functions.into_iter().collect(),
            },
            (_, Last::None) => Reply::Stopped { at, hit: None },
            (_, Last::Hit(hit)) => Reply::Stopped { at, hit: Some(hit) },
            (_, Last::In(tick)) => Reply::LastIn { at, tick },
        };
        (log, reply)
    }
}

/// Breakpoints, and where Wasmtime's must be for them.
fn begin_breaks(breaks: wire::Breaks, here: &mut Here<'_, '_>) -> (Breaks, Places) {
    let mut places: Places = breaks.code.iter().map(|(_, m, pc)| (*m, *pc)).collect();
    let mut breaks = Breaks::new(breaks, here.modules);
    places.extend(breaks.changes.begin(here));
    (breaks, places)
}
