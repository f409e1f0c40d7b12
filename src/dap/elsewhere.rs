//! Words of gdb that are not commands here: why, and what there is instead.
//!
//! A line is taken for what it is first, a command or an expression; only what is neither
//! is looked up here.

const EDITOR: &str =
    "the editor has it in its own windows and buttons; `rr-dap debug` has it as a command";

/// The words, and what is said of them.
static WORDS: &[(&[&str], &str)] = &[
    (
        &["set", "set var", "set variable", "let"],
        "the past cannot be changed: a recording can be looked at only; to try another value, \
         change the program and record it anew (to compare, write `==`)",
    ),
    (
        &["call", "compile", "expression", "expr"],
        "functions cannot be called in a recording: nothing runs that has not run; `print` shows \
         values, and `break FUNCTION` stops where the program calls one",
    ),
    (
        &["jump", "j"],
        "the program cannot go on elsewhere than it did; `advance LINE` goes to where it was next \
         at a line, `reverse-continue` with a breakpoint to where it was before, `seek` to a \
         moment",
    ),
    (
        &["return", "signal", "kill", "k", "stop"],
        "the run has ended as it did; `finish` goes to where the function returned, `quit` ends \
         the session",
    ),
    (
        &[
            "checkpoint",
            "restart",
            "bookmark",
            "goto-bookmark",
            "delete checkpoint",
        ],
        "every moment can be gone back to: `mark NAME` names this one, `seek NAME` goes there, \
         `marks` lists them",
    ),
    (
        &[
            "record",
            "rec",
            "target",
            "attach",
            "detach",
            "load",
            "core-file",
            "core",
            "exec-file",
            "gcore",
            "generate-core-file",
            "handle",
            "inferior",
            "add-inferior",
            "monitor",
        ],
        "the session is one with a recording, which is whole; `rr-dap record` makes another one, \
         `rr-dap debug FILE` opens it",
    ),
    (
        &["file", "symbol-file", "add-symbol-file", "sharedlibrary"],
        "debug information comes with the recording, or with --debug-file FILE at the start of \
         the session (`debugFiles` in an editor)",
    ),
    (
        &["thread", "t", "taskset"],
        "a component has one thread; `info threads` says where it is, `bt` its stack",
    ),
    (
        &[
            "tui",
            "layout",
            "lay",
            "focus",
            "fs",
            "refresh",
            "winheight",
            "wh",
        ],
        "there are no windows at this prompt; `list` shows the source, `display EXPRESSION` what \
         changes, and editors have the rest: VS Code, Neovim and Emacs debug the same recording",
    ),
    (
        &["rwatch", "awatch"],
        "reads of memory are not followed; `watch EXPRESSION` stops at writes, `wrote EXPRESSION` \
         goes back to the last one",
    ),
    (
        &["rbreak"],
        "`break PATTERN` with a `*` stops at all functions that fit: `break parse_*`",
    ),
    (
        &[
            "tcatch", "strace", "ftrace", "trace", "tstart", "tstop", "tfind", "actions",
            "collect", "dprintf",
        ],
        "`log N \"TEXT {EXPRESSION}\"` makes breakpoint N print instead of stopping",
    ),
    (
        &["printf"],
        "`print EXPRESSION` shows a value, with a format as in `print/x`; `log N \"TEXT \
         {EXPRESSION}\"` prints several in a text at a breakpoint",
    ),
    (
        &[
            "python",
            "py",
            "python-interactive",
            "pi",
            "guile",
            "gu",
            "define",
            "document",
            "alias",
            "if",
            "while",
            "macro",
            "pipe",
            "with",
            "source-highlight",
        ],
        "there is no scripting language here; `source FILE` runs commands, and \
         `rr-dap debug --batch --command …` does from a script; the Debug Adapter Protocol is \
         the interface for programs",
    ),
    (
        &[
            "edit",
            "search",
            "forward-search",
            "fo",
            "reverse-search",
            "rev",
        ],
        "`list FILE:LINE` shows a source; an editor opens and searches it",
    ),
    (
        &[
            "skip",
            "maintenance",
            "mt",
            "maint",
            "complete",
            "apropos",
            "cd",
            "add-auto-load-safe-path",
            "unset",
            "tty",
            "path",
            "explore",
        ],
        "there is no such command here; `help` lists those that there are",
    ),
    (
        &[
            "run",
            "r",
            "start",
            "starti",
            "continue",
            "c",
            "next",
            "n",
            "step",
            "s",
            "finish",
            "fin",
            "nexti",
            "ni",
            "stepi",
            "si",
            "until",
            "u",
            "advance",
            "reverse-continue",
            "rc",
            "reverse-next",
            "rn",
            "reverse-step",
            "rs",
            "reverse-finish",
            "reverse-stepi",
            "rsi",
            "reverse-nexti",
            "rni",
            "break",
            "b",
            "tbreak",
            "tb",
            "watch",
            "catch",
            "condition",
            "ignore",
            "delete",
            "d",
            "disable",
            "enable",
            "commands",
            "backtrace",
            "bt",
            "where",
            "frame",
            "f",
            "up",
            "down",
            "list",
            "l",
            "display",
            "undisplay",
            "x",
            "disassemble",
            "disas",
            "info",
            "i",
            "source",
            "save",
            "shell",
            "directory",
            "show",
            "quit",
            "q",
        ],
        EDITOR,
    ),
];

