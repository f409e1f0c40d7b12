//! Where the bytes of a recording are: in a file of their own, or in the lines of a
//! log.

use super::format::MAGIC;
use super::log::{Log, LogError};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The bytes of a recording.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File {
        file: Arc<File>,
        /// So much of it counts: when it was opened, unless told otherwise.
        length: u64,
        /// When it was written last; absent if that is not to be watched.
        modified: Option<SystemTime>,
    },
    Log(Arc<Log>),
}

/// What may become of a file that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is shorter: sizes in bytes.
    Cut { was: u64, now: u64 },
    /// It has been written to.
    Written,
}

/// Opens a file of a recording. Others than regular ones are refused: opening a pipe waits
/// for who writes it, perhaps for ever.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let refused = || io::Error::other("it is not a regular file");
    if !path.metadata()?.is_file() {
        return Err(refused());
    }
    let file = File::open(path)?;
    let is_regular = file.metadata()?.is_file();
    is_regular.then_some(file).ok_or_else(refused)
}

/// Whether a file begins as a recording does.
#[cfg(feature = "debugger")]
pub(crate) fn begins_as_recording(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    let read = open_file(path).and_then(|file| file.read_exact_at(&mut magic, 0));
    read.is_ok() && magic == MAGIC
}

impl Source {
    /// Takes a file as what it is: a log if it does not begin as a recording does.
    pub(super) fn new(file: File) -> Result<Source, LogError> {
        let metadata = file.metadata()?;
        let mut magic = [0; MAGIC.len()];
        let is_recording = match file.read_exact_at(&mut magic, 0) {
            Ok(()) => magic == MAGIC,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error.into()),
        };
        if is_recording {
            return Ok(Source::File {
                file: Arc::new(file),
                length: metadata.len(),
                modified: metadata.modified().ok(),
            });
        }
        Log::scan(file).map(|log| Source::Log(Arc::new(log)))
    }

    /// The same file, of which only so many bytes count, and which may be written to behind
    /// them; `None` of a log.
    pub(super) fn up_to(&self, length: u64) -> Option<Source> {
        match self {
            Source::File { file, .. } => Some(Source::File {
                file: file.clone(),
                length,
                modified: None,
            }),
            Source::Log(_) => None,
        }
    }

    /// The same file as it is now; `None` of a log.
    pub(super) fn now(&self) -> io::Result<Option<Source>> {
        let Source::File { file, .. } = self else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        Ok(Some(Source::File {
            file: file.clone(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }))
    }

    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        match self {
            Source::File { length, .. } => *length,
            Source::Log(log) => log.length(),
        }
    }

    /// Reads with `pread`: processes forked from one another do not move each
    /// other's place in the file.
    pub(super) fn read_exact_at(&self, to: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Source::File { file, .. } => file.read_exact_at(to, offset),
            Source::Log(log) => log.read_exact_at(to, offset),
        }
    }

    /// What has become of the file since it was opened, if that is why it cannot be read.
    pub(super) fn change(&self) -> Option<Change> {
        let (file, was, then) = match self {
            Source::File {
                file,
                length,
                modified,
            } => (file.as_ref(), *length, *modified),
            Source::Log(log) => log.file_as_opened(),
        };
        let metadata = file.metadata().ok()?;
        let now = metadata.len();
        let is_cut = now < was;
        let is_written = then.is_some_and(|then| metadata.modified().is_ok_and(|now| now != then));
        match (is_cut, is_written) {
            (true, _) => Some(Change::Cut { was, now }),
            (false, true) => Some(Change::Written),
            (false, false) => None,
        }
    }

    /// What is known to be missing.
    pub(super) fn missing(&self) -> Option<&str> {
        match self {
            Source::File { .. } => None,
            Source::Log(log) => log.missing(),
        }
    }
}
