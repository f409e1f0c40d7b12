//! Temporary directories: each goes with what it belongs to, and what a process that was
//! killed has left is taken away when another makes its first.
//!
//! Who lives is known by a lock, which the system lets go of with its process. A process's
//! number would be another's one day.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Once;

const PREFIX: &str = "rr-dap-";
/// Locked as long as its directory is in use.
const LOCK: &str = "lock";
const NOT_LOCKED_YET: &str = "lock.new";

/// A directory of one's own, in the system's place for such. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryDir {
    directory: tempfile::TempDir,
    /// Let go of after the directory.
    _lock: File,
}

impl TemporaryDir {
    /// A new one.
    ///
    /// # Errors
    ///
    /// If it cannot be made, as where the place is full or not to be written to.
    pub(crate) fn new() -> io::Result<TemporaryDir> {
        let temporary = std::env::temp_dir();
        TemporaryDir::beneath(&temporary).map_err(|error| {
            let why = format!(
                "no directory for temporary files can be made in {}: {error} (TMPDIR names another)",
                temporary.display()
            );
            io::Error::new(error.kind(), why)
        })
    }

    fn beneath(temporary: &Path) -> io::Result<TemporaryDir> {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(|| sweep(temporary));
        let directory = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(temporary)?;
        let unlocked = directory.path().join(NOT_LOCKED_YET);
        let lock = File::create_new(&unlocked)?;
        // It has its name only once it is locked: there is no moment at which another
        // process could take it for a dead one's. Where files cannot be locked, it never has.
        if lock.try_lock().is_ok() {
            fs::rename(&unlocked, directory.path().join(LOCK))?;
        }
        Ok(TemporaryDir {
            directory,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Takes away what processes of this user have left that live no more. What cannot be read
/// or removed stays.
fn sweep(place: &Path) {
    // SAFETY: asks for a number.
    let own = unsafe { libc::geteuid() };
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        if !is_ours(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let is_own = fs::symlink_metadata(&path)
            .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == own);
        if is_own
            && let Ok(lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
        {
            _ = fs::remove_dir_all(&path);
        }
    }
}