/// What `info` tells of elsewhere, and what is said of it.
static TOPICS: &[(&[&str], &str)] = &[
    (
        &[
            "signals",
            "handle",
            "proc",
            "os",
            "auxv",
            "inferiors",
            "auto-load",
            "skip",
            "macro",
            "macros",
            "win",
            "tasks",
            "copying",
            "warranty",
            "dcache",
            "float",
            "vector",
            "selectors",
            "target",
            "terminal",
            "exceptions",
            "checkpoints",
            "record",
        ],
        "a component has none of that; `info` alone says what it tells of",
    ),
    (
        &["all-registers"],
        "`info registers` shows locals, operands and globals of the core level",
    ),
    (
        &["scope"],
        "`info locals` shows what is in scope, `info variables` what is outside functions",
    ),
    (
        &["address"],
        "`print &EXPRESSION` tells where a value is, `info symbol ADDRESS` what is there",
    ),
];

/// What is said of what `info` of gdb tells of, where ours does not.
pub(crate) fn of_topic(word: &str) -> Option<&'static str> {
    let found = TOPICS.iter().find(|(words, _)| words.contains(&word));
    found.map(|(_, said)| *said)
}

/// What is said of a line that begins with a word of gdb's, if it does.
pub(crate) fn said_of(line: &str) -> Option<String> {
    let line = line.trim();
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c));
    let begins = |word: &&&str| line.strip_prefix(**word).is_some_and(ends);
    let topic = line.strip_prefix("info ").or(line.strip_prefix("i "));
    let topic = topic.and_then(|rest| rest.split_whitespace().next());
    if let Some((topic, said)) = topic.and_then(|topic| Some((topic, of_topic(topic)?))) {
        return Some(format!("{topic}: {said}"));
    }
    let mut longest: Option<(&str, &str)> = None;
    for (words, said) in WORDS {
        let found = words.iter().filter(begins).max_by_key(|word| word.len());
        if let Some(word) = found
            && longest.is_none_or(|(known, _)| known.len() < word.len())
        {
            longest = Some((word, said));
        }
    }
    let (word, said) = longest?;
    // One letter may well be a variable that is not in scope here.
    let is_letter = word.len() == 1 && line.len() == 1;
    match (is_letter, said) {
        (true, _) => None,
        (false, said) => Some(format!("`{word}` of gdb: {said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::said_of;

    #[test]
    fn words_of_gdb_are_known_at_the_beginning_of_a_line() {
        for (line, part) in [
            (
                "set var x = 3",
                "`set var` of gdb: the past cannot be changed",
            ),
            ("jump 50", "`advance LINE`"),
            ("call f(3)", "functions cannot be called"),
            ("checkpoint", "`mark NAME`"),
            ("tui enable", "windows"),
            ("info signals", "signals: a component has none"),
            ("break main", "`rr-dap debug` has it"),
            ("x/4x p", "`x` of gdb"),
        ] {
            let said = said_of(line).unwrap_or_default();
            assert!(said.contains(part), "{line}: {said}");
        }
        for line in [
            "settings",
            "jumper 3",
            "set.size",
            "run_count",
            "c",
            "x",
            "nothing",
            "",
        ] {
            assert_eq!(said_of(line), None, "{line}");
        }
    }
}
