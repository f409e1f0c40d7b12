//! Why a recording has no answer to a hostcall.

use crate::component::Crossing;
use crate::inspect::ending::is_deadlock;
use crate::trace::Outcome;

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The run ended, and whoever made the call still waited.
    Waits,
    /// The run ended in it, or in something that it led to.
    Ended,
    /// The run was stopped in it.
    Stopped,
    /// Nothing says how the run ended: it may have waited then, or have gone on.
    CutOff,
    /// The run goes on.
    NotYet,
    /// Replay came to no answer.
    Unknown,
}

impl Unanswered {
    /// Of a call of this, in a recording that ended so.
    pub fn of(outcome: &Outcome, crossing: &Crossing) -> Unanswered {
        let waits = crossing.waits() || crossing.may_block();
        match outcome {
            Outcome::Returned { .. } if waits => Unanswered::Waits,
            Outcome::Trapped(trap) if waits && is_deadlock(trap) => Unanswered::Waits,
            Outcome::Returned { .. }
            | Outcome::Exited(_)
            | Outcome::Trapped(_)
            | Outcome::HostError(_) => Unanswered::Ended,
            Outcome::Interrupted => Unanswered::Stopped,
            Outcome::CutOff => Unanswered::CutOff,
            Outcome::GoesOn => Unanswered::NotYet,
        }
    }

    /// To stand behind the call.
    pub fn text(self) -> &'static str {
        match self {
            Unanswered::Waits => "waits when the run ends",
            Unanswered::Ended => "in progress when the run ends",
            Unanswered::Stopped => "in progress when the run is stopped",
            Unanswered::CutOff => {
                "no answer where the recording ends: the run was ended here, or went on unrecorded"
            }
            Unanswered::NotYet => "not answered yet",
            Unanswered::Unknown => "no answer was recorded",
        }
    }
}
