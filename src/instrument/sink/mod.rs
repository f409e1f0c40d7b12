//! A component that records itself with nothing but WASI: the instrumented
//! component and a sink, another component, joined into one that needs nothing more
//! of its host than the original and a few interfaces of WASI 0.2.

mod compose;

use crate::component::Component;
use crate::instrument::record::{Commit, Options, RecordError, Seed, instrument_with};
use crate::trace::{HeldProgram, Metadata, RecordsError};
use std::fmt::Write as _;
use std::sync::Arc;

/// What the sink makes of the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// A file in a directory that the host has opened for the guest: at this path
    /// as the guest sees it, or `PROGRAM.rrtrace` in the first directory in which a
    /// file can be made. Where there is such a file already, the name gets 16 random
    /// digits: each run makes a new file.
    File {
        /// With or without `.rrtrace`; `None` for the program's name.
        path: Option<String>,
    },
    /// Lines of text on standard error, `rr:trace:…`.
    Stderr,
}

/// Why a component could not be made to record itself.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The crossings cannot be wrapped.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The beginning of the recording, which the sink carries along, cannot be made.
    #[error(transparent)]
    Beginning(#[from] RecordsError),
    /// [`Sink::File`]'s path, or the program's name in its stead; `.rrtrace` does not count.
    #[error("the path of the recording is longer than 700 bytes")]
    LongPath,
    /// The two could not be put into one component: what was met, in words.
    #[error("the component cannot be joined with the sink: {0}")]
    Compose(String),
    /// What the validator says of the result.
    #[error("the joined component is not valid ({0}); this is a fault of rr-dap")]
    Produced(wasmparser::BinaryReaderError),
}

/// Rewrites a component so that it records itself into a sink of its own. It exports
/// what it exported, and runs on any host that has WASI 0.2.
///
/// The sink cannot read what a recorder has not committed when the guest traps:
/// [`Commit::EachHostcall`] leaves nothing that replay would need. If the sink cannot
/// write, it says why on standard error, and the run ends with a trap.
///
/// # Errors
///
/// If the binary has a construct that the rewrite does not know.
pub fn instrument_into(
    component: &Arc<Component>,
    sink: &Sink,
    commit: Commit,
    metadata: &Metadata,
) -> Result<Vec<u8>, SinkError> {
    let program = HeldProgram::whole(component).map_err(RecordsError::Write)?;
    instrument_into_with(component, sink, commit, &program, metadata)
}

/// The same, with the indices of handles shuffled and reads made short if `metadata` has seeds for that; `program` tells whether its recordings hold the component, which the one that is
/// made then holds, too, or name it.
///
/// # Errors
///
/// As for [`instrument_into`].
pub fn instrument_into_with(
    component: &Arc<Component>,
    sink: &Sink,
    commit: Commit,
    program: &HeldProgram,
    metadata: &Metadata,
) -> Result<Vec<u8>, SinkError> {
    let options = Options {
        commit,
        shares_buffer: false,
        hashes_from: 1,
        handles: metadata.handles.map(Seed::Is),
        chaos: metadata.chaos.map(Seed::Is),
    };
    let app = instrument_with(component, options)?;
    let beginning = crate::trace::prologue_with(component.clone(), program, metadata)?;
    let program = &metadata.program;
    let text = sink_text(sink, program, &beginning, &unused_version(&app))?;
    let sink = wat::parse_str(&text)
        .map_err(|e| SinkError::Compose(format!("the sink is malformed: {e}")))?;
    let joined = compose::compose(&sink, &app)?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&joined.component)
        .map_err(|error| match joined.exported_type {
            Some(name) => SinkError::Compose(format!(
                "it exports the type `{name}` by itself; put it into an interface"
            )),
            None => SinkError::Produced(error),
        })?;
    Ok(joined.component)
}

/// The sink imports the same interfaces as the app may, and one component cannot
/// import one name twice: it takes a version that the app does not name. Hosts give
/// all of 0.2 the same.
fn unused_version(app: &[u8]) -> String {
    let named = |version: &str| {
        let at = format!("@{version}");
        app.windows(at.len()).any(|bytes| bytes == at.as_bytes())
    };
    (0..)
        .map(|patch| format!("0.2.{patch}"))
        .find(|version| !named(version))
        .unwrap_or_default()
}

