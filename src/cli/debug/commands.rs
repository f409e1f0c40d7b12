//! What can be typed: names, what follows them, what runs.

use super::prompt::{Done, Prompt};
use super::{
    breakpoint_commands, catching, display, help, info, memory, motion, script, settings, stack,
    text, values,
};

/// What a command is for, as `help` groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Forward,
    Backward,
    Stopping,
    Looking,
    Session,
}

/// What may follow a command.
#[derive(Debug, Clone, Copy)]
pub(super) enum Completes {
    Nothing,
    Places,
    Expressions,
    Files,
    Words(&'static [&'static str]),
}

pub(super) struct PromptCommand {
    pub(super) name: &'static str,
    /// Shorter and other names.
    pub(super) also: &'static [&'static str],
    pub(super) arguments: &'static str,
    pub(super) about: &'static str,
    pub(super) group: Group,
    pub(super) completes: Completes,
    /// What an empty line does after this one.
    pub(super) again: Option<fn(&str) -> String>,
    pub(super) run: fn(&mut Prompt, &str) -> Done,
}

const fn entry(
    group: Group,
    name: &'static str,
    also: &'static [&'static str],
    arguments: &'static str,
    about: &'static str,
    run: fn(&mut Prompt, &str) -> Done,
) -> PromptCommand {
    PromptCommand {
        name,
        also,
        arguments,
        about,
        group,
        completes: Completes::Nothing,
        again: None,
        run,
    }
}

impl PromptCommand {
    const fn completing(self, completes: Completes) -> PromptCommand {
        PromptCommand { completes, ..self }
    }

    const fn again(self, again: fn(&str) -> String) -> PromptCommand {
        PromptCommand {
            again: Some(again),
            ..self
        }
    }
}

/// The same once more.
fn same(line: &str) -> String {
    line.to_owned()
}

/// Without arguments: goes on where it was.
fn onward(line: &str) -> String {
    match line.trim_end().ends_with(" -") {
        true => line.to_owned(),
        false => line.split_whitespace().next().unwrap_or(line).to_owned(),
    }
}

use Completes::{Expressions, Files, Places, Words};
use Group::{Backward, Forward, Looking, Session, Stopping};

