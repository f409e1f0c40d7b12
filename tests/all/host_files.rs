//! Which files of this machine are opened is not for a recording to say: debug information
//! that comes with it may name anything.

use crate::support::session::{start, symbols};
use crate::support::stripped::stripped;
use crate::support::{fixture, record, rr_dap, text};
use rr_dap::component::{Component, ModuleId, with_custom_sections};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of `src/` that open files, and whose.
const OPENERS: &[(&str, &str)] = &[
    ("cache/", "what we keep of programs and recordings"),
    ("cli/debug/mod.rs", "commands that the person names"),
    ("cli/debug/script.rs", "commands that the person names"),
    ("cli/ask.rs", "the questions that the person names"),
    ("cli/serve.rs", "headers that the person names"),
    ("component/open.rs", "the component that the person names"),
    (
        "debuggee/kept.rs",
        "what a session has left beside its recording",
    ),
    ("debuggee/rust_library.rs", "what rustup says of itself"),
    ("dap/token.rs", "the token that the person names"),
    ("record/", "the recording that is written"),
    (
        "debuggee/system/opening.rs",
        "the files that name recordings, and the person names",
    ),
    ("replay/variant/", "compiled code of our own"),
    ("source/host_file.rs", "what debug information names"),
    ("timeline/processes/machine.rs", "what the system tells"),
    ("timeline/processes/temporary.rs", "directories of our own"),
    ("timeline/processes/sockets.rs", "directories of our own"),
    (
        "timeline/processes/replayer/",
        "what the session has written for it",
    ),
    (
        "trace/program.rs",
        "programs beside recordings, by length and hash",
    ),
    ("trace/source.rs", "the recording that the person names"),
];

#[test]
fn what_debug_information_names_is_opened_in_one_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut used = vec![false; OPENERS.len()];
    for path in rust_files(&src) {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        // Unit tests stand last, and make files of their own.
        let code = whole.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines = (1..).zip(code.lines());
        for (number, line) in lines.filter(|(_, line)| opens(line)) {
            match OPENERS
                .iter()
                .position(|(known, _)| file.starts_with(known))
            {
                Some(known) => used[known] = true,
                None => wrong.push(format!("src/{file}:{number}: {}", line.trim())),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let unused = OPENERS.iter().zip(used).filter(|(_, used)| !used);
    let unused: Vec<_> = unused.map(|((file, _), _)| file).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

fn opens(line: &str) -> bool {
    let code = line.split("//").next().unwrap();
    [
        " File::open",
        "(File::open",
        "fs::File::open",
        "OpenOptions::new",
        "fs::read(",
        "fs::read_to_string(",
    ]
    .iter()
    .any(|opener| code.contains(opener))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .collect()
}

/// Records the ledger in a directory.
fn ledger(app: &[u8], dir: &Path) -> PathBuf {
    let path = dir.join("app.wasm");
    fs::write(&path, app).unwrap();
    let trace = dir.join("app.rrtrace");
    let work = format!("--dir={}::/work", fixture("").display());
    let recorded = record(&path, &[&work], &[], "", &trace);
    assert_eq!(recorded.status.code(), Some(134), "{recorded:?}");
    trace
}

/// What the prompt says of the source that the recording names, where that is `file`.
fn listed(trace: &Path, file: &Path) -> String {
    let map = format!("/rr-dap/fixtures/ledger.c={}", file.display());
    let trace = trace.to_str().unwrap();
    let shown = rr_dap(
        &[
            "debug",
            "--batch",
            "--source-map",
            &map,
            "--command",
            "list main",
            trace,
        ],
        "",
    );
    text(&shown.stdout) + &text(&shown.stderr)
}

#[test]
fn a_source_is_read_if_it_is_a_regular_file_with_the_name_of_a_source() {
    let dir = tempfile::tempdir().unwrap();
    let trace = ledger(&fs::read(fixture("ledger.wasm")).unwrap(), dir.path());
    let at = |name: &str| dir.path().join(name);
    let fifo = at("fifo.c");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    symlink("/dev/zero", at("zero.c")).unwrap();
    symlink("/proc/self/environ", at("environ.c")).unwrap();
    symlink(fixture("ledger.c"), at("link.c")).unwrap();
    fs::create_dir(at("folder.c")).unwrap();
    fs::write(at("secret"), "the text of a secret").unwrap();
    fs::write(at("bytes.c"), b"\x7fELF\0\0").unwrap();
    let large = fs::File::create(at("large.c")).unwrap();
    large.set_len(33 << 20).unwrap();
    for (file, says) in [
        (
            PathBuf::from("/dev/zero"),
            "it is a device, not a regular file",
        ),
        (fifo, "it is a device, not a regular file"),
        (at("zero.c"), "it is a device, not a regular file"),
        (at("environ.c"), "one of the system's own files"),
        (at("folder.c"), "it is a directory"),
        (at("secret"), "its name is not that of a source file"),
        (at("bytes.c"), "it is not text"),
        (at("large.c"), "it is larger than 32 MiB"),
        (
            at("gone.c"),
            "is not here; `directory DIR` or --source-map FROM=TO",
        ),
        (at("link.c"), "int main(int argc"),
    ] {
        let told = listed(&trace, &file);
        assert!(told.contains(says), "{}: {told}", file.display());
        let is_whole = file == at("link.c");
        assert!(told.contains("FILE *file") == is_whole, "{told}");
        assert!(!told.contains("the text of a secret"), "{told}");
    }
}

/// The ledger without debug information, which says that it is at `url`.
fn refers_to(section: &str, url: &str) -> Vec<u8> {
    let bare = stripped(&fs::read(fixture("ledger.wasm")).unwrap());
    let bare = Component::parse(bare).unwrap();
    let mut name = vec![u8::try_from(url.len()).unwrap()];
    assert!(url.len() < 128, "its length is one byte: {url}");
    name.extend(url.as_bytes());
    let section = (section.to_owned(), name);
    with_custom_sections(&bare, &BTreeMap::from([(ModuleId(0), vec![section])]))
}

#[test]
fn a_recording_refers_to_debug_files_in_its_own_folders_only() {
    let elsewhere = tempfile::tempdir().unwrap();
    let debug = elsewhere.path().join("debug.wasm");
    fs::copy(fixture("ledger.wasm"), &debug).unwrap();
    let debug = debug.to_str().unwrap();
    let outside = "outside of the folders";
    for (section, url, link, says) in [
        ("external_debug_info", debug, None, outside),
        ("sourceMappingURL", debug, None, outside),
        ("sourceMappingURL", "/proc/self/pagemap", None, outside),
        ("sourceMappingURL", "/dev/zero", None, "not there"),
        ("external_debug_info", "near.wasm", Some(debug), outside),
        (
            "external_debug_info",
            "near.wasm",
            Some("/dev/zero"),
            "not there",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let trace = ledger(&refers_to(section, url), dir.path());
        if let Some(link) = link {
            symlink(link, dir.path().join(url)).unwrap();
        }
        let mut client = start(json!({ "trace": trace, "stopAt": "end" }), |_| {});
        let told = symbols(&mut client);
        assert!(
            told[0].starts_with("no debug information"),
            "{url}: {told:?}"
        );
        assert!(told[0].contains(says), "{url}: {told:?}");
        // What the person names may be anywhere.
        let launch = json!({ "trace": trace, "stopAt": "end", "debugFiles": [debug] });
        let told = symbols(&mut start(launch, |_| {}));
        assert_eq!(told[0], format!("DWARF 4 from {debug}"));
    }
}