const SUFFIX: &str = ".rrtrace";
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Where names and messages begin in the sink's memory, and where they must end.
const STRINGS: usize = 2048;
const STRINGS_END: usize = 4096;
const LONGEST_PATH: usize = 700;

fn sink_text(
    sink: &Sink,
    program: &str,
    beginning: &[u8],
    version: &str,
) -> Result<String, SinkError> {
    let (parts, path) = match sink {
        Sink::File { path } => (include_str!("file.wat"), path.as_deref()),
        Sink::Stderr => (include_str!("stderr.wat"), None),
    };
    let default = program.rsplit_once('.').map_or(program, |(stem, _)| stem);
    let stem = path.map_or(default, |path| path.strip_suffix(SUFFIX).unwrap_or(path));
    if stem.len() > LONGEST_PATH {
        return Err(SinkError::LongPath);
    }
    let mut text = include_str!("sink.wat").to_owned();
    for name in ["IMPORTS", "LOWERS", "CODE-IMPORTS", "OUTPUT", "WITH"] {
        let slot = format!("\n{}{name}", indent(&text, name));
        text = text.replace(&slot, &format!("\n{}", part(parts, name)));
    }
    let mut strings = Strings::default();
    for (name, bytes) in [
        ("STEM", stem),
        ("SUFFIX", SUFFIX),
        ("ALPHABET", ALPHABET),
        ("MARKER", "rr:trace:"),
        ("BEGAN", "{\"note\":\"began\",\"of\":\""),
        (
            "NO-DIRECTORY",
            "rr-dap: there is no directory to record into; give the program one (wasmtime run --dir)\n",
        ),
        (
            "CANNOT-WRITE",
            "rr-dap: the recording cannot be written (is the disk full?), so the program ends here; what was written replays\n",
        ),
        (
            "TOO-LARGE",
            "rr-dap: a hostcall answered more than 64 MiB, which this recording cannot hold\n",
        ),
    ] {
        strings.add(name, bytes.as_bytes());
    }
    let length = ("PREFIX-LENGTH".to_owned(), beginning.len().to_string());
    for (name, value) in strings.names.into_iter().chain([length]) {
        text = text.replace(
            &format!("(i32.const {name})"),
            &format!("(i32.const {value})"),
        );
    }
    // Last what others chose: nothing in it is replaced.
    Ok(text
        .replace("VERSION", version)
        .replace("STRINGS", &strings.data)
        .replace("PREFIX", &quoted(beginning)))
}

/// The white space before a slot.
fn indent(text: &str, name: &str) -> &'static str {
    match text.contains(&format!("\n      {name}")) {
        true => "      ",
        false if text.contains(&format!("\n    {name}")) => "    ",
        false => "  ",
    }
}

/// The part of a sink's text under `;; NAME`.
fn part<'a>(parts: &'a str, name: &str) -> &'a str {
    let head = format!("\n;; {name}");
    let Some((_, rest)) = parts.split_once(&head) else {
        return "";
    };
    rest.split_once("\n;; ").map_or(rest, |(part, _)| part)
}

/// The strings of the sink's memory.
#[derive(Default)]
struct Strings {
    length: usize,
    data: String,
    /// What stands for each string's address and length.
    names: Vec<(String, String)>,
}

impl Strings {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        let at = STRINGS + self.length;
        self.length += bytes.len();
        debug_assert!(STRINGS + self.length <= STRINGS_END);
        _ = writeln!(self.data, "(data (i32.const {at}) {})", quoted(bytes));
        self.names.push((name.to_owned(), at.to_string()));
        self.names
            .push((format!("{name}-LENGTH"), bytes.len().to_string()));
    }
}

/// Bytes as a string of the text format.
fn quoted(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 3 + 2);
    text.push('"');
    for byte in bytes {
        text.push('\\');
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.push('"');
    text
}
