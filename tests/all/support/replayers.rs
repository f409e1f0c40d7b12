//! The replayer processes of a timeline, as the system lists them.

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The replayers of one timeline, whatever else this process or this machine debugs: they
/// are started by a name that the executable has for them alone.
pub struct Replayers {
    /// Holds the name.
    directory: TempDir,
}

impl Replayers {
    /// Of a timeline that is opened with [`program`](Replayers::program).
    pub fn apart() -> Replayers {
        let replayers = Replayers {
            directory: tempfile::tempdir().expect("a directory"),
        };
        let binary = env!("CARGO_BIN_EXE_rr-dap");
        std::os::unix::fs::symlink(binary, replayers.program()).expect("a link");
        replayers
    }

    /// The executable that is to be started as a replayer.
    pub fn program(&self) -> PathBuf {
        self.directory.path().join("rr-dap")
    }

    /// Those there are. Copies have the command line of what they were copied from.
    pub fn pids(&self) -> Vec<u32> {
        let program = self.program();
        let mut pids = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("Linux").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
                continue;
            };
            let command = std::fs::read_to_string(entry.path().join("cmdline"));
            let command = command.unwrap_or_default();
            let mut words = command.split('\0');
            if words.next().map(Path::new) == Some(&program) && words.next() == Some("__replayer") {
                pids.push(pid);
            }
        }
        pids
    }
}

pub fn kill(pids: impl IntoIterator<Item = u32>) {
    for pid in pids {
        // It may have ended by itself meanwhile.
        _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}
