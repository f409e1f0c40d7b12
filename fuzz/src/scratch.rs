//! Files for what can only be opened: one folder for each thread, gone when the thread ends.

use std::path::PathBuf;
use tempfile::TempDir;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder for files");
}

/// A file with these bytes, in place of the one before.
pub(super) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder(name);
    std::fs::write(&path, bytes).expect("room for a file");
    path
}

/// A path that is this thread's alone.
pub(super) fn folder(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}
