//! The host's clocks, told to recorders: words in their buffers, which a thread keeps up to date.
//!
//! A recorder inside a component cannot ask what time it is at a cost that nobody notices, but it
//! can look at a word of its own memory. One thread of the process stores the time there for all
//! recorders, as long as there are any. On a busy machine that thread waits, too, so where the host
//! knows that the guest goes on after it waited, it stores the time itself ([`Recorder::clocked`]).
//!
//! [`Recorder::clocked`]: super::Recorder::clocked

use super::shared::Mapping;
use crate::trace::raw::{SET_BY, TIME};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the time is stored: a duration is known to about this.
const TICK: Duration = Duration::from_millis(1);
/// So many ticks the thread waits for the next recorder: a service begins one for each request.
const LINGERS: u32 = 100;
/// The two clocks differ by less between two looks at them, unless one was set.
const SLACK: Duration = Duration::from_millis(1);

/// The clock of one recording.
pub(super) struct Clock {
    begun: Instant,
    /// Nanoseconds since the Unix epoch when it began.
    wall: i128,
    /// By how many nanoseconds the wall clock was set since.
    set_by: AtomicI64,
    /// The buffers that are told, by the number of their instance.
    buffers: Mutex<Vec<(usize, Arc<Mapping>)>>,
}

impl Clock {
    /// A recording begins now.
    pub(super) fn start() -> Arc<Clock> {
        let clock = Arc::new(Clock {
            begun: Instant::now(),
            wall: wall(),
            set_by: AtomicI64::new(0),
            buffers: Mutex::new(Vec::new()),
        });
        TICKER.lock().add(&clock);
        clock
    }

    /// When the recording began: seconds since the Unix epoch, and nanoseconds of the next.
    pub(super) fn started(&self) -> (u64, u32) {
        let since = u128::try_from(self.wall).unwrap_or(0);
        let seconds = u64::try_from(since / 1_000_000_000).unwrap_or(u64::MAX);
        (seconds, (since % 1_000_000_000) as u32)
    }

    /// From now on an instance's buffer is told the time, in place of the one that it had.
    pub(super) fn tell(&self, instance: usize, buffer: Arc<Mapping>) {
        // Another recording may have told it another time, in a file that is used again.
        buffer.store_u64(SET_BY as usize, self.set_by().cast_unsigned());
        buffer.store_u64(TIME as usize, self.elapsed());
        let mut buffers = self.buffers.lock();
        buffers.retain(|(of, _)| *of != instance);
        buffers.push((instance, buffer));
    }

    /// Tells a buffer the time that it is now.
    pub(super) fn store(&self, buffer: &Mapping) {
        buffer.store_u64(SET_BY as usize, self.set_by().cast_unsigned());
        // Others store it, too: it must not go back.
        buffer.raise_u64(TIME as usize, self.elapsed());
    }

    /// Tells none of the buffers any more: they are used for another recording.
    pub(super) fn fall_silent(&self) {
        self.buffers.lock().clear();
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn set_by(&self) -> i64 {
        self.set_by.load(Ordering::Relaxed)
    }

    /// Tells all buffers the time that it is now.
    pub(super) fn tick(&self) {
        self.look_at_the_wall();
        for (_, buffer) in self.buffers.lock().iter() {
            self.store(buffer);
        }
    }

    /// Notes it if the wall clock was set.
    fn look_at_the_wall(&self) {
        let before = self.begun.elapsed();
        let wall = wall();
        let after = self.begun.elapsed();
        if after.saturating_sub(before) > SLACK / 4 {
            // Something came between the two looks.
            return;
        }
        let passed = i128::try_from(after.as_nanos()).unwrap_or(0);
        let set_by = i64::try_from(wall - self.wall - passed).unwrap_or(0);
        if set_by.abs_diff(self.set_by()) > SLACK.as_nanos() as u64 {
            self.set_by.store(set_by, Ordering::Relaxed);
        }
    }
}

/// Nanoseconds since the Unix epoch.
fn wall() -> i128 {
    let nanoseconds = |since: Duration| i128::try_from(since.as_nanos()).unwrap_or(0);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => nanoseconds(since),
        Err(before) => -nanoseconds(before.duration()),
    }
}

static TICKER: Mutex<Ticker> = Mutex::new(Ticker {
    clocks: Vec::new(),
    is_running: false,
});

/// The thread that tells the time, and the clocks that it does it for.
struct Ticker {
    clocks: Vec<Weak<Clock>>,
    is_running: bool,
}

impl Ticker {
    fn add(&mut self, clock: &Arc<Clock>) {
        self.clocks.push(Arc::downgrade(clock));
        if !self.is_running {
            let thread = std::thread::Builder::new().name("rr-dap-clock".into());
            // Where no thread can be had, times are as old as the last commit.
            self.is_running = thread.spawn(run).is_ok();
        }
    }
}

fn run() {
    let mut idle = 0;
    loop {
        std::thread::sleep(TICK);
        let clocks: Vec<Arc<Clock>> = {
            let mut ticker = TICKER.lock();
            ticker.clocks.retain(|clock| clock.strong_count() > 0);
            idle = match ticker.clocks.is_empty() {
                true => idle + 1,
                false => 0,
            };
            if idle > LINGERS {
                ticker.is_running = false;
                return;
            }
            ticker.clocks.iter().filter_map(Weak::upgrade).collect()
        };
        for clock in clocks {
            clock.tick();
        }
    }
}
