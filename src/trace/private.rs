//! Files that hold what a guest has seen are their owner's alone (mode 0600), whatever the
//! umask says. A file that is there already keeps the mode that somebody gave it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// A new file, to be read and written.
///
/// # Errors
///
/// If there is such a file, or it cannot be made.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// A file to be written anew.
///
/// # Errors
///
/// If it can neither be made nor opened.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    // Written only: what is there already may be a pipe.
    options().read(false).create(true).truncate(true).open(path)
}

/// A directory (mode 0700), with those that it is in; one that is there already will do.
///
/// # Errors
///
/// If it cannot be made, or is something else.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Puts a file of these bytes in place of any that is there: others see the one or the other.
///
/// # Errors
///
/// If it cannot be written.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
