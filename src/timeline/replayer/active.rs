//! A run in progress: what it watches for, and which moments qualify.

use super::super::motion::BreakpointId;
use super::super::wire::{Hit, Moment, Run, StopAt, Watch};
use super::fork;
use super::lines::LineTracker;
use crate::component::{CrossingId, ModuleId};
use crate::replay::frames::{Frame, Innermost, ModuleCode};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Checkpoints left by a sweep are at least so far apart. Copying a replayer takes
/// 0.1 to 2 ms, and reaching a place between two of them half of this.
const LEAST_INTERVAL: Duration = Duration::from_millis(25);
/// What it costs to write to a page for the first time after a copy: 3 to 9 µs.
const PAGE_FAULT: Duration = Duration::from_micros(5);
/// Copying pages may take so large a part of a sweep: 1 in 4. A compressor that writes
/// 10 MB all the time is left a checkpoint every 50 ms then.
const SHARE_OF_PAGE_FAULTS: u32 = 4;

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
    began: Instant,
    pub(super) last_left: Instant,
    /// The page faults of this process when it last left a checkpoint.
    pub(super) faults_when_left: u64,
}

/// Which kind of moment this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before an instruction, at a breakpoint.
    Breakpoint,
    /// Before an instruction, in the clock's hook.
    Tick,
    Calling(CrossingId),
    Answered,
    /// The recording ends.
    End,
}

impl Kind {
    pub(super) fn innermost(self) -> Innermost {
        match self {
            Kind::Breakpoint | Kind::Tick => Innermost::Before,
            Kind::Calling(_) | Kind::Answered => Innermost::Calling,
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
            began: Instant::now(),
            last_left: Instant::now(),
            faults_when_left: fork::page_faults(),
        }
    }

    /// Whether a sweep has come so far that it leaves a checkpoint: by replay time,
    /// and by the pages that were dirtied meanwhile.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        let Some(number) = self.run.leave_every else {
            return false;
        };
        let since = self.last_left.elapsed();
        // The longer the run, the farther apart.
        if since < LEAST_INTERVAL.max(self.began.elapsed() / number.max(1)) {
            return false;
        }
        let dirtied = fork::page_faults().saturating_sub(self.faults_when_left);
        let dirtied = u32::try_from(dirtied).unwrap_or(u32::MAX);
        since
            >= PAGE_FAULT
                .saturating_mul(dirtied)
                .saturating_mul(SHARE_OF_PAGE_FAULTS)
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
                let into = watch.into;
                let tracker = LineTracker::new(watch, here);
                let mut places: Vec<(ModuleId, u32)> = tracker.places().collect();
                if into {
                    for (i, starts) in body_starts.iter().enumerate() {
                        places.extend(starts.iter().map(|pc| (ModuleId(i as u32), *pc)));
                    }
                }
                self.lines = Some(tracker);
                places
            }
            Watch::Instructions | Watch::InstructionsWithin { .. } => {
                let depth = match self.run.stop {
                    StopAt::LastBefore(bound) => bound.depth,
                    _ => here.len() as u32,
                };
                let around = [depth.saturating_sub(1), depth, depth + 1];
                let mut places = Vec::new();
                for frame in around.into_iter().filter_map(at_depth) {
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
            Watch::Return { depth } => at_depth(depth)
                .map(|frame| (frame.module, frame.next))
                .into_iter()
                .collect(),
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
        let stop_is_first = matches!(self.run.stop, StopAt::First | StopAt::FirstBefore(_));
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
            (Watch::InstructionsWithin { depth }, Kind::Breakpoint) => {
                plain(at.position.depth <= *depth)
            }
            (Watch::Return { depth }, Kind::Breakpoint) => plain(at.position.depth == *depth),
            (Watch::Entry { depth, module, pc }, Kind::Breakpoint) => {
                plain(at.position.depth == *depth && place == Some((*module, *pc)))
            }
            _ => None,
        }
    }
}
