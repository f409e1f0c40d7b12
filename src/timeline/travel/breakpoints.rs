//! The breakpoints of a timeline: what replayers are told of them, which of their
//! visits are hits, and what they log.
//!
//! A hit condition speaks of the ordinal of a visit, and a visit has it from the
//! start of the recording. So before the first run one pass from the start finds
//! the visits that the condition speaks of (the fifth; each tenth), and runs in
//! either direction look positions up. The pass ends when all are found, and is
//! made again only for breakpoints that have changed.

use super::elsewhere::Elsewhere;
use super::motion::{
    Breakpoint, BreakpointId, Ending, HitCondition, LogEntry, LogText, MemoryRange, Place, Reason,
    Writes,
};
use super::turns::Turns;
use crate::component::{Component, Crossing, Direction, ModuleId, NamePattern};
use crate::replay::{Position, Tick};
use crate::timeline::passes::changes;
use crate::timeline::passes::visits::changes_among;
use crate::timeline::processes::wire::breaks::{Answers, Break, Breaks, Hits};
use crate::timeline::processes::wire::found::{Counted, Hit, Listed};
use crate::timeline::processes::wire::run::{StopAt, Watch};
use crate::timeline::{Interrupt, Result, Timeline, TimelineError};
use std::collections::HashMap;

/// Entries of the log that are kept for who fetches them after a motion.
const MOST_LOGGED: usize = 1 << 16;

/// The breakpoints that are set, and what is known of them.
#[derive(Debug, Default)]
pub(in crate::timeline) struct Breakpoints {
    set: Vec<Breakpoint>,
    /// The visits that count, for breakpoints as they were when they were counted.
    counted: HashMap<BreakpointId, (Breakpoint, Hits)>,
    log: Vec<LogEntry>,
    /// How far other recordings had come, for expressions that speak of them.
    elsewhere: Elsewhere,
    /// Which task each call into the guest is a part of, for expressions that speak of them.
    turns: Turns,
}

impl Breakpoints {
    /// A motion begins: what one before has logged is not of this one.
    pub(super) fn begin_log(&mut self) {
        self.log.clear();
    }

    pub(super) fn log(&mut self, entries: Vec<LogEntry>) {
        for entry in entries {
            if self.log.len() < MOST_LOGGED {
                self.log.push(entry);
                continue;
            }
            match self.log.last_mut().map(|last| &mut last.text) {
                Some(LogText::LeftOut(count)) => *count += 1,
                _ => self.log.push(LogEntry {
                    text: LogText::LeftOut(1),
                    ..entry
                }),
            }
        }
    }

    /// What is logged before a moment is not of a motion that goes back no farther than that.
    pub(super) fn forget_log_before(&mut self, position: Position) {
        self.log.retain(|entry| entry.position >= position);
    }

    /// Visits that were not there may be by now; those that were stay.
    pub(in crate::timeline) fn forget_counted(&mut self) {
        self.counted.retain(|_, (breakpoint, hits)| match hits {
            Hits::From(_) | Hits::Before(_) => true,
            Hits::Among(marks) => {
                matches!(breakpoint.hits, Some(HitCondition::Exactly(_))) && !marks.is_empty()
            }
            _ => false,
        });
    }

    fn hits(&self, breakpoint: &Breakpoint) -> Hits {
        let counted = self.counted.get(&breakpoint.id);
        let known = counted.filter(|(as_counted, _)| as_counted == breakpoint);
        match (breakpoint.hits, known) {
            (None, _) => Hits::All,
            (Some(_), Some((_, hits))) => hits.clone(),
            (Some(HitCondition::Exactly(0) | HitCondition::Before(0 | 1)), None) => Hits::None,
            (Some(HitCondition::From(0 | 1) | HitCondition::Every(1)), None) => Hits::All,
            (Some(condition), None) => Hits::Count(condition),
        }
    }

    pub(in crate::timeline) fn places_of(&self, id: BreakpointId) -> Option<&[Place]> {
        let breakpoint = self.set.iter().find(|b| b.id == id)?;
        Some(&breakpoint.places)
    }

    /// Whether code for debugging is needed to stop at all of them.
    pub(in crate::timeline) fn need_debug(&self) -> bool {
        self.set.iter().any(Breakpoint::needs_debug)
    }

