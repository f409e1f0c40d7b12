//! Recordings of runs that end badly: nothing that was recorded is lost.

use crate::support::counter::{LINE, Then, counter, lines};
use crate::support::{cache_dir, events, fixture, replay, replay_here, rr_dap, text};
use rr_dap::trace::{EventKind, Outcome, Trace, tail_path};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

/// A recording in progress.
struct Recording {
    child: Child,
    stdout: ChildStdout,
    printed: Vec<u8>,
    trace: PathBuf,
}

impl Recording {
    fn start(app: &Path, trace: &Path) -> Recording {
        Recording::start_with(app, &[], trace, |_| {})
    }

    fn start_with(
        app: &Path,
        args: &[&str],
        trace: &Path,
        set: impl FnOnce(&mut Command),
    ) -> Recording {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rr-dap"));
        let directory = trace.parent().unwrap();
        command
            .arg("record")
            .arg(format!("--dir={}::/work", directory.display()))
            .arg("-o")
            .args([trace, app])
            .args(args)
            .env("RR_DAP_CACHE", cache_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        set(&mut command);
        let mut child = command.spawn().unwrap();
        Recording {
            stdout: child.stdout.take().unwrap(),
            child,
            printed: Vec::new(),
            trace: trace.to_owned(),
        }
    }

    /// Waits until the guest has printed so many lines.
    fn read_lines(&mut self, count: usize) {
        let missing = (count * LINE).saturating_sub(self.printed.len());
        let mut bytes = vec![0; missing];
        self.stdout.read_exact(&mut bytes).unwrap();
        self.printed.append(&mut bytes);
    }

    fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child of ours that has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// Waits for the end; answers the exit status and what went to standard error.
    fn end(&mut self) -> (std::process::ExitStatus, String) {
        self.stdout.read_to_end(&mut self.printed).unwrap();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap(), stderr)
    }

    /// The lines printed by the guest and by the replay of its recording.
    fn lines_replayed(&self) -> (usize, usize) {
        let replayed = replay(&self.trace);
        assert!(replayed.stderr.is_empty() || text(&replayed.stderr).contains("rr-dap: the"));
        let count = replayed.stdout.len() / LINE;
        assert_eq!(text(&replayed.stdout), text(&lines(count)));
        let printed = self.printed.len() / LINE;
        assert_eq!(text(&self.printed), text(&lines(printed)));
        (printed, count)
    }
}

fn calls(trace: &Path) -> usize {
    let is_call = |kind: &EventKind| matches!(kind, EventKind::Call(_));
    events(trace).iter().filter(|e| is_call(&e.kind)).count()
}

const ENDLESS: u32 = 99_999_999;

#[test]
fn a_killed_recording_replays_to_the_last_call() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    // From a few records in a buffer to many sections in the file.
    for wait_for in [1, 100, 3000, 6001, 12_000, 30_000, 60_003] {
        let trace = dir.path().join(format!("{wait_for}.rrtrace"));
        let mut recording = Recording::start(&app, &trace);
        recording.read_lines(wait_for);
        recording.signal(libc::SIGKILL);
        let (status, _) = recording.end();
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        assert!(tail_path(&trace).exists());
        let (printed, replayed) = recording.lines_replayed();
        assert!(printed >= wait_for);
        // The kill may come between a line and its record, or the other way round.
        assert!(printed.abs_diff(replayed) <= 1, "{printed} {replayed}");
        // One call for standard output, one for each line.
        assert!(calls(&trace).abs_diff(printed + 1) <= 1);
        let opened = Arc::new(Trace::open(&trace).unwrap());
        assert_eq!(*opened.outcome(), Outcome::CutOff);
        replay_here(opened).unwrap();
    }
}

