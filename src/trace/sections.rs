//! Sections one by one: their bytes written, and read back checked.

use super::event::Instance;
use super::format::{
    Encoding, SECTION_HEADER_LENGTH, SectionHeader, SectionId, UNCOUNTED, may_unfold,
};
use super::source::Source;
use std::io::{self, Read};

/// A section in the file that holds events, as far as it must be known to find them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section {
    /// Where its header begins.
    pub(super) at: u64,
    /// Outgoing calls made before it, or [`UNCOUNTED`].
    pub(super) first_event: u64,
}

/// What a section that holds events holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Events in their compact form.
    Events,
    /// Raw records of one instance.
    Records(Instance),
}

/// The bytes of a section stored as they are. A size beyond 4 GiB is refused.
pub(super) fn encode_plain(id: SectionId, first_event: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
    let header = header(id, Encoding::Plain, first_event, plain, plain.len())?;
    Ok([&header[..], plain].concat())
}

/// How a section of `plain` bytes, which are so compressed, is stored.
pub(super) fn stored_as<'a>(compressed: &'a [u8], plain: &'a [u8]) -> (Encoding, &'a [u8]) {
    match may_unfold(compressed.len(), plain.len()) {
        true => (Encoding::Zstd, compressed),
        false => (Encoding::Plain, plain),
    }
}

/// The header of a section.
pub(super) fn header(
    id: SectionId,
    encoding: Encoding,
    first_event: u64,
    stored: &[u8],
    plain: usize,
) -> io::Result<[u8; SECTION_HEADER_LENGTH]> {
    let too_large = |_| io::Error::other("a section is larger than 4 GiB");
    let header = SectionHeader {
        id,
        encoding,
        stored: u32::try_from(stored.len()).map_err(too_large)?,
        plain: u32::try_from(plain).map_err(too_large)?,
        crc: crc32fast::hash(stored),
        first_event,
    };
    Ok(header.encode())
}

/// Makes a section of kind *records* of what a recorder committed, for a sink that
/// does not know the component: it may follow any section of a recording but the
/// end.
///
/// # Errors
///
/// If the records are larger than a section may be (64 MiB).
pub fn records_section(instance: Instance, raw: &[u8]) -> io::Result<Vec<u8>> {
    let plain = [&instance.0.to_le_bytes(), raw].concat();
    if plain.len() > SectionId::Records.max_plain() {
        return Err(io::Error::other("records of more than 64 MiB at once"));
    }
    encode_plain(SectionId::Records, UNCOUNTED, &plain)
}

/// The header of the section that begins at `at` and where its bytes begin; `None`
/// where the file ends before the section does.
pub(super) fn read_header(
    source: &Source,
    at: u64,
) -> Result<Option<(SectionHeader, u64)>, SectionError> {
    let mut bytes = [0; SECTION_HEADER_LENGTH];
    let offset = at.saturating_add(SECTION_HEADER_LENGTH as u64);
    if offset > source.length() {
        return Ok(None);
    }
    source.read_exact_at(&mut bytes, at)?;
    let header = SectionHeader::decode(&bytes).ok_or(SectionError::NoHeader)?;
    let is_whole = offset.saturating_add(u64::from(header.stored)) <= source.length();
    Ok(is_whole.then_some((header, offset)))
}

/// Why a section cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SectionError {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("this is not the beginning of a section")]
    NoHeader,
    #[error("the checksum of a section does not match")]
    Checksum,
    #[error("a section does not decompress: {0}")]
    Decompress(io::Error),
    #[error("a section has not the size it should have")]
    Size,
}

/// Reads a section whose header has been read.
pub(super) fn read(
    source: &Source,
    offset: u64,
    header: &SectionHeader,
) -> Result<Vec<u8>, SectionError> {
    let mut stored = vec![0; header.stored as usize];
    source.read_exact_at(&mut stored, offset)?;
    if crc32fast::hash(&stored) != header.crc {
        return Err(SectionError::Checksum);
    }
    let plain = match header.encoding {
        Encoding::Plain => stored,
        Encoding::Zstd => {
            decompress(&stored, u64::from(header.plain)).map_err(SectionError::Decompress)?
        }
    };
    if plain.len() != header.plain as usize {
        return Err(SectionError::Size);
    }
    Ok(plain)
}

/// Decompresses at most one byte more than there should be. Memory is taken as
/// bytes arrive, not as a header says.
fn decompress(stored: &[u8], expected: u64) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    zstd::Decoder::with_buffer(stored)?
        .single_frame()
        .take(expected + 1)
        .read_to_end(&mut plain)?;
    Ok(plain)
}
