//! Starting replayers, and taking in their copies.
//!
//! A thread accepts connections: copies that a motion waits for go to it, all
//! others are checkpoints that running replayers have left. So a sweep's
//! checkpoints are kept, and thinned, while nobody moves. Another one measures what they take:
//! nobody waits for that.

use super::machine::{self, Pid};
use super::process::{Process, ProcessError};
use super::sockets;
use super::temporary::TemporaryDir;
use super::wire::ask::{Fork, Grow, MoveTo};
use super::wire::greeting::{Load, ReplayerId};
use crate::replay::Position;
use crate::timeline::ahead::checkpoints::{Checkpoints, Limits, Measured};
use crate::trace::{Extent, private, scarce};
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The hidden subcommand that makes a process a replayer.
pub const REPLAYER_COMMAND: &str = "__replayer";

/// How long a copy may take to connect: forking a gigabyte takes a tenth of a
/// second, a loaded machine some more.
const CONNECT: Duration = Duration::from_secs(20);

/// How often somebody who waits for a copy looks whether it still lives.
const LIVES_EVERY: Duration = Duration::from_millis(50);

/// What the accepting thread and the timeline have in common.
#[derive(Debug)]
struct Shared {
    expected: Mutex<Expected>,
    arrival: Condvar,
    checkpoints: Mutex<Checkpoints>,
    /// Those of replayers that watch stores.
    watching: Mutex<Checkpoints>,
}

/// The copies that someone waits for.
#[derive(Debug, Default)]
struct Expected {
    awaited: HashSet<ReplayerId>,
    arrived: HashMap<ReplayerId, Process>,
    /// The ids of checkpoints that watch stores.
    watching: Vec<Range<u64>>,
    /// The pool is gone.
    closed: bool,
}

/// Starts replayers and takes the connections of their copies.
#[derive(Debug)]
pub(in crate::timeline) struct Pool {
    program: PathBuf,
    /// Holds the socket; removed with the pool.
    directory: TemporaryDir,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
    measuring: Option<JoinHandle<()>>,
    next_id: u64,
    /// How far the recording goes, where it has grown since it was opened.
    growth: Option<Grow>,
    /// Files that say how far it goes or went.
    extents: u32,
    roots: Vec<Child>,
}

impl Pool {
    pub(in crate::timeline) fn new(program: PathBuf, limits: Limits) -> io::Result<Pool> {
        let directory = TemporaryDir::new()?;
        let listener = sockets::bind(&socket_in(directory.path()))?;
        let shared = Arc::new(Shared {
            expected: Mutex::default(),
            arrival: Condvar::new(),
            checkpoints: Mutex::new(Checkpoints::new(limits)),
            watching: Mutex::new(Checkpoints::new(limits.of_watching())),
        });
        let (more, is_more) = sync_channel(1);
        let measuring = std::thread::Builder::new()
            .name("checkpoints".into())
            .spawn({
                let shared = shared.clone();
                move || measure(&is_more, &shared)
            })?;
        let accepting = std::thread::Builder::new()
            .name("replayers".into())
            .spawn({
                let shared = shared.clone();
                move || accept(&listener, &shared, &more)
            })?;
        Ok(Pool {
            program,
            directory,
            shared,
            accepting: Some(accepting),
            measuring: Some(measuring),
            next_id: 1,
            growth: None,
            extents: 0,
            roots: Vec::new(),
        })
    }

