//! How far other recordings of a system had come by the moments of this one: what conditions and
//! messages know of them.

use serde::{Deserialize, Serialize};

/// How far others had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The other recordings.
    pub nodes: Vec<Other>,
}

/// How far another recording had come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// What people call it.
    pub name: String,
    /// Ascending; before the first one it had made no hostcall.
    pub steps: Vec<Since>,
}

/// From a moment of this recording on, another one had made so many hostcalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Since {
    /// This recording's hostcalls before that moment.
    pub event: u64,
    /// Whether the next one is made, and not answered.
    pub in_call: bool,
    /// The other one's next hostcall; in a hostcall, that one's number.
    pub other: u64,
}

impl Elsewhere {
    /// The next hostcall of another recording at a moment of this one; `None` if there is no
    /// recording of this name.
    pub fn event(&self, name: &str, event: u64, in_call: bool) -> Option<u64> {
        let other = self.nodes.iter().find(|node| node.name == name)?;
        let begun = other
            .steps
            .partition_point(|step| (step.event, step.in_call) <= (event, in_call));
        let last = begun.checked_sub(1).and_then(|last| other.steps.get(last));
        Some(last.map_or(0, |step| step.other))
    }

    /// What the others are called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.as_str())
    }

    /// Whether a condition or a message may speak of them.
    pub fn is_meant(text: &str) -> bool {
        text.contains("$node")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_that_has_begun_counts() {
        let since = |event, in_call, other| Since {
            event,
            in_call,
            other,
        };
        let elsewhere = Elsewhere {
            nodes: vec![Other {
                name: "shop".to_owned(),
                steps: vec![since(2, true, 5), since(4, false, 9)],
            }],
        };
        let at = |event, in_call| elsewhere.event("shop", event, in_call);
        assert_eq!(at(0, false), Some(0));
        assert_eq!(at(2, false), Some(0));
        assert_eq!(at(2, true), Some(5));
        assert_eq!(at(3, true), Some(5));
        assert_eq!(at(4, false), Some(9));
        assert_eq!(at(400, false), Some(9));
        assert_eq!(elsewhere.event("other", 0, false), None);
    }
}
