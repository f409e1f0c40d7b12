//! The tail of a recording in progress: `NAME.rrtrace.tail`, a file that the
//! recorder shares with the guest's recorders while it runs, and that is gone when
//! the recording has its end. What had been recorded but not written is in it, so a
//! recording process that was killed loses nothing.
//!
//! ```text
//! tail     = header backlog buffer*
//! header   = 64 KiB: magic, identity, words below, table of buffers
//! backlog  = 2 MiB: a ring of entries, what recorders committed
//! entry    = instance:u32 length:u32 records, padded to 8 bytes
//! buffer   = the first pages of one recorder's own memory
//! ```
//!
//! A killed process leaves the stores that it made, in program order, and none of
//! those after. So each transition ends with one store of one word:
//!
//! - *commit* (records go from a buffer to the backlog): the entry is written, then
//!   the intent (instance, position, the backlog's end to be), then the backlog's
//!   end, the store that counts: from there on the intent says that the buffer's
//!   records up to `position` are in the backlog. Then the buffer's own end goes
//!   back to its start, and the intent is taken back.
//! - *writing out* (records go from the backlog to the trace): sections are
//!   written, then the state that is not in use (length of the trace, the backlog's
//!   start), then the number of the state in use. Sections past the length that the
//!   state names are still in the backlog, and do not count.
//! - records too large for the backlog go to the trace at once; the state then
//!   names the buffer and the position up to which they are written.

use super::event::Instance;
use super::raw::{self, Kind};
use super::source::open_file;
use crate::component::{Component, CrossingKind};
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) const MAGIC: [u8; 8] = *b"RRTAIL\n\0";
pub(crate) const VERSION: u32 = 2;
/// How many of the trace's first bytes tell that a tail belongs to it: up to the
/// checksums of its metadata.
pub(crate) const IDENTITY: usize = 40;
/// Bytes of the header. Regions of the file begin at multiples of it: no host has
/// larger pages.
pub(crate) const HEADER: usize = 64 << 10;
/// Bytes of the backlog.
pub(crate) const BACKLOG: usize = 2 << 20;
/// The instance of an entry that only fills the ring up to its end.
pub(crate) const FILLER: u32 = u32::MAX;
/// Bytes before the records of an entry.
pub(crate) const ENTRY: usize = 8;
/// In the word with a buffer's end: with it a recorder finds no room, commits, and is refused.
pub(crate) const STOPPED: u32 = 1 << 31;
/// Where records begin in a recorder's buffer.
pub(crate) const RECORDS_START: usize = raw::RECORDS_START as usize;

/// Where the header's words are.
pub(crate) mod at {
    pub(crate) const VERSION: usize = 8;
    /// u32: buffers in the table.
    pub(crate) const BUFFERS: usize = 12;
    pub(crate) const IDENTITY: usize = 16;
    /// u32: which of the two states is in use.
    pub(crate) const STATE: usize = 64;
    /// u64: where the backlog ends, in bytes since the beginning.
    pub(crate) const BACKLOG_END: usize = 72;
    /// u64: the backlog's end from which on the intent holds.
    pub(crate) const INTENT_END: usize = 80;
    /// u32, u32: instance and position of the intent.
    pub(crate) const INTENT_INSTANCE: usize = 88;
    pub(crate) const INTENT_POSITION: usize = 92;
    /// u64 length of the trace, u64 backlog's start, u32 instance + 1 and u32
    /// position written at once (0: none).
    pub(crate) const STATES: [usize; 2] = [128, 192];
    pub(crate) const STATE_LENGTH: usize = 0;
    pub(crate) const STATE_START: usize = 8;
    pub(crate) const STATE_INSTANCE: usize = 16;
    pub(crate) const STATE_POSITION: usize = 20;
    /// So many bytes are a state's.
    pub(crate) const STATE_LAST: usize = 24;
    /// u64 offset, u64 length of each buffer.
    pub(crate) const TABLE: usize = 4096;
}

/// Buffers that the table has room for; the recorders of further instances hold
/// theirs back from the tail.
pub(crate) const MAX_BUFFERS: usize = (HEADER - at::TABLE) / 16;
/// No buffer in a tail is larger.
const MAX_BUFFER: u64 = 4 << 30;

