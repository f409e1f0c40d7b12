//! Ending a recording when the process is told to end.

use super::Recorder;
use crate::trace::Outcome;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

/// The signals by which people and systems end a process.
const SIGNALS: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// The end of the pipe that the signal handler writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// A signal is finishing the recording.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT, SIGTERM and SIGHUP finish this recording with
/// [`Outcome::Interrupted`] and end the process as a shell expects it (130, 143,
/// 129), whatever the guest is doing: it may loop or wait for input. A second signal
/// ends the process at once. Signals that are ignored stay so.
///
/// A process can do this for one recording.
///
/// # Errors
///
/// If the signals cannot be handled.
pub fn finish_on_signals(recorder: &Recorder) -> io::Result<()> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: makes a pipe, which stays open as long as the process lives.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let [read, write] = ends;
    for end in ends {
        // SAFETY: a call on a file descriptor that was just made.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    PIPE.store(write, Ordering::SeqCst);
    let recorder = recorder.clone();
    std::thread::Builder::new()
        .name("rr-dap-signals".into())
        .spawn(move || {
            if let Some(signal) = wait(read) {
                end(&recorder, signal);
            }
        })?;
    for signal in SIGNALS {
        handle(signal)?;
    }
    Ok(())
}

/// Ties this process to whoever holds the other end of its standard input: when that is
/// closed, by them or because they are no more, it ends as by SIGTERM.
#[derive(Debug)]
pub struct Lifeline(Arc<OnceLock<Recorder>>);

impl Lifeline {
    /// From now on; nothing else may read standard input.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn hold() -> io::Result<Lifeline> {
        let recording = Arc::new(OnceLock::<Recorder>::new());
        let at_the_end = recording.clone();
        std::thread::Builder::new()
            .name("rr-dap-lifeline".into())
            .spawn(move || {
                // Input that cannot be read has ended, too.
                _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                match at_the_end.get() {
                    Some(recorder) => end(recorder, libc::SIGTERM),
                    None => std::process::exit(128 + libc::SIGTERM),
                }
            })?;
        Ok(Lifeline(recording))
    }

    /// This recording is finished first, with [`Outcome::Interrupted`].
    pub fn finishes(&self, recorder: &Recorder) {
        // A process makes one recording.
        _ = self.0.set(recorder.clone());
    }
}

/// From now on a file that grows too large for the process's limits is an error of
/// the write that finds it so, not the end of the process.
pub fn take_file_limits_as_errors() {
    // SAFETY: changes what a signal does that nobody else handles.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// If a signal has finished the recording, the process is about to end: whoever
/// finds it finished waits for that.
pub(super) fn wait_if_ending() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

fn handle(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeros is a valid sigaction; the calls fill and read it.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &mut action) != 0 {
            return Err(io::Error::last_os_error());
        }
        if action.sa_sigaction == libc::SIG_IGN {
            return Ok(());
        }
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
        action.sa_flags = libc::SA_RESTART | libc::SA_RESETHAND;
        if libc::sigaction(signal, &action, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Runs on whatever thread the signal finds, so it only passes the number on.
extern "C" fn on_signal(signal: libc::c_int) {
    let number = signal as u8;
    // SAFETY: `write` may be called in a signal handler; the byte outlives the
    // call.
    unsafe { libc::write(PIPE.load(Ordering::SeqCst), (&raw const number).cast(), 1) };
}

fn wait(pipe: RawFd) -> Option<libc::c_int> {
    let mut number = 0u8;
    loop {
        // SAFETY: reads one byte into a byte.
        let read = unsafe { libc::read(pipe, (&raw mut number).cast(), 1) };
        match read {
            1 => return Some(libc::c_int::from(number)),
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
}

fn end(recorder: &Recorder, signal: libc::c_int) {
    ENDING.store(true, Ordering::SeqCst);
    match recorder.finish(Outcome::Interrupted) {
        // The run has ended by itself; the main thread is about to say how.
        Err(super::RecorderError::Finished) => return,
        Err(error) => eprintln!("rr-dap: {error}"),
        Ok(_) => {}
    }
    flush_standard_output();
    // SAFETY: ends the process. Other threads are in the middle of something, so
    // nothing that expects them to be done may run.
    unsafe { libc::_exit(128 + signal) }
}

/// Writes out a line that the guest has begun, unless standard output is stuck.
fn flush_standard_output() {
    let (done, flushed) = mpsc::channel();
    let flush = move || {
        _ = io::Write::flush(&mut io::stdout());
        _ = done.send(());
    };
    if std::thread::Builder::new().spawn(flush).is_ok() {
        _ = flushed.recv_timeout(Duration::from_millis(200));
    }
}
