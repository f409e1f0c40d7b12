//! What a process may run out of, threads and open files, and what helps.

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::channel;

/// What a person can do about an error, to follow it; empty where nothing is known.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    const AGAIN: i32 = 11;
    const TOO_MANY_IN_SYSTEM: i32 = 23;
    const TOO_MANY_IN_PROCESS: i32 = 24;
    match error.raw_os_error() {
        Some(AGAIN) if cfg!(target_os = "linux") => {
            "; too many processes and threads: raise the limit (`ulimit -u`, or the container's \
             limit of pids), or end some"
        }
        Some(TOO_MANY_IN_PROCESS | TOO_MANY_IN_SYSTEM) => {
            "; raise the limit of open files (`ulimit -n`)"
        }
        _ => "",
    }
}

/// The same for the message of an engine that could not reserve memory.
#[cfg(feature = "replay")]
pub(crate) fn remedy_of_reserving(message: &str) -> &'static str {
    match message.contains("(os error 12)") {
        true => {
            "; there is too little address space: raise its limit (`ulimit -v`): each memory of \
             a guest takes 4 GiB of it, and as much again where writes are searched for"
        }
        false => "",
    }
}

/// Whether this process may start so many threads besides those that it has, now. The
/// libraries that start threads of their own panic where they cannot.
///
/// # Errors
///
/// If it may not: what the system says.
pub(crate) fn threads(count: usize) -> io::Result<()> {
    let mut started = Vec::with_capacity(count);
    for _ in 0..count {
        // Each waits until its other end is let go of: they are there all at once.
        let (end, until) = channel::<Infallible>();
        let thread = std::thread::Builder::new().stack_size(64 << 10);
        started.push((end, thread.spawn(move || _ = until.recv())?));
    }
    for (end, thread) in started {
        drop(end);
        // It does not panic.
        _ = thread.join();
    }
    Ok(())
}
