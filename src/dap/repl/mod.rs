//! Commands of the debug console, for what the protocol has no request for: they work
//! in every client.
//!
//! A command is a line that begins with its words, `rr` before them or not. Anything
//! else is an expression, and so is a line whose command is followed by an operator
//! (`mark + 1`); in parentheses every line is one.

mod end_run;
mod functions;
mod futures;
mod help;
mod hostcalls;
mod info;
mod mark;
mod output;
mod print;
mod ptype;
mod requests;
mod resources;
mod seek;
mod step;
mod system;
mod tasks;
mod threads;
mod when;
pub(super) mod wrote;

use crate::debuggee::{Debuggee, DebuggeeError, FrameId, Output, VariableView};
use crate::questions::{self, Asking};
use crate::timeline::interrupt::Interrupt;
use crate::timeline::travel::motion::Motion;
use std::sync::LazyLock;

/// What a command may begin with, to tell it from an expression.
const PREFIX: &str = "rr";

/// What a command does.
pub(super) enum Effect {
    Say(String),
    Show(Box<VariableView>),
    Travel {
        say: String,
        motion: Motion,
    },
    /// A question about the whole recording is asked.
    Ask(Asking),
}

/// What a command has to work with.
pub(super) struct Context<'a> {
    pub(super) debuggee: &'a mut dyn Debuggee,
    /// The whole line, with the command's words.
    pub(super) line: &'a str,
    /// The frame that is looked at; `None`: the innermost.
    pub(super) frame: Option<FrameId>,
    pub(super) output: &'a dyn Output,
    pub(super) interrupt: &'a Interrupt,
}

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// It was not understood, or cannot be done: cause and remedy.
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Debuggee(#[from] DebuggeeError),
}

fn wrong(message: impl Into<String>) -> CommandError {
    CommandError::Wrong(message.into())
}

type Ran = Result<Effect, CommandError>;
type Run = fn(&mut Context<'_>, &str) -> Ran;

/// A command of the console.
struct ConsoleCommand {
    /// The words that it begins with.
    words: &'static str,
    /// Other words for the same.
    also: &'static [&'static str],
    /// What follows them.
    arguments: &'static str,
    about: &'static str,
    run: Run,
}

impl ConsoleCommand {
    /// Whether an expression follows, which may begin with operators.
    fn takes_expression(&self) -> bool {
        let mut words = self.arguments.split(' ');
        words.any(|word| word.starts_with("EXPRESSION")) || self.needs_more()
    }

    /// Whether the words alone are the name of a variable.
    fn needs_more(&self) -> bool {
        self.arguments.starts_with("[/FORMAT]")
    }
}

/// The more words, the earlier: the first entry that fits is run.
static TABLE: &[ConsoleCommand] = &[
    when::WHEN,
    when::ABSOLUTE_TIME,
    seek::SEEK,
    system::NODES,
    system::NODE,
    system::FOLLOW_BACK,
    system::FOLLOW,
    system::MESSAGES,
    step::BACK_INTO,
    step::BACK_OUT,
    step::BACK_INSTRUCTION,
    step::HOSTCALL_NEXT,
    step::HOSTCALL_PREVIOUS,
    step::HOSTCALL_OVER,
    step::HOSTCALL_BACK,
    mark::MARKS,
    mark::MARK,
    mark::UNMARK,
    hostcalls::HOSTCALLS,
    requests::REQUEST_NEXT,
    requests::REQUEST_PREVIOUS,
    requests::REQUESTS,
    resources::RESOURCES,
    tasks::TASKS,
    tasks::TASK,
    threads::THREADS,
    threads::THREAD,
    output::OUTPUT,
    functions::FUNCTIONS,
    futures::FUTURES,
    end_run::END_RUN,
    info::LINE,
    info::SYMBOL,
    info::VARIABLES,
    info::TYPES,
    print::PRINT,
    ptype::PTYPE,
    ptype::WHATIS,
    wrote::WROTE,
    wrote::WRITES,
    help::HELP,
];

