//! The file format's fixed parts. `docs/trace-format.md` is its specification.
//!
//! ```text
//! magic "RRTRACE\n"   version u32
//! section*            header, stored bytes
//! header              id u32, stored u32, plain u32, crc32 u32, first_event u64,
//!                     header_crc32 u32
//! ```
//!
//! All numbers are little-endian. A section's stored bytes are zstd-compressed;
//! `plain` is their size when decompressed, `crc32` is that of the stored bytes,
//! `header_crc32` that of the header up to there: a length that was changed must
//! not pass for a file that was cut off. Sections come in this order: metadata,
//! component, events*, end.

pub(super) const MAGIC: [u8; 8] = *b"RRTRACE\n";
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER_LENGTH: usize = 12;
pub(super) const SECTION_HEADER_LENGTH: usize = 28;
/// The part of a section's header that its checksum covers.
const CHECKED: usize = 24;

/// No section is larger than this when decompressed, but for the component.
pub(super) const MAX_EVENTS_PLAIN: usize = 64 << 20;
/// The largest component a trace may hold.
pub(super) const MAX_COMPONENT_PLAIN: usize = 256 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum SectionId {
    Metadata = 1,
    Component = 2,
    Events = 3,
    End = 4,
    /// Raw records of one instance, stored as they are.
    Records = 5 | 1 << 16,
}

impl SectionId {
    pub(super) fn from_number(number: u32) -> Option<SectionId> {
        [
            SectionId::Metadata,
            SectionId::Component,
            SectionId::Events,
            SectionId::End,
            SectionId::Records,
        ]
        .into_iter()
        .find(|id| *id as u32 == number)
    }

    pub(super) fn max_plain(self) -> usize {
        match self {
            SectionId::Component => MAX_COMPONENT_PLAIN,
            _ => MAX_EVENTS_PLAIN,
        }
    }
}

/// What stands before a section's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct SectionHeader {
    pub(super) id: SectionId,
    pub(super) stored: u32,
    pub(super) plain: u32,
    pub(super) crc: u32,
    /// Outgoing calls made before this section's events.
    pub(super) first_event: u64,
}

impl SectionHeader {
    pub(super) fn encode(&self) -> [u8; SECTION_HEADER_LENGTH] {
        let mut out = [0; SECTION_HEADER_LENGTH];
        out[0..4].copy_from_slice(&(self.id as u32).to_le_bytes());
        out[4..8].copy_from_slice(&self.stored.to_le_bytes());
        out[8..12].copy_from_slice(&self.plain.to_le_bytes());
        out[12..16].copy_from_slice(&self.crc.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_event.to_le_bytes());
        let crc = crc32fast::hash(&out[..CHECKED]);
        out[24..28].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` if the bytes are no section header.
    pub(super) fn decode(bytes: &[u8; SECTION_HEADER_LENGTH]) -> Option<SectionHeader> {
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&bytes[at..at + 4]);
            u32::from_le_bytes(word)
        };
        if crc32fast::hash(&bytes[..CHECKED]) != word(24) {
            return None;
        }
        let header = SectionHeader {
            id: SectionId::from_number(word(0))?,
            stored: word(4),
            plain: word(8),
            crc: word(12),
            first_event: u64::from(word(16)) | u64::from(word(20)) << 32,
        };
        let plain = header.plain as usize;
        let fits = plain <= header.id.max_plain() && header.stored as usize <= max_stored(plain);
        fits.then_some(header)
    }
}

/// zstd makes nothing larger than this of so many bytes.
fn max_stored(plain: usize) -> usize {
    zstd::zstd_safe::compress_bound(plain)
}
