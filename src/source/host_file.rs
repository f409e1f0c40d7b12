//! Files of the host that debug information names. It may be anybody's, so it must not
//! choose what is opened: all that is read on its behalf is read here.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
pub enum HostFileError {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// Reading it might never end.
    #[error("it is {0}, not a regular file")]
    Irregular(&'static str),
    /// It is not read as a whole.
    #[error("it is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// Links and `..` are followed before this is decided.
    #[error("it is outside of the folders where such files may be")]
    Outside,
    /// Debug information may name any file as a source: what does not look like one stays
    /// unread.
    #[error(
        "its name is not that of a source file; if it is one, a copy with the extension of its \
         language can be shown: `sourceMap` says where that is"
    )]
    NotASource,
    /// It has a source's name, but bytes that no text has.
    #[error("it is not text")]
    NotText,
}

/// Where a file may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within<'a> {
    /// Anywhere: a person has named it.
    Anywhere,
    /// Somewhere beneath one of these.
    Folders(&'a [PathBuf]),
}

impl Within<'_> {
    /// Whether a file is where it may be, as far as its path tells now.
    pub(super) fn holds(self, path: &Path) -> bool {
        match self {
            Within::Anywhere => true,
            Within::Folders(_) => path.canonicalize().is_ok_and(|real| self.holds_real(&real)),
        }
    }

    /// The same of a path without links.
    fn holds_real(self, real: &Path) -> bool {
        match self {
            Within::Anywhere => true,
            Within::Folders(folders) => folders.iter().any(|folder| {
                // A file with no folder before its name is in the current one.
                let named = match folder.as_os_str().is_empty() {
                    true => Path::new("."),
                    false => folder,
                };
                named
                    .canonicalize()
                    .is_ok_and(|folder| real.starts_with(folder))
            }),
        }
    }
}

/// Reads a regular file of at most `limit` bytes.
pub(super) fn read(path: &Path, within: Within<'_>, limit: u64) -> Result<Vec<u8>, HostFileError> {
    // Opening some devices does something, so what is known to be one is left alone; what
    // has become one since then does not block, and is told by the open file.
    check_kind(&path.metadata()?)?;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let metadata = file.metadata()?;
    check_kind(&metadata)?;
    let real = real_path(&file, path)?;
    if is_of_the_system(&real) {
        return Err(HostFileError::Irregular("one of the system's own files"));
    }
    if !within.holds_real(&real) {
        return Err(HostFileError::Outside);
    }
    if metadata.len() > limit {
        return Err(HostFileError::TooLarge { limit });
    }
    // Files of the kernel say that they are empty, and some of them never end.
    let mut bytes = Vec::new();
    file.take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn check_kind(metadata: &std::fs::Metadata) -> Result<(), HostFileError> {
    match metadata {
        _ if metadata.is_dir() => Err(HostFileError::Irregular("a directory")),
        _ if !metadata.is_file() => Err(HostFileError::Irregular("a device")),
        _ => Ok(()),
    }
}

/// What is in these folders says that it is a regular file and is none: it is made when it is
/// read, tells of this process and of the machine, or does something.
fn is_of_the_system(real: &Path) -> bool {
    const FOLDERS: [&str; 3] = ["/proc", "/sys", "/dev"];
    // Plain memory, where people may well build.
    const MEMORY: &str = "/dev/shm";
    FOLDERS.iter().any(|folder| real.starts_with(folder)) && !real.starts_with(MEMORY)
}

/// Where an open file is: asked of the file itself, as the path may lead elsewhere by now.
fn real_path(file: &File, path: &Path) -> io::Result<PathBuf> {
    let of_file = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    of_file.or_else(|_| path.canonicalize())
}

/// The text of a source on this machine that debug information names.
///
/// # Errors
///
/// If it cannot be read, is not a regular file of at most 32 MiB, is not text, or is not
/// named as sources are: with the extension of a language, or, as headers of C++ have
/// none, in a folder `include`.
pub fn source_text(path: &Path) -> Result<String, HostFileError> {
    // Amalgamated sources have some ten megabytes.
    const LARGEST: u64 = 32 << 20;
    if !is_named_as_source(path) {
        // What is not there, or is not a file at all, is told first.
        check_kind(&path.metadata()?)?;
        return Err(HostFileError::NotASource);
    }
    let bytes = read(path, Within::Anywhere, LARGEST)?;
    if bytes.contains(&0) {
        return Err(HostFileError::NotText);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Extensions of sources, in lower case.
const EXTENSIONS: &str = " adb ads as asm bas c c++ c3 cc cjs clj cljs cob cpp cppm cr cs cts cu cxx d dart \
     def elm erl ex exs f f03 f08 f77 f90 f95 fs fsx gleam go gr h h++ hh hpp hs hx hxx i ii ixx \
     inc inl ipp java jl js jsx kt kts lisp ll lua m mbt mjs ml mli mm mts nim odin p pas php \
     pl pony pp ps py rb re res rkt roc rs s sc scala scm sml st sv swift tcc tpp ts tsx v vala \
     vb wat wast wit witx y zig ";

pub(super) fn is_named_as_source(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => {
            let extension = extension.to_ascii_lowercase();
            !extension.is_empty() && EXTENSIONS.split(' ').any(|known| known == extension)
        }
        None => {
            let mut folders = path.components().rev().skip(1);
            folders.any(|folder| folder.as_os_str() == "include")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_named_as_source;
    use std::path::Path;

    #[test]
    fn sources_are_told_by_their_names() {
        for (path, is_source) in [
            ("/src/main.rs", true),
            ("/src/a.C", true),
            ("/usr/include/c++/v1/vector", true),
            ("include", false),
            ("/etc/passwd", false),
            ("/home/me/.ssh/id_ed25519", false),
            ("/home/me/.env", false),
            ("/home/me/notes.", false),
            ("/etc/shadow.bak", false),
            ("/home/me/key.pem", false),
        ] {
            assert_eq!(is_named_as_source(Path::new(path)), is_source, "{path}");
        }
    }
}
