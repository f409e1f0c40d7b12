//! Memory that is shared with a file: what is stored there outlives the process.

use crate::trace::private;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A part of a file, mapped, or memory that another has lent.
///
/// Words are read and stored atomically, so that the stores stay in their order;
/// bytes are copied in and out, never borrowed: others may store there meanwhile.
#[derive(Debug)]
pub(super) struct Mapping {
    address: NonNull<u8>,
    length: usize,
    is_lent: bool,
}

// SAFETY: the mapping belongs to no thread, and is accessed through atomic
// words and copies only.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes of the file. They must have been allocated: a page that
    /// the file system has no room for would end the process when it is touched.
    pub(super) fn new(file: &File, offset: u64, length: usize) -> io::Result<Mapping> {
        let address = map(std::ptr::null_mut(), file, offset, length, 0)?;
        Ok(Mapping {
            address,
            length,
            is_lent: false,
        })
    }

    /// One of memory that is not a file's, and stays another's.
    ///
    /// # Safety
    ///
    /// There are `length` bytes of memory at `address`, readable and writable, until the mapping
    /// is gone. Nobody has a reference into them while it is used.
    pub(super) unsafe fn lent(address: NonNull<u8>, length: usize) -> Mapping {
        Mapping {
            address,
            length,
            is_lent: true,
        }
    }

    /// One of nothing.
    pub(super) fn none() -> Mapping {
        Mapping {
            address: NonNull::dangling(),
            length: 0,
            is_lent: true,
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Where a word or bytes lie, if they lie within and are aligned.
    fn at(&self, at: usize, size: usize, align: usize) -> Option<*mut u8> {
        let fits = at.checked_add(size)? <= self.length && at.is_multiple_of(align);
        // SAFETY: within the mapping.
        fits.then(|| unsafe { self.address.as_ptr().add(at) })
    }

    /// The word at `at`; 0 outside of the mapping.
    pub(super) fn load_u32(&self, at: usize) -> u32 {
        self.at(at, 4, 4).map_or(0, |word| {
            // SAFETY: within the mapping and aligned; other accesses by this
            // process are atomic, those by guest code and other processes are
            // aligned stores of whole words.
            unsafe { AtomicU32::from_ptr(word.cast()) }.load(Ordering::Acquire)
        })
    }

    /// Stores a word after everything that was stored before.
    pub(super) fn store_u32(&self, at: usize, value: u32) {
        if let Some(word) = self.at(at, 4, 4) {
            // SAFETY: as in `load_u32`.
            unsafe { AtomicU32::from_ptr(word.cast()) }.store(value, Ordering::Release);
        }
    }

    /// Sets bits of a word; answers what was there.
    pub(super) fn set_bits_u32(&self, at: usize, bits: u32) -> u32 {
        self.at(at, 4, 4).map_or(0, |word| {
            // SAFETY: as in `load_u32`.
            unsafe { AtomicU32::from_ptr(word.cast()) }.fetch_or(bits, Ordering::AcqRel)
        })
    }

    /// Stores a word after everything that was stored before.
    pub(super) fn store_u64(&self, at: usize, value: u64) {
        if let Some(word) = self.at(at, 8, 8) {
            // SAFETY: as in `load_u32`.
            unsafe { AtomicU64::from_ptr(word.cast()) }.store(value, Ordering::Release);
        }
    }

    /// Stores a word unless a larger one is there.
    pub(super) fn raise_u64(&self, at: usize, value: u64) {
        if let Some(word) = self.at(at, 8, 8) {
            // SAFETY: as in `load_u32`.
            unsafe { AtomicU64::from_ptr(word.cast()) }.fetch_max(value, Ordering::Release);
        }
    }

    /// Copies bytes in; what does not fit is left out.
    pub(super) fn write(&self, at: usize, bytes: &[u8]) {
        if let Some(to) = self.at(at, bytes.len(), 1) {
            // SAFETY: within the mapping. `bytes` may be guest memory, but never
            // of these pages: writers copy from a buffer to the backlog.
            unsafe { std::ptr::copy(bytes.as_ptr(), to, bytes.len()) };
        }
    }

    /// Copies bytes out; none if they do not lie within.
    pub(super) fn read(&self, at: usize, length: usize) -> Vec<u8> {
        let Some(from) = self.at(at, length, 1) else {
            return Vec::new();
        };
        let mut bytes = Vec::with_capacity(length);
        // SAFETY: within the mapping, into memory that was just taken; the bytes
        // are initialised by the copy.
        unsafe {
            std::ptr::copy_nonoverlapping(from, bytes.as_mut_ptr(), length);
            bytes.set_len(length);
        }
        bytes
    }

    /// Puts the same pages of the file at `base`, in place of what is mapped there.
    ///
    /// # Safety
    ///
    /// `base` must be the beginning of private, page-aligned memory of at least
    /// this mapping's length, readable and writable, whose owner will do nothing
    /// but read, write and unmap it, and rely on nothing that it held.
    pub(super) unsafe fn put_at(&self, base: *mut u8, file: &File, offset: u64) -> io::Result<()> {
        map(base, file, offset, self.length, libc::MAP_FIXED).map(|_| ())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.is_lent {
            return;
        }
        // SAFETY: mapped by `new`, and nothing borrows from it.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.length) };
    }
}

fn map(
    base: *mut u8,
    file: &File,
    offset: u64,
    length: usize,
    flags: libc::c_int,
) -> io::Result<NonNull<u8>> {
    let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
    // SAFETY: without MAP_FIXED a new mapping touches no other; with it, the
    // caller of `put_at` answers for what is replaced.
    let address = unsafe {
        libc::mmap(
            base.cast(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | flags,
            file.as_raw_fd(),
            offset,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mapped at address zero"))
}

/// Makes the file longer, with room on the disk for every byte of it.
pub(super) fn allocate(file: &File, offset: u64, length: u64) -> io::Result<()> {
    let (Ok(from), Ok(count)) = (libc::off_t::try_from(offset), libc::off_t::try_from(length))
    else {
        return Err(io::ErrorKind::FileTooLarge.into());
    };
    #[cfg(target_os = "linux")]
    // SAFETY: a call on a file that is open.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), from, count) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
    #[cfg(not(target_os = "linux"))]
    {
        use std::os::unix::fs::FileExt;
        // Without a call for it, pages that have been written have room.
        let page = vec![0; 64 << 10];
        let mut at = from as u64;
        while at < from as u64 + count as u64 {
            file.write_all_at(&page, at)?;
            at += page.len() as u64;
        }
        Ok(())
    }
}

/// A file without a name, gone with the process.
pub(super) fn unnamed_file() -> io::Result<File> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::FromRawFd;
        // SAFETY: the name is a C string.
        let fd = unsafe { libc::memfd_create(c"rr-dap-tail".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, and nobody else's.
        Ok(unsafe { File::from_raw_fd(fd) })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let unique = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_nanos());
        let name = format!("rr-dap-tail-{}-{unique}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = new_file(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }
}

/// A new file to map. A file that is there already is unlinked, not truncated:
/// another process may have it mapped.
pub(super) fn new_file(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    private::create_new(path)
}

/// The size of this host's pages.
pub(super) fn page_size() -> usize {
    // SAFETY: asks for a constant.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(usize::MAX)
}

/// What [`see_other_threads`] needs beforehand. A process with several threads waits for it,
/// some ten milliseconds; one that has no other yet does not.
pub(super) fn expect_other_threads() {
    #[cfg(target_os = "linux")]
    barrier::is_ready();
}

/// Waits until the stores that other threads of this process made before now can
/// be seen by this one, in their order.
///
/// A recorder stores a record and then the buffer's end, with plain stores. Where
/// the processor keeps stores in order (x86-64) that is enough; elsewhere
/// (aarch64) the end may be seen before the record. A barrier on every processor
/// that runs a thread of this process, after the end was read, makes up for it
/// without a cost to the recorder.
pub(super) fn see_other_threads() {
    #[cfg(target_os = "linux")]
    if barrier::is_ready() && barrier::pass() {
        return;
    }
    // Stores reach memory within microseconds.
    std::sync::atomic::fence(Ordering::SeqCst);
    std::thread::sleep(std::time::Duration::from_millis(1));
}

#[cfg(target_os = "linux")]
mod barrier {
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;

    /// The second time, nothing is waited for.
    pub(super) fn is_ready() -> bool {
        call(REGISTER_PRIVATE_EXPEDITED)
    }

    pub(super) fn pass() -> bool {
        call(PRIVATE_EXPEDITED)
    }

    fn call(command: libc::c_int) -> bool {
        // SAFETY: a system call without pointers.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }
}
