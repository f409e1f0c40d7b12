//! How deep the guest's stack was, over the whole recording.

use super::compiled::Compiled;
use super::error::ReplayError;
use super::position::Tick;
use super::run::Replay;
use super::state::{Observer, State};
use super::variant::Variant;
use crate::trace::Trace;
use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{AsContextMut, StoreContextMut};

/// At most so many stretches are kept; when they are full, neighbours become one.
const MAX_STRETCHES: usize = 1 << 16;
/// Ticks in a stretch at first. A call of the hook for so few costs more than the
/// ticks, but as stretches double, a long recording makes only half of
/// [`MAX_STRETCHES`] calls each time its length doubles: some milliseconds.
const FIRST_LENGTH: u64 = 16;

/// The lowest number of guest frames on the stack in each stretch of ticks: tells where
/// the frames at a given depth may have run at all.
///
/// Never too high: at each moment of a tick the guest has as many frames as its stretch
/// says, or more. It may be one too low around tail calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepthProfile {
    /// Ticks in a stretch. What comes after the last counts as part of it.
    length: u64,
    end: Tick,
    /// The minima of the stretches, then of pairs of them, and so on up to one.
    minima: Vec<Vec<u32>>,
}

impl DepthProfile {
    /// Replays the whole recording, compiled in [`Variant::Profile`]. Setting
    /// `cancelled` ends it soon.
    ///
    /// # Errors
    ///
    /// If cancelled, if the recording is compiled in another variant, or if replay
    /// fails.
    pub fn measure(
        trace: &Arc<Trace>,
        compiled: &Compiled,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<DepthProfile, ReplayError> {
        if compiled.variant != Variant::Profile {
            return Err(ReplayError::NotForProfile);
        }
        let measuring = Measuring {
            length: FIRST_LENGTH,
            minima: Vec::new(),
            cancelled: cancelled.clone(),
        };
        let mut replay = Replay::new(trace.clone(), compiled, Box::new(measuring))?;
        State::arm(replay.store(), Tick(FIRST_LENGTH));
        replay.run()?;
        let store = replay.store();
        let end = State::now(&mut *store);
        let gauge = store.data().gauge;
        let last = gauge.map_or(0, |gauge| gauge.take(&mut *store));
        let observer: Option<Box<dyn Any>> = store.data_mut().take_observer().map(|o| o as _);
        let measured = observer.and_then(|observer| observer.downcast::<Measuring>().ok());
        let mut measured = *measured.ok_or(ReplayError::NotForProfile)?;
        measured.minima.push(last);
        Ok(DepthProfile {
            length: measured.length,
            end,
            minima: pyramid(measured.minima),
        })
    }

    /// How far (in ticks) it reaches: the last tick of the recording. After a trap, the
    /// ticks since the trapping function last called or was called are missing.
    pub fn end(&self) -> Tick {
        self.end
    }

    /// The last stretch that begins at or before `tick` and has at most `depth` frames
    /// at some moment: its ticks, half open.
    pub fn last_at_most(&self, depth: u32, tick: Tick) -> Option<Range<Tick>> {
        let (mut level, mut at) = (0, self.stretch_of(tick));
        while self.minimum(level, at)? > depth {
            at = at.checked_sub(1)?;
            // Where it is the second of a pair, all of the pair comes before.
            while at % 2 == 1 && level + 1 < self.minima.len() {
                (level, at) = (level + 1, at / 2);
            }
        }
        while level > 0 {
            level -= 1;
            let second = self.minimum(level, 2 * at + 1);
            at = 2 * at + usize::from(second.is_some_and(|minimum| minimum <= depth));
        }
        Some(self.ticks(at))
    }

    /// The first stretch that ends after `tick` and has at most `depth` frames at some
    /// moment: its ticks, half open.
    pub fn first_at_most(&self, depth: u32, tick: Tick) -> Option<Range<Tick>> {
        let (mut level, mut at) = (0, self.stretch_of(tick));
        while self.minimum(level, at)? > depth {
            at += 1;
            // Where it is the first of a pair, all of the pair comes after.
            while at.is_multiple_of(2) && level + 1 < self.minima.len() {
                (level, at) = (level + 1, at / 2);
            }
        }
        while level > 0 {
            level -= 1;
            let first = self.minimum(level, 2 * at);
            at = 2 * at + usize::from(first.is_none_or(|minimum| minimum > depth));
        }
        Some(self.ticks(at))
    }

    fn minimum(&self, level: usize, at: usize) -> Option<u32> {
        self.minima.get(level)?.get(at).copied()
    }

    fn stretch_of(&self, tick: Tick) -> usize {
        let last = self.minima.first().map_or(0, Vec::len).saturating_sub(1);
        usize::try_from(tick.0 / self.length).map_or(last, |at| at.min(last))
    }

    fn ticks(&self, at: usize) -> Range<Tick> {
        let begin = at as u64 * self.length;
        let is_last = Some(at + 1) == self.minima.first().map(Vec::len);
        let end = if is_last {
            u64::MAX
        } else {
            begin + self.length
        };
        Tick(begin)..Tick(end)
    }
}

/// The minima, and above them the minima of pairs, up to one.
fn pyramid(minima: Vec<u32>) -> Vec<Vec<u32>> {
    let mut levels = vec![minima];
    while let Some(below) = levels.last().filter(|level| level.len() > 1) {
        let above = pairs(below);
        levels.push(above);
    }
    levels
}

fn pairs(minima: &[u32]) -> Vec<u32> {
    let pairs = minima.chunks(2);
    pairs
        .filter_map(|pair| pair.iter().min().copied())
        .collect()
}

/// A profile in the making.
struct Measuring {
    length: u64,
    minima: Vec<u32>,
    cancelled: Arc<AtomicBool>,
}

impl Observer for Measuring {
    fn tick(&mut self, store: &mut StoreContextMut<'_, State>) -> wasmtime::Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(wasmtime::Error::from(ReplayError::Cancelled));
        }
        let gauge = store.data().gauge;
        let lowest = gauge.map_or(0, |gauge| gauge.take(&mut *store));
        self.minima.push(lowest);
        if self.minima.len() >= MAX_STRETCHES {
            self.minima = pairs(&self.minima);
            self.length *= 2;
        }
        let next = (self.minima.len() as u64 + 1) * self.length;
        State::arm(store.as_context_mut(), Tick(next));
        Ok(())
    }
}