static TABLE: &[PromptCommand] = &[
    entry(Forward, "run", &[], "", "from the start to the first breakpoint, or the end", motion::run),
    entry(Forward, "start", &[], "", "back to `main`, or else the first line", motion::start),
    entry(Forward, "starti", &[], "", "back to before any code of the program", motion::start_of_all),
    entry(Forward, "continue", &["c", "fg"], "[COUNT]", "to the next breakpoint, or the end", motion::resume).again(same),
    entry(Forward, "next", &["n"], "[COUNT]", "to the next line, over calls", motion::next).again(same),
    entry(Forward, "step", &["s"], "[COUNT]", "to the next line, into calls", motion::step).again(same),
    entry(Forward, "finish", &["fin"], "", "to where this function has returned", motion::finish).again(same),
    entry(Forward, "nexti", &["ni"], "[COUNT]", "one instruction, over calls", motion::next_instruction).again(same),
    entry(Forward, "stepi", &["si"], "[COUNT]", "one instruction, into calls", motion::step_instruction).again(same),
    entry(Forward, "advance", &["adv"], "PLACE", "to this line or function (see `break`)", motion::advance).completing(Places).again(same),
    entry(Forward, "until", &["u"], "[PLACE]", "as `advance`; without a place, as `next`, but out of loops", motion::until).completing(Places).again(same),
    entry(Backward, "reverse-continue", &["rc"], "[COUNT]", "back to the breakpoint before, or the start", motion::reverse_continue).again(same),
    entry(Backward, "reverse-next", &["rn", "back"], "[COUNT]", "back to the line before, over calls", motion::back).again(same),
    entry(Backward, "reverse-step", &["rs"], "[COUNT]", "back to the line before, into calls from their end", motion::reverse_step).again(same),
    entry(Backward, "reverse-finish", &["rfin"], "", "back to where this function was called", motion::reverse_finish).again(same),
    entry(Backward, "reverse-nexti", &["rni"], "[COUNT]", "back one instruction, over calls", motion::reverse_next_instruction).again(same),
    entry(Backward, "reverse-stepi", &["rsi"], "[COUNT]", "back one instruction, into calls", motion::reverse_step_instruction).again(same),
    entry(Stopping, "break", &["b", "br", "hbreak"], "[FILE:LINE|LINE|FUNCTION|*ADDRESS|hostcall PATH] [task N] [if CONDITION]", "stop there; without a place, at this line", breakpoint_commands::set).completing(Places),
    entry(Stopping, "tbreak", &["tb", "thbreak"], "PLACE [task N] [if CONDITION]", "stop there once", breakpoint_commands::set_once).completing(Places),
    entry(Stopping, "watch", &["wa"], "[--all] EXPRESSION [if CONDITION]", "stop where this is changed, or with --all written", breakpoint_commands::watch).completing(Expressions),
    entry(Stopping, "catch", &[], "trap|panic|throw|hostcall|failed|handle-created|handle-dropped [CONDITION]", "stop at such events; a condition is a part of a WIT path, or an expression", catching::catch)
        .completing(Words(catching::WORDS)),
    entry(Stopping, "condition", &["cond"], "N [EXPRESSION]", "stop at breakpoint N only if this holds; without it, always", breakpoint_commands::condition).completing(Expressions),
    entry(Stopping, "hits", &[], "N [== 3|> 3|% 3]", "stop at breakpoint N only at these hits; without it, at all", breakpoint_commands::hits),
    entry(Stopping, "ignore", &[], "N COUNT", "pass breakpoint N at its next so many hits", breakpoint_commands::ignore),
    entry(Stopping, "log", &[], "N [\"TEXT {EXPRESSION}\"]", "print this at breakpoint N instead of stopping; without it, stop again", breakpoint_commands::log),
    entry(Stopping, "commands", &["comm"], "[N]", "what to run whenever breakpoint N, or the last one, has stopped the program: lines, then `end`; first `silent`: tell nothing", script::commands),
    entry(Stopping, "end", &["silent"], "", "ends the lines of `commands`", script::end),
    entry(Stopping, "delete", &["d", "del"], "[N…]", "forget these breakpoints, or all", breakpoint_commands::delete),
    entry(Stopping, "disable", &["dis"], "[N…]", "pass these breakpoints, or all, for now", breakpoint_commands::disable),
    entry(Stopping, "enable", &["en"], "[N…]", "stop at them again", breakpoint_commands::enable),
    entry(Looking, "backtrace", &["bt", "where"], "[full] [COUNT|-COUNT]", "the frames of the stack, the innermost (-: outermost) ones; full: with their variables", stack::backtrace),
    entry(Looking, "frame", &["f"], "[N|function NAME]", "look at frame N, or that of a function; without it, show which one is looked at", stack::frame),
    entry(Looking, "thread", &[], "N", "look at another thread, and step in it: `threads` lists them", stack::thread),
    entry(Looking, "up", &[], "[COUNT]", "look at the caller's frame", stack::up),
    entry(Looking, "down", &[], "[COUNT]", "look at the called one's frame", stack::down),
    entry(Looking, "list", &["l"], "[-|LINE|FIRST,LAST|FILE:LINE|FUNCTION]", "source around this line; again: further on; -: before", text::list).completing(Places).again(onward),
    entry(Looking, "print", &["p", "inspect"], "[/FORMAT] EXPRESSION", "the value of an expression; formats x d u o t c s; $, $$, $1: what was printed", values::print).completing(Expressions),
    entry(Looking, "display", &[], "[[/FORMAT] EXPRESSION]", "print a value now, and at each stop", display::display).completing(Expressions),
    entry(Looking, "undisplay", &[], "[N…]", "end that", display::undisplay),
    entry(Looking, "x", &[], "[/COUNT FORMAT UNIT] ADDRESS", "memory: formats x d u o t c s, units b h w g; an address is a number or an expression; x/i: instructions", memory::examine).completing(Expressions),
    entry(Looking, "disassemble", &["disas"], "[COUNT|FUNCTION|0xADDRESS]", "the instructions around this one, or of a function", memory::disassemble).completing(Places),
    entry(Looking, "info", &["i"], "WHAT", "breakpoints, locals, args, frame, registers, display, handles, hostcalls, marks, output, modules, source, sources, line, symbol, functions, variables, types, threads", info::info)
        .completing(Words(info::TOPICS)),
    entry(Session, "set", &[], "listsize N|directories DIR", "how many lines `list` shows, where sources are", settings::set).completing(Words(settings::SETTINGS)),
    entry(Session, "show", &[], "[listsize|directories|values|version]", "what is set; values: what `print` has shown", settings::show).completing(Words(settings::SHOWN)),
    entry(Session, "directory", &["dir"], "[DIR…]", "look for sources there, too; without any, no more", settings::directory).completing(Files),
    entry(Session, "source", &[], "FILE", "run the commands in a file; ~/.rr-dapinit is run at the beginning", script::source).completing(Files),
    entry(Session, "save", &[], "breakpoints FILE", "write breakpoints as commands, for `source`", script::save).completing(Words(&["breakpoints"])),
    entry(Session, "shell", &[], "[COMMAND]", "run a command of the shell (so does !COMMAND)", script::shell).completing(Files),
    entry(Session, "echo", &[], "TEXT", "print this", script::echo),
    entry(Session, "pwd", &[], "", "the directory that the debugger works in", script::pwd),
    entry(Session, "help", &["h"], "[COMMAND]", "list the commands, or explain one", help::help),
    entry(Session, "quit", &["q", "exit"], "", "end the session (so does ^D)", help::quit),
];

