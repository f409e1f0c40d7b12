//! Where the instructions of a core module are after a rewrite, and back.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Byte offsets of instructions in an original core module, and of the same
/// instructions in its rewritten form.
///
/// Offsets count from the start of the module's bytes, as DWARF consumers,
/// backtraces and the debugger's positions do after adding the start of the code
/// section.
///
/// A rewrite copies instructions and inserts others between them, so the map
/// is a list of stretches, each copied in one piece: its size follows the
/// number of insertions, not the size of the code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub struct OffsetMap {
    /// Ascending and without overlap, by original and by rewritten offset alike.
    stretches: Vec<Stretch>,
}

/// Original code that was copied in one piece.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stretch {
    original: u32,
    rewritten: u32,
    /// In bytes of the original.
    len: u32,
}

impl Stretch {
    fn original_end(self) -> Option<u32> {
        self.original.checked_add(self.len)
    }

    fn rewritten_end(self) -> Option<u32> {
        self.rewritten.checked_add(self.len)
    }
}

/// What an instruction of the rewritten module is in the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped {
    /// The original instruction at this offset.
    Instruction(u32),
    /// An instruction that the rewrite inserted; the original instruction at
    /// `next` follows it.
    Inserted {
        /// An offset in the original module.
        next: u32,
    },
    /// No original instruction is here or after.
    Outside,
}

impl Mapped {
    /// The original instruction here, or else the next one.
    pub fn instruction_or_next(self) -> Option<u32> {
        match self {
            Mapped::Instruction(offset) | Mapped::Inserted { next: offset } => Some(offset),
            Mapped::Outside => None,
        }
    }
}

/// Why stored bytes are not an offset map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the stored offset map is damaged at byte {at}; delete the cached code to have it made again"
)]
pub struct OffsetMapError {
    /// The byte of the stored form that cannot be read.
    pub at: usize,
}

impl OffsetMap {
    /// The map of a module of `length` bytes that was not rewritten.
    pub fn identity(length: usize) -> OffsetMap {
        OffsetMap {
            stretches: vec![Stretch {
                original: 0,
                rewritten: 0,
                // Wasm offsets have 32 bits.
                len: u32::try_from(length).unwrap_or(u32::MAX),
            }],
        }
    }

    /// Where the instruction that starts at `original` starts in the rewritten
    /// module, after any code inserted in front of it. `None` where the original
    /// has no instructions.
    pub fn to_rewritten(&self, original: u32) -> Option<u32> {
        let (stretch, _) = self.around(|s| s.original <= original);
        let stretch = stretch?;
        let within = original.checked_sub(stretch.original)?;
        (within < stretch.len).then(|| stretch.rewritten.saturating_add(within))
    }

    /// What the instruction that starts at `rewritten` is in the original.
    pub fn to_original(&self, rewritten: u32) -> Mapped {
        let (stretch, next) = self.around(|s| s.rewritten <= rewritten);
        let copied = stretch.and_then(|s| {
            let within = rewritten.checked_sub(s.rewritten)?;
            (within < s.len).then(|| s.original.saturating_add(within))
        });
        match (copied, next) {
            (Some(original), _) => Mapped::Instruction(original),
            (None, Some(next)) => Mapped::Inserted {
                next: next.original,
            },
            (None, None) => Mapped::Outside,
        }
    }

    /// The number of stretches, which the size of the map follows.
    pub fn stretches(&self) -> usize {
        self.stretches.len()
    }

    /// The last stretch for which `starts_before` holds, and the one after it.
    fn around(
        &self,
        starts_before: impl Fn(&Stretch) -> bool,
    ) -> (Option<&Stretch>, Option<&Stretch>) {
        let after = self.stretches.partition_point(starts_before);
        let before = after.checked_sub(1).and_then(|i| self.stretches.get(i));
        (before, self.stretches.get(after))
    }

    /// The stored form: for each stretch the gap in the original, the length,
    /// and the gap in the rewritten module, in LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 * self.stretches.len());
        let mut previous = Stretch::default();
        for &stretch in &self.stretches {
            for (start, end) in [
                (stretch.original, previous.original_end()),
                (stretch.len, Some(0)),
                (stretch.rewritten, previous.rewritten_end()),
            ] {
                write_leb(&mut bytes, start.saturating_sub(end.unwrap_or(start)));
            }
            previous = stretch;
        }
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// If the bytes are not what [`OffsetMap::to_bytes`] makes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OffsetMapError> {
        let mut map = OffsetMap::default();
        let mut previous = Stretch::default();
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            previous =
                read_stretch(bytes, &mut at, previous).ok_or(OffsetMapError { at: start })?;
            map.stretches.push(previous);
        }
        Ok(map)
    }
}

impl From<OffsetMap> for Vec<u8> {
    fn from(map: OffsetMap) -> Self {
        map.to_bytes()
    }
}

impl TryFrom<Vec<u8>> for OffsetMap {
    type Error = OffsetMapError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        OffsetMap::from_bytes(&bytes)
    }
}

fn read_stretch(bytes: &[u8], at: &mut usize, previous: Stretch) -> Option<Stretch> {
    let original_gap = read_leb(bytes, at)?;
    let len = read_leb(bytes, at)?;
    let rewritten_gap = read_leb(bytes, at)?;
    let stretch = Stretch {
        original: previous.original_end()?.checked_add(original_gap)?,
        rewritten: previous.rewritten_end()?.checked_add(rewritten_gap)?,
        len,
    };
    // An empty stretch would make two stretches start at one offset.
    let sound = len > 0 && stretch.original_end().is_some() && stretch.rewritten_end().is_some();
    sound.then_some(stretch)
}

fn write_leb(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_leb(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0u64;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

/// Collects copied instructions, in ascending order, into an [`OffsetMap`].
#[derive(Debug, Default)]
pub(super) struct OffsetMapBuilder {
    stretches: Vec<Stretch>,
}

impl OffsetMapBuilder {
    /// Notes that `len` bytes of instructions at `original` were copied to
    /// `rewritten`.
    pub(super) fn copied(&mut self, original: u32, rewritten: u32, len: u32) {
        if let Some(last) = self.stretches.last_mut()
            && last.original_end() == Some(original)
            && last.rewritten_end() == Some(rewritten)
        {
            last.len = last.len.saturating_add(len);
        } else {
            self.stretches.push(Stretch {
                original,
                rewritten,
                len,
            });
        }
    }

    /// Appends the stretches of one function, noted relative to the start of its
    /// rewritten body, which is `base` bytes into the rewritten module. `None`
    /// where an offset does not fit.
    pub(super) fn append_function(&mut self, function: &Self, base: u32) -> Option<()> {
        for stretch in &function.stretches {
            let rewritten = base.checked_add(stretch.rewritten)?;
            rewritten.checked_add(stretch.len)?;
            self.stretches.push(Stretch {
                rewritten,
                ..*stretch
            });
        }
        Some(())
    }

    pub(super) fn finish(self) -> OffsetMap {
        OffsetMap {
            stretches: self.stretches,
        }
    }
}
