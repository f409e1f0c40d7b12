//! Unix sockets at paths of any length: an address holds about a hundred bytes, and a
//! directory for temporary files may be deeper than that.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Listens at a path.
///
/// # Errors
///
/// As the system has it.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    at(path, |path| UnixListener::bind(path))
}

/// Connects to who listens at a path.
///
/// # Errors
///
/// As the system has it.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    at(path, |path| UnixStream::connect(path))
}

fn at<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let (Err(_), Some(parent), Some(name)) = (
        SocketAddr::from_pathname(path),
        path.parent(),
        path.file_name(),
    ) else {
        return act(path);
    };
    // The directory has a short name, too, while it is open.
    let directory = File::open(parent)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd()));
    act(&short.join(name))
}
