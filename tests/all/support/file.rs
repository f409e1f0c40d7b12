//! Trace files taken apart and put together, as `docs/trace-format.md` has them: not
//! with the library's reader and writer.

/// Identifiers of sections.
pub const METADATA: u16 = 1;
pub const COMPONENT: u16 = 2;
pub const EVENTS: u16 = 3;
pub const END: u16 = 4;
pub const RECORDS: u16 = 5;
pub const INDEX: u16 = 6;

pub const HEADER: usize = 28;
pub const TRAILER: usize = 20;

/// A section, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub id: u16,
    pub first_event: u64,
    pub plain: Vec<u8>,
    /// The version of the file that it is of.
    pub version: u32,
    /// Where its header begins.
    pub at: usize,
    /// Bytes in the file, without the header.
    pub stored: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// CRC-32 as in zip and PNG.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    })
}

/// The sections of a finished file; the trailer must be where it should.
pub fn sections(file: &[u8]) -> Vec<Section> {
    assert_eq!(&file[..8], b"RRTRACE\n");
    let version = u32_at(file, 8);
    assert!((3..=4).contains(&version), "the version");
    let mut at = 12;
    let mut found: Vec<Section> = Vec::new();
    while found.last().is_none_or(|section| section.id != INDEX) {
        let header = &file[at..at + HEADER];
        assert_eq!(crc32(&header[..24]), u32_at(header, 24));
        let stored = &file[at + HEADER..][..u32_at(header, 4) as usize];
        assert_eq!(crc32(stored), u32_at(header, 12));
        let plain = match u16_at(header, 2) {
            0 => zstd::decode_all(stored).unwrap(),
            1 => stored.to_vec(),
            other => panic!("encoding {other}"),
        };
        assert_eq!(plain.len(), u32_at(header, 8) as usize);
        found.push(Section {
            id: u16_at(header, 0),
            first_event: u64_at(header, 16),
            plain,
            version,
            at,
            stored: stored.len(),
        });
        at += HEADER + stored.len();
    }
    let trailer = &file[at..];
    assert_eq!(trailer.len(), TRAILER);
    assert_eq!(u64_at(trailer, 0), found.last().unwrap().at as u64);
    assert_eq!(crc32(&trailer[..8]), u32_at(trailer, 8));
    assert_eq!(&trailer[12..], b"RRINDEX\n");
    found
}

/// A section as it stands in a file, not compressed.
pub fn section(id: u16, first_event: u64, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(id.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.extend((plain.len() as u32).to_le_bytes());
    out.extend((plain.len() as u32).to_le_bytes());
    out.extend(crc32(plain).to_le_bytes());
    out.extend(first_event.to_le_bytes());
    out.extend(crc32(&out).to_le_bytes());
    out.extend(plain);
    out
}

/// A file of these sections, not compressed; with a trailer if there is an index. Its version is
/// that of the first section's.
pub fn build(sections: &[Section]) -> Vec<u8> {
    let mut out = b"RRTRACE\n".to_vec();
    let version = sections.first().map_or(3, |first| first.version);
    out.extend(version.to_le_bytes());
    for part in sections {
        let at = out.len() as u64;
        out.extend(section(part.id, part.first_event, &part.plain));
        if part.id == INDEX {
            out.extend(at.to_le_bytes());
            out.extend(crc32(&at.to_le_bytes()).to_le_bytes());
            out.extend(b"RRINDEX\n");
        }
    }
    out
}

/// A generator of numbers, the same at every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Damages bytes in one of the ways in which bytes get damaged.
pub fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        let Some(byte) = bytes.get_mut(at) else {
            return;
        };
        match numbers.below(6) {
            0 => *byte ^= 1 << numbers.below(8),
            1 => *byte = numbers.next() as u8,
            2 => *byte = [0, 1, 0x7f, 0x80, 0xff][numbers.below(5)],
            3 => drop(bytes.remove(at)),
            4 => {
                let end = (at + numbers.below(20)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => bytes.truncate(at),
        }
    }
}
