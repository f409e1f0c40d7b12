//! Processes that began with one of ours, found by a mark in their environment: it is
//! handed down to what they start, whoever becomes its parent.

use std::process::Command;
use std::time::{Duration, Instant};

const MARK: &str = "RR_DAP_TEST_MARK";
/// Not a measure of speed: how long something may take before it is said to hang.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A mark of its own for everything that one process starts.
pub struct Marked {
    entry: String,
}

impl Marked {
    /// Marks what a command is going to start.
    pub fn new(name: &str, command: &mut Command) -> Marked {
        let mark = format!("{name}-{}", std::process::id());
        command.env(MARK, &mark);
        Marked {
            entry: format!("{MARK}={mark}"),
        }
    }

    /// Those that are there: process and command line.
    pub fn alive(&self) -> Vec<(u32, String)> {
        let mut alive = Vec::new();
        for process in std::fs::read_dir("/proc").expect("Linux").flatten() {
            let Ok(pid) = process.file_name().to_string_lossy().parse() else {
                continue;
            };
            let read = |name| std::fs::read(process.path().join(name)).unwrap_or_default();
            let environment = read("environ");
            // Nothing is left to read of one that has ended and waits for its parent.
            let mut entries = environment.split(|byte| *byte == 0);
            if entries.any(|entry| entry == self.entry.as_bytes()) {
                let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
                alive.push((pid, line));
            }
        }
        alive
    }

    /// Waits until only these are left.
    pub fn wait_for_the_end(&self, but: &[u32]) {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut left = self.alive();
            left.retain(|(pid, _)| !but.contains(pid));
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "left behind: {left:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