#[test]
fn a_recording_without_its_tail_replays_to_its_last_section() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let mut recording = Recording::start(&app, &trace);
    // A section ends after each 10,081 lines or so. With what the pipe holds the guest is not
    // so far as the end of the fifth: killed at an end, it would leave nothing in the tail.
    recording.read_lines(41_000);
    recording.signal(libc::SIGKILL);
    recording.end();
    std::fs::remove_file(tail_path(&trace)).unwrap();
    let (printed, replayed) = recording.lines_replayed();
    assert!(0 < replayed && replayed < printed, "{replayed} {printed}");
}

#[test]
fn the_tail_of_another_recording_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    let [one, other] = ["one.rrtrace", "other.rrtrace"].map(|name| dir.path().join(name));
    for trace in [&one, &other] {
        let mut recording = Recording::start(&app, trace);
        recording.read_lines(50);
        recording.signal(libc::SIGKILL);
        recording.end();
        // The recordings must not be of the same second.
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    assert!(calls(&one) >= 50);
    std::fs::copy(tail_path(&other), tail_path(&one)).unwrap();
    assert_eq!(calls(&one), 0);
}

#[test]
fn a_damaged_tail_is_refused_or_read_but_never_believed() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let mut recording = Recording::start(&app, &trace);
    recording.read_lines(9000);
    recording.signal(libc::SIGKILL);
    recording.end();
    let tail = std::fs::read(tail_path(&trace)).unwrap();
    let mut seed = 7u64;
    let mut refused = 0;
    for round in 0..600 {
        let mut damaged = tail.clone();
        // The words of the header, the table, and heads of entries and buffers.
        let places = [0, 64, 128, 192, 4096, 64 << 10, (64 << 10) + (2 << 20)];
        for _ in 0..=round % 3 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
            let at = places[(seed >> 33) as usize % places.len()] + (seed >> 50) as usize % 64;
            damaged[at] ^= (seed >> 20) as u8 | 1;
        }
        damaged.truncate(match round % 10 {
            0 => (seed >> 30) as usize % tail.len(),
            _ => tail.len(),
        });
        std::fs::write(tail_path(&trace), damaged).unwrap();
        let read = Trace::open(&trace).map(|trace| {
            let mut cursor = Arc::new(trace).events();
            while let Ok(Some(_)) = cursor.next() {}
        });
        if let Err(error) = read {
            let why = error.to_string();
            assert!(
                why.contains("run.rrtrace.tail") && why.contains("without it"),
                "{why}"
            );
            refused += 1;
        }
    }
    assert!(refused > 0);
}

/// Signals that a shell or a system sends, and the status that a shell shows.
const SIGNALS: [(libc::c_int, i32); 3] = [
    (libc::SIGINT, 130),
    (libc::SIGTERM, 143),
    (libc::SIGHUP, 129),
];

#[test]
fn a_signal_ends_the_recording_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for then in [Then::Spin, Then::Read] {
        for count in [10, 20_000] {
            let app = counter(count, then, dir.path());
            for (signal, expected) in SIGNALS {
                let trace = dir.path().join(format!("{then:?}-{count}-{signal}"));
                let mut recording = Recording::start(&app, &trace);
                recording.read_lines(count as usize);
                recording.signal(signal);
                let (status, stderr) = recording.end();
                assert_eq!(status.code(), Some(expected), "{stderr}");
                let opens = format!("`rr-dap debug --at end {}`", trace.display());
                assert!(stderr.contains(&opens), "{stderr}");
                assert!(!tail_path(&trace).exists());
                let (printed, replayed) = recording.lines_replayed();
                assert_eq!((printed, replayed), (count as usize, count as usize));
                let opened = Trace::open(&trace).unwrap();
                assert_eq!(*opened.outcome(), Outcome::Interrupted);
            }
        }
    }
}

#[test]
fn a_signal_that_is_ignored_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let ignore = |command: &mut Command| {
        // SAFETY: only a system call, which changes what a signal does that nobody handles.
        let ignore = || match unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) } {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        };
        // SAFETY: between fork and exec only a system call is made.
        unsafe { command.pre_exec(ignore) };
    };
    let mut recording = Recording::start_with(&app, &[], &trace, ignore);
    recording.read_lines(10);
    recording.signal(libc::SIGHUP);
    recording.read_lines(5000);
    recording.signal(libc::SIGTERM);
    let (status, stderr) = recording.end();
    assert_eq!(status.code(), Some(143), "{stderr}");
}

