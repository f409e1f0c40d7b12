//! What each command of rr-dap makes of a recording, how long it takes and with how much memory.

use crate::support::cache_dir;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After that a command hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Words of ours that no user should ever read.
const FAULTS: [&str; 6] = [
    "rr-dap: thread `",
    "internal error",
    "fault of rr-dap",
    "diverged",
    "unreachable code",
    "overflowed",
];

/// What a command came to.
pub struct Said {
    /// The command, for the report.
    pub command: String,
    pub status: Option<i32>,
    pub text: String,
    pub took: Duration,
    /// The most memory that it or a process of its had, in bytes.
    pub memory: u64,
}

impl Said {
    /// What is wrong with it whatever the recording is.
    pub fn fault(&self) -> Option<String> {
        let Some(status) = self.status else {
            return Some(format!(
                "`{}` did not end by itself: {}",
                self.command,
                self.end()
            ));
        };
        let verified = self.command != "replay --verify" || status == 0;
        let word = FAULTS.iter().find(|word| self.text.contains(**word));
        (word.is_some() || !verified || status == 101)
            .then(|| format!("`{}` ({status}): {}", self.command, self.end()))
    }

    fn end(&self) -> String {
        let text = self.text.trim();
        let from = text.len().saturating_sub(600);
        let from = (from..text.len()).find(|&at| text.is_char_boundary(at));
        text[from.unwrap_or(0)..].replace('\n', " | ")
    }
}

/// All that is asked of each recording.
pub fn all(trace: &Path) -> Vec<Said> {
    let session = [
        "seek end",
        "bt",
        "handles",
        "hostcall prev",
        "seek 50%",
        "back",
        "step",
        "seek start",
    ];
    let mut debug = vec!["debug", "--batch", "--color", "never"];
    for command in session {
        debug.extend(["--command", command]);
    }
    [
        &["replay", "--verify"][..],
        &["replay"],
        &["trace", "events", "--json"],
        &["trace", "resources", "--all", "--json"],
        &["trace", "info", "--json"],
        &debug,
    ]
    .iter()
    .map(|command| said(command, trace))
    .collect()
}

/// What `record` says of a component that the suite calls invalid.
pub fn record(component: &Path, trace: &Path) -> Said {
    let trace = trace.to_str().unwrap();
    said(
        &["record", "--force", "-o", trace, "--invoke", "f()"],
        component,
    )
}

/// Records a run of a program.
pub fn record_program(
    program: &Path,
    options: &[String],
    arguments: &[&str],
    input: &str,
    trace: &Path,
) -> Said {
    let trace = trace.to_str().unwrap();
    let mut line = vec!["record", "--force", "--quiet", "-o", trace];
    line.extend(options.iter().map(String::as_str));
    line.push(program.to_str().unwrap());
    line.extend(arguments);
    run(&line, input)
}

fn said(arguments: &[&str], file: &Path) -> Said {
    run(&[arguments, &[file.to_str().unwrap()]].concat(), "")
}

#[expect(
    clippy::zombie_processes,
    reason = "`wait` waits, and tells the memory"
)]
fn run(arguments: &[&str], input: &str) -> Said {
    // What a process had at most before it began another is counted as the other's, too.
    _ = std::fs::write("/proc/self/clear_refs", "5");
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(arguments)
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // A program that does not read its input closes it: no error.
    _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    let (ended, has_ended) = std::sync::mpsc::channel::<()>();
    let (text, (status, memory)) = std::thread::scope(|scope| {
        let errors = scope.spawn(move || read(&mut err));
        let output = scope.spawn(move || read(&mut out));
        scope.spawn(move || {
            if has_ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                // SAFETY: no memory is involved; the group is the child's, which is not
                // waited for until it ends.
                unsafe { libc::kill(-pid, libc::SIGKILL) };
            }
        });
        let (errors, output) = (errors.join().unwrap(), output.join().unwrap());
        let usage = wait(pid);
        drop(ended);
        (output + &errors, usage)
    });
    Said {
        command: arguments[..arguments.len().min(2)].join(" "),
        status,
        text,
        took: began.elapsed(),
        memory,
    }
}

/// The first and the last megabytes would do; what recordings of suites say is little.
fn read(from: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The exit status, none after a signal, and the most memory in bytes.
fn wait(pid: libc::pid_t) -> (Option<i32>, u64) {
    let mut status = 0;
    // SAFETY: zeros are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid for writes; the child is ours, and nobody else waits for it.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    assert_eq!(waited, pid, "the child is there");
    let status = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let kilobytes = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    (status, kilobytes * 1024)
}
