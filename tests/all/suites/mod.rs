//! Suites that others wrote: each component runs as Wasmtime has it when it is recorded,
//! and its recording replays, and tells of its tasks what Wasmtime tells of them.
//!
//! No file of theirs is here. Told where they are, this runs them:
//!
//! ```sh
//! RR_DAP_SUITES=component-model/test:wasmtime/tests/misc_testsuite \
//!   cargo test --test all suites -- --ignored --nocapture
//! ```
//!
//! Folders are searched for `.wast` files of components (`WebAssembly/component-model`,
//! Wasmtime's and wasm-tools' tests) and for programs (`.wasm`, as the WASI test suite has
//! them, with their `.json` beside them). `RR_DAP_SUITES_ONLY=TEXT` takes the files that
//! have it in their path; `RR_DAP_SUITES_HANDLES=SEED` shuffles the indices of handles, and
//! `RR_DAP_SUITES_CHAOS=SEED` cuts streams short: some of these programs suppose which index they
//! get, or that all is copied, and fail.

mod commands;
mod host;
mod programs;
mod report;
mod runs;
mod script;

use crate::support::wasmtime_account::listened;
use crate::tasks_and_wasmtime;
use report::Report;
use rr_dap::trace::Trace;
use runs::{Came, Fault, Runner};
use script::Script;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[test]
#[ignore = "needs suites of others: RR_DAP_SUITES says where they are"]
fn suites_of_others_replay_as_they_ran() {
    let folders = std::env::var_os("RR_DAP_SUITES").expect("RR_DAP_SUITES names folders");
    let only = std::env::var("RR_DAP_SUITES_ONLY").unwrap_or_default();
    let dir = tempfile::tempdir().unwrap();
    let mut report = Report::default();
    let runner = Runner::new();
    for folder in std::env::split_paths(&folders) {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        assert!(!files.is_empty(), "nothing to run in {}", folder.display());
        report.begin(&folder);
        for file in files.iter().filter(|f| f.to_string_lossy().contains(&only)) {
            if file.extension().is_some_and(|e| e == "wast") {
                script(&runner, file, dir.path(), &mut report);
            } else {
                programs::run(file, dir.path(), &mut report);
            }
        }
    }
    report.tell();
}

/// What is to be run beneath a folder, in the order of its names.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "wast" || e == "wasm") {
            files.push(path);
        }
    }
}

fn script(runner: &Runner, file: &Path, dir: &Path, report: &mut Report) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    if !text.contains("component") {
        return;
    }
    let script = match Script::parse(&text) {
        Ok(script) => script,
        Err(error) => return report.unreadable(file, &error.to_string()),
    };
    if script.runs.is_empty() && script.invalid.is_empty() {
        return;
    }
    report.file();
    let trace = dir.join("run.rrtrace");
    for run in &script.runs {
        let place = format!("{}:{}", file.display(), run.line);
        let plain = runner.plainly(run);
        if let Came::NotForWasmtime(_) = plain {
            report.not_for_wasmtime();
            continue;
        }
        let (recorded, told) = listened(|| runner.recorded(run, &trace));
        match recorded {
            Err(Fault::CutShort) => {
                report.cut_short();
                report.said(&place, &commands::all(&trace));
            }
            Err(Fault::Of(fault)) => report.fault(&place, &fault),
            Ok(Came::Refused(why)) => report.refused(&why),
            Ok(recorded) if recorded != plain => {
                report.fault(&place, &format!("plain {plain:?}, recorded {recorded:?}"));
            }
            Ok(_) => {
                report.recorded(run.calls.len());
                report.said(&place, &commands::all(&trace));
                let recording = Arc::new(Trace::open(&trace).unwrap());
                if let Err(differ) = tasks_and_wasmtime::compare(&recording, &told) {
                    report.fault(&place, &format!("tasks: {differ}"));
                }
            }
        }
    }
    for invalid in &script.invalid {
        let place = format!("{}:{}", file.display(), invalid.line);
        let component = dir.join("invalid.wasm");
        std::fs::write(&component, &invalid.component).unwrap();
        report.invalid();
        report.said(&place, &[commands::record(&component, &trace)]);
    }
}
