//! Whether a file descriptor can be read without waiting.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// Whether a read would not block (there is data, or the end).
pub(super) fn is_readable(fd: &impl AsFd) -> bool {
    wait_readable(fd, Duration::ZERO)
}

/// Waits until a read would not block, at most so long.
pub(super) fn wait_readable(fd: &impl AsFd, timeout: Duration) -> bool {
    let mut poll = libc::pollfd {
        fd: fd.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: one valid pollfd is passed, with its count; the descriptor is open,
    // as it is borrowed.
    let ready = unsafe { libc::poll(&mut poll, 1, timeout) };
    ready > 0
}
