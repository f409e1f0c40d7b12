//! How a line could go on: commands, places, and what the server knows.

use super::commands::{self, Completes, Found};
use super::line_reader::{Completer, Completions};
use super::prompt::Prompt;
use super::script::path;
use serde::Deserialize;
use serde_json::json;

/// What the server offers.
#[derive(Debug, Deserialize)]
struct Item {
    label: String,
    text: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Where what it replaces begins, in UTF-16 code units.
    #[serde(default)]
    start: usize,
}

impl Item {
    fn is_command(&self) -> bool {
        self.kind.as_deref() == Some("keyword")
    }

    fn written(self) -> String {
        self.text.unwrap_or(self.label)
    }
}

impl Completer for Prompt {
    fn complete(&mut self, before: &str) -> Completions {
        let begun = before.trim_start();
        let from = before.len() - begun.len();
        if let Found::Command(entry, _) = commands::find(begun)
            && begun.contains(char::is_whitespace)
        {
            let end = begun.find(char::is_whitespace).unwrap_or(begun.len());
            let rest = begun.get(end..).unwrap_or_default().trim_start();
            return match entry.completes {
                // The server has words that begin as one of ours: `next write`.
                Completes::Nothing => self.complete_by_server(before, begun),
                Completes::Places => self.complete_place(before, rest),
                Completes::Expressions => self.complete_expression(before, rest),
                Completes::Files => complete_file(before),
                Completes::Words(words) => match complete_words(before, rest, words) {
                    found if found.texts.is_empty() => self.complete_by_server(before, begun),
                    found => found,
                },
            };
        }
        let names = commands::names().filter(|name| name.starts_with(begun));
        let mut texts: Vec<String> = names.map(str::to_owned).collect();
        let servers = self.complete_by_server(before, begun);
        // Names that replace the whole line come with ours, others in their place.
        match servers.from == from {
            true => texts.extend(servers.texts),
            false if texts.is_empty() => return servers,
            false => {}
        }
        texts.retain(|text| text.starts_with(begun));
        texts.sort_unstable();
        texts.dedup();
        Completions { from, texts }
    }
}

/// The word that is begun, if it is the first after the command.
fn complete_words(before: &str, rest: &str, words: &[&str]) -> Completions {
    let from = before.len() - rest.len();
    let fitting = words.iter().filter(|word| word.starts_with(rest));
    Completions {
        from,
        texts: fitting.map(|word| (*word).to_owned()).collect(),
    }
}

/// The file whose path ends the line.
fn complete_file(before: &str) -> Completions {
    /// A folder may have any number.
    const MOST: usize = 500;
    let word = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let begun = before.get(word..).unwrap_or_default();
    let from = word + begun.rfind('/').map_or(0, |at| at + 1);
    let name = before.get(from..).unwrap_or_default();
    let folder = match before.get(word..from).unwrap_or_default() {
        "" => path("."),
        folder => path(folder),
    };
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .take(MOST)
    {
        let found = entry.file_name().to_string_lossy().into_owned();
        let is_hidden = found.starts_with('.') && !name.starts_with('.');
        if found.starts_with(name) && !is_hidden {
            let is_folder = entry.path().is_dir();
            texts.push(if is_folder { found + "/" } else { found });
        }
    }
    texts.sort_unstable();
    Completions { from, texts }
}

impl Prompt {
    /// What the server thinks a text could become; nothing, if it does not know.
    fn asked(&mut self, text: &str) -> Vec<Item> {
        #[derive(Deserialize)]
        struct Body {
            targets: Vec<Item>,
        }
        let column = text.encode_utf16().count() + 1;
        let mut arguments = json!({ "text": text, "column": column });
        if let Ok(Some(frame)) = self.selected() {
            arguments["frameId"] = frame.id.into();
        }
        let found = self.client.ask("completions", arguments);
        found.map_or(Vec::new(), |body: Body| body.targets)
    }

    /// The items that replace the shortest end of a text, which ends the line.
    fn complete_from(&self, before: &str, text: &str, items: Vec<Item>) -> Completions {
        let start = items.iter().map(|item| item.start).max().unwrap_or(0);
        let mut units = 0;
        let mut offset = 0;
        for character in text.chars() {
            if units >= start {
                break;
            }
            units += character.len_utf16();
            offset += character.len_utf8();
        }
        let from = before.len() - text.len() + offset;
        let begun = before.get(from..).unwrap_or_default();
        let shortest = items.into_iter().filter(|item| item.start == start);
        let mut texts: Vec<String> = shortest.map(Item::written).collect();
        texts.retain(|text| text.starts_with(begun));
        texts.sort_unstable();
        texts.dedup();
        Completions { from, texts }
    }

    fn complete_by_server(&mut self, before: &str, text: &str) -> Completions {
        let mut items = self.asked(text);
        // While a command can still be meant, that is offered.
        if items.iter().any(Item::is_command) {
            items.retain(Item::is_command);
        }
        self.complete_from(before, text, items)
    }

    /// The last name of an expression.
    fn complete_expression(&mut self, before: &str, rest: &str) -> Completions {
        let expression = match rest.strip_prefix('/') {
            Some(format) => format
                .split_once(char::is_whitespace)
                .map_or("", |(_, rest)| rest),
            None => rest,
        };
        let mut items = self.asked(expression);
        // Commands are not part of an expression.
        items.retain(|item| !item.is_command());
        let found = self.complete_from(before, expression, items);
        if !found.texts.is_empty() || !expression.is_empty() {
            return found;
        }
        let mut texts = self.variable_names();
        texts.sort_unstable();
        Completions {
            from: before.len(),
            texts,
        }
    }

    /// `FILE:`, or a function; after `if`, an expression.
    fn complete_place(&mut self, before: &str, begun: &str) -> Completions {
        if let Some((_, condition)) = begun.rsplit_once(" if ") {
            return self.complete_expression(before, condition.trim_start());
        }
        let sources = self.sources().unwrap_or_default().into_iter();
        let names = sources.filter_map(|source| source.name);
        let mut texts: Vec<String> = names
            .filter(|name| name.starts_with(begun))
            .map(|name| format!("{name}:"))
            .collect();
        if !begun.is_empty() {
            texts.extend(self.function_names(begun));
        }
        texts.sort_unstable();
        texts.dedup();
        Completions {
            from: before.len() - begun.len(),
            texts,
        }
    }
}