    /// The checkpoints. Held while one of them is copied, and not longer: the
    /// sweep waits for it.
    pub(in crate::timeline) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.shared.checkpoints.lock()
    }

    /// The checkpoints that watch stores, in the same way.
    pub(in crate::timeline) fn watching(&self) -> MutexGuard<'_, Checkpoints> {
        self.shared.watching.lock()
    }

    /// Reserves `count` ids for those.
    pub(in crate::timeline) fn reserve_watching(&mut self, count: u64) -> ReplayerId {
        let first = self.reserve(count);
        let ids = first.0..self.next_id;
        self.shared.expected.lock().watching.push(ids);
        first
    }

    /// Has one of those copied that `choose` finds, if it finds one.
    pub(in crate::timeline) fn fork_watching(
        &mut self,
        choose: impl FnOnce(&mut Checkpoints) -> Option<&mut Process>,
    ) -> Result<Option<Process>, ProcessError> {
        let id = self.await_one();
        let asked = match choose(&mut self.watching()) {
            Some(process) => process.ask(Fork(id)).map(Some),
            None => Ok(None),
        };
        self.copied(id, asked)
    }

    /// Keeps a file for the replayers, as long as the pool lives.
    pub(in crate::timeline) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.directory.path().join(name);
        private::create_new(&path)?.write_all(bytes)?;
        Ok(path)
    }

    /// Puts down how far the recording goes; what was put down before is not needed any more.
    pub(in crate::timeline) fn keep_extent(&mut self, extent: &Extent) -> io::Result<PathBuf> {
        let bytes = postcard::to_allocvec(extent).map_err(io::Error::other)?;
        let name = |number: u32| format!("extent-{number}");
        self.extents += 1;
        let path = self.keep(&name(self.extents), &bytes)?;
        _ = std::fs::remove_file(self.directory.path().join(name(self.extents - 1)));
        Ok(path)
    }

    /// The recording goes so far now. What stands at an earlier end does not any more: where that
    /// was, and what that moment is now.
    pub(in crate::timeline) fn extend(&mut self, extent: PathBuf) -> Option<(Position, Position)> {
        let mut moved = None;
        let number = self.growth.as_ref().map_or(0, |growth| growth.number) + 1;
        self.growth = Some(Grow { number, extent });
        let shared = self.shared.clone();
        for checkpoints in [&shared.checkpoints, &shared.watching] {
            let at_end = checkpoints.lock().take_ends();
            for mut process in at_end {
                // One that is gone is not missed.
                let end = process.at.position;
                if self.update(&mut process).is_ok() {
                    moved = Some((end, process.at.position));
                    checkpoints.lock().keep(process);
                }
            }
        }
        moved
    }

    /// Tells a process that stands still how far the recording goes, if it does not know.
    pub(in crate::timeline) fn update(&self, process: &mut Process) -> Result<(), ProcessError> {
        if let Some(growth) = &self.growth
            && process.grown < growth.number
        {
            process.at = process.ask(growth.clone())?;
            process.grown = growth.number;
        }
        Ok(())
    }

    /// Reserves `count` ids.
    pub(in crate::timeline) fn reserve(&mut self, count: u64) -> ReplayerId {
        let id = ReplayerId(self.next_id);
        self.next_id += count;
        id
    }

    /// Reserves the id of a copy that will be waited for.
    fn await_one(&mut self) -> ReplayerId {
        let id = self.reserve(1);
        self.shared.expected.lock().awaited.insert(id);
        id
    }

    /// Starts a fresh replayer, which stands at the start.
    pub(in crate::timeline) fn spawn(&mut self, load: &Load) -> Result<Process, ProcessError> {
        let id = self.await_one();
        let child = Command::new(&self.program)
            .arg(REPLAYER_COMMAND)
            .arg(socket_in(self.directory.path()))
            .arg(id.0.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|e| {
                ProcessError::Failed(format!(
                    "cannot start the replayer {}: {e}{}",
                    self.program.display(),
                    scarce::remedy(&e)
                ))
            })?;
        self.roots.push(child);
        let lives = |pool: &mut Pool| match pool.roots.last_mut() {
            // Who cannot be asked may live.
            Some(child) => !matches!(child.try_wait(), Ok(Some(_))),
            None => false,
        };
        let mut process = self.connected(id, lives)?;
        process.load(load)?;
        self.update(&mut process)?;
        Ok(process)
    }

    /// Has a process that stands still copied.
    pub(in crate::timeline) fn fork(
        &mut self,
        process: &mut Process,
    ) -> Result<Process, ProcessError> {
        let id = self.await_one();
        let asked = process.ask(Fork(id)).map(Some);
        self.copied(id, asked)?.ok_or_else(did_not_connect)
    }

    /// Takes over a process of another pool, which stands still.
    pub(in crate::timeline) fn adopt(&mut self, process: &mut Process) -> Result<(), ProcessError> {
        process.ask(MoveTo(socket_in(self.directory.path())))?;
        process.id = self.reserve(1);
        Ok(())
    }

    /// Knows of the recording's growth what another pool knows: processes that are taken over
    /// from there have been told as often.
    pub(in crate::timeline) fn grow_as(&mut self, other: &Pool, extent: PathBuf) {
        let growth = other.growth.as_ref();
        self.growth = growth.map(|growth| Grow {
            number: growth.number,
            extent,
        });
    }

    /// Has the checkpoint copied that `choose` finds, if it finds one.
    pub(in crate::timeline) fn fork_checkpoint(
        &mut self,
        choose: impl FnOnce(&mut Checkpoints) -> Option<&mut Process>,
    ) -> Result<Option<Process>, ProcessError> {
        let id = self.await_one();
        let asked = match choose(&mut self.checkpoints()) {
            Some(process) => process.ask(Fork(id)).map(Some),
            None => Ok(None),
        };
        self.copied(id, asked)
    }

    /// The copy that was asked for, if it was; its process id is known.
    fn copied(
        &mut self,
        id: ReplayerId,
        asked: Result<Option<u32>, ProcessError>,
    ) -> Result<Option<Process>, ProcessError> {
        match asked {
            Ok(Some(pid)) => {
                tracing::debug!(pid, "copied");
                let lives = |_: &mut Pool| machine::is_there(Pid(pid));
                let mut process = self.connected(id, lives)?;
                self.update(&mut process)?;
                Ok(Some(process))
            }
            other => {
                self.shared.expected.lock().awaited.remove(&id);
                other.map(|_| None)
            }
        }
    }

    /// Waits for the copy with this id to connect, as long as it lives.
    fn connected(
        &mut self,
        id: ReplayerId,
        lives: impl Fn(&mut Pool) -> bool,
    ) -> Result<Process, ProcessError> {
        let deadline = Instant::now() + CONNECT;
        let shared = self.shared.clone();
        let mut expected = shared.expected.lock();
        loop {
            if let Some(process) = expected.arrived.remove(&id) {
                return Ok(process);
            }
            if Instant::now() >= deadline || !lives(self) {
                expected.awaited.remove(&id);
                return Err(did_not_connect());
            }
            // Whether it has arrived is looked at.
            shared.arrival.wait_for(&mut expected, LIVES_EVERY);
        }
    }
}

