//! Why a trace cannot be read.

use super::format::VERSION;
use crate::component::{Differs, ParseError};
use std::io;
use std::path::PathBuf;

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The recording.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It neither begins as a recording does nor has lines of one.
    #[error("{path} is not a recording of rr-dap; {}", of_program(path))]
    NotATrace {
        /// The file that was to be opened.
        path: PathBuf,
    },
    /// It is a log (see [`log_line`](super::log_line)) that no recording can be made of.
    #[error("{path} is a log with lines of a recording, but {what}")]
    Log {
        /// The log.
        path: PathBuf,
        /// It holds two recordings, or lines of the beginning are missing: in words.
        what: String,
    },
    /// It begins as a recording does, in another version of the format.
    #[error(
        "{path} has format version {found}, this rr-dap reads up to version {VERSION}; \
         use the rr-dap that recorded it, or record anew"
    )]
    Version {
        /// The recording.
        path: PathBuf,
        /// The version in its header.
        found: u32,
    },
    /// A section's checksum, size or content is wrong, or sections are out of order.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The recording.
        path: PathBuf,
        /// At the section or right after it, in bytes of the recording; in a log, of what it holds.
        offset: u64,
        /// What is wrong there, in words.
        what: String,
    },
    /// It was whole when it was opened, and something has made it shorter since.
    #[error(
        "{path} was cut off while it was open, from {was} to {now} bytes: \
         get the whole recording again, and open that"
    )]
    Cut {
        /// The recording.
        path: PathBuf,
        /// Its size in bytes when it was opened.
        was: u64,
        /// Its size now.
        now: u64,
    },
    /// Something has been written over it since it was opened.
    #[error("{path} was overwritten while it was open: open it again, to debug what it is now")]
    Overwritten {
        /// The recording.
        path: PathBuf,
    },
    /// It ends before the section of the component does.
    #[error("{path} was cut off before the component was complete; nothing of it can be replayed")]
    NoComponent {
        /// The recording.
        path: PathBuf,
    },
    /// It names its program by a hash, and that is nowhere.
    #[error(
        "the program of {path} is not in it, and not in {}; say where it is with --program, \
         or as `programs` to an editor: a file, or a directory with {sha256}.wasm", .searched.join(", ")
    )]
    ProgramMissing {
        /// The recording.
        path: PathBuf,
        /// The program's SHA-256, in hexadecimal.
        sha256: String,
        /// Where it was looked for.
        searched: Vec<String>,
    },
    /// The component in it is read, but cannot be parsed.
    #[error("the component in {path}: {source}")]
    Component {
        /// The recording.
        path: PathBuf,
        /// Why not.
        source: ParseError,
    },
    /// [`Trace::with_component`](super::Trace::with_component) was given a component with other code.
    #[error("{path} recorded another program: {source}")]
    OtherComponent {
        /// The recording.
        path: PathBuf,
        /// What differs.
        source: Differs,
    },
    /// The recording has no end, and the file beside it should have the rest.
    #[error(
        "{path} holds what was recorded last, but cannot be read: {what}; \
         without it the recording ends earlier"
    )]
    Tail {
        /// That file, `NAME.rrtrace.tail`.
        path: PathBuf,
        /// What is wrong with it, in words.
        what: String,
    },
}

/// What to do with what was taken for a recording: a program, its source, or anything.
fn of_program(path: &std::path::Path) -> String {
    let record = "record one with `rr-dap record`";
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("wasm" | "wat") => format!(
            "{record} ({0} is a program by its name: `rr-dap debug {0}` does both)",
            path.display()
        ),
        Some("c" | "cc" | "cpp" | "cxx" | "h" | "hpp" | "rs" | "zig" | "go") => {
            "it is a source by its name: compile it to wasm with debug information (`-g`), and \
             `rr-dap debug FILE.wasm` records and debugs that"
                .to_owned()
        }
        _ => record.to_owned(),
    }
}
