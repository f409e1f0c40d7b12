//! What has been compiled before: code on disk, for who records and who replays.
//!
//! An entry is two files: `KEY.cwasm`, which Wasmtime maps into memory, and
//! `KEY.meta`, which holds the length and checksum of the first, and what else whoever made
//! it needs. The key is a hash of everything that the code depends on, so an entry is
//! right or damaged, never out of date; a damaged one is made again.
//!
//! Where nothing can be written, what is there is used, and what is not is compiled into
//! memory (`unkept`), for as long as it is in use.

mod unkept;

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use unkept::Unkept;
use wasmtime::Engine;

/// Why there is nowhere for compiled code.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Compiled code is executed, and others could put theirs there.
    #[error(
        "{path} cannot hold compiled code, as other users can write to it or own it; run \
         `chmod 700` on it, or set RR_DAP_CACHE to a directory of your own"
    )]
    NotPrivate {
        /// The directory of the cache.
        path: PathBuf,
    },
    /// Compiled code can be kept neither on disk nor in memory: why not in memory.
    #[error(
        "there is no room for compiled code: {0}; set RR_DAP_CACHE to a directory of your own \
         with room in it"
    )]
    Memory(#[source] io::Error),
}

/// A directory of compiled code, bounded in bytes.
#[derive(Debug, Clone)]
pub struct CacheDir {
    /// Absent where there cannot be one.
    root: Option<PathBuf>,
    limit: u64,
    unkept: Arc<Unkept>,
}

const DEFAULT_LIMIT: u64 = 4 << 30;
/// An entry used so short a time ago may be about to be loaded by another
/// process: it is not deleted, even where the cache is over its limit.
const RECENT: Duration = Duration::from_secs(120);
/// A file under construction for so long was left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

const CODE: &str = "cwasm";
const META: &str = "meta";
const LOCK: &str = "lock";
/// What is known of a recording: see [`CacheDir::known`].
const KNOWN: &str = "known";
const UNFINISHED: &str = ".new-";
const MAGIC: &[u8] = b"rr-dap code 1\n";

/// What compiled code depends on, hashed.
#[derive(Debug, Clone)]
pub(crate) struct Key(String);

impl Key {
    /// For what these bytes are rewritten to: by which rewrite, and by which version of it.
    pub(crate) fn new(bytes: &[u8], rewrite: &str, version: u32, engine: &Engine) -> Self {
        let mut hasher = ShaHasher(Sha256::new());
        // Wasmtime's version, its settings and the processor's features.
        engine.precompile_compatibility_hash().hash(&mut hasher);
        (rewrite, version).hash(&mut hasher);
        hasher.0.update(bytes);
        let digest = hasher.0.finalize();
        Key(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

struct ShaHasher(Sha256);

impl Hasher for ShaHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: the whole digest is taken.
    fn finish(&self) -> u64 {
        0
    }
}

/// What is to be kept.
pub(crate) struct Entry {
    /// What Wasmtime compiled.
    pub(crate) code: Vec<u8>,
    /// What else is needed with it.
    pub(crate) notes: Vec<u8>,
}

/// Code that is kept, or for as long as this is there.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The file of compiled code: checked against its checksum, in a directory that only this
    /// user can write to, and replaced only by renaming; or in memory.
    pub(crate) code: PathBuf,
    /// As the [`Entry`] has them.
    pub(crate) notes: Vec<u8>,
    /// The file itself, where it is in memory: it is there as long as this is.
    #[cfg_attr(
        not(feature = "replay"),
        allow(dead_code, reason = "a recorder loads the code at once")
    )]
    pub(crate) unkept: Option<Arc<File>>,
}

