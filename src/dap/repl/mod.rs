//! Commands of the debug console, for what the protocol has no request for:
//! they work in every client. All begin with `rr`; anything else typed there is
//! an expression.

mod back;
mod goto;
mod handles;
mod help;
mod hostcall;
mod place;

use super::debuggee::{Debuggee, VariableView};
use crate::timeline::motion::Motion;

/// What every command begins with.
const PREFIX: &str = "rr";

/// What a command does.
pub(super) enum Effect {
    Say(String),
    Show(Box<VariableView>),
    Travel { say: String, motion: Motion },
}

type Run = fn(&mut dyn Debuggee, &str) -> Result<Effect, String>;

struct Entry {
    /// The words after `rr`.
    words: &'static str,
    /// What follows them.
    arguments: &'static str,
    about: &'static str,
    run: Run,
}

/// The more words, the earlier: the first entry that fits is run.
static TABLE: &[Entry] = &[
    place::ENTRY,
    goto::EVENT,
    goto::POSITION,
    goto::START,
    goto::ENTRY,
    goto::END,
    hostcall::NEXT,
    hostcall::PREVIOUS,
    back::INTO,
    back::OUT,
    back::INSTRUCTION,
    handles::ENTRY,
    help::ENTRY,
];

/// A line of the console that is meant for us.
pub(super) struct Command<'a>(&'a str);

impl<'a> Command<'a> {
    /// `None` where the line is an expression.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let rest = line.strip_prefix(PREFIX)?;
        match rest.chars().next() {
            None => Some(Command("help")),
            Some(character) if character.is_whitespace() => Some(Command(rest.trim())),
            Some(_) => None,
        }
    }

    pub(super) fn run(self, debuggee: &mut dyn Debuggee) -> Result<Effect, String> {
        for entry in TABLE {
            if let Some(arguments) = after_words(self.0, entry.words) {
                return (entry.run)(debuggee, arguments);
            }
        }
        Err(format!(
            "there is no command `{PREFIX} {}`; `{PREFIX} help` lists them",
            self.0
        ))
    }
}

/// What follows these words, if the text begins with them.
fn after_words<'a>(mut text: &'a str, words: &str) -> Option<&'a str> {
    for word in words.split(' ') {
        let rest = text.trim_start().strip_prefix(word)?;
        if rest
            .chars()
            .next()
            .is_some_and(|next| !next.is_whitespace())
        {
            return None;
        }
        text = rest;
    }
    Some(text.trim())
}

/// A command that a line could become.
pub(super) struct Completion {
    pub(super) text: String,
    pub(super) about: &'static str,
}

pub(super) fn completions(before: &str) -> impl Iterator<Item = Completion> {
    let before = before.to_owned();
    TABLE
        .iter()
        .map(|entry| Completion {
            text: format!("{PREFIX} {}", entry.words),
            about: entry.about,
        })
        .filter(move |completion| completion.text.starts_with(&before))
}

fn no_arguments(arguments: &str) -> Result<(), String> {
    match arguments {
        "" => Ok(()),
        more => Err(format!(
            "`{more}` is too much: this command takes nothing more"
        )),
    }
}
