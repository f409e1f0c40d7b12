//! What is wrong with a handle, in words: what the index is now, what it was before,
//! what was expected.

use std::fmt::{self, Display};

use super::entry::{End, EndedEntry, Ending, EntryKind, HandleEntry, Occasion, Wanted};

/// A handle in a crossing that does not fit the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// When, and in which crossing.
    pub occasion: Occasion,
    /// The index that the crossing had, into the table of its instance.
    pub index: u32,
    /// How crossing and table disagree.
    pub problem: Problem,
}

/// Why a handle does not fit the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is at this index, and nothing ever was.
    Unknown,
    /// What was at this index is gone.
    Gone(Box<EndedEntry>),
    /// Something else is at this index.
    WrongKind {
        /// What the crossing took the index for.
        wanted: Wanted,
        /// What is there.
        entry: Box<HandleEntry>,
        /// What had been there before.
        before: Option<Box<EndedEntry>>,
    },
    /// It cannot go while a call borrows it.
    Lent {
        /// What was to go, with how many calls it is lent to.
        entry: Box<HandleEntry>,
    },
    /// A call returned without having dropped what it had borrowed.
    StillBorrowed {
        /// The `borrow` that is left in the table.
        entry: Box<HandleEntry>,
    },
    /// The runtime must have given another index: something crossed unseen.
    UnexpectedIndex {
        /// The index that was next, by what has been seen.
        expected: u32,
    },
}

/// A finding that the run did not end at: the tables are wrong, not the guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the handle tables are not known from event {event} on: {0}, but the run went on; this is a \
     fault of rr-dap, or the recording is damaged",
    event = .0.occasion.event
)]
pub struct Mismatch(pub Finding);

/// Handles and memories of handles that are kept, in the tables of all instances: each
/// takes a few hundred bytes.
pub(super) const MOST_ENTRIES: usize = 1 << 18;

/// There are more handles than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the handle tables are not known from event {event} on: the guest has had more than \
     {MOST_ENTRIES} handles at once, which is more than are followed"
)]
pub struct Overfull {
    /// The call out at which that was so.
    pub event: u64,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            occasion,
            index,
            problem,
        } = self;
        write!(f, "{occasion}: handle {index} ")?;
        match problem {
            Problem::Unknown => f.write_str("was never given out"),
            Problem::Gone(past) => write!(f, "is gone: it was {past:#}"),
            Problem::WrongKind {
                wanted,
                entry,
                before,
            } => {
                write!(f, "is wanted as {wanted}, but it is {entry:#}")?;
                match before {
                    Some(before) => write!(f, "; before that it was {before:#}"),
                    None => Ok(()),
                }
            }
            Problem::Lent { entry } => {
                write!(f, "is lent to a call and cannot go: it is {entry:#}")
            }
            Problem::StillBorrowed { entry } => write!(
                f,
                "is still borrowed at the end of the call: drop it before returning; it is {entry:#}"
            ),
            Problem::UnexpectedIndex { expected } => write!(
                f,
                "appeared where {expected} was next; a handle was made or dropped unseen"
            ),
        }
    }
}

impl Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (event {})", self.crossing, self.event)
    }
}

impl Display for EndedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match self.ending {
            Ending::Dropped => "dropped by",
            Ending::Transferred => "passed on by",
            Ending::Displaced => "displaced by",
        };
        Display::fmt(&self.entry, f)?;
        write!(f, ", {ending} {}", self.ended)
    }
}

impl Display for HandleEntry {
    /// `own<descriptor> (descriptor of "/work/a.txt"), created by … (event 12)`; `{:#}` has the
    /// article that it needs within a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.kind, f)?;
        if let Some(meaning) = &self.meaning {
            write!(f, " ({meaning})")?;
        }
        write!(f, ", created by {}", self.created)
    }
}

impl Display for EntryKind {
    /// `subtask`; `{:#}` has the article that it needs within a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |f: &mut fmt::Formatter, name, element: &Option<_>, end: &End| {
            let end = match end {
                End::Readable => "readable",
                End::Writable => "writable",
            };
            match element {
                Some(element) => write!(f, "{end} end of {name}<{element}>"),
                None => write!(f, "{end} end of {name}"),
            }
        };
        if f.alternate() {
            f.write_str(match self {
                Self::Own(_) | Self::Borrow(_) => "",
                Self::Stream { .. } | Self::Future { .. } => "the ",
                Self::Subtask | Self::WaitableSet => "a ",
                Self::ErrorContext => "an ",
            })?;
        }
        match self {
            Self::Own(resource) => write!(f, "own<{resource}>"),
            Self::Borrow(resource) => write!(f, "borrow<{resource}>"),
            Self::Stream { element, end } => of(f, "stream", element, end),
            Self::Future { element, end } => of(f, "future", element, end),
            Self::Subtask => f.write_str("subtask"),
            Self::WaitableSet => f.write_str("waitable-set"),
            Self::ErrorContext => f.write_str("error-context"),
        }
    }
}

impl Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(resource) => write!(f, "own<{resource}>"),
            Self::Resource(resource) => write!(f, "{resource}"),
            Self::Stream => f.write_str("a stream"),
            Self::Future => f.write_str("a future"),
            Self::Subtask => f.write_str("a subtask"),
            Self::WaitableSet => f.write_str("a waitable-set"),
            Self::ErrorContext => f.write_str("an error-context"),
            Self::Waitable => f.write_str("a waitable"),
        }
    }
}
