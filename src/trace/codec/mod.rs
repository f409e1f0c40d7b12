//! Events as bytes within a section: variable-length numbers, and integers as
//! differences to the value that last stood in their place.
//!
//! ```text
//! event     head:varint (kind | named << 4, if named: | switched << 5 | crossing << 6)
//!           [instance:varint if switched]  body
//! values    i32, i64: signed LEB128 of the difference; f32, f64: their bits
//! write     address:signed LEB128 of the difference  length:varint  bytes
//! hash      8 bytes
//! area      the bytes of the return area
//! time      nanoseconds:varint, the difference to the time before
//! set       nanoseconds:signed LEB128, how much more the wall clock is off than before
//! resume    calls:varint, how many the instance made after the one that goes on
//! ```
//!
//! An event that is not `named` belongs to the innermost crossing in progress, of
//! those that began in this section ([`Open`]). `switched` is set where the instance
//! differs from that of the event before. Times belong to no crossing and are never named. How many values there are, and of which
//! type, is the crossing's signature. Each section begins anew: from instance 0, with
//! nothing in progress, and with 0 in every place ([`Places`]).

mod decode;
mod encode;
mod numbers;

pub(super) use decode::Decoder;
pub(super) use encode::Encoder;
pub(super) use numbers::{Bytes, varint};

use super::event::Instance;
use crate::component::{Component, Crossing, CrossingId};
use std::sync::Arc;

/// What a section's bytes can get wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    #[error("an event ends in the middle")]
    Truncated,
    #[error("a number is out of range")]
    Number,
    #[error("event kind {0} is unknown")]
    Kind(u8),
    #[error("the component has no crossing number {0}")]
    Crossing(u64),
    #[error("an event belongs to a crossing in progress, but none is")]
    NotInProgress,
    #[error("a time names a crossing")]
    NamedTime,
    #[error("a crossing has no return area")]
    NoArea,
}

/// The kind of an event within a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Call = 0,
    Return = 1,
    Enter = 2,
    Leave = 3,
    Write = 4,
    Hash = 5,
    /// A write of the whole return area of the innermost crossing in progress: its
    /// address is that crossing's last argument, its length that of the type.
    Area = 6,
    /// What the host's clock says from here on.
    Time = 7,
    /// The host's wall clock was set before the next time.
    Set = 8,
    /// The guest goes on in a call out that has waited.
    Resume = 9,
}

impl Tag {
    fn from_number(number: u8) -> Option<Tag> {
        [
            Tag::Call,
            Tag::Return,
            Tag::Enter,
            Tag::Leave,
            Tag::Write,
            Tag::Hash,
            Tag::Area,
            Tag::Time,
            Tag::Set,
            Tag::Resume,
        ]
        .get(usize::from(number))
        .copied()
    }
}

/// A crossing in progress.
#[derive(Debug, Clone, Copy)]
struct InProgress {
    instance: Instance,
    crossing: CrossingId,
    /// Its last argument, if that is an `i32`: the address of a return area.
    last_argument: Option<u32>,
}

/// The crossings that began in this section and are in progress. Deeper ones than
/// [`MAX_OPEN`] are only counted: a hostile section must not make this large.
#[derive(Debug, Clone, Default)]
struct Open {
    stack: Vec<InProgress>,
    deeper: u64,
}

const MAX_OPEN: usize = 256;

impl Open {
    fn begin(&mut self) {
        self.stack.clear();
        self.deeper = 0;
    }

    fn push(&mut self, crossing: InProgress) {
        if self.stack.len() < MAX_OPEN {
            self.stack.push(crossing);
        } else {
            self.deeper += 1;
        }
    }

    fn pop(&mut self) {
        match self.deeper {
            0 => drop(self.stack.pop()),
            _ => self.deeper -= 1,
        }
    }

    fn innermost(&self) -> Option<InProgress> {
        match self.deeper {
            0 => self.stack.last().copied(),
            _ => None,
        }
    }

    /// Where the return area of the innermost crossing is, and how large.
    fn area(&self, crossing: &Crossing) -> Option<(u32, u32)> {
        let innermost = self.innermost()?;
        let address = innermost.last_argument?;
        (innermost.crossing == crossing.id).then_some((address, crossing.return_area?.size))
    }
}

/// The integers that a section's events hold are differences to those before in
/// the same place: each parameter and each result of a crossing is a place, and so
/// is the address of the writes into its memory.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Where the places of each crossing begin.
    starts: Arc<[u32]>,
    last: Vec<u64>,
}

/// A group of places of one crossing.
#[derive(Clone, Copy)]
enum Group {
    Params,
    Results,
    Address,
}

impl Places {
    pub(super) fn new(component: &Component) -> Places {
        let mut all = 0u32;
        let starts = component
            .crossings()
            .iter()
            .map(|crossing| {
                let start = all;
                let signature = &crossing.signature;
                all += (signature.params.len() + signature.results.len() + 1) as u32;
                start
            })
            .collect();
        Places {
            starts,
            last: vec![0; all as usize],
        }
    }

    /// Begins a section.
    pub(super) fn forget(&mut self) {
        self.last.fill(0);
    }

    fn of(&mut self, crossing: &Crossing, group: Group) -> &mut [u64] {
        let start = self.starts.get(crossing.id.0 as usize).copied();
        let (params, results) = (
            crossing.signature.params.len(),
            crossing.signature.results.len(),
        );
        let (skip, length) = match group {
            Group::Params => (0, params),
            Group::Results => (params, results),
            Group::Address => (params + results, 1),
        };
        let start = start.map_or(usize::MAX, |start| start as usize + skip);
        self.last
            .get_mut(start..start.saturating_add(length))
            .unwrap_or_default()
    }
}

/// Set in the head of an event that names its crossing.
const NAMED: u64 = 1 << 4;
