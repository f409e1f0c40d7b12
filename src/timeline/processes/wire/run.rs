//! What a replayer is told to look for on its way, and when it is to stop.

use super::breaks::Breaks;
use super::greeting::ReplayerId;
use super::rows::{FunctionRows, Sight};
use crate::component::ModuleId;
use crate::replay::{Position, Tick};
use crate::source::BodyNumber;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Go on from where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) watch: Watch,
    pub(crate) stop: StopAt,
    pub(crate) leave: Leave,
    /// For a watch for certain frames: nothing qualifies while the stack that has them does not
    /// run.
    pub(crate) on_stack: Option<StackWatched>,
}

/// A stack that is watched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StackWatched {
    /// The calls into the guest that hold the frames, outermost first: the innermost that there is
    /// counts.
    pub(crate) serials: Vec<u64>,
    /// Stacks that have been begun by calls of it are watched, too.
    pub(crate) and_called: bool,
}

/// The checkpoints that a run leaves on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Leave {
    /// At these ticks, ascending.
    pub(crate) at: Vec<Tick>,
    /// At intervals of replay time: about so many.
    pub(crate) every: Option<u32>,
    /// They connect with the ids from this one on.
    pub(crate) first_id: ReplayerId,
}

impl Leave {
    /// None at all.
    pub(crate) const NOTHING: Leave = Leave {
        at: Vec::new(),
        every: None,
        first_id: ReplayerId(0),
    };
}

/// When a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StopAt {
    /// At the first moment that qualifies, or the end.
    First,
    /// The same, but not later than at the first moment of this tick.
    FirstBefore(Tick),
    /// At the first moment that qualifies, if that is this position or one before it; else
    /// somewhere after it.
    FirstUntil(Position),
    /// Before this position: the last moment that qualified is reported.
    LastBefore(Position),
    /// Exactly there.
    Position(Position),
    /// At this outgoing crossing.
    Event(u64),
    /// Where this outgoing crossing has been answered.
    Answered(u64),
    /// At the first moment of this tick, or later.
    Tick(Tick),
    End,
}

/// What qualifies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Watch {
    Nothing,
    /// Breakpoints with all that they want.
    Breaks(Breaks),
    /// Line starts in these functions.
    Lines(LineWatch),
    /// Every instruction of the functions on the stack near the innermost frame.
    Instructions,
    /// The instructions of the function that holds `pc`, with at most so many frames.
    InstructionsWithin {
        depth: u32,
        module: ModuleId,
        pc: u32,
    },
    /// These instructions, in frames at exactly this depth.
    InFrame {
        depth: u32,
        module: ModuleId,
        /// Ascending.
        pcs: Vec<u32>,
    },
    /// The return to the frame at this depth.
    Return {
        depth: u32,
    },
    /// The entry of the function that runs at this depth.
    Entry {
        depth: u32,
        module: ModuleId,
        pc: u32,
    },
    /// Where the frame at this depth leaves the body of an inlined call, or is left.
    BodyLeft {
        depth: u32,
        module: ModuleId,
        /// Places of its function outside of the body, one of which it comes to first;
        /// ascending.
        outside: Vec<u32>,
        /// The depth of the frame that goes on when all of the function is left.
        caller: Option<u32>,
    },
}

impl Watch {
    /// If it is for frames of one stack: they are at most at this depth; and whether what is called from
    /// there counts, wherever that is.
    pub(crate) fn for_frames(&self) -> Option<(u32, bool)> {
        match self {
            Watch::Nothing | Watch::Breaks(_) | Watch::Instructions => None,
            Watch::Lines(lines) => Some((lines.depth, lines.into.is_some())),
            Watch::InstructionsWithin { depth, .. }
            | Watch::InFrame { depth, .. }
            | Watch::Return { depth }
            | Watch::Entry { depth, .. }
            | Watch::BodyLeft { depth, .. } => Some((*depth, false)),
        }
    }

    /// The same where each frame of the stack is at another depth.
    pub(crate) fn at_depths(mut self, other: impl Fn(u32) -> u32) -> Watch {
        match &mut self {
            Watch::Nothing | Watch::Breaks(_) | Watch::Instructions => {}
            Watch::Lines(lines) => {
                lines.depth = other(lines.depth);
                if let Some((depth, ..)) = &mut lines.call {
                    *depth = other(*depth);
                }
                if let Some(out_of) = &mut lines.out_of {
                    out_of.depth = other(out_of.depth);
                }
                if let Sight::From(bodies) = &mut lines.sight {
                    for body in bodies {
                        body.depth = other(body.depth);
                    }
                }
            }
            Watch::InstructionsWithin { depth, .. }
            | Watch::InFrame { depth, .. }
            | Watch::Return { depth }
            | Watch::Entry { depth, .. } => *depth = other(*depth),
            Watch::BodyLeft { depth, caller, .. } => {
                *depth = other(*depth);
                // One that is none of the stack has nothing to go on with.
                *caller = caller.map(&other).filter(|caller| *caller > 0);
            }
        }
        self
    }
}

/// A watch for line starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LineWatch {
    /// Frames deeper than this do not count.
    pub(crate) depth: u32,
    pub(crate) functions: Vec<FunctionRows>,
    /// Which bodies of inlined calls count as lines of their own.
    pub(crate) sight: Sight,
    /// Also stop where a function with lines is entered.
    pub(crate) into: Option<StepInto>,
    /// Also stop before this instruction of the frame at this depth, while it is there.
    pub(crate) call: Option<(u32, ModuleId, u32)>,
    /// For a search back out of the body of an inlined call.
    pub(crate) out_of: Option<OutOf>,
    /// Of a run to the last one before a bound: the place where the innermost frame stands
    /// there. Only that frame counts, which is at `depth`, and its function is the only one.
    pub(crate) in_frame_at: Option<(ModuleId, u32)>,
}

impl LineWatch {
    /// For line starts in frames at a depth and below it.
    pub(crate) fn of(depth: u32, functions: Vec<FunctionRows>, sight: Sight) -> LineWatch {
        LineWatch {
            depth,
            functions,
            sight,
            into: None,
            call: None,
            out_of: None,
            in_frame_at: None,
        }
    }
}

/// The body of an inlined call that a search goes back out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutOf {
    /// Of its frame.
    pub(crate) depth: u32,
    pub(crate) body: BodyNumber,
    /// It may begin at the very bound of the run, and the line that calls it with it.
    pub(crate) at_bound: bool,
    /// Nothing but the call of it counts.
    pub(crate) calls_only: bool,
}

/// A watch for functions that are entered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StepInto {
    /// Nothing in these modules is of interest.
    pub(crate) foreign: BTreeSet<ModuleId>,
    /// A file with the places where a step into a function stops, ascending, for each
    /// core module.
    pub(crate) body_starts: PathBuf,
}
