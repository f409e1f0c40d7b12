//! The recording that a command is about: its file, and where its program is.

use crate::trace::{Trace, TraceError};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct RecordingFile {
    /// Where the program is that the recording names without holding it: its file, or a
    /// directory that it is in. May be repeated. Without this, beside the recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// The recording.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl RecordingFile {
    pub(super) fn new(file: PathBuf, programs: Vec<PathBuf>) -> RecordingFile {
        RecordingFile { programs, file }
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    pub(super) fn open(&self) -> Result<Trace, TraceError> {
        Trace::open_with(&self.file, &self.programs)
    }
}