/// Where the tail of a recording lies.
pub fn tail_path(trace: &Path) -> PathBuf {
    let mut name = trace.as_os_str().to_owned();
    name.push(".tail");
    name.into()
}

/// What a tail holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The trace's length when its last section before these records was whole.
    /// Later sections hold the same records and do not count.
    pub(super) trace_length: u64,
    /// The records, in their order.
    pub(super) records: Vec<(Instance, Vec<u8>)>,
    /// A recorder has it open: there may be more soon.
    pub(super) is_growing: bool,
}

/// Moments are looked for so often at which nothing is committed.
const FOR_ALL: usize = 20;
/// A moment at which no more is committed in the meantime than there is room for comes sooner.
const FOR_SOME: usize = 100;

/// Reads the tail of a recording that has no end; `None` if it has none.
///
/// A process may be recording meanwhile: what is read is what it had recorded at one moment.
/// Where it commits all the time, that is what had been committed then.
pub(super) fn read(trace: &Path, file: &File, component: &Component) -> io::Result<Option<Tail>> {
    let tail = match open_file(&tail_path(trace)) {
        Ok(tail) => tail,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_growing = is_held(&tail);
    let mut identity = [0; IDENTITY];
    file.read_exact_at(&mut identity, 0)?;
    for attempt in 0..FOR_SOME {
        let before = Header::read(&tail)?;
        // The file is as long before the tail says so.
        let length = file.metadata()?.len();
        if is_growing && !before.belongs_to(&identity) {
            // The recording has just been begun, or has its end and the tail is another's.
            return Ok(Some(Tail {
                trace_length: length,
                records: Vec::new(),
                is_growing,
            }));
        }
        if !before.belongs_to(&identity) || before.trace_length() > length {
            return Ok(None);
        }
        let committed = before.backlog(&tail);
        let held = before.held(&tail, component);
        let after = Header::read(&tail)?;
        if !after.belongs_to(&identity) {
            continue;
        }
        let records = match after.since(&before) {
            Since::Nothing => [committed?, held?].concat(),
            Since::More if attempt >= FOR_ALL => committed?,
            Since::More | Since::TooMuch => continue,
        };
        return Ok(Some(Tail {
            trace_length: before.trace_length(),
            records,
            is_growing,
        }));
    }
    Err(io::Error::other(
        "it is being recorded and changes too fast",
    ))
}

/// What is another whenever there is more in the tail of a recording, or nobody writes it any
/// more; `None` if there is none.
pub(super) fn stamp(trace: &Path) -> Option<Vec<u8>> {
    let tail = open_file(&tail_path(trace)).ok()?;
    let header = Header::read(&tail).ok()?;
    let mut stamp = vec![u8::from(is_held(&tail))];
    stamp.extend_from_slice(header.0.get(..at::TABLE)?);
    for instance in 0..(header.u32(at::BUFFERS) as usize).min(MAX_BUFFERS) {
        let offset = header.u64(at::TABLE + instance * 16);
        let mut end = [0; 4];
        // Another thread or process may have taken it away.
        _ = tail.read_exact_at(&mut end, offset);
        stamp.extend_from_slice(&end);
    }
    Some(stamp)
}

/// Whether a recorder is at work on a recording.
pub(super) fn is_beside(trace: &Path) -> bool {
    open_file(&tail_path(trace)).is_ok_and(|tail| is_held(&tail))
}

/// Whether a recorder has the file of a tail open: it has it locked, and nobody else does, but
/// who looks.
fn is_held(tail: &File) -> bool {
    match tail.try_lock_shared() {
        Ok(()) => {
            _ = tail.unlock();
            false
        }
        Err(TryLockError::WouldBlock) => true,
        // There are no locks there.
        Err(TryLockError::Error(_)) => false,
    }
}

/// Has others know, as long as the file is open here, that a recorder writes to it.
pub(crate) fn hold(tail: &File) {
    // Somebody may look just now.
    for _ in 0..50 {
        match tail.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            Ok(()) | Err(TryLockError::Error(_)) => return,
        }
    }
}

