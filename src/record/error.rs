//! What can go wrong with a recording, and what to do about it.

use crate::trace::RecordsError;
use crate::trace::tail::tail_path;
use std::io;
use std::path::{Path, PathBuf};

/// Why a recording could not be made or completed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecorderError {
    #[error("cannot create {path}: {message}")]
    Create { path: PathBuf, message: String },
    #[error("cannot create {path}, which holds what is recorded until it is written: {message}")]
    Tail { path: PathBuf, message: String },
    #[error("cannot write {path}: {message}; what was recorded until then replays")]
    Write { path: PathBuf, message: String },
    #[error("{0}")]
    Output(String),
    #[error(
        "the recording is finished: nothing can be added to it; \
         make a recorder for each run"
    )]
    Finished,
    #[error(
        "the component is instantiated more often than a recording can hold: \
         make a recorder for each instantiation"
    )]
    Instances,
    #[error("instance {0} commits records, but has not been registered")]
    Unregistered(u32),
}

impl RecorderError {
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
