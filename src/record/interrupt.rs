//! Ending a recording when the process is told to end.

use super::{Recorded, Recorder, shared};
use crate::trace::Outcome;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use tokio::sync::watch;

/// The signals by which people and systems end a process.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// A signal is finishing the recording.
static ENDING: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT, SIGTERM and SIGHUP finish this recording with
/// [`Outcome::Interrupted`] and end the process as a shell expects it (130, 143,
/// 129), whatever the guest is doing: it may loop or wait for input. A second signal
/// ends the process at once. Signals that are ignored stay so. `told` says what was kept, once
/// it is complete, to whoever listens still.
///
/// A process can do this for one recording.
///
/// # Errors
///
/// If the signals cannot be handled.
pub fn finish_on_signals(
    recorder: &Recorder,
    told: impl FnOnce(&Recorded) + Send + 'static,
) -> io::Result<()> {
    let heeded = heeded();
    let recorder = recorder.clone();
    // The thread comes first: a signal that is handled must not go unheard.
    let (hand_over, handed_over) = mpsc::channel::<Signals>();
    std::thread::Builder::new()
        .name("rr-dap-signals".into())
        .spawn(move || {
            let mut signals = handed_over.recv().ok()?;
            let signal = signals.forever().next()?;
            end(&recorder, signal, told);
            Some(())
        })?;
    let signals = Signals::new(&heeded)?;
    // Whoever would have heard it has ended: so does the process.
    _ = hand_over.send(signals);
    end_at_the_second(&heeded)
}

/// The signals that nobody has said are to be ignored.
fn heeded() -> Vec<i32> {
    let signals = SIGNALS.into_iter();
    signals.filter(|signal| !is_ignored(*signal)).collect()
}

/// The second of these signals ends the process.
fn end_at_the_second(heeded: &[i32]) -> io::Result<()> {
    let has_one_come = Arc::new(AtomicBool::new(false));
    for signal in heeded {
        // In this order: the signal that raises the flag does not find it raised.
        flag::register_conditional_default(*signal, has_one_come.clone())?;
        flag::register(*signal, has_one_come.clone())?;
    }
    Ok(())
}

/// From now on SIGINT, SIGTERM and SIGHUP are told to whoever watches; a second one ends the
/// process at once. A SIGHUP that is ignored stays so; the others are how services are ended,
/// also where a shell starts them in the background, with SIGINT ignored.
///
/// # Errors
///
/// If the signals cannot be handled.
pub fn when_told_to_end() -> io::Result<watch::Receiver<bool>> {
    let (tell, told) = watch::channel(false);
    let signals = SIGNALS.into_iter();
    let heeded: Vec<i32> = signals
        .filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP))
        .collect();
    let (hand_over, handed_over) = mpsc::channel::<Signals>();
    std::thread::Builder::new()
        .name("rr-dap-signals".into())
        .spawn(move || {
            let Ok(mut signals) = handed_over.recv() else {
                return;
            };
            if signals.forever().next().is_some() {
                // Nobody may watch any more.
                _ = tell.send(true);
            }
            // Whoever watches takes the end of the channel for a signal.
            std::thread::park();
        })?;
    _ = hand_over.send(Signals::new(&heeded)?);
    end_at_the_second(&heeded)?;
    Ok(told)
}

/// Ties this process to whoever holds the other end of its standard input: when that is
/// closed, by them or by their end, it ends as by SIGTERM.
#[derive(Debug)]
pub struct Lifeline(Arc<OnceLock<Recorder>>);

impl Lifeline {
    /// From now on; nothing else may read standard input.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn hold() -> io::Result<Lifeline> {
        // Before there is a second thread.
        shared::expect_other_threads();
        let recording = Arc::new(OnceLock::<Recorder>::new());
        let at_the_end = recording.clone();
        std::thread::Builder::new()
            .name("rr-dap-lifeline".into())
            .spawn(move || {
                // Input that cannot be read has ended, too.
                _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
                match at_the_end.get() {
                    Some(recorder) => end(recorder, SIGTERM, |_| {}),
                    None => std::process::exit(128 + SIGTERM),
                }
            })?;
        Ok(Lifeline(recording))
    }

    /// Holds a process that ends as services do, by SIGTERM: see [`when_told_to_end`].
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn hold_service() -> io::Result<()> {
        let thread = std::thread::Builder::new().name("rr-dap-lifeline".into());
        thread.spawn(|| {
            // Input that cannot be read has ended, too.
            _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            _ = signal_hook::low_level::raise(SIGTERM);
        })?;
        Ok(())
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

/// Whether the process was started to ignore a signal, as by `nohup`.
fn is_ignored(signal: i32) -> bool {
    // SAFETY: all zeros is a valid `sigaction`, which the call fills; without a new action
    // it changes nothing.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut action) == 0
            && action.sa_sigaction == libc::SIG_IGN
    }
}

fn end(recorder: &Recorder, signal: i32, told: impl FnOnce(&Recorded) + Send + 'static) {
    ENDING.store(true, Ordering::SeqCst);
    recorder.park();
    match recorder.finish(Outcome::Interrupted) {
        // The run has ended by itself; the main thread is about to say how.
        Err(super::RecorderError::Finished) => return,
        Err(error) => {
            tracing::error!("the recording was not finished: {error}");
            unless_stuck(|| _ = io::Write::flush(&mut io::stdout()));
        }
        Ok(recorded) => unless_stuck(move || {
            // A line that the guest has begun comes first.
            _ = io::Write::flush(&mut io::stdout());
            told(&recorded);
        }),
    }
    // SAFETY: ends the process. Other threads are in the middle of something, so
    // nothing that expects them to be done may run.
    unsafe { libc::_exit(128 + signal) }
}

/// Has something written, unless the stream that it goes to is stuck.
fn unless_stuck(write: impl FnOnce() + Send + 'static) {
    let (done, written) = mpsc::channel();
    let write = move || {
        write();
        _ = done.send(());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        _ = written.recv_timeout(Duration::from_millis(200));
    }
}
