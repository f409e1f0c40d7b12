//! What an expression sees.

use super::error::Fault;
use crate::inspect::futures::Kept;
use crate::inspect::hostcall::in_progress::LiftedCall;
use crate::inspect::variable::place::FrameState;
use crate::inspect::variable::variables::Site;
use crate::replay::{Position, Tick};
use crate::source::ModuleSource;
use crate::timeline::travel::elsewhere::Elsewhere;

/// What an expression sees.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What `$event`, `$tick`, `$position` and `$task` are.
    pub moment: SceneMoment,
    /// The core level of the innermost frame, or of the one chosen.
    pub registers: Option<&'a dyn FrameState>,
    /// Where in its module that frame stands.
    pub pc: Option<u32>,
    /// The frame whose variables are in scope.
    pub frame: Option<SourceFrame<'a>>,
    /// The hostcall that the guest is in.
    pub hostcall: Option<&'a LiftedCall>,
    /// Whether the hostcall's own frame is looked at: its arguments are then seen by
    /// their bare names.
    pub at_hostcall: bool,
    /// How far other recordings had come, where some are debugged with this one.
    pub elsewhere: Option<&'a Elsewhere>,
}

/// Which moment of the recording it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SceneMoment {
    /// Calls out made before it; at a hostcall, the number of that.
    pub event: u64,
    /// Whether it is in that hostcall. Only for expressions that [need](Needs) other recordings.
    pub in_call: bool,
    /// The tick of its position.
    pub tick: Tick,
    /// Only for expressions that [need](Needs) it: to know the depth takes a walk over the
    /// stack.
    pub position: Option<Position>,
    /// The number of the task whose code runs, or is in a hostcall, 0 if there is none. Only for
    /// expressions that [need](Needs) it.
    pub task: u64,
    /// How many calls into the guest had been made with the innermost one that is in progress; 0
    /// if none is. Only for the same.
    pub turn: u64,
}

/// A frame of code with debug information.
#[derive(Clone, Copy)]
pub struct SourceFrame<'a> {
    /// The debug information of the frame's module.
    pub source: &'a ModuleSource,
    /// Where in the code the frame stands, and in which of the bodies inlined there.
    pub site: Site,
    /// The frame's locals, operands, globals and memory.
    pub state: &'a dyn FrameState,
    /// Of a future that is suspended: what it keeps, which is all that has a value there.
    pub kept: Option<&'a Kept>,
}

impl Scene<'_> {
    /// Why there are no variables.
    pub(super) fn without_variables(&self) -> Fault {
        match (self.registers, self.hostcall) {
            (_, Some(_)) => {
                Fault::NoSource("$arg.NAME and $result of the hostcall, and $local0 and the like")
            }
            (Some(_), None) => {
                Fault::NoSource("$local0, $stack0, $global0 and $mem[ADDRESS; LENGTH]")
            }
            (None, None) => Fault::NoFrame,
        }
    }
}