/// The questions, as commands.
static QUESTIONS: LazyLock<Vec<ConsoleCommand>> = LazyLock::new(|| {
    let kinds = questions::kinds().iter();
    let commands = kinds.map(|kind| ConsoleCommand {
        words: kind.word,
        also: &[],
        arguments: kind.arguments,
        about: kind.about,
        run: |context, _| match questions::read(context.line) {
            Ok(asking) => Ok(Effect::Ask(asking)),
            Err(error) => Err(wrong(error.to_string())),
        },
    });
    commands.collect()
});

/// All commands.
fn table() -> impl Iterator<Item = &'static ConsoleCommand> {
    TABLE.iter().chain(QUESTIONS.iter())
}

/// A line of the console that is meant for us.
pub(super) struct CommandLine {
    text: String,
}

impl CommandLine {
    /// `None` where the line is an expression.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let command = |text: &str| {
            Some(CommandLine {
                text: text.to_owned(),
            })
        };
        if let Some(rest) = line.strip_prefix(PREFIX) {
            match rest.chars().next() {
                None => return command("help"),
                Some(next) if next.is_whitespace() => return command(rest.trim()),
                Some(_) => {}
            }
        }
        let written = with_space(line);
        let line = written.as_deref().unwrap_or(line);
        let (entry, arguments) = find(line)?;
        let others = if entry.takes_expression() {
            "$(!~<[&"
        } else {
            ""
        };
        let is_operand =
            |c: char| c.is_alphanumeric() || "_*?:'\"+-".contains(c) || others.contains(c);
        let is_sign_alone = |text: &str| text.chars().nth(1).is_none_or(char::is_whitespace);
        let begins = arguments.chars().next();
        let fits = match begins {
            None => !entry.needs_more(),
            Some('/') => entry.needs_more() && arguments.contains(char::is_whitespace),
            Some('+' | '-' | '*' | '?' | '<') => !is_sign_alone(arguments) || arguments.len() == 1,
            Some('&') if is_sign_alone(arguments) || arguments.starts_with("&&") => false,
            Some(next) => is_operand(next),
        };
        fits.then(|| command(line)).flatten()
    }

    /// All of it, but for what tells that it is a command.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn run(&self, context: &mut Context<'_>) -> Ran {
        match find(&self.text) {
            Some((entry, arguments)) => (entry.run)(context, arguments),
            None => Err(wrong(format!(
                "there is no command `{}`; `{PREFIX} help` lists them",
                self.text
            ))),
        }
    }
}

/// `p/x a` as `p /x a`: with a format, as gdb has it. `p/x` alone is a quotient.
fn with_space(line: &str) -> Option<String> {
    let (word, rest) = line.split_once('/')?;
    let (format, expression) = rest.split_once(char::is_whitespace)?;
    let is_format = format.len() == 1 && format.chars().all(|c| c.is_ascii_lowercase());
    let is_operand = |c: char| c.is_alphanumeric() || "_($*&".contains(c);
    let begins = expression.trim_start().starts_with(is_operand);
    let is_print = ["print", "p", "inspect"].contains(&word);
    let sign_alone = expression
        .trim_start()
        .chars()
        .nth(1)
        .is_some_and(char::is_whitespace);
    let is_sign = expression.trim_start().starts_with(['*', '&']);
    (is_print && is_format && begins && !(is_sign && sign_alone))
        .then(|| format!("{word} /{format} {}", expression.trim_start()))
}

/// The entry that a line begins with, and what follows.
fn find(line: &str) -> Option<(&'static ConsoleCommand, &str)> {
    table().find_map(|entry| {
        let words = std::iter::once(&entry.words).chain(entry.also);
        let mut found = words.filter_map(|words| after_words(line, words));
        Some((entry, found.next()?))
    })
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

/// What may follow a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completes {
    Nothing,
    Moments,
    Marks,
    Hostcalls,
    OverHostcalls,
    Functions,
    Globals,
    Types,
    Expressions,
}

