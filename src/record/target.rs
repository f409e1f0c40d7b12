//! Where a trace goes: a file with its tail beside it, or anything that can be
//! written.

use super::tail::Tail;
use super::{RecorderError, shared};
use crate::trace::RecordsError;
use crate::trace::tail::{IDENTITY, tail_path};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Hands on what is written when it is flushed, which the writer does after each
/// section. What could not be written is not tried again.
pub(super) struct Sections {
    out: Box<dyn Write + Send>,
    section: Vec<u8>,
    pub(super) written: u64,
}

impl Sections {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Sections {
        Sections {
            out,
            section: Vec::new(),
            written: 0,
        }
    }
}

impl Write for Sections {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.section.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let section = std::mem::take(&mut self.section);
        self.out.write_all(&section)?;
        self.out.flush()?;
        self.written += section.len() as u64;
        self.section = section;
        self.section.clear();
        Ok(())
    }
}

/// Where the trace goes, if it is a file.
pub(super) struct Target {
    pub(super) path: Option<PathBuf>,
    pub(super) file: Option<File>,
    /// Where the file of the tail goes when the trace is whole; without, it is removed.
    pub(super) spare: Option<PathBuf>,
}

impl Target {
    /// The first bytes of the trace.
    pub(super) fn identity(&self) -> [u8; IDENTITY] {
        let mut identity = [0; IDENTITY];
        if let Some(path) = &self.path
            && let Ok(file) = File::open(path)
        {
            _ = file.read_exact_at(&mut identity, 0);
        }
        identity
    }

    /// The recording could not even begin: nothing of it is left.
    pub(super) fn give_up(&self, error: &RecordsError) -> RecorderError {
        self.remove_tail();
        if let (Some(path), Some(_)) = (&self.path, &self.file) {
            _ = std::fs::remove_file(path);
        }
        RecorderError::write(self.path.as_deref(), error)
    }

    /// Takes off what was written of a section.
    pub(super) fn truncate(&self, length: u64) {
        if let Some(file) = &self.file {
            _ = file.set_len(length);
        }
    }

    /// The recording is whole without its tail.
    pub(super) fn remove_tail(&self) {
        if let (Some(path), Some(_)) = (&self.path, &self.file) {
            let tail = tail_path(path);
            let is_spared = self.spare.as_ref();
            if is_spared.is_none_or(|spare| std::fs::rename(&tail, spare).is_err()) {
                _ = std::fs::remove_file(tail);
            }
        }
    }
}

/// The tail beside a trace.
pub(super) fn beside(trace: &Path, instances: u64) -> Result<Tail, RecorderError> {
    let error = |error: &io::Error| RecorderError::tail(trace, error);
    let path = tail_path(trace);
    let file = shared::new_file(&path).map_err(|e| error(&e))?;
    match Tail::new(file, instances) {
        Ok(tail) => Ok(tail),
        Err(e) => {
            _ = std::fs::remove_file(&path);
            match e.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => Err(error(&e)),
                _ => {
                    tracing::warn!(
                        "files cannot be mapped there ({e}): if rr-dap is killed, \
                         {} will lack what was recorded last",
                        trace.display()
                    );
                    unnamed(instances)
                }
            }
        }
    }
}

pub(super) fn unnamed(instances: u64) -> Result<Tail, RecorderError> {
    shared::unnamed_file()
        .and_then(|file| Tail::new(file, instances))
        .map_err(|error| RecorderError::Output(format!("cannot share memory: {error}")))
}
