//! A recording as lines of a log, among any other lines: how it gets out of a place
//! where a log is all that there is.
//!
//! ```text
//! line   = anything "rr:trace:" sequence ":" crc32 ":" base64url [anything else]
//! ```
//!
//! `sequence` counts the lines from 0, in decimal; `crc32` is that of the chunk of
//! the recording's bytes that the line holds, in eight hexadecimal digits. The
//! base64 alphabet is the one for URLs, without padding: no log format escapes any
//! of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

const MARKER: &[u8] = b"rr:trace:";
/// No line is looked at further than this.
const MAX_LINE: u64 = 2 << 20;

/// The line of a log that holds a chunk of a recording's bytes. Chunks are numbered
/// from 0; 6 KiB are enough for one, as some collectors split lines of 16 KiB. A line
/// may hold at most 1 MiB.
pub fn log_line(sequence: u64, chunk: &[u8]) -> String {
    format!(
        "rr:trace:{sequence}:{:08x}:{}",
        crc32fast::hash(chunk),
        URL_SAFE_NO_PAD.encode(chunk)
    )
}

/// Why there is no recording in a log.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("it has no lines of a recording")]
    None,
    #[error(
        "it holds two recordings: line {line} begins the second; split the log, and open its parts"
    )]
    Two { line: u64 },
}

/// A line of the log, found.
#[derive(Debug, Clone, Copy)]
struct Chunk {
    sequence: u64,
    crc: u32,
    /// Where its base64 is in the log.
    at: u64,
    plain: u32,
}

/// The recording in a log. The log is decoded where it is read; what is kept in
/// memory are 16 bytes for each line.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Of the log, when it was opened.
    opened: (u64, Option<SystemTime>),
    /// Where each chunk begins in the recording, and its base64 in the log.
    chunks: Vec<(u64, u64)>,
    length: u64,
    missing: Option<String>,
}

impl Log {
    /// Finds the lines of the recording.
    pub(super) fn scan(file: File) -> Result<Log, LogError> {
        let metadata = file.metadata()?;
        let mut found: Vec<Chunk> = Vec::new();
        let mut damaged = None;
        let mut lines = Lines::new(&file);
        while lines.next()? {
            match parse(&lines.line, lines.at) {
                Parsed::Chunk(chunk) => found.push(chunk),
                Parsed::Damaged => damaged = damaged.or(Some(lines.number)),
                Parsed::Other => {}
            }
        }
        if found.is_empty() {
            return Err(LogError::None);
        }
        // Collectors deliver late and twice. Sorting is stable: of two chunks with
        // the same number the one that stands first in the log stays first.
        found.sort_by_key(|chunk| chunk.sequence);
        if let Some([_, second]) = found
            .array_windows()
            .find(|[a, b]| a.sequence == b.sequence && (a.crc, a.plain) != (b.crc, b.plain))
        {
            let line = line_of(&file, second.at)?;
            return Err(LogError::Two { line });
        }
        found.dedup_by_key(|chunk| chunk.sequence);
        let whole = (0..)
            .zip(&found)
            .take_while(|(expected, chunk)| chunk.sequence == *expected)
            .count();
        let missing = (whole < found.len() || damaged.is_some()).then(|| {
            let damaged = damaged.map_or(String::new(), |line| {
                format!(", and line {line} of the log is damaged")
            });
            format!("chunk {whole} of the recording is missing in the log{damaged}")
        });
        let mut length = 0;
        let chunks = found
            .iter()
            .take(whole)
            .map(|chunk| {
                let start = length;
                length += u64::from(chunk.plain);
                (start, chunk.at)
            })
            .collect();
        Ok(Log {
            file,
            opened: (metadata.len(), metadata.modified().ok()),
            chunks,
            length,
            missing,
        })
    }

