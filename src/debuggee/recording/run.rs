//! A run that a process of its own records: what it prints, and its end.

use super::saying::{self, Saying};
use crate::debuggee::{LaunchError, LiveRun, Output};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two pieces of what a program prints while it is recorded.
const BETWEEN_PIECES: Duration = Duration::from_millis(5);
/// What a recorder gets to finish its recording when it is told to end.
const TO_FINISH: Duration = Duration::from_secs(5);

/// One that goes on until it is over, or told to end.
pub(super) struct Run {
    child: Child,
    /// It ends when this is closed: by us, or because we are gone.
    lifeline: Option<ChildStdin>,
    said: Saying,
    out: JoinHandle<String>,
    errors: JoinHandle<String>,
    told_to_end: Option<Instant>,
}

impl Run {
    pub(super) fn start(command: &mut Command) -> Result<Run, LaunchError> {
        let failed = |error: std::io::Error| {
            LaunchError::Failed(format!("cannot start the recorder: {error}"))
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let lifeline = child.stdin.take();
        let (out_to, out_said) = mpsc::sync_channel(1);
        let (errors_to, errors_said) = mpsc::sync_channel(1);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let out = thread::Builder::new().name("run-stdout".into());
        let out = out.spawn(move || stdout.map_or_else(String::new, |s| saying::read(s, &out_to)));
        let errors = thread::Builder::new().name("run-stderr".into());
        let errors =
            errors.spawn(move || stderr.map_or_else(String::new, |s| saying::read(s, &errors_to)));
        Ok(Run {
            child,
            lifeline,
            said: Saying::new(out_said, errors_said),
            out: out.map_err(failed)?,
            errors: errors.map_err(failed)?,
            told_to_end: None,
        })
    }

    /// Whether it has nothing more to say.
    pub(super) fn is_over(&self) -> bool {
        self.out.is_finished() && self.errors.is_finished()
    }

    /// Has it end where it is.
    pub(super) fn end(&mut self) {
        drop(self.lifeline.take());
        let since = self.told_to_end.get_or_insert_with(Instant::now);
        if since.elapsed() > TO_FINISH {
            // What has reached the trace stays readable.
            _ = self.child.kill();
        }
    }

    /// Hands on what it has printed, and waits a little.
    pub(super) fn tend(&mut self, output: &dyn Output) {
        self.said.hand_on(output);
        thread::sleep(BETWEEN_PIECES);
    }

    /// What it said last on its error stream.
    pub(super) fn finish(mut self, output: &dyn Output) -> String {
        self.said.hand_on_rest(output);
        _ = self.out.join();
        _ = self.child.wait();
        self.errors.join().unwrap_or_default()
    }

    /// Lets it go on while it is debugged. It prints there.
    pub(super) fn go_on(self, output: Arc<dyn Output>) -> Result<GoingOn, LaunchError> {
        let run = LiveRun::default();
        let handle = run.clone();
        let mut process = self;
        let tending = move || {
            while !process.is_over() {
                if !handle.goes_on() {
                    process.end();
                }
                process.tend(output.as_ref());
            }
            _ = process.finish(output.as_ref());
            handle.end();
        };
        let thread = thread::Builder::new().name("run".into());
        let tending = thread.spawn(tending);
        let tending = tending.map_err(|error| LaunchError::Failed(error.to_string()))?;
        Ok(GoingOn {
            run,
            tending: Some(tending),
        })
    }
}

/// A run that goes on while it is debugged. It ends with this.
pub(super) struct GoingOn {
    run: LiveRun,
    tending: Option<JoinHandle<()>>,
}

impl GoingOn {
    pub(super) fn run(&self) -> LiveRun {
        self.run.clone()
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.run.end();
        if let Some(tending) = self.tending.take() {
            // It kills a process that does not end.
            _ = tending.join();
        }
    }
}
