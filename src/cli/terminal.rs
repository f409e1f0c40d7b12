//! The one door to the terminal: what a recording, a file's name or a server says is shown on
//! it and cannot steer it.
//!
//! Every character that moves the cursor, changes what the terminal does, or hides or reorders
//! text is written as Rust writes it, `\u{1b}`; a newline and a tab are what they are. In JSON
//! it is `\u001b`, which every reader of JSON takes for the character itself.

use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

/// Standard output, for text.
pub(super) fn out() -> Terminal<Stdout> {
    Terminal::new(stdout())
}

/// Standard output, for bytes that are as they are to be.
pub(super) fn stdout() -> Stdout {
    Stdout(io::stdout())
}

/// Standard output, for text or for JSON.
pub(super) fn listing(is_json: bool) -> Terminal<Stdout> {
    let notation = match is_json {
        true => Notation::Json,
        false => Notation::Text,
    };
    Terminal { notation, ..out() }
}

/// A line on standard error. That nobody can read it is not a reason to stop.
pub(super) fn tell(text: impl Display) {
    _ = Terminal::new(io::stderr()).write_all(format!("{text}\n").as_bytes());
}

/// The same of text that need not end a line.
pub(super) fn tell_part(text: &str) {
    _ = Terminal::new(io::stderr()).write_all(text.as_bytes());
}

/// Standard output, which names itself where it cannot be written.
#[derive(Debug)]
pub(super) struct Stdout(io::Stdout);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(unwritten("standard output"))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(unwritten("standard output"))
    }
}

/// What is said of a stream that cannot be written; of the same kind as the error.
pub(super) fn unwritten(stream: &str) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("cannot write to {stream}: {error}"))
}

/// Whoever reads a stream may have read enough (`| head`): that is not an error.
pub(super) fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Whether a command ended because nobody reads on.
pub(super) fn is_closed(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// How a character is written that must not reach the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    Text,
    Json,
}

/// A stream that may be a terminal; whole characters are written to it.
#[derive(Debug)]
pub(super) struct Terminal<W> {
    stream: W,
    notation: Notation,
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(stream: W) -> Self {
        let notation = Notation::Text;
        Self { stream, notation }
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.iter().all(|byte| is_plain(*byte)) {
            return self.stream.write(bytes);
        }
        let mut shown = String::with_capacity(bytes.len() + 16);
        for chunk in bytes.utf8_chunks() {
            show(&mut shown, chunk.valid(), self.notation);
            for byte in chunk.invalid() {
                // Writing to a string does not fail.
                _ = write!(shown, "\\x{byte:02x}");
            }
        }
        self.stream.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

/// A text as a terminal may have it, of any number of lines.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    show(&mut shown, text, Notation::Text);
    shown
}

/// The same within one line: newlines and tabs are written, too.
pub(super) fn on_one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() || is_unsafe(char) {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    shown
}

fn show(shown: &mut String, text: &str, notation: Notation) {
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let ends_line = char == '\r' && chars.peek() == Some(&'\n');
        if !is_unsafe(char) || ends_line {
            shown.push(char);
            continue;
        }
        _ = match notation {
            Notation::Text => write!(shown, "\\u{{{:x}}}", u32::from(char)),
            Notation::Json => json(shown, char),
        };
    }
}

fn json(shown: &mut String, char: char) -> fmt::Result {
    let units = char.encode_utf16(&mut [0; 2]).to_vec();
    units
        .iter()
        .try_for_each(|unit| write!(shown, "\\u{unit:04x}"))
}

/// Whether a character steers the terminal, or hides or reorders what is beside it.
fn is_unsafe(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        // Marks and overrides of the direction of writing.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        // Without width: two names that differ would look alike.
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {
            true
        }
        // Ends of lines to some, annotations, tags.
        '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        char => char.is_control(),
    }
}

/// A panic is a fault of rr-dap, but what it tells may be the recording's.
pub(super) fn show_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let trace = std::backtrace::Backtrace::capture();
        tell(format_args!("rr-dap: thread `{name}` {panic}"));
        match trace.status() {
            std::backtrace::BacktraceStatus::Captured => tell(trace),
            _ => tell(
                "this is a fault of rr-dap; with RUST_BACKTRACE=1 it tells more for a report of it",
            ),
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(terminal: impl Fn(Vec<u8>) -> Terminal<Vec<u8>>, bytes: &[u8]) -> String {
        let mut terminal = terminal(Vec::new());
        terminal.write_all(bytes).unwrap();
        String::from_utf8(terminal.stream).unwrap()
    }

    #[test]
    fn what_steers_or_disguises_is_written_out() {
        for (text, shown) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("Grüße, 世界 🎉", "Grüße, 世界 🎉"),
            ("\u{1b}[2J\u{7}\r", "\\u{1b}[2J\\u{7}\\u{d}"),
            ("of DOS\r\n", "of DOS\r\n"),
            ("\u{7f}\u{9b}0m", "\\u{7f}\\u{9b}0m"),
            ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
            ("\u{e0041}\u{feff}", "\\u{e0041}\\u{feff}"),
        ] {
            assert_eq!(visible(text), shown);
            assert_eq!(written(Terminal::new, text.as_bytes()), shown);
        }
        assert_eq!(on_one_line("a\nb\u{1b}\u{202e}"), "a\\nb\\u{1b}\\u{202e}");
        assert_eq!(written(Terminal::new, b"\x9b2J\xff"), "\\x9b2J\\xff");
    }

    #[test]
    fn json_says_the_same_when_it_is_read() {
        let text = "\u{1b}[2J \u{202e} \u{e0041} \u{9b} é";
        let json = serde_json::json!({ "name": text }).to_string();
        let terminal = |stream| Terminal {
            stream,
            notation: Notation::Json,
        };
        let shown = written(terminal, json.as_bytes());
        assert!(!shown.chars().any(is_unsafe), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["name"], text);
    }
}