/// What has happened to a tail while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// At most, more records are in the buffers, or what was committed is also in the trace.
    Nothing,
    /// More was committed, after what had been.
    More,
    /// What had been committed may have been overwritten.
    TooMuch,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The header as it was at one time. Offsets are constants within [`HEADER`].
struct Header(Box<[u8]>);

impl Header {
    fn read(tail: &File) -> io::Result<Header> {
        let mut bytes = vec![0; HEADER].into_boxed_slice();
        tail.read_exact_at(&mut bytes, 0)
            .map_err(|_| damaged("it is shorter than a tail"))?;
        Ok(Header(bytes))
    }

    fn u32(&self, at: usize) -> u32 {
        word(&self.0, at).map_or(0, u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        word(&self.0, at).map_or(0, u64::from_le_bytes)
    }

    fn belongs_to(&self, identity: &[u8]) -> bool {
        self.0.starts_with(&MAGIC)
            && self.u32(at::VERSION) == VERSION
            && self.0.get(at::IDENTITY..at::IDENTITY + IDENTITY) == Some(identity)
    }

    fn state(&self) -> usize {
        at::STATES[(self.u32(at::STATE) & 1) as usize]
    }

    fn trace_length(&self) -> u64 {
        self.u64(self.state() + at::STATE_LENGTH)
    }

    /// What has happened since an earlier look.
    fn since(&self, earlier: &Header) -> Since {
        let start = earlier.u64(earlier.state() + at::STATE_START);
        let is_there = self
            .u64(at::BACKLOG_END)
            .checked_sub(start)
            .is_some_and(|length| length <= BACKLOG as u64);
        // The words of a state are stored while the other one is in use: if these are others
        // now, they may have been half stored.
        let words = earlier.state()..earlier.state() + at::STATE_LAST;
        let is_same_state = self.0.get(words.clone()) == earlier.0.get(words);
        if !is_there || !is_same_state {
            return Since::TooMuch;
        }
        let written_at_once =
            |header: &Header| at::STATES.map(|state| header.u32(state + at::STATE_INSTANCE));
        // All that commits touch, and the table of buffers.
        let is_same =
            |range: std::ops::Range<usize>| self.0.get(range.clone()) == earlier.0.get(range);
        let is_same = is_same(0..at::STATE)
            && is_same(at::BACKLOG_END..at::STATES[0])
            && is_same(at::TABLE..HEADER)
            && written_at_once(self) == written_at_once(earlier);
        match is_same {
            true => Since::Nothing,
            false => Since::More,
        }
    }

    /// What recorders have not committed.
    fn held(&self, tail: &File, component: &Component) -> io::Result<Vec<(Instance, Vec<u8>)>> {
        let buffers = (self.u32(at::BUFFERS) as usize).min(MAX_BUFFERS);
        let mut held = Vec::new();
        for instance in 0..buffers as u32 {
            let mut bytes = self.buffer(tail, instance)?;
            bytes.truncate(raw::whole(component, &bytes));
            held.push((Instance(instance), bytes));
        }
        in_order(component, &mut held);
        held.retain(|(_, bytes)| !bytes.is_empty());
        Ok(held)
    }

    fn backlog(&self, tail: &File) -> io::Result<Vec<(Instance, Vec<u8>)>> {
        let (mut start, end) = (
            self.u64(self.state() + at::STATE_START),
            self.u64(at::BACKLOG_END),
        );
        if end.wrapping_sub(start) > BACKLOG as u64 {
            return Err(damaged("its backlog is longer than a tail has room for"));
        }
        let mut entries = Vec::new();
        while start < end {
            let offset = HEADER as u64 + start % BACKLOG as u64;
            let mut head = [0; ENTRY];
            tail.read_exact_at(&mut head, offset)?;
            let length = u64::from(word(&head, 4).map_or(0, u32::from_le_bytes));
            let next = start
                .checked_add(entry_size(length))
                .filter(|next| *next <= end)
                .ok_or_else(|| damaged("an entry of its backlog is too long"))?;
            match word(&head, 0).map_or(FILLER, u32::from_le_bytes) {
                FILLER => {}
                instance => {
                    let mut bytes = vec![0; length as usize];
                    tail.read_exact_at(&mut bytes, offset + ENTRY as u64)?;
                    if !bytes.is_empty() {
                        entries.push((Instance(instance), bytes));
                    }
                }
            }
            start = next;
        }
        Ok(entries)
    }

    /// What an instance's recorder had not committed.
    fn buffer(&self, tail: &File, instance: u32) -> io::Result<Vec<u8>> {
        let entry = at::TABLE + instance as usize * 16;
        let (offset, length) = (self.u64(entry), self.u64(entry + 8));
        let mut end = [0; 4];
        tail.read_exact_at(&mut end, offset)?;
        // One that has been stopped keeps its end, but for that.
        let end = u64::from(u32::from_le_bytes(end) & !STOPPED).min(length);
        let start = u64::from(self.start(instance));
        if length > MAX_BUFFER || end <= start {
            return Ok(Vec::new());
        }
        let file_end = tail.metadata()?.len();
        if offset.checked_add(end).is_none_or(|end| end > file_end) {
            return Err(damaged("one of its buffers ends past the file"));
        }
        see_other_processes();
        let mut bytes = vec![0; (end - start) as usize];
        tail.read_exact_at(&mut bytes, offset + start)?;
        Ok(bytes)
    }

    /// Where the records begin that are in the buffer alone.
    fn start(&self, instance: u32) -> u32 {
        let state = self.state();
        if self.u64(at::INTENT_END) == self.u64(at::BACKLOG_END)
            && self.u64(at::INTENT_END) != 0
            && self.u32(at::INTENT_INSTANCE) == instance
        {
            self.u32(at::INTENT_POSITION)
        } else if self.u32(state + at::STATE_INSTANCE).checked_sub(1) == Some(instance) {
            self.u32(state + at::STATE_POSITION)
        } else {
            RECORDS_START as u32
        }
    }
}

/// Waits until the stores that a recorder made before now can be seen, in their order.
///
/// See `record::shared::see_other_threads`: where processors do not keep stores in order, a
/// barrier on all of them is needed between a buffer's end and its records.
fn see_other_processes() {
    #[cfg(all(target_os = "linux", feature = "replay", not(target_arch = "x86_64")))]
    {
        const GLOBAL: libc::c_int = 1;
        // SAFETY: a system call without pointers. Where there is no such call, what was read
        // is still checked record by record.
        unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0, 0) };
    }
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Bytes that an entry of the backlog takes.
pub(crate) fn entry_size(length: u64) -> u64 {
    (ENTRY as u64 + length).next_multiple_of(8)
}

