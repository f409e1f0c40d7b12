//! Compiled code that cannot be kept on disk: files in memory, gone when nobody uses them.

use super::{CacheError, Kept, Key};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The file, as long as somebody has it, and what is noted beside it.
type InUse = (Weak<File>, Vec<u8>);

/// What is in use of it, and whether the person knows.
#[derive(Debug, Default)]
pub(super) struct Unkept {
    files: Mutex<HashMap<String, InUse>>,
    has_told: AtomicBool,
}

impl Unkept {
    /// Says, once, that code is not kept, and why.
    pub(super) fn tell(&self, why: &str) {
        if !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "compiled code is not kept, and compiled again the next time: {why}; set \
                 RR_DAP_CACHE to a directory of your own with room in it"
            );
        }
    }

    /// What somebody uses.
    pub(super) fn get(&self, key: &Key) -> Option<Kept> {
        let files = self.files.lock();
        let (file, notes) = files.get(&key.0)?;
        Some(kept(file.upgrade()?, notes.clone()))
    }

    pub(super) fn insert(
        &self,
        key: &Key,
        code: &[u8],
        notes: Vec<u8>,
    ) -> Result<Kept, CacheError> {
        let file = in_memory(code).map_err(CacheError::Memory)?;
        let file = Arc::new(file);
        let mut files = self.files.lock();
        files.retain(|_, (file, _)| file.strong_count() > 0);
        files.insert(key.0.clone(), (Arc::downgrade(&file), notes.clone()));
        Ok(kept(file, notes))
    }
}

fn kept(file: Arc<File>, notes: Vec<u8>) -> Kept {
    // Replayers find it by this name, too, as long as this process has it open.
    let code = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Kept {
        code: code.into(),
        notes,
        unkept: Some(file),
    }
}

#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> io::Result<File> {
    use std::io::Write;
    use std::os::fd::FromRawFd;
    // SAFETY: the name is a C string.
    let fd = unsafe { libc::memfd_create(c"rr-dap-code".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let mut file = unsafe { File::from_raw_fd(fd) };
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
