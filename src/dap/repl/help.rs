//! `help`: the commands.

use super::{ConsoleCommand, Effect, PREFIX, Ran, find, table, wrong};

pub(super) const HELP: ConsoleCommand = ConsoleCommand {
    words: "help",
    also: &[],
    arguments: "[COMMAND]",
    about: "list the commands, or explain one",
    run: |_, arguments| help(arguments),
};

fn help(arguments: &str) -> Ran {
    if arguments.is_empty() {
        return Ok(Effect::Say(list()));
    }
    let bare = arguments.strip_prefix(PREFIX).unwrap_or(arguments).trim();
    let beginning: Vec<&ConsoleCommand> = match find(bare) {
        Some((entry, _)) => vec![entry],
        None => table().filter(|e| e.words.starts_with(bare)).collect(),
    };
    if beginning.is_empty() {
        return Err(wrong(format!(
            "there is no command `{bare}`; `{PREFIX} help` lists them"
        )));
    }
    let explained = beginning.into_iter().map(explained);
    Ok(Effect::Say(explained.collect::<Vec<_>>().join("\n")))
}

fn usage(entry: &ConsoleCommand) -> String {
    format!("{} {}", entry.words, entry.arguments)
        .trim_end()
        .to_owned()
}

fn explained(entry: &ConsoleCommand) -> String {
    let also = match entry.also {
        [] => String::new(),
        words => format!(" (also: {})", words.join(", ")),
    };
    format!("{}: {}{also}", usage(entry), entry.about)
}

fn list() -> String {
    let usages: Vec<String> = table().map(usage).collect();
    let width = usages.iter().map(String::len).max().unwrap_or(0);
    let mut lines: Vec<String> = usages
        .iter()
        .zip(table())
        .map(|(usage, entry)| format!("{usage:width$}  {}", entry.about))
        .collect();
    lines.push(format!(
        "Anything else is an expression; `{PREFIX}` in front makes a line a command, \
         parentheses around it an expression."
    ));
    lines.join("\n")
}