/// Puts what several recorders hold back into the order in which it happened.
///
/// Recorders commit before control passes from one instance to another, but not
/// where an instance may not leave (`realloc`, `post-return`), nor at the end of a
/// start function. So at most one instance is in the middle of something; what it
/// holds is the latest.
pub(crate) fn in_order(component: &Component, held: &mut [(Instance, Vec<u8>)]) {
    if held.iter().filter(|(_, bytes)| !bytes.is_empty()).count() > 1 {
        held.sort_by_cached_key(|(_, bytes)| standing(component, bytes));
    }
}

/// Where an instance stands after these records.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It was only asked for memory, or told that results were read.
    Visited,
    /// It ran, and is done: a start function.
    Done,
    /// It is in the middle of a call in or out, or was before.
    Amidst,
}

fn standing(component: &Component, mut records: &[u8]) -> Standing {
    let mut open = 0i64;
    let mut standing = Standing::Visited;
    while let Some((kind, crossing, length)) = raw::measure(component, records) {
        records = records.get(length..).unwrap_or_default();
        let inside = component.crossing(crossing).is_some_and(|crossing| {
            matches!(
                crossing.kind,
                CrossingKind::Realloc | CrossingKind::PostReturn
            )
        });
        match kind {
            Kind::Call | Kind::Enter => open += 1,
            Kind::Return | Kind::Leave => open -= 1,
            // What goes on has waited: it began before.
            Kind::Resume => return Standing::Amidst,
            Kind::Write | Kind::Hash | Kind::Time => {}
        }
        if open < 0 {
            return Standing::Amidst;
        }
        if !inside && !matches!(kind, Kind::Write | Kind::Hash | Kind::Time) {
            standing = Standing::Done;
        }
    }
    match open {
        0 => standing,
        _ => Standing::Amidst,
    }
}
