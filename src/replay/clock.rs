//! The clock's host end: where replay is, and when to stop.

use super::position::Tick;
use crate::instrument::clock::ClockStyle;
use wasmtime::{AsContextMut, Global, GlobalType, Mutability, Val, ValType};

/// Reads and arms the countdown that clocked modules share.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    remaining: Global,
    /// The tick at which `remaining` reaches zero.
    armed: Tick,
    /// The tick that [`Clock::arm`] was asked for.
    wanted: Tick,
    /// The tick at which the replay ends, whatever was asked for.
    limit: Option<Tick>,
}

/// How far guest code runs on after the last event of a recording that was cut off or
/// interrupted, in ticks. The recording ends at the next crossing or after so many
/// ticks, whichever comes first: a guest that was killed in an endless loop never
/// crosses again. So many take a tenth of a second in optimised code and about a second
/// under guest debugging: enough to be in any loop that the guest hung in.
pub const TICKS_AFTER_LAST_EVENT: u64 = 1 << 24;

/// Later than any moment of any recording.
const NEVER: Tick = Tick(u64::MAX);
/// The most that the countdown holds. What lies further ahead is reached in pieces of so
/// many ticks, each ended by a call of the hook that nobody else hears of.
const PIECE: u64 = i32::MAX as u64;

impl Clock {
    pub(super) fn new(mut store: impl AsContextMut, style: ClockStyle) -> wasmtime::Result<Clock> {
        let (ty, far) = match style {
            ClockStyle::Shared => (ValType::I32, Val::I32(PIECE as i32)),
            ClockStyle::Cached | ClockStyle::Lazy => (ValType::I64, Val::I64(PIECE as i64)),
        };
        let ty = GlobalType::new(ty, Mutability::Var);
        let remaining = Global::new(&mut store, ty, far)?;
        Ok(Clock {
            remaining,
            armed: Tick(PIECE),
            wanted: NEVER,
            limit: None,
        })
    }

    pub(super) fn global(&self) -> Global {
        self.remaining
    }

    /// The tick now.
    pub fn now(&self, mut store: impl AsContextMut) -> Tick {
        // Below zero where the hook comes late: see `ClockStyle::Lazy`.
        let remaining = match self.remaining.get(&mut store) {
            Val::I32(remaining) => i64::from(remaining),
            Val::I64(remaining) => remaining,
            _ => 0,
        };
        Tick(self.armed.0.wrapping_sub(remaining.cast_unsigned()))
    }

    /// The tick at which so many remained, since it was armed last.
    pub(super) fn tick_with(&self, remaining: i64) -> Tick {
        Tick(self.armed.0.wrapping_sub(remaining.cast_unsigned()))
    }

    /// A tick passes that no code of the guest counts. What is due at it is not due yet: see
    /// [`Clock::is_due`].
    pub(super) fn pass(&mut self, mut store: impl AsContextMut) {
        let now = Tick(self.now(&mut store).0 + 1);
        self.count_down_from(store, now);
    }

    /// Arms the clock: [`Observer::tick`](super::Observer::tick) is called when
    /// `tick` is reached, which must lie in the future; in the fast variant, soon after.
    pub fn arm(&mut self, store: impl AsContextMut, tick: Tick) {
        self.wanted = tick;
        self.set(store);
    }

    /// Ends the replay [`TICKS_AFTER_LAST_EVENT`] from now.
    pub(super) fn limit(&mut self, mut store: impl AsContextMut) {
        let limit = self.now(&mut store).0 + TICKS_AFTER_LAST_EVENT;
        self.limit = Some(Tick(limit));
        self.set(store);
    }

    /// The replay does not end there any more: there is more of the recording by now.
    pub(super) fn unlimit(&mut self, store: impl AsContextMut) {
        self.limit = None;
        self.set(store);
    }

    /// Whether the tick that the clock was armed for is reached.
    pub(super) fn is_due(&self, store: impl AsContextMut) -> bool {
        self.now(store) >= self.wanted
    }

    /// Whether the replay ends here.
    pub(super) fn is_at_limit(&self, store: impl AsContextMut) -> bool {
        self.limit.is_some_and(|limit| self.now(store) >= limit)
    }

    /// Has the countdown reach zero at the next tick that matters.
    pub(super) fn set(&mut self, mut store: impl AsContextMut) {
        let now = self.now(&mut store);
        self.count_down_from(store, now);
    }

    fn count_down_from(&mut self, mut store: impl AsContextMut, now: Tick) {
        let mattering = [Some(self.wanted), self.limit].into_iter().flatten();
        let next = mattering.filter(|tick| *tick > now).min();
        let ahead = next.map_or(PIECE, |tick| PIECE.min(tick.0 - now.0));
        self.armed = Tick(now.0 + ahead);
        let remaining = match self.remaining.get(&mut store) {
            Val::I32(_) => Val::I32(ahead as i32),
            _ => Val::I64(ahead as i64),
        };
        // The type is right by construction, so setting cannot fail.
        _ = self.remaining.set(&mut store, remaining);
    }
}
