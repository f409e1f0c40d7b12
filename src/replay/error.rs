//! Why a replay ends that does not end as the recording does.

use super::divergence::Divergence;
use super::variant::{CacheError, VariantError};
use crate::trace::{TraceError, scarce};

/// The trace has no more events: where the run ended, or was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recording ends here")]
pub struct EndOfTrace;

/// Why a trace could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The recording is damaged, or cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The core modules cannot be compiled, or compiled code not be loaded.
    #[error(transparent)]
    Variant(#[from] VariantError),
    /// Replay went another way than the recorded run: what both did.
    #[error(transparent)]
    Diverged(#[from] Divergence),
    /// The component's wiring does not add up: what is wrong with it.
    #[error("the component's core modules cannot be wired: {0}; this is a fault of rr-dap")]
    Wiring(&'static str),
    /// The recording is forged; the bound that it exceeds, in calls out in progress.
    #[error(
        "calls out of the guest and into it are nested more than {0} deep in this recording, or \
         so many wait; no component's are"
    )]
    Nesting(usize),
    /// A call out was to wait where nothing else can go on.
    #[error(
        "a call of the guest waits where nothing can go on meanwhile; the recording is damaged"
    )]
    Waits,
    /// Wasmtime gave another error than a trap: its message.
    #[error("the guest cannot be run: {0}")]
    Engine(String),
    /// Measuring a depth profile was called off.
    #[error("cancelled")]
    Cancelled,
    /// A depth profile was to be measured in another variant than [`Variant::Profile`](super::variant::Variant::Profile).
    #[error("a depth profile is measured in the profile variant; compile the recording in that")]
    NotForProfile,
    /// A survey was to be made in another variant than
    /// [`Variant::Probed`](super::variant::Variant::Probed) with [`Probe::Survey`](crate::instrument::probe::Probe::Survey).
    #[error("a survey is made in the survey variant; compile the recording in that")]
    NotForSurvey,
    /// Instructions were to be counted in another variant than
    /// [`Variant::Probed`](super::variant::Variant::Probed) with [`Probe::Count`](crate::instrument::probe::Probe::Count).
    #[error("instructions are counted in the count variant; compile the recording in that")]
    NotForCounts,
    /// Calling contexts were to be measured in another variant than
    /// [`Variant::Probed`](super::variant::Variant::Probed) with [`Probe::Context`](crate::instrument::probe::Probe::Context).
    #[error("calling contexts are measured in the context variant; compile the recording in that")]
    NotForContexts,
}

impl From<wasmtime::Error> for ReplayError {
    fn from(error: wasmtime::Error) -> Self {
        match error
            .downcast::<Divergence>()
            .map(ReplayError::Diverged)
            .or_else(|error| error.downcast::<ReplayError>())
            .or_else(|error| error.downcast::<TraceError>().map(ReplayError::Trace))
        {
            Ok(known) => known,
            Err(error) => {
                let message = format!("{error:#}");
                let remedy = scarce::remedy_of_reserving(&message);
                ReplayError::Engine(message + remedy)
            }
        }
    }
}

impl From<CacheError> for ReplayError {
    fn from(error: CacheError) -> Self {
        ReplayError::Variant(error.into())
    }
}
