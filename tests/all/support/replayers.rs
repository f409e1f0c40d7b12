//! The replayer processes of a timeline, as the system lists them.

use std::process::Command;

/// The replayers there are: process, parent, and the socket that they were told. Copies
/// have the command line of what they were copied from.
fn all() -> Vec<(u32, u32, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("Linux").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let read = |name| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let command = read("cmdline");
        let status = read("status");
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.and_then(|parent| parent.trim().parse().ok());
        let mut words = command.split('\0').skip(1);
        if let (Some("__replayer"), Some(socket)) = (words.next(), words.next()) {
            all.push((pid, parent.unwrap_or(0), socket.to_owned()));
        }
    }
    all
}

/// The replayers of one timeline, whatever else is debugged on this machine.
pub struct Replayers {
    socket: String,
}

impl Replayers {
    /// Those of the only timeline that this process has.
    pub fn of_this_process() -> Replayers {
        let own = all().into_iter();
        let mut own = own.filter(|(_, parent, _)| *parent == std::process::id());
        let (_, _, socket) = own.next().expect("a replayer");
        Replayers { socket }
    }

    pub fn pids(&self) -> Vec<u32> {
        let all = all().into_iter();
        all.filter(|(_, _, socket)| *socket == self.socket)
            .map(|(pid, _, _)| pid)
            .collect()
    }
}

pub fn kill(pids: impl IntoIterator<Item = u32>) {
    for pid in pids {
        // It may have ended by itself meanwhile.
        _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}