    /// What a replayer is told.
    fn breaks(&self, component: &Component, known: &changes::Known) -> Breaks {
        let mut breaks = Breaks::default();
        let texts = || self.set.iter().flat_map(|b| [&b.condition, &b.log]);
        if texts().any(|text| text.as_deref().is_some_and(Elsewhere::is_meant)) {
            breaks.elsewhere = self.elsewhere.clone();
        }
        if texts().any(|text| text.as_deref().is_some_and(Turns::is_meant)) {
            breaks.turns = self.turns.clone();
        }
        for (index, breakpoint) in self.set.iter().enumerate() {
            breaks.breakpoints.push(Break {
                id: breakpoint.id,
                condition: breakpoint.condition.clone(),
                hits: self.hits(breakpoint),
                log: breakpoint.log.clone(),
            });
            for place in &breakpoint.places {
                match place {
                    Place::Code { module, pc } | Place::Call { module, pc, .. } => {
                        breaks.code.push((index, *module, *pc));
                    }
                    Place::Hostcall(filter) => {
                        let answers = if filter.failed {
                            Answers::Errors
                        } else {
                            Answers::All
                        };
                        let path = NamePattern::from(filter.path.as_str());
                        let named = component.crossings().iter().filter(|c| is_named(c, &path));
                        let meant =
                            named.filter(|c| !(filter.is_without_plumbing() && c.is_plumbing()));
                        let named = meant.map(|c| (index, c.id, answers));
                        breaks.crossings.extend(named);
                    }
                    Place::Events(events) => breaks.events.push((index, events.clone())),
                    Place::Change(range) => {
                        breaks
                            .changes
                            .push(known.watch(index, *range, Writes::Changing));
                    }
                    Place::Write(range) => {
                        breaks.changes.push(known.watch(index, *range, Writes::All));
                    }
                    Place::Trap => {}
                }
            }
        }
        breaks
    }
}

fn is_named(crossing: &Crossing, path: &NamePattern) -> bool {
    crossing.direction() == Direction::Outgoing && path.matches(&crossing.name)
}

/// What a hit condition makes of the visits that it speaks of.
fn hits_of(condition: HitCondition, counted: Counted) -> Hits {
    let Listed { all: marks, is_cut } = counted.marks;
    match (condition, marks.first()) {
        (HitCondition::Exactly(_), _) => Hits::Among(marks),
        (HitCondition::From(_), Some(first)) => Hits::From(*first),
        (HitCondition::From(_), None) => Hits::None,
        (HitCondition::Before(_), Some(first)) => Hits::Before(*first),
        (HitCondition::Before(_), None) => Hits::All,
        (HitCondition::Every(_), _) if is_cut => Hits::AmongAndAfter(marks),
        (HitCondition::Every(_), _) => Hits::Among(marks),
    }
}

impl Timeline {
    /// A watch for places where nobody has set a breakpoint.
    pub(in crate::timeline) fn watch_places(&self, places: Vec<Place>) -> Watch {
        Watch::Breaks(self.breaks_at(places))
    }

    /// Places where nobody has set a breakpoint, as a replayer watches for them.
    pub(in crate::timeline) fn breaks_at(&self, places: Vec<Place>) -> Breaks {
        let breakpoints = Breakpoints {
            set: vec![Breakpoint::new(BreakpointId(0), places)],
            ..Breakpoints::default()
        };
        breakpoints.breaks(self.trace.component(), &self.changes)
    }

    /// The breakpoints that [`Motion::Continue`](super::motion::Motion) stops at.
    pub fn set_breakpoints(&mut self, breakpoints: Vec<Breakpoint>) {
        self.breakpoints.set = breakpoints;
    }

    /// How far other recordings had come at each moment, for expressions that speak of them.
    pub fn set_elsewhere(&mut self, elsewhere: Elsewhere) {
        if self.breakpoints.elsewhere != elsewhere {
            self.breakpoints.elsewhere = elsewhere;
            self.breakpoints.counted.clear();
        }
    }

    /// What was set by [`set_elsewhere`](Self::set_elsewhere).
    pub fn elsewhere(&self) -> &Elsewhere {
        &self.breakpoints.elsewhere
    }

    /// Which task each call into the guest is a part of, for expressions that speak of them.
    pub fn set_turns(&mut self, turns: Turns) {
        if self.breakpoints.turns != turns {
            self.breakpoints.turns = turns;
            let are_meant = |b: &Breakpoint| b.condition.as_deref().is_some_and(Turns::is_meant);
            self.breakpoints.counted.retain(|_, (b, _)| !are_meant(b));
        }
    }

    /// What was set by [`set_turns`](Self::set_turns).
    pub(in crate::timeline) fn turns(&self) -> &Turns {
        &self.breakpoints.turns
    }

    /// What breakpoints have logged in the last motion, in the order in which it
    /// passed them. Nothing, if the motion failed: then nothing has moved.
    pub fn take_log(&mut self) -> Vec<LogEntry> {
        std::mem::take(&mut self.breakpoints.log)
    }

