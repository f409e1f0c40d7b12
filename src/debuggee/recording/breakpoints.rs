//! Breakpoints: from what a client asks to places in the recording.

use super::texts::{Text, path_of};
use super::{Recording, address};
use crate::component::ModuleId;
use crate::debuggee::{
    BreakpointState, DebuggeeError, FilterRequest, InstructionBreakpointRequest, Output,
    SourceBreakpointRequest, SourceOrigin, SourcePoint, StopFilter, When,
};
use crate::inspect::expression::Expression;
use crate::inspect::handles::history::HandleChange;
use crate::inspect::past::chronicle::{ChronicleError, Until};
use crate::timeline::Interrupt;
use crate::timeline::travel::motion::{
    Breakpoint, BreakpointId, HitCondition, HitConditionError, HostcallFilter, LogText,
    MemoryRange, Motion, Place, Stop,
};
use std::collections::HashMap;

/// All breakpoints of a session, by what set them.
#[derive(Debug, Default)]
pub(super) struct Breakpoints {
    by_source: HashMap<SourceOrigin, Vec<Breakpoint>>,
    pub(super) functions: Vec<Breakpoint>,
    instructions: Vec<Breakpoint>,
    filters: Vec<Breakpoint>,
    data: Vec<Breakpoint>,
    /// Filters for handles whose events are not known yet.
    handles: Vec<(BreakpointId, HandleChange, Narrowed)>,
    /// Where a motion looks for something on its way, for as long as it does.
    passing: Vec<Breakpoint>,
    next: u32,
}

/// What narrows a filter: a path, or a condition.
#[derive(Debug, Default)]
struct Narrowed {
    path: String,
    condition: Option<String>,
}

impl Narrowed {
    /// What speaks of `$arg` and the like, or compares, is a condition; anything else the
    /// path of a hostcall or resource.
    fn by(text: Option<&str>) -> Narrowed {
        let text = text.unwrap_or_default().trim();
        let is_condition = Expression::parse(text).is_ok_and(|parsed| {
            let needs = parsed.needs();
            needs.hostcall || needs.registers || text.contains(['$', '=', '<', '>'])
        });
        match is_condition {
            true => Narrowed {
                condition: Some(text.to_owned()),
                path: String::new(),
            },
            false => Narrowed {
                path: text.to_owned(),
                condition: None,
            },
        }
    }

    fn breakpoint(&self, id: BreakpointId, place: Place) -> Breakpoint {
        Breakpoint {
            condition: self.condition.clone(),
            ..Breakpoint::new(id, vec![place])
        }
    }
}

impl Breakpoints {
    pub(super) fn id(&mut self) -> BreakpointId {
        self.next += 1;
        BreakpointId(self.next)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Breakpoint> {
        self.by_source
            .values()
            .chain([
                &self.functions,
                &self.instructions,
                &self.filters,
                &self.data,
                &self.passing,
            ])
            .flatten()
    }
}

pub(super) fn state(id: BreakpointId) -> BreakpointState {
    BreakpointState {
        id,
        verified: true,
        source: None,
        point: None,
        message: None,
        instruction: None,
    }
}

/// That there are several places, where there are.
fn several(places: &[Place]) -> Option<String> {
    (places.len() > 1).then(|| format!("{} places", places.len()))
}

pub(super) fn unverified(id: BreakpointId, message: String) -> BreakpointState {
    BreakpointState {
        verified: false,
        message: Some(message),
        ..state(id)
    }
}

/// A breakpoint with its conditions. If they are not understood there is none, and the
/// client is told.
pub(super) fn set(
    id: BreakpointId,
    places: Vec<Place>,
    when: &When,
    shown: &mut BreakpointState,
) -> Option<Breakpoint> {
    let hits: Option<Result<HitCondition, HitConditionError>> =
        when.hit_condition.as_ref().map(|text| text.parse());
    let condition = when.condition.as_deref().map(Expression::parse);
    if let Some(Err(error)) = condition {
        *shown = unverified(id, format!("the condition is not understood: {error}"));
        return None;
    }
    match hits.transpose() {
        Ok(hits) => Some(Breakpoint {
            condition: when.condition.clone(),
            hits,
            ..Breakpoint::new(id, places)
        }),
        Err(error) => {
            *shown = unverified(id, error.to_string());
            None
        }
    }
}

/// Whether a source lists the recording's hostcalls.
pub(super) fn is_of_hostcalls(source: &SourceOrigin) -> bool {
    let SourceOrigin::Generated(text) = source else {
        return false;
    };
    Text::parse(text) == Some(Text::Hostcalls)
}

/// The function whose code a source lists.
fn listed(source: &SourceOrigin) -> Option<(ModuleId, u32)> {
    let SourceOrigin::Generated(text) = source else {
        return None;
    };
    match Text::parse(text)? {
        Text::Listing { module, function } => Some((module, function)),
        Text::Content { .. } | Text::StandIn { .. } | Text::Hostcalls => None,
    }
}

impl Recording {
    pub(super) fn break_at_lines(
        &mut self,
        source: &SourceOrigin,
        requests: &[SourceBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let (places, point) = self.source_places(source, request.point.line);
            let mut shown = match point {
                Some(_) => BreakpointState {
                    point,
                    message: several(&places),
                    ..state(id)
                },
                None => unverified(
                    id,
                    format!(
                        "{} has no code at or after line {}",
                        path_of(source).as_deref().unwrap_or("this listing"),
                        request.point.line
                    ),
                ),
            };
            sets.extend(
                set(id, places, &request.when, &mut shown).map(|set| Breakpoint {
                    log: request.log_message.clone(),
                    ..set
                }),
            );
            states.push(shown);
        }
        self.breakpoints.by_source.insert(source.clone(), sets);
        self.apply();
        states
    }

