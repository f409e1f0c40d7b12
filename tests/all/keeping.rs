//! Recordings that are kept only if something went wrong, as test runners want it.

use crate::support::{cache_dir, fixture, text};
use rr_dap::trace::{Outcome, Trace};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn record(dir: &Path, options: &[&str], app: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .arg("record")
        .args(options)
        .arg(app)
        .args(args)
        .current_dir(dir)
        .env("RR_DAP_CACHE", cache_dir())
        .output()
        .unwrap()
}

/// What is in a directory, by name.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn what_went_well_leaves_nothing_and_what_failed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let kitchen = fixture("kitchen.wasm");
    let failed = ["--keep=failed", "--quiet"];
    let output = record(dir.path(), &failed, &kitchen, &["args", "x"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
    assert!(names(dir.path()).is_empty());
    for (number, (args, status, says)) in [
        (&["exit", "3"][..], 1, "exited with status 1"),
        (&["trap"], 134, "trapped: wasm trap"),
        (&["cat", "/missing"], 1, "1"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = record(dir.path(), &failed, &kitchen, args);
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        let told = text(&output.stderr);
        let name = match number {
            0 => "kitchen.rrtrace".to_owned(),
            _ => format!("kitchen-{}.rrtrace", number + 1),
        };
        let path = dir.path().join(name);
        assert!(told.contains(says), "{told}");
        assert!(told.contains(path.to_str().unwrap()), "{told}");
        let trace = Trace::open(&path).unwrap();
        assert_eq!(trace.outcome().exit_code(), status);
        assert!(trace.has_end());
    }
    assert_eq!(names(dir.path()).len(), 3);
    // Into a directory, and where there is something already.
    let into = dir.path().join("recordings");
    std::fs::create_dir(&into).unwrap();
    for _ in 0..2 {
        let options = ["--keep=failed", "-o", "recordings"];
        record(dir.path(), &options, &kitchen, &["trap"]);
        record(dir.path(), &options, &kitchen, &["args"]);
    }
    assert_eq!(names(&into), ["kitchen-2.rrtrace", "kitchen.rrtrace"]);
    let options = ["--keep=failed", "-o", "kitchen.rrtrace"];
    let output = record(dir.path(), &options, &kitchen, &["args"]);
    assert!(text(&output.stderr).contains("--force"));
    let options = ["--keep=failed", "--force", "-o", "kitchen.rrtrace"];
    record(dir.path(), &options, &kitchen, &["args"]);
    assert!(!dir.path().join("kitchen.rrtrace").exists());
    // Without it, everything is kept.
    record(dir.path(), &["--keep=all"], &kitchen, &["args"]);
    assert!(dir.path().join("kitchen.rrtrace").exists());
}

/// Whether cargo can build for the component target here.
fn has_target() -> bool {
    let rustc = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", "wasm32-wasip2"])
        .current_dir(fixture("tested"))
        .output();
    rustc.is_ok_and(|printed| {
        printed.status.success() && Path::new(text(&printed.stdout).trim()).is_dir()
    })
}

#[test]
fn a_test_that_fails_under_cargo_leaves_its_recording() {
    if !has_target() {
        eprintln!("skipped: there is no Rust for wasm32-wasip2 here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let project = dir.path().join("tested");
    std::fs::create_dir_all(project.join("src")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        std::fs::copy(fixture("tested").join(file), project.join(file)).unwrap();
    }
    let runner = format!(
        "{} record --keep=failed --quiet",
        env!("CARGO_BIN_EXE_rr-dap")
    );
    let cargo = |args: &[&str]| {
        let output = Command::new("cargo")
            .args([
                "test",
                "--offline",
                "--lib",
                "--target",
                "wasm32-wasip2",
                "--",
            ])
            .args(args)
            .current_dir(&project)
            .env("CARGO_TARGET_DIR", dir.path().join("target"))
            .env("CARGO_TARGET_WASM32_WASIP2_RUNNER", &runner)
            .env("RR_DAP_CACHE", cache_dir())
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .output()
            .unwrap();
        (
            output.status.success(),
            text(&output.stdout) + &text(&output.stderr),
        )
    };
    let recordings = || {
        let mut names = names(&project);
        names.retain(|name| name.contains("rrtrace"));
        names
    };
    let (passed, told) = cargo(&["--skip", "two_coins"]);
    assert!(passed, "{told}");
    assert!(recordings().is_empty(), "{told}");
    for (count, args) in [(1, &[][..]), (2, &["--nocapture"])] {
        let (passed, told) = cargo(args);
        assert!(!passed, "{told}");
        let is_shown = told.contains("400 for 360");
        assert_eq!(is_shown, count == 2, "{told}");
        assert_eq!(recordings().len(), count, "{told}");
        let line = told.lines().find(|line| line.starts_with("rr-dap: "));
        let path = line.unwrap().split("--at end ").nth(1).unwrap();
        let path = PathBuf::from(path.trim_end_matches('`'));
        let trace = Trace::open(&path).unwrap();
        assert!(matches!(trace.outcome(), Outcome::Trapped(_)), "{told}");
    }
}
