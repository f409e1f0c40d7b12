//! Numbers for things that the protocol can only name by number.

use std::collections::HashMap;
use std::hash::Hash;

/// Beyond this many, names not used since the last stop are forgotten.
const KEPT: usize = 50_000;

/// Gives the same number for the same thing as long as it is in use, so that
/// what is unfolded in an editor stays so from stop to stop.
#[derive(Debug)]
pub(super) struct References<T> {
    numbers: HashMap<T, i32>,
    things: HashMap<i32, Numbered<T>>,
    last: i32,
    stop: u64,
}

#[derive(Debug)]
struct Numbered<T> {
    thing: T,
    used_at: u64,
}

impl<T> Default for References<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            things: HashMap::new(),
            last: 0,
            stop: 0,
        }
    }
}

impl<T: Clone + Eq + Hash> References<T> {
    /// The number of a thing: positive, and below 2³¹ as the protocol wants.
    pub(super) fn number(&mut self, thing: &T) -> i64 {
        let number = match self.numbers.get(thing) {
            Some(number) => *number,
            None => self.add(thing),
        };
        if let Some(entry) = self.things.get_mut(&number) {
            entry.used_at = self.stop;
        }
        number.into()
    }

    pub(super) fn thing(&mut self, number: i64) -> Option<&T> {
        let entry = self.things.get_mut(&i32::try_from(number).ok()?)?;
        entry.used_at = self.stop;
        Some(&entry.thing)
    }

    /// Tells that the debuggee has moved.
    pub(super) fn next_stop(&mut self) {
        if self.things.len() > KEPT {
            let stop = self.stop;
            self.things.retain(|_, entry| entry.used_at >= stop);
            self.numbers
                .retain(|_, number| self.things.contains_key(number));
        }
        self.stop += 1;
    }

    fn add(&mut self, thing: &T) -> i32 {
        // After two thousand million numbers they begin again, past those in use.
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.things.contains_key(&self.last) {
                break;
            }
        }
        let entry = Numbered {
            thing: thing.clone(),
            used_at: self.stop,
        };
        self.things.insert(self.last, entry);
        self.numbers.insert(thing.clone(), self.last);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_keeps_its_number_while_it_is_in_use() {
        let mut references = References::default();
        let kept = references.number(&"kept".to_owned());
        for stop in 0..3 {
            for n in 0..KEPT {
                references.number(&format!("{stop}.{n}"));
            }
            assert_eq!(references.number(&"kept".to_owned()), kept);
            references.next_stop();
        }
        assert_eq!(references.thing(kept), Some(&"kept".to_owned()));
        assert!(references.things.len() <= 2 * KEPT + 2);
        assert_eq!(references.things.len(), references.numbers.len());
        assert_eq!(references.thing(0), None);
        assert_eq!(references.thing(i64::MAX), None);
    }
}
