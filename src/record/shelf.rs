//! The recordings of a service in its directory: how many there may be, and which go first.

use super::keep::Verdict;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In bytes.
    pub size: u64,
    /// How many recordings.
    pub files: usize,
}

impl Default for Room {
    /// As much as there is.
    fn default() -> Self {
        Room {
            size: u64::MAX,
            files: usize::MAX,
        }
    }
}

/// What is kept, oldest first.
pub(super) struct Shelf {
    room: Room,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Of what failed; these go last.
    failed: VecDeque<File>,
    others: VecDeque<File>,
    /// What is kept as long as it is among the last.
    last: VecDeque<File>,
    size: u64,
}

struct File {
    path: PathBuf,
    size: u64,
}

impl Shelf {
    /// With the recordings that are there already.
    pub(super) fn of(directory: &Path, room: Room) -> Shelf {
        let mut kept = Kept::default();
        let entries = std::fs::read_dir(directory);
        let mut found: Vec<File> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let path = entry.path();
                let is_recording = path.extension().is_some_and(|e| e == "rrtrace");
                let size = entry.metadata().ok()?.len();
                is_recording.then_some(File { path, size })
            })
            .collect();
        // Their names begin with the time.
        found.sort_by(|a, b| a.path.cmp(&b.path));
        kept.size = found.iter().map(|file| file.size).sum();
        kept.others = found.into();
        Shelf {
            room,
            kept: Mutex::new(kept),
        }
    }

    /// Takes in a recording, and removes what there is no room for any more.
    pub(super) fn put(&self, path: PathBuf, size: u64, verdict: Verdict) {
        let mut kept = self.kept.lock();
        kept.size += size;
        let file = File { path, size };
        match verdict {
            Verdict::Kept { failed: true } => kept.failed.push_back(file),
            Verdict::Kept { failed: false } => kept.others.push_back(file),
            Verdict::AmongTheLast(most) => {
                kept.last.push_back(file);
                while kept.last.len() > most {
                    kept.drop_oldest_of(|kept| &mut kept.last);
                }
            }
            // It has not been written, or is removed by who wrote it.
            Verdict::Dropped => kept.size -= size,
        }
        while kept.size > self.room.size || kept.files() > self.room.files {
            let dropped = kept.drop_oldest_of(|kept| &mut kept.last)
                || kept.drop_oldest_of(|kept| &mut kept.others)
                || (kept.failed.len() > 1 && kept.drop_oldest_of(|kept| &mut kept.failed));
            // The latest failure stays, whatever its size.
            if !dropped {
                return;
            }
        }
    }
}

impl Kept {
    fn files(&self) -> usize {
        self.failed.len() + self.others.len() + self.last.len()
    }

    fn drop_oldest_of(&mut self, kind: impl Fn(&mut Kept) -> &mut VecDeque<File>) -> bool {
        let Some(file) = kind(self).pop_front() else {
            return false;
        };
        self.size -= file.size;
        if let Err(error) = std::fs::remove_file(&file.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("{} cannot be removed: {error}", file.path.display());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_failures_last() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, [0; 10]).unwrap();
            path
        };
        file("0-old.rrtrace");
        let shelf = Shelf::of(
            directory.path(),
            Room {
                size: 1000,
                files: 3,
            },
        );
        let failed = Verdict::Kept { failed: true };
        let sample = Verdict::Kept { failed: false };
        for (name, verdict) in [
            ("1-failed.rrtrace", failed),
            ("2-sample.rrtrace", sample),
            ("3-last.rrtrace", Verdict::AmongTheLast(1)),
            ("4-last.rrtrace", Verdict::AmongTheLast(1)),
            ("5-failed.rrtrace", failed),
        ] {
            shelf.put(file(name), 10, verdict);
        }
        let mut left: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        // The fourth file went when there were four, among them one of the last: the third.
        assert_eq!(
            left,
            ["1-failed.rrtrace", "2-sample.rrtrace", "5-failed.rrtrace"]
        );
    }
}
