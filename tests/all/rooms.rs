//! The rooms of the library stand in a list, and each uses only the rooms above it: read
//! from the paths in `src/`.

use std::path::{Path, PathBuf};
use std::{fs, iter};

/// From the top. Rooms in one row do not use each other. `docs/architecture.md` tells what
/// each one answers.
const ROOMS: &[&[&str]] = &[
    &["component"],
    &["source"],
    &["trace"],
    &["instrument"],
    &["cache"],
    &["record", "replay"],
    &["timeline"],
    &["inspect"],
    &["system"],
    &["debuggee"],
    &["questions"],
    &["dap", "lsp", "mcp"],
    &["cli"],
];

/// What is not a room: it holds them all, or the command.
const ABOVE_ROOMS: [&str; 2] = ["lib", "main"];

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src);
    assert!(files.len() > 200, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a file of ours");
        let name = file.strip_prefix(&src).expect("below it");
        wrong.extend(faults(name.to_str().expect("a name in ASCII"), &text));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_use_of_a_room_below_is_told_with_file_and_line() {
    for (file, text, says) in [
        ("trace/log.rs", "use crate::component::Crossing;", None),
        ("trace/log.rs", "use crate::trace::Event;", None),
        ("trace/log.rs", "// crate::cli is not meant", None),
        (
            "trace/log.rs",
            "\nuse crate::timeline::Timeline;",
            Some("src/trace/log.rs:2: `trace` uses `timeline`"),
        ),
        (
            "dap/session/mod.rs",
            "use crate::{\n    inspect::Text,\n    debuggee::{Debuggee, cli},\n    cli::style,\n};",
            Some("src/dap/session/mod.rs:4: `dap` uses `cli`"),
        ),
        (
            "replay/state.rs",
            "fn f() { crate::record::host() }",
            Some("src/replay/state.rs:1: `replay` uses `record`"),
        ),
        (
            "inspect/past/output.rs",
            "fn f() {\n    super::super::super::dap::launch() }",
            Some("src/inspect/past/output.rs:2: `inspect` uses `dap`"),
        ),
        ("inspect/past/output.rs", "use super::super::dap::x;", None),
        (
            "inspect/mod.rs",
            "use crate::helpers::x;",
            Some("src/inspect/mod.rs:1: `helpers` is not in the list of rooms"),
        ),
        (
            "helpers/mod.rs",
            "",
            Some("src/helpers/mod.rs:1: `helpers` is not in the list of rooms"),
        ),
        ("lib.rs", "pub mod component;", None),
    ] {
        let found = faults(file, text);
        let expected: Vec<&str> = says.into_iter().collect();
        assert_eq!(found, expected, "{file}: {text}");
    }
}

/// Where a room stands in the list.
fn rank(room: &str) -> Option<usize> {
    ROOMS.iter().position(|row| row.contains(&room))
}

/// What a file, by its path in `src/`, uses though it must not.
fn faults(file: &str, text: &str) -> Vec<String> {
    let first = file.split('/').next().unwrap_or(file);
    let room = first.trim_end_matches(".rs");
    if ABOVE_ROOMS.contains(&room) {
        return Vec::new();
    }
    let unknown = |line: usize, name: &str| {
        format!("src/{file}:{line}: `{name}` is not in the list of rooms")
    };
    let Some(own) = rank(room) else {
        return vec![unknown(1, room)];
    };
    let text = without_comments(text);
    let mut wrong = Vec::new();
    for (at, used) in rooms_used(file, &text) {
        let line = text[..at].matches('\n').count() + 1;
        match rank(used) {
            None => wrong.push(unknown(line, used)),
            Some(rank) if rank > own || (rank == own && used != room) => {
                wrong.push(format!("src/{file}:{line}: `{room}` uses `{used}`"));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// The rooms that are named, and where.
fn rooms_used<'a>(file: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let mut used = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let at = at + prefix.len();
        used.extend(first_segments(&text[at..]).map(|(offset, name)| (at + offset, name)));
    }
    // The path from the crate's root to the file's module.
    let depth = file.split('/').filter(|part| *part != "mod.rs").count();
    let to_root = iter::repeat_n("super::", depth).collect::<String>();
    for (at, prefix) in text.match_indices(&to_root) {
        let at = at + prefix.len();
        let names = first_segments(&text[at..]).filter(|(_, name)| rank(name).is_some());
        used.extend(names.map(|(offset, name)| (at + offset, name)));
    }
    used
}

/// The names that a path goes on with: one, or those in braces.
fn first_segments(path: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut names = Vec::new();
    let mut open = 0;
    let mut begins = true;
    for (at, c) in path.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            ',' => begins = open == 1,
            c if c.is_alphanumeric() && begins && open <= 1 => {
                names.push((at, identifier(&path[at..])));
                begins = false;
            }
            _ => {}
        }
        if open == 0 && (c == '}' || !begins) {
            break;
        }
    }
    names.into_iter()
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// With the same lines.
fn without_comments(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next());
    let lines: Vec<&str> = lines.map(Option::unwrap_or_default).collect();
    lines.join("\n")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of ours") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
