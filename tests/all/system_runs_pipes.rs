//! What a shell connects by a pipe: standard output of one recorded run is standard input of the
//! next.

use crate::support::several::{check_left_out, stream, told};
use crate::support::{cache_dir, fixture};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A pipe of recorded runs, each a guest with its arguments; what went through each of the pipes.
fn pipe(dir: &Path, guests: &[(&str, &str)]) -> (Vec<PathBuf>, Vec<String>) {
    let traces: Vec<PathBuf> = (0..guests.len())
        .map(|n| dir.join(format!("{n}.rrtrace")))
        .collect();
    let stages = guests.iter().zip(&traces).enumerate();
    let stages: Vec<String> = stages
        .map(|(n, ((guest, args), trace))| {
            let program = fixture(guest);
            format!(
                "\"$RR_DAP\" record --force -o '{}' '{}' {args} | tee '{}/{n}.said'",
                trace.display(),
                program.display(),
                dir.display()
            )
        })
        .collect();
    let ran = Command::new("sh")
        .args(["-c", &stages.join(" | ")])
        .env("RR_DAP", env!("CARGO_BIN_EXE_rr-dap"))
        .env("RR_DAP_CACHE", cache_dir())
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    assert!(ran.status.success(), "{ran:?}");
    let said = (0..guests.len()).map(|n| {
        let file = dir.join(format!("{n}.said"));
        std::fs::read_to_string(file).expect("text")
    });
    (traces, said.collect())
}

fn check(guests: &[(&str, &str)]) {
    let dir = tempfile::tempdir().expect("a directory");
    let (traces, said) = pipe(dir.path(), guests);
    let names = ["first", "second", "third"];
    let nodes: Vec<(&str, &Path)> = names
        .into_iter()
        .zip(traces.iter().map(PathBuf::as_path))
        .collect();
    let found = told(&nodes);
    assert!(found.contradictions().is_empty(), "{:#?}", found.all);
    assert!(found.ambiguous().is_empty(), "{:#?}", found.all);
    let mut messages = found.messages();
    for line in &mut messages {
        assert_eq!(
            (&*line.what, &*line.evidence),
            ("bytes", "bytes"),
            "{line:?}"
        );
        line.said = line.said.replace("\\n", "\n");
    }
    for (at, text) in said.iter().enumerate().take(nodes.len() - 1) {
        assert!(!text.is_empty());
        let (told, _) = stream(&messages, nodes[at].0, nodes[at + 1].0, "bytes");
        assert_eq!(&told, text);
    }
    let between: std::collections::BTreeSet<_> =
        messages.iter().map(|line| (&line.from, &line.to)).collect();
    assert_eq!(between.len(), nodes.len() - 1, "{messages:#?}");
    check_left_out(&nodes);
}

#[test]
fn a_producer_and_a_consumer() {
    // Of WASI 0.3, and of 0.2.
    check(&[("later.wasm", "one another"), ("kitchen.wasm", "echo")]);
    check(&[("kitchen.wasm", "args hi"), ("sleepers.wasm", "one")]);
}

#[test]
fn three_in_a_row() {
    check(&[
        ("later.wasm", "one another"),
        ("kitchen.wasm", "echo"),
        ("sleepers.wasm", "one"),
    ]);
}
