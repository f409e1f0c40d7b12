//! Breakpoints, decided where they are: which of those at a place stop a run, and
//! what they log.

use super::changes::ChangePlaces;
use super::here::{Here, Kind};
use super::next::{Edit, Places};
use crate::component::{CrossingId, ModuleId};
use crate::replay::frames::{self, ModuleCode};
use crate::replay::probes::Received;
use crate::replay::{Answer, Calling, Position, State, Tick};
use crate::timeline::processes::wire;
use crate::timeline::processes::wire::breaks::{Answers, Hits};
use crate::timeline::processes::wire::found::{Change, Counted, Listed, MOST_MARKS};
use crate::timeline::travel::elsewhere::Elsewhere;
use crate::timeline::travel::motion::{BreakpointId, HitCondition, LogEntry, LogText};
use crate::timeline::travel::predicates::{Predicates, Stopped};
use crate::timeline::travel::turns::Turns;
use std::collections::HashMap;
use std::sync::Arc;

/// A breakpoint and the count of its visits.
struct Break {
    id: BreakpointId,
    condition: Option<String>,
    hits: Hits,
    log: Option<String>,
    visits: u64,
    /// Whether those before are counted, so that each has its number.
    is_numbered: bool,
    marks: Vec<Position>,
    is_cut: bool,
}

impl Break {
    /// Whether a visit that counts is a hit.
    fn is_hit(&self, here: &mut Here<'_, '_>) -> bool {
        match &self.hits {
            Hits::All => true,
            Hits::None | Hits::Count(_) => false,
            Hits::From(first) => here.cmp(*first).is_ge(),
            Hits::Before(end) => here.cmp(*end).is_lt(),
            Hits::Among(marks) => is_among(marks, here),
            Hits::AmongAndAfter(marks) => {
                let is_after = marks.last().is_none_or(|last| here.cmp(*last).is_gt());
                is_after || is_among(marks, here)
            }
        }
    }

    /// Counts a visit; whether this one was the last that matters.
    fn count(&mut self, here: &mut Here<'_, '_>) {
        self.visits += 1;
        let Hits::Count(condition) = &self.hits else {
            return;
        };
        let is_mark = match condition {
            _ if !self.is_numbered => false,
            HitCondition::Exactly(n) | HitCondition::From(n) | HitCondition::Before(n) => {
                self.visits == *n
            }
            HitCondition::Every(n) => self.visits.is_multiple_of((*n).max(1)),
        };
        if is_mark && self.marks.len() < MOST_MARKS {
            self.marks.push(here.position());
        } else if is_mark {
            self.is_cut = true;
        }
    }

    fn is_counted(&self) -> bool {
        match &self.hits {
            Hits::Count(HitCondition::Every(_)) => self.is_cut,
            Hits::Count(_) => !self.marks.is_empty(),
            _ => true,
        }
    }
}

/// Whether this is one of some positions, ascending.
fn is_among(marks: &[Position], here: &mut Here<'_, '_>) -> bool {
    let tick = here.tick();
    let from = marks.partition_point(|mark| mark.tick < tick);
    let in_tick = marks.get(from..).unwrap_or_default();
    in_tick
        .iter()
        .take_while(|mark| mark.tick == tick)
        .any(|mark| here.position() == *mark)
}

/// The breakpoints at a moment, by index.
#[derive(Debug, Clone)]
pub(super) struct Found {
    breakpoints: Arc<[usize]>,
    /// What has changed, where that is why some of them are here.
    pub(super) changed: Vec<Change>,
}

/// What breakpoints make of a visit.
#[derive(Default)]
pub(super) struct Verdict {
    /// Those that stop here.
    pub(super) stops: Vec<BreakpointId>,
    pub(super) log: Vec<LogEntry>,
}

/// Breakpoints by where they are.
pub(super) struct Breaks {
    breakpoints: Vec<Break>,
    /// By module and offset in the compiled module, as debug events tell.
    code: HashMap<(ModuleId, u32), Arc<[usize]>>,
    /// Inlined calls that a breakpoint stops before, by the offset in the original module.
    ahead: HashMap<(usize, ModuleId, u32), u32>,
    crossings: HashMap<CrossingId, Vec<(usize, Answers)>>,
    events: Vec<(usize, Vec<u64>)>,
    changes: ChangePlaces,
    /// Those in code, in the original modules.
    places: Places,
    elsewhere: Arc<Elsewhere>,
    turns: Arc<Turns>,
}

