//! Gates that a test opens: what comes before and what comes after is then a matter of
//! order, not of time.

use rr_dap::replay::Compiled;
use rr_dap::replay::variant::{CacheDir, Variant};
use rr_dap::trace::Trace;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

/// A gate that some wait at. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub fn is_open(&self) -> bool {
        *self.0.0.lock().unwrap()
    }

    pub fn wait(&self) {
        let shut = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(shut, |is_open| !*is_open).unwrap());
    }
}

/// Holds back whoever wants a recording's code in one variant, as another process does that
/// is compiling it, until this is dropped.
pub struct HeldBack(#[expect(dead_code, reason = "locked as long as it is open")] Vec<File>);

impl HeldBack {
    /// In a cache that does not have the code yet.
    pub fn variant(trace: &Trace, variant: Variant, cache: &Path) -> HeldBack {
        // Where it is compiled, there is a lock of that name.
        let elsewhere = tempfile::tempdir().unwrap();
        let compiling = CacheDir::open(elsewhere.path()).unwrap();
        Compiled::prepare(trace, &compiling, variant, &|_, _| {}).unwrap();
        let made = std::fs::read_dir(elsewhere.path()).unwrap().flatten();
        let names = made.map(|file| file.file_name());
        let locks = names.filter(|name| Path::new(name).extension() == Some("lock".as_ref()));
        let held = locks.map(|name| {
            let file = File::create_new(cache.join(name)).unwrap();
            file.lock().unwrap();
            file
        });
        let held: Vec<File> = held.collect();
        assert!(!held.is_empty());
        HeldBack(held)
    }
}
