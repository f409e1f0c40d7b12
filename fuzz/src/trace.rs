//! Recordings: opened, read in each way that there is, replayed.

use super::{Reached, scratch};
use rr_dap::inspect::handles::history::HandleHistory;
use rr_dap::inspect::hostcall::hostcalls::{HostcallAnswer, each_hostcall};
use rr_dap::inspect::hostcall::wave;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::replay::{Compiled, Observer, Replay, ReplayError, State, Tick};
use rr_dap::trace::{Cursor, Summary, Trace, TraceError};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::StoreContextMut;

/// Components beyond this are read, but not compiled: it would be the compiler that is tried.
const LARGEST_REPLAYED: usize = 64 << 10;
/// Guest code may run for ever; this much of it is enough.
const TICKS: u64 = 1 << 18;
/// So many events are read one by one: a few bytes may decompress to millions.
const MOST_EVENTS: usize = 100_000;

/// Opens a recording as it is, and with checksums and sizes put right: whoever forges one does
/// as much.
pub fn trace(bytes: &[u8]) -> Reached {
    let as_it_is = open(bytes);
    let sealed = sealed(bytes);
    match sealed == bytes {
        true => as_it_is,
        false => as_it_is.max(open(&sealed)),
    }
}

fn open(bytes: &[u8]) -> Reached {
    let path = scratch::file("run.rrtrace", bytes);
    let trace = match Trace::open(&path) {
        Ok(trace) => Arc::new(trace),
        Err(error) => return refused(&error),
    };
    let read = read(&trace);
    if trace.component().bytes().len() > LARGEST_REPLAYED {
        return if read.is_ok() {
            Reached::End
        } else {
            Reached::Wrong
        };
    }
    match replay(&trace) {
        Ok(()) => Reached::End,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                ReplayError::NotForProfile | ReplayError::Cancelled | ReplayError::Wiring(_) => {
                    panic!("{error}")
                }
                _ => Reached::Wrong,
            }
        }
    }
}

fn refused(error: &TraceError) -> Reached {
    assert!(
        !matches!(error, TraceError::Read { .. }),
        "the file is there, and yet: {error}"
    );
    assert!(!error.to_string().is_empty());
    Reached::Refused
}

/// Reads it to its end or its damage, which is the same in each way of reading.
fn read(trace: &Arc<Trace>) -> Result<(), String> {
    let (mut plain, mut ahead) = (trace.events(), trace.events_ahead());
    let mut whole = Ok(());
    for _ in 0..MOST_EVENTS {
        let (one, other) = (next(&mut plain), next(&mut ahead));
        assert_eq!(one, other, "reading ahead reads something else");
        match one {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                whole = Err(error);
                break;
            }
        }
    }
    let counted = trace.hostcalls().unwrap_or(0);
    for event in [0, 1, counted / 2, counted.saturating_sub(1), u64::MAX] {
        let _ = trace.events_from(event).map(|mut cursor| next(&mut cursor));
        let _ = trace.answer_to(event);
    }
    if whole.is_ok() && plain.peek().is_ok_and(|more| more.is_none()) {
        let _ = Summary::of(trace);
    }
    whole
}

fn next(cursor: &mut Cursor) -> Result<Option<rr_dap::trace::Event>, String> {
    cursor.next().map_err(|error| error.to_string())
}

/// Ends a replay when the clock says so.
struct Limited(Arc<AtomicBool>);

impl Observer for Limited {
    fn tick(&mut self, _: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        self.0.store(true, Ordering::Relaxed);
        Err(wasmtime::Error::msg("this is enough"))
    }
}

/// Replays it; then works out its handles and its hostcalls, if it ends by itself.
fn replay(trace: &Arc<Trace>) -> Result<(), ReplayError> {
    let cache = CacheDir::open(&scratch::folder("compiled"))?;
    let prepare = |variant| Compiled::prepare(trace, &cache, variant, &|_, _| {});
    let is_over = Arc::new(AtomicBool::new(false));
    let exact = prepare(Variant::Exact)?;
    let mut machine = Replay::new(trace.clone(), &exact, Box::new(Limited(is_over.clone())))?;
    State::arm(machine.store(), Tick(TICKS));
    let ended = machine.run();
    drop(machine);
    if is_over.load(Ordering::Relaxed) {
        return Ok(());
    }
    let fast = prepare(Variant::Fast)?;
    let (history, _) = HandleHistory::build(trace.clone(), &fast);
    for event in [0, 1, 7, u64::MAX] {
        _ = history.at(event, event % 2 == 0);
    }
    _ = history.end();
    _ = history.each_ended(|_, past| {
        let _ = format!("{past:?}");
    });
    let told = each_hostcall(trace.clone(), &fast, |call| {
        for (_, value) in &call.arguments {
            wave::text(value, 1000);
        }
        if let HostcallAnswer::Returned { value, .. } = &call.answer {
            let _ = value.as_ref().map(|value| wave::text(value, 1000));
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(
        ended.is_ok(),
        told.is_ok(),
        "replay ends as {ended:?}, and with its hostcalls looked at as {:?}",
        told.err()
    );
    ended.map(drop)
}

const HEADER: usize = 12;
const SECTION_HEADER: usize = 28;
const TRAILER: usize = 20;

/// The same bytes with the checksums and sizes of sections, and of the trailer, as they must
/// be: as far as they can be understood as sections.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = HEADER;
    while let Some(header) = out.get(at..at + SECTION_HEADER) {
        let is_plain = header[2..4] == [1, 0];
        let stored = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let begin = at + SECTION_HEADER;
        let trailer = if has_trailer(&out) { TRAILER } else { 0 };
        let room = out.len().saturating_sub(begin + trailer);
        let stored = stored.min(room);
        let crc = crc32fast::hash(&out[begin..begin + stored]);
        let length = (stored as u32).to_le_bytes();
        out[at + 4..at + 8].copy_from_slice(&length);
        if is_plain {
            out[at + 8..at + 12].copy_from_slice(&length);
        }
        out[at + 12..at + 16].copy_from_slice(&crc.to_le_bytes());
        let crc = crc32fast::hash(&out[at..at + 24]);
        out[at + 24..at + 28].copy_from_slice(&crc.to_le_bytes());
        at = begin + stored;
        if trailer > 0 && at + TRAILER == out.len() {
            let crc = crc32fast::hash(&out[at..at + 8]);
            out[at + 8..at + 12].copy_from_slice(&crc.to_le_bytes());
            break;
        }
    }
    out
}

fn has_trailer(bytes: &[u8]) -> bool {
    bytes.ends_with(b"RRINDEX\n")
}
