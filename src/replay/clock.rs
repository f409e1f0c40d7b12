//! The clock's host end: where replay is, and when to stop.

use super::Tick;
use wasmtime::{AsContextMut, Global, GlobalType, Mutability, Val, ValType};

/// Reads and arms the countdown that clocked modules share.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    remaining: Global,
    /// The tick at which `remaining` reaches zero.
    armed: Tick,
}

/// The countdown starts here: no recording is that long.
const FAR: u64 = i64::MAX as u64;

impl Clock {
    pub(super) fn new(mut store: impl AsContextMut) -> wasmtime::Result<Clock> {
        let ty = GlobalType::new(ValType::I64, Mutability::Var);
        let remaining = Global::new(&mut store, ty, Val::I64(FAR as i64))?;
        Ok(Clock {
            remaining,
            armed: Tick(FAR),
        })
    }

    pub(super) fn global(&self) -> Global {
        self.remaining
    }

    /// The tick now.
    pub fn now(&self, mut store: impl AsContextMut) -> Tick {
        let remaining = self.remaining.get(&mut store).i64().unwrap_or(0);
        Tick(self.armed.0.wrapping_sub(remaining as u64))
    }

    /// Arms the clock: [`Observer::tick`](super::Observer::tick) is called when
    /// `tick` is reached, which must lie in the future.
    pub fn arm(&mut self, mut store: impl AsContextMut, tick: Tick) {
        let now = self.now(&mut store);
        self.armed = tick;
        let remaining = tick.0.saturating_sub(now.0) as i64;
        // The type is right by construction, so setting cannot fail.
        _ = self.remaining.set(&mut store, Val::I64(remaining));
    }
}
