//! `fork()`: the checkpoint mechanism. All `unsafe` of the timeline is here.

use std::io;

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Parent,
    Child,
}

/// Lets the kernel reap forked processes: nobody waits for a checkpoint.
pub(super) fn reap_automatically() {
    // SAFETY: setting a signal's disposition to SIG_IGN runs no code of ours.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_IGN);
    }
}

/// Copies this process.
///
/// # Errors
///
/// If the system has no process or memory left.
pub(super) fn fork() -> io::Result<Side> {
    // SAFETY: the replayer has one thread (its engine compiles nothing and
    // starts none), so no lock can be held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        _ => Ok(Side::Parent),
    }
}
