//! What a recording's moments are, found out without the timeline: the recording is
//! replayed once in this process, instruction by instruction, and every moment noted.
//! From that list follows where each motion must lead.

mod lines;
mod motions;
mod state;
mod stepping;

pub use state::{State, state_here};

use rr_dap::component::{CrossingId, ModuleId};
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Code, Compiled, Phase, Position};
use rr_dap::source::ModuleSource;
use rr_dap::timeline::travel::motion::Ending;
use rr_dap::trace::{Outcome, Trace};
use std::collections::HashMap;
use std::sync::Arc;

/// A moment of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub position: Position,
    /// As [`Stop::event`](rr_dap::timeline::travel::motion::Stop) has it.
    pub event: u64,
    /// The innermost activation, as an index of [`Oracle::activations`].
    pub frame: Option<usize>,
    /// The outgoing crossing being made, in the phase `Calling`.
    pub crossing: Option<CrossingId>,
    /// The stack that runs, if the guest is in a call.
    pub stack: Option<u64>,
    /// The stack that stands in the call with which that has begun.
    pub called_from: Option<u64>,
}

/// One activation of a function: from the call of it to its return, its tail call or
/// its unwinding.
#[derive(Debug, Clone)]
pub struct Activation {
    pub module: ModuleId,
    /// The stack that it is on: stays the same, as no fixture that is walked in has stacks that
    /// are split.
    pub stack: Option<u64>,
    pub parent: Option<usize>,
    /// The moments before an instruction in which it is the innermost one, ascending.
    pub moments: Vec<usize>,
}

/// A recording's moments, ascending, the start first and the end last.
pub struct Oracle {
    pub trace: Arc<Trace>,
    compiled: Compiled,
    pub modules: Vec<(Code, ModuleSource)>,
    pub moments: Vec<Moment>,
    pub activations: Vec<Activation>,
    indices: HashMap<Position, usize>,
    lines: lines::Lines,
}

impl Oracle {
    /// Steps through a whole recording.
    pub fn of(trace: Arc<Trace>) -> Oracle {
        let cache = CacheDir::open(&super::cache_dir()).expect("a cache");
        let compiled = Compiled::prepare(&trace, &cache, Variant::Debug, &|_, _| {})
            .expect("the guest compiles");
        let modules: Vec<(Code, ModuleSource)> = trace
            .component()
            .modules()
            .map(|bytes| {
                let bytes: Arc<[u8]> = Arc::from(bytes);
                let code = Code::read(bytes.clone()).expect("code");
                (code, ModuleSource::read(bytes).expect("debug information"))
            })
            .collect();
        let steps = stepping::steps(&trace, &compiled);
        let (moments, activations) = activations(&steps, &modules);
        let indices: HashMap<Position, usize> =
            moments.iter().map(|m| m.position).zip(0..).collect();
        assert_eq!(indices.len(), moments.len(), "positions are unique");
        for pair in moments.windows(2) {
            let [a, b] = pair else { unreachable!() };
            assert!(a.position < b.position, "positions ascend: {a:?}, {b:?}");
        }
        let lines = lines::Lines::new(&modules);
        Oracle {
            trace,
            compiled,
            modules,
            moments,
            activations,
            indices,
            lines,
        }
    }

    /// The state at some moments.
    pub fn states(&self, wanted: impl IntoIterator<Item = usize>) -> HashMap<usize, State> {
        let positions = wanted.into_iter().filter_map(|i| self.moments.get(i));
        let positions = positions.map(|m| m.position).collect();
        stepping::states(&self.trace, &self.compiled, positions)
            .into_iter()
            .map(|(position, state)| (self.index_of(position), state))
            .collect()
    }

    /// The moment at a position.
    pub fn index_of(&self, position: Position) -> usize {
        match self.indices.get(&position) {
            Some(index) => *index,
            None => panic!("{position} is not a moment of this recording"),
        }
    }

    pub fn last(&self) -> usize {
        self.moments.len() - 1
    }

    /// The activations at a moment, innermost first.
    pub fn stack(&self, at: usize) -> Vec<usize> {
        let innermost = self.moments[at].frame;
        std::iter::successors(innermost, |frame| self.activations[*frame].parent).collect()
    }

    /// Where an activation is at a moment: its last instruction until then.
    pub fn pc_of(&self, frame: usize, at: usize) -> u32 {
        if self.moments[at].frame == Some(frame) {
            return self.moments[at].position.pc;
        }
        let moments = &self.activations[frame].moments;
        let after = moments.partition_point(|m| *m <= at);
        match after.checked_sub(1) {
            Some(i) => self.moments[moments[i]].position.pc,
            None => panic!("activation {frame} has run nothing until moment {at}"),
        }
    }

    /// How the recording ends.
    pub fn ending(&self) -> Ending {
        match self.trace.outcome().clone() {
            Outcome::Returned { .. } => Ending::Returned,
            Outcome::Exited(status) => Ending::Exited(status),
            Outcome::Trapped(message) => Ending::Trapped(message),
            Outcome::HostError(message) => Ending::HostError(message),
            Outcome::Interrupted => Ending::Interrupted,
            Outcome::CutOff => Ending::CutOff,
            Outcome::GoesOn => Ending::SoFar,
        }
    }
}

/// Tells activations apart: a function's first instruction begins one, and nothing else
/// is ever at that place (a loop repeats from behind its first instruction). Each stack has its own.
fn activations(
    steps: &[stepping::Step],
    modules: &[(Code, ModuleSource)],
) -> (Vec<Moment>, Vec<Activation>) {
    let mut moments = Vec::with_capacity(steps.len());
    let mut all: Vec<Activation> = Vec::new();
    let mut stacks: HashMap<Option<u64>, Vec<usize>> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let at = step.position;
        let stack = stacks.entry(step.stack).or_default();
        let is_instruction = at.phase == Phase::Before;
        let is_entry = is_instruction
            && step
                .module
                .is_some_and(|module| modules[module.0 as usize].0.entry_of(at.pc) == Some(at.pc));
        let kept = at.depth.saturating_sub(u32::from(is_entry)) as usize;
        stack.truncate(kept);
        if let Some(module) = step.module {
            while stack.len() < at.depth as usize {
                all.push(Activation {
                    module,
                    stack: step.stack,
                    parent: stack.last().copied(),
                    moments: Vec::new(),
                });
                stack.push(all.len() - 1);
            }
        }
        if let (Some(top), true) = (stack.last(), is_instruction) {
            all[*top].moments.push(index);
        }
        moments.push(Moment {
            position: at,
            event: step.event,
            frame: stack.last().copied(),
            crossing: step.crossing,
            stack: step.stack,
            called_from: step.called_from,
        });
    }
    (moments, all)
}
