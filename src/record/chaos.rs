//! The part of chaos that only a host can do: of what is ready, it tells some, in any order.

use super::Recorder;
use super::host::Host;
use parking_lot::Mutex;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi_io::bindings::wasi::io::poll::Host as _;

/// The interface as Wasmtime's host names it: to guests it is any of 0.2.
const POLL: &str = "wasi:io/poll@0.2.12";

/// Puts a `poll` in place of the host's that tells not all that is ready: it need not, as
/// long as it tells something.
pub(super) fn choose_ready(
    linker: &mut Linker<Host>,
    recorder: impl Fn(&mut Host) -> Recorder + Copy + Send + Sync + 'static,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(POLL)?.func_wrap_async(
        "poll",
        move |mut store: StoreContextMut<'_, Host>, (pollables,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                let host = store.data_mut();
                let mut ready = host.ctx().table.poll(pollables).await?;
                if let Some(random) = &recorder(host).shared().chaos {
                    random.lock().choose(&mut ready);
                }
                Ok((ready,))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Random numbers: splitmix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn of(seed: u32) -> Mutex<Random> {
        Mutex::new(Random(u64::from(seed)))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let scaled = (u128::from(z) * bound as u128) >> 64;
        usize::try_from(scaled).unwrap_or(0)
    }

    /// Leaves at least one of these, in any order.
    fn choose(&mut self, of: &mut Vec<u32>) {
        let count = of.len();
        if count == 0 {
            return;
        }
        let left = 1 + self.below(count);
        for at in 0..left {
            of.swap(at, at + self.below(count - at));
        }
        of.truncate(left);
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn some_of_what_is_ready_is_left_in_any_order_and_the_same_by_the_same_seed() {
        let chosen = |seed| {
            let mut ready = vec![2, 3, 5, 7];
            Random::of(seed).lock().choose(&mut ready);
            ready
        };
        let all: std::collections::BTreeSet<_> = (0..2000).map(chosen).collect();
        // Of four, by number: 4, 12, 24, 24.
        assert_eq!(all.len(), 64);
        assert!((0..100).all(|seed| chosen(seed) == chosen(seed)));
    }
}
