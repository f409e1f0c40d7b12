//! Which task each call into the guest is a part of: what `$task` is in conditions and messages.

use serde::{Deserialize, Serialize};

/// The tasks of the calls into the guest, in the order in which those are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turns {
    /// The number of the task of each; 0 where it is a part of none.
    pub tasks: Vec<u32>,
}

impl Turns {
    /// The task of the call into the guest with a serial number, from 1; 0 if there is none.
    pub fn task(&self, serial: u64) -> u64 {
        let index = serial.checked_sub(1).map(usize::try_from);
        let task = index.and_then(|index| self.tasks.get(index.ok()?));
        task.copied().unwrap_or(0).into()
    }

    /// Whether there is a later call into the guest that is a part of a task.
    pub fn goes_on_after(&self, serial: u64, task: u64) -> bool {
        let after = usize::try_from(serial).ok();
        let after = after.and_then(|after| self.tasks.get(after..));
        after
            .unwrap_or_default()
            .iter()
            .any(|of| u64::from(*of) == task)
    }

    /// Whether there is an earlier one.
    pub fn was_before(&self, serial: u64, task: u64) -> bool {
        let before = serial.checked_sub(1).map(usize::try_from);
        let before = before.and_then(|before| self.tasks.get(..before.ok()?));
        before
            .unwrap_or_default()
            .iter()
            .any(|of| u64::from(*of) == task)
    }

    /// Whether a condition or a message may speak of them.
    pub fn is_meant(text: &str) -> bool {
        text.contains("$task")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_from_one_and_what_is_none_is_of_no_task() {
        let turns = Turns {
            tasks: vec![1, 0, 2, 1],
        };
        let tasks: Vec<u64> = (0..6).map(|serial| turns.task(serial)).collect();
        assert_eq!(tasks, [0, 1, 0, 2, 1, 0]);
        assert!(turns.goes_on_after(1, 1) && !turns.goes_on_after(4, 1));
        assert!(!turns.goes_on_after(3, 2) && !turns.goes_on_after(u64::MAX, 1));
        assert!(turns.was_before(4, 1) && !turns.was_before(1, 1));
        assert!(!turns.was_before(0, 1));
    }
}
