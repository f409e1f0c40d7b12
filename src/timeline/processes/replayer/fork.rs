//! `fork()`: the checkpoint mechanism, and what it costs.

use std::io;

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// With the process id of the copy.
    Parent(u32),
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
        0 => Ok(Side::Child),
        child => match u32::try_from(child) {
            Ok(pid) => Ok(Side::Parent(pid)),
            Err(_) => Err(io::Error::last_os_error()),
        },
    }
}

/// How many pages this process has been given since it began, copies of pages that
/// it shared with a checkpoint among them.
pub(super) fn page_faults() -> u64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to enough memory for what the call fills in, and all
    // zeros are a valid `rusage` if it fails.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    u64::try_from(usage.ru_minflt).unwrap_or(0)
}