/// What may stand at the end of a line that begins with a command, and what of the line
/// comes after the command's words.
pub(super) fn arguments(before: &str) -> Option<(Completes, &str)> {
    let line = before.trim_start();
    let line = match line.strip_prefix(PREFIX) {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => line,
    };
    let (entry, trimmed) = find(line)?;
    // Words that are not followed by a space are still being written.
    let rest = match trimmed {
        "" if line.ends_with(char::is_whitespace) => "",
        "" => return None,
        // What comes last may be a space.
        text => line.get(line.rfind(text)?..)?,
    };
    let completes = match entry.words {
        "seek" => Completes::Moments,
        "unmark" => Completes::Marks,
        "hostcall next" | "hostcall prev" | "hostcalls" => Completes::Hostcalls,
        "hostcall over" | "hostcall back" => Completes::OverHostcalls,
        "functions" | "calls" => Completes::Functions,
        "info variables" => Completes::Globals,
        "info types" | "ptype" | "whatis" => Completes::Types,
        _ if entry.takes_expression() => Completes::Expressions,
        _ => Completes::Nothing,
    };
    Some((completes, rest))
}

/// A command that a line could become.
pub(super) struct Completion {
    pub(super) text: String,
    pub(super) about: &'static str,
}

/// The commands that begin like this, written as the line is: with `rr` or without.
pub(super) fn completions(before: &str) -> Vec<Completion> {
    let before = before.trim_start();
    let with_prefix = before.is_empty() || PREFIX.starts_with(before) || before.starts_with("rr ");
    let written = |words: &str| match with_prefix {
        true => format!("{PREFIX} {words}"),
        false => words.to_owned(),
    };
    let completions = table().filter_map(|entry| {
        let words = std::iter::once(&entry.words).chain(entry.also);
        // Other words for it only where somebody begins to write them.
        let mut written = words.map(|words| written(words));
        Some(Completion {
            text: written.find(|text| text.starts_with(before))?,
            about: entry.about,
        })
    });
    completions.collect()
}

fn no_arguments(arguments: &str) -> Result<(), CommandError> {
    match arguments {
        "" => Ok(()),
        more => Err(wrong(format!(
            "`{more}` is too much: this command takes nothing more"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_or_an_expression() {
        for line in [
            "rr",
            "rr when",
            "when",
            "seek 12",
            "seek 40%",
            "rr nonsense",
            "mark",
            "mark here",
            "hostcalls *write*",
            "hostcalls wasi:io",
            "seek +3",
            "seek start",
            "help seek",
            "where",
            "goto event 3",
            "back in",
            "ptype Account *",
            "ptype *account",
            "ptype &[u8]",
            "ptype [u8; 3]",
            "ptype !done",
            "ptype (char *)p",
            "wrote $mem[p; 4]",
            "wrote --all *p",
            "functions *push*",
            "values $mem[p; 4] at a.c:3",
            "origin $stack0",
            "visits a.c:3 --where x > 3",
            "why",
        ] {
            assert!(CommandLine::parse(line).is_some(), "{line}");
        }
        for line in [
            "x",
            "rrx",
            "when + 1",
            "mark.x",
            "mark == 3",
            "(when)",
            "seeker",
            "marks[0]",
            "seek - 3",
            "output * 2",
            "output & 2",
            "output && ready",
            "mark &1",
            "ptype < 3",
            "ptype && ready",
            "ptype & 3",
            "whenever",
            "back",
            "rr.x",
            "values[3]",
            "visits + 1",
            "origin.x",
        ] {
            assert!(CommandLine::parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn every_command_says_what_it_is_for() {
        for entry in table() {
            assert!(entry.about.len() > 10, "{}", entry.words);
            let same = table()
                .filter(|other| other.words == entry.words || other.also.contains(&entry.words));
            assert_eq!(same.count(), 1, "{}", entry.words);
            let (found, _) = find(entry.words).expect("itself");
            assert_eq!(found.words, entry.words);
        }
    }
}