#[test]
fn a_signal_in_the_middle_of_calls_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(ENDLESS, Then::Return, dir.path());
    for round in 0..6 {
        let trace = dir.path().join(format!("{round}.rrtrace"));
        let mut recording = Recording::start(&app, &trace);
        recording.read_lines(2000 * round + 17);
        recording.signal(libc::SIGTERM);
        let (status, stderr) = recording.end();
        assert_eq!(status.code(), Some(143), "{stderr}");
        let (printed, replayed) = recording.lines_replayed();
        // Whatever it does is recorded first.
        assert!(printed <= replayed, "{printed} {replayed}");
        assert!(replayed <= printed + 1, "{printed} {replayed}");
    }
}

/// No file that the process writes may be longer.
fn limit_files(command: &mut Command, bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    let set = move || {
        // SAFETY: only a system call, on a struct that lives.
        match unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    // SAFETY: between fork and exec only a system call is made.
    unsafe { command.pre_exec(set) };
}

/// Lines that hardly compress.
fn noise(count: usize) -> String {
    let mut seed = 1u64;
    let mut line = || {
        let mut line: String = (0..80)
            .map(|_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1);
                char::from(b'0' + ((seed >> 33) & 63) as u8)
            })
            .collect();
        line.push('\n');
        line
    };
    (0..count).map(|_| line()).collect()
}

#[test]
fn a_full_disk_ends_the_run_with_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("run.rrtrace");
    std::fs::write(dir.path().join("input"), noise(100_000)).unwrap();
    let app = fixture("kitchen-O2.wasm");
    let mut recording = Recording::start_with(&app, &["cat", "/work/input"], &trace, |command| {
        limit_files(command, 4 << 20);
    });
    let (status, stderr) = recording.end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    let told: Vec<&str> = stderr
        .lines()
        .filter(|l| l.starts_with("rr-dap:"))
        .collect();
    assert_eq!(told.len(), 1, "{stderr}");
    for part in ["run.rrtrace", "too large", "make room", "replays"] {
        assert!(told[0].contains(part), "{stderr}");
    }
    let replayed = replay(&trace).stdout;
    // The tail had its room from the beginning, so what the file could not take is
    // there: everything up to where the guest was stopped.
    assert!(replayed.len() > 3 << 20, "{}", replayed.len());
    let both = replayed.len().min(recording.printed.len());
    assert!(replayed[..both] == recording.printed[..both]);
    let unequal = replayed.len().abs_diff(recording.printed.len());
    assert!(unequal <= 100, "{unequal}");
    // Whole sections only, without the tail.
    std::fs::remove_file(tail_path(&trace)).unwrap();
    let fewer = replay(&trace).stdout;
    assert!(fewer.len() > 2 << 20 && replayed.starts_with(&fewer));
}

#[test]
fn no_room_for_the_tail_is_told_before_anything_runs() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(10, Then::Return, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let mut recording =
        Recording::start_with(&app, &[], &trace, |command| limit_files(command, 64 << 10));
    let (status, stderr) = recording.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        stderr.contains("run.rrtrace.tail") && stderr.contains("make room"),
        "{stderr}"
    );
    assert!(recording.printed.is_empty());
    assert!(!trace.exists() && !tail_path(&trace).exists());
}

#[test]
fn a_recording_in_progress_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let app = counter(7000, Then::Read, dir.path());
    let trace = dir.path().join("run.rrtrace");
    let mut recording = Recording::start(&app, &trace);
    recording.read_lines(7000);
    let info = rr_dap(&["trace", "info", trace.to_str().unwrap()], "");
    assert!(info.status.success(), "{info:?}");
    assert!(calls(&trace) >= 7000);
    recording.signal(libc::SIGINT);
    recording.end();
}
