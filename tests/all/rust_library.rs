//! Sources of Rust's own library are found where rustup has them.

use crate::support::client::Client;
use crate::support::{golden, record, text};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The sources of a recorded program, where rustup has its toolchains in `home`.
fn sources(trace: &Path, home: &Path) -> Vec<String> {
    let listed = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .args(["debug", "--batch", "-x", "info sources"])
        .arg(trace)
        .env("RUSTUP_HOME", home)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    // The first line tells where it stands.
    let told = text(&listed.stdout);
    told.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn sources_of_the_library_are_where_rustup_has_them() {
    let directory = tempfile::tempdir().unwrap();
    let app = directory.path().join("guest.wasm");
    fs::write(&app, golden("values-rust-O0")).unwrap();
    let trace = directory.path().join("guest.rrtrace");
    assert!(record(&app, &[], &[], "", &trace).status.success());

    let home = directory.path().join("rustup");
    let before = sources(&trace, &home);
    let compiled_in = before
        .iter()
        .find(|path| path.starts_with("/rustc/"))
        .unwrap();
    let (commit, file) = compiled_in["/rustc/".len()..].split_once('/').unwrap();

    let rustlib = home.join("toolchains/one/lib/rustlib");
    let here = rustlib.join("src/rust").join(file);
    fs::create_dir_all(here.parent().unwrap()).unwrap();
    fs::write(&here, "").unwrap();
    let manifest = format!(
        "[pkg.rustc]\nversion = \"1.0.0 ({} 2026-01-01)\"\n",
        &commit[..9]
    );
    fs::write(rustlib.join("multirust-channel-manifest.toml"), manifest).unwrap();

    // An editor has kept a breakpoint there, and nothing else has been asked for.
    let mut child = Command::new(env!("CARGO_BIN_EXE_rr-dap"))
        .env("RUSTUP_HOME", &home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let mut client = Client::new(Box::new(reader), Box::new(writer));
    client.initialize();
    client.ask("launch", json!({ "trace": trace }));
    client.event("initialized");
    let kept = json!({ "source": { "path": here }, "breakpoints": [{ "line": 1 }] });
    let set = client.ask("setBreakpoints", kept);
    assert_eq!(set["breakpoints"][0]["verified"], true, "{set:#}");
    client.ask("disconnect", json!({}));
    drop(client);
    child.wait().unwrap();

    let after = sources(&trace, &home);
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert_eq!(changed, [(compiled_in, &here.to_str().unwrap().to_owned())]);
}

#[test]
fn sources_of_libraries_are_told_by_their_paths_wherever_cargo_lives() {
    for library in [
        "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs",
        "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/wasi-0.11.1/src/lib.rs",
        "/cargo/registry/src/index.crates.io-1949cf8c6b5b557f/wasi-0.11.1/src/lib.rs",
        "/opt/cargo/git/checkouts/wit-bindgen-0123456789abcdef/abc/src/lib.rs",
    ] {
        assert!(rr_dap::source::is_library(library), "{library}");
    }
    for own in [
        "/work/registry/main.rs",
        "/home/me/git/app/src/main.rs",
        "src/lib.rs",
    ] {
        assert!(!rr_dap::source::is_library(own), "{own}");
    }
}
