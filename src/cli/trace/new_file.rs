//! A file that is made of recordings: all of it is written, or nothing.

use crate::record::RecorderError;
use anyhow::{Context, bail};
use clap::Args;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct NewFile {
    /// Where to write the new recording.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite it if it exists.
    #[arg(long)]
    force: bool,
}

/// A file that is being written: it has its name when it is kept, and is gone if it is not.
pub(super) struct Unnamed<'a> {
    file: BufWriter<tempfile::NamedTempFile>,
    to: &'a NewFile,
}

impl NewFile {
    pub(super) fn at(output: PathBuf, force: bool) -> NewFile {
        NewFile { output, force }
    }

    /// Its owner's alone (mode 0600).
    pub(super) fn begin(&self) -> anyhow::Result<Unnamed<'_>> {
        let path = &self.output;
        match path.symlink_metadata() {
            Ok(_) if !self.force => return Err(RecorderError::exists(path).into()),
            Ok(there) if !there.is_file() => {
                bail!(
                    "{} is not a regular file: give another name with -o",
                    path.display()
                )
            }
            _ => {}
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let file = tempfile::NamedTempFile::new_in(directory);
        let file = file.with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Unnamed {
            file: BufWriter::new(file),
            to: self,
        })
    }
}

impl Unnamed<'_> {
    /// Where it is until it is kept.
    pub(super) fn path(&self) -> &Path {
        self.file.get_ref().path()
    }

    pub(super) fn keep(self) -> anyhow::Result<()> {
        let path = &self.to.output;
        let cannot = || format!("cannot write {}", path.display());
        let file = self.file.into_inner().map_err(|e| e.into_error());
        let file = file.with_context(cannot)?;
        let kept = match self.to.force {
            true => file.persist(path),
            // Somebody may have been quicker.
            false => file.persist_noclobber(path),
        };
        let _: File = kept.map_err(|error| error.error).with_context(cannot)?;
        Ok(())
    }
}

impl Write for Unnamed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
