//! ^C stops what the server is at, and never the prompt.

use crate::dap::client::Interrupter;
use std::io::{self, Read};
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicI32, Ordering};

/// The end of the pipe that the signal handler writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// From now on SIGINT is passed on to this conversation.
pub(super) fn on_interrupt(interrupter: Interrupter) -> io::Result<()> {
    let (mut interrupts, writer) = io::pipe()?;
    PIPE.store(writer.into_raw_fd(), Ordering::SeqCst);
    std::thread::Builder::new()
        .name("rr-dap-interrupts".into())
        .spawn(move || {
            let mut one = [0];
            while matches!(interrupts.read(&mut one), Ok(1)) {
                interrupter.interrupt();
            }
        })?;
    let handler = on_signal as extern "C" fn(libc::c_int);
    // SAFETY: the handler only does what is allowed in one: it loads an atomic and writes to a
    // pipe, which stays open as long as the process lives.
    let before = unsafe { libc::signal(libc::SIGINT, handler as libc::sighandler_t) };
    match before {
        libc::SIG_ERR => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

extern "C" fn on_signal(_: libc::c_int) {
    let pipe = PIPE.load(Ordering::SeqCst);
    // SAFETY: writes one byte from the stack to a descriptor that is never closed. `errno` may
    // change only if the pipe is full: then enough interrupts wait.
    unsafe { libc::write(pipe, [1_u8].as_ptr().cast(), 1) };
}