impl CacheDir {
    /// The user's cache: `$RR_DAP_CACHE`, else `$XDG_CACHE_HOME/rr-dap`, else
    /// `~/.cache/rr-dap`. If none of these is set, nothing is kept.
    ///
    /// # Errors
    ///
    /// As [`CacheDir::open`].
    pub fn open_default() -> Result<Self, CacheError> {
        let from = |name| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path: &PathBuf| path.is_absolute())
        };
        let root = std::env::var_os("RR_DAP_CACHE")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .or_else(|| from("XDG_CACHE_HOME").map(|cache| cache.join("rr-dap")))
            .or_else(|| from("HOME").map(|home| home.join(".cache/rr-dap")));
        match root {
            Some(root) => Self::open(&root),
            None => Ok(Self::nowhere(
                "neither RR_DAP_CACHE nor XDG_CACHE_HOME nor HOME is set",
            )),
        }
    }

    /// A cache in this directory, which is made where it is missing. Compiled
    /// code is executed, so nobody else may be able to write there. If it cannot be made,
    /// nothing is kept; if it cannot be written to, what it holds is used.
    ///
    /// # Errors
    ///
    /// If others may write there.
    pub fn open(root: &Path) -> Result<Self, CacheError> {
        let made = create_private(root).and_then(|()| root.canonicalize());
        let root = match made {
            Ok(root) => root,
            Err(error) => {
                let why = format!("cannot create {}: {error}", root.display());
                return Ok(Self::nowhere(&why));
            }
        };
        match is_private(&root) {
            Ok(true) => Ok(CacheDir {
                root: Some(root),
                limit: DEFAULT_LIMIT,
                unkept: Arc::default(),
            }),
            Ok(false) => Err(CacheError::NotPrivate { path: root }),
            Err(error) => {
                let why = format!("cannot look at {}: {error}", root.display());
                Ok(Self::nowhere(&why))
            }
        }
    }

    /// Where nothing is kept, and why.
    fn nowhere(why: &str) -> Self {
        let unkept = Arc::<Unkept>::default();
        unkept.tell(why);
        CacheDir {
            root: None,
            limit: DEFAULT_LIMIT,
            unkept,
        }
    }

    /// With another bound than 4 GiB. What was prepared last stays, even where
    /// it alone is over the bound.
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Where the code is kept, if it is.
    pub fn path(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// What was kept under a key by [`keep`](Self::keep), if it is there and sound.
    pub fn known(&self, key: &[u8]) -> Option<Vec<u8>> {
        let path = self.file(&known_key(key), KNOWN)?;
        let bytes = fs::read(&path).ok()?;
        let (content, crc) = bytes.split_last_chunk()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        // Only the order of eviction suffers where this fails.
        let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(content.to_vec())
    }

    /// Keeps bytes under a key, which tells all that they depend on; until the cache is over
    /// its bound, and if it can be written to.
    pub fn keep(&self, key: &[u8], bytes: &[u8]) {
        let Some(path) = self.file(&known_key(key), KNOWN) else {
            return;
        };
        let mut content = bytes.to_vec();
        content.extend(crc32fast::hash(bytes).to_le_bytes());
        if let Err(error) = write(&path, &content) {
            let why = format!("cannot write {}: {error}", path.display());
            self.unkept.tell(&why);
        }
        self.evict(&[known_key(key)]);
    }

    /// What is kept under the key, or else is made now. Two processes that want the same make
    /// it once, if the directory's file system has locks.
    pub(crate) fn get_or_insert<E: From<CacheError>>(
        &self,
        key: &Key,
        compile: impl FnOnce() -> Result<Entry, E>,
    ) -> Result<Kept, E> {
        if let Some(found) = self.find(key) {
            return Ok(found);
        }
        // Where files cannot be locked, two processes may compile the same
        // module, and one of them writes last: a waste, not a fault.
        let lock = self
            .file(key, LOCK)
            .and_then(|lock| File::create(lock).ok());
        if let Some(lock) = &lock
            && lock.lock().is_ok()
            && let Some(found) = self.get(key)
        {
            return Ok(found);
        }
        Ok(self.insert(key, compile()?)?)
    }

    /// What is kept under the key.
    pub(crate) fn find(&self, key: &Key) -> Option<Kept> {
        self.get(key).or_else(|| self.unkept.get(key))
    }

    /// A sound entry, marked as used.
    fn get(&self, key: &Key) -> Option<Kept> {
        let meta = Meta::decode(&fs::read(self.file(key, META)?).ok()?)?;
        let path = self.file(key, CODE)?;
        let mut code = File::open(&path).ok()?;
        if meta.len != code.metadata().ok()?.len() || meta.crc != checksum(&mut code).ok()? {
            return None;
        }
        // Only the order of eviction suffers where this fails.
        let _ = code.set_modified(SystemTime::now());
        Some(Kept {
            code: path,
            notes: meta.notes,
            unkept: None,
        })
    }

    fn insert(&self, key: &Key, entry: Entry) -> Result<Kept, CacheError> {
        let meta = Meta {
            len: entry.code.len() as u64,
            crc: crc32fast::hash(&entry.code),
            notes: entry.notes,
        };
        if let (Some(code), Some(description)) = (self.file(key, CODE), self.file(key, META)) {
            let written = write(&code, &entry.code);
            match written.and_then(|()| write(&description, &meta.encode())) {
                Ok(()) => {
                    return Ok(Kept {
                        code,
                        notes: meta.notes,
                        unkept: None,
                    });
                }
                Err(error) => {
                    let why = format!("cannot write {}: {error}", code.display());
                    self.unkept.tell(&why);
                }
            }
        }
        self.unkept.insert(key, &entry.code, meta.notes)
    }

    fn file(&self, key: &Key, kind: &str) -> Option<PathBuf> {
        Some(self.root.as_ref()?.join(format!("{}.{kind}", key.0)))
    }

    /// Deletes what was not used for longest until the rest is within the limit. A
    /// directory that cannot be listed stays as it is.
    pub(crate) fn evict(&self, keep: &[Key]) {
        let now = SystemTime::now();
        let kept = self.root.as_ref().map(|root| scan(root, now));
        let Some(Ok(kept)) = kept else { return };
        let mut total: u64 = kept.values().map(|kept| kept.bytes).sum();
        let mut oldest_first: Vec<_> = kept.into_iter().collect();
        oldest_first.sort_by_key(|(_, kept)| kept.used);
        for (key, kept) in oldest_first {
            if total <= self.limit {
                break;
            }
            let recent = now.duration_since(kept.used).unwrap_or_default() < RECENT;
            if recent || keep.iter().any(|keep| keep.0 == key) {
                continue;
            }
            // The description goes first: code without one is not used.
            for kind in [META, CODE, LOCK, KNOWN] {
                let file = self.file(&Key(key.clone()), kind);
                let _ = file.map(fs::remove_file);
            }
            total = total.saturating_sub(kept.bytes);
        }
    }
}

