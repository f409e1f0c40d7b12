//! A recording that is held until it is decided whether it is kept: in memory, as long as it
//! is small.

use crate::trace::private;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many bytes are held in memory.
const MOST_IN_MEMORY: usize = 4 << 20;

/// Its bytes. Clones are the same recording.
#[derive(Clone)]
pub(super) struct Held(Arc<Mutex<Holding>>);

struct Holding {
    memory: Vec<u8>,
    /// Where there were too many, in a file without a name.
    file: Option<File>,
    directory: PathBuf,
}

impl Held {
    /// Nothing yet; what does not fit in memory goes into this directory.
    pub(super) fn in_directory(directory: &Path) -> Held {
        Held(Arc::new(Mutex::new(Holding {
            memory: Vec::new(),
            file: None,
            directory: directory.to_owned(),
        })))
    }

    /// Makes a file of it, with a name that is new; answers its length in bytes.
    pub(super) fn keep(&self, path: &Path) -> io::Result<u64> {
        let mut holding = self.0.lock();
        let mut kept = private::create_new(path)?;
        let written = match &mut holding.file {
            None => kept
                .write_all(&holding.memory)
                .map(|()| holding.memory.len() as u64),
            Some(file) => file
                .seek(SeekFrom::Start(0))
                .and_then(|_| io::copy(file, &mut kept)),
        };
        written.inspect_err(|_| _ = std::fs::remove_file(path))
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut holding = self.0.lock();
        if holding.file.is_none() && holding.memory.len() + bytes.len() > MOST_IN_MEMORY {
            let mut file = tempfile::tempfile_in(&holding.directory)?;
            file.write_all(&holding.memory)?;
            holding.memory = Vec::new();
            holding.file = Some(file);
        }
        match &mut holding.file {
            Some(file) => file.write_all(bytes)?,
            None => holding.memory.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
