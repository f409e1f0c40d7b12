//! Parts of a module's debug information that cannot be read: the rest is used.

use super::error::SourceError;
use std::fmt;

/// A part that cannot be read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Which, in words: `compilation unit src/main.c`.
    pub part: String,
    /// What is wrong with it.
    pub why: SourceError,
}

impl Damage {
    pub(super) fn new(part: impl Into<String>, why: impl Into<SourceError>) -> Damage {
        Damage {
            part: part.into(),
            why: why.into(),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            // What to do about it is the same for all parts, and not said of each.
            SourceError::Damaged(error) => write!(f, "{} ({error})", self.part),
            SourceError::Excessive(what) => write!(f, "{} ({what})", self.part),
            SourceError::TooLarge { what, limit } => {
                let limit = limit >> 20;
                write!(
                    f,
                    "{} (too large: {what}, more than {limit} MiB)",
                    self.part
                )
            }
            SourceError::SourceMap(what) => write!(f, "{} ({what})", self.part),
            other => write!(f, "{} ({other})", self.part),
        }
    }
}
