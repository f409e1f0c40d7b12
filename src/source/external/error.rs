//! Why a file is not debug information of a component.

use std::path::PathBuf;

/// Why a file is not debug information of a component.
#[derive(Debug, thiserror::Error)]
pub enum ExternalError {
    /// The file cannot be opened or read.
    #[error("cannot read the debug file {path}: {source}")]
    Read {
        /// The debug file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not read: that might never end, or offsets would not fit in 32 bits.
    #[error("the debug file {path} is {what}, not a regular file of at most 4 GiB")]
    NoFile {
        /// The debug file.
        path: PathBuf,
        /// `a directory`, `a device`, or `larger` than 4 GiB.
        what: &'static str,
    },
    /// Only what a person names may be anywhere.
    #[error(
        "the debug file {path} is outside of the folders of the recording and of the component, \
         where what a recording refers to may be: if it is to be read, name it with \
         `debugFiles` or --debug-file"
    )]
    Outside {
        /// The debug file.
        path: PathBuf,
    },
    /// It begins as WebAssembly, but its sections cannot be walked.
    #[error(
        "the debug file {path} is damaged ({message}); it may be cut short: copy or build it again"
    )]
    Damaged {
        /// The debug file.
        path: PathBuf,
        /// What the parser says, with the byte offset.
        message: String,
    },
    /// It begins as JSON, but is not a source map.
    #[error("{path} is not a source map that can be read: {message}")]
    NoSourceMap {
        /// The debug file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// It begins neither as WebAssembly nor as JSON.
    #[error(
        "{path} is neither WebAssembly (a debug build, a .dwo, a .dwp) nor a source map in JSON"
    )]
    Unknown {
        /// The debug file.
        path: PathBuf,
    },
    /// None of its core modules has a `.debug_*` or a name section.
    #[error("the debug file {path} has no debug information: no `.debug_*` sections and no names")]
    Empty {
        /// The debug file.
        path: PathBuf,
    },
    /// It is of another build, or has nothing that a module of the component lacks.
    #[error("the debug file {path} does not fit {program}: {why}")]
    DoesNotFit {
        /// The debug file.
        path: PathBuf,
        /// [`Search::program`].
        program: String,
        /// What the file has and what the modules have, in words.
        why: String,
    },
}