    /// The places of a line of a source, and the line they are really at.
    pub(super) fn source_places(
        &self,
        source: &SourceOrigin,
        line: u64,
    ) -> (Vec<Place>, Option<SourcePoint>) {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        if let Some(path) = self.sources.path_meant(source) {
            return self.line_places(&path, line);
        }
        if is_of_hostcalls(source) {
            let event = u64::from(line).saturating_sub(1);
            if event >= self.readable().0 {
                return (Vec::new(), None);
            }
            let point = SourcePoint {
                line: event + 1,
                column: None,
            };
            return (vec![Place::Events(vec![event])], Some(point));
        }
        let Some((module, function)) = listed(source) else {
            return (Vec::new(), None);
        };
        match self.instruction_on(module, function, line) {
            Some((pc, point)) => (vec![Place::Code { module, pc }], Some(point)),
            None => (Vec::new(), None),
        }
    }

    /// The places of a line in all modules, and the line they are really at.
    fn line_places(&self, path: &str, line: u32) -> (Vec<Place>, Option<SourcePoint>) {
        let mut places = Vec::new();
        let mut point: Option<SourcePoint> = None;
        for (i, module) in self.timeline.modules().iter().enumerate() {
            for statement in module.source.breakpoint_places(path, line) {
                places.push(Place::Code {
                    module: ModuleId(i as u32),
                    pc: statement.pc,
                });
                let at = SourcePoint {
                    line: u64::from(statement.at.line),
                    column: None,
                };
                point = Some(point.map_or(at, |known| known.min(at)));
            }
        }
        (places, point)
    }

    pub(super) fn break_at_instructions(
        &mut self,
        requests: &[InstructionBreakpointRequest],
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for request in requests {
            let id = self.breakpoints.id();
            let place = address::parse_code(&request.instruction, request.offset)
                .filter(|(module, pc)| self.is_instruction(*module, *pc));
            let mut shown = match place {
                Some((module, pc)) => BreakpointState {
                    instruction: Some(address::code(module, pc)),
                    ..state(id)
                },
                None => unverified(id, format!("no instruction at {}", request.instruction)),
            };
            let places = place.map(|(module, pc)| Place::Code { module, pc });
            let places = places.into_iter().collect();
            sets.extend(set(id, places, &request.when, &mut shown));
            states.push(shown);
        }
        self.breakpoints.instructions = sets;
        self.apply();
        states
    }

    fn is_instruction(&self, module: ModuleId, pc: u32) -> bool {
        self.timeline
            .module(module)
            .and_then(|m| m.code.instructions_around(pc))
            .is_some_and(|instructions| instructions.binary_search(&pc).is_ok())
    }

    pub(super) fn break_at_filters(&mut self, filters: &[FilterRequest]) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        self.breakpoints.handles.clear();
        self.panics = None;
        for filter in filters {
            let id = self.breakpoints.id();
            let narrowed = Narrowed::by(filter.condition.as_deref());
            let change = match filter.filter {
                StopFilter::HandleCreated => HandleChange::Created,
                StopFilter::HandleDropped => HandleChange::Dropped,
                StopFilter::Trap => {
                    sets.push(narrowed.breakpoint(id, Place::Trap));
                    states.push(state(id));
                    continue;
                }
                StopFilter::Panic => {
                    states.push(self.break_at_panics(id, filter.condition.as_deref()));
                    continue;
                }
                StopFilter::Throw => {
                    let (set, state) = self.break_at_throws(id, filter.condition.as_deref());
                    sets.extend(set);
                    states.push(state);
                    continue;
                }
                StopFilter::Hostcall | StopFilter::FailedHostcall => {
                    let place = Place::Hostcall(HostcallFilter {
                        path: narrowed.path.clone(),
                        failed: filter.filter == StopFilter::FailedHostcall,
                        ..HostcallFilter::MEANT
                    });
                    sets.push(narrowed.breakpoint(id, place));
                    states.push(state(id));
                    continue;
                }
            };
            self.breakpoints.handles.push((id, change, narrowed));
            states.push(state(id));
        }
        self.breakpoints.filters = sets;
        self.apply();
        states
    }

