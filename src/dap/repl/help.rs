//! `rr help`: the list of commands.

use super::{Effect, Entry, PREFIX, TABLE};

pub(super) const ENTRY: Entry = Entry {
    words: "help",
    arguments: "",
    about: "list these commands",
    run: |_, _| Ok(Effect::Say(text())),
};

fn text() -> String {
    let usages: Vec<String> = TABLE
        .iter()
        .map(|entry| format!("{PREFIX} {} {}", entry.words, entry.arguments))
        .collect();
    let width = usages.iter().map(String::len).max().unwrap_or(0);
    let lines: Vec<String> = usages
        .iter()
        .zip(TABLE)
        .map(|(usage, entry)| format!("{usage:width$}  {}", entry.about))
        .collect();
    lines.join("\n")
}
