//! What the machine has for checkpoints, and what processes take of it.

use std::os::unix::net::UnixStream;
use std::path::Path;

/// An amount of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Tells processes apart, to the operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::timeline) struct Pid(pub(in crate::timeline) u32);

impl Pid {
    /// As the system takes it; what means a group of processes there is not the id of one.
    fn for_system(self) -> Option<libc::pid_t> {
        libc::pid_t::try_from(self.0).ok().filter(|pid| *pid > 0)
    }
}

/// Assumed where the system does not tell.
const UNKNOWN: Bytes = Bytes(4 << 30);

/// The memory that could be taken without swapping: the machine's, or what is left
/// to the container (control groups, version 2 and 1).
pub(in crate::timeline) fn available() -> Bytes {
    let machine = read_field("/proc/meminfo", "MemAvailable:").unwrap_or(UNKNOWN);
    let container = left_in_group("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
        .or_else(|| {
            left_in_group(
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes",
            )
        });
    container.map_or(machine, |left| left.min(machine))
}

fn left_in_group(limit: &str, used: &str) -> Option<Bytes> {
    let number = |path: &str| -> Option<u64> {
        let text = std::fs::read_to_string(path).ok()?;
        text.trim().parse().ok()
    };
    // No limit is written `max`.
    Some(Bytes(number(limit)?.saturating_sub(number(used)?)))
}

/// What a process takes: its own pages, and its share of those that it has in
/// common with others. Nothing, if it is gone or the system does not tell.
pub(in crate::timeline) fn taken_by(pid: Pid) -> Bytes {
    taken(pid).0
}

/// The same, and what it takes that no other has.
pub(in crate::timeline) fn taken(pid: Pid) -> (Bytes, Bytes) {
    let path = format!("/proc/{}/smaps_rollup", pid.0);
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let named = |name| field(&text, name).unwrap_or(Bytes(0));
    (named("Pss:"), named("Private_Dirty:"))
}

/// What a process has in memory of its own or in common with copies, without files: as much
/// as a copy takes that changes all of it.
pub(in crate::timeline) fn held_by(pid: Pid) -> Bytes {
    let held = read_field(format!("/proc/{}/status", pid.0), "RssAnon:");
    held.unwrap_or(Bytes(0))
}

fn read_field(path: impl AsRef<Path>, name: &str) -> Option<Bytes> {
    field(&std::fs::read_to_string(path).ok()?, name)
}

/// A line such as `Pss:      123 kB`.
fn field(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(Bytes(kilobytes * 1024))
}

/// Whether there is a process with this id.
pub(in crate::timeline) fn is_there(pid: Pid) -> bool {
    let Some(pid) = pid.for_system() else {
        return false;
    };
    // SAFETY: no signal is sent, and no memory of ours touched.
    unsafe { libc::kill(pid, 0) == 0 }
}

/// Ends a process at once.
pub(in crate::timeline) fn kill(pid: Pid) {
    // A replayer that says that it is this process is lying.
    let Some(pid) = pid.for_system().filter(|_| pid.0 != std::process::id()) else {
        return;
    };
    // SAFETY: sending a signal to another process touches no memory of ours.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
    }
}

/// The process at the other end of a connection, if the system tells: what the process
/// says of itself may be another's id.
#[cfg(target_os = "linux")]
pub(in crate::timeline) fn peer(socket: &UnixStream) -> Option<Pid> {
    use std::os::fd::AsRawFd;

    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut size = libc::socklen_t::try_from(size_of_val(&peer)).ok()?;
    // SAFETY: the pointers are to a valid `ucred` and to its size, which the call fills in;
    // the descriptor is open, as its owner is borrowed.
    let told = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    // A process that this one cannot see has the id 0.
    let pid = u32::try_from(peer.pid).ok().filter(|pid| *pid > 0)?;
    (told == 0).then_some(Pid(pid))
}

/// The same elsewhere: nobody tells.
#[cfg(not(target_os = "linux"))]
pub(in crate::timeline) fn peer(_socket: &UnixStream) -> Option<Pid> {
    None
}

/// Raises the number of files that this process may have open as far as it may (to
/// 4096), and answers it.
pub(in crate::timeline) fn raise_open_files() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a valid `rlimit`, which the call fills in.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return 1024;
    }
    let raised = libc::rlimit {
        rlim_cur: limit.rlim_max.min(4096).max(limit.rlim_cur),
        ..limit
    };
    // SAFETY: the pointer is to a valid `rlimit`, which the call only reads.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0 {
        limit = raised;
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}
