//! Recordings of the ledger: a program in C that reads transfers from a file, reports each,
//! and traps at the end.

use super::{fixture, record};
use std::path::{Path, PathBuf};

/// A recording in a directory.
pub fn ledger(directory: &Path) -> PathBuf {
    let trace = directory.join("ledger.rrtrace");
    let data = format!("--dir={}::/work", fixture("").display());
    let recorded = record(&fixture("ledger.wasm"), &[&data], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

/// A recording in a directory of its own.
pub fn own_ledger() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let trace = ledger(directory.path());
    (directory, trace)
}
