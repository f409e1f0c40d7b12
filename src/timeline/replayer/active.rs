//! A run in progress: what it watches for, and which moments qualify.

use super::super::motion::BreakpointId;
use super::super::wire::{Hit, Moment, Run, StopAt, Watch};
use super::lines::LineTracker;
use crate::component::{CrossingId, ModuleId};
use crate::replay::frames::{Frame, Innermost, ModuleCode};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Checkpoints left by a sweep begin this far apart; after each sixteen the
/// interval doubles, so their number grows with the logarithm of the run.
const FIRST_INTERVAL: Duration = Duration::from_millis(25);
pub(super) const CHECKPOINTS_PER_INTERVAL: u32 = 16;

/// A run in progress.
pub(super) struct Active {
    pub(super) run: Run,
    pub(super) start: Moment,
    pub(super) installed: Vec<(ModuleId, u32)>,
    pub(super) codes: HashMap<(ModuleId, u32), Vec<BreakpointId>>,
    pub(super) crossings: HashMap<CrossingId, Vec<BreakpointId>>,
    pub(super) lines: Option<LineTracker>,
    pub(super) last: Option<Hit>,
    pub(super) next_leave: usize,
    pub(super) left: u32,
    pub(super) interval: Duration,
    pub(super) last_left: Instant,
}

/// Which kind of moment this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before an instruction, at a breakpoint.
    Breakpoint,
    /// Before an instruction, in the clock's hook.
    Tick,
    Calling(CrossingId),
    /// The recording ends.
    End,
}

impl Kind {
    pub(super) fn innermost(self) -> Innermost {
        match self {
            Kind::Breakpoint | Kind::Tick => Innermost::Before,
            Kind::Calling(_) => Innermost::Calling,
            Kind::End => Innermost::Trapped,
        }
    }
}

impl Active {
    pub(super) fn new(run: Run, start: Moment) -> Active {
        Active {
            run,
            start,
            installed: Vec::new(),
            codes: HashMap::new(),
            crossings: HashMap::new(),
            lines: None,
            last: None,
            next_leave: 0,
            left: 0,
            interval: FIRST_INTERVAL,
            last_left: Instant::now(),
        }
    }

    /// Works out where breakpoints must be; answers them.
    pub(super) fn prepare(
        &mut self,
        here: &[Frame],
        modules: &[ModuleCode],
        body_starts: &[Vec<u32>],
    ) -> Vec<(ModuleId, u32)> {
        let at_depth = |depth: u32| {
            (here.len() as u32)
                .checked_sub(depth)
                .and_then(|i| here.get(i as usize))
        };
        match self.run.watch.clone() {
            Watch::Nothing => Vec::new(),
            Watch::Places { code, crossings } => {
                for (id, crossing) in crossings {
                    self.crossings.entry(crossing).or_default().push(id);
                }
                for (id, module, pc) in code {
                    self.codes.entry((module, pc)).or_default().push(id);
                }
                self.codes.keys().copied().collect()
            }
            Watch::Lines(watch) => {
                let mut beginnings = HashSet::new();
                if watch.into {
                    for (i, starts) in body_starts.iter().enumerate() {
                        beginnings.extend(starts.iter().map(|pc| (ModuleId(i as u32), *pc)));
                    }
                }
                let tracker = LineTracker::new(watch, here, beginnings);
                let mut places: Vec<(ModuleId, u32)> = tracker.places().collect();
                places.sort_unstable();
                places.dedup();
                self.lines = Some(tracker);
                places
            }
            Watch::Instructions => {
                let depth = match self.run.stop {
                    StopAt::LastBefore(bound) => bound.depth,
                    _ => here.len() as u32,
                };
                let around = [depth.saturating_sub(1), depth, depth + 1];
                let mut places = Vec::new();
                let mut frames: Vec<&Frame> = around.into_iter().filter_map(at_depth).collect();
                // An exception may leave any frame, for any that catches.
                let catches = |frame: &Frame| {
                    let module = modules.get(frame.module.0 as usize);
                    module.is_some_and(|m| m.code.catches(frame.pc))
                };
                let mut seen = HashSet::new();
                let mut functions = here.to_vec();
                functions.retain(|frame| seen.insert((frame.module, frame.function)));
                if functions.iter().any(catches) {
                    frames = functions.iter().collect();
                }
                for frame in frames {
                    let module = modules.get(frame.module.0 as usize);
                    let instructions = module.and_then(|m| m.code.instructions_around(frame.pc));
                    for pc in instructions.iter().flat_map(|i| i.iter()) {
                        places.push((frame.module, *pc));
                    }
                }
                places.sort_unstable();
                places.dedup();
                places
            }
            Watch::Return { depth } => {
                let returned = at_depth(depth).map(|frame| (frame.module, frame.next));
                let mut places: HashSet<(ModuleId, u32)> = returned.into_iter().collect();
                // An exception does not go on after the call.
                let outside = here.len().saturating_sub(depth as usize);
                for frame in here.iter().skip(outside) {
                    let module = modules.get(frame.module.0 as usize);
                    let catching = module.filter(|m| m.code.catches(frame.pc));
                    let instructions = catching.and_then(|m| m.code.instructions_around(frame.pc));
                    let instructions = instructions.iter().flat_map(|i| i.iter());
                    places.extend(instructions.map(|pc| (frame.module, *pc)));
                }
                places.into_iter().collect()
            }
            Watch::Entry { module, pc, .. } => vec![(module, pc)],
        }
    }

    /// Whether this moment is one that is looked for.
    pub(super) fn qualifies(
        &mut self,
        kind: Kind,
        at: Moment,
        frame: Option<&Frame>,
    ) -> Option<Hit> {
        let place = frame.map(|f| (f.module, f.pc));
        let plain = |yes: bool| {
            yes.then(|| Hit {
                at,
                breakpoints: Vec::new(),
            })
        };
        let stop_is_first = self.run.stop == StopAt::First;
        match (&self.run.watch, kind) {
            (Watch::Places { .. }, Kind::Breakpoint) => {
                let breakpoints = self.codes.get(&place?)?.clone();
                Some(Hit { at, breakpoints })
            }
            (Watch::Places { .. }, Kind::Calling(crossing)) => {
                let breakpoints = self.crossings.get(&crossing)?.clone();
                Some(Hit { at, breakpoints })
            }
            (Watch::Lines(_), Kind::Breakpoint) => {
                let (module, pc) = place?;
                let lines = self.lines.as_mut()?;
                if stop_is_first {
                    return plain(lines.arrive(module, pc, at));
                }
                lines.pass(module, pc, at);
                None
            }
            (Watch::Instructions, Kind::Breakpoint | Kind::Tick) => plain(true),
            (Watch::Return { depth }, Kind::Breakpoint) => plain(at.position.depth <= *depth),
            (Watch::Entry { depth, module, pc }, Kind::Breakpoint) => {
                plain(at.position.depth == *depth && place == Some((*module, *pc)))
            }
            _ => None,
        }
    }
}
