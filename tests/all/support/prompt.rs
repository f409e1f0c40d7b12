//! Sessions at the prompt, mostly with a recording of the ledger.

use super::{fixture, rr_dap_with, text, without_waiting};
use std::path::Path;
use std::process::Output;

/// A session with what is typed, and with the fixtures' sources.
pub fn debug(options: &[&str], file: &Path, typed: &str) -> Output {
    debug_at(None, options, file, typed)
}

fn debug_at(home: Option<&Path>, options: &[&str], file: &Path, typed: &str) -> Output {
    let sources = format!("/rr-dap/fixtures={}", fixture("").display());
    let mut line = vec!["debug", "--source-map", sources.trim_end_matches('/')];
    line.extend(options);
    line.push(file.to_str().unwrap());
    let home = home.map(|home| ("HOME", home.to_str().unwrap()));
    without_waiting(rr_dap_with(&line, home.as_slice(), typed))
}

/// Runs commands, none of which needs anybody's files.
pub fn session(recording: &Path, home: &Path, commands: &[&str]) -> Output {
    let given = commands.iter().flat_map(|command| ["-x", command]);
    let options: Vec<&str> = std::iter::once("--batch").chain(given).collect();
    debug_at(Some(home), &options, recording, "")
}

/// What came after each command was shown.
pub fn answers(output: &Output, commands: &[&str]) -> Vec<String> {
    let shown = text(&output.stdout);
    let mut rest = shown.as_str();
    let mut parts = Vec::new();
    for command in commands {
        let prompt = format!("(rr-dap) {command}\n");
        let (before, after) = rest
            .split_once(&prompt)
            .unwrap_or_else(|| panic!("no {command} in {shown}"));
        parts.push(before.trim_end().to_owned());
        rest = after;
    }
    parts.push(rest.trim_end().to_owned());
    parts.remove(0);
    parts
}

/// What the commands show, from the first on.
pub fn shown(recording: &Path, at: &str, commands: &[&str]) -> String {
    let mut options = vec!["--batch", "--at", at];
    options.extend(commands.iter().flat_map(|command| ["-x", command]));
    text(&debug(&options, recording, "").stdout)
}

/// How far through the recording a moment is, is told as soon as the end is known: that
/// is a matter of time.
pub fn without_parts(session: &str) -> String {
    let mut rest = session;
    let mut kept = String::new();
    while let Some(end) = rest.find(" %)") {
        let (before, after) = rest.split_at(end);
        let part = before.rfind(" (").filter(|at| before.len() - at <= 5);
        kept.push_str(before.get(..part.unwrap_or(end)).unwrap_or(before));
        rest = after.get(3..).unwrap_or_default();
    }
    kept + rest
}
