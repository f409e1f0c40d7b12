//! The files of a service: where recordings go, and the program that they name.

use super::ServeError;
use super::recordings::seconds_now;
use crate::component::Component;
use crate::trace::{CarriedSource, HeldProgram, ProgramId, Utc, private};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Puts a program, and its sources, beside recordings of it, once.
pub(super) fn beside(
    directory: &Path,
    component: &Component,
    sources: Vec<CarriedSource>,
) -> Result<HeldProgram, ServeError> {
    let program = ProgramId::of(component.bytes());
    let put = |name: String, bytes: &[u8]| {
        let path = directory.join(name);
        let written = match std::fs::read(&path) {
            Ok(there) if there[..] == *bytes => Ok(()),
            _ => private::replace(&path, bytes),
        };
        written.map_err(|error| ServeError::Directory {
            path,
            message: error.to_string(),
        })
    };
    put(program.file_name(), component.bytes())?;
    if !sources.is_empty()
        && let Ok(text) = serde_json::to_vec(&sources)
    {
        put(program.sources_name(), &text)?;
    }
    Ok(HeldProgram::Named(program))
}

/// The names of recordings in a directory: each is new, and they sort by time.
pub(super) struct Files {
    pub(super) directory: PathBuf,
    run: String,
    next: AtomicU64,
}

impl Files {
    pub(super) fn make(directory: &Path) -> Result<Files, ServeError> {
        let error = |error: io::Error| ServeError::Directory {
            path: directory.to_owned(),
            message: error.to_string(),
        };
        private::create_directory(directory).map_err(error)?;
        let moment = Utc::at(seconds_now()).compact();
        Ok(Files {
            directory: directory.to_owned(),
            // Two servers may begin within a second.
            run: format!("{moment}-{}", std::process::id()),
            next: AtomicU64::new(1),
        })
    }

    pub(super) fn next(&self) -> (u64, PathBuf) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number:06}.rrtrace", self.run);
        (number, self.directory.join(name))
    }
}
