//! What a session needs of the thing it debugs: a recording one can travel in
//! and look at. Written as traits, one for each sort of question, so that the protocol can
//! be tested with a scripted one.

mod code;
mod counts;
pub mod failure;
pub mod kept;
pub mod launch;
mod looks;
mod messages;
mod moments;
pub mod origin;
mod past;
pub mod path_mapping;
pub mod recording;
pub(crate) mod rust_library;
mod stops;
pub mod system;
mod travels;
mod whole;

pub use code::*;
pub use counts::*;
pub use looks::*;
pub use messages::*;
pub use moments::*;
pub use past::*;
pub use stops::*;
pub use travels::*;
pub use whole::*;

use crate::timeline::interrupt::Interrupt;
use launch::{AttachArguments, LaunchArguments};
use path_mapping::PathMapping;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why something asked of a debuggee was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DebuggeeError {
    /// Nothing has moved.
    #[error("interrupted")]
    Interrupted,
    /// The replayer is dead; the debuggee has another, or will get one.
    #[error("the replayer died: {message}")]
    Died {
        /// What was seen of its end: that its socket closed, or that it never connected.
        message: String,
    },
    /// A replay in the background has still to come to what is asked: see
    /// [`Travels::preparing`].
    #[error(
        "this is not known yet: the recording is still being replayed in the background; ask again"
    )]
    NotYet,
    /// A message for the person: cause and remedy.
    #[error("{0}")]
    Other(String),
}

impl DebuggeeError {
    /// [`DebuggeeError::Other`] with this message.
    pub fn other(message: impl Into<String>) -> Self {
        DebuggeeError::Other(message.into())
    }
}

/// Which of the guest's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error; while a program is recorded, also what the recorder itself says.
    Stderr,
}

/// Where a debuggee says what happens while something long runs.
pub trait Output: Send + Sync {
    /// The guest has printed.
    fn guest(&self, stream: Stream, bytes: &[u8]);
    /// A line for the person (a log point's text, a warning).
    fn console(&self, line: &str);
    /// How far it is: per cent, where that can be known, and what is being done.
    fn progress(&self, percentage: Option<u8>, message: &str);
    /// What becomes of a run that is recorded before it can be debugged.
    fn recording(&self, _news: RecordingNews) {}
    /// One for what goes on when the work that this is for is over; if there is none, nothing
    /// may.
    fn lasting(&self) -> Option<Arc<dyn Output>> {
        None
    }
}

/// How the recording of a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingNews {
    /// It takes long: nobody knows when it ends, if it does.
    GoesOn,
    /// It has ended, and is being opened.
    Ended,
}

/// Ends an opening before its time.
///
/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Halt {
    /// Raised to give it up: there will be nothing to debug.
    pub given_up: Interrupt,
    /// Raised to have a run that is being recorded end where it is: what it has done is
    /// debugged.
    pub enough: Interrupt,
    /// Raised to have what such a run has done by now debugged while it goes on.
    pub look: Interrupt,
}

/// A run that is recorded while it is debugged.
///
/// Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct LiveRun(Arc<AtomicBool>);

impl LiveRun {
    /// Ends it where it is.
    pub fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has neither ended nor been told to.
    pub fn goes_on(&self) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}

/// Opens debuggees.
pub trait Launcher: Send + Sync {
    /// Records a program, or opens a recording.
    ///
    /// # Errors
    ///
    /// If the program cannot be recorded, or the recording not be opened.
    fn launch(
        &self,
        arguments: &LaunchArguments,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError>;

    /// Opens the recording that the server was started with.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be opened.
    fn attach(
        &self,
        arguments: &AttachArguments,
        output: &dyn Output,
        halt: &Halt,
    ) -> Result<Box<dyn Debuggee>, LaunchError>;

    /// Where sources are, for every session, besides what its client says.
    fn path_mapping(&self) -> PathMapping {
        PathMapping::default()
    }
}

/// Why there is nothing to debug.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The interrupt was raised before there was anything to debug.
    #[error("cancelled")]
    Interrupted,
    /// A message for the person: cause and remedy.
    #[error("{0}")]
    Failed(String),
}

/// Returns when it is done: to be called on a thread of its own.
pub type Preparing = Box<dyn FnOnce() + Send>;

/// A recording, standing at one moment; when opened, at its start.
///
/// Paths are those of the debug information: the session maps them.
pub trait Debuggee: Travels + Stops + Looks + Code + Past + Whole + Send {}

impl<T: Travels + Stops + Looks + Code + Past + Whole + Send> Debuggee for T {}
