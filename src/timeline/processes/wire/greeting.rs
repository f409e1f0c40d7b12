//! The first messages: who a replayer is, what it is to load, and what it says if it cannot.

use super::found::Reached;
use crate::replay::variant::Variant;
use crate::trace::Identity;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Tells replayer processes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ReplayerId(pub(crate) u64);

/// The first message on a replayer's socket: who it is and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) id: ReplayerId,
    /// Its process id.
    pub(crate) pid: u32,
    pub(crate) at: Reached,
    /// How often it has been told that the recording has grown, or those that it is a copy of.
    pub(crate) grown: u32,
}

/// The first message to a replayer, which has just started: what it is to load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) trace: PathBuf,
    /// Of that recording, as the debugger has opened it.
    pub(crate) identity: Identity,
    /// A file with the component given in the recorded one's stead.
    pub(crate) component: Option<PathBuf>,
    /// A file that says how far the recording goes, if it is still being written.
    pub(crate) extent: Option<PathBuf>,
    pub(crate) variant: Variant,
    /// For each core module: its compiled code and its offset map.
    pub(crate) modules: Vec<(PathBuf, Vec<u8>)>,
    /// The files of code that are in memory, and there as long as this is.
    #[serde(skip)]
    pub(crate) _unkept: Vec<Arc<File>>,
}

/// Whether it has.
pub(crate) type Loaded = Result<(), Refusal>;

/// A replayer does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// Only a replayer of the debug variant can tell, or go there.
    NeedsDebug,
    /// It cannot: the trace is damaged, or replay diverged.
    Failed(String),
}