    /// The breakpoints that the session stands at: those that stopped it, and at a
    /// trap those for traps.
    pub fn hit_here(&self) -> Vec<BreakpointId> {
        match &self.here().reason {
            Reason::Breakpoints(ids) => ids.clone(),
            Reason::End(Ending::Trapped(_) | Ending::HostError(_)) => {
                let set = self.breakpoints.set.iter();
                set.filter(|breakpoint| breakpoint.places.contains(&Place::Trap))
                    .map(|breakpoint| breakpoint.id)
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// The breakpoints as a replayer watches for them; counts visits if need be.
    pub(super) fn breaks(&mut self, interrupt: &Interrupt) -> Result<Breaks> {
        let set = self.breakpoints.set.iter();
        let ranges: Vec<MemoryRange> = set.flat_map(|b| changes_among(&b.places)).collect();
        self.know_changes(&ranges, interrupt, &|_| {})?;
        let component = self.trace.component().clone();
        let ahead = self.ahead_of_conditions();
        let mut breaks = self.breakpoints.breaks(&component, &self.changes);
        breaks.ahead.clone_from(&ahead);
        let is_known = |b: &Break| !matches!(b.hits, Hits::Count(_));
        if breaks.breakpoints.iter().all(is_known) {
            return Ok(breaks);
        }
        self.count(breaks, interrupt)?;
        Ok(Breaks {
            ahead,
            ..self.breakpoints.breaks(&component, &self.changes)
        })
    }

    /// A breakpoint that nobody has set, as a replayer watches for it; expressions are
    /// evaluated where it stops. What it watches is known.
    pub(in crate::timeline) fn breaks_of(&self, breakpoint: Breakpoint) -> Breaks {
        let ahead = self.ahead_of([(0, &breakpoint)].into_iter());
        let breakpoints = Breakpoints {
            set: vec![breakpoint],
            elsewhere: self.breakpoints.elsewhere.clone(),
            turns: self.breakpoints.turns.clone(),
            ..Breakpoints::default()
        };
        Breaks {
            ahead,
            ..breakpoints.breaks(self.trace.component(), &self.changes)
        }
    }

    /// Before which inlined calls the breakpoints stop whose conditions and messages look at
    /// variables: they see those of the frame that the stop shows.
    fn ahead_of_conditions(&self) -> Vec<(usize, ModuleId, u32, u32)> {
        let set = self.breakpoints.set.iter().enumerate();
        self.ahead_of(set.filter(|(_, b)| b.condition.is_some() || b.log.is_some()))
    }

    fn ahead_of<'b>(
        &self,
        looking: impl Iterator<Item = (usize, &'b Breakpoint)>,
    ) -> Vec<(usize, ModuleId, u32, u32)> {
        let places = looking.flat_map(|(index, b)| b.places.iter().map(move |at| (index, at)));
        let ahead = places.filter_map(|(index, place)| match *place {
            Place::Call { module, pc, inside } => {
                let ahead = self.ahead_of_call(module, pc, inside);
                (ahead > 0).then_some((index, module, pc, ahead))
            }
            _ => None,
        });
        ahead.collect()
    }

    /// Finds the visits that hit conditions speak of.
    fn count(&mut self, breaks: Breaks, interrupt: &Interrupt) -> Result<()> {
        self.collect();
        let counted = self.counted(breaks.clone(), interrupt)?;
        // Reasons to stop at a place are told when it is stopped at.
        self.breakpoints.begin_log();
        for (asked, counted) in breaks.breakpoints.iter().zip(counted) {
            let Hits::Count(condition) = asked.hits else {
                continue;
            };
            let set = self.breakpoints.set.iter().find(|b| b.id == asked.id);
            if let Some(breakpoint) = set.cloned() {
                let hits = hits_of(condition, counted);
                self.breakpoints
                    .counted
                    .insert(breakpoint.id, (breakpoint, hits));
            }
        }
        Ok(())
    }

    /// The last hit in a tick: a run that begins there tells it exactly.
    pub(super) fn last_in_tick(
        &mut self,
        tick: Tick,
        watch: &Watch,
        interrupt: &Interrupt,
    ) -> Result<Hit> {
        let Watch::Breaks(breaks) = watch else {
            let wrong = "a hit of no breakpoint, in some tick";
            return Err(TimelineError::Confused(wrong.into()));
        };
        let mut quiet = breaks.clone();
        // A change would have been told exactly.
        quiet.changes.clear();
        for breakpoint in &mut quiet.breakpoints {
            // What it logs has been logged.
            if breakpoint.log.is_some() {
                breakpoint.hits = Hits::None;
            }
        }
        let noted = std::mem::take(&mut self.breakpoints.log);
        let process = self.at_tick(tick, interrupt)?;
        let next = Position::first_of(Tick(tick.0 + 1));
        let stop = StopAt::LastBefore(next);
        let ran = self.run(process, Watch::Breaks(quiet), stop, Vec::new(), interrupt)?;
        let hit = ran.hit;
        self.breakpoints.log = noted;
        hit.ok_or_else(|| TimelineError::Confused("a hit in a tick that has none".into()))
    }
}