impl Breaks {
    pub(super) fn new(breaks: wire::breaks::Breaks, modules: &[ModuleCode]) -> Breaks {
        let in_code = breaks.code.iter().map(|(_, module, pc)| (*module, *pc));
        let places: Places = in_code.collect();
        let changes = ChangePlaces::new(breaks.changes, places.iter().copied());
        let mut code: HashMap<(ModuleId, u32), Vec<usize>> = HashMap::new();
        for (index, module, pc) in breaks.code {
            let compiled = modules
                .get(module.0 as usize)
                .and_then(|m| m.offsets.to_rewritten(pc));
            let Some(compiled) = compiled else { continue };
            let at = code.entry((module, compiled)).or_default();
            if !at.contains(&index) {
                at.push(index);
            }
        }
        let mut crossings: HashMap<CrossingId, Vec<(usize, Answers)>> = HashMap::new();
        for (index, crossing, answers) in breaks.crossings {
            crossings
                .entry(crossing)
                .or_default()
                .push((index, answers));
        }
        let breakpoints = breaks.breakpoints.into_iter().map(|b| Break {
            id: b.id,
            condition: b.condition,
            hits: b.hits,
            log: b.log,
            visits: 0,
            is_numbered: true,
            marks: Vec::new(),
            is_cut: false,
        });
        let ahead = breaks.ahead.into_iter();
        Breaks {
            ahead: ahead
                .map(|(index, module, pc, ahead)| ((index, module, pc), ahead))
                .collect(),
            breakpoints: breakpoints.collect(),
            code: code.into_iter().map(|(at, v)| (at, v.into())).collect(),
            crossings,
            events: breaks.events,
            changes,
            places,
            elsewhere: breaks.elsewhere.into(),
            turns: breaks.turns.into(),
        }
    }

    /// A run begins here: where Wasmtime's breakpoints must be.
    pub(super) fn begin(&mut self, here: &mut Here<'_, '_>) -> Places {
        let mut places = self.places.clone();
        places.extend(self.changes.begin(here));
        places
    }

    /// The next tick after `now` at which the clock is to stop for changes of bytes.
    pub(super) fn next_tick(&self, now: Tick) -> Option<Tick> {
        self.changes.next_tick(now)
    }

    /// In the clock's hook: what it takes to find changes of bytes from here on.
    pub(super) fn tick(&mut self, here: &mut Here<'_, '_>) -> Edit {
        self.changes.tick(here)
    }

    /// The far side has written.
    pub(super) fn received(&mut self, here: &mut Here<'_, '_>, received: &Received) {
        self.changes.received(here, received);
    }

    /// Whether changes of bytes are among the places.
    pub(super) fn has_changes(&self) -> bool {
        self.changes.are_any()
    }

    /// Whether bytes may have changed where a call out returns.
    pub(super) fn watches_return(&self) -> bool {
        self.changes.is_looking()
    }

    /// Whether a call out may be one of the places.
    pub(super) fn watches(&self, call: &Calling) -> bool {
        self.crossings.contains_key(&call.crossing)
            || self
                .events
                .iter()
                .any(|(_, events)| events.binary_search(&call.event).is_ok())
    }

    /// The breakpoints here, but for the clock's hook, where no moment has begun. `None` at
    /// one of Wasmtime's where there is none of these.
    pub(super) fn find(&mut self, here: &mut Here<'_, '_>) -> Option<Option<Found>> {
        if matches!(here.kind, Kind::Tick | Kind::Resumed) {
            return Some(None);
        }
        let found = self.arrive(here);
        (found.is_some() || here.kind != Kind::Breakpoint).then_some(found)
    }

    /// The breakpoints here; `None` where there is none.
    pub(super) fn arrive(&mut self, here: &mut Here<'_, '_>) -> Option<Found> {
        let placed = self.placed(here);
        if !self.changes.is_looking() || !is_moment_of_changes(here) {
            return placed.map(Found::without_changes);
        }
        let (at_change, changed): (Vec<usize>, Vec<Change>) =
            self.changes.look(here).into_iter().unzip();
        let mut found = at_change;
        found.extend(placed.iter().flat_map(|placed| placed.iter()));
        found.sort_unstable();
        found.dedup();
        (!found.is_empty()).then(|| Found {
            breakpoints: found.into(),
            changed,
        })
    }

    /// The breakpoints whose places do not depend on what the guest does.
    fn placed(&self, here: &mut Here<'_, '_>) -> Option<Arc<[usize]>> {
        match here.kind {
            // A checkpoint stands in the hook before an instruction that may be a
            // place.
            Kind::Tick => {
                let (module, pc) = here.place()?;
                let compiled = here
                    .modules
                    .get(module.0 as usize)?
                    .offsets
                    .to_rewritten(pc)?;
                self.code.get(&(module, compiled)).cloned()
            }
            Kind::Breakpoint => {
                let (module, compiled) = frames::compiled_place(here.store)?;
                self.code.get(&(module, compiled)).cloned()
            }
            Kind::Calling(crossing) => {
                let event = here.event();
                let by_event = self.events.iter();
                let by_event = by_event.filter(|(_, events)| events.binary_search(&event).is_ok());
                let mut found: Vec<usize> = by_event.map(|(index, _)| *index).collect();
                for (index, answers) in self.crossings.get(&crossing).into_iter().flatten() {
                    if *answers == Answers::All || will_fail(here.store.data()) {
                        found.push(*index);
                    }
                }
                found.sort_unstable();
                found.dedup();
                Some(found.into())
            }
            Kind::Answered | Kind::Resumed | Kind::End => None,
        }
        .filter(|found| !found.is_empty())
    }

