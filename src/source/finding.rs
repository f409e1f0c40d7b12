//! Where on this machine a source is that was compiled elsewhere: in the folders of the
//! recording, of the program, of who debugs, at the longest end of its path that exists there.

use super::digest::md5;
use super::host_file::{self, Within, is_named_as_source};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// More than paths have.
const MOST_PARTS: usize = 64;
/// What is larger is not compared.
const LARGEST: u64 = 32 << 20;
/// Nor is more than this in all.
const MOST: u64 = 256 << 20;

/// What debug information tells of a source's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its digest by MD5.
    pub digest: Option<[u8; 16]>,
    /// It has at least so many lines.
    pub lines: u32,
}

impl Known {
    /// Whether this may be the text: surely, where there is a digest.
    pub fn is(&self, text: &[u8]) -> bool {
        match self.digest {
            Some(digest) => md5(text) == digest || md5(&without_returns(text)) == digest,
            None => {
                let breaks = text.iter().filter(|byte| **byte == b'\n').count();
                breaks as u64 + 1 >= u64::from(self.lines)
            }
        }
    }
}

/// The text as it is on systems where lines end in one byte: what version control has changed
/// is the same source.
fn without_returns(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    for (index, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(index + 1) != Some(&b'\n') {
            kept.push(*byte);
        }
    }
    kept
}

/// Folders in which sources are looked for.
#[derive(Debug)]
pub struct Folders {
    folders: Vec<PathBuf>,
    /// What may still be read to compare texts: a recording may name one file in many ways.
    left: AtomicU64,
}

impl Folders {
    /// These, in this order.
    pub fn new(folders: impl IntoIterator<Item = PathBuf>) -> Folders {
        let mut known: Vec<PathBuf> = Vec::new();
        for folder in folders {
            let folder = match folder.as_os_str().is_empty() {
                true => PathBuf::from("."),
                false => folder,
            };
            let folder = std::path::absolute(&folder).unwrap_or(folder);
            if folder.is_dir() && !known.contains(&folder) {
                known.push(folder);
            }
        }
        Folders {
            folders: known,
            left: AtomicU64::new(MOST),
        }
    }

    /// Whether the file at a path is of this text; `None` if it cannot be read, is not a
    /// source, or too much has been read before.
    pub fn is_file_of(&self, known: &Known, path: &Path) -> Option<bool> {
        if !is_named_as_source(path) || !self.may_read(path) {
            return None;
        }
        let text = host_file::read(path, Within::Anywhere, LARGEST).ok()?;
        Some(known.is(&text))
    }

    /// Whether a file may still be read to be compared, which counts as done.
    pub fn may_read(&self, path: &Path) -> bool {
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        let spent = |left: u64| left.checked_sub(length.max(1));
        let spent = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
        spent.is_ok()
    }

    /// The file in one of the folders that has the longest end of a source's path, and its
    /// text as far as that is known. Nothing beyond the folders is opened, whatever links say.
    pub fn find(&self, path: &str, known: &Known) -> Option<PathBuf> {
        if !is_named_as_source(Path::new(path)) {
            return None;
        }
        let parts: Vec<&str> = path
            .split(['/', '\\'])
            .filter(|part| !part.is_empty() && !matches!(*part, "." | ".."))
            .filter(|part| !part.ends_with(':'))
            .collect();
        let first = parts.len().saturating_sub(MOST_PARTS);
        for start in first..parts.len() {
            let end: PathBuf = parts.get(start..)?.iter().collect();
            for folder in &self.folders {
                let file = folder.join(&end);
                let is_there = file.metadata().is_ok_and(|metadata| metadata.is_file());
                if is_there && self.is_text_of(&file, known) {
                    return Some(file);
                }
            }
        }
        None
    }

    fn is_text_of(&self, file: &Path, known: &Known) -> bool {
        if !self.may_read(file) {
            return false;
        }
        let read = host_file::read(file, Within::Folders(&self.folders), LARGEST);
        read.is_ok_and(|text| !text.contains(&0) && known.is(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_longest_end_that_is_the_text_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::create_dir_all(one.join("src/geo")).unwrap();
        fs::create_dir_all(&two).unwrap();
        fs::write(one.join("main.c"), "x\n").unwrap();
        fs::write(one.join("src/geo/main.c"), "a\nb\nc\n").unwrap();
        fs::write(two.join("main.c"), "q\n").unwrap();
        fs::write(dir.path().join("outside.c"), "o\n").unwrap();
        std::os::unix::fs::symlink(dir.path().join("outside.c"), one.join("outside.c")).unwrap();
        let folders = Folders::new([two.clone(), one.clone(), dir.path().join("none")]);
        let any = Known::default();
        let found = |path: &str, known: &Known| folders.find(path, known);
        let deep = one.join("src/geo/main.c");
        assert_eq!(found("/build/src/geo/main.c", &any), Some(deep.clone()));
        assert_eq!(found("C:\\build\\src\\geo\\main.c", &any), Some(deep));
        assert_eq!(found("/build/main.c", &any), Some(two.join("main.c")));
        let known = |text: &str| Known {
            digest: Some(md5(text.as_bytes())),
            lines: 1,
        };
        assert_eq!(
            found("/build/main.c", &known("x\n")),
            Some(one.join("main.c"))
        );
        assert_eq!(found("/build/main.c", &known("other")), None);
        let longer = Known {
            digest: None,
            lines: 4,
        };
        assert!(found("/build/src/geo/main.c", &longer).is_some());
        let longer = Known {
            digest: None,
            lines: 9,
        };
        assert_eq!(found("/build/src/geo/main.c", &longer), None);
        // Not beyond the folders, and nothing that is not named as a source.
        assert_eq!(found("/build/outside.c", &any), None);
        assert_eq!(found("/build/../../outside.c", &any), None);
        fs::write(one.join("secret"), "s").unwrap();
        assert_eq!(found("/build/secret", &any), None);
    }
}
