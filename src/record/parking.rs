//! Parking a guest that runs on another thread, so that nothing it would do next gets out.
//!
//! Whatever a guest does with the world, its recorder writes down first, and ends that by a store
//! to the first page of its buffer. So the guest's view of that page is made read-only: whoever
//! stores there waits in a signal handler until the process ends. That costs the recorder nothing,
//! and there is no moment between what counts as recorded and what is done.

use super::shared;
use std::ops::Range;
use std::sync::OnceLock;

/// How a store to memory that is read-only is told of.
const FAULTS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Who stores here waits: addresses.
static PAGES: OnceLock<Vec<Range<usize>>> = OnceLock::new();
/// What was done about faults before.
static BEFORE: [OnceLock<libc::sigaction>; 2] = [OnceLock::new(), OnceLock::new()];

/// From now on whoever stores to the first page at one of these addresses goes no further; a
/// process does this once, before it ends. Whether it could be done for all of them.
///
/// # Safety
///
/// At each address begins memory that is mapped, a page at least; nobody who holds a lock stores
/// there.
pub(super) unsafe fn park(addresses: &[usize]) -> bool {
    let page = shared::page_size();
    let pages = addresses.iter().map(|address| *address..address + page);
    if PAGES.set(pages.collect()).is_err() || !handle_faults() {
        return false;
    }
    let protect = |address: &usize| {
        // SAFETY: the caller says that it is mapped. It stays readable, and who stores there
        // does not come back from the handler.
        unsafe { libc::mprotect(*address as *mut libc::c_void, page, libc::PROT_READ) == 0 }
    };
    // All of them, also where one fails.
    let unprotected = addresses.iter().filter(|address| !protect(address));
    unprotected.count() == 0
}

/// Puts the handler in front of what handles faults now, such as Wasmtime.
fn handle_faults() -> bool {
    FAULTS.iter().zip(&BEFORE).all(|(signal, before)| {
        // SAFETY: all zeros is a valid `sigaction`. What there was is known before the handler
        // needs it; the handler calls but `pause` and what there was.
        unsafe {
            let mut old: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(*signal, std::ptr::null(), &mut old) != 0 {
                return false;
            }
            before.get_or_init(|| old);
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            new.sa_sigaction = (on_fault as *const ()).addr();
            libc::sigemptyset(&mut new.sa_mask);
            libc::sigaction(*signal, &new, std::ptr::null_mut()) == 0
        }
    })
}

/// Waits for the end of the process if the fault is a store to what has been protected.
extern "C" fn on_fault(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the system gives a handler of this kind what it is told here.
    let address = unsafe { (*info).si_addr() }.addr();
    let mut pages = PAGES.get().into_iter().flatten();
    if pages.any(|page| page.contains(&address)) {
        loop {
            // SAFETY: waits for signals; may be called in a handler.
            unsafe { libc::pause() };
        }
    }
    let mut known = FAULTS.iter().zip(&BEFORE);
    let before = known.find(|(fault, _)| **fault == signal);
    let Some(before) = before.and_then(|(_, before)| before.get()) else {
        return;
    };
    match before.sa_sigaction {
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
            // SAFETY: with this flag it is a function of this type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal, info, context);
        }
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: what is faulty is done once more, and ends the process as it would have.
            unsafe { libc::sigaction(signal, before, std::ptr::null_mut()) };
        }
        handler => {
            // SAFETY: without the flag it is a function of this type.
            let handler =
                unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler) };
            handler(signal);
        }
    }
}
