//! What was counted when: slices of time, and what each counter grew by in each.

use crate::replay::position::Tick;

/// At most so many slices are kept; when there are more, neighbours become one.
const MOST_SLICES: usize = 1 << 13;
/// At most so many samples are kept, all slices together.
const MOST_SAMPLES: usize = 1 << 19;

/// What a counter grew by in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The counter's number.
    pub counter: u32,
    /// By how much.
    pub count: u64,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// The last tick of it.
    pub end: Tick,
    /// Hostcalls made until then.
    pub events: u64,
    /// Bytes that all linear memories of the guest have then.
    pub memory: u64,
    /// How many samples there are until here.
    pub(super) samples_end: usize,
}

/// Slices in the making.
#[derive(Debug, Default)]
pub(super) struct Slices {
    pub(super) slices: Vec<Slice>,
    pub(super) samples: Vec<Sample>,
}

impl Slices {
    /// Ends a slice, whose samples have been added; whether slices have become twice as long.
    pub(super) fn end(&mut self, end: Tick, events: u64, memory: u64) -> bool {
        let begun = self.slices.last().map_or(0, |slice| slice.samples_end);
        if let Some(samples) = self.samples.get_mut(begun..) {
            samples.sort_unstable_by_key(|sample| sample.counter);
        }
        self.slices.push(Slice {
            end,
            events,
            memory,
            samples_end: self.samples.len(),
        });
        let is_long = self.slices.len() >= MOST_SLICES || self.samples.len() >= MOST_SAMPLES;
        if is_long && self.slices.len() > 1 {
            self.halve();
        }
        is_long
    }

    /// Makes one slice of each two.
    fn halve(&mut self) {
        let mut samples: Vec<Sample> = Vec::with_capacity(self.samples.len());
        let mut slices = Vec::with_capacity(self.slices.len().div_ceil(2));
        let mut begun = 0;
        for pair in self.slices.chunks(2) {
            let Some(last) = pair.last() else { continue };
            let of_both = self.samples.get(begun..last.samples_end);
            let mut of_both = of_both.unwrap_or_default().to_vec();
            begun = last.samples_end;
            of_both.sort_unstable_by_key(|sample| sample.counter);
            let first = samples.len();
            for sample in of_both {
                match samples.get_mut(first..).and_then(<[Sample]>::last_mut) {
                    Some(same) if same.counter == sample.counter => same.count += sample.count,
                    _ => samples.push(sample),
                }
            }
            slices.push(Slice {
                samples_end: samples.len(),
                ..*last
            });
        }
        (self.slices, self.samples) = (slices, samples);
    }
}
