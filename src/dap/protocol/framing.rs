//! Where one message ends and the next begins: `Content-Length` frames.

use std::io::{self, BufRead, Read, Write};

/// The longest message taken in. The largest that a real client sends is a
/// `setBreakpoints` of some kilobytes, so this leaves room and yet bounds what
/// one client can make the server hold.
pub const MAX_MESSAGE: u64 = 16 << 20;
/// An announced length beyond this is not a message but a lost frame boundary:
/// skipping it would only wait for bytes that never come.
const MAX_SKIPPED: u64 = 1 << 30;
const MAX_HEADER_LINE: u64 = 4096;
const MAX_HEADER_LINES: usize = 32;

/// What can be wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream cannot be read.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The stream ended in a header, or before all of the bytes that a header announced.
    #[error("the connection ended in the middle of a message")]
    CutShort,
    /// A header without a length, or with one that cannot be true: what is wrong, in words.
    #[error(
        "a message header is not understood: {0}; where the next message starts is unknown, so the session ends"
    )]
    Header(String),
    /// The message is longer than [`MAX_MESSAGE`]. It has been skipped.
    #[error("a message of {length} bytes was left out: the limit is {MAX_MESSAGE} bytes")]
    Oversized {
        /// As its header announced, in bytes.
        length: u64,
    },
}

impl FrameError {
    /// Whether the reader still stands at the start of a message.
    pub fn is_recoverable(&self) -> bool {
        matches!(self, FrameError::Oversized { .. })
    }
}

/// Reads the next message; `None` at the end of the stream between messages.
///
/// # Errors
///
/// If the stream fails or ends within a message, or the header is wrong, or the message
/// too long.
pub fn read_frame(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, FrameError> {
    let Some(length) = read_header(reader)? else {
        return Ok(None);
    };
    if length > MAX_SKIPPED {
        return Err(FrameError::Header(format!(
            "Content-Length {length} cannot be true"
        )));
    }
    if length > MAX_MESSAGE {
        return match io::copy(&mut reader.take(length), &mut io::sink())? {
            skipped if skipped == length => Err(FrameError::Oversized { length }),
            _ => Err(FrameError::CutShort),
        };
    }
    // Grows with what arrives: an announced length alone takes no memory.
    let mut body = Vec::new();
    if reader.take(length).read_to_end(&mut body)? as u64 == length {
        Ok(Some(body))
    } else {
        Err(FrameError::CutShort)
    }
}

fn read_header(reader: &mut impl BufRead) -> Result<Option<u64>, FrameError> {
    let mut length = None;
    for nth in 0..MAX_HEADER_LINES {
        let Some(line) = read_header_line(reader)? else {
            return match nth {
                0 => Ok(None),
                _ => Err(FrameError::CutShort),
            };
        };
        if line.is_empty() {
            return length
                .map(Some)
                .ok_or_else(|| FrameError::Header("Content-Length is missing".into()));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(FrameError::Header(format!(
                "`{}` is not a field",
                shown(&line)
            )));
        };
        if name.trim().eq_ignore_ascii_case("content-length") {
            let value = value.trim();
            // `+2` is a number to Rust.
            let digits = value.bytes().all(|byte| byte.is_ascii_digit());
            let parsed = value.parse::<u64>().ok().filter(|_| digits);
            let parsed = parsed.ok_or_else(|| {
                FrameError::Header(format!("Content-Length `{}` is not a number", shown(value)))
            })?;
            if length.replace(parsed).is_some() {
                return Err(FrameError::Header("Content-Length is there twice".into()));
            }
        } else if !name.trim().eq_ignore_ascii_case("content-type") {
            // A browser's request has other lines: what follows them is not for us.
            return Err(FrameError::Header(format!(
                "`{}` is not a field of it",
                shown(name)
            )));
        }
    }
    Err(FrameError::Header("it has too many fields".into()))
}

/// One line without its end; `None` at the end of the stream.
fn read_header_line(reader: &mut impl BufRead) -> Result<Option<String>, FrameError> {
    let mut line = Vec::new();
    reader.take(MAX_HEADER_LINE).read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            Ok(Some(String::from_utf8_lossy(&line).into_owned()))
        }
        Some(_) if line.len() as u64 + 1 >= MAX_HEADER_LINE => {
            Err(FrameError::Header("a line of it has no end".into()))
        }
        Some(_) => Err(FrameError::CutShort),
    }
}

fn shown(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown.escape_default().to_string()
}

/// Writes one message, header and body in a single write so that no reader
/// sees half a header.
///
/// # Errors
///
/// If the stream fails.
pub fn write_frame(writer: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    frame.extend_from_slice(body);
    writer.write_all(&frame)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(mut bytes: &[u8]) -> Vec<Result<Vec<u8>, String>> {
        let mut all = Vec::new();
        loop {
            match read_frame(&mut bytes) {
                Ok(None) => return all,
                Ok(Some(body)) => all.push(Ok(body)),
                Err(error) => {
                    let fatal = !error.is_recoverable();
                    all.push(Err(error.to_string()));
                    if fatal {
                        return all;
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bodies: [&[u8]; 3] = [b"{}", b"", b"\r\nContent-Length: 3\r\n\r\n"];
        let mut stream = Vec::new();
        for body in bodies {
            write_frame(&mut stream, body).unwrap();
        }
        assert_eq!(frames(&stream), bodies.map(|body| Ok(body.to_vec())));
    }

    #[test]
    fn fields_are_found_whatever_their_case_and_company() {
        let stream = b"content-type: x\ncontent-LENGTH:2\n\n{}";
        assert_eq!(frames(stream), [Ok(b"{}".to_vec())]);
    }

    #[test]
    fn a_message_too_long_is_skipped_and_the_next_one_read() {
        let mut stream = Vec::new();
        write_frame(&mut stream, &vec![b' '; MAX_MESSAGE as usize + 1]).unwrap();
        write_frame(&mut stream, b"{}").unwrap();
        let read = frames(&stream);
        assert!(read[0].as_ref().unwrap_err().contains("left out"));
        assert_eq!(read[1..], [Ok(b"{}".to_vec())]);
    }

    #[test]
    fn lost_boundaries_are_one_error() {
        for (stream, says) in [
            (&b"Content-Length: x\r\n\r\n{}"[..], "not a number"),
            (b"Content-Length: -1\r\n\r\n{}", "not a number"),
            (
                b"Content-Length: 99999999999999\r\n\r\n{}",
                "cannot be true",
            ),
            (b"Content-Length: +2\r\n\r\n{}", "not a number"),
            (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "twice"),
            (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "twice"),
            (b"Content-Type: x\r\n\r\n{}", "missing"),
            (b"GET / HTTP/1.1\r\n\r\n", "not a field"),
            (b"Content-Length: 5\r\n\r\n{}", "middle"),
            (b"Content-Le", "middle"),
            (&[b'x'; 10_000], "no end"),
            (&b"Content-Type:b\n".repeat(100), "too many"),
            (
                b"POST /a:b HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
                "`POST /a` is not a field",
            ),
            (b"Host: x\r\nContent-Length: 2\r\n\r\n{}", "`Host`"),
        ] {
            let read = frames(stream);
            assert_eq!(read.len(), 1, "{read:?}");
            let error = read[0].as_ref().unwrap_err();
            assert!(error.contains(says), "{error:?} should say {says:?}");
        }
    }
}
