//! A program is rewritten and compiled for its first recording, and found for the others; what
//! cannot be kept is no reason not to record.

use crate::support::{fixture, rr_dap_with, text};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Records a run with compiled code in `cache`, and replays it.
fn recorded(dir: &Path, cache: &Path) -> Output {
    let app = fixture("hello-c-O2.wasm");
    let trace = dir.join("run.rrtrace");
    let (app, trace) = (app.to_str().unwrap(), trace.to_str().unwrap());
    let env = [("RR_DAP_CACHE", cache.to_str().unwrap())];
    let made = rr_dap_with(&["record", "--force", "-o", trace, app], &env, "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let verified = rr_dap_with(&["replay", "--verify", trace], &[], "");
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    made
}

fn code(cache: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(cache).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|kind| kind == "cwasm"))
        .collect()
}

#[test]
fn a_program_is_compiled_once_and_again_where_that_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let first = recorded(dir.path(), &cache);
    let [file] = &code(&cache)[..] else {
        panic!("one file of code: {:?}", code(&cache));
    };
    let made = std::fs::metadata(file).unwrap().created().ok();
    let second = recorded(dir.path(), &cache);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(std::fs::metadata(file).unwrap().created().ok(), made);
    for kind in ["cwasm", "meta"] {
        let file = file.with_extension(kind);
        let sound = std::fs::read(&file).unwrap();
        std::fs::write(&file, &sound[..sound.len() / 2]).unwrap();
        assert_eq!(recorded(dir.path(), &cache).stdout, first.stdout);
        assert_eq!(std::fs::read(&file).unwrap().len(), sound.len());
    }
}

#[test]
fn a_recording_needs_no_cache() {
    let dir = tempfile::tempdir().unwrap();
    // Where others could put their code nothing is executed, nor is anything kept.
    let open = dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    let made = recorded(dir.path(), &open);
    assert!(text(&made.stderr).contains("other users can write to it"));
    assert!(code(&open).is_empty());
    // Nor where there cannot be a directory.
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    recorded(dir.path(), &file.join("cache"));
}