    /// Breakpoints at hostcalls that fail stop, too, at those whose error comes later.
    pub(super) fn find_late_failures(
        &mut self,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        let mut sets = std::mem::take(&mut self.breakpoints.filters);
        let mut outcome = Ok(false);
        for set in &mut sets {
            let Some(Place::Hostcall(filter)) = set.places.first() else {
                continue;
            };
            match self.with_late_failures(filter, interrupt) {
                Ok(filter) => {
                    let places = filter.places();
                    outcome = outcome.map(|changed| changed || set.places != places);
                    set.places = places;
                }
                Err(error) => outcome = Err(error),
            }
        }
        self.breakpoints.filters = sets;
        if outcome? {
            self.apply();
        }
        Ok(())
    }

    /// Works out where handles come and go, which takes a replay, when the program is to
    /// move.
    pub(super) fn find_handle_changes(
        &mut self,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<(), DebuggeeError> {
        if self.breakpoints.handles.is_empty() {
            return Ok(());
        }
        let all = self.readable().0.max(1);
        let chronicle = self.chronicle();
        let come = chronicle.wait(Until::End, interrupt, &|events| {
            let percent = (events * 100 / all).min(100) as u8;
            output.progress(Some(percent), "looking for where handles come and go");
        });
        match come {
            Ok(()) => {}
            Err(failed @ ChronicleError::Failed { .. }) => {
                output.console(&format!("where handles come and go: {failed}"));
            }
            Err(other) => return Err(other.into()),
        }
        let filters = std::mem::take(&mut self.breakpoints.handles);
        for (id, change, narrowed) in filters {
            let resource = (!narrowed.path.is_empty()).then_some(narrowed.path.as_str());
            let kept = self
                .chronicle()
                .so_far(|history| history.changes(change, resource));
            let changes = match kept {
                Ok(changes) => changes,
                Err(_) => self.handle_changes_anew(change, resource, interrupt)?,
            };
            let set = narrowed.breakpoint(id, Place::Events(changes));
            self.breakpoints.filters.push(set);
        }
        self.apply();
        Ok(())
    }

    /// Sets what stops at changes of bytes, where they are understood.
    pub(super) fn set_data<'w>(
        &mut self,
        requests: impl Iterator<Item = (Result<Vec<Place>, String>, &'w When)>,
    ) -> Vec<BreakpointState> {
        let mut sets = Vec::new();
        let mut states = Vec::new();
        for (places, when) in requests {
            let id = self.breakpoints.id();
            match places {
                Ok(places) => {
                    let mut shown = state(id);
                    sets.extend(set(id, places, when, &mut shown));
                    states.push(shown);
                }
                Err(message) => states.push(unverified(id, message)),
            }
        }
        self.breakpoints.data = sets;
        self.apply();
        states
    }

    /// The bytes that data breakpoints watch.
    pub(super) fn watched_ranges(&self) -> Vec<MemoryRange> {
        let places = self.breakpoints.data.iter().flat_map(|set| &set.places);
        let watched = places.filter_map(Place::watched);
        watched.map(|(range, _)| range).collect()
    }

    /// Moves, with one breakpoint more that nobody has set.
    pub(super) fn passing<T>(
        &mut self,
        breakpoint: Breakpoint,
        go: impl FnOnce(&mut Recording) -> Result<T, DebuggeeError>,
    ) -> Result<T, DebuggeeError> {
        self.breakpoints.passing.push(breakpoint);
        self.apply();
        let gone = go(self);
        self.breakpoints.passing.pop();
        self.apply();
        gone
    }

    pub(super) fn apply(&mut self) {
        let all = self.breakpoints.all().cloned().collect();
        self.timeline.set_breakpoints(all);
    }

    pub(super) fn breakable(
        &self,
        source: &SourceOrigin,
        lines: std::ops::RangeInclusive<u64>,
    ) -> Vec<SourcePoint> {
        if let Some((module, function)) = listed(source) {
            return self.instruction_lines(module, function, &lines);
        }
        let Some(path) = self.sources.path_meant(source) else {
            return Vec::new();
        };
        let clamp = |line: u64| u32::try_from(line).unwrap_or(u32::MAX - 1);
        let range = clamp(*lines.start())..clamp(*lines.end()).saturating_add(1);
        let mut points: Vec<SourcePoint> = self
            .timeline
            .modules()
            .iter()
            .flat_map(|m| m.source.breakable_lines(&path, range.clone()))
            .map(super::stack::point)
            .collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// Makes a motion that breakpoints end, and shows what they log.
    pub(super) fn meet(
        &mut self,
        motion: &Motion,
        output: &dyn Output,
        interrupt: &Interrupt,
    ) -> Result<Stop, DebuggeeError> {
        self.find_changes(output, interrupt)?;
        let begun = (self.timeline.here().position, self.panic_here()?);
        let stack = self.threads.of_stack.take();
        let stop = self.timeline.travel_on(stack, motion, interrupt)?;
        for entry in self.timeline.take_log() {
            output.console(&match entry.text {
                LogText::Message(text) | LogText::Problem(text) => text,
                LogText::LeftOut(count) => format!("... and {count} more"),
            });
        }
        self.stop_at_panic(begun, stop, interrupt)
    }
}
