//! The recordings that a command goes through, one after the other: files, and directories of
//! them.

use super::recording_file::RecordingFile;
use super::terminal::{on_one_line, tell};
use anyhow::{Context, bail};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Directories within directories: deeper ones are not looked into.
const DEEPEST: usize = 32;

#[derive(Debug, Args)]
pub(super) struct Recordings {
    /// Where the programs are that recordings name without holding them: their files, or a
    /// directory that they are in. May be repeated. Without this, beside each recording.
    #[arg(long = "program", value_name = "FILE|DIR")]
    programs: Vec<PathBuf>,
    /// Recordings, and directories: then all recordings (*.rrtrace) in them, by name.
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
}

/// One of them.
pub(super) struct Listed {
    /// Of one in a directory that was given, its path within that; else as it was given.
    pub(super) name: String,
    pub(super) file: RecordingFile,
}

/// Why a recording was not gone through to its end.
pub(super) enum Failed {
    /// It is damaged, its program is missing, or it has not what is asked for.
    Recording(anyhow::Error),
    /// What is found cannot be told any more.
    Output(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Output(error)
    }
}

impl Recordings {
    pub(super) fn new(paths: Vec<PathBuf>, programs: Vec<PathBuf>) -> Recordings {
        Recordings { programs, paths }
    }

    /// Whether there may be several: then each is named.
    pub(super) fn are_many(&self) -> bool {
        self.paths.len() > 1 || self.paths.iter().any(|path| path.is_dir())
    }

    fn list(&self) -> anyhow::Result<Vec<Listed>> {
        let listed = |name: &Path, file: PathBuf| Listed {
            name: name.display().to_string(),
            file: RecordingFile::new(file, self.programs.clone()),
        };
        let mut all = Vec::new();
        for path in &self.paths {
            if !path.is_dir() {
                all.push(listed(path, path.clone()));
                continue;
            }
            let mut found = Vec::new();
            collect(path, DEEPEST, &mut found)?;
            if found.is_empty() {
                bail!("there are no recordings (*.rrtrace) in {}", path.display());
            }
            found.sort();
            let found = found.into_iter();
            all.extend(
                found.map(|file| listed(file.strip_prefix(path).unwrap_or(&file), file.clone())),
            );
        }
        Ok(all)
    }

    /// Goes through them. Where there are several, what is wrong with one is told in a line,
    /// and the next one's turn comes; in the end, the exit code says so.
    ///
    /// # Errors
    ///
    /// If there is only one and something is wrong with it; if none is found; if what `each`
    /// writes cannot be written.
    pub(super) fn each(
        &self,
        mut each: impl FnMut(&Listed) -> Result<(), Failed>,
    ) -> anyhow::Result<ExitCode> {
        let are_many = self.are_many();
        let mut code = ExitCode::SUCCESS;
        for listed in self.list()? {
            match each(&listed) {
                Ok(()) => {}
                Err(Failed::Output(error)) => return Err(error.into()),
                Err(Failed::Recording(error)) if are_many => {
                    code = ExitCode::FAILURE;
                    listed.complain(&super::told(&error));
                }
                Err(Failed::Recording(error)) => return Err(error),
            }
        }
        Ok(code)
    }
}

impl Listed {
    /// Tells in a line what is wrong with it.
    pub(super) fn complain(&self, what: &str) {
        let path = self.file.path().display().to_string();
        let named = match what.contains(&path) {
            true => what.to_owned(),
            false => format!("{path}: {what}"),
        };
        tell(format_args!("rr-dap: {}", on_one_line(&named)));
    }
}

/// The recordings in a directory. Links to directories are not followed: they may lead in a
/// circle.
fn collect(directory: &Path, deepest: usize, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let failed = || format!("cannot read {}", directory.display());
    for entry in std::fs::read_dir(directory).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if deepest > 0 {
                collect(&path, deepest - 1, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rrtrace")
        {
            found.push(path);
        }
    }
    Ok(())
}