    /// Decides for breakpoints that are here.
    pub(super) fn visit(
        &self,
        found: &Found,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        here.elsewhere = Some(self.elsewhere.clone());
        here.turns = Some(self.turns.clone());
        for (index, breakpoint) in found
            .breakpoints
            .iter()
            .filter_map(|i| Some((*i, self.breakpoints.get(*i)?)))
        {
            // Looking a position up is cheaper than a condition.
            if !breakpoint.is_hit(here) {
                continue;
            }
            here.ahead = ahead(&self.ahead, index, here);
            match holds(breakpoint, here, predicates) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(problem) => {
                    let problem = LogText::Problem(problem);
                    verdict.log.push(entry(breakpoint.id, here, problem));
                }
            }
            match &breakpoint.log {
                Some(template) => {
                    let text = LogText::Message(predicates.message(template, here));
                    verdict.log.push(entry(breakpoint.id, here, text));
                }
                None => verdict.stops.push(breakpoint.id),
            }
        }
        verdict
    }

    /// Counts on, where that many visits of each were before; if nobody knows, all there are.
    pub(super) fn count_from(&mut self, before: Option<Vec<u64>>) {
        for (index, breakpoint) in self.breakpoints.iter_mut().enumerate() {
            let known = before.as_ref().and_then(|before| before.get(index));
            breakpoint.is_numbered = known.is_some();
            breakpoint.visits = known.copied().unwrap_or(0);
        }
    }

    /// Counts a visit; whether all has been counted that was to be.
    pub(super) fn count(
        &mut self,
        found: &Found,
        here: &mut Here<'_, '_>,
        predicates: &mut dyn Predicates,
    ) -> bool {
        here.elsewhere = Some(self.elsewhere.clone());
        here.turns = Some(self.turns.clone());
        for index in found.breakpoints.iter() {
            let Some(breakpoint) = self.breakpoints.get_mut(*index) else {
                continue;
            };
            here.ahead = ahead(&self.ahead, *index, here);
            if !breakpoint.is_counted() && holds(breakpoint, here, predicates).unwrap_or(true) {
                breakpoint.count(here);
            }
        }
        self.breakpoints.iter().all(Break::is_counted)
    }

    /// What was counted.
    pub(super) fn into_counted(self) -> Vec<Counted> {
        let counted = self.breakpoints.into_iter().map(|b| Counted {
            visits: b.visits,
            marks: Listed {
                all: b.marks,
                is_cut: b.is_cut,
            },
        });
        counted.collect()
    }
}

impl Found {
    fn without_changes(breakpoints: Arc<[usize]>) -> Found {
        Found {
            breakpoints,
            changed: Vec::new(),
        }
    }
}

/// Changes are looked for where a moment begins: in the clock's hook it has not.
fn is_moment_of_changes(here: &mut Here<'_, '_>) -> bool {
    match here.kind {
        Kind::Breakpoint => here.stands_at_instruction(),
        Kind::Answered => true,
        Kind::Tick | Kind::Resumed | Kind::Calling(_) | Kind::End => false,
    }
}

/// How many of the inlined calls that begin here a breakpoint stops before.
fn ahead(
    known: &HashMap<(usize, ModuleId, u32), u32>,
    index: usize,
    here: &mut Here<'_, '_>,
) -> u32 {
    if known.is_empty() {
        return 0;
    }
    let place = here.place();
    let ahead = place.and_then(|(module, pc)| known.get(&(index, module, pc)));
    ahead.copied().unwrap_or(0)
}

fn holds(
    breakpoint: &Break,
    here: &mut Here<'_, '_>,
    predicates: &mut dyn Predicates,
) -> Result<bool, String> {
    match &breakpoint.condition {
        Some(condition) => predicates
            .holds(condition, here)
            .map_err(|error| format!("condition `{condition}`: {error}")),
        None => Ok(true),
    }
}

fn entry(breakpoint: BreakpointId, here: &mut Here<'_, '_>, text: LogText) -> LogEntry {
    let at = here.moment();
    LogEntry {
        position: at.position,
        event: at.event,
        breakpoint,
        text,
    }
}

/// Whether the call out in progress will answer an error: its type is a `result`,
/// and the recorded one is `err`.
fn will_fail(state: &State) -> bool {
    let Some(call) = state.calling() else {
        return false;
    };
    let component = state.component();
    let Some(crossing) = component.crossing(call.crossing) else {
        return false;
    };
    if !crossing.may_answer_error() {
        return false;
    }
    // Where the recording is damaged, the replay ends, and says so.
    let Ok(Some(answer)) = state.answer() else {
        return false;
    };
    let case = crossing
        .result_address(&call.args)
        .and_then(|address| stored_byte(address, &answer));
    crossing.answers_error(&answer.results, case)
}

/// The byte that an answer has left at an address.
fn stored_byte(address: u64, answer: &Answer) -> Option<u8> {
    let mut writes = answer.writes.iter().rev();
    writes.find_map(|written| {
        let offset = usize::try_from(address.checked_sub(written.address)?).ok()?;
        written.bytes.get(offset).copied()
    })
}
