//! What was found out of a whole recording, kept beside compiled code: the next who asks has it at
//! once.

use crate::replay::variant::CacheDir;
use crate::trace::Trace;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// What is found out of a recording as long as one may be takes a tenth of a second to pack so.
const LEVEL: i32 = 1;

/// Something to find out, and all that the answer depends on beside the recording.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'a> {
    /// What it is.
    pub name: &'static str,
    /// Grows whenever it is found out otherwise.
    pub version: u32,
    /// What else it depends on.
    pub parameters: &'a [u64],
}

/// What was found out of one recording: where it is kept.
#[derive(Debug, Clone)]
pub struct FoundKey(Vec<u8>);

impl Finding<'_> {
    /// Where this of a recording is kept: by the whole recording, with what came of its recorder's
    /// tail, and by the component that is replayed. `None` if the recording cannot be read any more.
    pub fn of(&self, trace: &Trace) -> Option<FoundKey> {
        let mut hasher = Sha256::new();
        hasher.update(self.name);
        hasher.update(self.version.to_le_bytes());
        for parameter in self.parameters {
            hasher.update(parameter.to_le_bytes());
        }
        for module in trace.component().modules() {
            hasher.update((module.len() as u64).to_le_bytes());
            hasher.update(module);
        }
        trace.read_content(|bytes| hasher.update(bytes)).ok()?;
        Some(FoundKey(hasher.finalize().to_vec()))
    }
}

impl FoundKey {
    /// What is kept, if it is there and sound.
    pub fn read<T: DeserializeOwned>(&self, cache: &CacheDir) -> Option<T> {
        let packed = cache.known(&self.0)?;
        let bytes = zstd::stream::decode_all(&*packed).ok()?;
        postcard::from_bytes(&bytes).ok()
    }

    /// Keeps what was found out.
    pub fn keep<T: Serialize>(&self, found: &T, cache: &CacheDir) {
        let packed = postcard::to_allocvec(found).ok();
        let packed = packed.and_then(|bytes| zstd::bulk::compress(&bytes, LEVEL).ok());
        if let Some(packed) = packed {
            cache.keep(&self.0, &packed);
        }
    }
}