fn did_not_connect() -> ProcessError {
    ProcessError::Died("it did not connect".into())
}

fn socket_in(directory: &Path) -> PathBuf {
    directory.join("replayers")
}

/// Measures what the checkpoints take, now and then when there are more of them, until nobody
/// tells of more.
fn measure(is_more: &Receiver<()>, shared: &Shared) {
    while is_more.recv().is_ok() {
        for checkpoints in [&shared.checkpoints, &shared.watching] {
            let Some(pids) = checkpoints.lock().to_measure() else {
                continue;
            };
            let began = Instant::now();
            let measured: Vec<Measured> = pids.into_iter().map(Measured::of).collect();
            let took = began.elapsed();
            checkpoints.lock().fit_memory(&measured, took);
        }
    }
}

/// Takes the connections that come in, until the pool is gone.
fn accept(listener: &UnixListener, shared: &Shared, more: &SyncSender<()>) {
    for socket in listener.incoming() {
        if shared.expected.lock().closed {
            return;
        }
        // A copy that dies before it says who it is, is none.
        let Ok(socket) = socket else { continue };
        let Ok(process) = Process::greet(socket) else {
            continue;
        };
        let mut expected = shared.expected.lock();
        if expected.awaited.remove(&process.id) {
            expected.arrived.insert(process.id, process);
            shared.arrival.notify_all();
            drop(expected);
            _ = more.try_send(());
            continue;
        }
        let watches = expected
            .watching
            .iter()
            .any(|ids| ids.contains(&process.id.0));
        drop(expected);
        match watches {
            true => shared.watching.lock().keep(process),
            false => shared.checkpoints.lock().keep(process),
        }
        // If it has not come to the last time that it was told, it will see this one, too.
        _ = more.try_send(());
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.expected.lock().closed = true;
        // Wakes the accepting thread.
        let woken = sockets::connect(&socket_in(self.directory.path())).is_ok();
        if let Some(accepting) = self.accepting.take()
            && woken
        {
            // It does not panic; if it did, it is gone as well.
            _ = accepting.join();
            // Then nobody tells the other one of more.
            if let Some(measuring) = self.measuring.take() {
                _ = measuring.join();
            }
        }
        for child in &mut self.roots {
            // Its socket may still be held by a `Process` that is dropped later.
            _ = child.kill();
            _ = child.wait();
        }
    }
}
