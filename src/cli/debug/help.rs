//! `help` and `quit`.

use super::commands::{self, Found, Group, PromptCommand};
use super::motion::nothing_more;
use super::prompt::{Done, Next, Prompt};
use crate::cli::style::Style;

const GROUPS: [(Group, &str); 5] = [
    (Group::Forward, "Forward"),
    (Group::Backward, "Back"),
    (Group::Stopping, "Where to stop"),
    (Group::Looking, "Looking"),
    (Group::Session, "The session"),
];

pub(super) fn help(prompt: &mut Prompt, arguments: &str) -> Done {
    if arguments.is_empty() {
        return list(prompt);
    }
    match commands::find(arguments) {
        Found::Command(entry, "") => prompt.say(&explained(entry))?,
        Found::Several(names) => {
            for entry in commands::all().iter().filter(|e| names.contains(&e.name)) {
                prompt.say(&explained(entry))?;
            }
        }
        Found::Command(..) | Found::None => return prompt.console(&format!("rr help {arguments}")),
    }
    Ok(Next::Continue)
}

pub(super) fn quit(_: &mut Prompt, arguments: &str) -> Done {
    nothing_more(arguments)?;
    Ok(Next::End)
}

fn names(entry: &PromptCommand) -> String {
    std::iter::once(&entry.name)
        .chain(entry.also)
        .copied()
        .collect::<Vec<_>>()
        .join(", ")
}

fn explained(entry: &PromptCommand) -> String {
    let usage = format!("{} {}", entry.name, entry.arguments);
    let also = match entry.also {
        [] => String::new(),
        also => format!(" (also: {})", also.join(", ")),
    };
    format!("{}: {}{also}", usage.trim_end(), entry.about)
}

fn list(prompt: &mut Prompt) -> Done {
    let all = commands::all();
    let width = all
        .iter()
        .map(|entry| names(entry).len())
        .max()
        .unwrap_or(0);
    for (group, title) in GROUPS {
        let title = prompt.painted(Style::Heading, title);
        prompt.say(&title)?;
        for entry in all.iter().filter(|entry| entry.group == group) {
            prompt.say(&format!("  {:width$}  {}", names(entry), entry.about))?;
        }
    }
    let title = prompt.painted(Style::Heading, "In every editor's console as well");
    prompt.say(&title)?;
    let servers = prompt.client.console("rr help", None)?.result;
    for line in servers.lines() {
        prompt.say(&format!("  {line}"))?;
    }
    prompt.say(
        "The beginning of a name will do. An empty line repeats a motion; `help COMMAND` tells \
         what follows a command.",
    )?;
    Ok(Next::Continue)
}