    /// The log, how long it was when it was opened, and when it had been written to.
    pub(super) fn file_as_opened(&self) -> (&File, u64, Option<SystemTime>) {
        let (length, modified) = self.opened;
        (&self.file, length, modified)
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The first chunk that is missing although later ones are there.
    pub(super) fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    pub(super) fn read_exact_at(&self, to: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < to.len() {
            let offset = offset + done as u64;
            let (start, plain) = self.chunk_at(offset)?;
            let from = usize::try_from(offset - start).map_err(io::Error::other)?;
            let rest = plain.get(from..).unwrap_or_default();
            let length = rest.len().min(to.len() - done);
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            to[done..done + length].copy_from_slice(&rest[..length]);
            done += length;
        }
        Ok(())
    }

    /// The chunk that holds this byte of the recording, and where it begins.
    fn chunk_at(&self, offset: u64) -> io::Result<(u64, Vec<u8>)> {
        let after = self.chunks.partition_point(|(start, _)| *start <= offset);
        let found = after.checked_sub(1).and_then(|i| self.chunks.get(i));
        let (start, at) = *found.ok_or(io::ErrorKind::UnexpectedEof)?;
        let end = self
            .chunks
            .get(after)
            .map_or(self.length, |(start, _)| *start);
        let plain = usize::try_from(end - start).map_err(io::Error::other)?;
        let mut encoded = vec![0; encoded_length(plain)];
        self.file.read_exact_at(&mut encoded, at)?;
        let chunk = URL_SAFE_NO_PAD
            .decode(&encoded)
            .map_err(|_| io::Error::other("the log has changed since it was opened"))?;
        Ok((start, chunk))
    }
}

/// How many characters so many bytes take.
fn encoded_length(plain: usize) -> usize {
    plain.saturating_mul(4).div_ceil(3)
}

/// Which line of the log this byte belongs to, from 1.
fn line_of(file: &File, at: u64) -> io::Result<u64> {
    let mut lines = Lines::new(file);
    while lines.next()? && lines.at + lines.line.len() as u64 <= at {}
    Ok(lines.number)
}

/// The lines of a file, of any length, in little memory: of a line longer than
/// [`MAX_LINE`] the rest is left out.
struct Lines<'a> {
    reader: BufReader<&'a File>,
    line: Vec<u8>,
    /// Where the line begins.
    at: u64,
    number: u64,
    next: u64,
}

impl<'a> Lines<'a> {
    fn new(file: &'a File) -> Lines<'a> {
        Lines {
            reader: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            at: 0,
            number: 0,
            next: 0,
        }
    }

    /// Reads the next line; `false` at the end.
    fn next(&mut self) -> io::Result<bool> {
        if self.number == 0 {
            io::Seek::rewind(&mut self.reader)?;
        }
        self.line.clear();
        self.at = self.next;
        self.number += 1;
        let mut part = self.reader.by_ref().take(MAX_LINE);
        self.next += part.read_until(b'\n', &mut self.line)? as u64;
        if self.line.len() as u64 == MAX_LINE && !self.line.ends_with(b"\n") {
            self.next += self.reader.skip_until(b'\n')? as u64;
        }
        Ok(!self.line.is_empty())
    }
}

enum Parsed {
    Chunk(Chunk),
    /// A line of the recording that is not whole.
    Damaged,
    /// No line of the recording.
    Other,
}

/// Reads a line that begins at `at` in the log.
fn parse(line: &[u8], at: u64) -> Parsed {
    let marker = line.windows(MARKER.len()).position(|w| w == MARKER);
    let Some(marker) = marker else {
        return Parsed::Other;
    };
    let fields = line.get(marker + MARKER.len()..).unwrap_or_default();
    match chunk(fields) {
        Some(chunk) => Parsed::Chunk(Chunk {
            at: at + (line.len() - fields.len()) as u64 + chunk.at,
            ..chunk
        }),
        None => Parsed::Damaged,
    }
}

/// Reads what follows the marker; where its base64 is, counted from there.
fn chunk(fields: &[u8]) -> Option<Chunk> {
    let mut parts = fields.splitn(3, |byte| *byte == b':');
    let (sequence, crc, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if crc.len() != 8 {
        return None;
    }
    let sequence = std::str::from_utf8(sequence).ok()?.parse().ok()?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let end = rest.iter().position(|byte| !is_base64(byte));
    let encoded = rest.get(..end.unwrap_or(rest.len()))?;
    let plain = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    if crc32fast::hash(&plain) != crc {
        return None;
    }
    Some(Chunk {
        sequence,
        crc,
        at: (fields.len() - rest.len()) as u64,
        plain: u32::try_from(plain.len()).ok()?,
    })
}
