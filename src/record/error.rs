//! What can go wrong with a recording, and what to do about it.

use crate::trace::RecordsError;
use crate::trace::tail::tail_path;
use std::io;
use std::path::{Path, PathBuf};

/// Why a recording could not be made or completed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecorderError {
    /// The trace file: the system refuses, or there is one that is not to be overwritten.
    #[error("cannot create {path}: {message}")]
    Create {
        /// The trace file.
        path: PathBuf,
        /// What the system says, and what to do, where that is known.
        message: String,
    },
    /// The file beside the trace that recorders' memory is shared with, or room in it.
    #[error("cannot create {path}, which holds what is recorded until it is written: {message}")]
    Tail {
        /// The trace's path with `.tail` behind it.
        path: PathBuf,
        /// What the system says, and what to do, where that is known.
        message: String,
    },
    /// A section could not be written in whole: the disk is full, for one.
    #[error("cannot write {path}: {message}; what was recorded until then replays")]
    Write {
        /// The trace file.
        path: PathBuf,
        /// What the system says, and what to do, where that is known.
        message: String,
    },
    /// All else, in words: malformed records, calls that do not nest, an output without a path.
    #[error("{0}")]
    Output(String),
    /// [`Recorder::finish`](super::Recorder::finish) was called, also by a signal.
    #[error(
        "the recording is finished: nothing can be added to it; \
         make a recorder for each run"
    )]
    Finished,
    /// More recorders register than one instantiation of the component makes.
    #[error(
        "the component is instantiated more often than a recording can hold: \
         make a recorder for each instantiation"
    )]
    Instances,
    /// A commit under an instance number that has not been given out.
    #[error("instance {0} commits records, but has not been registered")]
    Unregistered(u32),
}

impl RecorderError {
    /// There is something at the path that is not to be overwritten.
    pub fn exists(path: &Path) -> RecorderError {
        RecorderError::create(path, &io::Error::from_raw_os_error(libc::EEXIST))
    }

    pub(super) fn create(path: &Path, error: &io::Error) -> RecorderError {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => {
                "; give another name with -o, or --force to overwrite it"
            }
            _ => remedy(error),
        };
        RecorderError::Create {
            path: path.to_owned(),
            message: format!("{error}{hint}"),
        }
    }

    pub(super) fn tail(trace: &Path, error: &io::Error) -> RecorderError {
        RecorderError::Tail {
            path: tail_path(trace),
            message: format!("{error}{}", remedy(error)),
        }
    }

    pub(super) fn write(path: Option<&Path>, error: &RecordsError) -> RecorderError {
        match (path, error) {
            (Some(path), RecordsError::Write(error)) => RecorderError::Write {
                path: path.to_owned(),
                message: format!("{error}{}", remedy(error)),
            },
            _ => RecorderError::Output(error.to_string()),
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            " (make room, or give a place that has it: `rr-dap record -o FILE`)"
        }
        _ => "",
    }
}
