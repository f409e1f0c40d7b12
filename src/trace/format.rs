//! The file format's fixed parts. `docs/trace-format.md` is its specification.
//!
//! ```text
//! magic "RRTRACE\n"   version u32
//! section*            header, stored bytes
//! header              id u16, encoding u16, stored u32, plain u32, crc32 u32,
//!                     first_event u64, header_crc32 u32
//! trailer             index u64, crc32 u32, magic "RRINDEX\n"
//! ```
//!
//! All numbers are little-endian. `encoding` tells how a section's bytes are stored;
//! `plain` is their size when decoded, `crc32` is that of the stored bytes,
//! `header_crc32` that of the header up to there: a length that was changed must
//! not pass for a file that was cut off. Sections come in this order: metadata,
//! component or program, (events, records or note)*, notes*, end, index. The trailer ends a finished file
//! and says where the index is.

use crate::component::Component;

pub(super) const MAGIC: [u8; 8] = *b"RRTRACE\n";
/// The newest version that is read.
pub(super) const VERSION: u32 = WITH_STACKS;
/// What is written of a component whose calls nest.
const NESTED: u32 = 3;
/// From this on, a recording says where the guest goes on if its calls do not nest.
pub(super) const WITH_STACKS: u32 = 4;
/// The oldest version that is read.
pub(super) const OLDEST: u32 = 2;
pub(super) const HEADER_LENGTH: usize = 12;
pub(super) const SECTION_HEADER_LENGTH: usize = 28;
/// The part of a section's header that its checksum covers.
const CHECKED: usize = 24;

/// No section is larger than this when decoded, but for the component.
pub(super) const MAX_EVENTS_PLAIN: usize = 64 << 20;
/// The largest component a trace may hold.
pub(super) const MAX_COMPONENT_PLAIN: usize = 256 << 20;

/// The most that the metadata and the end may be.
const MAX_TOLD_PLAIN: usize = 16 << 20;

/// Whether a component of a size may be compressed to so many bytes: no component is small
/// because it says the same a thousand times, and reading it would take what it unfolds to.
/// One that may not is stored as it is.
pub(super) fn may_unfold(stored: usize, plain: usize) -> bool {
    const ALWAYS: usize = 128 << 20;
    const TIMES: usize = 32;
    plain <= ALWAYS.max(stored.saturating_mul(TIMES))
}

/// The version of a recording of a component: the oldest that can say what it may do.
pub(super) fn version(component: &Component) -> u32 {
    match component.keeps_stacks() {
        true => WITH_STACKS,
        false => NESTED,
    }
}

/// `first_event` of a section whose writer does not count.
pub(super) const UNCOUNTED: u64 = u64::MAX;

const TRAILER_MAGIC: [u8; 8] = *b"RRINDEX\n";
pub(super) const TRAILER_LENGTH: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum SectionId {
    Metadata = 1,
    Component = 2,
    Events = 3,
    End = 4,
    Records = 5,
    Index = 6,
    /// In the component's stead: what it is known by.
    Program = 7,
    /// What the host notes while the run goes on.
    Note = 8,
    /// All that it has noted, right before the end.
    Notes = 9,
}

impl SectionId {
    fn from_number(number: u16) -> Option<SectionId> {
        [
            SectionId::Metadata,
            SectionId::Component,
            SectionId::Events,
            SectionId::End,
            SectionId::Records,
            SectionId::Index,
            SectionId::Program,
            SectionId::Note,
            SectionId::Notes,
        ]
        .into_iter()
        .find(|id| *id as u16 == number)
    }

    pub(super) fn max_plain(self) -> usize {
        match self {
            SectionId::Component => MAX_COMPONENT_PLAIN,
            SectionId::Metadata
            | SectionId::End
            | SectionId::Program
            | SectionId::Note
            | SectionId::Notes => MAX_TOLD_PLAIN,
            _ => MAX_EVENTS_PLAIN,
        }
    }
}

/// How a section's bytes are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Encoding {
    /// One zstd frame.
    Zstd = 0,
    /// As they are.
    Plain = 1,
}

impl Encoding {
    fn from_number(number: u16) -> Option<Encoding> {
        [Encoding::Zstd, Encoding::Plain]
            .into_iter()
            .find(|encoding| *encoding as u16 == number)
    }

    fn allows(self, stored: usize, plain: usize) -> bool {
        match self {
            // zstd makes nothing larger than this of so many bytes.
            Encoding::Zstd => stored <= zstd::zstd_safe::compress_bound(plain),
            Encoding::Plain => stored == plain,
        }
    }
}

/// What stands before a section's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SectionHeader {
    pub(super) id: SectionId,
    pub(super) encoding: Encoding,
    pub(super) stored: u32,
    pub(super) plain: u32,
    pub(super) crc: u32,
    /// Outgoing calls made before this section's events, or [`UNCOUNTED`].
    pub(super) first_event: u64,
}

impl SectionHeader {
    pub(super) fn encode(&self) -> [u8; SECTION_HEADER_LENGTH] {
        let mut out = [0; SECTION_HEADER_LENGTH];
        out[0..2].copy_from_slice(&(self.id as u16).to_le_bytes());
        out[2..4].copy_from_slice(&(self.encoding as u16).to_le_bytes());
        out[4..8].copy_from_slice(&self.stored.to_le_bytes());
        out[8..12].copy_from_slice(&self.plain.to_le_bytes());
        out[12..16].copy_from_slice(&self.crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_event.to_le_bytes());
        let crc = crc32fast::hash(&out[..CHECKED]);
        out[24..28].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` if the bytes are not a section header.
    pub(super) fn decode(bytes: &[u8; SECTION_HEADER_LENGTH]) -> Option<SectionHeader> {
        if crc32fast::hash(&bytes[..CHECKED]) != word(bytes, 24) {
            return None;
        }
        let ids = word(bytes, 0);
        let header = SectionHeader {
            id: SectionId::from_number(ids as u16)?,
            encoding: Encoding::from_number((ids >> 16) as u16)?,
            stored: word(bytes, 4),
            plain: word(bytes, 8),
            crc: word(bytes, 12),
            first_event: u64::from(word(bytes, 16)) | u64::from(word(bytes, 20)) << 32,
        };
        let (stored, plain) = (header.stored as usize, header.plain as usize);
        let fits = plain <= header.id.max_plain() && header.encoding.allows(stored, plain);
        fits.then_some(header)
    }
}

/// The little-endian word at an offset of a fixed-size header.
fn word<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// What ends a finished file: where the index section begins.
pub(super) fn encode_trailer(index: u64) -> [u8; TRAILER_LENGTH] {
    let mut out = [0; TRAILER_LENGTH];
    out[0..8].copy_from_slice(&index.to_le_bytes());
    let crc = crc32fast::hash(&out[..8]);
    out[8..12].copy_from_slice(&crc.to_le_bytes());
    out[12..20].copy_from_slice(&TRAILER_MAGIC);
    out
}

/// Where the index section begins; `None` if the bytes are not a trailer.
pub(super) fn decode_trailer(bytes: &[u8; TRAILER_LENGTH]) -> Option<u64> {
    let valid = bytes[12..] == TRAILER_MAGIC && crc32fast::hash(&bytes[..8]) == word(bytes, 8);
    valid.then(|| u64::from(word(bytes, 0)) | u64::from(word(bytes, 4)) << 32)
}