fn known_key(key: &[u8]) -> Key {
    let digest = Sha256::digest(key);
    Key(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that appears complete or not at all. A process that has
/// mapped the file it replaces keeps that one.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

fn scan(root: &Path, now: SystemTime) -> io::Result<HashMap<String, OnDisk>> {
    let mut entries: HashMap<String, OnDisk> = HashMap::new();
    for file in fs::read_dir(root)? {
        let file = file?;
        let (Ok(meta), Ok(name)) = (file.metadata(), file.file_name().into_string()) else {
            continue;
        };
        let modified = meta.modified()?;
        if name.starts_with(UNFINISHED) {
            if now.duration_since(modified).unwrap_or_default() > ABANDONED {
                let _ = fs::remove_file(file.path());
            }
            continue;
        }
        if let Some((key, CODE | META | LOCK | KNOWN)) = name.rsplit_once('.') {
            let kept = entries.entry(key.to_owned()).or_default();
            kept.bytes += meta.len();
            kept.used = kept.used.max(modified);
        }
    }
    Ok(entries)
}

struct OnDisk {
    bytes: u64,
    used: SystemTime,
}

impl Default for OnDisk {
    fn default() -> Self {
        OnDisk {
            bytes: 0,
            used: SystemTime::UNIX_EPOCH,
        }
    }
}

/// What is known of a file of code.
struct Meta {
    len: u64,
    crc: u32,
    notes: Vec<u8>,
}

impl Meta {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.len.to_le_bytes());
        bytes.extend(self.crc.to_le_bytes());
        bytes.extend(&self.notes);
        let crc = crc32fast::hash(&bytes);
        bytes.extend(crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, crc) = bytes.split_last_chunk()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        let rest = content.strip_prefix(MAGIC)?;
        let (len, rest) = rest.split_first_chunk()?;
        let (crc, notes) = rest.split_first_chunk()?;
        Some(Meta {
            len: u64::from_le_bytes(*len),
            crc: u32::from_le_bytes(*crc),
            notes: notes.to_vec(),
        })
    }
}

fn checksum(file: &mut File) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn create_private(root: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(root)
}

/// Whether the directory is this user's, and only this user's to write to.
#[cfg(unix)]
fn is_private(root: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    // A file made here tells who this user is, as the file system sees it.
    let made = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(root);
    let own = match made {
        Ok(made) => made.as_file().metadata()?.uid(),
        // SAFETY: asks for a number.
        Err(_) => unsafe { libc::geteuid() },
    };
    let root = fs::metadata(root)?;
    Ok(root.uid() == own && root.mode() & 0o022 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> io::Result<bool> {
    Ok(true)
}