/// What a line means.
pub(super) enum Found<'a> {
    Command(&'static PromptCommand, &'a str),
    /// The beginning of several names.
    Several(Vec<&'static str>),
    /// No command of the prompt.
    None,
}

pub(super) fn all() -> &'static [PromptCommand] {
    TABLE
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|entry| entry.name)
}

pub(super) fn find(line: &str) -> Found<'_> {
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    // `d.x` and `c = 3` are expressions, whatever `d` and `c` are short for.
    let is_expression = |rest: &str| {
        let mut rest = rest.chars();
        match rest.next() {
            None => false,
            Some('/') => rest.next().is_none_or(|c| !c.is_alphanumeric()),
            Some(c) => !c.is_whitespace(),
        }
    };
    if word.is_empty() || is_expression(rest) {
        return Found::None;
    }
    let exact = TABLE
        .iter()
        .find(|entry| entry.name == word || entry.also.contains(&word));
    if let Some(entry) = exact {
        return Found::Command(entry, rest.trim());
    }
    let fitting: Vec<&PromptCommand> = TABLE
        .iter()
        .filter(|entry| entry.name.starts_with(word))
        .collect();
    match fitting.as_slice() {
        [] => Found::None,
        [entry] => Found::Command(entry, rest.trim()),
        several => Found::Several(several.iter().map(|entry| entry.name).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> String {
        match find(line) {
            Found::Command(entry, arguments) => format!("{}|{arguments}", entry.name),
            Found::Several(names) => names.join("?"),
            Found::None => "-".into(),
        }
    }

    #[test]
    fn a_line_is_a_command_by_its_beginning() {
        for (line, expected) in [
            ("n", "next|"),
            ("n 3", "next|3"),
            ("cont", "continue|"),
            ("p/x a + 1", "print|/x a + 1"),
            ("x/8xb &buffer", "x|/8xb &buffer"),
            ("reverse-c", "reverse-continue|"),
            ("b ledger.c:3 if a == 1", "break|ledger.c:3 if a == 1"),
            ("di", "disable?display?disassemble?directory"),
            ("when", "-"),
            ("seek 12", "-"),
            ("d.x", "-"),
            ("s->from", "-"),
            ("x[3]", "-"),
            ("(n)", "-"),
            ("nothing_of_ours", "-"),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
    }

    #[test]
    fn every_name_is_one_command() {
        for entry in TABLE {
            for name in std::iter::once(&entry.name).chain(entry.also) {
                let same = TABLE
                    .iter()
                    .filter(|other| other.name == *name || other.also.contains(name));
                assert_eq!(same.count(), 1, "{name}");
            }
        }
    }
}
