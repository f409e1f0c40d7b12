//! Compiled code is found again, is made again where it is damaged, and does not
//! grow without bound.

use rr_dap::replay::variant::{
    CacheDir, CacheError, Prepared, Variant, VariantError, engine_for_replay, prepare,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn module(constant: u32) -> Arc<[u8]> {
    let wat = format!(
        "(module (func (export \"f\") (result i32) (loop $l (br_if $l (i32.const 0))) (i32.const {constant})))"
    );
    wat::parse_str(wat).expect("valid").into()
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn cache(dir: &tempfile::TempDir) -> CacheDir {
    CacheDir::open(&dir.path().join("cache")).expect("a cache")
}

fn prepare_all(cache: &CacheDir, modules: &[Arc<[u8]>], variant: Variant) -> Vec<Prepared> {
    prepare(cache, modules, variant, &|_, _| {}).expect("modules compile")
}

fn files(cache: &CacheDir) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache.path().expect("a cache")).expect("a directory");
    entries.map(|entry| entry.expect("a file").path()).collect()
}

fn age(path: &Path, by: Duration) {
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("a file");
    file.set_modified(SystemTime::now() - by).expect("a time");
}

#[test]
fn what_is_prepared_loads_into_a_replayer_and_is_found_again() {
    let dir = temporary();
    let cache = cache(&dir);
    let modules = [module(1), module(2), module(1)];
    for variant in [
        Variant::Debug,
        Variant::Fast,
        Variant::Exact,
        Variant::Profile,
        Variant::Plain,
    ] {
        let engine = engine_for_replay(variant).expect("an engine");
        let first = prepare_all(&cache, &modules, variant);
        assert_eq!(first[0].code, first[2].code);
        assert_ne!(first[0].code, first[1].code);
        for prepared in &first {
            let loaded = prepared.load(&engine).expect("loads");
            assert_eq!(loaded.exports().count(), 1);
        }
        let written = std::fs::metadata(&first[0].code).expect("a file");
        let second = prepare_all(&cache, &modules, variant);
        let found = std::fs::metadata(&second[0].code).expect("a file");
        assert_eq!(second[1].offsets, first[1].offsets);
        // Renaming a new file into place would change the creation time.
        assert_eq!(written.created().ok(), found.created().ok());
        let other = engine_for_replay(match variant {
            Variant::Debug => Variant::Fast,
            _ => Variant::Debug,
        });
        assert!(first[0].load(&other.expect("an engine")).is_err());
    }
}

#[test]
fn progress_reaches_the_total_and_an_invalid_module_is_named() {
    let dir = temporary();
    let heard = std::cell::RefCell::new(Vec::new());
    let modules = [module(1), module(2)];
    let hear = |done, total| heard.borrow_mut().push((done, total));
    prepare(&cache(&dir), &modules, Variant::Fast, &hear).expect("modules compile");
    let total = modules[0].len() + modules[1].len();
    assert_eq!(
        *heard.borrow(),
        [(0, total), (modules[0].len(), total), (total, total)]
    );

    let broken: Arc<[u8]> = modules[1][..20].into();
    let failed = prepare(
        &cache(&dir),
        &[modules[0].clone(), broken],
        Variant::Fast,
        &hear,
    );
    assert!(matches!(failed, Err(VariantError::Clock { module: 1, .. })));
}

#[test]
fn a_damaged_entry_is_made_again() {
    let dir = temporary();
    let cache = cache(&dir);
    let modules = [module(7)];
    let engine = engine_for_replay(Variant::Fast).expect("an engine");
    let sound = prepare_all(&cache, &modules, Variant::Fast).remove(0);
    let code = std::fs::read(&sound.code).expect("readable");
    let meta = std::fs::read(sound.code.with_extension("meta")).expect("readable");
    for (extension, bytes) in [("cwasm", &code), ("meta", &meta)] {
        let path = sound.code.with_extension(extension);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        for damaged in [&flipped[..], &bytes[..bytes.len() / 2], &[]] {
            std::fs::write(&path, damaged).expect("writable");
            let again = prepare_all(&cache, &modules, Variant::Fast).remove(0);
            assert_eq!(again.offsets, sound.offsets);
            again.load(&engine).expect("loads");
            assert_ne!(std::fs::read(&path).expect("readable"), damaged);
        }
        std::fs::remove_file(&path).expect("removable");
        prepare_all(&cache, &modules, Variant::Fast)
            .remove(0)
            .load(&engine)
            .expect("loads");
    }
}

#[test]
fn several_may_prepare_the_same_modules_at_once() {
    let dir = temporary();
    let cache = cache(&dir);
    let modules: Vec<_> = (0..6).map(module).collect();
    let prepared: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| prepare_all(&cache, &modules, Variant::Fast)))
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("no panic"))
            .collect()
    });
    let engine = engine_for_replay(Variant::Fast).expect("an engine");
    for prepared in prepared.iter().flatten() {
        prepared.load(&engine).expect("loads");
    }
    let unfinished = files(&cache).into_iter().any(|file| {
        file.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(".new-"))
    });
    assert!(!unfinished);
}

#[test]
fn what_was_not_used_for_longest_goes_first_and_never_what_was_just_returned() {
    let dir = temporary();
    let unlimited = cache(&dir);
    let hour = Duration::from_secs(3600);
    let old: Vec<_> = (1..=3)
        .map(|n| {
            prepare_all(&unlimited, &[module(n)], Variant::Fast)
                .remove(0)
                .code
        })
        .collect();
    for (path, hours) in old.iter().zip([3, 5, 4]) {
        for extension in ["cwasm", "meta", "lock"] {
            age(&path.with_extension(extension), hour * hours);
        }
    }
    let bytes: u64 = files(&unlimited)
        .iter()
        .map(|file| std::fs::metadata(file).expect("a file").len())
        .sum();
    // Using the oldest makes it the youngest; one more entry fills the cache to
    // four thirds, so one of the others must go: the one unused for four hours.
    let limited = cache(&dir).with_limit(bytes + bytes / 100);
    prepare_all(&limited, &[module(2)], Variant::Fast);
    prepare_all(&limited, &[module(4)], Variant::Fast);
    let left = old.iter().map(|path| path.exists()).collect::<Vec<_>>();
    assert_eq!(left, [true, true, false]);
    let none = cache(&dir).with_limit(0);
    let kept = prepare_all(&none, &[module(1), module(5)], Variant::Fast);
    assert!(kept.iter().all(|prepared| prepared.code.exists()));
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = temporary();
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .expect("a directory")
            .permissions()
            .mode()
    };
    let made = cache(&dir);
    assert_eq!(mode(made.path().expect("a cache")) & 0o777, 0o700);
    let open = dir.path().join("open");
    std::fs::create_dir(&open).expect("a directory");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    assert!(matches!(
        CacheDir::open(&open),
        Err(CacheError::NotPrivate { .. })
    ));
}
